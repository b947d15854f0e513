//! Trades of BAC and AIG in hops and rolling windows.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tidewire::runtime::Threads;

use super::super::sql_rows::rows_on;
use super::capture;
use super::zip::unpack;

/// A day of trades: the archive, the date, how many there are, and the hour that is gone through.
const DAYS: [(&str, &str, usize, i64); 2] = [
    ("taq/bac_20131010_trade.zip", "2013-10-10", 124_567, 10),
    ("taq/aig_20131009_trade.zip", "2013-10-09", 52_008, 15),
];

const HOUR_MS: i64 = 3_600_000;

/// A trade: ms since midnight, the price in 1/10,000, the size, and the venue.
struct Trade {
    ms: i64,
    price: i64,
    size: i64,
    venue: String,
}

/// The trades of an hour, cut out of the text.
fn trades(path: &Path, count: usize, hour: i64) -> Vec<Trade> {
    let text = fs::read_to_string(path).unwrap();
    assert_eq!(text.lines().count(), count);
    let trade = |line: &str| {
        let fields: Vec<_> = line.split(',').collect();
        let number = |at: usize| fields[at].parse::<i64>().unwrap();
        let venue = fields[3].to_owned();
        Trade { ms: number(0), price: number(1), size: number(2), venue }
    };
    let is_in = |trade: &Trade| trade.ms / HOUR_MS == hour;
    text.lines().map(trade).filter(is_in).collect()
}

/// The table of the trades, and a view of those of the hour.
fn tables(path: &Path, date: &str, hour: i64) -> String {
    format!(
        "CREATE TABLE day (
           ms INT, price INT, size BIGINT, venue STRING, conditions STRING, suspicious INT,
           ts AS TIMESTAMPADD(MILLISECOND, ms, TIMESTAMP '{date} 00:00:00.000'),
           WATERMARK FOR ts AS ts - INTERVAL '0.001' SECOND
         ) WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv');
         CREATE VIEW trades AS SELECT * FROM day WHERE EXTRACT(HOUR FROM ts) = {hour};",
        path.display()
    )
}

fn each_day(check: impl Fn(&str, &[Trade])) {
    for (archive, date, count, hour) in DAYS {
        let Some(archive) = capture(archive) else { return };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trades.csv");
        unpack(&archive, &path);
        check(&tables(&path, date, hour), &trades(&path, count, hour));
    }
}

/// A time of the day, as it is shown behind the date.
fn clock(ms: i64) -> String {
    let (seconds, ms) = (ms / 1_000, ms % 1_000);
    format!("{:02}:{:02}:{:02}.{ms:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[test]
fn hops_are_those_of_maps() {
    each_day(|tables, trades| {
        let (size, slide) = (60_000, 10_000);
        // Of each window's end: the trades, their sizes, and the sum of price times size.
        let mut expected: BTreeMap<i64, (i64, i64, i64)> = BTreeMap::new();
        for trade in trades {
            let first_end = trade.ms / slide * slide + slide;
            for end in (first_end..first_end + size).step_by(slide as usize) {
                let (count, volume, notional) = expected.entry(end).or_default();
                *count += 1;
                *volume += trade.size;
                *notional += trade.price * trade.size;
            }
        }
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(end, (count, volume, notional))| {
                let vwap = notional as f64 / volume as f64 / 1e4;
                [clock(end), count.to_string(), volume.to_string(), format!("{vwap:.6}")]
            })
            .collect();
        assert!(expected.len() > 300);
        let job = format!(
            "{tables}
             SELECT window_end, COUNT(*), SUM(size), SUM(CAST(price AS DOUBLE) * size) / SUM(size) / 1e4
             FROM HOP(TABLE trades, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '60' SECOND)
             GROUP BY window_start, window_end"
        );
        for threads in [Threads::Inline, Threads::Shards(2)] {
            let found: Vec<_> = rows_on(&job, threads)
                .into_iter()
                .map(|row| {
                    let (_, end) = row[0].split_once(' ').unwrap();
                    let vwap = row[3].parse::<f64>().unwrap();
                    [end.to_owned(), row[1].clone(), row[2].clone(), format!("{vwap:.6}")]
                })
                .collect();
            assert_eq!(found, expected);
        }
    });
}

#[test]
fn rolling_windows_are_those_of_going_back_from_each_trade() {
    each_day(|tables, trades| {
        let mut by_venue: BTreeMap<&str, Vec<&Trade>> = BTreeMap::new();
        trades.iter().for_each(|trade| by_venue.entry(&trade.venue).or_default().push(trade));
        let mut expected = Vec::new();
        for (venue, trades) in by_venue {
            for trade in &trades {
                let (mut count, mut volume, mut max) = (0, 0, 0);
                // Trades of the same millisecond are in it, before and behind.
                let until = trades.partition_point(|other| other.ms <= trade.ms);
                for other in trades[..until].iter().rev() {
                    if other.ms < trade.ms - 300_000 {
                        break;
                    }
                    (count, volume, max) = (count + 1, volume + other.size, max.max(other.price));
                }
                let numbers = [trade.price, trade.size, volume, volume / count, max];
                expected.push((clock(trade.ms), venue.to_owned(), numbers));
            }
        }
        expected.sort();
        assert!(expected.len() > 4_000);
        let job = format!(
            "{tables}
             SELECT ts, venue, price, size, SUM(size) OVER w, AVG(size) OVER w, MAX(price) OVER w
             FROM trades
             WINDOW w AS (PARTITION BY venue ORDER BY ts RANGE BETWEEN INTERVAL '5' MINUTE PRECEDING AND CURRENT ROW)"
        );
        let mut found: Vec<_> = rows_on(&job, Threads::Inline)
            .into_iter()
            .map(|row| {
                let (_, at) = row[0].split_once(' ').unwrap();
                let number = |at: usize| row[at].parse::<i64>().unwrap();
                (at.to_owned(), row[1].clone(), [2, 3, 4, 5, 6].map(number))
            })
            .collect();
        found.sort();
        let difference = found.iter().zip(&expected).find(|(ours, theirs)| ours != theirs);
        assert_eq!((difference, found.len()), (None, expected.len()));
    });
}

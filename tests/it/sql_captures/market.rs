//! Feeds of markets: bars, best levels, traded quantities.

use std::collections::BTreeMap;
use std::fs;

use tidewire::runtime::Threads;
use tidewire_tests::{stderr, tidewire};

use super::super::sql_rows::{rows, rows_on, run};
use super::capture;

/// Bars by SQL, a row of the window's end, the symbol, open, high, low, close, volume, trades, the exact notional, and VWAP.
fn bars_job(path: &str) -> String {
    format!(
        "CREATE TABLE trades WITH ('connector' = 'iex', 'path' = '{path}', 'stream' = 'trades');
         SELECT window_end, symbol, FIRST_VALUE(price), MAX(price), MIN(price), LAST_VALUE(price),
           SUM(quantity), COUNT(*), SUM(price * quantity), ROUND(SUM(price * quantity) / SUM(quantity), 6)
         FROM TUMBLE(TABLE trades, DESCRIPTOR(ts_event), INTERVAL '1' SECOND)
         GROUP BY window_start, window_end, symbol"
    )
}

/// A decimal as a whole number of its last digit, and how many digits it has behind the point.
fn units(text: &str) -> (i128, u32) {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    (format!("{whole}{rest}").parse().unwrap(), rest.len() as u32)
}

/// `sum / volume` to six digits, a half up.
fn mean(sum: &str, volume: &str) -> String {
    let (sum, digits) = units(sum);
    let volume: i128 = volume.parse().unwrap();
    let scaled = sum * 10_i128.pow(6 - digits);
    let mean = (2 * scaled + volume) / (2 * volume);
    format!("{}.{:06}", mean / 1_000_000, mean % 1_000_000)
}

#[test]
fn bars_of_iex_are_those_of_the_typed_job() {
    let Some(path) = capture("iex/DEEP10.pcap.gz") else { return };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("bars.csv");
    let arguments = ["replay", &path, "--inline", "--window", "1s", "--out"];
    let output = tidewire(arguments.iter().map(AsRef::as_ref).chain([out.as_os_str()]));
    assert!(output.status.success(), "{}", stderr(&output));
    // window_start, window_end, symbol, open, high, low, close, volume, vwap, trades, spread
    let mut expected: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for bar in super::super::sql_rows::table(&fs::read_to_string(&out).unwrap()) {
        if bar[9] == "0" {
            continue;
        }
        let end = bar[1].replace('T', " ");
        let (end, _) = end.split_once(['.', 'Z']).unwrap();
        let key = (end.to_owned(), bar[2].clone());
        let numbers = [&bar[3..8], &bar[9..10], &bar[8..9]].concat();
        assert!(expected.insert(key, numbers).is_none());
    }
    assert!(expected.len() > 9_000);
    for threads in [Threads::Inline, Threads::Shards(2)] {
        let mut found = BTreeMap::new();
        for bar in rows_on(&bars_job(&path), threads) {
            let (end, _) = bar[0].split_once('.').unwrap();
            assert_eq!(bar[9], mean(&bar[8], &bar[6]), "{bar:?}");
            let numbers = [&bar[2..8], &bar[9..10]].concat();
            assert!(found.insert((end.to_owned(), bar[1].clone()), numbers).is_none(), "{bar:?}");
        }
        let difference = found.iter().zip(&expected).find(|(ours, theirs)| ours != theirs);
        assert_eq!((difference, found.len()), (None, expected.len()));
    }
}

#[test]
fn quantities_of_iex_are_the_facts() {
    let Some(path) = capture("iex/DEEP10.pcap.gz") else { return };
    // A window of one day, in which the whole file is.
    let (_, done) = run(&format!(
        "CREATE TABLE trades WITH ('connector' = 'iex', 'path' = '{path}', 'stream' = 'trades');
         CREATE TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole');
         INSERT INTO nowhere SELECT quantity FROM trades"
    ));
    assert_eq!((done.rows_read, done.rows_written), (83_343, 83_343));
    let by_symbol = rows(&format!(
        "CREATE TABLE trades WITH ('connector' = 'iex', 'path' = '{path}', 'stream' = 'trades');
         SELECT symbol, SUM(quantity), COUNT(*)
         FROM TUMBLE(TABLE trades, DESCRIPTOR(ts_event), INTERVAL '1' DAY)
         GROUP BY window_start, window_end, GROUPING SETS ((symbol), ())"
    ));
    let mut totals: Vec<_> =
        by_symbol.into_iter().map(|row| (row[1].parse::<i64>().unwrap(), row[0].clone())).collect();
    totals.sort_by(|a, b| b.cmp(a));
    let facts = [
        (19_782_510, ""),
        (2_238_615, "MSFT"),
        (1_174_276, "AA-"),
        (1_156_853, "INTC"),
        (1_147_826, "ERIC"),
        (1_134_938, "C"),
    ];
    assert_eq!(totals[..6], facts.map(|(sum, symbol)| (sum, symbol.to_owned())));
}

#[test]
fn the_book_of_binance_ends_as_its_ticker() {
    let Some(path) = capture("binance/usdm_btcusdt_20240808.gz") else { return };
    let last = |stream: &str| {
        let rows = rows(&format!(
            "CREATE TABLE levels WITH ('connector' = 'binance', 'path' = '{path}', 'stream' = '{stream}');
             SELECT bid_price, bid_quantity, ask_price, ask_quantity FROM levels"
        ));
        rows.last().unwrap().clone()
    };
    let expected = ["61659.70000000", "1.48600000", "61659.80000000", "0.98100000"];
    assert_eq!(last("bbo"), expected);
    assert_eq!(last("ticker"), expected);
}

#[test]
fn trades_of_binance_are_the_facts() {
    let Some(path) = capture("binance/usdm_btcusdt_20240808.gz") else { return };
    let job = format!(
        "CREATE TABLE trades WITH ('connector' = 'binance', 'path' = '{path}', 'stream' = 'trades');
         SELECT COUNT(*), SUM(quantity), SUM(price * quantity)
         FROM TUMBLE(TABLE trades, DESCRIPTOR(ts_event), INTERVAL '1' DAY)
         GROUP BY window_start, window_end"
    );
    for threads in [Threads::Inline, Threads::Shards(2)] {
        let found = rows_on(&job, threads);
        assert_eq!(found.len(), 1);
        let exact = |text: &str| text.trim_end_matches('0').to_owned();
        let numbers: Vec<_> = found[0].iter().map(|text| exact(text)).collect();
        assert_eq!(numbers, ["21313", "2429.366", "149845680.8898"]);
    }
}

#[test]
fn quantities_of_esh4_are_the_facts() {
    let Some(path) = capture("dbn/esh4-glbx-mdp3-20231225.mbo.dbn.zst") else { return };
    let found = rows(&format!(
        "CREATE TABLE trades WITH ('connector' = 'dbn', 'path' = '{path}', 'stream' = 'trades');
         SELECT symbol, COUNT(*), SUM(quantity)
         FROM TUMBLE(TABLE trades, DESCRIPTOR(ts_event), INTERVAL '7' DAY)
         GROUP BY window_start, window_end, symbol"
    ));
    assert_eq!(found, [["ESH4", "2973", "9892"]]);
}

#[test]
fn executions_of_lobster_are_the_facts() {
    let Some(path) = capture("lobster/AAPL_2012-06-21_34200000_37800000_message_50.csv.zst") else {
        return;
    };
    let found = rows(&format!(
        "CREATE TABLE messages (
           seconds DECIMAL(14, 9), type TINYINT, order_id BIGINT, size BIGINT, price INT, direction TINYINT,
           ts AS TIMESTAMPADD(SECOND, CAST(seconds AS INT), TIMESTAMP '2012-06-21 00:00:00'),
           WATERMARK FOR ts AS ts
         ) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv');
         SELECT COUNT(*), COUNT(*) FILTER (WHERE type = 1), COUNT(*) FILTER (WHERE type = 3),
           SUM(size) FILTER (WHERE type = 4), SUM(size) FILTER (WHERE type = 5)
         FROM TUMBLE(TABLE messages, DESCRIPTOR(ts), INTERVAL '1' DAY)
         GROUP BY window_start, window_end"
    ));
    assert_eq!(found, [["91997", "44256", "41004", "350494", "183135"]]);
}

#[test]
fn quotes_of_kospi_come_in_the_order_of_the_golden_file() {
    let name = |kind| format!("kospi/kospi200_20110216_0900_30s.{kind}.zst");
    let Some(unsorted) = capture(&name("unsorted")) else { return };
    let Some(golden) = capture(&name("sorted_by_accept_time.golden")) else { return };
    let levels: Vec<_> = (1..=10).map(|level| format!("l{level}")).collect();
    let columns: Vec<_> = levels.iter().map(|level| format!("{level} STRING")).collect();
    let job = format!(
        "CREATE TABLE quotes (
           packet DECIMAL(16, 6), accepted STRING, issue STRING, {},
           ts AS TO_TIMESTAMP(CONCAT('2011-02-16 ', SUBSTRING(accepted, 1, 2), ':', SUBSTRING(accepted, 3, 2), ':',
             SUBSTRING(accepted, 5, 2), '.', SUBSTRING(accepted, 7, 2), '0'), 'yyyy-MM-dd HH:mm:ss.SSS'),
           WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
         ) WITH ('connector' = 'filesystem', 'path' = '{unsorted}', 'format' = 'csv',
           'csv.field-delimiter' = ' ', 'csv.disable-quote-character' = 'true');
         SELECT CONCAT_WS(' ', CAST(packet AS STRING), accepted, issue, {}) FROM quotes ORDER BY ts",
        columns.join(", "),
        levels.join(", ")
    );
    let golden = zstd::decode_all(fs::File::open(golden).unwrap()).unwrap();
    let golden: Vec<_> = std::str::from_utf8(&golden).unwrap().lines().collect();
    for threads in [Threads::Inline, Threads::Shards(2)] {
        let found = rows_on(&job, threads);
        let found: Vec<_> = found.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(found.len(), 16_004);
        let difference = found.iter().zip(&golden).find(|(ours, theirs)| ours != theirs);
        assert_eq!((difference, found.len()), (None, golden.len()));
    }
}

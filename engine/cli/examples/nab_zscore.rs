//! Values that lie far from those before them, in the series of the Numenta Anomaly Benchmark.
//!
//! Each value is compared with the mean and the standard deviation of its last hundred, itself among them, at once. One
//! that is more than four deviations away is flagged. The benchmark says in which windows of time an anomaly was seen: how
//! many of them hold a flag is printed, and how many flags lie outside.
//!
//! `cargo run --release -p tidewire --example nab_zscore -- nab_data_labels.tar.zst`
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use rkyv::Portable;
use tidewire::aggregates::{avg_f64, stddev_samp};
use tidewire::event::record::f64_ule;
use tidewire::prelude::*;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// Values of a frame before the current one.
pub(crate) const PRECEDING: u64 = 99;
/// Deviations from which on a value is flagged.
pub(crate) const FAR: f64 = 4.0;

/// A value of a series.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct Point {
    pub(crate) ts: i64_ule,
    pub(crate) series: u16_ule,
    pub(crate) value: f64_ule,
}

/// How many deviations a value is away from the mean.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Score {
    pub(crate) series: u16,
    pub(crate) ts: i64,
    pub(crate) z: f64,
}

/// What is in the archive.
pub(crate) struct Benchmark {
    pub(crate) names: Vec<String>,
    /// The points of all series in the order of time.
    pub(crate) points: Vec<Point>,
    /// First and last times of each window, by the name of the series.
    pub(crate) labels: BTreeMap<String, Vec<(i64, i64)>>,
}

/// The pipeline: the score of each value, in the order of arrival.
pub(crate) fn scores(points: Vec<Point>, options: &Options) -> Result<Vec<Score>, Box<dyn Error>> {
    let value = |point: &Point| point.value.to_native();
    let rows = stream(events(points, |point| point.ts.to_native()))
        .watermark(Monotonic::new)
        .key_by(|point: &Point| point.series.to_native())
        .rolling(Frame::Rows { preceding: PRECEDING })
        .on_arrival((avg_f64(value), stddev_samp(value)))
        .run(Rows::new(), options, &mut Silent)?
        .sink
        .rows;
    let score = |row: &tidewire::dataflow::RollingRow<Point, (Option<f64>, Option<f64>)>| {
        let (mean, deviation) = row.value;
        let away = value(&row.event) - mean?;
        let z = if away == 0.0 { 0.0 } else { away / deviation? };
        Some(Score { series: row.event.series.to_native(), ts: row.ts, z })
    };
    Ok(rows.iter().filter_map(score).collect())
}

/// Reads the archive.
pub(crate) fn read(path: &Path) -> Result<Benchmark, Box<dyn Error>> {
    let archive = zstd::decode_all(std::fs::File::open(path)?)?;
    let mut found = Benchmark { names: Vec::new(), points: Vec::new(), labels: BTreeMap::new() };
    for (name, content) in files(&archive) {
        let text = std::str::from_utf8(content)?;
        if name.ends_with("labels/combined_windows.json") {
            let windows: BTreeMap<String, Vec<(String, String)>> = serde_json::from_str(text)?;
            for (series, windows) in windows {
                let times = windows.iter().map(|(from, to)| Some((time(from)?, time(to)?)));
                let times = times.collect::<Option<_>>().ok_or("a window without times")?;
                found.labels.insert(series, times);
            }
        } else if let Some((_, series)) =
            name.split_once("data/").filter(|_| name.ends_with(".csv"))
        {
            let number = u16::try_from(found.names.len())?.into();
            found.names.push(series.to_owned());
            for line in text.lines().skip(1) {
                let point = line.split_once(',').and_then(|(at, value)| {
                    let value = value.trim().parse::<f64>().ok()?.into();
                    Some(Point { ts: time(at)?.into(), series: number, value })
                });
                found.points.push(point.ok_or_else(|| format!("{series}: no point: {line}"))?);
            }
        }
    }
    // As they would have come from live feeds. In a few places the files go back in time.
    found.points.sort_by_key(|point| point.ts.to_native());
    Ok(found)
}

/// `2014-04-01 00:00:00`, with or without a fraction, as ns since the epoch.
fn time(text: &str) -> Option<i64> {
    let number = |from, to| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    // Days since the epoch; the year begins in March, so that a leap day is its last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    let seconds = number(11, 13)? * 3_600 + number(14, 16)? * 60 + number(17, 19)?;
    Some((days - 719_468) * DAY + seconds * SECOND)
}

/// The files of a tar archive: headers of 512 bytes with a name and a size in octal, contents in blocks of 512.
fn files(archive: &[u8]) -> impl Iterator<Item = (&str, &[u8])> {
    const BLOCK: usize = 512;
    let mut rest = archive;
    std::iter::from_fn(move || {
        let (head, behind) = rest.split_at_checked(BLOCK)?;
        let field = |from, to| std::str::from_utf8(&head[from..to]).ok()?.split('\0').next();
        let name = field(0, 100).filter(|name| !name.is_empty())?;
        let size = usize::from_str_radix(field(124, 136)?.trim(), 8).ok()?;
        let content = behind.get(..size)?;
        rest = behind.get(size.next_multiple_of(BLOCK)..)?;
        Some((name, content))
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("which archive? give its path")?;
    let path = Path::new(&path);
    let Benchmark { names, points, labels } =
        read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    println!("{} values of {} series", points.len(), names.len());
    let mut flags: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for Score { series, ts, z } in scores(points, &Options::default())? {
        if z.abs() > FAR {
            flags.entry(&names[usize::from(series)]).or_default().push(ts);
        }
    }
    let (mut windows, mut hit, mut flagged, mut inside) = (0, 0, 0, 0);
    for name in &names {
        let flags = flags.get(&**name).map_or(&[][..], Vec::as_slice);
        let labels = labels.get(name).map_or(&[][..], Vec::as_slice);
        let is_in = |ts: &&i64| labels.iter().any(|(from, to)| (from..=to).contains(ts));
        let holds_one = |(from, to): &&(i64, i64)| flags.iter().any(|ts| (from..=to).contains(&ts));
        windows += labels.len();
        hit += labels.iter().filter(holds_one).count();
        flagged += flags.len();
        inside += flags.iter().filter(is_in).count();
    }
    println!("{flagged} flags, {inside} of them in labelled windows");
    println!("{hit} of {windows} labelled windows hold a flag");
    Ok(())
}

//! How benchmarks are run here: contestants take turns in one run (A B A B ...), and what counts is the ratio of
//! their medians. Every run appends a line to `bench/history.jsonl`.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::expect_used, clippy::disallowed_methods)]

pub mod wide;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rkyv::Portable;
use serde::Serialize;
use tidewire::prelude::{i64_le, u64_le};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// What is shown of latencies.
pub const QUANTILES: [(&str, f64); 6] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999), ("max", 1.0)];

/// The value of a key, as tables keep it.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub struct Total {
    /// How many.
    pub count: u64_le,
    /// What they come to.
    pub sum: i64_le,
}

/// One contestant of a comparison.
pub struct Contestant<'a> {
    name: &'static str,
    run: Box<dyn FnMut() -> u64 + 'a>,
    ns_per_item: Vec<f64>,
}

/// A comparison: all contestants do the same work on the same input.
pub struct Comparison<'a> {
    name: String,
    items: u64,
    contestants: Vec<Contestant<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    at: u64,
    commit: String,
    host: String,
    comparison: &'a str,
    contestant: &'a str,
    items: u64,
    ns_per_item_median: f64,
    ns_per_item_min: f64,
    ns_per_item_max: f64,
    ratio_to_first: f64,
}

impl<'a> Comparison<'a> {
    /// A comparison over `items` items.
    pub fn new(name: impl Into<String>, items: u64) -> Self {
        Self { name: name.into(), items, contestants: Vec::new() }
    }

    /// Adds a contestant; the first is the baseline. `run` does the whole work once and answers with a checksum,
    /// which must be the same for all.
    #[must_use]
    pub fn contestant(mut self, name: &'static str, run: impl FnMut() -> u64 + 'a) -> Self {
        self.contestants.push(Contestant { name, run: Box::new(run), ns_per_item: Vec::new() });
        self
    }

    /// Takes turns, `rounds` times after one to warm up; prints a table and appends to the history. The ratios to
    /// the first.
    ///
    /// # Panics
    /// Two contestants disagree on the result.
    pub fn run(mut self, rounds: usize) -> Vec<f64> {
        for round in 0..=rounds {
            let mut expected = None;
            for contestant in &mut self.contestants {
                let start = Instant::now();
                let checksum = (contestant.run)();
                let ns = start.elapsed().as_nanos() as f64 / self.items as f64;
                let first = *expected.get_or_insert(checksum);
                assert_eq!(checksum, first, "{}: {} disagrees", self.name, contestant.name);
                if round > 0 {
                    contestant.ns_per_item.push(ns);
                }
            }
        }
        println!("\n{} ({} items, {rounds} rounds, median [min .. max])", self.name, self.items);
        let baseline = median(&self.contestants[0].ns_per_item);
        let mut ratios = Vec::new();
        for contestant in &self.contestants {
            let times = &contestant.ns_per_item;
            let (min, max) =
                times.iter().fold((f64::MAX, 0.0_f64), |(a, b), t| (a.min(*t), b.max(*t)));
            let (median, ratio) = (median(times), median(times) / baseline);
            println!(
                "  {:<34} {median:>9.2} ns/item  [{min:>8.2} .. {max:>8.2}]   {ratio:>5.2}x",
                contestant.name
            );
            ratios.push(ratio);
            append(&Line {
                at: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_secs()),
                commit: output("git", &["rev-parse", "--short", "HEAD"]),
                host: host(),
                comparison: &self.name,
                contestant: contestant.name,
                items: self.items,
                ns_per_item_median: median,
                ns_per_item_min: min,
                ns_per_item_max: max,
                ratio_to_first: ratio,
            });
        }
        ratios
    }
}

/// The middle one.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Appends a line to `bench/history.jsonl`.
///
/// # Panics
/// The file can not be written.
pub fn append(line: &impl Serialize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("history.jsonl");
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("history.jsonl");
    let json = serde_json::to_string(line).expect("plain data");
    writeln!(file, "{json}").expect("history.jsonl");
}

/// The processor and the number of cores.
#[must_use]
pub fn host() -> String {
    let model = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{} x {cores}", model.map_or("unknown", |(_, name)| name))
}

/// What a command prints, on one line.
#[must_use]
pub fn output(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command).args(arguments).output();
    output.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).unwrap_or_default()
}

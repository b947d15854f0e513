//! Streaming SQL beside the same job in the typed API and as a loop written by hand, on one core: what an event costs. The
//! rows lie in memory; nothing is parsed. The jobs and their input are those of `scripts/flink.sh --speed`, which `--flink`
//! runs too.
//!
//! `cargo run --release -p tidewire-bench --bin sql [-- --flink]`
#![allow(clippy::print_stdout, clippy::expect_used, clippy::disallowed_methods)]

mod hand;
mod input;
mod text;
mod typed;

use std::cell::Cell;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use clap::Parser;
use serde::{Deserialize, Serialize};
use tidewire_bench::{Comparison, append, host, output};

use self::input::Event;

#[derive(Parser)]
struct Arguments {
    /// Events of each run; of the rolling job a quarter.
    #[arg(long, default_value_t = 6_000_000)]
    events: usize,
    /// Measured rounds.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only the job of this name.
    #[arg(long)]
    only: Option<String>,
    /// Only the contestants whose name contains this: for profiles.
    #[arg(long, default_value = "")]
    contestant: String,
    /// Asks Flink too.
    #[arg(long)]
    flink: bool,
}

/// A job in three ways: each answers with a checksum of its rows.
struct Job {
    /// As `scripts/flink.sh --speed` calls it.
    name: &'static str,
    keys: u64,
    /// Events of a second of event time.
    rate: i64,
    sql: &'static str,
    typed: fn(Arc<[Event]>) -> u64,
    by_hand: fn(&[Event]) -> u64,
}

const JOBS: [Job; 5] = [
    Job {
        name: "filter-project",
        keys: 1_000,
        rate: 1_000_000,
        sql: text::FILTER,
        typed: typed::filter,
        by_hand: hand::filter,
    },
    Job {
        name: "tumbling-1000",
        keys: 1_000,
        rate: 1_000_000,
        sql: text::TUMBLING,
        typed: typed::tumbling,
        by_hand: hand::tumbling,
    },
    Job {
        name: "tumbling-1000000",
        keys: 1_000_000,
        rate: 1_000_000,
        sql: text::TUMBLING,
        typed: typed::tumbling,
        by_hand: hand::tumbling,
    },
    Job {
        name: "hop-1000",
        keys: 1_000,
        rate: 1_000_000,
        sql: text::HOP,
        typed: typed::hop,
        by_hand: hand::hop,
    },
    Job {
        name: "rolling-1000",
        keys: 1_000,
        rate: 1_000,
        sql: text::ROLLING,
        typed: typed::rolling,
        by_hand: hand::rolling,
    },
];

/// What a job came to.
#[derive(Serialize)]
struct Line<'a> {
    bench: &'static str,
    commit: String,
    host: String,
    job: &'a str,
    events: usize,
    sql_to_typed: f64,
    sql_to_by_hand: f64,
    cpu_seconds_per_million: f64,
    flink_cpu_seconds_per_million: Option<f64>,
}

/// What Flink says of a job.
#[derive(Deserialize)]
struct OfFlink {
    cpu_seconds_per_million: f64,
}

/// Seconds that this process has had of processors so far: the system counts hundredths.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let fields = behind_name.split_whitespace().skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Flink's CPU-seconds for a million events, if it can be asked.
fn flink(job: &str) -> Option<f64> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/flink.sh");
    let said = Command::new(script).args(["--speed", job]).output().ok()?;
    let said: OfFlink = serde_json::from_slice(&said.stdout).ok()?;
    Some(said.cpu_seconds_per_million)
}

fn run(job: &Job, arguments: &Arguments) -> Line<'static> {
    let events = if job.rate < 1_000_000 { arguments.events / 4 } else { arguments.events };
    let input: Arc<[Event]> = input::events(events, job.keys, job.rate).into();
    let cpu = Cell::new((0.0, 0_u32));
    let contestants: [(&str, Box<dyn Fn() -> u64 + '_>); 3] = [
        ("by hand", Box::new(|| (job.by_hand)(&input))),
        ("typed", Box::new(|| (job.typed)(Arc::clone(&input)))),
        (
            "sql",
            Box::new(|| {
                let before = cpu_seconds();
                let checksum = text::run(job.sql, &input);
                let (taken, runs) = cpu.get();
                cpu.set((taken + cpu_seconds() - before, runs + 1));
                checksum
            }),
        ),
    ];
    let wanted = contestants.into_iter().filter(|(name, _)| name.contains(&arguments.contestant));
    let comparison = Comparison::new(format!("sql, {}", job.name), events as u64);
    let comparison = wanted.fold(comparison, |it, (name, run)| it.contestant(name, run));
    let ratios = comparison.run(arguments.rounds);
    let (taken, runs) = cpu.get();
    let (typed, sql) = match ratios.as_slice() {
        [_, typed, sql] => (*typed, *sql),
        _ => (f64::NAN, f64::NAN),
    };
    Line {
        bench: "sql",
        commit: output("git", &["rev-parse", "--short", "HEAD"]),
        host: host(),
        job: job.name,
        events,
        sql_to_typed: sql / typed,
        sql_to_by_hand: sql,
        cpu_seconds_per_million: taken * 1e6 / (f64::from(runs) * events as f64),
        flink_cpu_seconds_per_million: arguments.flink.then(|| flink(job.name)).flatten(),
    }
}

fn main() {
    let arguments = Arguments::parse();
    let is_wanted = |job: &&Job| arguments.only.as_ref().is_none_or(|only| job.name == only);
    let wanted = JOBS.iter().filter(is_wanted);
    let lines: Vec<_> = wanted.map(|job| run(job, &arguments)).collect();
    println!(
        "\n{:<18} {:>10} {:>12} {:>16} {:>16} {:>8}",
        "", "sql/typed", "sql/by hand", "CPU s/million", "Flink's", "ratio"
    );
    for line in &lines {
        let Line { job, sql_to_typed, sql_to_by_hand, cpu_seconds_per_million: ours, .. } = line;
        let (flink, ratio) = match line.flink_cpu_seconds_per_million {
            Some(flink) => (format!("{flink:.3}"), format!("{:.0}x", flink / ours)),
            None => ("-".to_owned(), "-".to_owned()),
        };
        println!(
            "{job:<18} {sql_to_typed:>9.2}x {sql_to_by_hand:>11.2}x {ours:>16.4} {flink:>16} {ratio:>8}"
        );
        append(line);
    }
}

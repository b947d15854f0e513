//! What a snapshot costs the events that go on: 1 GiB of state in one shard, updates spread evenly over 8 million keys at
//! half the measured maximum rate, a snapshot each second; beside it the same without snapshots, and `fork()`.
//!
//! Rounds take turns in one run. Latencies are from the moment an event was due.
#![deny(unsafe_code)]
#![allow(clippy::print_stdout, clippy::expect_used, clippy::disallowed_methods)]

mod fork;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use hdrhistogram::Histogram;
use tidewire::event::HashRange;
use tidewire::event::limits::CAPTURE_RECORDS;
use tidewire::event::record::u64_le;
use tidewire::prelude::*;
use tidewire::runtime::latency::{Span, histogram};
use tidewire::runtime::{Outcome, SnapshotTotals, Snapshots};
use tidewire_bench::wide::{Count, Nowhere, Value};
use tidewire_snapshot::{DirStore, Job};
use tidewire_state::{Budget, Log, Section, Table, TableId};

/// Stall of events by snapshots.
#[derive(Parser)]
struct Arguments {
    /// Keys; a slot of the table is 64 bytes, and 8 million keys lie in 1 GiB of them.
    #[arg(long, default_value_t = 8_000_000)]
    keys: u64,
    /// Seconds that count, of each round.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Rounds with and without snapshots.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Where snapshots go; the folder is removed at the end.
    #[arg(long, default_value = "target/stall")]
    folder: PathBuf,
}

/// Every key once, in the order of a multiplication: a scattered one.
struct Keys {
    next: u64,
    end: u64,
    keys: u64,
}

impl Source for Keys {
    type Event = u64;
    type Error = Infallible;

    fn next(&mut self) -> Result<Polled<u64>, Infallible> {
        if self.next == self.end {
            return Ok(Polled::End);
        }
        let event = self.next.wrapping_mul(0x9e37_79b9_7f4a_7c15) % self.keys;
        self.next += 1;
        let ts = self.next as i64;
        Ok(Polled::Event(Stamped::new(ts, event)))
    }
}

/// Keeps the latencies of what comes after the state has been filled.
struct After {
    from: i64,
    to: i64,
    latencies: Histogram<u64>,
}

impl Observer for After {
    fn interval(&mut self, span: Span, start: i64, end: i64, latencies: &Histogram<u64>) {
        if span == Span::Effect && start >= self.from && end <= self.to {
            self.latencies.add(latencies).expect("the same bounds");
        }
    }
}

struct Round {
    latencies: Histogram<u64>,
    snapshots: Option<SnapshotTotals>,
}

fn options(rate: Rate, snapshots: Option<Snapshots>) -> Options {
    Options { threads: Threads::Inline, rate, snapshots, ..Options::default() }
}

fn job(
    arguments: &Arguments,
    end: u64,
    options: &Options,
    observer: &mut impl Observer,
) -> Outcome<Nowhere> {
    stream(Keys { next: 0, end, keys: arguments.keys })
        .watermark(|| Bounded::new(i64::MAX / 2))
        .key_by(|key: &u64| *key)
        .window(Tumbling::new(i64::MAX / 4).expect("a size"))
        .aggregate(Count)
        .run(Nowhere, options, observer)
        .expect("a run")
}

fn round(arguments: &Arguments, rate: f64, folder: Option<&Path>) -> Round {
    let seconds = arguments.seconds as f64 + 1.0;
    // Every key twice, and a second more in which the first pages of the image are made.
    let filling = arguments.keys * 2 + rate as u64;
    let end = filling + (rate * seconds) as u64;
    let filled_ns = (filling as f64 / rate * 1e9) as i64;
    let total_ns = (end as f64 / rate * 1e9) as i64;
    // The last half second is the end's: the window closes.
    let mut after = After { from: filled_ns, to: total_ns - SECOND / 2, latencies: histogram() };
    let snapshots = folder.map(|folder| {
        let _ = std::fs::remove_dir_all(folder);
        let store = DirStore::open(folder).expect("a folder for snapshots");
        let job = Job { fingerprint: "stall".to_owned(), description: Default::default() };
        Snapshots::new(Arc::new(store), job)
    });
    let options = options(Rate::PerSecond(rate), snapshots);
    let outcome = job(arguments, end, &options, &mut after);
    Round { latencies: after.latencies, snapshots: outcome.snapshots }
}

/// Events per second that the job reaches, filling the state and updating all of it twice.
fn maximum(arguments: &Arguments) -> f64 {
    let end = arguments.keys * 3;
    let outcome = job(arguments, end, &options(Rate::Max, None), &mut Silent);
    // Closing the window is not among what is measured.
    end as f64 / (outcome.elapsed_ns as f64 / 1e9)
}

/// A log that takes everything and keeps nothing.
struct Discard;

impl Log for Discard {
    fn entries(&mut self, _: &Section, _: usize, entries: &[u8]) -> usize {
        entries.len()
    }

    fn dropped(&mut self, _: TableId) -> bool {
        true
    }
}

/// The freeze of tables of several sizes, every record of them changed.
fn freezes() {
    println!("\nfreeze of a table whose records have all changed, ns (median and largest)");
    for (name, records) in [("1 MiB", 8_000_usize), ("64 MiB", 500_000), ("1 GiB", 8_000_000)] {
        let mut table =
            Table::<u64, Value>::with_capacity(records, HashRange::ALL, &Budget::unlimited(), true)
                .expect("memory");
        let mut ns = Vec::new();
        for _ in 0..21 {
            for key in 0..records as u64 {
                table.entry(&key, || [u64_le::from_native(0); 6]).expect("room")[0] += 1;
            }
            let begin = Instant::now();
            table.freeze();
            ns.push(begin.elapsed().as_nanos());
            let id = TableId { number: 1, instance: 0 };
            while !table.capture(CAPTURE_RECORDS * 512, id, &mut Discard) {}
            if records > 1_000_000 && ns.len() == 5 {
                break;
            }
        }
        ns.sort_unstable();
        println!("  {name:>7}: {} {}", ns[ns.len() / 2], ns[ns.len() - 1]);
    }
}

fn show(name: &str, latencies: &Histogram<u64>) {
    let at = |quantile| latencies.value_at_quantile(quantile);
    println!(
        "  {name:<18} p50 {:>7}  p99 {:>8}  p99.9 {:>9}  p99.99 {:>10}  max {:>10}  ({} events)",
        at(0.5),
        at(0.99),
        at(0.999),
        at(0.9999),
        latencies.max(),
        latencies.len(),
    );
}

fn main() {
    let arguments = Arguments::parse();
    freezes();
    let maximum = maximum(&arguments);
    let rate = maximum / 2.0;
    println!("\n{maximum:.0} events/s at most on {} keys; rounds at {rate:.0}/s", arguments.keys);
    println!("effect latency from due, ns");
    let (mut without, mut with) = (histogram(), histogram());
    let mut ratios = Vec::new();
    for number in 1..=arguments.rounds {
        let bare = round(&arguments, rate, None);
        show(&format!("{number} without"), &bare.latencies);
        let snap = round(&arguments, rate, Some(&arguments.folder));
        show(&format!("{number} with"), &snap.latencies);
        let totals = snap.snapshots.expect("they were on");
        println!(
            "  {:<18} {} published, {} given up, {} MiB stored, freeze at most {} ns, barrier to manifest at most {} ms",
            "",
            totals.published,
            totals.given_up,
            totals.bytes >> 20,
            totals.freeze_ns_max,
            totals.publish_ns_max / 1_000_000,
        );
        let ratio = |quantile| {
            snap.latencies.value_at_quantile(quantile) as f64
                / bare.latencies.value_at_quantile(quantile).max(1) as f64
        };
        ratios.push([0.5, 0.99, 0.999, 0.9999].map(ratio));
        without.add(&bare.latencies).expect("the same bounds");
        with.add(&snap.latencies).expect("the same bounds");
    }
    show("all without", &without);
    show("all with", &with);
    for (at, name) in ["p50", "p99", "p99.9", "p99.99"].into_iter().enumerate() {
        let mut of: Vec<f64> = ratios.iter().map(|ratio| ratio[at]).collect();
        of.sort_by(f64::total_cmp);
        println!("  {name} with / without, median of rounds: {:.2}", of[of.len() / 2]);
    }
    let _ = std::fs::remove_dir_all(&arguments.folder);
    fork::show(arguments.keys as usize * 128);
}

//! What a snapshot costs the events that go on: 1 GiB of state in one shard, updates spread evenly over 8 million keys at
//! half the measured maximum rate, a snapshot each second; beside it the same without snapshots, and `fork()`.
//!
//! Rounds take turns in one run. Latencies are from the moment an event was due.
#![deny(unsafe_code)]
#![allow(clippy::print_stdout, clippy::expect_used, clippy::disallowed_methods)]

mod fork;

use std::cmp::Ordering;
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

/// Count and what else a record of 64 bytes holds.
type Value = [u64_le; 6];

#[derive(Clone)]
struct Count;

impl Aggregate for Count {
    type In = u64;
    type Partial = Value;
    type Out = u64;

    fn lift(&self, _: &Header, event: &u64) -> Value {
        [u64_le::from_native(*event); 6]
    }

    fn combine(&self, a: &Value, b: &Value) -> Value {
        std::array::from_fn(|at| (a[at] + b[at]).into())
    }

    fn lower(&self, _: Window, value: &Value) -> u64 {
        value[0].to_native()
    }
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

    fn next(&mut self) -> Result<Option<Stamped<u64>>, Infallible> {
        if self.next == self.end {
            return Ok(None);
        }
        let event = self.next.wrapping_mul(0x9e37_79b9_7f4a_7c15) % self.keys;
        self.next += 1;
        let ts = self.next as i64;
        Ok(Some(Stamped { ts, received: ts, event }))
    }
}

struct Nowhere;

impl Sink for Nowhere {
    type Row = WindowRow<u64, u64>;
    type Late = u64;
    type Error = Infallible;

    fn compare(&self, _: &Self::Row, _: &Self::Row) -> Ordering {
        Ordering::Equal
    }

    fn row(&mut self, _: Self::Row) -> Result<(), Infallible> {
        Ok(())
    }

    fn late(&mut self, _: &Header, _: u64) -> Result<(), Infallible> {
        Ok(())
    }

    fn prepare(&mut self, _: u64) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(Some(Vec::new()))
    }

    fn finish(&mut self) -> Result<(), Infallible> {
        Ok(())
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
    snapshots: Option<tidewire::runtime::SnapshotTotals>,
}

fn round(arguments: &Arguments, rate: f64, folder: Option<&Path>) -> Round {
    let seconds = arguments.seconds as f64 + 1.0;
    let end = arguments.keys * 2 + (rate * seconds) as u64;
    let filled_ns = (arguments.keys as f64 * 2.0 / rate * 1e9) as i64;
    let total_ns = (end as f64 / rate * 1e9) as i64;
    // The last second is the end's: every window closes.
    let mut after = After { from: filled_ns, to: total_ns - SECOND / 2, latencies: histogram() };
    let snapshots = folder.map(|folder| {
        let _ = std::fs::remove_dir_all(folder);
        let store = DirStore::open(folder).expect("a folder for snapshots");
        let job = Job { fingerprint: "stall".to_owned(), description: Default::default() };
        tidewire::runtime::Snapshots::new(Arc::new(store), job)
    });
    let options = Options {
        threads: Threads::Inline,
        rate: Rate::PerSecond(rate),
        wait: Some(Wait::Spin),
        snapshots,
        ..Options::default()
    };
    let outcome = stream(Keys { next: 0, end, keys: arguments.keys })
        .watermark(|| Bounded::new(i64::MAX / 2))
        .key_by(|key: &u64| *key)
        .window(Tumbling::new(i64::MAX / 4).expect("a size"))
        .aggregate(Count)
        .run(Nowhere, &options, &mut after)
        .expect("a run");
    Round { latencies: after.latencies, snapshots: outcome.snapshots }
}

/// Updates per second that one core reaches on all keys.
fn maximum(arguments: &Arguments) -> f64 {
    let mut table = Table::<u64, Value>::with_capacity(
        arguments.keys as usize,
        HashRange::ALL,
        &Budget::unlimited(),
        true,
    )
    .expect("memory");
    let mut update = |from: u64, to: u64| {
        for n in from..to {
            let key = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % arguments.keys;
            let value = table.entry(&key, || [u64_le::from_native(0); 6]).expect("room");
            value[0] += 1;
        }
    };
    update(0, arguments.keys * 2);
    let begin = Instant::now();
    update(0, arguments.keys);
    arguments.keys as f64 / begin.elapsed().as_secs_f64()
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
    println!("\nfreeze of a table whose records have all changed, ns (median and largest of 21)");
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

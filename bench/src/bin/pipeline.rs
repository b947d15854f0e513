//! The typed pipeline, inline and on two cores, beside a hand-written single-threaded loop: tumbling windows of one
//! second, count and sum by key.
//!
//! `cargo run --release -p tidewire-bench --bin pipeline`
#![allow(clippy::print_stdout, clippy::expect_used)]

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::convert::Infallible;

use ahash::RandomState;
use clap::Parser;
use hashbrown::HashMap;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};
use tidewire::prelude::*;
use tidewire_bench::{Comparison, Total};

#[derive(Parser)]
struct Arguments {
    /// Events of each run.
    #[arg(long, default_value_t = 10_000_000)]
    events: usize,
    /// Measured rounds.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only the comparisons whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Event {
    ts: i64,
    key: u64,
    value: i64,
    other: u64,
}

const _: () = assert!(size_of::<Event>() == 32);

#[derive(Clone)]
struct CountAndSum;

impl Aggregate for CountAndSum {
    type In = Event;
    type Partial = Total;
    type Out = (u64, i64);

    fn lift(&self, _: &Header, event: &Event) -> Total {
        Total { count: 1.into(), sum: event.value.into() }
    }

    fn combine(&self, a: &Total, b: &Total) -> Total {
        Total { count: (a.count + b.count).into(), sum: (a.sum + b.sum).into() }
    }

    fn lower(&self, _: Window, total: &Total) -> (u64, i64) {
        (total.count.to_native(), total.sum.to_native())
    }
}

/// One million events a second of event time; each up to `disorder` ns late.
fn input(count: usize, keys: u64, disorder: i64) -> Vec<Event> {
    let mut random = Pcg64::seed_from_u64(7);
    (0..count as i64)
        .map(|n| {
            let late = if disorder > 0 { (random.next_u64() % disorder as u64) as i64 } else { 0 };
            let key = random.next_u64() % keys;
            Event { ts: n * MICROSECOND - late, key, value: n & 0xff, other: 0 }
        })
        .collect()
}

/// The order of rows must not matter to the checksum.
fn checksum(end: i64, key: u64, (count, sum): (u64, i64)) -> u64 {
    let mixed = (end as u64 ^ key.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed.wrapping_mul(count).wrapping_add(sum as u64)
}

struct Checksum(u64);

impl Sink for Checksum {
    type Row = WindowRow<u64, (u64, i64)>;
    type Late = Event;
    type Error = Infallible;

    fn compare(&self, _: &Self::Row, _: &Self::Row) -> Ordering {
        Ordering::Equal
    }

    fn row(&mut self, row: Self::Row) -> Result<(), Infallible> {
        self.0 = self.0.wrapping_add(checksum(row.window.end, row.key, row.value));
        Ok(())
    }

    fn late(&mut self, _: &Header, _: Event) -> Result<(), Infallible> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// What one would write by hand: a hash map for each open second, emitted when the watermark has passed it.
fn by_hand(input: &[Event], disorder: i64) -> u64 {
    let mut open: BTreeMap<i64, HashMap<u64, (u64, i64), RandomState>> = BTreeMap::new();
    let hasher = RandomState::with_seeds(1, 2, 3, 4);
    let mut spare = Vec::new();
    let (mut sum, mut newest, mut next_close) = (0_u64, i64::MIN, i64::MIN);
    let mut recent: (i64, HashMap<_, _, _>) = (i64::MIN, HashMap::with_hasher(hasher.clone()));
    for event in input {
        let second = event.ts.div_euclid(SECOND);
        if second != recent.0 {
            let next = open
                .remove(&second)
                .or_else(|| spare.pop())
                .unwrap_or_else(|| HashMap::with_hasher(hasher.clone()));
            let (before, map) = std::mem::replace(&mut recent, (second, next));
            if before != i64::MIN {
                open.insert(before, map);
            }
        }
        let total = recent.1.entry(event.key).or_insert((0, 0));
        total.0 += 1;
        total.1 += event.value;
        newest = newest.max(event.ts);
        if newest >= next_close {
            let watermark = newest - disorder - 1;
            while let Some(first) = open.first_entry()
                && watermark >= (first.key() + 1) * SECOND - 1
            {
                let (second, mut map) = first.remove_entry();
                for (key, total) in map.drain() {
                    sum = sum.wrapping_add(checksum((second + 1) * SECOND, key, total));
                }
                spare.push(map);
            }
            next_close = ((watermark + 1).div_euclid(SECOND) + 1) * SECOND + disorder;
        }
    }
    open.insert(recent.0, recent.1);
    for (second, map) in open {
        for (key, total) in map {
            sum = sum.wrapping_add(checksum((second + 1) * SECOND, key, total));
        }
    }
    sum
}

fn pipeline(input: &[Event], disorder: i64, threads: Threads) -> u64 {
    let options = Options { threads, ..Options::default() };
    let found = stream(events(input.iter().copied(), |event: &Event| event.ts))
        .watermark(|| Bounded::new(disorder))
        .key_by(|event: &Event| event.key)
        .window(Tumbling::SECOND)
        .aggregate(CountAndSum)
        .run(Checksum(0), &options, &mut Silent);
    found.expect("the job runs to its end").sink.0
}

fn main() {
    let arguments = Arguments::parse();
    for (keys, disorder) in
        [(1_000, 0), (1_000, 2 * SECOND), (1_000_000, 0), (1_000_000, 2 * SECOND)]
    {
        let order = if disorder == 0 { "in order" } else { "2 s of disorder" };
        let name = format!("tumbling 1 s, {keys} keys, {order}");
        if !name.contains(&arguments.only) {
            continue;
        }
        let input = input(arguments.events, keys, disorder);
        Comparison::new(name, input.len() as u64)
            .contestant("by hand (hashbrown, ahash)", || by_hand(&input, disorder))
            .contestant("tidewire, inline", || pipeline(&input, disorder, Threads::Inline))
            .contestant("tidewire, source + 1 shard", || {
                pipeline(&input, disorder, Threads::Shards(1))
            })
            .run(arguments.rounds);
    }
}

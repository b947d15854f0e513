//! The tables of the state beside hashbrown: the same updates of the same keys, each an add to a count and a sum. Then the
//! same with snapshots: an epoch that is captured, a few records after each update, every million updates.
//!
//! `cargo run --release -p tidewire-bench --bin state`
#![allow(clippy::print_stdout, clippy::expect_used)]

use std::hash::{BuildHasherDefault, Hasher};

use ahash::RandomState;
use clap::Parser;
use hashbrown::HashMap;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};
use tidewire::event::hash_of;
use tidewire::event::limits::CAPTURE_RECORDS;
use tidewire::prelude::*;
use tidewire::state::{Log, Section, Table, TableId};
use tidewire_bench::{Comparison, Total};

#[derive(Parser)]
struct Arguments {
    /// Updates of each run.
    #[arg(long, default_value_t = 10_000_000)]
    updates: usize,
    /// Measured rounds.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Only the comparisons whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
}

/// Updates between two barriers.
const UPDATES_PER_EPOCH: usize = 1_000_000;
/// Updates between two calls to capture: what a shard takes from a ring at a time, at least.
const UPDATES_PER_CAPTURE: usize = 8;

/// The exponent of the Zipf distribution: the one of words, and of the busiest symbols.
const ZIPF: f64 = 1.0;

/// Keys are numbers of no pattern, as identifiers are.
fn key(number: usize) -> u64 {
    (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn uniform(count: usize, keys: usize) -> Vec<u64> {
    let mut random = Pcg64::seed_from_u64(7);
    (0..count).map(|_| key((random.next_u64() % keys as u64) as usize)).collect()
}

/// By a table of the distribution's sums, in which each draw is looked up.
fn zipf(count: usize, keys: usize) -> Vec<u64> {
    let mut random = Pcg64::seed_from_u64(7);
    let sums: Vec<f64> = (1..=keys)
        .scan(0.0, |sum, rank| {
            *sum += (rank as f64).powf(-ZIPF);
            Some(*sum)
        })
        .collect();
    let total = sums.last().copied().unwrap_or(0.0);
    let draw = |word: u64| (word >> 11) as f64 / (1_u64 << 53) as f64 * total;
    (0..count)
        .map(|_| key(sums.partition_point(|sum| *sum < draw(random.next_u64())).min(keys - 1)))
        .collect()
}

fn checksum(key: u64, count: u64, sum: i64) -> u64 {
    key.wrapping_mul(count).wrapping_add(sum as u64)
}

/// The hash of the tables, for hashbrown.
#[derive(Default)]
struct Fixed(u64);

impl Hasher for Fixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    #[inline]
    fn write_u64(&mut self, key: u64) {
        // It takes its tags from the top bits, and its places from the lowest.
        self.0 = hash_of(&key);
    }
}

fn hashbrown<S: std::hash::BuildHasher>(keys: &[u64], hasher: S) -> u64 {
    let mut map: HashMap<u64, (u64, i64), S> = HashMap::with_hasher(hasher);
    for (n, key) in keys.iter().enumerate() {
        let total = map.entry(*key).or_insert((0, 0));
        total.0 += 1;
        total.1 += n as i64;
    }
    map.iter().fold(0, |all, (key, (count, sum))| all.wrapping_add(checksum(*key, *count, *sum)))
}

#[inline(always)]
fn update(table: &mut Table<u64, Total>, n: usize, key: u64) {
    let none = || Total { count: 0.into(), sum: 0.into() };
    let total = table.entry(&key, none).expect("no bound is set");
    total.count += 1;
    total.sum += n as i64;
}

fn sum_of(table: &Table<u64, Total>) -> u64 {
    table.iter().fold(0, |all, (key, total)| {
        all.wrapping_add(checksum(key, total.count.to_native(), total.sum.to_native()))
    })
}

fn table(keys: &[u64]) -> u64 {
    let mut table = Arena::unlimited().table().expect("no bound is set");
    for (n, key) in keys.iter().enumerate() {
        update(&mut table, n, *key);
    }
    sum_of(&table)
}

/// Takes everything and keeps nothing.
struct Discard;

impl Log for Discard {
    fn entries(&mut self, _: &Section, _: usize, entries: &[u8]) -> usize {
        entries.len()
    }

    fn dropped(&mut self, _: TableId) -> bool {
        true
    }
}

fn table_with_snapshots(keys: &[u64]) -> u64 {
    let arena = Arena { is_tracked: true, ..Arena::unlimited() };
    let id = TableId { number: 1, instance: 0 };
    let mut table = arena.table().expect("no bound is set");
    let mut is_capturing = false;
    for (epoch, keys) in keys.chunks(UPDATES_PER_EPOCH).enumerate() {
        for (chunk, keys) in keys.chunks(UPDATES_PER_CAPTURE).enumerate() {
            let first = epoch * UPDATES_PER_EPOCH + chunk * UPDATES_PER_CAPTURE;
            for (n, key) in keys.iter().enumerate() {
                update(&mut table, first + n, *key);
            }
            if is_capturing {
                is_capturing = !table.capture(CAPTURE_RECORDS, id, &mut Discard);
            }
        }
        while is_capturing {
            is_capturing = !table.capture(CAPTURE_RECORDS, id, &mut Discard);
        }
        assert!(!table.overflowed());
        table.freeze();
        is_capturing = true;
    }
    sum_of(&table)
}

fn main() {
    let arguments = Arguments::parse();
    for keys in [1_000, 1_000_000] {
        for (distribution, draw) in
            [("uniform", uniform as fn(usize, usize) -> Vec<u64>), ("Zipf", zipf)]
        {
            let name = format!("table, {keys} keys, {distribution}");
            if !name.contains(&arguments.only) {
                continue;
            }
            let drawn = draw(arguments.updates, keys);
            Comparison::new(name, drawn.len() as u64)
                .contestant("hashbrown, ahash", || {
                    hashbrown(&drawn, RandomState::with_seeds(1, 2, 3, 4))
                })
                .contestant("hashbrown, the table's hash", || {
                    hashbrown(&drawn, BuildHasherDefault::<Fixed>::default())
                })
                .contestant("tidewire", || table(&drawn))
                .contestant("tidewire, a snapshot each million", || table_with_snapshots(&drawn))
                .run(arguments.rounds);
        }
    }
}

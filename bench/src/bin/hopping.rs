//! Windows that overlap: what an event costs, and apart from it what a row costs when a window fires, as the overlap
//! grows; with an inverse (sum) and without one (maximum), beside a table for each window, which is what one would write by
//! hand.
//!
//! `cargo run --release -p tidewire-bench --bin hopping`
#![allow(clippy::print_stdout, clippy::expect_used, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::time::Instant;

use ahash::RandomState;
use clap::Parser;
use hashbrown::HashMap;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};
use serde::Serialize;
use tidewire::dataflow::{KeyedWindow, Operator, Output, Windows};
use tidewire::event::Place;
use tidewire::event::time::NOT_DUE;
use tidewire::prelude::*;
use tidewire_bench::{append, host, median, output};

#[derive(Parser)]
struct Arguments {
    /// Events of each run, a million a second of event time.
    #[arg(long, default_value_t = 4_000_000)]
    events: usize,
    /// Keys.
    #[arg(long, default_value_t = 1_000)]
    keys: u64,
    /// Measured rounds.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

#[derive(Clone, Copy)]
struct Event {
    ts: i64,
    key: u64,
    value: i64,
}

struct Sum;

impl Aggregate for Sum {
    type In = Event;
    type Partial = i64_le;
    type Out = i64;

    const HAS_INVERSE: bool = true;

    fn lift(&self, _: &Header, event: &Event) -> i64_le {
        event.value.into()
    }

    fn combine(&self, a: &i64_le, b: &i64_le) -> i64_le {
        (*a + *b).into()
    }

    fn remove(&self, whole: &i64_le, part: &i64_le) -> i64_le {
        (*whole - *part).into()
    }

    fn lower(&self, _: Window, sum: &i64_le) -> i64 {
        sum.to_native()
    }
}

struct Max;

impl Aggregate for Max {
    type In = Event;
    type Partial = i64_le;
    type Out = i64;

    fn lift(&self, _: &Header, event: &Event) -> i64_le {
        event.value.into()
    }

    fn combine(&self, a: &i64_le, b: &i64_le) -> i64_le {
        (*a).max(*b)
    }

    fn lower(&self, _: Window, max: &i64_le) -> i64 {
        max.to_native()
    }
}

/// Rows, as a sum that does not depend on their order.
#[derive(Default)]
struct Rows {
    count: u64,
    checksum: u64,
}

impl Rows {
    fn take(&mut self, end: i64, key: u64, value: i64) {
        self.count += 1;
        let mixed = (end as u64 ^ key.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.checksum = self.checksum.wrapping_add(mixed.wrapping_mul(value as u64 | 1));
    }
}

impl Output<WindowRow<u64, i64>, Event> for Rows {
    fn row(&mut self, at: i64, _: i64, row: WindowRow<u64, i64>) {
        self.take(at, row.key, row.value);
    }

    fn now(&mut self, _: i64, _: WindowRow<u64, i64>) {}
    fn corrected(&mut self, _: i64, _: i64, _: WindowRow<u64, i64>) {}
    fn late(&mut self, _: &Header, _: Event) {}
    fn refused(&mut self, _: &Header) {}
}

/// What a run took.
struct Taken {
    event_ns: f64,
    fire_ns: f64,
    rows: Rows,
}

/// Events between two looks at what is to be fired.
const CHUNK: usize = 256;

fn engine<A: Aggregate<In = Event, Out = i64>>(
    input: &[Event],
    windows: Windows,
    aggregate: A,
) -> Taken {
    let mut operator = KeyedWindow::new(windows, |e: &Event| e.key, aggregate, Arena::unlimited());
    let (mut rows, mut fire_ns) = (Rows::default(), 0);
    let (mut watermark, mut place) = (i64::MIN, 0);
    let start = Instant::now();
    for chunk in input.chunks(CHUNK) {
        for event in chunk {
            let header =
                Header { ts: event.ts, watermark, place: Place::new(0, place), due: NOT_DUE };
            operator.event(&header, event, &mut rows);
            watermark = event.ts - 1;
            place += 1;
            operator.watermark(watermark, NOT_DUE);
        }
        if operator.is_firing() {
            let start = Instant::now();
            while operator.is_firing() {
                operator.fire(&mut rows);
            }
            fire_ns += start.elapsed().as_nanos();
        }
    }
    let all_ns = start.elapsed().as_nanos();
    Taken { event_ns: (all_ns - fire_ns) as f64, fire_ns: fire_ns as f64, rows }
}

/// A table for each open window.
fn by_hand(input: &[Event], slide: i64, size: i64, combine: fn(i64, i64) -> i64) -> Taken {
    let hasher = RandomState::with_seeds(1, 2, 3, 4);
    let mut open: BTreeMap<i64, HashMap<u64, i64, RandomState>> = BTreeMap::new();
    let (mut rows, mut fire_ns) = (Rows::default(), 0);
    let start = Instant::now();
    for chunk in input.chunks(CHUNK) {
        for event in chunk {
            let mut end = event.ts.div_euclid(slide) * slide + slide;
            while end <= event.ts.div_euclid(slide) * slide + size {
                let table = open.entry(end).or_insert_with(|| HashMap::with_hasher(hasher.clone()));
                let total = table.entry(event.key);
                total.and_modify(|it| *it = combine(*it, event.value)).or_insert(event.value);
                end += slide;
            }
        }
        let newest = chunk[chunk.len() - 1].ts;
        let start = Instant::now();
        while let Some(first) = open.first_entry()
            && newest >= *first.key()
        {
            let (end, table) = first.remove_entry();
            table.into_iter().for_each(|(key, value)| rows.take(end, key, value));
        }
        fire_ns += start.elapsed().as_nanos();
    }
    let all_ns = start.elapsed().as_nanos();
    Taken { event_ns: (all_ns - fire_ns) as f64, fire_ns: fire_ns as f64, rows }
}

#[derive(Serialize)]
struct Line {
    commit: String,
    host: String,
    bench: &'static str,
    contestant: &'static str,
    overlap: i64,
    keys: u64,
    events: usize,
    rows: u64,
    ns_per_event: f64,
    ns_per_row: f64,
}

/// A contestant, and what it took in each round.
struct Contestant<'a> {
    name: &'static str,
    overlap: i64,
    run: Box<dyn Fn() -> Taken + 'a>,
    taken: Vec<Taken>,
}

fn main() {
    let Arguments { events, keys, rounds } = Arguments::parse();
    let mut random = Pcg64::seed_from_u64(7);
    let input: Vec<_> = (0..events as i64)
        .map(|n| Event { ts: n * MICROSECOND, key: random.next_u64() % keys, value: n & 0xffff })
        .collect();
    let input = &input;
    let size = SECOND;
    let mut contestants = Vec::new();
    for overlap in [1, 10, 100, 1_000] {
        let slide = size / overlap;
        let windows = Windows::hopping(slide, size).expect("a slide of the size at most");
        let mut add = |name, run: Box<dyn Fn() -> Taken>| {
            contestants.push(Contestant { name, overlap, run, taken: Vec::new() });
        };
        add("sum", Box::new(move || engine(input, windows, Sum)));
        add("max", Box::new(move || engine(input, windows, Max)));
        if overlap <= 100 {
            add("sum, by hand", Box::new(move || by_hand(input, slide, size, |a, b| a + b)));
        }
    }
    for round in 0..=rounds {
        for contestant in &mut contestants {
            let taken = (contestant.run)();
            if round > 0 {
                contestant.taken.push(taken);
            }
        }
    }
    println!(
        "hopping windows of 1 s, {keys} keys, {events} events at 1 M/s of event time, median of {rounds}"
    );
    println!("{:<14} {:>8} {:>10} {:>12} {:>10}", "", "overlap", "ns/event", "rows", "ns/row");
    for Contestant { name, overlap, taken, .. } in &contestants {
        let rows = taken[0].rows.count;
        assert!(
            taken.iter().all(|it| it.rows.checksum == taken[0].rows.checksum),
            "{name} differs"
        );
        let of = |part: fn(&Taken) -> f64, per: f64| {
            median(&taken.iter().map(|taken| part(taken) / per).collect::<Vec<_>>())
        };
        let line = Line {
            commit: output("git", &["rev-parse", "--short", "HEAD"]),
            host: host(),
            bench: "hopping",
            contestant: name,
            overlap: *overlap,
            keys,
            events,
            rows,
            ns_per_event: of(|taken| taken.event_ns, events as f64),
            ns_per_row: of(|taken| taken.fire_ns, rows as f64),
        };
        println!(
            "{name:<14} {overlap:>8} {:>10.1} {rows:>12} {:>10.1}",
            line.ns_per_event, line.ns_per_row
        );
        append(&line);
    }
    let same = |overlap: i64| {
        let of = |name| contestants.iter().find(|it| it.name == name && it.overlap == overlap);
        let (Some(sum), Some(hand)) = (of("sum"), of("sum, by hand")) else { return true };
        // By hand the windows that the last event has not closed are not emitted, nor are they by the engine.
        sum.taken[0].rows.checksum == hand.taken[0].rows.checksum
    };
    assert!([1, 10, 100].into_iter().all(same), "the engine and the hand-written loop differ");
}

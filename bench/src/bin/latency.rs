//! Open-loop latency, from the moment an event is due to its effect in the state, at half of the highest rate: the
//! engine beside a bare loop with the same threads, pinning and ring, and nothing in between.
//!
//! `cargo run --release -p tidewire-bench --bin latency`
#![allow(clippy::print_stdout, clippy::expect_used)]

use std::hint::{black_box, spin_loop};
use std::thread;

use clap::Parser;
use hdrhistogram::Histogram;
use rtrb::RingBuffer;
use serde::Serialize;
use tidewire::event::frame::{Frame, Header, Place};
use tidewire::event::limits::RING_FRAMES;
use tidewire::prelude::*;
use tidewire::runtime::clock::{Clock, MonotonicClock};
use tidewire::runtime::latency::histogram;
use tidewire_bench::{QUANTILES, append, host, median, output};

#[derive(Parser)]
struct Arguments {
    /// Events of each run.
    #[arg(long, default_value_t = 3_000_000)]
    events: u32,
    /// Rounds: in each, every contestant runs once.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Events per second, in place of half of the highest rate.
    #[arg(long)]
    rate: Option<f64>,
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Event {
    ts: i64,
    key: u64,
    value: i64,
    other: u64,
}

#[derive(Clone)]
struct Sum;

impl Aggregate for Sum {
    type In = Event;
    type Partial = i64_le;
    type Out = i64;

    fn lift(&self, _: &Header, event: &Event) -> i64_le {
        event.value.into()
    }

    fn combine(&self, a: &i64_le, b: &i64_le) -> i64_le {
        (*a + *b).into()
    }

    fn lower(&self, _: Window, sum: &i64_le) -> i64 {
        sum.to_native()
    }
}

/// A million events a second of event time, a thousand keys.
fn event(n: u32) -> Event {
    let key = u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    Event { ts: i64::from(n) * MICROSECOND, key: key % 1_000, value: i64::from(n), other: 0 }
}

struct Run {
    latencies: Histogram<u64>,
    events_per_second: f64,
}

fn engine(count: u32, rate: f64, threads: Threads) -> Run {
    let options = Options {
        threads,
        rate: Rate::PerSecond(rate),
        wait: Some(Wait::Spin),
        ..Options::default()
    };
    let found = stream(events((0..count).map(event), |event: &Event| event.ts))
        .watermark(Monotonic::new)
        .key_by(|event: &Event| event.key)
        .window(Tumbling::SECOND)
        .aggregate(Sum)
        .collect(&options)
        .expect("the job runs to its end");
    let events_per_second = f64::from(count) * 1e9 / found.elapsed_ns as f64;
    Run { latencies: found.effect_latency.expect("the events were due"), events_per_second }
}

fn due(n: u32, rate: f64, start: i64) -> i64 {
    start + (f64::from(n) / rate * SECOND as f64) as i64
}

fn wait_until(due: i64, clock: &impl Clock) {
    while clock.now() < due {
        spin_loop();
    }
}

fn pin(core: usize) {
    core_affinity::set_for_current(core_affinity::CoreId { id: core });
}

/// One thread: wait, make the event, note the time.
fn bare_inline(count: u32, rate: f64) -> Run {
    let run = move || {
        pin(cores() - 1);
        let (clock, mut latencies) = (MonotonicClock::start(), histogram());
        let start = clock.now();
        for n in 0..count {
            let due = due(n, rate, start);
            wait_until(due, &clock);
            black_box(event(n));
            latencies.saturating_record((clock.now() - due).max(0) as u64);
        }
        Run { latencies, events_per_second: f64::from(count) * 1e9 / clock.now() as f64 }
    };
    thread::spawn(run).join().expect("no panic")
}

/// Two threads and a ring of the same frames.
fn bare_ring(count: u32, rate: f64) -> Run {
    let (mut producer, mut consumer) = RingBuffer::<Frame<Event>>::new(RING_FRAMES);
    let clock = MonotonicClock::start();
    let source_clock = clock.clone();
    let source = move || {
        pin(cores().saturating_sub(2));
        let start = source_clock.now() + 20 * MILLISECOND;
        for n in 0..count {
            let due = due(n, rate, start);
            wait_until(due, &source_clock);
            let event = event(n);
            let header = Header { ts: event.ts, watermark: 0, place: Place::new(0, n.into()), due };
            let mut frame = Frame::Event(header, event);
            while let Err(rtrb::PushError::Full(back)) = producer.push(frame) {
                frame = back;
                spin_loop();
            }
        }
        start
    };
    let shard_clock = clock;
    let shard = move || {
        pin(cores() - 1);
        let mut latencies = histogram();
        let mut taken = 0;
        while taken < count {
            match consumer.pop() {
                Ok(Frame::Event(header, event)) => {
                    black_box(event);
                    latencies.saturating_record((shard_clock.now() - header.due).max(0) as u64);
                    taken += 1;
                }
                Ok(_) => {}
                Err(_) => spin_loop(),
            }
        }
        (latencies, shard_clock.now())
    };
    let (source, shard) = (thread::spawn(source), thread::spawn(shard));
    let start = source.join().expect("no panic");
    let (latencies, end) = shard.join().expect("no panic");
    Run { latencies, events_per_second: f64::from(count) * 1e9 / (end - start) as f64 }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

#[derive(Serialize)]
struct Line<'a> {
    commit: String,
    host: String,
    comparison: &'a str,
    contestant: &'a str,
    rate: f64,
    p50_p90_p99_p999_p9999_max_ns: Vec<f64>,
}

type Contestant = fn(u32, f64) -> Run;

fn compare(name: &str, arguments: &Arguments, engine: Contestant, bare: Contestant) {
    // Everything due at once: what the same code can do at most.
    let fastest = |_| engine(arguments.events, 1e12).events_per_second;
    let highest = median(&(0..3).map(fastest).collect::<Vec<_>>());
    let rate = arguments.rate.unwrap_or(highest / 2.0);
    let mut percentiles = [vec![Vec::new(); QUANTILES.len()], vec![Vec::new(); QUANTILES.len()]];
    for _ in 0..arguments.rounds {
        for (contestant, found) in [bare, engine].into_iter().zip(&mut percentiles) {
            let run = contestant(arguments.events, rate);
            for ((_, quantile), values) in QUANTILES.iter().zip(found) {
                values.push(run.latencies.value_at_quantile(*quantile) as f64);
            }
        }
    }
    let medians = percentiles.map(|found| found.iter().map(|v| median(v)).collect::<Vec<_>>());
    println!(
        "\n{name}: highest {:.2} M events/s, run at {:.2} M/s; median of {} rounds, ns",
        highest / 1e6,
        rate / 1e6,
        arguments.rounds
    );
    println!("  {:<8} {:>12} {:>12} {:>12} {:>8}", "", "bare", "tidewire", "more", "ratio");
    for (at, (quantile, _)) in QUANTILES.iter().enumerate() {
        let (bare, engine) = (medians[0][at], medians[1][at]);
        println!(
            "  {quantile:<8} {bare:>12.0} {engine:>12.0} {:>12.0} {:>7.2}x",
            engine - bare,
            engine / bare
        );
    }
    for (contestant, found) in ["bare", "tidewire"].into_iter().zip(medians) {
        append(&Line {
            commit: output("git", &["rev-parse", "--short", "HEAD"]),
            host: host(),
            comparison: name,
            contestant,
            rate,
            p50_p90_p99_p999_p9999_max_ns: found,
        });
    }
}

fn main() {
    let arguments = Arguments::parse();
    compare(
        "inline, one thread",
        &arguments,
        |n, rate| engine(n, rate, Threads::Inline),
        bare_inline,
    );
    compare(
        "source + 1 shard, two threads and a ring",
        &arguments,
        |n, rate| engine(n, rate, Threads::Shards(1)),
        bare_ring,
    );
}

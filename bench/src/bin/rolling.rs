//! Rolling aggregation: the operators alone, without the runtime.
//!
//! - sum, min and max over windows of 10^3, 10^5 and 10^7 events of one key, in order; the costs of single events beside
//!   those of an empty loop;
//! - on arrival, with events out of order by up to so many places;
//! - a rolling sum over 5 minutes by 1,000 and 1,000,000 keys, beside a deque by key as one would write it by hand.
//!
//! `cargo run --release -p tidewire-bench --bin rolling`
#![allow(clippy::print_stdout, clippy::expect_used)]

use std::collections::VecDeque;

use ahash::RandomState;
use clap::Parser;
use hashbrown::HashMap;
use hdrhistogram::Histogram;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};
use rkyv::Portable;
use tidewire::dataflow::{Frame, Operator, Output, RollingComplete, RollingOnArrival, RollingRow};
use tidewire::event::Place;
use tidewire::event::record::{i64_ule, u64_ule};
use tidewire::event::time::WATERMARK_NONE;
use tidewire::prelude::*;
use tidewire::state::Budget;
use tidewire_bench::Comparison;
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

#[derive(Parser)]
struct Arguments {
    /// Events of each run.
    #[arg(long, default_value_t = 5_000_000)]
    events: usize,
    /// Measured rounds.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Only the comparisons whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
}

#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
struct Event {
    ts: i64_ule,
    key: u64_ule,
    value: i64_ule,
}

macro_rules! aggregates {
    ($($name:ident: $combine:expr, $remove:expr, $has_inverse:expr;)*) => {$(
        #[derive(Clone, Copy)]
        struct $name;

        impl Aggregate for $name {
            type In = Event;
            type Partial = i64_ule;
            type Out = i64;
            const HAS_INVERSE: bool = $has_inverse;

            #[inline]
            fn lift(&self, _: &Header, event: &Event) -> i64_ule {
                event.value
            }

            #[inline]
            fn combine(&self, a: &i64_ule, b: &i64_ule) -> i64_ule {
                let combine: fn(i64, i64) -> i64 = $combine;
                combine(a.to_native(), b.to_native()).into()
            }

            #[inline]
            fn remove(&self, a: &i64_ule, b: &i64_ule) -> i64_ule {
                let remove: fn(i64, i64) -> i64 = $remove;
                remove(a.to_native(), b.to_native()).into()
            }

            #[inline]
            fn lower(&self, _: Window, partial: &i64_ule) -> i64 {
                partial.to_native()
            }
        }
    )*};
}

aggregates! {
    Sum: |a, b| a + b, |a, b| a - b, true;
    SumWithoutInverse: |a, b| a + b, |a, _| a, false;
    Min: |a, b| a.min(b), |a, _| a, false;
    Max: |a, b| a.max(b), |a, _| a, false;
}

/// One event each microsecond, moved back by up to `disorder` places.
fn input(count: usize, keys: u64, disorder: u64) -> Vec<Event> {
    let mut random = Pcg64::seed_from_u64(7);
    let event = |n: usize| {
        let back = if disorder > 0 { random.next_u64() % disorder } else { 0 };
        let ts = (n as i64 - back as i64) * MICROSECOND;
        let (key, value) = (random.next_u64() % keys, (random.next_u64() % 1_000) as i64);
        Event { ts: ts.into(), key: key.into(), value: value.into() }
    };
    (0..count).map(event).collect()
}

/// Takes the results, in whatever order.
struct Checksum(u64);

impl Output<RollingRow<Event, i64>, Event> for Checksum {
    fn row(&mut self, _: i64, _: i64, row: RollingRow<Event, i64>) {
        self.0 = self.0.wrapping_add(mixed(row.ts, row.value));
    }

    fn corrected(&mut self, _: i64, _: i64, _: RollingRow<Event, i64>) {}

    fn now(&mut self, _: i64, row: RollingRow<Event, i64>) {
        self.0 = self.0.wrapping_add(mixed(row.ts, row.value));
    }

    fn late(&mut self, _: &Header, _: Event) {}

    fn refused(&mut self, _: &Header) {}
}

fn mixed(ts: i64, value: i64) -> u64 {
    (ts as u64 ^ (value as u64).rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// An operator with its input: the next event, then a watermark that stays `bound` ns behind, then what it emits.
struct Driver<O> {
    operator: O,
    bound: i64,
    watermark: i64,
    sent: u64,
    out: Checksum,
}

impl<O: Operator<In = Event, Row = RollingRow<Event, i64>, Late = Event>> Driver<O> {
    fn new(operator: O, bound: i64) -> Self {
        Self { operator, bound, watermark: WATERMARK_NONE, sent: 0, out: Checksum(0) }
    }

    #[inline(always)]
    fn send(&mut self, event: &Event) {
        let ts = event.ts.to_native();
        if self.bound == 0 {
            // In order: time has moved on before the event comes, as behind a reorder operator.
            self.pass(ts - 1);
        }
        let place = Place::new(0, self.sent);
        self.sent += 1;
        let header = Header { ts, watermark: self.watermark, place, due: 0 };
        self.operator.event(&header, event, &mut self.out);
        self.pass(ts - self.bound - 1);
    }

    #[inline(always)]
    fn pass(&mut self, watermark: i64) {
        if watermark > self.watermark {
            self.watermark = watermark;
            self.operator.watermark(watermark, 0);
            while self.operator.is_firing() {
                self.operator.fire(&mut self.out);
            }
        }
    }

    /// The checksum of the results.
    fn send_all(&mut self, events: &[Event]) -> u64 {
        self.out.0 = 0;
        events.iter().for_each(|event| self.send(event));
        // The last time is over.
        self.pass(self.watermark + 1);
        self.out.0
    }
}

fn on_arrival<A>(
    aggregate: A,
    range: i64,
    bound: i64,
) -> Driver<RollingOnArrival<u64, fn(&Event) -> u64, A>>
where
    A: Aggregate<In = Event, Out = i64, Partial = i64_ule>,
{
    let key_of: fn(&Event) -> u64 = |event| event.key.to_native();
    let operator =
        RollingOnArrival::new(Frame::Range(range), key_of, aggregate, Arena::unlimited());
    Driver::new(operator.expect("memory"), bound)
}

fn complete<A>(aggregate: A, range: i64) -> Driver<RollingComplete<u64, fn(&Event) -> u64, A>>
where
    A: Aggregate<In = Event, Out = i64, Partial = i64_ule>,
{
    let key_of: fn(&Event) -> u64 = |event| event.key.to_native();
    let operator = RollingComplete::new(Frame::Range(range), key_of, aggregate, Arena::unlimited());
    Driver::new(operator.expect("memory"), 0)
}

/// Nanoseconds for each event, once the window is full.
fn throughput<O>(mut driver: Driver<O>, filling: &[Event], events: &[Event]) -> f64
where
    O: Operator<In = Event, Row = RollingRow<Event, i64>, Late = Event>,
{
    driver.send_all(filling);
    let clock = quanta::Clock::new();
    let start = clock.raw();
    std::hint::black_box(driver.send_all(events));
    clock.delta_as_nanos(start, clock.raw()) as f64 / events.len() as f64
}

/// The cost of each event alone, ns.
fn each(events: &[Event], mut send: impl FnMut(&Event)) -> Histogram<u64> {
    let clock = quanta::Clock::new();
    let mut costs = Histogram::new_with_bounds(1, 10_000_000_000, 3).expect("three digits");
    for event in events {
        let start = clock.raw();
        send(event);
        costs.saturating_record(clock.delta_as_nanos(start, clock.raw()));
    }
    costs
}

fn say(costs: &Histogram<u64>) -> String {
    let at = |quantile| costs.value_at_quantile(quantile);
    format!("p50 {} p99.9 {} p99.99 {} max {}", at(0.5), at(0.999), at(0.999_9), costs.max())
}

/// One key, in order: by the window's size.
fn sizes<A>(name: &str, aggregate: A, arguments: &Arguments)
where
    A: Aggregate<In = Event, Out = i64, Partial = i64_ule> + Copy,
{
    for window in [1_000, 100_000, 10_000_000] {
        let input = input(window + arguments.events, 1, 0);
        let (filling, events) = input.split_at(window);
        let range = (window as i64 - 1) * MICROSECOND;
        let make = || on_arrival(aggregate, range, 0);
        let mut rounds: Vec<_> =
            (0..arguments.rounds).map(|_| throughput(make(), filling, events)).collect();
        rounds.sort_by(f64::total_cmp);
        let completed = throughput(complete(aggregate, range), filling, events);
        let mut driver = make();
        driver.send_all(filling);
        let costs = each(events, |event| driver.send(event));
        println!(
            "{name:<22} {window:>9} events: {:>6.1} ns, complete {completed:>6.1} ns; {}",
            rounds[rounds.len() / 2],
            say(&costs)
        );
    }
}

/// One key, on arrival, out of order: by the distance.
fn distances<A>(name: &str, aggregate: A, arguments: &Arguments)
where
    A: Aggregate<In = Event, Out = i64, Partial = i64_ule> + Copy,
{
    for disorder in [0, 100, 10_000] {
        let window = 100_000;
        let input = input(window + arguments.events, 1, disorder);
        let (filling, events) = input.split_at(window);
        let (range, bound) = (window as i64 * MICROSECOND, disorder as i64 * MICROSECOND);
        let ns = throughput(on_arrival(aggregate, range, bound), filling, events);
        println!("{name:<22} {window} events, out of order by up to {disorder:>6}: {ns:>7.1} ns");
    }
}

/// What one would write by hand.
struct ByHand {
    keys: HashMap<u64, (VecDeque<(i64, i64)>, i64), RandomState>,
    range: i64,
}

impl ByHand {
    fn send_all(&mut self, events: &[Event]) -> u64 {
        let mut checksum = 0_u64;
        for event in events {
            let (ts, value) = (event.ts.to_native(), event.value.to_native());
            let (deque, sum) = self.keys.entry(event.key.to_native()).or_default();
            deque.push_back((ts, value));
            *sum += value;
            while let Some((first, old)) = deque.front()
                && *first < ts - self.range
            {
                *sum -= old;
                deque.pop_front();
            }
            checksum = checksum.wrapping_add(mixed(ts, *sum));
        }
        checksum
    }
}

/// A rolling sum by key: windows of `in_window` events of all keys.
fn keys(keys: u64, in_window: usize, arguments: &Arguments) {
    let name = format!("rolling sum of 5 min, {keys} keys, {in_window} events in the window");
    if !name.contains(&arguments.only) {
        return;
    }
    // Five minutes are as many events: the clock of the input goes faster.
    let step = 5 * MINUTE / in_window as i64;
    let mut input = input(in_window + arguments.events * (arguments.rounds + 1), keys, 0);
    for event in &mut input {
        event.ts = (event.ts.to_native() / MICROSECOND * step).into();
    }
    let (filling, events) = input.split_at(in_window);
    let (range, turns) = (5 * MINUTE, events.len() / (arguments.rounds + 1));
    let turn = |at: &mut usize| {
        *at += 1;
        &events[(*at - 1) * turns..*at * turns]
    };
    let mut by_hand =
        ByHand { keys: HashMap::with_hasher(RandomState::with_seeds(1, 2, 3, 4)), range };
    by_hand.send_all(filling);
    let budget = Budget::unlimited();
    let key_of: fn(&Event) -> u64 = |event| event.key.to_native();
    let arena = Arena { budget: budget.clone(), ..Arena::unlimited() };
    let operator = RollingOnArrival::new(Frame::Range(range), key_of, Sum, arena.clone());
    let mut now = Driver::new(operator.expect("memory"), 0);
    now.send_all(filling);
    println!("\n{name}: {} bytes of tables for each key", budget.taken() as u64 / keys);
    let mut complete = complete(Sum, range);
    complete.send_all(filling);
    let mut at = [0; 3];
    let [first, second, third] = &mut at;
    Comparison::new(name, turns as u64)
        .contestant("by hand (deques, hashbrown, ahash)", || by_hand.send_all(turn(first)))
        .contestant("on arrival", || now.send_all(turn(second)))
        .contestant("complete", || complete.send_all(turn(third)))
        .run(arguments.rounds);
}

fn main() {
    let arguments = Arguments::parse();
    let wants = |name: &str| name.contains(&arguments.only);
    if wants("sizes") {
        let input = input(arguments.events, 1, 0);
        let empty = each(&input, |event| {
            std::hint::black_box(event);
        });
        println!("an empty loop: {}", say(&empty));
        sizes("sum", Sum, &arguments);
        sizes("sum without inverse", SumWithoutInverse, &arguments);
        sizes("min", Min, &arguments);
        sizes("max", Max, &arguments);
    }
    if wants("distances") {
        distances("sum", Sum, &arguments);
        distances("min", Min, &arguments);
    }
    keys(1_000, 300_000, &arguments);
    keys(1_000, 10_000_000, &arguments);
    keys(1_000_000, 5_000_000, &arguments);
}

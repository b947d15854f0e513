//! What the end of a window costs the events that go on: a million keys in windows of a second, which close while events
//! come at half the measured maximum rate; beside it the same events in a window that does not close. Rounds take turns in
//! one run. Latencies are from the moment an event was due, from the third window's closing on; the picture shows the
//! largest of each millisecond.
//!
//! `cargo run --release -p tidewire-bench --bin firing`
#![allow(clippy::print_stdout, clippy::expect_used, clippy::disallowed_methods)]

use std::cmp::Ordering;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use clap::Parser;
use plotters::prelude::*;
use plotters::style::register_font;
use serde::Serialize;
use tidewire::dataflow::{KeyedWindow, Operator, Output, Tumbling};
use tidewire::event::record::u64_le;
use tidewire::event::time::NOT_DUE;
use tidewire::prelude::*;
use tidewire::state::{Image, LayoutMismatch, Log};
use tidewire_bench::{append, host, median, output};

#[derive(Parser)]
struct Arguments {
    /// Keys in the window.
    #[arg(long, default_value_t = 1_000_000)]
    keys: u64,
    /// Seconds of each run.
    #[arg(long, default_value_t = 6)]
    seconds: u64,
    /// Rounds with and without the closing.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Where the picture goes: a PNG.
    #[arg(long, default_value = "target/firing.png")]
    picture: PathBuf,
}

#[derive(Clone, Copy)]
struct Event {
    ts: i64,
    key: u64,
}

/// How often a key came.
#[derive(Clone)]
struct Count;

impl Aggregate for Count {
    type In = Event;
    type Partial = u64_le;
    type Out = u64;

    fn lift(&self, _: &Header, _: &Event) -> u64_le {
        1.into()
    }

    fn combine(&self, a: &u64_le, b: &u64_le) -> u64_le {
        (*a + *b).into()
    }

    fn lower(&self, _: Window, count: &u64_le) -> u64 {
        count.to_native()
    }
}

/// An operator that keeps each event's due time and the time at which it was in the state.
struct Timed<O> {
    operator: O,
    clock: quanta::Clock,
    times: Vec<(i64, i64)>,
    all: Arc<Mutex<Vec<(i64, i64)>>>,
}

impl<O> Drop for Timed<O> {
    fn drop(&mut self) {
        self.all.lock().expect("no one panicked").append(&mut self.times);
    }
}

impl<O: Durable> Durable for Timed<O> {
    fn freeze(&mut self) {
        self.operator.freeze();
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        self.operator.capture(records, log)
    }

    fn give_up(&mut self) {
        self.operator.give_up();
    }

    fn overflowed(&self) -> bool {
        self.operator.overflowed()
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        self.operator.restore(image)
    }
}

impl<O: Operator> Operator for Timed<O> {
    type In = O::In;
    type Row = O::Row;
    type Late = O::Late;

    #[inline(always)]
    fn event(&mut self, header: &Header, event: &O::In, out: &mut impl Output<O::Row, O::Late>) {
        self.operator.event(header, event, out);
        if header.due != NOT_DUE {
            let now = self.clock.delta_as_nanos(0, self.clock.raw());
            self.times.push((header.due, now as i64));
        }
    }

    #[inline(always)]
    fn watermark(&mut self, watermark: i64, due: i64) {
        self.operator.watermark(watermark, due);
    }

    fn grid(&self) -> Option<Tumbling> {
        self.operator.grid()
    }

    #[inline(always)]
    fn is_firing(&self) -> bool {
        self.operator.is_firing()
    }

    fn fire(&mut self, out: &mut impl Output<O::Row, O::Late>) {
        self.operator.fire(out);
    }

    #[inline(always)]
    fn complete_to(&self) -> i64 {
        self.operator.complete_to()
    }

    fn closed_to(&self, watermark: i64) -> i64 {
        self.operator.closed_to(watermark)
    }
}

/// A sink that keeps nothing.
struct Nowhere;

impl Sink for Nowhere {
    type Row = WindowRow<u64, u64>;
    type Late = Event;
    type Error = Infallible;

    fn compare(&self, _: &Self::Row, _: &Self::Row) -> Ordering {
        Ordering::Equal
    }

    fn row(&mut self, _: Self::Row) -> Result<(), Infallible> {
        Ok(())
    }

    fn late(&mut self, _: &Header, _: Event) -> Result<(), Infallible> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Runs so many events a second of event time; the times of each.
fn run(
    arguments: &Arguments,
    events: u64,
    pace: f64,
    rate: Rate,
    size: i64,
) -> (Vec<(i64, i64)>, i64) {
    let keys = arguments.keys;
    let ns = 1e9 / pace;
    let input = (0..events).map(move |n| Event {
        ts: (n as f64 * ns) as i64,
        key: n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % keys,
    });
    let all = Arc::new(Mutex::new(Vec::new()));
    let windows = Tumbling::new(size).expect("a size");
    let options = Options { threads: Threads::Inline, rate, ..Options::default() };
    let times = Vec::with_capacity(events as usize);
    let (all_of, times) = (Arc::clone(&all), Mutex::new(Some(times)));
    let outcome = stream(events_of(input))
        .watermark(Monotonic::new)
        .key_by(|event: &Event| event.key)
        .operator(move |arena| {
            Ok(Timed {
                operator: KeyedWindow::new(windows, |event: &Event| event.key, Count, arena),
                clock: quanta::Clock::new(),
                times: times.lock().expect("no one panicked").take().unwrap_or_default(),
                all: Arc::clone(&all_of),
            })
        })
        .run(Nowhere, &options, &mut Silent)
        .expect("the job runs to its end");
    let times = std::mem::take(&mut *all.lock().expect("no one panicked"));
    (times, outcome.elapsed_ns)
}

fn events_of<I: Iterator<Item = Event> + Send>(input: I) -> impl Source<Event = Event> {
    events(input, |event| event.ts)
}

/// Latencies with their due times, ns since the first was due. The two clocks differ by a constant, which is taken to be
/// that of the event that was served best.
fn latencies(times: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let apart = times.iter().map(|(due, now)| now - due).min().unwrap_or(0);
    let first = times.first().map_or(0, |(due, _)| *due);
    times.iter().map(|(due, now)| (due - first, now - due - apart)).collect()
}

/// The largest latency of each millisecond.
fn by_millisecond(latencies: &[(i64, i64)]) -> Vec<i64> {
    let mut largest = Vec::new();
    for (due, latency) in latencies {
        let at = (due / MILLISECOND) as usize;
        if at >= largest.len() {
            largest.resize(at + 1, 0);
        }
        largest[at] = largest[at].max(*latency);
    }
    largest
}

#[derive(Serialize)]
struct Line {
    commit: String,
    host: String,
    bench: &'static str,
    closes: bool,
    keys: u64,
    rate: f64,
    p50_ns: i64,
    p99_ns: i64,
    p999_ns: i64,
    p9999_ns: i64,
    max_ns: i64,
}

fn percentile(sorted: &[i64], part: f64) -> i64 {
    sorted.get(((sorted.len() as f64 * part) as usize).min(sorted.len() - 1)).copied().unwrap_or(0)
}

fn draw(arguments: &Arguments, curves: &[(&str, Vec<i64>)]) {
    // A font that plotters can not read shows as a picture without text.
    let _ = register_font("sans-serif", FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT);
    let area = BitMapBackend::new(&arguments.picture, (1_200, 500)).into_drawing_area();
    area.fill(&WHITE).expect("a picture");
    let end = curves.iter().map(|(_, curve)| curve.len()).max().unwrap_or(1) as f64;
    let mut chart = ChartBuilder::on(&area)
        .margin(20)
        .x_label_area_size(30)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..end, (0.1_f64..100_000.0).log_scale())
        .expect("axes");
    chart.configure_mesh().draw().expect("a mesh");
    for ((_, curve), color) in curves.iter().zip([&RED, &BLUE]) {
        let points =
            curve.iter().enumerate().map(|(at, ns)| (at as f64, (*ns as f64 / 1e3).max(0.1)));
        chart.draw_series(LineSeries::new(points, color)).expect("a line");
    }
    area.present().expect("a picture");
}

fn main() {
    let arguments = Arguments::parse();
    let never = i64::MAX / 4;
    let count = arguments.keys * 4;
    // All are due at once, and each has its latency taken, as in the rounds.
    let rates: Vec<f64> = (0..3)
        .map(|_| {
            count as f64 / (run(&arguments, count, 1e6, Rate::PerSecond(1e9), never).1 as f64 / 1e9)
        })
        .collect();
    let rate = median(&rates) / 2.0;
    let seconds = arguments.seconds as f64;
    let events = (rate * seconds) as u64;
    println!("{} keys, {:.2} M events/s (half the maximum)", arguments.keys, rate / 1e6);
    // The first windows make the tables that the later ones use again.
    let closing = 3 * SECOND;
    let mut rounds: [Vec<Vec<(i64, i64)>>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..arguments.rounds {
        for (size, into) in [SECOND, never].into_iter().zip(&mut rounds) {
            let (times, _) = run(&arguments, events, rate, Rate::PerSecond(rate), size);
            into.push(latencies(&times));
        }
    }
    println!(
        "{:<14} {:>9} {:>9} {:>9} {:>9} {:>9}  us, median of rounds",
        "", "p50", "p99", "p99.9", "p99.99", "max"
    );
    let mut curves = Vec::new();
    for (name, closes, rounds) in [("closes", true, &rounds[0]), ("does not", false, &rounds[1])] {
        let sorted = |round: &Vec<(i64, i64)>| {
            let after = round.iter().filter(|(due, _)| *due >= closing);
            let mut all: Vec<_> = after.map(|(_, latency)| *latency).collect();
            all.sort_unstable();
            all
        };
        let sorted: Vec<_> = rounds.iter().map(sorted).collect();
        let of = |part| {
            median(&sorted.iter().map(|all| percentile(all, part) as f64).collect::<Vec<_>>())
                as i64
        };
        let line = Line {
            commit: output("git", &["rev-parse", "--short", "HEAD"]),
            host: host(),
            bench: "firing",
            closes,
            keys: arguments.keys,
            rate,
            p50_ns: of(0.5),
            p99_ns: of(0.99),
            p999_ns: of(0.999),
            p9999_ns: of(0.9999),
            max_ns: of(1.0),
        };
        let us = |ns: i64| ns as f64 / 1e3;
        println!(
            "{name:<14} {:>9.2} {:>9.2} {:>9.2} {:>9.2} {:>9.1}",
            us(line.p50_ns),
            us(line.p99_ns),
            us(line.p999_ns),
            us(line.p9999_ns),
            us(line.max_ns)
        );
        append(&line);
        let each: Vec<_> = rounds.iter().map(|round| by_millisecond(round)).collect();
        let length = each.iter().map(Vec::len).min().unwrap_or(0);
        let curve = (0..length)
            .map(|at| median(&each.iter().map(|it| it[at] as f64).collect::<Vec<_>>()) as i64);
        curves.push((name, curve.collect::<Vec<_>>()));
    }
    let from = (closing / MILLISECOND) as usize;
    let worst = (from..curves[0].1.len().min(curves[1].1.len()))
        .map(|at| (curves[0].1[at] - curves[1].1[at], at))
        .max()
        .unwrap_or((0, 0));
    println!(
        "largest difference of a millisecond's largest latency (median of rounds), from the closing on: {:.1} us, {} ms behind it",
        worst.0 as f64 / 1e3,
        worst.1 - from
    );
    draw(&arguments, &curves);
    println!("red: with the closing, blue: without; us over ms: {}", arguments.picture.display());
}

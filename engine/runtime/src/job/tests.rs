//! Whole jobs, and how they end when a part of them fails.

use std::cmp::Ordering;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use tidewire_dataflow::{
    Aggregate, Bounded, ByKey, Filter, FlatMapTimed, KeyedWindow, Tumbling, Unchanged, WhenQuiet,
    Window, WindowRow,
};
use tidewire_event::record::u64_le;
use tidewire_event::{Header, Polled, Stamped, hash_of};

use super::*;
use crate::observe::Silent;
use crate::options::{Driver, Threads};
use crate::wait::Wait;

#[derive(Clone)]
struct Sum {
    panic_at: u32,
}

impl Aggregate for Sum {
    type In = u32;
    type Partial = u64_le;
    type Out = u64;

    fn lift(&self, _: &Header, event: &u32) -> u64_le {
        assert_ne!(*event, self.panic_at, "an error in the user's code");
        u64::from(*event).into()
    }

    fn combine(&self, a: &u64_le, b: &u64_le) -> u64_le {
        (*a + *b).into()
    }

    fn lower(&self, _: Window, sum: &u64_le) -> u64 {
        sum.to_native()
    }
}

/// 0, 1, 2, ... with time going on by one; fails at `fail_at`.
struct Numbers {
    next: u32,
    end: u32,
    fail_at: u32,
}

impl Source for Numbers {
    type Event = u32;
    type Error = io::Error;

    fn next(&mut self) -> Result<Polled<u32>, io::Error> {
        if self.next == self.fail_at {
            return Err(io::Error::other("the cable is cut"));
        }
        if self.next == self.end {
            return Ok(Polled::End);
        }
        self.next += 1;
        let (event, ts) = (self.next - 1, i64::from(self.next - 1));
        Ok(Polled::Event(Stamped::new(ts, event)))
    }
}

#[derive(Debug)]
struct Rows {
    rows: Vec<(i64, u32, u64)>,
    late: Vec<u32>,
    fail_after: usize,
}

impl Sink for Rows {
    type Row = WindowRow<u32, u64>;
    type Late = u32;
    type Error = io::Error;

    fn compare(&self, a: &Self::Row, b: &Self::Row) -> Ordering {
        a.key.cmp(&b.key)
    }

    fn row(&mut self, row: Self::Row) -> Result<(), io::Error> {
        if self.rows.len() == self.fail_after {
            return Err(io::Error::other("the disk is full"));
        }
        self.rows.push((row.window.end, row.key, row.value));
        Ok(())
    }

    fn compare_late(&self, a: &u32, b: &u32) -> Ordering {
        a.cmp(b)
    }

    fn late(&mut self, _: &Header, late: u32) -> Result<(), io::Error> {
        self.late.push(late);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), io::Error> {
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Faults {
    source_at: u32,
    panic_at: u32,
    sink_after: usize,
}

const NONE: Faults = Faults { source_at: u32::MAX, panic_at: u32::MAX, sink_after: usize::MAX };

fn run(
    sources: usize,
    options: &Options,
    faults: Faults,
) -> Result<Outcome<Rows>, JobError<io::Error, io::Error>> {
    let key_of = |event: &u32| event % 7;
    let job = Job {
        sources: (0..sources)
            .map(|_| Numbers { next: 0, end: 50_000, fail_at: faults.source_at })
            .collect(),
        watermarks: || Bounded::new(0),
        when_quiet: WhenQuiet::default(),
        route: move |event: &u32| hash_of(&key_of(event)),
        operator: move |arena| {
            let aggregate = Sum { panic_at: faults.panic_at };
            Ok(KeyedWindow::new(Tumbling::new(100).unwrap(), key_of, aggregate, arena))
        },
        sink: Rows { rows: Vec::new(), late: Vec::new(), fail_after: faults.sink_after },
    };
    job.run(options, &mut Silent)
}

fn layouts() -> Vec<Options> {
    let mut all = Vec::new();
    for threads in [Threads::Inline, Threads::Shards(1), Threads::Shards(3)] {
        for driver in [Driver::Glommio, Driver::Thread] {
            for wait in [Wait::Yield, Wait::Park] {
                all.push(Options { threads, driver, wait: Some(wait), ..Options::default() });
            }
        }
    }
    all
}

#[test]
fn several_sources_are_one_stream() {
    let one = run(1, &Options::default(), NONE).unwrap();
    assert_eq!((one.events, one.rows, one.late), (50_000, 3_500, 0));
    for options in layouts() {
        let two = run(2, &options, NONE).unwrap();
        assert_eq!((two.events, two.rows, two.late), (100_000, 3_500, 0), "{options:?}");
        assert_eq!(two.shard_events.iter().sum::<u64>(), 100_000);
        let doubled = one.sink.rows.iter().map(|(end, key, sum)| (*end, *key, 2 * sum));
        assert!(doubled.eq(two.sink.rows), "{options:?}");
    }
}

#[test]
fn the_first_failure_is_the_jobs() {
    for options in layouts() {
        let failed = |faults| run(1, &options, faults).unwrap_err().to_string();
        assert_eq!(failed(Faults { source_at: 30_000, ..NONE }), "the cable is cut", "{options:?}");
        assert_eq!(failed(Faults { sink_after: 2_000, ..NONE }), "the disk is full", "{options:?}");
        let panicked = failed(Faults { panic_at: 30_000, ..NONE });
        assert!(panicked.ends_with("thread panicked"), "{options:?}: {panicked}");
    }
}

#[test]
fn paced_events_have_latencies() {
    let options = Options { rate: Rate::PerSecond(2_000_000.0), ..Options::default() };
    let paced = run(1, &options, NONE).unwrap();
    assert_eq!(paced.effect_latency.map(|latencies| latencies.len()), Some(50_000));
    assert_eq!(paced.sink.rows, run(1, &Options::default(), NONE).unwrap().sink.rows);
}

/// Each seventh number becomes three, of which two are far too old.
#[test]
fn what_a_transform_makes_of_an_event_keeps_its_order_on_any_layout() {
    let key_of = |event: &u32| event % 5;
    let mut first = None;
    for options in layouts() {
        let seventh = Filter::new(Unchanged, |event: &u32| event.is_multiple_of(7));
        let three = FlatMapTimed::new(seventh, |ts, event| {
            [(ts, event), (ts - 1_000, event + 2), (ts - 1_000, event + 1)]
        });
        let job = Job {
            sources: vec![Numbers { next: 0, end: 20_000, fail_at: u32::MAX }],
            watermarks: || Bounded::new(0),
            when_quiet: WhenQuiet::default(),
            route: ByKey::new(three, key_of),
            operator: move |arena| {
                let windows = Tumbling::new(100).unwrap();
                Ok(KeyedWindow::new(windows, key_of, Sum { panic_at: u32::MAX }, arena))
            },
            sink: Rows { rows: Vec::new(), late: Vec::new(), fail_after: usize::MAX },
        };
        let outcome = job.run(&options, &mut Silent).unwrap();
        let sevenths = 20_000_u32.div_ceil(7);
        assert_eq!(outcome.events, 20_000);
        // The first event came before there was a watermark.
        let mut late = (1..sevenths).flat_map(|n| [7 * n + 1, 7 * n + 2]);
        assert!(outcome.sink.late.iter().copied().eq(late.by_ref()), "{options:?}");
        let rows = first.get_or_insert_with(|| outcome.sink.rows.clone());
        assert_eq!(*rows, outcome.sink.rows, "{options:?}");
    }
}

/// Numbers that come now and then: every third turn brings nothing. Each says how far it is.
struct Now {
    numbers: Numbers,
    turns: u32,
    step: i64,
    of: usize,
    newest: Arc<[AtomicI64; 2]>,
    drift: Option<i64>,
}

impl Source for Now {
    type Event = u32;
    type Error = io::Error;

    fn next(&mut self) -> Result<Polled<u32>, io::Error> {
        self.turns += 1;
        if self.turns.is_multiple_of(3) {
            return Ok(Polled::Nothing);
        }
        let polled = self.numbers.next()?;
        let Polled::Event(stamped) = polled else {
            self.newest[self.of].store(i64::MAX, Relaxed);
            return Ok(polled);
        };
        let ts = stamped.ts * self.step;
        if let Some(drift) = self.drift {
            // It was not ahead before this event; and a watermark is one behind the newest time.
            let other = self.newest[1 - self.of].load(Relaxed);
            assert!(ts <= other.saturating_add(drift).saturating_add(self.step), "{ts} is ahead");
        }
        self.newest[self.of].store(ts, Relaxed);
        Ok(Polled::Event(Stamped::new(ts, stamped.event)))
    }
}

/// Two live sources, of which one has a hundred times as many events for the same time.
fn run_live(options: &Options) -> Outcome<Rows> {
    let newest = Arc::new([AtomicI64::new(0), AtomicI64::new(0)]);
    let key_of = |event: &u32| event % 7;
    let source = |(of, end, step)| Now {
        numbers: Numbers { next: 0, end, fail_at: u32::MAX },
        turns: 0,
        step,
        of,
        newest: Arc::clone(&newest),
        drift: options.align_ns,
    };
    let job = Job {
        sources: [(0, 60_000, 1), (1, 600, 100)].map(source).into(),
        watermarks: || Bounded::new(0),
        when_quiet: WhenQuiet { idle_after: None, heartbeat_after: None },
        route: move |event: &u32| hash_of(&key_of(event)),
        operator: move |arena| {
            let aggregate = Sum { panic_at: u32::MAX };
            Ok(KeyedWindow::new(Tumbling::new(1_000).unwrap(), key_of, aggregate, arena))
        },
        sink: Rows { rows: Vec::new(), late: Vec::new(), fail_after: usize::MAX },
    };
    job.run(options, &mut Silent).unwrap()
}

#[test]
fn sources_that_are_held_near_each_other_give_the_same() {
    let free = run_live(&Options::default());
    assert_eq!((free.events, free.late), (60_600, 0));
    for options in layouts() {
        for align_ns in [Some(0), Some(2_500), None] {
            let held = run_live(&Options { align_ns, ..options.clone() });
            assert_eq!((held.events, held.late), (60_600, 0), "{options:?}");
            assert_eq!(held.sink.rows, free.sink.rows, "{options:?}");
        }
    }
}

//! One source at a time, with a clock of the tests' own, turn by turn.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::mpsc;

use tidewire_dataflow::{Bounded, WhenQuiet};
use tidewire_event::Stamped;
use tidewire_event::time::{MINUTE, SECOND};

use super::*;
use crate::rate::Rate;
use crate::snapshots::barriers::{Report, Wanted};
use crate::snapshots::position;

/// What a source was heard to say, and where its frames went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// An event of this time, with the watermark before it.
    Event(i64, i64),
    Watermark(i64),
    Barrier(u64, i64),
    End(End),
    Flush,
}

#[derive(Clone, Default)]
struct Frames(Rc<RefCell<Vec<Sent>>>);

impl Frames {
    fn add(&self, sent: Sent) -> Result<(), Stopped> {
        self.0.borrow_mut().push(sent);
        Ok(())
    }

    /// What was sent since, but for hand-overs of nothing.
    fn take(&self) -> Vec<Sent> {
        let mut sent = std::mem::take(&mut *self.0.borrow_mut());
        sent.retain(|it| *it != Sent::Flush);
        sent
    }
}

impl Downstream<()> for Frames {
    fn event(&mut self, _: u64, header: Header, (): ()) -> Result<(), Stopped> {
        self.add(Sent::Event(header.ts, header.watermark))
    }

    fn watermark(&mut self, watermark: i64, due: i64) -> Result<(), Stopped> {
        assert_eq!(due, NOT_DUE);
        self.add(Sent::Watermark(watermark))
    }

    fn barrier(&mut self, epoch: u64, watermark: i64) -> Result<(), Stopped> {
        self.add(Sent::Barrier(epoch, watermark))
    }

    fn chunk_is_read(&mut self) -> Result<(), Stopped> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Stopped> {
        self.add(Sent::Flush)
    }

    fn idle(&mut self) -> bool {
        false
    }

    fn end(self, end: End) -> Result<ShardTotals, Stopped> {
        self.add(Sent::End(end))?;
        Ok(ShardTotals::default())
    }
}

#[derive(Clone, Default)]
struct SimClock(Rc<Cell<i64>>);

impl Clock for SimClock {
    fn now(&self) -> i64 {
        self.0.get()
    }
}

/// Has what the test says that it has, at a time of its own if it says so; with the places that it was told of.
#[derive(Default)]
struct Script(VecDeque<Polled<()>>, Option<i64>, Vec<String>);

// A test's source stays on its thread.
impl Source for Script {
    type Event = ();
    type Error = Infallible;

    fn next(&mut self) -> Result<Polled<()>, Infallible> {
        Ok(self.0.pop_front().unwrap_or(Polled::Nothing))
    }

    fn durable(&mut self, position: &str) {
        self.2.push(position.to_owned());
    }

    fn time(&self, now: i64) -> i64 {
        self.1.unwrap_or(now)
    }
}

type Loop<'a> = SourceLoop<'a, Bounded, fn(&()) -> u64, Frames, SimClock, fn() -> bool>;

struct Bench<'a> {
    source: Script,
    at: At,
    running: Loop<'a>,
    frames: Frames,
    clock: SimClock,
}

impl<'a> Bench<'a> {
    fn new(progress: &'a Progress, partitions: u32, when: WhenQuiet, align: Option<i64>) -> Self {
        let (frames, clock) = (Frames::default(), SimClock::default());
        let running = SourceLoop {
            index: 0,
            watermarks: Partitions::new(Bounded::new(0), partitions, when),
            route: (|()| 0) as fn(&()) -> u64,
            down: frames.clone(),
            schedule: Schedule::new(Rate::Max, 0),
            clock: clock.clone(),
            wait: Wait::Yield,
            progress,
            stopped: (|| false) as fn() -> bool,
            barriers: None,
            last: Last::No,
            passed: 0,
            keeps_places: false,
            quiet: Quiet::new(when.idle_after),
            alignment: Alignment::new(align),
        };
        Self { source: Script::default(), at: running.begin(), running, frames, clock }
    }

    /// An event that is received now.
    fn event(&mut self, partition: u32, ts: i64) -> Turn {
        let event = Stamped::new(ts, ()).received(self.clock.now()).partition(partition);
        self.source.0.push_back(Polled::Event(event));
        self.running.next(&mut self.source, &mut self.at).unwrap()
    }

    /// A turn at `now` in which nothing comes.
    fn nothing(&mut self, now: i64) {
        self.clock.0.set(now);
        assert_eq!(self.running.next(&mut self.source, &mut self.at).unwrap(), Turn::Nothing);
        self.running.nothing(&mut self.source, &mut self.at).unwrap();
    }
}

#[test]
fn what_was_read_is_handed_over_when_nothing_comes() {
    let progress = Progress::new(1);
    let mut bench = Bench::new(&progress, 1, WhenQuiet::default(), None);
    assert_eq!(bench.event(0, 10), Turn::Event);
    assert_eq!(*bench.frames.0.borrow(), [Sent::Event(10, WATERMARK_NONE), Sent::Watermark(9)]);
    bench.nothing(1_000);
    assert_eq!(bench.frames.0.borrow().last(), Some(&Sent::Flush));
    assert_eq!((progress.watermark(), progress.lag()), (9, Some(991)));
    // Alone, it is not late for anybody, however long nothing comes.
    bench.nothing(10 * MINUTE);
    assert_eq!(progress.watermark(), 9);
    assert_eq!(progress.held_back_by().map(|it| it.source), Some(0));
}

#[test]
fn a_heartbeat_moves_the_watermark_of_a_quiet_feed() {
    let progress = Progress::new(1);
    let when = WhenQuiet { idle_after: Some(SECOND), heartbeat_after: Some(10 * SECOND) };
    let mut bench = Bench::new(&progress, 1, when, None);
    bench.clock.0.set(100 * SECOND);
    bench.event(0, 99 * SECOND);
    bench.frames.take();
    bench.nothing(109 * SECOND);
    assert_eq!(bench.frames.take(), []);
    bench.nothing(111 * SECOND);
    assert_eq!(bench.frames.take(), [Sent::Watermark(110 * SECOND - 1)]);
    bench.event(0, 110 * SECOND);
    assert_eq!(bench.frames.take()[0], Sent::Event(110 * SECOND, 110 * SECOND - 1));
}

#[test]
fn an_idle_source_follows_the_others_until_its_next_event() {
    let progress = Progress::new(3);
    let mut bench = Bench::new(&progress, 1, WhenQuiet::default(), None);
    progress.source(1).watermark(500, Some(0));
    progress.source(2).watermark(700, Some(0));
    bench.nothing(0);
    bench.nothing(MINUTE - 1);
    assert_eq!((bench.frames.take(), progress.watermark()), (vec![], WATERMARK_NONE));
    bench.nothing(MINUTE);
    assert_eq!((bench.frames.take(), progress.watermark()), (vec![Sent::Watermark(500)], 500));
    // What others that are idle promised counts no more.
    progress.source(1).is_idle.store(true, Relaxed);
    bench.nothing(MINUTE + 1);
    assert_eq!(bench.frames.take(), [Sent::Watermark(700)]);
    bench.event(0, 600);
    bench.event(0, 800);
    let after = [Sent::Event(800, 700), Sent::Watermark(799)];
    assert_eq!(bench.frames.take()[1..], [&[Sent::Watermark(700)], &after[..]].concat());
    bench.nothing(MINUTE + 2);
    assert_eq!((progress.watermark(), progress.held_back_by().map(|it| it.source)), (700, Some(2)));
}

#[test]
fn a_source_that_is_cut_off_is_not_idle() {
    let progress = Progress::new(2);
    let mut bench = Bench::new(&progress, 2, WhenQuiet::default(), None);
    progress.source(1).watermark(900, Some(0));
    bench.event(0, 700);
    bench.event(1, 100);
    bench.source.1 = Some(0);
    for now in [MINUTE, 10 * MINUTE] {
        bench.nothing(now);
        assert_eq!(bench.at.watermark, 99);
    }
    bench.source.1 = Some(MINUTE);
    bench.nothing(11 * MINUTE);
    assert_eq!(bench.at.watermark, 900);
}

#[test]
fn a_source_waits_for_the_slowest_that_counts() {
    let progress = Progress::new(3);
    let mut bench = Bench::new(&progress, 1, WhenQuiet::default(), Some(100));
    let ahead = |bench: &mut Bench<'_>, ts| {
        let turn = bench.event(0, ts);
        turn == Turn::Ahead && bench.running.is_ahead(bench.at)
    };
    assert!(ahead(&mut bench, 1), "the others have not begun");
    progress.source(1).watermark(50, Some(0));
    progress.source(2).watermark(WATERMARK_END, None);
    assert!(!ahead(&mut bench, 151));
    assert!(ahead(&mut bench, 152));
    progress.source(1).watermark(51, Some(0));
    assert!(!bench.running.is_ahead(bench.at));
    assert!(ahead(&mut bench, 1_000));
    progress.source(1).is_idle.store(true, Relaxed);
    assert!(!bench.running.is_ahead(bench.at), "nobody is there to wait for");
    progress.source(1).is_idle.store(false, Relaxed);
    assert!(ahead(&mut bench, 1_001));
}

#[test]
fn a_source_that_waits_for_others_sends_barriers() {
    let progress = Progress::new(2);
    let (wanted, (reports, heard)) = (Wanted::new(0), mpsc::channel());
    let mut bench = Bench::new(&progress, 2, WhenQuiet::default(), Some(100));
    let (_tells, told) = mpsc::sync_channel(1);
    bench.running.barriers = Some(Barriers { wanted: &wanted, done: 0, reports, told, source: 0 });
    for (partition, ts) in [(0, 1_000), (1, 2_000), (0, 3_000)] {
        bench.event(partition, ts);
    }
    assert!(bench.running.is_ahead(bench.at));
    bench.frames.take();
    wanted.barrier(1, false);
    bench.running.idle(&mut bench.source, bench.at).unwrap();
    assert_eq!(bench.frames.take(), [Sent::Barrier(1, 1_999)]);
    assert_eq!(progress.source(0).watermark.load(Relaxed), 1_999);
    let Ok(Report::Position { epoch: 1, position, .. }) = heard.try_recv() else { panic!() };
    assert_eq!((position.events, position.watermark), (3, 1_999));
    // Another run goes on from there.
    let mut restored = Partitions::new(Bounded::new(0), 2, WhenQuiet::default());
    position::restore::<(), _>(&mut restored, &position);
    assert_eq!((restored.watermark(), restored.slowest()), (1_999, Some(1)));
    assert_eq!(position::position::<(), _>(3, &restored, None), position);
}

#[test]
fn behind_the_last_barrier_nothing_is_read_until_its_snapshot_is_durable() {
    let progress = Progress::new(1);
    let (wanted, (reports, heard)) = (Wanted::new(0), mpsc::channel());
    let mut bench = Bench::new(&progress, 1, WhenQuiet::default(), None);
    let (tells, told) = mpsc::sync_channel(2);
    bench.running.barriers = Some(Barriers { wanted: &wanted, done: 0, reports, told, source: 0 });
    bench.event(0, 1_000);
    bench.nothing(0);
    assert_eq!(bench.running.last, Last::No);
    bench.frames.take();
    // The first is given up, and its barrier is sent again at the same place.
    for epoch in [1, 2] {
        wanted.barrier(epoch, true);
        bench.running.idle(&mut bench.source, bench.at).unwrap();
        assert_eq!(bench.running.last, Last::Sent);
        assert_eq!(bench.frames.take(), [Sent::Barrier(epoch, 999)]);
        let Ok(Report::Position { position, .. }) = heard.try_recv() else { panic!() };
        assert_eq!(position.events, 1);
    }
    for place in ["1", "2"] {
        tells.send(Told::Durable(place.to_owned())).unwrap();
    }
    wanted.stop();
    bench.source.0.push_back(Polled::Event(Stamped::new(2_000, ())));
    let Bench { mut source, at, running, frames, .. } = bench;
    let (events, _) = running.stop(&mut source, at).unwrap();
    assert_eq!((events, source.0.len(), source.2), (1, 1, ["1", "2"].map(str::to_owned).into()));
    assert_eq!(frames.take(), [Sent::End(End::Stop)]);
}

#[test]
fn an_event_that_is_waited_for_is_left_to_the_run_that_goes_on() {
    let progress = Progress::new(1);
    let (wanted, (reports, _heard)) = (Wanted::new(0), mpsc::channel());
    let mut bench = Bench::new(&progress, 1, WhenQuiet::default(), None);
    let (_tells, told) = mpsc::sync_channel(1);
    bench.running.barriers = Some(Barriers { wanted: &wanted, done: 0, reports, told, source: 0 });
    bench.event(0, 1_000);
    bench.frames.take();
    bench.running.schedule = Schedule::new(Rate::Recorded(1.0), MINUTE);
    wanted.barrier(1, true);
    assert_eq!(bench.event(0, 2_000), Turn::Last);
    assert_eq!((bench.at.sequence, bench.frames.take()), (1, vec![Sent::Barrier(1, 999)]));
}

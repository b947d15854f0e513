//! The threads of a job: how they start together, and how they stop when one of them fails.
//!
//! 1. The first event is due when every shard is set up: start-up costs are paid before.
//! 2. A thread that fails or panics stops all others; its error is the job's.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread::{self, Scope, ScopedJoinHandle};

use tidewire_dataflow::{Operator, Partitions, Route, WatermarkStrategy};
use tidewire_event::Source;
use tidewire_snapshot::SourcePosition;

use crate::clock::{Clock, MonotonicClock};
use crate::driver::{Station, pin};
use crate::driver_glommio;
use crate::lanes::{Downstream, Stopped};
use crate::observe::{Note, Progress};
use crate::options::{Driver, Layout, Options};
use crate::outcome::JobError;
use crate::rate::{Rate, Schedule};
use crate::shard::{Inlet, Outlet, ShardTotals};
use crate::snapshots::SnapshotError;
use crate::snapshots::barriers::Barriers;
use crate::snapshots::position;
use crate::source_loop::{Alignment, Last, Quiet, SourceLoop};

/// What all threads of a job share.
pub(crate) struct Shared {
    pub(crate) clock: MonotonicClock,
    pub(crate) layout: Layout,
    pub(crate) progress: Progress,
    rate: Rate,
    align_ns: Option<i64>,
    driver: Driver,
    notes: mpsc::Sender<Note>,
    ready: AtomicUsize,
    started: OnceLock<i64>,
    stop: AtomicBool,
}

/// Where a source begins.
pub(crate) struct SourceStart<'a, W> {
    pub(crate) index: usize,
    pub(crate) watermarks: Partitions<W>,
    /// After how long without an event it is idle, ns.
    pub(crate) idle_after: Option<i64>,
    /// Where it goes on.
    pub(crate) restored: Option<SourcePosition>,
    pub(crate) barriers: Option<Barriers<'a>>,
}

impl<W> SourceStart<'_, W> {
    /// Takes the source to where it goes on.
    pub(crate) fn restore<T: Source, K>(
        &mut self,
        source: &mut T,
    ) -> Result<Begun, Ended<T::Error, K>>
    where
        W: WatermarkStrategy<T::Event>,
    {
        let failed = |error| Ended::Failed(JobError::Source(error));
        let Some(restored) = &self.restored else {
            let keeps_places = source.position().map_err(failed)?.is_some();
            return Ok(Begun { passed: 0, keeps_places });
        };
        let (input, events) = (self.index, restored.events);
        match &restored.place {
            Some(place) if source.resume(place).map_err(failed)? => {}
            Some(place) => {
                let place = place.clone();
                return Err(SnapshotError::OtherInput { input, place }.into());
            }
            None => {
                let found = source.seek(events).map_err(failed)?;
                if found < events {
                    let expected = events;
                    return Err(SnapshotError::InputTooShort { input, expected, found }.into());
                }
            }
        }
        position::restore(&mut self.watermarks, restored);
        let keeps_places = source.position().map_err(failed)?.is_some();
        Ok(Begun { passed: events, keeps_places })
    }
}

/// How a source has begun.
pub(crate) struct Begun {
    /// Events before its first.
    pub(crate) passed: u64,
    /// Whether it says itself where it is.
    pub(crate) keeps_places: bool,
}

/// Why a thread ended before its time.
pub(crate) enum Ended<S, K> {
    /// Another thread has failed.
    Stopped,
    Failed(JobError<S, K>),
}

impl<S, K> From<Stopped> for Ended<S, K> {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::ByAnother => Self::Stopped,
            Stopped::StateFull => Self::Failed(JobError::StateFull),
        }
    }
}

impl<S, K> From<SnapshotError> for Ended<S, K> {
    fn from(error: SnapshotError) -> Self {
        Self::Failed(error.into())
    }
}

impl Shared {
    pub(crate) fn new(layout: Layout, options: &Options) -> (Self, mpsc::Receiver<Note>) {
        let (notes, noted) = mpsc::channel();
        let shared = Self {
            clock: MonotonicClock::start(),
            progress: Progress::new(layout.source_cores.len()),
            layout,
            rate: options.rate,
            align_ns: options.align_ns,
            driver: options.driver,
            notes,
            ready: AtomicUsize::new(0),
            started: OnceLock::new(),
            stop: AtomicBool::new(false),
        };
        (shared, noted)
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Relaxed)
    }

    /// When the first event was due, ns of the clock.
    pub(crate) fn started(&self) -> Option<i64> {
        self.started.get().copied()
    }

    pub(crate) fn shard_is_ready(&self) {
        self.ready.fetch_add(1, Relaxed);
    }

    /// Waits for every shard and every source. The first event is due at the moment that this returns, the same for all.
    fn start(&self) -> i64 {
        self.ready.fetch_add(1, Relaxed);
        let all = self.layout.shards + self.layout.source_cores.len();
        while self.ready.load(Relaxed) < all && !self.stopped() {
            thread::yield_now();
        }
        *self.started.get_or_init(|| self.clock.now())
    }

    pub(crate) fn note(&self, note: Note) {
        // Nobody reads it any more if the caller's thread has panicked.
        let _ = self.notes.send(note);
    }

    /// Starts a thread that stops all others if it fails or panics.
    pub(crate) fn spawn<'scope, T: Send + 'scope, S: Send + 'scope, K: Send + 'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        name: String,
        work: impl FnOnce() -> Result<T, Ended<S, K>> + Send + 'scope,
    ) -> Result<ScopedJoinHandle<'scope, Result<T, Ended<S, K>>>, JobError<S, K>> {
        let caller = thread::current();
        let work = move || {
            let on_panic = StopOnPanic(&self.stop);
            let result = work();
            if result.is_err() {
                self.stop.store(true, Relaxed);
            }
            drop(on_panic);
            caller.unpark();
            result
        };
        thread::Builder::new().name(name.clone()).spawn_scoped(scope, work).map_err(|error| {
            self.stop.store(true, Relaxed);
            JobError::Spawn { thread: name, error }
        })
    }

    /// The body of a source's thread: reads to the end of the input, into `down`. The count of events, and what the shard
    /// did if it is on this thread.
    pub(crate) fn run_source<T, W, R, K>(
        &self,
        mut source: T,
        mut start: SourceStart<'_, W>,
        route: R,
        down: impl Downstream<R::Out>,
    ) -> Result<(u64, ShardTotals), Ended<T::Error, K>>
    where
        T: Source,
        W: WatermarkStrategy<T::Event>,
        R: Route<T::Event>,
    {
        let index = start.index;
        self.pin("source", self.layout.source_cores[index]);
        let Begun { passed, keeps_places } = start.restore(&mut source)?;
        let source_loop = SourceLoop {
            index,
            watermarks: start.watermarks,
            route,
            down,
            schedule: Schedule::new(self.rate, self.start()),
            clock: self.clock.clone(),
            wait: self.layout.wait,
            progress: &self.progress,
            stopped: || self.stopped(),
            barriers: start.barriers,
            last: Last::No,
            passed,
            keeps_places,
            quiet: Quiet::new(start.idle_after),
            alignment: Alignment::new(self.align_ns),
        };
        Ok(source_loop.run(source)?)
    }

    /// The body of a shard's thread. The count of events.
    pub(crate) fn run_shard<O, I, X, C>(
        &self,
        shard: usize,
        station: Station<O, I, X, C>,
    ) -> Result<ShardTotals, Stopped>
    where
        O: Operator,
        I: Inlet<O::In>,
        X: Outlet<O::Row, O::Late>,
        C: Clock,
    {
        let core = self.layout.shard_cores[shard];
        if self.driver == Driver::Glommio {
            match driver_glommio::local_executor(core, &format!("shard-{shard}")) {
                Ok(local) => {
                    let ready = || self.shard_is_ready();
                    return driver_glommio::run(&local, station, ready, || self.stopped());
                }
                Err(reason) => self.note(Note::PlainThread { shard, reason }),
            }
        }
        self.pin("shard", core);
        self.shard_is_ready();
        station.run(|| self.stopped())
    }

    /// Keeps this thread off the cores of shards and sources: a spinning thread whose core is shared loses it for
    /// milliseconds at a time.
    pub(crate) fn stand_aside(&self, thread: &'static str) {
        self.pin(thread, self.layout.other_core);
    }

    fn pin(&self, thread: &'static str, core: Option<usize>) {
        if let Some(core) = core
            && !pin(core)
        {
            self.note(Note::NotPinned { thread, core });
        }
    }
}

struct StopOnPanic<'a>(&'a AtomicBool);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Relaxed);
        }
    }
}

//! A simulated process: a stepped job, and whether it is still alive.

use std::fmt::{self, Display};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};

use tidewire_dataflow::{Operator, Route, WatermarkStrategy};
use tidewire_event::{Sink, Source};
use tidewire_runtime::clock::Clock;
use tidewire_runtime::stepped::{Stepped, SteppedJob};
use tidewire_runtime::{JobError, Note, SnapshotError};

/// The clock of the simulation.
#[derive(Debug, Clone, Default)]
pub(crate) struct SimClock(Arc<AtomicI64>);

impl SimClock {
    pub(crate) fn advance(&self, ns: i64) {
        self.0.fetch_add(ns, Relaxed);
    }
}

impl Clock for SimClock {
    fn now(&self) -> i64 {
        self.0.load(Relaxed)
    }
}

/// Whether a process is alive: what it shares with its ends of the store and the disk.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) number: u64,
    is_over: AtomicBool,
    may_crash: AtomicBool,
}

impl Life {
    pub(crate) fn new(number: u64, may_crash: bool) -> Self {
        Self { number, is_over: AtomicBool::new(false), may_crash: AtomicBool::new(may_crash) }
    }

    pub(crate) fn end(&self) {
        self.is_over.store(true, Relaxed);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Relaxed)
    }

    pub(crate) fn may_crash(&self) -> bool {
        self.may_crash.load(Relaxed)
    }

    pub(crate) fn heal(&self) {
        self.may_crash.store(false, Relaxed);
    }
}

impl Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.number)
    }
}

/// Why a process stopped by itself.
#[derive(Debug)]
pub(crate) enum Stop {
    Fenced(String),
    Other(String),
}

/// A process whose parts can be stepped.
pub(crate) trait Process {
    fn life(&self) -> &Life;
    fn parts(&self) -> usize;
    fn step(&mut self, part: usize, note: &dyn Fn(Note)) -> Result<Stepped, Stop>;
    fn is_done(&self) -> bool;
    /// Asks it to stop behind a last snapshot; false if that has been done.
    fn ask_to_stop(&self) -> bool;
    /// Whether it has done all because it was stopped.
    fn is_stopped(&self) -> bool;
}

/// A job and its life.
pub(crate) struct Running<'a, S: Source, W, R, O: Operator, K: Sink> {
    pub(crate) job: SteppedJob<'a, S, W, R, O, K, SimClock>,
    pub(crate) life: Arc<Life>,
    /// What stops the job.
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) sources: usize,
    pub(crate) shards: usize,
}

impl<S, W, R, O, K> Process for Running<'_, S, W, R, O, K>
where
    S: Source,
    W: WatermarkStrategy<S::Event>,
    R: Route<S::Event> + Clone,
    O: Operator<In = R::Out>,
    K: Sink<Row = O::Row, Late = O::Late>,
{
    fn life(&self) -> &Life {
        &self.life
    }

    fn parts(&self) -> usize {
        self.sources + self.shards + 2
    }

    fn step(&mut self, part: usize, note: &dyn Fn(Note)) -> Result<Stepped, Stop> {
        let stepped = match part.checked_sub(self.sources) {
            None => self.job.step_source(part),
            Some(shard) if shard < self.shards => self.job.step_shard(shard),
            Some(rest) if rest == self.shards => self.job.step_sink(),
            Some(_) => self.job.step_uploader(note),
        };
        stepped.map_err(|error| stop(&error))
    }

    fn is_done(&self) -> bool {
        self.job.is_done()
    }

    fn ask_to_stop(&self) -> bool {
        !self.stop.swap(true, Relaxed)
    }

    fn is_stopped(&self) -> bool {
        self.job.totals().stopped.is_some()
    }
}

/// Why a job stopped.
pub(crate) fn stop<S, K>(error: &JobError<S, K>) -> Stop
where
    S: std::error::Error + 'static,
    K: std::error::Error + 'static,
{
    match error {
        JobError::Snapshot(error @ SnapshotError::Fenced { .. }) => Stop::Fenced(error.to_string()),
        error => Stop::Other(error.to_string()),
    }
}

//! A job without threads: the caller says which part takes its next step, and what time it is.
//!
//! 1. The parts are those of [`Job::run`](crate::Job::run), wired the same way; only who calls them differs. So what a
//!    simulation finds here is so there.
//! 2. No step waits: a source is not stepped into a full ring, and an event that is not due is left where it is. So an
//!    event may not become more than a few by a transform.
//! 3. A job that is dropped is a process that has crashed: what it has not stored is gone.

use rtrb::{Consumer, RingBuffer};
use tidewire_dataflow::{Operator, Partitions, Route, WatermarkStrategy};
use tidewire_event::{Frame, HashRange, OutFrame, Sink, Source};
use tidewire_state::{Arena, Budget, Full};

use crate::clock::Clock;
use crate::driver::Station;
use crate::job::{Job, mesh};
use crate::lanes::Rings;
use crate::observe::{Note, Progress};
use crate::outcome::JobError;
use crate::rate::{Rate, Schedule};
use crate::ring::Inflow;
use crate::shard::{Shard, Step};
use crate::sink_loop::{SinkLoop, SinkStep};
use crate::snapshots::opened::{Opened, SnapshotEnds};
use crate::snapshots::shard_log::LogSize;
use crate::snapshots::uploader::{Upload, Uploader};
use crate::snapshots::{SnapshotError, SnapshotTotals, Snapshots};
use crate::source_loop::{Alignment, At, Last, Quiet, SourceLoop, Turn};
use crate::threads::{Begun, Ended, SourceStart};
use crate::wait::{Bell, Wait};

/// The sizes of what lies between the parts. A source hands over at most
/// [`CHUNK_FRAMES`](tidewire_event::limits::CHUNK_FRAMES) at once, and a ring must hold a few more.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Frames of a ring between a source and a shard.
    pub ring_frames: usize,
    /// Frames of a ring between a shard and the sink.
    pub out_ring_frames: usize,
    /// Chunks of a shard's capture log.
    pub log_chunks: usize,
    /// Bytes of such a chunk.
    pub log_chunk_bytes: usize,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stepped {
    /// Something was done.
    Busy,
    /// There was nothing to do, or no room for what comes of it.
    Idle,
    /// The part has done all that it has to do.
    Done,
}

/// A store that a run may write to, and what the run goes on from.
pub struct SteppedStore<'a> {
    opened: Opened<'a>,
    progress: Progress,
    sources: usize,
}

impl<'a> SteppedStore<'a> {
    /// Opens the store for a job with so many sources.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub fn open(
        snapshots: &'a Snapshots,
        sources: usize,
        note: impl Fn(Note),
    ) -> Result<Self, SnapshotError> {
        let opened = Opened::open(snapshots, sources, note)?;
        Ok(Self { opened, progress: Progress::new(sources), sources })
    }
}

/// Never: only a thread that waits asks whether it has been stopped.
fn never() -> bool {
    false
}

type Loop<'a, W, R, E, C> = SourceLoop<'a, W, R, Rings<E, fn() -> bool>, C, fn() -> bool>;
type Placed<O, C> = Station<
    O,
    Consumer<Frame<<O as Operator>::In>>,
    Inflow<OutFrame<<O as Operator>::Row, <O as Operator>::Late>>,
    C,
>;

struct SteppedSource<'a, S, W, R, E, C> {
    source: S,
    at: At,
    /// `None` when it has ended.
    source_loop: Option<Loop<'a, W, R, E, C>>,
}

/// A running job: see the module.
pub struct SteppedJob<'a, S: Source, W, R, O: Operator, K: Sink, C> {
    sources: Vec<SteppedSource<'a, S, W, R, O::In, C>>,
    shards: Vec<(Placed<O, C>, bool)>,
    sink: SinkLoop<K>,
    is_sink_done: bool,
    uploader: Uploader<'a>,
    is_uploader_done: bool,
    clock: C,
}

type Failed<S, K> = JobError<<S as Source>::Error, <K as Sink>::Error>;

impl<'a, S, W, R, O, K, C> SteppedJob<'a, S, W, R, O, K, C>
where
    S: Source,
    W: WatermarkStrategy<S::Event>,
    R: Route<S::Event> + Clone,
    O: Operator<In = R::Out>,
    K: Sink<Row = O::Row, Late = O::Late>,
    C: Clock + Clone,
{
    /// Sets the job up on so many shards, from what `store` has of it.
    ///
    /// # Errors
    /// It can not go on from there.
    pub fn start<M: Fn(Arena) -> Result<O, Full>, Y: Fn() -> W>(
        mut job: Job<S, Y, R, M, K>,
        store: &'a SteppedStore<'_>,
        shards: usize,
        sizes: &Sizes,
        rate: Rate,
        align_ns: Option<i64>,
        clock: C,
    ) -> Result<Self, Failed<S, K>> {
        let SteppedStore { opened, progress, sources: inputs } = store;
        let logs = LogSize { chunks: sizes.log_chunks, chunk_bytes: sizes.log_chunk_bytes };
        opened.restore_sink(&mut job.sink)?;
        let mut ends = SnapshotEnds::new(Some(opened), *inputs, shards, logs);
        let (outlets, results): (Vec<_>, Vec<_>) =
            (0..shards).map(|_| RingBuffer::new(sizes.out_ring_frames)).unzip();
        let mut sink = SinkLoop::new(job.sink, results, None, ends.sink.take());
        if let Err(end) = sink.start() {
            ended::<S, K>(end.into())?;
        }
        let budget = Budget::unlimited();
        let mut images = opened.images(shards, &budget)?.into_iter().flatten();
        let (out_of_sources, into_shards) =
            mesh(*inputs, &vec![Bell::default(); shards], sizes.ring_frames);
        let mut stations = Vec::with_capacity(shards);
        for (index, (outlet, inlets)) in outlets.into_iter().zip(into_shards).enumerate() {
            let range = HashRange::of_shard(index, shards);
            let arena = Arena { range, budget: budget.clone(), is_tracked: true, operator: 0 };
            let operator = (job.operator)(arena)?;
            let mut shard = Shard::new(operator, *inputs).logging(ends.shards.next());
            if let Some(mut image) = images.next() {
                opened.restore_shard(&mut shard, &mut image)?;
            }
            let (clock, bell) = (clock.clone(), Bell::default());
            let outlet = Inflow::new(outlet, bell.clone());
            let wait = Wait::Yield;
            stations.push((Station { shard, inlets, outlet, clock, wait, bell }, false));
        }
        let grid = stations.first().and_then(|(station, _)| station.shard.grid());
        let mut sources = Vec::with_capacity(*inputs);
        for ((index, mut source), rings) in job.sources.into_iter().enumerate().zip(out_of_sources)
        {
            let (restored, barriers) = (opened.position(index), ends.source(index));
            let watermarks = (job.watermarks)();
            let watermarks = Partitions::new(watermarks, source.partitions(), job.when_quiet);
            let idle_after = job.when_quiet.idle_after;
            let mut start = SourceStart { index, watermarks, idle_after, restored, barriers };
            let begun = match start.restore::<S, K::Error>(&mut source) {
                Ok(begun) => begun,
                Err(Ended::Failed(error)) => return Err(error),
                Err(Ended::Stopped) => Begun { passed: 0, keeps_places: false },
            };
            let source_loop = SourceLoop {
                index,
                watermarks: start.watermarks,
                route: job.route.clone(),
                down: Rings::new(rings, grid, Wait::Yield, never as fn() -> bool),
                schedule: Schedule::new(rate, clock.now()),
                clock: clock.clone(),
                wait: Wait::Yield,
                progress,
                stopped: never as fn() -> bool,
                barriers: start.barriers,
                last: Last::No,
                passed: begun.passed,
                keeps_places: begun.keeps_places,
                quiet: Quiet::new(idle_after),
                alignment: Alignment::new(align_ns),
            };
            let at = source_loop.begin();
            sources.push(SteppedSource { source, at, source_loop: Some(source_loop) });
        }
        let Some(uploader) = ends.uploader.take() else { return Err(SnapshotError::Sink.into()) };
        let uploader = opened.uploader(uploader)?;
        let (is_sink_done, is_uploader_done) = (false, false);
        Ok(Self {
            sources,
            shards: stations,
            sink,
            is_sink_done,
            uploader,
            is_uploader_done,
            clock,
        })
    }

    /// Reads one event of a source and routes it; or, if none is due or there, or the source is too far ahead of others,
    /// hands over what was read before.
    ///
    /// # Errors
    /// The source failed.
    pub fn step_source(&mut self, index: usize) -> Result<Stepped, Failed<S, K>> {
        let SteppedSource { source, at, source_loop } = &mut self.sources[index];
        let Some(running) = source_loop else { return Ok(Stepped::Done) };
        if !running.down.has_room() {
            return Ok(Stepped::Idle);
        }
        if running.last == Last::Durable {
            let end = source_loop.take().map(|running| running.end_here(source, *at)).transpose();
            return end.map(|_| Stepped::Done).or_else(|end| ended::<S, K>(end.into()));
        }
        if running.last == Last::Sent || running.is_ahead(*at) || !running.is_due(*at) {
            return match running.idle(source, *at) {
                Ok(()) => Ok(Stepped::Idle),
                Err(end) => ended::<S, K>(end.into()),
            };
        }
        match running.next(source, at) {
            Ok(Turn::Event | Turn::Ahead | Turn::Last) => Ok(Stepped::Busy),
            Ok(Turn::Nothing) => match running.nothing(source, at) {
                Ok(()) => Ok(Stepped::Idle),
                Err(end) => ended::<S, K>(end.into()),
            },
            Ok(Turn::End) => {
                let end = source_loop.take().map(|running| running.end(source, *at)).transpose();
                end.map(|_| Stepped::Done).or_else(|end| ended::<S, K>(end.into()))
            }
            Err(end) => ended::<S, K>(end.into()),
        }
    }

    /// One turn of a shard.
    ///
    /// # Errors
    /// Its state is full.
    pub fn step_shard(&mut self, index: usize) -> Result<Stepped, Failed<S, K>> {
        let (station, is_done) = &mut self.shards[index];
        if *is_done {
            return Ok(Stepped::Done);
        }
        match station.step() {
            Step::Busy => Ok(Stepped::Busy),
            Step::Idle | Step::Blocked => Ok(Stepped::Idle),
            Step::Full => Err(JobError::StateFull),
            Step::Done => {
                *is_done = true;
                Ok(Stepped::Done)
            }
        }
    }

    /// One turn of the sink.
    ///
    /// # Errors
    /// The sink failed.
    pub fn step_sink(&mut self) -> Result<Stepped, Failed<S, K>> {
        if self.is_sink_done {
            return Ok(Stepped::Done);
        }
        match self.sink.step(&self.clock) {
            Ok(SinkStep::Busy) => Ok(Stepped::Busy),
            Ok(SinkStep::Idle | SinkStep::Waiting) => Ok(Stepped::Idle),
            Ok(SinkStep::Done) => {
                self.is_sink_done = true;
                Ok(Stepped::Done)
            }
            Err(end) => ended::<S, K>(end.into()),
        }
    }

    /// One turn of the uploader.
    ///
    /// # Errors
    /// Another process has taken over, or the state that is stored does not fit together.
    pub fn step_uploader(&mut self, note: impl Fn(Note)) -> Result<Stepped, Failed<S, K>> {
        if self.is_uploader_done {
            return Ok(Stepped::Done);
        }
        match self.uploader.step(self.clock.now())? {
            Upload::Busy => Ok(Stepped::Busy),
            Upload::Idle => Ok(Stepped::Idle),
            Upload::GivenUp(why) => {
                note(Note::EpochGivenUp { why });
                Ok(Stepped::Busy)
            }
            Upload::Done => {
                self.is_uploader_done = true;
                Ok(Stepped::Done)
            }
        }
    }

    /// Whether every part has done all that it has to do.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let sources = self.sources.iter().all(|source| source.source_loop.is_none());
        let shards = self.shards.iter().all(|(_, is_done)| *is_done);
        sources && shards && self.is_sink_done && self.is_uploader_done
    }

    /// What the snapshots have come to so far.
    #[must_use]
    pub fn totals(&self) -> SnapshotTotals {
        self.uploader.totals()
    }
}

fn ended<S: Source, K: Sink>(ended: Ended<S::Error, K::Error>) -> Result<Stepped, Failed<S, K>> {
    match ended {
        Ended::Failed(error) => Err(error),
        Ended::Stopped => Ok(Stepped::Done),
    }
}

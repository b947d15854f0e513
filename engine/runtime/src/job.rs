//! A job: sources, a key, an operator, a sink, put together and run to the end of the input.

use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::Duration;

use rtrb::{Consumer, RingBuffer};
use tidewire_dataflow::{Operator, Partitions, Route, WatermarkStrategy, WhenQuiet};
use tidewire_event::limits::{OUT_RING_FRAMES, RING_FRAMES};
use tidewire_event::{Frame, HashRange, OutFrame, Sink, Source};
use tidewire_state::{Arena, Budget, Full};

use crate::clock::Clock;
use crate::driver::Station;
use crate::lanes::{Inline, Rings};
use crate::latency::Span;
use crate::observe::Observer;
use crate::options::{Layout, Options};
use crate::outcome::{Done, JobError, Outcome, Watch, join};
use crate::rate::Rate;
use crate::ring::Inflow;
use crate::shard::Shard;
use crate::sink_loop::SinkLoop;
use crate::snapshots::opened::{Opened, SnapshotEnds};
use crate::snapshots::shard_log::LogSize;
use crate::threads::{Ended, Shared, SourceStart};
use crate::wait::Bell;

/// How often the observer is shown what goes on.
const OBSERVE_EVERY: Duration = Duration::from_millis(50);

/// What a job is made of.
#[derive(Debug)]
pub struct Job<S, W, R, O, K> {
    /// Where events come from.
    pub sources: Vec<S>,
    /// Makes the watermark strategy of a source: each of its partitions has one.
    pub watermarks: W,
    /// What watermarks do when events do not come.
    pub when_quiet: WhenQuiet,
    /// What becomes of an event on its source's thread, and which shard that goes to: a function that gives the hash of an
    /// event's key ([`hash_of`](tidewire_event::hash_of)), or one behind transforms ([`ByKey`](tidewire_dataflow::ByKey)).
    pub route: R,
    /// Makes the operator of a shard, with its state in an arena, if there is room for what it begins with.
    pub operator: O,
    /// Where results go.
    pub sink: K,
}

/// A thread of the job.
type Thread<'scope, T, K> =
    ScopedJoinHandle<'scope, Result<Done<K>, Ended<<T as Source>::Error, <K as Sink>::Error>>>;

/// A shard with the rings around it.
type Placed<O> = (Shard<O>, Inflow<OutFrame<<O as Operator>::Row, <O as Operator>::Late>>);

impl<S, W, R, M, Y, O, K> Job<S, Y, R, M, K>
where
    S: Source,
    W: WatermarkStrategy<S::Event>,
    Y: Fn() -> W,
    R: Route<S::Event> + Clone + Send,
    R::Out: Copy + Send,
    M: Fn(Arena) -> Result<O, Full>,
    O: Operator<In = R::Out> + Send,
    O::Row: Send,
    O::Late: Send,
    K: Sink<Row = O::Row, Late = O::Late>,
{
    /// Runs the job to the end of its input.
    ///
    /// # Errors
    /// The options can not be met, or a source, the sink, a thread or the store of snapshots failed. What was written
    /// before stays.
    pub fn run(
        mut self,
        options: &Options,
        observer: &mut impl Observer,
    ) -> Result<Outcome<K>, JobError<S::Error, K::Error>> {
        let inputs = self.sources.len();
        let have_threads = self.sources.iter().any(Source::has_threads);
        let (shared, notes) = Shared::new(Layout::of(options, inputs, have_threads)?, options);
        let (shared, layout) = (&shared, &shared.layout);
        let mut watch = Watch { observer, notes, collectors: Vec::new(), shared };
        let snapshots = options.snapshots.as_ref();
        let opened =
            snapshots.map(|it| Opened::open(it, inputs, |note| shared.note(note))).transpose();
        // What is wrong with snapshots is said also where none of them is good.
        watch.show();
        let opened = opened?;
        let opened = opened.as_ref();
        if let Some(opened) = opened {
            opened.restore_sink(&mut self.sink)?;
        }
        let mut ends = SnapshotEnds::new(opened, inputs, layout.shards, LogSize::FULL);
        let mut record = |span| (options.rate != Rate::Max).then(|| watch.recorder(span));

        let (outlets, results): (Vec<_>, Vec<_>) =
            (0..layout.shards).map(|_| RingBuffer::new(OUT_RING_FRAMES)).unzip();
        let sink = SinkLoop::new(self.sink, results, record(Span::Result), ends.sink.take());
        // The uploader's image of the state takes as much as the state.
        let copies = if opened.is_some() { 2 } else { 1 };
        let budget = Budget::new(options.state_bytes_max / copies);
        let images = opened.map(|it| it.images(layout.shards, &budget)).transpose()?.flatten();
        let mut images = images.into_iter().flatten();
        let mut shards = Vec::with_capacity(layout.shards);
        let sink_bell = Bell::for_one_that(layout.sink_wait);
        for (index, outlet) in outlets.into_iter().enumerate() {
            let arena = Arena {
                range: HashRange::of_shard(index, layout.shards),
                budget: budget.clone(),
                is_tracked: opened.is_some(),
                operator: 0,
            };
            let mut shard = Shard::new((self.operator)(arena)?, inputs)
                .recording(record(Span::Effect))
                .when_full(options.when_full)
                .logging(ends.shards.next());
            if let (Some(opened), Some(mut image)) = (opened, images.next()) {
                opened.restore_shard(&mut shard, &mut image)?;
            }
            shards.push((shard, Inflow::new(outlet, sink_bell.clone())));
        }
        let sources = self.sources.into_iter().enumerate().map(|(index, source)| {
            let watermarks = (self.watermarks)();
            let watermarks = Partitions::new(watermarks, source.partitions(), self.when_quiet);
            let idle_after = self.when_quiet.idle_after;
            let restored = opened.and_then(|opened| opened.position(index));
            let barriers = ends.source(index);
            (source, SourceStart { index, watermarks, idle_after, restored, barriers })
        });
        let sources = sources.collect();

        let done = thread::scope(|scope| {
            let mut threads = vec![shared.spawn(scope, "sink".to_owned(), move || {
                shared.stand_aside("sink");
                let wait = (layout.sink_wait, &sink_bell);
                let (sink, taken) = sink.run(&shared.clock, wait, || shared.stopped())?;
                Ok(Done::Sink { sink, taken, at: shared.clock.now() })
            })?];
            if let (Some(opened), Some(ends)) = (opened, ends.uploader.take()) {
                threads.push(shared.spawn(scope, "uploader".to_owned(), move || {
                    shared.stand_aside("uploader");
                    Ok(Done::Uploader(opened.run_uploader(ends, shared)?))
                })?);
            }
            if layout.inline {
                spawn_inline(shared, scope, &mut threads, sources, shards, &self.route)?;
            } else {
                spawn_on_rings(shared, scope, &mut threads, sources, shards, &self.route)?;
            }
            while !threads.iter().all(ScopedJoinHandle::is_finished) {
                thread::park_timeout(OBSERVE_EVERY);
                watch.show();
            }
            join(threads)
        })?;
        watch.show();
        watch.outcome(done)
    }
}

/// Starts the source with its shard on one thread.
fn spawn_inline<'scope, S, W, R, O, K>(
    shared: &'scope Shared,
    scope: &'scope Scope<'scope, '_>,
    threads: &mut Vec<Thread<'scope, S, K>>,
    sources: Vec<(S, SourceStart<'scope, W>)>,
    shards: Vec<Placed<O>>,
    route: &R,
) -> Result<(), JobError<S::Error, K::Error>>
where
    S: Source + 'scope,
    W: WatermarkStrategy<S::Event> + 'scope,
    R: Route<S::Event> + Clone + Send + 'scope,
    R::Out: Copy + Send,
    O: Operator<In = R::Out> + Send + 'scope,
    O::Row: Send,
    O::Late: Send,
    K: Sink<Row = O::Row, Late = O::Late> + 'scope,
{
    for ((source, start), (shard, outlet)) in sources.into_iter().zip(shards) {
        let route = route.clone();
        threads.push(shared.spawn(scope, "inline".to_owned(), move || {
            let stopped = || shared.stopped();
            let down =
                Inline::new(shard, outlet, shared.clock.clone(), shared.layout.wait, stopped);
            shared.shard_is_ready();
            let (events, totals) = shared.run_source(source, start, route, down)?;
            Ok(Done::Source { events, inline: Some(totals) })
        })?);
    }
    Ok(())
}

/// Starts a thread for each source and for each shard, with a ring between each two.
fn spawn_on_rings<'scope, S, W, R, O, K>(
    shared: &'scope Shared,
    scope: &'scope Scope<'scope, '_>,
    threads: &mut Vec<Thread<'scope, S, K>>,
    sources: Vec<(S, SourceStart<'scope, W>)>,
    shards: Vec<Placed<O>>,
    route: &R,
) -> Result<(), JobError<S::Error, K::Error>>
where
    S: Source + 'scope,
    W: WatermarkStrategy<S::Event> + 'scope,
    R: Route<S::Event> + Clone + Send + 'scope,
    R::Out: Copy + Send,
    O: Operator<In = R::Out> + Send + 'scope,
    O::Row: Send,
    O::Late: Send,
    K: Sink<Row = O::Row, Late = O::Late> + 'scope,
{
    let grid = shards.first().and_then(|(shard, _)| shard.grid());
    let wait = shared.layout.wait;
    let bells: Vec<_> = shards.iter().map(|_| Bell::for_one_that(wait)).collect();
    let (out_of_sources, into_shards) = mesh(sources.len(), &bells, RING_FRAMES);
    for ((source, start), rings) in sources.into_iter().zip(out_of_sources) {
        let route = route.clone();
        threads.push(shared.spawn(scope, format!("source-{}", start.index), move || {
            let down = Rings::new(rings, grid, wait, || shared.stopped());
            let (events, _) = shared.run_source(source, start, route, down)?;
            Ok(Done::Source { events, inline: None })
        })?);
    }
    let placed = shards.into_iter().zip(into_shards).zip(bells);
    for (index, (((shard, outlet), inlets), bell)) in placed.enumerate() {
        let station = Station { shard, inlets, outlet, clock: shared.clock.clone(), wait, bell };
        threads.push(shared.spawn(scope, format!("shard-{index}"), move || {
            Ok(Done::Shard(shared.run_shard(index, station)?))
        })?);
    }
    Ok(())
}

/// The rings of `ring_frames` between `sources` and the shards with these bells: for each source its ends, and for each
/// shard its ends.
pub(crate) fn mesh<E>(
    sources: usize,
    bells: &[Bell],
    ring_frames: usize,
) -> (Vec<Vec<Inflow<Frame<E>>>>, Vec<Vec<Consumer<Frame<E>>>>) {
    let mut into_shards: Vec<_> = bells.iter().map(|_| Vec::with_capacity(sources)).collect();
    let out_of_sources = (0..sources).map(|_| {
        let lanes = into_shards.iter_mut().zip(bells).map(|(inlets, bell)| {
            let (producer, consumer) = RingBuffer::new(ring_frames);
            inlets.push(consumer);
            Inflow::new(producer, bell.clone())
        });
        lanes.collect()
    });
    (out_of_sources.collect(), into_shards)
}

#[cfg(test)]
mod tests;

//! A job: sources, a key, an operator, a sink, put together and run to the end of the input.

use std::sync::mpsc::Receiver;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use hdrhistogram::Histogram;
use rtrb::{Consumer, Producer, RingBuffer};
use tidewire_dataflow::{Operator, WatermarkStrategy};
use tidewire_event::limits::{OUT_RING_FRAMES, RING_FRAMES};
use tidewire_event::{Frame, HashRange, Sink, Source};
use tidewire_state::{Arena, Budget};

use crate::clock::Clock;
use crate::driver::Station;
use crate::lanes::{Inline, Rings};
use crate::latency::{Collector, Recorder, Span, recorder};
use crate::observe::{Note, Observer};
use crate::options::{Layout, Options, OptionsError};
use crate::rate::Rate;
use crate::shard::Shard;
use crate::sink_loop::{SinkEnd, SinkLoop, Taken};
use crate::source_loop::SourceEnd;
use crate::threads::{Ended, Shared};

/// How often the observer is shown what goes on.
const OBSERVE_EVERY: Duration = Duration::from_millis(50);

/// What a job is made of.
#[derive(Debug)]
pub struct Job<S, W, H, O, K> {
    /// Where events come from.
    pub sources: Vec<S>,
    /// Makes the watermark strategy of a source.
    pub watermarks: W,
    /// The hash of an event's key ([`hash_of`](tidewire_event::hash_of)): which shard it goes to.
    pub hash: H,
    /// Makes the operator of a shard, with its state in an arena.
    pub operator: O,
    /// Where results go.
    pub sink: K,
}

/// Why a job did not come to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError<S, K> {
    /// The options can not be met here.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// A source failed.
    #[error(transparent)]
    Source(S),
    /// The sink failed.
    #[error(transparent)]
    Sink(K),
    /// The rows that wait for the slowest shard have passed their bound.
    #[error(
        "more than {} rows wait for the slowest shard: use smaller windows or fewer keys",
        tidewire_event::limits::SINK_PENDING_ROWS_MAX
    )]
    SinkBacklog,
    /// A thread could not be started.
    #[error("the {thread} thread could not be started")]
    Spawn {
        /// Which thread.
        thread: String,
        /// What the system said.
        #[source]
        error: std::io::Error,
    },
    /// A thread panicked: an error in the program, or in the caller's code.
    #[error("the {0} thread panicked")]
    Panicked(String),
}

/// What a job did.
#[derive(Debug)]
pub struct Outcome<K> {
    /// The sink, with what it holds.
    pub sink: K,
    /// Events read.
    pub events: u64,
    /// Events taken in by each shard.
    pub shard_events: Vec<u64>,
    /// Rows that reached the sink.
    pub rows: u64,
    /// Events that came after their window had closed.
    pub late: u64,
    /// From the first event to the last row, ns.
    pub elapsed_ns: i64,
    /// From due to effect, ns; of every event that was due at a moment.
    pub effect_latency: Option<Histogram<u64>>,
    /// From due to the result at the sink, ns.
    pub result_latency: Option<Histogram<u64>>,
    /// The threads as they were laid out, in words.
    pub threads: String,
}

impl<S, K> From<SourceEnd<S>> for Ended<S, K> {
    fn from(end: SourceEnd<S>) -> Self {
        match end {
            SourceEnd::Stopped => Self::Stopped,
            SourceEnd::Failed(error) => Self::Failed(JobError::Source(error)),
        }
    }
}

impl<S, K> From<SinkEnd<K>> for Ended<S, K> {
    fn from(end: SinkEnd<K>) -> Self {
        match end {
            SinkEnd::Stopped => Self::Stopped,
            SinkEnd::Backlog => Self::Failed(JobError::SinkBacklog),
            SinkEnd::Failed(error) => Self::Failed(JobError::Sink(error)),
        }
    }
}

/// What a thread of the job did.
enum Done<K> {
    Source { events: u64 },
    Shard { events: u64 },
    Sink { sink: K, taken: Taken, at: i64 },
}

impl<S, W, H, M, Y, O, K> Job<S, Y, H, M, K>
where
    S: Source,
    W: WatermarkStrategy,
    Y: Fn() -> W,
    H: Fn(&S::Event) -> u64 + Clone + Send,
    M: Fn(Arena) -> O,
    O: Operator<In = S::Event> + Send,
    O::Row: Send,
    O::Late: Send,
    K: Sink<Row = O::Row, Late = O::Late>,
{
    /// Runs the job to the end of its input.
    ///
    /// # Errors
    /// The options can not be met, or a source, the sink, or a thread failed. What was written before stays.
    pub fn run(
        self,
        options: &Options,
        observer: &mut impl Observer,
    ) -> Result<Outcome<K>, JobError<S::Error, K::Error>> {
        let inputs = self.sources.len();
        let (shared, notes) = Shared::new(Layout::of(options, inputs)?, options);
        let (shared, layout) = (&shared, &shared.layout);
        let mut watch = Watch { observer, notes, collectors: Vec::new(), shared };
        let mut record = |span| (options.rate != Rate::Max).then(|| watch.recorder(span));

        let (outlets, results): (Vec<_>, Vec<_>) =
            (0..layout.shards).map(|_| RingBuffer::new(OUT_RING_FRAMES)).unzip();
        let sink = SinkLoop::new(self.sink, results, record(Span::Result));
        let budget = Budget::new(options.state_bytes_max);
        let shards: Vec<_> = (0..layout.shards)
            .map(|shard| {
                let arena = Arena {
                    range: HashRange::of_shard(shard, layout.shards),
                    budget: budget.clone(),
                    is_tracked: false,
                };
                Shard::new((self.operator)(arena), inputs).recording(record(Span::Effect))
            })
            .collect();
        let grid = shards.first().and_then(Shard::grid);
        let shards = shards.into_iter().zip(outlets);
        let sources = self.sources.into_iter().map(|source| (source, (self.watermarks)()));

        let done = thread::scope(|scope| {
            let mut threads = vec![shared.spawn(scope, "sink".to_owned(), move || {
                let (sink, taken) =
                    sink.run(&shared.clock, layout.sink_wait, || shared.stopped())?;
                Ok(Done::Sink { sink, taken, at: shared.clock.now() })
            })?];
            if layout.inline {
                for ((source, strategy), (shard, outlet)) in sources.zip(shards) {
                    let hash = self.hash.clone();
                    threads.push(shared.spawn(scope, "inline".to_owned(), move || {
                        let stopped = || shared.stopped();
                        let down =
                            Inline::new(shard, outlet, shared.clock.clone(), layout.wait, stopped);
                        shared.shard_is_ready();
                        let events = shared.run_source(0, source, strategy, hash, down)?;
                        Ok(Done::Source { events })
                    })?);
                }
            } else {
                let (out_of_sources, into_shards) = mesh(inputs, layout.shards);
                for (index, ((source, strategy), rings)) in sources.zip(out_of_sources).enumerate()
                {
                    let hash = self.hash.clone();
                    threads.push(shared.spawn(scope, format!("source-{index}"), move || {
                        let down = Rings::new(rings, grid, layout.wait, || shared.stopped());
                        let events = shared.run_source(index, source, strategy, hash, down)?;
                        Ok(Done::Source { events })
                    })?);
                }
                for (index, ((shard, outlet), inlets)) in shards.zip(into_shards).enumerate() {
                    let (clock, wait) = (shared.clock.clone(), layout.wait);
                    let station = Station { shard, inlets, outlet, clock, wait };
                    threads.push(shared.spawn(scope, format!("shard-{index}"), move || {
                        let events = shared.run_shard(index, station)?;
                        Ok(Done::Shard { events })
                    })?);
                }
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

/// The rings between `sources` and `shards`: for each source its ends, and for each shard its ends.
fn mesh<E>(
    sources: usize,
    shards: usize,
) -> (Vec<Vec<Producer<Frame<E>>>>, Vec<Vec<Consumer<Frame<E>>>>) {
    let mut into_shards: Vec<_> = (0..shards).map(|_| Vec::with_capacity(sources)).collect();
    let out_of_sources = (0..sources).map(|_| {
        let lanes = into_shards.iter_mut().map(|inlets| {
            let (producer, consumer) = RingBuffer::new(RING_FRAMES);
            inlets.push(consumer);
            producer
        });
        lanes.collect()
    });
    (out_of_sources.collect(), into_shards)
}

/// Waits for every thread; the first error among them is the job's.
fn join<K, SE, KE>(
    threads: Vec<ScopedJoinHandle<'_, Result<Done<K>, Ended<SE, KE>>>>,
) -> Result<Vec<Done<K>>, JobError<SE, KE>> {
    let mut done = Vec::with_capacity(threads.len());
    let mut failed = None;
    for thread in threads {
        let name = thread.thread().name().unwrap_or_default().to_owned();
        match thread.join() {
            Ok(Ok(part)) => done.push(part),
            Ok(Err(Ended::Stopped)) => {}
            Ok(Err(Ended::Failed(error))) => failed = failed.or(Some(error)),
            Err(_) => failed = failed.or(Some(JobError::Panicked(name))),
        }
    }
    failed.map_or(Ok(done), Err)
}

/// What the calling thread does while the others work.
struct Watch<'a, V> {
    observer: &'a mut V,
    notes: Receiver<Note>,
    collectors: Vec<Collector>,
    shared: &'a Shared,
}

impl<V: Observer> Watch<'_, V> {
    fn recorder(&mut self, span: Span) -> Recorder {
        let (recorder, collector) = recorder(span);
        self.collectors.push(collector);
        recorder
    }

    fn show(&mut self) {
        self.notes.try_iter().for_each(|note| self.observer.note(note));
        self.observer.progress(&self.shared.progress);
        let started = self.shared.started().unwrap_or(0);
        for collector in &mut self.collectors {
            collector.collect(|span, interval| {
                let start = (interval.start - started).max(0);
                self.observer.interval(span, start, interval.end - started, &interval.latencies);
            });
        }
    }

    fn outcome<K, SE, KE>(&self, done: Vec<Done<K>>) -> Result<Outcome<K>, JobError<SE, KE>> {
        let (mut events, mut shard_events, mut sunk) = (0, Vec::new(), None);
        for part in done {
            match part {
                Done::Source { events: read } => events += read,
                Done::Shard { events } => shard_events.push(events),
                Done::Sink { sink, taken, at } => sunk = Some((sink, taken, at)),
            }
        }
        if self.shared.layout.inline {
            shard_events.push(events);
        }
        // Without an error every thread has done its part, the sink's too.
        let (sink, taken, at) = sunk.ok_or_else(|| JobError::Panicked("sink".to_owned()))?;
        Ok(Outcome {
            sink,
            events,
            shard_events,
            rows: taken.rows,
            late: taken.late,
            elapsed_ns: at - self.shared.started().unwrap_or(at),
            effect_latency: self.total(Span::Effect),
            result_latency: self.total(Span::Result),
            threads: self.shared.layout.to_string(),
        })
    }

    fn total(&self, span: Span) -> Option<Histogram<u64>> {
        let mut totals = self.collectors.iter().filter(|c| c.span == span).map(|c| &c.total);
        let mut sum = totals.next()?.clone();
        for more in totals {
            // All have the same bounds.
            let _ = sum.add(more);
        }
        Some(sum)
    }
}

#[cfg(test)]
mod tests;

//! What a job came to, and what the calling thread does until then.

use std::sync::mpsc::Receiver;
use std::thread::ScopedJoinHandle;

use hdrhistogram::Histogram;

use tidewire_state::Full;

use crate::latency::{Collector, Recorder, Span, recorder};
use crate::observe::{Note, Observer};
use crate::options::OptionsError;
use crate::shard::ShardTotals;
use crate::sink_loop::{SinkEnd, Taken};
use crate::snapshots::{SnapshotError, SnapshotTotals};
use crate::source_loop::SourceEnd;
use crate::threads::{Ended, Shared};

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
    /// Snapshots could not be taken, or the job could not go on from one.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The state has taken all the memory that it may.
    #[error(
        "the state has taken all the memory that it may, and a new key came: raise the budget (--state-budget), use \
         smaller windows, or let new keys be refused (--when-full refuse)"
    )]
    StateFull,
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
    /// Events of new keys for which the state had no room.
    pub refused: u64,
    /// What became of the snapshots, if any were taken.
    pub snapshots: Option<SnapshotTotals>,
    /// From the first event to the last row, ns.
    pub elapsed_ns: i64,
    /// From due to effect, ns; of every event that was due at a moment.
    pub effect_latency: Option<Histogram<u64>>,
    /// From due to the result at the sink, ns.
    pub result_latency: Option<Histogram<u64>>,
    /// The threads as they were laid out, in words.
    pub threads: String,
}

impl<K> Outcome<K> {
    /// The sink, and the outcome without it.
    #[must_use]
    pub fn split(self) -> (K, Outcome<()>) {
        let Self {
            sink,
            events,
            shard_events,
            rows,
            late,
            refused,
            snapshots,
            elapsed_ns,
            effect_latency,
            result_latency,
            threads,
        } = self;
        let rest = Outcome {
            sink: (),
            events,
            shard_events,
            rows,
            late,
            refused,
            snapshots,
            elapsed_ns,
            effect_latency,
            result_latency,
            threads,
        };
        (sink, rest)
    }
}

impl<S, K> From<Full> for JobError<S, K> {
    fn from(Full: Full) -> Self {
        Self::StateFull
    }
}

impl<S, K> From<SourceEnd<S>> for Ended<S, K> {
    fn from(end: SourceEnd<S>) -> Self {
        match end {
            SourceEnd::Stopped(stopped) => stopped.into(),
            SourceEnd::Failed(error) => Self::Failed(JobError::Source(error)),
        }
    }
}

impl<S, K> From<SinkEnd<K>> for Ended<S, K> {
    fn from(end: SinkEnd<K>) -> Self {
        match end {
            SinkEnd::Stopped => Self::Stopped,
            SinkEnd::Backlog => Self::Failed(JobError::SinkBacklog),
            SinkEnd::NotDurable => Self::Failed(SnapshotError::Sink.into()),
            SinkEnd::Failed(error) => Self::Failed(JobError::Sink(error)),
        }
    }
}

/// What a thread of the job did.
pub(crate) enum Done<K> {
    Source { events: u64, inline: Option<ShardTotals> },
    Shard(ShardTotals),
    Sink { sink: K, taken: Taken, at: i64 },
    Uploader(SnapshotTotals),
}

/// Waits for every thread; the first error among them is the job's.
pub(crate) fn join<K, SE, KE>(
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
pub(crate) struct Watch<'a, V> {
    pub(crate) observer: &'a mut V,
    pub(crate) notes: Receiver<Note>,
    pub(crate) collectors: Vec<Collector>,
    pub(crate) shared: &'a Shared,
}

impl<V: Observer> Watch<'_, V> {
    pub(crate) fn recorder(&mut self, span: Span) -> Recorder {
        let (recorder, collector) = recorder(span);
        self.collectors.push(collector);
        recorder
    }

    pub(crate) fn show(&mut self) {
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

    pub(crate) fn outcome<K, SE, KE>(
        &self,
        done: Vec<Done<K>>,
    ) -> Result<Outcome<K>, JobError<SE, KE>> {
        let (mut events, mut shards, mut sunk, mut snapshots) = (0, Vec::new(), None, None);
        for part in done {
            match part {
                Done::Source { events: read, inline } => {
                    events += read;
                    shards.extend(inline);
                }
                Done::Shard(totals) => shards.push(totals),
                Done::Sink { sink, taken, at } => sunk = Some((sink, taken, at)),
                Done::Uploader(totals) => snapshots = Some(totals),
            }
        }
        // Without an error every thread has done its part, the sink's too.
        let (sink, taken, at) = sunk.ok_or_else(|| JobError::Panicked("sink".to_owned()))?;
        Ok(Outcome {
            sink,
            events,
            shard_events: shards.iter().map(|shard| shard.events).collect(),
            refused: shards.iter().map(|shard| shard.refused).sum(),
            snapshots,
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

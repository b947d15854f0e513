//! What can be seen of a job while it runs.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use hdrhistogram::Histogram;
use tidewire_event::time::WATERMARK_NONE;

use crate::latency::Span;

/// Follows a job, on the thread that called `run`, some times a second.
pub trait Observer {
    /// Something that a user should know, said once.
    fn note(&mut self, note: Note) {
        let _ = note;
    }

    /// How far the job is.
    fn progress(&mut self, progress: &Progress) {
        let _ = progress;
    }

    /// The latencies of one interval of about a second, of one thread: ns from due. Intervals of a thread come in
    /// order; `start` and `end` are ns since the job's first event was due.
    fn interval(&mut self, span: Span, start: i64, end: i64, latencies: &Histogram<u64>) {
        let _ = (span, start, end, latencies);
    }
}

/// Looks away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {}

/// Something that a user should know of the run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Note {
    /// glommio could not start; the shard runs on a plain thread.
    #[error(
        "shard {shard}: io_uring is not to be had here ({reason}); running on a plain thread. \
         glommio needs the io_uring system calls (containers often block them) and 512 KiB of locked memory \
         (ulimit -l)"
    )]
    PlainThread {
        /// Which shard.
        shard: usize,
        /// What glommio said.
        reason: String,
    },
    /// There is no snapshot to go on from yet.
    #[error("{location} holds no snapshot yet: beginning at the start of the input")]
    NothingToRestore {
        /// The store.
        location: String,
    },
    /// A damaged snapshot was passed over.
    #[error("{snapshot} is passed over: {why}")]
    SnapshotSkipped {
        /// The name of its manifest.
        snapshot: String,
        /// What is wrong with it.
        why: String,
    },
    /// The store does not honour conditional writes.
    #[error(
        "{location} takes conditional writes and ignores the condition: two processes could publish the same epoch; see \
         that only one runs"
    )]
    NotFenced {
        /// The store.
        location: String,
    },
    /// An epoch did not become durable; the job goes on, and the next one is tried.
    #[error("an epoch was given up: {why}")]
    EpochGivenUp {
        /// Why.
        why: String,
    },
    /// A thread could not be pinned.
    #[error("{thread}: could not be pinned to core {core}; it runs wherever the system puts it")]
    NotPinned {
        /// Which thread.
        thread: &'static str,
        /// The core that it was meant for.
        core: usize,
    },
}

/// How far a job is. Each number has one writer.
#[derive(Debug)]
pub struct Progress {
    events: Vec<AtomicU64>,
    watermarks: Vec<AtomicI64>,
    fractions: Vec<AtomicU64>,
}

impl Progress {
    pub(crate) fn new(sources: usize) -> Self {
        Self {
            events: (0..sources).map(|_| AtomicU64::new(0)).collect(),
            watermarks: (0..sources).map(|_| AtomicI64::new(WATERMARK_NONE)).collect(),
            fractions: (0..sources).map(|_| AtomicU64::new(f64::NAN.to_bits())).collect(),
        }
    }

    pub(crate) fn source(&self, source: usize, events: u64, watermark: i64, fraction: Option<f64>) {
        self.events[source].store(events, Relaxed);
        self.watermarks[source].store(watermark, Relaxed);
        self.fractions[source].store(fraction.unwrap_or(f64::NAN).to_bits(), Relaxed);
    }

    /// Events read so far, by all sources.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events.iter().map(|events| events.load(Relaxed)).sum()
    }

    /// The watermark: the smallest over the sources, ns since the epoch.
    #[must_use]
    pub fn watermark(&self) -> i64 {
        let all = self.watermarks.iter().map(|watermark| watermark.load(Relaxed));
        all.min().unwrap_or(WATERMARK_NONE)
    }

    /// Which part of the input has been read, 0 to 1, where every source knows.
    #[must_use]
    pub fn fraction_read(&self) -> Option<f64> {
        let all = self.fractions.iter().map(|bits| f64::from_bits(bits.load(Relaxed)));
        let mean = all.sum::<f64>() / self.fractions.len() as f64;
        (!mean.is_nan()).then_some(mean)
    }
}

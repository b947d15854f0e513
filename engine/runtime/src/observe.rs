//! What can be seen of a job while it runs.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed};

use hdrhistogram::Histogram;
use tidewire_event::time::{WATERMARK_END, WATERMARK_NONE};

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
    /// What a source says of its input before it reads.
    #[error("{input}: {what}")]
    Input {
        /// The input.
        input: String,
        /// What a user should know of it.
        what: String,
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

/// How far a job is. Each number has one writer: the thread of its source, at each chunk and whenever it waits.
#[derive(Debug)]
pub struct Progress {
    sources: Vec<SourceProgress>,
}

/// How far a source is.
#[derive(Debug)]
pub(crate) struct SourceProgress {
    pub(crate) events: AtomicU64,
    pub(crate) watermark: AtomicI64,
    /// When the newest event was received.
    pub(crate) received: AtomicI64,
    /// The partition that holds the watermark back.
    pub(crate) slowest: AtomicU32,
    /// Nothing comes from it, and it does not hold the others back.
    pub(crate) is_idle: AtomicBool,
    fraction: AtomicU64,
}

/// No partition: all are idle.
const NO_PARTITION: u32 = u32::MAX;

impl SourceProgress {
    fn new() -> Self {
        Self {
            events: AtomicU64::new(0),
            watermark: AtomicI64::new(WATERMARK_NONE),
            received: AtomicI64::new(i64::MIN),
            slowest: AtomicU32::new(NO_PARTITION),
            is_idle: AtomicBool::new(false),
            fraction: AtomicU64::new(f64::NAN.to_bits()),
        }
    }

    pub(crate) fn watermark(&self, watermark: i64, slowest: Option<u32>) {
        self.slowest.store(slowest.unwrap_or(NO_PARTITION), Relaxed);
        self.watermark.store(watermark, Relaxed);
    }

    pub(crate) fn read(&self, events: u64, fraction: Option<f64>) {
        self.events.store(events, Relaxed);
        self.fraction.store(fraction.unwrap_or(f64::NAN).to_bits(), Relaxed);
    }

    fn holds_back(&self) -> bool {
        !self.is_idle.load(Relaxed)
    }
}

/// What holds the watermark back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldBack {
    /// The number of the source.
    pub source: usize,
    /// The number of its partition; `None` where all of them are idle.
    pub partition: Option<u32>,
}

impl Progress {
    pub(crate) fn new(sources: usize) -> Self {
        Self { sources: (0..sources).map(|_| SourceProgress::new()).collect() }
    }

    pub(crate) fn source(&self, source: usize) -> &SourceProgress {
        &self.sources[source]
    }

    /// The smallest watermark over the other sources, as far as they hold the job's back: `None` if none does.
    pub(crate) fn watermark_of_others(&self, source: usize) -> Option<i64> {
        let others = self.sources.iter().enumerate().filter(|(at, _)| *at != source);
        let others = others.filter(|(_, other)| other.holds_back());
        let watermarks = others.map(|(_, other)| other.watermark.load(Relaxed));
        watermarks.min().filter(|watermark| *watermark != WATERMARK_END)
    }

    /// Events read so far, by all sources.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.sources.iter().map(|source| source.events.load(Relaxed)).sum()
    }

    /// The watermark, ns since the epoch: the smallest over the sources that are not idle, or over all if all are.
    #[must_use]
    pub fn watermark(&self) -> i64 {
        self.slowest().map_or(WATERMARK_NONE, |(_, source)| source.watermark.load(Relaxed))
    }

    /// What holds the watermark back; `None` at the end of the input.
    #[must_use]
    pub fn held_back_by(&self) -> Option<HeldBack> {
        let (at, source) = self.slowest()?;
        if source.watermark.load(Relaxed) == WATERMARK_END {
            return None;
        }
        let partition = source.slowest.load(Relaxed);
        Some(HeldBack { source: at, partition: (partition != NO_PARTITION).then_some(partition) })
    }

    /// How far the watermark stays behind the time at which the newest event was received, ns: for a live job, how long
    /// a result waits for its watermark. `None` before there is a watermark, and at the end of the input.
    #[must_use]
    pub fn lag(&self) -> Option<i64> {
        let received = self.sources.iter().map(|source| source.received.load(Relaxed)).max()?;
        let watermark = self.watermark();
        let is_there = watermark != WATERMARK_NONE && watermark != WATERMARK_END;
        is_there.then(|| received.saturating_sub(watermark))
    }

    fn slowest(&self) -> Option<(usize, &SourceProgress)> {
        let all = || self.sources.iter().enumerate();
        let slowest = |(_, source): &(usize, &SourceProgress)| source.watermark.load(Relaxed);
        let awake = all().filter(|(_, source)| source.holds_back()).min_by_key(slowest);
        awake.or_else(|| all().min_by_key(slowest))
    }

    /// Which part of the input has been read, 0 to 1, where every source knows.
    #[must_use]
    pub fn fraction_read(&self) -> Option<f64> {
        let all = self.sources.iter();
        let all = all.map(|source| f64::from_bits(source.fraction.load(Relaxed)));
        let mean = all.sum::<f64>() / self.sources.len() as f64;
        (!mean.is_nan()).then_some(mean)
    }
}

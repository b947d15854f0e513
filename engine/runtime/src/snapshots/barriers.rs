//! How an epoch begins: the uploader asks for it, each source marks its place.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender};

use tidewire_snapshot::SourcePosition;

/// What the uploader hears of an epoch, beside the logs.
#[derive(Debug)]
pub(crate) enum Report {
    /// A source has sent the barrier of the epoch.
    Position { source: usize, epoch: u64, position: SourcePosition },
    /// A source has ended, and sends no more barriers.
    Ended { source: usize, position: SourcePosition },
    /// The sink has made its output of the epoch ready.
    Prepared { epoch: u64, prepared: Vec<u8> },
    /// The sink has made its last output ready.
    Finished { prepared: Vec<u8> },
}

/// What the uploader wants of the sources: one number, so that a barrier is not seen without what is said of it.
#[derive(Debug)]
pub(crate) struct Wanted(AtomicU64);

/// The number when the snapshot behind which the job stops is durable.
const STOP: u64 = u64::MAX;

impl Wanted {
    /// Nothing yet, behind the epoch `newest`.
    pub(crate) fn new(newest: u64) -> Self {
        Self(AtomicU64::new(newest << 1))
    }

    /// The barrier of `epoch`. Behind the last one nothing is to be read.
    pub(crate) fn barrier(&self, epoch: u64, is_last: bool) {
        self.0.store(epoch << 1 | u64::from(is_last), Ordering::Release);
    }

    /// The snapshot of the last barrier is durable.
    pub(crate) fn stop(&self) {
        self.0.store(STOP, Ordering::Release);
    }

    pub(crate) fn now(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// What a source is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// To send the barrier of an epoch. Behind the last one it reads nothing, and sends another only where that epoch was
    /// given up.
    Barrier { epoch: u64, is_last: bool },
    /// To end: the job stops.
    Stop,
}

/// What a source hears of positions that it gave itself.
#[derive(Debug)]
pub(crate) enum Told {
    /// A snapshot with this one is durable.
    Durable(String),
    /// No snapshot that is kept goes on from before it.
    Forget(String),
}

/// A source's view of the epochs.
#[derive(Debug)]
pub(crate) struct Barriers<'a> {
    pub(crate) wanted: &'a Wanted,
    /// The newest of that which this source has done.
    pub(crate) done: u64,
    pub(crate) reports: Sender<Report>,
    pub(crate) told: Receiver<Told>,
    pub(crate) source: usize,
}

impl Barriers<'_> {
    /// What is to be done now, if anything is.
    #[inline]
    pub(crate) fn due(&mut self) -> Option<Due> {
        let wanted = self.wanted.now();
        (wanted > self.done).then(|| {
            self.done = wanted;
            match wanted {
                STOP => Due::Stop,
                wanted => Due::Barrier { epoch: wanted >> 1, is_last: wanted & 1 == 1 },
            }
        })
    }

    /// The barrier of `epoch` stands behind this position.
    pub(crate) fn sent(&self, epoch: u64, position: SourcePosition) {
        // Nobody listens any more when the job is being stopped.
        let _ = self.reports.send(Report::Position { source: self.source, epoch, position });
    }

    pub(crate) fn ended(&self, position: SourcePosition) {
        let _ = self.reports.send(Report::Ended { source: self.source, position });
    }
}

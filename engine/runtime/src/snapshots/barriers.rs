//! How an epoch begins: the uploader asks for it, each source marks its place.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
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
    /// The newest epoch that the uploader wants.
    pub(crate) wanted: &'a AtomicU64,
    /// The newest that this source has sent.
    pub(crate) sent: u64,
    pub(crate) reports: Sender<Report>,
    pub(crate) told: Receiver<Told>,
    pub(crate) source: usize,
}

impl Barriers<'_> {
    /// The epoch whose barrier is to be sent now, if one is.
    #[inline]
    pub(crate) fn due(&mut self) -> Option<u64> {
        let wanted = self.wanted.load(Relaxed);
        (wanted > self.sent).then(|| {
            self.sent = wanted;
            wanted
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

//! Snapshots of a running job.
//!
//! The modules follow an epoch: a [`barriers`] mark goes through the sources, the shards log what they have changed
//! ([`shard_log`]), the uploader keeps an image and a chain of stored objects for each of them ([`chain`]), a manifest
//! makes the epoch real ([`uploader`]); after a crash it is read again ([`restore`]).

pub(crate) mod barriers;
pub mod shard_log;
pub(crate) mod chain;
pub(crate) mod uploader;
pub(crate) mod restore;
pub(crate) mod position;
pub(crate) mod opened;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tidewire_event::time::SECOND;
use tidewire_snapshot::{CatalogError, Compression, Job, Keep, Refusal, Store, StoreError};
use tidewire_state::{ImageError, LayoutMismatch};

use crate::clock::unix_now_ns;

/// Where and how often a job's snapshots are taken.
#[derive(Clone)]
pub struct Snapshots {
    /// Where they lie.
    pub store: Arc<dyn Store>,
    /// What the job is: only a job with the same fingerprint may go on from them.
    pub job: Job,
    /// From the begin of one epoch to the begin of the next, ns. An epoch begins only when the one before has ended.
    pub every_ns: i64,
    /// Go on from the newest good snapshot. Without it the store must hold none.
    pub restore: bool,
    /// Which old ones are kept.
    pub keep: Keep,
    /// How objects are compressed.
    pub compression: Compression,
    /// A folder for files without a name: what is fetched, and what is unpacked.
    pub scratch: PathBuf,
    /// Whoever sets it asks for a savepoint: the next epoch begins at once, and is never collected.
    pub savepoint: Arc<AtomicBool>,
    /// Whoever sets it stops the job: a last snapshot is taken, nothing is read behind it, and windows stay open. A job with
    /// [`restore`](Self::restore) goes on from there.
    pub stop: Arc<AtomicBool>,
    /// The time of day, ns since the epoch: manifests carry it for people.
    pub unix_now_ns: fn() -> i64,
}

impl Snapshots {
    /// A snapshot each second into `store`, of which the newest three are kept.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, job: Job) -> Self {
        Self {
            store,
            job,
            every_ns: SECOND,
            restore: false,
            keep: Keep { newest: 3 },
            compression: Compression::None,
            scratch: std::env::temp_dir(),
            savepoint: Arc::default(),
            stop: Arc::default(),
            unix_now_ns,
        }
    }
}

impl std::fmt::Debug for Snapshots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshots")
            .field("store", &self.store.location())
            .field("job", &self.job)
            .field("every_ns", &self.every_ns)
            .field("restore", &self.restore)
            .finish_non_exhaustive()
    }
}

/// What the snapshots of a run came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SnapshotTotals {
    /// The epoch that the run went on from, if it did.
    pub restored: Option<u64>,
    /// The epoch behind which the run was stopped, if it was.
    pub stopped: Option<u64>,
    /// Epochs that were made durable.
    pub published: u64,
    /// Epochs that were given up.
    pub given_up: u64,
    /// Bytes written to the store.
    pub bytes: u64,
    /// The longest freeze of a shard, ns.
    pub freeze_ns_max: i64,
    /// The longest time from a barrier to its manifest, ns.
    pub publish_ns_max: i64,
}

/// Why snapshots could not be taken, or a job could not go on from one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The store does not answer, or refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no snapshot to go on from, or none that fits.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// There are snapshots already.
    #[error(
        "{location} already holds snapshots (the newest is epoch {newest}): go on from them with --restore, or take an \
         empty place"
    )]
    NotEmpty {
        /// The store.
        location: String,
        /// The newest epoch there.
        newest: u64,
    },
    /// Another process has published the next epoch.
    #[error(
        "another process has published epoch {epoch} of this job at {location}: this one stops, so that nothing is \
         counted twice"
    )]
    Fenced {
        /// The store.
        location: String,
        /// The epoch.
        epoch: u64,
    },
    /// The last epoch could not be made durable, so its output was not committed.
    #[error("the last epoch could not be made durable, and its output is not committed: {why}")]
    NeverPublished {
        /// What the store said at last.
        why: String,
    },
    /// A stored base can not be mapped.
    #[error(transparent)]
    Base(#[from] tidewire_snapshot::base::BaseError),
    /// A stored object can not be read any more, though its checksums were right before.
    #[error(transparent)]
    Object(#[from] tidewire_snapshot::ObjectError),
    /// Stored state does not fit together.
    #[error("the stored state does not fit together: {0}")]
    Image(#[from] ImageError),
    /// Stored state does not fit the job.
    #[error("the stored state is another job's: {0}")]
    Layout(#[from] LayoutMismatch),
    /// Stored state that no operator of the job asked for.
    #[error("the snapshot holds {tables} table(s) that no operator of this job knows")]
    Unknown {
        /// How many.
        tables: usize,
    },
    /// The input is shorter than it was.
    #[error(
        "the snapshot was taken after {expected} events of source {input}, and it has only {found}: is it the same input?"
    )]
    InputTooShort {
        /// Which source.
        input: usize,
        /// The position in the snapshot.
        expected: u64,
        /// Where the input ended.
        found: u64,
    },
    /// The snapshot has the place of an input that keeps places, and this one keeps none.
    #[error(
        "the snapshot says of source {input} that it goes on from '{place}', which this input can not: is it the same input?"
    )]
    OtherInput {
        /// Which source.
        input: usize,
        /// Its place in the snapshot.
        place: String,
    },
    /// The snapshot has another number of sources.
    #[error("the snapshot is of {found} source(s), and the job has {expected}")]
    Sources {
        /// Of the snapshot.
        found: usize,
        /// Of the job.
        expected: usize,
    },
    /// The sink can not be part of a snapshot.
    #[error("this sink can not go on after a crash, so no snapshots can be taken")]
    Sink,
}

/// Whether the snapshots of `found` are this job's.
pub(crate) fn fits(job: &Job, found: &tidewire_snapshot::Manifest) -> Result<(), Refusal> {
    found.fits(job, &uploader::layout())
}

#[cfg(test)]
mod tests;

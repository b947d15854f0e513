//! A run with snapshots: the store is opened, the ends are laid, the uploader has a thread.
//!
//! A run that goes on first publishes what it goes on from as the next epoch, of its own generation. So whoever ran
//! before can publish nothing more, and of two that start at once one is told so, before anything of the output is
//! touched: what the other has promised in a manifest is still there.

use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use tidewire_dataflow::Operator;
use tidewire_event::Sink;
use tidewire_event::time::WATERMARK_NONE;
use tidewire_snapshot::manifest::MANIFEST_VERSION;
use tidewire_snapshot::{Good, Kind, Manifest, Published, SourcePosition, catalog};
use tidewire_state::{Budget, Image};

use super::barriers::{Barriers, Report};
use super::chain::Chain;
use super::shard_log::{ShardLog, shard_log};
use super::uploader::{Numbers, Upload, Uploader, UploaderEnds, in_full, layout};
use super::{SnapshotError, SnapshotTotals, Snapshots, restore};
use crate::clock::Clock;
use crate::observe::Note;
use crate::outcome::JobError;
use crate::shard::Shard;
use crate::sink_loop::SinkEnds;
use crate::threads::{Ended, Shared};

/// How long the uploader sleeps when there is nothing to do.
const IDLE: Duration = Duration::from_micros(500);

/// A store that this run may write to, and what it goes on from.
pub(crate) struct Opened<'a> {
    snapshots: &'a Snapshots,
    generation: u64,
    good: Option<Good>,
    /// The newest epoch that is published.
    newest: u64,
    wanted: AtomicU64,
}

impl<'a> Opened<'a> {
    /// Opens the store for a job with so many sources.
    pub(crate) fn open(
        snapshots: &'a Snapshots,
        sources: usize,
        shared: &Shared,
    ) -> Result<Self, SnapshotError> {
        let store = &*snapshots.store;
        let good = if snapshots.restore {
            restore::newest(snapshots, sources, |skipped| {
                let why = in_full(&skipped.why);
                shared.note(Note::SnapshotSkipped { snapshot: skipped.snapshot, why });
            })?
        } else {
            if let Some(newest) = catalog::snapshots(store)?.first() {
                let (location, newest) = (store.location(), newest.epoch);
                return Err(SnapshotError::NotEmpty { location, newest });
            }
            None
        };
        if !store.is_fenced()? {
            shared.note(Note::NotFenced { location: store.location() });
        }
        let generation = catalog::claim_generation(store)?;
        let mut newest = good.as_ref().map_or(0, |good| good.newest_epoch);
        if snapshots.restore {
            newest += 1;
            take_over(snapshots, sources, good.as_ref(), generation, newest)?;
        }
        Ok(Self { snapshots, generation, good, newest, wanted: AtomicU64::new(newest) })
    }

    /// Where source number `index` goes on.
    pub(crate) fn position(&self, index: usize) -> Option<SourcePosition> {
        self.good.as_ref()?.manifest.sources.get(index).cloned()
    }

    /// Lets the sink go on from what it prepared, and commits that: the crash may have come before.
    pub(crate) fn restore_sink<K: Sink, S>(
        &self,
        sink: &mut K,
    ) -> Result<(), JobError<S, K::Error>> {
        if self.snapshots.restore {
            let prepared = self.good.as_ref().map(restore::prepared).transpose()?;
            sink.restore(&prepared.unwrap_or_default()).map_err(JobError::Sink)
        } else if sink.prepare(0).map_err(JobError::Sink)?.is_none() {
            Err(SnapshotError::Sink.into())
        } else {
            Ok(())
        }
    }

    /// The state of the shards, mapped or made, if there is any to go on from.
    pub(crate) fn images(
        &self,
        shards: usize,
        budget: &Budget,
    ) -> Result<Option<Vec<Image>>, SnapshotError> {
        let good = self.good.as_ref();
        good.map(|good| restore::images(good, shards, self.snapshots, budget)).transpose()
    }

    pub(crate) fn restore_shard<O: Operator>(
        &self,
        shard: &mut Shard<O>,
        image: &mut Image,
    ) -> Result<(), SnapshotError> {
        let sources = self.good.iter().flat_map(|good| &good.manifest.sources);
        let watermarks: Vec<_> = sources.map(|source| source.watermark).collect();
        shard.restore(image, &watermarks)?;
        match image.len() {
            0 => Ok(()),
            tables => Err(SnapshotError::Unknown { tables }),
        }
    }

    /// The body of the uploader's thread.
    pub(crate) fn run_uploader<S, K>(
        &self,
        ends: UploaderEnds<'_>,
        shared: &Shared,
    ) -> Result<SnapshotTotals, Ended<S, K>> {
        let chains = self.chains(ends.logs.len())?;
        let restored = self.good.as_ref().map(|good| good.manifest.epoch);
        let numbers = Numbers { generation: self.generation, newest: self.newest, restored };
        let mut uploader = Uploader::new(self.snapshots, numbers, chains, ends);
        loop {
            match uploader.step(shared.clock.now())? {
                Upload::Done => return Ok(uploader.totals()),
                Upload::GivenUp(why) => shared.note(Note::EpochGivenUp { why }),
                Upload::Busy => {}
                Upload::Idle if shared.stopped() => return Err(Ended::Stopped),
                Upload::Idle => thread::sleep(IDLE),
            }
        }
    }

    /// The chains that the run goes on with: images of the uploader's own, from the same objects.
    fn chains(&self, shards: usize) -> Result<Vec<Chain<'_>>, SnapshotError> {
        let (store, compression) = (&*self.snapshots.store, self.snapshots.compression);
        let budget = Budget::unlimited();
        let Some(images) = self.images(shards, &budget)? else {
            let empty =
                |shard| Image::new(tidewire_event::HashRange::of_shard(shard, shards), &budget);
            return Ok((0..shards).map(|it| Chain::new(store, compression, empty(it))).collect());
        };
        let chains = images.into_iter().enumerate().map(|(shard, image)| {
            let stored = self.good.as_ref();
            let stored = stored.and_then(|good| restore::stored_shard(good, shard, shards));
            Chain::new(store, compression, image).restored(stored)
        });
        Ok(chains.collect())
    }
}

/// Publishes as `epoch` what the run goes on from: the good snapshot, or the beginning.
fn take_over(
    snapshots: &Snapshots,
    sources: usize,
    good: Option<&Good>,
    generation: u64,
    epoch: u64,
) -> Result<(), SnapshotError> {
    let store = &*snapshots.store;
    let created_ns = (snapshots.unix_now_ns)();
    let manifest = match good {
        Some(Good { manifest, .. }) => Manifest {
            epoch,
            generation,
            created_ns,
            kind: if manifest.kind == Kind::End { Kind::End } else { Kind::Checkpoint },
            given_up: 0,
            ..manifest.clone()
        },
        None => Manifest {
            version: MANIFEST_VERSION,
            epoch,
            generation,
            kind: Kind::Checkpoint,
            created_ns,
            job: snapshots.job.clone(),
            layout: layout(),
            watermark: WATERMARK_NONE,
            sources: vec![SourcePosition { events: 0, watermark: WATERMARK_NONE }; sources],
            shards: Vec::new(),
            sink: None,
            given_up: 0,
        },
    };
    match catalog::publish(store, &manifest)? {
        Published::Created => Ok(()),
        Published::Existed => Err(SnapshotError::Fenced { location: store.location(), epoch }),
    }
}

/// The ends of what lies between the uploader and the other threads.
pub(crate) struct SnapshotEnds<'a> {
    wanted: Option<(&'a AtomicU64, u64)>,
    reports: Option<Sender<Report>>,
    pub(crate) shards: std::vec::IntoIter<ShardLog>,
    pub(crate) sink: Option<SinkEnds>,
    pub(crate) uploader: Option<UploaderEnds<'a>>,
}

impl<'a> SnapshotEnds<'a> {
    /// The ends of a job with so many sources and shards; none without snapshots.
    pub(crate) fn new(opened: Option<&'a Opened<'_>>, sources: usize, shards: usize) -> Self {
        let Some(opened) = opened else {
            let shards = Vec::new().into_iter();
            return Self { wanted: None, reports: None, shards, sink: None, uploader: None };
        };
        let (shards, logs): (Vec<_>, Vec<_>) = (0..shards).map(|_| shard_log()).unzip();
        let (reports, heard) = channel();
        let (commits, committed) = channel();
        let wanted = &opened.wanted;
        Self {
            wanted: Some((wanted, wanted.load(std::sync::atomic::Ordering::Relaxed))),
            reports: Some(reports.clone()),
            shards: shards.into_iter(),
            sink: Some(SinkEnds { reports, commits: committed }),
            uploader: Some(UploaderEnds { wanted, reports: heard, logs, commits, sources }),
        }
    }

    /// The ends of a source.
    pub(crate) fn source(&self, source: usize) -> Option<Barriers<'a>> {
        let (wanted, sent) = self.wanted?;
        Some(Barriers { wanted, sent, reports: self.reports.clone()?, source })
    }
}

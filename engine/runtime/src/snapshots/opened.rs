//! A run with snapshots: the store is opened, the ends are laid, the uploader has a thread.

use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use tidewire_dataflow::Operator;
use tidewire_event::limits::TOLD_POSITIONS_MAX;
use tidewire_event::{Prepared, Sink};
use tidewire_snapshot::{Good, Skipped, SourcePosition, catalog};
use tidewire_state::{Budget, Image};

use super::barriers::{Barriers, Report, Told, Wanted};
use super::chain::Chain;
use super::shard_log::{LogSize, ShardLog, shard_log};
use super::uploader::{Upload, Uploader, UploaderEnds, in_full};
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
    /// The newest epoch that is there.
    newest: u64,
    good: Option<Good>,
    wanted: Wanted,
}

impl<'a> Opened<'a> {
    /// Opens the store for a job with so many sources.
    pub(crate) fn open(
        snapshots: &'a Snapshots,
        sources: usize,
        note: impl Fn(Note),
    ) -> Result<Self, SnapshotError> {
        let store = &*snapshots.store;
        if !snapshots.restore
            && let Some(newest) = catalog::snapshots(store)?.first()
        {
            let (location, newest) = (store.location(), newest.epoch);
            return Err(SnapshotError::NotEmpty { location, newest });
        }
        if !store.is_fenced()? {
            note(Note::NotFenced { location: store.location() });
        }
        let generation = catalog::claim_generation(store)?;
        let (mut good, mut newest) = (None, 0);
        if snapshots.restore {
            let skipped = |skipped: Skipped| {
                let why = in_full(&skipped.why);
                note(Note::SnapshotSkipped { snapshot: skipped.snapshot, why });
            };
            (good, newest) = restore::take_over(snapshots, sources, generation, skipped)?;
            if good.is_none() {
                note(Note::NothingToRestore { location: store.location() });
            }
        }
        Ok(Self { snapshots, generation, newest, good, wanted: Wanted::new(newest) })
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
        } else if let Prepared::Ready(_) = sink.prepare(0).map_err(JobError::Sink)? {
            Ok(())
        } else {
            Err(SnapshotError::Sink.into())
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

    /// The uploader of this run.
    pub(crate) fn uploader<'s>(
        &'s self,
        ends: UploaderEnds<'s>,
    ) -> Result<Uploader<'s>, SnapshotError> {
        let chains = self.chains(ends.logs.len())?;
        Ok(Uploader::new(
            self.snapshots,
            self.generation,
            self.newest,
            self.good.as_ref(),
            chains,
            ends,
        ))
    }

    /// The body of the uploader's thread.
    pub(crate) fn run_uploader<S, K>(
        &self,
        ends: UploaderEnds<'_>,
        shared: &Shared,
    ) -> Result<SnapshotTotals, Ended<S, K>> {
        let mut uploader = self.uploader(ends)?;
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

/// The ends of what lies between the uploader and the other threads.
pub(crate) struct SnapshotEnds<'a> {
    wanted: Option<(&'a Wanted, u64)>,
    reports: Option<Sender<Report>>,
    told: std::vec::IntoIter<Receiver<Told>>,
    pub(crate) shards: std::vec::IntoIter<ShardLog>,
    pub(crate) sink: Option<SinkEnds>,
    pub(crate) uploader: Option<UploaderEnds<'a>>,
}

impl<'a> SnapshotEnds<'a> {
    /// The ends of a job with so many sources and shards; none without snapshots.
    pub(crate) fn new(
        opened: Option<&'a Opened<'_>>,
        sources: usize,
        shards: usize,
        logs: LogSize,
    ) -> Self {
        let Some(opened) = opened else {
            let shards = Vec::new().into_iter();
            let told = Vec::new().into_iter();
            return Self { wanted: None, reports: None, told, shards, sink: None, uploader: None };
        };
        let (shards, logs): (Vec<_>, Vec<_>) = (0..shards).map(|_| shard_log(logs)).unzip();
        let (reports, heard) = channel();
        let (commits, committed) = channel();
        let (tells, told): (Vec<_>, Vec<_>) =
            (0..sources).map(|_| sync_channel(TOLD_POSITIONS_MAX)).unzip();
        let wanted = &opened.wanted;
        Self {
            wanted: Some((wanted, wanted.now())),
            reports: Some(reports.clone()),
            told: told.into_iter(),
            shards: shards.into_iter(),
            sink: Some(SinkEnds { reports, commits: committed }),
            uploader: Some(UploaderEnds { wanted, reports: heard, logs, commits, tells }),
        }
    }

    /// The ends of the next source, which is number `source`.
    pub(crate) fn source(&mut self, source: usize) -> Option<Barriers<'a>> {
        let (wanted, done) = self.wanted?;
        Some(Barriers {
            wanted,
            done,
            reports: self.reports.clone()?,
            told: self.told.next()?,
            source,
        })
    }
}

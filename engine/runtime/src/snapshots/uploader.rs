//! The uploader: from the logs of an epoch to a snapshot that is real. It is also what says when an epoch begins.
//!
//! 1. One epoch is in flight at a time. It has a position from every source, a log from every shard, and the sink's
//!    output; then its objects are stored, then its manifest is published, then the sink may commit. Never otherwise.
//! 2. An epoch for which one of these fails is given up and counted, and the chains of all shards are broken
//!    ([`chain`](super::chain)). The job goes on.
//! 3. Where the answer to a publication was lost the epoch is neither: it is published again until the store says which.
//! 4. Where the job is to be stopped, the next epoch is its last: sources send nothing behind its barrier, and end when it
//!    is published. It is tried again where it is given up, as the epoch of the end of the input is.
//! 5. Manifests are numbered without a gap, so of two processes that go on from the same snapshot one finds its number
//!    taken. It stops.
//!
//! [`step`](Uploader::step) does what there is to do and never waits but for the store; a thread of its own or a
//! simulation calls it.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, Sender, SyncSender};

use tidewire_event::limits::{KEY_GROUPS, UPLOAD_RETRY_NS};
use tidewire_event::record::RECORD_FORMAT;
use tidewire_event::sink::LAST_EPOCH;
use tidewire_event::time::WATERMARK_END;
use tidewire_snapshot::manifest::{LAYOUT_VERSION, MANIFEST_VERSION};
use tidewire_snapshot::{
    BodyWriter, Good, Kind, Layout, Manifest, Object, Published, SourcePosition, StoreError,
    catalog, retention,
};

use super::barriers::{Report, Told, Wanted};
use super::chain::{Chain, Names};
use super::shard_log::{Captured, LogFrame, LogReader};
use super::{SnapshotError, SnapshotTotals, Snapshots};

/// Frames taken from one shard's log before another is looked at.
const TAKE_LOG_FRAMES: usize = 16;

/// How often the last epoch of a job is tried before the job fails.
const LAST_ATTEMPTS_MAX: u32 = 10;

pub(crate) struct Uploader<'a> {
    snapshots: &'a Snapshots,
    generation: u64,
    /// The newest published epoch.
    epoch: u64,
    /// The number in the newest barrier.
    attempt: u64,
    wanted: &'a Wanted,
    reports: Receiver<Report>,
    logs: Vec<LogReader>,
    chains: Vec<Chain<'a>>,
    /// To the sink: the epoch that it may commit.
    commits: Sender<u64>,
    tells: Vec<SyncSender<Told>>,
    ended: Vec<Option<SourcePosition>>,
    /// What the sink prepared when its input had ended.
    last_output: Option<Vec<u8>>,
    last_attempts: u32,
    flight: Option<Flight>,
    next_at: i64,
    retry_at: i64,
    totals: SnapshotTotals,
}

/// The uploader's ends of what lies between it and the other threads.
pub(crate) struct UploaderEnds<'a> {
    /// To the sources.
    pub(crate) wanted: &'a Wanted,
    pub(crate) reports: Receiver<Report>,
    /// From each shard.
    pub(crate) logs: Vec<LogReader>,
    /// To the sink: the epoch that it may commit.
    pub(crate) commits: Sender<u64>,
    /// To each source: positions that it gave itself.
    pub(crate) tells: Vec<SyncSender<Told>>,
}

/// An epoch on its way.
struct Flight {
    names: Names,
    kind: Kind,
    /// Whether the job stops behind it.
    is_last: bool,
    begun_at: i64,
    positions: Vec<Option<SourcePosition>>,
    /// Whether a source has sent the barrier.
    is_sent: bool,
    captured: Vec<Option<Captured>>,
    output: Option<Vec<u8>>,
    /// Why it will not be published.
    failure: Option<String>,
    publication: Option<Publication>,
}

/// A manifest of which it is not known whether it is published.
struct Publication {
    manifest: Manifest,
    again_at: i64,
}

/// What a step came to.
#[derive(Debug)]
pub(crate) enum Upload {
    Idle,
    Busy,
    /// Said once for each epoch that was given up.
    GivenUp(String),
    /// The last epoch of the job is published.
    Done,
}

impl<'a> Uploader<'a> {
    /// An uploader of the run `generation`, which goes on from `good` and publishes behind the epoch `newest`, with a chain
    /// for each shard.
    pub(crate) fn new(
        snapshots: &'a Snapshots,
        generation: u64,
        newest: u64,
        good: Option<&Good>,
        chains: Vec<Chain<'a>>,
        ends: UploaderEnds<'a>,
    ) -> Self {
        let UploaderEnds { wanted, reports, logs, commits, tells } = ends;
        Self {
            snapshots,
            generation,
            epoch: newest,
            attempt: newest,
            wanted,
            reports,
            logs,
            chains,
            commits,
            ended: vec![None; tells.len()],
            tells,
            last_output: None,
            last_attempts: 0,
            flight: None,
            next_at: snapshots.every_ns,
            retry_at: i64::MIN,
            totals: SnapshotTotals {
                restored: good.map(|good| good.manifest.epoch),
                ..SnapshotTotals::default()
            },
        }
    }

    pub(crate) fn totals(&self) -> SnapshotTotals {
        self.totals
    }

    /// Does what there is to do at the time `now`, ns of the job's clock.
    ///
    /// # Errors
    /// The job must stop: another process has taken over, or the image of the state is of no use any more.
    pub(crate) fn step(&mut self, now: i64) -> Result<Upload, SnapshotError> {
        let mut any = self.take_reports();
        any |= self.take_logs()?;
        match &self.flight {
            Some(flight) if flight.publication.is_some() => return self.publish(now),
            Some(flight) if !flight.is_sent && flight.kind != Kind::End && self.all_ended() => {
                // The sources ended before they heard of it.
                self.flight = None;
                any = true;
            }
            Some(flight) if flight.is_over() => return self.settle(now),
            Some(_) => {}
            None if self.last_output.is_some() && self.retry_at <= now => {
                self.begin(Kind::End, true, now);
                any = true;
            }
            None if self.all_ended() => {}
            None => any |= self.begin_due(now),
        }
        Ok(if any { Upload::Busy } else { Upload::Idle })
    }

    fn all_ended(&self) -> bool {
        self.ended.iter().all(Option::is_some)
    }

    /// Begins an epoch, if one is due while sources go on.
    fn begin_due(&mut self, now: i64) -> bool {
        let Snapshots { savepoint, stop, .. } = self.snapshots;
        let is_last = stop.load(Relaxed);
        if is_last && self.retry_at > now {
            return false;
        }
        let kind = match savepoint.swap(false, Relaxed) {
            true => Kind::Savepoint,
            false => Kind::Checkpoint,
        };
        let is_due = is_last || kind == Kind::Savepoint || now >= self.next_at;
        if is_due {
            self.begin(kind, is_last, now);
        }
        is_due
    }

    fn begin(&mut self, kind: Kind, is_last: bool, now: i64) {
        self.attempt += 1;
        self.next_at = now + self.snapshots.every_ns;
        let names = Names { generation: self.generation, attempt: self.attempt };
        let mut flight = Flight {
            names,
            kind,
            is_last,
            begun_at: now,
            positions: self.ended.clone(),
            is_sent: false,
            captured: vec![None; self.chains.len()],
            output: None,
            failure: None,
            publication: None,
        };
        match kind {
            // Every window has closed: there is no state, and no barrier to wait for.
            Kind::End => flight.output = self.last_output.take(),
            _ => self.wanted.barrier(self.attempt, is_last),
        }
        self.flight = Some(flight);
    }

    fn flight_of(&mut self, attempt: u64) -> Option<&mut Flight> {
        self.flight.as_mut().filter(|flight| flight.names.attempt == attempt)
    }

    fn take_reports(&mut self) -> bool {
        let mut any = false;
        while let Ok(report) = self.reports.try_recv() {
            any = true;
            match report {
                Report::Position { source, epoch, position } => {
                    if let Some(flight) = self.flight_of(epoch) {
                        flight.positions[source] = Some(position);
                        flight.is_sent = true;
                    }
                }
                Report::Ended { source, position } => {
                    if let Some(flight) = &mut self.flight {
                        flight.positions[source].get_or_insert_with(|| position.clone());
                    }
                    self.ended[source] = Some(position);
                }
                Report::Prepared { epoch, prepared } => {
                    if let Some(flight) = self.flight_of(epoch) {
                        flight.output = Some(prepared);
                    }
                }
                Report::Finished { prepared } => self.last_output = Some(prepared),
            }
        }
        any
    }

    fn take_logs(&mut self) -> Result<bool, SnapshotError> {
        let mut any = false;
        for shard in 0..self.logs.len() {
            for _ in 0..TAKE_LOG_FRAMES {
                let Ok(frame) = self.logs[shard].full.pop() else { break };
                any = true;
                let Some(flight) = &mut self.flight else { continue };
                let chain = &mut self.chains[shard];
                let stored = match frame {
                    LogFrame::Chunk(chunk) => {
                        let stored = chain.chunk(&chunk, flight.names, shard)?;
                        self.logs[shard].give_back(chunk);
                        stored
                    }
                    LogFrame::End(captured) => {
                        flight.captured[shard] = Some(captured);
                        let freeze_ns_max = &mut self.totals.freeze_ns_max;
                        *freeze_ns_max = (*freeze_ns_max).max(captured.freeze_ns);
                        if !captured.is_whole {
                            flight.fail("the store is too slow for the changes of the state");
                        }
                        if flight.failure.is_some() {
                            continue;
                        }
                        let bytes = chain.finish(flight.names, shard);
                        bytes.map(|bytes| self.totals.bytes += bytes)
                    }
                };
                if let Err(error) = stored {
                    flight.fail(&in_full(&error));
                }
            }
        }
        Ok(any)
    }

    /// Every part of the epoch has answered: makes its manifest, or gives it up.
    fn settle(&mut self, now: i64) -> Result<Upload, SnapshotError> {
        let Some(mut flight) = self.flight.take() else { return Ok(Upload::Idle) };
        let sink = match flight.failure.take() {
            Some(failure) => Err(failure),
            None => self.store_output(&flight).map_err(|error| in_full(&error)),
        };
        let sink = match sink {
            Ok(sink) => sink,
            Err(failure) => return self.give_up(failure, flight, now),
        };
        let manifest = self.manifest(&flight, sink);
        flight.publication = Some(Publication { manifest, again_at: now });
        self.flight = Some(flight);
        Ok(Upload::Busy)
    }

    fn give_up(
        &mut self,
        failure: String,
        flight: Flight,
        now: i64,
    ) -> Result<Upload, SnapshotError> {
        self.chains.iter_mut().for_each(Chain::abandon);
        self.totals.given_up += 1;
        if flight.kind == Kind::Savepoint {
            self.snapshots.savepoint.store(true, Relaxed);
        }
        if flight.is_last {
            // It is all that the job still waits for.
            self.last_attempts += 1;
            if self.last_attempts == LAST_ATTEMPTS_MAX {
                return Err(SnapshotError::NeverPublished { why: failure });
            }
            if flight.kind == Kind::End {
                self.last_output = flight.output;
            }
            self.retry_at = now + UPLOAD_RETRY_NS;
        }
        Ok(Upload::GivenUp(failure))
    }

    fn store_output(&mut self, flight: &Flight) -> Result<Option<Object>, StoreError> {
        let Some(output) = flight.output.as_ref().filter(|output| !output.is_empty()) else {
            return Ok(None);
        };
        let Snapshots { store, compression, .. } = self.snapshots;
        let mut writer = BodyWriter::create(&**store, &flight.names.sink(), *compression)?;
        writer.write(output)?;
        let object = writer.finish()?;
        self.totals.bytes += object.bytes;
        Ok(Some(object))
    }

    fn manifest(&self, flight: &Flight, sink: Option<Object>) -> Manifest {
        let sources: Vec<_> = flight.positions.iter().flatten().cloned().collect();
        let shards = match flight.kind {
            Kind::End => Vec::new(),
            _ => self.chains.iter().map(Chain::with_added).collect(),
        };
        Manifest {
            version: MANIFEST_VERSION,
            epoch: self.epoch + 1,
            generation: self.generation,
            kind: flight.kind,
            created_ns: (self.snapshots.unix_now_ns)(),
            job: self.snapshots.job.clone(),
            layout: layout(),
            watermark: sources.iter().map(|source| source.watermark).min().unwrap_or(WATERMARK_END),
            sources,
            shards,
            sink,
            given_up: self.totals.given_up,
        }
    }

    fn publish(&mut self, now: i64) -> Result<Upload, SnapshotError> {
        let store = &*self.snapshots.store;
        let Some(mut flight) = self.flight.take() else { return Ok(Upload::Idle) };
        let Some(publication) = flight.publication.as_mut().filter(|it| now >= it.again_at) else {
            self.flight = Some(flight);
            return Ok(Upload::Idle);
        };
        let manifest = &publication.manifest;
        match catalog::publish(store, manifest) {
            Ok(Published::Created) => Ok(self.published(&flight, now)),
            Ok(Published::Existed) => {
                Err(SnapshotError::Fenced { location: store.location(), epoch: manifest.epoch })
            }
            Err(error) => {
                publication.again_at = now + UPLOAD_RETRY_NS;
                self.flight = Some(flight);
                Ok(Upload::GivenUp(format!("not known to be published: {}", in_full(&error))))
            }
        }
    }

    fn published(&mut self, flight: &Flight, now: i64) -> Upload {
        self.epoch += 1;
        self.totals.published += 1;
        let taken = now - flight.begun_at;
        self.totals.publish_ns_max = self.totals.publish_ns_max.max(taken);
        self.chains.iter_mut().for_each(Chain::published);
        // The sink is gone only when the job is being stopped.
        let _ = self.commits.send(match flight.kind {
            Kind::End => LAST_EPOCH,
            _ => flight.names.attempt,
        });
        self.tell(flight.positions.iter().flatten(), Told::Durable);
        let keep = &self.snapshots.keep;
        let is_due = self.epoch.is_multiple_of(keep.newest.max(1) as u64);
        if flight.is_last {
            if flight.kind != Kind::End {
                self.totals.stopped = Some(self.epoch);
                self.wanted.stop();
            }
            return Upload::Done;
        }
        match is_due.then(|| retention::prune(&*self.snapshots.store, keep, false)) {
            Some(Err(error)) => Upload::GivenUp(format!("old snapshots stay: {}", in_full(&error))),
            Some(Ok(pruned)) => {
                self.tell(pruned.oldest.iter().flatten(), Told::Forget);
                Upload::Busy
            }
            None => Upload::Busy,
        }
    }

    /// Tells each source of its position, where it gave one itself.
    fn tell<'p>(
        &self,
        positions: impl Iterator<Item = &'p SourcePosition>,
        told: impl Fn(String) -> Told,
    ) {
        for (source, position) in self.tells.iter().zip(positions) {
            if let Some(place) = &position.place {
                // A source that has ended, or has not heard of those before, does without.
                let _ = source.try_send(told(place.clone()));
            }
        }
    }
}

/// How this program lays state out.
pub(crate) fn layout() -> Layout {
    Layout { version: LAYOUT_VERSION, records: RECORD_FORMAT.to_owned(), key_groups: KEY_GROUPS }
}

impl Flight {
    fn fail(&mut self, why: &str) {
        self.failure.get_or_insert_with(|| why.to_owned());
    }

    /// Whether every part has answered.
    fn is_over(&self) -> bool {
        let is_captured = self.kind == Kind::End || self.captured.iter().all(Option::is_some);
        is_captured && self.positions.iter().all(Option::is_some) && self.output.is_some()
    }
}

/// An error with what it came from.
pub(crate) fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(&format!(": {cause_text}"));
        }
        source = cause.source();
    }
    text
}

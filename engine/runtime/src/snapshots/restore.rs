//! From a stored snapshot to a job that goes on.
//!
//! 1. The newest snapshot that is whole is taken; one that is not is named. One of another job is refused.
//! 2. It is published again, under the next number, before anything else is touched: from then on a process that was taken
//!    for dead can not publish, and what it prepared may be undone.
//! 3. With as many shards as it was taken with, tables are mapped as they are stored, and the logs behind them applied.
//! 4. With another number of shards each record goes to the shard that owns its key group now.

use tidewire_event::HashRange;
use tidewire_event::key::{hash_of_bytes, shard_of};
use tidewire_event::time::WATERMARK_NONE;
use tidewire_snapshot::manifest::MANIFEST_VERSION;
use tidewire_snapshot::{
    Good, Kind, Manifest, Published, ShardState, Skipped, SourcePosition, base, catalog,
};
use tidewire_state::{Budget, Image};

use super::uploader::layout;
use super::{SnapshotError, Snapshots, fits};

/// The newest good snapshot, if there is any.
pub(crate) fn newest(
    snapshots: &Snapshots,
    sources: usize,
    skipped: impl FnMut(Skipped),
) -> Result<Option<Good>, SnapshotError> {
    let store = &*snapshots.store;
    let fits = |manifest: &_| fits(&snapshots.job, manifest);
    let good = catalog::newest_good(store, &snapshots.scratch, fits, skipped)?;
    if let Some(good) = &good
        && good.manifest.sources.len() != sources
    {
        return Err(SnapshotError::Sources {
            found: good.manifest.sources.len(),
            expected: sources,
        });
    }
    Ok(good)
}

/// How often a run tries to take over from one that goes on publishing.
const TAKE_OVERS_MAX: u32 = 10;

/// The newest good snapshot, if there is any, and the epoch under which it is published again: or the beginning of the
/// input, if there is none.
pub(crate) fn take_over(
    snapshots: &Snapshots,
    sources: usize,
    generation: u64,
    mut skipped: impl FnMut(Skipped),
) -> Result<(Option<Good>, u64), SnapshotError> {
    let store = &*snapshots.store;
    let mut epoch = 0;
    for _ in 0..TAKE_OVERS_MAX {
        let good = newest(snapshots, sources, &mut skipped)?;
        epoch = good.as_ref().map_or(0, |good| good.newest_epoch) + 1;
        let unread = SourcePosition::new(0, WATERMARK_NONE);
        let manifest = good.as_ref().map(|good| good.manifest.clone());
        let manifest = manifest.unwrap_or_else(|| Manifest {
            version: MANIFEST_VERSION,
            epoch,
            generation,
            kind: Kind::Checkpoint,
            created_ns: 0,
            job: snapshots.job.clone(),
            layout: layout(),
            watermark: WATERMARK_NONE,
            sources: vec![unread; sources],
            shards: Vec::new(),
            sink: None,
            given_up: 0,
        });
        let created_ns = (snapshots.unix_now_ns)();
        let manifest =
            Manifest { epoch, generation, kind: Kind::Checkpoint, created_ns, ..manifest };
        // Else the other has published, and this run goes on from there.
        if catalog::publish(store, &manifest)? == Published::Created {
            return Ok((good, epoch));
        }
    }
    Err(SnapshotError::Fenced { location: store.location(), epoch })
}

/// Whether a shard of the snapshot has the same hashes as `shard` of `shards`.
pub(crate) fn stored_shard(good: &Good, shard: usize, shards: usize) -> Option<&ShardState> {
    let own = HashRange::of_shard(shard, shards);
    let same = |state: &&ShardState| (state.first_hash, state.last_hash) == (own.first, own.last);
    good.manifest.shards.iter().find(same)
}

/// The images of `shards` shards.
pub(crate) fn images(
    good: &Good,
    shards: usize,
    snapshots: &Snapshots,
    budget: &Budget,
) -> Result<Vec<Image>, SnapshotError> {
    let stored = (0..shards).map(|shard| stored_shard(good, shard, shards));
    if let Some(stored) = stored.collect::<Option<Vec<_>>>() {
        return stored.into_iter().map(|state| image(good, state, snapshots, budget)).collect();
    }
    let empty = |shard| Image::new(HashRange::of_shard(shard, shards), budget);
    let mut images: Vec<_> = (0..shards).map(empty).collect();
    for state in &good.manifest.shards {
        let mut whole = image(good, state, snapshots, &Budget::unlimited())?;
        for (id, table) in whole.tables_mut() {
            let layout = table.layout();
            // As dense as they were: records come in the order of their hashes.
            let slots =
                (table.capacity() * good.manifest.shards.len() / shards).next_power_of_two();
            table.try_for_each(|key, value| {
                let hash = hash_of_bytes(key, layout.group_bytes as usize);
                let table = images[shard_of(hash, shards)].table(id, layout, slots)?;
                table.put(key, value).map_err(tidewire_state::ImageError::from)
            })?;
        }
    }
    Ok(images)
}

/// The image of a stored shard.
fn image(
    good: &Good,
    state: &ShardState,
    snapshots: &Snapshots,
    budget: &Budget,
) -> Result<Image, SnapshotError> {
    let range = HashRange { first: state.first_hash, last: state.last_hash };
    let body = |name: &str| {
        let body = good.bodies.get(name);
        body.ok_or_else(|| tidewire_snapshot::ObjectError::Missing { name: name.to_owned() })
    };
    let mut image = match &state.base {
        Some(object) => base::map(body(&object.name)?, range, budget, &snapshots.scratch)?,
        None => Image::new(range, budget),
    };
    for log in &state.logs {
        let body = body(&log.name)?;
        let mut bytes = Vec::with_capacity(body.raw_bytes() as usize);
        for chunk in body.chunks() {
            bytes.extend_from_slice(&chunk?);
        }
        image.apply(&bytes)?;
    }
    Ok(image)
}

/// What the sink prepared.
pub(crate) fn prepared(good: &Good) -> Result<Vec<u8>, SnapshotError> {
    let Some(object) = &good.manifest.sink else { return Ok(Vec::new()) };
    let mut prepared = Vec::new();
    if let Some(body) = good.bodies.get(&object.name) {
        for chunk in body.chunks() {
            prepared.extend_from_slice(&chunk?);
        }
    }
    Ok(prepared)
}

//! Retention: what nobody needs any more. First all that is needed is listed, then the rest is deleted.
//!
//! 1. These snapshots are kept: the newest checkpoints, as many as [`Keep`] says; every savepoint; the newest end; and
//!    every one whose manifest can not be read. The newest of all is among them, whatever it is.
//! 2. An object that a kept manifest names is kept. A manifest that can not be read may name any object of its epoch or
//!    of an earlier one, so all of those are kept.
//! 3. An object of a later epoch than the newest manifest is kept: it is on its way.
//! 4. An object of the newest manifest's generation, or of a later one, may be waiting to be named, whatever its epoch.
//!    It is deleted only if a manifest that is deleted now has named it. An older generation names nothing any more:
//!    its run can not publish after the newest manifest, so what no kept manifest names of it is deleted.
//! 5. Manifests are deleted before objects, so that at no moment a manifest names what is not there. What a crash between
//!    the two leaves is collected when a later generation has published (by 4).
//! 6. Names that are not of snapshots are left alone.
//!
//! Whether what is kept is good is not looked at: where the newest snapshot is damaged, verify before older ones go.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Found, Kind, Manifest, ObjectName, SourcePosition, Store, StoreError, Stored, catalog,
};

/// What to keep beside savepoints and the newest end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Checkpoints, newest first; at least one.
    pub newest: usize,
}

/// What is to be deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Names of manifests, oldest first: to be deleted first.
    pub manifests_to_delete: Vec<String>,
    /// Objects, to be deleted when the manifests are.
    pub objects_to_delete: Vec<Stored>,
    /// Where the sources of the oldest snapshot that is kept stand: what they have kept for older ones is not needed any
    /// more. `None`: there is none, or a manifest can not be read, and may be older.
    pub oldest: Option<Vec<SourcePosition>>,
}

/// What was deleted, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Snapshots.
    pub manifests: Vec<String>,
    /// Objects.
    pub objects: Vec<Stored>,
    /// As [`Plan::oldest`].
    pub oldest: Option<Vec<SourcePosition>>,
}

impl Pruned {
    /// Bytes of all objects.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.objects.iter().map(|object| object.bytes).sum()
    }
}

/// Decides what to delete, from all snapshots, newest first, and all objects of the store.
#[must_use]
pub fn plan(found: &[Found], objects: &[Stored], keep: &Keep) -> Plan {
    let readable = || found.iter().filter_map(|found| found.manifest.as_ref().ok());
    let Some(newest) = readable().max_by_key(|manifest| manifest.epoch) else {
        return Plan::default();
    };
    let (kept, gone) = split(readable(), keep);
    let needed = names_of(&kept);
    let named_before = names_of(&gone);
    let unreadable = found.iter().filter(|found| found.manifest.is_err());
    let unreadable_epoch = unreadable.map(|found| found.epoch).max();
    let is_garbage = |stored: &&Stored| {
        let Some(name) = ObjectName::parse(&stored.name) else { return false };
        let may_be_named = Some(name.epoch()) <= unreadable_epoch || name.epoch() > newest.epoch;
        let is_past = name.generation() < newest.generation;
        let text = stored.name.as_str();
        !needed.contains(text) && !may_be_named && (is_past || named_before.contains(text))
    };
    let mut manifests_to_delete: Vec<_> =
        gone.iter().map(|manifest| Manifest::name(manifest.epoch)).collect();
    manifests_to_delete.sort_unstable();
    let objects_to_delete = objects.iter().filter(is_garbage).cloned().collect();
    let oldest = kept.iter().min_by_key(|manifest| manifest.epoch);
    let oldest = oldest.filter(|_| unreadable_epoch.is_none()).map(|it| it.sources.clone());
    Plan { manifests_to_delete, objects_to_delete, oldest }
}

/// Those to keep, and those to delete.
fn split<'m>(
    manifests: impl Iterator<Item = &'m Manifest>,
    keep: &Keep,
) -> (Vec<&'m Manifest>, Vec<&'m Manifest>) {
    let by_epoch: BTreeMap<u64, &Manifest> = manifests.map(|it| (it.epoch, it)).collect();
    let (mut checkpoints, mut ends) = (keep.newest.max(1), 1);
    by_epoch.into_values().rev().partition(|manifest| {
        let left = match manifest.kind {
            Kind::Savepoint => return true,
            Kind::Checkpoint => &mut checkpoints,
            Kind::End => &mut ends,
        };
        let is_kept = *left > 0;
        *left -= usize::from(is_kept);
        is_kept
    })
}

fn names_of<'m>(manifests: &[&'m Manifest]) -> BTreeSet<&'m str> {
    let objects = manifests.iter().flat_map(|manifest| manifest.objects());
    objects.map(|object| object.name.as_str()).collect()
}

/// Decides, and deletes; with `dry_run` it only decides.
///
/// # Errors
/// See [`StoreError`]. What was deleted until then stays deleted, and what is left can be pruned again.
pub fn prune(store: &dyn Store, keep: &Keep, dry_run: bool) -> Result<Pruned, StoreError> {
    // Objects before manifests: what is published in between is of a later epoch, or not on the list.
    let mut objects = Vec::new();
    for prefix in ObjectName::PREFIXES {
        objects.extend(store.list(prefix)?);
    }
    let plan = plan(&catalog::snapshots(store)?, &objects, keep);
    if !dry_run {
        plan.manifests_to_delete.iter().try_for_each(|name| store.delete(name))?;
        plan.objects_to_delete.iter().try_for_each(|object| store.delete(&object.name))?;
    }
    let Plan { manifests_to_delete: manifests, objects_to_delete: objects, oldest } = plan;
    Ok(Pruned { manifests, objects, oldest })
}

#[cfg(test)]
mod tests;

//! The catalog: which snapshots are there, which of them is good, and whose turn it is to publish the next.
//!
//! 1. The newest snapshot whose manifest and objects verify is the one to go on from. One that is damaged is named and
//!    passed over; one of another job or another version is refused, and nothing older is taken in its place.
//! 2. A store that does not answer is no reason to go back in time: that is an error.
//! 3. The next epoch to publish is one more than the greatest that is there, damaged or not. Whoever publishes it first
//!    is the one run that goes on ([`publish`]).
//! 4. A generation is claimed once ([`claim_generation`]), so that no two runs write objects of one name.

use std::collections::BTreeMap;
use std::path::Path;

use crate::{
    Body, Manifest, ManifestError, ObjectError, Published, Refusal, Store, StoreError, manifest,
};

const GENERATIONS: &str = "generation/";

/// A snapshot that is there, whatever its state.
#[derive(Debug)]
pub struct Found {
    /// Its manifest's name.
    pub name: String,
    /// Its epoch, by its name.
    pub epoch: u64,
    /// What its manifest says.
    pub manifest: Result<Manifest, ManifestError>,
}

/// A snapshot to go on from, every byte of it checked.
#[derive(Debug)]
pub struct Good {
    /// What it is.
    pub manifest: Manifest,
    /// Its objects, by name.
    pub bodies: BTreeMap<String, Body>,
    /// The greatest epoch that is there: that of `manifest`, or of a newer one that is damaged. The next to publish is
    /// one more.
    pub newest_epoch: u64,
}

/// A snapshot that was passed over.
#[derive(Debug)]
pub struct Skipped {
    /// The name of its manifest.
    pub snapshot: String,
    /// What is wrong with it.
    pub why: Fault,
}

impl Skipped {
    /// The name of the object that is damaged; that of the manifest if it is itself.
    #[must_use]
    pub fn object(&self) -> &str {
        match &self.why {
            Fault::Manifest(_) => &self.snapshot,
            Fault::Object(error) => error.name(),
        }
    }
}

/// What is wrong with a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Its manifest can not be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// One of its objects is not what was written.
    #[error(transparent)]
    Object(#[from] ObjectError),
}

/// Why there is no snapshot to go on from.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The newest snapshot is not for this job.
    #[error("can not go on from {snapshot}: {refusal}")]
    Refused {
        /// The name of its manifest.
        snapshot: String,
        /// Why not.
        refusal: Refusal,
    },
    /// The newest snapshot is of another version: going back behind it would lose what it holds.
    #[error("can not go on: {0}")]
    OtherVersion(ManifestError),
    /// There are snapshots, and all of them are damaged.
    #[error("none of the {snapshots} snapshot(s) in {location} is good")]
    NoneGood {
        /// The store.
        location: String,
        /// How many there are.
        snapshots: usize,
    },
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The epochs and names of all manifests, newest first.
fn names(store: &dyn Store) -> Result<Vec<(u64, String)>, StoreError> {
    let stored = store.list(manifest::FOLDER)?.into_iter();
    let named = |stored: crate::Stored| Some((Manifest::epoch_of(&stored.name)?, stored.name));
    let mut names: Vec<_> = stored.filter_map(named).collect();
    names.sort_unstable_by(|a, b| b.cmp(a));
    Ok(names)
}

/// Every snapshot, newest first. What else lies among the manifests is left out.
///
/// # Errors
/// See [`StoreError`].
pub fn snapshots(store: &dyn Store) -> Result<Vec<Found>, StoreError> {
    let mut found = Vec::new();
    for (epoch, name) in names(store)? {
        // One that is gone by now was collected.
        if let Some(bytes) = store.read(&name)? {
            let manifest = Manifest::parse(&name, &bytes);
            found.push(Found { name, epoch, manifest });
        }
    }
    Ok(found)
}

/// Opens every object of a snapshot, and says what is wrong with them.
#[must_use]
pub fn verify(store: &dyn Store, manifest: &Manifest, scratch: &Path) -> Vec<ObjectError> {
    let opened = manifest.objects().map(|object| Body::open(store, object, scratch));
    opened.filter_map(Result::err).collect()
}

/// The newest snapshot that is good, with its objects open; `None` in a store without snapshots.
///
/// `fits` says whether the job can go on from a snapshot ([`Manifest::fits`]); `skipped` hears of those that are
/// damaged.
///
/// # Errors
/// See [`CatalogError`].
pub fn newest_good(
    store: &dyn Store,
    scratch: &Path,
    fits: impl Fn(&Manifest) -> Result<(), Refusal>,
    mut skipped: impl FnMut(Skipped),
) -> Result<Option<Good>, CatalogError> {
    let names = names(store)?;
    let Some(&(newest_epoch, _)) = names.first() else { return Ok(None) };
    let snapshots = names.len();
    // What one snapshot shares with the next older is checked once.
    let mut bodies = BTreeMap::new();
    for (_, name) in names {
        let Some(bytes) = store.read(&name)? else { continue };
        let manifest = match Manifest::parse(&name, &bytes) {
            Ok(manifest) => manifest,
            Err(error @ ManifestError::OtherVersion { .. }) => {
                return Err(CatalogError::OtherVersion(error));
            }
            Err(error) => {
                skipped(Skipped { snapshot: name, why: error.into() });
                continue;
            }
        };
        if let Err(refusal) = fits(&manifest) {
            return Err(CatalogError::Refused { snapshot: name, refusal });
        }
        match open_all(store, &manifest, scratch, &mut bodies) {
            Ok(()) => return Ok(Some(Good { manifest, bodies, newest_epoch })),
            Err(ObjectError::Store(error)) => return Err(error.into()),
            Err(error) => skipped(Skipped { snapshot: name, why: error.into() }),
        }
    }
    Err(CatalogError::NoneGood { location: store.location(), snapshots })
}

/// Makes `bodies` those of `manifest`, up to the first that is not good.
fn open_all(
    store: &dyn Store,
    manifest: &Manifest,
    scratch: &Path,
    bodies: &mut BTreeMap<String, Body>,
) -> Result<(), ObjectError> {
    let mut known = std::mem::take(bodies);
    for object in manifest.objects() {
        if bodies.get(&object.name).is_some_and(|body: &Body| body.object() == object) {
            continue;
        }
        let body = match known.remove(&object.name) {
            Some(body) if body.object() == object => body,
            _ => Body::open(store, object, scratch)?,
        };
        bodies.insert(object.name.clone(), body);
    }
    Ok(())
}

/// Publishes a snapshot whose objects are all there.
///
/// [`Published::Existed`] says that this run is not the one that goes on: another has published this epoch, or a later
/// one. The second case is why there is more to it than a conditional put: when a run was asleep for long, the epoch that
/// it is about to publish may have been published, and collected. So after the put the list is looked at.
///
/// # Errors
/// See [`StoreError`]. After an error the manifest may be there or not. To find out, publish it again: no two manifests
/// are the same, so one that is there already and is the same to the byte is this run's, put by a request whose answer was
/// lost, or that was repeated on its way.
pub fn publish(store: &dyn Store, manifest: &Manifest) -> Result<Published, StoreError> {
    let (name, bytes) = (Manifest::name(manifest.epoch), manifest.to_bytes());
    let put = store.put_new(&name, &bytes)?;
    if put == Published::Existed && store.read(&name)?.as_ref() != Some(&bytes) {
        return Ok(Published::Existed);
    }
    // The newest manifest is never collected, so whoever has overtaken this run is seen here.
    if names(store)?.first().is_some_and(|(newest, _)| *newest > manifest.epoch) {
        // One that was there before may be what the other has gone on from.
        if put == Published::Created {
            store.delete(&name)?;
        }
        return Ok(Published::Existed);
    }
    Ok(Published::Created)
}

/// The number of a new run: greater than that of every run before it, and nobody else's.
///
/// # Errors
/// See [`StoreError`].
pub fn claim_generation(store: &dyn Store) -> Result<u64, StoreError> {
    let claimed = store.list(GENERATIONS)?.into_iter();
    let claimed = claimed.filter_map(|it| it.name.strip_prefix(GENERATIONS)?.parse::<u64>().ok());
    let mut generation = claimed.max().unwrap_or(0);
    loop {
        generation += 1;
        let name = format!("{GENERATIONS}{generation:08}");
        if store.put_new(&name, b"claimed\n")? == Published::Created {
            return Ok(generation);
        }
    }
}

#[cfg(test)]
mod tests;

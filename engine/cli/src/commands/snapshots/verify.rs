//! `tidewire snapshots verify`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use tidewire_snapshot::{Body, Found, Manifest, Object, Store, catalog};

use super::{Listing, print_json};
use crate::commands::CommandError;
use crate::terminal::print;

/// A snapshot, and what is wrong with it. As JSON these are the names.
#[derive(Debug, Serialize)]
struct Verdict {
    epoch: u64,
    name: String,
    is_good: bool,
    objects: usize,
    broken: Vec<String>,
}

/// What was found of objects, so that one that many snapshots need is read once.
struct Verifier<'s> {
    store: &'s dyn Store,
    /// By name, size and checksum.
    known: BTreeMap<(String, u64, u32), Option<String>>,
}

pub(super) fn run(arguments: &Listing) -> Result<(), CommandError> {
    let store = arguments.store.open()?;
    let mut verifier = Verifier { store: &*store, known: BTreeMap::new() };
    let found = catalog::snapshots(&*store)?;
    let verdicts: Vec<_> = found.iter().map(|found| verifier.verdict(found)).collect();
    if arguments.json {
        print_json(&verdicts)?;
    } else {
        let lines: String = verdicts.iter().map(Verdict::in_words).collect();
        let objects = verifier.known.len();
        let summary = format!("{} snapshot(s), {objects} object(s) read\n", verdicts.len());
        print(&(lines + &summary))?;
    }
    match verdicts.iter().filter(|verdict| !verdict.is_good).count() {
        0 => Ok(()),
        broken => Err(CommandError::BrokenSnapshots { broken, of: verdicts.len() }),
    }
}

impl Verifier<'_> {
    fn verdict(&mut self, found: &Found) -> Verdict {
        let (objects, broken) = match &found.manifest {
            Ok(manifest) => (manifest.objects().count(), self.broken(manifest)),
            Err(error) => (0, vec![error.to_string()]),
        };
        let name = found.name.clone();
        Verdict { epoch: found.epoch, name, is_good: broken.is_empty(), objects, broken }
    }

    fn broken(&mut self, manifest: &Manifest) -> Vec<String> {
        manifest.objects().filter_map(|object| self.look_at(object)).collect()
    }

    fn look_at(&mut self, object: &Object) -> Option<String> {
        let Self { store, known } = self;
        let key = (object.name.clone(), object.bytes, object.crc32c);
        let error = known.entry(key).or_insert_with(|| {
            let body = Body::open(*store, object, &scratch());
            body.err().map(|error| error.to_string())
        });
        error.clone()
    }
}

/// Where a store that is far away puts copies.
pub(super) fn scratch() -> std::path::PathBuf {
    let folder = std::env::temp_dir();
    if folder.is_dir() { folder } else { Path::new(".").to_owned() }
}

impl Verdict {
    fn in_words(&self) -> String {
        if self.is_good {
            return format!("epoch {}: good, {} object(s)\n", self.epoch, self.objects);
        }
        let mut text = format!("epoch {}: broken\n", self.epoch);
        self.broken.iter().for_each(|why| text.push_str(&format!("  {why}\n")));
        text
    }
}

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::*;
use crate::catalog::publish;
use crate::testing::{manifest, object};
use crate::{MemoryStore, Object, ObjectWriter, Published};

/// A store that stops after some deletions, as a process that is killed.
struct Killed {
    store: MemoryStore,
    deletions: AtomicUsize,
}

impl Store for Killed {
    fn location(&self) -> String {
        self.store.location()
    }
    fn create(&self, name: &str) -> Result<Box<dyn ObjectWriter + '_>, StoreError> {
        self.store.create(name)
    }
    fn put_new(&self, name: &str, bytes: &[u8]) -> Result<Published, StoreError> {
        self.store.put_new(name, bytes)
    }
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.read(name)
    }
    fn fetch(&self, name: &str, scratch: &Path) -> Result<Option<File>, StoreError> {
        self.store.fetch(name, scratch)
    }
    fn list(&self, prefix: &str) -> Result<Vec<Stored>, StoreError> {
        self.store.list(prefix)
    }
    fn delete(&self, name: &str) -> Result<(), StoreError> {
        let left =
            self.deletions.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        match left {
            Ok(_) => self.store.delete(name),
            Err(_) => Err(StoreError {
                location: self.location(),
                action: "can not delete",
                name: name.to_owned(),
                source: "killed".into(),
            }),
        }
    }
    fn is_fenced(&self) -> Result<bool, StoreError> {
        self.store.is_fenced()
    }
}

/// A run: it adds a log at each epoch, and from time to time folds its chain into a base.
#[derive(Default)]
struct Run {
    generation: u64,
    epoch: u64,
    base: Option<Object>,
    logs: Vec<Object>,
    /// A base that is uploaded and not yet named, and how many logs it stands for.
    folded: Option<(Object, usize)>,
}

impl Run {
    fn fold(&mut self, store: &dyn Store) {
        if self.epoch > 0 && self.folded.is_none() && !self.logs.is_empty() {
            let base = object(store, ObjectName::Base(self.generation, self.epoch, 0)).unwrap();
            self.folded = Some((base, self.logs.len()));
        }
    }

    fn publish(&mut self, store: &dyn Store, kind: Kind, is_folded: bool) {
        self.epoch += 1;
        self.logs.push(object(store, ObjectName::Log(self.generation, self.epoch, 0)).unwrap());
        if let Some((base, logs)) = self.folded.take_if(|_| is_folded) {
            self.base = Some(base);
            self.logs.drain(..logs);
        }
        let at = (self.generation, self.epoch);
        let manifest = manifest(at, kind, self.base.clone(), self.logs.clone());
        assert_eq!(publish(store, &manifest).unwrap(), Published::Created);
    }

    /// Killed, and started again: what was on its way is lost, what is published is not.
    fn restart(&mut self, store: &dyn Store, leaves_a_log: bool) {
        if leaves_a_log {
            object(store, ObjectName::Log(self.generation, self.epoch + 1, 0)).unwrap();
        }
        self.folded = None;
        self.generation += 1;
    }
}

#[derive(Debug, Clone)]
enum Step {
    Publish(Kind, bool),
    Fold,
    Restart(bool),
    Prune(usize, Option<usize>),
}

fn step() -> impl Strategy<Value = Step> {
    let kinds = [Kind::Checkpoint, Kind::Checkpoint, Kind::Checkpoint, Kind::Savepoint, Kind::End];
    let kind = prop::sample::select(kinds.to_vec());
    prop_oneof![
        6 => (kind, any::<bool>()).prop_map(|(kind, folded)| Step::Publish(kind, folded)),
        2 => Just(Step::Fold),
        1 => any::<bool>().prop_map(Step::Restart),
        3 => (0..4_usize, prop::option::of(0..6_usize)).prop_map(|(n, k)| Step::Prune(n, k)),
    ]
}

fn names(store: &dyn Store) -> Vec<String> {
    store.list("").unwrap().into_iter().map(|stored| stored.name).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_snapshot_that_remains_is_whole(steps in prop::collection::vec(step(), 1..40)) {
        let scratch = tempfile::tempdir().unwrap();
        let store = MemoryStore::new();
        let mut run = Run { generation: 1, ..Run::default() };
        let mut savepoints = BTreeSet::new();
        for step in steps {
            match step {
                Step::Publish(kind, is_folded) => {
                    run.publish(&store, kind, is_folded);
                    if kind == Kind::Savepoint {
                        savepoints.insert(run.epoch);
                    }
                }
                Step::Fold => run.fold(&store),
                Step::Restart(leaves_a_log) => run.restart(&store, leaves_a_log),
                Step::Prune(newest, killed) => {
                    let deletions = AtomicUsize::new(killed.unwrap_or(usize::MAX));
                    let mortal = Killed { store: store.clone(), deletions };
                    let pruned = prune(&mortal, &Keep { newest }, false);
                    prop_assert!(pruned.is_ok() || killed.is_some());
                }
            }
            let found = catalog::snapshots(&store).unwrap();
            for found in &found {
                let broken = catalog::verify(&store, found.manifest.as_ref().unwrap(), scratch.path());
                prop_assert!(broken.is_empty(), "{}: {:?}", found.name, broken);
            }
            let epochs: BTreeSet<_> = found.iter().map(|found| found.epoch).collect();
            prop_assert_eq!(epochs.last().copied().unwrap_or(0), run.epoch);
            prop_assert!(savepoints.is_subset(&epochs));
            // What the run has uploaded and not yet named is there.
            if let Some((base, _)) = &run.folded {
                prop_assert!(store.read(&base.name).unwrap().is_some());
            }
        }
        // When a new generation has published, nothing is left but what is named.
        run.restart(&store, false);
        run.publish(&store, Kind::Checkpoint, false);
        prune(&store, &Keep { newest: 1 }, false).unwrap();
        let found = catalog::snapshots(&store).unwrap();
        let manifests: Vec<_> = found.iter().map(|it| it.manifest.as_ref().unwrap()).collect();
        let mut expected: BTreeSet<_> = names_of(&manifests).into_iter().map(str::to_owned).collect();
        expected.extend(found.iter().map(|found| found.name.clone()));
        prop_assert_eq!(names(&store), Vec::from_iter(expected));
    }
}

/// Epochs 1 to 5 of one generation, each with a log of its own.
fn five(kinds: [Kind; 5]) -> MemoryStore {
    let store = MemoryStore::new();
    for (epoch, kind) in (1..).zip(kinds) {
        let log = object(&store, ObjectName::Log(1, epoch, 0)).unwrap();
        assert_eq!(
            publish(&store, &manifest((1, epoch), kind, None, vec![log])).unwrap(),
            Published::Created
        );
    }
    store
}

fn epochs(store: &dyn Store) -> Vec<u64> {
    catalog::snapshots(store).unwrap().iter().map(|found| found.epoch).collect()
}

#[test]
fn savepoints_and_the_newest_end_stay() {
    use Kind::{Checkpoint, End, Savepoint};
    let store = five([Savepoint, End, End, Checkpoint, Checkpoint]);
    let planned = prune(&store, &Keep { newest: 1 }, true).unwrap();
    assert_eq!(epochs(&store), [5, 4, 3, 2, 1]);
    assert_eq!(prune(&store, &Keep { newest: 1 }, false).unwrap(), planned);
    assert_eq!(epochs(&store), [5, 3, 1]);
    assert_eq!(planned.manifests, [Manifest::name(2), Manifest::name(4)]);
    assert_eq!(planned.objects.len(), 2);
    let again = prune(&store, &Keep { newest: 0 }, false).unwrap();
    assert_eq!(again, Pruned { oldest: planned.oldest, ..Pruned::default() });
}

#[test]
fn what_an_unreadable_manifest_may_name_stays() {
    let store = five([Kind::Checkpoint; 5]);
    store.overwrite(&Manifest::name(3), b"{".to_vec());
    let pruned = prune(&store, &Keep { newest: 1 }, false).unwrap();
    assert_eq!(pruned.manifests, [1, 2, 4].map(Manifest::name));
    let objects: Vec<_> = pruned.objects.iter().map(|object| object.name.clone()).collect();
    assert_eq!(objects, [ObjectName::Log(1, 4, 0).to_string()]);
}

#[test]
fn without_a_manifest_that_can_be_read_nothing_is_deleted() {
    let store = MemoryStore::new();
    object(&store, ObjectName::Log(1, 1, 0)).unwrap();
    store.overwrite(&Manifest::name(1), b"{".to_vec());
    assert_eq!(prune(&store, &Keep { newest: 1 }, false).unwrap(), Pruned::default());
}

#[test]
fn what_others_have_put_there_stays() {
    let store = five([Kind::Checkpoint; 5]);
    for name in ["notes", "log/notes", "generation/00000001", "manifest/notes"] {
        store.overwrite(name, Vec::new());
    }
    prune(&store, &Keep { newest: 1 }, false).unwrap();
    assert_eq!(names(&store).len(), 4 + 2);
}

#[test]
fn the_oldest_kept_snapshot_says_what_sources_still_need() {
    let found = |epoch, place: &str| {
        let position = SourcePosition {
            place: Some(place.to_owned()),
            ..SourcePosition::new(epoch * 10, epoch as i64)
        };
        let manifest = manifest((1, epoch), Kind::Checkpoint, None, Vec::new());
        let manifest = Manifest { sources: vec![position], ..manifest };
        Found { name: Manifest::name(epoch), epoch, manifest: Ok(manifest) }
    };
    let all: Vec<_> = [(5, "e"), (4, "d"), (3, "c"), (2, "b")].map(|(at, it)| found(at, it)).into();
    let place = |found: &[Found], newest| {
        let oldest = plan(found, &[], &Keep { newest }).oldest;
        oldest.and_then(|sources| sources[0].place.clone())
    };
    assert_eq!(place(&all, 1).as_deref(), Some("e"));
    assert_eq!(place(&all, 3).as_deref(), Some("c"));
    assert_eq!(place(&all, 9).as_deref(), Some("b"));
    assert_eq!(place(&[], 1), None);
    let mut savepoint = all;
    if let Some(Ok(manifest)) = savepoint.get_mut(3).map(|it| it.manifest.as_mut()) {
        manifest.kind = Kind::Savepoint;
    }
    assert_eq!(place(&savepoint, 1).as_deref(), Some("b"), "a savepoint stays");
}

use super::*;
use crate::testing::{manifest, object};
use crate::{Kind, MemoryStore, ObjectName};

/// Epochs 1 to 3, each with a base of its own epoch and one log that all share.
fn three() -> MemoryStore {
    let store = MemoryStore::new();
    let log = object(&store, ObjectName::Log(1, 1, 0)).unwrap();
    for epoch in 1..=3 {
        let base = object(&store, ObjectName::Base(1, epoch, 0)).unwrap();
        let manifest = manifest((1, epoch), Kind::Checkpoint, Some(base), vec![log.clone()]);
        assert_eq!(publish(&store, &manifest).unwrap(), Published::Created);
    }
    store
}

fn damage(store: &MemoryStore, name: &str) {
    let mut bytes = store.read(name).unwrap().unwrap();
    bytes[0] ^= 1;
    store.overwrite(name, bytes);
}

/// The outcome, and what was skipped: the snapshots' epochs and the objects' names.
fn newest(store: &dyn Store) -> (Result<Option<Good>, CatalogError>, Vec<(u64, String)>) {
    let scratch = tempfile::tempdir().unwrap();
    let mut skipped = Vec::new();
    let good = newest_good(
        store,
        scratch.path(),
        |_| Ok(()),
        |it| {
            skipped.push((Manifest::epoch_of(&it.snapshot).unwrap(), it.object().to_owned()));
        },
    );
    (good, skipped)
}

#[test]
fn an_empty_store_has_no_snapshot() {
    let (good, skipped) = newest(&MemoryStore::new());
    assert!(good.unwrap().is_none() && skipped.is_empty());
}

#[test]
fn the_newest_is_taken_with_its_objects_open() {
    let (good, skipped) = newest(&three());
    let good = good.unwrap().unwrap();
    assert_eq!((good.manifest.epoch, good.newest_epoch), (3, 3));
    let names: Vec<_> = good.bodies.keys().cloned().collect();
    assert_eq!(names, [ObjectName::Base(1, 3, 0), ObjectName::Log(1, 1, 0)].map(|n| n.to_string()));
    assert!(skipped.is_empty());
}

#[test]
fn a_damaged_snapshot_is_named_and_passed_over() {
    let store = three();
    let base = ObjectName::Base(1, 3, 0).to_string();
    damage(&store, &base);
    store.overwrite(&Manifest::name(2), b"{".to_vec());
    let (good, skipped) = newest(&store);
    let good = good.unwrap().unwrap();
    assert_eq!((good.manifest.epoch, good.newest_epoch), (1, 3));
    assert_eq!(good.bodies.len(), 2);
    assert_eq!(skipped, [(3, base), (2, Manifest::name(2))]);
}

#[test]
fn where_none_is_good_there_is_an_error() {
    let store = three();
    damage(&store, &ObjectName::Log(1, 1, 0).to_string());
    let (good, skipped) = newest(&store);
    assert!(matches!(good, Err(CatalogError::NoneGood { snapshots: 3, .. })));
    assert_eq!(skipped.len(), 3);
}

#[test]
fn a_snapshot_of_another_job_is_refused_and_none_older_taken() {
    let scratch = tempfile::tempdir().unwrap();
    let fits = |manifest: &Manifest| match manifest.epoch {
        3 => Err(Refusal::OtherJob { differences: Vec::new() }),
        _ => Ok(()),
    };
    let found = newest_good(&three(), scratch.path(), fits, |_| ());
    let said = found.unwrap_err().to_string();
    let name = Manifest::name(3);
    assert_eq!(said, format!("can not go on from {name}: it is the state of another job"));
}

#[test]
fn a_snapshot_of_a_newer_program_is_not_passed_over() {
    let store = three();
    store.overwrite(&Manifest::name(4), br#"{"version": 2}"#.to_vec());
    let (good, skipped) = newest(&store);
    assert!(matches!(good, Err(CatalogError::OtherVersion(_))) && skipped.is_empty());
}

#[test]
fn all_snapshots_are_listed_newest_first() {
    let store = three();
    store.overwrite(&Manifest::name(2), Vec::new());
    store.overwrite("manifest/notes.txt", Vec::new());
    let found = snapshots(&store).unwrap();
    let found: Vec<_> = found.iter().map(|found| (found.epoch, found.manifest.is_ok())).collect();
    assert_eq!(found, [(3, true), (2, false), (1, true)]);
}

#[test]
fn verify_names_every_broken_object() {
    let (store, scratch) = (three(), tempfile::tempdir().unwrap());
    let newest = snapshots(&store).unwrap().remove(0).manifest.unwrap();
    assert!(verify(&store, &newest, scratch.path()).is_empty());
    damage(&store, &ObjectName::Log(1, 1, 0).to_string());
    store.delete(&ObjectName::Base(1, 3, 0).to_string()).unwrap();
    assert_eq!(verify(&store, &newest, scratch.path()).len(), 2);
}

#[test]
fn a_run_that_was_overtaken_does_not_publish() {
    let store = three();
    let again = |epoch| publish(&store, &manifest((0, epoch), Kind::Checkpoint, None, vec![]));
    assert_eq!(again(2).unwrap(), Published::Existed);
    // Its epoch was published by another run and is collected by now.
    store.delete(&Manifest::name(2)).unwrap();
    assert_eq!(again(2).unwrap(), Published::Existed);
    assert_eq!(store.read(&Manifest::name(2)).unwrap(), None);
    assert_eq!(again(4).unwrap(), Published::Created);
}

#[test]
fn generations_rise_and_are_nobody_elses() {
    let store = MemoryStore::new();
    let claim = || claim_generation(&store).unwrap();
    assert_eq!([claim(), claim(), claim()], [1, 2, 3]);
    let mut claimed: Vec<u64> = std::thread::scope(|scope| {
        let claimers: Vec<_> = (0..8).map(|_| scope.spawn(claim)).collect();
        claimers.into_iter().map(|claimer| claimer.join().unwrap()).collect()
    });
    claimed.sort_unstable();
    assert_eq!(claimed, [4, 5, 6, 7, 8, 9, 10, 11]);
}

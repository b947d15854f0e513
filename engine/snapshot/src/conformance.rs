//! What every [`Store`] must do, as one test for all of them.
#![allow(clippy::unwrap_used, reason = "a test, which other crates run against their stores")]

use std::io::Read;
use std::path::Path;
use std::sync::Barrier;

use crate::{Published, Store};

/// Writers that race for one name.
const RACERS: usize = 4;
const RACES: usize = 8;

/// Holds an empty store to the promises of [`Store`]. What it wrote stays there.
///
/// # Panics
/// It breaks one of them.
pub fn check_store(store: &dyn Store, scratch: &Path) {
    assert!(!store.location().is_empty());
    assert_eq!(store.list("").unwrap(), [], "the store is not empty");
    check_writers(store, scratch);
    check_put_new(store);
    check_races(store);
    check_lists(store);
    check_deletes(store, scratch);
    check_names(store, scratch);
    assert!(store.is_fenced().unwrap(), "put_new does not keep what is there");
    assert_eq!(store.list("fence").unwrap(), [], "the trial of the fence was left");
}

fn fetched(store: &dyn Store, name: &str, scratch: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    store.fetch(name, scratch).unwrap()?.read_to_end(&mut bytes).unwrap();
    Some(bytes)
}

fn names(store: &dyn Store, prefix: &str) -> Vec<String> {
    store.list(prefix).unwrap().into_iter().map(|stored| stored.name).collect()
}

fn check_writers(store: &dyn Store, scratch: &Path) {
    // More than one part of a multipart upload, and not a whole number of anything.
    let big: Vec<u8> = (0..9_000_001_u32).map(|n| (n ^ (n >> 11)) as u8).collect();
    for (name, bytes) in [("w/empty", &[][..]), ("w/small", b"small"), ("w/big", &big)] {
        let mut writer = store.create(name).unwrap();
        for piece in bytes.chunks(1_000_003) {
            writer.write(piece).unwrap();
            assert_eq!(store.read(name).unwrap(), None, "{name} is seen before it is finished");
            assert!(fetched(store, name, scratch).is_none());
        }
        assert!(!names(store, "").contains(&name.to_owned()));
        writer.finish().unwrap();
        assert!(store.read(name).unwrap().unwrap() == bytes, "{name} is read otherwise");
        assert!(fetched(store, name, scratch).unwrap() == bytes, "{name} is fetched otherwise");
    }
    let mut dropped = store.create("w/dropped").unwrap();
    dropped.write(&big).unwrap();
    drop(dropped);
    assert_eq!(names(store, "w/"), ["w/big", "w/empty", "w/small"]);
    let sizes: Vec<_> = store.list("w/").unwrap().iter().map(|stored| stored.bytes).collect();
    assert_eq!(sizes, [big.len() as u64, 0, 5]);
}

fn check_put_new(store: &dyn Store) {
    assert_eq!(store.put_new("put/a", b"first").unwrap(), Published::Created);
    assert_eq!(store.put_new("put/a", b"second").unwrap(), Published::Existed);
    assert_eq!(store.read("put/a").unwrap().unwrap(), b"first");
    assert_eq!(store.put_new("w/small", b"second").unwrap(), Published::Existed);
    store.delete("put/a").unwrap();
    assert_eq!(store.put_new("put/a", b"").unwrap(), Published::Created);
    assert_eq!(store.put_new("put/a", b"third").unwrap(), Published::Existed);
    assert_eq!(store.read("put/a").unwrap().unwrap(), b"");
}

/// Of many writers of one name exactly one wins, and what is there is the winner's.
fn check_races(store: &dyn Store) {
    for race in 0..RACES {
        let name = format!("race/{race}");
        let start = Barrier::new(RACERS);
        let won: Vec<u8> = std::thread::scope(|scope| {
            let racer = |number: u8| {
                let (name, start) = (&name, &start);
                scope.spawn(move || {
                    start.wait();
                    let published = store.put_new(name, &[number; 100]).unwrap();
                    (published == Published::Created).then_some(number)
                })
            };
            let racers: Vec<_> = (0..RACERS as u8).map(racer).collect();
            racers.into_iter().filter_map(|racer| racer.join().unwrap()).collect()
        });
        assert_eq!(won.len(), 1, "{} writers of {name} were told that they were first", won.len());
        assert_eq!(store.read(&name).unwrap().unwrap(), [won[0]; 100]);
    }
}

fn check_lists(store: &dyn Store) {
    let all = ["list/a-1", "list/a/b/2", "list/a/b/3", "list/ab", "list/b.json"];
    for name in [2, 0, 4, 1, 3].map(|at| all[at]) {
        assert_eq!(store.put_new(name, b"1").unwrap(), Published::Created);
    }
    let mut sorted = all.map(str::to_owned);
    sorted.sort_unstable();
    assert_eq!(names(store, "list/"), sorted);
    assert_eq!(names(store, "lis"), sorted);
    assert_eq!(names(store, "list/a/"), ["list/a/b/2", "list/a/b/3"]);
    assert_eq!(names(store, "list/a"), ["list/a-1", "list/a/b/2", "list/a/b/3", "list/ab"]);
    assert_eq!(names(store, "list/b.json"), ["list/b.json"]);
    assert!(names(store, "list/nothing").is_empty() && names(store, "nothing/").is_empty());
    assert!(names(store, "").is_sorted());
}

fn check_deletes(store: &dyn Store, scratch: &Path) {
    store.delete("w/big").unwrap();
    store.delete("w/big").unwrap();
    store.delete("never/was").unwrap();
    assert_eq!(store.read("w/big").unwrap(), None);
    assert!(fetched(store, "w/big", scratch).is_none());
    assert_eq!(names(store, "w/"), ["w/empty", "w/small"]);
}

/// A name that could leave the store is refused by every call.
fn check_names(store: &dyn Store, scratch: &Path) {
    for name in ["", "/a", "a//b", "a/", "..", "../a", "a/../b", ".", "a b", "a\0"] {
        assert!(store.create(name).is_err(), "create takes {name:?}");
        assert!(store.put_new(name, b"1").is_err(), "put_new takes {name:?}");
        assert!(store.read(name).is_err(), "read takes {name:?}");
        assert!(store.fetch(name, scratch).is_err(), "fetch takes {name:?}");
        assert!(store.delete(name).is_err(), "delete takes {name:?}");
    }
    assert!(store.list("../").is_err(), "list takes ../");
}

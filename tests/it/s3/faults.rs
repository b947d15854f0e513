//! Each fault at each request of each call: what goes wrong once is mended, and what stays wrong is told.

use std::time::Duration;

use tidewire_snapshot::{Published, Store};
use tidewire_tests::s3::{Fault, always, healthy, script};

use super::{PART, Place, STALL, bytes, write};

const PASSING: [Fault; 8] = [
    Fault::InternalError,
    Fault::ErrorAfter,
    Fault::SlowDown,
    Fault::ResetBefore,
    Fault::ResetAfter,
    Fault::StallBefore(STALL),
    Fault::StallAfter(STALL),
    Fault::Truncate,
];

const LARGE: usize = 2 * PART + 77;

/// The calls of a store; each one asserts the truth of what it is told, and answers whether it was told Ok.
const CALLS: [(&str, fn(&Place) -> bool); 7] = [
    ("write small", |place| wrote(place, "s", &bytes(5000, 1))),
    ("write large", |place| wrote(place, "l", &bytes(LARGE, 2))),
    ("put_new", |place| {
        let told = place.store.put_new("p", b"ours");
        let is_there = place.object("p").as_deref() == Some(b"ours");
        match told {
            Ok(Published::Created) => assert!(is_there, "Created, and it is not there"),
            Ok(Published::Existed) => panic!("Existed, and nobody else was there"),
            Err(_) => return false,
        }
        true
    }),
    ("read", |place| match place.store.read("there") {
        Ok(found) => found.map(|it| assert!(it == bytes(LARGE, 9))).is_some(),
        Err(_) => false,
    }),
    ("fetch", |place| match place.fetched("there") {
        Ok(found) => found.map(|it| assert!(it == bytes(LARGE, 9))).is_some(),
        Err(_) => false,
    }),
    ("list", |place| match place.store.list("t") {
        Ok(found) => found.iter().map(|it| assert_eq!(it.bytes, LARGE as u64)).count() == 1,
        Err(_) => false,
    }),
    ("delete", |place| {
        let told = place.store.delete("gone");
        assert!(told.is_err() || place.object("gone").is_none(), "it is told gone, and is there");
        told.is_ok()
    }),
];

fn wrote(place: &Place, name: &str, sent: &[u8]) -> bool {
    let told = write(&place.store, name, sent);
    assert!(told.is_err() || place.object(name).as_deref() == Some(sent), "{name} is not there");
    told.is_ok()
}

fn prepare(place: &Place) {
    place.proxy.set_plan(healthy());
    for name in ["s", "l", "p"] {
        place.store.delete(name).unwrap();
    }
    write(&place.store, "there", &bytes(LARGE, 9)).unwrap();
    write(&place.store, "gone", b"x").unwrap();
}

#[test]
fn a_fault_that_passes_is_mended() {
    for fault in PASSING {
        let place = Place::new(healthy());
        for (call, does) in CALLS {
            for nth in 0.. {
                prepare(&place);
                let before = place.proxy.faults();
                let first = std::iter::repeat_n(Fault::None, nth);
                place.proxy.set_plan(script(first.chain([fault]), |_| true));
                let told = does(&place);
                if fault == Fault::StallBefore(STALL) {
                    // The request that stalls reaches the server later, and must not meet the next call.
                    std::thread::sleep(STALL);
                }
                if place.proxy.faults() == before {
                    assert!(nth > 0, "{call} makes no request");
                    break;
                }
                assert!(told, "{call}: {fault:?} at request {nth} was not mended");
            }
        }
        let left = place.server.uploads().unwrap();
        // An upload that was begun twice, because the first answer was lost.
        place.proxy.set_plan(healthy());
        let ended = place.store.abort_leftovers(Duration::ZERO).unwrap();
        assert!(ended > 0 || left == 0, "{fault:?} left uploads that are in no list");
        assert_eq!(place.server.uploads().unwrap(), 0, "{fault:?}");
    }
}

#[test]
fn a_fault_that_stays_is_told() {
    for fault in PASSING {
        let place = Place::new(healthy());
        for (call, does) in CALLS {
            prepare(&place);
            place.proxy.set_plan(always(fault));
            assert!(!does(&place), "{call}: {fault:?} at every request, and Ok");
        }
    }
}

#[test]
fn a_wrong_etag_never_makes_a_wrong_object() {
    let place = Place::new(healthy());
    for (call, does) in CALLS {
        for nth in 0..10 {
            prepare(&place);
            let first = std::iter::repeat_n(Fault::None, nth);
            place.proxy.set_plan(script(first.chain([Fault::WrongEtag]), |_| true));
            // It may fail, since a part's ETag is needed; what it says is true.
            let told = does(&place);
            assert!(told || ["fetch", "write large"].contains(&call), "{call}");
        }
    }
}

#[test]
fn an_upload_that_fails_is_ended_by_its_writer() {
    let place = Place::new(healthy());
    let mut writer = place.store.create("l").unwrap();
    writer.write(&bytes(LARGE, 1)).unwrap();
    place.proxy.set_plan(script([Fault::InternalError; 100], |it| it.method == "PUT"));
    // No part arrives: the writer fails at once, or when it is finished.
    let failed = (0..3).any(|_| writer.write(&bytes(LARGE, 1)).is_err());
    assert!(writer.finish().is_err() || failed);
    assert_eq!(place.store.list("").unwrap(), []);
    assert_eq!(place.server.uploads().unwrap(), 0);
}

#[test]
fn a_leftover_of_a_lost_answer_is_found_and_ended() {
    let place = Place::new(healthy());
    let begins = |it: &tidewire_tests::s3::Request| it.target.ends_with("?uploads");
    place.proxy.set_plan(script([Fault::ResetAfter], begins));
    write(&place.store, "l", &bytes(LARGE, 1)).unwrap();
    assert!(place.server.uploads().unwrap() > 0);
    assert_eq!(place.store.abort_leftovers(Duration::from_secs(3600)).unwrap(), 0);
    assert!(place.server.uploads().unwrap() > 0, "it is not old enough");
    assert_eq!(place.store.abort_leftovers(Duration::ZERO).unwrap(), 1);
    assert_eq!(place.server.uploads().unwrap(), 0);
    assert_eq!(place.object("l").unwrap().len(), LARGE);
}

#[test]
fn a_server_that_is_gone_is_told_in_time() {
    let mut place = Place::new(healthy());
    let mut writer = place.store.create("l").unwrap();
    writer.write(&bytes(LARGE, 1)).unwrap();
    let gone = tidewire_tests::s3::Proxy::start("http://127.0.0.1:1", healthy()).unwrap();
    place.proxy.set_plan(always(Fault::ResetBefore));
    drop(writer);
    place.proxy = gone;
    assert!(place.store.read("a").is_err());
    assert!(place.store.list("").is_err());
    assert!(place.store.put_new("a", b"x").is_err());
    assert!(place.fetched("a").is_err());
}

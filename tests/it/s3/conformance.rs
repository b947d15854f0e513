//! What every store does, here on S3.

use std::path::Path;

use tidewire_s3::{S3Options, S3Store};
use tidewire_snapshot::{Published, Store, Stored};
use tidewire_tests::s3::{Conditions, healthy};

use super::{PART, Place, bytes, content, write};

fn names(store: &dyn Store, prefix: &str) -> Vec<String> {
    store.list(prefix).unwrap().into_iter().map(|it| it.name).collect()
}

/// A store that is empty does all of it, and is empty again.
fn conform(store: &dyn Store, scratch: &Path) {
    assert_eq!(store.list("").unwrap(), []);
    assert_eq!(store.read("none").unwrap(), None);
    assert!(store.fetch("none", scratch).unwrap().is_none());
    store.delete("none").unwrap();

    write(store, "a/one", b"first").unwrap();
    assert_eq!(store.read("a/one").unwrap().unwrap(), b"first");
    assert_eq!(content(store.fetch("a/one", scratch).unwrap().unwrap()), b"first");
    write(store, "a/one", b"another").unwrap();
    assert_eq!(store.read("a/one").unwrap().unwrap(), b"another");

    assert_eq!(store.put_new("m-1", b"ours").unwrap(), Published::Created);
    assert_eq!(store.put_new("m-1", b"theirs").unwrap(), Published::Existed);
    assert_eq!(store.put_new("m-1", b"ours").unwrap(), Published::Existed);
    assert_eq!(store.read("m-1").unwrap().unwrap(), b"ours");

    for (name, length) in [
        ("b/empty", 0),
        ("b/part", PART),
        ("b/part-and-one", PART + 1),
        ("b/two-parts", 2 * PART),
        ("b/large", (20 << 20) + 12_345),
    ] {
        let sent = bytes(length, 7);
        write(store, name, &sent).unwrap();
        assert!(store.read(name).unwrap().unwrap() == sent, "{name} is read otherwise");
        let fetched = content(store.fetch(name, scratch).unwrap().unwrap());
        assert!(fetched == sent, "{name} is fetched otherwise");
        let listed = Stored { name: name.to_owned(), bytes: length as u64 };
        assert!(store.list(name).unwrap().contains(&listed), "{name} is listed otherwise");
    }

    let mut dropped = store.create("c/small").unwrap();
    dropped.write(b"begun").unwrap();
    drop(dropped);
    let mut dropped = store.create("c/large").unwrap();
    dropped.write(&bytes(3 * PART, 1)).unwrap();
    drop(dropped);
    assert_eq!(names(store, "c"), [""; 0]);

    let all = ["a/one", "b/empty", "b/large", "b/part", "b/part-and-one", "b/two-parts", "m-1"];
    assert_eq!(names(store, ""), all);
    assert_eq!(names(store, "b/part"), ["b/part", "b/part-and-one"]);
    assert!(store.is_fenced().unwrap());
    assert_eq!(names(store, ""), all, "the probe is there");
    for name in all {
        store.delete(name).unwrap();
        store.delete(name).unwrap();
        assert_eq!(store.read(name).unwrap(), None);
    }
    assert_eq!(store.list("").unwrap(), []);
}

#[test]
fn it_is_a_store() {
    let place = Place::healthy();
    conform(&place.store, place.folder.path());
    assert_eq!(place.server.uploads().unwrap(), 0);
}

/// The same on a server that is named by TIDEWIRE_S3_ENDPOINT and TIDEWIRE_S3_LOCATION; see scripts/s3.sh.
#[test]
#[ignore = "needs a server"]
fn it_is_a_store_on_a_server_of_ones_own() {
    let endpoint = std::env::var("TIDEWIRE_S3_ENDPOINT").ok();
    let location = std::env::var("TIDEWIRE_S3_LOCATION").expect("TIDEWIRE_S3_LOCATION is set");
    let options = S3Options { endpoint, part_bytes: PART, ..S3Options::default() };
    let store = S3Store::open_with(&location, &options).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    conform(&store, scratch.path());
    assert_eq!(store.abort_leftovers(std::time::Duration::ZERO).unwrap(), 0);
}

#[test]
fn a_long_list_comes_in_pages() {
    let place = Place::healthy();
    let folder = place.server.bucket().join("jobs/one/many");
    std::fs::create_dir_all(&folder).unwrap();
    // Neighbours whose keys begin alike.
    std::fs::create_dir_all(place.server.bucket().join("jobs/one-more")).unwrap();
    std::fs::write(place.server.bucket().join("jobs/one-more/x"), "x").unwrap();
    for number in 0..2345 {
        std::fs::write(folder.join(format!("{number:05}")), "x").unwrap();
    }
    let found = names(&place.store, "");
    assert_eq!(found.len(), 2345);
    assert!(found.is_sorted());
    assert_eq!(found[2344], "many/02344");
    assert_eq!(place.proxy.requests(), 3);
}

#[test]
fn a_bucket_that_is_not_there_is_an_error_and_no_empty_store() {
    let place = Place::healthy();
    let options = super::options(place.server.endpoint(), super::PATIENT);
    let store = S3Store::open_with("s3://elsewhere/x", &options).unwrap();
    let error = store.list("").unwrap_err().to_string();
    assert!(
        error.contains("s3://elsewhere/x: can not list") && error.contains("NoSuchBucket"),
        "{error}"
    );
}

#[test]
fn a_wrong_secret_is_said_at_once() {
    let place = Place::healthy();
    let mut options = super::options(place.proxy.endpoint(), super::PATIENT);
    options.credentials = Some(("tidewire".to_owned(), "wrong".to_owned()));
    let store = S3Store::open_with("s3://tidewire/x", &options).unwrap();
    let error = store.read("a").unwrap_err().to_string();
    assert!(error.contains("SignatureDoesNotMatch"), "{error}");
    assert_eq!(place.proxy.requests(), 1, "an unwilling server is not asked again");
}

#[test]
fn a_server_without_conditions_is_found_out() {
    for (conditions, fenced) in
        [(Conditions::Honoured, true), (Conditions::Ignored, false), (Conditions::Refused, false)]
    {
        let place = Place::with(conditions, healthy(), super::PATIENT);
        assert_eq!(place.store.is_fenced().unwrap(), fenced, "{conditions:?}");
        assert_eq!(place.store.list("").unwrap(), []);
    }
}

#[test]
fn it_can_be_called_from_a_thread_of_another_runtime() {
    let place = Place::healthy();
    let other = tokio::runtime::Builder::new_current_thread().build().unwrap();
    other.block_on(async {
        write(&place.store, "a", &bytes(2 * PART, 3)).unwrap();
        let mut dropped = place.store.create("b").unwrap();
        dropped.write(&bytes(2 * PART, 3)).unwrap();
        drop(dropped);
        drop(place);
    });
}

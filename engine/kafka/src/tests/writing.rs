//! What is written, when it can be seen, and what becomes of a commit that was lost.

use tidewire_connect::tables::{TableError, TableWriter};
use tidewire_event::sink::LAST_EPOCH;

use super::*;

const EXACT: [(&str, &str); 2] =
    [("sink.delivery-guarantee", "exactly-once"), ("sink.transactional-id-prefix", "job")];
/// The transactional id, and the group of the numbers.
const ID: &str = "job-out";

fn writer(cluster: &Cluster, more: &[(&str, &str)]) -> Result<Box<dyn TableWriter>, TableError> {
    CONNECTOR.writer(cluster.options("out", more), &out_columns())
}

fn exact(cluster: &Cluster) -> Box<dyn TableWriter> {
    writer(cluster, &EXACT).unwrap()
}

#[test]
fn rows_are_messages_with_their_keys() {
    let cluster = Cluster::new(&[("out", 1)]);
    let mut out = writer(&cluster, &[("key.fields", "name")]).unwrap();
    assert!(out.needs_snapshots().is_none());
    out.row(&out_row("a", 1)).unwrap();
    out.prepare(1).unwrap();
    let seen = cluster.read("out");
    assert_eq!((seen[0].key.as_deref(), &*seen[0].value), (Some("a"), "{\"name\":\"a\",\"n\":1}"));
    let mut out = writer(&cluster, &[("key.fields", "n;name"), ("key.format", "json")]).unwrap();
    out.row(&out_row("b", 2)).unwrap();
    out.finish().unwrap();
    assert_eq!(cluster.read("out")[1].key.as_deref(), Some("{\"n\":2,\"name\":\"b\"}"));
    let error = writer(&cluster, &[("key.fields", "nme")]).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("no column 'nme' (did you mean 'name'?)"), "{error}");
}

#[test]
fn what_an_epoch_wrote_is_seen_when_it_is_committed() {
    let cluster = Cluster::new(&[("out", 1)]);
    let mut out = exact(&cluster);
    assert!(out.needs_snapshots().is_some());
    out.prepare(0).unwrap();
    out.row(&out_row("a", 1)).unwrap();
    out.prepare(1).unwrap();
    out.row(&out_row("b", 2)).unwrap();
    assert!(cluster.values("out").is_empty());
    // The first epoch was given up; its rows go out with the next.
    out.prepare(2).unwrap();
    out.row(&out_row("c", 3)).unwrap();
    out.commit(2).unwrap();
    assert_eq!(cluster.values("out"), [r#"{"name":"a","n":1}"#, r#"{"name":"b","n":2}"#]);
    out.prepare(LAST_EPOCH).unwrap();
    out.commit(LAST_EPOCH).unwrap();
    out.finish().unwrap();
    assert_eq!(cluster.values("out").len(), 3);
}

#[test]
fn a_commit_that_was_lost_is_finished_and_one_that_was_not_is_not_made_again() {
    let cluster = Cluster::new(&[("out", 1)]);
    let mut out = exact(&cluster);
    out.prepare(0).unwrap();
    cluster.commit(ID, "out", 0);
    out.row(&out_row("a", 1)).unwrap();
    let first = out.prepare(1).unwrap().unwrap();
    out.commit(1).unwrap();
    cluster.commit(ID, "out", 1);
    out.row(&out_row("b", 2)).unwrap();
    let second = out.prepare(2).unwrap().unwrap();
    // Killed before it could commit: another process goes on.
    drop(out);
    let mut out = exact(&cluster);
    out.restore(&second).unwrap();
    assert_eq!(cluster.values("out").len(), 2, "the lost commit is finished");
    cluster.commit(ID, "out", 2);
    drop(out);
    let mut out = exact(&cluster);
    out.restore(&second).unwrap();
    assert_eq!(cluster.values("out").len(), 2, "and not made again");
    drop(out);
    let older = exact(&cluster).restore(&first).unwrap_err().to_string();
    assert!(older.contains("up to number 2, and the snapshot knows 0 to 1"), "{older}");
    let other = exact(&cluster).restore(b"tw-kafk1").unwrap_err().to_string();
    assert!(other.contains("the snapshot's account of it is none"), "{other}");
}

#[test]
fn a_number_that_was_forgotten_is_an_error() {
    let cluster = Cluster::new(&[("out", 1)]);
    let mut out = exact(&cluster);
    out.row(&out_row("a", 1)).unwrap();
    let prepared = out.prepare(1).unwrap().unwrap();
    let forgotten = exact(&cluster).restore(&prepared).unwrap_err().to_string();
    assert!(forgotten.contains("the group job-out has no number any more"), "{forgotten}");
}

#[test]
fn what_is_wrong_with_a_sink_is_said() {
    let cluster = Cluster::new(&[("out", 1)]);
    let error = |more: &[(&str, &str)]| writer(&cluster, more).map(|_| ()).unwrap_err().to_string();
    let prefix = error(&[("sink.delivery-guarantee", "exactly-once")]);
    assert!(prefix.contains("needs the option 'sink.transactional-id-prefix'"), "{prefix}");
    let guarantee = error(&[("sink.delivery-guarantee", "always")]);
    assert!(guarantee.contains("at-least-once, exactly-once or none"), "{guarantee}");
    let key = error(&[("key.format", "json")]);
    assert!(key.contains("key.fields say what the key is"), "{key}");
}

//! `tidewire snapshots` on a store with a few snapshots of a small state.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;
use tidewire_snapshot::catalog::{claim_generation, publish, snapshots};
use tidewire_snapshot::{
    BodyWriter, Compression, DirStore, Job, Kind, LAYOUT_VERSION, Layout, Manifest, Object,
    ObjectName, Published, ShardState, SourcePosition,
};
use tidewire_tests::{binary, stderr, tidewire};

const BASE: usize = 100_000;
const LOG: usize = 1_000;

struct Fixture {
    folder: TempDir,
}

/// Epochs 1 (a savepoint) to 4 of one generation: one base, and one more log at each epoch.
fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let store = DirStore::open(&folder.path().join("store")).unwrap();
    let write = |name: ObjectName, bytes: usize| {
        let mut writer = BodyWriter::create(&store, &name.to_string(), Compression::None).unwrap();
        writer.write(&vec![7; bytes]).unwrap();
        writer.finish().unwrap()
    };
    let generation = claim_generation(&store).unwrap();
    let base = write(ObjectName::Base(generation, 1, 0), BASE);
    let mut logs: Vec<Object> = Vec::new();
    for epoch in 1..=4 {
        logs.push(write(ObjectName::Log(generation, epoch, 0), LOG));
        let kind = if epoch == 1 { Kind::Savepoint } else { Kind::Checkpoint };
        let manifest = manifest((generation, epoch), kind, base.clone(), logs.clone());
        assert_eq!(publish(&store, &manifest).unwrap(), Published::Created);
    }
    Fixture { folder }
}

fn manifest(
    (generation, epoch): (u64, u64),
    kind: Kind,
    base: Object,
    logs: Vec<Object>,
) -> Manifest {
    Manifest {
        version: 1,
        epoch,
        generation,
        kind,
        created_ns: 1_700_000_000_000_000_000,
        job: Job {
            fingerprint: "5eed".to_owned(),
            description: [("window".to_owned(), "1s".to_owned())].into(),
        },
        layout: Layout {
            version: LAYOUT_VERSION,
            records: "rkyv 0.8, little-endian, aligned".to_owned(),
            key_groups: 128,
        },
        watermark: 1_700_000_000_000_000_000,
        sources: vec![SourcePosition::new(1_234_567, i64::MAX)],
        shards: vec![ShardState { first_hash: 0, last_hash: u64::MAX, base: Some(base), logs }],
        sink: None,
        given_up: 0,
    }
}

impl Fixture {
    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.store().join(name)
    }

    /// Standard output, standard error, and whether it succeeded.
    fn run(&self, action: &str, options: &[&str]) -> (String, String, bool) {
        run(action, &self.store(), options)
    }

    fn json(&self, action: &str, options: &[&str]) -> Value {
        let (out, said, _) = self.run(action, &[options, &["--json"]].concat());
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out} {said}"))
    }

    fn damage(&self, name: &str) {
        let mut bytes = std::fs::read(self.path(name)).unwrap();
        bytes[10] ^= 1;
        std::fs::write(self.path(name), bytes).unwrap();
    }
}

fn run(action: &str, store: &Path, options: &[&str]) -> (String, String, bool) {
    let arguments = ["snapshots".as_ref(), action.as_ref(), store.as_os_str()];
    let output = tidewire(arguments.into_iter().chain(options.iter().map(AsRef::as_ref)));
    let out = String::from_utf8(output.stdout.clone()).unwrap();
    (out, stderr(&output), output.status.success())
}

#[test]
fn list_says_what_each_snapshot_costs() {
    let fixture = fixture();
    let list = fixture.json("list", &[]);
    let epochs: Vec<_> = list.as_array().unwrap().iter().map(|row| row["epoch"].clone()).collect();
    assert_eq!(epochs, [4, 3, 2, 1]);
    let (newest, oldest) = (&list[0], &list[3]);
    let log = LOG as u64 + 44;
    assert_eq!(newest["total_bytes"], BASE as u64 + 44 + 4 * log);
    assert_eq!((&newest["new_bytes"], &newest["chain"]), (&log.into(), &4.into()));
    assert_eq!(newest["shared_bytes"], BASE as u64 + 44 + 3 * log);
    assert_eq!((&oldest["kind"], &newest["kind"]), (&"savepoint".into(), &"checkpoint".into()));
    let (out, _, _) = fixture.run("list", &[]);
    assert_eq!(out.lines().count(), 5, "{out}");
    assert!(out.lines().nth(1).unwrap().ends_with("ok"), "{out}");
}

#[test]
fn a_broken_manifest_is_listed_as_such() {
    let fixture = fixture();
    fixture.damage(&Manifest::name(3));
    let (out, said, success) = fixture.run("list", &[]);
    assert!(success && out.contains("broken"), "{out}");
    assert!(said.contains(&Manifest::name(3)), "{said}");
    assert!(fixture.json("list", &[])[1]["broken"].is_string());
}

#[test]
fn show_tells_all_of_one_snapshot() {
    let fixture = fixture();
    let (out, _, _) = fixture.run("show", &[]);
    for expected in
        ["epoch        4, a checkpoint", "5eed", "window", "1,234,567", "end", "1, 2, 3"]
    {
        assert!(out.contains(expected), "{expected} in {out}");
    }
    let first = fixture.json("show", &["1"]);
    assert_eq!(first["manifest"]["epoch"], 1);
    assert_eq!(first["objects"][0]["shared_with"], Value::from(vec![2, 3, 4]));
    let (_, said, success) = fixture.run("show", &["9"]);
    assert!(!success && said.contains("no snapshot of epoch 9"), "{said}");
}

#[test]
fn verify_names_what_is_damaged_and_fails() {
    let fixture = fixture();
    let (out, said, success) = fixture.run("verify", &[]);
    assert!(success, "{said}");
    assert!(out.contains("epoch 4: good, 5 object(s)"), "{out}");
    assert!(out.ends_with("4 snapshot(s), 5 object(s) read\n"), "{out}");
    let log = ObjectName::Log(1, 3, 0).to_string();
    fixture.damage(&log);
    let (out, said, success) = fixture.run("verify", &[]);
    assert!(!success && said.contains("2 of 4 snapshot(s) are broken"), "{said}");
    assert!(out.contains(&format!("{log} is damaged: its chunk 0")), "{out}");
    assert!(out.contains("epoch 2: good"), "{out}");
    assert_eq!(fixture.json("verify", &[])[0]["is_good"], false);
}

#[test]
fn prune_keeps_the_newest_and_the_savepoint() {
    let fixture = fixture();
    let (out, _, success) = fixture.run("prune", &["--keep", "1", "--dry-run"]);
    assert!(success && out.contains("would delete 2 snapshot(s), 0 object(s)"), "{out}");
    assert_eq!(fixture.json("list", &[]).as_array().unwrap().len(), 4);
    let (out, said, success) = fixture.run("prune", &["--keep", "1"]);
    assert!(success && out.contains(&format!("deleted {}", Manifest::name(2))), "{out} {said}");
    let list = fixture.json("list", &[]);
    let epochs: Vec<_> = list.as_array().unwrap().iter().map(|row| row["epoch"].clone()).collect();
    assert_eq!(epochs, [4, 1]);
    assert!(fixture.run("verify", &[]).2);
}

#[test]
fn prune_deletes_nothing_while_the_newest_is_broken() {
    let fixture = fixture();
    fixture.damage(&ObjectName::Log(1, 4, 0).to_string());
    let (_, said, success) = fixture.run("prune", &["--keep", "1"]);
    assert!(!success && said.contains("nothing is deleted"), "{said}");
    assert_eq!(fixture.json("list", &[]).as_array().unwrap().len(), 4);
}

#[test]
fn a_store_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    for (action, options) in
        [("list", &[][..]), ("show", &[]), ("verify", &[]), ("prune", &["--keep", "1"])]
    {
        let (_, said, success) = run(action, &nowhere, options);
        assert!(!success && said.contains("there is no such folder"), "{action}: {said}");
        assert!(!nowhere.exists());
    }
    let (_, said, success) = run("list", Path::new("s3://bucket/prefix"), &[]);
    assert!(!success && said.starts_with("tidewire: error: "), "{said}");
}

#[test]
fn a_signal_asks_for_a_savepoint_that_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let capture = path("day.itch");
    let mut generate = vec!["generate".into(), "itch".into(), capture.clone().into_os_string()];
    generate.extend(["--messages", "60000", "--seed", "3"].map(OsString::from));
    assert!(tidewire(generate).status.success());
    let mut replay = Command::new(binary())
        .arg("replay")
        .args([capture.as_os_str(), "--snapshots".as_ref(), path("store").as_os_str()])
        .args(["--every", "50ms", "--keep", "1", "--rate", "20000/s", "--out"])
        .arg(path("out"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The first manifest is there: the process listens to signals.
    while fs::read_dir(path("store/manifest")).map_or(0, Iterator::count) == 0 {
        assert!(replay.try_wait().unwrap().is_none(), "it ended before its first snapshot");
        thread::yield_now();
    }
    let asked = Command::new("kill").args(["-USR1", &replay.id().to_string()]).status().unwrap();
    assert!(asked.success() && replay.wait().unwrap().success());
    let found = snapshots(&DirStore::open(&path("store")).unwrap()).unwrap();
    let kinds: Vec<_> = found.iter().map(|found| found.manifest.as_ref().unwrap().kind).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == Kind::Savepoint).count(), 1, "{kinds:?}");
}

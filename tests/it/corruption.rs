//! Stored objects that are damaged: each is named, and what is damaged is never gone on from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tidewire_snapshot::{DirStore, Found, Manifest, catalog};
use tidewire_tests::kill::{Capture, Kind, Place, Rows};
use tidewire_tests::{binary, stderr, tidewire};

const MESSAGES: u32 = 60_000;

/// A job that was killed when its store held several snapshots, the newest with a base.
struct Killed {
    capture: Capture,
    place: Place,
}

/// A copy of it, to be damaged.
struct Copied<'a> {
    killed: &'a Killed,
    folder: TempDir,
}

#[allow(clippy::disallowed_methods, reason = "a real process is killed in real time")]
fn killed() -> Killed {
    let capture = Capture::generate(binary(), MESSAGES).unwrap();
    let place = Place::new(Kind::Dir, 1).unwrap();
    let mut run = place.replay(binary(), &capture);
    run.args(["--every", "2ms", "--keep", "6", "--shards", "1", "--rate", "6000/s"]);
    run.args([Path::new("--out"), &place.out(), Path::new("--late"), &place.late()]);
    let mut run = run.spawn().unwrap();
    let begun = Instant::now();
    loop {
        std::thread::sleep(Duration::from_micros(300));
        assert!(begun.elapsed() < Duration::from_secs(60), "no such snapshot came");
        assert!(run.try_wait().unwrap().is_none(), "the run ended first");
        let found = snapshots(&place.objects());
        let is_meant = |manifest: &Manifest| {
            let shard = manifest.shards.first();
            let has_chain =
                shard.is_some_and(|shard| shard.base.is_some() && shard.logs.len() >= 3);
            has_chain && manifest.sink.is_some()
        };
        let newest = found.first().and_then(|found| found.manifest.as_ref().ok());
        // Output has been committed, and there are older ones to fall back to.
        if newest.is_some_and(is_meant)
            && found.len() > 3
            && place.out().join("part-00000002.csv").exists()
        {
            break;
        }
    }
    run.kill().unwrap();
    run.wait().unwrap();
    Killed { capture, place }
}

fn snapshots(store: &Path) -> Vec<Found> {
    catalog::snapshots(&DirStore::open(store).unwrap()).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (entry, to) = entry.map(|entry| (entry.path(), to.join(entry.file_name()))).unwrap();
        if entry.is_dir() {
            copy(&entry, &to);
        } else {
            fs::copy(&entry, &to).unwrap();
        }
    }
}

impl Killed {
    fn copy(&self) -> Copied<'_> {
        let folder = tempfile::tempdir().unwrap();
        for name in ["store", "out", "late"] {
            copy(&self.place.folder().join(name), &folder.path().join(name));
        }
        Copied { killed: self, folder }
    }
}

impl Copied<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn restore(&self, capture: &Path, options: &[&str]) -> Output {
        let mut run = Command::new(binary());
        run.arg("replay").arg(capture).args(["--restore", "--snapshots"]).arg(self.path("store"));
        let (out, late) = (self.path("out"), self.path("late"));
        run.args([Path::new("--out"), &out, Path::new("--late"), &late]);
        run.args(options).output().unwrap()
    }

    fn go_on(&self) -> Output {
        self.restore(
            &self.killed.capture.path(),
            &["--window", "20ms", "--max-disorder", "1ms", "--every", "20ms"],
        )
    }

    fn rows(&self) -> Rows {
        Rows::read(&self.path("out"), &self.path("late")).unwrap()
    }

    fn verify(&self) -> Output {
        tidewire([Path::new("snapshots"), Path::new("verify"), &self.path("store")])
    }
}

fn flip(bytes: &[u8], at: usize) -> Option<Vec<u8>> {
    let mut bytes = bytes.to_vec();
    *bytes.get_mut(at)? ^= 4;
    Some(bytes)
}

type Damage = (&'static str, fn(&[u8], &[u8]) -> Option<Vec<u8>>);

/// What it makes of an object, and of another of its kind; nothing where the object is gone.
const DAMAGES: [Damage; 8] = [
    ("cut to half", |bytes, _| Some(bytes[..bytes.len() / 2].to_vec())),
    ("cut by a byte", |bytes, _| Some(bytes[..bytes.len() - 2].to_vec())),
    ("emptied", |_, _| Some(Vec::new())),
    ("flipped at its begin", |bytes, _| flip(bytes, 5)),
    ("flipped in the middle", |bytes, _| flip(bytes, bytes.len() / 2)),
    ("flipped at its end", |bytes, _| flip(bytes, bytes.len() - 3)),
    ("deleted", |_, _| None),
    ("replaced", |_, other| Some(other.to_vec())),
];

#[test]
fn a_damaged_object_is_named_and_an_older_snapshot_taken_or_none() {
    let killed = killed();
    let found = snapshots(&killed.place.objects());
    let newest = found[0].manifest.as_ref().unwrap();
    let shard = &newest.shards[0];
    let (log, base) = (shard.logs.last().unwrap(), shard.base.as_ref().unwrap());
    // One that says something else: without rows in between two accounts are the same.
    let sink = newest.sink.as_ref().unwrap();
    let older = found.iter().filter_map(|found| found.manifest.as_ref().ok()?.sink.as_ref());
    let older = older.clone().find(|older| older.crc32c != sink.crc32c).unwrap_or(log);
    let kinds = [
        ("manifest", found[0].name.clone(), found[1].name.clone()),
        ("log", log.name.clone(), shard.logs[0].name.clone()),
        ("base", base.name.clone(), log.name.clone()),
        ("sink", sink.name.clone(), older.name.clone()),
    ];
    let mut fallen_back = 0;
    for (kind, name, other) in kinds {
        for (damage, of) in DAMAGES {
            let copied = killed.copy();
            let story = format!("the {kind} {name} is {damage}");
            let path = copied.path("store").join(&name);
            let other = fs::read(copied.path("store").join(&other)).unwrap();
            match of(&fs::read(&path).unwrap(), &other) {
                Some(bytes) => fs::write(&path, bytes).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let is_gone = kind == "manifest" && damage == "deleted";
            let verdict = copied.verify();
            let listed = String::from_utf8_lossy(&verdict.stdout).into_owned();
            // That a manifest is gone nobody can know.
            assert_eq!(verdict.status.code(), Some(i32::from(!is_gone)), "{story}: {listed}");
            assert!(is_gone || listed.contains(&name), "{story}: {listed}");

            let output = copied.go_on();
            let said = stderr(&output);
            assert!(!said.contains("panicked"), "{story}: {said}");
            assert!(is_gone || said.contains(&name), "{story}: {said}");
            if output.status.success() {
                let equal = killed.capture.undisturbed().equals(&copied.rows());
                equal.unwrap_or_else(|error| panic!("{story}: {error}\n{said}"));
                fallen_back += 1;
            } else {
                // The base is that of every snapshot.
                assert!(kind == "base" && said.contains("snapshot(s) in"), "{story}: {said}");
                let begins = killed.capture.undisturbed().begins_with(&copied.rows());
                begins.unwrap_or_else(|error| panic!("{story}: {error}\n{said}"));
            }
        }
    }
    assert!(fallen_back >= 24, "{fallen_back}");
    nothing_good_is_refused(&killed);
}

fn nothing_good_is_refused(killed: &Killed) {
    let copied = killed.copy();
    for entry in fs::read_dir(copied.path("store/sink")).unwrap() {
        fs::write(entry.unwrap().path(), "").unwrap();
    }
    let before = copied.rows();
    let output = copied.go_on();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("error: none of the"), "{said}");
    assert!(copied.rows() == before);
}

#[test]
fn what_is_another_jobs_or_another_versions_is_refused() {
    let killed = killed();
    let refused = |copied: &Copied<'_>, capture: &Path, options: &[&str], words: &[&str]| {
        let before = copied.rows();
        let output = copied.restore(capture, options);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{options:?}: {said}");
        words.iter().for_each(|word| assert!(said.contains(word), "{word:?} in {said}"));
        assert!(copied.rows() == before, "{said}");
    };
    let options = ["--window", "20ms", "--max-disorder", "1ms"];
    let capture = killed.capture.path();

    let copied = killed.copy();
    let other_window = ["--window", "40ms", "--max-disorder", "1ms"];
    refused(&copied, &capture, &other_window, &["another job", "window ns is 20000000 there"]);

    let bytes = fs::read(&capture).unwrap();
    let other = copied.path("other.itch");
    fs::write(&other, &bytes[..bytes.len() / 2]).unwrap();
    refused(&copied, &other, &options, &["another job", "capture bytes is"]);
    let mut head = bytes.clone();
    head[40] ^= 1;
    fs::write(&other, head).unwrap();
    refused(&copied, &other, &options, &["another job", "capture head crc32c is"]);

    let found = snapshots(&copied.path("store"));
    let newest = found[0].manifest.as_ref().unwrap();
    let path = copied.path("store").join(&found[0].name);
    let mut manifest = newest.clone();
    manifest.layout.version += 1;
    fs::write(&path, manifest.to_bytes()).unwrap();
    refused(&copied, &capture, &options, &["the layout's version is 2 there and 1 here"]);
    let mut manifest = newest.clone();
    manifest.version += 1;
    fs::write(&path, manifest.to_bytes()).unwrap();
    refused(&copied, &capture, &options, &["is written by version 2; this program reads 1"]);
}

//! Snapshots that an earlier build wrote: see `tests/golden/README.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tidewire_tests::kill::Rows;
use tidewire_tests::{binary, stderr, tidewire};

const OPTIONS: [&str; 4] = ["--window", "5ms", "--max-disorder", "1ms"];

fn golden(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(version)
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

fn generate(capture: &Path) {
    let output = tidewire([
        "generate".as_ref(),
        "itch".as_ref(),
        capture.as_os_str(),
        "--messages".as_ref(),
        "2000".as_ref(),
        "--symbols".as_ref(),
        "3".as_ref(),
        "--seed".as_ref(),
        "3".as_ref(),
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn a_snapshot_of_version_1_is_gone_on_from() {
    for compression in ["none", "lz4", "zstd"] {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        copy(&golden("snapshot-v1").join(compression), folder.path());
        let verdict = tidewire([Path::new("snapshots"), Path::new("verify"), &path("store")]);
        assert!(verdict.status.success(), "{compression}: {}", stderr(&verdict));
        generate(&path("day.itch"));
        for threads in [&["--inline"][..], &["--shards", "3"]] {
            let (store, out, late) = (path("store"), path("out"), path("late"));
            let mut run = Command::new(binary());
            run.arg("replay").arg(path("day.itch")).args(OPTIONS).args(threads);
            run.arg("--restore").arg("--snapshots").arg(store);
            run.args([Path::new("--out"), &out, Path::new("--late"), &late]);
            let output = run.output().unwrap();
            let said = stderr(&output);
            assert!(output.status.success(), "{compression}: {said}");
            assert!(said.contains("gone on from epoch"), "{compression}: {said}");
            let rows = Rows::read(&out, &late).unwrap();
            let expected = fs::read(golden("snapshot-v1").join("expected.csv")).unwrap();
            assert!(rows.of("bars") == expected, "{compression}");
        }
    }
}

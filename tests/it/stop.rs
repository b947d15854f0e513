//! Jobs with snapshots that are stopped by a signal, and gone on with: nothing is half, and nothing comes twice.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use tempfile::TempDir;
use tidewire_snapshot::Manifest;
use tidewire_tests::dice::Dice;
use tidewire_tests::{binary, stderr, tidewire};

const ROWS: u64 = 30_000;
/// The signals take turns: they do the same.
const SIGNALS: [&str; 2] = ["-TERM", "-INT"];

/// Rows of a few keys, a little out of order.
fn rows() -> String {
    let mut dice = Dice::new(3);
    let row = |n: u64| {
        let ms = n * 10 + dice.below(900);
        let (key, value) = (dice.below(9), dice.below(1_000));
        format!(
            "k{key},{value},2024-05-01 00:{:02}:{:02}.{:03}\n",
            ms / 60_000,
            ms / 1_000 % 60,
            ms % 1_000
        )
    };
    (0..ROWS).map(row).collect()
}

/// A folder with a job that writes windows to a folder of parts, and each row at once to another and to standard output.
fn story() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let job = "
        CREATE TABLE events (k STRING, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
          WITH ('connector' = 'filesystem', 'path' = 'events.csv', 'format' = 'csv');
        CREATE TABLE sums (k STRING, window_start TIMESTAMP(3), n BIGINT, total BIGINT)
          WITH ('connector' = 'filesystem', 'path' = 'out/sums/', 'format' = 'csv');
        CREATE TABLE large (k STRING, ts TIMESTAMP(3), v BIGINT)
          WITH ('connector' = 'filesystem', 'path' = 'out/large/', 'format' = 'csv');
        CREATE TABLE said (window_start TIMESTAMP(3), n BIGINT) WITH ('connector' = 'stdout', 'format' = 'csv');
        EXECUTE STATEMENT SET BEGIN
        INSERT INTO sums SELECT k, window_start, COUNT(*), SUM(v)
          FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
        INSERT INTO large SELECT k, ts, v FROM events WHERE v > 950;
        INSERT INTO said SELECT window_start, COUNT(*)
          FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY window_start, window_end;
        END;";
    fs::write(folder.path().join("job.sql"), job).unwrap();
    fs::write(folder.path().join("events.csv"), rows()).unwrap();
    folder
}

fn command(folder: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.current_dir(folder).args(["run", "job.sql"]).args(more);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn signal(child: &Child, signal: &str) {
    let killed = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
}

/// What can be seen of the outputs: parts in the order of their names.
fn outputs(folder: &Path) -> BTreeMap<&'static str, String> {
    let read = |name| {
        let parts = fs::read_dir(folder.join("out").join(name)).unwrap();
        let mut parts: Vec<_> = parts.map(|part| part.unwrap().path()).collect();
        parts.sort();
        let is_whole = |part: &Path| part.extension() == Some("csv".as_ref());
        assert!(parts.iter().all(|part| is_whole(part)), "what is not committed: {parts:?}");
        parts.iter().map(|part| fs::read_to_string(part).unwrap()).collect()
    };
    ["sums", "large"].into_iter().map(|name| (name, read(name))).collect()
}

/// The newest epoch of which there is a snapshot.
fn newest(folder: &Path) -> u64 {
    let Ok(found) = fs::read_dir(folder.join("store/manifest")) else { return 0 };
    let names = found.map(|it| it.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| Manifest::epoch_of(&format!("manifest/{name}"))).max().unwrap_or(0)
}

/// Rows that a run says that it has read.
fn rows_read(said: &str) -> u64 {
    let line = said.lines().find(|line| line.contains(" rows read in ")).unwrap();
    line.split(' ').next().unwrap().replace(',', "").parse().unwrap()
}

/// Runs it until it has taken so many snapshots, and stops it. What it has printed and said.
fn stopped_after(snapshots: u64, folder: &Path, signal_name: &str, more: &[&str]) -> [String; 2] {
    let enough = newest(folder) + snapshots;
    let mut child = command(folder, more).spawn().unwrap();
    while newest(folder) < enough {
        assert!(child.try_wait().unwrap().is_none(), "it has ended before it was stopped");
        thread::yield_now();
    }
    signal(&child, signal_name);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    [String::from_utf8(output.stdout.clone()).unwrap(), stderr(&output)]
}

#[test]
fn a_job_that_is_stopped_goes_on_and_no_row_comes_twice_or_half() {
    let undisturbed = story();
    let output = command(undisturbed.path(), &["--shards", "0"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let (expected, printed) = (outputs(undisturbed.path()), output.stdout);
    let printed = String::from_utf8(printed).unwrap();
    assert!(printed.lines().count() > 250 && expected.values().all(|it| it.lines().count() > 250));

    let (disturbed, mut dice) = (story(), Dice::new(4));
    let folder = disturbed.path();
    let settings = ["--set", "snapshot.store=store", "--set", "snapshot.interval=10ms"];
    let (mut seen, mut read) = (String::new(), 0);
    for run in 0..6 {
        let shards = [0, 2, 1, 0, 3, 2][run].to_string();
        let options =
            [&settings[..], &["--shards", &shards, "--rate", "20000/s", "--restore"]].concat();
        let snapshots = 2 + dice.below(8);
        let [out, said] = stopped_after(snapshots, folder, SIGNALS[run % 2], &options);
        assert!(said.contains("stopped behind epoch"), "{said}");
        assert!(said.trim().ends_with(&format!("run job.sql {}", options.join(" "))), "{said}");
        seen.push_str(&out);
        read += rows_read(&said);
        for (name, found) in outputs(folder) {
            assert!(expected[name].starts_with(&found), "{name}, run {run}");
        }
        assert!(printed.starts_with(&seen), "run {run}");
    }
    let output = command(folder, &[&settings[..], &["--restore"]].concat()).output().unwrap();
    let said = stderr(&output);
    assert!(output.status.success() && !said.contains("stopped behind"), "{said}");
    seen.push_str(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(read + rows_read(&said), ROWS);
    assert!(seen == printed, "rows of standard output");
    assert!(outputs(folder) == expected, "rows of files");
}

#[test]
fn a_replay_that_is_stopped_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("day.itch");
    let generate = ["--messages", "60000", "--symbols", "40", "--seed", "3"].map(str::as_ref);
    let generated = ["generate".as_ref(), "itch".as_ref(), capture.as_os_str()];
    assert!(tidewire(generated.into_iter().chain(generate)).status.success());
    let replay = |more: &[&str]| {
        let mut command = Command::new(binary());
        command.current_dir(folder.path()).args(["replay", "day.itch", "--window", "20ms"]);
        command.args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    assert!(replay(&["--out", "bars.csv", "--inline"]).output().unwrap().status.success());
    let expected = fs::read_to_string(folder.path().join("bars.csv")).unwrap();
    assert!(expected.lines().count() > 100);
    let bars = || {
        let parts = fs::read_dir(folder.path().join("bars")).unwrap();
        let mut parts: Vec<_> = parts.map(|part| part.unwrap().path()).collect();
        parts.sort();
        parts.iter().map(|part| fs::read_to_string(part).unwrap()).collect::<String>()
    };
    let kept = ["--out", "bars/", "--snapshots", "store", "--every", "10ms", "--restore"];
    for layout in [&["--inline"][..], &["--shards", "2"]] {
        let enough = newest(folder.path()) + 5;
        let paced = [&kept[..], &["--rate", "60000/s"], layout].concat();
        let mut child = replay(&paced).spawn().unwrap();
        while newest(folder.path()) < enough {
            assert!(child.try_wait().unwrap().is_none(), "it has ended before it was stopped");
            thread::yield_now();
        }
        signal(&child, "-TERM");
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && stderr(&output).contains("stopped behind epoch"));
        assert!(expected.starts_with(&bars()) && bars().len() < expected.len());
    }
    let output = replay(&kept).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(bars() == expected);
}

/// A job that can not heed the first signal: it waits for a pipe that nobody writes to.
#[test]
fn a_second_signal_ends_the_process() {
    let story = story();
    let events = story.path().join("events.csv");
    fs::remove_file(&events).unwrap();
    assert!(Command::new("mkfifo").arg(&events).status().unwrap().success());
    let mut child = command(story.path(), &["--set", "snapshot.store=store"]).spawn().unwrap();
    // It opens the pipe when it listens to signals.
    let pipe = OpenOptions::new().write(true).open(&events).unwrap();
    let status = loop {
        signal(&child, "-TERM");
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => thread::yield_now(),
        }
    };
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(status.signal(), Some(15), "{said}");
    drop(pipe);
}

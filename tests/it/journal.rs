//! Jobs of live tables that are killed, and go on from a snapshot and a journal.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use tidewire_feeds::journal::{Reader, segments};
use tidewire_tests::binary;
use tidewire_tests::dice::Dice;

const LINES: usize = 6_000;
/// How often, with 1 ms between, something is waited for.
const TRIES: u32 = 60_000;

fn job(journal: &str) -> String {
    format!(
        "SET 'snapshot.interval' = '20ms';
         CREATE TABLE lines (k STRING, v BIGINT, ts TIMESTAMP_LTZ(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
           WITH ('connector' = 'stdin', 'format' = 'json', {journal});
         CREATE TABLE sums (k STRING, window_start TIMESTAMP_LTZ(3), n BIGINT, total BIGINT)
           WITH ('connector' = 'filesystem', 'path' = 'out/', 'format' = 'csv');
         INSERT INTO sums SELECT k, window_start, COUNT(*), SUM(v)
           FROM TABLE(TUMBLE(TABLE lines, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY k, window_start, window_end;"
    )
}

const JOURNAL: &str = "'journal.path' = 'journal', 'journal.segment-bytes' = '65536'";

fn lines() -> Vec<String> {
    let mut dice = Dice::new(5);
    let line = |n: usize| {
        let at = 1_000 * n / 100 + dice.below(900) as usize;
        let (second, millis) = (at / 1_000, at % 1_000);
        let (key, value) = (dice.below(7), dice.below(1_000));
        format!(
            "{{\"k\":\"k{key}\",\"v\":{value},\"ts\":\"2024-05-01 00:{:02}:{:02}.{millis:03}Z\"}}\n",
            second / 60,
            second % 60
        )
    };
    (0..LINES).map(line).collect()
}

fn folder(job: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("job.sql"), job).unwrap();
    folder
}

fn start(folder: &Path, more: &[&str]) -> Child {
    let said = File::create(folder.join("said")).unwrap();
    let mut command = Command::new(binary());
    command.current_dir(folder).args(["run", "job.sql"]).args(more);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(said).spawn().unwrap()
}

fn said(folder: &Path) -> String {
    fs::read_to_string(folder.join("said")).unwrap_or_default()
}

/// Sends lines on a thread, to the end or until nobody reads them.
fn send(child: &mut Child, lines: &[String]) -> thread::JoinHandle<()> {
    let mut input = child.stdin.take().unwrap();
    let text = lines.concat();
    thread::spawn(move || {
        let _ = input.write_all(text.as_bytes());
    })
}

/// How many messages the journal has.
pub(crate) fn kept(folder: &Path) -> usize {
    let journal = folder.join("journal");
    let Some((newest, _)) = segments(&journal).ok().and_then(|all| all.last().cloned()) else {
        return 0;
    };
    let Ok(mut reader) = Reader::open(&journal, newest) else { return 0 };
    while matches!(reader.next(), Ok(Some(_))) {}
    reader.next_number().max(newest) as usize
}

fn rows(folder: &Path) -> String {
    let mut parts: Vec<_> =
        fs::read_dir(folder.join("out")).unwrap().map(|entry| entry.unwrap().path()).collect();
    parts.sort();
    parts.iter().map(|part| fs::read_to_string(part).unwrap()).collect()
}

/// The rows of a run that nobody disturbs.
fn undisturbed(lines: &[String]) -> String {
    let folder = folder(&job("'journal.mode' = 'off'"));
    let mut child = start(folder.path(), &["--shards", "0"]);
    let sender = send(&mut child, lines);
    assert!(child.wait().unwrap().success(), "{}", said(folder.path()));
    sender.join().unwrap();
    rows(folder.path())
}

/// Kills a process when its journal has so many messages. `false`: it had ended.
fn kill_at(child: &mut Child, folder: &Path, messages: usize) -> bool {
    let is_alive = wait_for(child, folder, messages);
    if is_alive {
        child.kill().unwrap();
    }
    is_alive && !child.wait().unwrap().success()
}

/// Waits until the journal of a process has so many messages. `false`: it had ended.
fn wait_for(child: &mut Child, folder: &Path, messages: usize) -> bool {
    for _ in 0..TRIES {
        if kept(folder) >= messages {
            return true;
        }
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{}", said(folder));
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("the journal does not grow: {}", said(folder));
}

/// What a kill may leave behind the last whole record.
#[derive(Debug, Clone, Copy)]
enum Tail {
    AsItIs,
    /// The journal's newest segment has lost its end, or a bit of it, behind what the snapshots cover or not.
    Torn,
}

fn killed(seed: u64, tail: Tail, mode: &str) {
    let lines = lines();
    let folder = folder(&job(&format!("{JOURNAL}, 'journal.mode' = '{mode}'")));
    let path = folder.path();
    let mut dice = Dice::new(seed);
    let mut kills = 0;
    loop {
        let have = kept(path);
        let shards = dice.below(3).to_string();
        let more = ["--set", "snapshot.store=store", "--restore", "--shards", &*shards];
        let mut child = start(path, &more);
        let sender = send(&mut child, &lines[have.min(lines.len())..]);
        let at = have + 1 + dice.below(LINES as u64 / 4) as usize;
        if kills == 8 || at >= LINES {
            assert!(child.wait().unwrap().success(), "{}", said(path));
            sender.join().unwrap();
            break;
        }
        if !kill_at(&mut child, path, at) {
            sender.join().unwrap();
            break;
        }
        sender.join().unwrap();
        kills += 1;
        if let Tail::Torn = tail {
            // A record that was not finished when the process died.
            let (_, newest) = segments(&path.join("journal")).unwrap().pop().unwrap();
            let mut reader = Reader::open(&path.join("journal"), 0).unwrap();
            while reader.next().unwrap().is_some() {}
            let end = reader.end().unwrap().1 as usize;
            let mut bytes = fs::read(&newest).unwrap();
            bytes.resize(bytes.len().max(end + 64), 0);
            bytes[end + dice.below(40) as usize] = 0x55;
            fs::write(&newest, bytes).unwrap();
        }
    }
    assert!(kills > 0, "nothing was killed");
    if let Tail::Torn = tail {
        assert!(said(path).contains("had a torn tail"), "{}", said(path));
    }
    assert_eq!(rows(path), undisturbed(&lines));
    assert!(fs::metadata(path.join("journal")).is_ok());
}

#[test]
fn what_is_killed_goes_on_from_its_journal() {
    for seed in 0..3 {
        killed(seed, Tail::AsItIs, "async");
    }
    killed(7, Tail::AsItIs, "sync");
}

#[test]
fn a_torn_tail_is_cut_and_nothing_else_is_lost() {
    for seed in 10..12 {
        killed(seed, Tail::Torn, "async");
    }
}

/// A signal stops it behind a last snapshot. Lines that it has kept and not read are read by the next.
#[test]
fn what_is_stopped_goes_on_from_its_journal() {
    let lines = lines();
    let expected = undisturbed(&lines);
    let folder = folder(&job(JOURNAL));
    let path = folder.path();
    let mut dice = Dice::new(20);
    for stop in 0..4 {
        let have = kept(path);
        let shards = [0, 2, 1, 0][stop].to_string();
        let more = ["--set", "snapshot.store=store", "--restore", "--shards", &*shards];
        let mut child = start(path, &more);
        let sent = have + 1 + dice.below(LINES as u64 / 5) as usize;
        // The input stays open: the job has not come to its end when it is stopped.
        let mut input = child.stdin.take().unwrap();
        input.write_all(lines[have..sent].concat().as_bytes()).unwrap();
        assert!(wait_for(&mut child, path, have + 1), "{}", said(path));
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(child.wait().unwrap().success(), "{}", said(path));
        assert!(said(path).contains("stopped behind epoch"), "{}", said(path));
        assert!(expected.starts_with(&rows(path)), "stop {stop}");
    }
    let have = kept(path);
    let mut child = start(path, &["--set", "snapshot.store=store", "--restore"]);
    let sender = send(&mut child, &lines[have..]);
    assert!(child.wait().unwrap().success(), "{}", said(path));
    sender.join().unwrap();
    assert_eq!(rows(path), expected);
}

#[test]
fn a_job_with_snapshots_asks_for_a_journal() {
    let text = "CREATE TABLE t (n BIGINT) WITH ('connector' = 'stdin', 'format' = 'json');
                CREATE TABLE o (n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out/', 'format' = 'csv');
                INSERT INTO o SELECT n FROM t";
    let folder = folder(text);
    let mut child = start(folder.path(), &["--set", "snapshot.store=store"]);
    assert!(!child.wait().unwrap().success());
    let said = said(folder.path());
    assert!(
        said.contains("needs the option 'journal.path'") && said.contains("'journal.mode' = 'off'"),
        "{said}"
    );
}

#[test]
fn a_full_disk_stops_the_job_or_leaves_messages_out_of_the_journal() {
    let lines = lines();
    let expected = undisturbed(&lines);
    for (policy, is_stopped) in [("stop", true), ("drop", false)] {
        let bytes = "'journal.path' = 'journal', 'journal.segment-bytes' = '262144'";
        let folder = folder(&job(&format!("{bytes}, 'journal.when-full' = '{policy}'")));
        fs::write(folder.path().join("lines"), lines.concat()).unwrap();
        // No file may have more than 128 KiB: taking more fails as on a full disk, since the signal is ignored.
        let script = "trap '' XFSZ; ulimit -f 128; exec \"$0\" run job.sql --shards 0 < lines";
        let mut limited = Command::new("bash");
        limited.current_dir(folder.path()).args(["-c", script]).arg(binary());
        let output = limited.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.success(), !is_stopped, "{said}");
        if is_stopped {
            assert!(said.contains("no room for another 262144 bytes of the journal"), "{said}");
        } else {
            let count =
                format!("messages that are not in the journal: the disk is full: {}", "6,000");
            assert!(said.contains(&count), "{said}");
            assert_eq!(rows(folder.path()), expected);
        }
    }
}

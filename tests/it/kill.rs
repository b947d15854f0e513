//! Processes that are killed: a few here, hundreds in `scripts/kill.sh`.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use tidewire_tests::binary;
use tidewire_tests::kill::{Capture, Job, Kind, Options, Place, Rows, run};
use tidewire_tests::s3::{Fault, script, seeded};

const KILLS: u64 = 10;
const MESSAGES: u32 = 60_000;
/// Rows of a job in SQL, each of which goes to six queries.
const SQL_ROWS: u32 = 12_000;

fn kill(kind: Kind, job: Job) {
    let binary = binary().to_owned();
    let messages = if job == Job::Sql { SQL_ROWS } else { MESSAGES };
    let options = Options { kills: KILLS, seed: 1, kind, binary, job, messages };
    match run(&options, |_| ()) {
        Ok(tally) => assert!(tally.kills() >= KILLS, "{tally}"),
        Err(failure) => panic!("{failure}"),
    }
}

#[test]
fn what_is_killed_with_its_store_in_a_folder_ends_as_if_it_had_not_been() {
    kill(Kind::Dir, Job::Replay);
}

#[test]
fn what_is_killed_with_its_store_on_s3_ends_as_if_it_had_not_been() {
    kill(Kind::S3, Job::Replay);
}

#[test]
fn a_job_in_sql_that_is_killed_ends_as_if_it_had_not_been_with_any_number_of_shards() {
    kill(Kind::Dir, Job::Sql);
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn replay(place: &Place, capture: &Capture, out: &Path, late: &Path, options: &[&str]) -> Command {
    let mut command = place.replay(binary(), capture);
    command.args([Path::new("--out"), out, Path::new("--late"), late]).args(options);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Runs it for a while, and kills it.
fn cut_short(command: &mut Command, after: Duration) {
    let mut child = command.spawn().unwrap();
    thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Two processes on one store: at most one may go on, and what it leaves is exact.
fn two_on_one_store(is_same_output: bool, first_lead: Duration) {
    let capture = Capture::generate(binary(), MESSAGES).unwrap();
    let place = Place::new(Kind::Dir, 1).unwrap();
    // With two outputs none may have rows of its own when the other takes over.
    let every = if is_same_output { "5ms" } else { "400ms" };
    let options = ["--every", every, "--rate", "60000/s", "--restore"];
    let other = place.folder().join("other");
    let (out, late) = match is_same_output {
        true => (place.out(), place.late()),
        false => (other.join("out"), other.join("late")),
    };
    std::fs::create_dir_all(&other).unwrap();
    let start =
        |out: &Path, late: &Path| replay(&place, &capture, out, late, &options).spawn().unwrap();
    let one = start(&place.out(), &place.late());
    thread::sleep(first_lead);
    let two = start(&out, &late);
    let ended = [one.wait_with_output().unwrap(), two.wait_with_output().unwrap()];
    let won: Vec<_> = ended.iter().map(|output| output.status.success()).collect();
    let texts = ended.each_ref().map(said);
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{texts:?}");
    let lost = if won[0] { &texts[1] } else { &texts[0] };
    assert!(lost.contains("another process has published epoch"), "{lost}");
    assert!(!texts.iter().any(|text| text.contains("panicked")), "{texts:?}");
    let rows = match won[0] {
        true => Rows::read(&place.out(), &place.late()).unwrap(),
        false => Rows::read(&out, &late).unwrap(),
    };
    capture.undisturbed().equals(&rows).unwrap();
    place.verify().unwrap();
}

#[test]
fn of_two_processes_on_one_store_one_goes_on() {
    for (is_same_output, lead_ms) in [(true, 0), (true, 1), (true, 30), (true, 400), (false, 0)] {
        two_on_one_store(is_same_output, Duration::from_millis(lead_ms));
    }
}

#[test]
fn a_run_on_a_bad_line_to_s3_ends_with_the_exact_output() {
    let capture = Capture::generate(binary(), MESSAGES).unwrap();
    let stall = Duration::from_secs(2);
    let is_upload = |it: &tidewire_tests::s3::Request| it.method == "PUT";
    let plans = [
        ("a stall", script([Fault::None, Fault::StallBefore(stall)], is_upload)),
        ("a burst", script([[Fault::None; 10], [Fault::SlowDown; 10]].concat(), is_upload)),
        ("resets", seeded(5, 20, vec![Fault::ResetBefore, Fault::ResetAfter])),
        ("wrong ETags", seeded(6, 20, vec![Fault::WrongEtag])),
    ];
    for (name, plan) in plans {
        let place = Place::with(Kind::S3, plan).unwrap();
        let options = ["--every", "20ms", "--rate", "60000/s", "--shards", "2"];
        let mut run = replay(&place, &capture, &place.out(), &place.late(), &options);
        let output = run.output().unwrap();
        assert!(output.status.success(), "{name}: {}", said(&output));
        assert!(place.faults() > 0, "{name}");
        let rows = Rows::read(&place.out(), &place.late()).unwrap();
        capture.undisturbed().equals(&rows).unwrap();
        place.verify().unwrap();
    }
}

#[test]
fn a_full_disk_gives_epochs_up_or_ends_with_an_error() {
    let capture = Capture::generate(binary(), MESSAGES).unwrap();
    let place = Place::new(Kind::Dir, 1).unwrap();
    let options = ["--every", "5ms", "--rate", "60000/s", "--restore"];
    let run = replay(&place, &capture, &place.out(), &place.late(), &options);
    // Files of 32 KiB at most; a write past that fails as on a full disk, since the signal is ignored.
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$@\"", "sh"]);
    limited.arg(run.get_program()).args(run.get_args());
    let output = limited.output().unwrap();
    assert!(!said(&output).contains("panicked"), "{}", said(&output));
    let rows = Rows::read(&place.out(), &place.late()).unwrap();
    capture.undisturbed().begins_with(&rows).unwrap();
    place.verify().unwrap();
    cut_short(
        &mut replay(&place, &capture, &place.out(), &place.late(), &options),
        Duration::from_millis(150),
    );
    let last = ["--restore"];
    let output = replay(&place, &capture, &place.out(), &place.late(), &last).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let rows = Rows::read(&place.out(), &place.late()).unwrap();
    capture.undisturbed().equals(&rows).unwrap();
}

/// Not an assertion but a report: the latency of a paced run with and without a stall of 30 s and a burst.
#[test]
#[ignore = "it takes minutes"]
fn a_stall_of_30_s_is_not_felt_by_events() {
    let capture = Capture::generate(binary(), 6_000_000).unwrap();
    let is_upload = |it: &tidewire_tests::s3::Request| it.method == "PUT";
    let stall = Fault::StallBefore(Duration::from_secs(30));
    let bad = [Fault::None; 20].into_iter().chain([Fault::SlowDown; 12]).chain([stall]);
    let bad: Vec<_> = bad.chain([Fault::ResetAfter, Fault::WrongEtag]).collect();
    for (name, faults) in [("no faults", Vec::new()), ("faults", bad)] {
        let place = Place::with(Kind::S3, script(faults, is_upload)).unwrap();
        let report = place.folder().join("report");
        let options = ["--every", "100ms", "--rate", "150000/s", "--shards", "1", "--report"];
        let mut run = replay(&place, &capture, &place.out(), &place.late(), &options);
        let output = run.arg(&report).output().unwrap();
        println!("{name}, {} of them:\n{}", place.faults(), said(&output));
        assert!(output.status.success());
        let rows = Rows::read(&place.out(), &place.late()).unwrap();
        capture.undisturbed().equals(&rows).unwrap();
        place.verify().unwrap();
    }
}

//! Kills replays, or jobs in SQL, with snapshots, and looks at what they leave:
//! `cargo run --release -p tidewire-tests --bin kill -- --kills N --seed S --store dir|s3 --job replay|sql`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use tidewire_tests::binary;
use tidewire_tests::kill::{Job, Kind, Options, Phase, run};

const USAGE: &str = "usage: kill [--kills N] [--seed S] [--store dir|s3] [--job replay|sql] [--messages N] [--binary PATH]";

fn options() -> Option<Options> {
    let (mut kills, mut seed, mut kind, mut messages) = (20, 1, Kind::Dir, 300_000);
    let (mut path, mut job) = (None, Job::Replay);
    let mut arguments = std::env::args().skip(1);
    while let Some(option) = arguments.next() {
        let value = arguments.next()?;
        match option.as_str() {
            "--kills" => kills = value.parse().ok()?,
            "--seed" => seed = value.parse().ok()?,
            "--messages" => messages = value.parse().ok()?,
            "--binary" => path = Some(value.into()),
            "--store" if value == "dir" => kind = Kind::Dir,
            "--store" if value == "s3" => kind = Kind::S3,
            "--job" if value == "replay" => job = Job::Replay,
            "--job" if value == "sql" => job = Job::Sql,
            _ => return None,
        }
    }
    let binary = path.unwrap_or_else(|| binary().to_owned());
    Some(Options { kills, seed, kind, binary, job, messages })
}

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]
fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&options, |text| eprintln!("{text}")) {
        Ok(tally) => {
            println!("{tally}");
            let missed = Phase::ALL.iter().filter(|phase| tally.of_phase(**phase) == 0);
            missed.for_each(|phase| println!("no kill fell into {}", phase.name()));
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

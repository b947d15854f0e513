//! What a journal costs for each event: a record beside a copy of its bytes; and a job that reads lines from its standard
//! input, without a journal and with one.
//!
//! `cargo run --release -p tidewire-bench --bin journal`
#![allow(clippy::print_stdout, clippy::expect_used)]

use std::fs::{self, File};
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};

use clap::Parser;
use tidewire_bench::Comparison;
use tidewire_journal::{Journal, Mode, Options};
use tidewire_tests::binary;

#[derive(Parser)]
struct Arguments {
    /// Records of each run.
    #[arg(long, default_value_t = 2_000_000)]
    records: u64,
    /// Lines of each job.
    #[arg(long, default_value_t = 1_000_000)]
    lines: u64,
    /// Measured rounds.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// About an ITCH message in its packet.
const MESSAGE: [u8; 58] = [7; 58];

fn fresh(folder: &Path) -> std::path::PathBuf {
    // What the run before has left.
    let _ = fs::remove_dir_all(folder);
    folder.to_owned()
}

fn kept(folder: &Path, mode: Mode, records: u64) -> u64 {
    let options = Options { mode, ..Options::new(fresh(folder), "bench") };
    let mut journal = Journal::open(options).expect("a new journal");
    for number in 0..records {
        journal.append(number as i64, 0, black_box(&MESSAGE)).expect("room on the disk");
    }
    journal.secure().expect("a disk");
    journal.next_number()
}

fn copied(records: u64) -> u64 {
    let mut bytes = Vec::new();
    for _ in 0..records {
        bytes.extend_from_slice(black_box(&MESSAGE));
        if bytes.len() > 64 << 10 {
            black_box(&bytes);
            bytes.clear();
        }
    }
    records
}

fn job(folder: &Path, options: &str) -> u64 {
    fresh(&folder.join("journal"));
    let text = format!(
        "CREATE TABLE lines (k STRING, v BIGINT, ts TIMESTAMP_LTZ(3), WATERMARK FOR ts AS ts)
           WITH ('connector' = 'stdin', 'format' = 'csv', {options});
         CREATE TABLE sums (k STRING, n BIGINT, total BIGINT) WITH ('connector' = 'blackhole');
         INSERT INTO sums SELECT k, COUNT(*), SUM(v)
           FROM TABLE(TUMBLE(TABLE lines, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY k, window_start, window_end;"
    );
    fs::write(folder.join("job.sql"), text).expect("a file");
    let lines = File::open(folder.join("lines.csv")).expect("the lines");
    let mut run = Command::new(binary());
    run.current_dir(folder).args(["run", "job.sql", "--shards", "0"]);
    let status = run.stdin(lines).stderr(Stdio::null()).status().expect("tidewire starts");
    u64::from(status.success())
}

fn main() {
    let Arguments { records, lines, rounds } = Arguments::parse();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("records");
    Comparison::new("journal: a record", records)
        .contestant("a copy of the bytes", || copied(records))
        .contestant("async", || kept(&path, Mode::Async, records))
        .contestant("sync, once at the end", || kept(&path, Mode::Sync, records))
        .run(rounds);
    fresh(&path);

    let line = |n: u64| {
        let (second, millis) = (n / 10_000, n / 10 % 1_000);
        format!(
            "key{},{n},2024-05-01 00:{:02}:{:02}.{millis:03}Z\n",
            n % 500,
            second / 60,
            second % 60
        )
    };
    let text: String = (0..lines).map(line).collect();
    fs::write(folder.path().join("lines.csv"), text).expect("room for the lines");
    Comparison::new("journal: a job over lines", lines)
        .contestant("without", || job(folder.path(), "'journal.mode' = 'off'"))
        .contestant("async", || job(folder.path(), "'journal.path' = 'journal'"))
        .contestant("sync", || {
            job(folder.path(), "'journal.path' = 'journal', 'journal.mode' = 'sync'")
        })
        .run(rounds);
}

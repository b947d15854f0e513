//! A job in SQL with every kind of state that a query has, and the output of a run that nobody disturbs.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Rows, succeeds};
use crate::dice::Dice;

/// From one row to the next.
const STEP_MS: u64 = 5;
/// Rows are out of order by less than this.
const DISORDER_MS: u64 = 900;
/// Every so many rows one is late, by so much.
const LATE_EACH: u64 = 150;
const LATE_MS: u64 = 30_000;
/// A group of keys has rows for so long, and then the next has, so that sessions end.
const GROUP_MS: u64 = 3_000;
const GROUPS: u64 = 5;
const KEYS_OF_GROUP: u64 = 6;
/// 2024-03-01 00:00:00, s.
const START_S: u64 = 1_709_251_200;

/// Each output, with its columns and its query.
const OUTPUTS: [(&str, &str, &str); 6] = [
    (
        "tumbled",
        "k STRING, window_start TIMESTAMP(3), n BIGINT, total BIGINT, least BIGINT, kinds BIGINT",
        "SELECT k, window_start, COUNT(*), SUM(v), MIN(v), COUNT(DISTINCT v % 7)
         FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '2' SECOND)) GROUP BY k, window_start, window_end",
    ),
    (
        "hopped",
        "k STRING, window_start TIMESTAMP(3), n BIGINT, total BIGINT, most BIGINT",
        "SELECT k, window_start, COUNT(v), SUM(v), MAX(v)
         FROM TABLE(HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '6' SECOND))
         GROUP BY k, window_start, window_end",
    ),
    (
        "sessions",
        "k STRING, window_start TIMESTAMP(3), window_end TIMESTAMP(3), n BIGINT, last_v BIGINT",
        "SELECT k, window_start, window_end, COUNT(*), LAST_VALUE(v)
         FROM TABLE(SESSION(TABLE events PARTITION BY k, DESCRIPTOR(ts), INTERVAL '1' SECOND))
         GROUP BY k, window_start, window_end",
    ),
    (
        "rolled",
        "k STRING, ts TIMESTAMP(3), v BIGINT, total BIGINT, n BIGINT",
        "SELECT k, ts, v, SUM(v) OVER w, COUNT(*) OVER w FROM events
         WINDOW w AS (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '4' SECOND PRECEDING AND CURRENT ROW)",
    ),
    (
        "in_rows",
        "k STRING, ts TIMESTAMP(3), most BIGINT",
        "SELECT k, ts, MAX(v) OVER (PARTITION BY k ORDER BY ts ROWS BETWEEN 20 PRECEDING AND CURRENT ROW) FROM events
         WHERE v % 3 = 0",
    ),
    (
        "cascaded",
        "window_start TIMESTAMP(3), n BIGINT, most BIGINT",
        "SELECT window_start, SUM(n), MAX(total) FROM TABLE(TUMBLE((
           SELECT k, window_time AS wt, COUNT(*) AS n, SUM(v) AS total
           FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' SECOND))
           GROUP BY k, window_start, window_end, window_time), DESCRIPTOR(wt), INTERVAL '3' SECOND))
         GROUP BY window_start, window_end",
    ),
];

/// The job, its input, and its rows. Its text names outputs in the folder that it runs in.
#[derive(Debug)]
pub(super) struct SqlJob {
    folder: TempDir,
    rows: u64,
    undisturbed: Rows,
}

impl SqlJob {
    /// Writes the job and so many rows, and runs it once.
    pub(super) fn generate(binary: &Path, rows: u32) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let rows = u64::from(rows);
        let written = |path: PathBuf, text: String| {
            fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
        };
        written(folder.path().join("events.csv"), input(rows))?;
        let mut job = Self { folder, rows, undisturbed: Rows::default() };
        written(job.text_path(), job.text())?;
        let mut run = Command::new(binary);
        run.arg("run").arg(job.text_path()).args(["--shards", "0"]).current_dir(job.folder.path());
        succeeds(&mut run)?;
        job.undisturbed = Rows::of_parts(Self::outputs(job.folder.path()))?;
        if let Some((name, ..)) = OUTPUTS.iter().find(|(name, ..)| job.undisturbed.lines(name) < 10)
        {
            return Err(format!("there are too few rows of {name}"));
        }
        Ok(job)
    }

    fn text_path(&self) -> PathBuf {
        self.folder.path().join("job.sql")
    }

    fn text(&self) -> String {
        let input = self.folder.path().join("events.csv");
        let mut text = format!(
            "CREATE TABLE events (k STRING, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)\n\
             WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv');\n",
            input.display()
        );
        let mut inserts = String::new();
        for (name, columns, query) in OUTPUTS {
            let _ = writeln!(
                text,
                "CREATE TABLE {name} ({columns})\n\
                 WITH ('connector' = 'filesystem', 'path' = 'out/{name}/', 'format' = 'csv');"
            );
            let _ = writeln!(inserts, "INSERT INTO {name} {query};");
        }
        format!("{text}EXECUTE STATEMENT SET BEGIN\n{inserts}END;\n")
    }

    pub(super) fn undisturbed(&self) -> &Rows {
        &self.undisturbed
    }

    pub(super) fn events(&self) -> u64 {
        self.rows
    }

    /// Where the parts of each output are when the job runs in a folder.
    pub(super) fn outputs(within: &Path) -> Vec<(&'static str, PathBuf)> {
        OUTPUTS.iter().map(|(name, ..)| (*name, within.join("out").join(name))).collect()
    }

    /// The program, with this job, in a folder.
    pub(super) fn command(&self, binary: &Path, within: &Path) -> Command {
        let mut command = Command::new(binary);
        command.arg("run").arg(self.text_path()).current_dir(within);
        command
    }
}

/// Rows out of order, some of them late.
fn input(rows: u64) -> String {
    let mut dice = Dice::new(7);
    let mut text = String::new();
    for row in 0..rows {
        let group = row * STEP_MS / GROUP_MS % GROUPS;
        let key = group * KEYS_OF_GROUP + dice.below(KEYS_OF_GROUP);
        let behind = match row % LATE_EACH {
            0 => LATE_MS,
            _ => dice.below(DISORDER_MS),
        };
        let ms = START_S * 1_000 + (row * STEP_MS).saturating_sub(behind);
        let (seconds, ms) = (ms / 1_000 - START_S, ms % 1_000);
        let (h, m, s) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        let value = dice.below(1_000);
        let _ = writeln!(text, "key{key},{value},2024-03-01 {h:02}:{m:02}:{s:02}.{ms:03}");
    }
    text
}

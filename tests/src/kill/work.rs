//! What the processes of a story do: a replay, or a job in SQL.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::capture::SPAN_MS;
use super::{Capture, Place, Rows, SqlJob};
use crate::dice::Dice;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// `tidewire replay`: bars of a capture.
    Replay,
    /// `tidewire run`: a job in SQL.
    Sql,
}

/// A job with its input, and the output of a run that nobody disturbs.
#[derive(Debug)]
pub(super) enum Work {
    Replay(Capture),
    Sql(SqlJob),
}

/// What a process is told beside its job: the output does not depend on it.
#[derive(Debug)]
pub(super) struct Life {
    /// 0 is inline.
    shards: u64,
    wait: &'static str,
    driver: &'static str,
    every_ms: u64,
    compression: &'static str,
    keep: &'static str,
    /// Events of a second, in quarters of the pace at which a run takes [`SPAN_MS`].
    pace: u64,
    restore: bool,
}

impl Life {
    pub(super) fn new(dice: &mut Dice, restore: bool) -> Self {
        Self {
            shards: dice.below(5),
            wait: dice.pick(&["yield", "park", "park"]),
            driver: dice.pick(&["glommio", "thread"]),
            every_ms: dice.pick(&[5, 20, 50]),
            compression: dice.pick(&["none", "none", "lz4", "zstd"]),
            keep: dice.pick(&["1", "2", "3"]),
            pace: dice.pick(&[2, 3, 6]),
            restore,
        }
    }

    /// The name of its threads.
    pub(super) fn threads(&self) -> &'static str {
        ["inline", "1 shard", "2 shards", "3 shards", "4 shards"][self.shards as usize]
    }
}

impl Work {
    pub(super) fn new(job: Job, binary: &Path, messages: u32) -> Result<Self, String> {
        Ok(match job {
            Job::Replay => Self::Replay(Capture::generate(binary, messages)?),
            Job::Sql => Self::Sql(SqlJob::generate(binary, messages)?),
        })
    }

    pub(super) fn undisturbed(&self) -> &Rows {
        match self {
            Self::Replay(capture) => capture.undisturbed(),
            Self::Sql(job) => job.undisturbed(),
        }
    }

    /// The outputs in a folder: their names, and where their parts are.
    pub(super) fn outputs(&self, within: &Path) -> Vec<(&'static str, PathBuf)> {
        match self {
            Self::Replay(_) => vec![("bars", within.join("out")), ("late", within.join("late"))],
            Self::Sql(_) => SqlJob::outputs(within),
        }
    }

    pub(super) fn rows(&self, within: &Path) -> Result<Rows, String> {
        Rows::of_parts(self.outputs(within))
    }

    /// The program with its job, its store, and its output in a folder.
    pub(super) fn command(&self, place: &Place, binary: &Path, within: &Path) -> Command {
        match self {
            Self::Replay(capture) => {
                let mut command = place.replay(binary, capture);
                for (option, (_, folder)) in ["--out", "--late"].iter().zip(self.outputs(within)) {
                    command.arg(option).arg(folder);
                }
                command
            }
            Self::Sql(job) => place.sql(binary, job, within),
        }
    }

    /// Tells a process what is its own.
    pub(super) fn tell(&self, life: &Life, command: &mut Command) {
        let events = match self {
            Self::Replay(capture) => capture.events(),
            Self::Sql(job) => job.events(),
        };
        let Life { shards, wait, driver, every_ms, compression, keep, pace, restore } = life;
        let of_second = (events * 1_000 / SPAN_MS).max(1);
        command.args(["--rate", &format!("{}/s", (of_second * pace / 4).max(1))]);
        command.args(restore.then_some("--restore"));
        match self {
            Self::Replay(_) => {
                match shards {
                    0 => command.arg("--inline"),
                    shards => command.args(["--shards", &shards.to_string()]),
                };
                command.args(["--wait", wait, "--driver", driver]);
                command.args(["--every", &format!("{every_ms}ms")]);
                command.args(["--compression", compression, "--keep", keep]);
            }
            Self::Sql(_) => {
                command.args(["--shards", &shards.to_string()]);
                command.args(["--set", &format!("snapshot.interval={every_ms}ms")]);
                command.args(["--set", &format!("snapshot.compression={compression}")]);
                command.args(["--set", &format!("snapshot.keep={keep}")]);
            }
        }
    }
}

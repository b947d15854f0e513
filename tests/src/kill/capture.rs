//! A generated capture, some of whose events are late, and the output of a run that nobody disturbs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Rows, succeeds};

/// Every so many messages one is late.
const LATE_EACH: usize = 400;
const LATE_NS: u64 = 30_000_000;
/// A run at the pace of [`Capture::events_per_second`] takes about so long.
pub(super) const SPAN_MS: u64 = 1_500;
/// The options that the output depends on.
pub(super) const OPTIONS: [&str; 4] = ["--window", "20ms", "--max-disorder", "1ms"];

/// A capture, and its rows.
#[derive(Debug)]
pub struct Capture {
    folder: TempDir,
    messages: u32,
    undisturbed: Rows,
}

impl Capture {
    /// Generates it, and runs it once.
    ///
    /// # Errors
    /// The program fails.
    pub fn generate(binary: &Path, messages: u32) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let path = folder.path().join("day.itch");
        let mut generate = Command::new(binary);
        generate.args(["generate".as_ref(), "itch".as_ref(), path.as_os_str()]);
        let messages_text = messages.to_string();
        succeeds(generate.args(["--messages", &messages_text, "--symbols", "40", "--seed", "3"]))?;
        let mut bytes = fs::read(&path).map_err(|error| error.to_string())?;
        make_some_late(&mut bytes);
        fs::write(&path, bytes).map_err(|error| error.to_string())?;

        let (out, late) = (folder.path().join("bars.csv"), folder.path().join("late.csv"));
        let mut replay = Command::new(binary);
        replay.args([Path::new("replay"), &path]).args(OPTIONS).arg("--inline");
        succeeds(replay.args([Path::new("--out"), &out, Path::new("--late"), &late]))?;
        let undisturbed = Rows::of_files([("bars", out), ("late", late)])?;
        if undisturbed.lines("bars") < 100 || undisturbed.lines("late") < 10 {
            return Err("the capture gives too few rows".to_owned());
        }
        Ok(Self { folder, messages, undisturbed })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("day.itch")
    }

    /// What a run that nobody disturbs gives.
    #[must_use]
    pub fn undisturbed(&self) -> &Rows {
        &self.undisturbed
    }

    /// Its events.
    pub(super) fn events(&self) -> u64 {
        self.messages.into()
    }
}

/// Puts back the times of some messages of an ITCH file: two bytes of length, then a message with six bytes of time at
/// its byte 5.
fn make_some_late(bytes: &mut [u8]) {
    let (mut at, mut number) = (0, 0);
    while at + 13 <= bytes.len() {
        let length = usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
        let time = &mut bytes[at + 7..at + 13];
        number += 1;
        if number % LATE_EACH == 0 {
            let ns = time.iter().fold(0, |ns, byte| ns << 8 | u64::from(*byte));
            time.copy_from_slice(&ns.saturating_sub(LATE_NS).to_be_bytes()[2..]);
        }
        at += 2 + length;
    }
}

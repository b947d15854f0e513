//! A generated capture, some of whose events are late, and the output of a run that nobody disturbs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{names, succeeds};

/// Every so many messages one is late.
const LATE_EACH: usize = 400;
const LATE_NS: u64 = 30_000_000;
/// A run at the pace of [`Capture::events_per_second`] takes about so long.
const SPAN_MS: u64 = 1_500;
/// The options that the output depends on.
pub(super) const OPTIONS: [&str; 4] = ["--window", "20ms", "--max-disorder", "1ms"];

/// A capture, and its rows.
#[derive(Debug)]
pub struct Capture {
    folder: TempDir,
    messages: u32,
    undisturbed: Rows,
}

/// What a reader of the output finds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rows {
    /// The bars.
    pub bars: Vec<u8>,
    /// What was late.
    pub late: Vec<u8>,
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
        let read = |path: PathBuf| fs::read(path).map_err(|error| error.to_string());
        let undisturbed = Rows { bars: read(out)?, late: read(late)? };
        let lines = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
        if lines(&undisturbed.bars) < 100 || lines(&undisturbed.late) < 10 {
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

    /// The pace at which it lasts long enough to be killed.
    #[must_use]
    pub fn events_per_second(&self) -> u64 {
        (u64::from(self.messages) * 1_000 / SPAN_MS).max(1)
    }

    pub(super) fn span_ms(&self) -> u64 {
        SPAN_MS
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

impl Rows {
    /// The committed parts in two folders, in the order of their names.
    ///
    /// # Errors
    /// They can not be read.
    pub fn read(out: &Path, late: &Path) -> Result<Self, String> {
        let content = |folder: &Path| {
            let mut content = Vec::new();
            for name in names(folder)?.iter().filter(|name| name.ends_with(".csv")) {
                let part = fs::read(folder.join(name)).map_err(|error| error.to_string())?;
                content.extend(part);
            }
            Ok::<_, String>(content)
        };
        Ok(Self { bars: content(out)?, late: content(late)? })
    }

    #[allow(clippy::len_without_is_empty, reason = "only the growth counts")]
    /// Bytes of both.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bars.len() + self.late.len()
    }

    /// Says whether `found` is a beginning of this, with whole lines.
    ///
    /// # Errors
    /// It is not.
    pub fn begins_with(&self, found: &Self) -> Result<(), String> {
        let pairs = [("bars", &self.bars, &found.bars), ("late", &self.late, &found.late)];
        for (name, whole, found) in pairs {
            if !whole.starts_with(found) {
                let same = whole.iter().zip(found.iter()).take_while(|(a, b)| a == b).count();
                return Err(format!(
                    "the {name} are not a beginning of the undisturbed output: they differ at byte {same} of {}",
                    found.len()
                ));
            }
            if found.last().is_some_and(|last| *last != b'\n') {
                return Err(format!("the {name} end in a torn row"));
            }
        }
        Ok(())
    }

    /// Says whether `found` is the same as this.
    ///
    /// # Errors
    /// It is not.
    pub fn equals(&self, found: &Self) -> Result<(), String> {
        self.begins_with(found)?;
        if found.len() < self.len() {
            return Err(format!("the output ends after {} of {} bytes", found.len(), self.len()));
        }
        Ok(())
    }
}

//! What the options of a table say of its journal.

use tidewire_journal::limits::{SEGMENT_BYTES, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};
use tidewire_journal::{self as journal, Journal, Mode, WhenFull};

use super::super::{OptionError, Options, TableError};
use super::of_journal;

/// What `journal.path` is for.
pub(super) const NEEDED: &str = "a folder for what is received. It can not be received again, and the job goes on from \
                                 snapshots; 'journal.mode' = 'off' does without: what came behind the newest snapshot is lost \
                                 when the job is killed";
const SEGMENT: &str = "a number of bytes from 65536 to 1073741824";

/// Whether there is a journal, and which.
#[derive(Debug)]
pub enum Keeping {
    /// None, and nothing is said of it.
    Unsaid,
    /// `'journal.mode' = 'off'`.
    Off,
    /// There is one.
    On(journal::Options),
}

impl Keeping {
    /// Takes the options. The journal is of the connector, and of what it carries.
    ///
    /// # Errors
    /// One of them is wrong.
    pub fn take(options: &mut Options, carries: &str) -> Result<Self, OptionError> {
        let folder = options.take("journal.path");
        let mode = options.parse("journal.mode", "async, sync or off", |text| match text {
            "async" => Some(Some(Mode::Async)),
            "sync" => Some(Some(Mode::Sync)),
            "off" => Some(None),
            _ => None,
        })?;
        let when_full = options.parse("journal.when-full", "stop or drop", |text| match text {
            "stop" => Some(WhenFull::Stop),
            "drop" => Some(WhenFull::Drop),
            _ => None,
        })?;
        let segment_bytes = options.parse("journal.segment-bytes", SEGMENT, |text| {
            text.parse().ok().filter(|it| (SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(it))
        })?;
        match (folder, mode) {
            (_, Some(None)) => Ok(Self::Off),
            (None, None) => Ok(Self::Unsaid),
            (None, Some(Some(_))) => Err(OptionError::missing(
                options.connector(),
                "journal.path",
                "the journal's folder",
            )),
            (Some(folder), mode) => Ok(Self::On(journal::Options {
                mode: mode.flatten().unwrap_or(Mode::Async),
                when_full: when_full.unwrap_or(WhenFull::Stop),
                segment_bytes: segment_bytes.unwrap_or(SEGMENT_BYTES),
                ..journal::Options::new(folder, format!("{} {carries}", options.connector()))
            })),
        }
    }

    pub(super) fn is_off_on_purpose(&self) -> bool {
        matches!(self, Self::Off)
    }

    /// Opens the journal. Rows of a table that `needs_all` messages can not be had again where some are missing.
    pub(super) fn open(self, needs_all: bool) -> Result<Option<Journal>, TableError> {
        let Self::On(options) = self else { return Ok(None) };
        if needs_all && options.when_full == WhenFull::Drop {
            let expected = "rows of this table follow from all messages before: only 'stop'";
            return Err(OptionError::value("journal.when-full", "drop", expected).into());
        }
        Journal::open(options).map(Some).map_err(of_journal)
    }
}

//! Why an object can not be had as it was written.

use std::fmt::{self, Display};
use std::io;

use super::format::{Flaw, VERSION};
use crate::StoreError;

/// Why an object can not be had as it was written. Each says which.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The store has none of that name.
    #[error("{name} is missing")]
    Missing {
        /// The object.
        name: String,
    },
    /// It has fewer bytes than were written.
    #[error("{name} has {found} bytes, and {expected} were written")]
    Short {
        /// The object.
        name: String,
        /// Bytes that were written.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// A part of it is not what was written.
    #[error("{name} is damaged: {what} is not what was written")]
    Altered {
        /// The object.
        name: String,
        /// Which part.
        what: Part,
    },
    /// It is whole, but another one than the manifest names.
    #[error(
        "{name} is not the object that was meant: its checksum is {found:08x}, not {expected:08x}"
    )]
    Other {
        /// The object.
        name: String,
        /// The checksum in the manifest.
        expected: u32,
        /// The checksum in the footer.
        found: u32,
    },
    /// It does not end as an object does.
    #[error("{name} does not end as an object of Tidewire's does")]
    NotAnObject {
        /// The object.
        name: String,
    },
    /// It has another format.
    #[error("{name} has version {found} of the format; this program reads {VERSION}")]
    OtherVersion {
        /// The object.
        name: String,
        /// Its version.
        found: u32,
    },
    /// More was asked for than it has.
    #[error("{name}: {bytes} bytes at {offset} were asked for, and it has {raw_bytes}")]
    OutOfBounds {
        /// The object.
        name: String,
        /// Where the first byte was asked for.
        offset: u64,
        /// How many were asked for.
        bytes: usize,
        /// How many there are.
        raw_bytes: u64,
    },
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file that the store gave can not be read.
    #[error("can not read {name}: {source}")]
    Read {
        /// The object.
        name: String,
        /// What the system said.
        source: io::Error,
    },
}

impl ObjectError {
    /// The object's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Missing { name }
            | Self::Short { name, .. }
            | Self::Altered { name, .. }
            | Self::Other { name, .. }
            | Self::NotAnObject { name }
            | Self::OtherVersion { name, .. }
            | Self::OutOfBounds { name, .. }
            | Self::Store(StoreError { name, .. })
            | Self::Read { name, .. } => name,
        }
    }

    pub(super) fn of_flaw(name: &str, flaw: Flaw) -> Self {
        let name = name.to_owned();
        match flaw {
            Flaw::NotAnObject => Self::NotAnObject { name },
            Flaw::OtherVersion(found) => Self::OtherVersion { name, found },
            Flaw::Footer => Self::Altered { name, what: Part::Footer },
            Flaw::Table => Self::Altered { name, what: Part::Table },
        }
    }
}

/// A part of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Its size: bytes were added.
    Size,
    /// The footer, or the table that the footer's checksum covers.
    Footer,
    /// The table: it contradicts itself, the footer, or the size.
    Table,
    /// A chunk of the body, by number.
    Chunk(usize),
}

impl Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size => f.write_str("its size"),
            Self::Footer => f.write_str("its footer"),
            Self::Table => f.write_str("its table of chunks"),
            Self::Chunk(number) => write!(f, "its chunk {number}"),
        }
    }
}

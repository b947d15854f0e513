//! Objects: what the store holds of a snapshot, checked to the last byte before it is believed.
//!
//! ```text
//! chunk 0 | chunk 1 | ... | table: an entry for each chunk | footer
//! ```
//!
//! 1. A body of raw bytes is cut into chunks of [`CHUNK_BYTES`]; only the last may be shorter, and none is empty.
//! 2. Each chunk is stored as it is, or compressed on its own where that makes it smaller. The table says how many bytes
//!    that took, and their CRC32C.
//! 3. The footer carries the CRC32C of the table and of itself. It follows from every stored byte, so it identifies
//!    the object: a manifest names an object together with it.
//! 4. Without compression the body lies at offset 0 as it was written, so that it can be mapped.
//! 5. What is read is compared with what the file can hold before it takes memory.

mod format;
mod error;
mod name;
mod writer;
mod body;

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use body::Body;
pub use error::{ObjectError, Part};
pub use format::CHUNK_BYTES;
pub use name::ObjectName;
pub use writer::{BodyTooLarge, BodyWriter};

/// How the chunks of an object are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Compression {
    /// As they are: such an object can be mapped.
    #[default]
    None,
    /// LZ4 blocks.
    Lz4,
    /// Zstandard frames.
    Zstd,
}

impl Compression {
    /// Every way, from none to the most.
    pub const ALL: [Self; 3] = [Self::None, Self::Lz4, Self::Zstd];

    fn code(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Lz4 => 1,
            Self::Zstd => 2,
        }
    }
}

impl Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        })
    }
}

/// A text names no compression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no compression: there are none, lz4 and zstd")]
pub struct UnknownCompression(pub String);

impl FromStr for Compression {
    type Err = UnknownCompression;

    fn from_str(text: &str) -> Result<Self, UnknownCompression> {
        let mut all = Self::ALL.into_iter();
        all.find(|it| it.to_string() == text).ok_or_else(|| UnknownCompression(text.to_owned()))
    }
}

/// An object as a manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// Its name in the store.
    pub name: String,
    /// Its size as it is stored, with table and footer.
    pub bytes: u64,
    /// The size of its body before compression.
    pub raw_bytes: u64,
    /// The checksum in its footer, which identifies its content.
    pub crc32c: u32,
}

#[cfg(test)]
mod tests;

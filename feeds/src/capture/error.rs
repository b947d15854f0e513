//! What can go wrong with a capture, one clear line each.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::decode::DecodeError;
use crate::net::UnsupportedLink;

/// Why a capture could not be opened, or what in it could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The file could not be opened.
    #[error("can not open {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The path is a directory's.
    #[error("{} is a directory, and no journal: give one of the files in it", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// There is nothing in the input, or in its wrapping.
    #[error("the input is empty: check that the capture was written to it")]
    Empty,
    /// More wrappings than are taken off.
    #[error("the input is wrapped in gzip or zstd more than 4 times: unwrap it first")]
    Wrappings,
    /// The content is of no known format.
    #[error(
        "unknown content, it starts with {head}: known are itch (messages behind two-byte lengths), pcap, pcapng, dbn and journal, plain or in gzip or zstd; name the format if it is one of them"
    )]
    Unknown {
        /// The first bytes, unwrapped.
        head: Head,
    },
    /// The content is not what the capture is to hold.
    #[error("the input starts with {head}: expected {expected}, plain or in gzip or zstd")]
    Content {
        /// The first bytes, unwrapped.
        head: Head,
        /// What it is to hold.
        expected: &'static str,
    },
    /// The packets of a file are not those of a CAN bus.
    #[error("the packets are of link type {link}: expected SocketCAN (227)")]
    NotSocketCan {
        /// The link type.
        link: u32,
    },
    /// The input could not be read, or its wrapping is damaged. Nothing more comes from it.
    #[error("can not read on: {source}")]
    Read {
        /// Why.
        source: io::Error,
    },
    /// The packets are of a link type that is not supported. Nothing more comes from the capture.
    #[error(transparent)]
    Link(#[from] UnsupportedLink),
    /// Bytes that break their specification, with their place in the unwrapped input. The capture can be read
    /// on: with the next frame, or to an early end where [`DecodeError::resume`] is `None`.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// The first bytes of a content, as a message shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    bytes: [u8; 8],
    length: usize,
}

impl Head {
    pub(crate) fn of(content: &[u8]) -> Self {
        let mut bytes = [0; 8];
        let length = content.len().min(bytes.len());
        for (to, from) in bytes.iter_mut().zip(content) {
            *to = *from;
        }
        Self { bytes, length }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        for byte in bytes {
            write!(f, "{byte:02x} ")?;
        }
        write!(f, "(\"{}\")", bytes.escape_ascii())
    }
}

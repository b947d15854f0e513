//! Packets: capture files, link layers, IP and UDP, down to the payload.
//!
//! 1. A claimed length is checked against what is there, and against a named limit, before it is used.
//! 2. A packet that the capture cut short (snap length) is delivered with what is there, and says so.
//! 3. A fragment of a datagram is not taken for a datagram.

mod ip;
mod link;
mod pcap;
mod pcapng;

pub use ip::{Content, Datagram};
pub use link::{LINK_ETHERNET, UnsupportedLink, content};
pub use pcap::{PACKET_HEADER_BYTES, PcapDecoder, file_header, packet_header};
pub use pcapng::PcapNgDecoder;

use crate::decode::{DecodeError, Found};

/// The longest packet that a capture may hold, in bytes; the snap length that capture tools use at most.
pub const PACKET_BYTES_MAX: usize = 262_144;
/// The longest pcapng block, in bytes.
pub const BLOCK_BYTES_MAX: usize = 16 << 20;
/// The most interfaces in a section of a pcapng file.
pub const INTERFACES_MAX: usize = 1024;

const _: () = assert!(PACKET_BYTES_MAX < BLOCK_BYTES_MAX);

/// A captured packet, a view over the capture's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'b> {
    /// When it was captured, in nanoseconds since the Unix epoch. A pcapng simple packet has no time.
    pub ts_ns: Option<i64>,
    /// What the packet starts with: the capture's link type (`LINKTYPE_` number).
    pub link: u32,
    /// Length on the wire, in bytes.
    pub original_bytes: u32,
    /// Where `data` starts, in bytes from the start of the bytes given to the decoder.
    pub offset: usize,
    /// What was captured of the packet.
    pub data: &'b [u8],
}

impl Packet<'_> {
    /// The capture holds less than was on the wire.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.data.len() < self.original_bytes as usize
    }
}

/// The byte order of a capture file: its writer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Big,
    Little,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let &bytes = bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Big => u16::from_be_bytes(bytes),
            Self::Little => u16::from_le_bytes(bytes),
        })
    }

    fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let &bytes = bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Big => u32::from_be_bytes(bytes),
            Self::Little => u32::from_le_bytes(bytes),
        })
    }
}

/// An error at `offset` of a frame after which the next frame starts at `resume`.
#[cold]
fn broken(
    offset: usize,
    expected: &'static str,
    found: Found,
    resume: Option<usize>,
) -> DecodeError {
    DecodeError { offset: offset as u64, expected, found, resume }
}

#[cfg(test)]
mod tests;

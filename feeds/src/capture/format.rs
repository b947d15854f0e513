//! Formats: their names, and how the first bytes give them away.
//!
//! A name of a file says nothing: only its content is looked at.

use std::fmt;
use std::str::FromStr;

use crate::journal::JournalDecoder;
use crate::net::{PcapDecoder, PcapNgDecoder};
use crate::{dbn, itch};

/// What a capture's bytes are, once they are unwrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// ITCH 5.0 messages, each behind a big-endian two-byte length.
    Itch,
    /// Packets in a classic pcap file.
    Pcap,
    /// Packets in a pcapng file.
    PcapNg,
    /// Databento Binary Encoding.
    Dbn,
    /// What a live table has received: segments of a journal.
    Journal,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 5] = [Self::Itch, Self::Pcap, Self::PcapNg, Self::Dbn, Self::Journal];

    /// The name, as [`FromStr`] takes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Itch => "itch",
            Self::Pcap => "pcap",
            Self::PcapNg => "pcapng",
            Self::Dbn => "dbn",
            Self::Journal => "journal",
        }
    }

    /// The format of a content that starts with `head`, a kilobyte of it or all that there is.
    #[must_use]
    pub fn detect(head: &[u8]) -> Option<Self> {
        if PcapDecoder::looks_like(head) {
            Some(Self::Pcap)
        } else if PcapNgDecoder::looks_like(head) {
            Some(Self::PcapNg)
        } else if JournalDecoder::looks_like(head) {
            Some(Self::Journal)
        } else if dbn::looks_like(head) {
            Some(Self::Dbn)
        } else if looks_like_itch(head) {
            Some(Self::Itch)
        } else {
            None
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or(UnknownFormat)
    }
}

/// A name that is no format's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such format; known are itch, pcap, pcapng, dbn and journal")]
pub struct UnknownFormat;

/// The first frames, as many as four, have a length and a type that belong together.
fn looks_like_itch(mut head: &[u8]) -> bool {
    for seen in 0..4 {
        let [high, low, kind, ..] = *head else {
            return seen > 0;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length == 0 && seen > 0 {
            return true;
        }
        if itch::message_bytes(kind) != Some(length) {
            return false;
        }
        head = head.get(itch::LENGTH_BYTES + length..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_read_by_the_name_it_shows() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert_eq!("ITCH".parse::<Format>(), Err(UnknownFormat));
    }

    #[test]
    fn content_gives_the_format_away() {
        assert_eq!(Format::detect(b"\xD4\xC3\xB2\xA1\x02\x00"), Some(Format::Pcap));
        assert_eq!(Format::detect(b"\x4D\x3C\xB2\xA1\x02\x00"), Some(Format::Pcap));
        let section = b"\x0A\x0D\x0D\x0A\x1C\x00\x00\x00\x4D\x3C\x2B\x1A";
        assert_eq!(Format::detect(section), Some(Format::PcapNg));
        assert_eq!(Format::detect(b"TWJOURNL"), Some(Format::Journal));
        assert_eq!(Format::detect(b"DBN\x01"), Some(Format::Dbn));
        assert_eq!(Format::detect(b"\x00\x0CS\x00\x00"), Some(Format::Itch));
        assert_eq!(Format::detect(b"\x00\x0DS\x00\x00"), None);
        assert_eq!(Format::detect(b"{\"e\":\"trade\"}"), None);
        assert_eq!(Format::detect(b""), None);
        assert_eq!(Format::detect(&[0; 64]), None);
    }
}

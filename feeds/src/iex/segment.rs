//! IEX-TP segments: the header, and the messages behind it (Transport Specification 1.25, "Segment Header").

use zerocopy::FromBytes;
use zerocopy::little_endian::{I64, U16, U32};

use crate::decode::{DecodeError, Found};
use crate::wire::layout;

const VERSION: u8 = 1;

/// What a segment's messages are ("Message Protocol ID").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// DEEP 1.0: aggregated depth of book, and trades.
    Deep10,
    /// TOPS 1.6: top of book, and trades.
    Tops16,
    /// Any other, not decoded here (0x8002 is TOPS 1.5).
    Other(u16),
}

impl From<u16> for Protocol {
    fn from(id: u16) -> Self {
        match id {
            0x8003 => Self::Tops16,
            0x8004 => Self::Deep10,
            other => Self::Other(other),
        }
    }
}

layout! {
    /// The header of a segment.
    SegmentHeader, 40 bytes {
        /// Of the transport protocol: 1.
        version: u8,
        /// Zero.
        reserved: u8,
        /// Names the messages' own protocol; [`Segment::protocol`] says it in words.
        protocol_id: U16,
        /// Which stream of the sender this is.
        channel: U32,
        /// Names the sender's session. It stays the same over a trading day, and also when the sender starts its
        /// stream afresh: then [`first_sequence`](Self::first_sequence) and
        /// [`stream_offset`](Self::stream_offset) go back to their first values.
        session: U32,
        /// Bytes behind the header.
        payload_len: U16,
        /// Messages behind the header. Zero: a heartbeat.
        message_count: U16,
        /// Where the payload stands in the stream, in bytes, from 0 on.
        stream_offset: I64,
        /// The number of the first message, from 1 on; of a heartbeat, the number that comes next.
        first_sequence: I64,
        /// When it was sent, in nanoseconds since the Unix epoch.
        send_time_ns: I64,
    }
}

/// One segment: its header, and the messages behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'b> {
    header: &'b SegmentHeader,
    payload: &'b [u8],
}

impl<'b> Segment<'b> {
    /// The header's fields.
    #[must_use]
    pub fn header(&self) -> &'b SegmentHeader {
        self.header
    }

    /// What the messages are, for [`decode`](super::decode).
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.header.protocol_id().into()
    }

    /// The number of the first message, from 1 on.
    #[must_use]
    pub fn first_sequence(&self) -> u64 {
        self.header.first_sequence().cast_unsigned()
    }

    /// The messages, each as its bytes. Broken lengths end them, with one error.
    #[must_use]
    pub fn messages(&self) -> Messages<'b> {
        let left = usize::from(self.header.message_count());
        Messages {
            payload: self.payload,
            at: 0,
            left,
            segment_len: HEADER_LEN + self.payload.len(),
        }
    }
}

const HEADER_LEN: usize = size_of::<SegmentHeader>();

/// Views one UDP payload as a segment.
///
/// # Errors
/// It is too short, of another version, or not as long as its header says.
pub fn segment(payload: &[u8]) -> Result<Segment<'_>, DecodeError> {
    let resume = Some(payload.len());
    let Ok((header, rest)) = SegmentHeader::ref_from_prefix(payload) else {
        let (expected, found) = ("a segment header of 40 bytes", Found::Length(payload.len()));
        return Err(DecodeError { offset: 0, expected, found, resume });
    };
    if header.version() != VERSION {
        let (expected, found) = ("version 1 of IEX-TP", Found::Value(header.version().into()));
        return Err(DecodeError { offset: 0, expected, found, resume });
    }
    if usize::from(header.payload_len()) != rest.len() {
        let (expected, found) = ("as many bytes as the header says", Found::Length(rest.len()));
        return Err(DecodeError { offset: 12, expected, found, resume });
    }
    Ok(Segment { header, payload: rest })
}

/// Whether a UDP payload is a whole segment of a known protocol.
#[must_use]
pub fn is_segment(payload: &[u8]) -> bool {
    segment(payload).is_ok_and(|segment| {
        segment.header.reserved() == 0
            && !matches!(segment.protocol(), Protocol::Other(_))
            && segment.messages().all(|message| message.is_ok())
    })
}

/// Walks the messages of a segment.
#[derive(Debug, Clone)]
pub struct Messages<'b> {
    payload: &'b [u8],
    at: usize,
    left: usize,
    segment_len: usize,
}

impl<'b> Messages<'b> {
    fn next_message(&mut self) -> Option<Result<&'b [u8], (&'static str, Found)>> {
        let rest = self.payload.get(self.at..)?;
        if self.left == 0 {
            let surplus = ("no byte behind the last message", Found::Length(rest.len()));
            return (!rest.is_empty()).then_some(Err(surplus));
        }
        let Ok((len, rest)) = U16::ref_from_prefix(rest) else {
            return Some(Err(("a message length", Found::End(rest.len()))));
        };
        let len = usize::from(len.get());
        let Some(message) = rest.get(..len) else {
            return Some(Err(("a message within the segment", Found::Length(len))));
        };
        self.left -= 1;
        self.at += size_of::<U16>() + len;
        Some(Ok(message))
    }
}

impl<'b> Iterator for Messages<'b> {
    /// A message's bytes. An error's offset counts from the start of the segment.
    type Item = Result<&'b [u8], DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.next_message()?;
        Some(item.map_err(|(expected, found)| {
            let offset = (HEADER_LEN + self.at) as u64;
            (self.payload, self.at, self.left) = (&[], 0, 0);
            DecodeError { offset, expected, found, resume: Some(self.segment_len) }
        }))
    }
}

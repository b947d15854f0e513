//! MoldUDP64: downstream packets, messages behind lengths under a session and a sequence number.
//!
//! 1. A packet is one UDP payload: header (session, number of the first message, count), then the messages.
//! 2. A count of zero is a heartbeat, 0xFFFF the end of the session; both carry the number that comes next.
//! 3. Only messages that are whole count: a packet that is cut has fewer than it claims.
//! 4. What was lost is asked for again ([`Request`]) of a server that has kept it ([`History`]), and several lines of the
//!    same packets become one stream ([`Arbiter`]).
//!
//! Source: *MoldUDP64 Protocol Specification* 1.00, "Downstream Packet".

mod arbiter;
mod gaps;
mod history;
mod request;

pub use arbiter::{
    Arbiter, Counters, Delivery, ENDED_SESSIONS_MAX, LineCounters, Origin, WINDOW_BYTES_MAX,
    WINDOW_MESSAGES_MAX, Waits,
};
pub use gaps::GAPS_MAX;
pub use history::{Answer, HISTORY_BYTES_MAX, History};
pub use request::{REQUEST_BYTES, REQUEST_MESSAGES_MAX, Request};

use zerocopy::big_endian::{U16, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::decode::{DecodeError, Found};

/// Bytes of a packet's header.
pub const HEADER_BYTES: usize = 20;
/// Bytes of the length before a message.
pub const LENGTH_BYTES: usize = 2;
/// The count that ends a session.
pub const END_OF_SESSION: u16 = 0xFFFF;

/// The name of a session: ten ASCII characters, blanks on the left or right.
pub type Session = [u8; 10];

#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Header {
    session: Session,
    sequence: U64,
    count: U16,
}

const _: () = assert!(size_of::<Header>() == HEADER_BYTES);

/// One downstream packet, a view over its UDP payload.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'b> {
    header: &'b Header,
    blocks: &'b [u8],
}

impl<'b> Packet<'b> {
    /// Reads the header of the packet that `payload` holds.
    ///
    /// # Errors
    /// The payload is shorter than a header.
    pub fn parse(payload: &'b [u8]) -> Result<Self, DecodeError> {
        match Header::ref_from_prefix(payload) {
            Ok((header, blocks)) => Ok(Self { header, blocks }),
            Err(_) => Err(DecodeError {
                offset: 0,
                expected: "a MoldUDP64 header of 20 bytes",
                found: Found::Length(payload.len()),
                resume: Some(payload.len()),
            }),
        }
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> Session {
        self.header.session
    }

    /// The number of the first message; of the next one to come, where the packet has no messages.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.header.sequence.get()
    }

    /// How many messages the packet claims to hold.
    #[must_use]
    pub fn count(&self) -> u16 {
        match self.header.count.get() {
            END_OF_SESSION => 0,
            count => count,
        }
    }

    /// The session has ended; this packet holds no messages.
    #[must_use]
    pub fn is_end_of_session(&self) -> bool {
        self.header.count.get() == END_OF_SESSION
    }

    /// Nothing has happened; this packet holds no messages.
    #[must_use]
    pub fn is_heartbeat(&self) -> bool {
        self.header.count.get() == 0
    }

    /// The messages in their order, then one error where the packet ends before the messages that it claims.
    #[must_use]
    pub fn messages(&self) -> Messages<'b> {
        Messages { rest: self.blocks, at: HEADER_BYTES, left: self.count() }
    }
}

/// The messages of one packet.
#[derive(Debug, Clone)]
pub struct Messages<'b> {
    rest: &'b [u8],
    at: usize,
    left: u16,
}

impl<'b> Iterator for Messages<'b> {
    type Item = Result<&'b [u8], DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let Some(message) = block(self.rest) else {
            self.left = 0;
            return Some(Err(DecodeError {
                offset: self.at as u64,
                expected: "a whole message, as the packet's count says",
                found: Found::End(self.rest.len()),
                resume: Some(self.at + self.rest.len()),
            }));
        };
        let used = LENGTH_BYTES + message.len();
        self.rest = self.rest.get(used..).unwrap_or_default();
        self.at += used;
        Some(Ok(message))
    }
}

/// The message behind the big-endian length at the start of `bytes`, or `None` where it is not whole.
#[inline]
fn block(bytes: &[u8]) -> Option<&[u8]> {
    let (&length, rest) = bytes.split_first_chunk::<LENGTH_BYTES>()?;
    rest.get(..usize::from(u16::from_be_bytes(length)))
}

/// Builds downstream packets, in one buffer that is used again.
#[derive(Debug, Clone)]
pub struct PacketBuilder {
    bytes: Vec<u8>,
    session: Session,
    /// The number of the packet's first message.
    sequence: u64,
    count: u16,
}

impl PacketBuilder {
    /// A builder whose first message has the number `sequence`.
    #[must_use]
    pub fn new(session: Session, sequence: u64) -> Self {
        let mut builder = Self { bytes: Vec::new(), session, sequence, count: 0 };
        builder.clear();
        builder
    }

    /// Bytes of the packet so far, header included.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Messages in the packet so far.
    #[must_use]
    pub fn count(&self) -> u16 {
        self.count
    }

    /// Adds a message. `false`, and nothing added: it is longer than 65,535 bytes, or the packet holds 65,534.
    #[must_use]
    pub fn push(&mut self, message: &[u8]) -> bool {
        let Ok(length) = u16::try_from(message.len()) else {
            return false;
        };
        if self.count == END_OF_SESSION - 1 {
            return false;
        }
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(message);
        self.count += 1;
        true
    }

    /// Hands the packet to `send` (a heartbeat where no message was added), and starts the next one.
    pub fn finish<R>(&mut self, send: impl FnOnce(&[u8]) -> R) -> R {
        self.finish_as(self.count, send)
    }

    /// Hands the mark of the end of the session to `send`. Messages that were not yet sent are dropped.
    pub fn finish_session<R>(&mut self, send: impl FnOnce(&[u8]) -> R) -> R {
        self.clear();
        self.finish_as(END_OF_SESSION, send)
    }

    fn finish_as<R>(&mut self, count: u16, send: impl FnOnce(&[u8]) -> R) -> R {
        let header =
            Header { session: self.session, sequence: self.sequence.into(), count: count.into() };
        self.bytes.splice(..HEADER_BYTES, header.as_bytes().iter().copied());
        let sent = send(&self.bytes);
        self.sequence = self.sequence.wrapping_add(u64::from(self.count));
        self.clear();
        sent
    }

    fn clear(&mut self) {
        self.count = 0;
        self.bytes.clear();
        self.bytes.resize(HEADER_BYTES, 0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SESSION: Session = *b"000000001A";

    #[test]
    fn heartbeat_and_end_of_session_carry_the_next_number() {
        let mut builder = PacketBuilder::new(SESSION, 7);
        assert!(builder.push(b"x"));
        builder.finish(|bytes| assert_eq!(Packet::parse(bytes).unwrap().sequence(), 7));
        builder.finish(|bytes| {
            let packet = Packet::parse(bytes).unwrap();
            assert!(packet.is_heartbeat() && packet.sequence() == 8);
        });
        builder.finish_session(|bytes| {
            let packet = Packet::parse(bytes).unwrap();
            assert!(packet.is_end_of_session() && packet.sequence() == 8 && packet.count() == 0);
            assert_eq!(packet.messages().count(), 0);
        });
    }

    #[test]
    fn a_cut_packet_ends_with_one_error() {
        let mut builder = PacketBuilder::new(SESSION, 1);
        assert!(builder.push(b"abc") && builder.push(b"defg"));
        builder.finish(|bytes| {
            let packet = Packet::parse(&bytes[..bytes.len() - 1]).unwrap();
            let all: Vec<_> = packet.messages().collect();
            assert_eq!(all[0], Ok(&b"abc"[..]));
            let error = all[1].unwrap_err();
            assert_eq!((error.offset, error.found), (25, Found::End(5)));
            assert_eq!(all.len(), 2);
        });
    }

    proptest! {
        #[test]
        fn what_is_built_is_read(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..40),
            session: Session,
            sequence: u64,
        ) {
            let mut builder = PacketBuilder::new(session, sequence);
            for message in &messages {
                prop_assert!(builder.push(message));
            }
            builder.finish(|bytes| {
                let packet = Packet::parse(bytes).unwrap();
                prop_assert_eq!((packet.session(), packet.sequence()), (session, sequence));
                let read: Result<Vec<_>, _> = packet.messages().collect();
                prop_assert_eq!(read.unwrap(), messages);
                Ok(())
            })?;
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(packet) = Packet::parse(&bytes) {
                let used: usize =
                    packet.messages().flatten().map(|message| LENGTH_BYTES + message.len()).sum();
                prop_assert!(HEADER_BYTES + used <= bytes.len());
            }
        }
    }
}

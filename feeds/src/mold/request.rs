//! Requests: what a receiver sends to have messages once more.
//!
//! Source: *MoldUDP64 Protocol Specification* 1.00, "Request Packet".

use zerocopy::{FromBytes, IntoBytes};

use super::{HEADER_BYTES, Header, Session};
use crate::decode::{DecodeError, Found};

/// Bytes of a request: it is laid out as the header of a downstream packet.
pub const REQUEST_BYTES: usize = HEADER_BYTES;
/// Messages that one request asks for at most. An answer is one packet: the rest is asked for again.
pub const REQUEST_MESSAGES_MAX: u16 = 1024;

/// Asks for messages `sequence`, `sequence + 1`, ... of a session, `count` of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// The session.
    pub session: Session,
    /// The number of the first message.
    pub sequence: u64,
    /// How many.
    pub count: u16,
}

impl Request {
    /// Reads the request that the UDP payload holds.
    ///
    /// # Errors
    /// The payload has not the length of a request.
    pub fn parse(payload: &[u8]) -> Result<Self, DecodeError> {
        let header = Header::ref_from_bytes(payload).map_err(|_| DecodeError {
            offset: 0,
            expected: "a MoldUDP64 request of 20 bytes",
            found: Found::Length(payload.len()),
            resume: Some(payload.len()),
        })?;
        let (session, sequence) = (header.session, header.sequence.get());
        Ok(Self { session, sequence, count: header.count.get() })
    }

    /// The payload of the request.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; REQUEST_BYTES] {
        let Self { session, sequence, count } = *self;
        let header = Header { session, sequence: sequence.into(), count: count.into() };
        let mut bytes = [0; REQUEST_BYTES];
        bytes.copy_from_slice(header.as_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_and_other_lengths_are_refused(session: Session, sequence: u64, count: u16) {
            let request = Request { session, sequence, count };
            let bytes = request.to_bytes();
            prop_assert_eq!(Request::parse(&bytes), Ok(request));
            prop_assert_eq!(bytes[10..18].to_vec(), sequence.to_be_bytes().to_vec());
            let short = Request::parse(&bytes[1..]).unwrap_err();
            prop_assert_eq!(short.found, Found::Length(REQUEST_BYTES - 1));
        }
    }
}

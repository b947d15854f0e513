//! Files of ITCH messages, each behind a big-endian two-byte length.
//!
//! 1. A frame is known by its length alone, so that a message that can not be read does not hide the next one.
//! 2. A length of zero is padding, or the mark of the end: it is skipped.

use super::{Message, decode};
use crate::decode::{DecodeError, Decoded, Decoder};

/// Bytes of the length before a message.
pub const LENGTH_BYTES: usize = 2;

/// What stands at the start of the bytes of such a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'b> {
    /// The bytes of a message, whole but unread. The next frame is [`LENGTH_BYTES`] and these bytes further on.
    Message(&'b [u8]),
    /// A length of zero; the next frame is [`LENGTH_BYTES`] further on.
    Padding,
    /// The frame does not end within the bytes: it needs this many from its start.
    NeedMore(usize),
}

/// Cuts the first frame from `bytes` without looking into it.
#[inline]
#[must_use]
pub fn frame(bytes: &[u8]) -> Frame<'_> {
    let Some((&length, rest)) = bytes.split_first_chunk::<LENGTH_BYTES>() else {
        return Frame::NeedMore(LENGTH_BYTES);
    };
    let length = usize::from(u16::from_be_bytes(length));
    match rest.get(..length) {
        Some([]) => Frame::Padding,
        Some(message) => Frame::Message(message),
        None => Frame::NeedMore(LENGTH_BYTES + length),
    }
}

/// Decodes a file of ITCH messages, each behind a big-endian two-byte length.
///
/// After an error [`DecodeError::resume`] leads to the next frame.
#[derive(Debug, Clone, Copy, Default)]
pub struct ItchFileDecoder;

impl Decoder for ItchFileDecoder {
    type Message<'b> = Message<'b>;

    #[inline]
    fn decode<'b>(&mut self, bytes: &'b [u8]) -> Result<Decoded<Message<'b>>, DecodeError> {
        match frame(bytes) {
            Frame::Message(inside) => match decode(inside) {
                Ok(message) => {
                    Ok(Decoded::Message { message, consumed: LENGTH_BYTES + inside.len() })
                }
                Err(error) => Err(in_frame(error)),
            },
            Frame::Padding => Ok(Decoded::Skip { consumed: LENGTH_BYTES }),
            Frame::NeedMore(needed) => Ok(Decoded::NeedMore { needed }),
        }
    }
}

/// An error of a message, seen from the start of its frame.
#[cold]
pub(crate) fn in_frame(error: DecodeError) -> DecodeError {
    let resume = error.resume.map(|bytes| bytes + LENGTH_BYTES);
    DecodeError { resume, ..error.at(LENGTH_BYTES as u64) }
}

//! The one shape of every decoder: bytes in, a message or a wish for more bytes or an error out; no I/O.

/// What a decoder found at the start of the bytes it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoded<M> {
    /// One whole message. The next one starts `consumed` bytes further on.
    Message {
        /// The message, a view over the bytes.
        message: M,
        /// Bytes used, headers before the message included. Never zero.
        consumed: usize,
    },
    /// `consumed` bytes that hold nothing for the caller: a heartbeat, padding, a packet of another protocol.
    Skip {
        /// Bytes used. Never zero.
        consumed: usize,
    },
    /// The bytes end inside a frame: call again with the same bytes and more behind them.
    NeedMore {
        /// How many bytes the frame needs from its start, as far as is known. More than were given.
        needed: usize,
    },
}

impl<M> Decoded<M> {
    /// The same, with what `to` makes of the message.
    pub fn map<N>(self, to: impl FnOnce(M) -> N) -> Decoded<N> {
        match self {
            Self::Message { message, consumed } => {
                Decoded::Message { message: to(message), consumed }
            }
            Self::Skip { consumed } => Decoded::Skip { consumed },
            Self::NeedMore { needed } => Decoded::NeedMore { needed },
        }
    }
}

/// A decoder without I/O: a state machine over bytes.
///
/// The caller keeps the buffer. After [`Decoded::Message`] or [`Decoded::Skip`] it drops the `consumed` bytes,
/// after [`Decoded::NeedMore`] it appends, and after an error it may drop [`DecodeError::resume`] bytes and go
/// on with the next frame.
pub trait Decoder {
    /// A view over the bytes given.
    type Message<'b>;

    /// Decodes what stands at the start of `bytes`.
    ///
    /// # Errors
    /// The frame at the start of `bytes` breaks its specification; the error says where, and what was expected.
    fn decode<'b>(&mut self, bytes: &'b [u8]) -> Result<Decoded<Self::Message<'b>>, DecodeError>;
}

/// Bytes that break their specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("offset {offset}: expected {expected}, found {found}")]
pub struct DecodeError {
    /// Where, in bytes from the start of what the decoder was given. Whoever keeps the stream's position adds it
    /// (see [`DecodeError::at`]).
    pub offset: u64,
    /// What the specification asks for here, in a few words.
    pub expected: &'static str,
    /// What stands there.
    pub found: Found,
    /// How many of the bytes given to drop to reach the next frame. `None`: the stream can not be read further.
    pub resume: Option<usize>,
}

impl DecodeError {
    /// The same error, placed in a stream of which the bytes given started at `base`.
    #[must_use]
    pub fn at(mut self, base: u64) -> Self {
        self.offset += base;
        self
    }
}

/// What a decoder found in place of what it expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Found {
    /// A message type that the specification does not know.
    Type(u8),
    /// A length in bytes.
    Length(usize),
    /// A number that is not allowed in its place.
    Value(u64),
    /// The end of the input, with this many bytes of an unfinished frame before it.
    End(usize),
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Type(byte) if byte.is_ascii_graphic() => {
                write!(f, "type '{}'", char::from(*byte))
            }
            Self::Type(byte) => write!(f, "type 0x{byte:02x}"),
            Self::Length(bytes) => write!(f, "a length of {bytes} bytes"),
            Self::Value(value) => write!(f, "{value} (0x{value:x})"),
            Self::End(0) => write!(f, "the end of the input"),
            Self::End(bytes) => write!(f, "the end of the input after {bytes} bytes of the frame"),
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::{Decoded, Decoder};

    /// Whatever the bytes: each step moves on, and nothing beyond them is used.
    pub(crate) fn assert_decoder_holds_its_promises(decoder: &mut impl Decoder, mut bytes: &[u8]) {
        loop {
            let used = match decoder.decode(bytes) {
                Ok(Decoded::Message { consumed, .. } | Decoded::Skip { consumed }) => consumed,
                Ok(Decoded::NeedMore { needed }) => {
                    assert!(needed > bytes.len());
                    return;
                }
                Err(error) => {
                    assert!(error.offset <= bytes.len() as u64);
                    let Some(resume) = error.resume else { return };
                    resume
                }
            };
            assert!(used > 0 && used <= bytes.len());
            bytes = &bytes[used..];
        }
    }
}

//! To come in the next commit.

use crate::decode::{DecodeError, Found};

/// Placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// DEEP 1.0.
    Deep10,
    /// TOPS 1.6.
    Tops16,
    /// Another one.
    Other(u16),
}

/// Placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a>(pub &'a [u8]);

/// Placeholder.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    /// Protocol.
    pub protocol: Protocol,
    /// Session.
    pub session: u32,
    /// Channel.
    pub channel: u32,
    /// Offset of the first message in the stream.
    pub stream_offset: i64,
    /// Number of the first message.
    pub first_sequence: u64,
    /// Count.
    pub message_count: u16,
    /// Send time.
    pub send_time_ns: i64,
    /// The payload.
    pub payload: &'a [u8],
}

const COMING: DecodeError =
    DecodeError { offset: 0, expected: "a later commit", found: Found::End(0), resume: None };

/// Placeholder.
///
/// # Errors
/// Always.
pub fn segment(_payload: &[u8]) -> Result<Segment<'_>, DecodeError> {
    Err(COMING)
}

/// Placeholder.
///
/// # Errors
/// Always.
pub fn decode(_protocol: Protocol, _message: &[u8]) -> Result<Message<'_>, DecodeError> {
    Err(COMING)
}

/// Placeholder.
#[must_use]
pub fn is_segment(_payload: &[u8]) -> bool {
    false
}

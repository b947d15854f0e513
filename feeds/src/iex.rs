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
pub struct SegmentHeader;

impl SegmentHeader {
    /// Placeholder.
    #[must_use]
    pub fn session(&self) -> u32 {
        0
    }

    /// Placeholder.
    #[must_use]
    pub fn stream_offset(&self) -> i64 {
        0
    }

    /// Placeholder.
    #[must_use]
    pub fn message_count(&self) -> u16 {
        0
    }

    /// Placeholder.
    #[must_use]
    pub fn send_time_ns(&self) -> i64 {
        0
    }
}

/// Placeholder.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a>(pub &'a SegmentHeader);

impl<'a> Segment<'a> {
    /// Placeholder.
    #[must_use]
    pub fn header(&self) -> &'a SegmentHeader {
        self.0
    }

    /// Placeholder.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        Protocol::Other(0)
    }

    /// Placeholder.
    #[must_use]
    pub fn first_sequence(&self) -> u64 {
        0
    }
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

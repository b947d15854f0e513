//! To come in the next commit.

use crate::decode::{DecodeError, Decoded, Decoder, Found};

/// Placeholder.
#[derive(Debug, Clone, Copy)]
pub struct Record<'b>(pub &'b [u8]);

/// Placeholder.
#[derive(Debug, Default)]
pub struct DbnDecoder;

impl DbnDecoder {
    /// Placeholder.
    #[must_use]
    pub fn metadata(&self) -> Option<&::dbn::Metadata> {
        None
    }
}

/// Placeholder.
#[must_use]
pub fn looks_like(bytes: &[u8]) -> bool {
    bytes.starts_with(b"DBN")
}

impl Decoder for DbnDecoder {
    type Message<'b> = Record<'b>;

    fn decode<'b>(&mut self, _bytes: &'b [u8]) -> Result<Decoded<Record<'b>>, DecodeError> {
        Err(DecodeError {
            offset: 0,
            expected: "a later commit",
            found: Found::End(0),
            resume: None,
        })
    }
}

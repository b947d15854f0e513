//! A capture of lines, opened.

use std::io::Read;
use std::path::Path;

use super::message::{Received, decode};
use crate::capture::{CaptureError, Line, Unwrapped};

const CONTENT: &str = "lines of Binance's streams, \"<received, ns since 1970> <JSON>\"";

/// An open capture, plain or in gzip or zstd.
pub struct BinanceCapture {
    input: Unwrapped,
}

impl BinanceCapture {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// The file can not be read, is empty, or does not start with such a line.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CaptureError> {
        Self::of(Unwrapped::open(path)?)
    }

    /// Reads from `reader`, which needs no buffer of its own.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_reader(reader: impl Read + Send + 'static) -> Result<Self, CaptureError> {
        Self::of(Unwrapped::from_reader(reader)?)
    }

    fn of(mut input: Unwrapped) -> Result<Self, CaptureError> {
        let line = input.first_line()?;
        let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
        match line.get(digits..) {
            Some([b' ', b'{', ..]) if digits > 0 => Ok(Self { input }),
            _ => Err(input.unexpected(CONTENT)),
        }
    }

    /// The next line with its place and its bytes, or `None` at the end. Blank lines are passed over.
    ///
    /// # Errors
    /// After [`CaptureError::Decode`] the next call goes on with the next line, or is at the end where there is no
    /// [`resume`](crate::decode::DecodeError::resume). After any other error nothing more is to be asked for.
    #[allow(clippy::should_implement_trait)] // A line borrows the window: an iterator can not lend.
    pub fn next(&mut self) -> Result<Option<(Line<'_>, Received<'_>)>, CaptureError> {
        let line = self.input.line_where(|text| !text.trim_ascii().is_empty())?;
        let Some(line) = line else { return Ok(None) };
        let received = decode(line.text).map_err(|error| error.at(line.offset))?;
        Ok(Some((line, received)))
    }

    /// Bytes read from the file or the reader, before they are unwrapped.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.input.bytes_read()
    }

    /// The length of the file in bytes, before it is unwrapped, where it is known.
    #[must_use]
    pub fn bytes_total(&self) -> Option<u64> {
        self.input.bytes_total()
    }
}

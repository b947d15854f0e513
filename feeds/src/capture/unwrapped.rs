//! An input of which only the wrappings are known: its lines, or the frames of a decoder that the caller has.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::buffer::Buffer;
use super::{CaptureError, DETECT_BYTES, Head, broken, input};
use crate::decode::{DecodeError, Decoded, Decoder, Found};

/// The longest line, in bytes.
pub const LINE_BYTES_MAX: usize = 16 << 20;

/// An input without its wrappings.
pub struct Unwrapped {
    buffer: Buffer,
    bytes_read: Arc<AtomicU64>,
    bytes_total: Option<u64>,
}

/// A line of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Where it starts in the unwrapped input, in bytes.
    pub offset: u64,
    /// Its bytes, without the end of the line.
    pub text: &'a [u8],
}

impl Unwrapped {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// The file can not be read, or is empty.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CaptureError> {
        let (file, bytes_total) = input::open(path.as_ref())?;
        Ok(Self { bytes_total, ..Self::from_reader(file)? })
    }

    /// Reads from `reader`, which needs no buffer of its own.
    ///
    /// # Errors
    /// The input can not be read, or is empty.
    pub fn from_reader(reader: impl Read + Send + 'static) -> Result<Self, CaptureError> {
        let (reader, bytes_read) = input::unwrap(reader)?;
        let mut buffer = Buffer::new(reader);
        match buffer.read_until(1)? {
            true => Ok(Self { buffer, bytes_read, bytes_total: None }),
            false => Err(CaptureError::Empty),
        }
    }

    /// What comes next, a kilobyte of it or all that there is, without taking it.
    ///
    /// # Errors
    /// The input can not be read.
    pub fn head(&mut self) -> Result<&[u8], CaptureError> {
        self.buffer.read_until(DETECT_BYTES)?;
        let unread = self.buffer.unread();
        Ok(&unread[..unread.len().min(DETECT_BYTES)])
    }

    /// The error of an input that starts with something else than it is to hold.
    pub(crate) fn unexpected(&mut self, expected: &'static str) -> CaptureError {
        match self.head() {
            Ok(head) => CaptureError::Content { head: Head::of(head), expected },
            Err(error) => error,
        }
    }

    /// The first line, without taking it; as much of it as [`head`](Self::head) gives, if it is longer.
    pub(crate) fn first_line(&mut self) -> Result<&[u8], CaptureError> {
        let head = self.head()?;
        let end = head.iter().position(|byte| *byte == b'\n').unwrap_or(head.len());
        Ok(&head[..end])
    }

    /// The next line, or `None` at the end. The last one needs no end of a line.
    ///
    /// # Errors
    /// The input can not be read, or a line is longer than [`LINE_BYTES_MAX`]: nothing more comes from it.
    pub fn line(&mut self) -> Result<Option<Line<'_>>, CaptureError> {
        self.line_where(|_| true)
    }

    /// The next line of those that `is_meant` says are meant.
    pub(crate) fn line_where(
        &mut self,
        is_meant: impl Fn(&[u8]) -> bool,
    ) -> Result<Option<Line<'_>>, CaptureError> {
        let (at, bytes) = loop {
            let Some((at, bytes)) = self.next_line()? else { return Ok(None) };
            if is_meant(self.buffer.get(at..at + bytes)) {
                break (at, bytes);
            }
        };
        let text = self.buffer.get(at..at + bytes);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        Ok(Some(Line { offset: self.buffer.offset(at), text }))
    }

    /// Takes a line: where in the window it is, and how many bytes it has.
    fn next_line(&mut self) -> Result<Option<(usize, usize)>, CaptureError> {
        let mut seen = 0;
        let (bytes, consumed) = loop {
            let unread = self.buffer.unread();
            let end = unread.get(seen..).and_then(|new| new.iter().position(|byte| *byte == b'\n'));
            if let Some(end) = end {
                break (seen + end, seen + end + 1);
            }
            seen = unread.len();
            if seen > LINE_BYTES_MAX {
                let offset = self.buffer.unread_offset();
                self.buffer.end();
                let (expected, found) = ("a line of at most 16 MiB", Found::Length(seen));
                return Err(DecodeError { offset, expected, found, resume: None }.into());
            }
            if !self.buffer.read_until(seen + 1)? {
                match seen {
                    0 => return Ok(None),
                    _ => break (seen, seen),
                }
            }
        };
        Ok(Some((self.buffer.consume(consumed), bytes)))
    }

    /// The next frame of `decoder` with its place in the unwrapped input, or `None` at the end; `expected` says what a
    /// frame is. The decoder must read a frame again as it read it the first time.
    ///
    /// # Errors
    /// As [`Capture::next`](super::Capture::next).
    pub fn frame<D: Decoder>(
        &mut self,
        decoder: &mut D,
        expected: &'static str,
    ) -> Result<Option<(u64, D::Message<'_>)>, CaptureError> {
        let bytes = loop {
            // Without the message itself, which would hold on to the window.
            let decoded = decoder.decode(self.buffer.unread()).map(|decoded| match decoded {
                Decoded::Message { consumed, .. } => Decoded::Message { message: (), consumed },
                Decoded::Skip { consumed } => Decoded::Skip { consumed },
                Decoded::NeedMore { needed } => Decoded::NeedMore { needed },
            });
            match decoded {
                Ok(Decoded::Message { consumed, .. }) => break consumed,
                Ok(Decoded::Skip { consumed }) => {
                    self.buffer.consume(consumed);
                }
                Ok(Decoded::NeedMore { needed }) => {
                    if !self.buffer.fill(needed, expected)? {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(broken(&mut self.buffer, error)),
            }
        };
        let at = self.buffer.consume(bytes);
        let offset = self.buffer.offset(at);
        // Decoded again, because a view can not leave the loop that may also refill the window.
        match decoder.decode(self.buffer.get(at..at + bytes)) {
            Ok(Decoded::Message { message, .. }) => Ok(Some((offset, message))),
            _ => Ok(None),
        }
    }

    /// Bytes read from the file or the reader, before they are unwrapped.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// The length of the file in bytes, before it is unwrapped, where it is known.
    #[must_use]
    pub fn bytes_total(&self) -> Option<u64> {
        self.bytes_total
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::capture::buffer::WINDOW_BYTES;

    fn lines(bytes: Vec<u8>) -> Vec<(u64, Vec<u8>)> {
        let mut input = Unwrapped::from_reader(Cursor::new(bytes)).unwrap();
        let mut lines = Vec::new();
        while let Some(line) = input.line().unwrap() {
            lines.push((line.offset, line.text.to_vec()));
        }
        lines
    }

    #[test]
    fn lines_come_whole_and_the_last_needs_no_end() {
        let long = vec![b'x'; 3 * WINDOW_BYTES];
        let text = [b"a\r\n\n", long.as_slice(), b"\nlast"].concat();
        let behind = 5 + long.len() as u64;
        let expected = vec![(0, b"a".to_vec()), (3, vec![]), (4, long), (behind, b"last".to_vec())];
        assert_eq!(lines(text), expected);
        assert_eq!(lines(b"one\n".to_vec()), [(0, b"one".to_vec())]);
    }

    #[test]
    fn a_line_without_an_end_is_an_error() {
        let mut input =
            Unwrapped::from_reader(Cursor::new(vec![b'x'; LINE_BYTES_MAX + 9])).unwrap();
        let error = input.line().unwrap_err().to_string();
        assert!(error.starts_with("offset 0: expected a line of at most 16 MiB"), "{error}");
        assert_eq!(input.line().unwrap(), None);
        assert!(matches!(Unwrapped::from_reader(Cursor::new([])), Err(CaptureError::Empty)));
    }
}

//! The window over the input that decoders look through.
//!
//! 1. What was consumed stays in place until the next fill: positions into the window live that long.
//! 2. A fill moves what is unread to the front only when there is no room behind it.
//! 3. Room grows with the bytes that are in the input, never with a length that is only claimed; the lengths of frames
//!    have limits in their decoders.

use std::io::{ErrorKind, Read};
use std::ops::Range;

use super::CaptureError;
use super::input::{Bytes, read_failed};
use crate::decode::{DecodeError, Found};

/// Bytes of the window to start with.
pub(super) const WINDOW_BYTES: usize = 2 << 20;

pub(super) struct Buffer {
    reader: Bytes,
    bytes: Vec<u8>,
    unread: Range<usize>,
    /// Where `bytes` starts in the input.
    base: u64,
    ended: bool,
    /// The input has ended inside a frame.
    cut: bool,
}

impl Buffer {
    pub(super) fn new(reader: Bytes) -> Self {
        let bytes = vec![0; WINDOW_BYTES];
        Self { reader, bytes, unread: 0..0, base: 0, ended: false, cut: false }
    }

    /// What is in the window, read from the input and not consumed.
    #[inline]
    pub(super) fn unread(&self) -> &[u8] {
        self.bytes.get(self.unread.clone()).unwrap_or_default()
    }

    /// Bytes by their positions in the window.
    #[inline]
    pub(super) fn get(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Consumes `count` bytes, or all that is unread, and says where in the window they start.
    #[inline]
    pub(super) fn consume(&mut self, count: usize) -> usize {
        let at = self.unread.start;
        self.unread.start = at.saturating_add(count).min(self.unread.end);
        at
    }

    /// The place in the input of a position in the window.
    #[inline]
    pub(super) fn offset(&self, at: usize) -> u64 {
        self.base + at as u64
    }

    /// The whole window.
    pub(super) fn window(&self) -> &[u8] {
        &self.bytes
    }

    /// The position in the window of the first unread byte.
    pub(super) fn unread_start(&self) -> usize {
        self.unread.start
    }

    /// The place in the input of the first unread byte.
    pub(super) fn unread_offset(&self) -> u64 {
        self.offset(self.unread.start)
    }

    /// Whether the input has ended inside a frame.
    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Takes nothing more from the input.
    pub(super) fn end(&mut self) {
        self.unread.start = self.unread.end;
        self.ended = true;
    }

    /// Reads until at least `needed` bytes are unread. `false`: the input has ended between two frames.
    ///
    /// An input that ends inside a frame is an error, told once: `expected` says what the frame was to be.
    pub(super) fn fill(
        &mut self,
        needed: usize,
        expected: &'static str,
    ) -> Result<bool, CaptureError> {
        match self.read_until(needed) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(error) => {
                self.end();
                return Err(error);
            }
        }
        let offset = self.unread_offset();
        let found = self.unread.len();
        self.end();
        if found == 0 {
            return Ok(false);
        }
        self.cut = true;
        let found = Found::End(found);
        Err(DecodeError { offset, expected, found, resume: None }.into())
    }

    /// Reads until `needed` bytes are unread, or the input has ended (`false`).
    pub(super) fn read_until(&mut self, needed: usize) -> Result<bool, CaptureError> {
        while self.unread.len() < needed {
            if self.ended {
                return Ok(false);
            }
            self.make_room(needed);
            let room = self.bytes.get_mut(self.unread.end..).unwrap_or_default();
            match self.reader.read(room) {
                Ok(0) => self.ended = true,
                Ok(read) => self.unread.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(read_failed(error)),
            }
        }
        Ok(true)
    }

    /// Makes room to read at least one byte more of a frame of `needed` bytes.
    fn make_room(&mut self, needed: usize) {
        let fits = self.bytes.len() - self.unread.start >= needed;
        if (fits || self.unread.start == 0) && self.unread.end < self.bytes.len() {
            return;
        }
        self.bytes.copy_within(self.unread.clone(), 0);
        self.base += self.unread.start as u64;
        self.unread = 0..self.unread.len();
        if self.unread.end == self.bytes.len() {
            self.bytes.resize(self.bytes.len() * 2, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_claimed_length_takes_no_memory() {
        let mut buffer = Buffer::new(Box::new(Cursor::new([7; 10])));
        assert!(matches!(buffer.read_until(1 << 40), Ok(false)));
        assert_eq!((buffer.unread(), buffer.bytes.len()), (&[7; 10][..], WINDOW_BYTES));
    }

    #[test]
    fn a_frame_larger_than_the_window_comes_whole() {
        let input: Vec<u8> = (0..3 * WINDOW_BYTES).map(|at| (at % 251) as u8).collect();
        let mut buffer = Buffer::new(Box::new(Cursor::new(input.clone())));
        assert!(matches!(buffer.read_until(5), Ok(true)));
        assert_eq!(buffer.consume(5), 0);
        assert!(matches!(buffer.read_until(input.len() - 5), Ok(true)));
        assert_eq!(buffer.unread(), &input[5..]);
        assert_eq!(buffer.unread_offset(), 5);
        assert!(matches!(buffer.read_until(input.len()), Ok(false)));
    }
}

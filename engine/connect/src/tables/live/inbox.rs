//! What a transport has received at once.

use std::ops::Range;

use tidewire_feeds::journal::Record;

/// What came of a look at a transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// Something has happened; there may be messages.
    Something,
    /// Nothing now, and perhaps later.
    Nothing,
    /// What is in the inbox is the last.
    End,
}

/// A message, as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'b> {
    /// Its number in the table, from 0.
    pub number: u64,
    /// When it was received, ns since the Unix epoch.
    pub received: i64,
    /// The line, connection or partition that it came from.
    pub line: u32,
    /// What it says.
    pub bytes: &'b [u8],
}

impl<'b> Message<'b> {
    pub(super) fn of(record: &Record<'b>) -> Self {
        let Record { number, received, line, bytes } = *record;
        Self { number, received, line, bytes }
    }
}

/// Messages that have come, and have not been read.
#[derive(Debug, Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    messages: Vec<(i64, u32, Range<usize>)>,
    next: usize,
    /// The number of the first of them.
    first: u64,
}

impl Inbox {
    /// Puts a message in.
    #[inline]
    pub fn push(&mut self, received: i64, line: u32, bytes: &[u8]) {
        self.push_parts(received, line, &[bytes]);
    }

    /// Puts a message in that is made of parts.
    #[inline]
    pub fn push_parts(&mut self, received: i64, line: u32, parts: &[&[u8]]) {
        let at = self.bytes.len();
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        self.messages.push((received, line, at..self.bytes.len()));
    }

    /// Empties it; the next message has this number.
    pub(super) fn begin(&mut self, first: u64) {
        self.bytes.clear();
        self.messages.clear();
        (self.next, self.first) = (0, first);
    }

    /// Whether all have been read.
    pub(super) fn is_empty(&self) -> bool {
        self.next == self.messages.len()
    }

    /// All, read or not.
    pub(super) fn iter(&self) -> impl Iterator<Item = Message<'_>> {
        (0..self.messages.len()).filter_map(|at| self.get(at))
    }

    /// Reads the next one.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Message<'_>> {
        let at = self.next;
        self.next += usize::from(at < self.messages.len());
        self.get(at)
    }

    #[inline]
    fn get(&self, at: usize) -> Option<Message<'_>> {
        let (received, line, range) = self.messages.get(at)?;
        let bytes = self.bytes.get(range.clone())?;
        Some(Message { number: self.first + at as u64, received: *received, line: *line, bytes })
    }
}

//! Journals: what a live source has received, kept as it came, in segments of a folder.
//!
//! 1. A segment is a header and records, all of them aligned to 8 bytes, little-endian. Its name is the number of its
//!    first record; records are numbered from 0 on over all segments.
//! 2. A record has a CRC32C over its number, its receive time, its line and its bytes. Where a word of zeros stands in
//!    place of one, nothing was written: space is taken before it is used.
//! 3. Behind the last whole record of the newest segment may stand a torn one, of a process that died: it is cut off, and
//!    said ([`Torn`]). Damage before the newest segment is an error.
//! 4. Numbers follow each other within a segment. Those passed over between two are records for which there was no room on
//!    the disk.
//!
//! ```text
//! segment  magic "TWJOURNL" (8)  version u32  header bytes u32  first record u64  bytes of the text u32
//!          CRC32C of all before and of the text u32  text (what it is of), zeros up to 8
//! record   CRC32C of what follows u32  bytes of the message | 2^31 u32  number u64
//!          received, ns since the epoch i64  line u32  message, zeros up to 8
//! ```

mod reader;

pub use reader::{JournalError, Reader, Segment, Torn, segments};

use crate::decode::{DecodeError, Decoded, Decoder, Found};

/// The first bytes of a segment.
pub const MAGIC: [u8; 8] = *b"TWJOURNL";
/// The version of the format.
pub const VERSION: u32 = 1;
/// Bytes of a header before its text.
const HEADER_BYTES: usize = 32;
/// Bytes of the text at most.
pub const OF_BYTES_MAX: usize = 512;
/// Bytes of a record before its message.
pub const RECORD_HEAD_BYTES: usize = 28;
/// Bytes of a message at most.
pub const MESSAGE_BYTES_MAX: usize = 16 << 20;
const ALIGNMENT: usize = 8;
/// Set in a record's length, so that none of them is a word of zeros.
const WRITTEN: u32 = 1 << 31;

const _: () = assert!(MESSAGE_BYTES_MAX < WRITTEN as usize);

/// What a segment says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The number of its first record.
    pub first: u64,
    /// What it is of: the connector and its format.
    pub of: String,
}

/// A record, a view over its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'b> {
    /// Its number, from 0.
    pub number: u64,
    /// When it was received, ns since the Unix epoch.
    pub received: i64,
    /// The line, connection or partition that it came from.
    pub line: u32,
    /// The message, as it was received.
    pub bytes: &'b [u8],
}

/// The bytes of a segment's header; a longer text than [`OF_BYTES_MAX`] is cut.
#[must_use]
pub fn header(first: u64, of: &str) -> Vec<u8> {
    let mut end = of.len().min(OF_BYTES_MAX);
    while !of.is_char_boundary(end) {
        end -= 1;
    }
    let of = of.as_bytes().get(..end).unwrap_or_default();
    let mut bytes = Vec::with_capacity(HEADER_BYTES + end + ALIGNMENT);
    let whole = (HEADER_BYTES + of.len()).next_multiple_of(ALIGNMENT);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(whole as u32).to_le_bytes());
    bytes.extend_from_slice(&first.to_le_bytes());
    bytes.extend_from_slice(&(of.len() as u32).to_le_bytes());
    let crc = checksum(&[&bytes, of].concat());
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes.extend_from_slice(of);
    bytes.resize(whole, 0);
    bytes
}

/// Bytes that a record with a message of so many takes.
#[must_use]
pub const fn record_bytes(message: usize) -> usize {
    (RECORD_HEAD_BYTES + message).next_multiple_of(ALIGNMENT)
}

/// Writes a record to the start of `room`, which is all zero. `false`, and nothing written: there is too little room, or
/// the message is longer than [`MESSAGE_BYTES_MAX`].
#[inline]
#[must_use]
pub fn write(record: &Record<'_>, room: &mut [u8]) -> bool {
    let length = record.bytes.len();
    let Some(room) = room.get_mut(..record_bytes(length)) else { return false };
    if length > MESSAGE_BYTES_MAX {
        return false;
    }
    let Some((head, rest)) = room.split_first_chunk_mut::<RECORD_HEAD_BYTES>() else {
        return false;
    };
    head[4..8].copy_from_slice(&(length as u32 | WRITTEN).to_le_bytes());
    head[8..16].copy_from_slice(&record.number.to_le_bytes());
    head[16..24].copy_from_slice(&record.received.to_le_bytes());
    head[24..28].copy_from_slice(&record.line.to_le_bytes());
    if let Some(message) = rest.get_mut(..length) {
        message.copy_from_slice(record.bytes);
    }
    let crc = checksum(room.get(4..RECORD_HEAD_BYTES + length).unwrap_or_default());
    if let Some(head) = room.first_chunk_mut::<4>() {
        *head = crc.to_le_bytes();
    }
    true
}

/// CRC32C (Castagnoli; RFC 3720, B.4).
#[inline]
fn checksum(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().copied().map(u64::from_le_bytes)
}

/// Decodes segments that stand one behind the other.
#[derive(Debug, Clone, Default)]
pub struct JournalDecoder {
    header: Option<Header>,
    /// The number of the next record, once a header was seen.
    next: Option<u64>,
    missing: u64,
    /// Nothing was written behind here, up to the next segment.
    is_at_end: bool,
}

impl JournalDecoder {
    /// `bytes` start as a segment does.
    #[must_use]
    pub fn looks_like(bytes: &[u8]) -> bool {
        bytes.starts_with(&MAGIC)
    }

    /// The header of the segment at hand.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// The number of the next record.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next.unwrap_or(0)
    }

    /// Records for which there was no room on the disk.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.missing
    }

    fn segment<'b>(&mut self, bytes: &[u8]) -> Result<Decoded<Record<'b>>, DecodeError> {
        let words = (u32_at(bytes, 8), u32_at(bytes, 12), u64_at(bytes, 16), u32_at(bytes, 24));
        let ((Some(version), Some(whole), Some(first), Some(of)), Some(crc)) =
            (words, u32_at(bytes, 28))
        else {
            return Ok(Decoded::NeedMore { needed: HEADER_BYTES });
        };
        if version != VERSION {
            let found = Found::Value(version.into());
            return Err(broken(8, "version 1 of the format of journals", found));
        }
        let (whole, of) = (whole as usize, of as usize);
        if of > OF_BYTES_MAX || whole != (HEADER_BYTES + of).next_multiple_of(ALIGNMENT) {
            return Err(broken(24, "a text of at most 512 bytes", Found::Length(of)));
        }
        let Some(text) = bytes.get(HEADER_BYTES..whole).and_then(|text| text.get(..of)) else {
            return Ok(Decoded::NeedMore { needed: whole });
        };
        let checked = bytes.get(..HEADER_BYTES - 4).unwrap_or_default();
        let of =
            std::str::from_utf8(text).ok().filter(|_| checksum(&[checked, text].concat()) == crc);
        let Some(of) = of else {
            return Err(broken(28, "the checksum of the header", Found::Value(crc.into())));
        };
        match self.next {
            Some(next) if first < next => {
                let expected = "a number above those of the segments before";
                return Err(broken(16, expected, Found::Value(first)));
            }
            Some(next) => self.missing += first - next,
            None => {}
        }
        (self.next, self.is_at_end) = (Some(first), false);
        self.header = Some(Header { first, of: of.to_owned() });
        Ok(Decoded::Skip { consumed: whole })
    }
}

/// The record in bytes that have been checked.
fn record(bytes: &[u8]) -> Option<Record<'_>> {
    let length = (u32_at(bytes, 4)? & !WRITTEN) as usize;
    Some(Record {
        number: u64_at(bytes, 8)?,
        received: u64_at(bytes, 16)?.cast_signed(),
        line: u32_at(bytes, 24)?,
        bytes: bytes.get(RECORD_HEAD_BYTES..)?.get(..length)?,
    })
}

fn broken(offset: u64, expected: &'static str, found: Found) -> DecodeError {
    DecodeError { offset, expected, found, resume: None }
}

impl Decoder for JournalDecoder {
    type Message<'b> = Record<'b>;

    fn decode<'b>(&mut self, bytes: &'b [u8]) -> Result<Decoded<Record<'b>>, DecodeError> {
        let Some(word) = bytes.first_chunk::<ALIGNMENT>() else {
            return Ok(Decoded::NeedMore { needed: ALIGNMENT });
        };
        if *word == MAGIC {
            return self.segment(bytes);
        }
        if *word == [0; ALIGNMENT] {
            self.is_at_end = true;
            return Ok(Decoded::Skip { consumed: ALIGNMENT });
        }
        let (crc, length) = (u32_at(bytes, 0), u32_at(bytes, 4).unwrap_or_default());
        let message = (length & !WRITTEN) as usize;
        if self.header.is_none()
            || self.is_at_end
            || length & WRITTEN == 0
            || message > MESSAGE_BYTES_MAX
        {
            let found = Found::Value(u64::from_le_bytes(*word));
            return Err(broken(0, "a record of a journal, or the head of a segment", found));
        }
        let consumed = record_bytes(message);
        let Some(whole) = bytes.get(..consumed) else {
            return Ok(Decoded::NeedMore { needed: consumed });
        };
        let checked = whole.get(4..RECORD_HEAD_BYTES + message).unwrap_or_default();
        if Some(checksum(checked)) != crc {
            let found = Found::Value(crc.unwrap_or_default().into());
            return Err(broken(0, "the checksum of a record", found));
        }
        let Some(message) = record(whole) else {
            return Ok(Decoded::NeedMore { needed: bytes.len() + 1 });
        };
        let number = message.number;
        if self.next != Some(number) {
            let expected = "the number behind that of the record before";
            return Err(broken(8, expected, Found::Value(number)));
        }
        self.next = Some(number.saturating_add(1));
        Ok(Decoded::Message { message, consumed })
    }
}

#[cfg(test)]
mod tests;

//! Reads the segments of a folder.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{JournalDecoder, Record, record};
use crate::decode::{DecodeError, Decoded, Decoder, Found};

/// Bytes that are read at once.
const READ_BYTES: usize = 256 << 10;
/// What the names of segments end with.
const EXTENSION: &str = "journal";

/// Why a journal can not be read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A file or folder can not be read.
    #[error("can not read {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A segment is damaged where no crash can have left it so.
    #[error("{}, {error}: the segment is damaged, and others stand behind it", path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// What is wrong, and where.
        error: DecodeError,
    },
}

/// What stands behind the last whole record of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// The segment.
    pub path: PathBuf,
    /// Where in it the last whole record ends, bytes.
    pub offset: u64,
    /// Bytes behind it that are no record, up to the last that is not zero.
    pub bytes: u64,
}

/// The segments of a folder, with the numbers of their first records, in their order. Other files are passed over.
///
/// # Errors
/// The folder can not be read.
pub fn segments(folder: &Path) -> Result<Vec<(u64, PathBuf)>, JournalError> {
    let failed = |source| JournalError::Read { path: folder.to_owned(), source };
    let mut segments = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_segment = path.extension().is_some_and(|extension| extension == EXTENSION);
        let first = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        if let Some(first) = first.filter(|_| is_segment) {
            segments.push((first, path));
        }
    }
    segments.sort();
    Ok(segments)
}

/// One segment, read from its beginning.
#[derive(Debug)]
pub struct Segment {
    path: PathBuf,
    file: File,
    decoder: JournalDecoder,
    bytes: Vec<u8>,
    at: usize,
    /// Where `bytes` begins in the file.
    base: u64,
    /// Where the last whole record ends, or the header.
    whole: u64,
    has_ended: bool,
}

impl Segment {
    /// The name of the segment that begins with this record.
    #[must_use]
    pub fn name(first: u64) -> String {
        format!("{first:020}.{EXTENSION}")
    }

    /// Opens it; `decoder` has read those before.
    fn open(path: PathBuf, decoder: JournalDecoder) -> Result<Self, JournalError> {
        let file = File::open(&path)
            .map_err(|source| JournalError::Read { path: path.clone(), source })?;
        let (bytes, whole) = (Vec::new(), 0);
        Ok(Self { path, file, decoder, bytes, at: 0, base: 0, whole, has_ended: false })
    }

    /// Reads more. `false`: there is no more.
    fn fill(&mut self) -> Result<bool, JournalError> {
        if self.has_ended {
            return Ok(false);
        }
        self.bytes.drain(..self.at);
        self.base += self.at as u64;
        self.at = 0;
        let mut piece = (&self.file).take(READ_BYTES as u64);
        let read = piece.read_to_end(&mut self.bytes);
        let read = read.map_err(|source| JournalError::Read { path: self.path.clone(), source })?;
        self.has_ended = read == 0;
        Ok(!self.has_ended)
    }

    /// The place of the next record in `bytes`, and its length.
    fn find(&mut self) -> Result<Option<Result<(usize, usize), DecodeError>>, JournalError> {
        loop {
            let at = self.at;
            match self.decoder.decode(self.bytes.get(at..).unwrap_or_default()) {
                Ok(Decoded::Message { consumed, .. }) => {
                    self.at += consumed;
                    self.whole = self.base + self.at as u64;
                    return Ok(Some(Ok((at, consumed))));
                }
                Ok(Decoded::Skip { consumed }) => {
                    // The header counts as whole, zeros do not.
                    if self.whole == 0 && self.decoder.header().is_some() {
                        self.whole = self.base + (at + consumed) as u64;
                    }
                    self.at += consumed;
                    continue;
                }
                Ok(Decoded::NeedMore { .. }) => {}
                Err(error) => return Ok(Some(Err(error.at(self.base + at as u64)))),
            }
            if !self.fill()? {
                let left = self.bytes.len() - self.at;
                let error = DecodeError {
                    offset: self.base + self.at as u64,
                    expected: "a whole record",
                    found: Found::End(left),
                    resume: None,
                };
                return Ok((left > 0).then_some(Err(error)));
            }
        }
    }

    /// What stands behind the last whole record.
    fn torn(&mut self) -> Result<Option<Torn>, JournalError> {
        let failed = |source| JournalError::Read { path: self.path.clone(), source };
        let (mut last, mut place) = (0, 0);
        let mut file = File::open(&self.path).map_err(failed)?;
        let mut piece = vec![0; READ_BYTES];
        loop {
            let read = file.read(&mut piece).map_err(failed)?;
            let bytes = piece.get(..read).unwrap_or_default();
            if read == 0 {
                break;
            }
            if let Some(at) = bytes.iter().rposition(|byte| *byte != 0) {
                last = place + at as u64 + 1;
            }
            place += read as u64;
        }
        // A record may end with zeros.
        let bytes = last.saturating_sub(self.whole);
        Ok((bytes > 0).then(|| Torn { path: self.path.clone(), offset: self.whole, bytes }))
    }
}

/// Reads the records of a folder from one on.
#[derive(Debug)]
pub struct Reader {
    /// Those still to be read, the next one last.
    left: Vec<PathBuf>,
    open: Option<Segment>,
    from: u64,
    of: Option<String>,
    next: u64,
    missing: u64,
    whole: Option<(PathBuf, u64)>,
    torn: Option<Torn>,
}

impl Reader {
    /// Reads the folder's records with the number `from` and those behind.
    ///
    /// # Errors
    /// The folder can not be read.
    pub fn open(folder: &Path, from: u64) -> Result<Self, JournalError> {
        let all = segments(folder)?;
        // The last that begins at or before `from`.
        let begin = all.iter().rposition(|(first, _)| *first <= from).unwrap_or(0);
        let left: Vec<_> = all.into_iter().skip(begin).rev().map(|(_, path)| path).collect();
        Ok(Self { left, open: None, from, of: None, next: 0, missing: 0, whole: None, torn: None })
    }

    /// The next record; `None` behind the last whole one.
    ///
    /// # Errors
    /// A segment can not be read, or one that is not the newest is damaged.
    #[allow(clippy::should_implement_trait)] // A record borrows the window: an iterator can not lend.
    pub fn next(&mut self) -> Result<Option<Record<'_>>, JournalError> {
        let (at, length) = loop {
            let Some(segment) = &mut self.open else {
                let Some(path) = self.left.pop() else { return Ok(None) };
                let next = self.of.is_some().then_some(self.next);
                let decoder =
                    JournalDecoder { next, missing: self.missing, ..JournalDecoder::default() };
                self.open = Some(Segment::open(path, decoder)?);
                continue;
            };
            let found = segment.find()?;
            if let Some(header) = segment.decoder.header() {
                self.of.get_or_insert_with(|| header.of.clone());
                self.next = segment.decoder.next();
                self.missing = segment.decoder.missing();
            }
            match found {
                Some(Ok(place)) if self.next > self.from => break place,
                Some(Ok(_)) => continue,
                Some(Err(error)) if !self.left.is_empty() => {
                    return Err(JournalError::Damaged { path: segment.path.clone(), error });
                }
                Some(Err(_)) => self.torn = segment.torn()?,
                None => {}
            }
            self.whole = Some((segment.path.clone(), segment.whole));
            self.open = None;
        };
        let Some(segment) = &mut self.open else { return Ok(None) };
        let bytes = segment.bytes.get(at..at + length).unwrap_or_default();
        // Decoded again, because a view can not leave the loop that may also refill the window.
        Ok(record(bytes))
    }

    /// What the journal is of, once a record was asked for and a header is whole.
    #[must_use]
    pub fn of(&self) -> Option<&str> {
        self.of.as_deref()
    }

    /// The number behind the last record that was read.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// Records, of those read or passed, for which there was no room on the disk.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// The segment that was read last, and where in it the last whole record ends: zero where not even its header is
    /// whole.
    #[must_use]
    pub fn end(&self) -> Option<(&Path, u64)> {
        self.whole.as_ref().map(|(path, whole)| (path.as_path(), *whole))
    }

    /// What was cut off behind the last whole record, once that was read.
    #[must_use]
    pub fn torn(&self) -> Option<&Torn> {
        self.torn.as_ref()
    }
}

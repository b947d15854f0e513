//! Writes a journal.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use tidewire_feeds::journal::{self as format, MESSAGE_BYTES_MAX, Reader, Record, Segment, Torn};

use crate::keeper::{Ask, Keeper};
use crate::limits::{LOOK_AGAIN_EVERY, SEGMENT_BYTES};
use crate::mapped::Mapped;

const LOCK: &str = "lock";
/// A segment that is not begun.
const SPARE: &str = "spare.unfinished";

/// What a journal survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The process.
    Async,
    /// The host: before a promise is made of records they are on the disk.
    Sync,
}

/// What is done when the disk has no room for another segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// It is an error.
    Stop,
    /// Messages are not kept, and counted, until there is room again. Their numbers are passed over.
    Drop,
}

/// Which journal, and how it is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder, which is made where it is not there.
    pub folder: PathBuf,
    /// What it is of: the connector and its format.
    pub of: String,
    /// What it survives.
    pub mode: Mode,
    /// What is done when the disk is full.
    pub when_full: WhenFull,
    /// Bytes of a segment. A message that is larger gets a segment of its own size.
    pub segment_bytes: usize,
}

impl Options {
    /// A journal that survives the process, and is an error when the disk is full.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, of: impl Into<String>) -> Self {
        Self {
            folder: folder.into(),
            of: of.into(),
            mode: Mode::Async,
            when_full: WhenFull::Stop,
            segment_bytes: SEGMENT_BYTES,
        }
    }
}

/// Why a journal can not be kept.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It can not be read.
    #[error(transparent)]
    Read(#[from] format::JournalError),
    /// Another process has it.
    #[error("{}: another process writes this journal: give each table a folder of its own", folder.display())]
    Locked {
        /// The folder.
        folder: PathBuf,
    },
    /// It is another table's.
    #[error("{}: the journal is of '{found}', and the table is of '{expected}': give it another folder", folder.display())]
    Another {
        /// The folder.
        folder: PathBuf,
        /// What the table is of.
        expected: String,
        /// What the journal is of.
        found: String,
    },
    /// The disk has no room.
    #[error("{}: no room for another {bytes} bytes of the journal ({source}): free some, or take fewer snapshots to keep", folder.display())]
    Full {
        /// The folder.
        folder: PathBuf,
        /// Bytes of a segment.
        bytes: usize,
        /// What the system says.
        source: io::Error,
    },
    /// A file or folder can not be written.
    #[error("{}: the journal can not be written: {source}", folder.display())]
    Write {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A message is longer than a record may be.
    #[error("a message of {bytes} bytes: a journal keeps {MESSAGE_BYTES_MAX} at most")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

/// A segment that is written to.
struct Active {
    mapped: Mapped,
    used: usize,
}

/// A journal, open to be written.
pub struct Journal {
    options: Options,
    keeper: Keeper,
    active: Option<Active>,
    /// Bytes of the spare segment that was asked for.
    spare_bytes: Option<usize>,
    /// The segments before the active one, with the numbers of their first records.
    segments: Vec<(u64, PathBuf)>,
    next: u64,
    first: u64,
    torn: Option<Torn>,
    dropped: u64,
    _lock: File,
}

impl Journal {
    /// Opens the journal, and cuts off what the last process has left unfinished.
    ///
    /// # Errors
    /// Another process has it, it is of another table, or it can not be read or written.
    pub fn open(options: Options) -> Result<Self, JournalError> {
        let folder = options.folder.clone();
        let failed = |source| JournalError::Write { folder: folder.clone(), source };
        fs::create_dir_all(&folder).map_err(failed)?;
        let lock = File::options().write(true).create(true).truncate(false).open(folder.join(LOCK));
        let lock = lock.map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Locked { folder }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        match fs::remove_file(folder.join(SPARE)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let mut segments = format::segments(&folder)?;
        let (mut next, mut torn) = (0, None);
        if let Some((newest, path)) = segments.last().cloned() {
            let mut reader = Reader::open(&folder, newest)?;
            while reader.next()?.is_some() {}
            if let Some(found) = reader.of().filter(|of| *of != options.of) {
                let (expected, found) = (options.of, found.to_owned());
                return Err(JournalError::Another { folder, expected, found });
            }
            next = newest.max(reader.next_number());
            torn = reader.torn().cloned();
            if next == newest {
                // Nothing in it is whole; the next segment has its name.
                fs::remove_file(&path).map_err(failed)?;
                segments.pop();
            } else if let Some((_, end)) = reader.end() {
                let file = File::options().write(true).open(&path).map_err(failed)?;
                file.set_len(end).and_then(|()| file.sync_all()).map_err(failed)?;
            }
        }
        let keeper = Keeper::start(folder.clone(), options.mode == Mode::Sync).map_err(failed)?;
        let mut journal = Self {
            first: segments.first().map_or(next, |(first, _)| *first),
            options,
            keeper,
            active: None,
            spare_bytes: None,
            segments,
            next,
            torn,
            dropped: 0,
            _lock: lock,
        };
        journal.ask_for_spare(0);
        Ok(journal)
    }

    /// Reads its records with the number `from` and those behind, up to those that there are now.
    ///
    /// # Errors
    /// The folder can not be read.
    pub fn reader(&self, from: u64) -> Result<Reader, JournalError> {
        Ok(Reader::open(&self.options.folder, from)?)
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.options.folder
    }

    /// The number of its first record, of those that are still there.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The number of the next record.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// What was cut off when it was opened.
    #[must_use]
    pub fn torn(&self) -> Option<&Torn> {
        self.torn.as_ref()
    }

    /// Messages that were not kept, since it was opened.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Segments that were not needed any more, and could not be removed.
    #[must_use]
    pub fn not_removed(&self) -> u64 {
        self.keeper.not_removed()
    }

    /// Passes over numbers, so that `next` is the next one, where it is beyond those that there are: what the disk of a host
    /// that died has not kept.
    pub fn pass_over(&mut self, next: u64) {
        if next > self.next {
            self.finish();
            self.next = next;
        }
    }

    /// Keeps a message: its receive time, ns since the epoch, and its line.
    ///
    /// # Errors
    /// It is too long, or there is no room for it and [`WhenFull::Stop`] is asked for.
    #[inline]
    pub fn append(&mut self, received: i64, line: u32, bytes: &[u8]) -> Result<(), JournalError> {
        let record = Record { number: self.next, received, line, bytes };
        if !self.active.as_mut().is_some_and(|active| active.write(&record)) {
            self.begin(&record)?;
        }
        self.next += 1;
        Ok(())
    }

    /// Begins a segment with this record, or leaves it out.
    #[cold]
    fn begin(&mut self, record: &Record<'_>) -> Result<(), JournalError> {
        let bytes = record.bytes.len();
        if bytes > MESSAGE_BYTES_MAX {
            return Err(JournalError::TooLong { bytes });
        }
        self.finish();
        let is_dropping = self.dropped > 0 && self.spare_bytes.is_none();
        if is_dropping && !self.dropped.is_multiple_of(LOOK_AGAIN_EVERY) {
            self.dropped += 1;
            return Ok(());
        }
        let header = format::header(record.number, &self.options.of);
        let needed = header.len() + format::record_bytes(bytes);
        let spare = self.spare(needed).and_then(|mut mapped| {
            let room = mapped.bytes();
            if let Some(room) = room.get_mut(..header.len()) {
                room.copy_from_slice(&header);
            }
            let path = self.options.folder.join(Segment::name(record.number));
            fs::rename(self.options.folder.join(SPARE), &path)?;
            Ok((mapped, path))
        });
        let (mapped, path) = match spare {
            Ok(made) => made,
            Err(error) if is_full(&error) && self.options.when_full == WhenFull::Drop => {
                self.dropped += 1;
                return Ok(());
            }
            Err(source) if is_full(&source) => {
                let (folder, bytes) = (self.options.folder.clone(), self.options.segment_bytes);
                return Err(JournalError::Full { folder, bytes, source });
            }
            Err(source) => {
                let folder = self.options.folder.clone();
                return Err(JournalError::Write { folder, source });
            }
        };
        let mut active = Active { mapped, used: header.len() };
        // There is room for it.
        let _ = active.write(record);
        self.active = Some(active);
        self.segments.push((record.number, path));
        self.first = self.segments.first().map_or(0, |(first, _)| *first);
        self.ask_for_spare(0);
        Ok(())
    }

    /// The spare segment, of so many bytes at least.
    fn spare(&mut self, needed: usize) -> io::Result<Mapped> {
        loop {
            let bytes = match self.spare_bytes.take() {
                Some(bytes) => bytes,
                None => self.ask_for_spare(needed),
            };
            self.spare_bytes = None;
            let gone = |_| io::Error::other("the journal's thread is gone");
            let mapped = self.keeper.spares.recv().map_err(gone)??;
            if bytes >= needed {
                return Ok(mapped);
            }
            drop(mapped);
            fs::remove_file(self.options.folder.join(SPARE))?;
        }
    }

    fn ask_for_spare(&mut self, needed: usize) -> usize {
        let bytes = self.options.segment_bytes.max(needed);
        self.keeper.ask(Ask::Spare(self.options.folder.join(SPARE), bytes));
        self.spare_bytes = Some(bytes);
        bytes
    }

    /// The active segment gets no more records.
    fn finish(&mut self) {
        if let Some(Active { mapped, used }) = self.active.take() {
            self.keeper.ask(Ask::Finish(mapped.into_file(), used as u64));
        }
    }

    /// In the mode [`Mode::Sync`] waits until all records so far are on the disk.
    ///
    /// # Errors
    /// The disk has not taken them.
    pub fn secure(&mut self) -> Result<(), JournalError> {
        if self.options.mode == Mode::Async {
            return Ok(());
        }
        let folder = &self.options.folder;
        let file = match &self.active {
            Some(active) => active.mapped.file().try_clone(),
            None => File::open(folder),
        };
        let synced = file.and_then(|file| self.keeper.sync(file));
        synced.map_err(|source| JournalError::Write { folder: folder.clone(), source })
    }

    /// Records with smaller numbers are not needed any more: removes the segments that have no others.
    pub fn forget(&mut self, before: u64) {
        let ends = self.segments.iter().skip(1).map(|(first, _)| *first);
        let gone = ends.take_while(|end| *end <= before).count();
        for (_, path) in self.segments.drain(..gone) {
            self.keeper.ask(Ask::Remove(path));
        }
        self.first = self.segments.first().map_or(self.next, |(first, _)| *first);
    }
}

impl Active {
    /// Writes a record. `false`: there is no room for it.
    #[inline]
    fn write(&mut self, record: &Record<'_>) -> bool {
        let Self { mapped, used } = self;
        debug_assert!(*used <= mapped.len());
        let room = mapped.bytes().get_mut(*used..).unwrap_or_default();
        let is_written = format::write(record, room);
        if is_written {
            *used += format::record_bytes(record.bytes.len());
        }
        is_written
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    )
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.finish();
        if self.spare_bytes.is_some() && matches!(self.keeper.spares.recv(), Ok(Ok(_))) {
            self.keeper.ask(Ask::Remove(self.options.folder.join(SPARE)));
        }
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("folder", &self.options.folder).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

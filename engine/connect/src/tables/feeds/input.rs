//! What all captures have in common: where they are, how strict their reader is, and what is left out.

use std::path::PathBuf;

use tidewire_event::row::NoRoom;
use tidewire_feeds::capture::CaptureError;
use tidewire_feeds::decode::DecodeError;

use crate::tables::TableError;

/// A capture's place, and what of it was left out.
#[derive(Debug)]
pub(super) struct Input {
    path: PathBuf,
    strict: bool,
    /// Of each thing that was expected: the first that was not so, and how many there were.
    damaged: Vec<(DecodeError, u64)>,
    left_out: Vec<(&'static str, u64)>,
}

impl Input {
    pub(super) fn new(path: PathBuf, strict: bool) -> Self {
        Self { path, strict, damaged: Vec::new(), left_out: Vec::new() }
    }

    /// An error of the whole input, or at `offset` of it.
    pub(super) fn error(&self, offset: Option<u64>, problem: impl ToString) -> TableError {
        let path = self.path.display();
        let place = match offset {
            Some(offset) => format!("{path}, offset {offset}"),
            None => path.to_string(),
        };
        TableError::Input { place, problem: problem.to_string() }
    }

    /// The text of a row is longer than it has room for.
    #[cold]
    pub(super) fn no_room(&self, problem: NoRoom) -> TableError {
        self.error(None, problem)
    }

    /// What could not be read: counted, if the input can be read on.
    ///
    /// # Errors
    /// It can not, or nothing may be left out.
    #[cold]
    pub(super) fn failed(&mut self, error: CaptureError) -> Result<(), TableError> {
        match error {
            CaptureError::Decode(error) => self.damaged(error),
            error => Err(self.unreadable(error)),
        }
    }

    /// The input can not be opened, or not be read on.
    #[cold]
    pub(super) fn unreadable(&self, error: CaptureError) -> TableError {
        match error {
            // Of those that name the file themselves.
            CaptureError::Open { source, .. } => {
                self.error(None, format!("can not open it: {source}"))
            }
            CaptureError::Directory { .. } => {
                self.error(None, "it is a directory, and no journal: give one of the files in it")
            }
            error => self.error(None, error),
        }
    }

    /// Bytes that break their specification.
    ///
    /// # Errors
    /// Nothing may be left out.
    #[cold]
    pub(super) fn damaged(&mut self, error: DecodeError) -> Result<(), TableError> {
        if self.strict {
            let DecodeError { expected, found, .. } = &error;
            let problem = format!("expected {expected}, found {found}");
            return Err(self.error(Some(error.offset), problem));
        }
        match self.damaged.iter_mut().find(|(first, _)| first.expected == error.expected) {
            Some((_, count)) => *count += 1,
            None => self.damaged.push((error, 1)),
        }
        Ok(())
    }

    /// What is missing in the input, by its own numbers.
    ///
    /// # Errors
    /// Nothing may be left out.
    #[cold]
    pub(super) fn missing(
        &mut self,
        why: &'static str,
        count: u64,
        offset: Option<u64>,
    ) -> Result<(), TableError> {
        if self.strict {
            return Err(self.error(offset, format!("{count} {why}")));
        }
        self.leave_out(why, count);
        Ok(())
    }

    /// What the stream has no place for.
    #[cold]
    pub(super) fn leave_out(&mut self, why: &'static str, count: u64) {
        match self.left_out.iter_mut().find(|(known, _)| *known == why) {
            Some((_, counted)) => *counted += count,
            None => self.left_out.push((why, count)),
        }
    }

    /// What was left out, each with why and how often.
    pub(super) fn skipped(&self) -> Vec<(String, u64)> {
        let damaged = self.damaged.iter().map(|(first, count)| {
            let DecodeError { offset, expected, found, .. } = first;
            (
                format!("damaged: expected {expected}, found {found} (first at offset {offset})"),
                *count,
            )
        });
        let left_out = self.left_out.iter().map(|(why, count)| ((*why).to_owned(), *count));
        damaged.chain(left_out).collect()
    }
}

/// How much of a file has been read.
pub(super) fn fraction(read: u64, total: Option<u64>) -> Option<f64> {
    Some(read as f64 / total?.max(1) as f64)
}

//! Tables of SQL: what a connector reads and writes.
//!
//! A job names a connector and its options in text. A [`TableReader`] gives rows of the columns that a job asks for, and
//! a [`TableWriter`] takes rows of the columns that it has.

mod options;
mod queue;
mod columns;
mod text;
mod target;
mod skips;
mod csv_field;
mod csv_text;
mod json_value;
mod json_row;
mod json_known;
mod json_scan;
mod json_lead;
mod json_word;
mod json_text;
mod avro;
pub mod message;
mod registry;
mod filesystem;
mod line_writer;
mod random;
mod datagen;
mod nexmark;
pub mod show;
#[cfg(test)]
pub(crate) mod testing;
pub mod feeds;
pub mod live;
mod soupbintcp;
mod udp;
mod stdin;
mod stdout;
mod tcp;

use std::fmt;
use std::time::Duration;

pub use columns::{Column, Columns, OwnColumns};
pub use options::{OptionError, Options, nearest};
pub use queue::{Queue, WhenQueueFull};
pub use registry::{Connector, columns_of, is_written, readers, writer};

/// What a reader has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// A row has been written.
    Row {
        /// When it was received, ns since the epoch, as far as the input tells.
        received: Option<i64>,
        /// Which of the reader's partitions it is of.
        partition: u32,
    },
    /// No row now, and perhaps later.
    Nothing,
    /// The end of the input.
    End,
}

/// Why a table can not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// An option is missing, unknown or wrong.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// The input is not as it should be, or can not be read.
    #[error("{place}: {problem}")]
    Input {
        /// Where: a file, with the line and column or the offset.
        place: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// Whoever read the output has gone, as `head` does.
    #[error("nobody reads the output any more")]
    Closed,
    /// The output can not be written.
    #[error("{place}: {problem}")]
    Output {
        /// Where: a file.
        place: String,
        /// What is wrong, and what to do.
        problem: String,
    },
}

/// Reads rows of a table. It is given its columns, and their layout in a row, when it is made.
pub trait TableReader: Send {
    /// Writes the next row into `row`, which is all zero.
    ///
    /// # Errors
    /// The input can not be read, or is not as it should be.
    fn read(&mut self, row: &mut [u8]) -> Result<Read, TableError>;

    /// How many partitions it reads: see [`Source::partitions`](tidewire_event::Source::partitions).
    fn partitions(&self) -> u32 {
        1
    }

    /// Whether rows come as things happen, and not from what is there already: a partition without any is idle then, after
    /// a while.
    fn is_live(&self) -> bool {
        false
    }

    /// Asks a live one to end: it gives what has come by now, and then [`Read::End`]. False: it knows no better end than to be
    /// read no more.
    fn end(&mut self) -> bool {
        false
    }

    /// Where it is: see [`Source::position`](tidewire_event::Source::position).
    ///
    /// # Errors
    /// What must be done up to this place can not be done.
    fn position(&mut self) -> Result<Option<String>, TableError> {
        Ok(None)
    }

    /// Goes on from there: see [`Source::resume`](tidewire_event::Source::resume).
    ///
    /// # Errors
    /// It can not, or it is no position of this reader.
    fn resume(&mut self, position: &str) -> Result<bool, TableError> {
        let _ = position;
        Ok(false)
    }

    /// See [`Source::durable`](tidewire_event::Source::durable).
    fn durable(&mut self, position: &str) {
        let _ = position;
    }

    /// See [`Source::forget`](tidewire_event::Source::forget).
    fn forget(&mut self, position: &str) {
        let _ = position;
    }

    /// What a job with snapshots must be told of a journal before it can go on from them, if anything.
    fn needs_journal(&self) -> Option<OptionError> {
        None
    }

    /// See [`Source::time`](tidewire_event::Source::time).
    fn time(&self, now: i64) -> i64 {
        now
    }

    /// See [`Source::has_threads`](tidewire_event::Source::has_threads).
    fn has_threads(&self) -> bool {
        false
    }

    /// See [`Source::wait`](tidewire_event::Source::wait).
    fn wait(&mut self, at_most: Duration) -> bool {
        let _ = at_most;
        false
    }

    /// Which part of the input has been read, 0 to 1, where that is known.
    fn fraction_read(&self) -> Option<f64> {
        None
    }

    /// What a user should know of the input before it is read, such as what the system has not granted.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// What has come so far, and how often: for people to read.
    fn counts(&self) -> Vec<(String, u64)> {
        Vec::new()
    }

    /// Those of the counts that people watch while it runs, in a word or two each.
    fn watched(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// What has been left out so far, each with why and how often: for people to read.
    fn skipped(&self) -> Vec<(String, u64)> {
        Vec::new()
    }

    /// What has gone wrong so far and was got over, and how often: for people to read.
    fn troubles(&self) -> Vec<(String, u64)> {
        Vec::new()
    }
}

/// Writes rows of a table. It is given its columns, and their layout in a row, when it is made. See
/// [`Sink`](tidewire_event::Sink) for what its functions mean.
pub trait TableWriter: Send {
    /// Why it can only be written to by a job with snapshots, if that is so.
    fn needs_snapshots(&self) -> Option<OptionError> {
        None
    }

    /// The stream of the program that its rows go to, if other tables may write to that too: there they have one order.
    fn stream(&self) -> Option<&'static str> {
        None
    }

    /// Takes a row.
    ///
    /// # Errors
    /// It can not be written.
    fn row(&mut self, row: &[u8]) -> Result<(), TableError>;

    /// No row follows at once: sends what is buffered.
    ///
    /// # Errors
    /// It can not be written.
    fn flush(&mut self) -> Result<(), TableError> {
        Ok(())
    }

    /// Makes ready what was given up to the epoch.
    ///
    /// # Errors
    /// It can not be written.
    fn prepare(&mut self, epoch: u64) -> Result<Option<Vec<u8>>, TableError>;

    /// Makes visible what was prepared up to the epoch.
    ///
    /// # Errors
    /// It can not be done.
    fn commit(&mut self, epoch: u64) -> Result<(), TableError>;

    /// Goes on from what [`prepare`](Self::prepare) gave.
    ///
    /// # Errors
    /// It can not be done, or `prepared` is not what it gives.
    fn restore(&mut self, prepared: &[u8]) -> Result<(), TableError>;

    /// All has been given.
    ///
    /// # Errors
    /// It can not be written.
    fn finish(&mut self) -> Result<(), TableError>;

    /// What has gone wrong so far and was got over, and how often: for people to read.
    fn troubles(&self) -> Vec<(String, u64)> {
        Vec::new()
    }
}

impl fmt::Debug for dyn TableReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TableReader")
    }
}

impl fmt::Debug for dyn TableWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TableWriter")
    }
}

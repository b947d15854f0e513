//! A table as a source.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidewire_connect::tables::{Columns, Read, TableError, TableReader};
use tidewire_event::{Polled, Source, Stamped};

use super::cells::{Cells, ColumnError};
use super::{Table, Told};

/// Why a table can not be read further.
#[derive(Debug, thiserror::Error)]
pub enum TableSourceError {
    /// Its input is not as it should be, or can not be read.
    #[error("table {table}: {error}")]
    Table {
        /// The table.
        table: String,
        /// Why.
        error: TableError,
    },
    /// A row is not what the program takes it for.
    #[error("table {table}, row {row}: {error}")]
    Column {
        /// The table.
        table: String,
        /// The row, from 1.
        row: u64,
        /// What is wrong with it.
        error: ColumnError,
    },
}

/// Events of the rows of a table: see [`Table::stream`].
#[derive(Debug)]
pub struct TableSource<F> {
    table: String,
    columns: Columns,
    reader: Box<dyn TableReader>,
    row: Vec<u8>,
    rows: u64,
    event: F,
    finish: Arc<AtomicBool>,
    told: Arc<Mutex<Told>>,
}

impl<F> TableSource<F> {
    pub(super) fn new(table: &Table, reader: Box<dyn TableReader>, event: F) -> Self {
        Self {
            table: table.name().to_owned(),
            columns: table.columns.clone(),
            reader,
            row: vec![0; table.row_bytes()],
            rows: 0,
            event,
            finish: table.finish.clone(),
            told: table.told.clone(),
        }
    }

    #[cold]
    fn of_table(&self, error: TableError) -> TableSourceError {
        TableSourceError::Table { table: self.table.clone(), error }
    }
}

impl<E, F> Source for TableSource<F>
where
    E: Copy + Send,
    F: Fn(&Cells<'_>) -> Result<Stamped<E>, ColumnError> + Send,
{
    type Event = E;
    type Error = TableSourceError;

    fn next(&mut self) -> Result<Polled<E>, TableSourceError> {
        if self.finish.load(Relaxed) && self.reader.is_live() && !self.reader.end() {
            return Ok(Polled::End);
        }
        self.row.fill(0);
        match self.reader.read(&mut self.row).map_err(|error| self.of_table(error))? {
            Read::Nothing => Ok(Polled::Nothing),
            Read::End => Ok(Polled::End),
            Read::Row { received, partition } => {
                self.rows += 1;
                let cells = Cells { columns: &self.columns, row: &self.row };
                let event = (self.event)(&cells).map_err(|error| TableSourceError::Column {
                    table: self.table.clone(),
                    row: self.rows,
                    error,
                })?;
                let received = received.unwrap_or(event.received);
                Ok(Polled::Event(event.received(received).partition(partition)))
            }
        }
    }

    fn partitions(&self) -> u32 {
        self.reader.partitions()
    }

    fn position(&mut self) -> Result<Option<String>, TableSourceError> {
        self.reader.position().map_err(|error| self.of_table(error))
    }

    fn resume(&mut self, position: &str) -> Result<bool, TableSourceError> {
        self.reader.resume(position).map_err(|error| self.of_table(error))
    }

    fn durable(&mut self, position: &str) {
        self.reader.durable(position);
    }

    fn forget(&mut self, position: &str) {
        self.reader.forget(position);
    }

    fn time(&self, now: i64) -> i64 {
        self.reader.time(now)
    }

    fn has_threads(&self) -> bool {
        self.reader.has_threads()
    }

    fn wait(&mut self, at_most: Duration) -> bool {
        self.reader.wait(at_most)
    }

    fn fraction_read(&self) -> Option<f64> {
        self.reader.fraction_read()
    }
}

impl<F> Drop for TableSource<F> {
    /// What was left out, and what went wrong, is told when the source is done.
    fn drop(&mut self) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.counts.extend(self.reader.counts());
        told.skipped.extend(self.reader.skipped());
        told.troubles.extend(self.reader.troubles());
    }
}

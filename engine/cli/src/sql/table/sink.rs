//! A table as a sink.

use std::cmp::Ordering;
use std::marker::PhantomData;

use tidewire_connect::tables::{Columns, TableError, TableWriter};
use tidewire_event::{Header, Prepared, RowWriter, Sink};

use super::Table;
use super::cells::{CellsOut, ColumnError};

/// Why rows can not be written to a table.
#[derive(Debug, thiserror::Error)]
pub enum TableSinkError {
    /// The table can not be written to.
    #[error("table {table}: {error}")]
    Table {
        /// The table.
        table: String,
        /// Why.
        error: TableError,
    },
    /// A result has no form in the table.
    #[error("table {table}, row {row}: {error}")]
    Column {
        /// The table.
        table: String,
        /// The row, from 1.
        row: u64,
        /// What is wrong with it.
        error: ColumnError,
    },
    /// What a snapshot says is not of this table.
    #[error("what the snapshot says of table {0} is broken")]
    Restored(String),
}

/// Writes results to a table: see [`Table::sink`].
#[derive(Debug)]
pub struct TableSink<R, L, O, F> {
    table: String,
    columns: Columns,
    writer: Box<dyn TableWriter>,
    row: Vec<u8>,
    order: O,
    write: F,
    written: u64,
    late: u64,
    of: PhantomData<fn(R, L)>,
}

impl<R, L, O, F> TableSink<R, L, O, F> {
    pub(super) fn new(table: &Table, writer: Box<dyn TableWriter>, order: O, write: F) -> Self {
        Self {
            table: table.name().to_owned(),
            columns: table.columns.clone(),
            writer,
            row: vec![0; table.row_bytes()],
            order,
            write,
            written: 0,
            late: 0,
            of: PhantomData,
        }
    }

    /// Rows that were written, those before a restore too.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Events that came too late, in this run.
    #[must_use]
    pub fn late(&self) -> u64 {
        self.late
    }

    /// What went wrong and was got over, and how often.
    #[must_use]
    pub fn troubles(&self) -> Vec<(String, u64)> {
        self.writer.troubles()
    }

    #[cold]
    fn of_table(&self, error: TableError) -> TableSinkError {
        TableSinkError::Table { table: self.table.clone(), error }
    }
}

impl<R, L, O, F> Sink for TableSink<R, L, O, F>
where
    R: Send,
    L: Send,
    O: Fn(&R, &R) -> Ordering + Send,
    F: Fn(&R, &mut CellsOut<'_>) -> Result<(), ColumnError> + Send,
{
    type Row = R;
    type Late = L;
    type Error = TableSinkError;

    fn compare(&self, a: &R, b: &R) -> Ordering {
        (self.order)(a, b)
    }

    fn row(&mut self, result: R) -> Result<(), TableSinkError> {
        let Self { columns, row, write, .. } = self;
        let writer = RowWriter::new(row, &columns.layout);
        let mut cells = CellsOut { columns, row: writer };
        write(&result, &mut cells).map_err(|error| TableSinkError::Column {
            table: self.table.clone(),
            row: self.written + 1,
            error,
        })?;
        let bytes = cells.row.len();
        self.written += 1;
        self.writer.row(&self.row[..bytes]).map_err(|error| self.of_table(error))
    }

    fn late(&mut self, _: &Header, _: L) -> Result<(), TableSinkError> {
        self.late += 1;
        Ok(())
    }

    /// The number of rows, and what the table's writer says.
    fn prepare(&mut self, epoch: u64) -> Result<Prepared, TableSinkError> {
        let prepared = self.writer.prepare(epoch).map_err(|error| self.of_table(error))?;
        Ok(match prepared {
            None => Prepared::Never,
            Some(prepared) => {
                Prepared::Ready([&self.written.to_le_bytes()[..], &prepared].concat())
            }
        })
    }

    fn commit(&mut self, epoch: u64) -> Result<(), TableSinkError> {
        self.writer.commit(epoch).map_err(|error| self.of_table(error))
    }

    fn restore(&mut self, prepared: &[u8]) -> Result<(), TableSinkError> {
        let account = match prepared.split_first_chunk() {
            Some((written, account)) => {
                self.written = u64::from_le_bytes(*written);
                account
            }
            None if prepared.is_empty() => prepared,
            None => return Err(TableSinkError::Restored(self.table.clone())),
        };
        self.writer.restore(account).map_err(|error| self.of_table(error))
    }

    fn finish(&mut self) -> Result<(), TableSinkError> {
        self.writer.finish().map_err(|error| self.of_table(error))
    }
}

//! The outputs of a job as one sink.
//!
//! A row behind a fault may lack what could not be worked out. So nothing that comes behind one is written, and no epoch
//! is prepared: a fault is noted before the frames that follow it are sent, and so it is seen here before they are taken.

use std::cmp::Ordering;
use std::marker::PhantomData;
use std::sync::Arc;

use tidewire_connect::tables::{TableError, TableWriter};
use tidewire_event::{Header, Sink};
use tidewire_sql::run::{Emitted, Faults, Input, RowFault, RowOrder, Shape};
use zerocopy::IntoBytes;

use super::scan::Counts;

/// Why a job's results can not be written.
#[derive(Debug, thiserror::Error)]
pub enum SqlSinkError {
    /// A table can not be written.
    #[error("table {table}: {error}")]
    Table {
        /// The table.
        table: String,
        /// Why.
        error: TableError,
    },
    /// What a snapshot says of the outputs is not of this job.
    #[error("the snapshot's outputs are not those of this job: {0}")]
    Restored(String),
    /// A result could not be worked out.
    #[error("{0}")]
    Fault(RowFault),
}

/// A table that is written to.
pub(super) struct OutputWriter {
    table: String,
    writer: Box<dyn TableWriter>,
    order: RowOrder,
    limit: u64,
    written: u64,
}

impl OutputWriter {
    pub(super) fn new(
        table: String,
        writer: Box<dyn TableWriter>,
        order: RowOrder,
        limit: Option<u64>,
    ) -> Self {
        Self { table, writer, order, limit: limit.unwrap_or(u64::MAX), written: 0 }
    }

    fn failed(&self, error: TableError) -> SqlSinkError {
        SqlSinkError::Table { table: self.table.clone(), error }
    }
}

/// The sink.
pub(super) struct SqlSink<S> {
    outputs: Vec<OutputWriter>,
    late: Vec<u64>,
    faults: Arc<Faults>,
    shape: PhantomData<fn() -> S>,
}

impl<S: Shape> SqlSink<S> {
    pub(super) fn new(outputs: Vec<OutputWriter>, faults: Arc<Faults>) -> Self {
        Self { outputs, late: Vec::new(), faults, shape: PhantomData }
    }

    pub(super) fn written(&self) -> u64 {
        self.outputs.iter().map(|output| output.written).sum()
    }

    /// Ends with the job's first fault, if there is one.
    #[inline]
    fn without_fault(&self) -> Result<(), SqlSinkError> {
        if self.faults.is_set() { self.fault() } else { Ok(()) }
    }

    #[cold]
    fn fault(&self) -> Result<(), SqlSinkError> {
        self.faults.first().map_or(Ok(()), |fault| Err(SqlSinkError::Fault(fault)))
    }

    /// Adds what went wrong with the tables and was got over.
    pub(super) fn add_troubles(&self, troubles: &mut Counts) {
        for output in &self.outputs {
            for (what, count) in output.writer.troubles() {
                troubles.add(&output.table, &what, count);
            }
        }
    }

    /// Late rows of each query, in the order of the text.
    pub(super) fn late(&self) -> Vec<u64> {
        self.late.clone()
    }
}

impl<S: Shape> Sink for SqlSink<S> {
    type Row = Emitted<S>;
    type Late = Input<S>;
    type Error = SqlSinkError;

    fn compare(&self, a: &Emitted<S>, b: &Emitted<S>) -> Ordering {
        let order = a.output.cmp(&b.output).then(a.place.cmp(&b.place));
        let Some(output) = self.outputs.get(usize::from(a.output)) else { return order };
        order.then_with(|| output.order.compare(a.row.as_bytes(), b.row.as_bytes()))
    }

    fn row(&mut self, emitted: Emitted<S>) -> Result<(), SqlSinkError> {
        self.without_fault()?;
        let Some(output) = self.outputs.get_mut(usize::from(emitted.output)) else { return Ok(()) };
        if output.written == output.limit {
            return Ok(());
        }
        output.written += 1;
        output.writer.row(emitted.row.as_bytes()).map_err(|error| output.failed(error))
    }

    fn late(&mut self, _: &Header, late: Input<S>) -> Result<(), SqlSinkError> {
        let pipeline = usize::from(late.pipeline);
        if self.late.len() <= pipeline {
            self.late.resize(pipeline + 1, 0);
        }
        self.late[pipeline] += 1;
        Ok(())
    }

    fn prepare(&mut self, epoch: u64) -> Result<Option<Vec<u8>>, SqlSinkError> {
        self.without_fault()?;
        let mut all = Vec::new();
        for output in &mut self.outputs {
            let prepared = output.writer.prepare(epoch);
            let Some(prepared) = prepared.map_err(|error| output.failed(error))? else {
                return Ok(None);
            };
            all.extend(output.written.to_le_bytes());
            all.extend((prepared.len() as u64).to_le_bytes());
            all.extend(prepared);
        }
        Ok(Some(all))
    }

    fn commit(&mut self, epoch: u64) -> Result<(), SqlSinkError> {
        for output in &mut self.outputs {
            output.writer.commit(epoch).map_err(|error| output.failed(error))?;
        }
        Ok(())
    }

    fn restore(&mut self, prepared: &[u8]) -> Result<(), SqlSinkError> {
        let mut rest = prepared;
        let mut take = |count: usize| {
            let (taken, behind) = rest.split_at_checked(count)?;
            rest = behind;
            Some(taken)
        };
        let number = |bytes: &[u8]| bytes.try_into().ok().map(u64::from_le_bytes);
        for output in &mut self.outputs {
            if prepared.is_empty() {
                output.writer.restore(&[]).map_err(|error| output.failed(error))?;
                continue;
            }
            let head = (|| Some((take(8).and_then(number)?, take(8).and_then(number)?)))();
            let account = head.and_then(|(written, length)| {
                Some((written, take(usize::try_from(length).ok()?)?))
            });
            let Some((written, account)) = account else {
                return Err(SqlSinkError::Restored(format!(
                    "nothing is known of {}",
                    output.table
                )));
            };
            output.written = written;
            output.writer.restore(account).map_err(|error| output.failed(error))?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SqlSinkError> {
        self.without_fault()?;
        for output in &mut self.outputs {
            output.writer.finish().map_err(|error| output.failed(error))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tidewire_connect::tables::{Columns, show};
    use tidewire_event::Place;
    use tidewire_sql::Span;
    use tidewire_sql::code::Fault;
    use tidewire_sql::run::RowOf;
    use tidewire_sql::run::shape::Narrow;
    use zerocopy::FromZeros;

    use super::*;

    #[test]
    fn no_epoch_is_prepared_and_no_row_written_behind_a_fault() {
        let columns = Columns::all(Vec::new()).unwrap();
        let order = RowOrder::new(&[]).unwrap();
        let output =
            OutputWriter::new("out".to_owned(), show::csv(Vec::new(), &columns), order, None);
        let faults = Arc::new(Faults::default());
        let mut sink = SqlSink::<Narrow>::new(vec![output], faults.clone());
        assert!(sink.prepare(1).is_ok());
        faults.of_result(0, Fault { at: Span::NONE, problem: "no".to_owned() });
        let row =
            Emitted { output: 0, place: Place::new(0, 0), row: RowOf::<Narrow>::new_zeroed() };
        let is_fault = |error: SqlSinkError| matches!(error, SqlSinkError::Fault(_));
        assert!(sink.prepare(2).is_err_and(is_fault));
        assert!(sink.row(row).is_err_and(is_fault));
        assert!(sink.finish().is_err_and(is_fault));
    }
}

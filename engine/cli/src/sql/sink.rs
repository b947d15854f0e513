//! The outputs of a job as one sink.
//!
//! 1. A row behind a fault may lack what could not be worked out. So nothing that comes behind one is taken, and no epoch
//!    behind one is prepared: a fault is noted before the frames that follow it are sent, and so it is seen here before they
//!    are taken.
//! 2. Where there are several outputs each has a thread and a queue of its own ([`lane`]), so that one that is slow stops no
//!    other before its queue is full. One output is written by the sink itself, and so are several that share a stream,
//!    where their rows have one order; unless a table says how long its queue is.
//! 3. An epoch is prepared when every output has prepared it. One output prepares its epochs, and commits them, in their
//!    order.

mod lane;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;

use tidewire_connect::tables::{Queue, TableError, TableWriter, WhenQueueFull};
use tidewire_event::{Header, Prepared, Sink};
use tidewire_runtime::wait::{Idler, Wait};
use tidewire_sql::run::{Emitted, Faults, Input, RowFault, RowOf, RowOrder, Shape};
use zerocopy::IntoBytes;

use self::lane::{Lane, Said, Task, Worker, lane};
use super::scan::Counts;
use super::seen::{Count, Seen, Teller};

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
    /// A table takes rows more slowly than they come, and its option says that this ends the job.
    #[error(
        "table {table}: its queue of {rows} row(s) is full, and 'sink.queue.full' is 'fail': rows come faster than they can \
         be written; 'sink.queue.rows' makes it longer, and 'wait' or 'drop' go on"
    )]
    QueueFull {
        /// The table.
        table: String,
        /// The rows that its queue has room for.
        rows: usize,
    },
    /// A table that was part of snapshots is so no more.
    #[error("table {table}: its writer can not prepare epoch {epoch}")]
    NotPrepared {
        /// The table.
        table: String,
        /// The epoch.
        epoch: u64,
    },
    /// The thread of an output can not be started.
    #[error("table {table}: no thread can be started for it: {error}")]
    Thread {
        /// The table.
        table: String,
        /// Why.
        error: std::io::Error,
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
    pub(super) table: String,
    pub(super) writer: Box<dyn TableWriter>,
    pub(super) order: RowOrder,
    pub(super) limit: Option<u64>,
    /// What its options say of its queue, if anything.
    pub(super) queue: Option<Queue>,
}

/// An output of the job.
struct Output<S: Shape> {
    table: String,
    order: RowOrder,
    limit: u64,
    written: u64,
    /// Where it has a thread of its own.
    queue: Option<Queue>,
    /// Rows for which that had no room: those that were dropped, and those that had to wait.
    dropped: u64,
    waited: u64,
    way: Way<S>,
}

/// How an output is written.
enum Way<S: Shape> {
    /// By the sink: also before it has started, and when it has finished.
    Here(Box<dyn TableWriter>),
    Apart(Lane<S>),
}

impl<S: Shape> Output<S> {
    fn failed(&self, error: TableError) -> SqlSinkError {
        SqlSinkError::Table { table: self.table.clone(), error }
    }

    /// Does something with the writer where it is written here, or asks for it.
    fn tell<T>(
        &mut self,
        here: impl FnOnce(&mut dyn TableWriter) -> Result<T, TableError>,
        task: Task<S>,
    ) -> Result<Option<T>, SqlSinkError> {
        match &mut self.way {
            Way::Here(writer) => here(&mut **writer).map(Some).map_err(|error| self.failed(error)),
            Way::Apart(lane) => {
                lane.ask(task);
                Ok(None)
            }
        }
    }

    /// Rows that its writer has not taken yet.
    fn queued(&self) -> u64 {
        match &self.way {
            Way::Here(_) => 0,
            Way::Apart(lane) => lane.queued() as u64,
        }
    }

    /// Takes a row, or drops it. Gives it back if it must wait.
    #[inline]
    fn row(&mut self, row: RowOf<S>) -> Result<Option<RowOf<S>>, SqlSinkError> {
        let lane = match &mut self.way {
            Way::Apart(lane) => lane,
            Way::Here(writer) => {
                self.written += 1;
                let written = writer.row(row.as_bytes());
                return written.map(|()| None).map_err(|error| self.failed(error));
            }
        };
        let Err(row) = lane.row(row) else {
            self.written += 1;
            return Ok(None);
        };
        let Queue { rows, when_full } = self.queue.unwrap_or_default();
        match when_full {
            WhenQueueFull::Wait => Ok(Some(row)),
            WhenQueueFull::Drop => {
                self.dropped += 1;
                Ok(None)
            }
            WhenQueueFull::Fail => Err(SqlSinkError::QueueFull { table: self.table.clone(), rows }),
        }
    }
}

/// An epoch that has been asked for.
struct Asked {
    epoch: u64,
    /// Of each output the rows up to the epoch, and what it has prepared.
    accounts: Vec<(u64, Option<Vec<u8>>)>,
}

impl Asked {
    fn is_ready(&self) -> bool {
        self.accounts.iter().all(|(_, prepared)| prepared.is_some())
    }

    fn into_bytes(self) -> Vec<u8> {
        let mut all = Vec::new();
        for (written, prepared) in self.accounts {
            let prepared = prepared.unwrap_or_default();
            all.extend(written.to_le_bytes());
            all.extend((prepared.len() as u64).to_le_bytes());
            all.extend(prepared);
        }
        all
    }
}

/// The sink.
pub(super) struct SqlSink<S: Shape> {
    outputs: Vec<Output<S>>,
    late: Vec<u64>,
    faults: Arc<Faults>,
    /// Epochs that not all outputs have prepared, in their order.
    asked: VecDeque<Asked>,
    tells: Teller,
}

impl<S: Shape> SqlSink<S> {
    pub(super) fn new(outputs: Vec<OutputWriter>, faults: Arc<Faults>, tells: Teller) -> Self {
        let streams: Vec<_> = outputs.iter().map(|output| output.writer.stream()).collect();
        let shares = |stream: Option<_>| {
            stream.is_some() && streams.iter().filter(|other| **other == stream).count() > 1
        };
        let is_several = outputs.len() > 1;
        let output = |OutputWriter { table, writer, order, limit, queue }| Output {
            table,
            order,
            limit: limit.unwrap_or(u64::MAX),
            written: 0,
            queue: queue.or((is_several && !shares(writer.stream())).then(Queue::default)),
            dropped: 0,
            waited: 0,
            way: Way::Here(writer),
        };
        let outputs = outputs.into_iter().map(output).collect();
        Self { outputs, late: Vec::new(), faults, asked: VecDeque::new(), tells }
    }

    /// Gives each output that has a queue a lane, whose worker `begin` sets going.
    fn part(
        &mut self,
        mut begin: impl FnMut(usize, &mut Lane<S>, Worker<S>) -> std::io::Result<()>,
    ) -> Result<(), SqlSinkError> {
        for (number, output) in std::mem::take(&mut self.outputs).into_iter().enumerate() {
            let output = match (output.queue, output.way) {
                (Some(queue), Way::Here(writer)) => {
                    let (mut lane, worker) = lane(writer, queue.rows);
                    begin(number, &mut lane, worker).map_err(|error| SqlSinkError::Thread {
                        table: output.table.clone(),
                        error,
                    })?;
                    Output { way: Way::Apart(lane), ..output }
                }
                (_, way) => Output { way, ..output },
            };
            self.outputs.push(output);
        }
        Ok(())
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

    /// Wakes the outputs' threads for what they have been given, and takes what they answer.
    fn hear(&mut self) -> Result<(), SqlSinkError> {
        for (number, output) in self.outputs.iter_mut().enumerate() {
            let Way::Apart(lane) = &mut output.way else { continue };
            lane.turn();
            while let Way::Apart(lane) = &mut output.way
                && let Some(said) = lane.hear()
            {
                match said {
                    Said::Prepared { epoch, prepared: Some(prepared) } => {
                        let asked = self.asked.iter_mut().find(|asked| asked.epoch == epoch);
                        if let Some((_, account)) =
                            asked.and_then(|asked| asked.accounts.get_mut(number))
                        {
                            *account = Some(prepared);
                        }
                    }
                    Said::Prepared { epoch, prepared: None } => {
                        let table = output.table.clone();
                        return Err(SqlSinkError::NotPrepared { table, epoch });
                    }
                    Said::Failed(error) => return Err(output.failed(error)),
                    Said::Ended(writer) => output.way = Way::Here(writer),
                }
            }
        }
        Ok(())
    }

    /// Waits until the output has room for the row.
    #[cold]
    fn wait(&mut self, number: usize, mut row: RowOf<S>) -> Result<(), SqlSinkError> {
        let mut idler = Idler::new(Wait::Park);
        self.outputs[number].waited += 1;
        while let Some(back) = self.outputs[number].row(row)? {
            row = back;
            self.hear()?;
            self.tell();
            idler.idle();
        }
        Ok(())
    }

    /// Adds what went wrong with the tables and was got over.
    pub(super) fn add_troubles(&self, troubles: &mut Counts) {
        for output in &self.outputs {
            if output.waited > 0 {
                troubles.add(
                    &output.table,
                    "rows that waited for room in its queue",
                    output.waited,
                );
            }
            if let Way::Here(writer) = &output.way {
                for (what, count) in writer.troubles() {
                    troubles.add(&output.table, &what, count);
                }
            }
        }
    }

    /// Tells whoever watches how it is.
    #[inline]
    fn tell(&mut self) {
        let Self { outputs, late, tells, .. } = self;
        tells.answer(|| {
            let sum = |of: fn(&Output<S>) -> u64| outputs.iter().map(of).sum();
            let counts: [Count; 5] = [
                (Seen::ROWS, sum(|output| output.written)),
                ("late", late.iter().sum()),
                ("waiting in queues", sum(Output::queued)),
                ("held up by full queues", sum(|output| output.waited)),
                ("dropped at full queues", sum(|output| output.dropped)),
            ];
            counts.into()
        });
    }

    /// Rows that were dropped, with their tables.
    pub(super) fn dropped(&self) -> Vec<(String, u64)> {
        let dropped = self.outputs.iter().filter(|output| output.dropped > 0);
        let what = |table| format!("{table}: rows for which its queue had no room");
        dropped.map(|output| (what(&output.table), output.dropped)).collect()
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

    fn start(&mut self) -> Result<(), SqlSinkError> {
        self.part(|number, lane, worker| {
            let thread = thread::Builder::new().name(format!("output-{number}"));
            lane.runs_on(thread.spawn(move || worker.run())?);
            Ok(())
        })
    }

    fn row(&mut self, emitted: Emitted<S>) -> Result<(), SqlSinkError> {
        self.without_fault()?;
        let number = usize::from(emitted.output);
        let Some(output) = self.outputs.get_mut(number) else { return Ok(()) };
        if output.written == output.limit {
            return Ok(());
        }
        match output.row(emitted.row)? {
            None => Ok(()),
            Some(row) => self.wait(number, row),
        }
    }

    fn late(&mut self, _: &Header, late: Input<S>) -> Result<(), SqlSinkError> {
        let pipeline = usize::from(late.pipeline);
        if self.late.len() <= pipeline {
            self.late.resize(pipeline + 1, 0);
        }
        self.late[pipeline] += 1;
        Ok(())
    }

    fn turn(&mut self) -> Result<Option<(u64, Vec<u8>)>, SqlSinkError> {
        for output in &mut self.outputs {
            if let Way::Here(writer) = &mut output.way {
                writer.flush().map_err(|error| output.failed(error))?;
            }
        }
        self.hear()?;
        self.tell();
        let first = self.asked.pop_front_if(|first| first.is_ready());
        Ok(first.map(|first| (first.epoch, first.into_bytes())))
    }

    fn prepare(&mut self, epoch: u64) -> Result<Prepared, SqlSinkError> {
        self.without_fault()?;
        let mut accounts = Vec::with_capacity(self.outputs.len());
        for output in &mut self.outputs {
            let prepared = output.tell(|writer| writer.prepare(epoch), Task::Prepare(epoch))?;
            if let Some(None) = prepared {
                return Ok(Prepared::Never);
            }
            accounts.push((output.written, prepared.flatten()));
        }
        let asked = Asked { epoch, accounts };
        if asked.is_ready() {
            return Ok(Prepared::Ready(asked.into_bytes()));
        }
        self.asked.push_back(asked);
        Ok(Prepared::Later)
    }

    fn commit(&mut self, epoch: u64) -> Result<(), SqlSinkError> {
        for output in &mut self.outputs {
            output.tell(|writer| writer.commit(epoch), Task::Commit(epoch))?;
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
            let Way::Here(writer) = &mut output.way else { continue };
            if prepared.is_empty() {
                writer.restore(&[]).map_err(|error| output.failed(error))?;
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
            writer.restore(account).map_err(|error| output.failed(error))?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SqlSinkError> {
        self.without_fault()?;
        for output in &mut self.outputs {
            output.tell(|writer| writer.finish(), Task::Finish)?;
        }
        let mut idler = Idler::new(Wait::Park);
        while self.outputs.iter().any(|output| matches!(output.way, Way::Apart(_))) {
            self.hear()?;
            idler.idle();
        }
        Ok(())
    }
}

//! The rows of a table as a source.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidewire_connect::tables::{Read, TableError, TableReader};
use tidewire_event::time::WATERMARK_NONE;
use tidewire_event::{Field, Polled, RowLayout, Slot, Source, Stamped};
use tidewire_sql::code::Fault;
use tidewire_sql::kernel::Kernel;
use tidewire_sql::plan::{Input, Scan, Watermark};
use tidewire_sql::run::{Faults, RowOf, Shape};
use tidewire_sql::{Expr, Session, Span, SqlError};
use zerocopy::{FromZeros, IntoBytes};

use super::finish::Finish;
use super::seen::{Count, Teller};

/// After so many rows it is looked whether somebody wants to see how many.
const TELL_ROWS: u64 = 256;

/// Why a job's input can not be read further.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The table can not be read.
    #[error("table {table}: {error}")]
    Table {
        /// The table.
        table: String,
        /// Why.
        error: TableError,
    },
    /// A value could not be worked out.
    #[error("table {table}, row {row}: {fault}")]
    Row {
        /// The table that the row is of.
        table: String,
        /// The row, from 1.
        row: u64,
        /// What went wrong.
        fault: Fault,
    },
    /// A value could not be worked out elsewhere, which says so.
    #[error("stopped, because a value could not be worked out")]
    Fault,
}

/// What is told of tables, and how often each was.
#[derive(Debug, Default)]
pub(super) struct Counts(BTreeMap<String, u64>);

impl Counts {
    pub(super) fn add(&mut self, table: &str, what: &str, count: u64) {
        *self.0.entry(format!("{table}: {what}")).or_default() += count;
    }

    pub(super) fn into_list(self) -> Vec<(String, u64)> {
        self.0.into_iter().collect()
    }
}

/// What is told of the tables that are read.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// What has come to live ones, each in its own order.
    counts: Vec<(String, u64)>,
    /// What was left out, with the reasons.
    skipped: Counts,
    /// What went wrong and was got over.
    troubles: Counts,
}

/// Whom a source tells how it is.
#[derive(Debug)]
pub(super) struct Tells {
    /// When it is done.
    pub(super) told: Arc<Mutex<Told>>,
    pub(super) while_it_runs: Teller,
}

impl Told {
    /// What has come, what was left out, and what was got over.
    pub(super) fn into_lists(self) -> (Vec<(String, u64)>, Vec<(String, u64)>, Counts) {
        let Self { mut counts, skipped, troubles } = self;
        // Tables end in any order.
        counts.sort_by(|(a, _), (b, _)| a.split(": ").next().cmp(&b.split(": ").next()));
        (counts, skipped.into_list(), troubles)
    }
}

/// A row of a scan, with the watermark that follows from it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scanned<S: Shape> {
    row: RowOf<S>,
    watermark: i64,
}

impl<S: Shape> AsRef<[u8]> for Scanned<S> {
    #[inline(always)]
    fn as_ref(&self) -> &[u8] {
        self.row.as_bytes()
    }
}

/// What a scan is called.
pub(super) fn name_of(scan: &Scan) -> String {
    match &scan.input {
        Input::Table { name, .. } => name.clone(),
        Input::Values(_) => "VALUES".to_owned(),
    }
}

/// The watermark that a row carries.
pub(super) fn watermark_of<S: Shape>(row: &Scanned<S>) -> Option<i64> {
    Some(row.watermark)
}

/// When events happen.
enum Time {
    /// At no time.
    None,
    /// In a column, with the watermark so far behind; `None` promises nothing.
    Column(Slot, Option<i64>),
    /// In a column, and the watermark is the only column of what a kernel makes.
    Kernel(Slot, Kernel, Slot),
}

/// Reads a scan.
pub(super) struct ScanSource<S: Shape> {
    table: String,
    reader: Box<dyn TableReader>,
    /// What makes the computed columns, and the row that it makes them of.
    computed: Option<(Kernel, Vec<u8>)>,
    time: Time,
    time_name: String,
    rows: u64,
    without_time: u64,
    faults: Arc<Faults>,
    /// What ends a live table.
    finish: Option<Finish>,
    tells: Tells,
    shape: PhantomData<fn() -> S>,
}

impl<S: Shape> ScanSource<S> {
    pub(super) fn new(
        scan: &Scan,
        reader: Box<dyn TableReader>,
        session: &Session,
        faults: Arc<Faults>,
        finish: Finish,
        tells: Tells,
    ) -> Result<Self, SqlError> {
        let wide =
            |error: tidewire_event::row::TooWide| SqlError::new(Span::NONE, error.to_string());
        let layout = RowLayout::of_fields(&scan.fields).map_err(wide)?;
        let time = match &scan.time {
            None => Time::None,
            Some(time) => {
                let slot = layout.slots()[time.column];
                match &time.watermark {
                    None => Time::Column(slot, None),
                    Some(Watermark::Delay(behind)) => Time::Column(slot, Some(*behind)),
                    Some(Watermark::Expr(expr)) => {
                        let kernel =
                            Kernel::new(None, &[std::slice::from_ref(expr)], &[&layout], session)?;
                        let slot_made = kernel.outputs()[0].slots()[0];
                        Time::Kernel(slot, kernel, slot_made)
                    }
                }
            }
        };
        let time_name = scan.time.as_ref().map(|time| scan.fields[time.column].name.clone());
        Ok(Self {
            table: name_of(scan),
            finish: reader.is_live().then_some(finish),
            reader,
            computed: computed(scan, S::ROW_BYTES, session)?,
            time,
            time_name: time_name.unwrap_or_default(),
            rows: 0,
            without_time: 0,
            faults,
            tells,
            shape: PhantomData,
        })
    }

    #[cold]
    #[inline(never)]
    fn of_table(&self, error: TableError) -> ScanError {
        ScanError::Table { table: self.table.clone(), error }
    }

    /// Tells whoever watches how it is.
    #[inline]
    fn tell(&mut self) {
        let Self { reader, without_time, tells, .. } = self;
        tells.while_it_runs.answer(|| {
            let sum =
                |all: Vec<(String, u64)>| all.into_iter().map(|(_, count)| count).sum::<u64>();
            let mut counts: Vec<Count> = reader.watched();
            counts.push(("left out", sum(reader.skipped()) + *without_time));
            counts.push(("got over", sum(reader.troubles())));
            counts
        });
    }

    #[cold]
    #[inline(never)]
    fn of_row(&self, fault: Fault) -> ScanError {
        ScanError::Row { table: self.table.clone(), row: self.rows, fault }
    }

    /// The time of a row and the watermark that follows from it; no time if it is NULL.
    #[inline(always)]
    fn time(&self, row: &[u8]) -> Result<Option<(i64, i64)>, ScanError> {
        Ok(match &self.time {
            Time::None => Some((0, WATERMARK_NONE)),
            Time::Column(slot, behind) => (!slot.is_null(row)).then(|| {
                let ts = slot.int(row);
                (ts, behind.map_or(WATERMARK_NONE, |behind| ts.saturating_sub(behind)))
            }),
            Time::Kernel(slot, kernel, made) => {
                let mut out = [0; 16];
                kernel
                    .run([row, &[], &[]], &mut [&mut out])
                    .map_err(|fault| self.of_row(*fault))?;
                let watermark = if made.is_null(&out) { WATERMARK_NONE } else { made.int(&out) };
                (!slot.is_null(row)).then(|| (slot.int(row), watermark))
            }
        })
    }
}

/// What makes the computed columns of a scan: all of its row, which has `room` bytes, of what is read. That is in the row
/// too, so it needs no more room.
fn computed(
    scan: &Scan,
    room: usize,
    session: &Session,
) -> Result<Option<(Kernel, Vec<u8>)>, SqlError> {
    if scan.computed.is_empty() {
        return Ok(None);
    }
    let read = scan.fields.len() - scan.computed.len();
    let layout = RowLayout::of_fields(&scan.fields[..read]);
    let layout = layout.map_err(|error| SqlError::new(Span::NONE, error.to_string()))?;
    let column =
        |at: usize, field: &Field| Expr::column(at, field.ty.clone(), field.nullable, Span::NONE);
    let mut exprs: Vec<_> =
        scan.fields[..read].iter().enumerate().map(|(at, field)| column(at, field)).collect();
    for (expr, field) in scan.computed.iter().zip(&scan.fields[read..]) {
        let mut expr = expr.replace_columns(&|at| exprs[at].clone());
        expr.nullable = field.nullable;
        exprs.push(expr);
    }
    let kernel = Kernel::new(None, &[&exprs], &[&layout], session)?;
    Ok(Some((kernel, vec![0; room])))
}

impl<S: Shape> Source for ScanSource<S> {
    type Event = Scanned<S>;
    type Error = ScanError;

    // As a part of the source's loop it need not move a row that has just been written.
    #[inline(always)]
    fn next(&mut self) -> Result<Polled<Scanned<S>>, ScanError> {
        loop {
            if self.faults.is_set() {
                return Err(ScanError::Fault);
            }
            if self.finish.as_ref().is_some_and(Finish::is_due) && !self.reader.end() {
                return Ok(Polled::End);
            }
            let mut row = RowOf::<S>::new_zeroed();
            let bytes = row.as_mut_bytes();
            let read = match &mut self.computed {
                None => self.reader.read(bytes),
                Some((_, read)) => {
                    read.fill(0);
                    self.reader.read(read)
                }
            };
            let (received, partition) = match read.map_err(|error| self.of_table(error))? {
                Read::Row { received, partition } => (received, partition),
                Read::Nothing => {
                    self.tell();
                    return Ok(Polled::Nothing);
                }
                Read::End => return Ok(Polled::End),
            };
            self.rows += 1;
            if self.rows.is_multiple_of(TELL_ROWS) {
                self.tell();
            }
            if let Some((kernel, read)) = &self.computed {
                kernel.run([read, &[], &[]], &mut [bytes]).map_err(|fault| self.of_row(*fault))?;
            }
            match self.time(bytes)? {
                Some((ts, watermark)) => {
                    let event = Scanned { row, watermark };
                    let stamped = Stamped::new(ts, event).received(received.unwrap_or(ts));
                    return Ok(Polled::Event(stamped.partition(partition)));
                }
                None => self.without_time += 1,
            }
        }
    }

    fn partitions(&self) -> u32 {
        self.reader.partitions()
    }

    fn position(&mut self) -> Result<Option<String>, ScanError> {
        self.reader.position().map_err(|error| self.of_table(error))
    }

    fn resume(&mut self, position: &str) -> Result<bool, ScanError> {
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

impl<S: Shape> Drop for ScanSource<S> {
    /// What was left out, and what went wrong, is told when the source is done.
    fn drop(&mut self) {
        let mut told = self.tells.told.lock().unwrap_or_else(PoisonError::into_inner);
        let Told { counts, skipped, troubles } = &mut *told;
        for (what, count) in self.reader.troubles() {
            troubles.add(&self.table, &what, count);
        }
        for (reason, count) in self.reader.skipped() {
            skipped.add(&self.table, &reason, count);
        }
        let come = self.reader.counts().into_iter();
        counts.extend(come.map(|(what, count)| (format!("{}: {what}", self.table), count)));
        if self.without_time > 0 {
            skipped.add(
                &self.table,
                &format!("rows whose time, {}, is NULL", self.time_name),
                self.without_time,
            );
        }
    }
}

/// Rows of constants.
pub(super) struct ValuesReader {
    rows: Vec<Vec<u8>>,
    next: usize,
}

impl ValuesReader {
    pub(super) fn new(
        rows: &[Vec<Expr>],
        fields: &[Field],
        session: &Session,
    ) -> Result<Self, SqlError> {
        let no_input = RowLayout::of_fields(&[])
            .map_err(|error| SqlError::new(Span::NONE, error.to_string()))?;
        let made = rows.iter().map(|exprs| {
            let exprs: Vec<_> = exprs
                .iter()
                .zip(fields)
                .map(|(expr, field)| Expr { nullable: field.nullable, ..expr.clone() })
                .collect();
            let kernel = Kernel::new(None, &[&exprs], &[&no_input], session)?;
            let mut row = vec![0; tidewire_event::row::ROW_BYTES_MAX];
            let ran = kernel.run([&[], &[], &[]], &mut [&mut row]);
            ran.map_err(|fault| SqlError::new(fault.at, fault.problem.clone()))?;
            let used = row.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            row.truncate(used);
            Ok(row)
        });
        Ok(Self { rows: made.collect::<Result<_, SqlError>>()?, next: 0 })
    }
}

impl TableReader for ValuesReader {
    fn read(&mut self, row: &mut [u8]) -> Result<Read, TableError> {
        let Some(made) = self.rows.get(self.next) else { return Ok(Read::End) };
        self.next += 1;
        row.fill(0);
        let Some(room) = row.get_mut(..made.len()) else {
            let problem =
                format!("a row of {} bytes; SET 'sql.row-bytes' to have room for it", made.len());
            return Err(TableError::Input { place: format!("row {}", self.next), problem });
        };
        room.copy_from_slice(made);
        Ok(Read::Row { received: None, partition: 0 })
    }
}

//! Streaming SQL: one text is a job.
//!
//! ```
//! use tidewire::sql::SqlJob;
//!
//! let job = SqlJob::read(
//!     "CREATE TABLE numbers (n BIGINT) WITH (
//!        'connector' = 'datagen', 'number-of-rows' = '5', 'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '5');
//!      CREATE TABLE nowhere (twice BIGINT) WITH ('connector' = 'blackhole');
//!      INSERT INTO nowhere SELECT n * 2 FROM numbers WHERE n > 2",
//!     &Default::default(),
//! )?;
//! let done = job.run(&Default::default(), &mut tidewire::runtime::Silent)?;
//! assert_eq!((done.rows_read, done.rows_written), (5, 3));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod connectors;
mod finish;
mod own;
mod scan;
mod seen;
mod settings;
mod sink;
mod table;

use std::collections::BTreeMap;
use std::io::{BufWriter, IsTerminal};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

use tidewire_connect::tables::{Column, OptionError, show};
use tidewire_dataflow::{Punctuated, WhenQuiet};
use tidewire_event::{DataType, Field, RowLayout};
use tidewire_runtime::{Job, JobError, Note, Observer, Options, Outcome};
use tidewire_sql::bind::{self, Answer};
use tidewire_sql::catalog::{self, Origin};
use tidewire_sql::explain::explain;
use tidewire_sql::plan::{Input, Output, Scan};
use tidewire_sql::run::{Prepared, RowFault, RowOrder, Run, Runnable, Shape};
use tidewire_sql::{Span, SqlError};

use self::connectors::{KnownConnectors, readers, writer};
use self::own::OwnReaders;
use self::scan::{ScanSource, Tells, Told, ValuesReader};
use self::sink::{OutputWriter, SqlSink};

pub use self::finish::Finish;
pub use self::scan::ScanError;
pub use self::seen::{Count, Seen};
pub use self::settings::Settings;
pub use self::sink::SqlSinkError;
pub use self::table::{
    Cells, CellsOut, ColumnError, Table, TableSink, TableSinkError, TableSource, TableSourceError,
    Told as TableTold,
};
pub use tidewire_connect::tables::{Columns, Read, TableError, TableReader, TableWriter};

/// Characters that a text of no declared length has room for in a row, where no setting says otherwise.
const TEXT_BYTES: usize = 64;
/// A declared length counts up to this.
const TEXT_BYTES_MAX: usize = 1 << 10;

/// A job, read and bound.
#[derive(Debug)]
pub struct SqlJob {
    bound: bind::Job,
    settings: Settings,
    own: OwnReaders,
    finish: Finish,
    seen: Seen,
}

/// What a job came to.
#[derive(Debug)]
pub struct Done {
    /// Rows that were read.
    pub rows_read: u64,
    /// Rows that were written.
    pub rows_written: u64,
    /// Rows that came too late for each query, in the order of the text.
    pub late: Vec<u64>,
    /// What has come to live tables, with the table.
    pub counts: Vec<(String, u64)>,
    /// Rows that were left out where they were read, or for which the queue of an output had no room, with the table and the
    /// reason.
    pub skipped: Vec<(String, u64)>,
    /// What went wrong and was got over, with the table: connections that were lost, and the like.
    pub troubles: Vec<(String, u64)>,
    /// The run.
    pub outcome: Outcome<()>,
}

/// Why a job could not be run.
#[derive(Debug, thiserror::Error)]
pub enum SqlRunError {
    /// Its text is wrong.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// A table can not be read or written.
    #[error("table {table}: {error}")]
    Table {
        /// The table.
        table: String,
        /// Why.
        error: TableError,
    },
    /// A value could not be worked out.
    #[error("{}{fault}", of_row(row))]
    Fault {
        /// The table and the row, from 1, that it is of, if it is of one.
        row: Option<(String, u64)>,
        /// What went wrong, and where in the text.
        fault: tidewire_sql::code::Fault,
    },
    /// The run failed.
    #[error(transparent)]
    Job(#[from] JobError<ScanError, SqlSinkError>),
}

impl SqlRunError {
    /// Whether it is only that whoever read the output has gone, as `head` does.
    #[must_use]
    pub fn is_closed_output(&self) -> bool {
        let closed = |error: &SqlSinkError| {
            matches!(error, SqlSinkError::Table { error: TableError::Closed, .. })
        };
        matches!(self, Self::Job(JobError::Sink(error)) if closed(error))
    }
}

fn of_row(row: &Option<(String, u64)>) -> String {
    row.as_ref().map_or_else(String::new, |(table, row)| format!("table {table}, row {row}: "))
}

impl SqlJob {
    /// Reads the text of a job. `settings` take the place of those that it sets.
    ///
    /// # Errors
    /// What is wrong with the text, and where.
    pub fn read(text: &str, settings: &BTreeMap<String, String>) -> Result<Self, SqlRunError> {
        let bound = bind::bind(text, settings, &KnownConnectors)?;
        let settings = Settings::read(&bound.settings)?;
        let (own, finish, seen) = Default::default();
        Ok(Self { bound, settings, own, finish, seen })
    }

    /// Reads a table from what `readers` makes, in place of its connector, which is not opened: for programs that have the
    /// rows themselves, and for tests of a job's text. `readers` is told which columns the job uses, and how they lie in a
    /// row.
    ///
    /// ```
    /// use tidewire::event::RowWriter;
    /// use tidewire::runtime::Silent;
    /// use tidewire::sql::{Columns, Read, SqlJob, TableError, TableReader};
    ///
    /// /// The numbers up to one.
    /// struct UpTo(i64, Columns);
    ///
    /// impl TableReader for UpTo {
    ///     fn read(&mut self, row: &mut [u8]) -> Result<Read, TableError> {
    ///         let Self(left, Columns { layout, .. }) = self;
    ///         if *left == 0 {
    ///             return Ok(Read::End);
    ///         }
    ///         RowWriter::on_zeros(row, layout).int(&layout.slots()[0], *left);
    ///         *left -= 1;
    ///         Ok(Read::Row { received: None, partition: 0 })
    ///     }
    /// }
    ///
    /// let job = SqlJob::read(
    ///     "CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'numbers.csv', 'format' = 'csv');
    ///      CREATE TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole');
    ///      INSERT INTO nowhere SELECT n FROM numbers WHERE n > 2",
    ///     &Default::default(),
    /// )?;
    /// let job = job.with_readers("numbers", |columns| Ok(vec![Box::new(UpTo(5, columns.clone()))]))?;
    /// let done = job.run(&Default::default(), &mut Silent)?;
    /// assert_eq!((done.rows_read, done.rows_written), (5, 3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// There is no such table.
    pub fn with_readers(
        mut self,
        table: &str,
        readers: impl Fn(&Columns) -> Result<Vec<Box<dyn TableReader>>, TableError> + 'static,
    ) -> Result<Self, SqlError> {
        if self.bound.catalog.table(table).is_none() {
            let error = SqlError::new(Span::NONE, format!("there is no table {table}"));
            return Err(error.nearest(table, self.bound.catalog.names()));
        }
        self.own.set(table, Box::new(readers));
        Ok(self)
    }

    /// What ends its live tables, and whether it does.
    #[must_use]
    pub fn finish(&self) -> &Finish {
        &self.finish
    }

    /// What can be seen of its tables while it runs.
    #[must_use]
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What its statements answer that run nothing, as text: EXPLAIN, SHOW TABLES, DESCRIBE, SET.
    ///
    /// # Errors
    /// A plan can not be compiled.
    pub fn answers(&self) -> Result<Vec<String>, SqlError> {
        self.bound.answers.iter().map(|answer| self.answer(answer)).collect()
    }

    fn answer(&self, answer: &Answer) -> Result<String, SqlError> {
        Ok(match answer {
            Answer::Plan(plan) => explain(plan, &self.prepare(plan)?),
            Answer::Tables(names) => names.iter().map(|name| format!("{name}\n")).collect(),
            Answer::Settings(settings) => {
                settings.iter().map(|(name, value)| format!("'{name}' = '{value}'\n")).collect()
            }
            Answer::Columns(columns) => {
                let line = |(field, notes): &(Field, String)| match notes.as_str() {
                    "" => format!("{field}\n"),
                    notes => format!("{field}  -- {notes}\n"),
                };
                columns.iter().map(line).collect()
            }
        })
    }

    /// Whether it runs something, and does not only answer.
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.bound.plan.outputs.is_empty()
    }

    /// Whether rows of it are shown, and not written to a table.
    #[must_use]
    pub fn shows_rows(&self) -> bool {
        self.bound.plan.outputs.iter().any(|output| output.table.is_none())
    }

    /// What it does, as a tree.
    ///
    /// # Errors
    /// It can not be compiled.
    pub fn explain(&self) -> Result<String, SqlError> {
        Ok(explain(&self.bound.plan, &self.prepare(&self.bound.plan)?))
    }

    fn prepare(&self, plan: &tidewire_sql::plan::Plan) -> Result<Prepared, SqlError> {
        let layouts = layouts(plan)?;
        let scanned =
            plan.scans.iter().zip(&layouts).map(|(scan, layout)| room(&scan.fields, layout));
        let row_bytes = scanned.chain(self.settings.row_bytes).max();
        Prepared::new(plan, &layouts, &self.bound.session, row_bytes)
    }

    /// Runs it to the end of its input. Rows that are shown go to standard output: as a table on a terminal, and as CSV else.
    ///
    /// # Errors
    /// See [`SqlRunError`].
    pub fn run(self, options: &Options, observer: &mut impl Observer) -> Result<Done, SqlRunError> {
        let to_standard_output = |columns: &Columns| match std::io::stdout().is_terminal() {
            true => show::table(std::io::stdout(), columns),
            false => show::csv(BufWriter::new(std::io::stdout()), columns),
        };
        self.run_shown(to_standard_output, options, observer)
    }

    /// The same, with the rows that are shown where `shown` says.
    ///
    /// # Errors
    /// See [`SqlRunError`].
    pub fn run_shown(
        self,
        shown: impl Fn(&Columns) -> Box<dyn TableWriter>,
        options: &Options,
        observer: &mut impl Observer,
    ) -> Result<Done, SqlRunError> {
        let prepared = self.prepare(&self.bound.plan)?;
        let plan = &self.bound.plan;
        let mut inputs = Vec::new();
        let mut opened = Vec::new();
        for (number, scan) in plan.scans.iter().enumerate() {
            for reader in self.open(scan)? {
                inputs.push(number);
                opened.push((scan, reader));
            }
        }
        for (scan, reader) in &opened {
            if options.snapshots.is_some()
                && let Some(error) = reader.needs_journal()
            {
                return Err(self.of_option(&scan::name_of(scan), error));
            }
        }
        let mut writers = Vec::new();
        for output in &plan.outputs {
            let writer = self.writer(output, &shown)?;
            if options.snapshots.is_none()
                && let Some(error) = writer.writer.needs_snapshots()
            {
                return Err(self.of_option(&writer.table, error));
            }
            writers.push(writer);
        }
        let told = Arc::new(Mutex::new(Told::default()));
        for (scan, reader) in &opened {
            for what in reader.notes() {
                observer.note(Note::Input { input: scan::name_of(scan), what });
            }
        }
        let is_live = opened.iter().any(|(_, reader)| reader.is_live());
        let when_quiet = self.when_quiet(is_live);
        // A job with snapshots is stopped behind one, and goes on from there: its windows stay open.
        self.finish.is_unheeded.store(!is_live || options.snapshots.is_some(), Relaxed);
        let (session, finish, seen) = (&self.bound.session, &self.finish, &self.seen);
        let run =
            Running { opened, writers, told, when_quiet, session, finish, seen, options, observer };
        prepared.run(&inputs, run)
    }

    /// What is wrong with an option of a table.
    fn of_option(&self, name: &str, error: OptionError) -> SqlRunError {
        match self.bound.catalog.table(name) {
            Some(table) => option_error(table, &error).into(),
            None => SqlRunError::Table { table: name.to_owned(), error: error.into() },
        }
    }

    /// What watermarks do when rows do not come. Where none of its tables `is_live` rows can be waited for, and whether they
    /// come soon depends on the machine.
    fn when_quiet(&self, is_live: bool) -> WhenQuiet {
        let WhenQuiet { idle_after, heartbeat_after } = WhenQuiet::default();
        let idle_after = match self.settings.idle_after_ns {
            Some(after) => Some(after).filter(|after| *after > 0),
            None => idle_after.filter(|_| is_live),
        };
        WhenQuiet { idle_after, heartbeat_after }
    }

    /// The readers of a scan.
    fn open(&self, scan: &Scan) -> Result<Vec<Box<dyn TableReader>>, SqlRunError> {
        let (name, columns) = match &scan.input {
            Input::Values(rows) => {
                let reader = ValuesReader::new(rows, &scan.fields, &self.bound.session)?;
                return Ok(vec![Box::new(reader)]);
            }
            Input::Table { name, columns } => (name, columns),
        };
        let Some(table) = self.bound.catalog.table(name) else { return Ok(Vec::new()) };
        let columns = Columns::used(columns_of(table), columns).map_err(too_wide)?;
        let own = self.own.readers(name, &columns);
        let made = own.unwrap_or_else(|| readers(&table.connector, &table.options, &columns));
        made.map_err(|error| of_table(table, error))
    }

    fn writer(
        &self,
        output: &Output,
        shown: &impl Fn(&Columns) -> Box<dyn TableWriter>,
    ) -> Result<OutputWriter, SqlRunError> {
        let columns = output.fields.iter().cloned().map(Column::physical).collect();
        let columns = Columns::all(columns).map_err(too_wide)?;
        let (order, limit) = (RowOrder::new(&output.fields)?, output.limit);
        let Some(name) = &output.table else {
            let (table, writer) = ("(shown)".to_owned(), shown(&columns));
            return Ok(OutputWriter { table, writer, order, limit, queue: None });
        };
        let Some(table) = self.bound.catalog.table(name) else {
            return Err(SqlError::new(Span::NONE, format!("the table {name} is dropped")).into());
        };
        let made = writer(&table.connector, &table.options, &columns);
        let (writer, queue) = made.map_err(|error| of_table(table, error))?;
        Ok(OutputWriter { table: name.clone(), writer, order, limit, queue })
    }
}

fn option_error(table: &catalog::Table, error: &tidewire_connect::tables::OptionError) -> SqlError {
    let place = table.option_places.get(error.option());
    SqlError::new(*place.unwrap_or(&table.at), error.to_string())
}

/// Why a table can not be read or written: an option of it has a place in the text.
fn of_table(table: &catalog::Table, error: TableError) -> SqlRunError {
    match error {
        TableError::Option(error) => option_error(table, &error).into(),
        error => SqlRunError::Table { table: table.name.clone(), error },
    }
}

fn too_wide(error: tidewire_event::row::TooWide) -> SqlError {
    SqlError::new(Span::NONE, error.to_string())
}

/// The layouts of the rows that scans read.
fn layouts(plan: &tidewire_sql::plan::Plan) -> Result<Vec<RowLayout>, SqlError> {
    plan.scans.iter().map(|scan| RowLayout::of_fields(&scan.fields).map_err(too_wide)).collect()
}

/// Bytes that a row of these columns takes, with room for its texts.
fn room(fields: &[Field], layout: &RowLayout) -> usize {
    let text = |field: &Field| match &field.ty {
        DataType::Char(length) | DataType::VarChar(length) => {
            (*length as usize).min(TEXT_BYTES_MAX)
        }
        DataType::String
        | DataType::Bytes
        | DataType::Array(_)
        | DataType::Map(..)
        | DataType::Row(_) => TEXT_BYTES,
        _ => 0,
    };
    layout.fixed_bytes() + fields.iter().map(text).sum::<usize>()
}

/// The columns of a table that its connector knows.
fn columns_of(table: &catalog::Table) -> Vec<Column> {
    let known = table.columns.iter().filter(|column| !matches!(column.origin, Origin::Computed(_)));
    let column = |column: &tidewire_sql::catalog::TableColumn| Column {
        field: column.field.clone(),
        metadata: match &column.origin {
            Origin::Metadata(key) => Some(key.clone()),
            _ => None,
        },
    };
    known.map(column).collect()
}

/// A job that is about to run, in the shape that it turns out to have.
struct Running<'r, O> {
    opened: Vec<(&'r Scan, Box<dyn TableReader>)>,
    writers: Vec<OutputWriter>,
    told: Arc<Mutex<Told>>,
    when_quiet: WhenQuiet,
    session: &'r tidewire_sql::Session,
    finish: &'r Finish,
    seen: &'r Seen,
    options: &'r Options,
    observer: &'r mut O,
}

impl<O: Observer> Run for Running<'_, O> {
    type Out = Result<Done, SqlRunError>;

    fn run<S: Shape>(self, job: Runnable<S>) -> Self::Out {
        let Self { opened, writers, told, when_quiet, session, finish, seen, options, observer } =
            self;
        let tables: Vec<_> = opened.iter().map(|(scan, _)| scan::name_of(scan)).collect();
        let faults = job.faults.clone();
        let sources = opened.into_iter().enumerate().map(|(number, (scan, reader))| {
            let (faults, finish) = (job.faults.clone(), finish.clone());
            let tells = Tells { told: told.clone(), while_it_runs: seen.of_source(number) };
            ScanSource::<S>::new(scan, reader, session, faults, finish, tells)
        });
        let sources = sources.collect::<Result<Vec<_>, _>>()?;
        let sink = SqlSink::<S>::new(writers, job.faults.clone(), seen.of_outputs());
        let route = job.route.clone();
        let runtime_job = Job {
            sources,
            watermarks: || Punctuated::new(scan::watermark_of::<S>),
            when_quiet,
            route,
            operator: |arena| job.operator(arena),
            sink,
        };
        let outcome = runtime_job.run(options, observer);
        if let Some(RowFault { fault, row, .. }) = faults.first() {
            let row = row.and_then(|(input, row)| Some((tables.get(input)?.clone(), row + 1)));
            return Err(SqlRunError::Fault { row, fault });
        }
        let outcome = outcome?;
        let (sink, outcome) = outcome.split();
        let told = std::mem::take(&mut *told.lock().unwrap_or_else(PoisonError::into_inner));
        let (counts, mut skipped, mut troubles) = told.into_lists();
        skipped.extend(sink.dropped());
        sink.add_troubles(&mut troubles);
        Ok(Done {
            rows_read: outcome.events,
            rows_written: sink.written(),
            late: sink.late(),
            counts,
            skipped,
            troubles: troubles.into_list(),
            outcome,
        })
    }
}

//! A table of a connector as the source or the sink of a typed pipeline.

mod cells;
mod sink;
mod source;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use tidewire_connect::tables::Columns;
use tidewire_event::Stamped;
use tidewire_runtime::Options;
use tidewire_sql::catalog::{self, Origin};
use tidewire_sql::{Span, SqlError, bind};

use super::connectors::{KnownConnectors, readers, writer};
use super::{SqlRunError, columns_of, of_table, option_error, room, too_wide};
use crate::Stream;

pub use self::cells::{Cells, CellsOut, ColumnError};
pub use self::sink::{TableSink, TableSinkError};
pub use self::source::{TableSource, TableSourceError};

/// A table, as `CREATE TABLE` of [SQL](super) says it, for programs that work on its rows in Rust.
///
/// Columns that a program asks for by their numbers are those of the text, in its order. A computed column is refused, and a
/// `WATERMARK` is not used: the pipeline says its own.
///
/// ```
/// use tidewire::aggregates::sum;
/// use tidewire::prelude::*;
/// use tidewire::sql::Table;
///
/// #[derive(Clone, Copy)]
/// struct Purchase { user: i64, cents: i64 }
///
/// # let folder = std::env::temp_dir().join(format!("tidewire-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # std::fs::write(folder.join("purchases.csv"), "7,2.50,1\n9,1.00,2\n7,0.50,3\n")?;
/// # let (from, to) = (folder.join("purchases.csv"), folder.join("spent"));
/// # let (from, to) = (from.display(), to.display());
/// let purchases = Table::read(&format!(
///     "CREATE TABLE purchases (user_id BIGINT, amount DECIMAL(12, 2), second BIGINT) WITH (
///        'connector' = 'filesystem', 'path' = '{from}', 'format' = 'csv')"))?;
/// let spent = Table::read(&format!(
///     "CREATE TABLE spent (user_id BIGINT, amount DECIMAL(12, 2)) WITH (
///        'connector' = 'filesystem', 'path' = '{to}', 'format' = 'csv')"))?;
///
/// let options = Options::default();
/// let done = purchases
///     .stream(&options, |row| {
///         // A decimal is a whole number of its smallest units.
///         let purchase = Purchase { user: row.int(0)?, cents: row.int(1)? };
///         Ok(Stamped::new(row.int(2)? * SECOND, purchase))
///     })?
///     .watermark(Monotonic::new)
///     .key_by(|purchase: &Purchase| purchase.user)
///     .window(Tumbling::new(10 * SECOND)?)
///     .aggregate(sum(|purchase: &Purchase| purchase.cents))
///     .run(
///         spent.sink(
///             &options,
///             |a: &WindowRow<i64, Option<i128>>, b| a.key.cmp(&b.key),
///             |window, row| {
///                 row.int(0, window.key)?;
///                 row.int(1, window.value.unwrap_or_default() as i64)
///             },
///         )?,
///         &options,
///         &mut Silent,
///     )?;
/// assert_eq!(done.sink.written(), 2);
/// # let written = std::fs::read_dir(folder.join("spent"))?.next().unwrap()?.path();
/// # assert_eq!(std::fs::read_to_string(written)?, "7,3.00\n9,1.00\n");
/// # std::fs::remove_dir_all(folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Table {
    table: catalog::Table,
    columns: Columns,
    finish: Arc<AtomicBool>,
    told: Arc<Mutex<Told>>,
}

/// What a table that was read has to say, each with how often.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// What has come, where it is a live one.
    pub counts: Vec<(String, u64)>,
    /// What was left out, and why.
    pub skipped: Vec<(String, u64)>,
    /// What went wrong and was got over.
    pub troubles: Vec<(String, u64)>,
}

impl Table {
    /// Reads the text of one `CREATE TABLE`.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn read(text: &str) -> Result<Self, SqlRunError> {
        let job = bind::bind(text, &BTreeMap::new(), &KnownConnectors)?;
        let only = |what: &str| {
            SqlError::new(Span::NONE, format!("the text is to be one CREATE TABLE, and {what}"))
        };
        if !job.plan.outputs.is_empty() || !job.answers.is_empty() {
            return Err(only("does more").into());
        }
        let names = job.catalog.names();
        let [name] = names[..] else { return Err(only(&format!("creates {names:?}")).into()) };
        let Some(table) = job.catalog.table(name) else {
            return Err(only("creates a view").into());
        };
        for column in &table.columns {
            if matches!(column.origin, Origin::Computed(_)) {
                let name = &column.field.name;
                let problem = format!("the column {name} is computed: work it out in the program");
                return Err(SqlError::new(table.at, problem).into());
            }
        }
        let known = columns_of(table);
        let columns = table.order.iter().filter_map(|at| known.get(*at)).cloned().collect();
        let columns = Columns::all(columns).map_err(too_wide)?;
        let (finish, told) = Default::default();
        Ok(Self { table: table.clone(), columns, finish, told })
    }

    /// What ends its sources, if it is a live table: once it is set, they give what has come by then, and end.
    #[must_use]
    pub fn finish(&self) -> Arc<AtomicBool> {
        self.finish.clone()
    }

    /// What its sources have to say that are done, as they are when a run is.
    #[must_use]
    pub fn told(&self) -> Told {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its rows as a stream, each as the event that `event` makes of it. `options` are those of the run.
    ///
    /// # Errors
    /// The table can not be read, or not by a job of these options.
    pub fn stream<E, F>(
        &self,
        options: &Options,
        event: F,
    ) -> Result<Stream<TableSource<F>>, SqlRunError>
    where
        E: Copy + Send,
        F: Fn(&Cells<'_>) -> Result<Stamped<E>, ColumnError> + Clone + Send,
    {
        let Self { table, columns, .. } = self;
        let made = readers(&table.connector, &table.options, columns);
        let made = made.map_err(|error| of_table(table, error))?;
        if options.snapshots.is_some()
            && let Some(error) = made.iter().find_map(|reader| reader.needs_journal())
        {
            return Err(option_error(table, &error).into());
        }
        let source = |reader| TableSource::new(self, reader, event.clone());
        Ok(Stream::of(made.into_iter().map(source).collect()))
    }

    /// A sink of its rows, of which `write` writes the columns. `order` is that of rows of the same time; those that it calls
    /// equal may come in any order. `options` are those of the run.
    ///
    /// # Errors
    /// The table can not be written to, or not by a job of these options.
    pub fn sink<R, L, O, F>(
        &self,
        options: &Options,
        order: O,
        write: F,
    ) -> Result<TableSink<R, L, O, F>, SqlRunError>
    where
        O: Fn(&R, &R) -> Ordering + Send,
        F: Fn(&R, &mut CellsOut<'_>) -> Result<(), ColumnError> + Send,
    {
        let Self { table, columns, .. } = self;
        let made = writer(&table.connector, &table.options, columns);
        let (made, queue) = made.map_err(|error| of_table(table, error))?;
        if queue.is_some() {
            let problem = "the only output of a pipeline has no queue: leave 'sink.queue.rows' out";
            return Err(SqlError::new(table.at, problem.to_owned()).into());
        }
        if options.snapshots.is_none()
            && let Some(error) = made.needs_snapshots()
        {
            return Err(option_error(table, &error).into());
        }
        Ok(TableSink::new(self, made, order, write))
    }

    fn name(&self) -> &str {
        &self.table.name
    }

    /// Bytes of a row, with room for its texts.
    fn row_bytes(&self) -> usize {
        let fields: Vec<_> = self.columns.columns.iter().map(|it| it.field.clone()).collect();
        room(&fields, &self.columns.layout)
    }
}

#[cfg(test)]
mod tests;

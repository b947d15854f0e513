//! What a job does, in terms of the dataflow operators: what the binder makes of its text, what is explained, and what runs.
//!
//! ```text
//! scan -> feed: filter, project -> ring -> stage: operator, then filter, project -> stage ... -> output
//! ```
//!
//! 1. A [`Scan`] gives rows of a table. Its time and watermark are worked out on the source's thread, before any filter.
//! 2. A [`Pipeline`] is fed by scans, several where they are united or grouped by several sets. A [`Feed`] filters and
//!    projects on the source's thread, so that what crosses a ring is what the first stage needs: its key and its
//!    arguments.
//! 3. A [`Stage`] is one operator with its key. What it gives is filtered and projected into the key and the arguments of
//!    the next stage, or into a row of the output.
//! 4. All stages of a pipeline work on one shard: rows go there by the columns that all their keys share, which may be
//!    none.

use tidewire_dataflow::{Frame, SessionGap, Windows};
use tidewire_event::{DataType, Field};

use crate::aggregates::AggregateCall;
use crate::expr::Expr;

/// A job: see the module.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The tables that it reads, each once.
    pub scans: Vec<Scan>,
    /// What becomes of their rows.
    pub pipelines: Vec<Pipeline>,
    /// Where rows go.
    pub outputs: Vec<Output>,
}

/// A table that is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// The table.
    pub input: Input,
    /// The columns that it gives: those that are read, then those that are computed.
    pub fields: Vec<Field>,
    /// The computed columns, over those that are read and the computed ones before.
    pub computed: Vec<Expr>,
    /// When events happen, if the table says so.
    pub time: Option<EventTime>,
}

/// What a scan reads.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Columns of a table, by their numbers among those that the catalog's table has.
    Table {
        /// Its name.
        name: String,
        /// The columns.
        columns: Vec<usize>,
    },
    /// Rows of constants.
    Values(Vec<Vec<Expr>>),
}

/// The event time of a scan, and its watermark.
#[derive(Debug, Clone, PartialEq)]
pub struct EventTime {
    /// The column with the time, among the scan's.
    pub column: usize,
    /// The watermark of a row, over the scan's columns; its greatest value so far is the source's. `None`: the table has a
    /// time, but promises nothing before its end.
    pub watermark: Option<Watermark>,
}

/// How a watermark follows from rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Watermark {
    /// So many ns before the greatest time.
    Delay(i64),
    /// The greatest value of an expression over the scan's columns.
    Expr(Expr),
}

/// Rows of scans, on their way through stages to an output.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// Where its rows come from.
    pub feeds: Vec<Feed>,
    /// Its operators. There is at least one: [`Operator::Pass`] where rows leave as they come.
    pub stages: Vec<Stage>,
    /// The columns of the first stage's key by which rows go to shards: those that all stages' keys share.
    pub route: Vec<usize>,
    /// The number of the output.
    pub output: usize,
}

/// Rows of a scan for a pipeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Feed {
    /// The number of the scan.
    pub scan: usize,
    /// The windows that are put beside a row, once for each that it is in: their start and end are two more columns, behind
    /// those of the scan, of the type of the time of the scan and in its clock.
    pub expand: Option<Expand>,
    /// What is left of the rows.
    pub rows: Calc,
}

/// Windows beside a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expand {
    /// The windows.
    pub windows: Windows,
}

/// A filter and a projection: into what a stage takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Calc {
    /// Which rows it keeps.
    pub filter: Option<Expr>,
    /// The columns of the key; none for a row of an output.
    pub key: Vec<Expr>,
    /// The other columns.
    pub columns: Vec<Expr>,
}

/// An operator with its key.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// The columns of its key, as [`Calc::key`] gives them.
    pub key: Vec<Field>,
    /// Its other columns, as [`Calc::columns`] gives them.
    pub columns: Vec<Field>,
    /// What it does.
    pub operator: Operator,
    /// What becomes of its results, over the columns that [`Operator`] says: a row for each of these whose filter holds.
    pub then: Vec<Calc>,
}

/// What a stage does.
#[derive(Debug, Clone, PartialEq)]
pub enum Operator {
    /// Rows leave as they come. Its results have the columns of the stage.
    Pass,
    /// Rows leave in the order of their times. Its results have the columns of the stage.
    InOrder,
    /// A result for each key and window. Its columns are those of the key, then one for each aggregate, then the window's
    /// start and end, ns in the clock of the stage's time.
    Window {
        /// Which windows.
        windows: WindowKind,
        /// What is computed, over the stage's columns.
        aggregates: Vec<AggregateCall>,
        /// When results leave.
        emit: Emit,
    },
    /// A result for each row. Its columns are those of the stage, then one for each aggregate.
    Over {
        /// Over which rows of its key.
        frame: Frame,
        /// What is computed, over the stage's columns.
        aggregates: Vec<AggregateCall>,
        /// When results leave.
        emit: Emit,
    },
}

/// Which windows a stage has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WindowKind {
    /// Tumbling, hopping, cumulating.
    Aligned(Windows),
    /// Sessions.
    Session(SessionGap),
}

/// When results leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Emit {
    /// When nothing can change them.
    #[default]
    Complete,
    /// At once, for each row, from what has arrived so far; never corrected.
    OnArrival,
}

/// Where rows go.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// The table; `None`: they are shown.
    pub table: Option<String>,
    /// The columns of its rows.
    pub fields: Vec<Field>,
    /// Only so many rows are written, if that is said.
    pub limit: Option<u64>,
}

impl Operator {
    /// Its aggregates.
    #[must_use]
    pub fn aggregates(&self) -> &[AggregateCall] {
        match self {
            Self::Pass | Self::InOrder => &[],
            Self::Window { aggregates, .. } | Self::Over { aggregates, .. } => aggregates,
        }
    }
}

impl Stage {
    /// The columns of its results: see [`Operator`]. `time` is the type of its events' time.
    #[must_use]
    pub fn results(&self, time: &DataType) -> Vec<Field> {
        let aggregate = |call: &AggregateCall| Field {
            name: call.to_string(),
            ty: call.ty.clone(),
            nullable: call.nullable,
        };
        let aggregates = self.operator.aggregates().iter().map(aggregate);
        match &self.operator {
            Operator::Window { .. } => {
                let window = ["window_start", "window_end"];
                let window = window.map(|name| Field::new(name, time.clone()).not_null());
                self.key.iter().cloned().chain(aggregates).chain(window).collect()
            }
            _ => self.columns.iter().cloned().chain(aggregates).collect(),
        }
    }
}

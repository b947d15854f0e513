//! What a part of a query comes to: columns with names, and the streams that give their values.

use tidewire_dataflow::Windows;
use tidewire_event::{DataType, Field};

use crate::error::{Span, SqlError};
use crate::expr::Expr;
use crate::plan::{Calc, Expand, Feed, Operator, Scan, Stage, WindowKind};

/// What a column means beside its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Plain,
    /// The time of events.
    Time,
    WindowStart,
    WindowEnd,
    /// The last time of the window, which is the time of events too.
    WindowTime,
}

/// A column of a relation.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    /// The table or alias that it is of.
    pub(super) of: Option<String>,
    pub(super) ty: DataType,
    pub(super) nullable: bool,
    pub(super) role: Role,
}

impl Column {
    pub(super) fn field(&self) -> Field {
        Field { name: self.name.clone(), ty: self.ty.clone(), nullable: self.nullable }
    }

    pub(super) fn is_time(&self) -> bool {
        matches!(self.role, Role::Time | Role::WindowTime)
    }
}

/// The windows that the rows of a relation are in.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Windowing {
    None,
    /// A window function was applied, and nothing has been grouped yet. In the expressions of an open end, the window's
    /// start and end stand behind the columns of its base.
    Pending {
        kind: WindowKind,
        session_key: Vec<usize>,
    },
    /// Rows are results of such windows.
    Done(WindowKind),
}

/// Columns, and streams that give them.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    pub(super) columns: Vec<Column>,
    pub(super) streams: Vec<Stream>,
    pub(super) windowing: Windowing,
}

/// A pipeline that is being put together.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub(super) feeds: Vec<Feed>,
    pub(super) stages: Vec<Stage>,
    /// Where it goes on: over a scan each, or all of them over the results of the last stage.
    pub(super) opens: Vec<Open>,
}

/// An open end of a stream.
#[derive(Debug, Clone)]
pub(super) struct Open {
    /// The scan that it is over, while there is no stage.
    pub(super) scan: Option<usize>,
    /// How many columns its base has.
    pub(super) width: usize,
    /// The type of its events' time.
    pub(super) time: Option<DataType>,
    pub(super) expand: Option<Expand>,
    pub(super) filter: Option<Expr>,
    /// What the relation's columns are, over the columns of the base.
    pub(super) exprs: Vec<Expr>,
}

impl Relation {
    /// The relation of all columns of a scan.
    pub(super) fn of_scan(number: usize, scan: &Scan, of: &str) -> Self {
        let time = scan.time.as_ref().map(|time| time.column);
        let column = |(at, field): (usize, &Field)| Column {
            name: field.name.clone(),
            of: Some(of.to_owned()),
            ty: field.ty.clone(),
            nullable: field.nullable,
            role: if time == Some(at) { Role::Time } else { Role::Plain },
        };
        let columns: Vec<_> = scan.fields.iter().enumerate().map(column).collect();
        let exprs = columns
            .iter()
            .enumerate()
            .map(|(at, column)| Expr::column(at, column.ty.clone(), column.nullable, Span::NONE));
        let open = Open {
            scan: Some(number),
            width: columns.len(),
            time: time.map(|at| columns[at].ty.clone()),
            expand: None,
            filter: None,
            exprs: exprs.collect(),
        };
        let stream = Stream { feeds: Vec::new(), stages: Vec::new(), opens: vec![open] };
        Self { columns, streams: vec![stream], windowing: Windowing::None }
    }

    /// Calls `change` for every open end.
    pub(super) fn each_open(&mut self, change: impl FnMut(&mut Open)) {
        self.streams.iter_mut().flat_map(|stream| &mut stream.opens).for_each(change);
    }

    /// Leaves out the rows for which `filter` does not hold, an expression over the relation's columns.
    pub(super) fn filter(&mut self, filter: &Expr, and: &impl Fn(Expr, Expr) -> Expr) {
        self.each_open(|open| {
            let filter = open.over_base(filter);
            open.filter = Some(match open.filter.take() {
                Some(before) => and(before, filter),
                None => filter,
            });
        });
    }

    /// Makes other columns, of expressions over those that there are.
    pub(super) fn project(&mut self, columns: Vec<(Column, Expr)>) {
        let (columns, exprs): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        self.each_open(|open| {
            open.exprs = exprs.iter().map(|expr| open.over_base(expr)).collect();
        });
        self.columns = columns;
    }

    /// Leaves out the last column.
    pub(super) fn leave_out_last(&mut self) {
        self.columns.pop();
        let width = self.columns.len();
        self.each_open(|open| open.exprs.truncate(width));
    }

    /// The one stream that it is of.
    ///
    /// # Errors
    /// It unites results of several operators.
    pub(super) fn one_stream(&mut self, at: Span) -> Result<&mut Stream, SqlError> {
        match self.streams.as_mut_slice() {
            [stream] => Ok(stream),
            _ => Err(SqlError::new(at, "grouped or windowed results are united below this").help(
                "UNION ALL of results can be written to a table; grouped again they can not be",
            )),
        }
    }

    /// Puts the windows of a window function that nothing has grouped by beside the rows.
    ///
    /// # Errors
    /// Sessions, or rows that are results of another operator.
    pub(super) fn expand(&mut self, at: Span) -> Result<(), SqlError> {
        let Windowing::Pending { kind, .. } = &self.windowing else { return Ok(()) };
        let windows = match kind {
            WindowKind::Aligned(windows) => *windows,
            WindowKind::Session(_) => {
                return Err(SqlError::new(at, "sessions that nothing is grouped by")
                    .help("GROUP BY window_start, window_end"));
            }
        };
        let is_staged =
            self.streams.iter().flat_map(|stream| &stream.opens).any(|open| open.scan.is_none());
        if is_staged {
            return Err(SqlError::new(at, "windows of grouped results that nothing is grouped by")
                .help("GROUP BY window_start, window_end"));
        }
        self.each_open(|open| open.expand = Some(Expand { windows }));
        self.windowing = Windowing::Done(WindowKind::Aligned(windows));
        Ok(())
    }
}

impl Open {
    /// An expression over the relation's columns, over those of the base.
    pub(super) fn over_base(&self, expr: &Expr) -> Expr {
        expr.replace_columns(&|at| self.exprs[at].clone())
    }

    /// The rows of expressions over the relation's columns.
    pub(super) fn calc(&self, key: &[Expr], columns: &[Expr]) -> Calc {
        let over = |exprs: &[Expr]| exprs.iter().map(|expr| self.over_base(expr)).collect();
        Calc { filter: self.filter.clone(), key: over(key), columns: over(columns) }
    }
}

impl Stream {
    /// Closes the open ends with rows for an operator, and goes on behind it, with all its results as columns. `rows_of` gives
    /// the rows that are made at an open end.
    pub(super) fn then(
        &mut self,
        key: Vec<Field>,
        columns: Vec<Field>,
        operator: Operator,
        rows_of: impl Fn(&Open) -> Vec<Calc>,
    ) -> Vec<Field> {
        let time = self.opens.first().and_then(|open| open.time.clone());
        for open in std::mem::take(&mut self.opens) {
            let rows = rows_of(&open);
            match (open.scan, self.stages.last_mut()) {
                (Some(scan), _) => {
                    let feed = |rows| Feed { scan, expand: open.expand, rows };
                    self.feeds.extend(rows.into_iter().map(feed));
                }
                (None, Some(stage)) => stage.then.extend(rows),
                (None, None) => {}
            }
        }
        let stage = Stage { key, columns, operator, then: Vec::new() };
        let raw = raw_time(time.as_ref());
        let results = stage.results(&raw);
        self.stages.push(stage);
        let exprs = results
            .iter()
            .enumerate()
            .map(|(at, field)| Expr::column(at, field.ty.clone(), field.nullable, Span::NONE));
        self.opens = vec![Open {
            scan: None,
            width: results.len(),
            time,
            expand: None,
            filter: None,
            exprs: exprs.collect(),
        }];
        results
    }
}

/// The type of a window's start and end as an operator gives them: ns in the clock of the events' time.
pub(super) fn raw_time(time: Option<&DataType>) -> DataType {
    match time {
        Some(DataType::TimestampLtz(_)) => DataType::TimestampLtz(9),
        _ => DataType::Timestamp(9),
    }
}

/// How far one window begins behind another, and the phase of their ends.
pub(super) fn step(windows: &Windows) -> Windows {
    Windows::from(windows.grid())
}

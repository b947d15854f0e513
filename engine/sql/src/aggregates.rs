//! Aggregate functions: what types they take and give, and how they are computed.
//!
//! A call is [bound](bind) when its text is read, and compiled with all others of its stage when the job starts.

mod bind;
pub(crate) mod calls;
mod chosen;
pub(crate) mod codec;
mod distinct;
mod kept;
mod library;
mod lists;
mod make;
mod prices;
mod region;
#[cfg(test)]
mod tests;
mod totals;

use std::fmt;

use tidewire_dataflow::Frame;
use tidewire_event::{DataType, Value};

use crate::error::{Span, SqlError};
use crate::expr::Expr;
use crate::session::Session;

/// An aggregate function of a query.
#[derive(Debug, Clone)]
pub struct AggregateCall {
    /// Its name, in capitals.
    pub name: &'static str,
    /// Whether equal arguments count once.
    pub distinct: bool,
    /// The arguments.
    pub args: Vec<Expr>,
    /// Which rows count.
    pub filter: Option<Expr>,
    /// The type of the result.
    pub ty: DataType,
    /// Whether the result may be NULL.
    pub nullable: bool,
    /// Where it stands.
    pub at: Span,
}

/// Where they stand does not count: what a query says twice is computed once.
impl PartialEq for AggregateCall {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.distinct == other.distinct
            && self.args == other.args
            && self.filter == other.filter
            && self.ty == other.ty
            && self.nullable == other.nullable
    }
}

/// Binds a call of the aggregate function `name`; `COUNT(*)` has no arguments.
///
/// # Errors
/// There is no such aggregate function, or it takes no such arguments.
pub fn bind(
    name: &str,
    distinct: bool,
    args: Vec<Expr>,
    filter: Option<Expr>,
    at: Span,
    session: &Session,
) -> Result<AggregateCall, SqlError> {
    bind::bind(name, distinct, args, filter, at, session)
}

/// The frame that a function has of its own, whatever the window says: LAG looks back over so many rows, and ROW_NUMBER
/// over all.
#[must_use]
pub fn own_frame(call: &AggregateCall) -> Option<Frame> {
    match call.name {
        "LAG" => Some(Frame::Rows { preceding: lag_rows(call) }),
        "ROW_NUMBER" => Some(Frame::Rows { preceding: u64::MAX }),
        _ => None,
    }
}

/// How many rows LAG looks back.
fn lag_rows(call: &AggregateCall) -> u64 {
    match call.args.get(1).and_then(Expr::as_literal) {
        Some(Value::Int(rows)) => u64::try_from(*rows).unwrap_or(0),
        _ => 1,
    }
}

/// The names of all aggregate functions, in capitals.
pub fn names() -> impl Iterator<Item = &'static str> {
    bind::FUNCTIONS.iter().flat_map(|function| function.names).copied()
}

impl AggregateCall {
    /// How many of its arguments are values of a row; the others are constants.
    pub(crate) fn values(&self) -> usize {
        let named = bind::FUNCTIONS.iter().find(|function| function.names.contains(&self.name));
        named.map_or(1, |function| function.values)
    }
}

impl fmt::Display for AggregateCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

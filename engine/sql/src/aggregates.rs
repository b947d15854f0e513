//! Aggregate functions: what types they take and give.

use std::fmt;

use tidewire_event::DataType;

use crate::error::{Span, SqlError};
use crate::expr::Expr;
use crate::session::Session;

/// An aggregate function of a query.
#[derive(Debug, Clone, PartialEq)]
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
    let _ = (distinct, args, filter, session);
    Err(SqlError::new(at, format!("there is no aggregate function {name}")))
}

/// The names of all aggregate functions, in capitals.
pub fn names() -> impl Iterator<Item = &'static str> {
    std::iter::empty()
}

impl fmt::Display for AggregateCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

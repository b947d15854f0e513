//! Functions and operators: what types they take and give, and their code.
//!
//! Everything that an expression can do is a [`Function`]: `+`, `AND`, `CASE`, `CAST` and `IS NULL` as well as `UPPER`.

use std::fmt;

use tidewire_event::{DataType, Value};

use crate::code::Code;
use crate::error::{Span, SqlError};
use crate::expr::Expr;
use crate::session::Session;

/// A function or an operator.
pub struct Function {
    /// Its name, in capitals; operators are named as they are written.
    pub name: &'static str,
    /// How it is called, for errors and documents: `SUBSTRING(text, from [, length])`.
    pub usage: &'static str,
    /// Binds a call: casts the arguments to what [`compile`](Self::compile) takes, and says the type of the result and
    /// whether it may be NULL.
    pub bind: fn(&mut Binding<'_>) -> Result<(DataType, bool), SqlError>,
    /// The code of a call that was bound.
    pub compile: fn(&Call<'_>) -> Result<Code, SqlError>,
}

/// A call that is being bound.
#[derive(Debug)]
pub struct Binding<'b> {
    /// The arguments.
    pub args: Vec<Expr>,
    /// Where it stands.
    pub at: Span,
    /// The settings of the job.
    pub session: &'b Session,
}

/// A call that is being compiled.
#[derive(Debug)]
pub struct Call<'c> {
    /// The arguments, and their code.
    pub args: &'c [Expr],
    /// The code of each argument.
    pub codes: Vec<Code>,
    /// The type of the result.
    pub ty: &'c DataType,
    /// Where it stands.
    pub at: Span,
    /// The settings of the job.
    pub session: &'c Session,
}

/// Binds a call of the function or operator `name`.
///
/// # Errors
/// There is no such function, or it takes no such arguments.
pub fn call(name: &str, args: Vec<Expr>, at: Span, session: &Session) -> Result<Expr, SqlError> {
    let _ = (name, args, session);
    Err(SqlError::new(at, "functions are not there yet"))
}

/// How a cast came about, and what it does with a value that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cast {
    /// `CAST`: a fault.
    Cast,
    /// `TRY_CAST`: NULL.
    Try,
    /// Of a value that is put where another type is needed, as in `INSERT INTO`: only between types that go together,
    /// and a value that does not fit is a fault.
    Implicit,
}

/// Binds a cast of `expr` to `ty`; the expression itself where it has that type.
///
/// # Errors
/// There is no such cast.
pub fn cast(
    expr: Expr,
    ty: &DataType,
    how: Cast,
    at: Span,
    session: &Session,
) -> Result<Expr, SqlError> {
    let _ = (how, session);
    if expr.ty == *ty { Ok(expr) } else { Err(SqlError::new(at, "casts are not there yet")) }
}

/// The type that all of `types` can become without a loss, as in UNION, CASE and VALUES.
#[must_use]
pub fn common_type(types: &[&DataType]) -> Option<DataType> {
    types.first().map(|ty| (*ty).clone())
}

/// Writes a constant as SQL does.
///
/// # Errors
/// Those of `out`.
pub fn write_literal(out: &mut impl fmt::Write, value: &Value, ty: &DataType) -> fmt::Result {
    let _ = ty;
    write!(out, "{value:?}")
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Function {
    /// Writes a call, of arguments that are written already, as SQL does.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut impl fmt::Write, args: &[String], ty: &DataType) -> fmt::Result {
        let _ = ty;
        write!(out, "{}({})", self.name, args.join(", "))
    }
}

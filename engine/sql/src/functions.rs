//! Functions and operators: what types they take and give, and their code.
//!
//! Everything that an expression can do is a [`Function`]: `+`, `AND`, `CASE`, `CAST` and `IS NULL` as well as `UPPER`.

mod arithmetic;
mod binding;
mod calling;
mod cast;
mod compare;
mod conditional;
mod logic;
mod nested;
mod operand;
#[cfg(test)]
mod tests;
mod text;
mod times;
mod write;
mod signature;
mod chars;
mod string;
mod search;
mod encoding;
mod regexp;
mod math;
mod numeric;
mod hash;
mod inspect;
mod unit;
mod calendar;
mod pattern;
mod moments;
mod json_path;
mod json_text;
mod url;
mod json;
mod collection;

use std::collections::HashMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use tidewire_event::{DataType, Value};

use crate::code::Code;
use crate::compile::{Place, evaluate};
use crate::error::{Span, SqlError};
use crate::expr::{Expr, ExprKind};
use crate::session::Session;

pub(crate) use calling::{Scalar, by_repr, scalar};
pub(crate) use cast::uncast;
pub(crate) use conditional::required;
pub(crate) use write::operand;

/// All functions and operators.
static LIBRARY: &[&[Function]] = &[
    arithmetic::FUNCTIONS,
    compare::FUNCTIONS,
    logic::FUNCTIONS,
    conditional::FUNCTIONS,
    text::FUNCTIONS,
    nested::FUNCTIONS,
    string::FUNCTIONS,
    search::FUNCTIONS,
    encoding::FUNCTIONS,
    regexp::FUNCTIONS,
    math::FUNCTIONS,
    numeric::FUNCTIONS,
    hash::FUNCTIONS,
    inspect::FUNCTIONS,
    calendar::FUNCTIONS,
    moments::FUNCTIONS,
    json::FUNCTIONS,
    url::FUNCTIONS,
    collection::FUNCTIONS,
];

/// Functions that give another value each time that they are called.
static VOLATILE: &[&str] = &["RAND", "RAND_INTEGER", "UUID"];

static BY_NAME: LazyLock<HashMap<&str, &Function>> =
    LazyLock::new(|| functions().map(|function| (function.name, function)).collect());

/// All functions and operators.
pub fn functions() -> impl Iterator<Item = &'static Function> {
    LIBRARY.iter().copied().flatten()
}

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
    /// What is called.
    pub function: &'static Function,
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
    /// What is called.
    pub function: &'static Function,
    /// The arguments, and their code.
    pub args: &'c [Expr],
    /// The code of each argument.
    pub codes: Vec<Code>,
    /// Where the arguments lie that are columns.
    pub(crate) places: Vec<Option<Place>>,
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
    let upper = name.to_uppercase();
    if upper == "NULLIF" {
        return null_if(args, at, session);
    }
    let Some(function) = BY_NAME.get(upper.as_str()) else {
        let error = SqlError::new(at, format!("there is no function {name}"));
        return Err(error.nearest(name, BY_NAME.keys().copied()));
    };
    bind(function, args, at, session)
}

/// `NULLIF(a, b)` is `CASE WHEN a = b THEN NULL ELSE a END`.
fn null_if(args: Vec<Expr>, at: Span, session: &Session) -> Result<Expr, SqlError> {
    let [a, b] = <[Expr; 2]>::try_from(args).map_err(|args| {
        let problem = format!("NULLIF takes 2 arguments, and has {}", args.len());
        SqlError::new(at, problem).help("it is called as NULLIF(a, b)")
    })?;
    let equal = call("=", vec![a.clone(), b], at, session)?;
    let null = Expr::literal(Value::Null, DataType::Null, at);
    call("CASE", vec![equal, null, a], at, session)
}

/// Binds a call of `function`. One whose arguments are all constants is a constant.
fn bind(
    function: &'static Function,
    args: Vec<Expr>,
    at: Span,
    session: &Session,
) -> Result<Expr, SqlError> {
    let mut binding = Binding { function, args, at, session };
    let (ty, nullable) = (function.bind)(&mut binding)?;
    let expr = Expr { kind: ExprKind::Call(function, binding.args), ty, nullable, at };
    fold(expr, session)
}

/// The constant that a call of constants is; another expression as it is.
fn fold(expr: Expr, session: &Session) -> Result<Expr, SqlError> {
    match &expr.kind {
        ExprKind::Call(function, args)
            if !args.is_empty()
                && args.iter().all(|arg| arg.as_literal().is_some())
                && !VOLATILE.contains(&function.name) =>
        {
            let value = evaluate(&expr, session)?;
            Ok(Expr::literal(value, expr.ty, expr.at))
        }
        _ => Ok(expr),
    }
}

/// The values of an integer type, as which it lies in a row.
pub(crate) fn int_range(ty: &DataType) -> RangeInclusive<i64> {
    match ty {
        DataType::TinyInt => i8::MIN.into()..=i8::MAX.into(),
        DataType::SmallInt => i16::MIN.into()..=i16::MAX.into(),
        DataType::Int | DataType::Date | DataType::Months => i32::MIN.into()..=i32::MAX.into(),
        _ => i64::MIN..=i64::MAX,
    }
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
    cast::cast(expr, ty, how, at, session)
}

/// The type that all of `types` can become without a loss, as in UNION, CASE and VALUES.
#[must_use]
pub fn common_type(types: &[&DataType]) -> Option<DataType> {
    crate::types::common(types)
}

/// Writes a constant as SQL does.
///
/// # Errors
/// Those of `out`.
pub fn write_literal(out: &mut impl fmt::Write, value: &Value, ty: &DataType) -> fmt::Result {
    write::literal(out, value, ty)
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Function {
    /// Writes a call, of arguments that are written already, as SQL does. Those that need parentheses have them.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut impl fmt::Write, args: &[String], ty: &DataType) -> fmt::Result {
        write::call(out, self.name, args, ty)
    }
}

#[cfg(test)]
mod wild;

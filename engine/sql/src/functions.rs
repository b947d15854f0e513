//! Functions and operators: what types they take and give, and their code.
//!
//! Everything that an expression can do is a [`Function`]: `+`, `AND`, `CASE`, `CAST` and `IS NULL` as well as `UPPER`.

mod arithmetic;
mod binding;
mod calling;

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

pub(crate) use calling::{Scalar, scalar};

/// All functions and operators.
static LIBRARY: &[&[Function]] = &[arithmetic::FUNCTIONS];

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
    let Some(function) = BY_NAME.get(upper.as_str()) else {
        let error = SqlError::new(at, format!("there is no function {name}"));
        return Err(error.nearest(name, BY_NAME.keys().copied()));
    };
    bind(function, args, at, session)
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
    let _ = (how, session);
    if expr.ty == *ty {
        Ok(expr)
    } else if expr.ty == DataType::Null {
        Ok(Expr::literal(Value::Null, ty.clone(), at))
    } else if expr.ty.is_integer() && ty.is_integer() {
        Ok(Expr { ty: ty.clone(), ..expr })
    } else {
        Err(SqlError::new(at, "casts are not there yet"))
    }
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

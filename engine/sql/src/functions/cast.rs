//! CAST, TRY_CAST, and the casts that nobody writes.
//!
//! 1. What does not fit is a fault, or NULL of a TRY_CAST; a text that is too long for VARCHAR(n) is cut by a CAST, and
//!    a fault where nobody wrote one.
//! 2. Digits that a decimal loses are rounded half up; those that an integer, a time or a timestamp loses are cut off.
//! 3. A moment is a date and time in the zone of the session.

mod convert;
pub(crate) mod float_text;
mod nested;
mod read;
#[cfg(test)]
mod tests;
pub(crate) mod write;

use std::sync::Arc;

use jiff::tz::TimeZone;
use tidewire_event::{DataType, Value};

use super::{Binding, Call, Cast, Function, by_repr, fold};
use crate::code::{self, Code, Env};
use crate::datum::{self, Datum};
use crate::error::{Span, SqlError};
use crate::expr::{Expr, ExprKind};
use crate::session::Session;
use crate::zone::Zone;

pub(crate) use read::read;
pub(crate) use write::write;

/// The characters of a value that a fault shows at most.
const SHOWN_MAX: usize = 100;

/// Makes a value of one type one of another. `None`: it does not fit.
type Convert = Arc<dyn for<'a> Fn(&Env<'a>, Datum<'a>) -> Option<Datum<'a>> + Send + Sync>;

/// What a conversion depends on.
#[derive(Debug, Clone)]
struct Context {
    zone: Arc<Zone>,
    how: Cast,
}

static CAST: Function = Function {
    name: "CAST",
    usage: "CAST(value AS type)",
    bind,
    compile: |call| compile(call, Cast::Cast),
};

static TRY_CAST: Function = Function {
    name: "TRY_CAST",
    usage: "TRY_CAST(value AS type)",
    bind,
    compile: |call| compile(call, Cast::Try),
};

static IMPLICIT: Function = Function {
    name: "CAST",
    usage: "CAST(value AS type)",
    bind,
    compile: |call| compile(call, Cast::Implicit),
};

fn bind(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    Err(SqlError::new(b.at, format!("it is written as {}", b.function.usage)))
}

/// Binds a cast: see [`super::cast`].
pub(super) fn cast(
    expr: Expr,
    ty: &DataType,
    how: Cast,
    at: Span,
    session: &Session,
) -> Result<Expr, SqlError> {
    if expr.ty == *ty {
        return Ok(expr);
    }
    if expr.ty == DataType::Null {
        return Ok(Expr::literal(Value::Null, ty.clone(), at));
    }
    let none = || SqlError::new(at, format!("there is no cast of {} to {ty}", expr.ty));
    let context = context(&expr.ty, ty, how, session);
    if convert::of(&expr.ty, ty, &context).is_none() {
        let error = none();
        return Err(match (expr.ty.is_timestamp(), ty.is_timestamp()) {
            (false, true) if expr.ty.is_numeric() => {
                error.help("TO_TIMESTAMP_LTZ(number, digits) makes a timestamp of a number")
            }
            (true, false) if ty.is_numeric() => {
                error.help("EXTRACT(EPOCH FROM time) makes a number of a timestamp")
            }
            _ => error,
        });
    }
    let fits = expr.as_literal().is_some() && expr.ty.is_integer() && ty.is_integer();
    if how == Cast::Implicit && !fits && !is_implicit(&expr.ty, ty) {
        let problem = format!("{} does not become {ty} by itself", expr.ty);
        return Err(SqlError::new(at, problem).help(format!("CAST(... AS {ty}) makes it")));
    }
    let function = match how {
        Cast::Cast => &CAST,
        Cast::Try => &TRY_CAST,
        Cast::Implicit => &IMPLICIT,
    };
    let nullable = expr.nullable || how == Cast::Try;
    let kind = ExprKind::Call(function, vec![expr]);
    fold(Expr { kind, ty: ty.clone(), nullable, at }, session)
}

/// Whether a value is put where another type is needed without a CAST.
fn is_implicit(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    match (from, to) {
        (from, to) if from.is_integer() && to.is_integer() => {
            from.repr().slot_bytes() <= to.repr().slot_bytes()
        }
        (from, T::Decimal { .. } | T::Double) => from.is_numeric(),
        (from, T::Float) => from.is_numeric() && *from != T::Double,
        (from, to) if from.is_text() => to.is_text(),
        (T::Date, to) | (to, T::Date) => to.is_timestamp() || *to == T::Date,
        (T::Time(_), T::Time(_)) => true,
        (from, T::Time(_)) => from.is_timestamp(),
        (from, to) if from.is_timestamp() => to.is_timestamp(),
        (T::Array(from), T::Array(to)) => is_implicit(from, to) || from == to,
        (T::Map(from, value), T::Map(to, other)) => {
            (is_implicit(from, to) || from == to) && (is_implicit(value, other) || value == other)
        }
        (T::Row(from), T::Row(to)) => {
            from.len() == to.len()
                && from.iter().zip(to).all(|(a, b)| a.ty == b.ty || is_implicit(&a.ty, &b.ty))
        }
        (T::Null, _) => true,
        _ => false,
    }
}

fn context(from: &DataType, to: &DataType, how: Cast, session: &Session) -> Context {
    let zone = if has_moments(from) || has_moments(to) { &session.zone } else { &TimeZone::UTC };
    Context { zone: Arc::new(Zone::new(zone)), how }
}

fn has_moments(ty: &DataType) -> bool {
    match ty {
        DataType::TimestampLtz(_) => true,
        DataType::Array(of) => has_moments(of),
        DataType::Map(key, value) => has_moments(key) || has_moments(value),
        DataType::Row(fields) => fields.iter().any(|field| has_moments(&field.ty)),
        _ => false,
    }
}

fn compile(call: &Call<'_>, how: Cast) -> Result<Code, SqlError> {
    let ([arg], [code]) = (call.args, call.codes.as_slice()) else {
        return Err(SqlError::new(call.at, "a cast has one argument"));
    };
    let (from, to) = (&arg.ty, call.ty);
    if as_it_is(from, to) {
        return Ok(code.clone());
    }
    if let (Code::Int(run), true) = (code, from.is_integer()) {
        let run = run.clone();
        match to {
            DataType::Double => return Ok(code::float(move |env| Some(run(env)? as f64))),
            DataType::Decimal { precision, scale: 0 } if *precision >= 19 => {
                return Ok(code::wide(move |env| Some(run(env)?.into())));
            }
            _ => {}
        }
    }
    let context = context(from, to, how, call.session);
    let Some(convert) = convert::of(from, to, &context) else {
        return Err(SqlError::new(call.at, format!("there is no cast of {from} to {to}")));
    };
    let (at, code) = (call.at, code.clone());
    let (source, target, zone) = (from.clone(), to.clone(), context.zone);
    macro_rules! of {
        ($get:ident) => {
            code::$get(move |env| {
                let value = datum::run(&code, env)?;
                match convert(env, value).and_then(Datum::$get) {
                    None if how != Cast::Try => {
                        env.fail(at, || problem(value, &source, &target, &zone))
                    }
                    converted => converted,
                }
            })
        };
    }
    Ok(by_repr!(call.ty.repr(), of))
}

/// What to say of a value that does not fit.
fn problem(value: Datum<'_>, from: &DataType, to: &DataType, zone: &Zone) -> String {
    let mut text = String::new();
    let _ = write(&mut text, value, from, zone);
    let shown: String = text.chars().take(SHOWN_MAX).collect();
    let dots = if shown.len() < text.len() { "..." } else { "" };
    let quote = if from.is_numeric() { "" } else { "'" };
    format!("{quote}{shown}{dots}{quote} of type {from} does not become {to}")
}

/// What an expression is a cast of, if the cast changes nothing but the width in a row; else itself.
pub(crate) fn uncast(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Call(function, args) => match args.as_slice() {
            [arg] if is_cast(function) && as_it_is(&arg.ty, &expr.ty) => uncast(arg),
            _ => expr,
        },
        _ => expr,
    }
}

fn is_cast(function: &Function) -> bool {
    [&CAST, &TRY_CAST, &IMPLICIT].into_iter().any(|cast| std::ptr::eq(cast, function))
}

/// Whether all values of `from` are values of `to`, as they lie in a row.
fn as_it_is(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    match (from, to) {
        (from, to) if from == to => true,
        (from, to) if from.is_integer() && to.is_integer() => {
            from.repr().slot_bytes() <= to.repr().slot_bytes()
        }
        (from, T::String) if from.is_text() => true,
        (T::Char(from) | T::VarChar(from), T::VarChar(to)) => from <= to,
        (from, T::Bytes) if from.is_text() => true,
        (T::Timestamp(from), T::Timestamp(to))
        | (T::TimestampLtz(from), T::TimestampLtz(to))
        | (T::Time(from), T::Time(to)) => from <= to,
        (T::Decimal { precision: p1, scale: s1 }, T::Decimal { precision: p2, scale: s2 }) => {
            s1 == s2 && p1 <= p2 && from.repr() == to.repr()
        }
        (T::Float, T::Double) => true,
        _ => false,
    }
}

//! `= <> < <= > >=`, BETWEEN, IN, IS DISTINCT FROM: of values of one type.
//!
//! 1. A comparison with NULL is NULL, but for IS [NOT] DISTINCT FROM.
//! 2. Texts are compared by their bytes. Floating point is compared as IEEE does: NaN equals nothing.
//! 3. `a IN (b, c)` is true if one is equal, else NULL if anything is NULL.

use std::cmp::Ordering;
use std::collections::HashSet;

use tidewire_event::{DataType, Repr, Value};

use super::{Binding, Call, Cast, Function, int_range, scalar};
use crate::code::{Code, Env, Run, RunBytes, bool};
use crate::decimal;
use crate::error::SqlError;
use crate::expr::Expr;
use crate::types::{self, decimal_of};

pub(crate) static FUNCTIONS: &[Function] = &[
    Function { name: "=", usage: "a = b", bind: bind_equal, compile: compare },
    Function { name: "<>", usage: "a <> b", bind: bind_equal, compile: compare },
    Function { name: "<", usage: "a < b", bind: bind_order, compile: compare },
    Function { name: "<=", usage: "a <= b", bind: bind_order, compile: compare },
    Function { name: ">", usage: "a > b", bind: bind_order, compile: compare },
    Function { name: ">=", usage: "a >= b", bind: bind_order, compile: compare },
    Function {
        name: "BETWEEN",
        usage: "a BETWEEN low AND high",
        bind: bind_between,
        compile: between,
    },
    Function {
        name: "NOT BETWEEN",
        usage: "a NOT BETWEEN low AND high",
        bind: bind_between,
        compile: |call| not(between(call)?, call),
    },
    Function { name: "IN", usage: "a IN (b, ...)", bind: bind_in, compile: in_list },
    Function {
        name: "NOT IN",
        usage: "a NOT IN (b, ...)",
        bind: bind_in,
        compile: |call| not(in_list(call)?, call),
    },
    Function {
        name: "IS DISTINCT FROM",
        usage: "a IS DISTINCT FROM b",
        bind: bind_distinct,
        compile: |call| distinct(call, true),
    },
    Function {
        name: "IS NOT DISTINCT FROM",
        usage: "a IS NOT DISTINCT FROM b",
        bind: bind_distinct,
        compile: |call| distinct(call, false),
    },
];

/// Makes all arguments of the type that they are compared as, and says which that is.
pub(super) fn comparable(b: &mut Binding<'_>) -> Result<DataType, SqlError> {
    let all: Vec<_> = b.args.iter().map(|arg| &arg.ty).collect();
    let Some(ty) = types::compared(&all) else { return Err(b.no_such()) };
    let ty = if ty == DataType::Null { DataType::Boolean } else { ty };
    let ty = if decimal_of(&ty).is_some() { without_constants(b).unwrap_or(ty) } else { ty };
    for at in 0..b.args.len() {
        // Integers, and texts, are compared as they lie.
        let of = b.ty(at);
        let as_it_is = ty.is_integer() && of.is_integer() || ty.is_text() && of.is_text();
        if !as_it_is {
            // A text beside a time is read as one, and a constant may lose zeros.
            let reads =
                b.ty(at).is_text() || b.args.get(at).is_some_and(|arg| arg.as_literal().is_some());
            let how = if reads { Cast::Cast } else { Cast::Implicit };
            b.cast_as(at, &ty, how)?;
        }
    }
    Ok(ty)
}

/// The common type of the numbers that are no constants, if it has 64 bits and the constants are exactly values of it.
fn without_constants(b: &Binding<'_>) -> Option<DataType> {
    let (constants, others): (Vec<_>, Vec<_>) =
        b.args.iter().partition(|arg| arg.as_literal().is_some());
    let others: Vec<_> = others.into_iter().map(|arg| &arg.ty).collect();
    let ty = types::common(&others).filter(|ty| matches!(ty.repr(), Repr::Int(_)))?;
    let (precision, scale) = decimal_of(&ty)?;
    let is_exact = |arg: &Expr| {
        let value = match arg.as_literal() {
            Some(Value::Null) => return true,
            Some(Value::Int(value)) => i128::from(*value),
            Some(Value::Wide(value)) => *value,
            _ => return false,
        };
        let Some((_, from)) = decimal_of(&arg.ty) else { return false };
        let there = decimal::rescale(value, from, scale);
        let fits = |there: &i128| match ty.is_integer() {
            true => i64::try_from(*there).is_ok_and(|there| int_range(&ty).contains(&there)),
            false => decimal::fits(*there, precision),
        };
        let back = there.filter(fits).and_then(|there| decimal::rescale(there, scale, from));
        back == Some(value)
    };
    constants.into_iter().all(is_exact).then_some(ty)
}

fn bind_equal(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(2..=2)?;
    comparable(b)?;
    Ok((DataType::Boolean, b.nullable()))
}

fn ordered(b: &mut Binding<'_>) -> Result<(), SqlError> {
    let ty = comparable(b)?;
    match ty {
        DataType::Array(_) | DataType::Map(..) | DataType::Row(_) => Err(b.no_such()),
        _ => Ok(()),
    }
}

fn bind_order(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(2..=2)?;
    ordered(b)?;
    Ok((DataType::Boolean, b.nullable()))
}

fn bind_between(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(3..=3)?;
    ordered(b)?;
    Ok((DataType::Boolean, b.nullable()))
}

fn bind_in(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(2..=usize::MAX)?;
    comparable(b)?;
    Ok((DataType::Boolean, b.nullable()))
}

fn bind_distinct(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(2..=2)?;
    comparable(b)?;
    Ok((DataType::Boolean, false))
}

fn not(code: Code, call: &Call<'_>) -> Result<Code, SqlError> {
    match code {
        Code::Bool(run) => Ok(bool(move |env| run(env).map(|value| !value))),
        _ => Err(SqlError::new(call.at, format!("{} is no condition", call.function.name))),
    }
}

/// One closure for each comparison of `$run(call, test)`.
macro_rules! by_name {
    ($call:expr, $run:path) => {
        match $call.function.name {
            "=" => $run($call, |a, b| a == b),
            "<>" => $run($call, |a, b| a != b),
            "<" => $run($call, |a, b| a < b),
            "<=" => $run($call, |a, b| a <= b),
            ">" => $run($call, |a, b| a > b),
            _ => $run($call, |a, b| a >= b),
        }
    };
}

fn compare(call: &Call<'_>) -> Result<Code, SqlError> {
    match call.codes.first() {
        Some(Code::Int(_)) => by_name!(call, ints),
        Some(Code::Float(_)) => by_name!(call, floats),
        Some(Code::Wide(_)) => by_name!(call, wides),
        Some(Code::Bool(_)) => by_name!(call, bools),
        _ => by_name!(call, texts),
    }
}

fn ints(
    call: &Call<'_>,
    test: impl Fn(&i64, &i64) -> bool + Send + Sync + 'static,
) -> Result<Code, SqlError> {
    call.join_ints(move |_, a, b| Some(test(&a, &b)))
}

fn floats(
    call: &Call<'_>,
    test: impl Fn(&f64, &f64) -> bool + Send + Sync + 'static,
) -> Result<Code, SqlError> {
    call.join_floats(move |_, a, b| Some(test(&a, &b)))
}

fn wides(
    call: &Call<'_>,
    test: impl Fn(&i128, &i128) -> bool + Send + Sync + 'static,
) -> Result<Code, SqlError> {
    call.map2_wide(move |_, a, b| Some(test(&a, &b)))
}

fn bools(
    call: &Call<'_>,
    test: impl Fn(&bool, &bool) -> bool + Send + Sync + 'static,
) -> Result<Code, SqlError> {
    let (a, b) = (call.bool(0)?, call.bool(1)?);
    Ok(bool(move |env| Some(test(&a(env)?, &b(env)?))))
}

fn texts(
    call: &Call<'_>,
    test: impl Fn(&[u8], &[u8]) -> bool + Send + Sync + 'static,
) -> Result<Code, SqlError> {
    let constant = call.args.get(1).and_then(|arg| arg.as_literal());
    let place = call.places.first().copied().flatten();
    match (place, constant) {
        (Some(place), Some(Value::Bytes(constant))) => {
            let constant = constant.clone();
            Ok(bool(move |env| {
                let row = env.rows[place.segment];
                let is_null = place.slot.is_null(row);
                (!is_null).then(|| test(place.slot.text(row), &constant))
            }))
        }
        (None, Some(Value::Bytes(constant))) => {
            let (a, constant) = (call.bytes(0)?, constant.clone());
            Ok(bool(move |env| Some(test(a(env)?, &constant))))
        }
        _ => call.map2_bytes(move |_, a, b| Some(test(a, b))),
    }
}

/// Calls `f` with the order of two arguments of the same type; `None` of it: one is NaN.
fn ordering(call: &Call<'_>, a: usize, b: usize) -> Result<Run<Option<Ordering>>, SqlError> {
    use std::sync::Arc;
    macro_rules! of {
        ($get:ident) => {{
            let (a, b) = (call.$get(a)?, call.$get(b)?);
            Arc::new(move |env: &Env<'_>| Some(a(env)?.partial_cmp(&b(env)?)))
        }};
    }
    Ok(match call.codes.get(a) {
        Some(Code::Int(_)) => of!(int),
        Some(Code::Float(_)) => of!(float),
        Some(Code::Wide(_)) => of!(wide),
        Some(Code::Bool(_)) => of!(bool),
        _ => {
            let (a, b) = (call.bytes(a)?, call.bytes(b)?);
            Arc::new(move |env| Some(Some(a(env)?.cmp(b(env)?))))
        }
    })
}

fn between(call: &Call<'_>) -> Result<Code, SqlError> {
    if let ([Code::Int(a), ..], [_, low, high]) = (call.codes.as_slice(), call.args)
        && let (Some(Value::Int(low)), Some(Value::Int(high))) =
            (low.as_literal(), high.as_literal())
    {
        let (a, low, high) = (a.clone(), *low, *high);
        return Ok(scalar(move |env| Some((low..=high).contains(&a(env)?))));
    }
    let (low, high) = (ordering(call, 0, 1)?, ordering(call, 0, 2)?);
    Ok(bool(move |env| {
        let from = low(env).map(|order| order.is_some_and(Ordering::is_ge));
        if from == Some(false) {
            return from;
        }
        let to = high(env).map(|order| order.is_some_and(Ordering::is_le));
        match (from, to) {
            (_, Some(false)) => to,
            (Some(true), Some(true)) => to,
            _ => None,
        }
    }))
}

fn in_list(call: &Call<'_>) -> Result<Code, SqlError> {
    let list = call.args.get(1..).unwrap_or_default();
    let constants: Option<Vec<&Value>> = list.iter().map(|arg| arg.as_literal()).collect();
    let repr = call.args.first().map(|arg| arg.ty.repr());
    match (constants, repr) {
        (Some(constants), Some(Repr::Int(_))) => {
            let known =
                |value: &&Value| if let Value::Int(value) = value { Some(*value) } else { None };
            let set: HashSet<i64> = constants.iter().filter_map(known).collect();
            let (a, has_null) = (call.int(0)?, constants.contains(&&Value::Null));
            Ok(bool(move |env| {
                let found = set.contains(&a(env)?);
                (found || !has_null).then_some(found)
            }))
        }
        (Some(constants), Some(Repr::Bytes))
            if constants.iter().all(|value| matches!(value, Value::Bytes(_) | Value::Null)) =>
        {
            let known = |value: &&Value| {
                if let Value::Bytes(text) = value { Some(text.clone()) } else { None }
            };
            let set: HashSet<Vec<u8>> = constants.iter().filter_map(known).collect();
            let (a, has_null): (RunBytes, _) = (call.bytes(0)?, constants.contains(&&Value::Null));
            Ok(bool(move |env| {
                let found = set.contains(a(env)?);
                (found || !has_null).then_some(found)
            }))
        }
        _ => {
            let orders = (1..call.args.len()).map(|at| ordering(call, 0, at));
            let orders = orders.collect::<Result<Vec<_>, _>>()?;
            Ok(bool(move |env| {
                let mut all_known = true;
                for order in &orders {
                    match order(env) {
                        Some(Some(Ordering::Equal)) => return Some(true),
                        Some(_) => {}
                        None => all_known = false,
                    }
                }
                all_known.then_some(false)
            }))
        }
    }
}

fn distinct(call: &Call<'_>, wanted: bool) -> Result<Code, SqlError> {
    macro_rules! of {
        ($get:ident) => {{
            let (a, b) = (call.$get(0)?, call.$get(1)?);
            bool(move |env| Some((a(env) != b(env)) == wanted))
        }};
    }
    Ok(match call.codes.first() {
        Some(Code::Int(_)) => of!(int),
        Some(Code::Float(_)) => of!(float),
        Some(Code::Wide(_)) => of!(wide),
        Some(Code::Bool(_)) => of!(bool),
        _ => of!(bytes),
    })
}

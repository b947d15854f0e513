//! CASE, IF, COALESCE, GREATEST, LEAST: one of several values of one type. Only what is asked for is computed, but of
//! GREATEST and LEAST, which are NULL if any argument is.

use tidewire_event::{DataType, Value};

use super::{Binding, Call, Function, by_repr};
use crate::code::{self, Code};
use crate::error::SqlError;
use crate::expr::{Expr, ExprKind};

pub(crate) static FUNCTIONS: &[Function] = &[
    Function {
        name: "CASE",
        usage: "CASE WHEN condition THEN value ... [ELSE value] END",
        bind: bind_case,
        compile: case,
    },
    Function { name: "IF", usage: "IF(condition, then, else)", bind: bind_if, compile: case },
    Function {
        name: "COALESCE",
        usage: "COALESCE(a, b, ...)",
        bind: |b| bind_coalesce(b, usize::MAX),
        compile: coalesce,
    },
    Function {
        name: "IFNULL",
        usage: "IFNULL(a, b)",
        bind: |b| bind_coalesce(b, 2),
        compile: coalesce,
    },
    Function {
        name: "GREATEST",
        usage: "GREATEST(a, b, ...)",
        bind: bind_extreme,
        compile: |call| extreme(call, true),
    },
    Function {
        name: "LEAST",
        usage: "LEAST(a, b, ...)",
        bind: bind_extreme,
        compile: |call| extreme(call, false),
    },
];

/// What is put into a column that is NOT NULL: the value, and a fault where it is NULL. No query calls it by name; the
/// second argument names the column.
static NOT_NULL: Function = Function {
    name: "NOT NULL",
    usage: "value",
    bind: |b| Ok((b.ty(0).clone(), false)),
    compile: not_null,
};

/// `expr`, which is a fault where it is NULL: it is put into `column`.
pub(crate) fn required(expr: Expr, column: &str) -> Expr {
    let (ty, at) = (expr.ty.clone(), expr.at);
    let column = Expr::literal(Value::text(column), DataType::String, at);
    let kind = ExprKind::Call(&NOT_NULL, vec![expr, column]);
    Expr { kind, ty, nullable: false, at }
}

fn not_null(call: &Call<'_>) -> Result<Code, SqlError> {
    let column = match call.args.get(1).and_then(Expr::as_literal) {
        Some(Value::Bytes(name)) => String::from_utf8_lossy(name).into_owned(),
        _ => String::new(),
    };
    let at = call.at;
    macro_rules! of {
        ($get:ident) => {{
            let value = call.$get(0)?;
            code::$get(move |env| {
                value(env).or_else(|| {
                    env.fail(at, || format!("column {column} is NOT NULL, and this is NULL"))
                })
            })
        }};
    }
    Ok(by_repr!(call.ty.repr(), of))
}

/// The arguments are conditions, each with its value behind it, and the value of ELSE last.
fn bind_case(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(2..=usize::MAX)?;
    if b.args.len().is_multiple_of(2) {
        b.args.push(Expr::literal(Value::Null, DataType::Null, b.at));
    }
    let last = b.args.len() - 1;
    let conditions = (0..last).step_by(2);
    conditions.clone().try_for_each(|at| b.boolean(at))?;
    let values: Vec<_> = conditions.map(|at| at + 1).chain([last]).collect();
    one_type(b, &values)
}

fn bind_if(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(3..=3)?;
    b.boolean(0)?;
    one_type(b, &[1, 2])
}

/// Makes the values of one type; the result may be NULL if one of them may.
fn one_type(b: &mut Binding<'_>, values: &[usize]) -> Result<(DataType, bool), SqlError> {
    let ty = b.common(values)?;
    let nullable = values.iter().any(|at| b.args.get(*at).is_some_and(|arg| arg.nullable));
    Ok((ty, nullable))
}

fn bind_coalesce(b: &mut Binding<'_>, most: usize) -> Result<(DataType, bool), SqlError> {
    b.count(if most == 2 { 2..=2 } else { 1..=most })?;
    let ty = b.common(&(0..b.args.len()).collect::<Vec<_>>())?;
    Ok((ty, b.args.iter().all(|arg| arg.nullable)))
}

fn bind_extreme(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(1..=usize::MAX)?;
    let ty = b.common(&(0..b.args.len()).collect::<Vec<_>>())?;
    if matches!(ty, DataType::Array(_) | DataType::Map(..) | DataType::Row(_)) {
        return Err(b.no_such());
    }
    Ok((ty, b.nullable()))
}

fn case(call: &Call<'_>) -> Result<Code, SqlError> {
    let last = call.codes.len().saturating_sub(1);
    macro_rules! of {
        ($get:ident) => {{
            let branch = |at| Ok((call.bool(at)?, call.$get(at + 1)?));
            let branches =
                (0..last).step_by(2).map(branch).collect::<Result<Box<[_]>, SqlError>>()?;
            let otherwise = call.$get(last)?;
            code::$get(move |env| {
                for (condition, value) in &branches {
                    if condition(env) == Some(true) {
                        return value(env);
                    }
                }
                otherwise(env)
            })
        }};
    }
    Ok(by_repr!(call.ty.repr(), of))
}

fn coalesce(call: &Call<'_>) -> Result<Code, SqlError> {
    macro_rules! of {
        ($get:ident) => {{
            let values = (0..call.codes.len()).map(|at| call.$get(at));
            let values = values.collect::<Result<Box<[_]>, SqlError>>()?;
            code::$get(move |env| values.iter().find_map(|value| value(env)))
        }};
    }
    Ok(by_repr!(call.ty.repr(), of))
}

fn extreme(call: &Call<'_>, greatest: bool) -> Result<Code, SqlError> {
    macro_rules! of {
        ($get:ident) => {{
            let first = call.$get(0)?;
            let rest = (1..call.codes.len()).map(|at| call.$get(at));
            let rest = rest.collect::<Result<Box<[_]>, SqlError>>()?;
            code::$get(move |env| {
                let mut best = first(env)?;
                for value in &rest {
                    let value = value(env)?;
                    if if greatest { value > best } else { value < best } {
                        best = value;
                    }
                }
                Some(best)
            })
        }};
    }
    Ok(by_repr!(call.ty.repr(), of))
}

//! AND, OR, NOT, and what is asked of truth values and of NULL: in three values.
//!
//! A chain of ANDs is one call. What stands behind a false of an AND, or a true of an OR, is not computed.

use tidewire_event::DataType;

use super::{Binding, Call, Function};
use crate::code::{Code, Run, bool};
use crate::error::SqlError;
use crate::expr::{Expr, ExprKind};

macro_rules! is {
    ($name:literal, $test:expr) => {
        Function {
            name: $name,
            usage: concat!("condition ", $name),
            bind: bind_is,
            compile: |call| {
                let a = call.bool(0)?;
                let test: fn(Option<bool>) -> bool = $test;
                Ok(bool(move |env| Some(test(a(env)))))
            },
        }
    };
}

pub(crate) static FUNCTIONS: &[Function] = &[
    Function {
        name: "AND",
        usage: "a AND b",
        bind: bind_chain,
        compile: |call| chain(call, false),
    },
    Function { name: "OR", usage: "a OR b", bind: bind_chain, compile: |call| chain(call, true) },
    Function { name: "NOT", usage: "NOT a", bind: bind_not, compile: compile_not },
    Function {
        name: "IS NULL",
        usage: "a IS NULL",
        bind: bind_null,
        compile: |call| null(call, true),
    },
    Function {
        name: "IS NOT NULL",
        usage: "a IS NOT NULL",
        bind: bind_null,
        compile: |call| null(call, false),
    },
    is!("IS TRUE", |a| a == Some(true)),
    is!("IS NOT TRUE", |a| a != Some(true)),
    is!("IS FALSE", |a| a == Some(false)),
    is!("IS NOT FALSE", |a| a != Some(false)),
    is!("IS UNKNOWN", |a| a.is_none()),
    is!("IS NOT UNKNOWN", |a| a.is_some()),
];

fn bind_chain(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(1..=usize::MAX)?;
    (0..b.args.len()).try_for_each(|at| b.boolean(at))?;
    let mut args = Vec::with_capacity(b.args.len());
    for arg in std::mem::take(&mut b.args) {
        match arg.kind {
            ExprKind::Call(function, inner) if std::ptr::eq(function, b.function) => {
                args.extend(inner);
            }
            kind => args.push(Expr { kind, ..arg }),
        }
    }
    b.args = args;
    Ok((DataType::Boolean, b.nullable()))
}

fn bind_not(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(1..=1)?;
    b.boolean(0)?;
    Ok((DataType::Boolean, b.nullable()))
}

fn bind_is(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(1..=1)?;
    b.boolean(0)?;
    Ok((DataType::Boolean, false))
}

fn bind_null(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(1..=1)?;
    Ok((DataType::Boolean, false))
}

/// AND of `decides` false, OR of `decides` true: what the first is that decides, else NULL if any is NULL, else the
/// other.
fn chain(call: &Call<'_>, decides: bool) -> Result<Code, SqlError> {
    let mut codes: Vec<_> =
        (0..call.codes.len()).map(|at| call.bool(at)).collect::<Result<_, _>>()?;
    if codes.len() == 2
        && let (Some(b), Some(a)) = (codes.pop(), codes.pop())
    {
        return Ok(two(a, b, decides));
    }
    let codes: Box<[Run<bool>]> = codes.into();
    Ok(bool(move |env| {
        let mut all_known = true;
        for code in &codes {
            match code(env) {
                Some(value) if value == decides => return Some(decides),
                Some(_) => {}
                None => all_known = false,
            }
        }
        all_known.then_some(!decides)
    }))
}

fn two(a: Run<bool>, b: Run<bool>, decides: bool) -> Code {
    bool(move |env| {
        let first = a(env);
        if first == Some(decides) {
            return first;
        }
        match b(env) {
            Some(value) if value == decides => Some(decides),
            second => first.and(second),
        }
    })
}

fn compile_not(call: &Call<'_>) -> Result<Code, SqlError> {
    let a = call.bool(0)?;
    Ok(bool(move |env| a(env).map(|value| !value)))
}

fn null(call: &Call<'_>, wanted: bool) -> Result<Code, SqlError> {
    if let Some(Some(place)) = call.places.first().copied() {
        return Ok(bool(move |env| Some(place.slot.is_null(env.rows[place.segment]) == wanted)));
    }
    macro_rules! of {
        ($run:expr) => {{
            let run = $run.clone();
            bool(move |env| Some(run(env).is_none() == wanted))
        }};
    }
    Ok(match call.codes.first() {
        Some(Code::Bool(run)) => of!(run),
        Some(Code::Int(run)) => of!(run),
        Some(Code::Wide(run)) => of!(run),
        Some(Code::Float(run)) => of!(run),
        Some(Code::Bytes(run)) => of!(run),
        None => return Err(SqlError::new(call.at, "IS NULL without an argument")),
    })
}

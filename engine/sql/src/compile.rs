//! From expressions to code: columns are loaded, constants are made, calls are compiled from the inside out.

use std::cell::RefCell;
use std::sync::Arc;

use bumpalo::Bump;
use tidewire_event::{DataType, Repr, RowLayout, Slot, Value};

use crate::code::{Code, Env, Fault, Run, SEGMENTS, bool, bytes, float, int, wide};
use crate::error::SqlError;
use crate::expr::{Expr, ExprKind};
use crate::functions::{Call, uncast};
use crate::session::Session;

/// Where a column of the input lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The segment.
    pub(crate) segment: usize,
    /// The slot in it.
    pub(crate) slot: Slot,
}

/// Compiles expressions over an input.
#[derive(Debug)]
pub(crate) struct Compiler<'c> {
    places: Vec<Place>,
    session: &'c Session,
}

impl<'c> Compiler<'c> {
    /// Over an input whose segments have these layouts.
    pub(crate) fn new(input: &[&RowLayout], session: &'c Session) -> Self {
        let places = |(segment, layout): (usize, &&RowLayout)| {
            let slots = layout.slots().to_vec();
            slots.into_iter().map(move |slot| Place { segment, slot })
        };
        Self { places: input.iter().take(SEGMENTS).enumerate().flat_map(places).collect(), session }
    }

    /// Where the column lies that `expr` is, if it is one, or a cast of one that changes nothing but the width in a row.
    pub(crate) fn place(&self, expr: &Expr) -> Option<Place> {
        self.places.get(uncast(expr).as_column()?).copied()
    }

    /// The code of `expr`.
    pub(crate) fn compile(&self, expr: &Expr) -> Result<Code, SqlError> {
        match &expr.kind {
            ExprKind::Column(index) => match self.places.get(*index) {
                Some(place) if place.slot.repr == expr.ty.repr() => Ok(load(*place)),
                _ => Err(SqlError::new(
                    expr.at,
                    format!("the input has no column number {index} of type {}", expr.ty),
                )),
            },
            ExprKind::Literal(value) => constant(value, &expr.ty).ok_or_else(|| {
                SqlError::new(expr.at, format!("{value:?} is no value of type {}", expr.ty))
            }),
            ExprKind::Call(function, args) => {
                let codes = args.iter().map(|arg| self.compile(arg)).collect::<Result<_, _>>()?;
                let places = args.iter().map(|arg| self.place(arg)).collect();
                let (at, ty, session) = (expr.at, &expr.ty, self.session);
                (function.compile)(&Call { function, args, codes, places, ty, at, session })
            }
        }
    }
}

/// The value of `expr`, which has no columns.
pub(crate) fn evaluate(expr: &Expr, session: &Session) -> Result<Value, SqlError> {
    let code = Compiler::new(&[], session).compile(expr)?;
    let (scratch, fault) = (Bump::new(), RefCell::new(None));
    let env = Env { rows: &[&[]; SEGMENTS], scratch: &scratch, fault: &fault };
    let value = match code {
        Code::Bool(run) => run(&env).map(Value::Bool),
        Code::Int(run) => run(&env).map(Value::Int),
        Code::Wide(run) => run(&env).map(Value::Wide),
        Code::Float(run) => run(&env).map(Value::Float),
        Code::Bytes(run) => run(&env).and_then(|bytes| Value::of_bytes(bytes, &expr.ty)),
    };
    match fault.into_inner() {
        Some(Fault { at, problem }) => Err(SqlError::new(at, problem)),
        None => Ok(value.unwrap_or(Value::Null)),
    }
}

/// Code that loads a column.
fn load(place: Place) -> Code {
    let Place { segment, slot } = place;
    // The width is a constant of each closure, and whether it looks for a NULL bit.
    macro_rules! ints {
        ($($width:literal)*) => {
            match (slot.repr, slot.null_bit) {
                $((Repr::Int($width), None) => {
                    let slot = Slot { repr: Repr::Int($width), null_bit: None, ..slot };
                    int(move |env| Some(slot.int(env.rows[segment])))
                })*
                _ => int(move |env| {
                    let row = env.rows[segment];
                    (!slot.is_null(row)).then(|| slot.int(row))
                }),
            }
        };
    }
    match slot.repr {
        Repr::Bool => bool(move |env| {
            let row = env.rows[segment];
            (!slot.is_null(row)).then(|| slot.bool(row))
        }),
        Repr::Int(_) => ints!(1 2 4 8),
        Repr::Wide => wide(move |env| {
            let row = env.rows[segment];
            (!slot.is_null(row)).then(|| slot.wide(row))
        }),
        Repr::Float(_) => float(move |env| {
            let row = env.rows[segment];
            (!slot.is_null(row)).then(|| slot.float(row))
        }),
        Repr::Bytes => bytes(move |env| {
            let row = env.rows[segment];
            (!slot.is_null(row)).then(|| slot.text(row))
        }),
    }
}

/// Code of a constant.
fn constant(value: &Value, ty: &DataType) -> Option<Code> {
    Some(match (value, ty.repr()) {
        (Value::Null, repr) => null(repr),
        (Value::Bool(value), Repr::Bool) => Code::Bool(always(*value)),
        (Value::Int(value), Repr::Int(_)) => Code::Int(always(*value)),
        (Value::Wide(value), Repr::Wide) => Code::Wide(always(*value)),
        (Value::Float(value), Repr::Float(_)) => Code::Float(always(*value)),
        (Value::Bytes(value), Repr::Bytes) => text(value.clone()),
        (Value::List(_) | Value::Map(_), Repr::Bytes) => {
            let mut bytes = Vec::new();
            value.encode(ty, &mut bytes);
            text(bytes)
        }
        _ => return None,
    })
}

/// Code of NULL.
fn null(repr: Repr) -> Code {
    match repr {
        Repr::Bool => bool(|_| None),
        Repr::Int(_) => int(|_| None),
        Repr::Wide => wide(|_| None),
        Repr::Float(_) => float(|_| None),
        Repr::Bytes => bytes(|_| None),
    }
}

fn always<T: Copy + Send + Sync + 'static>(value: T) -> Run<T> {
    Arc::new(move |_| Some(value))
}

fn text(value: Vec<u8>) -> Code {
    bytes(move |env| Some(env.text(&value)))
}

//! Operators of two integers, or two numbers of floating point, as one closure each where an operand is a column or a
//! constant: no call for what a load does.

use tidewire_event::{Repr, Slot, Value};

use super::{Call, Scalar, scalar};
use crate::code::{Code, Env, Run};
use crate::compile::Place;
use crate::error::SqlError;

/// A column of integers of so many bytes.
#[derive(Clone, Copy)]
struct IntColumn<const BYTES: u8>(Place);

impl<const BYTES: u8> IntColumn<BYTES> {
    #[inline(always)]
    fn get(self, env: &Env<'_>) -> Option<i64> {
        let row = env.rows[self.0.segment];
        let slot = Slot { repr: Repr::Int(BYTES), ..self.0.slot };
        if slot.is_null(row) { None } else { Some(slot.int(row)) }
    }
}

/// A column of DOUBLE.
#[derive(Clone, Copy)]
struct DoubleColumn(Place);

impl DoubleColumn {
    #[inline(always)]
    fn get(self, env: &Env<'_>) -> Option<f64> {
        let row = env.rows[self.0.segment];
        let slot = Slot { repr: Repr::Float(8), ..self.0.slot };
        if slot.is_null(row) { None } else { Some(slot.float(row)) }
    }
}

enum Ints {
    Column8(IntColumn<8>),
    Column4(IntColumn<4>),
    Constant(i64),
    Code(Run<i64>),
}

enum Floats {
    Column(DoubleColumn),
    Constant(f64),
    Code(Run<f64>),
}

impl Call<'_> {
    fn place(&self, at: usize) -> Option<Place> {
        self.places.get(at).copied().flatten()
    }

    fn ints(&self, at: usize) -> Result<Ints, SqlError> {
        let literal = self.args.get(at).and_then(|arg| arg.as_literal());
        Ok(match (self.place(at), literal) {
            (Some(place), _) if place.slot.repr == Repr::Int(8) => Ints::Column8(IntColumn(place)),
            (Some(place), _) if place.slot.repr == Repr::Int(4) => Ints::Column4(IntColumn(place)),
            (_, Some(Value::Int(value))) => Ints::Constant(*value),
            _ => Ints::Code(self.int(at)?),
        })
    }

    fn floats(&self, at: usize) -> Result<Floats, SqlError> {
        let literal = self.args.get(at).and_then(|arg| arg.as_literal());
        Ok(match (self.place(at), literal) {
            (Some(place), _) if place.slot.repr == Repr::Float(8) => {
                Floats::Column(DoubleColumn(place))
            }
            (_, Some(Value::Float(value))) => Floats::Constant(*value),
            _ => Floats::Code(self.float(at)?),
        })
    }

    /// Code of two integers, in one closure where it can be.
    pub(crate) fn join_ints<T: Scalar>(
        &self,
        f: impl Fn(&Env<'_>, i64, i64) -> Option<T> + Send + Sync + 'static,
    ) -> Result<Code, SqlError> {
        use Ints::{Code, Column4, Column8, Constant};
        Ok(match (self.ints(0)?, self.ints(1)?) {
            (Column8(a), Constant(b)) => scalar(move |env| f(env, a.get(env)?, b)),
            (Column4(a), Constant(b)) => scalar(move |env| f(env, a.get(env)?, b)),
            (Column8(a), Column8(b)) => scalar(move |env| f(env, a.get(env)?, b.get(env)?)),
            (Column8(a), Code(b)) => scalar(move |env| f(env, a.get(env)?, b(env)?)),
            (Code(a), Column8(b)) => scalar(move |env| f(env, a(env)?, b.get(env)?)),
            (Code(a), Constant(b)) => scalar(move |env| f(env, a(env)?, b)),
            (Constant(a), Column8(b)) => scalar(move |env| f(env, a, b.get(env)?)),
            _ => {
                let (a, b) = (self.int(0)?, self.int(1)?);
                scalar(move |env| f(env, a(env)?, b(env)?))
            }
        })
    }

    /// Code of two numbers of floating point, in one closure where it can be.
    pub(crate) fn join_floats<T: Scalar>(
        &self,
        f: impl Fn(&Env<'_>, f64, f64) -> Option<T> + Send + Sync + 'static,
    ) -> Result<Code, SqlError> {
        use Floats::{Code, Column, Constant};
        Ok(match (self.floats(0)?, self.floats(1)?) {
            (Column(a), Constant(b)) => scalar(move |env| f(env, a.get(env)?, b)),
            (Column(a), Column(b)) => scalar(move |env| f(env, a.get(env)?, b.get(env)?)),
            (Column(a), Code(b)) => scalar(move |env| f(env, a.get(env)?, b(env)?)),
            (Code(a), Column(b)) => scalar(move |env| f(env, a(env)?, b.get(env)?)),
            (Code(a), Constant(b)) => scalar(move |env| f(env, a(env)?, b)),
            _ => {
                let (a, b) = (self.float(0)?, self.float(1)?);
                scalar(move |env| f(env, a(env)?, b(env)?))
            }
        })
    }
}

//! A value on its way between two types: where what is done with it depends on both, and not on one representation.

use crate::code::{Code, Env};

/// A value, by its representation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Datum<'a> {
    /// Of a `Repr::Bool`.
    Bool(bool),
    /// Of a `Repr::Int`.
    Int(i64),
    /// Of a `Repr::Wide`.
    Wide(i128),
    /// Of a `Repr::Float`.
    Float(f64),
    /// Of a `Repr::Bytes`.
    Bytes(&'a [u8]),
}

impl<'a> Datum<'a> {
    /// A truth value.
    pub(crate) fn bool(self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(value) } else { None }
    }

    /// An integer.
    pub(crate) fn int(self) -> Option<i64> {
        if let Self::Int(value) = self { Some(value) } else { None }
    }

    /// An integer or a wide integer.
    pub(crate) fn wide(self) -> Option<i128> {
        match self {
            Self::Int(value) => Some(value.into()),
            Self::Wide(value) => Some(value),
            _ => None,
        }
    }

    /// Floating point.
    pub(crate) fn float(self) -> Option<f64> {
        if let Self::Float(value) = self { Some(value) } else { None }
    }

    /// Bytes.
    pub(crate) fn bytes(self) -> Option<&'a [u8]> {
        if let Self::Bytes(value) = self { Some(value) } else { None }
    }

    /// A decimal of so many digits, in the representation of its type.
    pub(crate) fn decimal(value: i128, precision: u8) -> Option<Self> {
        if !crate::decimal::fits(value, precision) {
            return None;
        }
        match precision {
            ..=18 => i64::try_from(value).ok().map(Self::Int),
            _ => Some(Self::Wide(value)),
        }
    }
}

/// The value that code has.
pub(crate) fn run<'a>(code: &Code, env: &Env<'a>) -> Option<Datum<'a>> {
    match code {
        Code::Bool(run) => run(env).map(Datum::Bool),
        Code::Int(run) => run(env).map(Datum::Int),
        Code::Wide(run) => run(env).map(Datum::Wide),
        Code::Float(run) => run(env).map(Datum::Float),
        Code::Bytes(run) => run(env).map(Datum::Bytes),
    }
}

//! Numbers of floating point: powers, logarithms, angles. What has no value is NaN or infinite, as in Flink.

use std::f64::consts::{E, LN_2, PI};

use tidewire_event::DataType;

use super::Function;
use super::signature::Kind::Double;
use crate::code::float;

macro_rules! of_one {
    ($name:literal, $f:expr) => {
        Function {
            name: $name,
            usage: concat!($name, "(number)"),
            bind: |b| b.takes(1, &[Double], DataType::Double),
            compile: |call| call.map_float(|_, x| Some($f(x))),
        }
    };
}

macro_rules! of_two {
    ($name:literal, $usage:literal, $f:expr) => {
        Function {
            name: $name,
            usage: $usage,
            bind: |b| b.takes(2, &[Double, Double], DataType::Double),
            compile: |call| call.map2_float(|_, x, y| Some($f(x, y))),
        }
    };
}

macro_rules! constant {
    ($name:literal, $value:expr) => {
        Function {
            name: $name,
            usage: concat!($name, "()"),
            bind: |b| b.takes(0, &[], DataType::Double),
            compile: |_| Ok(float(|_| Some($value))),
        }
    };
}

pub(crate) static FUNCTIONS: &[Function] = &[
    of_two!("POWER", "POWER(number, exponent)", f64::powf),
    of_one!("SQRT", f64::sqrt),
    of_one!("EXP", f64::exp),
    of_one!("LN", f64::ln),
    Function {
        name: "LOG",
        usage: "LOG([base,] number)",
        bind: |b| b.takes(1, &[Double, Double], DataType::Double),
        compile: |call| match call.codes.len() {
            1 => call.map_float(|_, x| Some(x.ln())),
            _ => call.map2_float(|_, base, x| Some(x.ln() / base.ln())),
        },
    },
    of_one!("LOG2", |x: f64| x.ln() / LN_2),
    of_one!("LOG10", f64::log10),
    of_one!("SIN", f64::sin),
    of_one!("COS", f64::cos),
    of_one!("TAN", f64::tan),
    of_one!("COT", |x: f64| x.tan().recip()),
    of_one!("ASIN", f64::asin),
    of_one!("ACOS", f64::acos),
    of_one!("ATAN", f64::atan),
    of_two!("ATAN2", "ATAN2(y, x)", f64::atan2),
    of_one!("SINH", f64::sinh),
    of_one!("COSH", f64::cosh),
    of_one!("TANH", f64::tanh),
    of_one!("DEGREES", f64::to_degrees),
    of_one!("RADIANS", f64::to_radians),
    constant!("PI", PI),
    constant!("E", E),
];

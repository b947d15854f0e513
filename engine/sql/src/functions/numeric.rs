//! Numbers of all types: signs and rounding. Decimals are exact; floating point is rounded as it is written.

use std::fmt::Write as _;

use tidewire_event::{DataType, Repr, Value};

use super::signature::Kind::Int;
use super::{Binding, Call, Function, calendar, int_range};
use crate::code::{Code, Env, float, int, wide};
use crate::error::SqlError;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function {
        name: "ABS",
        usage: "ABS(number)",
        bind: |b| {
            b.count(1..=1)?;
            if *b.ty(0) != DataType::Interval {
                b.number(0)?;
            }
            Ok((b.ty(0).clone(), b.nullable()))
        },
        compile: abs,
    },
    Function {
        name: "SIGN",
        usage: "SIGN(number)",
        bind: |b| {
            b.count(1..=1)?;
            b.number(0)?;
            let ty = match *b.ty(0) {
                // 1 must fit.
                DataType::Decimal { precision, scale } if precision == scale => {
                    DataType::Decimal { precision: (precision + 1).min(38), scale: scale.min(37) }
                }
                ref ty => ty.clone(),
            };
            Ok((ty, b.nullable()))
        },
        compile: sign,
    },
    Function {
        name: "CEIL",
        usage: "CEIL(number or time [TO unit])",
        bind: |b| whole(b),
        compile: |call| to_whole(call, true),
    },
    Function {
        name: "CEILING",
        usage: "CEILING(number or time [TO unit])",
        bind: |b| whole(b),
        compile: |call| to_whole(call, true),
    },
    Function {
        name: "FLOOR",
        usage: "FLOOR(number or time [TO unit])",
        bind: |b| whole(b),
        compile: |call| to_whole(call, false),
    },
    Function {
        name: "ROUND",
        usage: "ROUND(number [, digits])",
        bind: rounded_type,
        compile: |call| round(call, Way::HalfUp),
    },
    Function {
        name: "TRUNCATE",
        usage: "TRUNCATE(number [, digits])",
        bind: rounded_type,
        compile: |call| round(call, Way::Down),
    },
];

fn abs(call: &Call<'_>) -> Result<Code, SqlError> {
    let (at, ty) = (call.at, call.ty.clone());
    match call.ty.repr() {
        Repr::Float(_) => call.map_float(|_, x| Some(x.abs())),
        Repr::Wide => call.map_wide(|_, x| Some(x.abs())),
        _ => {
            let most = *int_range(&ty).end();
            call.map_int(move |env, x| match x.checked_abs().filter(|x| *x <= most) {
                Some(x) => Some(x),
                None => env.fail(at, || format!("ABS({x}) does not fit into {ty}")),
            })
        }
    }
}

/// The unit of a decimal of this scale.
fn unit_of(scale: u32) -> i128 {
    10_i128.checked_pow(scale).unwrap_or(i128::MAX)
}

fn scale_of(ty: &DataType) -> u32 {
    match ty {
        DataType::Decimal { scale, .. } => (*scale).into(),
        _ => 0,
    }
}

/// Code of wide integers, as the type of the call lies in a row.
fn narrow(call: &Call<'_>, run: impl Fn(&Env<'_>) -> Option<i128> + Send + Sync + 'static) -> Code {
    let (at, ty) = (call.at, call.ty.clone());
    let most = match call.ty {
        DataType::Decimal { precision, .. } => unit_of((*precision).into()) - 1,
        ty => (*int_range(ty).end()).into(),
    };
    let fits = move |env: &Env<'_>, x: i128| match (-most - 1..=most).contains(&x) {
        true => Some(x),
        false => env.fail(at, || format!("a number is beyond {ty}")),
    };
    match call.ty.repr() {
        Repr::Wide => wide(move |env| fits(env, run(env)?)),
        _ => int(move |env| i64::try_from(fits(env, run(env)?)?).ok()),
    }
}

fn sign(call: &Call<'_>) -> Result<Code, SqlError> {
    if let Repr::Float(_) = call.ty.repr() {
        return call.map_float(|_, x| Some(if x == 0.0 || x.is_nan() { x } else { x.signum() }));
    }
    let (number, unit) = (call.wide(0)?, unit_of(scale_of(call.ty)));
    Ok(narrow(call, move |env| Some(number(env)?.signum() * unit)))
}

/// A number becomes whole; a time is cut to a unit.
fn whole(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    if b.args.len() == 2 {
        return calendar::bind_rounded(b);
    }
    b.count(1..=1)?;
    b.number(0)?;
    let ty = match b.ty(0) {
        DataType::Decimal { precision, .. } => {
            DataType::Decimal { precision: *precision, scale: 0 }
        }
        ty => ty.clone(),
    };
    Ok((ty, b.nullable()))
}

fn to_whole(call: &Call<'_>, up: bool) -> Result<Code, SqlError> {
    if call.codes.len() == 2 {
        return calendar::compile_rounded(call, up);
    }
    if let Repr::Float(_) = call.ty.repr() {
        return match up {
            true => call.map_float(|_, x| Some(x.ceil() + 0.0)),
            false => call.map_float(|_, x| Some(x.floor())),
        };
    }
    let unit = unit_of(call.args.first().map_or(0, |arg| scale_of(&arg.ty)));
    let number = call.wide(0)?;
    Ok(narrow(call, move |env| {
        let number = number(env)?;
        let floor = number.div_euclid(unit);
        Some(floor + i128::from(up && number.rem_euclid(unit) != 0))
    }))
}

/// A decimal has as many digits behind the point as are asked for, where that is a constant.
fn rounded_type(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(1..=2)?;
    b.number(0)?;
    if b.args.len() == 2 {
        b.kind_at(1, Int)?;
    }
    let digits = match b.args.get(1).map(|digits| digits.as_literal()) {
        None => Some(0),
        Some(Some(Value::Int(digits))) => Some(*digits),
        Some(_) => None,
    };
    let ty = match (b.ty(0), digits) {
        (DataType::Decimal { precision, scale }, Some(digits)) if digits < i64::from(*scale) => {
            let behind = digits.max(0) as u8;
            DataType::Decimal { precision: (1 + precision - scale + behind).min(38), scale: behind }
        }
        (ty, _) => ty.clone(),
    };
    Ok((ty, b.nullable()))
}

/// How what is cut off counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Away from zero, from a half on.
    HalfUp,
    /// Not.
    Down,
}

/// `number`, a whole number of units, with `cut` fewer digits.
fn cut_digits(number: i128, cut: u32, way: Way) -> i128 {
    let Some(unit) = 10_i128.checked_pow(cut) else { return 0 };
    let whole = number / unit;
    // Not twice the rest: that may overflow.
    let rest = (number % unit).abs();
    let up = way == Way::HalfUp && cut > 0 && rest >= unit - rest;
    whole + if up { number.signum() } else { 0 }
}

fn round(call: &Call<'_>, way: Way) -> Result<Code, SqlError> {
    let digits = call.int_or(1, 0)?;
    if let Repr::Float(bytes) = call.ty.repr() {
        let number = call.float(0)?;
        return Ok(float(move |env| round_float(env, number(env)?, bytes, digits(env)?, way)));
    }
    let number = call.wide(0)?;
    let from = i64::from(call.args.first().map_or(0, |arg| scale_of(&arg.ty)));
    let to = i64::from(scale_of(call.ty));
    Ok(narrow(call, move |env| {
        let (number, digits) = (number(env)?, digits(env)?.clamp(-99, 99));
        let cut = (from - digits).max(0);
        let kept = cut_digits(number, cut as u32, way);
        // `kept` is a whole number of 10^(cut - from), and becomes one of 10^-to.
        kept.checked_mul(unit_of(u32::try_from(cut - from + to).unwrap_or(0)))
    }))
}

/// Rounds the shortest decimal that is `x`, as Java does.
fn round_float(env: &Env<'_>, x: f64, bytes: u8, digits: i64, way: Way) -> Option<f64> {
    if !x.is_finite() {
        return Some(x);
    }
    let text = env.written(|out| match bytes {
        4 => write!(out, "{:e}", x as f32),
        _ => write!(out, "{x:e}"),
    })?;
    let (mantissa, exponent) = std::str::from_utf8(text).ok()?.split_once('e')?;
    let exponent: i64 = exponent.parse().ok()?;
    let (mut number, mut scale, mut behind) = (0_i128, -exponent, false);
    for byte in mantissa.bytes() {
        match byte {
            b'.' => behind = true,
            b'0'..=b'9' => {
                number = number * 10 + i128::from(byte - b'0');
                scale += i64::from(behind);
            }
            _ => {}
        }
    }
    if scale <= digits {
        return Some(x);
    }
    let cut = u32::try_from(scale.checked_sub(digits)?).unwrap_or(u32::MAX);
    let kept = cut_digits(if x < 0.0 { -number } else { number }, cut, way);
    let text = env.written(|out| write!(out, "{kept}e{}", -digits))?;
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_cut() {
        for (number, cut, half_up, down) in [
            (25, 1, 3, 2),
            (-25, 1, -3, -2),
            (24, 1, 2, 2),
            (1_250, 2, 13, 12),
            (5, 99, 0, 0),
            (7, 0, 7, 7),
        ] {
            assert_eq!(cut_digits(number, cut, Way::HalfUp), half_up, "{number} by {cut}");
            assert_eq!(cut_digits(number, cut, Way::Down), down, "{number} by {cut}");
        }
        assert_eq!(cut_digits(i128::MAX, 38, Way::HalfUp), 2);
    }
}

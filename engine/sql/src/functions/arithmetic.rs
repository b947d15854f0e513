//! `+ - * / %`, of numbers. Those of times are in [`super::times`].
//!
//! 1. Integers stay integers: of the wider type, and divided toward zero. `a % b` has the type of `b` and the sign of
//!    `a`.
//! 2. An integer beside a decimal is one; beside floating point a number is that. Of FLOAT and DOUBLE, the type of the
//!    first counts.
//! 3. An overflow is a fault with its operands, and so is a division by zero but of floating point.

use tidewire_event::text::write_decimal;
use tidewire_event::{DataType, Repr};

use super::{Binding, Call, Function, int_range, scalar, times};
use crate::code::Code;
use crate::decimal;
use crate::error::SqlError;
use crate::types::{self, decimal_of};

pub(crate) static FUNCTIONS: &[Function] = &[
    Function { name: "+", usage: "a + b", bind: bind_sum, compile },
    Function { name: "-", usage: "a - b", bind: bind_sum, compile },
    Function { name: "*", usage: "a * b", bind: bind_product, compile },
    Function { name: "/", usage: "a / b", bind: bind_product, compile },
    Function { name: "%", usage: "a % b", bind: bind_remainder, compile },
    Function { name: "MOD", usage: "MOD(a, b)", bind: bind_remainder, compile },
];

fn bind_sum(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(1..=2)?;
    if b.args.len() == 1 {
        let ty = b.ty(0).clone();
        if !matches!(ty, DataType::Interval | DataType::Months) {
            b.number(0)?;
        }
        return Ok((b.ty(0).clone(), b.nullable()));
    }
    null_as_the_other(b)?;
    match b.function.name {
        "+" => times::bind_plus(b),
        _ => times::bind_minus(b),
    }
    .unwrap_or_else(|| numbers(b, types::sum))
}

fn bind_product(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(2..=2)?;
    null_as_the_other(b)?;
    match b.function.name {
        "*" => times::bind_times(b).unwrap_or_else(|| numbers(b, types::product)),
        _ => times::bind_over(b).unwrap_or_else(|| numbers(b, types::quotient)),
    }
}

fn bind_remainder(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(2..=2)?;
    null_as_the_other(b)?;
    let whole = |ty| matches!(decimal_of(ty), Some((_, 0)));
    let of_divisor = (whole(b.ty(0)) && whole(b.ty(1))).then(|| b.ty(1).clone());
    let (ty, nullable) = numbers(b, types::remainder)?;
    Ok((of_divisor.unwrap_or(ty), nullable))
}

/// A bare NULL has the type of the other operand.
fn null_as_the_other(b: &mut Binding<'_>) -> Result<(), SqlError> {
    for (at, other) in [(0, 1), (1, 0)] {
        if *b.ty(at) == DataType::Null {
            let ty =
                if *b.ty(other) == DataType::Null { DataType::Int } else { b.ty(other).clone() };
            b.cast(at, &ty)?;
        }
    }
    Ok(())
}

/// Binds two numbers; `decimals` says the type of decimals.
fn numbers(
    b: &mut Binding<'_>,
    decimals: impl Fn((u8, u8), (u8, u8)) -> DataType,
) -> Result<(DataType, bool), SqlError> {
    if !b.ty(0).is_numeric() || !b.ty(1).is_numeric() {
        return Err(b.no_such());
    }
    let is_float = |ty: &DataType| matches!(ty, DataType::Float | DataType::Double);
    let ty = match (decimal_of(b.ty(0)), decimal_of(b.ty(1))) {
        (Some(_), Some(_)) if b.ty(0).is_integer() && b.ty(1).is_integer() => {
            types::common(&[b.ty(0), b.ty(1)]).ok_or_else(|| b.no_such())?
        }
        (Some(x), Some(y)) => decimals(x, y),
        _ if is_float(b.ty(0)) && is_float(b.ty(1)) => b.ty(0).clone(),
        _ => b.common(&[0, 1])?,
    };
    Ok((ty, b.nullable()))
}

fn compile(call: &Call<'_>) -> Result<Code, SqlError> {
    if let [arg] = call.codes.as_slice() {
        return if call.function.name == "+" { Ok(arg.clone()) } else { negate(call) };
    }
    let is_number = |at: usize| call.args.get(at).is_some_and(|arg| arg.ty.is_numeric());
    if !is_number(0) || !is_number(1) {
        return times::compile(call);
    }
    let of_integers = call.args.iter().all(|arg| arg.ty.is_integer());
    match call.ty {
        DataType::Float | DataType::Double => floats(call),
        ty if ty.is_integer() && of_integers => integers(call),
        _ => decimals(call),
    }
}

fn negate(call: &Call<'_>) -> Result<Code, SqlError> {
    let (at, ty) = (call.at, call.ty.clone());
    let range = int_range(&ty);
    match call.ty.repr() {
        Repr::Float(_) => call.map_float(|_, a| Some(-a)),
        Repr::Wide => call.map_wide(|_, a| a.checked_neg()),
        _ => call.map_int(move |env, a| {
            let negated = a.checked_neg().filter(|a| range.contains(a));
            negated.or_else(|| env.fail(at, || format!("-({a}) does not fit into {ty}")))
        }),
    }
}

fn integers(call: &Call<'_>) -> Result<Code, SqlError> {
    let (at, ty) = (call.at, call.ty.clone());
    let range = int_range(&ty);
    macro_rules! checked {
        ($sign:literal, $f:expr) => {{
            let f = $f;
            call.join_ints(move |env, a: i64, b: i64| match f(a, b) {
                Some(c) if range.contains(&c) => Some(c),
                _ if b == 0 && matches!($sign, '/' | '%') => {
                    env.fail(at, || format!("{a} {} 0: a division by zero", $sign))
                }
                _ => env.fail(at, || format!("{a} {} {b} does not fit into {ty}", $sign)),
            })
        }};
    }
    match call.function.name {
        "+" => checked!('+', i64::checked_add),
        "-" => checked!('-', i64::checked_sub),
        "*" => checked!('*', i64::checked_mul),
        "/" => checked!('/', i64::checked_div),
        // MIN % -1 is 0.
        _ => checked!('%', |a: i64, b: i64| (b != 0).then(|| a.wrapping_rem(b))),
    }
}

fn floats(call: &Call<'_>) -> Result<Code, SqlError> {
    macro_rules! rounded {
        ($f:expr) => {{
            let f = $f;
            match call.ty {
                DataType::Float => call.join_floats(move |_, a: f64, b: f64| {
                    let [a, b] = [a, b].map(|operand| f64::from(operand as f32));
                    Some(f64::from(f(a, b) as f32))
                }),
                _ => call.join_floats(move |_, a: f64, b: f64| Some(f(a, b))),
            }
        }};
    }
    // The result of two FLOATs in 64 bits, rounded to 32, is that in 32.
    match call.function.name {
        "+" => rounded!(|a, b| a + b),
        "-" => rounded!(|a, b| a - b),
        "*" => rounded!(|a, b| a * b),
        "/" => rounded!(|a, b| a / b),
        _ => rounded!(|a: f64, b: f64| a % b),
    }
}

/// The precision and scale of argument `at`.
fn digits(call: &Call<'_>, at: usize) -> Result<(u8, u8), SqlError> {
    call.args.get(at).and_then(|arg| decimal_of(&arg.ty)).ok_or_else(|| {
        SqlError::new(
            call.at,
            format!("argument {} of {} is no decimal", at + 1, call.function.name),
        )
    })
}

fn decimals(call: &Call<'_>) -> Result<Code, SqlError> {
    let ((_, s1), (_, s2)) = (digits(call, 0)?, digits(call, 1)?);
    let (precision, scale) = decimal_of(call.ty).unwrap_or_default();
    if let Some(code) = small_decimals(call, (s1, s2), (precision, scale)) {
        return code;
    }
    let sign = call.function.name;
    macro_rules! checked {
        ($f:expr) => {{
            let f = $f;
            let (at, ty, limit) = (call.at, call.ty.clone(), decimal::power(precision));
            let check = move |env: &crate::code::Env<'_>, a: i128, b: i128| match f(a, b) {
                Some(c) if c < limit && c > -limit => Some(c),
                _ => env.fail(at, || problem(sign, (a, s1), (b, s2), &ty)),
            };
            // The result of a remainder of whole numbers may be an integer.
            let (a, b) = (call.wide(0)?, call.wide(1)?);
            Ok(match call.ty.repr() {
                Repr::Wide => scalar(move |env| check(env, a(env)?, b(env)?)),
                _ => scalar(move |env| Some(check(env, a(env)?, b(env)?)? as i64)),
            })
        }};
    }
    match sign {
        "+" => checked!(move |a, b| decimal::add((a, s1), (b, s2), scale)),
        "-" => checked!(move |a, b: i128| decimal::add((a, s1), (b.checked_neg()?, s2), scale)),
        "*" => checked!(move |a, b| decimal::multiply(a, b, s1 + s2 - scale)),
        "/" => {
            let up = i32::from(scale) + i32::from(s2) - i32::from(s1);
            checked!(move |a, b| if b == 0 { None } else { decimal::divide(a, b, up) })
        }
        _ => checked!(move |a, b| {
            if b == 0 {
                return None;
            }
            decimal::rescale(decimal::remainder((a, s1), (b, s2)), s1.max(s2), scale)
        }),
    }
}

/// Sums and products of decimals that are integers, and whose result needs no rounding.
fn small_decimals(
    call: &Call<'_>,
    (s1, s2): (u8, u8),
    (precision, scale): (u8, u8),
) -> Option<Result<Code, SqlError>> {
    let is_int = |at: usize| matches!(call.codes.get(at), Some(Code::Int(_)));
    if !is_int(0) || !is_int(1) {
        return None;
    }
    let (at, ty, sign) = (call.at, call.ty.clone(), call.function.name);
    let subtract = match sign {
        "*" if s1 + s2 == scale && precision <= 18 => {
            return Some(call.join_ints(move |env, a, b| {
                let product = a.checked_mul(b);
                product
                    .or_else(|| env.fail(at, || problem(sign, (a.into(), s1), (b.into(), s2), &ty)))
            }));
        }
        // 64 bits times 64 bits fit into 128, and 18 digits times 18 digits into 38.
        "*" if s1 + s2 == scale && precision < 38 => {
            return Some(call.join_ints(|_, a, b| Some(i128::from(a) * i128::from(b))));
        }
        "+" => false,
        "-" => true,
        _ => return None,
    };
    if precision > 18 || s1.max(s2) != scale {
        return None;
    }
    let up = |from: u8| 10_i64.pow((scale - from).into());
    let (up_1, up_2) = (up(s1), if subtract { -up(s2) } else { up(s2) });
    Some(call.join_ints(move |env, a, b| {
        let sum = a.checked_mul(up_1).zip(b.checked_mul(up_2)).and_then(|(a, b)| a.checked_add(b));
        sum.or_else(|| env.fail(at, || problem(sign, (a.into(), s1), (b.into(), s2), &ty)))
    }))
}

/// What to say of an operation that failed.
fn problem(sign: &str, a: (i128, u8), b: (i128, u8), ty: &DataType) -> String {
    let shown = |(value, scale): (i128, u8)| {
        let mut text = String::new();
        let _ = write_decimal(&mut text, value, scale);
        text
    };
    let (x, y) = (shown(a), shown(b));
    if b.0 == 0 && matches!(sign, "/" | "%" | "MOD") {
        format!("{x} {sign} {y}: a division by zero")
    } else {
        format!("{x} {sign} {y} does not fit into {ty}")
    }
}

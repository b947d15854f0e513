//! Arithmetic of dates, times, timestamps and intervals.
//!
//! 1. What is added to a DATE is months or whole days.
//! 2. Months are added to the date: a day that the month does not have becomes its last.
//! 3. A TIME goes round at midnight.

use tidewire_event::text::{civil_of_days, days_of_civil, days_of_month};
use tidewire_event::time::DAY;
use tidewire_event::{DataType, Value};

use super::{Binding, Call, int_range};
use crate::code::Code;
use crate::error::SqlError;

type Bound = Option<Result<(DataType, bool), SqlError>>;

/// Binds `a + b`, if it is of times.
pub(super) fn bind_plus(b: &mut Binding<'_>) -> Bound {
    // The time stands first.
    if is_interval(b.ty(0)) && is_time(b.ty(1)) {
        b.args.reverse();
    }
    match (b.ty(0), b.ty(1)) {
        (DataType::Interval, DataType::Interval) | (DataType::Months, DataType::Months) => same(b),
        (time, interval) if is_time(time) && is_interval(interval) => moved(b),
        _ => None,
    }
}

/// Binds `a - b`, if it is of times.
pub(super) fn bind_minus(b: &mut Binding<'_>) -> Bound {
    match (b.ty(0), b.ty(1)) {
        (DataType::Interval, DataType::Interval) | (DataType::Months, DataType::Months) => same(b),
        (time, interval) if is_time(time) && is_interval(interval) => moved(b),
        (from, to) if is_time(from) && is_time(to) => {
            let common = b.common(&[0, 1]);
            Some(common.map(|_| (DataType::Interval, b.nullable())))
        }
        _ => None,
    }
}

/// Binds `a * b`, if it is of an interval.
pub(super) fn bind_times(b: &mut Binding<'_>) -> Bound {
    if b.ty(0).is_integer() && is_interval(b.ty(1)) {
        b.args.reverse();
    }
    bind_over(b)
}

/// Binds `a / b`, if it is of an interval.
pub(super) fn bind_over(b: &mut Binding<'_>) -> Bound {
    let goes = is_interval(b.ty(0)) && b.ty(1).is_integer();
    goes.then(|| Ok((b.ty(0).clone(), b.nullable())))
}

fn same(b: &Binding<'_>) -> Bound {
    Some(Ok((b.ty(0).clone(), b.nullable())))
}

/// A time that an interval is added to.
fn moved(b: &Binding<'_>) -> Bound {
    let by = b.args.get(1).and_then(|arg| arg.as_literal());
    Some(match (b.ty(0), b.ty(1), by) {
        (DataType::Time(_), DataType::Months, _) => Err(b.no_such()),
        (DataType::Date, DataType::Interval, Some(Value::Int(ns))) if ns % DAY != 0 => {
            let problem = "an interval that is not of whole days does not go with a DATE";
            Err(SqlError::new(b.at, problem)
                .help("CAST(... AS TIMESTAMP(3)) makes a timestamp of it"))
        }
        _ => Ok((b.ty(0).clone(), b.nullable())),
    })
}

fn is_interval(ty: &DataType) -> bool {
    matches!(ty, DataType::Interval | DataType::Months)
}

fn is_time(ty: &DataType) -> bool {
    ty.is_timestamp() || matches!(ty, DataType::Date | DataType::Time(_))
}

/// The code of arithmetic that is not of two numbers.
pub(super) fn compile(call: &Call<'_>) -> Result<Code, SqlError> {
    let [a, b] = call.args else {
        return Err(SqlError::new(call.at, "arithmetic of times has two operands"));
    };
    let (at, ty, sign) = (call.at, call.ty.clone(), call.function.name);
    let range = int_range(&ty);
    macro_rules! checked {
        ($f:expr) => {{
            let f = $f;
            call.join_ints(move |env, a: i64, b: i64| match f(a, b) {
                Some(c) if range.contains(&c) => Some(c),
                _ => env.fail(at, || format!("the result of {sign} is out of the range of {ty}")),
            })
        }};
    }
    match (sign, &a.ty, &b.ty) {
        ("*", ..) => checked!(i64::checked_mul),
        ("/", ..) => checked!(i64::checked_div),
        ("+", DataType::Date, DataType::Months) => checked!(add_months),
        ("-", DataType::Date, DataType::Months) => {
            checked!(|a, b: i64| add_months(a, b.checked_neg()?))
        }
        ("+", DataType::Date, DataType::Interval) => {
            checked!(|a: i64, b: i64| if b % DAY == 0 { a.checked_add(b / DAY) } else { None })
        }
        ("-", DataType::Date, DataType::Interval) => {
            checked!(|a: i64, b: i64| if b % DAY == 0 { a.checked_sub(b / DAY) } else { None })
        }
        ("-", DataType::Date, DataType::Date) => {
            checked!(|a: i64, b: i64| a.checked_sub(b)?.checked_mul(DAY))
        }
        ("+", DataType::Time(_), DataType::Interval) => {
            checked!(|a: i64, b: i64| Some(a.checked_add(b % DAY)?.rem_euclid(DAY)))
        }
        ("-", DataType::Time(_), DataType::Interval) => {
            checked!(|a: i64, b: i64| Some(a.checked_sub(b % DAY)?.rem_euclid(DAY)))
        }
        ("+", time, DataType::Months) if is_time(time) => checked!(move_months),
        ("-", time, DataType::Months) if is_time(time) => {
            checked!(|a, b: i64| move_months(a, b.checked_neg()?))
        }
        ("+", ..) => checked!(i64::checked_add),
        _ => checked!(i64::checked_sub),
    }
}

/// The day that is so many months later.
pub(crate) fn add_months(days: i64, months: i64) -> Option<i64> {
    let (year, month, day) = civil_of_days(days);
    let month_of_all =
        year.checked_mul(12)?.checked_add(i64::from(month) - 1)?.checked_add(months)?;
    let (year, month) = (month_of_all.div_euclid(12), month_of_all.rem_euclid(12) as u32 + 1);
    if !(-300_000..=300_000).contains(&year) {
        return None;
    }
    days_of_civil(year, month, day.min(days_of_month(year, month)))
}

/// The moment that is so many months later, at the same time of day.
fn move_months(ns: i64, months: i64) -> Option<i64> {
    let days = add_months(ns.div_euclid(DAY), months)?;
    days.checked_mul(DAY)?.checked_add(ns.rem_euclid(DAY))
}

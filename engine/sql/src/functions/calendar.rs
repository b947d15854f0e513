//! Parts of times, times cut to a unit, steps and distances. A TIMESTAMP_LTZ is what the clocks of the session's zone show.

use tidewire_event::DataType;
use tidewire_event::time::DAY;

use super::signature::Kind::Int;
use super::unit::{self, UNITS, Unit};
use super::{Binding, Call, Function};
use crate::code::{Code, Run, int};
use crate::error::SqlError;
use crate::zone::Zone;

macro_rules! part {
    ($name:literal) => {
        Function {
            name: $name,
            usage: concat!($name, "(time)"),
            bind: |b| {
                b.count(1..=1)?;
                bind_part(b, 0, $name)
            },
            compile: |call| part(call, 0, $name),
        }
    };
}

pub(crate) static FUNCTIONS: &[Function] = &[
    Function {
        name: "EXTRACT",
        usage: "EXTRACT(unit FROM time)",
        bind: |b| {
            b.count(2..=2)?;
            unit_at(b, 0)?;
            let name = b.constant_text(0).unwrap_or_default().to_owned();
            bind_part(b, 1, &name)
        },
        compile: |call| part(call, 1, call.constant_text(0).unwrap_or_default()),
    },
    part!("YEAR"),
    part!("QUARTER"),
    part!("MONTH"),
    part!("WEEK"),
    part!("DAYOFYEAR"),
    part!("DAYOFMONTH"),
    part!("DAYOFWEEK"),
    part!("HOUR"),
    part!("MINUTE"),
    part!("SECOND"),
    Function {
        name: "TIMESTAMPADD",
        usage: "TIMESTAMPADD(unit, count, time)",
        bind: bind_add,
        compile: add,
    },
    Function {
        name: "TIMESTAMPDIFF",
        usage: "TIMESTAMPDIFF(unit, from, to)",
        bind: bind_diff,
        compile: diff,
    },
];

/// The unit that argument `at` names.
fn unit_at(b: &Binding<'_>, at: usize) -> Result<Unit, SqlError> {
    let Some(name) = b.constant_text(at) else { return Err(b.wrong(at, "the name of a unit")) };
    Unit::of_name(name).ok_or_else(|| {
        SqlError::new(b.place(at), format!("there is no unit '{name}'"))
            .nearest(name, UNITS.iter().map(|(name, _)| *name))
    })
}

fn unit_of(call: &Call<'_>, at: usize) -> Result<Unit, SqlError> {
    call.constant_text(at)
        .and_then(Unit::of_name)
        .ok_or_else(|| SqlError::new(call.at, "a unit is not known"))
}

/// Argument `at` must have the part of that name.
fn bind_part(b: &mut Binding<'_>, at: usize, name: &str) -> Result<(DataType, bool), SqlError> {
    use Unit::{
        Day, Epoch, Hour, Microsecond, Millisecond, Minute, Month, Nanosecond, Second, Year,
    };
    let unit = Unit::of_name(name).unwrap_or(Day);
    let of_day = matches!(unit, Nanosecond | Microsecond | Millisecond | Second | Minute | Hour);
    let has = match b.ty(at) {
        DataType::Null => {
            b.cast(at, &DataType::Timestamp(3))?;
            true
        }
        DataType::Date | DataType::Timestamp(_) | DataType::TimestampLtz(_) => true,
        DataType::Time(_) => of_day,
        DataType::Interval => of_day || matches!(unit, Day | Epoch),
        DataType::Months => matches!(unit, Month | Year),
        _ => return Err(b.wrong(at, "a date, a time, a timestamp or an interval")),
    };
    if has {
        return Ok((DataType::BigInt, b.nullable()));
    }
    let problem = format!("{} has no {}", b.ty(at), name.to_uppercase());
    Err(SqlError::new(b.place(at), problem))
}

/// The code of argument `at`, a time, as ns of no zone.
fn local(call: &Call<'_>, at: usize) -> Result<Run<i64>, SqlError> {
    let (run, place) = (call.int(at)?, call.at);
    let out_of_range = || "a time is out of range: years 1677 to 2262".to_owned();
    Ok(match call.args.get(at).map(|arg| &arg.ty) {
        Some(DataType::Date) => std::sync::Arc::new(move |env| {
            let days = run(env)?;
            days.checked_mul(DAY).or_else(|| env.fail(place, out_of_range))
        }),
        Some(DataType::TimestampLtz(_)) => {
            let zone = Zone::new(&call.session.zone);
            std::sync::Arc::new(move |env| {
                let ns = run(env)?;
                zone.local(ns).or_else(|| env.fail(place, out_of_range))
            })
        }
        _ => run,
    })
}

fn part(call: &Call<'_>, at: usize, name: &str) -> Result<Code, SqlError> {
    let unit = Unit::of_name(name)
        .ok_or_else(|| SqlError::new(call.at, format!("there is no unit '{name}'")))?;
    match call.args.get(at).map(|arg| &arg.ty) {
        Some(DataType::Months) => {
            let months = call.int(at)?;
            let year = unit == Unit::Year;
            Ok(int(move |env| {
                months(env).map(|months| if year { months / 12 } else { months % 12 })
            }))
        }
        Some(DataType::Interval) => {
            let ns = call.int(at)?;
            Ok(int(move |env| Some(part_of_interval(unit, ns(env)?))))
        }
        // Seconds since 1970 in UTC, whatever the clocks show.
        Some(DataType::TimestampLtz(_)) if unit == Unit::Epoch => {
            let ns = call.int(at)?;
            Ok(int(move |env| Some(unit::extract(unit, ns(env)?))))
        }
        _ => {
            let local = local(call, at)?;
            Ok(int(move |env| Some(unit::extract(unit, local(env)?))))
        }
    }
}

/// A part has the sign of the interval.
fn part_of_interval(unit: Unit, ns: i64) -> i64 {
    let whole = match unit {
        Unit::Minute | Unit::Second => 60,
        Unit::Hour => 24,
        Unit::Millisecond => 1_000,
        Unit::Microsecond => 1_000_000,
        Unit::Nanosecond => 1_000_000_000,
        Unit::Epoch => return ns / Unit::Second.ns().unwrap_or(1),
        _ => return ns / DAY,
    };
    ns / unit.ns().unwrap_or(1) % whole
}

/// Binds `FLOOR(time TO unit)` and `CEIL(time TO unit)`: the unit is the second argument.
pub(crate) fn bind_rounded(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    let unit = unit_at(b, 1)?;
    if unit.ns().is_none() && unit.months().is_none() {
        let name = b.constant_text(1).unwrap_or_default();
        let problem = format!("a time is not cut to {}", name.to_uppercase());
        return Err(SqlError::new(b.place(1), problem));
    }
    match b.ty(0) {
        DataType::Null => b.cast(0, &DataType::Timestamp(3))?,
        DataType::Time(_) if unit.ns().is_none_or(|ns| ns >= DAY) => {
            return Err(b.wrong(0, "a date or a timestamp for that unit"));
        }
        DataType::Date | DataType::Time(_) | DataType::Timestamp(_) | DataType::TimestampLtz(_) => {
        }
        _ => return Err(b.wrong(0, "a date, a time or a timestamp")),
    }
    Ok((b.ty(0).clone(), b.nullable()))
}

/// The code of what [`bind_rounded`] has bound.
pub(crate) fn compile_rounded(call: &Call<'_>, up: bool) -> Result<Code, SqlError> {
    let (local, unit, at) = (local(call, 0)?, unit_of(call, 1)?, call.at);
    let (ty, zone) = (call.ty.clone(), Zone::new(&call.session.zone));
    Ok(int(move |env| {
        let ns = local(env)?;
        let cut = if up { unit::ceil(unit, ns) } else { unit::floor(unit, ns) };
        let cut = match ty {
            DataType::Date => cut.map(|ns| ns / DAY + i64::from(up && ns % DAY > 0)),
            DataType::Time(_) => cut.filter(|ns| *ns < DAY),
            DataType::TimestampLtz(_) => cut.and_then(|ns| zone.moment(ns)),
            _ => cut,
        };
        cut.or_else(|| env.fail(at, || format!("a time cut to {unit:?} is beyond {ty}")))
    }))
}

fn bind_add(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(3..=3)?;
    let unit = unit_at(b, 0)?;
    b.kind_at(1, Int)?;
    let in_day = unit.ns().is_some_and(|ns| ns < DAY);
    let digits = match unit {
        Unit::Millisecond => 3,
        Unit::Microsecond => 6,
        Unit::Nanosecond => 9,
        _ => 0,
    };
    let ty = match b.ty(2) {
        _ if unit.ns().is_none() && unit.months().is_none() => {
            return Err(b.wrong(0, "a unit of time"));
        }
        DataType::Null => {
            b.cast(2, &DataType::Timestamp(3))?;
            DataType::Timestamp(3)
        }
        DataType::Date if in_day => DataType::Timestamp(6.max(digits)),
        DataType::Date => DataType::Date,
        DataType::Time(own) if in_day => DataType::Time(digits.max(*own)),
        DataType::Timestamp(own) => DataType::Timestamp(digits.max(*own)),
        DataType::TimestampLtz(own) => DataType::TimestampLtz(digits.max(*own)),
        _ => return Err(b.wrong(2, "a date or a timestamp, or a time for a unit below a day")),
    };
    Ok((ty, b.nullable()))
}

/// Days and months of a TIMESTAMP_LTZ are those of UTC: Flink's.
fn add(call: &Call<'_>) -> Result<Code, SqlError> {
    let (unit, count, time, at) = (unit_of(call, 0)?, call.int(1)?, call.int(2)?, call.at);
    let (ty, to) = (call.args.get(2).map(|arg| arg.ty.clone()), call.ty.clone());
    Ok(int(move |env| {
        let (count, time) = (count(env)?, time(env)?);
        let moved = match (&ty, unit.months()) {
            (Some(DataType::Date), Some(months)) => {
                months.checked_mul(count).and_then(|months| unit::add_months(time, months))
            }
            (Some(DataType::Date), None) => {
                let moved = time.checked_mul(DAY).and_then(|ns| unit::add(unit, count, ns));
                if to == DataType::Date { moved.map(|ns| ns.div_euclid(DAY)) } else { moved }
            }
            (Some(DataType::Time(_)), _) => {
                unit::add(unit, count, time).map(|ns| ns.rem_euclid(DAY))
            }
            _ => unit::add(unit, count, time),
        };
        let moved = moved.filter(|moved| super::int_range(&to).contains(moved));
        moved.or_else(|| env.fail(at, || format!("{count} times {unit:?} on is beyond {to}")))
    }))
}

fn bind_diff(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(3..=3)?;
    let unit = unit_at(b, 0)?;
    if unit.ns().is_none() && unit.months().is_none() {
        return Err(b.wrong(0, "a unit of time"));
    }
    for at in [1, 2] {
        match b.ty(at) {
            DataType::Null => b.cast(at, &DataType::Timestamp(3))?,
            DataType::Date | DataType::Timestamp(_) | DataType::TimestampLtz(_) => {}
            _ => return Err(b.wrong(at, "a date or a timestamp")),
        }
    }
    let zoned = |at| matches!(b.ty(at), DataType::TimestampLtz(_));
    if zoned(1) != zoned(2) {
        return Err(b.no_such());
    }
    let fine = matches!(unit, Unit::Millisecond | Unit::Microsecond | Unit::Nanosecond);
    Ok((if fine { DataType::BigInt } else { DataType::Int }, b.nullable()))
}

fn diff(call: &Call<'_>) -> Result<Code, SqlError> {
    let (unit, at, ty) = (unit_of(call, 0)?, call.at, call.ty.clone());
    let ns = |place: usize| match call.args.get(place).map(|arg| &arg.ty) {
        // Moments differ by what has passed, whatever the clocks did.
        Some(DataType::TimestampLtz(_)) => call.int(place),
        _ => local(call, place),
    };
    let (from, to) = (ns(1)?, ns(2)?);
    Ok(int(move |env| {
        let (from, to) = (from(env)?, to(env)?);
        unit::diff(unit, from, to)
            .filter(|count| super::int_range(&ty).contains(count))
            .or_else(|| env.fail(at, || format!("the {unit:?}s between two times are beyond {ty}")))
    }))
}

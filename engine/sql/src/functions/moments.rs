//! Times from text and numbers, and back, by patterns and zones.

use jiff::tz::{Offset, TimeZone};
use tidewire_event::time::{DAY, MILLISECOND, SECOND};
use tidewire_event::{DataType, Value};

use super::encoding::shown;
use super::pattern::{self, Style};
use super::signature::Kind::{Double, Int, Text};
use super::signature::{Builder, utf8};
use super::{Binding, Call, Function};
use crate::code::{Code, Env, bytes, int};
use crate::error::{Span, SqlError};
use crate::zone::Zone;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function {
        name: "DATE_FORMAT",
        usage: "DATE_FORMAT(timestamp, pattern)",
        bind: |b| {
            b.count(2..=2)?;
            if !b.ty(0).is_timestamp() {
                b.text(0)?;
            }
            b.text(1)?;
            check(b, 1, false)?;
            Ok((DataType::String, true))
        },
        compile: date_format,
    },
    Function {
        name: "TO_DATE",
        usage: "TO_DATE(text [, pattern])",
        bind: |b| {
            let bound = b.takes_or_null(1, &[Text, Text], DataType::Date)?;
            check(b, 1, true)?;
            Ok(bound)
        },
        compile: |call| {
            let (text, pattern) = (call.bytes(0)?, call.bytes_or(1, b"")?);
            let at = call.at;
            Ok(int(move |env| {
                let (text, pattern) = (utf8(env, at, text(env)?)?, pattern(env)?);
                let ns = if pattern.is_empty() {
                    read_date(text)?
                } else {
                    pattern::read(text, usable(env, at, pattern, true)?, Style::Simple)?.0
                };
                Some(ns.div_euclid(DAY))
            }))
        },
    },
    Function {
        name: "TO_TIMESTAMP",
        usage: "TO_TIMESTAMP(text [, pattern])",
        bind: |b| {
            let bound = b.takes_or_null(1, &[Text, Text], DataType::Timestamp(3))?;
            check(b, 1, true)?;
            Ok(bound)
        },
        compile: |call| {
            let (text, pattern, at) = (call.bytes(0)?, call.bytes_or(1, b"")?, call.at);
            Ok(int(move |env| read_millis(env, at, text(env)?, pattern(env)?)))
        },
    },
    Function {
        name: "TO_TIMESTAMP_LTZ",
        usage: "TO_TIMESTAMP_LTZ(number [, digits]) or (text [, pattern [, zone]])",
        bind: bind_ltz,
        compile: to_timestamp_ltz,
    },
    Function {
        name: "FROM_UNIXTIME",
        usage: "FROM_UNIXTIME(seconds [, pattern])",
        bind: |b| {
            let bound = b.takes(1, &[Int, Text], DataType::String)?;
            check(b, 1, false)?;
            Ok(bound)
        },
        compile: |call| {
            let (seconds, pattern, at) =
                (call.int(0)?, call.bytes_or(1, SECONDS.as_bytes())?, call.at);
            let zone = Zone::new(&call.session.zone);
            Ok(bytes(move |env| {
                let (seconds, pattern) = (seconds(env)?, pattern(env)?);
                let ns = seconds.checked_mul(SECOND).and_then(|ns| Some((ns, zone.local(ns)?)));
                let Some((ns, local)) = ns else {
                    return env.fail(at, || format!("{seconds} seconds are out of range"));
                };
                formatted(env, at, pattern, local, local - ns, Style::Simple)
            }))
        },
    },
    Function {
        name: "UNIX_TIMESTAMP",
        usage: "UNIX_TIMESTAMP(text [, pattern])",
        bind: |b| {
            if b.args.is_empty() {
                let problem = "UNIX_TIMESTAMP() reads a clock, and answers that depend on a clock can not be repeated";
                return Err(SqlError::new(b.at, problem).help("UNIX_TIMESTAMP(text) reads a text"));
            }
            let bound = b.takes(1, &[Text, Text], DataType::BigInt)?;
            check(b, 1, true)?;
            Ok(bound)
        },
        compile: |call| {
            let (text, pattern, at) =
                (call.bytes(0)?, call.bytes_or(1, SECONDS.as_bytes())?, call.at);
            let zone = Zone::new(&call.session.zone);
            Ok(int(move |env| {
                let (text, pattern) = (utf8(env, at, text(env)?)?, pattern(env)?);
                let pattern = usable(env, at, pattern, true)?;
                let ns = pattern::read(text, pattern, Style::Simple).and_then(|(ns, offset, _)| {
                    match offset {
                        Some(offset) => ns.checked_sub(offset),
                        None => zone.moment(ns),
                    }
                });
                // What is no time is the least number: Flink's.
                Some(ns.map_or(i64::MIN, |ns| ns.div_euclid(SECOND)))
            }))
        },
    },
    Function {
        name: "CONVERT_TZ",
        usage: "CONVERT_TZ(text, from zone, to zone)",
        bind: |b| {
            let bound = b.takes_or_null(3, &[Text, Text, Text], DataType::String)?;
            zone_at(b, 1)?;
            zone_at(b, 2)?;
            Ok(bound)
        },
        compile: |call| {
            let (text, at) = (call.bytes(0)?, call.at);
            let (from, to) = (zone_of(call, 1)?, zone_of(call, 2)?);
            Ok(bytes(move |env| {
                let text = utf8(env, at, text(env)?)?;
                let (ns, ..) = pattern::read(text, SECONDS, Style::Simple)?;
                let local = to.local(from.moment(ns)?)?;
                formatted(env, at, SECONDS.as_bytes(), local, 0, Style::Simple)
            }))
        },
    },
];

/// The pattern of those that have none.
const SECONDS: &str = "yyyy-MM-dd HH:mm:ss";

/// Argument `at` is a pattern: if it is a constant, it must be one.
fn check(b: &Binding<'_>, at: usize, read: bool) -> Result<(), SqlError> {
    match b.constant_text(at).map(|pattern| pattern::check(pattern, read)) {
        Some(Err(problem)) => Err(SqlError::new(b.place(at), problem)),
        _ => Ok(()),
    }
}

/// A pattern that came with the row.
fn usable<'t>(env: &Env<'_>, at: Span, pattern: &'t [u8], read: bool) -> Option<&'t str> {
    let pattern = utf8(env, at, pattern)?;
    match pattern::check(pattern, read) {
        Ok(()) => Some(pattern),
        Err(problem) => env.fail(at, || problem),
    }
}

fn formatted<'a>(
    env: &Env<'a>,
    at: Span,
    pattern: &[u8],
    ns: i64,
    offset: i64,
    style: Style,
) -> Option<&'a [u8]> {
    let pattern = usable(env, at, pattern, false)?;
    let mut text = Builder::new(env);
    let _ = pattern::write(&mut text, pattern, ns, offset, style);
    text.finish(env, at)
}

/// `2020-05-03 10:11:12.345` with or without a fraction, or a date alone.
fn read_plain(text: &str, date_alone: bool) -> Option<i64> {
    if date_alone && !text.contains(' ') {
        let (ns, _, rest) = pattern::read(text, "yyyy-MM-dd", Style::Formatter)?;
        return rest.is_empty().then_some(ns);
    }
    let (ns, _, rest) = pattern::read(text, SECONDS, Style::Formatter)?;
    if rest.is_empty() {
        return Some(ns);
    }
    let (fraction, _, rest) = pattern::read(rest, ".S", Style::Formatter)?;
    if rest.is_empty() { ns.checked_add(fraction) } else { None }
}

/// A time by a pattern, or a plain one where the pattern is empty, of whole milliseconds. What does not fit is NULL.
fn read_millis(env: &Env<'_>, at: Span, text: &[u8], pattern: &[u8]) -> Option<i64> {
    let text = utf8(env, at, text)?;
    let ns = if pattern.is_empty() {
        read_plain(text, true)?
    } else {
        let pattern = usable(env, at, pattern, true)?;
        let (ns, _, rest) = pattern::read(text, pattern, Style::Formatter)?;
        rest.is_empty().then_some(ns)?
    };
    ns.div_euclid(MILLISECOND).checked_mul(MILLISECOND)
}

/// A date, of which month and day may be missing; a time behind it does not count.
fn read_date(text: &str) -> Option<i64> {
    let text = text.trim();
    let date = text.split(' ').next().unwrap_or(text);
    let pattern = match date.matches('-').count() {
        0 => "yyyy",
        1 => "yyyy-MM",
        _ => "yyyy-MM-dd",
    };
    let (ns, _, rest) = pattern::read(date, pattern, Style::Formatter)?;
    // There must be such a day.
    let days = tidewire_event::text::read_date(date.as_bytes());
    (rest.is_empty() && (pattern.len() < 10 || days.is_some())).then_some(ns)
}

fn date_format(call: &Call<'_>) -> Result<Code, SqlError> {
    let (pattern, at) = (call.bytes(1)?, call.at);
    if let Ok(text) = call.bytes(0) {
        return Ok(bytes(move |env| {
            let ns = read_plain(utf8(env, at, text(env)?)?, false)?;
            formatted(env, at, pattern(env)?, ns, 0, Style::Formatter)
        }));
    }
    let ns = call.int(0)?;
    let zoned = matches!(call.args.first().map(|arg| &arg.ty), Some(DataType::TimestampLtz(_)));
    let zone = Zone::new(&if zoned { call.session.zone.clone() } else { TimeZone::UTC });
    Ok(bytes(move |env| {
        let (ns, pattern) = (ns(env)?, pattern(env)?);
        match zone.local(ns) {
            Some(local) => formatted(env, at, pattern, local, local - ns, Style::Formatter),
            None => env.fail(at, || "a time is out of range: years 1677 to 2262".to_owned()),
        }
    }))
}

fn bind_ltz(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    if b.ty(0).is_text() {
        let bound = b.takes_or_null(1, &[Text, Text, Text], DataType::TimestampLtz(3))?;
        check(b, 1, true)?;
        if b.args.len() == 3 {
            zone_at(b, 2)?;
        }
        return Ok(bound);
    }
    let kind = if b.ty(0).is_integer() || *b.ty(0) == DataType::Null { Int } else { Double };
    let (_, nullable) = b.takes(1, &[kind, Int], DataType::Null)?;
    let digits = match b.args.get(1).map(|digits| digits.as_literal()) {
        None => 3,
        Some(Some(Value::Int(digits @ 0..=9))) => *digits as u8,
        Some(_) => return Err(b.wrong(1, "a constant from 0 to 9")),
    };
    Ok((DataType::TimestampLtz(digits.max(3)), nullable))
}

fn to_timestamp_ltz(call: &Call<'_>) -> Result<Code, SqlError> {
    let at = call.at;
    if let Ok(text) = call.bytes(0) {
        let pattern = call.bytes_or(1, b"")?;
        let zone =
            if call.codes.len() == 3 { zone_of(call, 2)? } else { Zone::new(&TimeZone::UTC) };
        return Ok(int(move |env| zone.moment(read_millis(env, at, text(env)?, pattern(env)?)?)));
    }
    let digits = match call.args.get(1).and_then(|digits| digits.as_literal()) {
        Some(Value::Int(digits)) => *digits,
        _ => 3,
    };
    let unit = 10_i64.pow(u32::try_from(9 - digits).unwrap_or(0));
    if let Ok(number) = call.int(0) {
        return Ok(int(move |env| {
            let number = number(env)?;
            number
                .checked_mul(unit)
                .or_else(|| env.fail(at, || format!("{number} is beyond a TIMESTAMP_LTZ")))
        }));
    }
    let number = call.float(0)?;
    // To the milliseconds of its type, or to its digits.
    let least = unit.min(MILLISECOND);
    Ok(int(move |env| {
        let number = number(env)?;
        let ns = number * unit as f64;
        match ns.abs() < i64::MAX as f64 {
            true => Some((ns as i64).div_euclid(least) * least),
            false => env.fail(at, || format!("{number} is beyond a TIMESTAMP_LTZ")),
        }
    }))
}

/// The zone that a text names: `Europe/Berlin`, or `+02:00` with or without `UTC` or `GMT` before it.
fn zone(name: &str) -> Option<TimeZone> {
    if let Ok(zone) = TimeZone::get(name) {
        return Some(zone);
    }
    let offset = name.strip_prefix("UTC").or_else(|| name.strip_prefix("GMT")).unwrap_or(name);
    let (_, ns, rest) = pattern::read(offset, "X", Style::Simple)?;
    rest.is_empty().then_some(())?;
    let offset = Offset::from_seconds(i32::try_from(ns? / SECOND).ok()?).ok()?;
    Some(TimeZone::fixed(offset))
}

fn zone_at(b: &Binding<'_>, at: usize) -> Result<(), SqlError> {
    let Some(name) = b.constant_text(at) else {
        return Err(b.wrong(at, "a constant, the name of a time zone"));
    };
    match zone(name) {
        Some(_) => Ok(()),
        None => Err(SqlError::new(b.place(at), format!("there is no time zone '{name}'"))
            .help("zones are named as in Europe/Berlin or +02:00")),
    }
}

fn zone_of(call: &Call<'_>, at: usize) -> Result<Zone, SqlError> {
    let name = call.constant_text(at).unwrap_or_default();
    match zone(name) {
        Some(zone) => Ok(Zone::new(&zone)),
        None => Err(SqlError::new(
            call.at,
            format!("there is no time zone {:?}", shown(name.as_bytes())),
        )),
    }
}

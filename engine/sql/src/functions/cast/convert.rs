//! The conversion between two types, put together when it is compiled.

use std::sync::Arc;

use tidewire_event::DataType;
use tidewire_event::text::{read_decimal, write_decimal};
use tidewire_event::time::DAY;

use super::float_text::Short;
use super::{Cast, Context, Convert, nested, read, write};
use crate::code::Env;
use crate::datum::Datum;
use crate::decimal;
use crate::functions::int_range;
use crate::types::decimal_of;
use crate::zone::Zone;

fn of_fn(
    f: impl for<'a> Fn(&Env<'a>, Datum<'a>) -> Option<Datum<'a>> + Send + Sync + 'static,
) -> Option<Convert> {
    Some(Arc::new(f))
}

/// The conversion of `from` to `to`, if there is one.
pub(super) fn of(from: &DataType, to: &DataType, context: &Context) -> Option<Convert> {
    use DataType as T;
    match (from, to) {
        (from, to) if from == to => of_fn(|_, value| Some(value)),
        (T::Null, _) => of_fn(|_, _| None),
        (from, to) if to.is_text() => to_text(from, to, context),
        (from, T::Bytes) if from.is_text() => of_fn(|_, value| Some(value)),
        (from, to) if from.is_text() => {
            let (to, zone) = (to.clone(), Arc::clone(&context.zone));
            let is_readable = to.is_numeric() || to == T::Boolean || is_time(&to);
            is_readable.then_some(())?;
            of_fn(move |_, value| read(value.bytes()?, &to, &zone))
        }
        (T::Boolean, to) if to.is_numeric() => of_boolean(to),
        (from, T::Boolean) if from.is_numeric() => of_fn(|_, value| {
            Some(Datum::Bool(match value {
                Datum::Float(value) => value != 0.0,
                value => value.wide()? != 0,
            }))
        }),
        (from, to) if from.is_numeric() && to.is_numeric() => number(from, to),
        (T::TimestampLtz(_), T::TimestampLtz(digits)) => {
            let unit = unit(*digits);
            of_fn(move |_, value| Some(Datum::Int(cut(value.int()?, unit)?)))
        }
        (T::Date, T::Time(_)) | (T::Time(_), T::Date) => None,
        (from, to) if is_time(from) && is_time(to) => time(from, to, &context.zone),
        _ => nested::of(from, to, context),
    }
}

fn is_time(ty: &DataType) -> bool {
    ty.is_timestamp() || matches!(ty, DataType::Date | DataType::Time(_))
}

fn of_boolean(to: &DataType) -> Option<Convert> {
    let to = to.clone();
    of_fn(move |_, value| {
        let value = value.bool()?;
        Some(match &to {
            DataType::Float | DataType::Double => Datum::Float(f64::from(u8::from(value))),
            DataType::Decimal { precision, scale } => {
                let one = if value { decimal::power(*scale) } else { 0 };
                return Datum::decimal(one, *precision);
            }
            _ => Datum::Int(value.into()),
        })
    })
}

/// A number of a number.
fn number(from: &DataType, to: &DataType) -> Option<Convert> {
    match (decimal_of(from), to) {
        (Some((_, scale)), to @ (DataType::Float | DataType::Double)) => {
            let is_float = *to == DataType::Float;
            of_fn(move |_, value| {
                let value = decimal_to_f64(value.wide()?, scale)?;
                Some(Datum::Float(if is_float { f64::from(value as f32) } else { value }))
            })
        }
        (Some((_, from)), DataType::Decimal { precision, scale }) => {
            let (precision, scale) = (*precision, *scale);
            of_fn(move |_, value| {
                Datum::decimal(decimal::rescale(value.wide()?, from, scale)?, precision)
            })
        }
        (Some((_, scale)), to) => {
            let (unit, range) = (decimal::power(scale), int_range(to));
            of_fn(move |_, value| {
                let whole = i64::try_from(value.wide()? / unit).ok()?;
                range.contains(&whole).then_some(Datum::Int(whole))
            })
        }
        (None, DataType::Double) => of_fn(|_, value| Some(value)),
        (None, DataType::Float) => {
            of_fn(|_, value| Some(Datum::Float(f64::from(value.float()? as f32))))
        }
        (None, DataType::Decimal { precision, scale }) => {
            let (precision, scale) = (*precision, *scale);
            of_fn(move |_, value| {
                let value = value.float().filter(|value| value.is_finite())?;
                // Its shortest text is the number that is meant.
                let text =
                    Short::new(|text| std::fmt::Write::write_fmt(text, format_args!("{value:e}")))?;
                Datum::decimal(read_decimal(text.as_bytes(), scale)?, precision)
            })
        }
        (None, to) => {
            let range = int_range(to);
            of_fn(move |_, value| {
                let whole = value.float()?.trunc();
                // 2^63 is the least that is too much, and -2^63 is not too little.
                let bound = 9_223_372_036_854_775_808.0;
                let fits = whole >= -bound && whole < bound;
                let whole = fits.then_some(whole as i64)?;
                range.contains(&whole).then_some(Datum::Int(whole))
            })
        }
    }
}

/// The nearest number of floating point.
fn decimal_to_f64(value: i128, scale: u8) -> Option<f64> {
    // Both are exact, so the quotient is rounded once.
    if value.unsigned_abs() < 1 << 53 && scale <= 22 {
        return Some(value as f64 / 10_f64.powi(scale.into()));
    }
    Short::new(|text| write_decimal(text, value, scale))?.as_str().parse().ok()
}

/// The ns of the last of so many digits.
pub(super) fn unit(digits: u8) -> i64 {
    10_i64.pow(9 - u32::from(digits.min(9)))
}

/// The time without what is less than `unit`.
fn cut(ns: i64, unit: i64) -> Option<i64> {
    ns.checked_sub(ns.rem_euclid(unit))
}

/// A time of a time: by way of the date and time that clocks show.
fn time(from: &DataType, to: &DataType, zone: &Arc<Zone>) -> Option<Convert> {
    let (from, to, zone) = (from.clone(), to.clone(), Arc::clone(zone));
    of_fn(move |_, value| {
        let value = value.int()?;
        let local = match from {
            DataType::Date => value.checked_mul(DAY)?,
            DataType::TimestampLtz(_) => zone.local(value)?,
            _ => value,
        };
        Some(Datum::Int(match to {
            DataType::Date => local.div_euclid(DAY),
            DataType::Time(digits) => cut(local.rem_euclid(DAY), unit(digits))?,
            DataType::TimestampLtz(digits) => cut(zone.moment(local)?, unit(digits))?,
            DataType::Timestamp(digits) => cut(local, unit(digits))?,
            _ => return None,
        }))
    })
}

/// A text of any value.
fn to_text(from: &DataType, to: &DataType, context: &Context) -> Option<Convert> {
    let (most, pads) = match to {
        DataType::Char(length) => (*length as usize, context.how != Cast::Implicit),
        DataType::VarChar(length) => (*length as usize, false),
        _ => (usize::MAX, false),
    };
    let cuts = context.how != Cast::Implicit;
    let (from, zone) = (from.clone(), Arc::clone(&context.zone));
    of_fn(move |env, value| {
        let text = match value {
            Datum::Bytes(text) if from.is_text() => text,
            value => env.written(|out| write(out, value, &from, &zone))?,
        };
        limited(env, text, most, cuts, pads).map(Datum::Bytes)
    })
}

/// A text of `most` characters at most.
fn limited<'a>(
    env: &Env<'a>,
    text: &'a [u8],
    most: usize,
    cuts: bool,
    pads: bool,
) -> Option<&'a [u8]> {
    if most == usize::MAX || text.len() <= most && !pads {
        return Some(text);
    }
    let mut starts = text.iter().enumerate().filter(|(_, byte)| **byte & 0xc0 != 0x80);
    match starts.nth(most) {
        Some((end, _)) => cuts.then(|| &text[..end]),
        None if pads => {
            let count = text.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
            let mut padded = env.builder();
            padded.extend_from_slice_copy(text);
            padded.extend(std::iter::repeat_n(b' ', most - count));
            Some(crate::code::built(padded))
        }
        None => Some(text),
    }
}

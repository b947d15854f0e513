//! Values of a text, as Flink reads them: blanks around do not count.

use tidewire_event::DataType;
use tidewire_event::text::{
    read_date, read_decimal, read_time, read_timestamp, read_timestamp_with_offset,
};

use super::convert::unit;
use crate::datum::Datum;
use crate::functions::int_range;
use crate::zone::Zone;

/// The value of type `ty` that `text` is. `None`: it is none.
pub(crate) fn read<'a>(text: &[u8], ty: &DataType, zone: &Zone) -> Option<Datum<'a>> {
    let text = text.trim_ascii();
    Some(match ty {
        DataType::Boolean => Datum::Bool(read_boolean(text)?),
        DataType::Float => Datum::Float(read_float(text)? as f32 as f64),
        DataType::Double => Datum::Float(read_float(text)?),
        DataType::Decimal { precision, scale } => {
            return Datum::decimal(read_decimal(text, *scale)?, *precision);
        }
        DataType::Date => Datum::Int(
            read_date(text)
                .or_else(|| Some(read_timestamp(text)?.div_euclid(tidewire_event::time::DAY)))?,
        ),
        DataType::Time(digits) => {
            let ns = read_time(text)?;
            Datum::Int(ns - ns.rem_euclid(unit(*digits)))
        }
        DataType::Timestamp(digits) => Datum::Int(cut(read_timestamp(text)?, *digits)?),
        DataType::TimestampLtz(digits) => {
            let moment = match read_timestamp_with_offset(text)? {
                (local, None) => zone.moment(local)?,
                (local, Some(offset)) => local.checked_sub(offset)?,
            };
            Datum::Int(cut(moment, *digits)?)
        }
        ty if ty.is_integer() => {
            let value = read_integer(text)?;
            int_range(ty).contains(&value).then_some(Datum::Int(value))?
        }
        _ => return None,
    })
}

fn cut(ns: i64, digits: u8) -> Option<i64> {
    ns.checked_sub(ns.rem_euclid(unit(digits)))
}

fn read_boolean(text: &[u8]) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()));
    if is(&["t", "true", "y", "yes", "1"]) {
        Some(true)
    } else if is(&["f", "false", "n", "no", "0"]) {
        Some(false)
    } else {
        None
    }
}

fn read_float(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A whole number; digits behind a point are cut off.
fn read_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let point = digits.iter().position(|byte| *byte == b'.').unwrap_or(digits.len());
    let (whole, behind) = digits.split_at(point);
    let behind = behind.strip_prefix(b".").unwrap_or(behind);
    if whole.is_empty() && behind.is_empty() || !behind.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // Counted downward, since there is one more below zero.
    let mut value = 0_i64;
    for byte in whole {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_sub(digit.into())?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

//! Values as text, the same in CSV, in JSON, printed and shown.
//!
//! 1. What is written reads back as the same value.
//! 2. Decimals have all digits of their scale, times all digits of their type; floats are the shortest digits that read
//!    back; BYTES is base64; TIMESTAMP_LTZ is UTC with a `Z`, and is read with any offset, but not without one.
//! 3. Digits of a time beyond its type are cut off, those of a decimal beyond its scale round half up.

use std::fmt::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use tidewire_event::row::NoRoom;
use tidewire_event::text;
use tidewire_event::time::{DAY, MILLISECOND};
use tidewire_event::{DataType, Repr, RowWriter, Slot, Value};

/// A value that is not nested.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scalar<'a> {
    Bool(bool),
    Int(i64),
    Wide(i128),
    Float(f64),
    Bytes(&'a [u8]),
}

/// Why a text is no value of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Bad {
    /// It is something else.
    #[error("is no value of its type")]
    Type,
    /// A number outside the range of its type.
    #[error("is outside the range of its type")]
    Range,
    /// Text that is no UTF-8.
    #[error("is no UTF-8")]
    Utf8,
    /// NULL where there may be none.
    #[error("is NULL, and the column is NOT NULL")]
    Null,
    /// It is not there.
    #[error("is missing")]
    Missing,
    /// The row has no room for it.
    #[error("{0}")]
    NoRoom(NoRoom),
}

impl Bad {
    /// The same for people, of the value `text` of a column.
    pub(super) fn explain(self, column: &str, ty: &DataType, text: &[u8]) -> String {
        let text = String::from_utf8_lossy(&text[..text.len().min(60)]);
        match self {
            Self::Type => format!("column '{column}': '{text}' is no {ty}{}", looks(ty)),
            Self::Range => format!("column '{column}': {text} is outside the range of {ty}"),
            Self::NoRoom(room) => {
                format!("column '{column}': {room}; SET 'sql.row-bytes' to have room for it")
            }
            bad => format!("column '{column}' {bad}"),
        }
    }
}

/// How values of types that people get wrong look like.
fn looks(ty: &DataType) -> &'static str {
    match ty {
        DataType::Boolean => ": it is true or false",
        DataType::Date => ", such as 2020-01-31",
        DataType::Time(_) => ", such as 09:30:00.125",
        DataType::Timestamp(_) => ", such as 2020-01-31 09:30:00.125",
        DataType::TimestampLtz(_) => {
            ", such as 2020-01-31 09:30:00.125Z or 2020-01-31T10:30:00.125+01:00"
        }
        DataType::Bytes => " in base64",
        _ => "",
    }
}

impl<'a> Scalar<'a> {
    /// The value of a column of `row` that is not NULL, and not of a nested type.
    #[inline]
    pub(super) fn of_row(row: &'a [u8], slot: &Slot) -> Self {
        match slot.repr {
            Repr::Bool => Self::Bool(slot.bool(row)),
            Repr::Int(_) => Self::Int(slot.int(row)),
            Repr::Wide => Self::Wide(slot.wide(row)),
            Repr::Float(_) => Self::Float(slot.float(row)),
            Repr::Bytes => Self::Bytes(slot.text(row)),
        }
    }

    /// The same of a value; `None` of NULL and nested ones.
    pub(super) fn of_value(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::Bool(it) => Self::Bool(*it),
            Value::Int(it) => Self::Int(*it),
            Value::Wide(it) => Self::Wide(*it),
            Value::Float(it) => Self::Float(*it),
            Value::Bytes(it) => Self::Bytes(it),
            Value::Null | Value::List(_) | Value::Map(_) => return None,
        })
    }

    /// As a value.
    pub(super) fn to_value(self) -> Value {
        match self {
            Self::Bool(it) => Value::Bool(it),
            Self::Int(it) => Value::Int(it),
            Self::Wide(it) => Value::Wide(it),
            Self::Float(it) => Value::Float(it),
            Self::Bytes(it) => Value::Bytes(it.to_vec()),
        }
    }

    /// Writes it into a row.
    #[inline(always)]
    pub(super) fn put(self, row: &mut RowWriter<'_>, slot: &Slot) -> Result<(), Bad> {
        match self {
            Self::Bool(it) => row.bool(slot, it),
            Self::Int(it) => row.int(slot, it),
            Self::Wide(it) => row.wide(slot, it),
            Self::Float(it) => row.float(slot, it),
            Self::Bytes(it) => row.text(slot, it).map_err(Bad::NoRoom)?,
        }
        Ok(())
    }

    /// Reads the text of a value of type `ty`, which is not nested. `scratch` is where bytes are decoded to.
    #[inline(always)]
    pub(super) fn read(
        ty: &DataType,
        text: &'a [u8],
        scratch: &'a mut Vec<u8>,
    ) -> Result<Self, Bad> {
        if ty.is_text() {
            return match std::str::from_utf8(text) {
                Ok(_) => Ok(Self::Bytes(text)),
                Err(_) => Err(Bad::Utf8),
            };
        }
        let text = text.trim_ascii();
        Ok(match ty {
            DataType::TinyInt => Self::Int(integer(text, i8::MIN.into(), i8::MAX.into())?),
            DataType::SmallInt => Self::Int(integer(text, i16::MIN.into(), i16::MAX.into())?),
            DataType::Int => Self::Int(integer(text, i32::MIN.into(), i32::MAX.into())?),
            DataType::BigInt => Self::Int(integer(text, i64::MIN, i64::MAX)?),
            DataType::Decimal { precision, scale } => decimal(text, *precision, *scale)?,
            DataType::Double => Self::Float(float::<f64>(text)?),
            DataType::Float => Self::Float(float::<f32>(text)?.into()),
            DataType::Boolean if text.eq_ignore_ascii_case(b"true") => Self::Bool(true),
            DataType::Boolean if text.eq_ignore_ascii_case(b"false") => Self::Bool(false),
            DataType::Date => Self::Int(date(text)?),
            DataType::Time(digits) => {
                Self::Int(cut(text::read_time(text).ok_or(Bad::Type)?, *digits))
            }
            DataType::Timestamp(digits) => {
                Self::Int(cut(text::read_timestamp(text).ok_or(Bad::Type)?, *digits))
            }
            DataType::TimestampLtz(digits) => Self::Int(cut(moment(text)?, *digits)),
            DataType::Interval => Self::Int(interval(text).ok_or(Bad::Type)?),
            DataType::Months => Self::Int(months(text).ok_or(Bad::Type)?),
            DataType::Bytes => {
                scratch.clear();
                BASE64.decode_vec(text, scratch).map_err(|_| Bad::Type)?;
                Self::Bytes(scratch)
            }
            _ => return Err(Bad::Type),
        })
    }

    /// Reads the text of a value and writes that into a row: as one function, in which no value passes through memory.
    pub(super) fn put_text(
        ty: &DataType,
        text: &[u8],
        scratch: &mut Vec<u8>,
        row: &mut RowWriter<'_>,
        slot: &Slot,
    ) -> Result<(), Bad> {
        Scalar::read(ty, text, scratch)?.put(row, slot)
    }

    /// Writes it as text, with `between` a date and a time.
    pub(super) fn write(self, ty: &DataType, between: char, out: &mut String) -> fmt::Result {
        match (self, ty) {
            (Self::Bool(it), _) => write!(out, "{it}"),
            (Self::Int(it), DataType::Decimal { scale, .. }) => {
                text::write_decimal(out, it.into(), *scale)
            }
            (Self::Wide(it), DataType::Decimal { scale, .. }) => {
                text::write_decimal(out, it, *scale)
            }
            (Self::Int(it), DataType::Date) => text::write_date(out, it),
            (Self::Int(it), DataType::Time(digits)) => text::write_time(out, it, *digits),
            (Self::Int(it), DataType::Timestamp(digits)) => {
                text::write_timestamp(out, it, *digits, between)
            }
            (Self::Int(it), DataType::TimestampLtz(digits)) => {
                text::write_timestamp(out, it, *digits, between)?;
                out.write_char('Z')
            }
            (Self::Int(it), DataType::Interval) => write_interval(out, it),
            (Self::Int(it), DataType::Months) => {
                let sign = if it < 0 { '-' } else { '+' };
                write!(out, "{sign}{}-{:02}", it.unsigned_abs() / 12, it.unsigned_abs() % 12)
            }
            (Self::Int(it), _) => write!(out, "{it}"),
            (Self::Wide(it), _) => write!(out, "{it}"),
            (Self::Float(it), _) if it.is_infinite() => {
                out.write_str(if it < 0.0 { "-Infinity" } else { "Infinity" })
            }
            (Self::Float(it), DataType::Float) => write!(out, "{:?}", it as f32),
            (Self::Float(it), _) => write!(out, "{it:?}"),
            (Self::Bytes(it), DataType::Bytes) => {
                BASE64.encode_string(it, out);
                Ok(())
            }
            (Self::Bytes(it), _) => match std::str::from_utf8(it) {
                Ok(text) => out.write_str(text),
                Err(_) => out.write_str(&String::from_utf8_lossy(it)),
            },
        }
    }
}

/// Writes a value of any type for people to read: nested ones as casts to STRING do, `[1, 2]`, `{a=1}`, `(1, a)`.
pub(super) fn write_plain(value: &Value, ty: &DataType, out: &mut String) -> fmt::Result {
    match (value, ty) {
        (Value::List(items), DataType::Array(of)) => {
            write_items(items.iter().map(|item| (item, &**of)), ['[', ']'], out)
        }
        (Value::List(values), DataType::Row(fields)) => {
            let types = fields.iter().map(|field| &field.ty);
            write_items(values.iter().zip(types), ['(', ')'], out)
        }
        (Value::Map(entries), DataType::Map(key_type, value_type)) => {
            out.write_char('{')?;
            for (at, (key, value)) in entries.iter().enumerate() {
                out.write_str(if at > 0 { ", " } else { "" })?;
                write_plain(key, key_type, out)?;
                out.write_char('=')?;
                write_plain(value, value_type, out)?;
            }
            out.write_char('}')
        }
        (value, ty) => match Scalar::of_value(value) {
            Some(scalar) => scalar.write(ty, ' ', out),
            None => out.write_str("NULL"),
        },
    }
}

fn write_items<'v>(
    items: impl Iterator<Item = (&'v Value, &'v DataType)>,
    [open, close]: [char; 2],
    out: &mut String,
) -> fmt::Result {
    out.write_char(open)?;
    for (at, (item, ty)) in items.enumerate() {
        out.write_str(if at > 0 { ", " } else { "" })?;
        write_plain(item, ty, out)?;
    }
    out.write_char(close)
}

/// Whether values of the type consist of others.
pub(super) fn is_nested(ty: &DataType) -> bool {
    matches!(ty, DataType::Array(_) | DataType::Map(..) | DataType::Row(_))
}

/// A whole number between `min` and `max`.
#[inline]
fn integer(text: &[u8], min: i64, max: i64) -> Result<i64, Bad> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    if digits.is_empty() {
        return Err(Bad::Type);
    }
    let mut value = 0_i64;
    // 18 digits have room in 64 bits; of more, each is looked at.
    if digits.len() <= 18 {
        for byte in digits {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return Err(Bad::Type);
            }
            value = value * 10 + i64::from(digit);
        }
        value = if negative { -value } else { value };
    } else {
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(Bad::Type);
        }
        for byte in digits {
            let digit = i64::from(byte - b'0');
            let digit = if negative { -digit } else { digit };
            let next = value.checked_mul(10).and_then(|value| value.checked_add(digit));
            value = next.ok_or(Bad::Range)?;
        }
    }
    if (min..=max).contains(&value) { Ok(value) } else { Err(Bad::Range) }
}

#[inline]
fn decimal<'a>(text: &[u8], precision: u8, scale: u8) -> Result<Scalar<'a>, Bad> {
    let value = match plain_decimal(text, scale) {
        Some(value) => value.into(),
        None => match text::read_decimal(text, scale) {
            Some(value) => value,
            // What has too many digits is a number all the same.
            None if float::<f64>(text).is_ok_and(f64::is_finite) => return Err(Bad::Range),
            None => return Err(Bad::Type),
        },
    };
    if value.unsigned_abs() >= 10_u128.pow(precision.into()) {
        return Err(Bad::Range);
    }
    Ok(if precision <= 18 { Scalar::Int(value as i64) } else { Scalar::Wide(value) })
}

/// A decimal of up to 18 digits at its scale, with no more digits behind the point than that and no exponent: nearly all.
#[inline]
fn plain_decimal(text: &[u8], scale: u8) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        all => (false, all),
    };
    let (mut value, mut behind, mut any, mut point) = (0_i64, 0_usize, false, false);
    if digits.len() + usize::from(scale) > 18 {
        return None;
    }
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            value = value * 10 + i64::from(digit);
            behind += usize::from(point);
            any = true;
        } else if *byte == b'.' && !point {
            point = true;
        } else {
            return None;
        }
    }
    let missing = usize::from(scale).checked_sub(behind)?;
    let value = value * 10_i64.pow(missing as u32);
    any.then_some(if negative { -value } else { value })
}

fn float<F: std::str::FromStr>(text: &[u8]) -> Result<F, Bad> {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(Bad::Type)
}

fn date(text: &[u8]) -> Result<i64, Bad> {
    let days = text::read_date(text).ok_or(Bad::Type)?;
    i32::try_from(days).map(i64::from).map_err(|_| Bad::Range)
}

fn moment(text: &[u8]) -> Result<i64, Bad> {
    let (ns, offset) = text::read_timestamp_with_offset(text).ok_or(Bad::Type)?;
    ns.checked_sub(offset.ok_or(Bad::Type)?).ok_or(Bad::Range)
}

/// A time with so many digits behind the second.
#[inline]
pub(super) fn cut(ns: i64, digits: u8) -> i64 {
    match 9_u32.checked_sub(digits.into()) {
        None | Some(0) => ns,
        Some(less) => {
            let unit = 10_i64.pow(less);
            ns.div_euclid(unit).saturating_mul(unit)
        }
    }
}

fn write_interval(out: &mut String, ns: i64) -> fmt::Result {
    let sign = if ns < 0 { '-' } else { '+' };
    // The one interval whose amount has no i64 is a nanosecond short of it.
    let amount = ns.checked_abs().unwrap_or(i64::MAX);
    write!(out, "{sign}{} ", amount / DAY)?;
    text::write_time(out, amount % DAY, if amount % MILLISECOND == 0 { 3 } else { 9 })
}

fn interval(text: &[u8]) -> Option<i64> {
    let (sign, text) = signed(text);
    let at = text.iter().position(|byte| *byte == b' ')?;
    let days = integer(&text[..at], 0, i64::MAX / DAY).ok()?;
    (days * DAY).checked_add(text::read_time(&text[at + 1..])?).map(|ns| sign * ns)
}

fn months(text: &[u8]) -> Option<i64> {
    let (sign, text) = signed(text);
    let at = text.iter().position(|byte| *byte == b'-')?;
    let years = integer(&text[..at], 0, i64::from(i32::MAX) / 12 - 1).ok()?;
    Some(sign * (years * 12 + integer(&text[at + 1..], 0, 11).ok()?))
}

fn signed(text: &[u8]) -> (i64, &[u8]) {
    match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        all => (1, all),
    }
}

#[cfg(test)]
mod tests;

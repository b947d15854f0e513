//! The text of a value, as Flink writes it.

use std::fmt;

use tidewire_event::DataType;
use tidewire_event::text::{write_date, write_decimal, write_time, write_timestamp};
use tidewire_event::time::{DAY, MILLISECOND};

use super::float_text::{Short, write_float};
use crate::datum::Datum;
use crate::items;
use crate::zone::Zone;

/// Writes a value of type `ty`. Bytes that are no UTF-8 are written as the character that stands for those.
pub(crate) fn write<W: fmt::Write>(
    out: &mut W,
    value: Datum<'_>,
    ty: &DataType,
    zone: &Zone,
) -> fmt::Result {
    match (value, ty) {
        (Datum::Bool(value), _) => out.write_str(if value { "TRUE" } else { "FALSE" }),
        (Datum::Float(value), ty) => write_float(out, value, *ty == DataType::Float),
        (Datum::Wide(value), DataType::Decimal { scale, .. }) => write_decimal(out, value, *scale),
        (Datum::Wide(value), _) => write!(out, "{value}"),
        (Datum::Int(value), ty) => write_int(out, value, ty, zone),
        (Datum::Bytes(bytes), DataType::Array(of)) => {
            write_items(out, bytes, ["[", "]"], &[(of, ", ")], zone)
        }
        (Datum::Bytes(bytes), DataType::Map(key, value)) => {
            write_items(out, bytes, ["{", "}"], &[(key, ", "), (value, "=")], zone)
        }
        (Datum::Bytes(bytes), DataType::Row(fields)) => {
            out.write_str("(")?;
            let mut bytes = bytes;
            for (at, field) in fields.iter().enumerate() {
                out.write_str(if at > 0 { ", " } else { "" })?;
                write_item(out, &mut bytes, &field.ty, zone)?;
            }
            out.write_str(")")
        }
        (Datum::Bytes(bytes), _) => {
            for chunk in bytes.utf8_chunks() {
                out.write_str(chunk.valid())?;
                if !chunk.invalid().is_empty() {
                    out.write_char(char::REPLACEMENT_CHARACTER)?;
                }
            }
            Ok(())
        }
    }
}

fn write_int<W: fmt::Write>(out: &mut W, value: i64, ty: &DataType, zone: &Zone) -> fmt::Result {
    match ty {
        DataType::Decimal { scale, .. } => write_decimal(out, value.into(), *scale),
        DataType::Date => write_date(out, value),
        DataType::Time(digits) => write_clock(out, value, *digits),
        DataType::Timestamp(digits) => write_timestamp(out, value, *digits, ' '),
        DataType::TimestampLtz(digits) => {
            write_timestamp(out, zone.local(value).unwrap_or(value), *digits, ' ')
        }
        DataType::Interval => {
            let (sign, length) = (if value < 0 { '-' } else { '+' }, value.unsigned_abs());
            let (days, rest) = (length / DAY as u64, (length % DAY as u64) as i64);
            write!(out, "{sign}{days} ")?;
            write_time(out, rest, if rest % MILLISECOND == 0 { 3 } else { 9 })
        }
        DataType::Months => {
            let (sign, length) = (if value < 0 { '-' } else { '+' }, value.unsigned_abs());
            write!(out, "{sign}{}-{:02}", length / 12, length % 12)
        }
        _ => write!(out, "{value}"),
    }
}

/// A time of day: without zeros at its end, but for the first digit behind the second.
fn write_clock<W: fmt::Write>(out: &mut W, ns: i64, digits: u8) -> fmt::Result {
    let text = Short::new(|text| write_time(text, ns, digits)).ok_or(fmt::Error)?;
    let text = text.as_str();
    match text.split_once('.') {
        Some((_, fraction)) => {
            let zeros = fraction.len() - fraction.trim_end_matches('0').len().max(1);
            out.write_str(&text[..text.len() - zeros])
        }
        None => out.write_str(text),
    }
}

fn write_item<W: fmt::Write>(
    out: &mut W,
    bytes: &mut &[u8],
    ty: &DataType,
    zone: &Zone,
) -> fmt::Result {
    match items::take(bytes, ty).ok_or(fmt::Error)? {
        Some(item) => write(out, item, ty, zone),
        None => out.write_str("NULL"),
    }
}

/// Items between two brackets: each of `parts` in turn, with what stands before it if it is not the first.
fn write_items<W: fmt::Write>(
    out: &mut W,
    mut bytes: &[u8],
    [open, close]: [&str; 2],
    parts: &[(&DataType, &str)],
    zone: &Zone,
) -> fmt::Result {
    let count = items::take_count(&mut bytes).ok_or(fmt::Error)?;
    out.write_str(open)?;
    let mut is_first = true;
    for _ in 0..count {
        for (ty, before) in parts {
            if !is_first {
                out.write_str(before)?;
            }
            is_first = false;
            write_item(out, &mut bytes, ty, zone)?;
        }
    }
    out.write_str(close)
}

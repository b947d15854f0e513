//! Values as the bytes of Avro.

use tidewire_event::Value;

use super::super::text::Scalar;
use super::form::Form;

/// Why a value has no form in the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Misfit {
    #[error("it is NULL, and the schema has no null there")]
    Null,
    #[error("it is outside the range of its type in Avro")]
    Range,
    #[error("it is no symbol of the enum")]
    Symbol,
    #[error("it is {has} bytes long, where the schema has a fixed of {size}")]
    Size { has: usize, size: usize },
    #[error("it is no UTF-8")]
    Utf8,
    #[error("it is no value of its type: the row is broken")]
    Broken,
}

/// A value that is to be written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Item<'v> {
    Null,
    Scalar(Scalar<'v>),
    List(&'v [Value]),
    Map(&'v [(Value, Value)]),
}

impl<'v> From<&'v Value> for Item<'v> {
    fn from(value: &'v Value) -> Self {
        match value {
            Value::List(items) => Self::List(items),
            Value::Map(entries) => Self::Map(entries),
            other => Scalar::of_value(other).map_or(Self::Null, Self::Scalar),
        }
    }
}

fn long(value: i64, out: &mut Vec<u8>) {
    let mut bits = ((value << 1) ^ (value >> 63)) as u64;
    while bits > 0x7f {
        out.push(bits as u8 | 0x80);
        bits >>= 7;
    }
    out.push(bits as u8);
}

fn whole(value: i64, is_int: bool, out: &mut Vec<u8>) -> Result<(), Misfit> {
    if is_int && i32::try_from(value).is_err() {
        return Err(Misfit::Range);
    }
    long(value, out);
    Ok(())
}

fn bytes(bytes: &[u8], out: &mut Vec<u8>) {
    // A row has fewer bytes than a long can count.
    long(bytes.len() as i64, out);
    out.extend(bytes);
}

/// A number in two's complement, the highest byte first: as few bytes as it takes, or `size`.
fn two_complement(value: i128, size: Option<usize>, out: &mut Vec<u8>) -> Result<(), Misfit> {
    let all = value.to_be_bytes();
    let sign = if value < 0 { 0xff } else { 0 };
    let is_spare = |pair: &&[u8]| pair[0] == sign && (pair[1] ^ sign) & 0x80 == 0;
    let low = &all[all.windows(2).take_while(is_spare).count()..];
    let Some(size) = size else {
        bytes(low, out);
        return Ok(());
    };
    let more = match size.checked_sub(low.len()) {
        Some(more) => more,
        None if value == 0 => 0,
        None => return Err(Misfit::Range),
    };
    out.extend(std::iter::repeat_n(sign, more));
    out.extend(&low[..low.len().min(size)]);
    Ok(())
}

/// Appends a value.
pub(super) fn write(form: &Form, item: Item<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
    match (form, item) {
        (Form::Union(branches), item) => {
            let is_null = matches!(item, Item::Null);
            let at = branches.iter().position(|branch| (*branch == Form::Null) == is_null);
            let at = at.ok_or(if is_null { Misfit::Null } else { Misfit::Broken })?;
            long(at as i64, out);
            write(&branches[at], item, out)?;
        }
        (Form::Null, Item::Null) => {}
        (_, Item::Null) => return Err(Misfit::Null),
        (Form::Boolean, Item::Scalar(Scalar::Bool(value))) => out.push(u8::from(value)),
        (Form::Whole { is_int, .. }, Item::Scalar(Scalar::Int(value))) => {
            whole(value, *is_int, out)?;
        }
        (Form::Time { is_int, unit, .. }, Item::Scalar(Scalar::Int(ns))) => {
            whole(ns.div_euclid(*unit), *is_int, out)?;
        }
        (Form::Float, Item::Scalar(Scalar::Float(value))) => {
            out.extend((value as f32).to_le_bytes());
        }
        (Form::Double, Item::Scalar(Scalar::Float(value))) => out.extend(value.to_le_bytes()),
        (Form::Decimal { size, .. }, Item::Scalar(Scalar::Int(value))) => {
            two_complement(value.into(), *size, out)?;
        }
        (Form::Decimal { size, .. }, Item::Scalar(Scalar::Wide(value))) => {
            two_complement(value, *size, out)?;
        }
        (Form::String, Item::Scalar(Scalar::Bytes(text))) => {
            std::str::from_utf8(text).map_err(|_| Misfit::Utf8)?;
            bytes(text, out);
        }
        (Form::Bytes, Item::Scalar(Scalar::Bytes(value))) => bytes(value, out),
        (Form::Fixed(size), Item::Scalar(Scalar::Bytes(value))) => {
            if value.len() != *size {
                return Err(Misfit::Size { has: value.len(), size: *size });
            }
            out.extend(value);
        }
        (Form::Enum(symbols), Item::Scalar(Scalar::Bytes(text))) => {
            let at = symbols.iter().position(|symbol| symbol.as_bytes() == text);
            long(at.ok_or(Misfit::Symbol)? as i64, out);
        }
        (Form::Array(of), Item::List(items)) => {
            if !items.is_empty() {
                long(items.len() as i64, out);
                items.iter().try_for_each(|item| write(of, item.into(), out))?;
            }
            long(0, out);
        }
        (Form::Map(of), Item::Map(entries)) => {
            if !entries.is_empty() {
                long(entries.len() as i64, out);
                for (key, value) in entries {
                    write(&Form::String, key.into(), out)?;
                    write(of, value.into(), out)?;
                }
            }
            long(0, out);
        }
        (Form::Record(record), Item::List(values)) => {
            for field in &record.fields {
                let value = match field.column {
                    Some(at) => values.get(at).ok_or(Misfit::Broken)?.into(),
                    None => Item::Null,
                };
                write(&field.form, value, out)?;
            }
        }
        _ => return Err(Misfit::Broken),
    }
    Ok(())
}

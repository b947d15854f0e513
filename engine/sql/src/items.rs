//! The items of a nested value, in the bytes as which it lies in a row: read and written one by one, without making a
//! [`Value`](tidewire_event::Value) of them.

use bumpalo::collections::Vec;
use tidewire_event::{DataType, Repr};

use crate::datum::Datum;

/// Takes the number of items that stands before those of an ARRAY or a MAP.
pub(crate) fn take_count(bytes: &mut &[u8]) -> Option<usize> {
    let (count, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*count) as usize)
}

/// Takes the next item, of type `ty`: `Some(None)` is a NULL, and `None` says that there is none.
pub(crate) fn take<'a>(bytes: &mut &'a [u8], ty: &DataType) -> Option<Option<Datum<'a>>> {
    let (known, rest) = bytes.split_first()?;
    *bytes = rest;
    if *known == 0 { Some(None) } else { take_value(bytes, ty).map(Some) }
}

fn take_value<'a>(bytes: &mut &'a [u8], ty: &DataType) -> Option<Datum<'a>> {
    let all = *bytes;
    match ty {
        DataType::Array(of) => {
            for _ in 0..take_count(bytes)? {
                take(bytes, of)?;
            }
        }
        DataType::Map(key, value) => {
            for _ in 0..take_count(bytes)? {
                take(bytes, key)?;
                take(bytes, value)?;
            }
        }
        DataType::Row(fields) => {
            for field in fields {
                take(bytes, &field.ty)?;
            }
        }
        _ => return take_scalar(bytes, ty.repr()),
    }
    Some(Datum::Bytes(&all[..all.len() - bytes.len()]))
}

fn take_scalar<'a>(bytes: &mut &'a [u8], repr: Repr) -> Option<Datum<'a>> {
    fn chunk<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
        let (chunk, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(*chunk)
    }
    Some(match repr {
        Repr::Bool => Datum::Bool(chunk::<1>(bytes)? != [0]),
        Repr::Int(1) => Datum::Int(i8::from_le_bytes(chunk(bytes)?).into()),
        Repr::Int(2) => Datum::Int(i16::from_le_bytes(chunk(bytes)?).into()),
        Repr::Int(4) => Datum::Int(i32::from_le_bytes(chunk(bytes)?).into()),
        Repr::Int(_) => Datum::Int(i64::from_le_bytes(chunk(bytes)?)),
        Repr::Wide => Datum::Wide(i128::from_le_bytes(chunk(bytes)?)),
        Repr::Float(4) => Datum::Float(f32::from_le_bytes(chunk(bytes)?).into()),
        Repr::Float(_) => Datum::Float(f64::from_le_bytes(chunk(bytes)?)),
        Repr::Bytes => {
            let (text, rest) = {
                let length = take_count(bytes)?;
                bytes.split_at_checked(length)?
            };
            *bytes = rest;
            Datum::Bytes(text)
        }
    })
}

/// Appends the number of items of an ARRAY or a MAP.
pub(crate) fn put_count(out: &mut Vec<'_, u8>, count: usize) {
    out.extend_from_slice_copy(&(count as u32).to_le_bytes());
}

/// Appends an item of type `ty`, or NULL.
pub(crate) fn put(out: &mut Vec<'_, u8>, item: Option<Datum<'_>>, ty: &DataType) {
    out.push(u8::from(item.is_some()));
    match (item, ty.repr()) {
        (Some(Datum::Bool(value)), _) => out.push(u8::from(value)),
        (Some(Datum::Int(value)), Repr::Int(width)) => {
            let bytes = value.to_le_bytes();
            out.extend_from_slice_copy(bytes.get(..width.into()).unwrap_or(&bytes));
        }
        (Some(Datum::Int(value)), _) => out.extend_from_slice_copy(&value.to_le_bytes()),
        (Some(Datum::Wide(value)), _) => out.extend_from_slice_copy(&value.to_le_bytes()),
        (Some(Datum::Float(value)), Repr::Float(4)) => {
            out.extend_from_slice_copy(&(value as f32).to_le_bytes());
        }
        (Some(Datum::Float(value)), _) => out.extend_from_slice_copy(&value.to_le_bytes()),
        (Some(Datum::Bytes(bytes)), _) => {
            if !is_nested(ty) {
                put_count(out, bytes.len());
            }
            out.extend_from_slice_copy(bytes);
        }
        (None, _) => {}
    }
}

/// Whether it is an ARRAY, a MAP or a ROW.
pub(crate) fn is_nested(ty: &DataType) -> bool {
    matches!(ty, DataType::Array(_) | DataType::Map(..) | DataType::Row(_))
}

//! A single value of any type: what a literal is, what a nested value is made of, and what a row is printed from. Not for
//! the hot path.
//!
//! A value of a nested type lies in a row as bytes: the number of its items, then each with a byte that says whether it
//! is NULL. What stands at which place follows from the type.

use crate::row::Slot;
use crate::schema::{DataType, Field, Repr};

/// A value, by its representation: its type says what it means.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL, of any type.
    Null,
    /// Of a [`Repr::Bool`].
    Bool(bool),
    /// Of a [`Repr::Int`].
    Int(i64),
    /// Of a [`Repr::Wide`].
    Wide(i128),
    /// Of a [`Repr::Float`].
    Float(f64),
    /// Of a [`Repr::Bytes`] that is text or binary.
    Bytes(Vec<u8>),
    /// The items of an ARRAY, or the values of a ROW.
    List(Vec<Self>),
    /// The entries of a MAP.
    Map(Vec<(Self, Self)>),
}

impl Value {
    /// A text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }

    /// The value of a column of `row`, of type `ty`. `None`: its bytes are no such value.
    #[must_use]
    pub fn read(row: &[u8], slot: &Slot, ty: &DataType) -> Option<Self> {
        if slot.is_null(row) {
            return Some(Self::Null);
        }
        Some(match slot.repr {
            Repr::Bool => Self::Bool(slot.bool(row)),
            Repr::Int(_) => Self::Int(slot.int(row)),
            Repr::Wide => Self::Wide(slot.wide(row)),
            Repr::Float(_) => Self::Float(slot.float(row)),
            Repr::Bytes => Self::of_bytes(slot.text(row), ty)?,
        })
    }

    /// The value of type `ty` that lies in a row as `bytes`.
    #[must_use]
    pub fn of_bytes(bytes: &[u8], ty: &DataType) -> Option<Self> {
        match ty {
            DataType::Array(_) | DataType::Map(..) | DataType::Row(_) => {
                let mut rest = bytes;
                let value = decode(&mut rest, ty)?;
                rest.is_empty().then_some(value)
            }
            _ => Some(Self::Bytes(bytes.to_vec())),
        }
    }

    /// Appends the bytes as which a value of a nested type `ty` lies in a row. What does not belong to the type is NULL.
    pub fn encode(&self, ty: &DataType, bytes: &mut Vec<u8>) {
        match (self, ty) {
            (Self::List(items), DataType::Array(of)) => {
                bytes.extend((items.len() as u32).to_le_bytes());
                items.iter().for_each(|item| encode_item(item, of, bytes));
            }
            (Self::Map(entries), DataType::Map(key_type, value_type)) => {
                bytes.extend((entries.len() as u32).to_le_bytes());
                for (key, value) in entries {
                    encode_item(key, key_type, bytes);
                    encode_item(value, value_type, bytes);
                }
            }
            (Self::List(values), DataType::Row(fields)) => {
                let values = values.iter().chain(std::iter::repeat(&Self::Null));
                for (value, Field { ty, .. }) in values.zip(fields) {
                    encode_item(value, ty, bytes);
                }
            }
            _ => encode_scalar(self, ty, bytes),
        }
    }
}

fn encode_item(value: &Value, ty: &DataType, bytes: &mut Vec<u8>) {
    bytes.push(u8::from(*value != Value::Null));
    if *value != Value::Null {
        value.encode(ty, bytes);
    }
}

fn encode_scalar(value: &Value, ty: &DataType, bytes: &mut Vec<u8>) {
    match (value, ty.repr()) {
        (Value::Bool(value), Repr::Bool) => bytes.push(u8::from(*value)),
        (Value::Int(value), Repr::Int(width)) => {
            bytes.extend(&value.to_le_bytes()[..usize::from(width)]);
        }
        (Value::Wide(value), Repr::Wide) => bytes.extend(value.to_le_bytes()),
        (Value::Float(value), Repr::Float(4)) => bytes.extend((*value as f32).to_le_bytes()),
        (Value::Float(value), Repr::Float(_)) => bytes.extend(value.to_le_bytes()),
        (Value::Bytes(text), Repr::Bytes) => {
            bytes.extend((text.len() as u32).to_le_bytes());
            bytes.extend(text);
        }
        (_, repr) => bytes.extend(std::iter::repeat_n(0, repr.slot_bytes())),
    }
}

fn take<'b>(bytes: &mut &'b [u8], count: usize) -> Option<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

fn count(bytes: &mut &[u8]) -> Option<usize> {
    let count = take(bytes, 4)?;
    Some(u32::from_le_bytes(count.try_into().ok()?) as usize)
}

fn decode_item(bytes: &mut &[u8], ty: &DataType) -> Option<Value> {
    match take(bytes, 1)? {
        [0] => Some(Value::Null),
        _ => decode(bytes, ty),
    }
}

fn decode(bytes: &mut &[u8], ty: &DataType) -> Option<Value> {
    match ty {
        DataType::Array(of) => {
            let count = count(bytes)?;
            (0..count).map(|_| decode_item(bytes, of)).collect::<Option<_>>().map(Value::List)
        }
        DataType::Map(key, value) => {
            let count = count(bytes)?;
            let mut entry = || Some((decode_item(bytes, key)?, decode_item(bytes, value)?));
            (0..count).map(|_| entry()).collect::<Option<_>>().map(Value::Map)
        }
        DataType::Row(fields) => {
            let values = fields.iter().map(|field| decode_item(bytes, &field.ty));
            values.collect::<Option<_>>().map(Value::List)
        }
        _ => decode_scalar(bytes, ty.repr()),
    }
}

fn decode_scalar(bytes: &mut &[u8], repr: Repr) -> Option<Value> {
    Some(match repr {
        Repr::Bool => Value::Bool(take(bytes, 1)? != [0]),
        Repr::Int(width) => {
            let width = usize::from(width);
            let taken = take(bytes, width)?;
            let sign = if taken.last()? >> 7 == 0 { 0 } else { 0xff };
            let mut all = [sign; 8];
            all.get_mut(..width)?.copy_from_slice(taken);
            Value::Int(i64::from_le_bytes(all))
        }
        Repr::Wide => Value::Wide(i128::from_le_bytes(take(bytes, 16)?.try_into().ok()?)),
        Repr::Float(4) => Value::Float(f32::from_le_bytes(take(bytes, 4)?.try_into().ok()?).into()),
        Repr::Float(_) => Value::Float(f64::from_le_bytes(take(bytes, 8)?.try_into().ok()?)),
        Repr::Bytes => {
            let length = count(bytes)?;
            Value::Bytes(take(bytes, length)?.to_vec())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_values_come_back() {
        let row = DataType::Row(vec![
            Field::new("a", DataType::SmallInt),
            Field::new("b", DataType::Map(Box::new(DataType::String), Box::new(DataType::Double))),
        ]);
        let ty = DataType::Array(Box::new(row));
        let map = Value::Map(vec![
            (Value::text("k"), Value::Float(1.5)),
            (Value::text("l"), Value::Null),
        ]);
        let value = Value::List(vec![
            Value::List(vec![Value::Int(-300), map]),
            Value::Null,
            Value::List(vec![Value::Null, Value::Null]),
        ]);
        let mut bytes = Vec::new();
        value.encode(&ty, &mut bytes);
        assert_eq!(Value::of_bytes(&bytes, &ty), Some(value));
        for cut in 0..bytes.len() {
            assert_eq!(Value::of_bytes(&bytes[..cut], &ty), None, "cut at {cut}");
        }
    }
}

//! Values as they lie in partial results: little-endian, a text behind its length, of a width that is known.

use std::cmp::Ordering;

use tidewire_event::{DataType, Repr, RowWriter, Slot, Value};

use super::calls::Problem;

/// Bytes that a text takes in a partial result where its type does not say.
pub(crate) const TEXT_BYTES: usize = 32;

/// Bytes that a text takes at most where its type does say.
pub(crate) const TEXT_BYTES_MAX: usize = 256;

/// How values of a type are kept.
#[derive(Debug, Clone)]
pub(crate) struct Codec {
    pub(crate) ty: DataType,
    repr: Repr,
    /// The most bytes of a text.
    text: usize,
}

/// The bytes that are counted for a text of a type.
pub(crate) fn text_bytes(ty: &DataType) -> usize {
    match ty {
        DataType::Char(length) | DataType::VarChar(length) => {
            (*length as usize).min(TEXT_BYTES_MAX)
        }
        _ => TEXT_BYTES,
    }
}

/// Reads bytes at a place of a partial result.
#[inline(always)]
pub(crate) fn get<const N: usize>(part: &[u8], at: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&part[at..at + N]);
    bytes
}

/// Writes them.
#[inline(always)]
pub(crate) fn put<const N: usize>(part: &mut [u8], at: usize, bytes: [u8; N]) {
    part[at..at + N].copy_from_slice(&bytes);
}

/// A floating-point number as it is kept: there is one NaN, and it is greater than every number; zero has no sign.
#[inline]
pub(crate) fn canonical(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value + 0.0 }
}

impl Codec {
    pub(crate) fn new(ty: &DataType) -> Self {
        Self { ty: ty.clone(), repr: ty.repr(), text: text_bytes(ty) }
    }

    /// The most bytes of a value.
    pub(crate) fn bytes(&self) -> usize {
        match self.repr {
            Repr::Bool => 1,
            Repr::Int(_) | Repr::Float(_) => 8,
            Repr::Wide => 16,
            Repr::Bytes => 2 + self.text,
        }
    }

    /// Whether all values take the same bytes.
    pub(crate) fn is_text(&self) -> bool {
        self.repr == Repr::Bytes
    }

    /// Puts the value of a column that is not NULL at the beginning of `part`.
    #[inline]
    pub(crate) fn keep(&self, slot: &Slot, row: &[u8], part: &mut [u8]) -> Result<(), Problem> {
        match self.repr {
            Repr::Bool => put(part, 0, [u8::from(slot.bool(row))]),
            Repr::Int(_) => put(part, 0, slot.int(row).to_le_bytes()),
            Repr::Wide => put(part, 0, slot.wide(row).to_le_bytes()),
            Repr::Float(_) => put(part, 0, canonical(slot.float(row)).to_le_bytes()),
            Repr::Bytes => {
                let text = slot.text(row);
                let room = self.text.min(part.len().saturating_sub(2));
                if text.len() > room {
                    return Err(Problem::new(format!(
                        "a text of {} bytes, where the aggregate has room for {room}: cast it to VARCHAR(n), n is how \
                         many it keeps, {TEXT_BYTES_MAX} at most",
                        text.len()
                    )));
                }
                put(part, 0, (text.len() as u16).to_le_bytes());
                let (kept, rest) = part[2..2 + room].split_at_mut(text.len());
                kept.copy_from_slice(text);
                rest.fill(0);
            }
        }
        Ok(())
    }

    /// The text that is kept.
    #[inline]
    pub(crate) fn text<'p>(&self, part: &'p [u8]) -> &'p [u8] {
        let len = usize::from(u16::from_le_bytes(get(part, 0)));
        part.get(2..2 + len).unwrap_or_default()
    }

    /// How two kept values stand.
    #[inline]
    pub(crate) fn order(&self, a: &[u8], b: &[u8]) -> Ordering {
        match self.repr {
            Repr::Bool => a[0].cmp(&b[0]),
            Repr::Int(_) => i64::from_le_bytes(get(a, 0)).cmp(&i64::from_le_bytes(get(b, 0))),
            Repr::Wide => i128::from_le_bytes(get(a, 0)).cmp(&i128::from_le_bytes(get(b, 0))),
            Repr::Float(_) => {
                f64::from_le_bytes(get(a, 0)).total_cmp(&f64::from_le_bytes(get(b, 0)))
            }
            Repr::Bytes => self.text(a).cmp(self.text(b)),
        }
    }

    /// Writes a kept value as a column.
    pub(crate) fn write(
        &self,
        part: &[u8],
        writer: &mut RowWriter<'_>,
        slot: &Slot,
    ) -> Result<(), Problem> {
        match self.repr {
            Repr::Bool => writer.bool(slot, part[0] != 0),
            Repr::Int(_) => writer.int(slot, i64::from_le_bytes(get(part, 0))),
            Repr::Wide => writer.wide(slot, i128::from_le_bytes(get(part, 0))),
            Repr::Float(_) => writer.float(slot, f64::from_le_bytes(get(part, 0))),
            Repr::Bytes => {
                writer.text(slot, self.text(part)).map_err(|no_room| Problem::of(&no_room))?
            }
        }
        Ok(())
    }

    /// A kept value.
    pub(crate) fn value(&self, part: &[u8]) -> Value {
        match self.repr {
            Repr::Bool => Value::Bool(part[0] != 0),
            Repr::Int(_) => Value::Int(i64::from_le_bytes(get(part, 0))),
            Repr::Wide => Value::Wide(i128::from_le_bytes(get(part, 0))),
            Repr::Float(_) => Value::Float(f64::from_le_bytes(get(part, 0))),
            Repr::Bytes => Value::of_bytes(self.text(part), &self.ty).unwrap_or(Value::Null),
        }
    }
}

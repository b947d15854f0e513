//! Values out of the bytes of Avro.
//!
//! 1. [`pass`] goes over a value and checks all that its form says of the bytes; every length is checked before it is used.
//! 2. [`scalar`] and [`value`] read what was gone over. They check again, and never panic.
//! 3. Work is bound by the bytes: items without bytes are gone over at once, and a value has no more parts than a row could
//!    have room for.

use tidewire_event::Value;
use tidewire_event::row::{NoRoom, ROW_BYTES_MAX};
use tidewire_event::time::DAY;

use super::super::text::{Bad, Scalar, cut};
use super::form::{Form, Record};

/// The most bytes of a number: 64 bits in groups of 7.
const NUMBER_BYTES_MAX: usize = 10;

/// What is wrong with bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Flaw {
    /// They end too early.
    #[error("it ends inside a value")]
    End,
    /// A number of too many bits.
    #[error("a number of more bits than its type has")]
    Number,
    /// A length or a count below zero.
    #[error("a length of {0}")]
    Length(i64),
    /// A boolean that is neither.
    #[error("a boolean that is {0}: 0 or 1")]
    Boolean(u8),
    /// A union has fewer branches.
    #[error("branch {0} of a union that has no such branch")]
    Branch(i64),
    /// An enum has fewer symbols.
    #[error("symbol {0} of an enum that has no such symbol")]
    Symbol(i64),
    /// A block whose items take more or fewer bytes than it says.
    #[error("a block of items that is not as long as it says")]
    Block,
}

impl From<Flaw> for Bad {
    fn from(_: Flaw) -> Self {
        Self::Type
    }
}

/// Bytes that are still to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bytes<'m>(pub(super) &'m [u8]);

impl<'m> Bytes<'m> {
    fn take(&mut self, count: usize) -> Result<&'m [u8], Flaw> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Flaw::End)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Flaw::End)?;
        self.0 = rest;
        Ok(*taken)
    }

    /// A `long`: zig-zag, seven bits in a byte, the lowest first.
    #[inline]
    fn long(&mut self) -> Result<i64, Flaw> {
        let mut bits = 0_u64;
        for (at, byte) in self.0.iter().take(NUMBER_BYTES_MAX).enumerate() {
            if at == NUMBER_BYTES_MAX - 1 && *byte > 1 {
                return Err(Flaw::Number);
            }
            bits |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                self.0 = &self.0[at + 1..];
                return Ok((bits >> 1) as i64 ^ -((bits & 1) as i64));
            }
        }
        Err(Flaw::End)
    }

    /// An `int` or a `long`.
    #[inline]
    fn whole(&mut self, is_int: bool) -> Result<i64, Flaw> {
        let value = self.long()?;
        match is_int && i32::try_from(value).is_err() {
            true => Err(Flaw::Number),
            false => Ok(value),
        }
    }

    /// Bytes behind their length.
    #[inline]
    fn bytes(&mut self) -> Result<&'m [u8], Flaw> {
        let length = self.long()?;
        self.take(usize::try_from(length).map_err(|_| Flaw::Length(length))?)
    }

    fn sized(&mut self, size: Option<usize>) -> Result<&'m [u8], Flaw> {
        match size {
            Some(size) => self.take(size),
            None => self.bytes(),
        }
    }

    fn boolean(&mut self) -> Result<bool, Flaw> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(Flaw::Boolean(other)),
        }
    }

    fn symbol<'f>(&mut self, symbols: &'f [String]) -> Result<&'f str, Flaw> {
        let at = self.whole(true)?;
        let symbol = usize::try_from(at).ok().and_then(|at| symbols.get(at));
        symbol.map(String::as_str).ok_or(Flaw::Symbol(at))
    }

    fn branch<'f>(&mut self, branches: &'f [Form]) -> Result<&'f Form, Flaw> {
        let at = self.long()?;
        usize::try_from(at).ok().and_then(|at| branches.get(at)).ok_or(Flaw::Branch(at))
    }

    /// Goes over the blocks of an array or a map; `items` reads so many items.
    fn blocks<E: From<Flaw>>(
        &mut self,
        mut items: impl FnMut(&mut Self, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        loop {
            let count = self.long()?;
            if count == 0 {
                return Ok(());
            }
            // A count below zero is followed by how many bytes the items take.
            let size = if count < 0 { Some(self.long()?) } else { None };
            let before = self.0.len();
            items(self, count.unsigned_abs())?;
            let taken = before - self.0.len();
            if size.is_some_and(|size| usize::try_from(size) != Ok(taken)) {
                return Err(Flaw::Block.into());
            }
        }
    }
}

/// Goes over a value.
pub(super) fn pass(form: &Form, bytes: &mut Bytes<'_>) -> Result<(), Flaw> {
    match form {
        Form::Null => {}
        Form::Boolean => _ = bytes.boolean()?,
        Form::Whole { is_int, .. } | Form::Time { is_int, .. } => _ = bytes.whole(*is_int)?,
        Form::Float => _ = bytes.array::<4>()?,
        Form::Double => _ = bytes.array::<8>()?,
        Form::Decimal { size, .. } => _ = bytes.sized(*size)?,
        Form::String | Form::Bytes => _ = bytes.bytes()?,
        Form::Fixed(size) => _ = bytes.take(*size)?,
        Form::Enum(symbols) => _ = bytes.symbol(symbols)?,
        // An item takes a byte at least, so that the bytes end before a count that is too high.
        Form::Array(of) if of.is_empty() => bytes.blocks(|_, _| Ok::<_, Flaw>(()))?,
        Form::Array(of) => {
            bytes.blocks(|bytes, count| (0..count).try_for_each(|_| pass(of, bytes)))?;
        }
        Form::Map(of) => bytes.blocks(|bytes, count| {
            (0..count).try_for_each(|_| {
                bytes.bytes()?;
                pass(of, bytes)
            })
        })?,
        Form::Record(record) => {
            record.fields.iter().try_for_each(|field| pass(&field.form, bytes))?;
        }
        Form::Union(branches) => pass(bytes.branch(branches)?, bytes)?,
    }
    Ok(())
}

/// Reads a value that is not nested; `None` is NULL.
#[inline]
pub(super) fn scalar<'m>(form: &'m Form, bytes: &mut Bytes<'m>) -> Result<Option<Scalar<'m>>, Bad> {
    Ok(Some(match form {
        Form::Null => return Ok(None),
        Form::Union(branches) => return scalar(bytes.branch(branches)?, bytes),
        Form::Boolean => Scalar::Bool(bytes.boolean()?),
        Form::Whole { is_int, min, max } => {
            let value = bytes.whole(*is_int)?;
            if !(*min..=*max).contains(&value) {
                return Err(Bad::Range);
            }
            Scalar::Int(value)
        }
        Form::Time { is_int, unit, digits, is_of_day } => {
            let ns = bytes.whole(*is_int)?.checked_mul(*unit).ok_or(Bad::Range)?;
            if *is_of_day && !(0..DAY).contains(&ns) {
                return Err(Bad::Range);
            }
            Scalar::Int(cut(ns, *digits))
        }
        Form::Float => Scalar::Float(f32::from_le_bytes(bytes.array()?).into()),
        Form::Double => Scalar::Float(f64::from_le_bytes(bytes.array()?)),
        Form::Decimal { size, precision } => {
            let value = two_complement(bytes.sized(*size)?).ok_or(Bad::Range)?;
            if value.unsigned_abs() >= 10_u128.pow(u32::from(*precision)) {
                return Err(Bad::Range);
            }
            if *precision <= 18 { Scalar::Int(value as i64) } else { Scalar::Wide(value) }
        }
        Form::String => {
            let text = bytes.bytes()?;
            std::str::from_utf8(text).map_err(|_| Bad::Utf8)?;
            Scalar::Bytes(text)
        }
        Form::Bytes => Scalar::Bytes(bytes.bytes()?),
        Form::Fixed(size) => Scalar::Bytes(bytes.take(*size)?),
        Form::Enum(symbols) => Scalar::Bytes(bytes.symbol(symbols)?.as_bytes()),
        Form::Array(_) | Form::Map(_) | Form::Record(_) => return Err(Bad::Type),
    }))
}

/// A number in two's complement, the highest byte first; `None`: it has more than 128 bits.
fn two_complement(bytes: &[u8]) -> Option<i128> {
    let sign = match bytes.first() {
        Some(byte) if byte & 0x80 != 0 => 0xff,
        _ => 0,
    };
    let (more, low) = bytes.split_at(bytes.len().saturating_sub(16));
    let mut all = [sign; 16];
    all[16 - low.len()..].copy_from_slice(low);
    let value = i128::from_be_bytes(all);
    let is_whole = more.iter().all(|byte| *byte == sign) && (value < 0) == (sign != 0);
    is_whole.then_some(value)
}

/// Reads a value of any form. `parts` is how many values have been made for it.
pub(super) fn value<'m>(
    form: &'m Form,
    bytes: &mut Bytes<'m>,
    parts: &mut usize,
) -> Result<Value, Bad> {
    Ok(match form {
        Form::Array(of) => {
            let mut items = Vec::new();
            bytes.blocks(|bytes, count| {
                (0..count).try_for_each(|_| {
                    spend(parts, 1)?;
                    items.push(value(of, bytes, parts)?);
                    Ok::<_, Bad>(())
                })
            })?;
            Value::List(items)
        }
        Form::Map(of) => {
            let mut entries = Vec::new();
            bytes.blocks(|bytes, count| {
                (0..count).try_for_each(|_| {
                    spend(parts, 1)?;
                    let key = scalar(&Form::String, bytes)?.map_or(Value::Null, Scalar::to_value);
                    entries.push((key, value(of, bytes, parts)?));
                    Ok::<_, Bad>(())
                })
            })?;
            Value::Map(entries)
        }
        Form::Record(Record { fields, columns }) => {
            spend(parts, *columns)?;
            let mut values = vec![Value::Null; *columns];
            for field in fields {
                match field.column.and_then(|at| values.get_mut(at)) {
                    Some(place) => *place = value(&field.form, bytes, parts)?,
                    None => pass(&field.form, bytes)?,
                }
            }
            Value::List(values)
        }
        Form::Union(branches) => value(bytes.branch(branches)?, bytes, parts)?,
        form => scalar(form, bytes)?.map_or(Value::Null, Scalar::to_value),
    })
}

/// Each part takes a byte of a row at least, so that more of them than a row has bytes fit into none.
fn spend(parts: &mut usize, count: usize) -> Result<(), Bad> {
    *parts += count;
    match *parts > ROW_BYTES_MAX {
        true => Err(Bad::NoRoom(NoRoom { bytes: *parts, room: ROW_BYTES_MAX })),
        false => Ok(()),
    }
}

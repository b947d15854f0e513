//! Aggregates of different values: those are kept, in their order, and what is asked of them is worked out at the end.
//!
//! There is room for a number of bytes. A value that does not fit is a fault, never left out.

use std::cmp::Ordering;

use tidewire_dataflow::Window;
use tidewire_event::time::{NOT_DUE, WATERMARK_NONE};
use tidewire_event::{Header, Place, Repr, RowLayout, RowWriter, Slot, Value};

use super::calls::{Answer, Calls, Problem, State};
use super::codec::{Codec, TEXT_BYTES_MAX};
use super::region::{self, HEAD_BYTES};
use crate::run::faults::Faults;

/// Different values, and what is asked of them.
#[derive(Debug)]
pub(super) struct Distinct {
    pub(super) codec: Codec,
    pub(super) slot: Slot,
    /// Bytes for the values.
    pub(super) room: usize,
    /// What is asked, over rows of one column; nothing but their number, if that is all.
    pub(super) asked: Option<Asked>,
}

/// An aggregate over rows of one column.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) calls: std::sync::Mutex<Calls>,
    pub(super) layout: RowLayout,
}

impl Distinct {
    fn value_bytes(&self, values: &[u8]) -> usize {
        if self.codec.is_text() { 2 + self.codec.text(values).len() } else { self.codec.bytes() }
    }

    fn values<'p>(&self, part: &'p [u8]) -> impl Iterator<Item = &'p [u8]> {
        let mut rest = region::entries(part);
        std::iter::from_fn(move || {
            let bytes = (!rest.is_empty()).then(|| self.value_bytes(rest))?;
            let (value, behind) = rest.split_at_checked(bytes)?;
            rest = behind;
            Some(value)
        })
    }

    /// Where a value is to be put; `None` if it is there.
    fn place_of(&self, part: &[u8], value: &[u8]) -> Option<usize> {
        if self.codec.is_text() {
            let mut at = 0;
            for other in self.values(part) {
                match self.codec.order(other, value) {
                    Ordering::Less => at += other.len(),
                    Ordering::Equal => return None,
                    Ordering::Greater => break,
                }
            }
            return Some(at);
        }
        let bytes = self.codec.bytes();
        let values = region::entries(part);
        let (mut from, mut to) = (0, values.len() / bytes);
        while from < to {
            let middle = from.midpoint(to);
            match self.codec.order(&values[middle * bytes..], value) {
                Ordering::Less => from = middle + 1,
                Ordering::Equal => return None,
                Ordering::Greater => to = middle,
            }
        }
        Some(from * bytes)
    }

    fn put(&self, part: &mut [u8], value: &[u8]) -> Result<(), Problem> {
        match self.place_of(part, value) {
            Some(at) => region::insert(part, at, value, "different values"),
            None => Ok(()),
        }
    }
}

impl State for Distinct {
    fn bytes(&self) -> usize {
        HEAD_BYTES + self.room
    }

    fn insert(&self, part: &mut [u8], _: &Header, row: &[u8]) -> Result<(), Problem> {
        if self.slot.is_null(row) {
            return Ok(());
        }
        let mut value = [0; 2 + TEXT_BYTES_MAX];
        self.codec.keep(&self.slot, row, &mut value)?;
        let bytes = self.value_bytes(&value);
        self.put(part, &value[..bytes])
    }

    fn combine(&self, whole: &mut [u8], later: &[u8]) -> Result<(), Problem> {
        self.values(later).try_for_each(|value| self.put(whole, value))
    }

    fn lower(
        &self,
        part: &[u8],
        window: Window,
        answer: &mut Answer<'_, '_>,
    ) -> Result<(), Problem> {
        match &self.asked {
            None => {
                answer.writer.int(answer.slot, self.values(part).count() as i64);
                Ok(())
            }
            Some(asked) => asked.answer(self.values(part), &self.codec, window, answer),
        }
    }
}

impl Asked {
    fn answer<'p>(
        &self,
        values: impl Iterator<Item = &'p [u8]>,
        codec: &Codec,
        window: Window,
        answer: &mut Answer<'_, '_>,
    ) -> Result<(), Problem> {
        let calls = self.calls.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let faults = Faults::default();
        let mut part = vec![0; calls.bytes()];
        let mut row = vec![0; self.layout.fixed_bytes() + TEXT_BYTES_MAX];
        for (number, value) in values.enumerate() {
            let mut writer = RowWriter::new(&mut row, &self.layout);
            self.layout
                .slots()
                .iter()
                .try_for_each(|slot| codec.write(value, &mut writer, slot))?;
            let place = Place::new(0, number as u64);
            let header = Header { ts: 0, watermark: WATERMARK_NONE, place, due: NOT_DUE };
            calls.insert(&mut part, &header, &row, &faults);
        }
        let mut results = vec![0; calls.layout().fixed_bytes() + 2 * part.len()];
        calls.lower(&part, window, &mut results, &faults);
        if let Some(fault) = faults.first() {
            return Err(Problem::new(fault.fault.problem));
        }
        calls.layout().slots().iter().try_for_each(|slot| copy(slot, &results, answer))
    }
}

/// Copies a column of a row.
fn copy(from: &Slot, row: &[u8], answer: &mut Answer<'_, '_>) -> Result<(), Problem> {
    let (writer, to) = (&mut *answer.writer, answer.slot);
    if from.is_null(row) {
        writer.null(to);
        return Ok(());
    }
    match from.repr {
        Repr::Bool => writer.bool(to, from.bool(row)),
        Repr::Int(_) => writer.int(to, from.int(row)),
        Repr::Wide => writer.wide(to, from.wide(row)),
        Repr::Float(_) => writer.float(to, from.float(row)),
        Repr::Bytes => writer.text(to, from.text(row)).map_err(|no_room| Problem::of(&no_room))?,
    }
    Ok(())
}

/// Writes a constant as a column.
pub(super) fn write(value: &Value, answer: &mut Answer<'_, '_>) -> Result<(), Problem> {
    let (writer, slot) = (&mut *answer.writer, answer.slot);
    match value {
        Value::Bool(value) => writer.bool(slot, *value),
        Value::Int(value) => writer.int(slot, *value),
        Value::Wide(value) => writer.wide(slot, *value),
        Value::Float(value) => writer.float(slot, *value),
        Value::Bytes(text) => writer.text(slot, text).map_err(|no_room| Problem::of(&no_room))?,
        Value::Null | Value::List(_) | Value::Map(_) => writer.null(slot),
    }
    Ok(())
}

//! A value of a row that another value, or its place among the rows, chooses: ARG_MIN, ARG_MAX, LAG.

use std::cmp::Ordering;

use tidewire_dataflow::Window;
use tidewire_event::{Header, Slot, Value};

use super::calls::{Answer, Problem, State};
use super::codec::{Codec, get, put};
use super::distinct::write;
use super::kept::{put_stand, stand};

/// The value of the row where another is least or greatest; of several such rows, of the first by event time and place.
/// First a byte that says whether there is one, then where it stands, what it is chosen by, whether it is NULL, and it.
#[derive(Debug)]
pub(super) struct ArgExtreme {
    pub(super) codec: Codec,
    pub(super) slot: Slot,
    pub(super) by: Codec,
    pub(super) by_slot: Slot,
    pub(super) greatest: bool,
}

const BY_AT: usize = 17;

impl ArgExtreme {
    fn value_at(&self) -> usize {
        BY_AT + self.by.bytes()
    }

    fn is_better(&self, new: &[u8], old: &[u8]) -> bool {
        let order = self.by.order(&new[BY_AT..], &old[BY_AT..]);
        match if self.greatest { order.reverse() } else { order } {
            Ordering::Less => true,
            Ordering::Equal => stand(&new[1..]) < stand(&old[1..]),
            Ordering::Greater => false,
        }
    }
}

impl State for ArgExtreme {
    fn bytes(&self) -> usize {
        self.value_at() + 1 + self.codec.bytes()
    }

    fn insert(&self, part: &mut [u8], header: &Header, row: &[u8]) -> Result<(), Problem> {
        if self.by_slot.is_null(row) {
            return Ok(());
        }
        let mut new = [0; BY_AT + 2 + super::codec::TEXT_BYTES_MAX];
        put_stand(&mut new[1..], header);
        self.by.keep(&self.by_slot, row, &mut new[BY_AT..])?;
        if part[0] != 0 && !self.is_better(&new, part) {
            return Ok(());
        }
        let at = self.value_at();
        part[at..].fill(0);
        if !self.slot.is_null(row) {
            self.codec.keep(&self.slot, row, &mut part[at + 1..])?;
            part[at] = 1;
        }
        part[..at].copy_from_slice(&new[..at]);
        part[0] = 1;
        Ok(())
    }

    fn combine(&self, whole: &mut [u8], later: &[u8]) -> Result<(), Problem> {
        if later[0] != 0 && (whole[0] == 0 || self.is_better(later, whole)) {
            whole.copy_from_slice(later);
        }
        Ok(())
    }

    fn lower(&self, part: &[u8], _: Window, answer: &mut Answer<'_, '_>) -> Result<(), Problem> {
        let at = self.value_at();
        match part[0] != 0 && part[at] != 0 {
            true => self.codec.write(&part[at + 1..], answer.writer, answer.slot),
            false => {
                answer.null();
                Ok(())
            }
        }
    }
}

/// The value so many rows before: the first of a frame of one row more. First how many rows there are, then whether the
/// first's value is there, and it.
#[derive(Debug)]
pub(super) struct Lag {
    pub(super) codec: Codec,
    pub(super) slot: Slot,
    pub(super) rows: u64,
    /// What there is where there is no such row.
    pub(super) default: Value,
}

impl State for Lag {
    fn bytes(&self) -> usize {
        9 + self.codec.bytes()
    }

    fn insert(&self, part: &mut [u8], _: &Header, row: &[u8]) -> Result<(), Problem> {
        let rows = u64::from_le_bytes(get(part, 0));
        put(part, 0, (rows + 1).to_le_bytes());
        if rows == 0 && !self.slot.is_null(row) {
            self.codec.keep(&self.slot, row, &mut part[9..])?;
            part[8] = 1;
        }
        Ok(())
    }

    fn combine(&self, whole: &mut [u8], later: &[u8]) -> Result<(), Problem> {
        let (rows, more) = (u64::from_le_bytes(get(whole, 0)), u64::from_le_bytes(get(later, 0)));
        if rows == 0 {
            whole.copy_from_slice(later);
        } else {
            put(whole, 0, rows.saturating_add(more).to_le_bytes());
        }
        Ok(())
    }

    fn lower(&self, part: &[u8], _: Window, answer: &mut Answer<'_, '_>) -> Result<(), Problem> {
        match (u64::from_le_bytes(get(part, 0)) > self.rows, part[8]) {
            (false, _) => write(&self.default, answer),
            (true, 0) => {
                answer.null();
                Ok(())
            }
            (true, _) => self.codec.write(&part[9..], answer.writer, answer.slot),
        }
    }

    fn is_ordered(&self) -> bool {
        true
    }
}

//! Values that are kept as they are: extremes of any type, the first and the last.

use std::cmp::Ordering;

use tidewire_dataflow::Window;
use tidewire_event::{Header, Slot};

use super::calls::{Answer, Problem, State};
use super::codec::{Codec, get, put};

/// The least or the greatest value: a byte that says whether there is one, and the value.
#[derive(Debug)]
pub(super) struct Extreme {
    pub(super) codec: Codec,
    pub(super) slot: Slot,
    pub(super) greatest: bool,
}

impl Extreme {
    fn is_better(&self, new: &[u8], old: &[u8]) -> bool {
        let order = self.codec.order(new, old);
        order == if self.greatest { Ordering::Greater } else { Ordering::Less }
    }
}

impl State for Extreme {
    fn bytes(&self) -> usize {
        1 + self.codec.bytes()
    }

    fn insert(&self, part: &mut [u8], _: &Header, row: &[u8]) -> Result<(), Problem> {
        if self.slot.is_null(row) {
            return Ok(());
        }
        // Texts of the row are looked at where they are, and copied only where they are kept.
        if part[0] != 0 && self.codec.is_text() {
            let order = self.slot.text(row).cmp(self.codec.text(&part[1..]));
            if order != if self.greatest { Ordering::Greater } else { Ordering::Less } {
                return Ok(());
            }
        } else if part[0] != 0 {
            let mut new = [0; 16];
            self.codec.keep(&self.slot, row, &mut new)?;
            if !self.is_better(&new, &part[1..]) {
                return Ok(());
            }
        }
        self.codec.keep(&self.slot, row, &mut part[1..])?;
        part[0] = 1;
        Ok(())
    }

    fn combine(&self, whole: &mut [u8], later: &[u8]) -> Result<(), Problem> {
        if later[0] != 0 && (whole[0] == 0 || self.is_better(&later[1..], &whole[1..])) {
            whole.copy_from_slice(later);
        }
        Ok(())
    }

    fn lower(&self, part: &[u8], _: Window, answer: &mut Answer<'_, '_>) -> Result<(), Problem> {
        match part[0] {
            0 => answer.null(),
            _ => self.codec.write(&part[1..], answer.writer, answer.slot)?,
        }
        Ok(())
    }
}

/// Where a row stands: its time, then its place in the input.
const STAND_BYTES: usize = 16;

pub(super) fn stand(part: &[u8]) -> (i64, u64) {
    (i64::from_le_bytes(get(part, 0)), u64::from_le_bytes(get(part, 8)))
}

pub(super) fn put_stand(part: &mut [u8], header: &Header) {
    put(part, 0, header.ts.to_le_bytes());
    put(part, 8, header.place.to_bits().to_le_bytes());
}

/// The first or the last value, by event time and then by place in the input: a byte that says whether there is one,
/// where it stands, and the value.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) codec: Codec,
    pub(super) slot: Slot,
    pub(super) last: bool,
}

impl Edge {
    fn is_better(&self, new: (i64, u64), old: (i64, u64)) -> bool {
        // Of two rows that stand alike, as those of one row in several windows, the one that came first is the first.
        if self.last { new >= old } else { new < old }
    }
}

impl State for Edge {
    fn bytes(&self) -> usize {
        1 + STAND_BYTES + self.codec.bytes()
    }

    fn insert(&self, part: &mut [u8], header: &Header, row: &[u8]) -> Result<(), Problem> {
        let here = (header.ts, header.place.to_bits());
        if self.slot.is_null(row) || part[0] != 0 && !self.is_better(here, stand(&part[1..])) {
            return Ok(());
        }
        self.codec.keep(&self.slot, row, &mut part[1 + STAND_BYTES..])?;
        put_stand(&mut part[1..], header);
        part[0] = 1;
        Ok(())
    }

    fn combine(&self, whole: &mut [u8], later: &[u8]) -> Result<(), Problem> {
        let is_better = || self.is_better(stand(&later[1..]), stand(&whole[1..]));
        if later[0] != 0 && (whole[0] == 0 || is_better()) {
            whole.copy_from_slice(later);
        }
        Ok(())
    }

    fn lower(&self, part: &[u8], _: Window, answer: &mut Answer<'_, '_>) -> Result<(), Problem> {
        match part[0] {
            0 => answer.null(),
            _ => self.codec.write(&part[1 + STAND_BYTES..], answer.writer, answer.slot)?,
        }
        Ok(())
    }
}

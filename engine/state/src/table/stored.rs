//! A table whose layout was read: what images of stored state are made of.

use std::fs::File;
use std::io;

use tidewire_event::HashRange;

use super::{Probe, RawTable, SLOTS_MAX, SLOTS_MIN};
use crate::budget::{Budget, Full};
use crate::layout::{Head, Layout};
use crate::slots::Slots;

/// What a stored image says of a table beside its slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageHead {
    /// Slots, a power of two.
    pub slots: u64,
    /// Records.
    pub len: u64,
    /// Slots that bridge for a removed record.
    pub bridges: u64,
}

impl RawTable<Layout> {
    /// An empty table of a layout that was read.
    ///
    /// # Errors
    /// The budget has no room for it.
    pub fn of_layout(layout: Layout, range: HashRange, budget: &Budget) -> Result<Self, Full> {
        Self::with_slots(layout, SLOTS_MIN, range, budget, false)
    }

    /// The table whose slots lie in `file` from `offset` on, mapped: nothing is copied, and `file` never changes.
    ///
    /// # Errors
    /// The file can not be mapped, or `head` can not be that of a table.
    pub fn of_image(
        layout: Layout,
        range: HashRange,
        head: &ImageHead,
        file: &File,
        offset: u64,
        budget: &Budget,
    ) -> io::Result<Self> {
        let number = |n: u64| usize::try_from(n).map_err(|_| io::ErrorKind::InvalidData);
        let (count, len, bridges) = (number(head.slots)?, number(head.len)?, number(head.bridges)?);
        if !(SLOTS_MIN..=SLOTS_MAX).contains(&count) || len.saturating_add(bridges) >= count {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let slots = Slots::of_file(layout, count, file, offset, budget)?;
        Ok(Self { len, bridges, ..Self::over(layout, slots, range, budget, false) })
    }

    /// Puts a record in, or in the place of the one that has its key. Its bytes have the layout's sizes.
    ///
    /// # Errors
    /// The budget has no room for it.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Full> {
        let hash = self.hash(key);
        if self.old.is_some() {
            self.move_some();
        }
        let at = match self.probe(hash, key) {
            Probe::Found(at) => at,
            Probe::Free(at) if self.take_from_old(hash, at, key) => at,
            Probe::Free(at) => self.insert(hash, at, key, value).ok_or(Full)?,
        };
        let head = Head { tag: self.generation, epoch: 0 };
        self.slots.put(at, head, key, value);
        Ok(())
    }

    /// Removes the record of a key, if it has one.
    pub fn remove_key(&mut self, key: &[u8]) {
        if let Some(at) = self.find(key) {
            self.remove_at(at);
        }
    }

    /// Gives every record's key and value to `visit`.
    ///
    /// # Errors
    /// The first error of `visit`.
    pub fn try_for_each<E>(
        &self,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let arrays = self.old.as_ref().map(|old| (&old.slots, old.moved)).into_iter();
        for (slots, from) in arrays.chain([(&self.slots, 0)]) {
            for at in (from..slots.count()).filter(|at| slots.head(*at).tag == self.generation) {
                visit(slots.key_bytes(at), slots.value_bytes(at))?;
            }
        }
        Ok(())
    }

    /// The table as it is stored: what is said of it, and its slots, of which no record is in an old array any more.
    pub fn image(&mut self) -> (ImageHead, &[u8]) {
        self.settle();
        let head = ImageHead {
            slots: self.slots.count() as u64,
            len: self.len as u64,
            bridges: self.bridges as u64,
        };
        (head, self.slots.bytes())
    }
}

/// A stored table has another layout than the job's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored table has the layout {stored:?}, and this job's has {expected:?}")]
pub struct LayoutMismatch {
    /// Of the stored table.
    pub stored: Layout,
    /// Of the job's.
    pub expected: Layout,
}

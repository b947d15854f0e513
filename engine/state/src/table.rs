//! An open-addressing table of fixed-size records.
//!
//! 1. A record stands in its slot: nothing lies between a key's hash and its record.
//! 2. Slots are indexed from the top bits of the hash, within the range of hashes that the shard owns, so a key group
//!    is one contiguous stretch of the table. Not so where a key lies inside a key, as the orders of an instrument do:
//!    one key group may then hold nearly all records, and they are indexed from the bits below the key group's.
//! 3. A slot is taken if its tag is the table's generation. Emptying the table is one increment. A slot whose record was
//!    removed carries the generation + 1, and still bridges the probe sequences over it.
//! 4. Growth is incremental: when the table is full its records stay where they are, a larger array is made, and each
//!    later call moves a few of them, from the first slot on. What was moved bridges no more: a search in the old array
//!    begins behind it. The memory is given back piece by piece.
//! 5. A larger array is made ready on another thread ([`nursery`]); where that is too late, or not worth it, its slots
//!    are zeroed pages that are first touched when a record needs them.
//! 6. Every write to a record, and every move of one, passes through [`Epochs`].

mod stored;
mod typed;

pub use stored::{ImageHead, LayoutMismatch};

use std::hint::select_unpredictable;
use std::sync::mpsc::Receiver;

use tidewire_event::HashRange;
use tidewire_event::key::hash_of_bytes;
use tidewire_event::limits::KEY_GROUPS;

use crate::budget::{Budget, Full};
use crate::epochs::Epochs;
use crate::layout::{Head, Layout, Shape, Typed};
use crate::log::{Log, TableId};
use crate::mapping::Mapping;
use crate::nursery;
use crate::slots::Slots;

/// Slots of a new table.
const SLOTS_MIN: usize = 64;
/// Slots of a table at most: their numbers, and a bit for the array, are 32 bits.
const SLOTS_MAX: usize = 1 << 30;
/// Slots of the old array that each call looks at while the table grows. More than 1 / (1 - load), so that the old
/// array is empty long before the new one fills.
const MOVED_PER_CALL: usize = 8;
/// Bytes of the old array that are given back at a time: a huge page, which would have to be split for less.
const RELEASED_BYTES: usize = 2 << 20;

/// Keys of at most so many bytes are compared without a branch.
const KEY_BYTES_SIDE_BY_SIDE: usize = 16;

const _: () = assert!(SLOTS_MIN.is_power_of_two());

/// A table of keys `K` with values `V`: see the module.
pub type Table<K, V> = RawTable<Typed<K, V>>;

/// A table whose layout is that of its shape.
#[derive(Debug)]
pub struct RawTable<S> {
    shape: S,
    slots: Slots<S>,
    /// The array that is being emptied while the table grows.
    old: Option<Old<S>>,
    range: HashRange,
    /// Left shift that spreads the shard's hashes over all 64 bits: see 2 of the module.
    spread: u32,
    /// The tag of a slot that is taken: odd, so that a fresh slot (0) never has it.
    generation: u32,
    len: usize,
    /// Slots in the array that bridge for a removed record.
    bridges: usize,
    /// Which of the two arrays this is: its bit in an entry of a dirty list.
    parity: u32,
    epochs: Epochs,
    budget: Budget,
    /// Memory for the next array, once it has been asked for.
    next: Option<Receiver<Mapping>>,
}

#[derive(Debug)]
struct Old<S> {
    slots: Slots<S>,
    /// Slots before this one have been moved.
    moved: usize,
}

/// Where a key is, or where it may be put.
enum Probe {
    Found(usize),
    Free(usize),
}

impl<S: Shape> RawTable<S> {
    /// Moves all that is left in the old array.
    fn settle(&mut self) {
        while self.old.is_some() {
            self.move_some();
        }
    }

    fn with_slots(
        shape: S,
        count: usize,
        range: HashRange,
        budget: &Budget,
        is_tracked: bool,
    ) -> Result<Self, Full> {
        let slots = Slots::new(shape, count, budget, count > SLOTS_MIN)?;
        Ok(Self::over(shape, slots, range, budget, is_tracked))
    }

    fn over(
        shape: S,
        slots: Slots<S>,
        range: HashRange,
        budget: &Budget,
        is_tracked: bool,
    ) -> Self {
        let Layout { key_bytes, group_bytes, .. } = shape.layout();
        let spread = match key_bytes == group_bytes {
            true => (range.last - range.first).leading_zeros(),
            false => KEY_GROUPS.trailing_zeros(),
        };
        Self {
            shape,
            slots,
            old: None,
            range,
            spread,
            generation: 1,
            len: 0,
            bridges: 0,
            parity: 0,
            epochs: Epochs::new(is_tracked),
            budget: budget.clone(),
            next: None,
        }
    }

    /// How its records lie.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.shape.layout()
    }

    /// How many records it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many slots it has.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.slots.count()
    }

    /// Removes every record at once, and keeps the slots. Not while an epoch is being captured.
    pub fn clear(&mut self) {
        self.old = None;
        self.len = 0;
        self.bridges = 0;
        self.epochs.clear();
        self.generation += 2;
        if self.generation == u32::MAX {
            // The tags of generations long ago would be taken for these.
            self.generation = 1;
            (0..self.slots.count()).for_each(|at| self.slots.head_mut(at).tag = 0);
        }
    }

    /// Closes the epoch: from here on its records are captured. Constant time, whatever the table holds.
    pub fn freeze(&mut self) {
        self.epochs.freeze();
    }

    /// Copies at most `records` records of the closed epoch, and puts what is copied into `log`. True if all of the
    /// epoch is in the log, or what there is of one that was given up.
    pub fn capture(&mut self, records: usize, id: TableId, log: &mut impl Log) -> bool {
        let layout = self.shape.layout();
        for _ in 0..records {
            let Some(entry) = self.epochs.next_due(layout.entry_bytes()) else { break };
            let slots = match &mut self.old {
                Some(old) if entry & 1 != self.parity => &mut old.slots,
                _ => &mut self.slots,
            };
            let at = (entry >> 1) as usize;
            if at < slots.count() && slots.head(at).tag == self.generation {
                let mut head = *slots.head(at);
                self.epochs.capture(&mut head, slots.key_bytes(at), slots.value_bytes(at));
                *slots.head_mut(at) = head;
            }
        }
        self.epochs.drain(id, layout, self.slots.count(), log)
    }

    /// Whether a closed epoch is being captured.
    #[must_use]
    pub fn is_capturing(&self) -> bool {
        self.epochs.is_capturing()
    }

    /// Stops the capture of the closed epoch; its records are part of the next one.
    pub fn give_up(&mut self) {
        self.epochs.give_up();
    }

    /// Whether a write could not wait for the log, and so the closed epoch was given up.
    #[must_use]
    pub fn overflowed(&self) -> bool {
        self.epochs.overflowed()
    }

    #[inline(always)]
    fn hash(&self, key: &[u8]) -> u64 {
        hash_of_bytes(key, self.shape.layout().group_bytes as usize)
    }

    /// The first place for `hash` among `slots`: its top bits, within the shard's range.
    #[inline(always)]
    fn index(&self, hash: u64, slots: &Slots<S>) -> usize {
        ((hash.wrapping_sub(self.range.first) << self.spread) >> slots.narrow()) as usize
    }

    #[inline(always)]
    fn is_at(&self, at: usize, key: &[u8]) -> bool {
        (self.slots.head(at).tag == self.generation) & (self.slots.key_bytes(at) == key)
    }

    #[inline(always)]
    fn probe(&self, hash: u64, key: &[u8]) -> Probe {
        let home = self.index(hash, &self.slots);
        if key.len() <= KEY_BYTES_SIDE_BY_SIDE {
            // The first two slots without a branch between them: at the usual loads nine of ten searches end there, and
            // a branch that is mispredicted every fourth time, after a wait for memory, costs far more.
            let next = (home + 1) & self.slots.mask();
            let at = select_unpredictable(self.is_at(home, key), home, next);
            if self.is_at(at, key) {
                return Probe::Found(at);
            }
        }
        let (mut at, mut bridge) = (home, None);
        loop {
            let tag = self.slots.head(at).tag;
            if tag == self.generation {
                if self.slots.key_bytes(at) == key {
                    return Probe::Found(at);
                }
            } else if tag != self.generation + 1 {
                return Probe::Free(bridge.unwrap_or(at));
            } else if bridge.is_none() {
                bridge = Some(at);
            }
            at = (at + 1) & self.slots.mask();
        }
    }

    /// The slot of `key`, which is moved into the array if it still lay in the old one.
    #[inline(always)]
    fn find(&mut self, key: &[u8]) -> Option<usize> {
        let hash = self.hash(key);
        if self.old.is_some() {
            self.move_some();
        }
        match self.probe(hash, key) {
            Probe::Found(at) => Some(at),
            Probe::Free(at) => self.take_from_old(hash, at, key).then_some(at),
        }
    }

    #[inline(always)]
    fn touch(&mut self, at: usize) {
        if !self.epochs.is_current(self.slots.head(at)) {
            self.first_touch(at);
        }
    }

    #[cold]
    #[inline(never)]
    fn first_touch(&mut self, at: usize) {
        let mut head = *self.slots.head(at);
        let entry = self.entry_of(at);
        self.epochs.touch(&mut head, entry, self.slots.key_bytes(at), self.slots.value_bytes(at));
        *self.slots.head_mut(at) = head;
    }

    #[inline]
    fn entry_of(&self, at: usize) -> u32 {
        (at as u32) << 1 | self.parity
    }

    fn remove_at(&mut self, at: usize) {
        let head = *self.slots.head(at);
        self.epochs.remove(&head, self.slots.key_bytes(at), self.slots.value_bytes(at));
        self.slots.head_mut(at).tag = self.generation + 1;
        self.len -= 1;
        self.bridges += 1;
    }

    /// Puts a record in that is in no array; slot `at` is free for it. Where it is then; `None` if there is no room.
    fn insert(&mut self, hash: u64, mut at: usize, key: &[u8], value: &[u8]) -> Option<usize> {
        // At 11/16 the mean probe of a hit is 2.1 slots, most of them on the first one's cache line.
        let (used, count) = (self.len + self.bridges + 1, self.slots.count());
        if used * 16 > count * 11 && self.slots.head(at).tag != self.generation + 1 {
            if self.grow().is_ok() {
                at = self.free_slot(hash);
            } else if used * 16 > count * 15 {
                return None;
            }
        }
        if used * 16 > count * 8 && self.next.is_none() && self.old.is_none() {
            self.next = nursery::ask(count * 2 * self.shape.layout().slot_bytes(), &self.budget);
        }
        self.len += 1;
        let head = Head { tag: self.generation, epoch: self.epochs.of_new() };
        self.put_at(at, head, key, value);
        Some(at)
    }

    fn put_at(&mut self, at: usize, head: Head, key: &[u8], value: &[u8]) {
        if self.slots.head(at).tag == self.generation + 1 {
            self.bridges -= 1;
        }
        self.slots.put(at, head, key, value);
        let entry = self.entry_of(at);
        self.epochs.list(&head, entry);
    }

    /// Makes another array: of twice the slots, or as many where bridges fill this one. What was still to be moved from
    /// the array before is moved now; by invariant 4 that is nothing, as the array has been passed over long before this
    /// one is full.
    fn grow(&mut self) -> Result<(), Full> {
        self.settle();
        let count = self.slots.count();
        let larger = if self.len * 16 > count * 5 { count * 2 } else { count };
        if larger > SLOTS_MAX {
            return Err(Full);
        }
        let ready = if larger > count { self.next.take() } else { None };
        let ready = ready.and_then(|ready| ready.try_recv().ok());
        let ready = ready.and_then(|memory| Slots::of_memory(self.shape, larger, memory));
        let slots = match ready {
            Some(slots) => slots,
            None => Slots::new(self.shape, larger, &self.budget, false)?,
        };
        self.replace_slots(slots);
        Ok(())
    }

    /// Makes it a table of `count` slots at least, at once, as far as the budget has room.
    pub(crate) fn reserve_slots(&mut self, count: usize) {
        if count <= self.slots.count() || count > SLOTS_MAX || !count.is_power_of_two() {
            return;
        }
        self.settle();
        if let Ok(slots) = Slots::new(self.shape, count, &self.budget, false) {
            self.replace_slots(slots);
            self.settle();
        }
    }

    fn replace_slots(&mut self, slots: Slots<S>) {
        let slots = std::mem::replace(&mut self.slots, slots);
        self.old = Some(Old { slots, moved: 0 });
        self.bridges = 0;
        self.parity ^= 1;
    }

    /// Moves the record of `key` from the array that is being emptied to slot `at`; false if it is not there.
    fn take_from_old(&mut self, hash: u64, at: usize, key: &[u8]) -> bool {
        let Some(from) = self.find_in_old(hash, key) else { return false };
        self.move_record(from, at);
        true
    }

    /// The slot of `key` in the array that is being emptied.
    fn find_in_old(&self, hash: u64, key: &[u8]) -> Option<usize> {
        let old = self.old.as_ref()?;
        let home = self.index(hash, &old.slots).max(old.moved);
        let mut from = home;
        loop {
            let tag = old.slots.head(from).tag;
            if tag == self.generation && old.slots.key_bytes(from) == key {
                return Some(from);
            }
            if tag < self.generation || tag > self.generation + 1 {
                return None;
            }
            from += 1;
            if from == old.slots.count() {
                // A search that reads may come before the first records are moved.
                from = old.moved;
            }
            if from == home {
                return None;
            }
        }
    }

    /// Moves the records of the next few slots of the array that is being emptied, and drops it at its end.
    #[cold]
    #[inline(never)]
    fn move_some(&mut self) {
        for _ in 0..MOVED_PER_CALL {
            let Some(old) = &mut self.old else { return };
            let from = old.moved;
            if from == old.slots.count() {
                self.old = None;
                return;
            }
            if old.slots.head(from).tag == self.generation {
                let hash = hash_of_bytes(
                    old.slots.key_bytes(from),
                    self.shape.layout().group_bytes as usize,
                );
                let at = self.free_slot(hash);
                self.move_record(from, at);
            }
            if let Some(old) = &mut self.old {
                old.moved = from + 1;
                old.slots.release_before(old.moved, RELEASED_BYTES);
            }
        }
    }

    fn move_record(&mut self, from: usize, to: usize) {
        let Some(mut old) = self.old.take() else { return };
        let head = *old.slots.head(from);
        self.put_at(to, head, old.slots.key_bytes(from), old.slots.value_bytes(from));
        old.slots.head_mut(from).tag = self.generation + 1;
        self.old = Some(old);
    }

    /// The first slot that is free for a record with this hash, which is not in the array.
    fn free_slot(&self, hash: u64) -> usize {
        let mut at = self.index(hash, &self.slots);
        while self.slots.head(at).tag == self.generation {
            at = (at + 1) & self.slots.mask();
        }
        at
    }
}

#[cfg(test)]
mod tests;

//! A table whose keys and values are known when the program is built: what operators use.

use tidewire_event::{HashRange, Key, Record};
use zerocopy::IntoBytes;

use super::{LayoutMismatch, Old, Probe, RawTable, SLOTS_MIN, Table};
use crate::budget::{Budget, Full};
use crate::epochs::Epochs;
use crate::layout::{Layout, Typed};

impl<K: Key, V: Record> Table<K, V> {
    /// An empty table for keys whose hashes lie in `range`. If it `is_tracked`, its changes can be captured.
    ///
    /// # Errors
    /// The budget has no room for it.
    pub fn new(range: HashRange, budget: &Budget, is_tracked: bool) -> Result<Self, Full> {
        Self::with_slots(Typed::NEW, SLOTS_MIN, range, budget, is_tracked)
    }

    /// An empty table with room for `records` before it grows, in memory that is touched now and lies in huge pages
    /// where the host has them.
    ///
    /// # Errors
    /// The budget has no room for it.
    pub fn with_capacity(
        records: usize,
        range: HashRange,
        budget: &Budget,
        is_tracked: bool,
    ) -> Result<Self, Full> {
        let slots = (records * 16 / 11 + 1).next_power_of_two().max(SLOTS_MIN);
        Self::with_slots(Typed::NEW, slots, range, budget, is_tracked)
    }

    /// A restored table as one of keys `K` and values `V`.
    ///
    /// # Errors
    /// It has another layout.
    pub fn adopt(mut raw: RawTable<Layout>, is_tracked: bool) -> Result<Self, LayoutMismatch> {
        raw.settle();
        let RawTable { slots, range, spread, len, bridges, parity, budget, .. } = raw;
        let slots = slots
            .cast(Typed::NEW)
            .map_err(|(stored, expected)| LayoutMismatch { stored, expected })?;
        let epochs = Epochs::new(is_tracked);
        let shape = Typed::NEW;
        Ok(Self {
            shape,
            slots,
            old: None,
            range,
            spread,
            generation: 1,
            len,
            bridges,
            parity,
            epochs,
            budget,
            next: None,
        })
    }

    /// The record of `key`; a new one, with the value that `new` makes, if it has none. `None` if the table is full and
    /// its budget lets it grow no more.
    #[inline(always)]
    pub fn entry(&mut self, key: &K, new: impl FnOnce() -> V) -> Option<&mut V> {
        let key = key.archive();
        let hash = self.hash(key.as_bytes());
        if self.old.is_some() {
            self.move_some();
        }
        match self.probe(hash, key.as_bytes()) {
            Probe::Found(at) => {
                self.touch(at);
                Some(self.slots.value_mut(at))
            }
            Probe::Free(at) => self.entry_elsewhere(hash, at, key.as_bytes(), new),
        }
    }

    /// The record is not in the array, where slot `at` is free for it.
    #[cold]
    #[inline(never)]
    fn entry_elsewhere(
        &mut self,
        hash: u64,
        mut at: usize,
        key: &[u8],
        new: impl FnOnce() -> V,
    ) -> Option<&mut V> {
        if self.take_from_old(hash, at, key) {
            self.touch(at);
        } else {
            at = self.insert(hash, at, key, new().as_bytes())?;
        }
        Some(self.slots.value_mut(at))
    }

    /// The record of `key`, to read it, if it has one.
    #[inline]
    pub fn get(&self, key: &K) -> Option<&V> {
        let key = key.archive();
        let hash = self.hash(key.as_bytes());
        match self.probe(hash, key.as_bytes()) {
            Probe::Found(at) => Some(self.slots.value(at)),
            Probe::Free(_) => {
                let at = self.find_in_old(hash, key.as_bytes())?;
                self.old.as_ref().map(|old| old.slots.value(at))
            }
        }
    }

    /// The record of `key`, to change it, if it has one.
    #[inline]
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let key = key.archive();
        let at = self.find(key.as_bytes())?;
        self.touch(at);
        Some(self.slots.value_mut(at))
    }

    /// Removes the record of `key`, and gives its value, if it has one.
    #[inline]
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let key = key.archive();
        let at = self.find(key.as_bytes())?;
        let value = *self.slots.value(at);
        self.remove_at(at);
        Some(value)
    }

    /// Every record, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        let arrays = self.old.as_ref().map(|old| (&old.slots, old.moved)).into_iter();
        arrays.chain([(&self.slots, 0)]).flat_map(move |(slots, from)| {
            let taken = (from..slots.count()).filter(|at| slots.head(*at).tag == self.generation);
            taken.map(|at| (K::read(slots.key(at)), slots.value(at)))
        })
    }

    /// Gives the records of `count` slots from slot `from` on to `visit`, and says from where to go on, or `None` at
    /// the end. Between two calls the table must not change.
    pub fn visit(&self, from: usize, count: usize, mut visit: impl FnMut(K, &V)) -> Option<usize> {
        let old = self.old.as_ref().map_or(0, |old| old.slots.count());
        let end = (from + count).min(old + self.slots.count());
        for at in from..end {
            let (slots, at) = match &self.old {
                Some(Old { moved, .. }) if at < *moved => continue,
                Some(Old { slots, .. }) if at < old => (slots, at),
                _ => (&self.slots, at - old),
            };
            if slots.head(at).tag == self.generation {
                visit(K::read(slots.key(at)), slots.value(at));
            }
        }
        (end < old + self.slots.count()).then_some(end)
    }
}

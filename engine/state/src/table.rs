//! An open-addressing table of fixed-size records.
//!
//! 1. A record stands in its slot: nothing lies between a key's hash and its record.
//! 2. Slots are indexed from the top bits of the hash, within the range of hashes that the shard owns, so a key
//!    group is one contiguous stretch of the table.
//! 3. A slot is taken if it carries the table's generation. Emptying the table is one increment.
//! 4. Growth is incremental: when the table doubles, the records stay where they are, and each later call moves a
//!    few of them. A slot whose record has moved is marked and still bridges the probe sequences over it.
//! 5. New slots come from the system as zeroed pages and are first touched when a record needs them.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use tidewire_event::{HashRange, Key, hash_of};

/// Slots of a new table.
const SLOTS_MIN: usize = 64;
/// Slots of the old array that each call looks at while the table grows. More than 1 / (1 - load), so that the old
/// array is empty long before the new one fills.
const MOVED_PER_CALL: usize = 8;
/// A slot's tag when its record has moved to the larger array: never a generation, which are odd.
const MOVED: u32 = 2;

const _: () = assert!(SLOTS_MIN.is_power_of_two());

/// A table from `K` to `V`: see the module.
#[derive(Debug)]
pub struct Table<K, V> {
    slots: Box<[Slot<K, V>]>,
    /// The array that is being emptied while the table grows.
    old: Option<Old<K, V>>,
    range: HashRange,
    /// Left shift that spreads the shard's range of hashes over all 64 bits.
    spread: u32,
    /// Right shift that leaves the number of a slot.
    narrow: u32,
    /// The tag of a slot that is taken: odd, so that neither a fresh slot (0) nor [`MOVED`] has it.
    generation: u32,
    len: usize,
}

#[derive(Debug)]
struct Old<K, V> {
    slots: Box<[Slot<K, V>]>,
    /// Slots before this one have been moved.
    moved: usize,
}

#[derive(Debug)]
struct Slot<K, V> {
    tag: u32,
    key: MaybeUninit<K>,
    value: MaybeUninit<V>,
}

impl<K: Key, V: Copy> Slot<K, V> {
    #[inline]
    fn holds(&self, generation: u32, key: &K) -> bool {
        self.tag == generation && self.record(generation).is_some_and(|(own, _)| own == key)
    }

    #[inline]
    fn record(&self, generation: u32) -> Option<(&K, &V)> {
        if self.tag != generation {
            return None;
        }
        // SAFETY: a tag becomes the table's generation only in `put`, which writes key and value first.
        Some(unsafe { (self.key.assume_init_ref(), self.value.assume_init_ref()) })
    }

    #[inline]
    fn put(&mut self, generation: u32, key: K, value: V) -> &mut V {
        self.key.write(key);
        self.tag = generation;
        self.value.write(value)
    }
}

fn slots<K, V>(count: usize) -> Box<[Slot<K, V>]> {
    // SAFETY: all zeros is a Slot: its tag is 0, and its key and value are MaybeUninit.
    unsafe { Box::<[Slot<K, V>]>::new_zeroed_slice(count).assume_init() }
}

impl<K: Key, V: Copy> Table<K, V> {
    /// An empty table for keys whose hashes lie in `range`.
    #[must_use]
    pub fn new(range: HashRange) -> Self {
        Self {
            slots: slots(SLOTS_MIN),
            old: None,
            range,
            spread: (range.last - range.first).leading_zeros(),
            narrow: u64::BITS - SLOTS_MIN.trailing_zeros(),
            generation: 1,
            len: 0,
        }
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
        self.slots.len()
    }

    /// The record of `key`; a new one, with the value that `new` makes, if it has none.
    #[inline(always)]
    pub fn entry(&mut self, key: &K, new: impl FnOnce() -> V) -> &mut V {
        let hash = hash_of(key);
        if self.old.is_some() {
            self.move_some();
        }
        let mut at = self.index(hash, self.narrow);
        loop {
            let slot = &self.slots[at];
            if slot.holds(self.generation, key) {
                // SAFETY: `holds` has seen the table's generation in the tag, so the value was written by `put`.
                return unsafe { self.slots[at].value.assume_init_mut() };
            }
            if slot.tag != self.generation {
                break;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.insert(hash, at, key, new)
    }

    /// Every record, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let old = self.old.as_ref().map_or(&[][..], |old| &old.slots);
        old.iter().chain(&self.slots).filter_map(|slot| slot.record(self.generation))
    }

    /// Gives the records of `count` slots from slot `from` on to `visit`, and says from where to go on, or `None` at
    /// the end. Between two calls the table must not change.
    pub fn visit(&self, from: usize, count: usize, mut visit: impl FnMut(&K, &V)) -> Option<usize> {
        let old = self.old.as_ref().map_or(&[][..], |old| &old.slots);
        let end = (from + count).min(old.len() + self.slots.len());
        for at in from..end {
            let slot = if at < old.len() { &old[at] } else { &self.slots[at - old.len()] };
            if let Some((key, value)) = slot.record(self.generation) {
                visit(key, value);
            }
        }
        (end < old.len() + self.slots.len()).then_some(end)
    }

    /// Removes every record at once, and keeps the slots.
    pub fn clear(&mut self) {
        self.old = None;
        self.len = 0;
        self.generation = self.generation.wrapping_add(2);
        if self.generation == 1 {
            // The tags of four billion generations ago would be taken for this one's.
            self.slots.iter_mut().for_each(|slot| slot.tag = 0);
        }
    }

    /// A place for `hash`: its top bits, within the shard's range.
    #[inline]
    fn index(&self, hash: u64, narrow: u32) -> usize {
        ((hash.wrapping_sub(self.range.first) << self.spread) >> narrow) as usize
    }

    /// The record is not in the new array, where slot `at` is free for it.
    #[cold]
    #[inline(never)]
    fn insert(&mut self, hash: u64, at: usize, key: &K, new: impl FnOnce() -> V) -> &mut V {
        let generation = self.generation;
        let value = match self.take_from_old(hash, key) {
            Some(value) => value,
            None => {
                self.len += 1;
                new()
            }
        };
        // At 11/16 the mean probe of a hit is 2.1 slots, most of them on the first one's cache line.
        if self.len * 16 <= self.slots.len() * 11 {
            return self.slots[at].put(generation, *key, value);
        }
        self.grow();
        self.put_new(*key, value)
    }

    /// Doubles the slots. What was still to be moved from the array before is moved now; by invariant 4 that is
    /// nothing, as the array has been passed over long before this one is full.
    fn grow(&mut self) {
        while self.old.is_some() {
            self.move_some();
        }
        let larger = slots(self.slots.len() * 2);
        self.narrow -= 1;
        self.old = Some(Old { slots: std::mem::replace(&mut self.slots, larger), moved: 0 });
    }

    /// Takes the record of `key` out of the array that is being emptied.
    fn take_from_old(&mut self, hash: u64, key: &K) -> Option<V> {
        let count = self.old.as_ref()?.slots.len();
        let mut at = self.index(hash, u64::BITS - count.trailing_zeros());
        let generation = self.generation;
        let old = self.old.as_mut()?;
        loop {
            let slot = &mut old.slots[at];
            if slot.holds(generation, key) {
                let value = slot.record(generation).map(|(_, value)| *value);
                slot.tag = MOVED;
                return value;
            }
            if slot.tag != generation && slot.tag != MOVED {
                return None;
            }
            at = (at + 1) & (count - 1);
        }
    }

    /// Moves the records of the next few slots of the array that is being emptied, and drops it at its end.
    #[cold]
    #[inline(never)]
    fn move_some(&mut self) {
        let Some(mut old) = self.old.take() else { return };
        let end = (old.moved + MOVED_PER_CALL).min(old.slots.len());
        for slot in &mut old.slots[old.moved..end] {
            if let Some((key, value)) = slot.record(self.generation) {
                self.put_new(*key, *value);
                slot.tag = MOVED;
            }
        }
        old.moved = end;
        if end < old.slots.len() {
            self.old = Some(old);
        }
    }

    /// Puts a record that is not in the new array into it.
    fn put_new(&mut self, key: K, value: V) -> &mut V {
        let mut at = self.index(hash_of(&key), self.narrow);
        while self.slots[at].tag == self.generation {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at].put(self.generation, key, value)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Add(u32),
        Clear,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let key = prop_oneof![0..50_u32, 0..5_000_u32, any::<u32>()];
        let step = prop_oneof![2_000 => key.prop_map(Step::Add), 1 => Just(Step::Clear)];
        prop::collection::vec(step, 0..if cfg!(miri) { 200 } else { 6_000 })
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: if cfg!(miri) { 4 } else { 64 },
            // Miri has no files.
            failure_persistence: None,
            ..ProptestConfig::default()
        })]
        #[test]
        fn is_a_map(steps in steps()) {
            let mut table = Table::new(HashRange::ALL);
            let mut model = HashMap::new();
            for step in steps {
                match step {
                    Step::Add(key) => {
                        let count = table.entry(&key, || 0_u64);
                        *count += 1;
                        let expected = model.entry(key).or_insert(0_u64);
                        *expected += 1;
                        prop_assert_eq!(*count, *expected);
                    }
                    Step::Clear => {
                        table.clear();
                        model.clear();
                    }
                }
                prop_assert_eq!(table.len(), model.len());
            }
            let found: HashMap<u32, u64> = table.iter().map(|(key, value)| (*key, *value)).collect();
            prop_assert_eq!(&found, &model);
            let mut visited = HashMap::new();
            let mut next = Some(0);
            while let Some(from) = next {
                next = table.visit(from, 7, |key, value| { visited.insert(*key, *value); });
            }
            prop_assert_eq!(&visited, &model);
        }
    }

    #[test]
    fn a_shard_fills_its_whole_table() {
        let range = HashRange::of_shard(2, 3);
        let mut table = Table::new(range);
        let mine = (0_u64..).filter(|key| (range.first..=range.last).contains(&hash_of(key)));
        for key in mine.take(if cfg!(miri) { 100 } else { 10_000 }) {
            table.entry(&key, || ());
        }
        let taken = |slots: &[Slot<u64, ()>]| slots.iter().filter(|slot| slot.tag == 1).count();
        let quarters = table.slots.len() / 4;
        assert!(table.slots.chunks(quarters).filter(|quarter| taken(quarter) > 0).count() >= 3);
    }

    #[test]
    fn the_generation_wraps() {
        let mut table = Table::new(HashRange::ALL);
        table.generation = u32::MAX - 2;
        for round in 0..4_u32 {
            assert!(table.is_empty());
            *table.entry(&5_u32, || 0) += round;
            assert_eq!(table.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [round]);
            table.clear();
        }
    }
}

//! The order table: reference to order, built for feeds that number their orders upwards.
//!
//! 1. Open addressing and linear probing. An order lies between its home slot and the next empty slot, always:
//!    a removal shifts the orders behind it back, and leaves no tombstone.
//! 2. References that differ in their lowest bit only have their homes side by side, for the sake of the cache. Where
//!    is decided by a hash of the other bits, so that references of any stride spread. Wider blocks were measured to
//!    be slower: where two full blocks meet, searches are long.
//! 3. The hash is fixed. The same operations give the same table, in the same order.
//! 4. Growth has no pause. The next table, of twice the size, is written a few slots at a time with each add, from
//!    some time before it is needed; then orders move there a few at a time, with each operation, from the end of
//!    the old table, which is cut off behind them.

use super::limits::{
    LOAD_DEN, LOAD_NUM, MOVES_PER_OPERATION, ORDERS_MAX, PREPARE_NUM, RELEASE_SLOTS, SLOTS_MIN,
    SLOTS_PREPARED_PER_ADD,
};
use super::outcome::Refusal;

/// What the table holds of an order; the rest is the same for all orders of its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resting {
    /// The number of its level.
    pub(super) level: u32,
    /// What is left of it. Never zero.
    pub(super) size: u32,
}

/// Reference; level and size. A size of zero marks an empty slot. Plain integers, because the standard library asks
/// for zeroed pages for these without unsafe code here.
type Slot = [u64; 2];

const EMPTY: Slot = [0; 2];

const _: () = assert!(size_of::<Slot>() == 16);

/// Bits of a reference that choose among neighbouring slots, not where these are.
const BLOCK_BITS: u32 = 1;

fn pack(reference: u64, resting: Resting) -> Slot {
    [reference, u64::from(resting.level) << 32 | u64::from(resting.size)]
}

fn unpack([_, resting]: Slot) -> Resting {
    Resting { level: (resting >> 32) as u32, size: resting as u32 }
}

fn is_empty(slot: Slot) -> bool {
    slot[1] as u32 == 0
}

/// One table of a power of two slots, perhaps already cut off at its end (invariant 4).
#[derive(Debug)]
struct Slots {
    slots: Vec<Slot>,
    /// The table's whole size, less one.
    mask: usize,
    /// Shifts a hash down to a slot number.
    shift: u32,
    taken: usize,
}

impl Slots {
    /// A table of empty slots, their number a power of two.
    fn new(slots: Vec<Slot>) -> Self {
        let size = slots.len();
        Self { slots, mask: size - 1, shift: 64 - size.ilog2(), taken: 0 }
    }

    /// The slot where the search for `reference` starts.
    fn home(&self, reference: u64) -> usize {
        let product = u128::from(reference >> BLOCK_BITS) * 0x9E37_79B9_7F4A_7C15;
        let hash = product as u64 ^ (product >> 64) as u64;
        let place = reference & ((1 << BLOCK_BITS) - 1);
        (hash >> self.shift ^ place) as usize
    }

    /// Where `reference` lies, or else the empty slot where the search ended. Behind a cut, that is no slot at all:
    /// what was cut off was empty.
    fn find(&self, reference: u64) -> Result<usize, usize> {
        let mut at = self.home(reference);
        loop {
            match self.slots.get(at) {
                Some(slot) if is_empty(*slot) => return Err(at),
                Some(slot) if slot[0] == reference => return Ok(at),
                Some(_) => at = (at + 1) & self.mask,
                None => return Err(at),
            }
        }
    }

    /// Puts an order where the search for it ended.
    fn put(&mut self, at: usize, slot: Slot) {
        self.slots[at] = slot;
        self.taken += 1;
    }

    /// Empties a slot, and shifts back what was displaced past it.
    fn remove(&mut self, at: usize) -> Slot {
        let removed = self.slots[at];
        let (mut hole, mut next) = (at, (at + 1) & self.mask);
        while let Some(&slot) = self.slots.get(next).filter(|slot| !is_empty(**slot)) {
            let from_home = next.wrapping_sub(self.home(slot[0])) & self.mask;
            let from_hole = next.wrapping_sub(hole) & self.mask;
            if from_home >= from_hole {
                self.slots[hole] = slot;
                hole = next;
            }
            next = (next + 1) & self.mask;
        }
        self.slots[hole] = EMPTY;
        self.taken -= 1;
        removed
    }

    /// Takes `size` from the order at `at`, which goes when nothing is left. Gives the order as it was.
    fn reduce(&mut self, at: usize, size: u32) -> Resting {
        let order = unpack(self.slots[at]);
        if size < order.size {
            self.slots[at][1] -= u64::from(size);
        } else {
            self.remove(at);
        }
        order
    }

    /// Removes the orders of the levels that are meant. An order not yet visited is only ever shifted to the slot in
    /// hand or to one still ahead, so one pass finds all.
    fn remove_levels(&mut self, are_meant: impl Fn(u32) -> bool) {
        let mut at = 0;
        while let Some(&slot) = self.slots.get(at) {
            if !is_empty(slot) && are_meant(unpack(slot).level) {
                self.remove(at);
            } else {
                at += 1;
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = (u64, Resting)> + '_ {
        self.slots.iter().filter(|slot| !is_empty(**slot)).map(|slot| (slot[0], unpack(*slot)))
    }
}

/// All live orders of a set of books.
#[derive(Debug)]
pub(super) struct Orders {
    current: Slots,
    /// The table being left. Its end is cut off as it empties.
    old: Option<Slots>,
    /// The slots of the next table, as far as they are written.
    next: Vec<Slot>,
}

/// The slot of a new order, good until the next operation.
#[derive(Debug)]
pub(super) struct Vacancy {
    reference: u64,
    at: usize,
}

impl Orders {
    /// Room for `orders` before the first growth.
    pub(super) fn with_capacity(orders: usize) -> Self {
        let slots = orders.min(ORDERS_MAX) * LOAD_DEN / LOAD_NUM + 1;
        let slots = vec![EMPTY; slots.next_power_of_two().max(SLOTS_MIN)];
        Self { current: Slots::new(slots), old: None, next: Vec::new() }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.current.taken + self.old.as_ref().map_or(0, |old| old.taken)
    }

    /// Where a new order is to be put, if no live order has its reference.
    #[inline]
    pub(super) fn vacancy(&mut self, reference: u64) -> Result<Vacancy, Refusal> {
        self.move_some();
        if self.len() == ORDERS_MAX {
            return Err(Refusal::Full);
        }
        if self.current.taken * LOAD_DEN >= self.current.slots.len() * PREPARE_NUM {
            self.prepare();
        }
        let Err(at) = self.current.find(reference) else { return Err(Refusal::DuplicateReference) };
        if self.old.as_ref().is_some_and(|old| old.find(reference).is_ok()) {
            return Err(Refusal::DuplicateReference);
        }
        Ok(Vacancy { reference, at })
    }

    /// Adds the order for which the vacancy was found.
    #[inline]
    pub(super) fn fill(&mut self, Vacancy { reference, at }: Vacancy, resting: Resting) {
        self.current.put(at, pack(reference, resting));
    }

    /// Takes `size` from an order, which goes when nothing is left. Gives the order as it was.
    #[inline]
    pub(super) fn reduce(&mut self, reference: u64, size: u32) -> Option<Resting> {
        self.move_some();
        if let Ok(at) = self.current.find(reference) {
            return Some(self.current.reduce(at, size));
        }
        let old = self.old.as_mut()?;
        old.find(reference).ok().map(|at| old.reduce(at, size))
    }

    /// Removes an order.
    #[inline]
    pub(super) fn remove(&mut self, reference: u64) -> Option<Resting> {
        self.reduce(reference, u32::MAX)
    }

    /// Removes the orders of the levels that are meant, in a pass over the table.
    pub(super) fn remove_levels(&mut self, are_meant: impl Fn(u32) -> bool) {
        self.current.remove_levels(&are_meant);
        if let Some(old) = &mut self.old {
            old.remove_levels(&are_meant);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, Resting)> + '_ {
        self.current.iter().chain(self.old.iter().flat_map(Slots::iter))
    }

    /// Writes some slots of the next table, or moves in when the time has come.
    #[cold]
    fn prepare(&mut self) {
        debug_assert!(self.old.is_none(), "see the assertions in limits.rs");
        let size = self.current.slots.len() * 2;
        if self.next.capacity() == 0 {
            self.next = Vec::with_capacity(size);
        }
        let written = (self.next.len() + SLOTS_PREPARED_PER_ADD).min(size);
        self.next.resize(written, EMPTY);
        if self.current.taken * LOAD_DEN >= self.current.slots.len() * LOAD_NUM {
            debug_assert!(written == size, "see the assertions in limits.rs");
            let mut next = std::mem::take(&mut self.next);
            next.resize(size, EMPTY);
            self.old = Some(std::mem::replace(&mut self.current, Slots::new(next)));
        }
    }

    /// A bounded part of the move out of the old table.
    #[inline]
    fn move_some(&mut self) {
        if self.old.is_some() {
            self.move_steps();
        }
    }

    #[cold]
    fn move_steps(&mut self) {
        let Some(old) = &mut self.old else { return };
        for _ in 0..MOVES_PER_OPERATION {
            match old.slots.last() {
                None => {
                    self.old = None;
                    return;
                }
                Some(slot) if is_empty(*slot) => {
                    old.slots.pop();
                }
                Some(_) => {
                    let slot = old.remove(old.slots.len() - 1);
                    if let Err(at) = self.current.find(slot[0]) {
                        self.current.put(at, slot);
                    }
                }
            }
        }
        if old.slots.capacity() - old.slots.len() >= RELEASE_SLOTS {
            old.slots.shrink_to_fit();
        }
    }
}

#[cfg(test)]
impl Orders {
    /// How many slots the search for a live order looks at in its table, on average.
    pub(super) fn mean_search(&self) -> f64 {
        let tables = [Some(&self.current), self.old.as_ref()];
        let steps: usize = (tables.into_iter().flatten())
            .flat_map(|table| {
                let taken = table.slots.iter().enumerate().filter(|(_, slot)| !is_empty(**slot));
                taken.map(|(at, slot)| (at.wrapping_sub(table.home(slot[0])) & table.mask) + 1)
            })
            .sum();
        steps as f64 / self.len() as f64
    }
}

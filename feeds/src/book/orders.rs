//! The order table: reference to order, built for feeds that number their orders upwards.
//!
//! 1. Open addressing and linear probing. An order lies between its home slot and the next empty slot, always:
//!    a removal shifts the orders behind it back, and leaves no tombstone.
//! 2. References that differ in their low bits only have their homes in one aligned block of slots: orders that
//!    are neighbours in time share cache lines. Which block is decided by a hash of the other bits, which also
//!    permutes the places in it, so that references of any stride spread.
//! 3. The hash is fixed. The same operations give the same table, in the same order.
//! 4. Growth has no pause: orders move to a table of twice the size a few at a time, with each operation, from the
//!    end of the old one, which is cut off behind them. A new table is zeroed by the operating system as it is
//!    touched.

use super::limits::{
    LOAD_DEN, LOAD_NUM, MOVES_PER_OPERATION, ORDERS_MAX, RELEASE_SLOTS, SLOTS_MIN,
};
use super::outcome::Refusal;
use crate::side::Side;

/// A resting order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Order {
    /// In the units of the feed.
    pub price: i64,
    /// What is left of it. Never zero.
    pub size: u32,
    /// The number that the caller gave the instrument.
    pub instrument: u32,
    /// Which side it rests on.
    pub side: Side,
}

/// Reference; price; instrument, side and size. A size of zero marks an empty slot, so that zeroed memory is an empty
/// table. Plain integers, because the standard library asks for zeroed pages for these without unsafe code here.
type Slot = [u64; 3];

const EMPTY: Slot = [0; 3];

const _: () = assert!(size_of::<Slot>() == 24);

/// Sixteen neighbouring references share a block: 384 bytes, six cache lines.
const BLOCK_BITS: u32 = 4;

fn pack(reference: u64, order: Order) -> Slot {
    let side = u64::from(order.side == Side::Sell);
    let tail = u64::from(order.instrument) << 33 | side << 32 | u64::from(order.size);
    [reference, order.price.cast_unsigned(), tail]
}

fn unpack([_, price, tail]: Slot) -> Order {
    Order {
        price: price.cast_signed(),
        size: tail as u32,
        instrument: (tail >> 33) as u32,
        side: if tail >> 32 & 1 == 1 { Side::Sell } else { Side::Buy },
    }
}

fn is_empty(slot: Slot) -> bool {
    slot[2] as u32 == 0
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
    /// `size` is a power of two.
    fn new(size: usize) -> Self {
        Self { slots: vec![EMPTY; size], mask: size - 1, shift: 64 - size.ilog2(), taken: 0 }
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
    fn reduce(&mut self, at: usize, size: u32) -> Order {
        let order = unpack(self.slots[at]);
        if size < order.size {
            self.slots[at][2] -= u64::from(size);
        } else {
            self.remove(at);
        }
        order
    }

    /// Removes an instrument's orders. An order not yet visited is only ever shifted to the slot in hand or to one
    /// still ahead, so one pass finds all.
    fn remove_instrument(&mut self, instrument: u32) {
        let mut at = 0;
        while let Some(&slot) = self.slots.get(at) {
            if !is_empty(slot) && unpack(slot).instrument == instrument {
                self.remove(at);
            } else {
                at += 1;
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = (u64, Order)> + '_ {
        self.slots.iter().filter(|slot| !is_empty(**slot)).map(|slot| (slot[0], unpack(*slot)))
    }
}

/// All live orders of a set of books.
#[derive(Debug)]
pub(super) struct Orders {
    current: Slots,
    /// The table being left. Its end is cut off as it empties.
    old: Option<Slots>,
}

impl Orders {
    /// Room for `orders` before the first growth.
    pub(super) fn with_capacity(orders: usize) -> Self {
        let slots = orders.min(ORDERS_MAX) * LOAD_DEN / LOAD_NUM + 1;
        Self { current: Slots::new(slots.next_power_of_two().max(SLOTS_MIN)), old: None }
    }

    pub(super) fn len(&self) -> usize {
        self.current.taken + self.old.as_ref().map_or(0, |old| old.taken)
    }

    /// Adds an order; a reference that is live already keeps its order.
    pub(super) fn insert(&mut self, reference: u64, order: Order) -> Result<(), Refusal> {
        self.move_some();
        if self.len() == ORDERS_MAX {
            return Err(Refusal::Full);
        }
        if self.current.taken * LOAD_DEN >= self.current.slots.len() * LOAD_NUM {
            self.grow();
        }
        let Err(at) = self.current.find(reference) else { return Err(Refusal::DuplicateReference) };
        if self.old.as_ref().is_some_and(|old| old.find(reference).is_ok()) {
            return Err(Refusal::DuplicateReference);
        }
        self.current.put(at, pack(reference, order));
        Ok(())
    }

    /// Takes `size` from an order, which goes when nothing is left. Gives the order as it was.
    pub(super) fn reduce(&mut self, reference: u64, size: u32) -> Option<Order> {
        self.move_some();
        if let Ok(at) = self.current.find(reference) {
            return Some(self.current.reduce(at, size));
        }
        let old = self.old.as_mut()?;
        old.find(reference).ok().map(|at| old.reduce(at, size))
    }

    /// Removes an order.
    pub(super) fn remove(&mut self, reference: u64) -> Option<Order> {
        self.reduce(reference, u32::MAX)
    }

    /// Removes an instrument's orders, in a pass over the table.
    pub(super) fn remove_instrument(&mut self, instrument: u32) {
        self.current.remove_instrument(instrument);
        if let Some(old) = &mut self.old {
            old.remove_instrument(instrument);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, Order)> + '_ {
        self.current.iter().chain(self.old.iter().flat_map(Slots::iter))
    }

    fn grow(&mut self) {
        debug_assert!(self.old.is_none(), "see the assertions in limits.rs");
        let next = Slots::new(self.current.slots.len() * 2);
        self.old = Some(std::mem::replace(&mut self.current, next));
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

//! Order books: from single orders ([`Books`]), or from price levels ([`DepthBook`]).
//!
//! 1. A level's size and number of orders are the sums over the live orders at its price, after every operation.
//! 2. What does not fit (an unknown reference, a duplicate, too large a size) is counted and leaves the books valid.
//! 3. An operation costs one look-up in the order table, which leads to the level; a ladder is searched only where a
//!    level may come or goes. The best levels are at hand.

mod depth;
mod ladder;
mod levels;
pub mod limits;
mod orders;
mod outcome;
#[cfg(test)]
mod tests;

pub use depth::DepthBook;
pub use ladder::{Bbo, Level};
pub use outcome::{Counters, Refusal, Replaced, Touched};

use crate::side::Side;
use levels::Levels;
use limits::INSTRUMENTS_MAX;
use orders::{Orders, Resting};

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

/// The books of many instruments, from their single orders.
///
/// An instrument is a small number of the caller's choice, counted from zero (an ITCH stock locate, say). References
/// are unique over all of them; where a venue numbers the orders of each instrument afresh, each takes its own `Books`.
///
/// ```
/// use tidewire_feeds::{Side, book::Books};
///
/// let mut books = Books::default();
/// books.add(0, 77, Side::Buy, 163_2400, 100)?;
/// let touched = books.execute(77, 40)?;
/// assert_eq!((touched.price, touched.left), (163_2400, 60));
/// assert_eq!(books.best(0).bid.map(|level| level.size), Some(60));
/// # Ok::<(), tidewire_feeds::book::Refusal>(())
/// ```
#[derive(Debug)]
pub struct Books {
    orders: Orders,
    levels: Levels,
    counters: Counters,
}

impl Default for Books {
    fn default() -> Self {
        Self::with_capacity(0)
    }
}

impl Books {
    /// Books with room for `orders` live orders. They grow beyond that without a pause.
    #[must_use]
    pub fn with_capacity(orders: usize) -> Self {
        Self {
            orders: Orders::with_capacity(orders),
            levels: Levels::default(),
            counters: Counters::default(),
        }
    }

    /// A new order.
    ///
    /// # Errors
    /// The reference is live, the size zero, or a bound reached: nothing was added.
    pub fn add(
        &mut self,
        instrument: u32,
        reference: u64,
        side: Side,
        price: i64,
        size: u32,
    ) -> Result<Touched, Refusal> {
        self.try_add(instrument, reference, side, price, size)
            .inspect_err(|refusal| self.counters.count(*refusal))
    }

    /// `size` of an order traded. More than is left takes what is left.
    ///
    /// # Errors
    /// The reference is unknown.
    pub fn execute(&mut self, reference: u64, size: u32) -> Result<Touched, Refusal> {
        self.reduce(reference, size)
    }

    /// `size` of an order was withdrawn. More than is left takes what is left.
    ///
    /// # Errors
    /// The reference is unknown.
    pub fn cancel(&mut self, reference: u64, size: u32) -> Result<Touched, Refusal> {
        self.reduce(reference, size)
    }

    /// An order was withdrawn whole.
    ///
    /// # Errors
    /// The reference is unknown.
    pub fn delete(&mut self, reference: u64) -> Result<Touched, Refusal> {
        self.remove(reference).ok_or_else(|| self.refuse(Refusal::UnknownReference))
    }

    /// The order `old` is withdrawn, and `new` takes its place, on the same side of the same instrument (ITCH U).
    ///
    /// # Errors
    /// The old reference is unknown, and nothing was done; or the new order was refused as in [`Books::add`], and the
    /// old one is gone all the same.
    pub fn replace(
        &mut self,
        old: u64,
        new: u64,
        price: i64,
        size: u32,
    ) -> Result<Replaced, Refusal> {
        let old = self.delete(old)?;
        let new = self.add(old.instrument, new, old.side, price, size)?;
        Ok(Replaced { old, new })
    }

    /// An order has another price or size from now on (DBN M). One that is unknown is added, and counted.
    ///
    /// # Errors
    /// The order was refused as in [`Books::add`]; what rested under its reference is gone.
    pub fn modify(
        &mut self,
        instrument: u32,
        reference: u64,
        side: Side,
        price: i64,
        size: u32,
    ) -> Result<Touched, Refusal> {
        if self.remove(reference).is_none() {
            self.counters.count(Refusal::UnknownReference);
        }
        self.add(instrument, reference, side, price, size)
    }

    /// Removes all orders of an instrument, in a pass over all orders.
    pub fn clear(&mut self, instrument: u32) {
        if self.levels.best(instrument) != Bbo::default() {
            self.orders.remove_levels(|level| self.levels.of(level).0 == instrument);
            self.levels.clear(instrument);
        }
    }

    /// The best level of each side, in constant time. Empty for an instrument that never had an order.
    #[must_use]
    pub fn best(&self, instrument: u32) -> Bbo {
        self.levels.best(instrument)
    }

    /// What rests at a price.
    #[must_use]
    pub fn level(&self, instrument: u32, side: Side, price: i64) -> Option<Level> {
        self.levels.at(instrument, side, price)
    }

    /// One side of an instrument from the best level on.
    pub fn levels(&self, instrument: u32, side: Side) -> impl Iterator<Item = &Level> {
        self.levels.iter(instrument, side)
    }

    /// All live orders with their references, in an order that depends on nothing but the operations so far.
    pub fn orders(&self) -> impl Iterator<Item = (u64, Order)> + '_ {
        self.orders.iter().map(|(reference, resting)| {
            let (instrument, side, price) = self.levels.of(resting.level);
            (reference, Order { price, size: resting.size, instrument, side })
        })
    }

    /// How many orders are live.
    #[must_use]
    pub fn len(&self) -> usize {
        self.orders.len()
    }

    /// Whether no order is live.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What did not fit so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    #[inline]
    fn try_add(
        &mut self,
        instrument: u32,
        reference: u64,
        side: Side,
        price: i64,
        size: u32,
    ) -> Result<Touched, Refusal> {
        if size == 0 {
            return Err(Refusal::ZeroSize);
        }
        if instrument >= INSTRUMENTS_MAX {
            return Err(Refusal::Full);
        }
        let vacancy = self.orders.vacancy(reference)?;
        let level = self.levels.add(instrument, side, price, size);
        self.orders.fill(vacancy, Resting { level, size });
        Ok(Touched { instrument, side, price, size, left: size })
    }

    fn reduce(&mut self, reference: u64, size: u32) -> Result<Touched, Refusal> {
        let Some(before) = self.orders.reduce(reference, size) else {
            return Err(self.refuse(Refusal::UnknownReference));
        };
        if size > before.size {
            self.counters.excess_sizes += 1;
        }
        Ok(self.settle(before, size.min(before.size)))
    }

    fn remove(&mut self, reference: u64) -> Option<Touched> {
        let before = self.orders.remove(reference)?;
        Some(self.settle(before, before.size))
    }

    /// Takes `size` of the order `before` from its level.
    #[inline]
    fn settle(&mut self, before: Resting, size: u32) -> Touched {
        let left = before.size - size;
        let (instrument, side, price) = self.levels.reduce(before.level, size, left == 0);
        Touched { instrument, side, price, size, left }
    }

    fn refuse(&mut self, refusal: Refusal) -> Refusal {
        self.counters.count(refusal);
        refusal
    }
}

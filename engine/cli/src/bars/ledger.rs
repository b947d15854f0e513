//! The books of an event's instrument and what is kept of them, changed together.
//!
//! 1. What is kept is what the books hold, after every operation. An order or a level for which the state has no room is
//!    taken back, and counted as one that was refused at a bound.
//! 2. Everything that does not fit is counted for the event's instrument.

use tidewire_feeds::Side;
use tidewire_feeds::book::{Books, Counters, DepthBook, Refusal, Touched};

use super::kept::{Kept, LevelKey, NoRoom, OrderKey, OrderRecord};

/// The books that hold an instrument's orders: see the module.
pub(super) struct Ledger<'a> {
    pub(super) books: &'a mut Books,
    /// The instrument of all orders, if the books are of one alone: there its number is zero.
    pub(super) only: Option<u32>,
    /// The event's.
    pub(super) counters: &'a mut Counters,
    pub(super) kept: Option<&'a mut Kept>,
}

impl Ledger<'_> {
    /// A new order of the instrument that the books call `own`.
    #[inline]
    pub(super) fn add(&mut self, own: u32, reference: u64, side: Side, price: i64, size: u32) {
        if let Err(refusal) = self.try_add(own, reference, side, price, size) {
            self.counters.count(refusal);
        }
    }

    /// `size` of an order is gone.
    #[inline]
    pub(super) fn reduce(&mut self, reference: u64, size: u32) -> Option<Touched> {
        let touched = self.counted(|books| books.execute(reference, size))?;
        self.counters.excess_sizes += u64::from(size > touched.size);
        let key = self.key(touched.instrument, reference);
        if let Some(kept) = &mut self.kept {
            match touched {
                Touched { left: 0, .. } => kept.remove_order(&key),
                Touched { size: 0, .. } => {}
                Touched { left, .. } => kept.resize_order(&key, left),
            }
        }
        Some(touched)
    }

    /// An order is gone.
    #[inline]
    pub(super) fn delete(&mut self, reference: u64) -> Option<Touched> {
        let touched = self.counted(|books| books.delete(reference))?;
        let key = self.key(touched.instrument, reference);
        if let Some(kept) = &mut self.kept {
            kept.remove_order(&key);
        }
        Some(touched)
    }

    /// All orders of the instrument are gone.
    pub(super) fn clear(&mut self, own: u32) {
        if let Some(kept) = &mut self.kept {
            let instrument = self.only.unwrap_or(own);
            for (reference, _) in self.books.orders().filter(|(_, order)| order.instrument == own) {
                kept.remove_order(&OrderKey { instrument, reference });
            }
        }
        self.books.clear(own);
    }

    fn try_add(
        &mut self,
        own: u32,
        reference: u64,
        side: Side,
        price: i64,
        size: u32,
    ) -> Result<(), Refusal> {
        self.books.add(own, reference, side, price, size)?;
        let key = self.key(own, reference);
        if let Some(kept) = &mut self.kept
            && let Err(NoRoom) = kept.put_order(&key, OrderRecord::new(side, price, size))
        {
            self.books.delete(reference)?;
            return Err(Refusal::Full);
        }
        Ok(())
    }

    #[inline]
    fn counted<T>(&mut self, change: impl FnOnce(&mut Books) -> Result<T, Refusal>) -> Option<T> {
        change(self.books).inspect_err(|refusal| self.counters.count(*refusal)).ok()
    }

    #[inline]
    fn key(&self, own: u32, reference: u64) -> OrderKey {
        OrderKey { instrument: self.only.unwrap_or(own), reference }
    }
}

/// A level of an instrument's book has `size` from now on.
pub(super) fn set_level(
    book: &mut DepthBook,
    key: &LevelKey,
    size: u64,
    counters: &mut Counters,
    kept: Option<&mut Kept>,
) {
    let before = match book.set(key.side, key.price, size) {
        Ok(before) => before,
        Err(refusal) => return counters.count(refusal),
    };
    let Some(kept) = kept.filter(|_| before != size) else { return };
    if size == 0 {
        kept.remove_level(key);
    } else if let Err(NoRoom) = kept.put_level(key, size) {
        let _ = book.set(key.side, key.price, 0);
        counters.count(Refusal::Full);
    }
}

/// All levels of an instrument's book are gone.
pub(super) fn clear_levels(book: &mut DepthBook, instrument: u32, kept: Option<&mut Kept>) {
    if let Some(kept) = kept {
        for side in [Side::Buy, Side::Sell] {
            for level in book.levels(side) {
                kept.remove_level(&LevelKey { instrument, side, price: level.price });
            }
        }
    }
    book.clear();
}

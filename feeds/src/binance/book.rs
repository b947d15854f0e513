//! The book of one symbol ("How to manage a local order book correctly").
//!
//! 1. A snapshot starts the book. Changes that are wholly in it are passed over.
//! 2. The first that is not must leave no change out: its `pu`, or on spot its `U` - 1, is in the snapshot. From then on
//!    that number must be the `u` of the one before it.
//! 3. One that does not follow ends the book: what it holds is no longer known, until the next snapshot.

use super::message::{Depth, PriceLevel};
use crate::book::{Bbo, DepthBook, Level, Refusal};
use crate::side::Side;

/// A book.
#[derive(Debug, Default)]
pub struct Book {
    levels: DepthBook,
    chain: Chain,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Chain {
    /// There is no book.
    #[default]
    Unknown,
    /// A snapshot with the changes up to this number.
    Snapshot(u64),
    /// Changes up to this number.
    Changes(u64),
}

/// Where a change stands in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// It comes next: it is to be applied.
    Next,
    /// It is part of the snapshot.
    Old,
    /// There is no book: a snapshot must come first, and may be behind this change.
    NoBook,
    /// It does not follow: changes behind this number are missing, and the book is gone.
    Broken {
        /// The last change of the book.
        last: u64,
    },
}

impl Book {
    /// Starts the book afresh, with the changes up to `last_update_id` in it; its levels are to be applied.
    pub fn restart(&mut self, last_update_id: u64) {
        self.levels.clear();
        self.chain = Chain::Snapshot(last_update_id);
    }

    /// Where `depth` stands in the chain. Where it comes next, its levels are to be applied.
    pub fn follow(&mut self, depth: &Depth<'_>) -> Followed {
        let (first, last) = (depth.first_update_id, depth.last_update_id);
        let is_spot = depth.previous_update_id.is_none();
        let previous = depth.previous_update_id.unwrap_or(first.saturating_sub(1));
        let (before, follows) = match self.chain {
            Chain::Unknown => return Followed::NoBook,
            Chain::Snapshot(at) if last < at || is_spot && last == at => return Followed::Old,
            Chain::Snapshot(at) => (at, previous <= at),
            Chain::Changes(at) => (at, previous == at),
        };
        if follows {
            self.chain = Chain::Changes(last);
            return Followed::Next;
        }
        self.levels.clear();
        self.chain = Chain::Unknown;
        Followed::Broken { last: before }
    }

    /// Sets levels of a side; a quantity of 0 removes one.
    ///
    /// # Errors
    /// [`Refusal::Full`], as in [`DepthBook::set`].
    pub fn apply(&mut self, side: Side, levels: &[PriceLevel]) -> Result<(), Refusal> {
        for level in levels {
            self.levels.set(side, level.price, level.quantity.unsigned_abs())?;
        }
        Ok(())
    }

    /// Ends the book, until the next snapshot.
    pub fn end(&mut self) {
        self.levels.clear();
        self.chain = Chain::Unknown;
    }

    /// The best level of each side.
    #[must_use]
    pub fn best(&self) -> Bbo {
        self.levels.best()
    }

    /// One side from the best level on.
    pub fn levels(&self, side: Side) -> impl ExactSizeIterator<Item = &Level> {
        self.levels.levels(side)
    }
}

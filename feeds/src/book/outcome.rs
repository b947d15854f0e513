//! What an operation on the books did, or why it did nothing.

use std::ops::AddAssign;

use crate::side::Side;

/// The order that an operation touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Touched {
    /// The number that the caller gave the instrument.
    pub instrument: u32,
    /// Which side the order rests, or rested, on.
    pub side: Side,
    /// The order's own price. An execution at another price (ITCH C) does not change it.
    pub price: i64,
    /// How much was added, or taken away.
    pub size: u32,
    /// How much still rests. Zero: the order is gone.
    pub left: u32,
}

/// An order that took another's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Replaced {
    /// What went.
    pub old: Touched,
    /// What came.
    pub new: Touched,
}

/// Why an operation did nothing. Each is counted in [`Counters`]: a feed that was joined late, or lost packets, is
/// full of these, and goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// No live order has this reference.
    #[error("no live order has this reference")]
    UnknownReference,
    /// A live order already has the reference of the order to be added.
    #[error("a live order already has this reference")]
    DuplicateReference,
    /// An order can not be added, nor modified, to rest with a size of zero.
    #[error("an order of size zero can not rest")]
    ZeroSize,
    /// A bound of [`limits`](super::limits) is reached.
    #[error("a bound of the books is reached")]
    Full,
}

/// What did not fit, since the books were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Operations on references that no live order has, a modification that was taken as an add included.
    pub unknown_references: u64,
    /// Adds refused because their reference was live.
    pub duplicate_references: u64,
    /// Executions and cancels of more than was left, taken as of what was left.
    pub excess_sizes: u64,
    /// Orders of size zero refused.
    pub zero_sizes: u64,
    /// Orders refused at a bound.
    pub refused_at_bound: u64,
}

impl AddAssign for Counters {
    fn add_assign(&mut self, other: Self) {
        self.unknown_references += other.unknown_references;
        self.duplicate_references += other.duplicate_references;
        self.excess_sizes += other.excess_sizes;
        self.zero_sizes += other.zero_sizes;
        self.refused_at_bound += other.refused_at_bound;
    }
}

impl Counters {
    /// One refusal more.
    pub fn count(&mut self, refusal: Refusal) {
        let counter = match refusal {
            Refusal::UnknownReference => &mut self.unknown_references,
            Refusal::DuplicateReference => &mut self.duplicate_references,
            Refusal::ZeroSize => &mut self.zero_sizes,
            Refusal::Full => &mut self.refused_at_bound,
        };
        *counter += 1;
    }
}

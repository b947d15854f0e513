//! What a window computes.

use tidewire_event::{Header, Record};

use crate::window::Window;

/// A user's aggregate: lift an event into a partial result, combine partial results, lower one into the answer.
///
/// `combine` must be associative. What else an aggregate offers decides how it is computed:
///
/// - nothing more: panes are combined, and rolling windows are kept in a tree of partial results;
/// - an inverse ([`HAS_INVERSE`](Self::HAS_INVERSE)): a window that moves on takes in what enters and removes what leaves;
/// - a need of order ([`IS_ORDERED`](Self::IS_ORDERED)): [`InOrder`](crate::in_order::InOrder) stands before the operator,
///   which the typed API insists on.
///
/// Without a need of order, partial results are combined in the order in which their events arrived. One that depends on
/// event time all the same (first, last) keeps the times that it needs.
pub trait Aggregate {
    /// An event.
    type In;
    /// A partial result, kept in the shard's tables and in snapshots.
    type Partial: Record;
    /// The answer.
    type Out;

    /// Whether [`remove`](Self::remove) undoes [`combine`](Self::combine), exactly: so it is for whole numbers, and not
    /// for floating point.
    const HAS_INVERSE: bool = false;

    /// Whether partial results may only be combined in the order of their events' times.
    const IS_ORDERED: bool = false;

    /// The partial result of one event.
    fn lift(&self, header: &Header, event: &Self::In) -> Self::Partial;

    /// The partial result of two, of which `later` arrived after `earlier`.
    fn combine(&self, earlier: &Self::Partial, later: &Self::Partial) -> Self::Partial;

    /// What is left of `whole` without `part`, which was combined into it: called only where there is an inverse.
    fn remove(&self, whole: &Self::Partial, part: &Self::Partial) -> Self::Partial {
        let _ = part;
        *whole
    }

    /// The answer for a window.
    fn lower(&self, window: Window, partial: &Self::Partial) -> Self::Out;

    /// Takes an event into a partial result. Write it where that is cheaper than to lift and combine.
    #[inline]
    fn insert(&self, partial: &mut Self::Partial, header: &Header, event: &Self::In) {
        *partial = self.combine(partial, &self.lift(header, event));
    }
}

//! What a window computes.

use tidewire_event::{Header, Record};

use crate::window::Window;

/// A user's aggregate: lift an event into a partial result, combine partial results, lower one into the answer.
///
/// `combine` must be associative. Events of a key stand in the order (event time, arrival), and a partial result
/// that depends on it (first, last) keeps the times that it needs to put them there: they are combined in the order
/// of their arrival.
pub trait Aggregate {
    /// An event.
    type In;
    /// A partial result, kept in the shard's tables and in snapshots.
    type Partial: Record;
    /// The answer.
    type Out;

    /// The partial result of one event.
    fn lift(&self, header: &Header, event: &Self::In) -> Self::Partial;

    /// The partial result of two, of which `later` arrived after `earlier`.
    fn combine(&self, earlier: &Self::Partial, later: &Self::Partial) -> Self::Partial;

    /// The answer for a window.
    fn lower(&self, window: Window, partial: &Self::Partial) -> Self::Out;

    /// Takes an event into a partial result. Write it where that is cheaper than to lift and combine.
    #[inline]
    fn insert(&self, partial: &mut Self::Partial, header: &Header, event: &Self::In) {
        *partial = self.combine(partial, &self.lift(header, event));
    }
}

//! Which operators another can go on from.

use tidewire_event::{Key, Place, Record};
use zerocopy::Unaligned;

use crate::aggregate::Aggregate;
use crate::in_order::InOrder;
use crate::in_turn::InTurn;
use crate::keyed_window::KeyedWindow;
use crate::operator::Operator;
use crate::process::{Process, Processed};
use crate::rolling::RollingComplete;
use crate::session_window::SessionWindow;

/// An operator whose rows come in the order of their times, and those of a key and a time in the order of their places.
pub trait Sequential: Operator {
    /// Where a row stands among those of its key and time: at the place of the event that it is of.
    fn place(row: &Self::Row) -> Place;
}

/// A key has one result for each end of a window.
fn only() -> Place {
    Place::new(0, 0)
}

impl<K: Key, F: Fn(&A::In) -> K, A: Aggregate<In: Copy>> Sequential for KeyedWindow<K, F, A> {
    fn place(_: &Self::Row) -> Place {
        only()
    }
}

impl<K: Key, F: Fn(&A::In) -> K, A> Sequential for SessionWindow<K, F, A>
where
    A: Aggregate<In: Copy, Partial: Unaligned>,
{
    fn place(_: &Self::Row) -> Place {
        only()
    }
}

impl<K: Key, F: Fn(&A::In) -> K, A> Sequential for RollingComplete<K, F, A>
where
    A: Aggregate<In: Record + Unaligned, Partial: Unaligned>,
{
    fn place(row: &Self::Row) -> Place {
        row.place
    }
}

impl<E: Copy> Sequential for InTurn<E> {
    fn place(row: &Self::Row) -> Place {
        row.place
    }
}

impl<K: Key, F: Fn(&O::In) -> K, O> Sequential for InOrder<K, F, O>
where
    O: Sequential<Late = <O as Operator>::In, In: Record + Unaligned>,
{
    fn place(row: &O::Row) -> Place {
        O::place(row)
    }
}

impl<P: Process, O: Sequential<In = P::Out>> Sequential for Processed<P, O> {
    fn place(row: &O::Row) -> Place {
        O::place(row)
    }
}

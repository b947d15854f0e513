//! Events as they are, each a result of its time: with [`InOrder`](crate::in_order::InOrder) in front, what goes out is the
//! input in the order of time.
//!
//! 1. Events come in the order of their times. One of time `ts` leaves at once as a row at `ts + 1`, just behind it.
//! 2. When the watermark is at w no event up to w is to come, so rows up to w + 1 are complete.
//! 3. A row says where its event stood in the input: (time, place) is an order of all rows, on any number of shards.

use std::marker::PhantomData;

use tidewire_event::time::{WATERMARK_END, WATERMARK_NONE};
use tidewire_event::{Header, Place};
use tidewire_state::Durable;

use crate::operator::{Operator, Output};
use crate::window::Tumbling;

/// An event in its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InTurnRow<E> {
    /// Its time.
    pub ts: i64,
    /// Its place in the input.
    pub place: Place,
    /// The event.
    pub event: E,
}

/// The operator: see the module. It keeps nothing; what waits is before it.
#[derive(Debug)]
pub struct InTurn<E> {
    watermark: i64,
    event: PhantomData<fn(E)>,
}

impl<E> InTurn<E> {
    /// The operator before its first event.
    #[must_use]
    pub fn new() -> Self {
        Self { watermark: WATERMARK_NONE, event: PhantomData }
    }
}

impl<E> Default for InTurn<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Durable for InTurn<E> {}

impl<E: Copy> Operator for InTurn<E> {
    type In = E;
    type Row = InTurnRow<E>;
    type Late = E;

    #[inline]
    fn event(&mut self, header: &Header, event: &E, out: &mut impl Output<InTurnRow<E>, E>) {
        let Header { ts, watermark, place, due } = *header;
        if ts <= watermark && watermark > WATERMARK_NONE {
            return out.late(header, *event);
        }
        out.row(ts.saturating_add(1), due, InTurnRow { ts, place, event: *event });
    }

    #[inline]
    fn watermark(&mut self, watermark: i64, _: i64) {
        self.watermark = watermark;
    }

    fn grid(&self) -> Option<Tumbling> {
        None
    }

    #[inline]
    fn is_firing(&self) -> bool {
        false
    }

    fn fire(&mut self, _: &mut impl Output<InTurnRow<E>, E>) {}

    #[inline]
    fn complete_to(&self) -> i64 {
        self.closed_to(self.watermark)
    }

    /// The events of the last two times share the last row time, so it is complete at the end alone.
    #[inline]
    fn closed_to(&self, watermark: i64) -> i64 {
        match watermark {
            WATERMARK_NONE | WATERMARK_END => watermark,
            watermark => watermark.saturating_add(1).min(WATERMARK_END - 1),
        }
    }
}

#[cfg(test)]
mod tests;

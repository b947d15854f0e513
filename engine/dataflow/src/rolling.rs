//! Rolling aggregation by key: one result for each event, over a frame that ends at the event (SQL: `OVER`).
//!
//! 1. A frame is a range of time or a number of rows. A range has both its ends in it, and all events of the current
//!    event's time, as in Flink. Rows stand in the order (event time, place in the input).
//! 2. *On arrival* ([`RollingOnArrival`]): an event takes its place in the order of time, and its result leaves at once,
//!    over what has arrived by then. It is not corrected by what comes later. An event at or behind the watermark that
//!    travels with it is late.
//! 3. *Complete* ([`RollingComplete`]): events come in order, as [`InOrder`](crate::in_order::InOrder) in front of it
//!    gives them. The result of a range waits until time moves on, because events of the same time belong to it; the
//!    result of rows does not.
//! 4. Events are kept as partial results, in [`timeline`]s, as long as an event that may still come can need them. An
//!    event costs a constant while its key's events come in order, and else a logarithm, whatever a frame holds.

mod ask;
mod complete;
mod frame;
mod on_arrival;
mod records;
mod timeline;
mod tree;

pub use complete::RollingComplete;
pub use on_arrival::RollingOnArrival;

use tidewire_event::{Header, Place};

use crate::aggregate::Aggregate;
use crate::window::Window;

/// Which events of its key a result is over, beside the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// Those at most so many ns before it, and those of its own time. A negative number counts as zero.
    Range(i64),
    /// So many before it: a moving average over three rows has two `preceding`.
    Rows {
        /// How many.
        preceding: u64,
    },
}

/// The result of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RollingRow<E, V> {
    /// The event's time.
    pub ts: i64,
    /// Its place in the input.
    pub place: Place,
    /// The event.
    pub event: E,
    /// What the aggregate gave for the frame that ends at it.
    pub value: V,
}

impl Frame {
    fn not_negative(self) -> Self {
        match self {
            Self::Range(ns) => Self::Range(ns.max(0)),
            frame => frame,
        }
    }

    /// The first time of the range that ends at `ts`.
    #[inline(always)]
    fn start(self, ts: i64) -> Option<i64> {
        match self {
            Self::Range(ns) => Some(ts.saturating_sub(ns)),
            Self::Rows { .. } => None,
        }
    }

    /// The first time that a range can begin with when all that end at `passed` or before are done.
    #[inline(always)]
    fn floor(self, passed: i64) -> Option<i64> {
        self.start(passed.saturating_add(1))
    }
}

/// Lowers a frame into a result.
#[inline]
fn row<A: Aggregate>(
    aggregate: &A,
    header: &Header,
    event: A::In,
    framed: &frame::Framed<A::Partial>,
) -> RollingRow<A::In, A::Out> {
    let Header { ts, place, .. } = *header;
    let window = Window { start: framed.start, end: ts.saturating_add(1) };
    RollingRow { ts, place, event, value: aggregate.lower(window, &framed.partial) }
}

#[cfg(test)]
mod tests;

//! One operator behind another on the same shard: rows of the first are events of the second.
//!
//! 1. A row at time `at` becomes an event of time `at - 1`: the last time of its window, as Flink's `window_time`. What the
//!    first has emitted completely is the second's watermark, so none of its events is late.
//! 2. Both work by the same keys: the key of an event that a row becomes is in the key group of the row's.
//! 3. What the second sends at once, early or on arrival, leaves as a row of the time of what made it. What the first sends
//!    at once has no time, and the second can not take it back when it is corrected: it goes out as late.
//! 4. The epoch of a barrier ends for the second behind the rows that the first has closed by then. Of those some may
//!    still have to be emitted: the second is frozen when it has all of them, before it is given another.
//! 5. What goes on from a snapshot drops the rows that the first emits again: the second has them.
//!
//! The second may be a chain itself, and so on.

mod sequential;

pub use sequential::Sequential;

use tidewire_event::time::{NOT_DUE, WATERMARK_END, WATERMARK_NONE};
use tidewire_event::{Header, Place};
use tidewire_state::{Arena, CaptureTurn, Durable, Image, LayoutMismatch, Log};

use crate::operator::{Operator, Output};
use crate::split::Split;
use crate::window::Tumbling;

/// What a chain could not take in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChainLate<A, R, B> {
    /// An event that came too late for the first operator.
    First(A),
    /// A result that the first has sent at once.
    AtOnce(R),
    /// What the second calls late: a chain as the second has such things too.
    Second(B),
}

/// The operator: see the module.
#[derive(Debug)]
pub struct Then<A, G, B> {
    first: A,
    map: G,
    second: Second<B>,
    watermark: i64,
    due: i64,
    /// The second has the first's rows up to this time, from before the snapshot that it goes on from.
    taken_to: i64,
    complete_to: i64,
}

impl<A: Sequential, G: Fn(&A::Row) -> B::In, B: Operator> Then<A, G, B> {
    /// `first`, each row of which `map` makes an event of `second`. Their state must be in two
    /// [`arenas`](Self::arenas).
    pub fn new(first: A, map: G, second: B) -> Self {
        let (passed, now_at) = (WATERMARK_NONE, WATERMARK_NONE);
        Self {
            first,
            map,
            second: Second { operator: second, passed, now_at, cut: None },
            watermark: WATERMARK_NONE,
            due: NOT_DUE,
            taken_to: WATERMARK_NONE,
            complete_to: WATERMARK_NONE,
        }
    }

    /// The second takes note of how far the first has come.
    fn settle(&mut self) {
        if !self.second.operator.is_firing() {
            if let Some(cut) = self.second.cut.filter(|cut| self.has_emitted(cut.to)) {
                self.second.freeze(cut, self.due);
            }
            // A row's time is its end: of a watermark w, the first has no row up to w + 1 to come when it has done firing.
            let watermark = match self.first.is_firing() {
                true => self.first.complete_to().saturating_sub(1),
                false => self.watermark,
            };
            self.second.pass(watermark, self.due);
        }
        let to = match self.second.operator.is_firing() {
            true => self.second.operator.complete_to().min(self.second.passed),
            false => after(self.second.passed),
        };
        self.complete_to = self.complete_to.max(to);
    }
}

impl<A: Operator, G, B> Then<A, G, B> {
    /// Whether the first has emitted all rows up to a time.
    fn has_emitted(&self, to: i64) -> bool {
        !self.first.is_firing() || self.first.complete_to() >= to
    }
}

impl<A, G, B> Then<A, G, B> {
    /// The arenas of the first and the second, in that of the chain: see [`Split::arenas`].
    #[must_use]
    pub fn arenas(arena: &Arena) -> [Arena; 2] {
        Split::<(), A, B>::arenas(arena)
    }
}

/// The second operator, and where it stands.
#[derive(Debug)]
struct Second<B> {
    operator: B,
    /// The watermark that it has been told of.
    passed: i64,
    /// The time of what it sends at once while it fires.
    now_at: i64,
    /// Where its epoch ends, if it has not yet.
    cut: Option<Cut>,
}

/// The end of an epoch: behind the rows up to a time, which the watermark had closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cut {
    to: i64,
    watermark: i64,
}

impl<B: Operator> Second<B> {
    fn pass(&mut self, watermark: i64, due: i64) {
        if watermark > self.passed {
            self.passed = watermark;
            self.fires_from(after(watermark), |operator| operator.watermark(watermark, due));
        }
    }

    /// Does something after which it may fire; what it then sends at once has the time `at`.
    #[inline]
    fn fires_from(&mut self, at: i64, change: impl FnOnce(&mut B)) {
        let was_firing = self.operator.is_firing();
        change(&mut self.operator);
        if !was_firing && self.operator.is_firing() {
            self.now_at = at;
        }
    }

    /// Closes the epoch: it has all rows up to the cut and no other.
    fn freeze(&mut self, cut: Cut, due: i64) {
        self.cut = None;
        self.pass(cut.watermark, due);
        self.operator.freeze();
    }
}

/// The time just behind a watermark. The last time of all is behind the end alone.
fn after(watermark: i64) -> i64 {
    match watermark {
        WATERMARK_NONE | WATERMARK_END => watermark,
        watermark => watermark.saturating_add(1).min(WATERMARK_END - 1),
    }
}

/// The first's output: the second's input.
struct Link<'a, G, B, P, O> {
    map: &'a G,
    second: &'a mut Second<B>,
    taken_to: i64,
    place: P,
    /// What the first works on.
    at: Header,
    out: &'a mut O,
}

/// The second's output. What leaves at once has the time `at`.
struct At<'a, O, F> {
    at: i64,
    out: &'a mut O,
    late: F,
}

impl<G, B, P, O, R, L> Output<R, L> for Link<'_, G, B, P, O>
where
    G: Fn(&R) -> B::In,
    B: Operator,
    P: Fn(&R) -> Place,
    O: Output<B::Row, ChainLate<L, R, B::Late>>,
{
    #[inline]
    fn row(&mut self, at: i64, due: i64, row: R) {
        if at <= self.taken_to {
            return;
        }
        let Self { map, second, place, out, .. } = self;
        if let Some(cut) = second.cut.filter(|cut| at > cut.to) {
            second.freeze(cut, due);
        }
        let (ts, watermark) = (at.saturating_sub(1), second.passed);
        let header = Header { ts, watermark, place: place(&row), due };
        let event = map(&row);
        second.fires_from(at, |operator| {
            operator.event(
                &header,
                &event,
                &mut At { at, out: &mut **out, late: ChainLate::Second },
            );
        });
    }

    #[cold]
    fn now(&mut self, due: i64, row: R) {
        let header = Header { due, ..self.at };
        self.out.late(&header, ChainLate::AtOnce(row));
    }

    #[cold]
    fn corrected(&mut self, _: i64, due: i64, row: R) {
        self.now(due, row);
    }

    fn late(&mut self, header: &Header, late: L) {
        self.out.late(header, ChainLate::First(late));
    }

    fn refused(&mut self, header: &Header) {
        self.out.refused(header);
    }
}

impl<O, F, R, L, L2> Output<R, L> for At<'_, O, F>
where
    O: Output<R, L2>,
    F: Fn(L) -> L2,
{
    #[inline]
    fn row(&mut self, at: i64, due: i64, row: R) {
        self.out.row(at, due, row);
    }

    #[inline]
    fn now(&mut self, due: i64, row: R) {
        self.out.row(self.at, due, row);
    }

    #[inline]
    fn corrected(&mut self, _: i64, due: i64, row: R) {
        self.now(due, row);
    }

    fn late(&mut self, header: &Header, late: L) {
        self.out.late(header, (self.late)(late));
    }

    fn refused(&mut self, header: &Header) {
        self.out.refused(header);
    }
}

impl<A, G, B> Operator for Then<A, G, B>
where
    A: Sequential,
    G: Fn(&A::Row) -> B::In,
    B: Operator,
{
    type In = A::In;
    type Row = B::Row;
    type Late = ChainLate<A::Late, A::Row, B::Late>;

    #[inline]
    fn event(
        &mut self,
        header: &Header,
        event: &A::In,
        out: &mut impl Output<Self::Row, Self::Late>,
    ) {
        let Self { first, map, second, taken_to, .. } = self;
        let (taken_to, place) = (*taken_to, A::place);
        first.event(header, event, &mut Link { map, second, taken_to, place, at: *header, out });
    }

    #[inline]
    fn watermark(&mut self, watermark: i64, due: i64) {
        (self.watermark, self.due) = (watermark, due);
        self.first.watermark(watermark, due);
        self.settle();
    }

    fn resume(&mut self, watermark: i64) {
        self.watermark = watermark;
        self.first.resume(watermark);
        self.taken_to = self.closed_to(watermark);
        self.second.passed = watermark;
        self.second.fires_from(after(watermark), |operator| operator.resume(watermark));
        self.settle();
    }

    /// A source need tell of the first's ends only: where the second has ends between them, its rows leave at the next.
    fn grid(&self) -> Option<Tumbling> {
        self.first.grid()
    }

    #[inline]
    fn is_firing(&self) -> bool {
        self.first.is_firing() || self.second.operator.is_firing()
    }

    /// The second is done with what it has before the first gives it more.
    fn fire(&mut self, out: &mut impl Output<Self::Row, Self::Late>) {
        let Self { first, map, second, taken_to, .. } = self;
        if second.operator.is_firing() {
            second.operator.fire(&mut At { at: second.now_at, out, late: ChainLate::Second });
        } else {
            let (ts, watermark) = (second.passed, second.passed);
            let at = Header { ts, watermark, place: Place::new(0, 0), due: NOT_DUE };
            first.fire(&mut Link { map, second, taken_to: *taken_to, place: A::place, at, out });
        }
        self.settle();
    }

    #[inline]
    fn complete_to(&self) -> i64 {
        self.complete_to
    }

    fn closed_to(&self, watermark: i64) -> i64 {
        self.first.closed_to(watermark).max(after(watermark))
    }
}

impl<A: Operator, G, B: Operator> Durable for Then<A, G, B> {
    fn freeze(&mut self) {
        self.first.freeze();
        let to = self.first.closed_to(self.watermark).max(after(self.watermark));
        let cut = Cut { to, watermark: self.watermark };
        match self.has_emitted(to) {
            true => self.second.freeze(cut, self.due),
            false => self.second.cut = Some(cut),
        }
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        let mut turn = CaptureTurn::new(records);
        turn.next(|records| self.first.capture(records, log));
        if self.second.cut.is_some() {
            return false;
        }
        turn.next(|records| self.second.operator.capture(records, log));
        turn.is_done()
    }

    fn give_up(&mut self) {
        self.first.give_up();
        // What is not frozen by now is part of the next epoch.
        if self.second.cut.take().is_none() {
            self.second.operator.give_up();
        }
    }

    fn overflowed(&self) -> bool {
        self.first.overflowed() || self.second.operator.overflowed()
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        self.first.restore(image)?;
        self.second.operator.restore(image)
    }
}

#[cfg(test)]
mod tests;

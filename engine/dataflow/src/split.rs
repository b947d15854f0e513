//! Two operators side by side: events for which a predicate holds go to one, all others to the other.
//!
//! 1. Each keeps its state under a number of its own, so their tables do not clash: see [`arenas`](Split::arenas).
//! 2. A row's time is its end: when the watermark is at w, no row up to w + 1 is to come, from either. So one is as
//!    complete as the other, as long as neither has rows to fire, however coarse its windows are.
//!
//! A side output of events as they are is a split with a [`PassThrough`] on one side.

use std::marker::PhantomData;

use tidewire_event::time::{WATERMARK_END, WATERMARK_NONE};
use tidewire_event::{Either, Header};
use tidewire_state::{Arena, CaptureTurn, Durable, Image, LayoutMismatch, Log};

use crate::operator::{Operator, Output};
use crate::window::Tumbling;

/// The operator: see the module.
#[derive(Debug)]
pub struct Split<P, A, B> {
    predicate: P,
    left: A,
    right: B,
    /// Nothing up to this is to come.
    closed_to: i64,
    complete_to: i64,
}

impl<P, A: Operator, B: Operator> Split<P, A, B> {
    /// Events for which `predicate` holds go to `left`, others to `right`. Their state must be in two [`arenas`](Self::arenas).
    pub fn new(predicate: P, left: A, right: B) -> Self {
        let (closed_to, complete_to) = (WATERMARK_NONE, WATERMARK_NONE);
        Self { predicate, left, right, closed_to, complete_to }
    }

    fn complete(&mut self) {
        let of = |is_firing, complete_to| if is_firing { complete_to } else { self.closed_to };
        let left = of(self.left.is_firing(), self.left.complete_to());
        let right = of(self.right.is_firing(), self.right.complete_to());
        // An operator that begins to fire says how far it was complete by itself.
        self.complete_to = self.complete_to.max(left.min(right));
    }
}

impl<P, A, B> Split<P, A, B> {
    /// The arenas of left and right, in that of the split. Splits stand in each other up to 15 deep.
    #[must_use]
    pub fn arenas(arena: &Arena) -> [Arena; 2] {
        let left = arena.operator.saturating_mul(2).saturating_add(1);
        debug_assert!(left < u16::MAX, "splits in splits");
        [left, left.saturating_add(1)].map(|operator| arena.of_operator(operator))
    }
}

/// The output of one of the two, inside of both.
struct Side<'o, O, F, G> {
    out: &'o mut O,
    row: F,
    late: G,
}

impl<O, F, G, R, L, R2, L2> Output<R, L> for Side<'_, O, F, G>
where
    O: Output<R2, L2>,
    F: Fn(R) -> R2,
    G: Fn(L) -> L2,
{
    #[inline]
    fn row(&mut self, at: i64, due: i64, row: R) {
        self.out.row(at, due, (self.row)(row));
    }

    #[inline]
    fn now(&mut self, due: i64, row: R) {
        self.out.now(due, (self.row)(row));
    }

    fn corrected(&mut self, at: i64, due: i64, row: R) {
        self.out.corrected(at, due, (self.row)(row));
    }

    fn late(&mut self, header: &Header, late: L) {
        self.out.late(header, (self.late)(late));
    }

    fn refused(&mut self, header: &Header) {
        self.out.refused(header);
    }
}

impl<P, A, B> Operator for Split<P, A, B>
where
    P: Fn(&A::In) -> bool,
    A: Operator,
    B: Operator<In = A::In>,
{
    type In = A::In;
    type Row = Either<A::Row, B::Row>;
    type Late = Either<A::Late, B::Late>;

    #[inline]
    fn event(
        &mut self,
        header: &Header,
        event: &A::In,
        out: &mut impl Output<Self::Row, Self::Late>,
    ) {
        if (self.predicate)(event) {
            let mut out = Side { out, row: Either::Left, late: Either::Left };
            self.left.event(header, event, &mut out);
        } else {
            let mut out = Side { out, row: Either::Right, late: Either::Right };
            self.right.event(header, event, &mut out);
        }
    }

    #[inline]
    fn watermark(&mut self, watermark: i64, due: i64) {
        self.left.watermark(watermark, due);
        self.right.watermark(watermark, due);
        self.closed_to = self.closed_to(watermark);
        self.complete();
    }

    fn resume(&mut self, watermark: i64) {
        self.left.resume(watermark);
        self.right.resume(watermark);
        self.closed_to = self.closed_to(watermark);
        self.complete();
    }

    fn grid(&self) -> Option<Tumbling> {
        self.left.grid().filter(|grid| self.right.grid() == Some(*grid))
    }

    #[inline]
    fn is_firing(&self) -> bool {
        self.left.is_firing() || self.right.is_firing()
    }

    fn fire(&mut self, out: &mut impl Output<Self::Row, Self::Late>) {
        // The one that is behind comes first.
        let left_is_behind = self.left.complete_to() <= self.right.complete_to();
        if self.left.is_firing() && (left_is_behind || !self.right.is_firing()) {
            self.left.fire(&mut Side { out, row: Either::Left, late: Either::Left });
        } else {
            self.right.fire(&mut Side { out, row: Either::Right, late: Either::Right });
        }
        self.complete();
    }

    #[inline]
    fn complete_to(&self) -> i64 {
        self.complete_to
    }

    fn closed_to(&self, watermark: i64) -> i64 {
        self.left.closed_to(watermark).max(self.right.closed_to(watermark))
    }
}

impl<P, A: Durable, B: Durable> Durable for Split<P, A, B> {
    fn freeze(&mut self) {
        self.left.freeze();
        self.right.freeze();
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        let mut turn = CaptureTurn::new(records);
        turn.next(|records| self.left.capture(records, log));
        turn.next(|records| self.right.capture(records, log));
        turn.is_done()
    }

    fn give_up(&mut self) {
        self.left.give_up();
        self.right.give_up();
    }

    fn overflowed(&self) -> bool {
        self.left.overflowed() || self.right.overflowed()
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        self.left.restore(image)?;
        self.right.restore(image)
    }
}

/// Events that leave at once, as they are.
#[derive(Debug)]
pub struct PassThrough<E> {
    is_ended: bool,
    event: PhantomData<fn(E)>,
}

impl<E> PassThrough<E> {
    /// The operator before its first event.
    #[must_use]
    pub fn new() -> Self {
        Self { is_ended: false, event: PhantomData }
    }
}

impl<E> Default for PassThrough<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Durable for PassThrough<E> {}

/// None of its rows waits for a time, so it need not say how far it is complete before the end.
impl<E: Copy> Operator for PassThrough<E> {
    type In = E;
    type Row = E;
    type Late = E;

    #[inline]
    fn event(&mut self, header: &Header, event: &E, out: &mut impl Output<E, E>) {
        out.now(header.due, *event);
    }

    #[inline]
    fn watermark(&mut self, watermark: i64, _: i64) {
        self.is_ended = watermark == WATERMARK_END;
    }

    fn grid(&self) -> Option<Tumbling> {
        None
    }

    #[inline]
    fn is_firing(&self) -> bool {
        false
    }

    fn fire(&mut self, _: &mut impl Output<E, E>) {}

    #[inline]
    fn complete_to(&self) -> i64 {
        if self.is_ended { WATERMARK_END } else { WATERMARK_NONE }
    }

    #[inline]
    fn closed_to(&self, watermark: i64) -> i64 {
        if watermark == WATERMARK_END { WATERMARK_END } else { WATERMARK_NONE }
    }
}

#[cfg(test)]
mod tests;

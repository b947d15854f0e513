//! A stage: an operator, and what becomes of its results.

use std::marker::PhantomData;

use tidewire_dataflow::{Operator, Output, Tumbling};
use tidewire_event::Header;
use tidewire_state::{Durable, Image, LayoutMismatch, Log};

use super::post::Give;
use super::shape::{Emitted, RowOf, Shape};

/// An operator, with what makes rows of its results.
#[derive(Debug)]
pub(crate) struct Staged<S, O, G> {
    operator: O,
    give: G,
    shape: PhantomData<fn() -> S>,
}

impl<S, O, G> Staged<S, O, G> {
    pub(crate) fn new(operator: O, give: G) -> Self {
        Self { operator, give, shape: PhantomData }
    }
}

/// The operator's output, inside of the stage's.
struct Giving<'a, S, G, O> {
    give: &'a mut G,
    out: &'a mut O,
    shape: PhantomData<fn() -> S>,
}

impl<'a, S, G, O> Giving<'a, S, G, O> {
    #[inline(always)]
    fn new(give: &'a mut G, out: &'a mut O) -> Self {
        Self { give, out, shape: PhantomData }
    }
}

impl<S, G, O, R> Output<R, RowOf<S>> for Giving<'_, S, G, O>
where
    S: Shape,
    G: Give<S, R>,
    O: Output<Emitted<S>, RowOf<S>>,
{
    #[inline]
    fn row(&mut self, at: i64, due: i64, row: R) {
        let Self { give, out, .. } = self;
        give.give(at, row, &mut |row| out.row(at, due, row));
    }

    #[inline]
    fn now(&mut self, due: i64, row: R) {
        let Self { give, out, .. } = self;
        give.give(0, row, &mut |row| out.now(due, row));
    }

    fn corrected(&mut self, at: i64, due: i64, row: R) {
        let Self { give, out, .. } = self;
        give.give(at, row, &mut |row| out.corrected(at, due, row));
    }

    fn late(&mut self, header: &Header, late: RowOf<S>) {
        self.out.late(header, late);
    }

    fn refused(&mut self, header: &Header) {
        self.out.refused(header);
    }
}

impl<S, O, G> Operator for Staged<S, O, G>
where
    S: Shape,
    O: Operator<In = RowOf<S>, Late = RowOf<S>>,
    G: Give<S, O::Row>,
{
    type In = RowOf<S>;
    type Row = Emitted<S>;
    type Late = RowOf<S>;

    #[inline]
    fn event(
        &mut self,
        header: &Header,
        row: &RowOf<S>,
        out: &mut impl Output<Emitted<S>, RowOf<S>>,
    ) {
        self.operator.event(header, row, &mut Giving::new(&mut self.give, out));
    }

    #[inline]
    fn watermark(&mut self, watermark: i64, due: i64) {
        self.operator.watermark(watermark, due);
    }

    fn resume(&mut self, watermark: i64) {
        self.operator.resume(watermark);
    }

    fn grid(&self) -> Option<Tumbling> {
        self.operator.grid()
    }

    #[inline]
    fn is_firing(&self) -> bool {
        self.operator.is_firing()
    }

    fn fire(&mut self, out: &mut impl Output<Emitted<S>, RowOf<S>>) {
        self.operator.fire(&mut Giving::new(&mut self.give, out));
    }

    #[inline]
    fn complete_to(&self) -> i64 {
        self.operator.complete_to()
    }

    fn closed_to(&self, watermark: i64) -> i64 {
        self.operator.closed_to(watermark)
    }
}

impl<S, O: Durable, G> Durable for Staged<S, O, G> {
    fn freeze(&mut self) {
        self.operator.freeze();
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        self.operator.capture(records, log)
    }

    fn give_up(&mut self) {
        self.operator.give_up();
    }

    fn overflowed(&self) -> bool {
        self.operator.overflowed()
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        self.operator.restore(image)
    }
}

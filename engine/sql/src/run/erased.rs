//! Operators behind a pointer: what a plan puts together when the job starts.
//!
//! 1. A virtual call for an event, and one for each result: the operator between them is compiled for its shape.
//! 2. All take rows and give rows of one type, so any can stand behind any other.

use tidewire_dataflow::{ChainLate, Operator, Output, Sequential, Then, Tumbling};
use tidewire_event::{Header, Place};
use tidewire_state::{Durable, Image, LayoutMismatch, Log, Section, TableId};

use super::shape::{Emitted, RowOf, Shape};

/// Where an erased operator's results and late rows go.
pub(crate) type DynOutput<'o, S> = dyn Output<Emitted<S>, RowOf<S>> + 'o;

/// An [`Operator`] that can be a trait object.
pub(crate) trait Erased<S: Shape>: Send {
    fn event(&mut self, header: &Header, row: &RowOf<S>, out: &mut DynOutput<'_, S>);
    fn watermark(&mut self, watermark: i64, due: i64);
    fn resume(&mut self, watermark: i64);
    fn grid(&self) -> Option<Tumbling>;
    fn is_firing(&self) -> bool;
    fn fire(&mut self, out: &mut DynOutput<'_, S>);
    fn complete_to(&self) -> i64;
    fn closed_to(&self, watermark: i64) -> i64;
    fn freeze(&mut self);
    fn capture(&mut self, records: usize, log: &mut dyn Log) -> bool;
    fn give_up(&mut self);
    fn overflowed(&self) -> bool;
    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch>;
}

impl<S: Shape, O> Erased<S> for O
where
    O: Operator<In = RowOf<S>, Row = Emitted<S>, Late = RowOf<S>> + Send,
{
    #[inline]
    fn event(&mut self, header: &Header, row: &RowOf<S>, out: &mut DynOutput<'_, S>) {
        Operator::event(self, header, row, &mut Out(out));
    }

    fn watermark(&mut self, watermark: i64, due: i64) {
        Operator::watermark(self, watermark, due);
    }

    fn resume(&mut self, watermark: i64) {
        Operator::resume(self, watermark);
    }

    fn grid(&self) -> Option<Tumbling> {
        Operator::grid(self)
    }

    fn is_firing(&self) -> bool {
        Operator::is_firing(self)
    }

    fn fire(&mut self, out: &mut DynOutput<'_, S>) {
        Operator::fire(self, &mut Out(out));
    }

    fn complete_to(&self) -> i64 {
        Operator::complete_to(self)
    }

    fn closed_to(&self, watermark: i64) -> i64 {
        Operator::closed_to(self, watermark)
    }

    fn freeze(&mut self) {
        Durable::freeze(self);
    }

    fn capture(&mut self, records: usize, log: &mut dyn Log) -> bool {
        Durable::capture(self, records, &mut DynLog(log))
    }

    fn give_up(&mut self) {
        Durable::give_up(self);
    }

    fn overflowed(&self) -> bool {
        Durable::overflowed(self)
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        Durable::restore(self, image)
    }
}

/// An output behind a pointer.
struct Out<'a, 'o, S: Shape>(&'a mut DynOutput<'o, S>);

impl<S: Shape> Output<Emitted<S>, RowOf<S>> for Out<'_, '_, S> {
    #[inline]
    fn row(&mut self, at: i64, due: i64, row: Emitted<S>) {
        self.0.row(at, due, row);
    }

    #[inline]
    fn now(&mut self, due: i64, row: Emitted<S>) {
        self.0.now(due, row);
    }

    fn corrected(&mut self, at: i64, due: i64, row: Emitted<S>) {
        self.0.corrected(at, due, row);
    }

    fn late(&mut self, header: &Header, late: RowOf<S>) {
        self.0.late(header, late);
    }

    fn refused(&mut self, header: &Header) {
        self.0.refused(header);
    }
}

/// A log behind a pointer.
struct DynLog<'l>(&'l mut dyn Log);

impl Log for DynLog<'_> {
    fn entries(&mut self, section: &Section, entry_bytes: usize, entries: &[u8]) -> usize {
        self.0.entries(section, entry_bytes, entries)
    }

    fn dropped(&mut self, id: TableId) -> bool {
        self.0.dropped(id)
    }
}

/// An erased operator as an [`Operator`].
pub(crate) struct Boxed<S>(pub(crate) Box<dyn Erased<S>>);

impl<S: Shape> Boxed<S> {
    pub(crate) fn new<O>(operator: O) -> Self
    where
        O: Operator<In = RowOf<S>, Row = Emitted<S>, Late = RowOf<S>> + Send + 'static,
    {
        Self(Box::new(operator))
    }
}

impl<S> std::fmt::Debug for Boxed<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Boxed").finish_non_exhaustive()
    }
}

impl<S: Shape> Operator for Boxed<S> {
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
        self.0.event(header, row, out);
    }

    #[inline]
    fn watermark(&mut self, watermark: i64, due: i64) {
        self.0.watermark(watermark, due);
    }

    fn resume(&mut self, watermark: i64) {
        self.0.resume(watermark);
    }

    fn grid(&self) -> Option<Tumbling> {
        self.0.grid()
    }

    #[inline]
    fn is_firing(&self) -> bool {
        self.0.is_firing()
    }

    fn fire(&mut self, out: &mut impl Output<Emitted<S>, RowOf<S>>) {
        self.0.fire(out);
    }

    #[inline]
    fn complete_to(&self) -> i64 {
        self.0.complete_to()
    }

    fn closed_to(&self, watermark: i64) -> i64 {
        self.0.closed_to(watermark)
    }
}

impl<S: Shape> Durable for Boxed<S> {
    fn freeze(&mut self) {
        self.0.freeze();
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        self.0.capture(records, log)
    }

    fn give_up(&mut self) {
        self.0.give_up();
    }

    fn overflowed(&self) -> bool {
        self.0.overflowed()
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        self.0.restore(image)
    }
}

/// A plan puts another stage only behind one whose rows come in the order of their times.
impl<S: Shape> Sequential for Boxed<S> {
    fn place(row: &Emitted<S>) -> Place {
        row.place
    }
}

/// The row that the next stage takes.
type Taken<S> = fn(&Emitted<S>) -> RowOf<S>;

/// Two stages, one behind the other.
#[derive(Debug)]
pub(crate) struct Chained<S: Shape>(Then<Boxed<S>, Taken<S>, Boxed<S>>);

impl<S: Shape> Chained<S> {
    pub(crate) fn new(first: Boxed<S>, second: Boxed<S>) -> Self {
        Self(Then::new(first, |emitted| emitted.row, second))
    }
}

/// The output of a chain: what is late is a row, whatever it was late for.
struct ChainOut<'o, O>(&'o mut O);

impl<S: Shape, O> Output<Emitted<S>, ChainLate<RowOf<S>, Emitted<S>, RowOf<S>>> for ChainOut<'_, O>
where
    O: Output<Emitted<S>, RowOf<S>>,
{
    #[inline]
    fn row(&mut self, at: i64, due: i64, row: Emitted<S>) {
        self.0.row(at, due, row);
    }

    fn now(&mut self, due: i64, row: Emitted<S>) {
        self.0.now(due, row);
    }

    fn corrected(&mut self, at: i64, due: i64, row: Emitted<S>) {
        self.0.corrected(at, due, row);
    }

    fn late(&mut self, header: &Header, late: ChainLate<RowOf<S>, Emitted<S>, RowOf<S>>) {
        let row = match late {
            ChainLate::First(row) | ChainLate::Second(row) => row,
            ChainLate::AtOnce(emitted) => emitted.row,
        };
        self.0.late(header, row);
    }

    fn refused(&mut self, header: &Header) {
        self.0.refused(header);
    }
}

impl<S: Shape> Operator for Chained<S> {
    type In = RowOf<S>;
    type Row = Emitted<S>;
    type Late = RowOf<S>;

    fn event(
        &mut self,
        header: &Header,
        row: &RowOf<S>,
        out: &mut impl Output<Emitted<S>, RowOf<S>>,
    ) {
        self.0.event(header, row, &mut ChainOut(out));
    }

    fn watermark(&mut self, watermark: i64, due: i64) {
        self.0.watermark(watermark, due);
    }

    fn resume(&mut self, watermark: i64) {
        self.0.resume(watermark);
    }

    fn grid(&self) -> Option<Tumbling> {
        self.0.grid()
    }

    fn is_firing(&self) -> bool {
        self.0.is_firing()
    }

    fn fire(&mut self, out: &mut impl Output<Emitted<S>, RowOf<S>>) {
        self.0.fire(&mut ChainOut(out));
    }

    fn complete_to(&self) -> i64 {
        self.0.complete_to()
    }

    fn closed_to(&self, watermark: i64) -> i64 {
        self.0.closed_to(watermark)
    }
}

impl<S: Shape> Durable for Chained<S> {
    fn freeze(&mut self) {
        self.0.freeze();
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        self.0.capture(records, log)
    }

    fn give_up(&mut self) {
        self.0.give_up();
    }

    fn overflowed(&self) -> bool {
        self.0.overflowed()
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        self.0.restore(image)
    }
}

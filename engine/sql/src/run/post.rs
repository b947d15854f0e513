//! What becomes of a stage's results: rows of the next stage, or of an output.

use std::marker::PhantomData;
use std::sync::Arc;

use tidewire_dataflow::{InTurnRow, RollingRow, Stage as When, Window, WindowRow};
use tidewire_event::{DataType, Place, RowLayout, RowWriter, Slot, hash_of};
use zerocopy::{IntoBytes, Unaligned};

use super::faults::Faults;
use super::making::Maker;
use super::shape::{Emitted, RowOf, Shape};
use crate::aggregates::calls::Calls;
use crate::code::SEGMENTS;
use crate::error::SqlError;

/// Makes rows of a result.
#[derive(Debug, Clone)]
pub(crate) struct Post<S> {
    makers: Vec<Maker>,
    output: u16,
    faults: Arc<Faults>,
    shape: PhantomData<fn() -> S>,
}

impl<S: Shape> Post<S> {
    pub(crate) fn new(makers: Vec<Maker>, output: u16, faults: &Arc<Faults>) -> Self {
        Self { makers, output, faults: faults.clone(), shape: PhantomData }
    }

    /// Makes the rows of a result of time `at`, and gives them to `send`.
    #[inline]
    fn make(
        &self,
        input: [&[u8]; SEGMENTS],
        key: &S::Key,
        place: Place,
        at: i64,
        send: &mut impl FnMut(Emitted<S>),
    ) {
        for maker in &self.makers {
            match maker.make::<S>(input, Some(key)) {
                Ok(Some(row)) => send(Emitted { output: self.output, place, row }),
                Ok(None) => {}
                Err(fault) => self.faults.of_result(at, *fault),
            }
        }
    }
}

/// Turns what an operator gives into rows behind the stage.
pub(crate) trait Give<S: Shape, R> {
    /// Gives what is made of a row of time `at`.
    fn give(&mut self, at: i64, row: R, send: &mut impl FnMut(Emitted<S>));
}

/// Rows as they are.
#[derive(Debug)]
pub(crate) struct AsItIs<S> {
    pub(crate) post: Post<S>,
}

impl<S: Shape> Give<S, RowOf<S>> for AsItIs<S> {
    #[inline]
    fn give(&mut self, at: i64, row: RowOf<S>, send: &mut impl FnMut(Emitted<S>)) {
        let input = [row.columns.as_bytes(), &[], &[]];
        self.post.make(input, &row.key, Place::new(0, 0), at, send);
    }
}

impl<S: Shape> Give<S, InTurnRow<RowOf<S>>> for AsItIs<S> {
    #[inline]
    fn give(&mut self, at: i64, row: InTurnRow<RowOf<S>>, send: &mut impl FnMut(Emitted<S>)) {
        let input = [row.event.columns.as_bytes(), &[], &[]];
        self.post.make(input, &row.event.key, row.place, at, send);
    }
}

/// Bytes for texts and lists in results, beside what the partial results have.
const RESULT_TEXT_BYTES: usize = 256;

/// What aggregates come to.
#[derive(Debug)]
struct Lowering {
    calls: Calls,
    faults: Arc<Faults>,
    row: Vec<u8>,
}

impl Lowering {
    fn new(calls: &Calls, faults: &Arc<Faults>) -> Self {
        // A list as a value takes at most as much again for each of its items as it takes in a partial result.
        let bytes = calls.layout().fixed_bytes() + 2 * calls.bytes() + RESULT_TEXT_BYTES;
        Self { calls: calls.clone(), faults: faults.clone(), row: vec![0; bytes] }
    }

    #[inline]
    fn lower(&mut self, window: Window, partial: &[u8]) {
        self.calls.lower(partial, window, &mut self.row, &self.faults);
    }
}

/// Results of windows: the key, what the aggregates come to, and the window.
#[derive(Debug)]
pub(crate) struct Windowed<S> {
    lowering: Lowering,
    window: WindowRowWriter,
    window_row: Vec<u8>,
    /// Only results before the end of the window.
    early: bool,
    post: Post<S>,
}

/// Writes a window as a row of its start and end.
#[derive(Debug, Clone)]
pub(crate) struct WindowRowWriter {
    layout: RowLayout,
    slots: [Slot; 2],
}

impl WindowRowWriter {
    pub(crate) fn new() -> Result<Self, SqlError> {
        let time = DataType::Timestamp(9);
        let layout = super::making::layout([(&time, false), (&time, false)])?;
        let slots = [layout.slots()[0], layout.slots()[1]];
        Ok(Self { layout, slots })
    }

    pub(crate) fn layout(&self) -> &RowLayout {
        &self.layout
    }

    /// Writes the row of a window.
    pub(crate) fn write_to(&self, window: Window, row: &mut Vec<u8>) {
        row.resize(self.layout.fixed_bytes(), 0);
        let mut writer = RowWriter::new(row, &self.layout);
        writer.int(&self.slots[0], window.start);
        writer.int(&self.slots[1], window.end);
    }
}

impl<S: Shape> Windowed<S> {
    pub(crate) fn new(
        calls: &Calls,
        window: &WindowRowWriter,
        early: bool,
        post: Post<S>,
        faults: &Arc<Faults>,
    ) -> Self {
        let (lowering, window) = (Lowering::new(calls, faults), window.clone());
        Self { lowering, window, window_row: Vec::new(), early, post }
    }
}

impl<S: Shape, P: IntoBytes + zerocopy::Immutable + Unaligned> Give<S, WindowRow<S::Key, P>>
    for Windowed<S>
{
    fn give(&mut self, at: i64, row: WindowRow<S::Key, P>, send: &mut impl FnMut(Emitted<S>)) {
        let WindowRow { window, key, value, stage } = row;
        if self.early && stage != When::Early {
            return;
        }
        self.lowering.lower(window, value.as_bytes());
        self.window.write_to(window, &mut self.window_row);
        let input = [&key.as_bytes()[S::PREFIX..], &self.lowering.row, &self.window_row];
        // Results of one time stand in an order that is the same on any number of shards.
        let place = Place::from_bits(hash_of(&key));
        self.post.make(input, &key, place, at, send);
    }
}

/// Results of `OVER`: the row, and what the aggregates come to.
#[derive(Debug)]
pub(crate) struct Rolled<S> {
    lowering: Lowering,
    post: Post<S>,
}

impl<S: Shape> Rolled<S> {
    pub(crate) fn new(calls: &Calls, post: Post<S>, faults: &Arc<Faults>) -> Self {
        Self { lowering: Lowering::new(calls, faults), post }
    }
}

impl<S: Shape, P: IntoBytes + zerocopy::Immutable + Unaligned> Give<S, RollingRow<RowOf<S>, P>>
    for Rolled<S>
{
    #[inline]
    fn give(&mut self, at: i64, row: RollingRow<RowOf<S>, P>, send: &mut impl FnMut(Emitted<S>)) {
        let RollingRow { ts, place, event, value } = row;
        let window = Window { start: ts, end: ts.saturating_add(1) };
        self.lowering.lower(window, value.as_bytes());
        let input = [event.columns.as_bytes(), &self.lowering.row, &[]];
        self.post.make(input, &event.key, place, at, send);
    }
}

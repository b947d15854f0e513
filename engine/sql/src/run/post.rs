//! What becomes of a stage's results: rows of the next stage, or of an output.

use std::marker::PhantomData;
use std::sync::Arc;

use tidewire_dataflow::{InTurnRow, RollingRow, Stage as When, Window, WindowRow};
use tidewire_event::{DataType, Place, RowLayout, hash_of};
use zerocopy::{IntoBytes, Unaligned};

use super::faults::Faults;
use super::making::Maker;
use super::shape::{Emitted, Row, RowOf, Shape};
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
        input: &[&[u8]; SEGMENTS],
        key: &S::Key,
        place: Place,
        at: i64,
        send: &mut impl FnMut(Emitted<S>),
    ) {
        for maker in &self.makers {
            let mut made = Emitted { output: self.output, place, row: Row::empty() };
            match maker.make::<S>(input, Some(key), &mut made.row) {
                Ok(true) => send(made),
                Ok(false) => {}
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
        let input = &[row.columns.as_bytes(), &[], &[]];
        self.post.make(input, &row.key, Place::new(0, 0), at, send);
    }
}

impl<S: Shape> Give<S, InTurnRow<RowOf<S>>> for AsItIs<S> {
    #[inline]
    fn give(&mut self, at: i64, row: InTurnRow<RowOf<S>>, send: &mut impl FnMut(Emitted<S>)) {
        let input = &[row.event.columns.as_bytes(), &[], &[]];
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
        let texts =
            if calls.layout().has_tail() { 2 * calls.bytes() + RESULT_TEXT_BYTES } else { 0 };
        let bytes = calls.layout().fixed_bytes() + texts;
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
    /// Only results before the end of the window.
    early: bool,
    post: Post<S>,
}

/// A window as a row of its start and end.
#[derive(Debug, Clone)]
pub(crate) struct WindowLayout {
    layout: RowLayout,
}

impl WindowLayout {
    pub(crate) fn new() -> Result<Self, SqlError> {
        let time = DataType::Timestamp(9);
        let layout = super::making::layout([(&time, false), (&time, false)])?;
        Ok(Self { layout })
    }

    pub(crate) fn layout(&self) -> &RowLayout {
        &self.layout
    }

    /// The row of a window: two numbers, neither of which may be NULL.
    #[inline]
    pub(crate) fn row_of(window: Window) -> [u8; 16] {
        let mut row = [0; 16];
        row[..8].copy_from_slice(&window.start.to_le_bytes());
        row[8..].copy_from_slice(&window.end.to_le_bytes());
        row
    }
}

impl<S: Shape> Windowed<S> {
    pub(crate) fn new(calls: &Calls, early: bool, post: Post<S>, faults: &Arc<Faults>) -> Self {
        Self { lowering: Lowering::new(calls, faults), early, post }
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
        let window_row = WindowLayout::row_of(window);
        let input: &[&[u8]; SEGMENTS] =
            &[&key.as_bytes()[S::PREFIX..], &self.lowering.row, &window_row];
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
        let input: &[&[u8]; SEGMENTS] = &[event.columns.as_bytes(), &self.lowering.row, &[]];
        self.post.make(input, &event.key, place, at, send);
    }
}

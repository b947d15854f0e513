//! How a row is written: one step for a column, or for several that are copied at once.

use tidewire_event::{Repr, RowLayout, RowWriter, Slot};

use crate::code::{Code, Env, SEGMENTS};
use crate::compile::{Compiler, Place};
use crate::error::{Span, SqlError};
use crate::expr::Expr;

/// Numbers that are moved one by one; more of them are one copy.
const MOVES_AT_ONCE: usize = 4;

/// A number of the input as it is: 8 bytes, of which nothing is to be known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Move {
    segment: u16,
    from: u16,
    /// Which row it goes to.
    row: u16,
    to: u16,
}

/// A NULL bit of the input as it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct NullMove {
    segment: u16,
    from: u16,
    row: u16,
    to: u16,
}

impl Move {
    /// Writes the number; nothing where a row is too short.
    #[inline(always)]
    pub(super) fn run(&self, input: &[&[u8]; SEGMENTS], outputs: &mut [&mut [u8]]) {
        let from = input.get(usize::from(self.segment));
        let number = from.and_then(|row| row.get(usize::from(self.from)..)?.first_chunk::<8>());
        let to = outputs.get_mut(usize::from(self.row));
        let to = to.and_then(|row| row.get_mut(usize::from(self.to)..)?.first_chunk_mut::<8>());
        if let (Some(number), Some(to)) = (number, to) {
            *to = *number;
        }
    }
}

impl NullMove {
    /// Writes the bit; nothing where a row is too short.
    #[inline(always)]
    pub(super) fn run(&self, input: &[&[u8]; SEGMENTS], outputs: &mut [&mut [u8]]) {
        let from = input.get(usize::from(self.segment));
        let from = from.and_then(|row| row.get(usize::from(self.from >> 3)));
        let to = outputs.get_mut(usize::from(self.row));
        let to = to.and_then(|row| row.get_mut(usize::from(self.to >> 3)));
        if let (Some(from), Some(to)) = (from, to) {
            *to |= (from >> (self.from & 7) & 1) << (self.to & 7);
        }
    }
}

/// How a row is written: the numbers that are moved, and the steps for all else.
#[derive(Debug, Default)]
pub(super) struct Steps {
    pub(super) moves: Vec<Move>,
    pub(super) nulls: Vec<NullMove>,
    pub(super) rest: Vec<Step>,
}

/// A step: see the module.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A slot as it lies in the input, or several that lie one behind the other in both rows, none of them a text. The slot
    /// of a NULL is zero there, and so it is here.
    Copy { segment: usize, from: usize, to: u16, bytes: usize },
    /// A text of the input as it is.
    Text { place: Place, slot: Slot, column: Column },
    /// A column that is computed.
    Compute { code: Code, slot: Slot, column: Column },
}

/// Which column of the output it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// Its number, from 1.
    number: usize,
    at: Span,
}

/// The steps of row `row` of `columns`.
pub(super) fn plan(
    row: usize,
    columns: &[Expr],
    layout: &RowLayout,
    compiler: &Compiler<'_>,
) -> Result<Steps, SqlError> {
    let mut steps = Steps::default();
    // Columns that may be copied at once.
    let mut copied: Vec<(Place, Slot)> = Vec::new();
    for (index, (expr, slot)) in columns.iter().zip(layout.slots()).enumerate() {
        let column = Column { number: index + 1, at: expr.at };
        let place = compiler.place(expr).filter(|place| place.slot.repr == slot.repr);
        if let Some(place) = place.filter(|_| slot.repr != Repr::Bytes) {
            let goes_on = copied.last().is_some_and(|(last, _)| {
                last.segment == place.segment && end(&last.slot) == place.slot.offset.into()
            });
            if !goes_on {
                flush(row, &mut copied, &mut steps);
            }
            copied.push((place, *slot));
            continue;
        }
        flush(row, &mut copied, &mut steps);
        steps.rest.push(match place {
            Some(place) => Step::Text { place, slot: *slot, column },
            None => Step::Compute { code: compiler.compile(expr)?, slot: *slot, column },
        });
    }
    flush(row, &mut copied, &mut steps);
    Ok(steps)
}

fn end(slot: &Slot) -> usize {
    usize::from(slot.offset) + slot.repr.slot_bytes()
}

/// Adds what writes the columns of `copied`.
fn flush(row: usize, copied: &mut Vec<(Place, Slot)>, steps: &mut Steps) {
    if let ([(first, to), ..], [.., (last, _)]) = (copied.as_slice(), copied.as_slice()) {
        let (segment, row) = (first.segment as u16, row as u16);
        let (from, to) = (first.slot.offset, to.offset);
        let bytes = end(&last.slot) - usize::from(from);
        if bytes.is_multiple_of(8) && bytes / 8 <= MOVES_AT_ONCE {
            let at = (0..bytes as u16).step_by(8);
            steps.moves.extend(at.map(|at| Move { segment, from: from + at, row, to: to + at }));
        } else {
            let from = usize::from(from);
            steps.rest.push(Step::Copy { segment: first.segment, from, to, bytes });
        }
        let null = |(place, to): &(Place, Slot)| {
            let (from, to) = place.slot.null_bit.zip(to.null_bit)?;
            Some(NullMove { segment, from, row, to })
        };
        steps.nulls.extend(copied.iter().filter_map(null));
    }
    copied.clear();
}

impl Step {
    /// Writes its part of the row.
    #[inline]
    pub(super) fn run(&self, env: &Env<'_>, writer: &mut RowWriter<'_>) {
        match self {
            Self::Copy { segment, from, to, bytes } => {
                writer.slots(*to, &env.rows[*segment][*from..][..*bytes]);
            }
            Self::Text { place, slot, column } => {
                let row = env.rows[place.segment];
                match place.slot.is_null(row) {
                    true => writer.null(slot),
                    false => column.text(env, writer, slot, place.slot.text(row)),
                }
            }
            Self::Compute { code, slot, column } => {
                let written = match code {
                    Code::Bool(run) => run(env).map(|value| writer.bool(slot, value)),
                    Code::Int(run) => run(env).map(|value| writer.int(slot, value)),
                    Code::Wide(run) => run(env).map(|value| writer.wide(slot, value)),
                    Code::Float(run) => run(env).map(|value| writer.float(slot, value)),
                    Code::Bytes(run) => run(env).map(|text| column.text(env, writer, slot, text)),
                };
                if written.is_none() {
                    writer.null(slot);
                }
            }
        }
    }
}

impl Column {
    #[inline(always)]
    fn text(&self, env: &Env<'_>, writer: &mut RowWriter<'_>, slot: &Slot, text: &[u8]) {
        if let Err(no_room) = writer.text(slot, text) {
            let Self { number, at } = *self;
            let _: Option<()> = env.fail(at, || {
                format!(
                    "column {number} of the row is {no_room}: a setting of the job can enlarge it"
                )
            });
        }
    }
}

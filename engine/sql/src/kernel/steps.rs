//! How a row is written: one step for a column, or for several that are copied at once.

use tidewire_event::{Repr, RowLayout, RowWriter, Slot};

use crate::code::{Code, Env};
use crate::compile::{Compiler, Place};
use crate::error::{Span, SqlError};
use crate::expr::Expr;

/// A step: see the module.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A slot as it lies in the input, or several that lie one behind the other in both rows, none of them a text. The slot
    /// of a NULL is zero there, and so it is here.
    Copy {
        segment: usize,
        from: usize,
        to: u16,
        bytes: usize,
        /// The NULL bits: slots there, and here.
        nulls: Box<[(Slot, Slot)]>,
    },
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

/// The steps of a row of `columns`.
pub(super) fn plan(
    columns: &[Expr],
    layout: &RowLayout,
    compiler: &Compiler<'_>,
) -> Result<Box<[Step]>, SqlError> {
    let mut steps = Vec::new();
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
                flush(&mut copied, &mut steps);
            }
            copied.push((place, *slot));
            continue;
        }
        flush(&mut copied, &mut steps);
        steps.push(match place {
            Some(place) => Step::Text { place, slot: *slot, column },
            None => Step::Compute { code: compiler.compile(expr)?, slot: *slot, column },
        });
    }
    flush(&mut copied, &mut steps);
    Ok(steps.into())
}

fn end(slot: &Slot) -> usize {
    usize::from(slot.offset) + slot.repr.slot_bytes()
}

/// The step that writes the columns of `copied`.
fn flush(copied: &mut Vec<(Place, Slot)>, steps: &mut Vec<Step>) {
    if let ([(first, to), ..], [.., (last, _)]) = (copied.as_slice(), copied.as_slice()) {
        let has_nulls = |(place, to): &(Place, Slot)| {
            let both = place.slot.null_bit.is_some() && to.null_bit.is_some();
            both.then_some((place.slot, *to))
        };
        let from = usize::from(first.slot.offset);
        steps.push(Step::Copy {
            segment: first.segment,
            from,
            to: to.offset,
            bytes: end(&last.slot) - from,
            nulls: copied.iter().filter_map(has_nulls).collect(),
        });
    }
    copied.clear();
}

impl Step {
    /// Writes its part of the row.
    #[inline]
    pub(super) fn run(&self, env: &Env<'_>, writer: &mut RowWriter<'_>) {
        match self {
            Self::Copy { segment, from, to, bytes, nulls } => {
                let row = env.rows[*segment];
                let slots = &row[*from..][..*bytes];
                // One number is what is copied most often: that is no call.
                match slots.first_chunk::<8>() {
                    Some(number) if slots.len() == 8 => writer.slots(*to, number),
                    _ => writer.slots(*to, slots),
                }
                for (from, to) in nulls {
                    if from.is_null(row) {
                        writer.null(to);
                    }
                }
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

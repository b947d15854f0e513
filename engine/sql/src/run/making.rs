//! From rows to rows: the key and the columns of a stage, or the columns of an output.

use tidewire_event::{DataType, Field, Repr, RowLayout, Slot};
use zerocopy::IntoBytes;

use super::shape::{RowOf, Shape};
use crate::code::{Fault, SEGMENTS};
use crate::error::{Span, SqlError};
use crate::expr::Expr;
use crate::kernel::Kernel;
use crate::plan::Calc;
use crate::session::Session;

/// What rows are made for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'p> {
    /// A stage, with the columns of its key and the others.
    Stage(&'p [Field], &'p [Field]),
    /// An output, with its columns.
    Output(&'p [Field]),
}

/// Makes rows: see the module.
#[derive(Debug, Clone)]
pub(crate) struct Maker {
    kernel: Kernel,
    to_stage: bool,
    /// The columns of a row as they are, which lie as those that are asked for: nothing is to be made but a copy.
    copies: Option<usize>,
    /// Floating-point columns of the key, of which equal values are made equal bytes.
    floats: Vec<Slot>,
}

/// The layout of these columns.
pub(crate) fn layout<'a>(
    columns: impl IntoIterator<Item = (&'a DataType, bool)>,
) -> Result<RowLayout, SqlError> {
    RowLayout::new(columns).map_err(|too_wide| SqlError::new(Span::NONE, too_wide.to_string()))
}

/// The layout of these columns.
pub(crate) fn layout_of(fields: &[Field]) -> Result<RowLayout, SqlError> {
    layout(fields.iter().map(|field| (&field.ty, field.nullable)))
}

/// The expressions as the columns want them, which may have NULL where those have not.
fn conform(exprs: &[Expr], fields: &[Field]) -> Result<Vec<Expr>, SqlError> {
    if exprs.len() != fields.len() {
        let problem = format!("{} values for {} columns", exprs.len(), fields.len());
        return Err(SqlError::new(exprs.first().map_or(Span::NONE, |expr| expr.at), problem));
    }
    let conform = |(expr, field): (&Expr, &Field)| {
        let is_same = expr.ty.repr() == field.ty.repr() && (field.nullable || !expr.nullable);
        let of = |null: bool| if null { "" } else { " NOT NULL" };
        let (found, takes) = (of(expr.nullable), of(field.nullable));
        let problem =
            || format!("column {} takes {}{takes}, not {}{found}", field.name, field.ty, expr.ty);
        match is_same {
            true => Ok(Expr { nullable: field.nullable, ..expr.clone() }),
            false => Err(SqlError::new(expr.at, problem())),
        }
    };
    exprs.iter().zip(fields).map(conform).collect()
}

impl Maker {
    /// Makes rows for `target` by `calc`, of input whose segments have these layouts.
    pub(crate) fn new(
        calc: &Calc,
        target: Target<'_>,
        input: &[&RowLayout],
        session: &Session,
    ) -> Result<Self, SqlError> {
        let filter = calc.filter.as_ref();
        let (key, columns) = match target {
            Target::Stage(key, columns) => {
                (Some(conform(&calc.key, key)?), conform(&calc.columns, columns)?)
            }
            Target::Output(fields) => (None, conform(&calc.columns, fields)?),
        };
        let kernel = match &key {
            Some(key) => Kernel::new(filter, &[key, &columns], input, session)?,
            None => Kernel::new(filter, &[&columns], input, session)?,
        };
        let is_same = |(index, expr): (usize, &Expr)| expr.as_column() == Some(index);
        let made = kernel.outputs().last();
        let copies = (filter.is_none()
            && key.is_none()
            && made == input.first().copied()
            && columns.iter().enumerate().all(is_same))
        .then(|| made.map_or(0, RowLayout::fixed_bytes));
        let of_key = kernel.outputs().first().filter(|_| key.is_some());
        let slots = of_key.map(RowLayout::slots).unwrap_or_default();
        let floats = slots.iter().filter(|slot| matches!(slot.repr, Repr::Float(_)));
        let floats = floats.copied().collect();
        Ok(Self { kernel, to_stage: key.is_some(), copies, floats })
    }

    /// Makes the row of an input in `row`, which is all zero, and says whether the filter keeps it. The prefix of its key
    /// is that of `key`.
    #[inline(always)]
    pub(crate) fn make<S: Shape>(
        &self,
        input: &[&[u8]; SEGMENTS],
        key: Option<&S::Key>,
        row: &mut RowOf<S>,
    ) -> Result<bool, Box<Fault>> {
        if self.copies.is_some() {
            let from = input[0];
            row.as_mut_bytes()[..from.len()].copy_from_slice(from);
            return Ok(true);
        }
        if !self.to_stage {
            return self.kernel.run_on_zeros(input, &mut [row.as_mut_bytes()]);
        }
        let (prefix, made) = row.key.as_mut_bytes().split_at_mut(S::PREFIX);
        if !self.kernel.run_on_zeros(input, &mut [&mut *made, row.columns.as_mut_bytes()])? {
            return Ok(false);
        }
        if let Some(key) = key {
            prefix.copy_from_slice(&key.as_bytes()[..S::PREFIX]);
        }
        for slot in &self.floats {
            canonical(slot, made);
        }
        Ok(true)
    }
}

/// Makes zero without a sign and one NaN of a floating-point column.
fn canonical(slot: &Slot, row: &mut [u8]) {
    let value = slot.float(row);
    let value = if value.is_nan() { f64::NAN } else { value + 0.0 };
    let at = usize::from(slot.offset);
    match slot.repr {
        Repr::Float(4) => row[at..at + 4].copy_from_slice(&(value as f32).to_le_bytes()),
        _ => row[at..at + 8].copy_from_slice(&value.to_le_bytes()),
    }
}

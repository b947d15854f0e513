//! Kernels: a filter and the columns of rows, compiled together.
//!
//! 1. A column that is one of the input as it is, is copied: a number by a move, and more of them that lie one behind the
//!    other in both rows by one copy.
//! 2. What is in the scratch memory lasts until the next row.
//! 3. Faults are asked for once, when the row is done.

mod steps;
#[cfg(test)]
pub(crate) mod tests;

use std::cell::RefCell;

use bumpalo::Bump;
use tidewire_event::{RowLayout, RowWriter};

use crate::code::{Code, Env, Fault, Run, SEGMENTS};
use crate::compile::Compiler;
use crate::error::{Span, SqlError};
use crate::expr::Expr;
use crate::session::Session;
use steps::{Move, NullMove, Step};

/// Makes rows of rows: see the module. A clone has scratch memory of its own.
#[derive(Debug)]
pub struct Kernel {
    program: Program,
    scratch: RefCell<Bump>,
    fault: RefCell<Option<Fault>>,
}

impl Clone for Kernel {
    fn clone(&self) -> Self {
        Self::of(self.program.clone())
    }
}

#[derive(Clone)]
struct Program {
    filter: Option<Run<bool>>,
    /// The numbers and the NULL bits that are as they are in the input, of all rows.
    moves: Box<[Move]>,
    nulls: Box<[NullMove]>,
    /// The other steps of each row; none if no row has one.
    rows: Vec<Box<[Step]>>,
    outputs: Vec<RowLayout>,
    /// The fixed bytes of each segment.
    fixed_bytes: [usize; SEGMENTS],
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program")
            .field("has_filter", &self.filter.is_some())
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl Kernel {
    /// Compiles `filter` and the columns of each of the rows to make, over an input whose segments have the layouts
    /// `input`: its columns are those of the segments, one behind the other.
    ///
    /// # Errors
    /// An expression can not be compiled, or a row is too wide.
    pub fn new(
        filter: Option<&Expr>,
        outputs: &[&[Expr]],
        input: &[&RowLayout],
        session: &Session,
    ) -> Result<Self, SqlError> {
        if input.len() > SEGMENTS {
            let problem = format!("an input of {} segments: at most {SEGMENTS}", input.len());
            return Err(SqlError::new(Span::NONE, problem));
        }
        let compiler = Compiler::new(input, session);
        let filter = match filter.map(|expr| Ok((expr, compiler.compile(expr)?))).transpose()? {
            Some((_, Code::Bool(run))) => Some(run),
            Some((expr, _)) => {
                let problem = format!("a condition is needed, and this is {}", expr.ty);
                return Err(SqlError::new(expr.at, problem));
            }
            None => None,
        };
        let (mut layouts, mut rows) = (Vec::new(), Vec::new());
        let (mut moves, mut nulls) = (Vec::new(), Vec::new());
        for (row, columns) in outputs.iter().enumerate() {
            let at = columns.first().map_or(Span::NONE, |expr| expr.at);
            let layout = RowLayout::new(columns.iter().map(|expr| (&expr.ty, expr.nullable)))
                .map_err(|too_wide| SqlError::new(at, too_wide.to_string()))?;
            let steps = steps::plan(row, columns, &layout, &compiler)?;
            moves.extend(steps.moves);
            nulls.extend(steps.nulls);
            rows.push(steps.rest.into_boxed_slice());
            layouts.push(layout);
        }
        let mut fixed_bytes = [0; SEGMENTS];
        for (bytes, layout) in fixed_bytes.iter_mut().zip(input) {
            *bytes = layout.fixed_bytes();
        }
        if rows.iter().all(|steps| steps.is_empty()) {
            rows.clear();
        }
        let (moves, nulls) = (moves.into(), nulls.into());
        Ok(Self::of(Program { filter, moves, nulls, rows, outputs: layouts, fixed_bytes }))
    }

    fn of(program: Program) -> Self {
        Self { program, scratch: RefCell::default(), fault: RefCell::default() }
    }

    /// The layouts of the rows that it makes.
    #[must_use]
    pub fn outputs(&self) -> &[RowLayout] {
        &self.program.outputs
    }

    /// Makes the rows of `input`, if the filter holds, and says whether it does. Each of `outputs` has the fixed bytes of
    /// its layout at least, and what it has beyond is room for text.
    ///
    /// # Errors
    /// A value can not be computed, or a row has no room for a text.
    pub fn run(
        &self,
        input: [&[u8]; SEGMENTS],
        outputs: &mut [&mut [u8]],
    ) -> Result<bool, Box<Fault>> {
        outputs.iter_mut().for_each(|output| output.fill(0));
        self.run_on_zeros(&input, outputs)
    }

    /// The same, into outputs that are all zero.
    #[inline]
    pub(crate) fn run_on_zeros(
        &self,
        input: &[&[u8]; SEGMENTS],
        outputs: &mut [&mut [u8]],
    ) -> Result<bool, Box<Fault>> {
        let Program { filter, moves, nulls, rows, outputs: layouts, fixed_bytes } = &self.program;
        if input.iter().zip(fixed_bytes).any(|(row, bytes)| row.len() < *bytes) {
            return Err(misfit("a row of the input is shorter than its columns"));
        }
        if outputs.len() != layouts.len()
            || outputs.iter().zip(layouts).any(|(row, layout)| row.len() < layout.fixed_bytes())
        {
            return Err(misfit("the rows to write are not those that were compiled"));
        }
        if (filter.is_some() || !rows.is_empty()) && !self.compute(input, outputs)? {
            return Ok(false);
        }
        moves.iter().for_each(|it| it.run(input, outputs));
        nulls.iter().for_each(|it| it.run(input, outputs));
        Ok(true)
    }

    /// Asks the filter, and takes the steps.
    fn compute(
        &self,
        input: &[&[u8]; SEGMENTS],
        outputs: &mut [&mut [u8]],
    ) -> Result<bool, Box<Fault>> {
        let Program { filter, rows, outputs: layouts, .. } = &self.program;
        if self.scratch.borrow().allocated_bytes() > 0 {
            self.scratch.borrow_mut().reset();
        }
        let scratch = self.scratch.borrow();
        let env = Env { rows: input, scratch: &scratch, fault: &self.fault };
        if let Some(filter) = filter
            && filter(&env) != Some(true)
        {
            return self.checked(false);
        }
        for ((steps, layout), output) in rows.iter().zip(layouts).zip(outputs) {
            let mut writer = RowWriter::on_zeros(output, layout);
            for step in steps {
                step.run(&env, &mut writer);
            }
        }
        self.checked(true)
    }

    /// `holds`, if nothing went wrong.
    #[inline(always)]
    fn checked(&self, holds: bool) -> Result<bool, Box<Fault>> {
        if self.fault.borrow().is_none() { Ok(holds) } else { self.failed(holds) }
    }

    #[cold]
    #[inline(never)]
    fn failed(&self, holds: bool) -> Result<bool, Box<Fault>> {
        self.fault.take().map_or(Ok(holds), |fault| Err(Box::new(fault)))
    }
}

#[cold]
fn misfit(problem: &str) -> Box<Fault> {
    Box::new(Fault { at: Span::NONE, problem: problem.to_owned() })
}

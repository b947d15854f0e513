//! Kernels: a filter and the columns of rows, compiled together.
//!
//! 1. Columns that are copied as they are, and lie one behind the other in both rows, are one copy.
//! 2. What is in the scratch memory lasts until the next row.
//! 3. Faults are asked for once behind the filter, and once behind the row.

use std::cell::RefCell;

use bumpalo::Bump;
use tidewire_event::{RowLayout, RowWriter, Slot};

use crate::code::{Code, Env, Fault, SEGMENTS};
use crate::compile::Compiler;
use crate::error::{Span, SqlError};
use crate::expr::Expr;
use crate::session::Session;

/// Makes rows of rows: see the module. A clone has scratch memory of its own.
#[derive(Debug)]
pub struct Kernel {
    filter: Option<Code>,
    columns: Vec<Vec<Column>>,
    outputs: Vec<RowLayout>,
    /// The fixed bytes of each segment.
    fixed_bytes: [usize; SEGMENTS],
    scratch: RefCell<Bump>,
    fault: RefCell<Option<Fault>>,
}

impl Clone for Kernel {
    fn clone(&self) -> Self {
        Self {
            filter: self.filter.clone(),
            columns: self.columns.clone(),
            outputs: self.outputs.clone(),
            fixed_bytes: self.fixed_bytes,
            scratch: RefCell::default(),
            fault: RefCell::default(),
        }
    }
}

/// How a column of a row is made.
#[derive(Debug, Clone)]
struct Column {
    code: Code,
    slot: Slot,
    at: Span,
    /// Its number, from 1.
    number: usize,
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
        let filter = filter.map(|filter| compiler.compile(filter)).transpose()?;
        let (mut layouts, mut rows) = (Vec::new(), Vec::new());
        for output in outputs {
            let columns = output.iter().map(|expr| (&expr.ty, expr.nullable));
            let at = output.first().map_or(Span::NONE, |expr| expr.at);
            let layout = RowLayout::new(columns)
                .map_err(|too_wide| SqlError::new(at, too_wide.to_string()))?;
            let columns =
                output.iter().zip(layout.slots()).enumerate().map(|(index, (expr, slot))| {
                    let code = compiler.compile(expr)?;
                    Ok(Column { code, slot: *slot, at: expr.at, number: index + 1 })
                });
            rows.push(columns.collect::<Result<_, SqlError>>()?);
            layouts.push(layout);
        }
        let mut fixed_bytes = [0; SEGMENTS];
        for (bytes, layout) in fixed_bytes.iter_mut().zip(input) {
            *bytes = layout.fixed_bytes();
        }
        Ok(Self {
            filter,
            columns: rows,
            outputs: layouts,
            fixed_bytes,
            scratch: RefCell::default(),
            fault: RefCell::default(),
        })
    }

    /// The layouts of the rows that it makes.
    #[must_use]
    pub fn outputs(&self) -> &[RowLayout] {
        &self.outputs
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
        self.scratch.borrow_mut().reset();
        let scratch = self.scratch.borrow();
        let env = Env { rows: input, scratch: &scratch, fault: &self.fault };
        if let Some(Code::Bool(filter)) = &self.filter {
            let holds = filter(&env) == Some(true);
            self.check()?;
            if !holds {
                return Ok(false);
            }
        }
        for ((columns, layout), output) in self.columns.iter().zip(&self.outputs).zip(outputs) {
            let mut writer = RowWriter::new(output, layout);
            for column in columns {
                column.run(&env, &mut writer);
            }
        }
        self.check()?;
        Ok(true)
    }

    fn check(&self) -> Result<(), Box<Fault>> {
        match self.fault.borrow_mut().take() {
            Some(fault) => Err(Box::new(fault)),
            None => Ok(()),
        }
    }
}

impl Column {
    fn run(&self, env: &Env<'_>, writer: &mut RowWriter<'_>) {
        let slot = &self.slot;
        let written = match &self.code {
            Code::Bool(run) => run(env).map(|value| writer.bool(slot, value)),
            Code::Int(run) => run(env).map(|value| writer.int(slot, value)),
            Code::Wide(run) => run(env).map(|value| writer.wide(slot, value)),
            Code::Float(run) => run(env).map(|value| writer.float(slot, value)),
            Code::Bytes(run) => run(env).map(|text| {
                if let Err(no_room) = writer.text(slot, text) {
                    let _: Option<()> = env.fail(self.at, || {
                        format!("column {} is {no_room}: the job's setting of the bytes of a row can be raised", self.number)
                    });
                }
            }),
        };
        if written.is_none() {
            writer.null(slot);
        }
    }
}

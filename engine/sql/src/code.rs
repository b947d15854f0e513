//! Compiled expressions: closures over the bytes of rows, one for each node, each for one representation.
//!
//! 1. What a node needs of its types is settled when it is compiled: at run time it reads its slot or calls its
//!    arguments' closures, and computes.
//! 2. NULL is `None`. A fault (an overflow, a bad cast) is noted in the [`Env`], and the value is NULL from there on: who
//!    runs the code asks for faults once for each row.
//! 3. New texts lie in the scratch memory of the row. Nothing is allocated for a row once that is warm.

use std::cell::RefCell;
use std::sync::Arc;

use bumpalo::Bump;

use crate::error::Span;

/// Pieces of which the input of an expression may be made: a row, or a key beside results beside a window.
pub const SEGMENTS: usize = 3;

/// What code runs on.
#[derive(Debug)]
pub struct Env<'a> {
    /// The input's segments; those that are not used are empty.
    pub rows: &'a [&'a [u8]; SEGMENTS],
    /// Memory for new texts, until the row is done.
    pub scratch: &'a Bump,
    /// The first fault of the row.
    pub fault: &'a RefCell<Option<Fault>>,
}

/// What went wrong in a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {problem}")]
pub struct Fault {
    /// The expression.
    pub at: Span,
    /// What, with the value that it went wrong for.
    pub problem: String,
}

impl<'a> Env<'a> {
    /// Notes a fault, if it is the row's first. The value is `None`.
    #[cold]
    #[inline(never)]
    pub fn fail<T>(&self, at: Span, problem: impl FnOnce() -> String) -> Option<T> {
        self.fault.borrow_mut().get_or_insert_with(|| Fault { at, problem: problem() });
        None
    }

    /// A text in the scratch memory.
    pub fn text(&self, text: &[u8]) -> &'a [u8] {
        self.scratch.alloc_slice_copy(text)
    }

    /// A text to be built in the scratch memory: [`built`] is its bytes.
    pub fn builder(&self) -> bumpalo::collections::Vec<'a, u8> {
        bumpalo::collections::Vec::new_in(self.scratch)
    }

    /// What `write` writes, in the scratch memory.
    pub fn written(
        &self,
        write: impl FnOnce(&mut bumpalo::collections::String<'a>) -> std::fmt::Result,
    ) -> Option<&'a [u8]> {
        let mut text = bumpalo::collections::String::new_in(self.scratch);
        write(&mut text).ok()?;
        Some(built(text.into_bytes()))
    }
}

/// The bytes of a text that was built.
pub fn built(text: bumpalo::collections::Vec<'_, u8>) -> &[u8] {
    text.into_bump_slice()
}

/// Code whose values are `T`.
pub type Run<T> = Arc<dyn for<'a> Fn(&Env<'a>) -> Option<T> + Send + Sync>;

/// Code whose values are bytes.
pub type RunBytes = Arc<dyn for<'a> Fn(&Env<'a>) -> Option<&'a [u8]> + Send + Sync>;

/// The code of an expression, by the representation of its type.
#[derive(Clone)]
pub enum Code {
    /// Of a [`Repr::Bool`](tidewire_event::Repr::Bool).
    Bool(Run<bool>),
    /// Of a [`Repr::Int`](tidewire_event::Repr::Int), which is in the range of its type.
    Int(Run<i64>),
    /// Of a [`Repr::Wide`](tidewire_event::Repr::Wide).
    Wide(Run<i128>),
    /// Of a [`Repr::Float`](tidewire_event::Repr::Float); a FLOAT has been rounded to 32 bits.
    Float(Run<f64>),
    /// Of a [`Repr::Bytes`](tidewire_event::Repr::Bytes).
    Bytes(RunBytes),
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Bool(_) => "Code::Bool",
            Self::Int(_) => "Code::Int",
            Self::Wide(_) => "Code::Wide",
            Self::Float(_) => "Code::Float",
            Self::Bytes(_) => "Code::Bytes",
        })
    }
}

/// Code for integers.
pub fn int(run: impl for<'a> Fn(&Env<'a>) -> Option<i64> + Send + Sync + 'static) -> Code {
    Code::Int(Arc::new(run))
}

/// Code for wide integers.
pub fn wide(run: impl for<'a> Fn(&Env<'a>) -> Option<i128> + Send + Sync + 'static) -> Code {
    Code::Wide(Arc::new(run))
}

/// Code for truth values.
pub fn bool(run: impl for<'a> Fn(&Env<'a>) -> Option<bool> + Send + Sync + 'static) -> Code {
    Code::Bool(Arc::new(run))
}

/// Code for floating point.
pub fn float(run: impl for<'a> Fn(&Env<'a>) -> Option<f64> + Send + Sync + 'static) -> Code {
    Code::Float(Arc::new(run))
}

/// Code for bytes.
pub fn bytes(run: impl for<'a> Fn(&Env<'a>) -> Option<&'a [u8]> + Send + Sync + 'static) -> Code {
    Code::Bytes(Arc::new(run))
}

//! Signatures: what most functions take, in one line, and the code of arguments that may be missing.

use std::ops::RangeInclusive;
use std::sync::Arc;

use bumpalo::collections::Vec as ScratchVec;
use tidewire_event::DataType;

use super::{Binding, Call};
use crate::code::{Env, Run, RunBytes, built};
use crate::error::{Span, SqlError};

/// The most bytes of a text that a function makes.
pub(crate) const TEXT_BYTES_MAX: usize = 1 << 20;

/// What an argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text.
    Text,
    /// A text or BYTES.
    Bytes,
    /// A whole number.
    Int,
    /// A number, which becomes DOUBLE.
    Double,
    /// A truth value.
    Bool,
}

impl Binding<'_> {
    /// Takes arguments of these kinds, of which the first `least` must be there. The result is a `ty`, NULL where an
    /// argument is.
    pub(crate) fn takes(
        &mut self,
        least: usize,
        kinds: &[Kind],
        ty: DataType,
    ) -> Result<(DataType, bool), SqlError> {
        self.count(least..=kinds.len())?;
        for (at, kind) in kinds.iter().take(self.args.len()).enumerate() {
            self.kind_at(at, *kind)?;
        }
        Ok((ty, self.nullable()))
    }

    /// Argument `at` is of this kind.
    pub(crate) fn kind_at(&mut self, at: usize, kind: Kind) -> Result<(), SqlError> {
        match kind {
            Kind::Text => self.text(at),
            Kind::Bytes => self.text_or_bytes(at),
            Kind::Int => self.integer(at),
            Kind::Double => self.double(at),
            Kind::Bool => self.boolean(at),
        }
    }

    /// The same, where the result may be NULL though no argument is.
    pub(crate) fn takes_or_null(
        &mut self,
        least: usize,
        kinds: &[Kind],
        ty: DataType,
    ) -> Result<(DataType, bool), SqlError> {
        Ok((self.takes(least, kinds, ty)?.0, true))
    }

    /// Takes so many texts, and makes a text.
    pub(crate) fn takes_texts(
        &mut self,
        counts: RangeInclusive<usize>,
    ) -> Result<(DataType, bool), SqlError> {
        self.count(counts)?;
        self.texts()?;
        Ok((DataType::String, self.nullable()))
    }

    /// The text that argument `at` is, if it is a constant that is not NULL.
    pub(crate) fn constant_text(&self, at: usize) -> Option<&str> {
        constant_text(self.args.get(at)?)
    }

    /// Where argument `at` stands.
    pub(crate) fn place(&self, at: usize) -> Span {
        self.args.get(at).map_or(self.at, |arg| arg.at)
    }
}

impl Call<'_> {
    /// The code of argument `at`, an integer, or of `other` where it is missing.
    pub(crate) fn int_or(&self, at: usize, other: i64) -> Result<Run<i64>, SqlError> {
        if at < self.codes.len() { self.int(at) } else { Ok(Arc::new(move |_| Some(other))) }
    }

    /// The code of argument `at`, bytes, or of `other` where it is missing.
    pub(crate) fn bytes_or(&self, at: usize, other: &'static [u8]) -> Result<RunBytes, SqlError> {
        if at < self.codes.len() { self.bytes(at) } else { Ok(Arc::new(move |_| Some(other))) }
    }

    /// The text that argument `at` is, if it is a constant that is not NULL.
    pub(crate) fn constant_text(&self, at: usize) -> Option<&str> {
        constant_text(self.args.get(at)?)
    }
}

fn constant_text(expr: &crate::expr::Expr) -> Option<&str> {
    match expr.as_literal()? {
        tidewire_event::Value::Bytes(text) => std::str::from_utf8(text).ok(),
        _ => None,
    }
}

/// The text of `bytes`; a fault where they are none.
pub(crate) fn utf8<'t>(env: &Env<'_>, at: Span, bytes: &'t [u8]) -> Option<&'t str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            env.fail(at, || format!("a text is no UTF-8 behind byte {}", error.valid_up_to()))
        }
    }
}

/// A text that is being made in the scratch memory, up to [`TEXT_BYTES_MAX`].
#[derive(Debug)]
pub(crate) struct Builder<'a> {
    bytes: ScratchVec<'a, u8>,
    too_long: bool,
}

impl<'a> Builder<'a> {
    /// An empty one.
    pub(crate) fn new(env: &Env<'a>) -> Self {
        Self { bytes: env.builder(), too_long: false }
    }

    /// Appends `piece`.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.too_long |= piece.len() > TEXT_BYTES_MAX - self.bytes.len();
        if !self.too_long {
            self.bytes.extend_from_slice_copy(piece);
        }
    }

    /// Appends `piece`. `None`: the text has become too long.
    pub(crate) fn push_all(&mut self, piece: &[u8]) -> Option<()> {
        self.push(piece);
        (!self.too_long).then_some(())
    }

    /// Whether the text has become too long.
    pub(crate) fn is_too_long(&self) -> bool {
        self.too_long
    }

    /// Appends a character.
    pub(crate) fn push_char(&mut self, c: char) {
        self.push(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes so far.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// The text; a fault where it is too long.
    pub(crate) fn finish(self, env: &Env<'_>, at: Span) -> Option<&'a [u8]> {
        match self.too_long {
            false => Some(built(self.bytes)),
            true => env.fail(at, || format!("a text of more than {TEXT_BYTES_MAX} bytes")),
        }
    }
}

impl std::fmt::Write for Builder<'_> {
    fn write_str(&mut self, piece: &str) -> std::fmt::Result {
        self.push_all(piece.as_bytes()).ok_or(std::fmt::Error)
    }
}

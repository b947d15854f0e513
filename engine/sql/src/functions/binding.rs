//! What binding a call is written with: how many arguments there are, and what they must be.
//!
//! A bare NULL becomes a NULL of the type that is asked for. Where a kind of type is asked for and not a type, an argument
//! stays as it is: the representation is the same.

use std::ops::RangeInclusive;

use tidewire_event::{DataType, Value};

use super::{Binding, Cast, cast, common_type};
use crate::error::SqlError;
use crate::expr::Expr;

impl Binding<'_> {
    /// There must be so many arguments.
    pub(crate) fn count(&self, counts: RangeInclusive<usize>) -> Result<(), SqlError> {
        if counts.contains(&self.args.len()) {
            return Ok(());
        }
        let name = self.function.name;
        let (least, most) = (*counts.start(), *counts.end());
        let takes = match (least, most) {
            (least, usize::MAX) => format!("{least} or more arguments"),
            (1, 1) => "1 argument".to_owned(),
            (least, most) if least == most => format!("{least} arguments"),
            (least, most) => format!("{least} to {most} arguments"),
        };
        let problem = format!("{name} takes {takes}, and has {}", self.args.len());
        Err(SqlError::new(self.at, problem)
            .help(format!("it is called as {}", self.function.usage)))
    }

    /// The type of argument `at`.
    pub(crate) fn ty(&self, at: usize) -> &DataType {
        self.args.get(at).map_or(&DataType::Null, |arg| &arg.ty)
    }

    /// Whether any argument may be NULL.
    pub(crate) fn nullable(&self) -> bool {
        self.args.iter().any(|arg| arg.nullable)
    }

    /// The error that argument `at` is not `wanted`.
    pub(crate) fn wrong(&self, at: usize, wanted: &str) -> SqlError {
        let place = self.args.get(at).map_or(self.at, |arg| arg.at);
        let (name, ty) = (self.function.name, self.ty(at));
        let problem = format!("argument {} of {name} must be {wanted}, and is {ty}", at + 1);
        SqlError::new(place, problem).help(format!("it is called as {}", self.function.usage))
    }

    /// The error that there is no such operation between the arguments.
    pub(crate) fn no_such(&self) -> SqlError {
        let types: Vec<_> = self.args.iter().map(|arg| arg.ty.to_string()).collect();
        let problem = format!("there is no {} of {}", self.function.name, types.join(" and "));
        SqlError::new(self.at, problem).help("a CAST makes one type of another")
    }

    /// Makes argument `at` one of type `ty`, where an implicit cast does.
    pub(crate) fn cast(&mut self, at: usize, ty: &DataType) -> Result<(), SqlError> {
        self.cast_as(at, ty, Cast::Implicit)
    }

    /// Makes argument `at` one of type `ty`.
    pub(crate) fn cast_as(&mut self, at: usize, ty: &DataType, how: Cast) -> Result<(), SqlError> {
        let Some(arg) = self.args.get_mut(at) else { return Ok(()) };
        if arg.ty != *ty {
            let place = arg.at;
            let none = Expr::literal(Value::Null, DataType::Null, place);
            let from = std::mem::replace(arg, none);
            *arg = cast(from, ty, how, place, self.session)?;
        }
        Ok(())
    }

    fn kind(
        &mut self,
        at: usize,
        null: DataType,
        wanted: &str,
        is: impl Fn(&DataType) -> bool,
    ) -> Result<(), SqlError> {
        match self.ty(at) {
            DataType::Null => self.cast(at, &null),
            ty if is(ty) => Ok(()),
            _ => Err(self.wrong(at, wanted)),
        }
    }

    /// Argument `at` is a text: its code is bytes.
    pub(crate) fn text(&mut self, at: usize) -> Result<(), SqlError> {
        self.kind(at, DataType::String, "a text", DataType::is_text)
    }

    /// Argument `at` is a text or BYTES: its code is bytes.
    pub(crate) fn text_or_bytes(&mut self, at: usize) -> Result<(), SqlError> {
        let is = |ty: &DataType| ty.is_text() || *ty == DataType::Bytes;
        self.kind(at, DataType::String, "a text or BYTES", is)
    }

    /// All arguments are texts.
    pub(crate) fn texts(&mut self) -> Result<(), SqlError> {
        (0..self.args.len()).try_for_each(|at| self.text(at))
    }

    /// Argument `at` is a whole number: its code is integers.
    pub(crate) fn integer(&mut self, at: usize) -> Result<(), SqlError> {
        self.kind(at, DataType::BigInt, "a whole number", DataType::is_integer)
    }

    /// Argument `at` is a number, of any type.
    pub(crate) fn number(&mut self, at: usize) -> Result<(), SqlError> {
        self.kind(at, DataType::Int, "a number", DataType::is_numeric)
    }

    /// Argument `at` becomes DOUBLE: its code is floats.
    pub(crate) fn double(&mut self, at: usize) -> Result<(), SqlError> {
        self.number(at)?;
        self.cast(at, &DataType::Double)
    }

    /// Argument `at` is a truth value.
    pub(crate) fn boolean(&mut self, at: usize) -> Result<(), SqlError> {
        self.kind(at, DataType::Boolean, "a condition", |ty| *ty == DataType::Boolean)
    }

    /// Makes the arguments at `places` of the one type that they can all become, and says which that is.
    pub(crate) fn common(&mut self, places: &[usize]) -> Result<DataType, SqlError> {
        let types: Vec<_> = places.iter().map(|at| self.ty(*at)).collect();
        let ty = common_type(&types).ok_or_else(|| {
            let types: Vec<_> = types.iter().map(|ty| ty.to_string()).collect();
            let problem = format!(
                "{} goes between values of one type, not {}",
                self.function.name,
                types.join(" and ")
            );
            SqlError::new(self.at, problem).help("a CAST makes one type of another")
        })?;
        places.iter().try_for_each(|at| self.cast(*at, &ty))?;
        Ok(ty)
    }
}

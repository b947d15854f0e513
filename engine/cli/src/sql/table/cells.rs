//! The columns of a row, by their numbers.

use tidewire_connect::tables::Columns;
use tidewire_event::row::NoRoom;
use tidewire_event::{Repr, RowWriter, Slot};

/// Why a column is not what a program takes it for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnError {
    /// The table has no such column.
    #[error("there is no column {at}: the table has {columns}, from 0")]
    Missing {
        /// The number that was asked for.
        at: usize,
        /// How many there are.
        columns: usize,
    },
    /// It is of another type.
    #[error("column '{column}' is {ty}, and not {asked}")]
    Type {
        /// The column.
        column: String,
        /// Its type.
        ty: String,
        /// What the program took it for.
        asked: &'static str,
    },
    /// It is NULL: ask [`Cells::is_null`] first, or declare it NOT NULL.
    #[error("column '{0}' is NULL")]
    Null(String),
    /// It is no UTF-8.
    #[error("column '{0}' is no UTF-8")]
    Utf8(String),
    /// A number is outside the range of its type.
    #[error("column '{column}': {value} is outside the range of {ty}")]
    Range {
        /// The column.
        column: String,
        /// Its type.
        ty: String,
        /// The number.
        value: i128,
    },
    /// A text is too long for the row: declare the column as VARCHAR(n).
    #[error("column '{column}': {room}")]
    NoRoom {
        /// The column.
        column: String,
        /// How long it may be.
        room: NoRoom,
    },
}

/// What a number of a column may be taken for.
type Fits = fn(Repr) -> bool;

fn is_int(repr: Repr) -> bool {
    matches!(repr, Repr::Int(_))
}

fn is_wide(repr: Repr) -> bool {
    matches!(repr, Repr::Int(_) | Repr::Wide)
}

fn is_float(repr: Repr) -> bool {
    matches!(repr, Repr::Float(_))
}

const INT: (&str, Fits) = ("a number of 64 bits, a time or a decimal of up to 18 digits", is_int);
const WIDE: (&str, Fits) = ("a number, a time or a decimal", is_wide);
const FLOAT: (&str, Fits) = ("FLOAT or DOUBLE", is_float);
const BOOL: (&str, Fits) = ("BOOLEAN", |repr| repr == Repr::Bool);
const BYTES: (&str, Fits) = ("text or BYTES", |repr| repr == Repr::Bytes);

/// The place of a column that is what is asked.
#[inline]
fn slot(columns: &Columns, at: usize, asked: (&'static str, Fits)) -> Result<Slot, ColumnError> {
    match columns.layout.slots().get(at) {
        Some(slot) if asked.1(slot.repr) => Ok(*slot),
        found => Err(wrong(columns, at, found.is_some(), asked.0)),
    }
}

#[cold]
fn wrong(columns: &Columns, at: usize, is_there: bool, asked: &'static str) -> ColumnError {
    match columns.columns.get(at) {
        Some(column) if is_there => ColumnError::Type {
            column: column.field.name.clone(),
            ty: column.field.ty.to_string(),
            asked,
        },
        _ => ColumnError::Missing { at, columns: columns.columns.len() },
    }
}

#[cold]
fn name(columns: &Columns, at: usize) -> String {
    columns.columns.get(at).map_or_else(String::new, |column| column.field.name.clone())
}

/// A row that was read.
#[derive(Debug, Clone, Copy)]
pub struct Cells<'r> {
    pub(super) columns: &'r Columns,
    pub(super) row: &'r [u8],
}

impl<'r> Cells<'r> {
    /// Whether a column is NULL.
    ///
    /// # Errors
    /// There is no such column.
    #[inline]
    pub fn is_null(&self, at: usize) -> Result<bool, ColumnError> {
        Ok(slot(self.columns, at, ("", |_| true))?.is_null(self.row))
    }

    #[inline]
    fn slot(&self, at: usize, asked: (&'static str, Fits)) -> Result<Slot, ColumnError> {
        let slot = slot(self.columns, at, asked)?;
        if slot.is_null(self.row) {
            return Err(ColumnError::Null(name(self.columns, at)));
        }
        Ok(slot)
    }

    /// An integer; a time in ns, since the epoch or since midnight; a date in days; a decimal of up to 18 digits in its
    /// smallest units.
    ///
    /// # Errors
    /// It is NULL, or the column is something else.
    #[inline]
    pub fn int(&self, at: usize) -> Result<i64, ColumnError> {
        Ok(self.slot(at, INT)?.int(self.row))
    }

    /// The same, and decimals of any digits.
    ///
    /// # Errors
    /// It is NULL, or the column is something else.
    #[inline]
    pub fn wide(&self, at: usize) -> Result<i128, ColumnError> {
        let slot = self.slot(at, WIDE)?;
        Ok(if is_int(slot.repr) { slot.int(self.row).into() } else { slot.wide(self.row) })
    }

    /// A float.
    ///
    /// # Errors
    /// It is NULL, or the column is something else.
    #[inline]
    pub fn float(&self, at: usize) -> Result<f64, ColumnError> {
        Ok(self.slot(at, FLOAT)?.float(self.row))
    }

    /// A boolean.
    ///
    /// # Errors
    /// It is NULL, or the column is something else.
    #[inline]
    pub fn bool(&self, at: usize) -> Result<bool, ColumnError> {
        Ok(self.slot(at, BOOL)?.bool(self.row))
    }

    /// Bytes, or a text as bytes.
    ///
    /// # Errors
    /// It is NULL, or the column is something else.
    #[inline]
    pub fn bytes(&self, at: usize) -> Result<&'r [u8], ColumnError> {
        Ok(self.slot(at, BYTES)?.text(self.row))
    }

    /// A text.
    ///
    /// # Errors
    /// It is NULL or no UTF-8, or the column is something else.
    #[inline]
    pub fn text(&self, at: usize) -> Result<&'r str, ColumnError> {
        std::str::from_utf8(self.bytes(at)?).map_err(|_| ColumnError::Utf8(name(self.columns, at)))
    }
}

/// A row that is written. A column that nothing is written to is 0 or empty; its numbers are those of [`Cells`].
#[derive(Debug)]
pub struct CellsOut<'r> {
    pub(super) columns: &'r Columns,
    pub(super) row: RowWriter<'r>,
}

impl CellsOut<'_> {
    /// Writes NULL.
    ///
    /// # Errors
    /// There is no such column, or it is NOT NULL.
    pub fn null(&mut self, at: usize) -> Result<(), ColumnError> {
        let slot = slot(self.columns, at, ("", |_| true))?;
        if slot.null_bit.is_none() {
            return Err(ColumnError::Null(name(self.columns, at)));
        }
        self.row.null(&slot);
        Ok(())
    }

    /// Writes what [`Cells::int`] reads.
    ///
    /// # Errors
    /// The column is something else, or has no room for the number.
    #[inline]
    pub fn int(&mut self, at: usize, value: i64) -> Result<(), ColumnError> {
        self.wide(at, value.into())
    }

    /// Writes what [`Cells::wide`] reads.
    ///
    /// # Errors
    /// The column is something else, or has no room for the number.
    #[inline]
    pub fn wide(&mut self, at: usize, value: i128) -> Result<(), ColumnError> {
        let slot = slot(self.columns, at, WIDE)?;
        let Repr::Int(bytes) = slot.repr else {
            self.row.wide(&slot, value);
            return Ok(());
        };
        let unused = 64 - 8 * u32::from(bytes);
        match i64::try_from(value) {
            Ok(value) if value << unused >> unused == value => {
                self.row.int(&slot, value);
                Ok(())
            }
            _ => Err(self.range(at, value)),
        }
    }

    #[cold]
    fn range(&self, at: usize, value: i128) -> ColumnError {
        let ty = self.columns.columns.get(at).map(|column| column.field.ty.to_string());
        let column = name(self.columns, at);
        ColumnError::Range { column, ty: ty.unwrap_or_default(), value }
    }

    /// Writes a float.
    ///
    /// # Errors
    /// The column is something else.
    #[inline]
    pub fn float(&mut self, at: usize, value: f64) -> Result<(), ColumnError> {
        let slot = slot(self.columns, at, FLOAT)?;
        self.row.float(&slot, value);
        Ok(())
    }

    /// Writes a boolean.
    ///
    /// # Errors
    /// The column is something else.
    #[inline]
    pub fn bool(&mut self, at: usize, value: bool) -> Result<(), ColumnError> {
        let slot = slot(self.columns, at, BOOL)?;
        self.row.bool(&slot, value);
        Ok(())
    }

    /// Writes bytes, or a text.
    ///
    /// # Errors
    /// The column is something else, or the row has no room for them.
    #[inline]
    pub fn bytes(&mut self, at: usize, value: &[u8]) -> Result<(), ColumnError> {
        let slot = slot(self.columns, at, BYTES)?;
        let written = self.row.text(&slot, value);
        written.map_err(|room| ColumnError::NoRoom { column: name(self.columns, at), room })
    }

    /// Writes a text.
    ///
    /// # Errors
    /// The column is something else, or the row has no room for it.
    #[inline]
    pub fn text(&mut self, at: usize, value: &str) -> Result<(), ColumnError> {
        self.bytes(at, value.as_bytes())
    }
}

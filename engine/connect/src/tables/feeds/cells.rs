//! From what a feed says to the columns that a job uses.

use tidewire_event::RowLayout;
use tidewire_event::row::{NoRoom, RowWriter, Slot};

use super::streams::{Col, ColumnSpec, Feed, Stream};
use crate::tables::{Columns, TableError};

/// A value of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    Null,
    Int(i64),
    Bool(bool),
    Text(&'a [u8]),
}

impl<'a> Cell<'a> {
    /// A number that may be missing.
    pub(super) fn int(value: Option<i64>) -> Self {
        value.map_or(Self::Null, Self::Int)
    }

    /// A number of 64 bits, signed or not: it keeps its bits.
    pub(super) fn bits(value: Option<u64>) -> Self {
        Self::int(value.map(|value| value as i64))
    }

    /// A word.
    pub(super) fn word(word: &'static str) -> Self {
        Self::Text(word.as_bytes())
    }
}

/// The columns that are used, and where they lie in a row.
#[derive(Debug)]
pub(super) struct Used {
    layout: RowLayout,
    slots: Vec<(Slot, Col)>,
}

impl Used {
    /// The columns `columns` of a stream.
    ///
    /// # Errors
    /// One is none of the stream's, or has another type.
    pub(super) fn new(feed: Feed, stream: Stream, columns: &Columns) -> Result<Self, TableError> {
        let specs = feed.columns(stream);
        for column in columns.table.iter().chain(&columns.columns) {
            let name = column.metadata.as_ref().unwrap_or(&column.field.name);
            let field = spec(feed, stream, specs, name)?.field(feed);
            let declared = &column.field;
            if field.ty != declared.ty {
                let is = format!("the column {name} is {}, and not {}", field.ty, declared.ty);
                return Err(wrong(
                    feed,
                    stream,
                    format!("{is}: declare it so, and CAST it in the query"),
                ));
            }
            if field.nullable && !declared.nullable {
                let problem = format!("the column {name} may be NULL: leave NOT NULL out");
                return Err(wrong(feed, stream, problem));
            }
        }
        let slots = columns.columns.iter().zip(columns.layout.slots()).map(|(column, slot)| {
            let name = column.metadata.as_ref().unwrap_or(&column.field.name);
            Ok((*slot, spec(feed, stream, specs, name)?.col))
        });
        let slots = slots.collect::<Result<_, TableError>>()?;
        Ok(Self { layout: columns.layout.clone(), slots })
    }

    /// Whether one of these is used.
    pub(super) fn any(&self, cols: &[Col]) -> bool {
        self.slots.iter().any(|(_, col)| cols.contains(col))
    }

    /// Writes a row of what `cell` says of each column.
    #[inline]
    pub(super) fn write<'a>(
        &self,
        row: &mut [u8],
        cell: impl Fn(Col) -> Cell<'a>,
    ) -> Result<(), NoRoom> {
        let mut writer = RowWriter::new(row, &self.layout);
        for (slot, col) in &self.slots {
            match cell(*col) {
                Cell::Null => writer.null(slot),
                Cell::Int(value) => writer.int(slot, value),
                Cell::Bool(value) => writer.bool(slot, value),
                Cell::Text(text) => writer.text(slot, text)?,
            }
        }
        Ok(())
    }
}

fn spec<'s>(
    feed: Feed,
    stream: Stream,
    specs: &'s [ColumnSpec],
    name: &str,
) -> Result<&'s ColumnSpec, TableError> {
    specs.iter().find(|spec| spec.name == name).ok_or_else(|| {
        let all: Vec<_> = specs.iter().map(|spec| spec.name).collect();
        let problem = format!("there is no column {name}; there are {}", all.join(", "));
        wrong(feed, stream, problem)
    })
}

fn wrong(feed: Feed, stream: Stream, problem: String) -> TableError {
    let place = format!("the stream '{}' of '{}'", stream.name(), feed.name());
    TableError::Input { place, problem }
}

//! The columns of a table, and which of them a job uses.

use tidewire_event::row::TooWide;
use tidewire_event::{Field, RowLayout};

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name and type.
    pub field: Field,
    /// The key of what the connector knows of a row beside its columns, if it is that.
    pub metadata: Option<String>,
}

impl Column {
    /// A column that is in the input or output itself.
    #[must_use]
    pub fn physical(field: Field) -> Self {
        Self { field, metadata: None }
    }
}

/// The columns of a table and how they lie in its rows.
///
/// A reader gives only the columns that a job uses. It still knows all of them: the place of a column in a line of CSV
/// follows from those before it.
#[derive(Debug, Clone)]
pub struct Columns {
    /// All columns of the table that its connector knows, in the order of the table.
    pub table: Vec<Column>,
    /// Those that are used: what a row is made of.
    pub columns: Vec<Column>,
    /// Their layout.
    pub layout: RowLayout,
}

impl Columns {
    /// The columns of a table of which those at `used` are used, in that order. Places beyond the table are left out.
    ///
    /// # Errors
    /// They are too wide for a row.
    pub fn used(table: Vec<Column>, used: &[usize]) -> Result<Self, TooWide> {
        let columns: Vec<_> = used.iter().filter_map(|at| table.get(*at)).cloned().collect();
        let layout = RowLayout::new(columns.iter().map(|it| (&it.field.ty, it.field.nullable)))?;
        Ok(Self { table, columns, layout })
    }

    /// The columns of a table, all of which are used.
    ///
    /// # Errors
    /// They are too wide for a row.
    pub fn all(table: Vec<Column>) -> Result<Self, TooWide> {
        let used: Vec<_> = (0..table.len()).collect();
        Self::used(table, &used)
    }

    /// The names of the table's columns that are in the input itself, in their order.
    pub(super) fn physical(&self) -> impl Iterator<Item = &str> {
        let physical = self.table.iter().filter(|column| column.metadata.is_none());
        physical.map(|column| column.field.name.as_str())
    }
}

/// The columns of a table whose connector knows them itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnColumns {
    /// All that can be asked for.
    pub columns: Vec<Column>,
    /// Which of them is the time of events, where one is.
    pub event_time: Option<usize>,
    /// How far a row may be behind the newest before it, ns: the delay of the watermark that is right for it.
    pub watermark_delay: i64,
}

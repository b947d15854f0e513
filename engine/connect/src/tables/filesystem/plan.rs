//! What a reader of files does for each row: where each column that a job uses comes from.

use tidewire_event::{DataType, RowLayout, RowWriter};

use super::super::target::Target;
use super::super::text::{Bad, cut};
use super::super::{Columns, OptionError, TableError};
use super::files::InputFile;

/// What is known of a row beside its columns: what a file is called, and more of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Metadata {
    Path,
    Name,
    Size,
    Modified,
}

const METADATA: [(&str, Metadata, &str); 4] = [
    ("file.path", Metadata::Path, "STRING"),
    ("file.name", Metadata::Name, "STRING"),
    ("file.size", Metadata::Size, "BIGINT"),
    ("file.modification-time", Metadata::Modified, "TIMESTAMP_LTZ(3)"),
];

/// The columns that a job uses, in the order in which they are written into a row.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) targets: Vec<Target<Metadata>>,
    pub(super) layout: RowLayout,
    path: String,
    name: String,
    size: i64,
    modified: i64,
}

impl Plan {
    pub(super) fn new(columns: &Columns) -> Result<Self, TableError> {
        let mut targets = Vec::with_capacity(columns.columns.len());
        for (column, slot) in columns.columns.iter().zip(columns.layout.slots()) {
            let field = &column.field;
            let metadata = column.metadata.as_deref().map(|key| metadata(key, &field.ty));
            targets.push(Target::new(column, slot, metadata.transpose()?));
        }
        let layout = columns.layout.clone();
        Ok(Self { targets, layout, path: String::new(), name: String::new(), size: 0, modified: 0 })
    }

    /// The rows that follow are of this file.
    pub(super) fn begin(&mut self, file: &InputFile) {
        self.path = file.path.display().to_string();
        let name = file.path.file_name().unwrap_or_default();
        self.name = name.to_string_lossy().into_owned();
        self.size = i64::try_from(file.size).unwrap_or(i64::MAX);
        self.modified = file.modified;
    }

    /// Writes what is known of the file.
    pub(super) fn put_metadata(
        &self,
        target: &Target<Metadata>,
        metadata: Metadata,
        row: &mut RowWriter<'_>,
    ) -> Result<(), Bad> {
        let slot = &target.slot;
        match (metadata, &target.ty) {
            (Metadata::Path, _) => row.text(slot, self.path.as_bytes()).map_err(Bad::NoRoom)?,
            (Metadata::Name, _) => row.text(slot, self.name.as_bytes()).map_err(Bad::NoRoom)?,
            (Metadata::Size, _) => row.int(slot, self.size),
            (Metadata::Modified, DataType::TimestampLtz(digits)) => {
                row.int(slot, cut(self.modified, *digits));
            }
            (Metadata::Modified, _) => row.int(slot, self.modified),
        }
        Ok(())
    }
}

fn metadata(key: &str, ty: &DataType) -> Result<Metadata, OptionError> {
    let Some((_, metadata, expected)) = METADATA.iter().find(|(name, ..)| *name == key) else {
        let known = METADATA.map(|(name, ..)| name).join(", ");
        let expected = format!("files have no such metadata; they have {known}");
        return Err(OptionError::value("METADATA FROM", key, expected));
    };
    let fits = match metadata {
        Metadata::Path | Metadata::Name => ty.is_text(),
        Metadata::Size => *ty == DataType::BigInt,
        Metadata::Modified => matches!(ty, DataType::TimestampLtz(_)),
    };
    match fits {
        true => Ok(*metadata),
        false => {
            let expected = format!("the column is {ty}, and must be {expected}");
            Err(OptionError::value("METADATA FROM", key, expected))
        }
    }
}

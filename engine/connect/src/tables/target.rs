//! Where a column that a job uses comes from.

use tidewire_event::{DataType, RowWriter, Slot};

use super::Column;
use super::text::Bad;

/// A column that a job uses; `M` is what its connector knows beside the columns of its input.
#[derive(Debug, Clone)]
pub(super) struct Target<M> {
    pub(super) name: String,
    pub(super) ty: DataType,
    pub(super) nullable: bool,
    pub(super) slot: Slot,
    pub(super) metadata: Option<M>,
}

impl<M> Target<M> {
    /// The column with its place in a row.
    pub(super) fn new(column: &Column, slot: &Slot, metadata: Option<M>) -> Self {
        let field = &column.field;
        Self {
            name: field.name.clone(),
            ty: field.ty.clone(),
            nullable: field.nullable,
            slot: *slot,
            metadata,
        }
    }

    /// Writes NULL.
    pub(super) fn put_null(&self, row: &mut RowWriter<'_>) -> Result<(), Bad> {
        if !self.nullable {
            return Err(Bad::Null);
        }
        row.null(&self.slot);
        Ok(())
    }
}

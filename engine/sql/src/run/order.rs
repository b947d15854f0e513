//! The order of two rows of an output, by its columns: what makes a file the same on any number of shards.

use std::cmp::Ordering;

use tidewire_event::{Field, Repr, RowLayout, Slot};

use super::making::layout_of;
use crate::error::SqlError;

/// Compares rows of an output: column by column, NULL before all else.
#[derive(Debug, Clone)]
pub struct RowOrder {
    slots: Vec<Slot>,
}

impl RowOrder {
    /// Of rows with these columns.
    ///
    /// # Errors
    /// They are too wide for a row.
    pub fn new(fields: &[Field]) -> Result<Self, SqlError> {
        Ok(Self::of(&layout_of(fields)?))
    }

    /// Of rows of this layout.
    #[must_use]
    pub fn of(layout: &RowLayout) -> Self {
        Self { slots: layout.slots().to_vec() }
    }

    /// How two rows stand.
    #[must_use]
    pub fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        let orders = self.slots.iter().map(|slot| compare(slot, a, b));
        orders.fold(Ordering::Equal, Ordering::then)
    }
}

fn compare(slot: &Slot, a: &[u8], b: &[u8]) -> Ordering {
    match (slot.is_null(a), slot.is_null(b)) {
        (false, false) => {}
        (a, b) => return b.cmp(&a),
    }
    match slot.repr {
        Repr::Bool => slot.bool(a).cmp(&slot.bool(b)),
        Repr::Int(_) => slot.int(a).cmp(&slot.int(b)),
        Repr::Wide => slot.wide(a).cmp(&slot.wide(b)),
        Repr::Float(_) => slot.float(a).total_cmp(&slot.float(b)),
        Repr::Bytes => slot.text(a).cmp(slot.text(b)),
    }
}

//! A shard's arena: where its tables come from.

use tidewire_event::{HashRange, Key, Record};

use crate::budget::{Budget, Full};
use crate::table::Table;

/// What all tables of a shard share.
#[derive(Debug, Clone)]
pub struct Arena {
    /// The hashes of the shard's keys.
    pub range: HashRange,
    /// How much memory the tables may take.
    pub budget: Budget,
    /// Whether changes are listed, so that epochs can be captured.
    pub is_tracked: bool,
}

impl Arena {
    /// Of every key, without a bound and without snapshots.
    #[must_use]
    pub fn unlimited() -> Self {
        Self { range: HashRange::ALL, budget: Budget::unlimited(), is_tracked: false }
    }

    /// An empty table.
    ///
    /// # Errors
    /// The budget has no room for it.
    pub fn table<K: Key, V: Record>(&self) -> Result<Table<K, V>, Full> {
        Table::new(self.range, &self.budget, self.is_tracked)
    }
}

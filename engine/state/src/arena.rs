//! A shard's arena: where its tables come from.

use tidewire_event::{HashRange, Key, Record};

use crate::budget::{Budget, Full};
use crate::log::TableId;
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
    /// Which operator of the shard has it: part of the names of its tables.
    pub operator: u16,
}

impl Arena {
    /// Of every key, without a bound and without snapshots.
    #[must_use]
    pub fn unlimited() -> Self {
        Self { range: HashRange::ALL, budget: Budget::unlimited(), is_tracked: false, operator: 0 }
    }

    /// The same for another operator of the shard, so that the names of their tables do not clash.
    #[must_use]
    pub fn of_operator(&self, operator: u16) -> Self {
        Self { operator, ..self.clone() }
    }

    /// The number of the operator's table `table`.
    #[must_use]
    pub fn number(&self, table: u16) -> u32 {
        u32::from(self.operator) << 16 | u32::from(table)
    }

    /// The name of the operator's table `table`, where there is one of it.
    #[must_use]
    pub fn id(&self, table: u16) -> TableId {
        TableId { number: self.number(table), instance: 0 }
    }

    /// An empty table.
    ///
    /// # Errors
    /// The budget has no room for it.
    pub fn table<K: Key, V: Record>(&self) -> Result<Table<K, V>, Full> {
        Table::new(self.range, &self.budget, self.is_tracked)
    }
}

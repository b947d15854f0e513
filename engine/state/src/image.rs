//! The uploader's image of a shard: what the shard's tables held at the last barrier.
//!
//! It is built from capture logs alone, on another thread, and lies in memory of its own: a file behind it would turn a
//! full disk into SIGBUS.

use std::collections::BTreeMap;

use tidewire_event::HashRange;

use crate::budget::{Budget, Full};
use crate::layout::Layout;
use crate::log::{LogError, SectionKind, TableId, sections};
use crate::table::RawTable;

/// Tables by their names: see the module.
#[derive(Debug)]
pub struct Image {
    tables: BTreeMap<TableId, RawTable<Layout>>,
    range: HashRange,
    budget: Budget,
}

/// Why a log does not fit an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The log breaks its format.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log has other records for a table than the image.
    #[error("table {0} has records of another layout than before")]
    Layout(TableId),
    /// There is no memory for the image.
    #[error("no memory for the image of the state: {0}")]
    Full(#[from] Full),
}

impl Image {
    /// An empty image of the shard that owns `range`.
    #[must_use]
    pub fn new(range: HashRange, budget: &Budget) -> Self {
        Self { tables: BTreeMap::new(), range, budget: budget.clone() }
    }

    /// The shard's hashes.
    #[must_use]
    pub fn range(&self) -> HashRange {
        self.range
    }

    /// Puts a table in that was read.
    pub fn insert(&mut self, id: TableId, table: RawTable<Layout>) {
        self.tables.insert(id, table);
    }

    /// Applies a chunk of a log. After an error the image is of no use.
    ///
    /// # Errors
    /// See [`ImageError`].
    pub fn apply(&mut self, chunk: &[u8]) -> Result<(), ImageError> {
        for section in sections(chunk) {
            let (section, entries) = section?;
            let (id, layout) = (section.id, section.layout);
            if section.kind == SectionKind::Dropped {
                self.tables.remove(&id);
                continue;
            }
            let table = self.table(id, layout, section.slots as usize)?;
            let key_bytes = layout.key_bytes as usize;
            match section.kind {
                SectionKind::Records => {
                    for entry in entries.chunks_exact(layout.entry_bytes().max(1)) {
                        let (key, value) = entry.split_at(key_bytes);
                        table.put(key, value)?;
                    }
                }
                _ => entries.chunks_exact(key_bytes.max(1)).for_each(|key| table.remove_key(key)),
            }
        }
        Ok(())
    }

    /// The table of that name, which is made if it is not there, with `slots` slots at least.
    ///
    /// # Errors
    /// It is there with another layout, or there is no memory for it.
    pub fn table(
        &mut self,
        id: TableId,
        layout: Layout,
        slots: usize,
    ) -> Result<&mut RawTable<Layout>, ImageError> {
        let table = match self.tables.entry(id) {
            std::collections::btree_map::Entry::Occupied(table) => table.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(RawTable::of_layout(layout, self.range, &self.budget)?)
            }
        };
        if table.layout() != layout {
            return Err(ImageError::Layout(id));
        }
        table.reserve_slots(slots);
        Ok(table)
    }

    /// Takes the tables with this number out, each with its instance, in order.
    pub fn take(&mut self, number: u32) -> Vec<(i64, RawTable<Layout>)> {
        let later = TableId { number, instance: i64::MIN };
        let mut taken = self.tables.split_off(&later);
        if let Some(next) = number.checked_add(1) {
            self.tables.append(&mut taken.split_off(&TableId { number: next, instance: i64::MIN }));
        }
        taken.into_iter().map(|(id, table)| (id.instance, table)).collect()
    }

    /// Its tables, in the order of their names.
    pub fn tables_mut(&mut self) -> impl Iterator<Item = (TableId, &mut RawTable<Layout>)> {
        self.tables.iter_mut().map(|(id, table)| (*id, table))
    }

    /// How many tables it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tables.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }
}

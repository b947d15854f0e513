//! Tables whose rows come from the program that runs the job.

use std::collections::BTreeMap;
use std::fmt;

use tidewire_connect::tables::{Columns, TableError, TableReader};

/// Makes the readers of a table, for the columns of it that the job uses.
type Make = Box<dyn Fn(&Columns) -> Result<Vec<Box<dyn TableReader>>, TableError>>;

/// What makes the readers of tables, by their names.
#[derive(Default)]
pub(super) struct OwnReaders(BTreeMap<String, Make>);

impl OwnReaders {
    pub(super) fn set(&mut self, table: &str, make: Make) {
        self.0.insert(table.to_owned(), make);
    }

    /// The readers of a table, if it is one of them.
    pub(super) fn readers(
        &self,
        table: &str,
        columns: &Columns,
    ) -> Option<Result<Vec<Box<dyn TableReader>>, TableError>> {
        self.0.get(table).map(|make| make(columns))
    }
}

impl fmt::Debug for OwnReaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

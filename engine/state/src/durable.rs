//! State that is in snapshots: what a shard asks of its operator at a barrier and after it.
//!
//! 1. `freeze` closes the epoch in constant time.
//! 2. `capture` is called between events until it says that all of the closed epoch is in the log. The next freeze comes
//!    only then.
//! 3. A state that could not wait for the log says so by `overflowed`; then all of it gives the epoch up, and what was
//!    not captured is part of the next one.

use tidewire_event::{Key, Record};

use crate::image::Image;
use crate::log::{Log, TableId};
use crate::table::{LayoutMismatch, Table};

/// The parts of a shard's state: see the module. What keeps nothing takes the answers given here.
pub trait Durable {
    /// Closes the epoch.
    fn freeze(&mut self) {}

    /// Copies at most `records` records of the closed epoch, and puts what is copied into `log`. True if all of the
    /// epoch is there, or what there is of one that was given up.
    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        let _ = (records, log);
        true
    }

    /// Stops the capture of the closed epoch.
    fn give_up(&mut self) {}

    /// Whether a write could not wait for the log.
    fn overflowed(&self) -> bool {
        false
    }

    /// Takes its tables out of `image` and goes on from there. Only before the first event.
    ///
    /// # Errors
    /// A table has another layout.
    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        let _ = image;
        Ok(())
    }
}

/// A turn of a capture over several tables. One whose copies wait for the log leaves the others' copies no wait: only no
/// further records are copied in this turn.
#[derive(Debug)]
pub struct CaptureTurn {
    records: usize,
    is_done: bool,
}

impl CaptureTurn {
    /// A turn of at most `records` records of each table.
    #[must_use]
    pub fn new(records: usize) -> Self {
        Self { records, is_done: true }
    }

    /// The turn of one table.
    pub fn capture<K: Key, V: Record>(
        &mut self,
        table: &mut Table<K, V>,
        id: TableId,
        log: &mut impl Log,
    ) {
        self.next(|records| table.capture(records, id, log));
    }

    /// The turn of another part, which is given the records that are left, and says whether all of it is captured.
    pub fn next(&mut self, capture: impl FnOnce(usize) -> bool) {
        if !capture(self.records) {
            self.is_done = false;
            self.records = 0;
        }
    }

    /// Whether all is captured.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.is_done
    }
}

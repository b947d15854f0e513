//! How much memory state may take.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::nursery;

/// A bound on the bytes of a set of tables, and how much of it is taken. Clones share it.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bytes_max: usize,
    taken: AtomicUsize,
}

/// The budget has no room for what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the state has reached its budget")]
pub struct Full;

impl Budget {
    /// At most `bytes_max` bytes.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        // From here, where no thread is pinned yet: the nursery's inherits the cores of whoever starts it.
        nursery::start();
        Self(Arc::new(Inner { bytes_max, taken: AtomicUsize::new(0) }))
    }

    /// As much as the system gives.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::new(usize::MAX)
    }

    /// The bound, in bytes.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        self.0.bytes_max
    }

    /// What is taken of it, in bytes.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.0.taken.load(Relaxed)
    }

    /// An account for memory that is not a table's.
    #[must_use]
    pub fn account(&self) -> Account {
        Account { budget: self.clone(), bytes: 0 }
    }

    pub(crate) fn take(&self, bytes: usize) -> Result<(), Full> {
        let room = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= self.0.bytes_max);
        self.0.taken.fetch_update(Relaxed, Relaxed, room).map(|_| ()).map_err(|_| Full)
    }

    pub(crate) fn give_back(&self, bytes: usize) {
        self.0.taken.fetch_sub(bytes, Relaxed);
    }
}

/// Memory outside of tables that counts all the same. It is given back with this.
#[derive(Debug)]
pub struct Account {
    budget: Budget,
    bytes: usize,
}

impl Account {
    /// Takes so many bytes more.
    ///
    /// # Errors
    /// The budget has no room for them.
    pub fn take(&mut self, bytes: usize) -> Result<(), Full> {
        self.budget.take(bytes)?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

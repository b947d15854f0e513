//! The names of instruments, which are numbered in the order of their first appearance.

use std::sync::{Arc, PoisonError, RwLock};

/// Number to name. The source adds, the sink reads; a number's name never changes.
#[derive(Debug, Clone, Default)]
pub struct Symbols(Arc<RwLock<Vec<Arc<str>>>>);

impl Symbols {
    /// Gives `name` the next number.
    pub fn add(&self, name: &str) -> u32 {
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        names.push(name.into());
        (names.len() - 1) as u32
    }

    /// The name of an instrument; of a number that was never given out, the number.
    #[must_use]
    pub fn name(&self, instrument: u32) -> Arc<str> {
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
        names.get(instrument as usize).cloned().unwrap_or_else(|| instrument.to_string().into())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

//! How a job of live tables comes to its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Asks a running job to end: its live tables end where they are, and windows close as at the end of an input.
#[derive(Debug, Clone)]
pub struct Finish {
    /// Set by whoever wants the job to end.
    pub asked: Arc<AtomicBool>,
    /// Set, unless the job heeds that: it has live tables, and takes no snapshots to go on from.
    pub is_unheeded: Arc<AtomicBool>,
}

impl Default for Finish {
    fn default() -> Self {
        Self { asked: Arc::default(), is_unheeded: Arc::new(AtomicBool::new(true)) }
    }
}

impl Finish {
    /// Whether the job is to end now.
    pub(super) fn is_due(&self) -> bool {
        self.asked.load(Relaxed) && !self.is_unheeded.load(Relaxed)
    }
}

//! The last events, for the report of a failure.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tidewire_runtime::clock::Clock;

use super::process::SimClock;

const EVENTS_MAX: usize = 50;

/// What happened last. A clone is the same.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    events: Arc<Mutex<VecDeque<String>>>,
    clock: SimClock,
}

impl Trace {
    pub(crate) fn new(clock: SimClock) -> Self {
        Self { events: Arc::default(), clock }
    }

    pub(crate) fn say(&self, what: impl std::fmt::Display) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if events.len() == EVENTS_MAX {
            events.pop_front();
        }
        events.push_back(format!("{:>12} us  {what}", self.clock.now() / 1_000));
    }

    pub(crate) fn events(&self) -> Vec<String> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().cloned().collect()
    }
}

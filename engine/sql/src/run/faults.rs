//! The first fault of a job: the threads of a job share it, and its sources look for it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tidewire_event::Header;

use crate::code::Fault;

/// A fault, and the row that it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// What went wrong.
    pub fault: Fault,
    /// The row that was read, if it is of one: its input and its number there, from 0.
    pub row: Option<(usize, u64)>,
    /// The time that it is of: that of the row, or the end of the window.
    pub time: i64,
}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, row, .. } = self;
        match row {
            Some((input, number)) => write!(f, "row {} of input {input}: {fault}", number + 1),
            None => write!(f, "{fault}"),
        }
    }
}

impl std::error::Error for RowFault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.fault)
    }
}

/// Where faults of all threads go; the first one counts.
#[derive(Debug, Default)]
pub struct Faults {
    is_set: AtomicBool,
    first: Mutex<Option<RowFault>>,
}

impl Faults {
    /// Whether there is one.
    #[inline]
    pub fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Relaxed)
    }

    /// The first one.
    pub fn first(&self) -> Option<RowFault> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes that a row could not be worked out.
    #[cold]
    #[inline(never)]
    pub fn of_row(&self, header: &Header, fault: Fault) {
        let row = Some((header.place.input(), header.place.sequence()));
        self.note(RowFault { fault, row, time: header.ts });
    }

    /// Notes that a result of time `time` could not be worked out.
    #[cold]
    #[inline(never)]
    pub fn of_result(&self, time: i64, fault: Fault) {
        self.note(RowFault { fault, row: None, time });
    }

    fn note(&self, fault: RowFault) {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault);
        self.is_set.store(true, Ordering::Relaxed);
    }
}

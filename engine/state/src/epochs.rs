//! Which records an epoch has changed, and their copies as they were at its barrier.
//!
//! 1. A record's head says in which epoch it was last written; zero says that the uploader knows it as it is.
//! 2. The first write in an epoch puts the record's slot on the open list. Every record that the uploader does not know
//!    as it is has an entry on a list. An entry may be out of date: it is a hint, and the head decides.
//! 3. A freeze closes the lists: the open one is moved behind the closed one, whatever they hold.
//! 4. While a closed epoch is being captured, no write changes one of its records before it is copied.
//! 5. A removed key is on a list of its own, unless the uploader never heard of it. In a log removals stand before
//!    records, because records are those that were there at the barrier.
//! 6. Copies wait in a buffer of a fixed size. If a write finds it full the epoch is given up: the record counts as
//!    changed in the open epoch, as do all that were not copied yet.

use tidewire_event::limits::CAPTURE_BYTES;

use crate::layout::{Head, Layout};
use crate::log::{Log, Section, SectionKind, TableId};
use crate::segments::Segments;

/// Set in a head's epoch where the uploader has never heard of the key.
const UNKNOWN: u32 = 1 << 31;
/// The epoch of a record that the uploader knows as it is.
const KNOWN: u32 = 0;

#[derive(Debug)]
pub(crate) struct Epochs {
    /// The open epoch, a number of this table's own.
    current: u32,
    /// Without it nothing is listed.
    is_tracking: bool,
    is_capturing: bool,
    overflowed: bool,
    open: Segments<u32>,
    closed: Segments<u32>,
    removed_open: Vec<u8>,
    removed_closed: Vec<u8>,
    /// Of the closed removals, bytes already in the log.
    removed_logged: usize,
    /// Copies: a key and a value each.
    captured: Vec<u8>,
}

impl Epochs {
    pub(crate) fn new(is_tracking: bool) -> Self {
        Self {
            current: 1,
            is_tracking,
            is_capturing: false,
            overflowed: false,
            open: Segments::default(),
            closed: Segments::default(),
            removed_open: Vec::new(),
            removed_closed: Vec::new(),
            removed_logged: 0,
            captured: Vec::new(),
        }
    }

    /// Whether a record with this head has been written in the open epoch already.
    #[inline(always)]
    pub(crate) fn is_current(&self, head: &Head) -> bool {
        head.epoch & !UNKNOWN == self.current
    }

    /// The epoch that a new record carries.
    #[inline]
    pub(crate) fn of_new(&self) -> u32 {
        self.current | UNKNOWN
    }

    pub(crate) fn is_capturing(&self) -> bool {
        self.is_capturing
    }

    /// Whether the record belongs to a closed epoch that is being captured, and has not been copied.
    #[inline]
    fn is_due(&self, head: &Head) -> bool {
        let epoch = head.epoch & !UNKNOWN;
        self.is_capturing && epoch != KNOWN && epoch < self.current
    }

    /// Lists a slot whose record is new, or moved here with its head.
    #[inline]
    pub(crate) fn list(&mut self, head: &Head, entry: u32) {
        if !self.is_tracking {
        } else if self.is_current(head) {
            self.open.push(entry);
        } else if head.epoch & !UNKNOWN != KNOWN {
            self.closed.push(entry);
        }
    }

    /// A record that was not written in the open epoch yet is about to be: `key` and `value` as they are.
    pub(crate) fn touch(&mut self, head: &mut Head, entry: u32, key: &[u8], value: &[u8]) {
        if !self.is_tracking {
            head.epoch = self.current;
            return;
        }
        if self.is_due(head) && self.copy(key, value) {
            head.epoch = self.current;
        } else {
            head.epoch = self.current | head.epoch & UNKNOWN;
        }
        self.open.push(entry);
    }

    /// A record is about to be removed.
    pub(crate) fn remove(&mut self, head: &Head, key: &[u8], value: &[u8]) {
        if !self.is_tracking {
            return;
        }
        let copied = self.is_due(head) && self.copy(key, value);
        if copied || head.epoch & UNKNOWN == 0 {
            self.removed_open.extend_from_slice(key);
        }
    }

    /// Closes the open epoch. The one before has been captured or given up.
    pub(crate) fn freeze(&mut self) {
        debug_assert!(self.is_tracking && !self.is_capturing);
        self.closed.append(&mut self.open);
        self.removed_closed.drain(..self.removed_logged);
        self.removed_logged = 0;
        if self.removed_closed.is_empty() {
            std::mem::swap(&mut self.removed_closed, &mut self.removed_open);
        } else {
            self.removed_closed.append(&mut self.removed_open);
        }
        self.current += 1;
        self.is_capturing = true;
        self.overflowed = false;
    }

    /// The next slot whose record may be due, if there is room for a copy.
    pub(crate) fn next_due(&mut self, entry_bytes: usize) -> Option<u32> {
        let room = self.captured.len() + entry_bytes <= CAPTURE_BYTES;
        if self.is_capturing && room { self.closed.pop() } else { None }
    }

    /// Copies a record, if it is due.
    pub(crate) fn capture(&mut self, head: &mut Head, key: &[u8], value: &[u8]) {
        if self.is_due(head) && self.copy(key, value) {
            head.epoch = KNOWN;
        }
    }

    /// Puts what is ready into the log; true if all of the closed epoch is in it.
    pub(crate) fn drain(
        &mut self,
        id: TableId,
        layout: Layout,
        slots: usize,
        log: &mut impl Log,
    ) -> bool {
        let slots = slots as u32;
        let key_bytes = layout.key_bytes as usize;
        while self.removed_logged < self.removed_closed.len() {
            let rest = &self.removed_closed[self.removed_logged..];
            let section = Section { id, layout, kind: SectionKind::Removed, slots };
            let logged = log.entries(&section, key_bytes, rest);
            if logged == 0 {
                return false;
            }
            self.removed_logged += logged;
        }
        self.removed_closed.clear();
        self.removed_logged = 0;
        let mut logged = 0;
        while logged < self.captured.len() {
            let section = Section { id, layout, kind: SectionKind::Records, slots };
            match log.entries(&section, layout.entry_bytes(), &self.captured[logged..]) {
                0 => break,
                bytes => logged += bytes,
            }
        }
        self.captured.drain(..logged);
        if !self.captured.is_empty() {
            return false;
        }
        if self.is_capturing && self.closed.is_empty() {
            self.is_capturing = false;
        }
        !self.is_capturing
    }

    /// Stops the capture of the closed epoch. What was not copied belongs to the open one.
    pub(crate) fn give_up(&mut self) {
        self.is_capturing = false;
    }

    /// Whether the epoch was given up because a write found the buffer full.
    pub(crate) fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// The table is empty from here on, and the uploader is told so by other means.
    pub(crate) fn clear(&mut self) {
        debug_assert!(!self.is_capturing);
        self.open.clear();
        self.closed.clear();
        self.removed_open.clear();
        self.removed_closed.clear();
        self.removed_logged = 0;
        // Left by an epoch that was given up, they would be taken for records of what the table holds next.
        self.captured.clear();
    }

    fn copy(&mut self, key: &[u8], value: &[u8]) -> bool {
        let entry_bytes = key.len() + value.len();
        if self.captured.len() + entry_bytes > CAPTURE_BYTES {
            self.overflowed = true;
            self.is_capturing = false;
            return false;
        }
        if self.captured.capacity() == 0 {
            self.captured.reserve_exact(CAPTURE_BYTES);
        }
        self.captured.extend_from_slice(key);
        self.captured.extend_from_slice(value);
        true
    }
}

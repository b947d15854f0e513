//! Tumbling windows by key.
//!
//! 1. Each open window is a pane with a table of its own, from key to partial result; a closed pane is freed whole.
//! 2. Whether an event is late is decided by the watermark that travels with it, not by when it arrives here.
//! 3. The watermark moves a pane from `open` to `closing`; `fire` then emits it, a bounded number of slots at a time.
//!    Panes close in the order of their ends.

use std::collections::VecDeque;
use std::marker::PhantomData;

use tidewire_event::limits::{FIRE_SLOTS, SPARE_TABLES_MAX};
use tidewire_event::time::{NOT_DUE, WATERMARK_NONE};
use tidewire_event::{HashRange, Header, Key};
use tidewire_state::Table;

use crate::aggregate::Aggregate;
use crate::operator::{Operator, Output};
use crate::window::{Tumbling, Window};

/// The result of one key in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowRow<K, V> {
    /// The window.
    pub window: Window,
    /// The key.
    pub key: K,
    /// What the aggregate gave.
    pub value: V,
}

/// The operator: see the module.
#[derive(Debug)]
pub struct KeyedWindow<K, F, A: Aggregate> {
    windows: Tumbling,
    key_of: F,
    aggregate: A,
    range: HashRange,
    /// Sorted by time. There are as many as the disorder that the watermark allows, plus one.
    open: Vec<Pane<K, A::Partial>>,
    /// The pane that took the last event: most events fall into the same one.
    recent: usize,
    closing: VecDeque<Pane<K, A::Partial>>,
    /// The next slot of the first closing pane's table.
    next_slot: usize,
    spare: Vec<Table<K, A::Partial>>,
    watermark: i64,
    /// The watermark that closes the window it stands in. Nothing happens before.
    boundary: i64,
    /// The end of the last window that the watermark has closed.
    closed_to: i64,
    event: PhantomData<fn(&A::In) -> K>,
}

#[derive(Debug)]
struct Pane<K, P> {
    window: Window,
    table: Table<K, P>,
    /// When the event that closed it was due.
    due: i64,
}

impl<K: Key, F: Fn(&A::In) -> K, A: Aggregate> KeyedWindow<K, F, A> {
    /// `aggregate` over `windows`, for each key that `key_of` reads from an event. Keys' hashes lie in `range`.
    pub fn new(windows: Tumbling, key_of: F, aggregate: A, range: HashRange) -> Self {
        Self {
            windows,
            key_of,
            aggregate,
            range,
            open: Vec::new(),
            recent: 0,
            closing: VecDeque::new(),
            next_slot: 0,
            spare: Vec::new(),
            watermark: WATERMARK_NONE,
            boundary: WATERMARK_NONE,
            closed_to: WATERMARK_NONE,
            event: PhantomData,
        }
    }

    /// Makes the pane for `ts` the recent one, and makes it if it is not there; false if its window has closed.
    #[inline(never)]
    fn find_pane(&mut self, ts: i64, watermark: i64) -> bool {
        let after = self.open.partition_point(|pane| pane.window.start <= ts);
        if let Some(before) = after.checked_sub(1)
            && self.open[before].window.contains(ts)
        {
            self.recent = before;
            return !self.open[before].window.closed_by(watermark);
        }
        let window = self.windows.window_of(ts);
        if window.closed_by(watermark.max(self.watermark)) {
            return false;
        }
        let at = self.open.partition_point(|pane| pane.window.start < window.start);
        if self.open.get(at).is_none_or(|pane| pane.window != window) {
            let table = self.spare.pop().unwrap_or_else(|| Table::new(self.range));
            self.open.insert(at, Pane { window, table, due: NOT_DUE });
        }
        self.recent = at;
        true
    }

    /// The watermark has passed the end of a window.
    #[cold]
    #[inline(never)]
    fn close(&mut self, due: i64) {
        let closed = self.open.partition_point(|pane| pane.window.closed_by(self.watermark));
        self.closing.extend(self.open.drain(..closed).map(|pane| Pane { due, ..pane }));
        self.recent = 0;
        self.closed_to = self.windows.closed_to(self.watermark);
        self.boundary = self.windows.next_close(self.watermark);
    }

    /// Keeps the table of an emitted pane for a later one, unless it is far too large for what it held.
    fn recycle(&mut self, mut table: Table<K, A::Partial>) {
        let oversized = table.capacity() > 64 * (table.len() + 64);
        if self.spare.len() < SPARE_TABLES_MAX && !oversized {
            table.clear();
            self.spare.push(table);
        }
    }
}

impl<K: Key, F: Fn(&A::In) -> K, A: Aggregate> Operator for KeyedWindow<K, F, A>
where
    A::In: Copy,
{
    type In = A::In;
    type Row = WindowRow<K, A::Out>;
    type Late = A::In;

    #[inline(always)]
    fn event(
        &mut self,
        header: &Header,
        event: &A::In,
        out: &mut impl Output<Self::Row, Self::Late>,
    ) {
        let recent = self.open.get(self.recent).is_some_and(|pane| {
            pane.window.contains(header.ts) && !pane.window.closed_by(header.watermark)
        });
        if !recent && !self.find_pane(header.ts, header.watermark) {
            out.late(header, *event);
            return;
        }
        let key = (self.key_of)(event);
        let (table, aggregate) = (&mut self.open[self.recent].table, &self.aggregate);
        let mut new = false;
        let partial = table.entry(&key, || {
            new = true;
            aggregate.lift(header, event)
        });
        if !new {
            aggregate.insert(partial, header, event);
        }
    }

    #[inline]
    fn watermark(&mut self, watermark: i64, due: i64) {
        self.watermark = watermark;
        if watermark >= self.boundary {
            self.close(due);
        }
    }

    fn grid(&self) -> Option<Tumbling> {
        Some(self.windows)
    }

    #[inline]
    fn is_firing(&self) -> bool {
        !self.closing.is_empty()
    }

    fn fire(&mut self, out: &mut impl Output<Self::Row, Self::Late>) {
        let Some(Pane { window, table, due }) = self.closing.front() else { return };
        let next = table.visit(self.next_slot, FIRE_SLOTS, |key, partial| {
            let value = self.aggregate.lower(*window, partial);
            out.row(window.end, *due, WindowRow { window: *window, key: *key, value });
        });
        self.next_slot = next.unwrap_or(0);
        if next.is_none()
            && let Some(pane) = self.closing.pop_front()
        {
            self.recycle(pane.table);
        }
    }

    #[inline]
    fn complete_to(&self) -> i64 {
        match self.closing.front() {
            Some(pane) => pane.window.start,
            None => self.closed_to,
        }
    }
}

#[cfg(test)]
mod tests;

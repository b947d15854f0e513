//! Tumbling windows by key.
//!
//! 1. Each open window is a pane with a table of its own, from key to partial result; a closed pane is freed whole.
//! 2. Whether an event is late is decided by the watermark that travels with it, not by when it arrives here.
//! 3. The watermark moves a pane from `open` to `closing`; `fire` then emits it, a bounded number of slots at a time.
//!    Panes close in the order of their ends.
//! 4. A snapshot holds the open panes. One that closes is dropped from it at once: its rows belong to the epoch in which
//!    it closed. Its table stays until the capture of an epoch that it still was part of is done.

use std::collections::VecDeque;
use std::marker::PhantomData;

use tidewire_event::limits::{FIRE_SLOTS, SPARE_TABLES_MAX};
use tidewire_event::time::{NOT_DUE, WATERMARK_NONE};
use tidewire_event::{Header, Key};
use tidewire_state::{Arena, Durable, Image, LayoutMismatch, Log, Table, TableId};

use crate::aggregate::Aggregate;
use crate::operator::{Operator, Output};
use crate::window::{Tumbling, Window};

/// The number of its tables, each with the start of its window.
const PANES: u16 = 1;

/// The result of one key in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WindowRow<K, V> {
    /// The window.
    pub window: Window,
    /// The key.
    pub key: K,
    /// What the aggregate gave.
    pub value: V,
    /// Whether more is to come for this key and window.
    pub stage: Stage,
}

/// When a result leaves, as against the end of its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Before it: others follow.
    Early,
    /// When the watermark has closed the window: the one that counts, if nothing comes late.
    Complete,
    /// After it: it takes the place of the one before.
    Corrected,
}

/// The operator: see the module.
#[derive(Debug)]
pub struct KeyedWindow<K, F, A: Aggregate> {
    windows: Tumbling,
    key_of: F,
    aggregate: A,
    arena: Arena,
    /// Sorted by time. There are as many as the disorder that the watermark allows, plus one.
    open: Vec<Pane<K, A::Partial>>,
    /// The pane that took the last event: most events fall into the same one.
    recent: usize,
    closing: VecDeque<Pane<K, A::Partial>>,
    /// The next slot of the first closing pane's table.
    next_slot: usize,
    /// Emitted, but still being captured.
    retired: Vec<(i64, Table<K, A::Partial>)>,
    spare: Vec<Table<K, A::Partial>>,
    /// Panes that have closed in the open epoch, by the starts of their windows.
    dropped: Vec<i64>,
    /// The same of the closed epoch, until the log has them.
    dropped_closed: Vec<i64>,
    watermark: i64,
    /// The watermark that closes the window it stands in. Nothing happens before.
    boundary: i64,
    /// The end of the last window that the watermark has closed.
    closed_to: i64,
    event: PhantomData<fn(&A::In) -> K>,
}

/// What became of the search for an event's pane.
enum Search {
    Found,
    /// Its window has closed.
    Late,
    /// The state's budget has no room for a pane.
    Full,
}

#[derive(Debug)]
struct Pane<K, P> {
    window: Window,
    table: Table<K, P>,
    /// When the event that closed it was due.
    due: i64,
}

impl<K: Key, F: Fn(&A::In) -> K, A: Aggregate> KeyedWindow<K, F, A> {
    /// `aggregate` over `windows`, for each key that `key_of` reads from an event, with state in `arena`.
    pub fn new(windows: Tumbling, key_of: F, aggregate: A, arena: Arena) -> Self {
        Self {
            windows,
            key_of,
            aggregate,
            arena,
            open: Vec::new(),
            recent: 0,
            closing: VecDeque::new(),
            next_slot: 0,
            retired: Vec::new(),
            spare: Vec::new(),
            dropped: Vec::new(),
            dropped_closed: Vec::new(),
            watermark: WATERMARK_NONE,
            boundary: WATERMARK_NONE,
            closed_to: WATERMARK_NONE,
            event: PhantomData,
        }
    }

    /// Makes the pane for `ts` the recent one, and makes it if it is not there.
    #[inline(never)]
    fn find_pane(&mut self, ts: i64, watermark: i64) -> Search {
        let after = self.open.partition_point(|pane| pane.window.start <= ts);
        if let Some(before) = after.checked_sub(1)
            && self.open[before].window.contains(ts)
        {
            self.recent = before;
            let closed = self.open[before].window.closed_by(watermark);
            return if closed { Search::Late } else { Search::Found };
        }
        let window = self.windows.window_of(ts);
        if window.closed_by(watermark.max(self.watermark)) {
            return Search::Late;
        }
        let at = self.open.partition_point(|pane| pane.window.start < window.start);
        if self.open.get(at).is_none_or(|pane| pane.window != window) {
            let Some(table) = self.spare.pop().or_else(|| self.arena.table().ok()) else {
                return Search::Full;
            };
            self.open.insert(at, Pane { window, table, due: NOT_DUE });
        }
        self.recent = at;
        Search::Found
    }

    /// The watermark has passed the end of a window.
    #[cold]
    #[inline(never)]
    fn close(&mut self, due: i64) {
        let closed = self.open.partition_point(|pane| pane.window.closed_by(self.watermark));
        if self.arena.is_tracked {
            self.dropped.extend(self.open[..closed].iter().map(|pane| pane.window.start));
        }
        self.closing.extend(self.open.drain(..closed).map(|pane| Pane { due, ..pane }));
        self.recent = 0;
        self.closed_to = self.windows.closed_to(self.watermark);
        self.boundary = self.windows.next_close(self.watermark);
    }

    /// Keeps the table of an emitted pane for a later one, unless it is far too large for what it held.
    fn recycle(&mut self, start: i64, mut table: Table<K, A::Partial>) {
        if table.is_capturing() {
            self.retired.push((start, table));
            return;
        }
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
        if !recent {
            match self.find_pane(header.ts, header.watermark) {
                Search::Found => {}
                Search::Late => return out.late(header, *event),
                Search::Full => return out.refused(header),
            }
        }
        let key = (self.key_of)(event);
        let (table, aggregate) = (&mut self.open[self.recent].table, &self.aggregate);
        let mut new = false;
        let partial = table.entry(&key, || {
            new = true;
            aggregate.lift(header, event)
        });
        let Some(partial) = partial else { return out.refused(header) };
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
            out.row(
                window.end,
                *due,
                WindowRow { window: *window, key, value, stage: Stage::Complete },
            );
        });
        self.next_slot = next.unwrap_or(0);
        if next.is_none()
            && let Some(pane) = self.closing.pop_front()
        {
            self.recycle(pane.window.start, pane.table);
        }
    }

    #[inline]
    fn complete_to(&self) -> i64 {
        match self.closing.front() {
            Some(pane) => pane.window.start,
            None => self.closed_to,
        }
    }

    fn closed_to(&self, watermark: i64) -> i64 {
        self.windows.closed_to(watermark)
    }
}

impl<K: Key, F: Fn(&A::In) -> K, A: Aggregate> Durable for KeyedWindow<K, F, A> {
    fn freeze(&mut self) {
        self.dropped_closed.append(&mut self.dropped);
        self.open.iter_mut().for_each(|pane| pane.table.freeze());
    }

    fn capture(&mut self, mut records: usize, log: &mut impl Log) -> bool {
        let number = self.arena.number(PANES);
        let id = |start| TableId { number, instance: start };
        while let Some(start) = self.dropped_closed.last() {
            if !log.dropped(id(*start)) {
                return false;
            }
            self.dropped_closed.pop();
        }
        let mut is_done = true;
        let panes = self.open.iter_mut().chain(&mut self.closing);
        let panes = panes.map(|pane| (pane.window.start, &mut pane.table));
        for (start, table) in
            panes.chain(self.retired.iter_mut().map(|(start, table)| (*start, table)))
        {
            is_done &= table.capture(records, id(start), log);
            if !is_done {
                // Copies of the other tables that wait for the log do not wait for this one's.
                records = 0;
            }
        }
        if is_done {
            for (start, table) in std::mem::take(&mut self.retired) {
                self.recycle(start, table);
            }
        }
        is_done
    }

    fn give_up(&mut self) {
        let panes = self.open.iter_mut().chain(&mut self.closing).map(|pane| &mut pane.table);
        panes.chain(self.retired.iter_mut().map(|(_, table)| table)).for_each(Table::give_up);
    }

    fn overflowed(&self) -> bool {
        let panes = self.open.iter().chain(&self.closing).map(|pane| &pane.table);
        panes.chain(self.retired.iter().map(|(_, table)| table)).any(Table::overflowed)
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        for (start, table) in image.take(self.arena.number(PANES)) {
            let table = Table::adopt(table, self.arena.is_tracked)?;
            let window = self.windows.window_of(start);
            self.open.push(Pane { window, table, due: NOT_DUE });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

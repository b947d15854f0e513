//! Events for windows that have closed already.
//!
//! 1. Such an event is in none of the windows that its own watermark has closed. It waits until these are emitted, and
//!    is taken in before any other is: so what a window comes to does not depend on how firing is sliced.
//! 2. Then it is in those of its windows that are still open; and of the closed ones that are within the allowed lateness
//!    a corrected result leaves at once.
//! 3. Events that wait are part of a snapshot.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use rkyv::Portable;
use tidewire_event::key::Within;
use tidewire_event::record::i64_ule;
use tidewire_event::time::NOT_DUE;
use tidewire_event::{Header, Key, Place, Record};
use tidewire_state::{Arena, Durable, Image, LayoutMismatch, Log, Table};
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use super::sliding::Sliding;
use super::{KeyedWindow, NO_WINDOW, Stage, WindowRow};
use crate::aggregate::Aggregate;
use crate::operator::Output;
use crate::window::Window;
use crate::windows::{Windows, clamp, is_closed};

/// The number of the table.
const WAITING: u16 = 3;

/// An event that waits.
#[derive(Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C, packed)]
struct Behind<P> {
    ts: i64_ule,
    watermark: i64_ule,
    partial: P,
}

/// When it is taken in: by the end of the last window that must have been emitted, then by arrival. Events of different
/// keys may have the same number, if they came to different shards.
#[derive(Debug)]
struct Turn<K> {
    behind: i128,
    number: u64,
    key: K,
    due: i64,
}

impl<K> Turn<K> {
    fn order(&self) -> (i128, u64) {
        (self.behind, self.number)
    }
}

impl<K> PartialEq for Turn<K> {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl<K> Eq for Turn<K> {}

impl<K> PartialOrd for Turn<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Turn<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

/// All of them.
#[derive(Debug)]
pub(super) struct Waiting<K, P> {
    arena: Arena,
    table: Option<Table<Within<K>, Behind<P>>>,
    order: BinaryHeap<Reverse<Turn<K>>>,
    next_number: u64,
}

impl<K: Key, P: Record> Waiting<K, P> {
    pub(super) fn new(arena: &Arena) -> Self {
        Self { arena: arena.clone(), table: None, order: BinaryHeap::new(), next_number: 0 }
    }

    /// The end of the last window that must have been emitted before the first of them is taken in.
    #[inline]
    pub(super) fn first(&self) -> Option<i128> {
        self.order.peek().map(|Reverse(first)| first.behind)
    }

    /// Whether one of them can be taken in when windows have been emitted up to `fired_to`.
    #[inline]
    pub(super) fn is_due(&self, fired_to: i128) -> bool {
        self.first().is_some_and(|behind| behind <= fired_to)
    }

    /// `watermark`, or one that is no larger than that of any event that waits.
    pub(super) fn watermark(&self, watermark: i64) -> i64 {
        self.first().map_or(watermark, |behind| watermark.min(clamp(behind - 1)))
    }

    /// Lets an event wait; false if there is no room.
    fn push(&mut self, behind: i128, key: K, due: i64, record: Behind<P>) -> bool {
        if self.table.is_none() {
            self.table = self.arena.table().ok();
        }
        let number = self.next_number;
        let Some(table) = &mut self.table else { return false };
        if table.entry(&Within { key, number }, || record).is_none() {
            return false;
        }
        self.next_number += 1;
        self.order.push(Reverse(Turn { behind, number, key, due }));
        true
    }

    /// The first one.
    fn pop(&mut self) -> Option<(K, i64, Behind<P>)> {
        let Reverse(Turn { number, key, due, .. }) = self.order.pop()?;
        let record = self.table.as_mut()?.remove(&Within { key, number })?;
        Some((key, due, record))
    }

    /// Takes the stored ones.
    pub(super) fn adopt(
        &mut self,
        image: &mut Image,
        windows: &Windows,
    ) -> Result<(), LayoutMismatch> {
        for (_, table) in image.take(self.arena.number(WAITING)) {
            let table: Table<Within<K>, Behind<P>> = Table::adopt(table, self.arena.is_tracked)?;
            for (Within { key, number }, record) in table.iter() {
                let behind = windows.last_closed(record.watermark.to_native());
                self.order.push(Reverse(Turn { behind, number, key, due: NOT_DUE }));
                self.next_number = self.next_number.max(number + 1);
            }
            self.table = Some(table);
        }
        Ok(())
    }
}

impl<K: Key, P: Record> Durable for Waiting<K, P> {
    fn freeze(&mut self) {
        self.table.iter_mut().for_each(Table::freeze);
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        let id = self.arena.id(WAITING);
        self.table.as_mut().is_none_or(|table| table.capture(records, id, log))
    }

    fn give_up(&mut self) {
        self.table.iter_mut().for_each(Table::give_up);
    }

    fn overflowed(&self) -> bool {
        self.table.iter().any(Table::overflowed)
    }
}

impl<K: Key, F: Fn(&A::In) -> K, A: Aggregate> KeyedWindow<K, F, A> {
    /// Takes in an event of which some windows have closed.
    #[cold]
    #[inline(never)]
    pub(super) fn behind(
        &mut self,
        header: &Header,
        event: &A::In,
        out: &mut impl Output<WindowRow<K, A::Out>, A::In>,
    ) {
        let key = (self.key_of)(event);
        let (ts, watermark) = (header.ts.into(), header.watermark.into());
        let record = Behind { ts, watermark, partial: self.aggregate.lift(header, event) };
        let behind = self.windows.last_closed(header.watermark);
        if !self.is_firing && behind <= self.fired_to {
            self.take_in(key, header.due, record, out);
        } else if !self.waiting.push(behind, key, header.due, record) {
            out.refused(header);
        }
    }

    /// Takes in one that has waited long enough; false if there is none.
    pub(super) fn fire_waiting(
        &mut self,
        out: &mut impl Output<WindowRow<K, A::Out>, A::In>,
    ) -> bool {
        let is_due = self.waiting.is_due(self.fired_to);
        if is_due && let Some((key, due, record)) = self.waiting.pop() {
            self.take_in(key, due, record, out);
        }
        is_due
    }

    fn take_in(
        &mut self,
        key: K,
        due: i64,
        record: Behind<A::Partial>,
        out: &mut impl Output<WindowRow<K, A::Out>, A::In>,
    ) {
        let (ts, watermark) = (record.ts.to_native(), record.watermark.to_native());
        let window = self.windows.panes().window_of(ts);
        let header = Header { ts, watermark, place: Place::new(0, 0), due };
        if self.add(window, &key, record.partial).is_none() {
            return out.refused(&header);
        }
        let first = self.windows.first_end(window);
        let last = self.windows.last_end(window).min(self.windows.last_closed(watermark));
        if is_closed(last, self.lateness, watermark) || self.lateness == 0 {
            return;
        }
        self.correct(window, &key, (first, last), &header, out);
    }

    /// Puts a partial result into a pane and into what follows from it; `None` if there is no room.
    fn add(&mut self, window: Window, key: &K, partial: A::Partial) -> Option<()> {
        let at = self.panes.find_or_make(window)?;
        self.recent_window = NO_WINDOW;
        let pane = &mut self.panes.list[at];
        let mut is_new = false;
        let whole = pane.table.entry(key, || {
            is_new = true;
            partial
        })?;
        if !is_new {
            *whole = self.aggregate.combine(whole, &partial);
        }
        let number = self.windows.pane_number(window);
        let added = match &mut self.sliding {
            // One that comes to be only now is folded in with the next window.
            Sliding::Running(Some(running)) if pane.is_folded => {
                running.add(&self.aggregate, key, &partial, is_new)
            }
            Sliding::Merged(merged) => merged.add(&self.aggregate, number, key, &partial),
            _ => Ok(()),
        };
        added.ok()
    }

    /// Emits the corrected results of the windows with ends from `ends.0` to `ends.1` that are within the lateness.
    fn correct(
        &mut self,
        pane: Window,
        key: &K,
        ends: (i128, i128),
        header: &Header,
        out: &mut impl Output<WindowRow<K, A::Out>, A::In>,
    ) {
        let mut end = ends.0;
        while is_closed(end, self.lateness, header.watermark) {
            end = self.windows.next_end(end);
        }
        // What stands before the pane, from each window's start on, the longest first: all windows share the rest.
        let number = self.windows.pane_number(pane);
        let mut before: Vec<(i128, A::Partial)> = Vec::new();
        let first = self.first_pane_from(self.windows.panes_of(end).start);
        let mut at = self.first_pane_from(number);
        while at > first {
            at -= 1;
            let other = &mut self.panes.list[at];
            if let Some(partial) = other.table.get(key) {
                let behind = before.last().map(|(_, whole)| self.aggregate.combine(partial, whole));
                let number = self.windows.pane_number(other.window);
                before.push((number, behind.unwrap_or(*partial)));
            }
        }
        let mut at = self.first_pane_from(number);
        let mut from_pane: Option<A::Partial> = None;
        while end <= ends.1 {
            let range = self.windows.panes_of(end);
            while let Some(other) = self.panes.list.get_mut(at)
                && self.windows.pane_number(other.window) < range.end
            {
                if let Some(partial) = other.table.get(key) {
                    let whole = from_pane.map(|whole| self.aggregate.combine(&whole, partial));
                    from_pane = Some(whole.unwrap_or(*partial));
                }
                at += 1;
            }
            let earlier = before.partition_point(|(number, _)| *number >= range.start);
            let earlier = earlier.checked_sub(1).and_then(|at| before.get(at));
            if let Some(later) = &from_pane {
                let whole = match earlier {
                    Some((_, earlier)) => self.aggregate.combine(earlier, later),
                    None => *later,
                };
                let window = self.windows.ending(end);
                let value = self.aggregate.lower(window, &whole);
                let row = WindowRow { window, key: *key, value, stage: Stage::Corrected };
                out.corrected(window.end, header.due, row);
            }
            end = self.windows.next_end(end);
        }
    }
}

//! The panes of a window operator: a table each, from key to partial result.
//!
//! 1. Panes lie in the order of their time. A pane is made by its first event, so gaps in time cost nothing.
//! 2. A pane is dropped from snapshots when no event to come can change it and its rows belong to an epoch: at once when
//!    the watermark says so. Its table stays until it has been emitted, and until the capture of an epoch that it still
//!    was part of is done.
//! 3. Freed tables are kept for later panes.

use std::collections::VecDeque;

use tidewire_event::limits::SPARE_TABLES_MAX;
use tidewire_event::{Key, Record};
use tidewire_state::{Arena, CaptureTurn, Durable, Image, LayoutMismatch, Log, Table, TableId};

use super::early::Changed;
use crate::window::{Tumbling, Window};

/// The number of the panes' tables, each with the start of its window.
const PANES: u16 = 1;
/// The same of the tables that say what has changed since the last early result.
const CHANGES: u16 = 2;

/// A pane.
#[derive(Debug)]
pub(super) struct Pane<K, P> {
    pub(super) window: Window,
    pub(super) table: Table<K, P>,
    /// What has changed since the last early result, where there are any.
    pub(super) changes: Option<Table<K, Changed>>,
    /// Whether the sliding totals hold it.
    pub(super) is_folded: bool,
    /// Whether it has been dropped from snapshots.
    is_dropped: bool,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Panes<K, P> {
    pub(super) arena: Arena,
    pub(super) list: VecDeque<Pane<K, P>>,
    /// Freed, but still being captured.
    retired: Vec<(TableId, Retired<K, P>)>,
    spare: Vec<Table<K, P>>,
    /// Tables that were dropped in the open epoch.
    dropped: Vec<TableId>,
    /// The same of the closed epoch, until the log has them.
    dropped_closed: Vec<TableId>,
}

#[derive(Debug)]
enum Retired<K, P> {
    Pane(Table<K, P>),
    Changes(Table<K, Changed>),
}

impl<K: Key, P: Record> Panes<K, P> {
    pub(super) fn new(arena: Arena) -> Self {
        Self {
            arena,
            list: VecDeque::new(),
            retired: Vec::new(),
            spare: Vec::new(),
            dropped: Vec::new(),
            dropped_closed: Vec::new(),
        }
    }

    fn id(&self, table: u16, pane: Window) -> TableId {
        TableId { number: self.arena.number(table), instance: pane.start }
    }

    /// Where the pane of `window` is, or would be put.
    pub(super) fn find(&self, window: Window) -> Result<usize, usize> {
        let at = self.list.partition_point(|pane| pane.window.start < window.start);
        match self.list.get(at) {
            Some(pane) if pane.window == window => Ok(at),
            _ => Err(at),
        }
    }

    /// The pane of `window`, which is made if it is not there; `None` if there is no room for it.
    pub(super) fn find_or_make(&mut self, window: Window) -> Option<usize> {
        match self.find(window) {
            Ok(at) => Some(at),
            Err(at) => {
                let table = self.spare.pop().or_else(|| self.arena.table().ok())?;
                let pane =
                    Pane { window, table, changes: None, is_folded: false, is_dropped: false };
                self.list.insert(at, pane);
                Some(at)
            }
        }
    }

    /// Drops the first panes that `are_done` from snapshots.
    pub(super) fn drop_first(&mut self, are_done: impl Fn(Window) -> bool) {
        for at in 0..self.list.len() {
            let pane = &mut self.list[at];
            if !are_done(pane.window) {
                return;
            }
            if pane.is_dropped {
                continue;
            }
            pane.is_dropped = true;
            let (window, has_changes) = (pane.window, pane.changes.is_some());
            if self.arena.is_tracked {
                self.dropped.push(self.id(PANES, window));
                if has_changes {
                    self.dropped.push(self.id(CHANGES, window));
                }
            }
        }
    }

    /// Frees the first panes that have been dropped and emitted, and says how many.
    pub(super) fn free_first(&mut self, are_emitted: impl Fn(Window) -> bool) -> usize {
        let mut freed = 0;
        while let Some(pane) = self.list.front()
            && pane.is_dropped
            && !pane.is_folded
            && are_emitted(pane.window)
            && let Some(pane) = self.list.pop_front()
        {
            freed += 1;
            let id = self.id(PANES, pane.window);
            self.recycle(id, pane.table);
            if let Some(changes) = pane.changes
                && changes.is_capturing()
            {
                let id = self.id(CHANGES, pane.window);
                self.retired.push((id, Retired::Changes(changes)));
            }
        }
        freed
    }

    /// Keeps the table of a pane for a later one, unless it is far too large for what it held.
    fn recycle(&mut self, id: TableId, mut table: Table<K, P>) {
        if table.is_capturing() {
            self.retired.push((id, Retired::Pane(table)));
            return;
        }
        let oversized = table.capacity() > 64 * (table.len() + 64);
        if self.spare.len() < SPARE_TABLES_MAX && !oversized {
            table.clear();
            self.spare.push(table);
        }
    }

    /// Takes the stored panes of `grid`.
    pub(super) fn adopt(
        &mut self,
        image: &mut Image,
        grid: Tumbling,
    ) -> Result<(), LayoutMismatch> {
        let is_tracked = self.arena.is_tracked;
        for (start, table) in image.take(self.arena.number(PANES)) {
            let table = Table::adopt(table, is_tracked)?;
            let window = grid.window_of(start);
            let pane = Pane { window, table, changes: None, is_folded: false, is_dropped: false };
            self.list.push_back(pane);
        }
        for (start, table) in image.take(self.arena.number(CHANGES)) {
            let table = Table::adopt(table, is_tracked)?;
            if let Ok(at) = self.find(grid.window_of(start)) {
                self.list[at].changes = Some(table);
            }
        }
        Ok(())
    }
}

impl<K: Key, P: Record> Durable for Panes<K, P> {
    fn freeze(&mut self) {
        self.dropped_closed.append(&mut self.dropped);
        for pane in self.list.iter_mut().filter(|pane| !pane.is_dropped) {
            pane.table.freeze();
            pane.changes.iter_mut().for_each(Table::freeze);
        }
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        while let Some(id) = self.dropped_closed.last() {
            if !log.dropped(*id) {
                return false;
            }
            self.dropped_closed.pop();
        }
        let (panes, changes) = (self.arena.number(PANES), self.arena.number(CHANGES));
        let mut turn = CaptureTurn::new(records);
        for pane in &mut self.list {
            let instance = pane.window.start;
            turn.capture(&mut pane.table, TableId { number: panes, instance }, log);
            if let Some(table) = &mut pane.changes {
                turn.capture(table, TableId { number: changes, instance }, log);
            }
        }
        for (id, retired) in &mut self.retired {
            match retired {
                Retired::Pane(table) => turn.capture(table, *id, log),
                Retired::Changes(table) => turn.capture(table, *id, log),
            }
        }
        if turn.is_done() {
            for (id, retired) in std::mem::take(&mut self.retired) {
                if let Retired::Pane(table) = retired {
                    self.recycle(id, table);
                }
            }
        }
        turn.is_done()
    }

    fn give_up(&mut self) {
        for pane in &mut self.list {
            pane.table.give_up();
            pane.changes.iter_mut().for_each(Table::give_up);
        }
        for (_, retired) in &mut self.retired {
            match retired {
                Retired::Pane(table) => table.give_up(),
                Retired::Changes(table) => table.give_up(),
            }
        }
    }

    fn overflowed(&self) -> bool {
        let panes = self
            .list
            .iter()
            .any(|pane| pane.table.overflowed() || pane.changes.iter().any(Table::overflowed));
        panes
            || self.retired.iter().any(|(_, retired)| match retired {
                Retired::Pane(table) => table.overflowed(),
                Retired::Changes(table) => table.overflowed(),
            })
    }
}

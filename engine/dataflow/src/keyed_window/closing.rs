//! Closed windows, emitted in slices.
//!
//! A window goes through its steps in order: what enters is folded in, its results are emitted, what leaves is taken out.
//! Between two slices events go on; they fall into panes that no closed window has, so what is being emitted stands still.

use std::collections::VecDeque;

use tidewire_event::limits::FIRE_SLOTS;
use tidewire_event::time::{NOT_DUE, WATERMARK_NONE};
use tidewire_event::{Header, Key, Place};
use tidewire_state::Table;

use super::sliding::{Node, Running, Sliding};
use super::{KeyedWindow, NO_WINDOW, Stage, WindowRow};
use crate::aggregate::Aggregate;
use crate::operator::Output;
use crate::window::Window;
use crate::windows::{clamp, is_closed};

/// A window that is being emitted.
#[derive(Debug)]
pub(super) struct Firing {
    end: i128,
    window: Window,
    /// When the event that closed it was due.
    due: i64,
    step: Step,
}

/// What is being done, and from which slot on.
#[derive(Debug)]
enum Step {
    /// The only pane is emitted.
    Pane { pane: usize, slot: usize },
    /// A pane is folded into the totals, and then those after it.
    Enter { pane: usize, slot: usize },
    /// The totals are emitted.
    Totals { slot: usize },
    /// A pane is taken out of the totals, and then those after it.
    Leave { pane: usize, slot: usize },
    /// Panes are merged: the nodes to do, and which half of the first one.
    Merge { todo: VecDeque<Node>, half: usize, slot: usize },
    /// The nodes that cover the window are gone through, the largest first, and keys that one before had are passed over:
    /// most keys are in the largest.
    Nodes { nodes: Vec<Node>, by_size: Vec<usize>, at: usize, slot: usize },
}

impl<K: Key, F: Fn(&A::In) -> K, A: Aggregate> KeyedWindow<K, F, A> {
    /// The watermark has passed the end of a window, or a tick.
    #[cold]
    #[inline(never)]
    pub(super) fn close(&mut self, due: i64) {
        self.boundary = self.windows.next_close(self.watermark);
        self.tick(due);
        let closed = self.windows.last_closed(self.watermark);
        if closed > self.closed {
            self.closed = closed;
            if due != NOT_DUE {
                self.dues.push_back((closed, due));
            }
        }
        self.settle();
    }

    /// Works out where it stands.
    pub(super) fn settle(&mut self) {
        let next = match &self.firing {
            Some(firing) => Some(firing.end),
            None => self.next_to_fire(),
        };
        // The windows before the next one have nothing in them, but for what an event that waits may put there.
        let empty_to = next.map_or(self.closed, |end| self.windows.end_before(end));
        self.fired_to =
            self.fired_to.max(self.waiting.first().map_or(empty_to, |first| first.min(empty_to)));
        let is_closing = next.is_some() || self.waiting.is_due(self.fired_to);
        if !is_closing {
            self.dues.clear();
        }
        if self.watermark > WATERMARK_NONE {
            // Every window up to the one that is next, but never more than the watermark has closed.
            let before_next = clamp(self.windows.next_end(self.fired_to)) - 1;
            let closed_to = self.windows.closed_to(self.watermark);
            let complete_to = if is_closing { before_next.min(closed_to) } else { closed_to };
            self.complete_to = self.complete_to.max(complete_to);
        }
        let (windows, fired_to) = (self.windows, self.fired_to);
        if self.firing.is_none() {
            // An event that waits finds its panes as they were when it came.
            let (lateness, watermark) = (self.lateness, self.waiting.watermark(self.watermark));
            let early = self.early.as_ref();
            self.panes.drop_first(|pane| {
                is_closed(windows.last_end(pane), lateness, watermark)
                    && early.is_none_or(|early| !early.has_due(pane))
            });
        }
        if self.panes.free_first(|pane| windows.last_end(pane) <= fired_to) > 0 {
            self.recent_window = NO_WINDOW;
        }
        self.is_firing = is_closing || self.has_early_due();
    }

    /// The end of the next closed window that has something in it.
    fn next_to_fire(&self) -> Option<i128> {
        let windows = &self.windows;
        let to_fire =
            |pane: &super::panes::Pane<_, _>| windows.last_end(pane.window) <= self.fired_to;
        let pane = self.panes.list.get(self.panes.list.partition_point(to_fire))?;
        let end = windows.next_end(self.fired_to).max(windows.first_end(pane.window));
        (end <= self.closed).then_some(end)
    }

    /// Emits a bounded part of what is closed.
    pub(super) fn fire_some(&mut self, out: &mut impl Output<WindowRow<K, A::Out>, A::In>) {
        if self.fire_early(out) {
            return;
        }
        let Some(mut firing) = self.firing.take() else {
            if !self.fire_waiting(out)
                && let Some(end) = self.next_to_fire()
            {
                self.begin(end);
            }
            return;
        };
        match self.step(&mut firing, out) {
            true => self.fired_to = firing.end,
            false => self.firing = Some(firing),
        }
    }

    fn begin(&mut self, end: i128) {
        while self.dues.len() > 1 && self.dues.front().is_some_and(|(closed, _)| *closed < end) {
            self.dues.pop_front();
        }
        let due = self.dues.front().map_or(NOT_DUE, |(_, due)| *due);
        let range = self.windows.panes_of(end);
        let first = self.first_pane_from(range.start);
        let step = match &mut self.sliding {
            Sliding::None => Step::Pane { pane: first, slot: 0 },
            Sliding::Running(_) => Step::Enter { pane: first, slot: 0 },
            Sliding::Merged(_) => {
                let mut todo = VecDeque::new();
                for node in Node::covering(range) {
                    self.plan(node, &mut todo);
                }
                Step::Merge { todo, half: 0, slot: 0 }
            }
        };
        self.firing = Some(Firing { end, window: self.windows.ending(end), due, step });
    }

    /// Where the first pane is whose number is not below `number`.
    pub(super) fn first_pane_from(&self, number: i128) -> usize {
        self.panes.list.partition_point(|pane| self.windows.pane_number(pane.window) < number)
    }

    /// Whether one of these panes is there.
    fn has_pane(&self, node: Node) -> bool {
        let first = self.panes.list.get(self.first_pane_from(node.panes().start));
        first.is_some_and(|pane| node.panes().contains(&self.windows.pane_number(pane.window)))
    }

    /// Lists the nodes that `node` needs, and then itself, as far as they are not there.
    fn plan(&self, node: Node, todo: &mut VecDeque<Node>) {
        let Sliding::Merged(merged) = &self.sliding else { return };
        if node.level == 0 || merged.tables.contains_key(&node) || !self.has_pane(node) {
            return;
        }
        for half in node.halves() {
            self.plan(half, todo);
        }
        todo.push_back(node);
    }

    /// A slice of the window's step; true when its last one is done.
    fn step(
        &mut self,
        firing: &mut Firing,
        out: &mut impl Output<WindowRow<K, A::Out>, A::In>,
    ) -> bool {
        let Firing { end, window, due, step } = firing;
        let range = self.windows.panes_of(*end);
        match step {
            Step::Pane { pane, slot } => {
                let Some(pane) = self.panes.list.get(*pane) else { return true };
                let next = pane.table.visit(*slot, FIRE_SLOTS, |key, partial| {
                    out.row(window.end, *due, self.row(*window, key, partial));
                });
                *slot = next.unwrap_or(0);
                next.is_none()
            }
            Step::Enter { pane, slot } => {
                if self.enter(pane, slot, range.end, out) {
                    *step = Step::Totals { slot: 0 };
                }
                false
            }
            Step::Totals { slot } => {
                let Sliding::Running(Some(running)) = &self.sliding else { return true };
                let next = running.totals.visit(*slot, FIRE_SLOTS, |key, total| {
                    out.row(window.end, *due, self.row(*window, key, &total.partial()));
                });
                *slot = next.unwrap_or(0);
                if next.is_none() {
                    *step = Step::Leave { pane: self.first_pane_from(range.start), slot: 0 };
                }
                false
            }
            Step::Leave { pane, slot } => self.leave(*end, pane, slot),
            Step::Merge { todo, half, slot } => {
                let Some(node) = todo.front().copied() else {
                    let nodes = Node::covering(range).into_iter();
                    let nodes: Vec<_> = nodes.filter(|node| self.has_pane(*node)).collect();
                    let mut by_size: Vec<_> = (0..nodes.len()).collect();
                    let size = |at: &usize| self.table_of(nodes[*at]).map_or(0, Table::len);
                    by_size.sort_by_key(|at| std::cmp::Reverse(size(at)));
                    *step = Step::Nodes { nodes, by_size, at: 0, slot: 0 };
                    return false;
                };
                if self.merge(node, *half, slot, out) {
                    *half = (*half + 1) % 2;
                    if *half == 0 {
                        todo.pop_front();
                    }
                }
                false
            }
            Step::Nodes { nodes, by_size, at, slot } => {
                if *at == nodes.len() {
                    let stays_from = self.windows.panes_of(self.windows.next_end(*end)).start;
                    if let Sliding::Merged(merged) = &mut self.sliding {
                        merged.free_before(stays_from);
                    }
                    return true;
                }
                let next = self.emit_node(*window, *due, nodes, by_size, *at, *slot, out);
                *slot = next.unwrap_or(0);
                *at += usize::from(next.is_none());
                false
            }
        }
    }

    fn row(&self, window: Window, key: K, partial: &A::Partial) -> WindowRow<K, A::Out> {
        let value = self.aggregate.lower(window, partial);
        WindowRow { window, key, value, stage: Stage::Complete }
    }

    /// Folds in a slice of the panes up to number `end`; true when all are in.
    fn enter(
        &mut self,
        at: &mut usize,
        slot: &mut usize,
        end: i128,
        out: &mut impl Output<WindowRow<K, A::Out>, A::In>,
    ) -> bool {
        let Sliding::Running(running) = &mut self.sliding else { return true };
        let pane = self.panes.list.get_mut(*at);
        let Some(pane) = pane.filter(|pane| self.windows.pane_number(pane.window) < end) else {
            return true;
        };
        if !pane.is_folded {
            let Ok(running) = Running::of(running, &self.panes.arena) else {
                out.refused(&no_event(pane.window));
                return true;
            };
            let next = pane.table.visit(*slot, FIRE_SLOTS, |key, partial| {
                if running.fold(&self.aggregate, &key, partial).is_err() {
                    out.refused(&no_event(pane.window));
                }
            });
            *slot = next.unwrap_or(0);
            if next.is_some() {
                return false;
            }
            pane.is_folded = true;
        }
        *at += 1;
        false
    }

    /// Takes out a slice of the panes that the next window does not have; true when all are out.
    fn leave(&mut self, end: i128, at: &mut usize, slot: &mut usize) -> bool {
        let Sliding::Running(Some(running)) = &mut self.sliding else { return true };
        if self.windows.is_last_of_its_panes(end) {
            running.totals.clear();
            self.panes.list.iter_mut().for_each(|pane| pane.is_folded = false);
            return true;
        }
        let stays_from = self.windows.panes_of(self.windows.next_end(end)).start;
        let pane = self.panes.list.get_mut(*at);
        let Some(pane) = pane.filter(|it| self.windows.pane_number(it.window) < stays_from) else {
            return true;
        };
        if pane.is_folded {
            let next = pane.table.visit(*slot, FIRE_SLOTS, |key, partial| {
                running.take_out(&self.aggregate, &key, partial);
            });
            *slot = next.unwrap_or(0);
            if next.is_some() {
                return false;
            }
            pane.is_folded = false;
        }
        *at += 1;
        false
    }

    /// Merges a slice of one half of a node; true when that half is in.
    fn merge(
        &mut self,
        node: Node,
        half: usize,
        slot: &mut usize,
        out: &mut impl Output<WindowRow<K, A::Out>, A::In>,
    ) -> bool {
        let next = self.slice(node.halves()[half], *slot);
        let Sliding::Merged(merged) = &mut self.sliding else { return true };
        let header = no_event(self.windows.pane_at(node.panes().start));
        if (half, *slot) == (0, 0) && merged.begin(node).is_err() {
            out.refused(&header);
        }
        let records = std::mem::take(&mut merged.slice);
        for (key, partial) in &records {
            if merged.merge(&self.aggregate, node, key, partial).is_err() {
                out.refused(&header);
            }
        }
        merged.slice = records;
        *slot = next.unwrap_or(0);
        next.is_none()
    }

    /// Emits some keys of the node that is `at` in size, and says from which slot to go on.
    #[expect(clippy::too_many_arguments, reason = "the parts of a step")]
    fn emit_node(
        &self,
        window: Window,
        due: i64,
        nodes: &[Node],
        by_size: &[usize],
        at: usize,
        slot: usize,
        out: &mut impl Output<WindowRow<K, A::Out>, A::In>,
    ) -> Option<usize> {
        let tables: Vec<_> = nodes.iter().map(|node| self.table_of(*node)).collect();
        let has = |of: &usize, key: &K| tables[*of].is_some_and(|table| table.get(key).is_some());
        tables[by_size[at]]?.visit(slot, FIRE_SLOTS, |key, _| {
            if by_size[..at].iter().any(|of| has(of, &key)) {
                return;
            }
            let parts = tables.iter().flatten().filter_map(|table| table.get(&key));
            let whole = parts.copied().reduce(|whole, part| self.aggregate.combine(&whole, &part));
            if let Some(whole) = whole {
                out.row(window.end, due, self.row(window, key, &whole));
            }
        })
    }

    /// Takes some records of a node, from a slot on, and says where to go on.
    fn slice(&mut self, node: Node, slot: usize) -> Option<usize> {
        let Sliding::Merged(merged) = &mut self.sliding else { return None };
        let mut records = std::mem::take(&mut merged.slice);
        records.clear();
        let next = self.table_of(node).and_then(|table| {
            table.visit(slot, FIRE_SLOTS, |key, partial| records.push((key, *partial)))
        });
        if let Sliding::Merged(merged) = &mut self.sliding {
            merged.slice = records;
        }
        next
    }

    /// The table of a node: that of its pane, or of the panes that are merged.
    fn table_of(&self, node: Node) -> Option<&Table<K, A::Partial>> {
        match (node.level, &self.sliding) {
            (0, _) => {
                let at = self.panes.find(self.windows.pane_at(node.index)).ok()?;
                Some(&self.panes.list[at].table)
            }
            (_, Sliding::Merged(merged)) => merged.tables.get(&node),
            _ => None,
        }
    }
}

/// What is said of a refusal that is not an event's: a total had no room.
fn no_event(pane: Window) -> Header {
    Header { ts: pane.start, watermark: WATERMARK_NONE, place: Place::new(0, 0), due: NOT_DUE }
}

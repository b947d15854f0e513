//! What windows that overlap come to, so that a window's result costs the same whatever the overlap.
//!
//! 1. With an inverse, and where windows cumulate: a running total for each key. A pane that enters is folded in, and one
//!    that leaves is taken out.
//! 2. Without an inverse: panes are merged in pairs, pairs of pairs, and so on. A window of n panes is at most
//!    2 log2(n) of these, and each pane is merged log2(n) times at most, however many windows it is in.
//! 3. All of it follows from the panes: it is no part of a snapshot.

use std::collections::BTreeMap;

use rkyv::Portable;
use tidewire_event::record::u32_ule;
use tidewire_event::{Key, Record};
use tidewire_state::{Arena, Table};
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use crate::aggregate::Aggregate;
use crate::windows::{Kind, Windows};

/// A key's total, and of how many panes.
#[derive(Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C, packed)]
pub(super) struct Total<P> {
    panes: u32_ule,
    partial: P,
}

impl<P: Copy> Total<P> {
    pub(super) fn partial(&self) -> P {
        self.partial
    }
}

/// The state's budget has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoRoom;

/// What windows come to: see the module.
#[derive(Debug)]
pub(super) enum Sliding<K, P> {
    /// Windows that do not overlap come to what their pane does.
    None,
    /// Made when the first pane enters.
    Running(Option<Box<Running<K, P>>>),
    Merged(Merged<K, P>),
}

impl<K: Key, P: Record> Sliding<K, P> {
    /// What fits the windows and the aggregate.
    pub(super) fn of<A: Aggregate<Partial = P>>(windows: &Windows, arena: &Arena) -> Self {
        match windows.kind() {
            Kind::Tumbling => Self::None,
            Kind::Cumulating => Self::Running(None),
            Kind::Hopping if A::HAS_INVERSE => Self::Running(None),
            Kind::Hopping => Self::Merged(Merged::new(arena)),
        }
    }
}

/// Running totals: see 1 of the module.
#[derive(Debug)]
pub(super) struct Running<K, P> {
    pub(super) totals: Table<K, Total<P>>,
}

impl<K: Key, P: Record> Running<K, P> {
    /// Those that are there, or new ones.
    pub(super) fn of<'r>(
        these: &'r mut Option<Box<Self>>,
        arena: &Arena,
    ) -> Result<&'r mut Self, NoRoom> {
        match these {
            Some(running) => Ok(running),
            None => {
                let totals = untracked(arena).table().map_err(|_| NoRoom)?;
                Ok(these.insert(Box::new(Self { totals })))
            }
        }
    }

    /// What a pane that enters has of a key.
    pub(super) fn fold<A: Aggregate<Partial = P>>(
        &mut self,
        aggregate: &A,
        key: &K,
        partial: &P,
    ) -> Result<(), NoRoom> {
        let fresh = || Total { panes: 0.into(), partial: *partial };
        let total = self.totals.entry(key, fresh).ok_or(NoRoom)?;
        if total.panes > 0 {
            total.partial = aggregate.combine(&{ total.partial }, partial);
        }
        total.panes += 1;
        Ok(())
    }

    /// What came late for a pane that is folded in; `is_new` if the pane had nothing of the key.
    pub(super) fn add<A: Aggregate<Partial = P>>(
        &mut self,
        aggregate: &A,
        key: &K,
        partial: &P,
        is_new: bool,
    ) -> Result<(), NoRoom> {
        self.fold(aggregate, key, partial)?;
        if !is_new && let Some(total) = self.totals.get_mut(key) {
            total.panes -= 1;
        }
        Ok(())
    }

    /// What a pane that leaves has of a key.
    pub(super) fn take_out<A: Aggregate<Partial = P>>(
        &mut self,
        aggregate: &A,
        key: &K,
        partial: &P,
    ) {
        let Some(total) = self.totals.get_mut(key) else { return };
        total.panes -= 1;
        if total.panes == 0 {
            self.totals.remove(key);
        } else {
            total.partial = aggregate.remove(&{ total.partial }, partial);
        }
    }
}

/// A table of merged panes: `1 << level` of them, from pane number `index << level` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Node {
    pub(super) level: u32,
    pub(super) index: i128,
}

impl Node {
    /// The numbers of its panes.
    pub(super) fn panes(self) -> std::ops::Range<i128> {
        self.index << self.level..(self.index + 1) << self.level
    }

    /// The two of which it is made.
    pub(super) fn halves(self) -> [Self; 2] {
        let (level, index) = (self.level - 1, self.index << 1);
        [Self { level, index }, Self { level, index: index + 1 }]
    }

    /// The nodes that make up a window of these panes, in the order of time.
    pub(super) fn covering(panes: std::ops::Range<i128>) -> Vec<Self> {
        let (mut first, mut end, mut level) = (panes.start, panes.end, 0);
        let (mut nodes, mut behind) = (Vec::new(), Vec::new());
        while first < end {
            if first & 1 == 1 {
                nodes.push(Self { level, index: first });
                first += 1;
            }
            if first < end && end & 1 == 1 {
                end -= 1;
                behind.push(Self { level, index: end });
            }
            (first, end, level) = (first >> 1, end >> 1, level + 1);
        }
        nodes.extend(behind.into_iter().rev());
        nodes
    }
}

/// Merged panes: see 2 of the module. Nodes of level 0 are the panes themselves, and not here.
#[derive(Debug)]
pub(super) struct Merged<K, P> {
    arena: Arena,
    pub(super) tables: BTreeMap<Node, Table<K, P>>,
    /// Room for the records of a slice.
    pub(super) slice: Vec<(K, P)>,
}

impl<K: Key, P: Record> Merged<K, P> {
    pub(super) fn new(arena: &Arena) -> Self {
        Self { arena: untracked(arena), tables: BTreeMap::new(), slice: Vec::new() }
    }

    /// Begins a node.
    pub(super) fn begin(&mut self, node: Node) -> Result<(), NoRoom> {
        let table = self.arena.table().map_err(|_| NoRoom)?;
        self.tables.insert(node, table);
        Ok(())
    }

    /// Puts what one of its halves has of a key into a node.
    pub(super) fn merge<A: Aggregate<Partial = P>>(
        &mut self,
        aggregate: &A,
        node: Node,
        key: &K,
        partial: &P,
    ) -> Result<(), NoRoom> {
        let Some(table) = self.tables.get_mut(&node) else { return Ok(()) };
        let mut is_new = false;
        let fresh = || {
            is_new = true;
            *partial
        };
        let merged = table.entry(key, fresh).ok_or(NoRoom)?;
        if !is_new {
            *merged = aggregate.combine(merged, partial);
        }
        Ok(())
    }

    /// What came late for a pane.
    pub(super) fn add<A: Aggregate<Partial = P>>(
        &mut self,
        aggregate: &A,
        pane: i128,
        key: &K,
        partial: &P,
    ) -> Result<(), NoRoom> {
        let nodes: Vec<_> =
            self.tables.keys().filter(|node| node.panes().contains(&pane)).copied().collect();
        nodes.into_iter().try_for_each(|node| self.merge(aggregate, node, key, partial))
    }

    /// Frees what no window from pane number `first` on can use.
    pub(super) fn free_before(&mut self, first: i128) {
        self.tables.retain(|node, _| node.panes().start >= first);
    }
}

fn untracked(arena: &Arena) -> Arena {
    Arena { is_tracked: false, ..arena.clone() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_window_is_covered_once_in_order_by_few_nodes(first in -5_000..5_000_i128, count in 1..3_000_i128) {
            let nodes = Node::covering(first..first + count);
            let mut next = first;
            for node in &nodes {
                prop_assert_eq!(node.panes().start, next);
                next = node.panes().end;
            }
            prop_assert_eq!(next, first + count);
            prop_assert!(nodes.len() as u32 <= 2 * (count.ilog2() + 1));
        }
    }
}

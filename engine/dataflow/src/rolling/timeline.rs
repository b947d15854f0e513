//! Timelines: the events of each key in their order, as partial results.
//!
//! 1. A key's newest entries, its tail, lie in its head; a full tail goes to the end of the key's tree as a whole. All
//!    entries of the tree stand before those of the tail. A key with few events has a head and nothing else.
//! 2. Entries that nothing asks for any more go: from the tail when it is full, from the tree a leaf at a time, or whole
//!    subtrees, whose nodes are freed later, a few with each watermark.
//! 3. A head whose entries have all gone is found by a sweep over the heads, which passes over all of them while event
//!    time moves on by the length of the range. So memory follows the keys of the last two ranges, not all keys ever
//!    seen. With a number of rows no entry is ever too old, and every key stays.
//! 4. `None` says that there is no room for an entry, which then is not in.

use tidewire_event::limits::FIRE_SLOTS;
use tidewire_event::time::WATERMARK_NONE;
use tidewire_event::{Header, Key};
use tidewire_state::{Arena, Durable, Full, Image, LayoutMismatch, Log, Table};
use zerocopy::Unaligned;

use super::Frame;
use super::frame::{Framed, IN_LEAF, IN_TAIL, Place, UNKNOWN};
use super::records::{At, Entry, Head, Leaf, Trunk};
use super::tree::{Nodes, Tree};
use crate::aggregate::Aggregate;

/// The numbers of the tables: part of the snapshot format.
const HEADS: u16 = 1;
const TRUNKS: u16 = 2;
const LEAVES: u16 = 3;
const INNERS: u16 = 4;

/// Nodes that are freed at a time. A tail that goes to the tree brings at most a few new ones.
const FREED_NODES: usize = 16;

/// The timelines of all keys: see the module.
pub(super) struct Timelines<K: Key, A: Aggregate> {
    heads: Table<K, Head<A::Partial>>,
    trees: Trees<K, A>,
    arena: Arena,
    /// The next slot of the sweep, and how many slots it owes.
    sweep_at: usize,
    sweep_owed: u64,
    /// Nothing is to be swept before the watermark is here.
    sweep_next: i64,
    watermark: i64,
    /// Keys that the sweep has found something of.
    found: Vec<K>,
    /// A key with nodes to be freed. Others are found by the sweep.
    cleaning: Option<K>,
}

/// What lies behind the heads.
pub(super) struct Trees<K: Key, A: Aggregate> {
    trunks: Table<K, Trunk>,
    nodes: Nodes<K, A::Partial>,
    pub(super) aggregate: A,
    pub(super) frame: Frame,
}

impl<K: Key, A: Aggregate> Timelines<K, A>
where
    A::Partial: Unaligned,
{
    pub(super) fn new(frame: Frame, aggregate: A, arena: Arena) -> Result<Self, Full> {
        let nodes = Nodes { leaves: arena.table()?, inners: arena.table()? };
        let trees = Trees { trunks: arena.table()?, nodes, aggregate, frame };
        Ok(Self {
            heads: arena.table()?,
            trees,
            arena,
            sweep_at: 0,
            sweep_owed: 0,
            sweep_next: WATERMARK_NONE,
            watermark: WATERMARK_NONE,
            found: Vec::with_capacity(FIRE_SLOTS),
            cleaning: None,
        })
    }

    pub(super) fn aggregate(&self) -> &A {
        &self.trees.aggregate
    }

    /// Puts an event in. Times up to `passed` are neither put in nor asked for again.
    #[inline]
    pub(super) fn insert(
        &mut self,
        key: K,
        header: &Header,
        event: &A::In,
        passed: i64,
    ) -> Option<()> {
        let head = self.heads.entry(&key, Head::new)?;
        let at = At { ts: header.ts, place: header.place.to_bits() };
        let partial = self.trees.aggregate.lift(header, event);
        self.trees.insert(key, head, at, partial, passed)
    }

    /// Puts an event in, and gives the frame that ends at it.
    #[inline]
    pub(super) fn insert_and_frame(
        &mut self,
        key: K,
        header: &Header,
        event: &A::In,
        passed: i64,
    ) -> Option<Framed<A::Partial>> {
        let head = self.heads.entry(&key, Head::new)?;
        let at = At { ts: header.ts, place: header.place.to_bits() };
        let partial = self.trees.aggregate.lift(header, event);
        self.trees.insert(key, head, at, partial, passed)?;
        let framed = self.trees.frame(key, head, at)?;
        self.trees.evict(key, head, passed)?;
        if head.has_waste != 0 && self.cleaning.is_none() {
            self.cleaning = Some(key);
        }
        Some(framed)
    }

    /// The frame that ends at an entry.
    #[inline]
    pub(super) fn frame(&mut self, key: K, at: At, passed: i64) -> Option<Framed<A::Partial>> {
        let head = self.heads.get_mut(&key)?;
        let framed = self.trees.frame(key, head, at)?;
        self.trees.evict(key, head, passed)?;
        if head.has_waste != 0 && self.cleaning.is_none() {
            self.cleaning = Some(key);
        }
        Some(framed)
    }

    /// Takes in how far event time has passed, and tidies up a bounded piece.
    #[inline]
    pub(super) fn pass(&mut self, passed: i64) {
        if passed >= self.sweep_next {
            self.sweep_on(passed);
        }
        if let Some(key) = self.cleaning {
            self.clean(key);
        }
    }

    /// Works off a piece of what the sweep owes: all slots once while time moves on by a range.
    #[inline(never)]
    fn sweep_on(&mut self, passed: i64) {
        let Frame::Range(ns) = self.trees.frame else { return };
        let (slots, piece) = (self.heads.capacity() as u64, FIRE_SLOTS as u64);
        let (ns, moved) = (ns.unsigned_abs().max(1), passed.abs_diff(self.watermark));
        let owed = u128::from(slots) * u128::from(moved) / u128::from(ns);
        self.sweep_owed =
            self.sweep_owed.saturating_add(owed.try_into().unwrap_or(slots)).min(slots);
        self.watermark = passed;
        if self.sweep_owed >= piece {
            self.sweep_owed -= piece;
            self.sweep(passed);
        }
        self.sweep_next = match self.sweep_owed >= piece {
            true => passed,
            false => passed.saturating_add_unsigned((ns / slots).saturating_mul(piece).max(1)),
        };
    }

    /// Looks at a few heads, and lets go what is too old.
    #[inline(never)]
    fn sweep(&mut self, passed: i64) {
        let Some(floor) = self.trees.frame.floor(passed) else { return };
        let mut found = std::mem::take(&mut self.found);
        let next = self.heads.visit(self.sweep_at, FIRE_SLOTS, |key, head| {
            let is_old = head.newest().is_none_or(|newest| newest.ts < floor);
            let goes = head.has_tree != 0 && head.goes_with.to_native() < floor;
            if is_old || goes || head.has_waste != 0 {
                found.push(key);
            }
        });
        self.sweep_at = next.unwrap_or(0);
        for key in found.drain(..) {
            let Some(head) = self.heads.get_mut(&key) else { continue };
            // A tree that lacks a node is left as it is.
            let _ = self.trees.evict(key, head, passed);
            if head.has_tree == 0 && head.newest().is_none_or(|newest| newest.ts < floor) {
                head.tail_len = 0;
                head.cursor = UNKNOWN;
            }
            self.clean(key);
        }
        self.found = found;
    }

    /// Frees some nodes of a key, and its head when it holds nothing.
    fn clean(&mut self, key: K) {
        self.cleaning = None;
        let Some(head) = self.heads.get_mut(&key) else { return };
        if head.has_waste != 0 {
            let is_left = self.trees.change(key, |tree| Some(tree.free(FREED_NODES)));
            head.has_waste = u8::from(is_left == Some(true));
            if head.has_waste != 0 {
                self.cleaning = Some(key);
            }
        }
        if head.has_waste == 0 && head.newest().is_none() {
            self.trees.forget(key);
            self.heads.remove(&key);
        }
    }

    /// Keys, leaves and inner nodes that are there.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        (self.heads.len(), self.trees.nodes.leaves.len(), self.trees.nodes.inners.len())
    }
}

impl<K: Key, A: Aggregate> Trees<K, A>
where
    A::Partial: Unaligned,
{
    /// Asks the tree of a key.
    pub(super) fn ask<T>(
        &mut self,
        key: K,
        ask: impl FnOnce(&Tree<'_, K, A>) -> Option<T>,
    ) -> Option<T> {
        // A copy, so that the trunk does not count as written.
        let mut trunk = *self.trunks.get(&key)?;
        let (nodes, aggregate) = (&mut self.nodes, &self.aggregate);
        ask(&Tree { key, trunk: &mut trunk, nodes, aggregate })
    }

    /// Changes the tree of a key.
    fn change<T>(
        &mut self,
        key: K,
        change: impl FnOnce(&mut Tree<'_, K, A>) -> Option<T>,
    ) -> Option<T> {
        let trunk = self.trunks.entry(&key, Trunk::new)?;
        let (nodes, aggregate) = (&mut self.nodes, &self.aggregate);
        change(&mut Tree { key, trunk, nodes, aggregate })
    }

    /// Removes the trunk of a key whose tree is empty.
    fn forget(&mut self, key: K) {
        if let Some(mut trunk) = self.trunks.remove(&key) {
            let (nodes, aggregate) = (&mut self.nodes, &self.aggregate);
            Tree { key, trunk: &mut trunk, nodes, aggregate }.free_spares();
        }
    }

    #[inline]
    pub(super) fn leaf(&self, key: K, number: u64) -> Option<&Leaf<A::Partial>> {
        self.nodes.leaf(key, number)
    }

    /// Puts an entry in.
    #[inline]
    fn insert(
        &mut self,
        key: K,
        head: &mut Head<A::Partial>,
        at: At,
        partial: A::Partial,
        passed: i64,
    ) -> Option<()> {
        if head.is_tail_full() {
            self.make_room(key, head, passed)?;
        }
        let len = head.tail().len();
        if head.newest().is_none_or(|newest| newest <= at) {
            head.entries[len] = Entry { at: at.kept(), partial };
            head.tail_len += 1;
            if !Self::SUBTRACTS {
                head.tail_partial = match len {
                    0 => partial,
                    _ => self.aggregate.combine(&head.tail_partial, &partial),
                };
            }
            self.entered(head, at, &partial);
            return Some(());
        }
        self.insert_before(key, head, at, partial, passed)
    }

    /// Puts an entry in that is not the newest.
    #[inline(never)]
    fn insert_before(
        &mut self,
        key: K,
        head: &mut Head<A::Partial>,
        at: At,
        partial: A::Partial,
        passed: i64,
    ) -> Option<()> {
        let entry = Entry { at: at.kept(), partial };
        if head.has_tree != 0 && at < head.tree_last.get() {
            let inserted = self.change(key, |tree| tree.insert(entry))?;
            self.entered_tree(head, at, &partial, &inserted);
            self.entered(head, at, &partial);
            return match self.frame {
                Frame::Rows { preceding } if inserted.split.is_some() => {
                    self.evict_rows(key, head, preceding, passed)
                }
                _ => Some(()),
            };
        }
        let len = head.tail().len();
        let index = head.tail().partition_point(|entry| entry.at.get() <= at);
        head.entries.copy_within(index..len, index + 1);
        head.entries[index] = entry;
        head.tail_len += 1;
        if head.cursor == IN_TAIL && index <= usize::from(head.index) {
            head.index += 1;
        }
        if !Self::SUBTRACTS {
            head.tail_partial = match A::IS_ORDERED {
                true => self.fold(head.tail().iter().map(|entry| &entry.partial))?,
                false => self.aggregate.combine(&head.tail_partial, &partial),
            };
        }
        self.entered(head, at, &partial);
        Some(())
    }

    /// The tail is full: what is too old goes from it, or it goes to the tree.
    #[inline(never)]
    fn make_room(&mut self, key: K, head: &mut Head<A::Partial>, passed: i64) -> Option<()> {
        if head.has_tree == 0 {
            let gone = match self.frame {
                Frame::Range(_) => {
                    let floor = self.frame.floor(passed)?;
                    head.tail().partition_point(|entry| entry.at.ts() < floor)
                }
                Frame::Rows { preceding } => {
                    let settled = head.tail().partition_point(|entry| entry.at.ts() <= passed);
                    settled.saturating_sub(usize::try_from(preceding).unwrap_or(usize::MAX))
                }
            };
            if gone > 0 {
                let len = head.tail().len();
                head.entries.copy_within(gone..len, 0);
                head.tail_len -= gone as u8;
                match head.index.checked_sub(gone as u8) {
                    Some(index) => head.index = index,
                    None => head.cursor = UNKNOWN,
                }
                if !Self::SUBTRACTS && head.tail_len > 0 {
                    head.tail_partial = self.fold(head.tail().iter().map(|e| &e.partial))?;
                }
                return Some(());
            }
        }
        let last = head.tail().last()?.at;
        let ((leaf, index), is_left) = self.change(key, |tree| {
            let place = tree.append(head.tail())?;
            Some((place, tree.free(FREED_NODES)))
        })?;
        head.has_waste = u8::from(is_left);
        self.settled(head, leaf, index);
        if head.has_tree == 0 {
            head.has_tree = 1;
            head.goes_with = last.ts().into();
        }
        head.tree_last = last;
        head.tail_len = 0;
        if let Frame::Rows { preceding } = self.frame {
            self.evict_rows(key, head, preceding, passed)?;
        }
        Some(())
    }

    /// The frame that ends at an entry.
    #[inline]
    fn frame(&mut self, key: K, head: &mut Head<A::Partial>, at: At) -> Option<Framed<A::Partial>> {
        let newest = head.newest()?;
        let is_newest = match self.frame {
            Frame::Range(_) => at.ts >= newest.ts,
            Frame::Rows { .. } => at >= newest,
        };
        match is_newest {
            true => self.newest(key, head, at.ts),
            false => self.ending_at(key, head, at),
        }
    }

    /// Lets the leaves go that a range needs no more.
    #[inline]
    fn evict(&mut self, key: K, head: &mut Head<A::Partial>, passed: i64) -> Option<()> {
        match self.frame.floor(passed) {
            Some(floor) if head.has_tree != 0 && head.goes_with.to_native() < floor => {
                self.drop_before(key, head, At::first_of(floor))
            }
            _ => Some(()),
        }
    }

    /// Lets the leaves go that no row needs as one of the `preceding` before it.
    fn evict_rows(
        &mut self,
        key: K,
        head: &mut Head<A::Partial>,
        preceding: u64,
        passed: i64,
    ) -> Option<()> {
        // Those behind `passed` may yet have others between them.
        let open = self.count_behind(key, head, At::last_of(passed))?;
        let Some(behind) = preceding.saturating_add(open).checked_sub(1) else {
            return self.drop_tree(key, head);
        };
        match self.nth_last(key, head, behind)? {
            Place::InTree(spot) => self.drop_before(key, head, spot.at),
            Place::InTail(_) => self.drop_tree(key, head),
        }
    }

    #[inline(never)]
    fn drop_before(&mut self, key: K, head: &mut Head<A::Partial>, limit: At) -> Option<()> {
        if head.tree_last.get() < limit {
            return self.drop_tree(key, head);
        }
        let (goes_with, has_waste) = self.change(key, |tree| {
            let goes_with = tree.drop_before(limit)?;
            Some((goes_with, tree.has_waste()))
        })?;
        head.goes_with = goes_with.unwrap_or(head.tree_last.ts()).into();
        head.has_waste = u8::from(has_waste);
        if head.cursor == IN_LEAF && head.first.get() < limit {
            head.cursor = UNKNOWN;
        }
        Some(())
    }

    fn drop_tree(&mut self, key: K, head: &mut Head<A::Partial>) -> Option<()> {
        if head.has_tree == 0 {
            return Some(());
        }
        let has_waste = self.change(key, |tree| {
            tree.clear()?;
            Some(tree.has_waste())
        })?;
        head.has_tree = 0;
        head.has_waste = u8::from(has_waste);
        if head.cursor == IN_LEAF {
            head.cursor = UNKNOWN;
        }
        Some(())
    }
}

impl<K: Key, A: Aggregate> Durable for Timelines<K, A>
where
    A::Partial: Unaligned,
{
    fn freeze(&mut self) {
        self.heads.freeze();
        self.trees.trunks.freeze();
        self.trees.nodes.leaves.freeze();
        self.trees.nodes.inners.freeze();
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        let (arena, trees) = (&self.arena, &mut self.trees);
        let mut all = self.heads.capture(records, arena.id(HEADS), log);
        // Copies of the other tables that wait for the log do not wait for these.
        let left = |all: bool| if all { records } else { 0 };
        all &= trees.trunks.capture(left(all), arena.id(TRUNKS), log);
        all &= trees.nodes.leaves.capture(left(all), arena.id(LEAVES), log);
        all & trees.nodes.inners.capture(left(all), arena.id(INNERS), log)
    }

    fn give_up(&mut self) {
        self.heads.give_up();
        self.trees.trunks.give_up();
        self.trees.nodes.leaves.give_up();
        self.trees.nodes.inners.give_up();
    }

    fn overflowed(&self) -> bool {
        let Trees { trunks, nodes, .. } = &self.trees;
        self.heads.overflowed()
            || trunks.overflowed()
            || nodes.leaves.overflowed()
            || nodes.inners.overflowed()
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        let (arena, trees) = (&self.arena, &mut self.trees);
        adopt(&mut self.heads, HEADS, arena, image)?;
        adopt(&mut trees.trunks, TRUNKS, arena, image)?;
        adopt(&mut trees.nodes.leaves, LEAVES, arena, image)?;
        adopt(&mut trees.nodes.inners, INNERS, arena, image)
    }
}

/// Takes a table out of an image, if it is there.
pub(super) fn adopt<K: Key, V: tidewire_event::Record>(
    table: &mut Table<K, V>,
    number: u16,
    arena: &Arena,
    image: &mut Image,
) -> Result<(), LayoutMismatch> {
    if let Some((_, stored)) = image.take(arena.number(number)).pop() {
        *table = Table::adopt(stored, arena.is_tracked)?;
    }
    Ok(())
}

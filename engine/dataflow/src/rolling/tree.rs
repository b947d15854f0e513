//! The entries of a key in their order, in a B+-tree with a finger at its newest end.
//!
//! 1. A parent keeps the count and the partial result of each of its children, but for the last child of a node on the
//!    right spine and the first child of one on the left spine: what it keeps of those is out of date. So an append
//!    changes a leaf, and a drop from the front the left spine, and nothing else.
//! 2. A node gets its right neighbour as a child closes: only then is it summed up for its parent.
//! 3. An insertion climbs the right spine until it stands above the entry's place, goes down from there, and corrects
//!    what it passed: logarithmic in the distance from the newest end.
//! 4. Nodes that fill up at the right edge stay full; others are split into halves. A drop from the front takes whole
//!    leaves and leaves thin nodes behind: nothing is balanced again, and a root with one child gives way to it.
//! 5. Subtrees that are dropped wait in a chain, and are freed a few nodes at a time. The chain lies in the nodes
//!    themselves, so it is in snapshots. A few free nodes are kept: in a window that moves on, the leaf that went at the
//!    front is the next one at the end, and no record is made or removed.
//!
//! After Tangwongsan, Hirzel and Schneider, "Optimal and General Out-of-Order Sliding-Window Aggregation", VLDB 2019.
//!
//! `None` says that there is no room for a node, and nothing has changed; or that a node is missing, which no history
//! makes.

use tidewire_event::key::Within;
use tidewire_event::{Key, Record};
use tidewire_state::Table;
use zerocopy::{FromZeros, Unaligned};

use super::records::{
    At, AtRecord, Child, Entry, INNER_CHILDREN, Inner, LEAF_ENTRIES, LEVELS, Leaf, NONE, Node,
    Trunk,
};
use crate::aggregate::Aggregate;

#[cfg(test)]
thread_local! {
    /// Nodes that were looked up.
    pub(super) static PROBES: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Tests count what an event costs, as time says little of the worst case.
#[inline(always)]
fn count_probe() {
    #[cfg(test)]
    PROBES.set(PROBES.get() + 1);
}

/// The nodes of all trees.
pub(super) struct Nodes<K: Key, P> {
    pub(super) leaves: Table<Within<K>, Leaf<P>>,
    pub(super) inners: Table<Within<K>, Inner<P>>,
}

impl<K: Key, P: Record + Unaligned> Nodes<K, P> {
    #[inline]
    pub(super) fn leaf(&self, key: K, number: u64) -> Option<&Leaf<P>> {
        count_probe();
        self.leaves.get(&Within { key, number })
    }
}

/// The tree of one key.
pub(super) struct Tree<'t, K: Key, A: Aggregate> {
    pub(super) key: K,
    pub(super) trunk: &'t mut Trunk,
    pub(super) nodes: &'t mut Nodes<K, A::Partial>,
    pub(super) aggregate: &'t A,
}

/// The way from above an entry's place down to its leaf. Above its top it is the right spine.
pub(super) struct Path {
    pub(super) leaf: u64,
    /// The level it begins at, a node of the right spine.
    pub(super) top: usize,
    /// By level, from 1: the node, and which of its children the path goes through.
    pub(super) steps: [(u64, usize); LEVELS],
}

/// Empty nodes for a split: a leaf, and an inner node for each level that is full, by level from 1.
struct Room {
    leaf: u64,
    inners: [u64; LEVELS],
}

/// What an insertion did to a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Inserted {
    pub(super) leaf: u64,
    pub(super) index: usize,
    /// The leaf that was split for it.
    pub(super) split: Option<u64>,
}

impl Trunk {
    pub(super) fn new() -> Self {
        let mut trunk = Self::new_zeroed();
        trunk.first_free = NONE.into();
        trunk
    }

    pub(super) fn height(&self) -> usize {
        (self.height.to_native() as usize).min(LEVELS)
    }

    /// The last node of a level.
    pub(super) fn last(&self, level: usize) -> u64 {
        self.spine.get(level).map_or(NONE, |number| number.to_native())
    }

    fn new_number(&mut self) -> u64 {
        let number = self.next_number.to_native();
        self.next_number = (number + 1).into();
        number
    }
}

impl<K: Key, A: Aggregate> Tree<'_, K, A>
where
    A::Partial: Unaligned,
{
    fn within(&self, number: u64) -> Within<K> {
        Within { key: self.key, number }
    }

    pub(super) fn read_leaf(&self, number: u64) -> Option<&Leaf<A::Partial>> {
        count_probe();
        self.nodes.leaves.get(&self.within(number))
    }

    pub(super) fn read_inner(&self, number: u64) -> Option<&Inner<A::Partial>> {
        count_probe();
        self.nodes.inners.get(&self.within(number))
    }

    fn leaf(&mut self, number: u64) -> Option<&mut Leaf<A::Partial>> {
        count_probe();
        self.nodes.leaves.get_mut(&Within { key: self.key, number })
    }

    fn inner(&mut self, number: u64) -> Option<&mut Inner<A::Partial>> {
        count_probe();
        self.nodes.inners.get_mut(&Within { key: self.key, number })
    }

    /// A leaf without entries.
    fn new_leaf(&mut self) -> Option<u64> {
        if let Some(number) = self.trunk.spare_leaves.take() {
            let leaf = self.leaf(number)?;
            leaf.len = 0.into();
            leaf.next = NONE.into();
            return Some(number);
        }
        let number = self.trunk.new_number();
        let mut blank = Leaf::new_zeroed();
        blank.next = NONE.into();
        self.nodes.leaves.entry(&self.within(number), || blank).map(|_| number)
    }

    /// An inner node without children.
    fn new_inner(&mut self) -> Option<u64> {
        if let Some(number) = self.trunk.spare_inners.take() {
            self.inner(number)?.len = 0.into();
            return Some(number);
        }
        let number = self.trunk.new_number();
        self.nodes.inners.entry(&self.within(number), Inner::new_zeroed).map(|_| number)
    }

    /// Lets a leaf go that is in no tree.
    fn free_leaf(&mut self, number: u64) {
        if !self.trunk.spare_leaves.put(number) {
            self.nodes.leaves.remove(&self.within(number));
        }
    }

    /// Lets an inner node go that is in no tree.
    fn free_inner(&mut self, number: u64) {
        if !self.trunk.spare_inners.put(number) {
            self.nodes.inners.remove(&self.within(number));
        }
    }

    /// Removes the nodes that are kept for later.
    pub(super) fn free_spares(&mut self) {
        while let Some(number) = self.trunk.spare_leaves.take() {
            self.nodes.leaves.remove(&self.within(number));
        }
        while let Some(number) = self.trunk.spare_inners.take() {
            self.nodes.inners.remove(&self.within(number));
        }
    }

    /// Puts entries behind all others. They fit a leaf, and stand in their order. The leaf that has them, and where.
    pub(super) fn append(&mut self, entries: &[Entry<A::Partial>]) -> Option<(u64, usize)> {
        if self.trunk.height() == 0 {
            let root = self.new_leaf()?;
            self.trunk.spine[0] = root.into();
            self.trunk.height = 1.into();
        }
        let last = self.trunk.last(0);
        let leaf = self.leaf(last)?;
        let len = leaf.len();
        if len + entries.len() <= LEAF_ENTRIES {
            leaf.entries[len..len + entries.len()].copy_from_slice(entries);
            leaf.len = ((len + entries.len()) as u64).into();
            return Some((last, len));
        }
        let path = Path { leaf: last, top: 0, steps: [(0, 0); LEVELS] };
        let room = self.reserve(&path)?;
        self.leaf(last)?.next = room.leaf.into();
        let leaf = self.leaf(room.leaf)?;
        leaf.entries[..entries.len()].copy_from_slice(entries);
        leaf.len = (entries.len() as u64).into();
        self.trunk.spine[0] = room.leaf.into();
        self.rise(&path, &room, last, room.leaf, entries.first()?.at)?;
        Some((room.leaf, 0))
    }

    /// Puts an entry in that stands before the last one.
    pub(super) fn insert(&mut self, entry: Entry<A::Partial>) -> Option<Inserted> {
        const HALF: usize = LEAF_ENTRIES / 2;
        let at = entry.at.get();
        let path = self.path_to(at)?;
        let leaf = self.leaf(path.leaf)?;
        let index = leaf.entries().partition_point(|other| other.at.get() <= at);
        if leaf.len() < LEAF_ENTRIES {
            leaf.insert(index, entry);
            self.correct(&path, 1, &entry.partial)?;
            return Some(Inserted { leaf: path.leaf, index, split: None });
        }
        let room = self.reserve(&path)?;
        let leaf = self.leaf(path.leaf)?;
        let mut upper = *leaf;
        upper.entries.copy_within(HALF.., 0);
        upper.len = ((LEAF_ENTRIES - HALF) as u64).into();
        leaf.len = (HALF as u64).into();
        leaf.next = room.leaf.into();
        let is_upper = index > HALF;
        match is_upper {
            true => upper.insert(index - HALF, entry),
            false => leaf.insert(index, entry),
        }
        *self.leaf(room.leaf)? = upper;
        if self.trunk.last(0) == path.leaf {
            self.trunk.spine[0] = room.leaf.into();
        }
        let level = self.rise(&path, &room, path.leaf, room.leaf, upper.entries[0].at)?;
        self.correct(&path, level + 1, &entry.partial)?;
        let (leaf, index) = if is_upper { (room.leaf, index - HALF) } else { (path.leaf, index) };
        Some(Inserted { leaf, index, split: Some(path.leaf) })
    }

    /// The path to the leaf in which an entry at `at` stands, or would stand.
    pub(super) fn path_to(&self, at: At) -> Option<Path> {
        let height = self.trunk.height();
        let mut path = Path { leaf: self.trunk.last(0), top: 0, steps: [(0, 0); LEVELS] };
        let last = self.read_leaf(path.leaf)?;
        if height == 1 || last.entries().first()?.at.get() <= at {
            return Some(path);
        }
        path.top = 1;
        while path.top + 1 < height
            && self.read_inner(self.trunk.last(path.top))?.children().first()?.first.get() > at
        {
            path.top += 1;
        }
        path.leaf = self.trunk.last(path.top);
        for level in (1..=path.top).rev() {
            let inner = self.read_inner(path.leaf)?;
            let index = inner.child_at(at);
            path.steps[level] = (path.leaf, index);
            path.leaf = inner.children().get(index)?.number.to_native();
        }
        Some(path)
    }

    /// The node of a path at `level`, and which of its children the path goes through.
    fn step(&self, path: &Path, level: usize) -> Option<(u64, usize)> {
        if level <= path.top {
            return Some(path.steps[level]);
        }
        let last = self.trunk.last(level);
        Some((last, self.read_inner(last)?.len().checked_sub(1)?))
    }

    /// Makes the nodes that a split of the path's leaf needs, all or none.
    fn reserve(&mut self, path: &Path) -> Option<Room> {
        let height = self.trunk.height();
        let mut full = 1;
        while full < height && self.read_inner(self.step(path, full)?.0)?.len() == INNER_CHILDREN {
            full += 1;
        }
        // Above a root that is full there will be another.
        let inners = if full == height { full } else { full - 1 };
        if inners >= LEVELS {
            return None;
        }
        let mut room = Room { leaf: self.new_leaf()?, inners: [NONE; LEVELS] };
        for level in 1..=inners {
            let Some(number) = self.new_inner() else {
                self.free_leaf(room.leaf);
                room.inners[1..level].iter().for_each(|made| self.free_inner(*made));
                return None;
            };
            room.inners[level] = number;
        }
        Some(room)
    }

    /// Hangs the node `upper` in behind `lower`, which the path goes through and which was split. The level at which
    /// there was room.
    fn rise(
        &mut self,
        path: &Path,
        room: &Room,
        mut lower: u64,
        mut upper: u64,
        mut first: AtRecord,
    ) -> Option<usize> {
        let mut level = 1;
        loop {
            let below = level - 1;
            let mut child = Child { number: upper.into(), ..Child::new_zeroed() };
            if self.trunk.last(below) != upper {
                child = self.sum(Node { number: upper, level: below })?;
            }
            child.first = first;
            let closed = self.sum(Node { number: lower, level: below })?;
            let new = room.inners[level];
            if level == self.trunk.height() {
                let root = self.inner(new)?;
                root.insert(0, closed);
                root.insert(1, child);
                self.trunk.spine[level] = new.into();
                self.trunk.height = (level as u64 + 1).into();
                return Some(level);
            }
            let (number, index) = self.step(path, level)?;
            let is_spine = self.trunk.last(level) == number;
            let inner = self.inner(number)?;
            let place = inner.children.get_mut(index)?;
            *place = Child { first: place.first, ..closed };
            if inner.len() < INNER_CHILDREN {
                inner.insert(index + 1, child);
                return Some(level);
            }
            let is_edge = is_spine && index + 1 == INNER_CHILDREN;
            let keep = if is_edge { INNER_CHILDREN } else { INNER_CHILDREN / 2 };
            let mut node = *inner;
            node.remove_first(keep);
            inner.len = (keep as u64).into();
            match is_edge || index + 1 > keep {
                true => node.insert(index + 1 - keep, child),
                false => inner.insert(index + 1, child),
            }
            first = node.children[0].first;
            *self.inner(new)? = node;
            if is_spine {
                self.trunk.spine[level] = new.into();
            }
            (lower, upper) = (number, new);
            level += 1;
        }
    }

    /// Corrects what the path's nodes keep of the nodes below them, from `level` up, for an entry that was put in.
    fn correct(&mut self, path: &Path, level: usize, partial: &A::Partial) -> Option<()> {
        for level in level..=path.top {
            let below = level - 1;
            let number = if below == 0 { path.leaf } else { path.steps[below].0 };
            if self.trunk.last(below) == number {
                continue;
            }
            let (parent, index) = path.steps[level];
            let sum = match A::IS_ORDERED {
                true => self.sum(Node { number, level: below })?,
                false => {
                    let child = self.read_inner(parent)?.children().get(index)?;
                    let count = child.count.to_native() + 1;
                    let partial = self.aggregate.combine(&child.partial, partial);
                    Child { count: count.into(), partial, ..*child }
                }
            };
            let place = self.inner(parent)?.children.get_mut(index)?;
            *place = Child { first: place.first, ..sum };
        }
        Some(())
    }

    /// What a parent keeps of a node.
    fn sum(&self, node: Node) -> Option<Child<A::Partial>> {
        let Node { number, level } = node;
        let (first, count, partial) = if level == 0 {
            let entries = self.read_leaf(number)?.entries();
            let mut sum = None;
            entries.iter().for_each(|entry| self.add(&mut sum, &entry.partial));
            (entries.first()?.at, entries.len() as u64, sum?)
        } else {
            let children = self.read_inner(number)?.children();
            let (mut count, mut sum) = (0, None);
            for child in children {
                count += child.count.to_native();
                self.add(&mut sum, &child.partial);
            }
            (children.first()?.first, count, sum?)
        };
        Some(Child { first, number: number.into(), count: count.into(), partial })
    }

    /// Takes all leaves away that hold no entry at `limit` or behind it; the last entry is one. The time of the first
    /// entry of the second leaf that is left: when that can go, so can the first leaf.
    pub(super) fn drop_before(&mut self, limit: At) -> Option<Option<i64>> {
        let mut number = self.trunk.last(self.trunk.height().checked_sub(1)?);
        for level in (1..self.trunk.height()).rev() {
            let inner = self.read_inner(number)?;
            let dropped = inner.child_at(limit);
            let children = inner.children;
            let below = level - 1;
            if dropped > 0 {
                self.inner(number)?.remove_first(dropped);
                for child in &children[..dropped] {
                    self.discard(Node { number: child.number.to_native(), level: below })?;
                }
            }
            number = children[dropped].number.to_native();
        }
        while self.trunk.height() > 1 {
            let root = self.trunk.last(self.trunk.height() - 1);
            if self.read_inner(root)?.len() > 1 {
                break;
            }
            self.free_inner(root);
            self.trunk.height = (self.trunk.height() as u64 - 1).into();
        }
        let next = self.read_leaf(number)?.next.to_native();
        if next == NONE {
            return Some(None);
        }
        Some(Some(self.read_leaf(next)?.entries().first()?.at.ts()))
    }

    /// Takes everything away.
    pub(super) fn clear(&mut self) -> Option<()> {
        if let Some(level) = self.trunk.height().checked_sub(1) {
            let number = self.trunk.last(level);
            self.trunk.height = 0.into();
            self.discard(Node { number, level })?;
        }
        Some(())
    }

    /// Removes a leaf; puts an inner node in front of the chain of those that wait to be freed.
    fn discard(&mut self, node: Node) -> Option<()> {
        if node.level == 0 {
            self.free_leaf(node.number);
            return Some(());
        }
        self.inner(node.number)?.next_free = self.trunk.first_free;
        self.trunk.first_free = node.packed().into();
        Some(())
    }

    /// Whether nodes that were dropped are to be freed.
    pub(super) fn has_waste(&self) -> bool {
        self.trunk.first_free.to_native() != NONE
    }

    /// Frees at most so many nodes that were dropped; whether others are left.
    pub(super) fn free(&mut self, nodes: usize) -> bool {
        for _ in 0..nodes {
            let Some(first) = Node::of_packed(self.trunk.first_free.to_native()) else {
                return false;
            };
            if self.free_one(first).is_none() {
                self.trunk.first_free = NONE.into();
            }
        }
        self.has_waste()
    }

    /// Frees the last child of a node, or puts it in front of it; frees the node itself if it has none.
    fn free_one(&mut self, node: Node) -> Option<()> {
        let inner = self.inner(node.number)?;
        let Some(last) = inner.len().checked_sub(1) else {
            self.trunk.first_free = inner.next_free;
            self.free_inner(node.number);
            return Some(());
        };
        let number = inner.children[last].number.to_native();
        inner.len = (last as u64).into();
        self.discard(Node { number, level: node.level - 1 })
    }
}

//! What a timeline keeps in tables.
//!
//! These records, and the sizes below, are part of the snapshot format.

use rkyv::Portable;
use tidewire_event::record::{Record, i64_ule, u64_ule};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, Unaligned};

/// Entries of a leaf at most. Few make deep trees, many make the fold over a part of a leaf long.
///
/// Tests have small nodes, so that trees are deep.
pub(super) const LEAF_ENTRIES: usize = if cfg!(test) { 5 } else { 32 };
/// Children of an inner node at most.
pub(super) const INNER_CHILDREN: usize = if cfg!(test) { 4 } else { 16 };
/// Entries that lie in a key's head: a key with no more has no tree. Where there is one, the first half of them is the
/// tail and the others are the front.
pub(super) const HEAD_ENTRIES: usize = if cfg!(test) { 5 } else { 16 };
/// The newest entries of a key that has a tree, and the oldest ones of its running frame.
pub(super) const TAIL_ENTRIES: usize = HEAD_ENTRIES / 2;
pub(super) const FRONT_ENTRIES: usize = HEAD_ENTRIES - TAIL_ENTRIES;
/// Levels of a tree at most: no memory holds a tree of so many.
pub(super) const LEVELS: usize = 12;

/// Nodes of a kind that a key keeps for its next ones.
const SPARES: usize = 3;

const _: () = assert!(HEAD_ENTRIES <= LEAF_ENTRIES);
const _: () = assert!(LEVELS < 1 << Node::LEVEL_BITS);

/// No node.
pub(super) const NONE: u64 = u64::MAX;

/// Where an entry stands: event time, then place in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    pub(super) ts: i64,
    pub(super) place: u64,
}

impl At {
    /// Before every entry of time `ts`.
    pub(super) fn first_of(ts: i64) -> Self {
        Self { ts, place: 0 }
    }

    /// Behind every entry of time `ts`.
    pub(super) fn last_of(ts: i64) -> Self {
        Self { ts, place: u64::MAX }
    }

    pub(super) fn kept(self) -> AtRecord {
        AtRecord { ts: self.ts.into(), place: self.place.into() }
    }
}

/// [`At`], as it is kept.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct AtRecord {
    ts: i64_ule,
    place: u64_ule,
}

impl AtRecord {
    #[inline(always)]
    pub(super) fn get(&self) -> At {
        At { ts: self.ts.to_native(), place: self.place.to_native() }
    }

    #[inline(always)]
    pub(super) fn ts(&self) -> i64 {
        self.ts.to_native()
    }
}

/// An event of the timeline: its place in it, and its partial result.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Entry<P> {
    pub(super) at: AtRecord,
    pub(super) partial: P,
}

/// A leaf: entries in order.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Leaf<P> {
    /// The leaf after it.
    pub(super) next: u64_ule,
    pub(super) len: u64_ule,
    pub(super) entries: [Entry<P>; LEAF_ENTRIES],
}

/// What an inner node keeps of a child. What it keeps of its first and last child may be out of date: see
/// [`tree`](super::tree).
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Child<P> {
    /// No entry of the child stands before this, and all of the child before it do; it says nothing of a first child.
    pub(super) first: AtRecord,
    pub(super) number: u64_ule,
    pub(super) count: u64_ule,
    pub(super) partial: P,
}

/// An inner node.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Inner<P> {
    /// Of a node that is to be freed, the next one.
    pub(super) next_free: u64_ule,
    pub(super) len: u64_ule,
    pub(super) children: [Child<P>; INNER_CHILDREN],
}

/// A key's tree.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Trunk {
    /// Levels: 0 of an empty tree, 1 where the root is a leaf.
    pub(super) height: u64_ule,
    /// The number of the next new node. Numbers are not used again.
    pub(super) next_number: u64_ule,
    /// The first of the inner nodes to be freed, as [`Node`] packs it.
    pub(super) first_free: u64_ule,
    /// The last node of each level, from the leaf to the root.
    pub(super) spine: [u64_ule; LEVELS],
    /// Nodes that are not in use: those at the front are, in place, the next ones at the end.
    pub(super) spare_leaves: Spares,
    pub(super) spare_inners: Spares,
}

/// The numbers of a few nodes that are not in use.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Spares {
    len: u64_ule,
    numbers: [u64_ule; SPARES],
}

impl Spares {
    /// Keeps a node; false if there are enough.
    pub(super) fn put(&mut self, number: u64) -> bool {
        let len = self.len.to_native();
        let Some(place) = self.numbers.get_mut(len as usize) else { return false };
        *place = number.into();
        self.len = (len + 1).into();
        true
    }

    /// Gives one of them.
    pub(super) fn take(&mut self) -> Option<u64> {
        let len = self.len.to_native().checked_sub(1)?;
        self.len = len.into();
        self.numbers.get(len as usize).map(|number| number.to_native())
    }
}

/// The head of a key's timeline. What an event in order needs stands at its beginning.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Head<P> {
    /// Entries of the tail.
    pub(super) tail_len: u8,
    /// Whether there is a tree before the tail.
    pub(super) has_tree: u8,
    /// Whether nodes that were dropped are to be freed.
    pub(super) has_waste: u8,
    /// Where the running frame begins: see [`frame`](super::frame).
    pub(super) cursor: u8,
    /// The entry that the cursor is at, in the front or in the tail.
    pub(super) index: u8,
    /// Entries of the front.
    pub(super) front_len: u8,
    /// Where the front begins in the cursor's leaf.
    pub(super) front_at: u8,
    zero: u8,
    /// The cursor's entry.
    pub(super) first: AtRecord,
    /// The first leaf can go when entries at this time can.
    pub(super) goes_with: i64_ule,
    /// The frame's first time, of a range; its entries, of rows.
    pub(super) extent: i64_ule,
    /// With an inverse, the frame's partial result.
    pub(super) running: P,
    /// The tail; from [`TAIL_ENTRIES`] on the front, if there is a tree.
    pub(super) entries: [Entry<P>; HEAD_ENTRIES],
    /// Without an inverse, that of the tail, if it has entries.
    pub(super) tail_partial: P,
    /// Of what is between the front and the tail.
    pub(super) rest: Sum<P>,
    /// Of the leaves behind the cursor's.
    pub(super) middle: Sum<P>,
    /// The last entry of the tree.
    pub(super) tree_last: AtRecord,
    /// The cursor's leaf.
    pub(super) leaf: u64_ule,
}

/// A partial result of no, of some, or of unknown entries.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Sum<P> {
    state: u8,
    partial: P,
}

impl<P: Record + Unaligned> Sum<P> {
    const UNKNOWN: u8 = 0;
    const NOTHING: u8 = 1;
    const THERE: u8 = 2;

    pub(super) fn unknown() -> Self {
        Self::new_zeroed()
    }

    pub(super) fn of(partial: Option<P>) -> Self {
        match partial {
            Some(partial) => Self { state: Self::THERE, partial },
            None => Self { state: Self::NOTHING, ..Self::unknown() },
        }
    }

    #[inline(always)]
    pub(super) fn is_known(&self) -> bool {
        self.state != Self::UNKNOWN
    }

    #[inline(always)]
    pub(super) fn get(&self) -> Option<&P> {
        (self.state == Self::THERE).then_some(&self.partial)
    }

    /// Takes in what stands behind all others, or may be combined as if it did.
    pub(super) fn push(&mut self, partial: &P, combine: impl FnOnce(&P, &P) -> P) {
        match self.state {
            Self::THERE => self.partial = combine(&self.partial, partial),
            Self::NOTHING => *self = Self::of(Some(*partial)),
            _ => {}
        }
    }
}

impl<P: Record + Unaligned> Head<P> {
    pub(super) fn new() -> Self {
        Self::new_zeroed()
    }

    /// Its last entry.
    #[inline]
    pub(super) fn newest(&self) -> Option<At> {
        match self.tail().last() {
            Some(last) => Some(last.at.get()),
            None if self.has_tree != 0 => Some(self.tree_last.get()),
            None => None,
        }
    }

    /// The entries of the tail.
    #[inline(always)]
    pub(super) fn tail(&self) -> &[Entry<P>] {
        &self.entries[..usize::from(self.tail_len).min(HEAD_ENTRIES)]
    }

    /// Whether no other entry fits the tail.
    #[inline(always)]
    pub(super) fn is_tail_full(&self) -> bool {
        let room = if self.has_tree != 0 { TAIL_ENTRIES } else { HEAD_ENTRIES };
        usize::from(self.tail_len) >= room
    }

    /// Copies of the entries of the cursor's leaf from `front_at` on, if there is a tree.
    #[inline(always)]
    pub(super) fn front(&self) -> &[Entry<P>] {
        &self.entries[TAIL_ENTRIES..][..usize::from(self.front_len).min(FRONT_ENTRIES)]
    }
}

impl<P: Record + Unaligned> Leaf<P> {
    pub(super) fn entries(&self) -> &[Entry<P>] {
        &self.entries[..self.len()]
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        (self.len.to_native() as usize).min(LEAF_ENTRIES)
    }

    /// Puts an entry in at `index`. There is room.
    pub(super) fn insert(&mut self, index: usize, entry: Entry<P>) {
        let len = self.len();
        self.entries.copy_within(index..len, index + 1);
        self.entries[index] = entry;
        self.len = (len as u64 + 1).into();
    }
}

impl<P: Record + Unaligned> Inner<P> {
    pub(super) fn children(&self) -> &[Child<P>] {
        &self.children[..self.len()]
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        (self.len.to_native() as usize).min(INNER_CHILDREN)
    }

    /// The child in which an entry at `at` stands, or would stand.
    pub(super) fn child_at(&self, at: At) -> usize {
        let children = self.children();
        let later = children.get(1..).unwrap_or_default();
        later.partition_point(|child| child.first.get() <= at)
    }

    /// Puts a child in at `index`. There is room.
    pub(super) fn insert(&mut self, index: usize, child: Child<P>) {
        let len = self.len();
        self.children.copy_within(index..len, index + 1);
        self.children[index] = child;
        self.len = (len as u64 + 1).into();
    }

    /// Takes the first `count` children out.
    pub(super) fn remove_first(&mut self, count: usize) {
        let len = self.len();
        self.children.copy_within(count..len, 0);
        self.len = ((len - count) as u64).into();
    }
}

/// A node by its number and level; level 0 are the leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) number: u64,
    pub(super) level: usize,
}

impl Node {
    const LEVEL_BITS: u32 = 4;

    pub(super) fn packed(self) -> u64 {
        self.number << Self::LEVEL_BITS | self.level as u64
    }

    pub(super) fn of_packed(packed: u64) -> Option<Self> {
        let level = (packed & ((1 << Self::LEVEL_BITS) - 1)) as usize;
        (packed != NONE).then_some(Self { number: packed >> Self::LEVEL_BITS, level })
    }
}

//! The running frame: the one that ends at a key's newest event.
//!
//! 1. A cursor stands at the frame's first entry, in a leaf or in the tail, and only moves on.
//! 2. Where an aggregate has an inverse, `running` is the frame's partial result: what enters is combined into it, what
//!    the cursor passes is removed. Without one, `running` is that of the leaves between the cursor's leaf and the tail;
//!    the cursor's leaf is folded from the cursor on, and the tail is summed up as it grows. Then the leaves between
//!    are folded again, by the tree, only when the cursor comes to another leaf.
//! 3. Whatever an event out of order may have made wrong is marked as unknown, and worked out by the tree when it is
//!    next asked for. So is a frame whose cursor would have to pass many entries.

use tidewire_event::Key;
use zerocopy::Unaligned;

use super::Frame;
use super::ask::Spot;
use super::records::{At, Head, LEAF_ENTRIES, NONE};
use super::timeline::Trees;
use crate::aggregate::Aggregate;

/// Where the cursor is.
pub(super) const UNKNOWN: u8 = 0;
pub(super) const IN_LEAF: u8 = 1;
pub(super) const IN_TAIL: u8 = 2;

/// Entries that the cursor passes one by one at most; for more the tree is asked.
const PASSED_MAX: usize = 2 * LEAF_ENTRIES;

/// A frame's partial result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Framed<P> {
    pub(super) partial: P,
    /// The frame's first time: of a range, whether or not there is an event then; of rows, that of the first row.
    pub(super) start: i64,
}

impl<K: Key, A: Aggregate> Trees<K, A>
where
    A::Partial: Unaligned,
{
    /// Whether what leaves a frame is removed from its partial result. Without regard to order only: what comes out of
    /// order is combined behind all others.
    pub(super) const SUBTRACTS: bool = A::HAS_INVERSE && !A::IS_ORDERED;

    /// The frame that ends at the newest entry, or with all entries of the newest time, which is `ts`.
    #[inline]
    pub(super) fn newest(
        &mut self,
        key: K,
        head: &mut Head<A::Partial>,
        ts: i64,
    ) -> Option<Framed<A::Partial>> {
        let start = self.frame.start(ts);
        if head.cursor == UNKNOWN || !self.advance(key, head, start) {
            self.place(key, head, start)?;
        }
        let partial = match Self::SUBTRACTS {
            true => head.running,
            false => self.running(key, head)?,
        };
        let start = start.unwrap_or(head.first.ts());
        Some(Framed { partial, start })
    }

    /// Whether the cursor's entry is still in the frame.
    #[inline(always)]
    fn holds(&self, head: &Head<A::Partial>, start: Option<i64>) -> bool {
        match (self.frame, start) {
            (Frame::Rows { preceding }, _) => {
                head.extent.to_native().saturating_sub(1) as u64 <= preceding
            }
            (_, Some(start)) => head.first.ts() >= start,
            (_, None) => true,
        }
    }

    /// Moves the cursor on to the frame's first entry. False if that is far, or not known.
    #[inline]
    fn advance(&mut self, key: K, head: &mut Head<A::Partial>, start: Option<i64>) -> bool {
        let mut passed = 0;
        while !self.holds(head, start) {
            if passed > PASSED_MAX {
                return false;
            }
            passed += 1;
            let index = usize::from(head.index);
            let (entry, next) = if head.cursor == IN_TAIL {
                let tail = head.tail();
                let Some(entry) = tail.get(index) else { return false };
                (*entry, tail.get(index + 1).map(|next| next.at))
            } else {
                let Some(leaf) = self.leaf(key, head.leaf.to_native()) else { return false };
                let entries = leaf.entries();
                let Some(entry) = entries.get(index) else { return false };
                (*entry, entries.get(index + 1).map(|next| next.at))
            };
            if Self::SUBTRACTS {
                head.running = self.aggregate.remove(&head.running, &entry.partial);
            }
            if start.is_none() {
                head.extent = (head.extent.to_native() - 1).into();
            }
            match next {
                Some(next) => {
                    head.index += 1;
                    head.first = next;
                }
                None if head.cursor == IN_TAIL => return false,
                None => {
                    if self.next_leaf(key, head).is_none() {
                        return false;
                    }
                }
            }
        }
        if let Some(start) = start {
            head.extent = start.into();
        }
        true
    }

    /// Moves the cursor from the end of its leaf to what comes after it.
    fn next_leaf(&self, key: K, head: &mut Head<A::Partial>) -> Option<()> {
        let next = self.leaf(key, head.leaf.to_native())?.next.to_native();
        head.index = 0;
        if next == NONE {
            head.cursor = IN_TAIL;
            head.first = head.tail().first()?.at;
        } else {
            head.leaf = next.into();
            head.first = self.leaf(key, next)?.entries().first()?.at;
            head.has_middle = UNKNOWN;
        }
        Some(())
    }

    /// Puts the cursor at the frame's first entry.
    #[cold]
    #[inline(never)]
    fn place(&mut self, key: K, head: &mut Head<A::Partial>, start: Option<i64>) -> Option<()> {
        let spot = match (self.frame, start) {
            (Frame::Rows { preceding }, _) => self.nth_last(key, head, preceding)?,
            (_, start) => self.seek(key, head, At::first_of(start?))?,
        };
        match spot {
            InTree(spot) => {
                head.cursor = IN_LEAF;
                head.leaf = spot.leaf.into();
                head.index = spot.index as u8;
                head.first = spot.at.kept();
                head.has_middle = UNKNOWN;
            }
            InTail(index) => {
                head.cursor = IN_TAIL;
                head.index = index as u8;
                head.first = head.tail().get(index)?.at;
            }
        }
        head.extent = match start {
            Some(start) => start.into(),
            None => {
                let later = self.count_behind(key, head, head.first.get())?;
                (later as i64 + 1).into()
            }
        };
        if Self::SUBTRACTS {
            head.running = self.stretch(key, head, head.first.get(), At::last_of(i64::MAX))?;
        }
        Some(())
    }

    /// The running frame's partial result, without an inverse.
    fn running(&mut self, key: K, head: &mut Head<A::Partial>) -> Option<A::Partial> {
        let index = usize::from(head.index);
        if head.cursor == IN_TAIL {
            return match index {
                0 => Some(head.tail_partial),
                _ => self.fold(head.tail().get(index..)?.iter().map(|entry| &entry.partial)),
            };
        }
        if head.has_middle == UNKNOWN {
            self.find_middle(key, head)?;
        }
        let leaf = self.leaf(key, head.leaf.to_native())?;
        let entries = leaf.entries().get(index..)?.iter().map(|entry| &entry.partial);
        let mut sum = self.fold(entries)?;
        if head.has_middle == THERE {
            sum = self.aggregate.combine(&sum, &head.running);
        }
        if head.tail_len > 0 {
            sum = self.aggregate.combine(&sum, &head.tail_partial);
        }
        Some(sum)
    }

    /// Works out the partial result of the leaves between the cursor's and the tail.
    #[inline(never)]
    fn find_middle(&mut self, key: K, head: &mut Head<A::Partial>) -> Option<()> {
        let next = self.leaf(key, head.leaf.to_native())?.next.to_native();
        head.has_middle = NOTHING;
        if next != NONE {
            let mut sum = None;
            self.ask(key, |tree| {
                let from = tree.start_of(next)?.at;
                tree.fold((Some(from), None), &mut sum)
            })?;
            head.running = sum?;
            head.has_middle = THERE;
        }
        Some(())
    }

    /// Takes an entry that was put in into account: its place in the cursor's leaf or in the tail, if it is there.
    #[inline]
    pub(super) fn entered(
        &self,
        head: &mut Head<A::Partial>,
        at: At,
        partial: &A::Partial,
        beside_cursor: Option<usize>,
    ) {
        if head.cursor == UNKNOWN {
            return;
        }
        if at >= head.first.get() {
            if Self::SUBTRACTS {
                head.running = self.aggregate.combine(&head.running, partial);
            }
            if let Frame::Rows { .. } = self.frame {
                head.extent = (head.extent.to_native() + 1).into();
            }
            return;
        }
        if beside_cursor.is_some_and(|index| index <= usize::from(head.index)) {
            head.index += 1;
        }
        let extent = head.extent.to_native();
        let is_in = match self.frame {
            Frame::Range(_) => at.ts >= extent,
            Frame::Rows { preceding } => extent as u64 <= preceding,
        };
        if is_in {
            head.cursor = UNKNOWN;
        }
    }

    /// The tail has become a part of the tree: from `index` on of `leaf`.
    pub(super) fn settled(&self, head: &mut Head<A::Partial>, leaf: u64, index: usize) {
        if head.cursor == IN_TAIL {
            head.cursor = IN_LEAF;
            head.leaf = leaf.into();
            head.index += index as u8;
            head.has_middle = NOTHING;
        } else if !Self::SUBTRACTS && head.leaf.to_native() != leaf {
            match head.has_middle {
                THERE => {
                    head.running = self.aggregate.combine(&head.running, &head.tail_partial);
                }
                NOTHING => {
                    head.running = head.tail_partial;
                    head.has_middle = THERE;
                }
                _ => {}
            }
        }
    }

    /// The frame that ends at `at`, with all entries of its time if it is a range.
    pub(super) fn ending_at(
        &mut self,
        key: K,
        head: &Head<A::Partial>,
        at: At,
    ) -> Option<Framed<A::Partial>> {
        match self.frame {
            Frame::Range(ns) => {
                let start = at.ts.saturating_sub(ns);
                let to = At::last_of(at.ts);
                let partial = self.stretch(key, head, At::first_of(start), to)?;
                Some(Framed { partial, start })
            }
            Frame::Rows { preceding } => {
                let behind = self.count_behind(key, head, at)?;
                let from = match self.nth_last(key, head, behind.saturating_add(preceding))? {
                    InTree(spot) => spot.at,
                    InTail(index) => head.tail().get(index)?.at.get(),
                };
                let partial = self.stretch(key, head, from, at)?;
                Some(Framed { partial, start: from.ts })
            }
        }
    }

    /// The partial result of a stretch of entries, both ends in it.
    fn stretch(&mut self, key: K, head: &Head<A::Partial>, from: At, to: At) -> Option<A::Partial> {
        let mut sum = None;
        if head.has_tree != 0 && head.tree_last.get() >= from {
            let to = (to < head.tree_last.get()).then_some(to);
            self.ask(key, |tree| tree.fold((Some(from), to), &mut sum))?;
        }
        for entry in head.tail() {
            if (from..=to).contains(&entry.at.get()) {
                sum = Some(match &sum {
                    Some(sum) => self.aggregate.combine(sum, &entry.partial),
                    None => entry.partial,
                });
            }
        }
        sum
    }

    /// How many entries stand behind `at`.
    pub(super) fn count_behind(&mut self, key: K, head: &Head<A::Partial>, at: At) -> Option<u64> {
        let tail = head.tail();
        let later = tail.len() - tail.partition_point(|entry| entry.at.get() <= at);
        let mut count = later as u64;
        if head.has_tree != 0 && head.tree_last.get() > at {
            count += self.ask(key, |tree| tree.count_behind(at))?;
        }
        Some(count)
    }

    /// The first entry at `at` or behind it.
    fn seek(&mut self, key: K, head: &Head<A::Partial>, at: At) -> Option<Place> {
        if head.has_tree != 0 && head.tree_last.get() >= at {
            return self.ask(key, |tree| tree.seek(at)).map(InTree);
        }
        Some(InTail(head.tail().partition_point(|entry| entry.at.get() < at)))
    }

    /// The entry that has `behind` others behind it; the first one if there are not as many.
    pub(super) fn nth_last(
        &mut self,
        key: K,
        head: &Head<A::Partial>,
        behind: u64,
    ) -> Option<Place> {
        let tail = head.tail().len();
        match behind.checked_sub(tail as u64) {
            Some(behind) if head.has_tree != 0 => {
                self.ask(key, |tree| tree.nth_last(behind)).map(InTree)
            }
            Some(_) => Some(InTail(0)),
            None => Some(InTail(tail - 1 - behind as usize)),
        }
    }

    /// Combines some partial results.
    pub(super) fn fold<'p>(
        &self,
        mut partials: impl Iterator<Item = &'p A::Partial>,
    ) -> Option<A::Partial> {
        let first = *partials.next()?;
        Some(partials.fold(first, |sum, partial| self.aggregate.combine(&sum, partial)))
    }
}

/// Where an entry is.
pub(super) enum Place {
    InTree(Spot),
    InTail(usize),
}

use Place::{InTail, InTree};

/// What is known of the leaves between: there are none, or `running` is theirs.
const NOTHING: u8 = 1;
pub(super) const THERE: u8 = 2;

const _: () = assert!(LEAF_ENTRIES < u8::MAX as usize);

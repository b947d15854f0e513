//! The running frame: the one that ends at a key's newest event.
//!
//! 1. A cursor stands at the frame's first entry, in a leaf or in the tail, and only moves on. The next few entries of
//!    its leaf lie in the head, the front: so the leaf is read once for all of them.
//! 2. Where an aggregate has an inverse, `running` is the frame's partial result: what enters is combined into it, what
//!    the cursor passes is removed. Without one, an entry of the front has the partial result from itself to the front's
//!    end, and to that are combined `rest`, of what is between the front and the tail, and that of the tail. `rest` is
//!    folded anew for each front from the leaf's others and `middle`, and `middle`, of the leaves behind the cursor's,
//!    by the tree as the cursor comes to another leaf.
//! 3. Whatever an event out of order may have made wrong is marked as unknown, and worked out by the tree when it is
//!    next asked for. So is a frame whose cursor would have to pass many entries.

use tidewire_event::Key;
use zerocopy::Unaligned;

use super::Frame;
use super::ask::Spot;
use super::records::{At, FRONT_ENTRIES, Head, LEAF_ENTRIES, NONE, Sum, TAIL_ENTRIES};
use super::timeline::Trees;
use super::tree::Inserted;
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
            if passed > PASSED_MAX || self.pass_one(key, head).is_none() {
                return false;
            }
            passed += 1;
            if start.is_none() {
                head.extent = (head.extent.to_native() - 1).into();
            }
        }
        if let Some(start) = start {
            head.extent = start.into();
        }
        true
    }

    /// Moves the cursor on by an entry.
    #[inline(always)]
    fn pass_one(&mut self, key: K, head: &mut Head<A::Partial>) -> Option<()> {
        if head.cursor == IN_LEAF && head.front_len == 0 {
            self.fill_front(key, head)?;
        }
        let entries = if head.cursor == IN_TAIL { head.tail() } else { head.front() };
        let index = usize::from(head.index);
        let entry = entries.get(index)?;
        let next = entries.get(index + 1).map(|next| next.at);
        if Self::SUBTRACTS {
            head.running = self.aggregate.remove(&head.running, &entry.partial);
        }
        match next {
            Some(next) => {
                head.index += 1;
                head.first = next;
            }
            None if head.cursor == IN_TAIL => return None,
            None => {
                head.front_at += head.front_len;
                self.fill_front(key, head)?;
            }
        }
        Some(())
    }

    /// Fills the front from `front_at` on and puts the cursor at its first entry; where the leaf ends, it goes on to
    /// the next leaf, or to the tail.
    #[inline(never)]
    fn fill_front(&mut self, key: K, head: &mut Head<A::Partial>) -> Option<()> {
        let mut leaf = self.leaf(key, head.leaf.to_native())?;
        if usize::from(head.front_at) >= leaf.len() {
            let next = leaf.next;
            head.index = 0;
            head.front_len = 0;
            if next.to_native() == NONE {
                head.cursor = IN_TAIL;
                head.first = head.tail().first()?.at;
                return Some(());
            }
            head.leaf = next;
            head.front_at = 0;
            head.middle = Sum::unknown();
            leaf = self.leaf(key, next.to_native())?;
        }
        let (front_at, len) = (usize::from(head.front_at), leaf.len());
        let count = (len - front_at).min(FRONT_ENTRIES);
        let front = &mut head.entries[TAIL_ENTRIES..][..count];
        front.copy_from_slice(&leaf.entries()[front_at..front_at + count]);
        head.first = front[0].at;
        head.index = 0;
        head.front_len = count as u8;
        if !Self::SUBTRACTS {
            for at in (1..count).rev() {
                front[at - 1].partial =
                    self.aggregate.combine(&front[at - 1].partial, &front[at].partial);
            }
            head.rest = Sum::unknown();
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
                head.front_at = spot.index as u8;
                head.front_len = 0;
                head.index = 0;
                head.first = spot.at.kept();
                head.rest = Sum::unknown();
                head.middle = Sum::unknown();
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
    #[inline(always)]
    fn running(&mut self, key: K, head: &mut Head<A::Partial>) -> Option<A::Partial> {
        let index = usize::from(head.index);
        if head.cursor == IN_TAIL {
            return match index {
                0 => Some(head.tail_partial),
                _ => self.fold(head.tail().get(index..)?.iter().map(|entry| &entry.partial)),
            };
        }
        if head.front_len == 0 {
            self.fill_front(key, head)?;
        }
        if !head.rest.is_known() {
            self.find_rest(key, head)?;
        }
        let mut sum = head.front().get(usize::from(head.index))?.partial;
        if let Some(rest) = head.rest.get() {
            sum = self.aggregate.combine(&sum, rest);
        }
        if head.tail_len > 0 {
            sum = self.aggregate.combine(&sum, &head.tail_partial);
        }
        Some(sum)
    }

    /// Works out the partial result of what is between the front and the tail.
    #[inline(never)]
    fn find_rest(&mut self, key: K, head: &mut Head<A::Partial>) -> Option<()> {
        let number = head.leaf.to_native();
        if !head.middle.is_known() {
            let next = self.leaf(key, number)?.next.to_native();
            let mut sum = None;
            if next != NONE {
                self.ask(key, |tree| {
                    let from = tree.start_of(next)?.at;
                    tree.fold((Some(from), None), &mut sum)
                })?;
            }
            head.middle = Sum::of(sum);
        }
        let behind = usize::from(head.front_at) + usize::from(head.front_len);
        let entries = self.leaf(key, number)?.entries().get(behind..)?;
        let partials = entries.iter().map(|entry| &entry.partial).chain(head.middle.get());
        head.rest = Sum::of(self.fold(partials));
        Some(())
    }

    /// Takes an entry that was put in into account.
    #[inline(always)]
    pub(super) fn entered(&self, head: &mut Head<A::Partial>, at: At, partial: &A::Partial) {
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
        let extent = head.extent.to_native();
        let is_in = match self.frame {
            Frame::Range(_) => at.ts >= extent,
            Frame::Rows { preceding } => extent as u64 <= preceding,
        };
        if is_in {
            head.cursor = UNKNOWN;
        }
    }

    /// Takes into account where in the tree an entry was put in.
    pub(super) fn entered_tree(
        &self,
        head: &mut Head<A::Partial>,
        at: At,
        partial: &A::Partial,
        inserted: &Inserted,
    ) {
        if head.cursor != IN_LEAF {
            return;
        }
        let leaf = head.leaf.to_native();
        if inserted.split == Some(leaf) {
            // The cursor's entry may have moved.
            head.cursor = UNKNOWN;
        } else if inserted.leaf != leaf {
            if at > head.first.get() {
                self.push(&mut head.middle, partial);
                self.push(&mut head.rest, partial);
            }
        } else if inserted.index <= usize::from(head.front_at + head.index) {
            // If it is within the front, it is the cursor's own place: the copies before that are not looked at.
            head.front_at += 1;
        } else if inserted.index < usize::from(head.front_at + head.front_len) {
            head.front_at += head.index;
            head.front_len = 0;
            head.index = 0;
            head.rest = Sum::unknown();
        } else {
            self.push(&mut head.rest, partial);
        }
    }

    /// Takes in an entry that stands somewhere among those of a sum.
    fn push(&self, sum: &mut Sum<A::Partial>, partial: &A::Partial) {
        match A::IS_ORDERED {
            true => *sum = Sum::unknown(),
            false => sum.push(partial, |a, b| self.aggregate.combine(a, b)),
        }
    }

    /// The tail has become a part of the tree: from `index` on of `leaf`.
    pub(super) fn settled(&self, head: &mut Head<A::Partial>, leaf: u64, index: usize) {
        if head.cursor == IN_TAIL {
            head.cursor = IN_LEAF;
            head.leaf = leaf.into();
            head.front_at = index as u8 + head.index;
            head.front_len = 0;
            head.index = 0;
            head.middle = Sum::of(None);
            head.rest = Sum::unknown();
        } else if !Self::SUBTRACTS && head.cursor == IN_LEAF {
            let partial = head.tail_partial;
            head.rest.push(&partial, |a, b| self.aggregate.combine(a, b));
            if head.leaf.to_native() != leaf {
                head.middle.push(&partial, |a, b| self.aggregate.combine(a, b));
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

const _: () = assert!(LEAF_ENTRIES < u8::MAX as usize);

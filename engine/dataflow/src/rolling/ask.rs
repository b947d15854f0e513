//! What a tree is asked: the partial result of a stretch of it, and where an entry stands.
//!
//! Each question goes down from the root or from the right spine, and looks at the children of a bounded number of nodes
//! on each level. What a parent keeps of a node on a spine is not used: see [`tree`](super::tree).

use tidewire_event::Key;
use zerocopy::Unaligned;

use super::records::{At, Child, Node};
use super::tree::Tree;
use crate::aggregate::Aggregate;

/// A place in a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) leaf: u64,
    pub(super) index: usize,
    pub(super) at: At,
}

/// Where a stretch of entries begins and ends, both in it; `None` is before the first or behind the last.
type Stretch = (Option<At>, Option<At>);

impl<K: Key, A: Aggregate> Tree<'_, K, A>
where
    A::Partial: Unaligned,
{
    /// Combines `partial` behind `sum`.
    #[inline(always)]
    pub(super) fn add(&self, sum: &mut Option<A::Partial>, partial: &A::Partial) {
        *sum = Some(match sum {
            Some(sum) => self.aggregate.combine(sum, partial),
            None => *partial,
        });
    }

    /// Combines the entries of a stretch behind `sum`.
    pub(super) fn fold(&self, stretch: Stretch, sum: &mut Option<A::Partial>) -> Option<()> {
        let Some(level) = self.trunk.height().checked_sub(1) else { return Some(()) };
        self.fold_node(Node { number: self.trunk.last(level), level }, stretch, (true, true), sum)
    }

    /// The same for the entries of a node, and whether it is on the left spine and on the right.
    fn fold_node(
        &self,
        Node { number, level }: Node,
        (from, to): Stretch,
        (is_left, is_right): (bool, bool),
        sum: &mut Option<A::Partial>,
    ) -> Option<()> {
        if level == 0 {
            let entries = self.read_leaf(number)?.entries();
            let start =
                from.map_or(0, |from| entries.partition_point(|entry| entry.at.get() < from));
            for entry in &entries[start..] {
                if to.is_some_and(|to| entry.at.get() > to) {
                    break;
                }
                self.add(sum, &entry.partial);
            }
            return Some(());
        }
        let inner = self.read_inner(number)?;
        let children = inner.children();
        let last = children.len().checked_sub(1)?;
        let start = from.map_or(0, |from| inner.child_at(from));
        let end = to.map_or(last, |to| inner.child_at(to));
        for (index, child) in children.iter().enumerate().take(end + 1).skip(start) {
            let stretch = (from.filter(|_| index == start), to.filter(|_| index == end));
            let spines = (is_left && index == 0, is_right && index == last);
            if stretch == (None, None) && spines == (false, false) {
                self.add(sum, &child.partial);
            } else {
                let below = Node { number: child.number.to_native(), level: level - 1 };
                self.fold_node(below, stretch, spines, sum)?;
            }
        }
        Some(())
    }

    /// The first entry at `at` or behind it. The last entry of the tree is one.
    pub(super) fn seek(&self, at: At) -> Option<Spot> {
        let number = self.path_to(at)?.leaf;
        let leaf = self.read_leaf(number)?;
        let index = leaf.entries().partition_point(|entry| entry.at.get() < at);
        match leaf.entries().get(index) {
            Some(entry) => Some(Spot { leaf: number, index, at: entry.at.get() }),
            None => self.start_of(leaf.next.to_native()),
        }
    }

    /// The first entry of a leaf.
    pub(super) fn start_of(&self, leaf: u64) -> Option<Spot> {
        let at = self.read_leaf(leaf)?.entries().first()?.at.get();
        Some(Spot { leaf, index: 0, at })
    }

    /// How many entries stand behind `at`.
    pub(super) fn count_behind(&self, at: At) -> Option<u64> {
        let path = self.path_to(at)?;
        let entries = self.read_leaf(path.leaf)?.entries();
        let mut count = (entries.len() - entries.partition_point(|e| e.at.get() <= at)) as u64;
        for level in 1..=path.top {
            let (number, index) = path.steps[level];
            let mut later = self.read_inner(number)?.children().get(index + 1..)?;
            if number == self.trunk.last(level)
                && let Some((_, others)) = later.split_last()
            {
                later = others;
                count += self.count_of_last(level - 1)?;
            }
            count += later.iter().map(|child| child.count.to_native()).sum::<u64>();
        }
        Some(count)
    }

    /// How many entries the last node of a level has, which is not the first.
    fn count_of_last(&self, level: usize) -> Option<u64> {
        let mut count = self.read_leaf(self.trunk.last(0))?.len() as u64;
        for level in 1..=level {
            let (_, others) = self.read_inner(self.trunk.last(level))?.children().split_last()?;
            count += others.iter().map(|child| child.count.to_native()).sum::<u64>();
        }
        Some(count)
    }

    /// The entry that has `behind` others behind it; the first one if there are not as many.
    pub(super) fn nth_last(&self, mut behind: u64) -> Option<Spot> {
        let last = self.read_leaf(self.trunk.last(0))?.len() as u64;
        let mut node = Node { number: self.trunk.last(0), level: 0 };
        if behind >= last && self.trunk.height() > 1 {
            behind -= last;
            let mut level = 1;
            node = loop {
                let number = self.trunk.last(level);
                let (_, others) = self.read_inner(number)?.children().split_last()?;
                let is_root = level + 1 == self.trunk.height();
                if let Some(child) = child_nth_last(others, &mut behind, is_root) {
                    break Node { number: child, level: level - 1 };
                }
                level += 1;
            };
        }
        while node.level > 0 {
            let children = self.read_inner(node.number)?.children();
            let child = child_nth_last(children, &mut behind, true)?;
            node = Node { number: child, level: node.level - 1 };
        }
        let entries = self.read_leaf(node.number)?.entries();
        let index = entries.len().checked_sub(1)?.saturating_sub(behind as usize);
        Some(Spot { leaf: node.number, index, at: entries.get(index)?.at.get() })
    }
}

/// Which of the children has the entry with `behind` others behind it, and how many of those are in it. If
/// `is_rest`, the first child has whatever the others have not.
fn child_nth_last<P>(children: &[Child<P>], behind: &mut u64, is_rest: bool) -> Option<u64> {
    for (index, child) in children.iter().enumerate().rev() {
        let count = child.count.to_native();
        if *behind < count || is_rest && index == 0 {
            return Some(child.number.to_native());
        }
        *behind -= count;
    }
    None
}

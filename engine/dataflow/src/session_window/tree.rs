//! The sessions of a key that are not its newest, in the order of their ends: a treap in a table.
//!
//! 1. A node is a record under the session's number; 0 is no node. In a left branch all sessions end earlier, in a right
//!    one later.
//! 2. No node has a higher priority than the one it hangs from. A priority is a hash of the number, so a tree is
//!    about as deep as the logarithm of its size, and the same in every run.
//! 3. A session may change where it is as long as its order among the others stays.

use rkyv::Portable;
use tidewire_event::key::Within;
use tidewire_event::record::u64_ule;
use tidewire_event::{Key, Record, hash_of};
use tidewire_state::Table;
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use super::sessions::Session;

/// The table that trees lie in.
pub(super) type Nodes<K, P> = Table<Within<K>, Node<P>>;

/// A session in a tree.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Node<P: Copy> {
    left: u64_ule,
    right: u64_ule,
    pub(super) session: Session<P>,
}

/// The tree of one key.
pub(super) struct Tree<'t, K, P: Copy> {
    pub(super) nodes: &'t mut Nodes<K, P>,
    pub(super) key: K,
    pub(super) root: u64,
}

/// Where a node hangs.
#[derive(Clone, Copy)]
enum Link {
    Root,
    Left(u64),
    Right(u64),
}

fn priority(number: u64) -> u64 {
    hash_of(&number)
}

impl<K: Key, P: Record> Tree<'_, K, P> {
    fn within(&self, number: u64) -> Within<K> {
        Within { key: self.key, number }
    }

    fn node(&mut self, number: u64) -> Option<&Node<P>> {
        let within = self.within(number);
        if number == 0 { None } else { self.nodes.get(&within) }
    }

    /// The left and the right branch of a node.
    fn branches(&mut self, number: u64) -> (u64, u64) {
        self.node(number).map_or((0, 0), |node| (node.left.into(), node.right.into()))
    }

    /// The first session, in the order of the ends, of whose last event `holds` is true. It holds for all that follow
    /// one for which it holds.
    pub(super) fn first_where(&mut self, holds: impl Fn(i64) -> bool) -> Option<Session<P>> {
        let (mut at, mut found) = (self.root, None);
        while let Some(node) = self.node(at) {
            if holds(node.session.last()) {
                found = Some(node.session);
                at = node.left.into();
            } else {
                at = node.right.into();
            }
        }
        found
    }

    /// The session that ends last.
    pub(super) fn last(&mut self) -> Option<Session<P>> {
        let (mut at, mut found) = (self.root, None);
        while let Some(node) = self.node(at) {
            found = Some(node.session);
            at = node.right.into();
        }
        found
    }

    /// Puts a session in; false, with nothing changed, if there is no room.
    pub(super) fn insert(&mut self, session: Session<P>) -> bool {
        let number = session.number();
        let node = Node { left: 0.into(), right: 0.into(), session };
        let within = self.within(number);
        if self.nodes.entry(&within, || node).is_none() {
            return false;
        }
        let (mut link, mut at) = (Link::Root, self.root);
        while priority(at) > priority(number)
            && let Some(above) = self.node(at)
        {
            (link, at) = match above.session.order() < session.order() {
                true => (Link::Right(at), above.right.into()),
                false => (Link::Left(at), above.left.into()),
            };
        }
        self.hang(link, number);
        // What hung there is split into what comes before the session and what comes behind.
        let (mut before, mut behind) = (Link::Left(number), Link::Right(number));
        while let Some(below) = self.node(at) {
            let (left, right) = (below.left.into(), below.right.into());
            if below.session.order() < session.order() {
                self.hang(before, at);
                (before, at) = (Link::Right(at), right);
            } else {
                self.hang(behind, at);
                (behind, at) = (Link::Left(at), left);
            }
        }
        self.hang(before, 0);
        self.hang(behind, 0);
        true
    }

    /// Takes a session out.
    pub(super) fn remove(&mut self, session: &Session<P>) {
        let (mut link, mut at) = (Link::Root, self.root);
        while at != session.number() {
            let Some(above) = self.node(at) else { return };
            (link, at) = match above.session.order() < session.order() {
                true => (Link::Right(at), above.right.into()),
                false => (Link::Left(at), above.left.into()),
            };
        }
        let (mut before, mut behind) = self.branches(at);
        while before != 0 && behind != 0 {
            if priority(before) > priority(behind) {
                self.hang(link, before);
                (link, before) = (Link::Right(before), self.branches(before).1);
            } else {
                self.hang(link, behind);
                (link, behind) = (Link::Left(behind), self.branches(behind).0);
            }
        }
        self.hang(link, before | behind);
        let within = self.within(session.number());
        self.nodes.remove(&within);
    }

    /// Makes `number` what hangs at `link`. A record that does not change is not written.
    fn hang(&mut self, link: Link, number: u64) {
        let (above, is_left) = match link {
            Link::Root => {
                self.root = number;
                return;
            }
            Link::Left(above) => (above, true),
            Link::Right(above) => (above, false),
        };
        let (left, right) = self.branches(above);
        if number == if is_left { left } else { right } {
            return;
        }
        let within = self.within(above);
        if let Some(node) = self.nodes.get_mut(&within) {
            match is_left {
                true => node.left = number.into(),
                false => node.right = number.into(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use tidewire_event::record::i64_le;
    use tidewire_state::Arena;

    use super::*;

    fn session(last: i64, number: u64) -> Session<i64_le> {
        Session::new(last, number, 0, false, last.into())
    }

    fn depth(tree: &mut Tree<'_, u8, i64_le>, at: u64) -> usize {
        let (left, right) = tree.branches(at);
        let mut below = |at| if at == 0 { 0 } else { depth(tree, at) };
        1 + below(left).max(below(right))
    }

    proptest! {
        #[test]
        fn a_tree_is_a_sorted_map(steps in prop::collection::vec((0..60_i64, any::<bool>()), 1..400)) {
            let mut nodes = Arena::unlimited().table().unwrap();
            let mut tree = Tree { nodes: &mut nodes, key: 7_u8, root: 0 };
            let mut model = BTreeMap::new();
            for (number, (last, inserts)) in (1..).zip(steps) {
                if inserts {
                    model.entry(last).or_insert_with(|| {
                        assert!(tree.insert(session(last, number)));
                        number
                    });
                } else if let Some(number) = model.remove(&last) {
                    tree.remove(&session(last, number));
                }
                for from in 0..61 {
                    let found = tree.first_where(|last| last >= from).map(|it| it.number());
                    prop_assert_eq!(found, model.range(from..).next().map(|(_, number)| *number));
                }
                let last = tree.last().map(|it| it.number());
                prop_assert_eq!(last, model.last_key_value().map(|(_, number)| *number));
                prop_assert_eq!(tree.nodes.len(), model.len());
            }
        }
    }

    #[test]
    fn a_tree_of_sessions_in_order_is_not_deep() {
        let mut nodes = Arena::unlimited().table().unwrap();
        let mut tree = Tree { nodes: &mut nodes, key: 7_u8, root: 0 };
        for number in 1..=10_000 {
            assert!(tree.insert(session(number as i64, number)));
        }
        let root = tree.root;
        let depth = depth(&mut tree, root);
        assert!(depth < 50, "{depth} levels");
    }
}

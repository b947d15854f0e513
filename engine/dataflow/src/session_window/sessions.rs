//! The sessions of every key.
//!
//! 1. The newest session of a key, the one that ends last, lies in the key's own record: events that come in order find
//!    it with one look. The others lie in a [`tree`](super::tree), so an event that comes out of order finds its session
//!    in logarithmic time, however many there are.
//! 2. A key has a record as long as it has a session.
//! 3. Numbers of sessions are given once.

use rkyv::Portable;
use tidewire_event::key::Within;
use tidewire_event::record::{i64_ule, u64_ule};
use tidewire_event::{Key, Record};
use tidewire_state::{Arena, CaptureTurn, Durable, Image, LayoutMismatch, Log, Table};
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use super::tree::{Nodes, Tree};

/// The table of the keys. These numbers and the records are part of the snapshot format.
const KEYS: u16 = 1;
/// The table of the sessions that are not the newest of their keys.
const OLDER: u16 = 2;

/// A partial result without an alignment of its own, so that nothing lies between it and its neighbours.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C, packed)]
struct Packed<P>(P);

/// A session, as it is kept.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Session<P: Copy> {
    first: i64_ule,
    last: i64_ule,
    number: u64_ule,
    timer: i64_ule,
    is_emitted: u8,
    partial: Packed<P>,
}

impl<P: Record> Session<P> {
    /// The session of one event.
    pub(super) fn new(ts: i64, number: u64, timer: i64, is_emitted: bool, partial: P) -> Self {
        Self {
            first: ts.into(),
            last: ts.into(),
            number: number.into(),
            timer: timer.into(),
            is_emitted: is_emitted.into(),
            partial: Packed(partial),
        }
    }

    /// The time of its first event.
    #[inline]
    pub(super) fn first(&self) -> i64 {
        self.first.to_native()
    }

    /// The time of its last event.
    #[inline]
    pub(super) fn last(&self) -> i64 {
        self.last.to_native()
    }

    /// Its number.
    #[inline]
    pub(super) fn number(&self) -> u64 {
        self.number.to_native()
    }

    /// Where it stands among the sessions of its key.
    pub(super) fn order(&self) -> (i64, u64) {
        (self.last(), self.number())
    }

    /// The time of the timer that counts; others with its number are left over.
    pub(super) fn timer(&self) -> i64 {
        self.timer.to_native()
    }

    pub(super) fn set_timer(&mut self, time: i64) {
        self.timer = time.into();
    }

    /// Whether its result has left.
    #[inline]
    pub(super) fn is_emitted(&self) -> bool {
        self.is_emitted != 0
    }

    pub(super) fn set_emitted(&mut self, is_emitted: bool) {
        self.is_emitted = is_emitted.into();
    }

    #[inline]
    pub(super) fn partial(&self) -> P {
        self.partial.0
    }

    /// Takes an event in, of time `ts`; `insert` changes the partial result.
    #[inline]
    pub(super) fn take_in(&mut self, ts: i64, insert: impl FnOnce(&mut P)) {
        self.first = self.first().min(ts).into();
        self.last = self.last().max(ts).into();
        let mut partial = self.partial.0;
        insert(&mut partial);
        self.partial = Packed(partial);
    }

    /// The session that `self` and the later `other` become: the later one goes on.
    pub(super) fn merged(&self, other: &Self, partial: P) -> Self {
        let (first, last) = (self.first().min(other.first()), self.last().max(other.last()));
        Self { first: first.into(), last: last.into(), partial: Packed(partial), ..*other }
    }
}

/// A key's record.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct OfKey<P: Copy> {
    /// The tree of the others.
    root: u64_ule,
    pub(super) newest: Session<P>,
}

/// The sessions: see the module. A table is made when it has its first record.
#[derive(Debug)]
pub(super) struct Sessions<K, P: Copy> {
    arena: Arena,
    keys: Option<Table<K, OfKey<P>>>,
    older: Option<Nodes<K, P>>,
    next_number: u64,
}

impl<K: Key, P: Record> Sessions<K, P> {
    pub(super) fn new(arena: Arena) -> Self {
        Self { arena, keys: None, older: None, next_number: 1 }
    }

    /// A number that no session has had.
    pub(super) fn number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }

    /// The newest session of a key, to change it.
    #[inline(always)]
    pub(super) fn newest_mut(&mut self, key: &K) -> Option<&mut Session<P>> {
        self.keys.as_mut()?.get_mut(key).map(|of_key| &mut of_key.newest)
    }

    /// The record of a key.
    pub(super) fn of_key(&mut self, key: &K) -> Option<OfKey<P>> {
        self.keys.as_mut()?.get(key).copied()
    }

    /// The first session of a key, in the order of the ends, of whose last event `holds` is true: see
    /// [`Tree::first_where`].
    pub(super) fn first_where(
        &mut self,
        key: &K,
        of_key: &OfKey<P>,
        holds: impl Fn(i64) -> bool,
    ) -> Option<Session<P>> {
        let older = self.tree(key, of_key).and_then(|mut tree| tree.first_where(&holds));
        older.or_else(|| Some(of_key.newest).filter(|newest| holds(newest.last())))
    }

    /// Session `number` of a key.
    pub(super) fn find(&mut self, key: &K, number: u64) -> Option<Session<P>> {
        let newest = self.keys.as_mut()?.get(key)?.newest;
        if newest.number() == number {
            return Some(newest);
        }
        self.older.as_mut()?.get(&Within { key: *key, number }).map(|node| node.session)
    }

    /// Writes a session that has changed.
    pub(super) fn put(&mut self, key: &K, session: Session<P>) {
        let number = session.number();
        let older = self.older.as_mut().and_then(|it| it.get_mut(&Within { key: *key, number }));
        if let Some(node) = older {
            node.session = session;
        } else if let Some(of_key) = self.keys.as_mut().and_then(|keys| keys.get_mut(key)) {
            of_key.newest = session;
        }
    }

    /// Adds a session; false, with nothing changed, if there is no room.
    pub(super) fn add(&mut self, key: &K, session: Session<P>) -> bool {
        if self.keys.is_none() {
            self.keys = self.arena.table().ok();
        }
        let Some(mut of_key) = self.of_key(key) else {
            let of_key = OfKey { root: 0.into(), newest: session };
            return self.keys.as_mut().is_some_and(|keys| keys.entry(key, || of_key).is_some());
        };
        if self.older.is_none() {
            self.older = self.arena.table().ok();
        }
        let is_newest = session.order() > of_key.newest.order();
        let older = if is_newest { of_key.newest } else { session };
        let Some(mut tree) = self.tree(key, &of_key) else { return false };
        if !tree.insert(older) {
            return false;
        }
        let root = tree.root;
        if is_newest {
            of_key.newest = session;
        }
        self.set(key, of_key, root, is_newest);
        true
    }

    /// Removes a session.
    pub(super) fn remove(&mut self, key: &K, session: &Session<P>) {
        let Some(mut of_key) = self.of_key(key) else { return };
        let is_newest = of_key.newest.number() == session.number();
        let tree = self.tree(key, &of_key).filter(|tree| tree.root != 0);
        let Some(mut tree) = tree else {
            if let Some(keys) = self.keys.as_mut().filter(|_| is_newest) {
                keys.remove(key);
            }
            return;
        };
        match tree.last().filter(|_| is_newest) {
            Some(last) => {
                tree.remove(&last);
                of_key.newest = last;
            }
            None => tree.remove(session),
        }
        let root = tree.root;
        self.set(key, of_key, root, is_newest);
    }

    /// The time, key and number of every session's timer.
    pub(super) fn timers(&self) -> impl Iterator<Item = (i64, K, u64)> {
        let newest = self.keys.iter().flat_map(Table::iter).map(|(key, it)| (key, it.newest));
        let older = self.older.iter().flat_map(Table::iter);
        let older = older.map(|(within, node)| (within.key, node.session));
        newest.chain(older).map(|(key, session)| (session.timer(), key, session.number()))
    }

    fn tree(&mut self, key: &K, of_key: &OfKey<P>) -> Option<Tree<'_, K, P>> {
        let root = of_key.root.to_native();
        self.older.as_mut().map(|nodes| Tree { nodes, key: *key, root })
    }

    /// Writes a key's record, unless nothing in it has changed.
    fn set(&mut self, key: &K, mut of_key: OfKey<P>, root: u64, has_changed: bool) {
        if has_changed || of_key.root.to_native() != root {
            of_key.root = root.into();
            if let Some(kept) = self.keys.as_mut().and_then(|keys| keys.get_mut(key)) {
                *kept = of_key;
            }
        }
    }

    /// How many records the tables hold.
    #[cfg(test)]
    pub(super) fn records(&self) -> usize {
        self.keys.as_ref().map_or(0, Table::len) + self.older.as_ref().map_or(0, Table::len)
    }
}

impl<K: Key, P: Record> Durable for Sessions<K, P> {
    fn freeze(&mut self) {
        self.keys.iter_mut().for_each(Table::freeze);
        self.older.iter_mut().for_each(Table::freeze);
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        let mut turn = CaptureTurn::new(records);
        if let Some(keys) = &mut self.keys {
            turn.capture(keys, self.arena.id(KEYS), log);
        }
        if let Some(older) = &mut self.older {
            turn.capture(older, self.arena.id(OLDER), log);
        }
        turn.is_done()
    }

    fn give_up(&mut self) {
        self.keys.iter_mut().for_each(Table::give_up);
        self.older.iter_mut().for_each(Table::give_up);
    }

    fn overflowed(&self) -> bool {
        self.keys.iter().any(Table::overflowed) || self.older.iter().any(Table::overflowed)
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        for (_, table) in image.take(self.arena.number(KEYS)) {
            self.keys = Some(Table::adopt(table, self.arena.is_tracked)?);
        }
        for (_, table) in image.take(self.arena.number(OLDER)) {
            self.older = Some(Table::adopt(table, self.arena.is_tracked)?);
        }
        self.next_number = self.timers().map(|(_, _, number)| number + 1).max().unwrap_or(1);
        Ok(())
    }
}

//! When sessions are looked at next.
//!
//! 1. A session has one timer that counts, whose time it knows: not later than the next thing that happens to it. An
//!    event that extends a session leaves its timer alone; one that goes off too early is set again.
//! 2. What is left over of sessions that are gone, or have another timer now, is dropped when its time has come.
//! 3. Timers are not in snapshots: they are made again from the sessions.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use tidewire_state::{Account, Arena, Full};

/// Timers that there is room for at first.
const TIMERS_MIN: usize = 64;

/// A timer of session `number` of `key`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timer<K> {
    pub(super) time: i64,
    pub(super) key: K,
    pub(super) number: u64,
}

impl<K> PartialEq for Timer<K> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<K> Eq for Timer<K> {}

impl<K> PartialOrd for Timer<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Timer<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.time, self.number).cmp(&(other.time, other.number))
    }
}

/// The timers of a shard: see the module.
#[derive(Debug)]
pub(super) struct Timers<K> {
    heap: BinaryHeap<Reverse<Timer<K>>>,
    account: Account,
}

impl<K: Copy> Timers<K> {
    pub(super) fn new(arena: &Arena) -> Self {
        Self { heap: BinaryHeap::new(), account: arena.budget.account() }
    }

    /// Makes room for one more.
    pub(super) fn reserve(&mut self) -> Result<(), Full> {
        if self.heap.len() == self.heap.capacity() {
            let more = self.heap.capacity().max(TIMERS_MIN);
            self.account.take(more * size_of::<Timer<K>>())?;
            self.heap.reserve_exact(more);
        }
        Ok(())
    }

    /// Sets a timer: there is room.
    pub(super) fn set(&mut self, timer: Timer<K>) {
        self.heap.push(Reverse(timer));
    }

    /// The time of the first, if `watermark` has reached it.
    #[inline]
    pub(super) fn first_due(&self, watermark: i64) -> Option<i64> {
        let time = self.heap.peek()?.0.time;
        (watermark >= time - 1).then_some(time)
    }

    /// Takes out the first, if `watermark` has reached it.
    pub(super) fn pop_due(&mut self, watermark: i64) -> Option<Timer<K>> {
        self.first_due(watermark)?;
        self.heap.pop().map(|Reverse(timer)| timer)
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    /// Sets them all.
    pub(super) fn restore(&mut self, timers: impl Iterator<Item = Timer<K>>) {
        self.heap = timers.map(Reverse).collect();
        // What a restore brings is taken as far as the budget has room, and is there in any case.
        let _ = self.account.take(self.heap.capacity() * size_of::<Timer<K>>());
    }
}

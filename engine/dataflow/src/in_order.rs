//! Events in the order of their times, in front of an operator that needs it.
//!
//! 1. An event waits until the watermark has passed it. Then it goes on, in the order (time, place): so the order does not
//!    depend on how threads took turns.
//! 2. Before the first event of a time goes on, the operator has been told of the watermark just before that time; after
//!    the last that is due, of the watermark itself.
//! 3. An event at or behind the watermark that travels with it is late.
//! 4. Events that come in order wait in a queue, the others in a heap. With snapshots they are also in a table, from
//!    which both are built again.
//! 5. Events go on a bounded number at a time.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

use rkyv::Portable;
use tidewire_event::key::Within;
use tidewire_event::limits::FIRE_SLOTS;
use tidewire_event::record::{Record, i64_ule, u64_ule};
use tidewire_event::time::{NOT_DUE, WATERMARK_NONE};
use tidewire_event::{Header, Key, Place};
use tidewire_state::{Account, Arena, Durable, Image, LayoutMismatch, Log, Table};
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use crate::operator::{Operator, Output};
use crate::window::Tumbling;

/// The table of the events that wait. The numbers below are those of the operator behind.
const WAITING: u16 = 0x100;

/// An operator with its events in order: see the module.
#[derive(Debug)]
pub struct InOrder<K, F, O: Operator> {
    key_of: F,
    then: O,
    arena: Arena,
    account: Account,
    /// Those that came in order.
    queue: VecDeque<Waiting<O::In>>,
    /// Those that came behind one of the queue.
    stragglers: BinaryHeap<Reverse<Waiting<O::In>>>,
    /// All of them, if snapshots are taken.
    kept: Option<Table<Within<K>, Kept<O::In>>>,
    next_number: u64,
    watermark: i64,
    due: i64,
    /// The watermark that the operator has been told of.
    passed: i64,
}

/// An event that waits. Numbers are in the order of arrival.
#[derive(Debug, Clone, Copy)]
struct Waiting<E> {
    ts: i64,
    place: Place,
    number: u64,
    due: i64,
    event: E,
}

/// The same as it is kept.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
struct Kept<E> {
    ts: i64_ule,
    place: u64_ule,
    event: E,
}

impl<E> Waiting<E> {
    fn order(&self) -> (i64, Place, u64) {
        (self.ts, self.place, self.number)
    }
}

impl<E> PartialEq for Waiting<E> {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl<E> Eq for Waiting<E> {}

impl<E> PartialOrd for Waiting<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Waiting<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

impl<K, F, O> InOrder<K, F, O>
where
    K: Key,
    F: Fn(&O::In) -> K,
    O: Operator,
    O::In: Record + Unaligned,
{
    /// `then`, with its events in order; `key_of` is the key by which they came to this shard.
    pub fn new(key_of: F, arena: Arena, then: O) -> Self {
        Self {
            key_of,
            then,
            account: arena.budget.account(),
            arena,
            queue: VecDeque::new(),
            stragglers: BinaryHeap::new(),
            kept: None,
            next_number: 0,
            watermark: WATERMARK_NONE,
            due: NOT_DUE,
            passed: WATERMARK_NONE,
        }
    }

    /// Puts an event among those that wait; false if there is no room.
    fn wait(&mut self, waiting: Waiting<O::In>) -> bool {
        const BYTES: usize = 64;
        let is_last = self.queue.back().is_none_or(|last| last.order() < waiting.order());
        let (len, capacity) = match is_last {
            true => (self.queue.len(), self.queue.capacity()),
            false => (self.stragglers.len(), self.stragglers.capacity()),
        };
        if len == capacity {
            let more = capacity.max(BYTES);
            if self.account.take(more * size_of::<Waiting<O::In>>()).is_err() {
                return false;
            }
            match is_last {
                true => self.queue.reserve_exact(more),
                false => self.stragglers.reserve_exact(more),
            }
        }
        match is_last {
            true => self.queue.push_back(waiting),
            false => self.stragglers.push(Reverse(waiting)),
        }
        true
    }

    /// The time of the first event that waits.
    #[inline]
    fn first_ts(&self) -> Option<i64> {
        let queued = self.queue.front().map(|first| first.ts);
        let straggler = self.stragglers.peek().map(|Reverse(first)| first.ts);
        match (queued, straggler) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, other) => one.or(other),
        }
    }

    /// Takes out the first event.
    fn first(&mut self) -> Option<Waiting<O::In>> {
        let is_straggler = match (self.queue.front(), self.stragglers.peek()) {
            (Some(queued), Some(Reverse(straggler))) => straggler < queued,
            (queued, _) => queued.is_none(),
        };
        let first = match is_straggler {
            true => self.stragglers.pop().map(|Reverse(first)| first),
            false => self.queue.pop_front(),
        }?;
        if let Some(kept) = &mut self.kept {
            kept.remove(&Within { key: (self.key_of)(&first.event), number: first.number });
        }
        Some(first)
    }

    /// Tells the operator of a watermark.
    fn pass(&mut self, watermark: i64) {
        if watermark > self.passed {
            self.passed = watermark;
            self.then.watermark(watermark, self.due);
        }
    }
}

impl<K, F, O> Operator for InOrder<K, F, O>
where
    K: Key,
    F: Fn(&O::In) -> K,
    O: Operator<Late = <O as Operator>::In>,
    O::In: Record + Unaligned,
{
    type In = O::In;
    type Row = O::Row;
    type Late = O::In;

    fn event(&mut self, header: &Header, event: &O::In, out: &mut impl Output<O::Row, O::In>) {
        let Header { ts, watermark, place, due } = *header;
        if ts <= watermark && watermark > WATERMARK_NONE {
            return out.late(header, *event);
        }
        let number = self.next_number;
        if self.arena.is_tracked {
            if self.kept.is_none() {
                self.kept = self.arena.table().ok();
            }
            let kept = Kept { ts: ts.into(), place: place.to_bits().into(), event: *event };
            let key = Within { key: (self.key_of)(event), number };
            if self.kept.as_mut().and_then(|table| table.entry(&key, || kept)).is_none() {
                return out.refused(header);
            }
        }
        if !self.wait(Waiting { ts, place, number, due, event: *event }) {
            if let Some(kept) = &mut self.kept {
                kept.remove(&Within { key: (self.key_of)(event), number });
            }
            return out.refused(header);
        }
        self.next_number += 1;
    }

    #[inline]
    fn watermark(&mut self, watermark: i64, due: i64) {
        self.watermark = watermark;
        self.due = due;
        if !self.is_firing() || self.first_ts().is_none_or(|first| first > watermark) {
            self.pass(watermark);
        }
    }

    fn resume(&mut self, watermark: i64) {
        self.watermark = watermark;
        // What waits is behind what the operator had been told of.
        let first = self.first_ts().map_or(watermark, |first| first.saturating_sub(1));
        self.passed = watermark.min(first);
        if self.passed > WATERMARK_NONE {
            self.then.resume(self.passed);
        }
    }

    fn grid(&self) -> Option<Tumbling> {
        None
    }

    #[inline]
    fn is_firing(&self) -> bool {
        self.watermark > self.passed || self.then.is_firing()
    }

    fn fire(&mut self, out: &mut impl Output<O::Row, O::In>) {
        for _ in 0..FIRE_SLOTS {
            if self.then.is_firing() {
                return self.then.fire(out);
            }
            match self.first_ts() {
                Some(ts) if ts <= self.watermark => {
                    self.pass(ts.saturating_sub(1));
                    if self.then.is_firing() {
                        continue;
                    }
                    let Some(first) = self.first() else { return };
                    let Waiting { ts, place, due, event, .. } = first;
                    let header = Header { ts, watermark: ts.saturating_sub(1), place, due };
                    self.then.event(&header, &event, out);
                }
                _ => return self.pass(self.watermark),
            }
        }
    }

    #[inline]
    fn complete_to(&self) -> i64 {
        self.then.complete_to()
    }

    fn closed_to(&self, watermark: i64) -> i64 {
        self.then.closed_to(watermark)
    }
}

impl<K: Key, F: Fn(&O::In) -> K, O: Operator> Durable for InOrder<K, F, O>
where
    O::In: Record + Unaligned,
{
    fn freeze(&mut self) {
        self.kept.iter_mut().for_each(Table::freeze);
        self.then.freeze();
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        let id = self.arena.id(WAITING);
        let kept = self.kept.as_mut().is_none_or(|table| table.capture(records, id, log));
        self.then.capture(if kept { records } else { 0 }, log) && kept
    }

    fn give_up(&mut self) {
        self.kept.iter_mut().for_each(Table::give_up);
        self.then.give_up();
    }

    fn overflowed(&self) -> bool {
        self.kept.iter().any(Table::overflowed) || self.then.overflowed()
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        for (_, table) in image.take(self.arena.number(WAITING)) {
            let table: Table<Within<K>, Kept<O::In>> = Table::adopt(table, self.arena.is_tracked)?;
            let mut waiting: Vec<_> = table
                .iter()
                .map(|(key, kept)| Waiting {
                    ts: kept.ts.to_native(),
                    place: Place::from_bits(kept.place.to_native()),
                    number: key.number,
                    due: NOT_DUE,
                    event: kept.event,
                })
                .collect();
            waiting.sort_unstable();
            self.next_number = waiting.iter().map(|it| it.number + 1).max().unwrap_or(0);
            self.queue = waiting.into();
            // What a restore brings is taken as far as the budget has room, and is there in any case.
            let _ = self.account.take(self.queue.capacity() * size_of::<Waiting<O::In>>());
            self.kept = Some(table);
        }
        self.then.restore(image)
    }
}

#[cfg(test)]
mod tests;

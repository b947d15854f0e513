//! Results that nothing can change: see [`rolling`](super).
//!
//! 1. An event is put into its key's timeline as it comes. The result of a range waits, with its event, in a queue in the
//!    order of time; with snapshots also in a table, from which the queue is built again.
//! 2. What waits is emitted when the watermark has reached its time: then all events of that time are in the timeline.
//! 3. Of the timelines goes only what neither what waits nor what comes needs.

use std::collections::VecDeque;
use std::marker::PhantomData;

use rkyv::Portable;
use tidewire_event::key::Within;
use tidewire_event::limits::FIRE_SLOTS;
use tidewire_event::record::{Record, i64_ule, u64_ule};
use tidewire_event::time::{NOT_DUE, WATERMARK_NONE};
use tidewire_event::{Header, Key, Place};
use tidewire_state::{Account, Arena, Durable, Full, Image, LayoutMismatch, Log, Table};
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use super::records::At;
use super::timeline::{Timelines, adopt};
use super::{Frame, RollingRow, row};
use crate::aggregate::Aggregate;
use crate::operator::{Operator, Output};
use crate::window::Tumbling;

/// The table of events whose results wait; those of the timelines come before it.
const WAITING: u16 = 5;

/// Results that the queue has room for at first.
const WAITING_MIN: usize = 64;

/// Rolling aggregation over events that come in the order of their times and places.
pub struct RollingComplete<K: Key, F, A: Aggregate> {
    key_of: F,
    frame: Frame,
    timelines: Timelines<K, A>,
    arena: Arena,
    account: Account,
    waiting: VecDeque<Waiting<A::In>>,
    /// The same, if snapshots are taken.
    kept: Table<Within<K>, Kept<A::In>>,
    next_number: u64,
    watermark: i64,
    event: PhantomData<fn(&A::In) -> K>,
}

/// An event whose result waits. Numbers are in the order of arrival.
#[derive(Debug, Clone, Copy)]
struct Waiting<E> {
    header: Header,
    number: u64,
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

impl<K: Key, F: Fn(&A::In) -> K, A: Aggregate> RollingComplete<K, F, A>
where
    A::In: Record + Unaligned,
    A::Partial: Unaligned,
{
    /// `aggregate` over `frame`, for each key that `key_of` reads from an event, with state in `arena`.
    ///
    /// # Errors
    /// The state's budget has no room for its tables.
    pub fn new(frame: Frame, key_of: F, aggregate: A, arena: Arena) -> Result<Self, Full> {
        let frame = frame.not_negative();
        Ok(Self {
            key_of,
            frame,
            timelines: Timelines::new(frame, aggregate, arena.clone())?,
            account: arena.budget.account(),
            waiting: VecDeque::new(),
            kept: arena.table()?,
            arena,
            next_number: 0,
            watermark: WATERMARK_NONE,
            event: PhantomData,
        })
    }

    /// The result of rows, or of a range for which nothing else can wait.
    #[inline]
    fn emit_now(
        &mut self,
        key: K,
        header: &Header,
        event: &A::In,
    ) -> Option<RollingRow<A::In, A::Out>> {
        let framed = self.timelines.insert_and_frame(key, header, event, self.watermark)?;
        Some(row(self.timelines.aggregate(), header, *event, &framed))
    }

    /// Puts an event among those whose results wait; false if there is no room.
    fn wait(&mut self, key: K, header: &Header, event: &A::In) -> bool {
        if self.waiting.len() == self.waiting.capacity() {
            let more = self.waiting.capacity().max(WAITING_MIN);
            if self.account.take(more * size_of::<Waiting<A::In>>()).is_err() {
                return false;
            }
            self.waiting.reserve_exact(more);
        }
        let number = self.next_number;
        if self.arena.is_tracked {
            let (ts, place) = (header.ts.into(), header.place.to_bits().into());
            let kept = Kept { ts, place, event: *event };
            if self.kept.entry(&Within { key, number }, || kept).is_none() {
                return false;
            }
        }
        self.next_number += 1;
        self.waiting.push_back(Waiting { header: *header, number, event: *event });
        true
    }

    /// The results of all events up to this time have been emitted.
    #[inline]
    fn passed(&self) -> i64 {
        match self.waiting.front() {
            Some(first) => self.watermark.min(first.header.ts.saturating_sub(1)),
            None => self.watermark,
        }
    }

    /// Takes the last one back.
    fn wait_no_more(&mut self, key: K) {
        if let Some(last) = self.waiting.pop_back() {
            self.kept.remove(&Within { key, number: last.number });
        }
    }
}

impl<K: Key, F: Fn(&A::In) -> K, A: Aggregate> Operator for RollingComplete<K, F, A>
where
    A::In: Record + Unaligned,
    A::Partial: Unaligned,
{
    type In = A::In;
    type Row = RollingRow<A::In, A::Out>;
    type Late = A::In;

    #[inline]
    fn event(
        &mut self,
        header: &Header,
        event: &A::In,
        out: &mut impl Output<Self::Row, Self::Late>,
    ) {
        if header.ts <= header.watermark && header.watermark > WATERMARK_NONE {
            return out.late(header, *event);
        }
        let key = (self.key_of)(event);
        if let Frame::Rows { .. } = self.frame {
            return match self.emit_now(key, header, event) {
                Some(row) => out.row(header.ts.saturating_add(1), header.due, row),
                None => out.refused(header),
            };
        }
        if !self.wait(key, header, event) {
            return out.refused(header);
        }
        if self.timelines.insert(key, header, event, self.passed()).is_none() {
            self.wait_no_more(key);
            out.refused(header);
        }
    }

    #[inline]
    fn watermark(&mut self, watermark: i64, _: i64) {
        self.watermark = watermark;
        self.timelines.pass(self.passed());
    }

    fn grid(&self) -> Option<Tumbling> {
        None
    }

    #[inline]
    fn is_firing(&self) -> bool {
        self.waiting.front().is_some_and(|first| first.header.ts <= self.watermark)
    }

    fn fire(&mut self, out: &mut impl Output<Self::Row, Self::Late>) {
        for _ in 0..FIRE_SLOTS {
            let passed = self.passed();
            let Some(first) = self.waiting.front() else { return };
            let Waiting { header, number, event } = *first;
            if header.ts > self.watermark {
                return;
            }
            let key = (self.key_of)(&event);
            let at = At { ts: header.ts, place: header.place.to_bits() };
            match self.timelines.frame(key, at, passed) {
                Some(framed) => {
                    let row = row(self.timelines.aggregate(), &header, event, &framed);
                    out.row(header.ts.saturating_add(1), header.due, row);
                }
                // A timeline that lacks a node, which no history makes.
                None => out.refused(&header),
            }
            self.waiting.pop_front();
            if self.arena.is_tracked {
                self.kept.remove(&Within { key, number });
            }
        }
    }

    #[inline]
    fn complete_to(&self) -> i64 {
        self.closed_to(self.passed())
    }

    /// A row stands at the end of its frame, which is just behind its event.
    fn closed_to(&self, watermark: i64) -> i64 {
        match watermark {
            WATERMARK_NONE => WATERMARK_NONE,
            // The rows of the last two times both stand at the end of time.
            _ if watermark >= i64::MAX - 1 => watermark,
            _ => watermark + 1,
        }
    }
}

impl<K: Key, F: Fn(&A::In) -> K, A: Aggregate> Durable for RollingComplete<K, F, A>
where
    A::In: Record + Unaligned,
    A::Partial: Unaligned,
{
    fn freeze(&mut self) {
        self.kept.freeze();
        self.timelines.freeze();
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        let kept = self.kept.capture(records, self.arena.id(WAITING), log);
        self.timelines.capture(if kept { records } else { 0 }, log) && kept
    }

    fn give_up(&mut self) {
        self.kept.give_up();
        self.timelines.give_up();
    }

    fn overflowed(&self) -> bool {
        self.kept.overflowed() || self.timelines.overflowed()
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        adopt(&mut self.kept, WAITING, &self.arena, image)?;
        let waiting = self.kept.iter().map(|(key, kept)| {
            let (ts, place) = (kept.ts.to_native(), Place::from_bits(kept.place.to_native()));
            let header = Header { ts, watermark: WATERMARK_NONE, place, due: NOT_DUE };
            Waiting { header, number: key.number, event: kept.event }
        });
        let mut waiting: Vec<_> = waiting.collect();
        waiting.sort_unstable_by_key(|it| (it.header.ts, it.header.place, it.number));
        self.next_number = waiting.iter().map(|it| it.number + 1).max().unwrap_or(0);
        self.waiting = waiting.into();
        // What a restore brings is taken as far as the budget has room, and is there in any case.
        let _ = self.account.take(self.waiting.capacity() * size_of::<Waiting<A::In>>());
        self.timelines.restore(image)
    }
}

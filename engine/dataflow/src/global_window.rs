//! One window of all time for each key, which gives a result when a trigger says so.
//!
//! 1. Events are taken in in the order of arrival. Time closes nothing, so no event is late.
//! 2. A result leaves at once, behind the event at which the window fired. It is *early* if the window goes on, and
//!    *complete* if it is purged. Its window is that of its events: `[earliest, latest + 1)`.
//! 3. A key that was purged leaves no record.
//! 4. At the end of the input, what no firing has told of gives a result if that is asked for: a complete row at the end
//!    of time. What it is asked of by default, the trigger says: those that purge give none, as a group that is not
//!    whole is no group; the others give the last total.

use std::marker::PhantomData;

use rkyv::Portable;
use tidewire_event::limits::FIRE_SLOTS;
use tidewire_event::record::{i64_ule, u64_ule};
use tidewire_event::time::{NOT_DUE, WATERMARK_END, WATERMARK_NONE};
use tidewire_event::{Header, Key, Record};
use tidewire_state::{Arena, Durable, Image, LayoutMismatch, Log, Table};
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use crate::aggregate::Aggregate;
use crate::keyed_window::{Stage, WindowRow};
use crate::operator::{Operator, Output};
use crate::window::{Tumbling, Window};

mod trigger;

pub use trigger::{Count, Decision, EveryInterval, Progress, Trigger, When};

/// The table of the windows. This number and the record are part of the snapshot format.
const WINDOWS: u16 = 1;

/// The operator: see the module.
#[derive(Debug)]
pub struct GlobalWindow<K, F, A: Aggregate, T> {
    key_of: F,
    aggregate: A,
    trigger: T,
    at_end: bool,
    arena: Arena,
    /// Made when it has its first record.
    windows: Option<Table<K, Kept<A::Partial>>>,
    /// The slot to go on from at the end of the input; `None` behind the last.
    next_slot: Option<usize>,
    watermark: i64,
    /// When the event that moved the watermark was due.
    due: i64,
    event: PhantomData<fn(&A::In) -> K>,
}

/// A window, as it is kept.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C, packed)]
struct Kept<P> {
    first: i64_ule,
    last: i64_ule,
    fired: i64_ule,
    /// Events since then.
    count: u64_ule,
    partial: P,
}

impl<P: Record> Kept<P> {
    fn new(ts: i64, partial: P) -> Self {
        let at: i64_ule = ts.into();
        Self { first: at, last: at, fired: at, count: 1.into(), partial }
    }

    /// Takes an event in, of time `ts`; `insert` changes the partial result.
    #[inline]
    fn take_in(&mut self, ts: i64, insert: impl FnOnce(&mut P)) {
        self.first = self.first.to_native().min(ts).into();
        self.last = self.last.to_native().max(ts).into();
        self.count = self.count.to_native().wrapping_add(1).into();
        let mut partial = self.partial;
        insert(&mut partial);
        self.partial = partial;
    }

    fn progress(&self) -> Progress {
        Progress {
            count: self.count.to_native(),
            first: self.first.to_native(),
            last: self.last.to_native(),
            fired: self.fired.to_native(),
        }
    }
}

impl<K, F, A, T> GlobalWindow<K, F, A, T>
where
    K: Key,
    F: Fn(&A::In) -> K,
    A: Aggregate,
    T: Trigger<A::In>,
{
    /// `aggregate` over the events of each key that `key_of` reads from an event, whenever `trigger` says so, with state
    /// in `arena`.
    pub fn new(key_of: F, aggregate: A, trigger: T, arena: Arena) -> Self {
        Self {
            key_of,
            aggregate,
            at_end: trigger.at_end(),
            trigger,
            arena,
            windows: None,
            next_slot: Some(0),
            watermark: WATERMARK_NONE,
            due: NOT_DUE,
            event: PhantomData,
        }
    }

    /// The same, but events that no firing has told of give a result at the end of the input, or give none, whatever the
    /// trigger says.
    #[must_use]
    pub fn at_end(self, at_end: bool) -> Self {
        Self { at_end, ..self }
    }
}

fn row<K, A: Aggregate>(
    aggregate: &A,
    key: K,
    kept: &Kept<A::Partial>,
    stage: Stage,
) -> WindowRow<K, A::Out> {
    let (start, end) = (kept.first.to_native(), kept.last.to_native().saturating_add(1));
    let (window, partial) = (Window { start, end }, kept.partial);
    WindowRow { window, key, value: aggregate.lower(window, &partial), stage }
}

impl<K, F, A, T> Operator for GlobalWindow<K, F, A, T>
where
    K: Key,
    F: Fn(&A::In) -> K,
    A: Aggregate,
    T: Trigger<A::In>,
{
    type In = A::In;
    type Row = WindowRow<K, A::Out>;
    type Late = A::In;

    #[inline]
    fn event(
        &mut self,
        header: &Header,
        event: &A::In,
        out: &mut impl Output<Self::Row, Self::Late>,
    ) {
        if self.windows.is_none() {
            self.windows = self.arena.table().ok();
        }
        let (key, aggregate) = ((self.key_of)(event), &self.aggregate);
        let mut new = false;
        let kept = self.windows.as_mut().and_then(|windows| {
            windows.entry(&key, || {
                new = true;
                Kept::new(header.ts, aggregate.lift(header, event))
            })
        });
        let Some(kept) = kept else { return out.refused(header) };
        if !new {
            kept.take_in(header.ts, |partial| aggregate.insert(partial, header, event));
        }
        match self.trigger.decide(header, event, &kept.progress()) {
            Decision::Continue => {}
            Decision::Fire => {
                kept.fired = header.ts.into();
                kept.count = 0.into();
                out.now(header.due, row(aggregate, key, kept, Stage::Early));
            }
            Decision::FireAndPurge => {
                out.now(header.due, row(aggregate, key, kept, Stage::Complete));
                self.windows.as_mut().and_then(|windows| windows.remove(&key));
            }
        }
    }

    #[inline]
    fn watermark(&mut self, watermark: i64, due: i64) {
        self.watermark = watermark;
        self.due = due;
    }

    /// Nothing happens before the end of the input.
    fn grid(&self) -> Option<Tumbling> {
        Tumbling::new(i64::MAX).ok()
    }

    #[inline]
    fn is_firing(&self) -> bool {
        self.watermark == WATERMARK_END && self.at_end && self.next_slot.is_some()
    }

    fn fire(&mut self, out: &mut impl Output<Self::Row, Self::Late>) {
        let Some(next) = self.next_slot.filter(|_| self.is_firing()) else { return };
        let Self { windows, aggregate, due, .. } = self;
        self.next_slot = windows.as_ref().and_then(|windows| {
            windows.visit(next, FIRE_SLOTS, |key, kept| {
                if kept.count.to_native() > 0 {
                    out.row(WATERMARK_END, *due, row(aggregate, key, kept, Stage::Complete));
                }
            })
        });
    }

    #[inline]
    fn complete_to(&self) -> i64 {
        if self.is_firing() { WATERMARK_END - 1 } else { self.watermark }
    }

    fn closed_to(&self, watermark: i64) -> i64 {
        watermark
    }
}

impl<K, F, A, T> Durable for GlobalWindow<K, F, A, T>
where
    K: Key,
    A: Aggregate,
{
    fn freeze(&mut self) {
        self.windows.iter_mut().for_each(Table::freeze);
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        let id = self.arena.id(WINDOWS);
        self.windows.as_mut().is_none_or(|table| table.capture(records, id, log))
    }

    fn give_up(&mut self) {
        self.windows.iter_mut().for_each(Table::give_up);
    }

    fn overflowed(&self) -> bool {
        self.windows.iter().any(Table::overflowed)
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        for (_, table) in image.take(self.arena.number(WINDOWS)) {
            self.windows = Some(Table::adopt(table, self.arena.is_tracked)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! Sessions by key: events with no more than a gap between them.
//!
//! 1. A session is `[first, last + gap)`. An event joins every session that its own `[ts, ts + gap)` overlaps or touches:
//!    events exactly one gap apart are of one session, and an event between two sessions makes them one.
//! 2. Sessions are merged first, then the one that the event is in now is judged: it is late if the event's watermark has
//!    closed that. So an event that is old, but joins a session that is still open, is in time.
//! 3. A session that the event's watermark has closed is closed for it, whether it has been emitted yet or not. So when
//!    `fire` runs changes nothing.
//! 4. With an allowed lateness, a closed session is kept for so long, and an event may still join it: a corrected result
//!    leaves at once, behind the complete one, which is emitted first if it still waited. Where sessions become one, the
//!    result of the whole supersedes those of the parts, and nothing else says so. If the whole is open again, its
//!    result is complete when it closes.
//! 5. `combine` has the partial result of the earlier session before that of the later one; within a session, events
//!    come in the order of arrival.
//! 6. The sessions of a key that are not gone do not touch each other: their order by first event is that by last event,
//!    and an event joins two at most.

use std::marker::PhantomData;

use tidewire_event::limits::FIRE_SLOTS;
use tidewire_event::time::{NOT_DUE, WATERMARK_NONE};
use tidewire_event::{Header, Key};
use tidewire_state::{Arena, Durable, Image, LayoutMismatch, Log};

use crate::aggregate::Aggregate;
use crate::keyed_window::{Stage, WindowRow};
use crate::operator::{Operator, Output};
use crate::window::{Tumbling, Window};

mod sessions;
mod timers;
mod tree;

use sessions::{Session, Sessions};
use timers::{Timer, Timers};

/// How long nothing must happen for a session to end, ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionGap(i64);

/// A gap that is no gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GapNotPositive(pub i64);

impl std::fmt::Display for GapNotPositive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sessions with a gap of {} ns: the gap must be at least 1 ns", self.0)
    }
}

impl std::error::Error for GapNotPositive {}

impl SessionGap {
    /// A gap of `gap` ns.
    ///
    /// # Errors
    /// It is zero or negative.
    pub fn new(gap: i64) -> Result<Self, GapNotPositive> {
        if gap <= 0 { Err(GapNotPositive(gap)) } else { Ok(Self(gap)) }
    }

    /// The gap, ns.
    #[must_use]
    pub fn ns(&self) -> i64 {
        self.0
    }

    /// The end of a session whose last event is at `ts`: more than the least time there is.
    #[inline]
    fn end(self, ts: i64) -> i64 {
        ts.saturating_add(self.0)
    }
}

/// The operator: see the module.
#[derive(Debug)]
pub struct SessionWindow<K, F, A: Aggregate> {
    gap: SessionGap,
    lateness: i64,
    key_of: F,
    aggregate: A,
    sessions: Sessions<K, A::Partial>,
    timers: Timers<K>,
    watermark: i64,
    /// When the event that moved the watermark was due, as it was when firing began.
    due: i64,
    event: PhantomData<fn(&A::In) -> K>,
}

impl<K: Key, F: Fn(&A::In) -> K, A: Aggregate> SessionWindow<K, F, A> {
    /// `aggregate` over the sessions of each key that `key_of` reads from an event, with state in `arena`.
    pub fn new(gap: SessionGap, key_of: F, aggregate: A, arena: Arena) -> Self {
        Self {
            gap,
            lateness: 0,
            key_of,
            aggregate,
            timers: Timers::new(&arena),
            sessions: Sessions::new(arena),
            watermark: WATERMARK_NONE,
            due: NOT_DUE,
            event: PhantomData,
        }
    }

    /// The same, but a closed session is kept until the watermark is `lateness` ns past its end, and late events correct
    /// its result. A negative lateness counts as zero.
    #[must_use]
    pub fn allowed_lateness(self, lateness: i64) -> Self {
        Self { lateness: lateness.max(0), ..self }
    }

    /// Whether `watermark` has closed a session that ends at `end`.
    #[inline]
    fn is_closed(end: i64, watermark: i64) -> bool {
        watermark >= end - 1
    }

    /// Whether nothing can join it any more.
    #[inline]
    fn is_gone(&self, end: i64, watermark: i64) -> bool {
        watermark >= end.saturating_add(self.lateness) - 1
    }

    fn row(&self, key: K, session: &Session<A::Partial>, stage: Stage) -> WindowRow<K, A::Out> {
        let window = Window { start: session.first(), end: self.gap.end(session.last()) };
        WindowRow { window, key, value: self.aggregate.lower(window, &session.partial()), stage }
    }

    /// Emits the complete result of a session, if `watermark` has closed it and it has not been emitted.
    fn complete(
        &self,
        key: K,
        session: &mut Session<A::Partial>,
        watermark: i64,
        due: i64,
        out: &mut impl Output<WindowRow<K, A::Out>, A::In>,
    ) {
        let end = self.gap.end(session.last());
        if !session.is_emitted() && Self::is_closed(end, watermark) {
            session.set_emitted(true);
            out.row(end, due, self.row(key, session, Stage::Complete));
        }
    }

    /// The first session that an event at `ts` joins.
    fn joined(&mut self, key: &K, ts: i64, watermark: i64) -> Option<Session<A::Partial>> {
        let of_key = self.sessions.of_key(key)?;
        let (gap, lateness) = (self.gap, self.lateness);
        let reaches = |last| {
            let end = gap.end(last);
            end >= ts && watermark < end.saturating_add(lateness) - 1
        };
        let found = match ts >= of_key.newest.first() {
            true => Some(of_key.newest).filter(|newest| reaches(newest.last())),
            false => self.sessions.first_where(key, &of_key, reaches),
        };
        found.filter(|session| session.first() <= gap.end(ts))
    }

    /// The session behind `session`, if it begins no later than `to`.
    fn next(
        &mut self,
        key: &K,
        session: &Session<A::Partial>,
        to: i64,
    ) -> Option<Session<A::Partial>> {
        let of_key = self.sessions.of_key(key)?;
        let last = session.last();
        let next = self.sessions.first_where(key, &of_key, |other| other > last);
        next.filter(|next| next.first() <= to)
    }

    /// An event that does not simply extend the newest session of its key.
    #[inline(never)]
    fn event_elsewhere(
        &mut self,
        key: K,
        watermark: i64,
        header: &Header,
        event: &A::In,
        out: &mut impl Output<WindowRow<K, A::Out>, A::In>,
    ) where
        A::In: Copy,
    {
        let Header { ts, due, .. } = *header;
        let Some(mut session) = self.joined(&key, ts, watermark) else {
            return self.begin(key, watermark, header, event, out);
        };
        if self.timers.reserve().is_err() {
            return out.refused(header);
        }
        self.complete(key, &mut session, watermark, due, out);
        let to = self.gap.end(ts);
        while let Some(mut next) = self.next(&key, &session, to) {
            self.complete(key, &mut next, watermark, due, out);
            let partial = self.aggregate.combine(&session.partial(), &next.partial());
            self.sessions.remove(&key, &session);
            session = session.merged(&next, partial);
        }
        session.take_in(ts, |partial| self.aggregate.insert(partial, header, event));
        let end = self.gap.end(session.last());
        if Self::is_closed(end, watermark) {
            let row = self.row(key, &session, Stage::Corrected);
            out.corrected(row.window.end, due, row);
        } else if session.is_emitted() {
            // Open again: its timer may be that of its removal, which is too late now.
            session.set_emitted(false);
            session.set_timer(end);
            self.timers.set(Timer { time: end, key, number: session.number() });
        }
        self.sessions.put(&key, session);
    }

    /// A session of one event, unless it is late.
    fn begin(
        &mut self,
        key: K,
        watermark: i64,
        header: &Header,
        event: &A::In,
        out: &mut impl Output<WindowRow<K, A::Out>, A::In>,
    ) where
        A::In: Copy,
    {
        let end = self.gap.end(header.ts);
        if self.is_gone(end, watermark) {
            return out.late(header, *event);
        }
        let is_closed = Self::is_closed(end, watermark);
        let time = if is_closed { end.saturating_add(self.lateness) } else { end };
        let number = self.sessions.number();
        let partial = self.aggregate.lift(header, event);
        let session = Session::new(header.ts, number, time, is_closed, partial);
        if self.timers.reserve().is_err() || !self.sessions.add(&key, session) {
            return out.refused(header);
        }
        self.timers.set(Timer { time, key, number });
        if is_closed {
            let row = self.row(key, &session, Stage::Corrected);
            out.corrected(row.window.end, header.due, row);
        }
    }
}

impl<K: Key, F: Fn(&A::In) -> K, A: Aggregate> Operator for SessionWindow<K, F, A>
where
    A::In: Copy,
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
        let key = (self.key_of)(event);
        // The operator's watermark is never ahead: it is the least of its inputs', as it was a while ago.
        let watermark = header.watermark.max(self.watermark);
        if let Some(newest) = self.sessions.newest_mut(&key) {
            let end = self.gap.end(newest.last());
            let is_open = !newest.is_emitted() && !Self::is_closed(end, watermark);
            if is_open && newest.first() <= header.ts && header.ts <= end {
                let aggregate = &self.aggregate;
                return newest
                    .take_in(header.ts, |partial| aggregate.insert(partial, header, event));
            }
        }
        self.event_elsewhere(key, watermark, header, event, out);
    }

    #[inline]
    fn watermark(&mut self, watermark: i64, due: i64) {
        if !self.is_firing() {
            self.due = due;
        }
        self.watermark = watermark;
    }

    fn grid(&self) -> Option<Tumbling> {
        None
    }

    #[inline]
    fn is_firing(&self) -> bool {
        self.timers.first_due(self.watermark).is_some()
    }

    fn fire(&mut self, out: &mut impl Output<Self::Row, Self::Late>) {
        for _ in 0..FIRE_SLOTS {
            let Some(Timer { time, key, number }) = self.timers.pop_due(self.watermark) else {
                return;
            };
            let session = self.sessions.find(&key, number);
            let Some(mut session) = session.filter(|session| session.timer() == time) else {
                continue;
            };
            self.complete(key, &mut session, self.watermark, self.due, out);
            let end = self.gap.end(session.last());
            if self.is_gone(end, self.watermark) {
                self.sessions.remove(&key, &session);
                continue;
            }
            let lateness = if session.is_emitted() { self.lateness } else { 0 };
            session.set_timer(end.saturating_add(lateness));
            self.sessions.put(&key, session);
            // There is room: one has just been taken out.
            self.timers.set(Timer { time: session.timer(), key, number });
        }
    }

    #[inline]
    fn complete_to(&self) -> i64 {
        match self.timers.first_due(self.watermark) {
            Some(time) => time - 1,
            None => self.watermark.saturating_add(1),
        }
    }

    fn closed_to(&self, watermark: i64) -> i64 {
        watermark.saturating_add(1)
    }
}

impl<K: Key, F: Fn(&A::In) -> K, A: Aggregate> Durable for SessionWindow<K, F, A> {
    fn freeze(&mut self) {
        self.sessions.freeze();
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        self.sessions.capture(records, log)
    }

    fn give_up(&mut self) {
        self.sessions.give_up();
    }

    fn overflowed(&self) -> bool {
        self.sessions.overflowed()
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        self.sessions.restore(image)?;
        let timers = self.sessions.timers();
        self.timers.restore(timers.map(|(time, key, number)| Timer { time, key, number }));
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! Windows by key: tumbling, hopping, cumulating.
//!
//! 1. An event is taken into its pane, one table from key to partial result, whatever the number of windows it is in.
//! 2. Whether an event is late is decided by the watermark that travels with it, not by when it arrives here.
//! 3. When the watermark closes windows, `fire` emits them in the order of their ends, a bounded number of slots at a
//!    time. What overlapping windows come to is in [`sliding`].
//! 4. An event for a window that has closed already, but not for all of its windows, or within the allowed lateness,
//!    waits until all windows that its watermark has closed are emitted. So it is in none of their complete results,
//!    however firing is sliced ([`late`]).
//! 5. A snapshot holds the panes that an event to come can change, and the events that wait. All else follows from them.

mod closing;
mod early;
mod late;
mod panes;
mod sliding;

pub use early::{Early, EarlyError};

use std::collections::VecDeque;
use std::marker::PhantomData;

use tidewire_event::time::{NOT_DUE, WATERMARK_NONE};
use tidewire_event::{Header, Key};
use tidewire_state::{Arena, CaptureTurn, Durable, Image, LayoutMismatch, Log};

use self::closing::Firing;
use self::early::EarlyResults;
use self::late::Waiting;
use self::panes::Panes;
use self::sliding::Sliding;
use crate::aggregate::Aggregate;
use crate::operator::{Operator, Output};
use crate::window::{Tumbling, Window};
use crate::windows::{Windows, is_closed};

/// The result of one key in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WindowRow<K, V> {
    /// The window.
    pub window: Window,
    /// The key.
    pub key: K,
    /// What the aggregate gave.
    pub value: V,
    /// Whether more is to come for this key and window.
    pub stage: Stage,
}

/// When a result leaves, as against the end of its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Before it: others follow.
    Early,
    /// When the watermark has closed the window: the one that counts, if nothing comes late.
    Complete,
    /// After it: it takes the place of the one before.
    Corrected,
}

/// The operator: see the module.
#[derive(Debug)]
pub struct KeyedWindow<K, F, A: Aggregate> {
    windows: Windows,
    lateness: i64,
    key_of: F,
    aggregate: A,
    panes: Panes<K, A::Partial>,
    /// The pane that took the last event, most events fall into the same one; and its window, which holds nothing when the
    /// pane may be elsewhere.
    recent: usize,
    recent_window: Window,
    early: Option<EarlyResults<K>>,
    sliding: Sliding<K, A::Partial>,
    waiting: Waiting<K, A::Partial>,
    /// The window that is being emitted.
    firing: Option<Firing>,
    is_firing: bool,
    /// The end of the last window that has been emitted, as far as there was something to emit.
    fired_to: i128,
    /// The end of the last window that the watermark has closed.
    closed: i128,
    /// Which ends were closed by an event that was due, and when that was.
    dues: VecDeque<(i128, i64)>,
    watermark: i64,
    /// The next watermark at which something happens.
    boundary: i64,
    complete_to: i64,
    event: PhantomData<fn(&A::In) -> K>,
}

/// A window that holds nothing.
const NO_WINDOW: Window = Window { start: i64::MAX, end: i64::MAX };

/// What became of the search for an event's pane.
enum Search {
    Found,
    /// Some of its windows have closed.
    Behind,
    /// All of them have.
    Late,
    /// The state's budget has no room for a pane.
    Full,
}

impl<K: Key, F: Fn(&A::In) -> K, A: Aggregate> KeyedWindow<K, F, A> {
    /// `aggregate` over `windows`, for each key that `key_of` reads from an event, with state in `arena`.
    pub fn new(windows: impl Into<Windows>, key_of: F, aggregate: A, arena: Arena) -> Self {
        let windows = windows.into();
        Self {
            sliding: Sliding::of::<A>(&windows, &arena),
            waiting: Waiting::new(&arena),
            panes: Panes::new(arena),
            windows,
            lateness: 0,
            key_of,
            aggregate,
            recent: 0,
            recent_window: NO_WINDOW,
            early: None,
            firing: None,
            is_firing: false,
            fired_to: WATERMARK_NONE.into(),
            closed: WATERMARK_NONE.into(),
            dues: VecDeque::new(),
            watermark: WATERMARK_NONE,
            boundary: WATERMARK_NONE,
            complete_to: WATERMARK_NONE,
            event: PhantomData,
        }
    }

    /// The same, which keeps a closed window for `lateness` ns of event time, and emits a corrected result at once for
    /// each late event that comes in that time. A negative lateness counts as zero.
    #[must_use]
    pub fn allowed_lateness(mut self, lateness: i64) -> Self {
        self.lateness = lateness.max(0);
        self
    }

    /// The same, with results before a window closes.
    ///
    /// # Errors
    /// The windows overlap, or `early` is after nothing.
    pub fn early(self, early: Early) -> Result<Self, EarlyError> {
        early.check(&self.windows)?;
        Ok(self.with_early(Some(early)))
    }

    /// The same with results that [fit](Early::check) its windows.
    #[must_use]
    pub fn with_early(mut self, early: Option<Early>) -> Self {
        self.early = early.map(EarlyResults::new);
        self
    }

    /// Makes the pane of `header` the recent one, and makes it if it is not there.
    #[inline(never)]
    fn find_pane(&mut self, header: &Header) -> Search {
        let behind = self.panes.list.partition_point(|pane| pane.window.start <= header.ts);
        if let Some(at) = behind.checked_sub(1) {
            // No window closes before its panes.
            let pane = self.panes.list[at].window;
            if pane.contains(header.ts) && !pane.closed_by(header.watermark) {
                (self.recent, self.recent_window) = (at, pane);
                return Search::Found;
            }
        }
        let pane = self.windows.panes().window_of(header.ts);
        if is_closed(self.windows.first_end(pane), 0, header.watermark) {
            let last = self.windows.last_end(pane);
            let late = is_closed(last, self.lateness, header.watermark);
            return if late { Search::Late } else { Search::Behind };
        }
        let Some(at) = self.panes.find_or_make(pane) else { return Search::Full };
        (self.recent, self.recent_window) = (at, pane);
        if let Some(early) = &self.early {
            self.boundary = self.boundary.min(early.next_tick(pane, self.watermark));
        }
        Search::Found
    }
}

impl<K: Key, F: Fn(&A::In) -> K, A: Aggregate> Operator for KeyedWindow<K, F, A>
where
    A::In: Copy,
{
    type In = A::In;
    type Row = WindowRow<K, A::Out>;
    type Late = A::In;

    #[inline(always)]
    fn event(
        &mut self,
        header: &Header,
        event: &A::In,
        out: &mut impl Output<Self::Row, Self::Late>,
    ) {
        let recent = &self.recent_window;
        if !recent.contains(header.ts) || recent.closed_by(header.watermark) {
            match self.find_pane(header) {
                Search::Found => {}
                Search::Behind => return self.behind(header, event, out),
                Search::Late => return out.late(header, *event),
                Search::Full => return out.refused(header),
            }
        }
        let key = (self.key_of)(event);
        if self.early.is_some() {
            return self.event_with_early(header, event, key, out);
        }
        let (table, aggregate) = (&mut self.panes.list[self.recent].table, &self.aggregate);
        let mut new = false;
        let partial = table.entry(&key, || {
            new = true;
            aggregate.lift(header, event)
        });
        let Some(partial) = partial else { return out.refused(header) };
        if !new {
            aggregate.insert(partial, header, event);
        }
    }

    #[inline]
    fn watermark(&mut self, watermark: i64, due: i64) {
        self.watermark = watermark;
        if watermark >= self.boundary {
            self.close(due);
        }
    }

    fn resume(&mut self, watermark: i64) {
        self.watermark = watermark;
        self.fired_to = self.windows.last_closed(watermark);
        self.resume_early();
        self.close(NOT_DUE);
    }

    fn grid(&self) -> Option<Tumbling> {
        let has_timer = self.early.as_ref().is_some_and(EarlyResults::has_timer);
        (!has_timer).then(|| self.windows.grid())
    }

    #[inline]
    fn is_firing(&self) -> bool {
        self.is_firing
    }

    fn fire(&mut self, out: &mut impl Output<Self::Row, Self::Late>) {
        self.fire_some(out);
        self.settle();
    }

    #[inline]
    fn complete_to(&self) -> i64 {
        self.complete_to
    }

    fn closed_to(&self, watermark: i64) -> i64 {
        self.windows.closed_to(watermark)
    }
}

impl<K: Key, F: Fn(&A::In) -> K, A: Aggregate> Durable for KeyedWindow<K, F, A> {
    fn freeze(&mut self) {
        self.panes.freeze();
        self.waiting.freeze();
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        let mut turn = CaptureTurn::new(records);
        turn.next(|records| self.panes.capture(records, log));
        turn.next(|records| self.waiting.capture(records, log));
        turn.is_done()
    }

    fn give_up(&mut self) {
        self.panes.give_up();
        self.waiting.give_up();
    }

    fn overflowed(&self) -> bool {
        self.panes.overflowed() || self.waiting.overflowed()
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        self.panes.adopt(image, self.windows.panes())?;
        self.waiting.adopt(image, &self.windows)
    }
}

#[cfg(test)]
mod tests;

//! When a window of all time gives a result.

use tidewire_event::Header;

use crate::window::Tumbling;

/// What becomes of a window after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It goes on.
    Continue,
    /// Its result leaves, and it goes on.
    Fire,
    /// Its result leaves, and its key begins anew with the next event.
    FireAndPurge,
}

/// What a window has taken in, the event that a trigger is asked about included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Events since the last firing, or since the window began.
    pub count: u64,
    /// The earliest time of an event.
    pub first: i64,
    /// The latest.
    pub last: i64,
    /// The time of the event at which the window fired last, or with which it began.
    pub fired: i64,
}

/// Decides when a window gives a result. The same events must lead to the same decisions: what there is to remember is in
/// [`Progress`].
pub trait Trigger<E> {
    /// What becomes of the window, which has just taken `event` in.
    fn decide(&self, header: &Header, event: &E, progress: &Progress) -> Decision;

    /// Whether events that no firing has told of give a result at the end of the input.
    fn at_end(&self) -> bool {
        false
    }
}

/// Fires at every so many events of a key.
///
/// It purges: each result is of so many events exactly, a tumbling window of rows. An incomplete one at the end of the
/// input gives no result, as in Flink. When [`accumulating`](Self::accumulating), a result is of all events so far, and
/// the end gives one too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    events: u64,
    purges: bool,
}

impl Count {
    /// Results of `events` events each; none counts as one.
    #[must_use]
    pub fn new(events: u64) -> Self {
        Self { events, purges: true }
    }

    /// At every `events` events, a result of all so far.
    #[must_use]
    pub fn accumulating(events: u64) -> Self {
        Self { events, purges: false }
    }
}

impl<E> Trigger<E> for Count {
    #[inline]
    fn decide(&self, _: &Header, _: &E, progress: &Progress) -> Decision {
        fire_if(progress.count >= self.events, self.purges)
    }

    fn at_end(&self) -> bool {
        !self.purges
    }
}

/// Fires at the first event whose time lies in a later interval than that of the event at which it fired last, or with
/// which the window began. The result is of all events so far, that one included; the end of the input gives one too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EveryInterval(pub Tumbling);

impl<E> Trigger<E> for EveryInterval {
    #[inline]
    fn decide(&self, header: &Header, _: &E, progress: &Progress) -> Decision {
        let fired = self.0.window_of(progress.fired);
        fire_if(header.ts >= fired.end && header.ts > progress.fired, false)
    }

    fn at_end(&self) -> bool {
        true
    }
}

/// Fires at every event of which a predicate is true: the mark of a day's end, say.
///
/// It purges: each result is of the events up to a mark, and what comes behind the last one gives none at the end of the
/// input. When [`accumulating`](Self::accumulating), a result is of all events so far, and the end gives one too.
#[derive(Debug, Clone, Copy)]
pub struct When<F> {
    is_mark: F,
    purges: bool,
}

impl<F> When<F> {
    /// Results of the events up to each mark.
    #[must_use]
    pub fn new(is_mark: F) -> Self {
        Self { is_mark, purges: true }
    }

    /// At each mark, a result of all so far.
    #[must_use]
    pub fn accumulating(is_mark: F) -> Self {
        Self { is_mark, purges: false }
    }
}

impl<E, F: Fn(&E) -> bool> Trigger<E> for When<F> {
    #[inline]
    fn decide(&self, _: &Header, event: &E, _: &Progress) -> Decision {
        fire_if((self.is_mark)(event), self.purges)
    }

    fn at_end(&self) -> bool {
        !self.purges
    }
}

#[inline]
fn fire_if(fires: bool, purges: bool) -> Decision {
    match (fires, purges) {
        (false, _) => Decision::Continue,
        (true, false) => Decision::Fire,
        (true, true) => Decision::FireAndPurge,
    }
}

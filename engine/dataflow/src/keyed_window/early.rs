//! Results before a window closes.
//!
//! 1. By a count: with every n-th event of a key in a window.
//! 2. By a timer in event time: when the watermark passes a tick of the window, a result leaves for each key that has
//!    changed since its last one. Ticks are counted from the window's start.
//! 3. A tick's results are what the keys had come to when the watermark passed it, however long it takes to emit them: an
//!    event of a key that still waits for its result lets that go first.
//! 4. A tick that the same watermark passes as the window's end gives its results too, before the complete ones.

use rkyv::Portable;
use tidewire_event::limits::FIRE_SLOTS;
use tidewire_event::record::i64_le;
use tidewire_event::time::NOT_DUE;
use tidewire_event::{Header, Key};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::{KeyedWindow, Stage, WindowRow};
use crate::aggregate::Aggregate;
use crate::operator::Output;
use crate::window::Window;
use crate::windows::{Kind, Windows};

/// When results leave before their window closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Early {
    /// With every so many events of a key.
    Count(u32),
    /// With every so many nanoseconds of event time, for the keys that have changed.
    Every(i64),
}

impl Early {
    /// Whether such results can be had from these windows.
    ///
    /// # Errors
    /// The windows overlap, or it is after nothing.
    pub fn check(self, windows: &Windows) -> Result<(), EarlyError> {
        if windows.kind() != Kind::Tumbling {
            return Err(EarlyError::Overlap);
        }
        if matches!(self, Self::Count(0) | Self::Every(..=0)) {
            return Err(EarlyError::NotPositive);
        }
        Ok(())
    }
}

/// What has happened to a key since its last early result: by a count, how many events; by a timer, one more than the
/// number of the tick before which it changed, or nothing.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(super) struct Changed(pub(super) i64_le);

/// Early results can not be had from these windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EarlyError {
    /// Windows that overlap give results often enough by themselves; which of them an early one is for would be open.
    Overlap,
    /// No events, or no time, between two results.
    NotPositive,
}

impl std::fmt::Display for EarlyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Overlap => "early results are for tumbling windows: use a smaller slide or step",
            Self::NotPositive => "early results after nothing: at least one event, or 1 ns",
        })
    }
}

impl std::error::Error for EarlyError {}

/// How many ticks inside `window` have passed when the watermark is at `watermark`.
pub(super) fn ticks(window: Window, every: i64, watermark: i64) -> i64 {
    if watermark < window.start {
        return 0;
    }
    let last = window.end - 1;
    let passed = i128::from((watermark.saturating_add(1)).min(last)) - i128::from(window.start);
    i64::try_from(passed / i128::from(every)).unwrap_or(i64::MAX)
}

/// The first watermark after `watermark` that passes a tick of `window`.
pub(super) fn next_tick(window: Window, every: i64, watermark: i64) -> i64 {
    let next = i128::from(ticks(window, every, watermark)) + 1;
    let at = i128::from(window.start) + next * i128::from(every) - 1;
    i64::try_from(at).unwrap_or(i64::MAX)
}

/// The keys whose results are wanted.
#[derive(Debug)]
pub(super) struct EarlyResults<K> {
    when: Early,
    /// The open panes, as far as they have had events. Few: as many as the disorder that the watermark allows.
    panes: Vec<Ticking<K>>,
    /// When the event that passed the last tick was due.
    due: i64,
}

/// The keys of a pane: see 3 of the module.
#[derive(Debug)]
struct Ticking<K> {
    window: Window,
    /// The ticks that have passed.
    ticks: i64,
    /// Changed since then.
    changed: Vec<K>,
    /// Changed before, and not emitted yet.
    due: Vec<K>,
}

impl<K: Key> EarlyResults<K> {
    pub(super) fn new(when: Early) -> Self {
        Self { when, panes: Vec::new(), due: NOT_DUE }
    }

    pub(super) fn has_timer(&self) -> bool {
        matches!(self.when, Early::Every(_))
    }

    /// The first watermark after `watermark` that passes a tick of `pane`.
    pub(super) fn next_tick(&self, pane: Window, watermark: i64) -> i64 {
        match self.when {
            Early::Count(_) => i64::MAX,
            Early::Every(every) => next_tick(pane, every, watermark),
        }
    }

    /// Whether results of this pane wait.
    pub(super) fn has_due(&self, window: Window) -> bool {
        self.panes.iter().any(|pane| pane.window == window && !pane.due.is_empty())
    }

    /// The keys of the pane of `window`.
    fn ticking(&mut self, window: Window, every: i64, watermark: i64) -> &mut Ticking<K> {
        let at = match self.panes.iter().position(|pane| pane.window == window) {
            Some(at) => at,
            None => {
                let ticks = ticks(window, every, watermark);
                let (changed, due) = (Vec::new(), Vec::new());
                self.panes.push(Ticking { window, ticks, changed, due });
                self.panes.len() - 1
            }
        };
        &mut self.panes[at]
    }
}

impl<K: Key, F: Fn(&A::In) -> K, A: Aggregate> KeyedWindow<K, F, A> {
    /// Takes an event into the recent pane, and emits what it makes due.
    #[inline(never)]
    pub(super) fn event_with_early(
        &mut self,
        header: &Header,
        event: &A::In,
        key: K,
        out: &mut impl Output<WindowRow<K, A::Out>, A::In>,
    ) {
        let Some(early) = &mut self.early else { return };
        let pane = &mut self.panes.list[self.recent];
        let window = pane.window;
        if pane.changes.is_none() {
            pane.changes = self.panes.arena.table().ok();
        }
        let changes = pane.changes.as_mut();
        let Some(change) = changes.and_then(|it| it.entry(&key, || Changed(0.into()))) else {
            return out.refused(header);
        };
        if let Early::Every(every) = early.when {
            let ticking = early.ticking(window, every, self.watermark);
            let changed = change.0.to_native();
            let is_due = changed != 0 && changed - 1 < ticking.ticks;
            if is_due && let Some(partial) = pane.table.get(&key) {
                let value = self.aggregate.lower(window, partial);
                out.now(early.due, WindowRow { window, key, value, stage: Stage::Early });
            }
            let ticking = early.ticking(window, every, self.watermark);
            if is_due || changed == 0 {
                change.0 = ticking.ticks.saturating_add(1).into();
                ticking.changed.push(key);
            }
        }
        let aggregate = &self.aggregate;
        let mut is_new = false;
        let partial = pane.table.entry(&key, || {
            is_new = true;
            aggregate.lift(header, event)
        });
        let Some(partial) = partial else { return out.refused(header) };
        if !is_new {
            aggregate.insert(partial, header, event);
        }
        if let Early::Count(count) = early.when {
            change.0 += 1;
            if change.0.to_native() >= i64::from(count) {
                change.0 = 0.into();
                let value = aggregate.lower(window, partial);
                out.now(header.due, WindowRow { window, key, value, stage: Stage::Early });
            }
        }
    }

    /// The watermark has moved: its ticks make what has changed due.
    pub(super) fn tick(&mut self, due: i64) {
        let Some(early) = &mut self.early else { return };
        let Early::Every(every) = early.when else { return };
        early.due = due;
        let watermark = self.watermark;
        early.panes.retain_mut(|pane| {
            let ticks = ticks(pane.window, every, watermark);
            if ticks > pane.ticks {
                pane.ticks = ticks;
                match pane.due.is_empty() {
                    true => std::mem::swap(&mut pane.due, &mut pane.changed),
                    false => pane.due.append(&mut pane.changed),
                }
            }
            if pane.window.closed_by(watermark) {
                pane.changed.clear();
                return !pane.due.is_empty();
            }
            self.boundary = self.boundary.min(next_tick(pane.window, every, watermark));
            true
        });
    }

    pub(super) fn has_early_due(&self) -> bool {
        self.early.as_ref().is_some_and(|early| early.panes.iter().any(|pane| !pane.due.is_empty()))
    }

    /// Emits a bounded part of what a tick made due; false if there was nothing.
    pub(super) fn fire_early(
        &mut self,
        out: &mut impl Output<WindowRow<K, A::Out>, A::In>,
    ) -> bool {
        let Some(early) = &mut self.early else { return false };
        let Some(ticking) = early.panes.iter_mut().find(|pane| !pane.due.is_empty()) else {
            return false;
        };
        let Ok(at) = self.panes.find(ticking.window) else {
            ticking.due.clear();
            return true;
        };
        let (pane, window) = (&mut self.panes.list[at], ticking.window);
        for _ in 0..FIRE_SLOTS {
            let Some(key) = ticking.due.pop() else { break };
            let changes = pane.changes.as_mut();
            let Some(change) = changes.and_then(|changes| changes.get_mut(&key)) else { continue };
            let changed = change.0.to_native();
            if changed == 0 || changed > ticking.ticks {
                continue;
            }
            change.0 = 0.into();
            if let Some(partial) = pane.table.get(&key) {
                let value = self.aggregate.lower(window, partial);
                out.now(early.due, WindowRow { window, key, value, stage: Stage::Early });
            }
        }
        true
    }

    /// Finds again what has changed, in a restored state.
    pub(super) fn resume_early(&mut self) {
        let Some(early) = &mut self.early else { return };
        let Early::Every(every) = early.when else { return };
        for pane in &self.panes.list {
            let ticking = early.ticking(pane.window, every, self.watermark);
            for (key, change) in pane.changes.iter().flat_map(|changes| changes.iter()) {
                let changed = change.0.to_native();
                if changed != 0 {
                    let is_due = changed <= ticking.ticks;
                    if is_due { &mut ticking.due } else { &mut ticking.changed }.push(key);
                }
            }
        }
    }
}

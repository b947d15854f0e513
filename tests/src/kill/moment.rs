//! When a process is killed.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Place;
use crate::dice::Dice;

/// How often the store's folder is looked at.
const LOOK_EVERY: Duration = Duration::from_micros(200);
/// A moment that has not come by then comes anywhere.
const WAIT_MAX: Duration = Duration::from_secs(8);
/// A restore has begun, and has most likely not ended, within so long of the start.
const RESTORE_US: u64 = 30_000;

/// What a process does when it is killed, as far as that is seen from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Whatever it does at a random time.
    Anywhere,
    /// It starts, and reads a snapshot if there is one.
    Restore,
    /// It writes a log, a base or the sink's account.
    Object,
    /// Every object is there, and it writes the manifest.
    Manifest,
    /// The manifest is there, and it commits output.
    Commit,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 5] =
        [Self::Anywhere, Self::Restore, Self::Object, Self::Manifest, Self::Commit];

    /// The name in a table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Anywhere => "anywhere",
            Self::Restore => "restore",
            Self::Object => "object",
            Self::Manifest => "manifest",
            Self::Commit => "commit",
        }
    }
}

/// Knows when the moment has come.
pub(super) struct Watcher<'a> {
    place: &'a Place,
    /// Never, if there is none.
    wish: Option<Phase>,
    /// So long after the start; for a phase that is seen, the latest.
    after: Duration,
    /// Signs of the phase that are let pass.
    skip: u64,
    process: u32,
    started: Instant,
    seen: BTreeSet<String>,
    signs_before: u64,
}

impl<'a> Watcher<'a> {
    pub(super) fn new(
        place: &'a Place,
        wish: Option<Phase>,
        dice: &mut Dice,
        span_ms: u64,
    ) -> Self {
        let after = match wish {
            Some(Phase::Restore) => Duration::from_micros(dice.below(RESTORE_US)),
            Some(Phase::Anywhere) => Duration::from_millis(dice.below(span_ms)),
            _ => WAIT_MAX,
        };
        let mut watcher = Self {
            place,
            wish,
            after,
            skip: dice.below(12),
            process: 0,
            started: now(),
            seen: BTreeSet::new(),
            signs_before: 0,
        };
        watcher.signs_before = watcher.signs();
        watcher
    }

    /// The process has started.
    pub(super) fn started(&mut self, process: u32) {
        (self.process, self.started) = (process, now());
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn signs(&mut self) -> u64 {
        self.wish.map_or(0, |phase| self.place.signs(phase, self.process, &mut self.seen))
    }

    /// Whether the process is to be killed now.
    pub(super) fn is_time(&mut self) -> bool {
        let is_sign = self.signs() > self.signs_before + self.skip;
        let is_over = self.wish.is_some() && self.elapsed() >= self.after;
        if is_over && !is_sign && self.after == WAIT_MAX {
            self.wish = Some(Phase::Anywhere);
        }
        is_sign || is_over
    }

    pub(super) fn pause(&self) {
        sleep(LOOK_EVERY);
    }

    /// What the process did when it was killed.
    pub(super) fn phase(&self) -> Phase {
        self.wish.unwrap_or(Phase::Anywhere)
    }
}

#[allow(clippy::disallowed_methods, reason = "a real process is killed in real time")]
fn now() -> Instant {
    Instant::now()
}

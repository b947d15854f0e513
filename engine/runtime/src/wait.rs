//! What a thread does when it has nothing to do. The names are the Disruptor's.

use std::hint::spin_loop;
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};
use std::time::Duration;

/// How a thread waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Busy-spin: the lowest latency, and the core belongs to the thread. For bare metal.
    Spin,
    /// Spin, but offer the core to others at each turn.
    Yield,
    /// Spin, then yield, then sleep until woken: for laptops, and wherever there are fewer cores than threads. A source that nothing
    /// wakes is looked at about every 100 us; after 20 ms without an event, about every 1 ms.
    Park,
}

impl std::fmt::Display for Wait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Spin => "spin",
            Self::Yield => "yield",
            Self::Park => "park",
        })
    }
}

/// It is no way to wait.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no way to wait: it is spin, yield or park")]
pub struct NoWait(String);

impl std::str::FromStr for Wait {
    type Err = NoWait;

    fn from_str(text: &str) -> Result<Self, NoWait> {
        let named = |wait: &Self| wait.to_string() == text;
        let ways = [Self::Spin, Self::Yield, Self::Park];
        ways.into_iter().find(named).ok_or_else(|| NoWait(text.to_owned()))
    }
}

/// How long a parked thread sleeps at a time. The kernel adds its timer slack, 50 us by default.
const PARK: Duration = Duration::from_micros(50);
/// How long a thread sleeps at a time that has been idle for longer: a thread that wakes up takes a core from another.
const DEEP_PARK: Duration = Duration::from_millis(1);
/// Idle turns after which a thread yields, sleeps, and sleeps deeply.
const SPINS: u32 = 128;
const YIELDS: u32 = 256;
const PARKS: u32 = YIELDS + 200;

/// Counts idle turns, and steps from spinning to sleeping as the strategy says.
#[derive(Debug)]
pub struct Idler {
    wait: Wait,
    turns: u32,
}

impl Idler {
    /// No idle turn yet.
    #[must_use]
    pub fn new(wait: Wait) -> Self {
        Self { wait, turns: 0 }
    }

    /// There was something to do.
    #[inline]
    pub fn busy(&mut self) {
        self.turns = 0;
    }

    /// There was nothing to do: wait once. Nothing wakes this thread.
    #[inline]
    pub fn idle(&mut self) {
        self.turn(|turns| thread::sleep(if turns <= PARKS { PARK } else { DEEP_PARK }));
    }

    /// The same on a thread with a [`Bell`], which is rung when there is something to do.
    #[inline]
    pub fn idle_until_rung(&mut self) {
        self.turn(|_| thread::park_timeout(DEEP_PARK));
    }

    /// The same where `wait` may know how to sleep until there is something, at most so long; false if it does not. Where
    /// looking for something takes as long as that, it `sleeps_at_once`.
    #[inline]
    pub fn idle_unless(&mut self, sleeps_at_once: bool, wait: impl FnOnce(Duration) -> bool) {
        let sleeps = self.wait == Wait::Park && (sleeps_at_once || self.turns >= YIELDS);
        if !sleeps || !wait(DEEP_PARK) {
            self.idle();
        }
    }

    #[inline]
    fn turn(&mut self, sleep: impl FnOnce(u32)) {
        self.turns = self.turns.saturating_add(1);
        match self.wait {
            Wait::Spin => spin_loop(),
            Wait::Yield => thread::yield_now(),
            Wait::Park if self.turns <= SPINS => spin_loop(),
            Wait::Park if self.turns <= YIELDS => thread::yield_now(),
            Wait::Park => sleep(self.turns),
        }
    }
}

/// Wakes the thread at the other end of a ring, where that parks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bell(Option<Arc<OnceLock<Thread>>>);

impl Bell {
    /// For a thread that waits like this: others are not rung for.
    pub(crate) fn for_one_that(wait: Wait) -> Self {
        Self((wait == Wait::Park).then(Arc::default))
    }

    /// Wakes this thread from now on.
    pub(crate) fn wakes_this_thread(&self) {
        if let Some(thread) = &self.0 {
            thread.get_or_init(thread::current);
        }
    }

    /// Wakes its thread, if there is one: it may find something.
    #[inline]
    pub(crate) fn ring(&self) {
        if let Some(thread) = self.0.as_ref().and_then(|thread| thread.get()) {
            thread.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_to_wait_are_read_as_they_are_shown() {
        for wait in [Wait::Spin, Wait::Yield, Wait::Park] {
            assert_eq!(wait.to_string().parse(), Ok(wait));
        }
        let error = "sleep".parse::<Wait>().unwrap_err().to_string();
        assert_eq!(error, "\"sleep\" is no way to wait: it is spin, yield or park");
    }

    #[test]
    fn a_bell_that_rings_before_its_thread_parks_is_heard() {
        let bell = Bell::for_one_that(Wait::Park);
        bell.ring();
        bell.wakes_this_thread();
        bell.ring();
        // Would stand still for ever.
        thread::park();
        assert!(Bell::for_one_that(Wait::Spin).0.is_none());
    }
}

//! What a thread does when it has nothing to do. The names are the Disruptor's.

use std::hint::spin_loop;
use std::thread;
use std::time::Duration;

/// How a thread waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Busy-spin: the lowest latency, and the core belongs to the thread. For bare metal.
    Spin,
    /// Spin, but offer the core to others at each turn.
    Yield,
    /// Spin, then yield, then sleep: for laptops, and wherever there are fewer cores than threads. An event that
    /// finds the thread asleep waits up to about 100 us; after 20 ms without one, up to about 1 ms.
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

    /// There was nothing to do: wait once.
    #[inline]
    pub fn idle(&mut self) {
        self.turns = self.turns.saturating_add(1);
        match self.wait {
            Wait::Spin => spin_loop(),
            Wait::Yield => thread::yield_now(),
            Wait::Park if self.turns <= SPINS => spin_loop(),
            Wait::Park if self.turns <= YIELDS => thread::yield_now(),
            Wait::Park if self.turns <= PARKS => thread::sleep(PARK),
            Wait::Park => thread::sleep(DEEP_PARK),
        }
    }
}

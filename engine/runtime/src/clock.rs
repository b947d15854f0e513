//! The one place where a clock is read.

use std::time::SystemTime;

/// A monotonic clock. A simulation brings its own.
pub trait Clock {
    /// Nanoseconds since a moment of the clock's choice.
    fn now(&self) -> i64;

    /// The time of day, ns since the epoch: the clock of sources from which nothing comes. A simulation's is the same.
    fn time_of_day(&self) -> i64 {
        self.now()
    }
}

/// The processor's time stamp counter, calibrated (about 20 ns a reading; a system call where there is none).
#[derive(Debug, Clone)]
pub struct MonotonicClock {
    clock: quanta::Clock,
    start: u64,
}

impl MonotonicClock {
    /// A clock that starts at 0 now. Its clones show the same time.
    #[must_use]
    pub fn start() -> Self {
        let clock = quanta::Clock::new();
        let start = clock.raw();
        Self { clock, start }
    }
}

impl Clock for MonotonicClock {
    #[inline]
    fn now(&self) -> i64 {
        self.clock.delta_as_nanos(self.start, self.clock.raw()) as i64
    }

    fn time_of_day(&self) -> i64 {
        unix_now_ns()
    }
}

/// The time of day, ns since the Unix epoch: for manifests, and for sources that are idle or have a heartbeat.
#[must_use]
pub fn unix_now_ns() -> i64 {
    let since = time_of_day().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// The time of day, for reports. Nothing that is computed depends on it.
#[must_use]
#[allow(clippy::disallowed_methods)]
pub fn time_of_day() -> SystemTime {
    SystemTime::now()
}

//! The clocks of live sources: what is missing is waited for, and datagrams without a time of the kernel need one.

use nix::time::{ClockId, clock_gettime};

/// Ns of a clock that never goes back.
#[must_use]
pub fn monotonic_ns() -> i64 {
    read(ClockId::CLOCK_MONOTONIC)
}

/// The time of day, ns since the Unix epoch, UTC.
#[must_use]
pub fn unix_now_ns() -> i64 {
    read(ClockId::CLOCK_REALTIME)
}

fn read(clock: ClockId) -> i64 {
    // Both clocks are always there.
    clock_gettime(clock).map_or(0, |time| time.tv_sec() * 1_000_000_000 + time.tv_nsec())
}

//! Watermarks: what a source promises about the events still to come.
//!
//! A watermark w says that no event with a timestamp <= w is expected any more. It never moves back.

mod partitions;
mod punctuated;
mod smallest;

use tidewire_event::time::WATERMARK_NONE;

pub use partitions::{PartitionPosition, Partitions, TimedPosition, WhenQuiet};
pub use punctuated::Punctuated;

/// How a watermark follows from the events of a partition.
pub trait WatermarkStrategy<E>: Clone + Send {
    /// Takes note of an event of time `ts`, ns.
    fn observe(&mut self, ts: i64, event: &E);

    /// The watermark after all events observed so far, ns.
    fn watermark(&self) -> i64;

    /// Nothing has come for long, and it is `now`, ns since the epoch: the watermark moves as if an event of this time had
    /// come, where the strategy knows how far events are behind.
    fn heartbeat(&mut self, now: i64) {
        let _ = now;
    }

    /// Goes on as after the events that led to `watermark`, before the first is observed.
    fn restore(&mut self, watermark: i64);
}

/// Events may be out of order by no more than a fixed time: watermark = largest timestamp - bound - 1 ns, as
/// Flink's `BoundedOutOfOrdernessWatermarks`. An event exactly `bound` behind the newest is still in time.
#[derive(Debug, Clone, Copy)]
pub struct Bounded {
    /// The bound, and the one nanosecond by which a watermark stays behind the newest timestamp.
    behind: i64,
    newest: i64,
    watermark: i64,
}

impl Bounded {
    /// Events at most `bound` ns behind the newest one are in time. A negative bound counts as zero.
    #[must_use]
    pub fn new(bound: i64) -> Self {
        let behind = bound.max(0).saturating_add(1);
        Self { behind, newest: WATERMARK_NONE, watermark: WATERMARK_NONE }
    }
}

impl Bounded {
    /// The watermark now, ns.
    #[inline]
    #[must_use]
    pub fn watermark(&self) -> i64 {
        self.watermark
    }

    #[inline]
    fn newest(&mut self, ts: i64) {
        if ts > self.newest {
            self.newest = ts;
            self.watermark = ts.saturating_sub(self.behind);
        }
    }
}

impl<E> WatermarkStrategy<E> for Bounded {
    #[inline]
    fn observe(&mut self, ts: i64, _: &E) {
        self.newest(ts);
    }

    fn heartbeat(&mut self, now: i64) {
        self.newest(now);
    }

    #[inline]
    fn watermark(&self) -> i64 {
        self.watermark
    }

    fn restore(&mut self, watermark: i64) {
        self.watermark = watermark;
        self.newest = match watermark {
            WATERMARK_NONE => WATERMARK_NONE,
            _ => watermark.saturating_add(self.behind),
        };
    }
}

/// Timestamps never go back: an event with the newest timestamp is in time, any older one may be late.
#[derive(Debug, Clone, Copy)]
pub struct Monotonic(Bounded);

impl Monotonic {
    /// The strategy before its first event.
    #[must_use]
    pub fn new() -> Self {
        Self(Bounded::new(0))
    }
}

impl Default for Monotonic {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> WatermarkStrategy<E> for Monotonic {
    #[inline]
    fn observe(&mut self, ts: i64, _: &E) {
        self.0.newest(ts);
    }

    #[inline]
    fn watermark(&self) -> i64 {
        self.0.watermark
    }

    fn heartbeat(&mut self, now: i64) {
        self.0.newest(now);
    }

    fn restore(&mut self, watermark: i64) {
        WatermarkStrategy::<E>::restore(&mut self.0, watermark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watermark(strategy: &impl WatermarkStrategy<()>) -> i64 {
        strategy.watermark()
    }

    #[test]
    fn nothing_is_promised_before_the_first_event() {
        assert_eq!(watermark(&Bounded::new(i64::MAX)), WATERMARK_NONE);
        assert_eq!(watermark(&Monotonic::new()), WATERMARK_NONE);
    }

    #[test]
    fn the_watermark_never_moves_back() {
        let mut strategy = Bounded::new(10);
        let watermarks = [100, 95, 105, i64::MIN, 50].map(|ts| {
            strategy.observe(ts, &());
            watermark(&strategy)
        });
        assert_eq!(watermarks, [89, 89, 94, 94, 94]);
    }
}

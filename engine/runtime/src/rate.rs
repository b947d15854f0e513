//! At what pace events are released, and when each was due.
//!
//! The schedule is fixed when the run starts and does not wait for a slow consumer: an event that leaves late keeps
//! the due time that it had, so that its latency counts the whole delay (no coordinated omission).

use std::fmt;
use std::str::FromStr;

use tidewire_event::time::{NOT_DUE, SECOND};

/// The pace of a replay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// As fast as it goes. No event is due at any moment, so there are no latencies.
    Max,
    /// The recorded pace, times this factor.
    Recorded(f64),
    /// Events per second.
    PerSecond(f64),
}

/// A text that is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no rate: write max, recorded, a factor of the recorded pace as 2x, or events as 250000/s"
)]
pub struct NotARate(String);

impl FromStr for Rate {
    type Err = NotARate;

    fn from_str(text: &str) -> Result<Self, NotARate> {
        let number = |digits: &str| {
            let number = digits.replace('_', "").parse::<f64>().ok();
            number.filter(|n| n.is_finite() && *n > 0.0).ok_or_else(|| NotARate(text.to_owned()))
        };
        match text {
            "max" => Ok(Self::Max),
            "recorded" => Ok(Self::Recorded(1.0)),
            _ => match (text.strip_suffix('x'), text.strip_suffix("/s")) {
                (Some(factor), _) => Ok(Self::Recorded(number(factor)?)),
                (_, Some(events)) => Ok(Self::PerSecond(number(events)?)),
                _ => Err(NotARate(text.to_owned())),
            },
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Max => f.write_str("max"),
            Self::Recorded(1.0) => f.write_str("recorded"),
            Self::Recorded(factor) => write!(f, "{factor}x"),
            Self::PerSecond(events) => write!(f, "{events}/s"),
        }
    }
}

/// When each event is due, ns of the monotonic clock.
#[derive(Debug)]
pub struct Schedule {
    rate: Rate,
    start: i64,
    first_received: Option<i64>,
    last_due: i64,
}

impl Schedule {
    /// A schedule of which the first event is due at `start`, ns of the clock.
    #[must_use]
    pub fn new(rate: Rate, start: i64) -> Self {
        Self { rate, start, first_received: None, last_due: start }
    }

    /// When event number `sequence` is due, if there is a rate.
    #[inline]
    #[must_use]
    pub fn due_of(&self, sequence: u64) -> Option<i64> {
        let Rate::PerSecond(events) = self.rate else { return None };
        Some(self.start + (sequence as f64 / events * SECOND as f64) as i64)
    }

    /// Whether the due time of an event follows from when it was received.
    #[inline]
    #[must_use]
    pub fn follows_the_recording(&self) -> bool {
        matches!(self.rate, Rate::Recorded(_))
    }

    /// When an event that was received at `received`, ns since the epoch, is due at the recorded pace. Never before
    /// the event that stands in front of it.
    #[inline]
    pub fn due_at(&mut self, received: i64) -> i64 {
        let Rate::Recorded(factor) = self.rate else { return NOT_DUE };
        let first = *self.first_received.get_or_insert(received);
        let after = received.saturating_sub(first) as f64 / factor;
        self.last_due = self.last_due.max(self.start.saturating_add(after as i64));
        self.last_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in ["max", "recorded", "2x", "0.5x", "250000/s"] {
            assert_eq!(text.parse::<Rate>().map(|rate| rate.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "fast", "0x", "-2x", "NaNx", "1e999/s", "10"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn due_times_follow_the_recorded_clock_and_never_go_back() {
        let mut schedule = Schedule::new(Rate::Recorded(2.0), 1_000);
        assert_eq!([50, 70, 60, 90].map(|at| schedule.due_at(at)), [1_000, 1_010, 1_010, 1_020]);
        let schedule = Schedule::new(Rate::PerSecond(1_000_000.0), 7);
        assert_eq!([0, 1, 1_000_000].map(|n| schedule.due_of(n)), [7, 1_007, SECOND + 7].map(Some));
    }
}

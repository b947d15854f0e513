//! When a connection is tried for again.

use crate::limits::{RETRY_NS, RETRY_NS_MAX};

/// Waits twice as long after each try that fails, up to [`RETRY_NS_MAX`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retry {
    wait: i64,
    next: i64,
}

impl Default for Retry {
    fn default() -> Self {
        Self { wait: RETRY_NS, next: i64::MIN }
    }
}

impl Retry {
    /// Whether it is time to try, at `now`, ns of the monotonic clock.
    pub(crate) fn is_due(&self, now: i64) -> bool {
        now >= self.next
    }

    /// A try has failed.
    pub(crate) fn failed(&mut self, now: i64) {
        self.next = now + self.wait;
        self.wait = (2 * self.wait).min(RETRY_NS_MAX);
    }

    /// The broker has taken the connection.
    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_try_waits_longer_up_to_a_bound() {
        let mut retry = Retry::default();
        assert!(retry.is_due(0));
        let (mut now, mut waits) = (0, Vec::new());
        for _ in 0..9 {
            retry.failed(now);
            assert!(!retry.is_due(retry.next - 1) && retry.is_due(retry.next));
            waits.push((retry.next - now) / 1_000_000);
            now = retry.next;
        }
        assert_eq!(waits, [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        retry.succeeded();
        assert!(retry.is_due(0));
    }
}

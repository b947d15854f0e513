//! A time zone as a table: from when on its clocks are how far ahead of UTC. A lookup is a comparison or two where times
//! go on, and a binary search where they jump.
//!
//! A time that a zone's clocks leave out is that of the clocks as they went before, and one that they show twice is the
//! first.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tidewire_event::time::{DAY, SECOND};

/// See the module.
#[derive(Debug)]
pub(crate) struct Zone {
    /// From when on, ns since 1970-01-01 UTC, in order; the first is the least time that there is.
    starts: Box<[i64]>,
    /// How far ahead of UTC, ns.
    offsets: Box<[i64]>,
    /// Where the last lookup found what it looked for.
    last: AtomicUsize,
}

impl Zone {
    /// The table of a zone.
    pub(crate) fn new(zone: &TimeZone) -> Self {
        let first = Timestamp::from_nanosecond(i64::MIN.into()).unwrap_or(Timestamp::MIN);
        let offset = |at: Timestamp| i64::from(zone.to_offset(at).seconds()) * SECOND;
        let (mut starts, mut offsets) = (vec![i64::MIN], vec![offset(first)]);
        for transition in zone.following(first) {
            let at = transition.timestamp();
            let Ok(start) = i64::try_from(at.as_nanosecond()) else { break };
            starts.push(start);
            offsets.push(offset(at));
        }
        Self { starts: starts.into(), offsets: offsets.into(), last: AtomicUsize::new(0) }
    }

    /// How far the clocks are ahead of UTC at a moment.
    fn offset(&self, ns: i64) -> i64 {
        let last = self.last.load(Ordering::Relaxed);
        let holds = |at: usize| {
            self.starts.get(at).is_some_and(|start| *start <= ns)
                && self.starts.get(at + 1).is_none_or(|end| ns < *end)
        };
        let at = if holds(last) {
            last
        } else {
            let at = self.starts.partition_point(|start| *start <= ns).saturating_sub(1);
            self.last.store(at, Ordering::Relaxed);
            at
        };
        self.offsets.get(at).copied().unwrap_or_default()
    }

    /// What the clocks show at a moment. `None`: it is out of range.
    pub(crate) fn local(&self, ns: i64) -> Option<i64> {
        ns.checked_add(self.offset(ns))
    }

    /// The moment at which the clocks show a time. `None`: it is out of range.
    pub(crate) fn moment(&self, local: i64) -> Option<i64> {
        if self.offsets.len() == 1 {
            return local.checked_sub(self.offset(local));
        }
        let before = self.offset(local.saturating_sub(DAY));
        let first = local.checked_sub(before)?;
        if self.offset(first) == before {
            return Some(first);
        }
        let after = self.offset(local.saturating_add(DAY));
        let second = local.checked_sub(after)?;
        Some(if self.offset(second) == after { second } else { first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidewire_event::text::read_timestamp;

    #[test]
    fn clocks_go_forward_and_back() {
        let zone = Zone::new(&TimeZone::get("Europe/Berlin").unwrap());
        let at = |text: &str| read_timestamp(text.as_bytes()).unwrap();
        let cases = [
            ("2024-01-01 00:00:00", "2023-12-31 23:00:00"),
            ("2024-07-01 00:00:00", "2024-06-30 22:00:00"),
            // Left out: 02:30 is 03:30 of summer.
            ("2024-03-31 02:30:00", "2024-03-31 01:30:00"),
            // Shown twice.
            ("2024-10-27 02:30:00", "2024-10-27 00:30:00"),
            ("2024-10-27 03:00:00", "2024-10-27 02:00:00"),
            ("2200-07-01 12:00:00", "2200-07-01 10:00:00"),
        ];
        for (local, utc) in cases {
            assert_eq!(zone.moment(at(local)), Some(at(utc)), "{local}");
        }
        assert_eq!(zone.local(at("2024-03-31 01:30:00")), Some(at("2024-03-31 03:30:00")));
        assert_eq!(zone.local(i64::MAX), None);
        assert!(zone.moment(i64::MIN).is_none());
    }

    #[test]
    fn a_moment_comes_back() {
        for name in ["America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"] {
            let jiff = TimeZone::get(name).unwrap();
            let zone = Zone::new(&jiff);
            for step in 0..20_000_i64 {
                let ns = -2_000_000_000 * SECOND + step * 345_601_000_000_000;
                let offset = jiff.to_offset(Timestamp::from_nanosecond(ns.into()).unwrap());
                let local = zone.local(ns).unwrap();
                assert_eq!(local - ns, i64::from(offset.seconds()) * SECOND, "{name} {ns}");
                let back = zone.moment(local).unwrap();
                // The second of two hours comes back as the first.
                assert_eq!(zone.local(back), Some(local), "{name} {ns}");
                assert!(back <= ns, "{name} {ns}");
            }
        }
    }
}

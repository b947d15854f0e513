//! The day of a session. ITCH counts nanoseconds since midnight in New York, and does not say of which day.

use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// A day on the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionDate(Date);

/// A text that is no date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no date: write it as 2019-12-30")]
pub struct BadDate(String);

impl FromStr for SessionDate {
    type Err = BadDate;

    fn from_str(text: &str) -> Result<Self, BadDate> {
        text.parse().map(Self).map_err(|_| BadDate(text.to_owned()))
    }
}

impl std::fmt::Display for SessionDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl SessionDate {
    /// The day in New York at `ts`, ns since the epoch.
    #[must_use]
    pub fn of(ts: i64) -> Option<Self> {
        let ts = Timestamp::from_nanosecond(ts.into()).ok()?;
        Some(Self(Zoned::new(ts, new_york()?).date()))
    }

    /// Its midnight, ns since the epoch.
    #[must_use]
    pub fn midnight(self) -> Option<i64> {
        let midnight = self.0.to_zoned(new_york()?).ok()?;
        midnight.timestamp().as_nanosecond().try_into().ok()
    }
}

fn new_york() -> Option<TimeZone> {
    TimeZone::get("America/New_York").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midnight_in_winter_and_in_summer() {
        let midnight =
            |date: &str| date.parse::<SessionDate>().ok().and_then(SessionDate::midnight);
        assert_eq!(midnight("2019-01-30"), Some(1_548_824_400 * 1_000_000_000));
        assert_eq!(midnight("2019-07-30"), Some(1_564_459_200 * 1_000_000_000));
        let late_evening = 1_548_824_400 * 1_000_000_000 - 1;
        assert_eq!(SessionDate::of(late_evening).map(|d| d.to_string()), Some("2019-01-29".into()));
        assert!("30.1.2019".parse::<SessionDate>().is_err());
    }
}

//! Times as text.

use jiff::Timestamp;

/// A time in ns since the epoch as ISO 8601, UTC, with nanoseconds: `2019-01-30T14:30:00.000000000Z`.
#[must_use]
pub fn iso8601(ns: i64) -> String {
    match Timestamp::from_nanosecond(ns.into()) {
        Ok(time) => format!("{time:.9}"),
        // Every i64 of nanoseconds is a year from 1677 to 2262.
        Err(_) => format!("{ns} ns"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_are_always_there() {
        assert_eq!(iso8601(0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(iso8601(-1), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(iso8601(i64::MAX), "2262-04-11T23:47:16.854775807Z");
        assert_eq!(iso8601(i64::MIN), "1677-09-21T00:12:43.145224192Z");
    }
}

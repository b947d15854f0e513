//! Durations and sizes as people write them.

use jiff::SignedDuration;

/// The ns of a duration such as `250ms`, `1s` or `5m`; none of one that is negative.
#[must_use]
pub fn nanoseconds(text: &str) -> Option<i64> {
    let duration: SignedDuration = text.parse().ok()?;
    i64::try_from(duration.as_nanos()).ok().filter(|ns| *ns >= 0)
}

/// The bytes of a size such as `512MiB` or `8GiB`; none of no bytes.
#[must_use]
pub fn bytes(text: &str) -> Option<usize> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40), ("B", 0)];
    let (digits, shift) = units
        .into_iter()
        .find_map(|(unit, shift)| text.strip_suffix(unit).map(|digits| (digits.trim(), shift)))?;
    let number: usize = digits.parse().ok()?;
    number.checked_mul(1 << shift).filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read_and_nothing_else() {
        assert_eq!(
            ["250ms", "0s", "-1s", "5"].map(nanoseconds),
            [Some(250_000_000), Some(0), None, None]
        );
        assert_eq!(
            ["2KiB", "3 B", "0B", "99999999TiB", "5"].map(bytes),
            [Some(2_048), Some(3), None, None, None]
        );
    }
}

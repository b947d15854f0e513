//! Values as text, the same in casts, in CSV and in JSON: decimals, dates, times, timestamps.
//!
//! The calendar is the proleptic Gregorian one, UTC; a caller who means another zone moves the time first.

use std::fmt;

use crate::time::{DAY, HOUR, MINUTE, SECOND};

/// The year, month and day of a day: days since 1970-01-01.
#[must_use]
pub fn civil_of_days(days: i64) -> (i64, u32, u32) {
    // Eras of 400 years that begin on March 1st, after Howard Hinnant, "chrono-compatible low-level date algorithms".
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u32, day as u32)
}

/// Days since 1970-01-01 of a date, if there is that date.
#[must_use]
pub fn days_of_civil(year: i64, month: u32, day: u32) -> Option<i64> {
    if !(1..=12).contains(&month) || day == 0 || day > days_of_month(year, month) {
        return None;
    }
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let from_march = i64::from(if month > 2 { month - 3 } else { month + 9 });
    let of_year = (153 * from_march + 2) / 5 + i64::from(day) - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    Some(era * 146_097 + of_era - 719_468)
}

/// How many days a month has.
#[must_use]
pub fn days_of_month(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Writes a decimal with all digits of its scale.
///
/// # Errors
/// Those of `out`.
pub fn write_decimal(out: &mut impl fmt::Write, value: i128, scale: u8) -> fmt::Result {
    let sign = if value < 0 { "-" } else { "" };
    let digits = value.unsigned_abs();
    if scale == 0 {
        return write!(out, "{sign}{digits}");
    }
    let unit = 10_u128.pow(scale.into());
    write!(out, "{sign}{}.{:0width$}", digits / unit, digits % unit, width = scale.into())
}

/// Writes a date, days since 1970-01-01: `2020-01-31`.
///
/// # Errors
/// Those of `out`.
pub fn write_date(out: &mut impl fmt::Write, days: i64) -> fmt::Result {
    let (year, month, day) = civil_of_days(days);
    write!(out, "{year:04}-{month:02}-{day:02}")
}

/// Writes a time of day, ns since midnight, with so many digits behind the second: `09:30:00.125`.
///
/// # Errors
/// Those of `out`.
pub fn write_time(out: &mut impl fmt::Write, ns: i64, digits: u8) -> fmt::Result {
    let (hours, minutes, seconds) = (ns / HOUR, ns / MINUTE % 60, ns / SECOND % 60);
    write!(out, "{hours:02}:{minutes:02}:{seconds:02}")?;
    if digits > 0 {
        let unit = 10_i64.pow(9 - u32::from(digits.min(9)));
        write!(out, ".{:0width$}", ns % SECOND / unit, width = digits.into())?;
    }
    Ok(())
}

/// Writes a timestamp, ns since 1970-01-01, with so many digits behind the second and `between` the date and the time:
/// `2020-01-31 09:30:00.125`.
///
/// # Errors
/// Those of `out`.
pub fn write_timestamp(
    out: &mut impl fmt::Write,
    ns: i64,
    digits: u8,
    between: char,
) -> fmt::Result {
    write_date(out, ns.div_euclid(DAY))?;
    out.write_char(between)?;
    write_time(out, ns.rem_euclid(DAY), digits)
}

/// Reads a decimal into a whole number of 10^-scale. Digits beyond the scale round half up, away from zero. `None`: it is
/// no number, or has more than 38 digits.
#[must_use]
pub fn read_decimal(text: &[u8], scale: u8) -> Option<i128> {
    let (negative, text) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let at_e = text.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let (mantissa, exponent) = match at_e {
        Some(at) => (&text[..at], std::str::from_utf8(&text[at + 1..]).ok()?.parse().ok()?),
        None => (text, 0_i32),
    };
    let point = mantissa.iter().position(|byte| *byte == b'.').unwrap_or(mantissa.len());
    if mantissa.len() <= usize::from(point < mantissa.len()) {
        return None;
    }
    // Digits up to here are kept.
    let kept = i64::try_from(point).ok()? + i64::from(exponent) + i64::from(scale);
    let behind = mantissa.get(point + 1..).unwrap_or_default();
    let digits = mantissa[..point].iter().chain(behind);
    let (mut value, mut at) = (0_i128, 0_i64);
    let mut round_up = false;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        if at < kept {
            value = value.checked_mul(10)?.checked_add(digit.into())?;
        } else if at == kept {
            round_up = digit >= 5;
        }
        at += 1;
    }
    for _ in at..kept {
        if value != 0 {
            value = value.checked_mul(10)?;
        }
    }
    value += i128::from(round_up);
    (value < 10_i128.pow(38)).then_some(if negative { -value } else { value })
}

/// Reads a date, `2020-01-31` or `-0044-03-15`, with or without leading zeros: days since 1970-01-01.
#[must_use]
pub fn read_date(text: &[u8]) -> Option<i64> {
    let (negative, text) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, text),
    };
    let mut parts = text.split(|byte| *byte == b'-');
    let year = number(parts.next()?, 6)?;
    let (month, day) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    if parts.next().is_some() {
        return None;
    }
    let year = if negative { -year } else { year };
    days_of_civil(year, month as u32, day as u32)
}

/// Reads a time of day, `9:30`, `09:30:00` or `09:30:00.125`: ns since midnight. Digits beyond ns are cut off.
#[must_use]
pub fn read_time(text: &[u8]) -> Option<i64> {
    let mut parts = text.split(|byte| *byte == b':');
    let hours = number(parts.next()?, 2)?;
    let minutes = number(parts.next()?, 2)?;
    let (seconds, ns) = match parts.next() {
        Some(seconds) => read_seconds(seconds)?,
        None => (0, 0),
    };
    let inside = hours < 24 && minutes < 60 && seconds < 60 && parts.next().is_none();
    inside.then_some(hours * HOUR + minutes * MINUTE + seconds * SECOND + ns)
}

fn read_seconds(text: &[u8]) -> Option<(i64, i64)> {
    let point = text.iter().position(|byte| *byte == b'.').unwrap_or(text.len());
    let seconds = number(&text[..point], 2)?;
    let fraction = text.get(point + 1..).unwrap_or_default();
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = fraction.iter().chain(std::iter::repeat(&b'0')).take(9);
    Some((seconds, digits.fold(0, |ns, digit| ns * 10 + i64::from(digit - b'0'))))
}

/// Reads a timestamp without a zone: a date, and a time behind a blank or a `T`, which may be missing. ns since
/// 1970-01-01.
#[must_use]
pub fn read_timestamp(text: &[u8]) -> Option<i64> {
    let between = text.iter().position(|byte| matches!(byte, b' ' | b'T'));
    let (date, time) = match between {
        Some(at) => (read_date(&text[..at])?, read_time(&text[at + 1..])?),
        None => (read_date(text)?, 0),
    };
    // The first day of the range is not all in it.
    i64::try_from(i128::from(date) * i128::from(DAY) + i128::from(time)).ok()
}

/// Reads a timestamp that may have a zone's offset behind it, `Z` or `+02:00`: its ns without the offset, and the offset
/// in ns, if there is one.
#[must_use]
pub fn read_timestamp_with_offset(text: &[u8]) -> Option<(i64, Option<i64>)> {
    if let Some(text) = text.strip_suffix(b"Z") {
        return Some((read_timestamp(text)?, Some(0)));
    }
    let sign = text.len().checked_sub(6).filter(|at| matches!(text[*at], b'+' | b'-'));
    let is_time = |at: usize| text[..at].contains(&b':') && text[at + 3] == b':';
    let Some(at) = sign.filter(|at| is_time(*at)) else {
        return Some((read_timestamp(text)?, None));
    };
    let hours = number(&text[at + 1..at + 3], 2)?;
    let minutes = number(&text[at + 4..], 2)?;
    let offset = hours * HOUR + minutes * MINUTE;
    let offset = if text[at] == b'-' { -offset } else { offset };
    Some((read_timestamp(&text[..at])?, Some(offset)))
}

/// A whole number of 1 to `digits_max` digits.
fn number(text: &[u8], digits_max: usize) -> Option<i64> {
    if text.is_empty() || text.len() > digits_max || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(text.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut String) -> fmt::Result) -> String {
        let mut text = String::new();
        write(&mut text).unwrap();
        text
    }

    #[test]
    fn days_are_dates_and_back() {
        assert_eq!((civil_of_days(0), civil_of_days(-1)), ((1970, 1, 1), (1969, 12, 31)));
        let mut next = civil_of_days(-1_000_000);
        for days in -1_000_000..1_000_000 {
            let (year, month, day) = civil_of_days(days);
            assert_eq!((year, month, day), next, "day {days}");
            assert_eq!(days_of_civil(year, month, day), Some(days));
            next = match (month, day) {
                (12, 31) => (year + 1, 1, 1),
                (_, day) if day == days_of_month(year, month) => (year, month + 1, 1),
                _ => (year, month, day + 1),
            };
        }
        assert_eq!(days_of_civil(2023, 2, 29), None);
        assert_eq!(days_of_civil(2024, 13, 1), None);
    }

    #[test]
    fn decimals_are_read_and_written() {
        let read = |text: &str, scale| read_decimal(text.as_bytes(), scale);
        assert_eq!(read("12.345", 2), Some(1_235));
        assert_eq!(read("-12.344", 2), Some(-1_234));
        assert_eq!(read("-0.005", 2), Some(-1));
        assert_eq!(read("1.5e3", 1), Some(15_000));
        assert_eq!(read("15e-1", 0), Some(2));
        assert_eq!(read(".5", 1), Some(5));
        assert_eq!(read("5.", 1), Some(50));
        assert_eq!(read("0e99", 2), Some(0));
        for bad in [
            "",
            "-",
            ".",
            "1.2.3",
            "1x",
            "e5",
            "1e",
            "1e99999999999",
            "99999999999999999999999999999999999999.5",
        ] {
            assert_eq!(read(bad, 0), None, "{bad}");
        }
        assert_eq!(written(|out| write_decimal(out, -5, 2)), "-0.05");
        assert_eq!(written(|out| write_decimal(out, 1_235, 0)), "1235");
    }

    #[test]
    fn times_are_read_and_written() {
        let at = read_timestamp(b"1969-12-31 23:59:59.9995").unwrap();
        assert_eq!(at, -500_000);
        assert_eq!(written(|out| write_timestamp(out, at, 4, ' ')), "1969-12-31 23:59:59.9995");
        assert_eq!(written(|out| write_timestamp(out, at, 0, 'T')), "1969-12-31T23:59:59");
        assert_eq!(read_timestamp(b"1677-09-21 00:12:44"), Some(-9_223_372_036_000_000_000));
        assert_eq!(read_timestamp(b"2262-04-12 00:00:00"), None);
        assert_eq!(read_timestamp(b"2020-02-30 00:00:00"), None);
        assert_eq!(read_timestamp(b"2020-02-03 24:00:00"), None);
        assert_eq!(read_timestamp(b"2020-02-03"), read_timestamp(b"2020-2-3T0:00"));
        let with_offset = read_timestamp_with_offset(b"2020-02-03T04:00:00+02:00").unwrap();
        assert_eq!(with_offset, (read_timestamp(b"2020-02-03 04:00:00").unwrap(), Some(2 * HOUR)));
        assert_eq!(read_timestamp_with_offset(b"2020-02-03T04:00:00Z").unwrap().1, Some(0));
        assert_eq!(read_timestamp_with_offset(b"2020-02-03").unwrap().1, None);
    }
}

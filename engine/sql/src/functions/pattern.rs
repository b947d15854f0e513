//! Patterns of dates and times, `yyyy-MM-dd HH:mm:ss.SSS`: Java's letters.
//!
//! 1. A pattern is read as it is used, piece by piece: nothing is kept of it.
//! 2. Reading is lenient in widths, as Flink's: a number takes the digits that are there, but where the next piece is a
//!    number too, it takes its width.
//! 3. What the text does not say is that of 1970-01-01 00:00:00.

use std::fmt::{self, Write};

use tidewire_event::text::{days_of_civil, days_of_month};
use tidewire_event::time::{DAY, HOUR, MILLISECOND, MINUTE, SECOND};

use super::unit::{self, Unit};

/// Whose letters they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `DateTimeFormatter`: S is a fraction. A day that a month does not have is its last; the text must end with the
    /// pattern.
    Formatter,
    /// `SimpleDateFormat`: S is milliseconds, u the day of the week. Days and months beyond their ends count on, and what
    /// stands behind the pattern does not matter.
    Simple,
}

/// A piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Char(char),
    Field(char, usize),
}

/// The pieces of a pattern. A quote that does not end, ends with the pattern.
#[derive(Debug, Clone)]
struct Pieces<'p> {
    rest: std::str::Chars<'p>,
    quoted: bool,
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        loop {
            let c = self.rest.next()?;
            if c == '\'' {
                if self.rest.as_str().starts_with('\'') {
                    self.rest.next();
                    return Some(Piece::Char(c));
                }
                self.quoted = !self.quoted;
                continue;
            }
            if self.quoted || !c.is_ascii_alphabetic() {
                return Some(Piece::Char(c));
            }
            let mut count = 1;
            while self.rest.as_str().starts_with(c) {
                self.rest.next();
                count += 1;
            }
            return Some(Piece::Field(c, count));
        }
    }
}

fn pieces(pattern: &str) -> Pieces<'_> {
    Pieces { rest: pattern.chars(), quoted: false }
}

/// Letters that are written, and those that are read too.
const WRITTEN: &str = "GyuMLdDEeaHhKkmsSnNAQqXZ";
const READ: &str = "yuMLdDEaHhKkmsSXZ";

/// Says what is wrong with a pattern, if something is.
pub(crate) fn check(pattern: &str, read: bool) -> Result<(), String> {
    let letters = if read { READ } else { WRITTEN };
    for piece in pieces(pattern) {
        match piece {
            Piece::Field(letter, count) if !letters.contains(letter) || count > 19 => {
                let letter = letter.to_string().repeat(count);
                return Err(format!("'{pattern}': there is no '{letter}' in a pattern here"));
            }
            Piece::Char(c @ ('[' | ']' | '{' | '}' | '#')) => {
                return Err(format!("'{pattern}': '{c}' is not supported in a pattern"));
            }
            _ => {}
        }
    }
    Ok(())
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// From Monday, as ISO counts.
const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

fn write_name(out: &mut impl Write, names: &[&str], number: i64, count: usize) -> fmt::Result {
    let name = usize::try_from(number - 1).ok().and_then(|at| names.get(at)).copied();
    let name = name.unwrap_or_default();
    out.write_str(match count {
        0..=3 => name.get(..3).unwrap_or(name),
        4 => name,
        _ => name.get(..1).unwrap_or(name),
    })
}

/// Writes `ns`, a time of no zone that is `offset` ns ahead of UTC.
pub(crate) fn write(
    out: &mut impl Write,
    pattern: &str,
    ns: i64,
    offset: i64,
    style: Style,
) -> fmt::Result {
    let part = |unit| unit::extract(unit, ns);
    let (hour, of_second) = (part(Unit::Hour), part(Unit::Nanosecond));
    for piece in pieces(pattern) {
        let (letter, count) = match piece {
            Piece::Char(c) => {
                out.write_char(c)?;
                continue;
            }
            Piece::Field(letter, count) => (letter, count),
        };
        let number = match letter {
            'u' if style == Style::Simple => part(Unit::IsoDayOfWeek),
            'y' | 'u' => {
                let year = part(Unit::Year);
                let year = if letter == 'y' && year < 1 { 1 - year } else { year };
                if count == 2 { year.rem_euclid(100) } else { year }
            }
            'M' | 'L' if count > 2 => {
                write_name(out, &MONTHS, part(Unit::Month), count)?;
                continue;
            }
            'M' | 'L' => part(Unit::Month),
            'E' | 'e' if letter == 'E' || count > 2 => {
                write_name(out, &DAYS, part(Unit::IsoDayOfWeek), count)?;
                continue;
            }
            'e' => part(Unit::DayOfWeek),
            'Q' | 'q' if count > 2 => {
                write!(out, "Q{}", part(Unit::Quarter))?;
                continue;
            }
            'Q' | 'q' => part(Unit::Quarter),
            'G' => {
                out.write_str(if part(Unit::Year) > 0 { "AD" } else { "BC" })?;
                continue;
            }
            'a' => {
                out.write_str(if hour < 12 { "AM" } else { "PM" })?;
                continue;
            }
            'd' => part(Unit::Day),
            'D' => part(Unit::DayOfYear),
            'H' => hour,
            'k' => (hour + 23) % 24 + 1,
            'K' => hour % 12,
            'h' => (hour + 11) % 12 + 1,
            'm' => part(Unit::Minute),
            's' => part(Unit::Second),
            'S' if style == Style::Simple => of_second / MILLISECOND,
            'S' => {
                let digits = count.min(9);
                let value = of_second / 10_i64.pow(9 - digits as u32);
                write!(out, "{value:0digits$}{:0<behind$}", "", behind = count - digits)?;
                continue;
            }
            'n' => of_second,
            'N' => ns.rem_euclid(DAY),
            'A' => ns.rem_euclid(DAY) / MILLISECOND,
            _ => {
                write_offset(out, letter, count, offset)?;
                continue;
            }
        };
        write!(out, "{number:0count$}")?;
    }
    Ok(())
}

fn write_offset(out: &mut impl Write, letter: char, count: usize, offset: i64) -> fmt::Result {
    if letter == 'X' && offset == 0 {
        return out.write_char('Z');
    }
    let sign = if offset < 0 { '-' } else { '+' };
    let (hours, minutes) = (offset.abs() / HOUR, offset.abs() / MINUTE % 60);
    match (letter, count) {
        ('X', 1) => write!(out, "{sign}{hours:02}"),
        ('X', 3..) => write!(out, "{sign}{hours:02}:{minutes:02}"),
        _ => write!(out, "{sign}{hours:02}{minutes:02}"),
    }
}

/// What has been read.
#[derive(Debug)]
struct Fields {
    year: i64,
    month: i64,
    day: i64,
    day_of_year: Option<i64>,
    hour: i64,
    half: Option<i64>,
    minute: i64,
    second: i64,
    ns: i64,
    offset: Option<i64>,
}

/// Reads a time: ns since 1970-01-01 of no zone, the offset from UTC in ns if the text has one, and what stands behind it.
/// `None`: the text is none of the pattern.
pub(crate) fn read<'t>(
    text: &'t str,
    pattern: &str,
    style: Style,
) -> Option<(i64, Option<i64>, &'t str)> {
    let mut fields = Fields {
        year: 1970,
        month: 1,
        day: 1,
        day_of_year: None,
        hour: 0,
        half: None,
        minute: 0,
        second: 0,
        ns: 0,
        offset: None,
    };
    let (mut rest, mut pieces) = (text, pieces(pattern));
    while let Some(piece) = pieces.next() {
        match piece {
            Piece::Char(c) => rest = rest.strip_prefix(c)?,
            Piece::Field(letter, count) => {
                let next_is_number = matches!(pieces.clone().next(), Some(Piece::Field(next, count)) if is_number(next, count));
                rest = fields.read(rest, letter, count, next_is_number, style)?;
            }
        }
    }
    let ns = fields.resolve(style)?;
    Some((ns, fields.offset, rest))
}

fn is_number(letter: char, count: usize) -> bool {
    match letter {
        'M' | 'L' => count <= 2,
        letter => "yudDHhKkmsS".contains(letter),
    }
}

/// The number at the front of `text`, of at most so many digits, and what is behind it.
fn number(text: &str, digits_max: usize) -> Option<(i64, usize, &str)> {
    let digits = text.bytes().take(digits_max).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, digits, rest))
}

/// The number of the name at the front of `text`, from 1, and what is behind it.
fn name<'t>(text: &'t str, names: &[&str], full: bool) -> Option<(i64, &'t str)> {
    names.iter().zip(1..).find_map(|(name, number)| {
        let name = if full { name } else { name.get(..3)? };
        Some((number, text.strip_prefix(name)?))
    })
}

impl Fields {
    fn read<'t>(
        &mut self,
        text: &'t str,
        letter: char,
        count: usize,
        next_is_number: bool,
        style: Style,
    ) -> Option<&'t str> {
        match letter {
            'M' | 'L' if count > 2 => {
                let (month, rest) = name(text, &MONTHS, count > 3)?;
                self.month = month;
                return Some(rest);
            }
            'E' => return name(text, &DAYS, count > 3).map(|(_, rest)| rest),
            'a' => {
                let (half, rest) = text.split_at_checked(2)?;
                let is = |name: &str| match style {
                    Style::Formatter => half == name,
                    Style::Simple => half.eq_ignore_ascii_case(name),
                };
                self.half = Some(if is("AM") { 0 } else { is("PM").then_some(12)? });
                return Some(rest);
            }
            'X' | 'Z' => return self.read_offset(text, letter),
            _ => {}
        }
        let digits_max = match letter {
            _ if next_is_number => count,
            'y' | 'u' => 4,
            _ => 9,
        };
        let (value, digits, rest) = number(text, digits_max)?;
        match letter {
            'y' | 'u' if count == 2 && digits <= 2 => self.year = 2000 + value,
            'y' | 'u' => self.year = value,
            'M' | 'L' => self.month = value,
            'd' => self.day = value,
            'D' => self.day_of_year = Some(value),
            'H' => self.hour = value,
            'k' => self.hour = value % 24,
            'h' => {
                self.hour = value % 12;
                self.half.get_or_insert(0);
            }
            'K' => {
                self.hour = value;
                self.half.get_or_insert(0);
            }
            'm' => self.minute = value,
            's' => self.second = value,
            'S' if style == Style::Simple => self.ns = value.checked_mul(MILLISECOND)?,
            _ => self.ns = value * 10_i64.pow(9 - digits as u32),
        }
        Some(rest)
    }

    /// `Z` where it may be, `+02`, `+0200` or `+02:00`.
    fn read_offset<'t>(&mut self, text: &'t str, letter: char) -> Option<&'t str> {
        if letter == 'X'
            && let Some(rest) = text.strip_prefix('Z')
        {
            self.offset = Some(0);
            return Some(rest);
        }
        let sign = if text.starts_with('-') { -1 } else { 1 };
        let (hours, digits, rest) = number(text.strip_prefix(['+', '-'])?, 2)?;
        let behind = rest.strip_prefix(':').unwrap_or(rest);
        let (minutes, rest) = match number(behind, 2) {
            Some((minutes, 2, behind)) => (minutes, behind),
            _ => (0, rest),
        };
        (digits == 2).then_some(())?;
        self.offset = Some(sign * (hours * HOUR + minutes * MINUTE));
        Some(rest)
    }

    fn resolve(&self, style: Style) -> Option<i64> {
        let Self { year, month, day, .. } = *self;
        let days = match (self.day_of_year, style) {
            (Some(day), _) => days_of_civil(year, 1, 1)? + day - 1,
            (None, Style::Formatter) => {
                let month = u32::try_from(month).ok().filter(|month| (1..=12).contains(month))?;
                let day = u32::try_from(day).ok().filter(|day| (1..=31).contains(day))?;
                days_of_civil(year, month, day.min(days_of_month(year, month)))?
            }
            (None, Style::Simple) => {
                unit::add_months(days_of_civil(year, 1, 1)?, month - 1)? + day - 1
            }
        };
        let smart = style == Style::Simple || self.minute < 60 && self.second < 60;
        smart.then_some(())?;
        let hour = self.hour + self.half.unwrap_or(0);
        let of_day = hour.checked_mul(HOUR)?.checked_add(self.minute.checked_mul(MINUTE)?)?;
        let of_day = of_day.checked_add(self.second.checked_mul(SECOND)?)?.checked_add(self.ns)?;
        days.checked_mul(DAY)?.checked_add(of_day)
    }
}

#[cfg(test)]
mod tests;

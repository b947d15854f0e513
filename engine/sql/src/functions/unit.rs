//! Units of the calendar, over ns since 1970-01-01 00:00:00 of no zone: parts of a time, cuts to a unit, steps, distances.
//!
//! Weeks begin on Sunday where times are cut, and are ISO's where they are numbered; a century begins in its year 1: both as
//! Flink has them. A day that a month does not have becomes its last.

use tidewire_event::text::{civil_of_days, days_of_civil, days_of_month};
use tidewire_event::time::{DAY, HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND};

/// A unit, or a part of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Nanosecond,
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
    Century,
    Millennium,
    Epoch,
    DayOfWeek,
    IsoDayOfWeek,
    DayOfYear,
    IsoYear,
}

use Unit::*;

/// Their names.
pub(crate) const UNITS: [(&str, Unit); 24] = [
    ("NANOSECOND", Nanosecond),
    ("MICROSECOND", Microsecond),
    ("MILLISECOND", Millisecond),
    ("SECOND", Second),
    ("MINUTE", Minute),
    ("HOUR", Hour),
    ("DAY", Day),
    ("DAYOFMONTH", Day),
    ("WEEK", Week),
    ("MONTH", Month),
    ("QUARTER", Quarter),
    ("YEAR", Year),
    ("DECADE", Decade),
    ("CENTURY", Century),
    ("MILLENNIUM", Millennium),
    ("EPOCH", Epoch),
    ("DOW", DayOfWeek),
    ("DAYOFWEEK", DayOfWeek),
    ("ISODOW", IsoDayOfWeek),
    ("DOY", DayOfYear),
    ("DAYOFYEAR", DayOfYear),
    ("ISOYEAR", IsoYear),
    ("MILLI", Millisecond),
    ("MICRO", Microsecond),
];

impl Unit {
    /// The unit of that name, which may be a plural.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let upper = name.to_uppercase();
        let is = |other: &str| upper == other || upper.strip_suffix('S') == Some(other);
        UNITS.iter().find(|(other, _)| is(other)).map(|(_, unit)| *unit)
    }

    /// How long it is, if that is always the same.
    pub(crate) fn ns(self) -> Option<i64> {
        Some(match self {
            Nanosecond => 1,
            Microsecond => MICROSECOND,
            Millisecond => MILLISECOND,
            Second => SECOND,
            Minute => MINUTE,
            Hour => HOUR,
            Day => DAY,
            Week => 7 * DAY,
            _ => return None,
        })
    }

    /// How many months it has, if it is made of them.
    pub(crate) fn months(self) -> Option<i64> {
        Some(match self {
            Month => 1,
            Quarter => 3,
            Year => 12,
            Decade => 120,
            Century => 1_200,
            Millennium => 12_000,
            _ => return None,
        })
    }
}

/// A part of a time. A part below a second has all digits down to it.
pub(crate) fn extract(unit: Unit, ns: i64) -> i64 {
    let (days, of_day) = (ns.div_euclid(DAY), ns.rem_euclid(DAY));
    let (year, month, day) = civil_of_days(days);
    match unit {
        Nanosecond => of_day % SECOND,
        Microsecond => of_day % SECOND / MICROSECOND,
        Millisecond => of_day % SECOND / MILLISECOND,
        Second => of_day / SECOND % 60,
        Minute => of_day / MINUTE % 60,
        Hour => of_day / HOUR,
        Day => day.into(),
        Week => iso_week(days).1,
        Month => month.into(),
        Quarter => (i64::from(month) + 2) / 3,
        Year => year,
        Decade => year.div_euclid(10),
        Century => hundreds(year, 100),
        Millennium => hundreds(year, 1_000),
        Epoch => ns.div_euclid(SECOND),
        DayOfWeek => (days + 4).rem_euclid(7) + 1,
        IsoDayOfWeek => (days + 3).rem_euclid(7) + 1,
        DayOfYear => day_of_year(days),
        IsoYear => iso_week(days).0,
    }
}

/// The number of the century or millennium: they begin in year 1, and there is none of number 0.
fn hundreds(year: i64, years: i64) -> i64 {
    if year > 0 { (year + years - 1) / years } else { (year - years + 1) / years }
}

fn day_of_year(days: i64) -> i64 {
    let (year, ..) = civil_of_days(days);
    days - days_of_civil(year, 1, 1).unwrap_or(days) + 1
}

/// ISO's year and week of a day: a week belongs to the year that has its Thursday.
pub(crate) fn iso_week(days: i64) -> (i64, i64) {
    let thursday = days - (days + 3).rem_euclid(7) + 3;
    let (year, ..) = civil_of_days(thursday);
    (year, (day_of_year(thursday) - 1) / 7 + 1)
}

/// The last start of a unit at `ns` or before. `None`: it is out of range, or the unit has no start.
pub(crate) fn floor(unit: Unit, ns: i64) -> Option<i64> {
    if unit == Week {
        let days = ns.div_euclid(DAY);
        return (days - (days + 4).rem_euclid(7)).checked_mul(DAY);
    }
    if let Some(length) = unit.ns() {
        return ns.div_euclid(length).checked_mul(length);
    }
    let (year, month, _) = civil_of_days(ns.div_euclid(DAY));
    let (year, month) = match unit {
        Month => (year, month),
        Quarter => (year, (month - 1) / 3 * 3 + 1),
        Year => (year, 1),
        Decade => (year.div_euclid(10) * 10, 1),
        Century => ((year - 1).div_euclid(100) * 100 + 1, 1),
        Millennium => ((year - 1).div_euclid(1_000) * 1_000 + 1, 1),
        _ => return None,
    };
    days_of_civil(year, month, 1)?.checked_mul(DAY)
}

/// The first start of a unit at `ns` or behind.
pub(crate) fn ceil(unit: Unit, ns: i64) -> Option<i64> {
    match floor(unit, ns)? {
        start if start == ns => Some(ns),
        start => add(unit, 1, start),
    }
}

/// A time so many units on. `None`: it is out of range.
pub(crate) fn add(unit: Unit, count: i64, ns: i64) -> Option<i64> {
    if let Some(length) = unit.ns() {
        return ns.checked_add(length.checked_mul(count)?);
    }
    let days = add_months(ns.div_euclid(DAY), unit.months()?.checked_mul(count)?)?;
    days.checked_mul(DAY)?.checked_add(ns.rem_euclid(DAY))
}

/// A day so many months on.
pub(crate) fn add_months(days: i64, months: i64) -> Option<i64> {
    let (year, month, day) = civil_of_days(days);
    let month = year.checked_mul(12)?.checked_add(i64::from(month) - 1)?.checked_add(months)?;
    // Ten million years are beyond every time.
    let year = month.div_euclid(12);
    (year.unsigned_abs() < 10_000_000).then_some(())?;
    let month = month.rem_euclid(12) as u32 + 1;
    days_of_civil(year, month, day.min(days_of_month(year, month)))
}

/// How many whole units lie between two times.
pub(crate) fn diff(unit: Unit, from: i64, to: i64) -> Option<i64> {
    if let Some(length) = unit.ns() {
        return i64::try_from((i128::from(to) - i128::from(from)) / i128::from(length)).ok();
    }
    Some(months_between(from, to)? / unit.months()?)
}

/// Whole months, as Calcite counts them.
fn months_between(from: i64, to: i64) -> Option<i64> {
    let (from_day, to_day) = (from.div_euclid(DAY), to.div_euclid(DAY));
    let months = if to_day < from_day {
        -months_of_days(to_day, from_day)?
    } else {
        months_of_days(from_day, to_day)?
    };
    let earlier = from.rem_euclid(DAY) > to.rem_euclid(DAY);
    let same_day = add_months(from_day, months)? == to_day;
    Some(months - i64::from(earlier && same_day))
}

fn months_of_days(from: i64, to: i64) -> Option<i64> {
    let ((year, month, _), (to_year, to_month, _)) = (civil_of_days(from), civil_of_days(to));
    let most = (to_year - year) * 12 + i64::from(to_month) - i64::from(month);
    Some(if add_months(from, most)? > to { most - 1 } else { most })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tidewire_event::text::read_timestamp;

    use super::*;

    fn at(text: &str) -> i64 {
        read_timestamp(text.as_bytes()).unwrap()
    }

    #[test]
    fn parts_are_flinks() {
        let time = at("2020-05-03 04:05:06.789");
        let parts = [
            (Year, 2020),
            (Second, 6),
            (Millisecond, 789),
            (Microsecond, 789_000),
            (Epoch, 1_588_478_706),
            (DayOfWeek, 1),
            (IsoDayOfWeek, 7),
            (DayOfYear, 124),
            (Week, 18),
            (Quarter, 2),
            (Decade, 202),
            (Century, 21),
        ];
        for (unit, wanted) in parts {
            assert_eq!(extract(unit, time), wanted, "{unit:?}");
        }
        assert_eq!(
            (extract(Week, at("2021-01-03")), extract(IsoYear, at("2021-01-03"))),
            (53, 2020)
        );
        assert_eq!(
            (extract(Century, at("2000-05-03")), extract(Millennium, at("2000-05-03"))),
            (20, 2)
        );
    }

    #[test]
    fn times_are_cut() {
        let time = at("2020-05-03 04:05:06.789");
        let cuts = [
            (Hour, "2020-05-03 04:00", "2020-05-03 05:00"),
            (Week, "2020-05-03", "2020-05-10"),
            (Month, "2020-05-01", "2020-06-01"),
            (Quarter, "2020-04-01", "2020-07-01"),
            (Decade, "2020-01-01", "2030-01-01"),
            (Century, "2001-01-01", "2101-01-01"),
        ];
        for (unit, down, up) in cuts {
            assert_eq!(
                (floor(unit, time), ceil(unit, time)),
                (Some(at(down)), Some(at(up))),
                "{unit:?}"
            );
        }
        assert_eq!(floor(Second, at("1969-12-31 23:59:59.5")), Some(at("1969-12-31 23:59:59")));
    }

    #[test]
    fn months_are_counted() {
        let months = |from, to| diff(Month, at(from), at(to)).unwrap();
        assert_eq!(months("2020-01-31 12:00", "2020-03-01 00:00"), 1);
        assert_eq!(months("2020-03-31 12:00", "2020-02-29 00:00"), -2);
        assert_eq!(diff(Year, at("2020-03-31"), at("2019-03-31")), Some(-1));
        assert_eq!(add(Month, 1, at("2020-01-31 04:05")), Some(at("2020-02-29 04:05")));
    }

    proptest! {
        #[test]
        fn no_time_is_too_wild(ns in any::<i64>(), to in any::<i64>(), count in any::<i64>()) {
            for (_, unit) in UNITS {
                let _ = (extract(unit, ns), ceil(unit, ns), add(unit, count, ns), diff(unit, ns, to));
                if let Some(start) = floor(unit, ns) {
                    prop_assert!(start <= ns);
                    prop_assert_eq!(floor(unit, start), Some(start));
                }
            }
        }
    }
}

//! Constants of the text: numbers, texts, intervals, times.

use sqlparser::ast::{self, DateTimeField};
use tidewire_event::time::{DAY, HOUR, MILLISECOND, MINUTE, SECOND};
use tidewire_event::{DataType, Value, text};

use crate::error::{Span, SqlError};
use crate::expr::Expr;

/// A number: an INT, a BIGINT or a DECIMAL, or a DOUBLE where it has an exponent.
pub(super) fn number(digits: &str, at: Span) -> Result<Expr, SqlError> {
    let wrong = || SqlError::new(at, format!("{digits} is no number"));
    if digits.contains(['e', 'E']) {
        let value = digits.parse().map_err(|_| wrong())?;
        return Ok(Expr::literal(Value::Float(value), DataType::Double, at));
    }
    let (whole, behind) = digits.split_once('.').unwrap_or((digits, ""));
    if !digits.contains('.')
        && let Ok(value) = digits.parse::<i64>()
    {
        let ty = if i32::try_from(value).is_ok() { DataType::Int } else { DataType::BigInt };
        return Ok(Expr::literal(Value::Int(value), ty, at));
    }
    // A zero before the point is a digit, as in Flink.
    let whole = whole.trim_start_matches('0').len().max(usize::from(!whole.is_empty()));
    let precision = whole + behind.len();
    let (Ok(precision), Ok(scale)) = (u8::try_from(precision.max(1)), u8::try_from(behind.len()))
    else {
        return Err(wrong());
    };
    let value = text::read_decimal(digits.as_bytes(), scale).filter(|_| precision <= 38);
    let value =
        value.ok_or_else(|| SqlError::new(at, format!("{digits} has more than 38 digits")))?;
    let ty = DataType::Decimal { precision: precision.max(scale), scale };
    let value = match ty.repr() {
        tidewire_event::Repr::Wide => Value::Wide(value),
        _ => Value::Int(value as i64),
    };
    Ok(Expr::literal(value, ty, at))
}

/// A text, of as many characters as it has.
pub(super) fn string(value: &str, at: Span) -> Expr {
    let length = u32::try_from(value.chars().count()).unwrap_or(u32::MAX);
    Expr::literal(Value::text(value), DataType::Char(length), at)
}

/// `TIMESTAMP '...'`, `DATE '...'`, `TIME '...'`.
pub(super) fn typed(ty: &ast::DataType, value: &str, at: Span) -> Result<Expr, SqlError> {
    let bytes = value.as_bytes();
    let digits = value.rsplit_once('.').map_or(0, |(_, behind)| behind.len().min(9) as u8);
    let (read, ty) = match ty {
        ast::DataType::Date => (text::read_date(bytes), DataType::Date),
        ast::DataType::Time(..) => (text::read_time(bytes), DataType::Time(digits)),
        ast::DataType::Timestamp(..) => (text::read_timestamp(bytes), DataType::Timestamp(digits)),
        other => return Err(SqlError::new(at, format!("there is no constant {other} '{value}'"))),
    };
    match read {
        Some(value) => Ok(Expr::literal(Value::Int(value), ty, at)),
        None => Err(SqlError::new(at, format!("'{value}' is no {ty}"))),
    }
}

/// `INTERVAL '5' MINUTE`, `INTERVAL '1 02:03:04.5' DAY TO SECOND`, `INTERVAL '5 minutes'`.
pub(super) fn interval(interval: &ast::Interval, at: Span) -> Result<Expr, SqlError> {
    let value = match &*interval.value {
        ast::Expr::Value(value) => match &value.value {
            ast::Value::SingleQuotedString(text) => text.clone(),
            ast::Value::Number(digits, _) => digits.clone(),
            _ => return Err(SqlError::new(at, "an interval is written INTERVAL '5' MINUTE")),
        },
        _ => return Err(SqlError::new(at, "an interval is written INTERVAL '5' MINUTE")),
    };
    let (negative, digits) = match value.trim().strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, value.trim().trim_start_matches('+')),
    };
    let read = match (&interval.leading_field, &interval.last_field) {
        (None, _) => in_words(digits),
        (Some(unit), None) => of_unit(&unit_name(unit), digits),
        (Some(from), Some(to)) => of_units(&unit_name(from), &unit_name(to), digits),
    };
    let Some((amount, ty)) = read else {
        let problem = format!("'{value}' is no such interval");
        return Err(SqlError::new(at, problem)
            .help("as in INTERVAL '1' DAY, INTERVAL '1:30' MINUTE TO SECOND"));
    };
    let amount = if negative { -amount } else { amount };
    Ok(Expr::literal(Value::Int(amount), ty, at))
}

/// The name of a unit, in the singular.
pub(super) fn unit_name(unit: &DateTimeField) -> String {
    let name = unit.to_string().to_uppercase();
    match name.strip_suffix('S') {
        Some(singular) if !singular.is_empty() => singular.to_owned(),
        _ => name,
    }
}

/// Months of a unit, or ns.
fn unit(name: &str) -> Option<(i64, DataType)> {
    Some(match name {
        "YEAR" => (12, DataType::Months),
        "QUARTER" => (3, DataType::Months),
        "MONTH" => (1, DataType::Months),
        "WEEK" => (7 * DAY, DataType::Interval),
        "DAY" => (DAY, DataType::Interval),
        "HOUR" => (HOUR, DataType::Interval),
        "MINUTE" => (MINUTE, DataType::Interval),
        "SECOND" => (SECOND, DataType::Interval),
        "MILLISECOND" => (MILLISECOND, DataType::Interval),
        "MICROSECOND" => (1_000, DataType::Interval),
        "NANOSECOND" => (1, DataType::Interval),
        _ => return None,
    })
}

fn of_unit(name: &str, digits: &str) -> Option<(i64, DataType)> {
    let (length, ty) = unit(name)?;
    let amount = match ty {
        DataType::Months => digits.parse::<i64>().ok()?.checked_mul(length)?,
        // Exact to a ns: so many billionths of the unit.
        _ => {
            let billionths = text::read_decimal(digits.as_bytes(), 9)?;
            i64::try_from(billionths.checked_mul(length.into())? / 1_000_000_000).ok()?
        }
    };
    if ty == DataType::Months && i32::try_from(amount).is_err() {
        return None;
    }
    Some((amount, ty))
}

/// `1 second`, `2 hours 30 minutes`.
fn in_words(text: &str) -> Option<(i64, DataType)> {
    let words: Vec<_> = text.split_whitespace().collect();
    let (pairs, []) = words.as_chunks::<2>() else { return None };
    let mut sum: Option<(i64, DataType)> = None;
    for [digits, name] in pairs {
        let name = name.to_uppercase();
        let (amount, ty) = of_unit(name.strip_suffix('S').unwrap_or(&name), digits)?;
        sum = match sum {
            None => Some((amount, ty)),
            Some((before, same)) if same == ty => Some((before.checked_add(amount)?, ty)),
            Some(_) => return None,
        };
    }
    sum
}

const UNITS: [&str; 4] = ["DAY", "HOUR", "MINUTE", "SECOND"];

/// `1 02:03:04.5` of DAY TO SECOND, `1-6` of YEAR TO MONTH.
fn of_units(from: &str, to: &str, text: &str) -> Option<(i64, DataType)> {
    if (from, to) == ("YEAR", "MONTH") {
        let (years, months) = text.split_once('-')?;
        let months = months.parse::<i64>().ok().filter(|months| (0..12).contains(months))?;
        let months = years.parse::<i64>().ok()?.checked_mul(12)?.checked_add(months)?;
        return Some((i32::try_from(months).ok()?.into(), DataType::Months));
    }
    let index = |name| UNITS.iter().position(|unit| *unit == name);
    let units = UNITS.get(index(from)?..=index(to)?)?;
    let parts: Vec<_> = text.split([' ', ':']).filter(|part| !part.is_empty()).collect();
    if parts.len() != units.len() {
        return None;
    }
    let mut sum = 0_i64;
    for (part, unit) in parts.iter().zip(units) {
        sum = sum.checked_add(of_unit(unit, part)?.0)?;
    }
    Some((sum, DataType::Interval))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_exactly() {
        assert_eq!(of_unit("SECOND", "1.000000001"), Some((SECOND + 1, DataType::Interval)));
        assert_eq!(of_unit("DAY", "0.5"), Some((12 * HOUR, DataType::Interval)));
        assert_eq!(of_unit("MONTH", "1.5"), None);
        assert_eq!(in_words("2 hours 30 minutes"), Some((150 * MINUTE, DataType::Interval)));
        assert_eq!(in_words("2 hours 3 months"), None);
        let day_to_second = of_units("DAY", "SECOND", "1 02:03:04.5");
        assert_eq!(
            day_to_second,
            Some((DAY + 2 * HOUR + 3 * MINUTE + 4_500 * MILLISECOND, DataType::Interval))
        );
        assert_eq!(of_units("YEAR", "MONTH", "1-6"), Some((18, DataType::Months)));
        assert_eq!(of_units("SECOND", "DAY", "1 2"), None);
    }

    #[test]
    fn numbers_have_the_least_type() {
        let ty = |digits| number(digits, Span::NONE).unwrap().ty.to_string();
        assert_eq!(ty("2147483647"), "INT");
        assert_eq!(ty("2147483648"), "BIGINT");
        assert_eq!(ty("9223372036854775808"), "DECIMAL(19, 0)");
        assert_eq!(ty("1.50"), "DECIMAL(3, 2)");
        assert_eq!(ty("0.05"), "DECIMAL(3, 2)");
        assert_eq!(ty(".5"), "DECIMAL(1, 1)");
        assert_eq!(ty("1e3"), "DOUBLE");
        assert!(number("123456789012345678901234567890123456789", Span::NONE).is_err());
    }
}

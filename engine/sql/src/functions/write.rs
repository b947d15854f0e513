//! Expressions as SQL writes them.

#[cfg(test)]
mod tests;

use std::fmt;

use tidewire_event::text::{write_date, write_decimal, write_time, write_timestamp};
use tidewire_event::time::{DAY, HOUR, MINUTE, SECOND};
use tidewire_event::{DataType, Repr, Value};

use super::cast::float_text::write_float;
use crate::expr::{Expr, ExprKind};

/// How tightly operators bind: an operand that binds less needs parentheses.
mod binds {
    pub(super) const OR: u8 = 1;
    pub(super) const AND: u8 = 2;
    pub(super) const NOT: u8 = 3;
    pub(super) const IS: u8 = 4;
    pub(super) const COMPARISON: u8 = 5;
    pub(super) const SUM: u8 = 7;
    pub(super) const PRODUCT: u8 = 8;
    pub(super) const SIGN: u8 = 9;
    pub(super) const ATOM: u8 = 10;
}

/// How tightly the operator `name` of so many operands binds.
fn binding(name: &str, operands: usize) -> u8 {
    match name {
        "OR" => binds::OR,
        "AND" => binds::AND,
        "NOT" => binds::NOT,
        "=" | "<>" | "<" | "<=" | ">" | ">=" | "BETWEEN" | "NOT BETWEEN" | "IN" | "NOT IN"
        | "LIKE" | "NOT LIKE" | "SIMILAR TO" | "NOT SIMILAR TO" => binds::COMPARISON,
        "+" | "-" if operands == 1 => binds::SIGN,
        "+" | "-" | "||" => binds::SUM,
        "*" | "/" | "%" => binds::PRODUCT,
        name if name.starts_with("IS ") => binds::IS,
        _ => binds::ATOM,
    }
}

/// How tightly an operand must bind to stand at `at` without parentheses.
fn needed(name: &str, operands: usize, at: usize) -> u8 {
    match name {
        "OR" | "AND" | "||" => binding(name, operands),
        // A list, or a pattern's escape, stands in parentheses or is a text.
        "IN" | "NOT IN" if at > 0 => 0,
        "NOT" => binds::NOT,
        "+" | "-" | "*" | "/" | "%" if operands == 2 && at == 0 => binding(name, operands),
        // What binds as tightly is to the left of these.
        _ if name.starts_with("IS ") => binds::IS + 1,
        _ => match binding(name, operands) {
            binds::ATOM if name == "ITEM" || name == "FIELD" => {
                if at == 0 {
                    binds::ATOM
                } else {
                    0
                }
            }
            binds::ATOM => 0,
            binding => binding + 1,
        },
    }
}

/// The text of an operand, in parentheses where it needs them.
pub(crate) fn operand(name: &str, operands: usize, at: usize, arg: &Expr, text: String) -> String {
    let binding = match &arg.kind {
        ExprKind::Call(function, args) => binding(function.name, args.len()),
        // A number below zero has a sign.
        ExprKind::Literal(_) if text.starts_with('-') => binds::SIGN,
        _ => binds::ATOM,
    };
    if binding < needed(name, operands, at) { format!("({text})") } else { text }
}

/// Writes a call of operands that are written already.
pub(super) fn call(
    out: &mut impl fmt::Write,
    name: &str,
    args: &[String],
    ty: &DataType,
) -> fmt::Result {
    match (name, args) {
        ("AND" | "OR" | "||", args) => out.write_str(&args.join(&format!(" {name} "))),
        ("CAST" | "TRY_CAST", [value]) => write!(out, "{name}({value} AS {ty})"),
        ("NOT", [a]) => write!(out, "NOT {a}"),
        ("+" | "-", [a]) => write!(out, "{name}{a}"),
        ("BETWEEN" | "NOT BETWEEN", [a, low, high]) => write!(out, "{a} {name} {low} AND {high}"),
        ("IN" | "NOT IN", [a, list @ ..]) => write!(out, "{a} {name} ({})", list.join(", ")),
        ("LIKE" | "NOT LIKE" | "SIMILAR TO" | "NOT SIMILAR TO", [a, pattern, escape]) => {
            write!(out, "{a} {name} {pattern} ESCAPE {escape}")
        }
        ("IS DISTINCT FROM" | "IS NOT DISTINCT FROM", [a, b]) => write!(out, "{a} {name} {b}"),
        ("CASE", args) => {
            out.write_str("CASE")?;
            for branch in args.chunks(2) {
                match branch {
                    [condition, value] => write!(out, " WHEN {condition} THEN {value}")?,
                    [otherwise] if otherwise != "NULL" => write!(out, " ELSE {otherwise}")?,
                    _ => {}
                }
            }
            out.write_str(" END")
        }
        ("ARRAY" | "MAP", args) => write!(out, "{name}[{}]", args.join(", ")),
        ("ITEM", [nested, key]) => write!(out, "{nested}[{key}]"),
        (_, [a]) if name.starts_with("IS ") => write!(out, "{a} {name}"),
        (_, [a, b]) if binding(name, 2) != binds::ATOM => write!(out, "{a} {name} {b}"),
        _ => write!(out, "{name}({})", args.join(", ")),
    }
}

/// Writes a constant: see [`super::write_literal`].
pub(super) fn literal(out: &mut impl fmt::Write, value: &Value, ty: &DataType) -> fmt::Result {
    match (value, ty) {
        (Value::Null, _) => out.write_str("NULL"),
        (Value::Bool(value), _) => out.write_str(if *value { "TRUE" } else { "FALSE" }),
        (Value::Float(value), _) => float(out, *value, ty),
        (Value::Wide(value), DataType::Decimal { scale, .. }) => write_decimal(out, *value, *scale),
        (Value::Wide(value), _) => write!(out, "{value}"),
        (Value::Int(value), ty) => integer(out, *value, ty),
        (Value::Bytes(bytes), DataType::Bytes) => {
            out.write_str("X'")?;
            bytes.iter().try_for_each(|byte| write!(out, "{byte:02X}"))?;
            out.write_char('\'')
        }
        (Value::Bytes(text), _) => {
            write!(out, "'{}'", String::from_utf8_lossy(text).replace('\'', "''"))
        }
        (Value::List(items), DataType::Row(fields)) => {
            let types = fields.iter().map(|field| &field.ty);
            let texts = items.iter().zip(types).map(|(item, ty)| written(item, ty));
            write!(out, "ROW({})", texts.collect::<Vec<_>>().join(", "))
        }
        (Value::List(items), ty) => {
            let of = if let DataType::Array(of) = ty { of } else { &DataType::Null };
            let texts = items.iter().map(|item| written(item, of));
            write!(out, "ARRAY[{}]", texts.collect::<Vec<_>>().join(", "))
        }
        (Value::Map(entries), ty) => {
            let (key_type, value_type) = match ty {
                DataType::Map(key, value) => (&**key, &**value),
                _ => (&DataType::Null, &DataType::Null),
            };
            let texts = entries
                .iter()
                .flat_map(|(key, value)| [written(key, key_type), written(value, value_type)]);
            write!(out, "MAP[{}]", texts.collect::<Vec<_>>().join(", "))
        }
    }
}

fn written(value: &Value, ty: &DataType) -> String {
    let mut text = String::new();
    // A String takes whatever is written.
    let _ = literal(&mut text, value, ty);
    text
}

/// A number of floating point has an exponent.
fn float(out: &mut impl fmt::Write, value: f64, ty: &DataType) -> fmt::Result {
    let is_float = ty.repr() == Repr::Float(4);
    if !value.is_finite() {
        out.write_str("CAST('")?;
        write_float(out, value, is_float)?;
        return write!(out, "' AS {ty})");
    }
    let mut text = String::new();
    write_float(&mut text, value, is_float)?;
    let exponent = if text.contains('E') { "" } else { "E0" };
    write!(out, "{text}{exponent}")
}

fn integer(out: &mut impl fmt::Write, value: i64, ty: &DataType) -> fmt::Result {
    match ty {
        DataType::Decimal { scale, .. } => write_decimal(out, value.into(), *scale),
        DataType::Date => {
            out.write_str("DATE '")?;
            write_date(out, value)?;
            out.write_char('\'')
        }
        DataType::Time(digits) => {
            out.write_str("TIME '")?;
            write_time(out, value, *digits)?;
            out.write_char('\'')
        }
        DataType::Timestamp(digits) => {
            out.write_str("TIMESTAMP '")?;
            write_timestamp(out, value, *digits, ' ')?;
            out.write_char('\'')
        }
        DataType::TimestampLtz(digits) => {
            out.write_str("CAST('")?;
            write_timestamp(out, value, *digits, ' ')?;
            write!(out, "Z' AS {ty})")
        }
        DataType::Months => {
            let sign = if value < 0 { "-" } else { "" };
            match value.unsigned_abs() {
                months if months % 12 == 0 => write!(out, "INTERVAL {sign}'{}' YEAR", months / 12),
                months => write!(out, "INTERVAL {sign}'{months}' MONTH"),
            }
        }
        DataType::Interval => {
            let (sign, ns) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
            let units = [(DAY, "DAY"), (HOUR, "HOUR"), (MINUTE, "MINUTE"), (SECOND, "SECOND")];
            let whole = units.iter().find(|(unit, _)| ns != 0 && ns % *unit as u64 == 0);
            match whole {
                Some((unit, name)) => write!(out, "INTERVAL {sign}'{}' {name}", ns / *unit as u64),
                None => {
                    let second = SECOND as u64;
                    let text = format!("{}.{:09}", ns / second, ns % second);
                    let text = text.trim_end_matches('0').trim_end_matches('.');
                    write!(out, "INTERVAL {sign}'{text}' SECOND")
                }
            }
        }
        _ => write!(out, "{value}"),
    }
}

//! Invented rows: `'connector' = 'datagen'`, with Flink's options and two of ours.
//!
//! 1. Row n is of the time `start` + n / `rows-per-second`: that is its event time, when it is received, and the value of
//!    its timestamps, less a random part of `fields.#.max-past`. No clock is read, and nothing waits: the pace is that of
//!    the job.
//! 2. A value follows from `seed`, the column and the number of the row: a run is the same each time, whichever columns are
//!    read.
//! 3. A sequence ends the table when it is at its end, as `number-of-rows` does. Without both there is no end.

use std::collections::BTreeMap;

use tidewire_event::{DataType, RowWriter, Slot};

use super::options::duration;
use super::random::{Random, Steady};
use super::text::{Bad, Scalar, cut, is_nested};
use super::{Columns, OptionError, Options, Read, TableError, TableReader};

/// 2020-01-01T00:00:00Z.
const START: i64 = 1_577_836_800_000_000_000;
const SEED: u64 = 1;
const TEXT_BYTES: usize = 100;
const FIELD_OPTIONS: [&str; 9] =
    ["kind", "min", "max", "length", "start", "end", "max-past", "null-rate", "var-len"];

/// Makes rows.
struct Datagen {
    columns: Columns,
    makers: Vec<Maker>,
    times: Steady,
    seed: u64,
    next: u64,
    rows: Option<u64>,
    text: Vec<u8>,
}

/// What makes the values of a column.
struct Maker {
    /// The column's number in its table.
    number: u64,
    ty: DataType,
    slot: Slot,
    kind: Kind,
    null_rate: f64,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Bool,
    /// Units of the type, both ends included.
    Number {
        min: i128,
        max: i128,
    },
    Float {
        min: f64,
        max: f64,
    },
    Text {
        length: usize,
        varies: bool,
    },
    /// The row's time, less a part of so many ns.
    Moment {
        max_past_ns: u64,
    },
    Sequence {
        start: i128,
    },
}

/// The readers of a table.
pub(super) fn readers(
    mut options: Options,
    columns: &Columns,
) -> Result<Vec<Box<dyn TableReader>>, TableError> {
    let whole = |text: &str| text.parse::<u64>().ok();
    let per_second = options
        .parse("rows-per-second", "a whole number from 1 on", |text| {
            whole(text).filter(|rate| *rate > 0)
        })?
        .unwrap_or(10_000);
    let start = start_time(&mut options, "start")?.unwrap_or(START);
    let mut rows = options.parse("number-of-rows", "a whole number", whole)?;
    let seed = options.parse("seed", "a whole number", whole)?.unwrap_or(SEED);
    let mut fields: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for (name, value) in options.take_all("fields.") {
        let (column, option) = name.rsplit_once('.').unwrap_or((&name, ""));
        let expected = if !FIELD_OPTIONS.contains(&option) {
            format!("fields have the options {}", FIELD_OPTIONS.join(", "))
        } else if !columns.physical().any(|name| name == column) {
            format!("the table has no column '{column}'")
        } else {
            fields.entry(column.to_owned()).or_default().insert(option.to_owned(), value);
            continue;
        };
        return Err(OptionError::value(&format!("fields.{name}"), value, expected).into());
    }
    options.finish()?;
    let mut makers = Vec::new();
    // Columns that are not read are looked at too: one may say where the table ends.
    for (number, column) in columns.table.iter().enumerate() {
        let field = &column.field;
        let given = fields.remove(&field.name).unwrap_or_default();
        let mut given = Given { column: &field.name, ty: &field.ty, given };
        if column.metadata.is_some() {
            return Err(given.wrong("METADATA", "it has no metadata").into());
        }
        let (kind, ends_at) = kind(&mut given)?;
        rows = ends_at.into_iter().chain(rows).min();
        let null_rate = given.parse("null-rate", "0 to 1", |text| {
            text.parse().ok().filter(|rate| (0.0..=1.0).contains(rate))
        })?;
        if null_rate.is_some_and(|rate| rate > 0.0) && !field.nullable {
            return Err(given.wrong("null-rate", "the column is NOT NULL").into());
        }
        given.finish()?;
        let place = columns.columns.iter().position(|it| it.field.name == field.name);
        if let Some(place) = place {
            let maker = Maker {
                number: number as u64,
                ty: field.ty.clone(),
                slot: columns.layout.slots()[place],
                kind,
                null_rate: null_rate.unwrap_or(0.0),
            };
            makers.push((place, maker));
        }
    }
    makers.sort_by_key(|(place, _)| *place);
    Ok(vec![Box::new(Datagen {
        columns: columns.clone(),
        makers: makers.into_iter().map(|(_, maker)| maker).collect(),
        times: Steady { start, per_second },
        seed,
        next: 0,
        rows,
        text: Vec::new(),
    })])
}

/// Takes a moment.
pub(super) fn start_time(
    options: &mut Options,
    name: &'static str,
) -> Result<Option<i64>, OptionError> {
    let ty = DataType::TimestampLtz(9);
    options.parse(name, "a time such as 2020-01-01T00:00:00Z", |text| {
        match Scalar::read(&ty, text.as_bytes(), &mut Vec::new()) {
            Ok(Scalar::Int(ns)) => Some(ns),
            _ => None,
        }
    })
}

/// The options of a field.
struct Given<'a> {
    column: &'a str,
    ty: &'a DataType,
    given: BTreeMap<String, String>,
}

impl Given<'_> {
    fn wrong(&self, option: &str, expected: impl Into<String>) -> OptionError {
        let value = self.given.get(option).cloned().unwrap_or_default();
        OptionError::value(&format!("fields.{}.{option}", self.column), value, expected)
    }

    fn parse<T>(
        &mut self,
        option: &str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, OptionError> {
        let Some(value) = self.given.get(option) else { return Ok(None) };
        let read = read(value).ok_or_else(|| self.wrong(option, expected))?;
        self.given.remove(option);
        Ok(Some(read))
    }

    /// Takes a value of the column's type, in its units.
    fn units(&mut self, option: &str) -> Result<Option<i128>, OptionError> {
        let ty = self.ty;
        self.parse(option, &format!("a value of type {ty}"), |text| {
            match Scalar::read(ty, text.as_bytes(), &mut Vec::new()) {
                Ok(Scalar::Int(units)) => Some(units.into()),
                Ok(Scalar::Wide(units)) => Some(units),
                _ => None,
            }
        })
    }

    fn float(&mut self, option: &str) -> Result<Option<f64>, OptionError> {
        self.parse(option, "a number", |text| text.parse().ok().filter(|it: &f64| it.is_finite()))
    }

    /// All have been taken.
    fn finish(self) -> Result<(), OptionError> {
        match self.given.keys().next() {
            None => Ok(()),
            Some(option) => {
                Err(self.wrong(option, format!("it means nothing for a column of {}", self.ty)))
            }
        }
    }
}

/// What makes the values of a column, and how many there are if they end.
fn kind(given: &mut Given<'_>) -> Result<(Kind, Option<u64>), OptionError> {
    let is_sequence = given.parse("kind", "random or sequence", |text| match text {
        "random" => Some(false),
        "sequence" => Some(true),
        _ => None,
    })?;
    let ty = given.ty;
    if is_sequence == Some(true) {
        return sequence(given);
    }
    let kind = match ty {
        DataType::Boolean => Kind::Bool,
        DataType::TinyInt | DataType::SmallInt | DataType::Int | DataType::BigInt => {
            let DataType::BigInt = ty else {
                let bits = 8 * ty.repr().slot_bytes() as u32 - 1;
                return number(given, -(1 << bits), (1 << bits) - 1);
            };
            return number(given, i64::MIN.into(), i64::MAX.into());
        }
        DataType::Decimal { precision, .. } => {
            let max = 10_i128.pow((*precision).into()) - 1;
            return number(given, -max, max);
        }
        DataType::Float | DataType::Double => {
            let max = if *ty == DataType::Float { f64::from(f32::MAX) } else { f64::MAX };
            let min = given.float("min")?.unwrap_or(-max);
            let max = given.float("max")?.unwrap_or(max);
            if min > max {
                return Err(given.wrong("min", "it is more than max"));
            }
            Kind::Float { min, max }
        }
        DataType::Char(_) | DataType::VarChar(_) | DataType::String | DataType::Bytes => {
            let bound = match ty {
                DataType::Char(length) | DataType::VarChar(length) => Some(*length as usize),
                _ => None,
            };
            let expected = "a number of characters, at most those of the type";
            let length = given.parse("length", expected, |text| {
                text.parse().ok().filter(|length| bound.is_none_or(|bound| *length <= bound))
            })?;
            let default = match ty {
                DataType::Char(_) => bound.unwrap_or(TEXT_BYTES),
                _ => bound.unwrap_or(TEXT_BYTES).min(TEXT_BYTES),
            };
            let varies = given.parse("var-len", "true or false", |text| text.parse().ok())?;
            Kind::Text { length: length.unwrap_or(default), varies: varies.unwrap_or(false) }
        }
        DataType::Timestamp(_) | DataType::TimestampLtz(_) | DataType::Date | DataType::Time(_) => {
            let past = given.parse("max-past", "a time such as '10 s' or '500 ms'", duration)?;
            Kind::Moment { max_past_ns: past.unwrap_or(0) }
        }
        other => {
            let expected = format!("datagen makes no values of {other}");
            return Err(given.wrong("kind", expected));
        }
    };
    debug_assert!(!is_nested(ty));
    Ok((kind, None))
}

fn number(given: &mut Given<'_>, min: i128, max: i128) -> Result<(Kind, Option<u64>), OptionError> {
    let (from, to) = (given.units("min")?.unwrap_or(min), given.units("max")?.unwrap_or(max));
    match from <= to {
        true => Ok((Kind::Number { min: from, max: to }, None)),
        false => Err(given.wrong("min", "it is more than max")),
    }
}

fn sequence(given: &mut Given<'_>) -> Result<(Kind, Option<u64>), OptionError> {
    let is_number = given.ty.is_integer() || matches!(given.ty, DataType::Decimal { .. });
    let ends = |given: &mut Given<'_>, option| {
        let found = if is_number {
            given.units(option)?
        } else if given.ty.is_text() || given.ty.is_numeric() {
            given.parse(option, "a whole number", |text| text.parse::<i64>().ok())?.map(i128::from)
        } else {
            return Err(given.wrong("kind", format!("{} has no sequence: random", given.ty)));
        };
        found.ok_or_else(|| given.wrong(option, "a sequence needs a start and an end"))
    };
    let (start, end) = (ends(given, "start")?, ends(given, "end")?);
    // Of decimals each step is a whole one.
    let step = step(given.ty);
    if start > end {
        return Err(given.wrong("start", "it is more than the end"));
    }
    let count = u64::try_from((end - start) / step + 1).unwrap_or(u64::MAX);
    Ok((Kind::Sequence { start }, Some(count)))
}

fn step(ty: &DataType) -> i128 {
    match ty {
        DataType::Decimal { scale, .. } => 10_i128.pow((*scale).into()),
        _ => 1,
    }
}

impl Maker {
    fn put(
        &self,
        seed: u64,
        row_number: u64,
        time: i64,
        row: &mut RowWriter<'_>,
        text: &mut Vec<u8>,
    ) -> Result<(), Bad> {
        let mut random = Random::of(seed, row_number, self.number);
        if self.null_rate > 0.0 && random.fraction() < self.null_rate {
            row.null(&self.slot);
            return Ok(());
        }
        let number = |units: i128| match self.ty {
            DataType::Float | DataType::Double => Scalar::Float(units as f64),
            DataType::Decimal { precision: 19.., .. } => Scalar::Wide(units),
            _ => Scalar::Int(units as i64),
        };
        let scalar = match self.kind {
            Kind::Bool => Scalar::Bool(random.bits() >> 63 != 0),
            Kind::Number { min, max } => number(random.between(min, max)),
            Kind::Float { min, max } => {
                let part = random.fraction();
                Scalar::Float((1.0 - part) * min + part * max)
            }
            Kind::Sequence { start } => {
                let units = start + i128::from(row_number) * step(&self.ty);
                match self.ty.is_text() {
                    true => {
                        use std::io::Write;
                        text.clear();
                        // A vector takes whatever is written.
                        let _ = write!(text, "{units}");
                        Scalar::Bytes(text)
                    }
                    false => number(units),
                }
            }
            Kind::Text { length, varies } => {
                let length = match varies {
                    true => 1 + random.below(length as u64) as usize,
                    false => length,
                };
                text.clear();
                while text.len() < length {
                    let bits = random.bits();
                    for nibble in 0..16.min(length - text.len()) {
                        let digit = (bits >> (4 * nibble)) as usize & 15;
                        text.push(b"0123456789abcdef"[digit]);
                    }
                }
                Scalar::Bytes(text)
            }
            Kind::Moment { max_past_ns } => {
                let past = random.below(max_past_ns.saturating_add(1));
                let at = time.saturating_sub_unsigned(past);
                Scalar::Int(match self.ty {
                    DataType::Date => at.div_euclid(86_400_000_000_000),
                    DataType::Time(digits) => cut(at.rem_euclid(86_400_000_000_000), digits),
                    DataType::Timestamp(digits) | DataType::TimestampLtz(digits) => cut(at, digits),
                    _ => at,
                })
            }
        };
        scalar.put(row, &self.slot)
    }
}

impl TableReader for Datagen {
    fn read(&mut self, row: &mut [u8]) -> Result<Read, TableError> {
        if self.rows.is_some_and(|rows| self.next >= rows) {
            return Ok(Read::End);
        }
        let number = self.next;
        let Some(time) = self.times.at(number) else { return Ok(Read::End) };
        self.next += 1;
        let mut writer = RowWriter::new(row, &self.columns.layout);
        for (maker, column) in self.makers.iter().zip(&self.columns.columns) {
            let put = maker.put(self.seed, number, time, &mut writer, &mut self.text);
            put.map_err(|bad| TableError::Input {
                place: format!("datagen: row {}", number + 1),
                problem: bad.explain(&column.field.name, &maker.ty, &self.text),
            })?;
        }
        Ok(Read::Row { received: Some(time), partition: 0 })
    }

    fn fraction_read(&self) -> Option<f64> {
        self.rows.map(|rows| self.next as f64 / rows.max(1) as f64)
    }
}

#[cfg(test)]
mod tests;

//! A small table with NULLs and disorder, and its values as the model sees them.

use std::cmp::Ordering;
use std::fmt::Write as _;

use tidewire_event::text;
use tidewire_tests::dice::Dice;

/// A value. Numbers have a scale, which is 0 of whole numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum V {
    Null,
    Bool(bool),
    Number(i128, u8),
    Text(String),
}

/// A type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ty {
    Bool,
    Int,
    BigInt,
    /// Precision and scale.
    Decimal(u8, u8),
    Text,
}

/// Places of columns in a row.
pub(super) const COLUMNS: [(&str, Ty); 7] = [
    ("id", Ty::Int),
    ("k", Ty::Text),
    ("g", Ty::Int),
    ("a", Ty::Int),
    ("b", Ty::BigInt),
    ("d", Ty::Decimal(10, 2)),
    ("f", Ty::Bool),
];

/// 2024-03-01 00:00:00, ms.
const START_MS: i64 = 1_709_251_200_000;
const NS_OF_MS: i64 = 1_000_000;

/// A row, with its time.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) values: Vec<V>,
    pub(super) ts_ms: i64,
}

/// The rows in the order of their arrival.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) rows: Vec<Row>,
    /// How far the watermark is behind.
    pub(super) delay_ms: i64,
}

impl V {
    /// The number, where it is one.
    pub(super) fn number(&self) -> Option<i128> {
        match self {
            Self::Number(number, _) => Some(*number),
            _ => None,
        }
    }

    /// How two values of one type compare; nothing if one is NULL.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(a, of_a), Self::Number(b, of_b)) => {
                let scale = (*of_a).max(*of_b);
                Some(scaled(*a, *of_a, scale).cmp(&scaled(*b, *of_b, scale)))
            }
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            _ => None,
        }
    }

    /// In the text form of answers.
    pub(super) fn shown(&self) -> String {
        let mut out = String::new();
        match self {
            Self::Null => {}
            Self::Bool(value) => out = value.to_string(),
            Self::Number(value, scale) => text::write_decimal(&mut out, *value, *scale).unwrap(),
            Self::Text(value) => out = format!("\"{}\"", value.replace('"', "\"\"")),
        }
        out
    }
}

/// A number with more digits behind the point.
pub(super) fn scaled(number: i128, from: u8, to: u8) -> i128 {
    number * 10_i128.pow((to - from).into())
}

/// A quotient, rounded half away from zero.
pub(super) fn rounded(number: i128, by: i128) -> i128 {
    let (quotient, rest) = (number / by, number % by);
    let away = if (number < 0) == (by < 0) { 1 } else { -1 };
    if rest.abs() * 2 >= by.abs() { quotient + away } else { quotient }
}

/// A time in the text form of answers.
pub(super) fn shown_time(ms: i64) -> String {
    let mut out = String::new();
    text::write_timestamp(&mut out, ms * NS_OF_MS, 3, ' ').unwrap();
    out
}

impl Table {
    pub(super) fn new(dice: &mut Dice) -> Self {
        let count = 1 + dice.below(60);
        let step_ms = dice.pick(&[1, 40, 300, 1_500]);
        let disorder_ms = dice.pick(&[0, 0, 500, 3_000, 20_000]);
        let delay_ms = dice.pick(&[0, 1, 500, 2_000, 30_000]);
        let mut now = START_MS + dice.below(60_000).cast_signed();
        let rows = (0..count.cast_signed()).map(|id| {
            now += match dice.below(12) {
                // A gap, and ties.
                0 => dice.below(20_000),
                1 | 2 => 0,
                _ => dice.below(step_ms),
            }
            .cast_signed();
            let ts_ms = now - dice.below(disorder_ms).cast_signed();
            let unit = dice.pick(&[1, 1, 100, 1_000]);
            Row { values: values(dice, id), ts_ms: ts_ms.div_euclid(unit) * unit }
        });
        Self { rows: rows.collect(), delay_ms }
    }

    /// As a file of CSV.
    pub(super) fn csv(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            for value in &row.values {
                let _ = match value {
                    V::Null => write!(text, "NULL,"),
                    V::Text(value) => write!(text, "{value},"),
                    value => write!(text, "{},", value.shown()),
                };
            }
            let _ = writeln!(text, "{}", shown_time(row.ts_ms));
        }
        text
    }

    /// The statement that declares it.
    pub(super) fn declared(&self, path: &str) -> String {
        format!(
            "CREATE TABLE t (id INT, k STRING, g INT, a INT, b BIGINT, d DECIMAL(10, 2), f BOOLEAN, ts TIMESTAMP(3),\n\
             WATERMARK FOR ts AS ts - INTERVAL '{}.{:03}' SECOND)\n\
             WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv', 'csv.null-literal' = 'NULL');\n",
            self.delay_ms / 1_000,
            self.delay_ms % 1_000
        )
    }

    /// Each row with the watermark before it.
    pub(super) fn with_watermarks(&self) -> impl Iterator<Item = (&Row, i64)> {
        let mut newest = i64::MIN / 2;
        self.rows.iter().map(move |row| {
            let watermark = newest - self.delay_ms;
            newest = newest.max(row.ts_ms);
            (row, watermark)
        })
    }
}

fn values(dice: &mut Dice, id: i64) -> Vec<V> {
    let number = |number: i64, scale| V::Number(number.into(), scale);
    let k = dice.pick(&["", "a", "b", "B", "ab", "é", "long enough not to be short"]);
    let a = dice.pick(&[0, 1, -1, 2, 7, 100, -3_000, 46_000]);
    let b = dice.pick(&[0, 1, -5, 12, 1_000_000_007, -(1 << 40)]);
    let mut values = vec![
        number(id, 0),
        V::Text(k.to_owned()),
        number(dice.below(3).cast_signed(), 0),
        number(a, 0),
        number(b, 0),
        number(dice.below(200_000).cast_signed() - 100_000, 2),
        V::Bool(dice.below(2) == 0),
    ];
    for value in &mut values[1..] {
        if dice.below(6) == 0 {
            *value = V::Null;
        }
    }
    values
}

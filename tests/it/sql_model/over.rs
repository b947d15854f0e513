//! Random queries with OVER, and their rows by going through all rows for each.

use tidewire_tests::dice::Dice;

use super::data::{Row, Table};
use super::expr::condition;
use super::window::{Call, key_of, names, some_keys};

#[derive(Debug, Clone, Copy)]
enum Frame {
    Range(Option<i64>),
    Rows(Option<usize>),
}

impl Frame {
    fn new(dice: &mut Dice) -> Self {
        match dice.below(5) {
            0 => Self::Range(None),
            1 | 2 => Self::Range(Some(dice.pick(&[1_000, 3_500, 20_000]))),
            3 => Self::Rows(None),
            _ => Self::Rows(Some(1 + dice.below(5) as usize)),
        }
    }

    fn sql(self) -> String {
        let (word, length) = match self {
            Self::Range(None) => ("RANGE", "UNBOUNDED".to_owned()),
            Self::Range(Some(ms)) => {
                ("RANGE", format!("INTERVAL '{}.{:03}' SECOND", ms / 1_000, ms % 1_000))
            }
            Self::Rows(None) => ("ROWS", "UNBOUNDED".to_owned()),
            Self::Rows(Some(rows)) => ("ROWS", rows.to_string()),
        };
        format!("{word} BETWEEN {length} PRECEDING AND CURRENT ROW")
    }

    /// The rows of the frame that ends with the row at `at`, of rows in their order.
    fn of<'t>(self, rows: &[&'t Row], at: usize) -> Vec<&'t Row> {
        let ts = rows[at].ts_ms;
        match self {
            Self::Range(length) => {
                let is_in = |row: &&&Row| {
                    row.ts_ms <= ts && length.is_none_or(|length| row.ts_ms >= ts - length)
                };
                rows.iter().filter(is_in).copied().collect()
            }
            Self::Rows(before) => {
                let from = before.map_or(0, |before| at.saturating_sub(before));
                rows[from..=at].to_vec()
            }
        }
    }
}

/// A query, with its rows.
pub(super) fn query(dice: &mut Dice, table: &Table) -> (String, Vec<String>) {
    let (frame, keys) = (Frame::new(dice), some_keys(dice));
    let calls: Vec<_> = (0..1 + dice.below(3)).map(|_| Call::new(dice, true)).collect();
    let filter = (dice.below(3) == 0).then(|| condition(dice));
    let in_time = table.with_watermarks().filter(|(row, watermark)| row.ts_ms > *watermark);
    let mut rows: Vec<_> = in_time.map(|(row, _)| row).collect();
    rows.retain(|row| filter.as_ref().is_none_or(|filter| filter.holds(row)));
    rows.sort_by_key(|row| row.ts_ms);
    let mut answers = Vec::new();
    for row in &rows {
        let same = |other: &&&Row| key_of(other, &keys) == key_of(row, &keys);
        let of_key: Vec<_> = rows.iter().filter(same).copied().collect();
        let Some(at) = of_key.iter().position(|other| std::ptr::eq(*other, *row)) else { continue };
        let framed = frame.of(&of_key, at);
        let cells = calls.iter().map(|call| call.over(&framed).shown());
        let cells: Vec<_> = [row.values[0].shown()].into_iter().chain(cells).collect();
        answers.push(cells.join(","));
    }
    let by = match keys.is_empty() {
        true => String::new(),
        false => format!("PARTITION BY {} ", names(&keys).join(", ")),
    };
    let called: Vec<_> =
        calls.iter().enumerate().map(|(n, call)| format!("{} OVER w AS c{n}", call.sql)).collect();
    let condition = filter.map_or(String::new(), |filter| format!(" WHERE {}", filter.sql));
    let sql = format!(
        "SELECT id, {} FROM t{condition} WINDOW w AS ({by}ORDER BY ts {})",
        called.join(", "),
        frame.sql()
    );
    (sql, answers)
}

//! Random queries over windows, and their rows by going through all rows for each.

use std::collections::BTreeMap;

use tidewire_tests::dice::Dice;

use super::data::{COLUMNS, Row, Table, Ty, V, rounded, scaled, shown_time};
use super::expr::{Made, column, condition};

/// Columns that are numbers.
const NUMBERS: [usize; 4] = [0, 3, 4, 5];

/// An aggregate call.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) sql: String,
    name: &'static str,
    of: Option<Made>,
    filter: Option<Made>,
    is_distinct: bool,
}

impl Call {
    pub(super) fn new(dice: &mut Dice, is_over: bool) -> Self {
        let name = dice.pick(&["COUNT(*)", "COUNT", "SUM", "MIN", "MAX", "AVG"]);
        let filter = (!is_over && dice.below(5) == 0).then(|| condition(dice));
        let of = (name != "COUNT(*)").then(|| column(dice.pick(&NUMBERS)));
        let is_distinct = !is_over && name == "COUNT" && dice.below(2) == 0;
        let distinct = if is_distinct { "DISTINCT " } else { "" };
        let mut sql = match &of {
            None => name.to_owned(),
            Some(of) => format!("{name}({distinct}{})", of.sql),
        };
        if let Some(filter) = &filter {
            sql = format!("{sql} FILTER (WHERE {})", filter.sql);
        }
        Self { sql, name, of, filter, is_distinct }
    }

    /// What it comes to over rows.
    pub(super) fn over(&self, rows: &[&Row]) -> V {
        let counts = |row: &&&Row| self.filter.as_ref().is_none_or(|filter| filter.holds(row));
        let rows = rows.iter().filter(counts);
        let Some(of) = &self.of else { return V::Number(rows.count() as i128, 0) };
        let mut values: Vec<_> = rows.filter_map(|row| of.of(row).number()).collect();
        if self.is_distinct {
            values.sort_unstable();
            values.dedup();
        }
        let scale = match of.ty {
            Ty::Decimal(_, scale) => scale,
            _ => 0,
        };
        let sum: i128 = values.iter().sum();
        let count = values.len() as i128;
        match self.name {
            "COUNT" => V::Number(count, 0),
            _ if values.is_empty() => V::Null,
            "SUM" => V::Number(sum, scale),
            "MIN" => values.iter().min().map_or(V::Null, |least| V::Number(*least, scale)),
            "MAX" => values.iter().max().map_or(V::Null, |most| V::Number(*most, scale)),
            _ if scale == 0 => V::Number(sum / count, 0),
            _ => V::Number(rounded(scaled(sum, scale, 6), count), 6),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Tumble { size: i64, offset: i64 },
    Hop { slide: i64, size: i64 },
    Cumulate { step: i64, size: i64 },
    Session { gap: i64 },
}

impl Kind {
    fn new(dice: &mut Dice) -> Self {
        let unit = dice.pick(&[1_000, 2_000, 7_000]);
        let times = 1 + dice.below(5).cast_signed();
        match dice.below(4) {
            0 => Self::Tumble { size: unit * times, offset: dice.pick(&[0, 0, 500, -300]) },
            1 => Self::Hop { slide: unit, size: unit * times },
            2 => Self::Cumulate { step: unit, size: unit * times },
            _ => Self::Session { gap: dice.pick(&[400, 1_000, 5_000]) },
        }
    }

    /// The windows of a time.
    fn windows(self, ts: i64) -> Vec<(i64, i64)> {
        let floor = |by: i64| ts.div_euclid(by) * by;
        match self {
            Self::Tumble { size, offset } => {
                let start = (ts - offset).div_euclid(size) * size + offset;
                vec![(start, start + size)]
            }
            Self::Hop { slide, size } => {
                let first = (0..size / slide).map(|back| floor(slide) - back * slide);
                first.map(|start| (start, start + size)).filter(|(_, end)| *end > ts).collect()
            }
            Self::Cumulate { step, size } => {
                let start = floor(size);
                let ends = (1..=size / step).map(|steps| start + steps * step);
                ends.filter(|end| *end > ts).map(|end| (start, end)).collect()
            }
            Self::Session { gap } => vec![(ts, ts + gap)],
        }
    }

    fn sql(self, from: &str, keys: &[usize]) -> String {
        let length = |ms: i64| {
            let sign = if ms < 0 { "-" } else { "" };
            format!("INTERVAL '{sign}{}.{:03}' SECOND", ms.abs() / 1_000, ms.abs() % 1_000)
        };
        match self {
            Self::Tumble { size, offset: 0 } => {
                format!("TUMBLE({from}, DESCRIPTOR(ts), {})", length(size))
            }
            Self::Tumble { size, offset } => {
                format!("TUMBLE({from}, DESCRIPTOR(ts), {}, {})", length(size), length(offset))
            }
            Self::Hop { slide, size } => {
                format!("HOP({from}, DESCRIPTOR(ts), {}, {})", length(slide), length(size))
            }
            Self::Cumulate { step, size } => {
                format!("CUMULATE({from}, DESCRIPTOR(ts), {}, {})", length(step), length(size))
            }
            Self::Session { gap } if keys.is_empty() => {
                format!("SESSION({from}, DESCRIPTOR(ts), {})", length(gap))
            }
            Self::Session { gap } => {
                let by = names(keys).join(", ");
                format!("SESSION({from} PARTITION BY {by}, DESCRIPTOR(ts), {})", length(gap))
            }
        }
    }
}

/// Some of the columns that rows are grouped by.
pub(super) fn some_keys(dice: &mut Dice) -> Vec<usize> {
    [1, 2, 6].into_iter().filter(|_| dice.below(3) == 0).collect()
}

pub(super) fn names(columns: &[usize]) -> Vec<&'static str> {
    columns.iter().map(|at| COLUMNS[*at].0).collect()
}

/// The values of some columns, as they are shown: so NULL is a key of its own.
pub(super) fn key_of(row: &Row, keys: &[usize]) -> Vec<String> {
    keys.iter().map(|at| row.values[*at].shown()).collect()
}

/// A query, with its rows.
pub(super) fn query(dice: &mut Dice, table: &Table) -> (String, Vec<String>) {
    let (kind, keys) = (Kind::new(dice), some_keys(dice));
    // One DISTINCT at most: a step has no room for the values of two.
    let mut calls: Vec<Call> = Vec::new();
    for _ in 0..1 + dice.below(4) {
        let call = Call::new(dice, false);
        if !call.is_distinct || !calls.iter().any(|other| other.is_distinct) {
            calls.push(call);
        }
    }
    let filter = (dice.below(3) == 0).then(|| condition(dice));
    let least = (dice.below(3) == 0).then(|| 1 + dice.below(3) as i128);
    let passes = |row: &Row| filter.as_ref().is_none_or(|filter| filter.holds(row));
    // What a call filters by is worked out for each row, and a fault of any is one of the job.
    for row in table.rows.iter().filter(|row| passes(row)) {
        calls
            .iter()
            .filter_map(|call| call.filter.as_ref())
            .for_each(|filter| drop(filter.of(row)));
    }
    let groups = match kind {
        Kind::Session { gap } => sessions(table, gap, &keys, passes),
        kind => aligned(table, kind, &keys, passes),
    };
    let rows =
        groups.iter().filter(|(_, rows)| least.is_none_or(|least| rows.len() as i128 > least));
    let rows = rows.map(|((start, end, _), rows)| {
        let mut cells: Vec<_> = key_of(rows[0], &keys);
        cells.extend([shown_time(*start), shown_time(*end)]);
        cells.extend(calls.iter().map(|call| call.over(rows).shown()));
        cells.join(",")
    });

    // The condition stands in a view below the window, or behind it where that is the same.
    let is_within = matches!(kind, Kind::Session { .. }) || dice.below(2) == 0;
    let condition = filter.as_ref().map(|filter| format!(" WHERE {}", filter.sql));
    let condition = condition.unwrap_or_default();
    let (view, from, behind) = match (condition.is_empty(), is_within) {
        (true, _) => (String::new(), "TABLE t", String::new()),
        (false, true) => {
            let view = format!("CREATE TEMPORARY VIEW some AS SELECT * FROM t{condition};\n");
            (view, "TABLE some", String::new())
        }
        (false, false) => (String::new(), "TABLE t", condition),
    };
    let group = [names(&keys), vec!["window_start", "window_end"]].concat().join(", ");
    let having = least.map_or(String::new(), |least| format!(" HAVING COUNT(*) > {least}"));
    let called: Vec<_> =
        calls.iter().enumerate().map(|(n, call)| format!("{} AS c{n}", call.sql)).collect();
    let sql = format!(
        "{view}SELECT {group}, {} FROM TABLE({}){behind} GROUP BY {group}{having}",
        called.join(", "),
        kind.sql(from, &keys)
    );
    (sql, rows.collect())
}

/// The rows of each window and key; a session has a number too, since those of a key may overlap.
type Groups<'t> = Vec<((i64, i64, usize), Vec<&'t Row>)>;

fn aligned<'t>(
    table: &'t Table,
    kind: Kind,
    keys: &[usize],
    passes: impl Fn(&Row) -> bool,
) -> Groups<'t> {
    let mut groups: BTreeMap<_, Vec<&Row>> = BTreeMap::new();
    for (row, watermark) in table.with_watermarks().filter(|(row, _)| passes(row)) {
        let open = kind.windows(row.ts_ms).into_iter().filter(|(_, end)| end - 1 > watermark);
        for (start, end) in open {
            groups.entry((start, end, key_of(row, keys))).or_default().push(row);
        }
    }
    groups.into_iter().map(|((start, end, _), rows)| ((start, end, 0), rows)).collect()
}

fn sessions<'t>(
    table: &'t Table,
    gap: i64,
    keys: &[usize],
    passes: impl Fn(&Row) -> bool,
) -> Groups<'t> {
    let mut open: BTreeMap<Vec<String>, Vec<(i64, i64, Vec<&Row>)>> = BTreeMap::new();
    let mut closed = Vec::new();
    let mut close = |open: &mut Vec<(i64, i64, Vec<&'t Row>)>, watermark: i64| {
        for at in (0..open.len()).rev() {
            if open[at].1 - 1 <= watermark {
                let (start, end, rows) = open.remove(at);
                closed.push(((start, end, 0), rows));
            }
        }
    };
    for (row, watermark) in table.with_watermarks().filter(|(row, _)| passes(row)) {
        let open = open.entry(key_of(row, keys)).or_default();
        close(open, watermark);
        let touched = |session: &(i64, i64, Vec<&Row>)| {
            session.0 <= row.ts_ms + gap && row.ts_ms <= session.1
        };
        let (mut start, mut end, mut rows) = (row.ts_ms, row.ts_ms + gap, vec![row]);
        if !open.iter().any(touched) && end - 1 <= watermark {
            continue;
        }
        for at in (0..open.len()).rev() {
            if touched(&open[at]) {
                let (other_start, other_end, more) = open.remove(at);
                (start, end) = (start.min(other_start), end.max(other_end));
                rows.extend(more);
            }
        }
        open.push((start, end, rows));
    }
    open.values_mut().for_each(|open| close(open, i64::MAX));
    closed
}

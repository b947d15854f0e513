//! Texts of SQL: any at all, and valid queries with tokens changed, which are run if they are still valid.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use tidewire::runtime::{Options, Threads};
use tidewire::sql::{SqlJob, SqlRunError};
use tidewire_connect::tables::{Columns, TableError, TableWriter};
use tidewire_event::Value;

/// Tokens that take the place of others, beside those of the query itself.
const TOKENS: [&str; 56] = [
    "NULL",
    "0",
    "1",
    "-1",
    "2147483648",
    "9223372036854775807",
    "1e300",
    "0.0",
    "99999999999999999.99",
    "''",
    "'x'",
    "'é'",
    "'9999-12-31 23:59:59'",
    "DATE '0001-01-01'",
    "TIMESTAMP '1969-12-31 23:59:59.999'",
    "INTERVAL '3' SECOND",
    "INTERVAL '-1' DAY",
    "INTERVAL '2' MONTH",
    "(",
    ")",
    ",",
    "*",
    "+",
    "-",
    "/",
    "%",
    "||",
    "=",
    "<>",
    "<",
    ".",
    "[",
    "]",
    "AND",
    "OR",
    "NOT",
    "IS",
    "IN",
    "BETWEEN",
    "LIKE",
    "CASE",
    "WHEN",
    "END",
    "CAST",
    "AS",
    "DISTINCT",
    "GROUP",
    "BY",
    "WHERE",
    "SELECT",
    "FROM",
    "OVER",
    "COUNT",
    "SUM",
    "ts",
    "EMIT ON ARRIVAL",
];
/// Changes of a query at most.
const CHANGES_MAX: usize = 6;
/// Bytes that say what is changed: what, where, and by what.
const CHANGE_BYTES: usize = 5;
/// A query takes no more state than this.
const STATE_BYTES_MAX: usize = 64 << 20;

/// Any text.
pub fn sql_text(bytes: &[u8]) {
    read(&String::from_utf8_lossy(bytes));
}

/// The first byte picks a query that Flink has answered, and each five behind it change a token of it. It is read, and run
/// over a few invented rows.
pub fn sql_mutations(bytes: &[u8]) {
    let Some((pick, changes)) = bytes.split_first_chunk::<2>() else { return };
    let queries = queries();
    let Some(query) = queries.get(usize::from(u16::from_le_bytes(*pick)) % queries.len()) else {
        return;
    };
    let mut tokens: Vec<&str> = tokens(query);
    for change in changes.chunks_exact(CHANGE_BYTES).take(CHANGES_MAX) {
        apply(&mut tokens, change);
    }
    let text = format!("{}\n{}", invented(), tokens.concat());
    let Some(job) = read(&text) else { return };
    let options = Options {
        threads: Threads::Inline,
        state_bytes_max: STATE_BYTES_MAX,
        ..Options::default()
    };
    let shown = |columns: &Columns| -> Box<dyn TableWriter> { Box::new(ReadBack(columns.clone())) };
    match crate::sql::run(job, &options, &shown) {
        Ok(_) => {}
        Err(SqlRunError::Sql(error)) => check_place(&text, error.at),
        Err(SqlRunError::Fault { fault, .. }) => check_place(&text, fault.at),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Reads and explains a job. If that fails, the error points into the text.
fn read(text: &str) -> Option<SqlJob> {
    let explained = SqlJob::read(text, &BTreeMap::new()).and_then(|job| {
        job.answers()?;
        job.explain()?;
        Ok(job)
    });
    match explained {
        Ok(job) => Some(job),
        Err(SqlRunError::Sql(error)) => {
            check_place(text, error.at);
            assert!(error.with_text("job.sql", text).starts_with("job.sql"));
            None
        }
        Err(error) => unreachable!("nothing runs yet: {error}"),
    }
}

/// A place is none, or within the text; the end of a line counts.
fn check_place(text: &str, at: tidewire_sql::Span) {
    if at == tidewire_sql::Span::NONE {
        return;
    }
    let line = text.split('\n').nth((at.line as usize).wrapping_sub(1));
    let Some(line) = line else { unreachable!("{at}, of {} lines", text.split('\n').count()) };
    let columns = line.chars().count() + 1;
    assert!((1..=columns).contains(&(at.column as usize)), "{at}: {line}");
    let end = at.end as usize;
    assert!(end == 0 || (at.column as usize..=columns).contains(&end), "{at} to {end}: {line}");
}

/// Reads the rows that are shown.
struct ReadBack(Columns);

impl TableWriter for ReadBack {
    fn row(&mut self, row: &[u8]) -> Result<(), TableError> {
        for (column, slot) in self.0.columns.iter().zip(self.0.layout.slots()) {
            let value = Value::read(row, slot, &column.field.ty);
            assert!(value.is_some(), "{} can not be read back", column.field);
        }
        Ok(())
    }

    fn prepare(&mut self, _: u64) -> Result<Option<Vec<u8>>, TableError> {
        Ok(None)
    }

    fn commit(&mut self, _: u64) -> Result<(), TableError> {
        Ok(())
    }

    fn restore(&mut self, _: &[u8]) -> Result<(), TableError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), TableError> {
        Ok(())
    }
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/flink"))
}

/// The queries that Flink has answered, in the order of their names.
pub(super) fn queries() -> &'static [String] {
    static QUERIES: OnceLock<Vec<String>> = OnceLock::new();
    QUERIES.get_or_init(|| {
        let entries = fs::read_dir(folder().join("queries")).into_iter().flatten();
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        paths.iter().filter_map(|path| fs::read_to_string(path).ok()).collect()
    })
}

/// The tables that the queries are over, but for nested ones, with a few invented rows.
fn invented() -> &'static str {
    static TABLES: OnceLock<String> = OnceLock::new();
    TABLES.get_or_init(|| {
        let tables = fs::read_to_string(folder().join("tables.sql")).unwrap_or_default();
        let tables = tables.split_inclusive(';').filter(|table| !table.contains("TABLE nested"));
        let invented = tables.filter_map(|table| table.split_once(") WITH (")).map(|(head, _)| {
            format!(
                "{head}) WITH ('connector' = 'datagen', 'number-of-rows' = '24', 'rows-per-second' = '1');"
            )
        });
        invented.collect()
    })
}

/// The tokens of a query, blanks and comments too.
fn tokens(query: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = query;
    while let Some(first) = rest.chars().next() {
        let run = |is: fn(char) -> bool| rest.find(|c| !is(c)).unwrap_or(rest.len());
        let length = match first {
            '\'' | '`' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            c if c.is_whitespace() => run(char::is_whitespace),
            c if c.is_alphanumeric() => run(|c| c.is_alphanumeric() || c == '_'),
            c => c.len_utf8(),
        };
        let (token, behind) = rest.split_at(length);
        tokens.push(token);
        rest = behind;
    }
    tokens
}

/// Drops, doubles, swaps or replaces a token.
fn apply(tokens: &mut Vec<&str>, change: &[u8]) {
    let &[what, at_low, at_high, by_low, by_high] = change else { return };
    let is_blank = |token: &str| token.starts_with("--") || token.trim().is_empty();
    let places: Vec<_> = (0..tokens.len()).filter(|at| !is_blank(tokens[*at])).collect();
    if places.is_empty() {
        return;
    }
    let at = places[usize::from(u16::from_le_bytes([at_low, at_high])) % places.len()];
    let by = usize::from(u16::from_le_bytes([by_low, by_high]));
    let other = places[by % places.len()];
    match what % 8 {
        0 => tokens[at] = " ",
        1 => {
            let token = tokens[at];
            tokens.splice(at..at, [token, " "]);
        }
        2 => tokens.swap(at, other),
        3 | 4 => tokens[at] = tokens[other],
        5 => {
            let token = TOKENS[by % TOKENS.len()];
            tokens.splice(at..at, [" ", token, " "]);
        }
        _ => tokens[at] = TOKENS[by % TOKENS.len()],
    }
}

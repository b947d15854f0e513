//! Queries that Apache Flink has answered: see `tests/flink/README.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tidewire::runtime::Options;
use tidewire::sql::SqlJob;
use tidewire_connect::tables::{Columns, TableError, TableWriter};
use tidewire_event::{DataType, Value, text};
use tidewire_tests::sql::run;

/// The folder of queries, tables and answers.
pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("flink")
}

/// The names of all queries, in order.
pub(super) fn queries() -> Vec<String> {
    let entries = fs::read_dir(folder().join("queries")).unwrap_or_else(|error| panic!("{error}"));
    let stem = |path: PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
    let mut names: Vec<_> = entries.filter_map(|entry| stem(entry.ok()?.path())).collect();
    names.sort();
    names
}

/// Our answer to a query, in the text form: the types of its columns, then its rows in order.
///
/// # Errors
/// What the job says is wrong.
pub(super) fn answer(name: &str, options: &Options) -> Result<Vec<String>, String> {
    let folder = folder();
    let read =
        |path: &str| fs::read_to_string(folder.join(path)).map_err(|error| error.to_string());
    let tables = read("tables.sql")?.replace("${DATA}", &folder.join("data").display().to_string());
    rows_of(&format!("{tables}\n{}", read(&format!("queries/{name}.sql"))?), options)
}

/// The rows that a job shows, in the text form: the types of their columns, then the rows in order.
///
/// # Errors
/// What the job says is wrong.
pub(crate) fn rows_of(text: &str, options: &Options) -> Result<Vec<String>, String> {
    let job = SqlJob::read(text, &BTreeMap::new()).map_err(|error| error.to_string())?;
    let lines = Arc::new(Mutex::new((String::new(), Vec::new())));
    let shown = |columns: &Columns| -> Box<dyn TableWriter> {
        let names = columns
            .columns
            .iter()
            .map(|column| format!("{} {}", column.field.name, column.field.ty));
        lock(&lines).0 = names.collect::<Vec<_>>().join(",");
        Box::new(Lines { columns: columns.clone(), lines: Arc::clone(&lines) })
    };
    run(job, options, &shown).map_err(|error| error.to_string())?;
    let (head, mut rows) = std::mem::take(&mut *lock(&lines));
    rows.sort();
    rows.insert(0, head);
    Ok(rows)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes rows in the text form.
struct Lines {
    columns: Columns,
    lines: Arc<Mutex<(String, Vec<String>)>>,
}

impl TableWriter for Lines {
    fn row(&mut self, row: &[u8]) -> Result<(), TableError> {
        let mut line = String::new();
        for (at, column) in self.columns.columns.iter().enumerate() {
            if at > 0 {
                line.push(',');
            }
            let slot = self.columns.layout.slots()[at];
            match Value::read(row, &slot, &column.field.ty) {
                Some(value) => write_value(&mut line, &value, &column.field.ty),
                None => line.push_str("(broken)"),
            }
        }
        lock(&self.lines).1.push(line);
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

fn write_value(out: &mut String, value: &Value, ty: &DataType) {
    let written = match (value, ty) {
        (Value::Null, _) => Ok(()),
        (Value::Bool(value), _) => write!(out, "{value}"),
        (Value::Int(value), DataType::Decimal { scale, .. }) => {
            text::write_decimal(out, (*value).into(), *scale)
        }
        (Value::Wide(value), DataType::Decimal { scale, .. }) => {
            text::write_decimal(out, *value, *scale)
        }
        (Value::Int(value), DataType::Date) => text::write_date(out, *value),
        (Value::Int(value), DataType::Time(digits)) => text::write_time(out, *value, *digits),
        (Value::Int(value), DataType::Timestamp(digits)) => {
            text::write_timestamp(out, *value, *digits, ' ')
        }
        (Value::Int(value), DataType::TimestampLtz(digits)) => {
            text::write_timestamp(out, *value, *digits, ' ').and_then(|()| write!(out, "Z"))
        }
        (Value::Int(value), _) => write!(out, "{value}"),
        (Value::Float(value), DataType::Float) => {
            write_float(out, *value, &format!("{:e}", *value as f32))
        }
        (Value::Float(value), _) => write_float(out, *value, &format!("{value:e}")),
        (Value::Bytes(bytes), DataType::Bytes) => {
            out.push_str("x'");
            bytes.iter().for_each(|byte| _ = write!(out, "{byte:02x}"));
            write!(out, "'")
        }
        (Value::Bytes(bytes), _) => {
            write!(out, "\"{}\"", String::from_utf8_lossy(bytes).replace('"', "\"\""))
        }
        (Value::List(items), DataType::Array(of)) => {
            list(out, ['[', ']'], items.iter().map(|item| shown(item, of)));
            Ok(())
        }
        (Value::List(items), DataType::Row(fields)) => {
            list(
                out,
                ['(', ')'],
                items.iter().zip(fields).map(|(item, field)| shown(item, &field.ty)),
            );
            Ok(())
        }
        (Value::Map(entries), DataType::Map(key, item)) => {
            let mut entries: Vec<_> = entries
                .iter()
                .map(|(k, v)| format!("{}={}", shown(k, key), shown(v, item)))
                .collect();
            entries.sort();
            list(out, ['{', '}'], entries.into_iter());
            Ok(())
        }
        (value, ty) => write!(out, "({value:?} as {ty})"),
    };
    debug_assert!(written.is_ok());
}

/// As Java writes it: plain from a thousandth to ten million, with an exponent else.
fn write_float(out: &mut String, value: f64, scientific: &str) -> std::fmt::Result {
    if value.is_nan() {
        return write!(out, "NaN");
    }
    if value.is_infinite() {
        return write!(out, "{}Infinity", if value < 0.0 { "-" } else { "" });
    }
    let (digits, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let size = value.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        let decimals = digits.split_once('.').map_or(0, |(_, behind)| behind.len() as i32);
        let decimals = decimals - exponent.parse::<i32>().unwrap_or_default();
        return write!(out, "{:.1$}", value, decimals.max(1) as usize);
    }
    let point = if digits.contains('.') { "" } else { ".0" };
    write!(out, "{digits}{point}E{exponent}")
}

/// The types of an answer, as far as they are judged: who calls a text by which length is not, nor what is NOT NULL.
fn types(head: &str) -> String {
    let mut plain = head.replace('`', "").replace(" NOT NULL", "");
    for text in ["VARCHAR(", "CHAR("] {
        while let Some(at) = plain.find(text) {
            let end = plain[at..].find(')').map_or(plain.len(), |end| at + end + 1);
            plain.replace_range(at..end, "STRING");
        }
    }
    plain
}

fn shown(value: &Value, ty: &DataType) -> String {
    let mut out = String::new();
    write_value(&mut out, value, ty);
    out
}

fn list(out: &mut String, [open, close]: [char; 2], items: impl Iterator<Item = String>) {
    out.push(open);
    out.push_str(&items.collect::<Vec<_>>().join(","));
    out.push(close);
}

/// Keeps our answer as one that differs on purpose; its first line waits for the reason.
pub(super) fn keep(name: &str, ours: &Result<Vec<String>, String>) {
    let folder = folder().join("differs");
    let answer = match ours {
        Ok(lines) => lines.join("\n"),
        Err(error) => format!("error: {error}"),
    };
    let written = fs::create_dir_all(&folder)
        .and_then(|()| fs::write(folder.join(format!("{name}.csv")), format!("# \n{answer}\n")));
    written.unwrap_or_else(|error| panic!("{error}"));
}

/// The difference between our answer and Flink's, if there is one; types count.
///
/// # Errors
/// The difference, in words.
pub(super) fn compare(name: &str, ours: &Result<Vec<String>, String>) -> Result<(), String> {
    let differs = folder().join(format!("differs/{name}.csv"));
    let expected = folder().join(format!("expected/{name}.csv"));
    let path = if differs.exists() { differs } else { expected };
    let theirs =
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    if theirs.starts_with("# \n") {
        return Err(format!("{}: the first line must say why this differs", path.display()));
    }
    let theirs: Vec<&str> = theirs.lines().filter(|line| !line.starts_with("# ")).collect();
    let is_error = theirs.first().is_some_and(|line| line.starts_with("error: "));
    let ours = match (ours, is_error) {
        (Err(_), true) => return Ok(()),
        (Err(error), false) => return Err(error.clone()),
        (Ok(_), true) => return Err(format!("no error, where Flink says {}", theirs[0])),
        (Ok(ours), false) => ours,
    };
    if ours.first().map(|head| types(head)) != theirs.first().map(|head| types(head)) {
        return Err(format!("types\n  ours   {}\n  Flink's {}", ours[0], theirs[0]));
    }
    // As sorted texts first, then those that are left as numbers.
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let (mut a, mut b) =
        (ours[1..].iter().map(String::as_str).peekable(), theirs[1..].iter().copied().peekable());
    loop {
        match (a.peek(), b.peek()) {
            (Some(x), Some(y)) if x == y => {
                a.next();
                b.next();
            }
            (Some(x), Some(y)) if x < y => left.extend(a.next()),
            (Some(_), Some(_)) => right.extend(b.next()),
            (Some(_), None) => left.extend(a.next()),
            (None, Some(_)) => right.extend(b.next()),
            (None, None) => break,
        }
    }
    let same = left.len() == right.len() && left.iter().zip(&right).all(|(a, b)| are_close(a, b));
    if same {
        return Ok(());
    }
    let mut text = format!(
        "{} rows of ours and {} of Flink's differ, of {}",
        left.len(),
        right.len(),
        theirs.len() - 1
    );
    for (whose, rows) in [("ours   ", &left), ("Flink's", &right)] {
        rows.iter().take(4).for_each(|row| _ = write!(text, "\n  {whose} {row}"));
    }
    Err(text)
}

/// Whether two rows are the same but for the last digits of floating point.
fn are_close(a: &str, b: &str) -> bool {
    let split = |row: &str| {
        row.split([',', '[', ']', '(', ')', '=', '{', '}']).map(str::to_owned).collect::<Vec<_>>()
    };
    let (a, b) = (split(a), split(b));
    a.len() == b.len()
        && a.iter().zip(&b).all(|(a, b)| {
            a == b
                || match (a.parse::<f64>(), b.parse::<f64>()) {
                    (Ok(a), Ok(b)) => (a - b).abs() <= a.abs().max(b.abs()) * tolerance(a, b),
                    _ => false,
                }
        })
}

/// FLOAT has fewer digits than DOUBLE, and which of them was printed is not known here: two texts of one FLOAT are the same.
fn tolerance(a: f64, b: f64) -> f64 {
    if a as f32 == b as f32 { f64::INFINITY } else { 1e-12 }
}

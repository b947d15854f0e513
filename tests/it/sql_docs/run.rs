//! Runs an example as `tidewire run` does.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tidewire::runtime::{Options, Silent, Threads};
use tidewire::sql::{Done, SqlJob, SqlRunError};
use tidewire_connect::tables::{Columns, show};
use tidewire_sql::SqlError;

use super::page::{Expected, Page, Sql, What};

/// What a job prints.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<u8>>>);

impl Shown {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A folder with the files of a page.
fn folder(page: &Page) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in &page.files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// The paths of a text, which are relative, in a folder.
fn placed(text: &str, folder: &Path) -> String {
    let mut placed = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("'path'") {
        let (equals, path) = behind.split_once('\'').expect("an option has a value in quotes");
        placed.extend([before, "'path'", equals, "'"]);
        if !path.starts_with('/') {
            _ = write!(placed, "{}/", folder.display());
        }
        rest = path;
    }
    placed + rest
}

fn read_in(folder: &Path, sql: &Sql) -> Result<SqlJob, String> {
    let text = format!("{}{}", sql.tables, sql.text);
    SqlJob::read(&placed(&text, folder), &BTreeMap::new())
        .map_err(|error| error_of(error, sql, folder))
}

/// An error as it is printed, with the places of the example in its own lines.
fn error_of(error: SqlRunError, sql: &Sql, folder: &Path) -> String {
    let mut error = match error {
        SqlRunError::Sql(error) => error,
        SqlRunError::Fault { row, fault } => {
            let row =
                row.map_or_else(String::new, |(table, row)| format!(" (table {table}, row {row})"));
            SqlError::new(fault.at, format!("{}{row}", fault.problem))
        }
        error => return relative(&format!("error: {error}\n"), folder),
    };
    let before = sql.tables.lines().count() as u32;
    error.at.line = error.at.line.saturating_sub(before);
    relative(&format!("error: {}\n", error.with_text("job.sql", &sql.text)), folder)
}

fn relative(text: &str, folder: &Path) -> String {
    text.replace(&format!("{}/", folder.display()), "")
}

/// Reads an example.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(page: &Page, sql: &Sql) -> Result<(), String> {
    let folder = folder(page);
    read_in(folder.path(), sql).map(drop)
}

/// The plan of an example, or its error.
pub(super) fn explained(page: &Page, sql: &(impl Into<Sql> + Clone)) -> String {
    let sql = sql.clone().into();
    let folder = folder(page);
    let plan = read_in(folder.path(), &sql)
        .and_then(|job| job.explain().map_err(|error| error_of(error.into(), &sql, folder.path())));
    plan.unwrap_or_else(|error| error)
}

impl From<String> for Sql {
    fn from(text: String) -> Self {
        Self { tables: String::new(), text }
    }
}

/// What an example prints, or its error.
pub(super) fn outcome_of(page: &Page, sql: &Sql) -> String {
    let printed = Expected { what: What::Printed, text: String::new(), lines: 0..0 };
    outcome(page, sql, &[printed]).concat()
}

/// What an example gives of each of what it should.
pub(super) fn outcome(page: &Page, sql: &Sql, expected: &[Expected]) -> Vec<String> {
    let folder = folder(page);
    let shown = Shown::default();
    let ran = read_in(folder.path(), sql).and_then(|job| {
        let answers = job.answers();
        let answers = answers.map_err(|error| error_of(error.into(), sql, folder.path()))?;
        shown.clone().write_all(answers.concat().as_bytes()).unwrap();
        if !job.has_work() {
            return Ok(String::new());
        }
        let to = |columns: &Columns| show::csv(shown.clone(), columns);
        let options = Options { threads: Threads::Inline, ..Options::default() };
        let done = job.run_shown(to, &options, &mut Silent);
        done.map(|done| counts(&done)).map_err(|error| error_of(error, sql, folder.path()))
    });
    let of = |expected: &Expected| match (&ran, &expected.what) {
        (Err(error), _) => error.clone(),
        (Ok(counts), What::Counts) => counts.clone(),
        (Ok(_), What::Printed) => shown.text(),
        (Ok(_), What::File(name)) => written(&folder.path().join(name)),
    };
    expected.iter().map(of).collect()
}

/// What was late, and what was left out.
fn counts(done: &Done) -> String {
    let mut counts = format!("{} late\n", done.late.iter().sum::<u64>());
    for (what, count) in &done.skipped {
        _ = writeln!(counts, "left out of {what}: {count}");
    }
    counts
}

/// What stands in a file, or in the files of a folder, in their order.
fn written(path: &Path) -> String {
    if !path.is_dir() {
        return fs::read_to_string(path).unwrap_or_else(|error| format!("{error}\n"));
    }
    let mut files: Vec<_> = fs::read_dir(path).unwrap().map(|it| it.unwrap().path()).collect();
    files.retain(|file| file.is_file());
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

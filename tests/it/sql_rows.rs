//! Jobs in SQL, run to their end, with the rows that they show.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tidewire::runtime::{Options, Silent, Threads};
use tidewire::sql::{Done, SqlJob, SqlRunError};
use tidewire_connect::tables::{Columns, show};

/// A place to write to that is read afterwards.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Options of a run on these threads.
pub(super) fn on(threads: Threads) -> Options {
    Options { threads, ..Options::default() }
}

/// Runs a job, and gives what it shows as CSV with a header, and what it came to.
pub(super) fn run_on(text: &str, threads: Threads) -> Result<(String, Done), SqlRunError> {
    let job = SqlJob::read(text, &BTreeMap::new())?;
    let shared = Shared::default();
    let shown = |columns: &Columns| show::csv(shared.clone(), columns);
    let done = job.run_shown(shown, &on(threads), &mut Silent)?;
    let bytes = std::mem::take(&mut *shared.0.lock().unwrap());
    Ok((String::from_utf8(bytes).unwrap(), done))
}

/// The same, of a job that is right, inline.
pub(super) fn run(text: &str) -> (String, Done) {
    run_on(text, Threads::Inline).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The rows that a job shows, each as the texts of its columns.
pub(super) fn rows_on(text: &str, threads: Threads) -> Vec<Vec<String>> {
    let (shown, _) = run_on(text, threads).unwrap_or_else(|error| panic!("{error}\n{text}"));
    table(&shown)
}

/// The same, inline.
pub(super) fn rows(text: &str) -> Vec<Vec<String>> {
    rows_on(text, Threads::Inline)
}

/// The rows of CSV, without its header.
pub(super) fn table(csv: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let texts = |row: csv::StringRecord| row.iter().map(str::to_owned).collect();
    reader.records().map(|row| texts(row.unwrap())).collect()
}

/// The rows that a job shows as sorted lines, the columns with commas between.
pub(super) fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<_> = rows(text).into_iter().map(|row| row.join(",")).collect();
    lines.sort();
    lines
}

/// What a job that is wrong says, wherever it says so.
pub(super) fn error(text: &str) -> String {
    match run_on(text, Threads::Inline) {
        Err(error) => error.to_string(),
        Ok((shown, _)) => panic!("no error:\n{shown}\n{text}"),
    }
}

/// What the statements of a job answer.
pub(super) fn answers(text: &str) -> Vec<String> {
    let job = SqlJob::read(text, &BTreeMap::new()).unwrap_or_else(|error| panic!("{error}"));
    job.answers().unwrap()
}

/// Writes a file for a job to read, and gives its path as text.
pub(super) fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// Runs `tidewire run`, and gives whether it went well, and what it wrote to standard output, or else to standard error.
pub(super) fn tidewire_run(arguments: &[&str]) -> (bool, String) {
    let output = tidewire_tests::tidewire([&["run"], arguments].concat());
    let is_well = output.status.success();
    let text = if is_well { output.stdout } else { output.stderr };
    (is_well, String::from_utf8(text).unwrap())
}

//! JSON, an object in each line.
//!
//! With `json.ignore-parse-errors` a value that can not be read is NULL, and a line that is no object is passed over; both
//! are counted.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tidewire_event::RowWriter;

use super::super::json_row::{JsonOptions, JsonRow};
use super::super::skips::Skips;
use super::super::text::Bad;
use super::super::{Columns, Options, TableError};
use super::files::{InputFile, failed};
use super::plan::Plan;
use super::reader::Format;

/// The most bytes of a line.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// Reads JSON lines.
pub(super) struct JsonReader {
    plan: Plan,
    json: JsonRow,
    file: Option<BufReader<Box<dyn Read + Send>>>,
    path: PathBuf,
    line: Vec<u8>,
    line_number: u64,
    skips: Skips,
}

impl JsonReader {
    pub(super) fn new(options: &mut Options, columns: &Columns) -> Result<Self, TableError> {
        let options = JsonOptions::take(options)?;
        let plan = Plan::new(columns)?;
        Ok(Self {
            json: JsonRow::new(options, &plan.targets),
            plan,
            file: None,
            path: PathBuf::new(),
            line: Vec::new(),
            line_number: 0,
            skips: Skips::default(),
        })
    }

    /// Reads the next line that is not blank; false at the end of the file.
    fn next_line(&mut self) -> Result<bool, TableError> {
        let Some(file) = &mut self.file else { return Ok(false) };
        loop {
            self.line.clear();
            let read = file.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut self.line);
            let read = read.map_err(|error| failed(&self.path, error))?;
            if read == 0 {
                return Ok(false);
            }
            self.line_number += 1;
            if read as u64 == LINE_BYTES_MAX && self.line.last() != Some(&b'\n') {
                let problem = format!("a line of more than {LINE_BYTES_MAX} bytes");
                return Err(self.error(0, problem));
            }
            if !self.line.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    fn error(&self, column: usize, problem: String) -> TableError {
        let place = format!("{}:{}:{column}", self.path.display(), self.line_number);
        TableError::Input { place, problem }
    }
}

impl Format for JsonReader {
    fn begin(&mut self, file: &InputFile, bytes: &Arc<AtomicU64>) -> Result<(), TableError> {
        self.file = Some(BufReader::with_capacity(256 << 10, file.open(bytes)?));
        self.path.clone_from(&file.path);
        self.line_number = 0;
        self.plan.begin(file);
        Ok(())
    }

    fn read(&mut self, row: &mut [u8]) -> Result<bool, TableError> {
        'lines: loop {
            if !self.next_line()? {
                return Ok(false);
            }
            if let Err(error) = self.json.find(&self.plan.targets, &self.line) {
                if !self.json.options.ignores {
                    return Err(self.error(error.at + 1, error.to_string()));
                }
                self.skips.record("lines left out: no JSON object");
                continue;
            }
            let mut writer = RowWriter::new(row, &self.plan.layout);
            for (at, target) in self.plan.targets.iter().enumerate() {
                let put = match target.metadata {
                    Some(metadata) => self.plan.put_metadata(target, metadata, &mut writer),
                    None => self.json.put(at, target, &self.line, &mut writer),
                };
                let Err(bad) = put else { continue };
                if !self.json.options.ignores || matches!(bad, Bad::NoRoom(_)) {
                    let (from, json) = self.json.value(at, &self.line);
                    let problem = bad.explain(&target.name, &target.ty, json);
                    return Err(self.error(from + 1, problem));
                }
                if target.put_null(&mut writer).is_err() {
                    self.skips.record("lines left out: a NOT NULL column can not be read");
                    continue 'lines;
                }
                self.skips.field(at, bad);
            }
            return Ok(true);
        }
    }

    fn skipped(&self) -> Vec<(String, u64)> {
        self.skips.list(&self.plan.targets)
    }
}

//! CSV.
//!
//! 1. A column is known by its place among the table's columns, or with `csv.header` by its name in each file.
//! 2. With `csv.ignore-parse-errors` a field that can not be read is NULL, and counted. A row of too few or too many
//!    fields is read as far as it goes, and counted.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use csv::ByteRecord;
use tidewire_event::RowWriter;

use super::super::csv_field::put;
use super::super::csv_text::{CsvOptions, check};
use super::super::options::nearest;
use super::super::skips::Skips;
use super::super::text::Bad;
use super::super::{Columns, Options, TableError};
use super::files::{InputFile, failed};
use super::plan::Plan;
use super::reader::Format;

/// Reads CSV.
pub(super) struct CsvReader {
    plan: Plan,
    options: CsvOptions,
    /// The names of the table's columns.
    names: Vec<String>,
    /// Of each target, which field of the file it is.
    places: Vec<usize>,
    fields: usize,
    file: Option<csv::Reader<Box<dyn io::Read + Send>>>,
    place: InputFile,
    record: ByteRecord,
    scratch: Vec<u8>,
    skips: Skips,
}

impl CsvReader {
    pub(super) fn new(options: &mut Options, columns: &Columns) -> Result<Self, TableError> {
        check(columns)?;
        let names: Vec<_> = columns.physical().map(str::to_owned).collect();
        Ok(Self {
            plan: Plan::new(columns)?,
            options: CsvOptions::take(options)?,
            fields: names.len(),
            names,
            places: Vec::new(),
            file: None,
            place: InputFile { path: Default::default(), size: 0, modified: 0 },
            record: ByteRecord::new(),
            scratch: Vec::new(),
            skips: Skips::default(),
        })
    }

    /// Finds the fields of the targets in a file, whose header is in the record if it has one.
    fn find_places(&mut self) -> Result<(), TableError> {
        let header: Vec<_> =
            self.record.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        let names = if self.options.header { &header } else { &self.names };
        self.fields = names.len();
        self.places.clear();
        for target in &self.plan.targets {
            let place = names.iter().position(|name| name.trim() == target.name);
            match (place, target.metadata) {
                (Some(place), None) => self.places.push(place),
                (_, Some(_)) => self.places.push(usize::MAX),
                (None, None) => {
                    let known: Vec<&str> = names.iter().map(String::as_str).collect();
                    let (name, near) = (&target.name, nearest(&target.name, &known));
                    let problem = format!(
                        "the header has no column '{name}'{near}; it has {}",
                        known.join(", ")
                    );
                    return Err(failed(&self.place.path, problem));
                }
            }
        }
        Ok(())
    }

    /// Reads the next record; false at the end of the file.
    fn next_record(&mut self) -> Result<bool, TableError> {
        let Some(file) = &mut self.file else { return Ok(false) };
        file.read_byte_record(&mut self.record).map_err(|error| failed(&self.place.path, error))
    }

    /// Where the field of a target stands.
    fn place(&self, target: usize) -> String {
        let line = self.record.position().map_or(0, csv::Position::line);
        let field = self.places.get(target).map_or(0, |place| place + 1);
        format!("{}:{line}, field {field}", self.place.path.display())
    }

    fn wrong_count(&self) -> TableError {
        let line = self.record.position().map_or(0, csv::Position::line);
        let (has, expected) = (self.record.len(), self.fields);
        TableError::Input {
            place: format!("{}:{line}", self.place.path.display()),
            problem: format!(
                "a row of {has} fields, where {expected} are expected: {}",
                self.names.join(", ")
            ),
        }
    }

    fn error(&self, target: usize, bad: Bad) -> TableError {
        let it = &self.plan.targets[target];
        let text = self.places.get(target).and_then(|place| self.record.get(*place));
        TableError::Input {
            place: self.place(target),
            problem: bad.explain(&it.name, &it.ty, text.unwrap_or_default()),
        }
    }
}

impl Format for CsvReader {
    fn begin(&mut self, file: &InputFile, bytes: &Arc<AtomicU64>) -> Result<(), TableError> {
        let CsvOptions { delimiter, quote, escape, .. } = self.options;
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .quoting(quote.is_some())
            .quote(quote.unwrap_or(b'"'))
            .escape(escape)
            .comment(self.options.comments.then_some(b'#'))
            .buffer_capacity(256 << 10)
            .from_reader(file.open(bytes)?);
        self.file = Some(reader);
        self.place = file.clone();
        self.plan.begin(file);
        if self.options.header && !self.next_record()? {
            // A file of nothing has no rows either.
            return Ok(());
        }
        self.find_places()
    }

    fn read(&mut self, row: &mut [u8]) -> Result<bool, TableError> {
        'records: loop {
            if !self.next_record()? {
                return Ok(false);
            }
            if self.record.len() != self.fields {
                if !self.options.ignores {
                    return Err(self.wrong_count());
                }
                self.skips.record("rows of too few or too many fields, read as far as they go");
            }
            let mut writer = RowWriter::new(row, &self.plan.layout);
            for (at, target) in self.plan.targets.iter().enumerate() {
                let put = match target.metadata {
                    Some(metadata) => self.plan.put_metadata(target, metadata, &mut writer),
                    None => match self.record.get(self.places[at]) {
                        Some(field) => {
                            put(target, field, &self.options, &mut writer, &mut self.scratch)
                        }
                        None => target.put_null(&mut writer),
                    },
                };
                let Err(bad) = put else { continue };
                if !self.options.ignores || matches!(bad, Bad::NoRoom(_)) {
                    return Err(self.error(at, bad));
                }
                if target.put_null(&mut writer).is_err() {
                    self.skips.record("rows left out: a NOT NULL column can not be read");
                    continue 'records;
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

//! JSON, an object in each line.
//!
//! 1. A line is gone over once, and the places of the wanted values in it are noted; no tree is built. Of a name that
//!    comes twice the last value counts.
//! 2. Values are then read from their text, in the order of the columns: numbers never become floats on the way.
//! 3. With `json.ignore-parse-errors` a value that can not be read is NULL, and a line that is no object is passed over;
//!    both are counted.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use tidewire_event::RowWriter;

use super::super::text::{Bad, Scalar, is_nested};
use super::super::{Columns, OptionError, Options, TableError};
use super::files::{InputFile, failed};
use super::json_value::{nested, unescape};
use super::plan::{Plan, Skips, Target};
use super::reader::Format;

/// The most bytes of a line.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// Reads JSON lines.
pub(super) struct JsonReader {
    plan: Plan,
    options: JsonOptions,
    file: Option<BufReader<Box<dyn Read + Send>>>,
    path: PathBuf,
    line: Vec<u8>,
    line_number: u64,
    /// Of each target, where its value stands in the line; empty if it is missing.
    spans: Vec<Span>,
    scratch: Scratch,
    skips: Skips,
}

/// Where values are made that do not stand in the line as they are.
#[derive(Debug, Default)]
struct Scratch {
    unescaped: Vec<u8>,
    decoded: Vec<u8>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Span {
    from: usize,
    to: usize,
}

impl JsonReader {
    pub(super) fn new(options: &mut Options, columns: &Columns) -> Result<Self, TableError> {
        let options = JsonOptions::take(options)?;
        let plan = Plan::new(columns)?;
        Ok(Self {
            spans: vec![Span::default(); plan.targets.len()],
            plan,
            options,
            file: None,
            path: PathBuf::new(),
            line: Vec::new(),
            line_number: 0,
            scratch: Scratch::default(),
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

    /// Notes where the values of the targets stand.
    fn find(&mut self) -> Result<(), serde_json::Error> {
        self.spans.fill(Span::default());
        let base = self.line.as_ptr() as usize;
        let object = Object { targets: &self.plan.targets, spans: &mut self.spans, base };
        let mut json = serde_json::Deserializer::from_slice(&self.line);
        object.deserialize(&mut json)?;
        json.end()
    }

    fn error(&self, column: usize, problem: String) -> TableError {
        let place = format!("{}:{}:{column}", self.path.display(), self.line_number);
        TableError::Input { place, problem }
    }
}

/// The options of JSON, whether a table is read or written.
#[derive(Debug, Clone, Copy)]
pub(super) struct JsonOptions {
    /// What can not be read is NULL or left out.
    ignores: bool,
    needs_all: bool,
    /// What stands between a date and a time that are written; both forms are read.
    pub(super) between: char,
    /// Whether what is NULL is not written.
    pub(super) without_null: bool,
}

impl JsonOptions {
    pub(super) fn take(options: &mut Options) -> Result<Self, OptionError> {
        let style =
            options.parse(
                "json.timestamp-format.standard",
                "SQL or ISO-8601",
                |text| match text {
                    "SQL" => Some(' '),
                    "ISO-8601" => Some('T'),
                    _ => None,
                },
            )?;
        let plain = "json.encode.decimal-as-plain-number";
        if options.flag(plain)? == Some(false) {
            return Err(OptionError::value(plain, "false", "decimals are written plain: true"));
        }
        Ok(Self {
            ignores: options.flag("json.ignore-parse-errors")?.unwrap_or(false),
            needs_all: options.flag("json.fail-on-missing-field")?.unwrap_or(false),
            between: style.unwrap_or(' '),
            without_null: options.flag("json.encode.ignore-null-fields")?.unwrap_or(false),
        })
    }
}

/// Takes in an object.
struct Object<'c> {
    targets: &'c [Target],
    spans: &'c mut [Span],
    /// Where the line begins.
    base: usize,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut next = 0;
        while let Some(target) = map.next_key_seed(Name { targets: self.targets, next })? {
            let Some(target) = target else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = map.next_value::<&RawValue>()?.get();
            let from = value.as_ptr() as usize - self.base;
            self.spans[target] = Span { from, to: from + value.len() };
            next = target + 1;
        }
        Ok(())
    }
}

/// Takes in a name, and gives the target that is called so. The one at `next` is tried first: the order of names is
/// nearly always that of the columns.
struct Name<'c> {
    targets: &'c [Target],
    next: usize,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<usize>, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        let is_it = |target: &Target| target.metadata.is_none() && target.name == name;
        if self.targets.get(self.next).is_some_and(is_it) {
            return Ok(Some(self.next));
        }
        Ok(self.targets.iter().position(is_it))
    }
}

/// Writes a value into a row.
#[inline]
fn put(
    target: &Target,
    json: &[u8],
    needs_all: bool,
    row: &mut RowWriter<'_>,
    scratch: &mut Scratch,
) -> Result<(), Bad> {
    let text = match json {
        [] if needs_all => return Err(Bad::Missing),
        [] | b"null" => return target.put_null(row),
        _ if is_nested(&target.ty) => {
            let value = nested(&target.ty, json)?;
            scratch.decoded.clear();
            value.encode(&target.ty, &mut scratch.decoded);
            return row.text(&target.slot, &scratch.decoded).map_err(Bad::NoRoom);
        }
        [b'"', inner @ .., b'"'] if inner.contains(&b'\\') => {
            let Scratch { unescaped, decoded } = scratch;
            unescape(inner, unescaped)?;
            return Scalar::read(&target.ty, unescaped, decoded)?.put(row, &target.slot);
        }
        [b'"', inner @ .., b'"'] => inner,
        other => other,
    };
    Scalar::read(&target.ty, text, &mut scratch.decoded)?.put(row, &target.slot)
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
            if let Err(error) = self.find() {
                if !self.options.ignores {
                    let problem = error.to_string();
                    let problem = problem.split(" at line ").next().unwrap_or_default();
                    return Err(self.error(error.column(), format!("no JSON object: {problem}")));
                }
                self.skips.record("lines left out: no JSON object");
                continue;
            }
            let mut writer = RowWriter::new(row, &self.plan.layout);
            for (at, target) in self.plan.targets.iter().enumerate() {
                let Span { from, to } = self.spans[at];
                let json = &self.line[from..to];
                let put = match target.metadata {
                    Some(metadata) => self.plan.put_metadata(target, metadata, &mut writer),
                    None => {
                        put(target, json, self.options.needs_all, &mut writer, &mut self.scratch)
                    }
                };
                let Err(bad) = put else { continue };
                if !self.options.ignores || matches!(bad, Bad::NoRoom(_)) {
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
        self.skips.list(&self.plan)
    }
}

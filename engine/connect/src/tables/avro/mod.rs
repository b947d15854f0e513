//! Records of Avro as rows: a message is one record in binary encoding, without a file around it.
//!
//! 1. A record is gone over once, checked, and the places of its fields are noted; no tree is built.
//! 2. Values are then read from their places, in the order of the columns.

mod derive;
mod form;
mod plain;
mod read;
mod schema;
mod write;

use std::borrow::Cow;
use std::ops::Range;

use serde_json::Value as Json;
use tidewire_event::{Field, RowWriter, Slot, Value};

use self::form::Record;
use self::read::{Bytes, Flaw, pass, scalar, value};
use self::schema::{BadSchema, excerpt};
use self::write::{Item, write};
use super::message::BadMessage;
use super::target::Target;
use super::text::{Bad, Scalar, is_nested};
use super::{Columns, OptionError, Options};

/// What stands before a record where a registry of schemas is in use: a zero, and the schema's number.
const HEADER_BYTES: usize = 5;
const FRAMINGS: &str = "none or confluent";

/// Reads records.
#[derive(Debug)]
pub(super) struct AvroRow {
    record: Record,
    has_header: bool,
    /// Of each field of the record, where its value stands in the message.
    spans: Vec<Range<usize>>,
    /// Of each target, which field it is.
    fields: Vec<Option<usize>>,
    scratch: Vec<u8>,
}

impl AvroRow {
    /// Reads records of the schema that the options say, or that the columns have, into targets.
    pub(super) fn new<M>(
        options: &mut Options,
        columns: &Columns,
        targets: &[Target<M>],
    ) -> Result<Self, OptionError> {
        let has_header = is_confluent(options)?;
        let physical = columns.table.iter().filter(|column| column.metadata.is_none());
        let record = record(options, physical.map(|column| column.field.clone()).collect(), false)?;
        let of_name = |target: &Target<M>| match target.metadata {
            None => record.fields.iter().position(|field| field.name == target.name),
            Some(_) => None,
        };
        let fields = targets.iter().map(of_name).collect();
        let spans = vec![0..0; record.fields.len()];
        Ok(Self { record, has_header, spans, fields, scratch: Vec::new() })
    }

    /// Notes where the values of a message stand.
    pub(super) fn find(&mut self, message: &[u8]) -> Result<(), BadMessage> {
        let mut at = 0;
        if self.has_header {
            match message {
                [0, _, _, _, _, ..] => at = HEADER_BYTES,
                _ => {
                    let problem = "no header of a schema registry: a zero and a number of four bytes \
                                   come first; without one, leave 'avro.framing' out";
                    return Err(BadMessage::new(
                        "no header of a schema registry",
                        problem.to_owned(),
                    ));
                }
            }
        }
        let mut rest = Bytes(&message[at..]);
        for (field, span) in self.record.fields.iter().zip(&mut self.spans) {
            pass(&field.form, &mut rest).map_err(|flaw| no_record(flaw, &field.name, at))?;
            let end = message.len() - rest.0.len();
            *span = at..end;
            at = end;
        }
        match rest.0.len() {
            0 => Ok(()),
            more => {
                let problem = format!("no record of the schema: {more} bytes are left behind it");
                Err(BadMessage::new(NO_RECORD, problem))
            }
        }
    }

    /// Writes the value of a target into a row; with what is wrong comes the value for people to read.
    pub(super) fn put<M>(
        &mut self,
        at: usize,
        target: &Target<M>,
        message: &[u8],
        row: &mut RowWriter<'_>,
    ) -> Result<(), (Bad, Cow<'static, [u8]>)> {
        let Self { record, spans, fields, scratch, .. } = self;
        let Some(field) = fields[at] else {
            return target.put_null(row).map_err(|bad| (bad, Cow::Borrowed(&b""[..])));
        };
        let bytes = &message[spans[field].clone()];
        let form = &record.fields[field].form;
        let mut put = || {
            if !is_nested(&target.ty) {
                return match scalar(form, &mut Bytes(bytes))? {
                    Some(value) => value.put(row, &target.slot),
                    None => target.put_null(row),
                };
            }
            match value(form, &mut Bytes(bytes), &mut 0)? {
                Value::Null => target.put_null(row),
                value => {
                    scratch.clear();
                    value.encode(&target.ty, scratch);
                    row.text(&target.slot, scratch).map_err(Bad::NoRoom)
                }
            }
        };
        put().map_err(|bad| (bad, hex(bytes).into()))
    }
}

const NO_RECORD: &str = "no record of the schema";

fn no_record(flaw: Flaw, field: &str, at: usize) -> BadMessage {
    let problem = format!("no record of the schema: {flaw}, in the field '{field}' at byte {at}");
    BadMessage::new(NO_RECORD, problem)
}

/// The bytes of a value as digits: how they are read has just failed.
fn hex(bytes: &[u8]) -> Vec<u8> {
    const BYTES_MAX: usize = 16;
    let digits = bytes.iter().take(BYTES_MAX).map(|byte| format!("{byte:02x}"));
    let more = if bytes.len() > BYTES_MAX { "..." } else { "" };
    format!("0x{}{more}", digits.collect::<String>()).into_bytes()
}

/// Makes records of rows.
#[derive(Debug)]
pub(super) struct AvroBytes {
    record: Record,
    columns: Vec<(Field, Slot)>,
    out: Vec<u8>,
}

impl AvroBytes {
    /// Makes records of the schema that the options say, or that the columns have.
    pub(super) fn new(options: &mut Options, columns: &Columns) -> Result<Self, OptionError> {
        if is_confluent(options)? {
            let problem = "only messages that are read have it: a number for what is written comes from a registry";
            return Err(OptionError::value("avro.framing", "confluent", problem));
        }
        let fields: Vec<_> = columns.columns.iter().map(|column| column.field.clone()).collect();
        let record = record(options, fields.clone(), true)?;
        let columns = fields.into_iter().zip(columns.layout.slots().iter().copied()).collect();
        Ok(Self { record, columns, out: Vec::new() })
    }

    /// The record of a row.
    pub(super) fn message(&mut self, row: &[u8]) -> Result<&[u8], BadMessage> {
        let Self { record, columns, out } = self;
        out.clear();
        for field in &record.fields {
            let written = match field.column.and_then(|at| columns.get(at)) {
                None => write(&field.form, Item::Null, out),
                Some((_, slot)) if slot.is_null(row) => write(&field.form, Item::Null, out),
                Some((column, slot)) if is_nested(&column.ty) => {
                    match Value::read(row, slot, &column.ty) {
                        Some(value) => write(&field.form, (&value).into(), out),
                        None => Err(write::Misfit::Broken),
                    }
                }
                Some((_, slot)) => write(&field.form, Item::Scalar(Scalar::of_row(row, slot)), out),
            };
            written.map_err(|misfit| {
                let problem = format!("column '{}' does not fit the schema: {misfit}", field.name);
                BadMessage::new("a value that has no form", problem)
            })?;
        }
        Ok(out)
    }
}

fn is_confluent(options: &mut Options) -> Result<bool, OptionError> {
    let framing = options.parse("avro.framing", FRAMINGS, |text| match text {
        "none" => Some(false),
        "confluent" => Some(true),
        _ => None,
    })?;
    Ok(framing.unwrap_or(false))
}

/// The schema that the options say, or that the columns have, worked out for them.
fn record(options: &mut Options, columns: Vec<Field>, writes: bool) -> Result<Record, OptionError> {
    let Some(text) = options.take("avro.schema") else {
        let of_columns = |bad: BadSchema| OptionError::value("format", "avro", bad.to_string());
        let schema = derive::derive(&columns).map_err(of_columns)?;
        return schema::record(&schema, &columns, writes).map_err(of_columns);
    };
    let wrong = |problem: String| OptionError::value("avro.schema", excerpt(&text), problem);
    let schema: Json =
        serde_json::from_str(&text).map_err(|error| wrong(format!("no JSON: {error}")))?;
    schema::record(&schema, &columns, writes).map_err(|bad| wrong(bad.to_string()))
}

#[cfg(test)]
mod tests;

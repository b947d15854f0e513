//! Rows of messages, as brokers and sockets carry them: a message is a row.
//!
//! The formats are those of files (`json`, `csv`), `avro`, a record of a schema, and `raw`: the message is the one column.

use std::borrow::Cow;
use std::fmt;
use std::io::{Cursor, SeekFrom};

use csv::{ByteRecord, Position};
use tidewire_event::{DataType, RowLayout, RowWriter, Slot};

use super::avro::{AvroBytes, AvroRow};
use super::csv_text::{CsvOptions, CsvText, check};
use super::json_row::{JsonOptions, JsonRow};
use super::json_text::JsonText;
use super::skips::Skips;
use super::target::Target;
use super::text::Bad;
use super::{Columns, OptionError, Options, TableError, csv_field};

const FORMATS: &str = "json, csv, avro or raw";
/// Why a row is not written.
pub(super) const NO_FORM: &str =
    "a value that has no form here: a NULL key of a MAP, or a broken row";

/// Why a message is no row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct BadMessage {
    /// What is wrong with it.
    pub problem: String,
    /// The same in the few words under which it is counted.
    pub reason: &'static str,
    /// Whether the message is a row, for which the job's rows have no room: leaving it out does not help.
    pub has_no_room: bool,
}

impl BadMessage {
    /// A message that is counted as `reason`.
    #[must_use]
    pub fn new(reason: &'static str, problem: String) -> Self {
        Self { problem, reason, has_no_room: false }
    }

    fn of_column<M>(bad: Bad, target: &Target<M>, text: &[u8]) -> Self {
        Self {
            problem: bad.explain(&target.name, &target.ty, text),
            reason: "a value can not be read",
            has_no_room: matches!(bad, Bad::NoRoom(_)),
        }
    }
}

/// Writes a column that the connector knows itself: the number of the column in a row, and its place.
pub type Beside<'a> = dyn FnMut(usize, &Slot, &mut RowWriter<'_>) -> Result<(), BadMessage> + 'a;

/// Reads rows of messages.
pub trait MessageDecoder: Send {
    /// Writes the row of a message, in which `beside` writes the columns of metadata.
    ///
    /// # Errors
    /// It is no row of the table.
    fn decode(
        &mut self,
        message: &[u8],
        row: &mut [u8],
        beside: &mut Beside<'_>,
    ) -> Result<(), BadMessage>;

    /// Values that were left out, each with why and how often.
    fn skipped(&self) -> Vec<(String, u64)>;
}

/// Makes messages of rows.
pub trait MessageEncoder: Send {
    /// The message of a row; `None` for one that has none, as a `raw` column that is NULL.
    ///
    /// # Errors
    /// The row has a value that the format has no form for.
    fn encode<'r>(&'r mut self, row: &'r [u8]) -> Result<Option<&'r [u8]>, BadMessage>;
}

/// What reads messages of the format that the options name.
///
/// # Errors
/// There is no such format, or it has no form for a column.
pub fn decoder(
    options: &mut Options,
    columns: &Columns,
) -> Result<Box<dyn MessageDecoder>, TableError> {
    let targets = columns.columns.iter().zip(columns.layout.slots());
    let targets: Vec<_> = targets
        .map(|(column, slot)| Target::new(column, slot, column.metadata.as_ref().map(|_| ())))
        .collect();
    let rows = Rows { targets, layout: columns.layout.clone(), skips: Skips::default() };
    Ok(match format(options)?.as_str() {
        "json" => {
            let json = JsonRow::new(JsonOptions::take(options)?, &rows.targets);
            Box::new(JsonDecoder { json, rows })
        }
        "csv" => {
            let csv = csv_options(options, columns)?;
            let names: Vec<_> = columns.physical().collect();
            let place = |target: &Target<()>| names.iter().position(|name| *name == target.name);
            let places = rows.targets.iter().map(place).collect();
            let (record, scratch) = (ByteRecord::new(), Vec::new());
            let CsvOptions { delimiter, quote, escape, .. } = csv;
            let reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .delimiter(delimiter)
                .quoting(quote.is_some())
                .quote(quote.unwrap_or(b'"'))
                .escape(escape)
                .comment(csv.comments.then_some(b'#'))
                .from_reader(Cursor::default());
            Box::new(CsvDecoder {
                options: csv,
                reader,
                places,
                fields: names.len(),
                record,
                scratch,
                rows,
            })
        }
        "avro" => {
            let avro = AvroRow::new(options, columns, &rows.targets)?;
            Box::new(AvroDecoder { avro, rows })
        }
        "raw" => {
            let physical: Vec<_> =
                columns.table.iter().filter(|column| column.metadata.is_none()).collect();
            check_raw(physical.iter().map(|column| &column.field.ty))?;
            Box::new(RawDecoder { rows })
        }
        other => return Err(OptionError::value("format", other, FORMATS).into()),
    })
}

/// What makes messages of the format that the options name.
///
/// # Errors
/// There is no such format, or it has no form for a column.
pub fn encoder(
    options: &mut Options,
    columns: &Columns,
) -> Result<Box<dyn MessageEncoder>, TableError> {
    Ok(match format(options)?.as_str() {
        "json" => Box::new(JsonEncoder(JsonText::new(JsonOptions::take(options)?, columns))),
        "csv" => Box::new(CsvEncoder(CsvText::new(csv_options(options, columns)?, columns))),
        "avro" => Box::new(AvroEncoder(AvroBytes::new(options, columns)?)),
        "raw" => raw_encoder(columns)?,
        other => return Err(OptionError::value("format", other, FORMATS).into()),
    })
}

/// What makes messages of rows of one column of text or bytes, as they are.
///
/// # Errors
/// There are more columns, or of other types.
pub fn raw_encoder(columns: &Columns) -> Result<Box<dyn MessageEncoder>, TableError> {
    check_raw(columns.columns.iter().map(|column| &column.field.ty))?;
    match columns.layout.slots() {
        [slot] => Ok(Box::new(RawEncoder(*slot))),
        _ => Err(OptionError::value("format", "raw", RAW).into()),
    }
}

const RAW: &str = "the table has one column of STRING or BYTES, beside metadata";

fn check_raw<'t>(mut types: impl Iterator<Item = &'t DataType>) -> Result<(), OptionError> {
    match (types.next(), types.next()) {
        (Some(ty), None) if ty.is_text() || *ty == DataType::Bytes => Ok(()),
        _ => Err(OptionError::value("format", "raw", RAW)),
    }
}

fn format(options: &mut Options) -> Result<String, OptionError> {
    match options.take("value.format") {
        Some(format) => Ok(format),
        None => options.need("format", FORMATS),
    }
}

fn csv_options(options: &mut Options, columns: &Columns) -> Result<CsvOptions, TableError> {
    check(columns)?;
    let csv = CsvOptions::take(options)?;
    if csv.header {
        let expected = "messages have no header: leave it out";
        return Err(OptionError::value("csv.header", "true", expected).into());
    }
    Ok(csv)
}

/// What all formats know of a row.
struct Rows {
    targets: Vec<Target<()>>,
    layout: RowLayout,
    skips: Skips,
}

impl Rows {
    /// Writes a row, of which `put` writes the columns of the message; `text` gives the text of one that can not be read.
    fn write<'t>(
        &mut self,
        row: &mut [u8],
        ignores: bool,
        beside: &mut Beside<'_>,
        mut put: impl FnMut(usize, &Target<()>, &mut RowWriter<'_>) -> Result<(), (Bad, Cow<'t, [u8]>)>,
    ) -> Result<(), BadMessage> {
        let Self { targets, layout, skips } = self;
        let mut writer = RowWriter::new(row, layout);
        for (at, target) in targets.iter().enumerate() {
            if target.metadata.is_some() {
                beside(at, &target.slot, &mut writer)?;
                continue;
            }
            let Err((bad, text)) = put(at, target, &mut writer) else { continue };
            if !ignores || matches!(bad, Bad::NoRoom(_)) || target.put_null(&mut writer).is_err() {
                return Err(BadMessage::of_column(bad, target, &text));
            }
            skips.field(at, bad);
        }
        Ok(())
    }
}

struct JsonDecoder {
    json: JsonRow,
    rows: Rows,
}

impl MessageDecoder for JsonDecoder {
    fn decode(
        &mut self,
        message: &[u8],
        row: &mut [u8],
        beside: &mut Beside<'_>,
    ) -> Result<(), BadMessage> {
        let Self { json, rows } = self;
        json.find(&rows.targets, message).map_err(|error| {
            BadMessage::new("no JSON object", format!("{error} at byte {}", error.at + 1))
        })?;
        let ignores = json.options.ignores;
        rows.write(row, ignores, beside, |at, target, writer| {
            json.put(at, target, message, writer)
                .map_err(|bad| (bad, json.value(at, message).1.into()))
        })
    }

    fn skipped(&self) -> Vec<(String, u64)> {
        self.rows.skips.list(&self.rows.targets)
    }
}

struct CsvDecoder {
    options: CsvOptions,
    /// Over one message at a time: a reader takes longer to make than a message to read.
    reader: csv::Reader<Cursor<Vec<u8>>>,
    /// Of each target, which field it is.
    places: Vec<Option<usize>>,
    fields: usize,
    record: ByteRecord,
    scratch: Vec<u8>,
    rows: Rows,
}

impl MessageDecoder for CsvDecoder {
    fn decode(
        &mut self,
        message: &[u8],
        row: &mut [u8],
        beside: &mut Beside<'_>,
    ) -> Result<(), BadMessage> {
        let Self { options, reader, places, fields, record, scratch, rows } = self;
        let is_read = reader.seek_raw(SeekFrom::Start(0), Position::new()).and_then(|()| {
            let text = reader.get_mut().get_mut();
            text.clear();
            text.extend_from_slice(message);
            reader.read_byte_record(record)
        });
        if !is_read.as_ref().is_ok_and(|is_read| *is_read) {
            let why = is_read.err().map_or_else(String::new, |error| format!(": {error}"));
            return Err(BadMessage::new("no line of CSV", format!("no line of CSV{why}")));
        }
        if record.len() != *fields {
            if !options.ignores {
                let has = record.len();
                let problem = format!("a row of {has} fields, where {fields} are expected");
                return Err(BadMessage::new("too few or too many fields", problem));
            }
            rows.skips.record("rows of too few or too many fields, read as far as they go");
        }
        let record = &*record;
        rows.write(row, options.ignores, beside, |at, target, writer| {
            match places[at].and_then(|place| record.get(place)) {
                Some(field) => csv_field::put(target, field, options, writer, scratch)
                    .map_err(|bad| (bad, field.into())),
                None => target.put_null(writer).map_err(|bad| (bad, (&b""[..]).into())),
            }
        })
    }

    fn skipped(&self) -> Vec<(String, u64)> {
        self.rows.skips.list(&self.rows.targets)
    }
}

struct AvroDecoder {
    avro: AvroRow,
    rows: Rows,
}

impl MessageDecoder for AvroDecoder {
    fn decode(
        &mut self,
        message: &[u8],
        row: &mut [u8],
        beside: &mut Beside<'_>,
    ) -> Result<(), BadMessage> {
        let Self { avro, rows } = self;
        avro.find(message)?;
        rows.write(row, false, beside, |at, target, writer| avro.put(at, target, message, writer))
    }

    fn skipped(&self) -> Vec<(String, u64)> {
        Vec::new()
    }
}

struct RawDecoder {
    rows: Rows,
}

impl MessageDecoder for RawDecoder {
    fn decode(
        &mut self,
        message: &[u8],
        row: &mut [u8],
        beside: &mut Beside<'_>,
    ) -> Result<(), BadMessage> {
        self.rows.write(row, false, beside, |_, target, writer| {
            if target.ty.is_text() && std::str::from_utf8(message).is_err() {
                return Err((Bad::Utf8, message.into()));
            }
            writer.text(&target.slot, message).map_err(|room| (Bad::NoRoom(room), message.into()))
        })
    }

    fn skipped(&self) -> Vec<(String, u64)> {
        Vec::new()
    }
}

fn no_form(_: fmt::Error) -> BadMessage {
    BadMessage::new("a value that has no form", NO_FORM.to_owned())
}

/// A line without its end.
fn without_end(line: &str) -> &[u8] {
    line.strip_suffix('\n').unwrap_or(line).as_bytes()
}

struct JsonEncoder(JsonText);

impl MessageEncoder for JsonEncoder {
    fn encode<'r>(&'r mut self, row: &'r [u8]) -> Result<Option<&'r [u8]>, BadMessage> {
        self.0.line(row).map(|line| Some(without_end(line))).map_err(no_form)
    }
}

struct CsvEncoder(CsvText);

impl MessageEncoder for CsvEncoder {
    fn encode<'r>(&'r mut self, row: &'r [u8]) -> Result<Option<&'r [u8]>, BadMessage> {
        self.0.line(row).map(|line| Some(without_end(line))).map_err(no_form)
    }
}

struct AvroEncoder(AvroBytes);

impl MessageEncoder for AvroEncoder {
    fn encode<'r>(&'r mut self, row: &'r [u8]) -> Result<Option<&'r [u8]>, BadMessage> {
        self.0.message(row).map(Some)
    }
}

struct RawEncoder(Slot);

impl MessageEncoder for RawEncoder {
    fn encode<'r>(&'r mut self, row: &'r [u8]) -> Result<Option<&'r [u8]>, BadMessage> {
        let Self(slot) = self;
        Ok((!slot.is_null(row)).then(|| slot.text(row)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{columns, options, row_of, values_of};
    use super::*;
    use crate::tables::Column;
    use tidewire_event::{Field, Value};

    fn sample() -> Columns {
        let field = |name: &str, ty| Column::physical(Field::new(name, ty));
        let offset =
            Column { metadata: Some("offset".to_owned()), ..field("at", DataType::BigInt) };
        let table = vec![field("name", DataType::String), offset, field("n", DataType::Int)];
        Columns::all(table).unwrap()
    }

    fn decode(given: &[(&str, &str)], message: &str) -> Result<Vec<Value>, BadMessage> {
        let columns = sample();
        let mut decoder = decoder(&mut options("kafka", given), &columns).unwrap();
        let mut row = vec![0xAA; 256];
        decoder.decode(message.as_bytes(), &mut row, &mut |at, slot, writer| {
            assert_eq!(at, 1);
            writer.int(slot, 77);
            Ok(())
        })?;
        Ok(values_of(&columns, &row))
    }

    #[test]
    fn a_message_is_a_row_with_what_is_known_beside_it() {
        let expected = vec![Value::text("a"), Value::Int(77), Value::Int(5)];
        assert_eq!(decode(&[("format", "json")], r#"{"n": 5, "name": "a"}"#).unwrap(), expected);
        assert_eq!(decode(&[("format", "csv")], "a,5").unwrap(), expected);
    }

    #[test]
    fn a_message_of_csv_does_not_hang_on_those_before_it() {
        let columns = sample();
        let mut decoder = decoder(&mut options("kafka", &[("format", "csv")]), &columns).unwrap();
        let mut read = |message: &str| {
            let mut row = vec![0xAA; 256];
            let beside = &mut |_: usize, slot: &Slot, writer: &mut RowWriter<'_>| {
                writer.int(slot, 77);
                Ok(())
            };
            let decoded = decoder.decode(message.as_bytes(), &mut row, beside);
            decoded.is_ok().then(|| values_of(&columns, &row)[0].clone())
        };
        for before in ["", "\"open", "a", "long,1\nmore,2\n", "x,1,2", &"w,".repeat(20_000)] {
            let _ = read(before);
            assert_eq!(read("a,5"), Some(Value::text("a")), "behind {before:?}");
            assert_eq!(read("b,6\r\n"), Some(Value::text("b")));
        }
    }

    #[test]
    fn a_message_that_is_no_row_says_why() {
        let problem = |given: &[(&str, &str)], message| {
            let bad = decode(given, message).unwrap_err();
            (bad.reason, bad.problem)
        };
        let (reason, text) = problem(&[("format", "json")], "{\"n\": ");
        assert_eq!(reason, "no JSON object");
        assert!(text.starts_with("no JSON object: expected"), "{text}");
        let (reason, text) = problem(&[("format", "json")], r#"{"n": "x"}"#);
        assert_eq!((reason, &*text), ("a value can not be read", "column 'n': '\"x\"' is no INT"));
        let (_, text) = problem(&[("format", "csv")], "a,5,6");
        assert_eq!(text, "a row of 3 fields, where 2 are expected");
        assert_eq!(problem(&[("format", "csv")], "").0, "no line of CSV");
        let null =
            decode(&[("format", "json"), ("json.ignore-parse-errors", "true")], r#"{"n": "x"}"#);
        assert_eq!(null.unwrap(), [Value::Null, Value::Int(77), Value::Null]);
        let wide = "w".repeat(500);
        assert!(decode(&[("format", "csv")], &format!("{wide},1")).unwrap_err().has_no_room);
    }

    #[test]
    fn rows_become_messages_and_come_back() {
        let columns = columns(&[("name", DataType::String), ("n", DataType::Int)]);
        let values = [Value::text("a\"b"), Value::Int(5)];
        for format in ["json", "csv"] {
            let given = [("format", format)];
            let mut encoder = encoder(&mut options("kafka", &given), &columns).unwrap();
            let row = row_of(&columns, &values);
            let message = encoder.encode(&row).unwrap().unwrap().to_vec();
            assert!(!message.ends_with(b"\n"));
            let mut decoder = decoder(&mut options("kafka", &given), &columns).unwrap();
            let mut read = vec![0; 256];
            decoder.decode(&message, &mut read, &mut |_, _, _| Ok(())).unwrap();
            assert_eq!(values_of(&columns, &read), values);
        }
    }

    #[test]
    fn raw_is_the_one_column() {
        let (one, two) = (columns(&[("b", DataType::Bytes)]), sample());
        let raw = [("format", "raw")];
        let mut encoder = encoder(&mut options("kafka", &raw), &one).unwrap();
        let row = row_of(&one, &[Value::Bytes(vec![1, 255])]);
        assert_eq!(encoder.encode(&row).unwrap(), Some(&[1, 255][..]));
        assert_eq!(encoder.encode(&row_of(&one, &[Value::Null])).unwrap(), None);
        assert!(decoder(&mut options("kafka", &raw), &two).is_err());
    }
}

//! Messages as brokers carry them: records of Avro as rows and back, and what a journal has of a session of MQTT.

use std::collections::BTreeMap;

use tidewire_connect::tables::message::{MessageDecoder, MessageEncoder, decoder, encoder};
use tidewire_connect::tables::{Column, Columns, Options};
use tidewire_event::{DataType, Field};
#[cfg(feature = "mqtt")]
use tidewire_mqtt::record::{Published, Record};

use super::tables::{ROW_BYTES, check, columns, laid_out};

/// A record of what the schema of columns never has.
const GIVEN: &str = r#"{"type": "record", "name": "r", "namespace": "a.b", "fields": [
  {"name": "flag", "type": "boolean"},
  {"name": "unused", "type": {"type": "array", "items": ["string", "null", {"type": "record", "name": "r2", "fields": []}]}},
  {"name": "side", "type": {"type": "enum", "name": "side", "symbols": ["BUY", "SELL"]}},
  {"name": "code", "type": {"type": "fixed", "name": "code", "size": 3}},
  {"name": "fee", "type": {"type": "fixed", "name": "fee", "size": 8, "logicalType": "decimal", "precision": 18, "scale": 2}},
  {"name": "tags", "type": {"type": "map", "values": "string"}},
  {"name": "part", "type": {"type": "record", "name": "part", "fields": [
    {"name": "x", "type": "int"}, {"name": "more", "type": "string"}, {"name": "other", "type": "side"}]}}
]}"#;

/// A record of [`GIVEN`].
const GIVEN_RECORD: &[u8] =
    b"\x01\x04\0\x02u\x04\0\x02abc\0\0\0\0\0\0\0\x07\x02\x02k\x02v\0\x0E\x04hi\x02";

fn options(format: &str, more: &[(&str, &str)]) -> Options {
    let given: BTreeMap<_, _> = [("format", format)].iter().chain(more).copied().collect();
    let given = given.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Options::new("kafka", given.collect())
}

fn reads(columns: &Columns, format: &str, more: &[(&str, &str)]) -> Box<dyn MessageDecoder> {
    match decoder(&mut options(format, more), columns) {
        Ok(decoder) => decoder,
        Err(error) => unreachable!("the columns have a form in {format}: {error}"),
    }
}

fn writes(columns: &Columns) -> Box<dyn MessageEncoder> {
    match encoder(&mut options("avro", &[]), columns) {
        Ok(encoder) => encoder,
        Err(error) => unreachable!("the columns have a form in Avro: {error}"),
    }
}

/// The row of a message, of which every value can be read back; `None`: it is none.
fn row(decoder: &mut dyn MessageDecoder, columns: &Columns, message: &[u8]) -> Option<Vec<u8>> {
    let mut row = vec![0xA5; ROW_BYTES];
    match decoder.decode(message, &mut row, &mut |_, _, _| Ok(())) {
        Ok(()) => {
            check(columns, &row);
            Some(row)
        }
        Err(bad) => {
            assert!(!bad.problem.is_empty() && !bad.reason.is_empty());
            None
        }
    }
}

fn record(encoder: &mut dyn MessageEncoder, row: &[u8]) -> Vec<u8> {
    match encoder.encode(row) {
        Ok(Some(record)) => record.to_vec(),
        other => unreachable!("a row that was read has a record: {other:?}"),
    }
}

/// A record of Avro; the first byte chooses the schema, and whether a registry's number stands before it. What is read by the
/// schema of the columns is written, read again and written again, to the same bytes.
pub fn avro_record(bytes: &[u8]) {
    let Some((&flags, message)) = bytes.split_first() else { return };
    let framing = ("avro.framing", if flags & 2 == 0 { "none" } else { "confluent" });
    if flags & 1 != 0 {
        let columns = given_columns();
        let mut decoder = reads(&columns, "avro", &[("avro.schema", GIVEN), framing]);
        row(&mut *decoder, &columns, message);
        return;
    }
    let columns = columns(true);
    let Some(found) = row(&mut *reads(&columns, "avro", &[framing]), &columns, message) else {
        return;
    };
    let mut encoder = writes(&columns);
    let written = record(&mut *encoder, &found);
    let again = row(&mut *reads(&columns, "avro", &[]), &columns, &written);
    let Some(again) = again else { unreachable!("a record that was written can not be read") };
    assert_eq!(record(&mut *encoder, &again), written);
}

fn given_columns() -> Columns {
    let of = |name: &str, ty| Column::physical(Field::new(name, ty));
    let part = vec![Field::new("other", DataType::String), Field::new("x", DataType::BigInt)];
    laid_out(vec![
        of("side", DataType::VarChar(9)),
        of("flag", DataType::Boolean),
        of("code", DataType::Bytes),
        of("fee", DataType::Decimal { precision: 18, scale: 2 }),
        of("tags", DataType::Map(Box::new(DataType::String), Box::new(DataType::String))),
        of("part", DataType::Row(part)),
    ])
}

/// The records of rows of JSON, with and without a registry's number, and one of a given schema.
pub(super) fn avro_records(json: &str) -> Vec<Vec<u8>> {
    let columns = columns(true);
    let mut decoder = reads(&columns, "json", &[]);
    let mut encoder = writes(&columns);
    let rows = json.lines().filter_map(|line| row(&mut *decoder, &columns, line.as_bytes()));
    let records: Vec<_> = rows.map(|row| record(&mut *encoder, &row)).collect();
    let plain = records.iter().map(|record| [&[0], &record[..]].concat());
    let framed = records.iter().map(|record| [&[2, 0, 0, 0, 0, 9], &record[..]].concat());
    plain.chain(framed).chain([[&[1], GIVEN_RECORD].concat()]).collect()
}

/// A record of a session in a journal, which is written as it was.
#[cfg(feature = "mqtt")]
pub fn mqtt_record(bytes: &[u8]) {
    let Some(record) = Record::read(bytes) else { return };
    record.parts(|parts| assert_eq!(parts.concat(), bytes));
    if let Record::Message(Published { qos, topic, payload, .. }) = record {
        assert!(qos <= 2 && topic.len() + payload.len() < bytes.len());
    }
}

/// One of each kind.
#[cfg(feature = "mqtt")]
pub(super) fn mqtt_records() -> Vec<Vec<u8>> {
    let message = |qos: u8| {
        let (is_duplicate, is_retained) = (qos == 1, qos == 2);
        let id = u16::from(qos) * 300;
        let (topic, payload) = ("shop/north/purchases", &br#"{"n":1}"#[..]);
        Record::Message(Published { is_duplicate, qos, is_retained, topic, id, payload })
    };
    let records = [message(0), message(1), message(2), Record::Released(600), Record::Begun];
    let bytes = |record: &Record<'_>| {
        let mut bytes = Vec::new();
        record.parts(|parts| bytes = parts.concat());
        bytes
    };
    records.iter().map(bytes).collect()
}

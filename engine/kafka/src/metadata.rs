//! What is known of a message beside its value: the columns of metadata.

use rdkafka::message::{Headers, Message};
use tidewire_connect::tables::message::BadMessage;
use tidewire_connect::tables::{Columns, OptionError};
use tidewire_event::row::Slot;
use tidewire_event::{DataType, RowWriter, Value};

/// A thing that is known of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Key,
    Headers,
    Timestamp,
    Topic,
    Partition,
    Offset,
}

const KNOWN: [(&str, Known, &str); 6] = [
    ("headers", Known::Headers, "MAP<STRING, BYTES>"),
    ("key", Known::Key, "STRING or BYTES"),
    ("offset", Known::Offset, "BIGINT"),
    ("partition", Known::Partition, "INT"),
    ("timestamp", Known::Timestamp, "TIMESTAMP_LTZ(3)"),
    ("topic", Known::Topic, "STRING"),
];

/// The columns of metadata among those that a job uses.
#[derive(Debug)]
pub(crate) struct Metadata {
    /// Of each column of a row.
    of: Vec<Option<(Known, DataType, bool)>>,
    scratch: Vec<u8>,
}

impl Metadata {
    /// Those of a table.
    pub(crate) fn of(columns: &Columns) -> Result<Self, OptionError> {
        // Wrong ones are named also where the job does not use them.
        for column in &columns.table {
            column.metadata.as_ref().map(|key| known(key, &column.field.ty)).transpose()?;
        }
        let column = |column: &tidewire_connect::tables::Column| {
            let Some(key) = &column.metadata else { return Ok(None) };
            let ty = column.field.ty.clone();
            Ok(Some((known(key, &ty)?, ty, column.field.nullable)))
        };
        let of = columns.columns.iter().map(column).collect::<Result<_, OptionError>>()?;
        Ok(Self { of, scratch: Vec::new() })
    }

    /// Writes the column `at` of a row.
    pub(crate) fn write(
        &mut self,
        at: usize,
        slot: &Slot,
        message: &impl Message,
        row: &mut RowWriter<'_>,
    ) -> Result<(), BadMessage> {
        let Some(Some((known, ty, nullable))) = self.of.get(at) else { return Ok(()) };
        let text = |row: &mut RowWriter<'_>, text: &[u8]| {
            row.text(slot, text).map_err(|room| {
                let problem = format!("{room}; SET 'sql.row-bytes' to have room for it");
                BadMessage { has_no_room: true, ..BadMessage::new("metadata", problem) }
            })
        };
        match known {
            Known::Key => match message.key() {
                Some(key) if ty.is_text() && std::str::from_utf8(key).is_err() => {
                    let problem = "the key is no UTF-8: declare it BYTES".to_owned();
                    return Err(BadMessage::new("a key that is no UTF-8", problem));
                }
                Some(key) => text(row, key)?,
                None if *nullable => row.null(slot),
                None => {
                    let problem = "it has no key, and the column is NOT NULL".to_owned();
                    return Err(BadMessage::new("no key", problem));
                }
            },
            Known::Headers => {
                let headers = message.headers().into_iter().flat_map(Headers::iter);
                let entries = headers.map(|header| {
                    let value = header.value.map_or(Value::Null, |it| Value::Bytes(it.to_vec()));
                    (Value::text(header.key), value)
                });
                self.scratch.clear();
                Value::Map(entries.collect()).encode(ty, &mut self.scratch);
                text(row, &self.scratch)?;
            }
            Known::Timestamp => match message.timestamp().to_millis() {
                Some(millis) => row.int(slot, millis.saturating_mul(1_000_000)),
                None if *nullable => row.null(slot),
                None => {
                    let problem = "it has no timestamp, and the column is NOT NULL".to_owned();
                    return Err(BadMessage::new("no timestamp", problem));
                }
            },
            Known::Topic => text(row, message.topic().as_bytes())?,
            Known::Partition => row.int(slot, message.partition().into()),
            Known::Offset => row.int(slot, message.offset()),
        }
        Ok(())
    }
}

/// Refuses columns of metadata, which a sink does not take.
pub(crate) fn no_metadata(columns: &Columns) -> Result<(), OptionError> {
    match columns.columns.iter().find(|column| column.metadata.is_some()) {
        None => Ok(()),
        Some(column) => {
            let expected = "a sink takes no metadata: declare the column VIRTUAL, or leave it out";
            Err(OptionError::value("METADATA", &column.field.name, expected))
        }
    }
}

fn known(key: &str, ty: &DataType) -> Result<Known, OptionError> {
    let Some((_, known, expected)) = KNOWN.iter().find(|(name, ..)| *name == key) else {
        let names = KNOWN.map(|(name, ..)| name);
        let near = tidewire_connect::tables::nearest(key, &names);
        let expected =
            format!("messages have no such metadata{near}; they have {}", names.join(", "));
        return Err(OptionError::value("METADATA FROM", key, expected));
    };
    let fits = match (known, ty) {
        (Known::Key, ty) => ty.is_text() || *ty == DataType::Bytes,
        (Known::Headers, DataType::Map(key, value)) => key.is_text() && **value == DataType::Bytes,
        (Known::Timestamp, ty) => matches!(ty, DataType::TimestampLtz(3..)),
        (Known::Topic, ty) => ty.is_text(),
        (Known::Partition, ty) => *ty == DataType::Int,
        (Known::Offset, ty) => *ty == DataType::BigInt,
        (Known::Headers, _) => false,
    };
    match fits {
        true => Ok(*known),
        false => {
            let expected = format!("the column is {ty}, and must be {expected}");
            Err(OptionError::value("METADATA FROM", key, expected))
        }
    }
}

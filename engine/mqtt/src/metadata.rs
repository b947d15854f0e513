//! What is known of a message beside its payload: the columns of metadata.

use tidewire_connect::tables::live::Message;
use tidewire_connect::tables::message::BadMessage;
use tidewire_connect::tables::{Column, Columns, OptionError, nearest};
use tidewire_event::row::Slot;
use tidewire_event::{DataType, RowWriter};

use crate::record::Published;

/// A thing that is known of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Topic,
    /// A level of the topic, from 0.
    Level(usize),
    Qos,
    Retain,
    Duplicate,
    Received,
}

const KNOWN: [(&str, Known, &str); 5] = [
    ("duplicate", Known::Duplicate, "BOOLEAN"),
    ("qos", Known::Qos, "INT"),
    ("received", Known::Received, "TIMESTAMP_LTZ(3) or more digits"),
    ("retain", Known::Retain, "BOOLEAN"),
    ("topic", Known::Topic, "STRING"),
];
const LEVEL: &str = "level.";

/// The columns of metadata among those that a job uses.
#[derive(Debug)]
pub(crate) struct Metadata {
    /// Of each column of a row, with whether it may be NULL.
    of: Vec<Option<(Known, bool)>>,
}

impl Metadata {
    /// Those of a table.
    pub(crate) fn of(columns: &Columns) -> Result<Self, OptionError> {
        // Wrong ones are named also where the job does not use them.
        for column in &columns.table {
            known(column)?;
        }
        let of = columns.columns.iter().map(known).collect::<Result<_, _>>()?;
        Ok(Self { of })
    }

    /// Writes the column `at` of a row.
    pub(crate) fn write(
        &self,
        at: usize,
        slot: &Slot,
        message: &Message<'_>,
        published: &Published<'_>,
        row: &mut RowWriter<'_>,
    ) -> Result<(), BadMessage> {
        let Some(Some((known, is_nullable))) = self.of.get(at) else { return Ok(()) };
        let text = |row: &mut RowWriter<'_>, text: &str| {
            row.text(slot, text.as_bytes()).map_err(|room| {
                let problem = format!("{room}; SET 'sql.row-bytes' to have room for it");
                BadMessage { has_no_room: true, ..BadMessage::new("metadata", problem) }
            })
        };
        match known {
            Known::Topic => text(row, published.topic)?,
            Known::Level(at) => match published.topic.split('/').nth(*at) {
                Some(level) => text(row, level)?,
                None if *is_nullable => row.null(slot),
                None => {
                    let problem = format!(
                        "its topic '{}' has no level {}, and the column is NOT NULL",
                        published.topic,
                        at + 1
                    );
                    return Err(BadMessage::new("too few levels of the topic", problem));
                }
            },
            Known::Qos => row.int(slot, published.qos.into()),
            Known::Retain => row.bool(slot, published.is_retained),
            Known::Duplicate => row.bool(slot, published.is_duplicate),
            Known::Received => row.int(slot, message.received),
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

fn known(column: &Column) -> Result<Option<(Known, bool)>, OptionError> {
    let Some(key) = &column.metadata else { return Ok(None) };
    let ty = &column.field.ty;
    let level = key.strip_prefix(LEVEL).and_then(|number| number.parse::<usize>().ok());
    let found = match level.filter(|number| *number > 0) {
        Some(number) => Some((Known::Level(number - 1), "STRING")),
        None => KNOWN
            .iter()
            .find(|(name, ..)| name == key)
            .map(|(_, known, expected)| (*known, *expected)),
    };
    let Some((known, expected)) = found else {
        let names = KNOWN.map(|(name, ..)| name);
        let near = nearest(key, &names);
        let expected = format!(
            "messages have no such metadata{near}; they have {}, and level.1 and so on, the levels of the topic",
            names.join(", ")
        );
        return Err(OptionError::value("METADATA FROM", key, expected));
    };
    let fits = match known {
        Known::Topic | Known::Level(_) => ty.is_text(),
        Known::Qos => *ty == DataType::Int,
        Known::Retain | Known::Duplicate => *ty == DataType::Boolean,
        Known::Received => matches!(ty, DataType::TimestampLtz(3..)),
    };
    if fits {
        return Ok(Some((known, column.field.nullable)));
    }
    let expected = format!("the column is {ty}, and must be {expected}");
    Err(OptionError::value("METADATA FROM", key, expected))
}

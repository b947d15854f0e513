//! Writes a topic: each row is a message.
//!
//! At least once, messages leave as rows come, and a snapshot waits until brokers have them. Exactly once, see
//! `transactions`. With no guarantee nothing waits for brokers but the end.

use std::collections::BTreeMap;

use tidewire_connect::tables::message::{BadMessage, MessageEncoder, encoder};
use tidewire_connect::tables::{Columns, OptionError, Options, TableError, TableWriter, nearest};
use tidewire_event::row::Slot;
use tidewire_event::{RowWriter, Value};

use crate::metadata::no_metadata;
use crate::options::{Guarantee, KafkaOptions};
use crate::producer::{Sending, Sent};
use crate::transactions::Transactions;

/// The writer of a table.
pub(crate) fn writer(
    mut options: Options,
    columns: &Columns,
) -> Result<Box<dyn TableWriter>, TableError> {
    let kafka = KafkaOptions::take(&mut options)?;
    no_metadata(columns)?;
    let value = encoder(&mut options, columns)?;
    let key = KeyOf::new(&kafka, columns)?;
    options.finish()?;
    let topic = kafka.sink_topic()?;
    let way = match &kafka.guarantee {
        Guarantee::ExactlyOnce(prefix) => {
            Way::Kept(Box::new(Transactions::new(&kafka, topic, prefix)?))
        }
        guarantee => {
            let sending = Box::new(Sending::new(&kafka, topic, &[])?);
            sending.check()?;
            Way::AtOnce { sending, is_sure: *guarantee == Guarantee::AtLeastOnce }
        }
    };
    Ok(Box::new(TopicWriter { key, value, way }))
}

struct TopicWriter {
    key: Option<KeyOf>,
    value: Box<dyn MessageEncoder>,
    way: Way,
}

/// When messages leave.
enum Way {
    AtOnce { sending: Box<Sending>, is_sure: bool },
    Kept(Box<Transactions>),
}

impl Way {
    fn error(&self, bad: &BadMessage) -> TableError {
        match self {
            Self::AtOnce { sending, .. } => sending.error(&*bad.problem),
            Self::Kept(transactions) => transactions.error(&bad.problem),
        }
    }
}

impl TableWriter for TopicWriter {
    fn needs_snapshots(&self) -> Option<OptionError> {
        let is_kept = matches!(self.way, Way::Kept(_));
        is_kept.then(|| {
            let expected = "it needs snapshots: SET 'snapshot.store', or take 'at-least-once'";
            OptionError::value("sink.delivery-guarantee", "exactly-once", expected)
        })
    }

    fn row(&mut self, row: &[u8]) -> Result<(), TableError> {
        let Self { key, value, way } = self;
        let key = key.as_mut().map(|key| key.of(row)).transpose();
        let key = key.map_err(|bad| way.error(&bad))?.flatten();
        let value = value.encode(row).map_err(|bad| way.error(&bad))?;
        match way {
            Way::AtOnce { sending, .. } => sending.send(Sent { key, value, ..Sent::default() }),
            Way::Kept(transactions) => transactions.push(key, value),
        }
    }

    fn prepare(&mut self, epoch: u64) -> Result<Option<Vec<u8>>, TableError> {
        match &mut self.way {
            Way::AtOnce { sending, is_sure } => {
                if *is_sure {
                    sending.flush()?;
                }
                Ok(Some(Vec::new()))
            }
            Way::Kept(transactions) => transactions.prepare(epoch).map(Some),
        }
    }

    fn commit(&mut self, epoch: u64) -> Result<(), TableError> {
        match &mut self.way {
            Way::AtOnce { .. } => Ok(()),
            Way::Kept(transactions) => transactions.commit(epoch),
        }
    }

    fn restore(&mut self, prepared: &[u8]) -> Result<(), TableError> {
        match &mut self.way {
            Way::AtOnce { .. } => Ok(()),
            Way::Kept(transactions) => transactions.restore(prepared),
        }
    }

    fn finish(&mut self) -> Result<(), TableError> {
        match &self.way {
            Way::AtOnce { sending, .. } => sending.flush(),
            Way::Kept(_) => Ok(()),
        }
    }

    fn troubles(&self) -> Vec<(String, u64)> {
        match &self.way {
            Way::AtOnce { sending, .. } => sending.context().troubles(),
            Way::Kept(transactions) => transactions.troubles(),
        }
    }
}

/// Makes the keys of messages of some columns.
struct KeyOf {
    /// The columns alone, and where each lies in a row of all.
    columns: Columns,
    from: Vec<Slot>,
    encoder: Box<dyn MessageEncoder>,
    row: Vec<u8>,
}

const KEY_FORMATS: &str = "json, csv or raw";

impl KeyOf {
    fn new(kafka: &KafkaOptions, columns: &Columns) -> Result<Option<Self>, TableError> {
        if kafka.key_fields.is_empty() {
            return Ok(None);
        }
        let names: Vec<_> = columns.columns.iter().map(|it| it.field.name.as_str()).collect();
        let place = |field: &String| {
            names.iter().position(|name| name == field).ok_or_else(|| {
                let near = nearest(field, &names);
                let expected = format!("the table has no column '{field}'{near}");
                OptionError::value("key.fields", kafka.key_fields.join(";"), expected)
            })
        };
        let places = kafka.key_fields.iter().map(place).collect::<Result<Vec<_>, _>>()?;
        let from = places.iter().map(|at| columns.layout.slots()[*at]).collect();
        let of = places.iter().map(|at| columns.columns[*at].clone()).collect();
        let wide = |error: tidewire_event::row::TooWide| {
            OptionError::value("key.fields", kafka.key_fields.join(";"), error.to_string())
        };
        let columns = Columns::all(of).map_err(wide)?;
        let format = kafka.key_format.clone().unwrap_or_else(|| "raw".to_owned());
        if !["json", "csv", "raw"].contains(&format.as_str()) {
            return Err(OptionError::value("key.format", format, KEY_FORMATS).into());
        }
        let given = BTreeMap::from([("format".to_owned(), format)]);
        let encoder = encoder(&mut Options::new("kafka", given), &columns)?;
        Ok(Some(Self { columns, from, encoder, row: Vec::new() }))
    }

    /// The key of a row.
    fn of(&mut self, row: &[u8]) -> Result<Option<&[u8]>, BadMessage> {
        let Self { columns, from, encoder, row: own } = self;
        own.clear();
        own.resize(columns.layout.fixed_bytes() + row.len(), 0);
        let mut writer = RowWriter::on_zeros(own, &columns.layout);
        for ((to, from), column) in columns.layout.slots().iter().zip(from).zip(&columns.columns) {
            let bad = || BadMessage::new("a broken row", "the key is of a broken row".to_owned());
            let value = Value::read(row, from, &column.field.ty).ok_or_else(bad)?;
            put(&mut writer, to, from, row, &value).map_err(|_| bad())?;
        }
        encoder.encode(own)
    }
}

fn put(
    writer: &mut RowWriter<'_>,
    to: &Slot,
    from: &Slot,
    row: &[u8],
    value: &Value,
) -> Result<(), tidewire_event::row::NoRoom> {
    match value {
        Value::Null => writer.null(to),
        Value::Bool(it) => writer.bool(to, *it),
        Value::Int(it) => writer.int(to, *it),
        Value::Wide(it) => writer.wide(to, *it),
        Value::Float(it) => writer.float(to, *it),
        Value::Bytes(_) | Value::List(_) | Value::Map(_) => writer.text(to, from.text(row))?,
    }
    Ok(())
}

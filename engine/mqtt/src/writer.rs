//! Writes topics: each row is a message.
//!
//! Messages leave as rows come. At QoS 1 and 2 a snapshot waits until the broker has acknowledged them; at QoS 0 nobody
//! knows whether it has them.

use bytes::Bytes;
use rumqttc::{Publish, QoS};
use tidewire_connect::tables::live::Keeping;
use tidewire_connect::tables::message::{MessageEncoder, encoder};
use tidewire_connect::tables::{Columns, OptionError, Options, TableError, TableWriter, nearest};
use tidewire_event::row::Slot;

use crate::metadata::no_metadata;
use crate::options::{Broker, MqttOptions};
use crate::publisher::Publisher;
use crate::record::qos_of;

/// The writer of a table.
pub(crate) fn writer(
    mut options: Options,
    columns: &Columns,
) -> Result<Box<dyn TableWriter>, TableError> {
    let mqtt = MqttOptions::take(&mut options)?;
    no_metadata(columns)?;
    let encoder = encoder(&mut options, columns)?;
    // These are the reader's, of a table that is read too.
    Keeping::take(&mut options, "")?;
    options.take("on-error");
    options.finish()?;
    let topic = match &mqtt.topic_field {
        Some(field) => Topic::Field(slot_of(field, columns)?),
        None => Topic::One(mqtt.sink_topic()?.to_owned()),
    };
    // The session of a reader with the same options has the name itself.
    let client = match mqtt.client.as_str() {
        "" => String::new(),
        client => format!("{client}-sink"),
    };
    Ok(Box::new(TopicWriter {
        topic,
        encoder,
        qos: qos_of(mqtt.qos),
        is_retained: mqtt.is_retained,
        publisher: Publisher::start(mqtt.broker.clone(), client)?,
        broker: mqtt.broker,
    }))
}

fn slot_of(field: &str, columns: &Columns) -> Result<Slot, OptionError> {
    let names: Vec<_> = columns.columns.iter().map(|it| it.field.name.as_str()).collect();
    let wrong = |expected: String| OptionError::value("sink.topic-field", field, expected);
    let place = names.iter().position(|name| *name == field).ok_or_else(|| {
        wrong(format!("the table has no column '{field}'{}", nearest(field, &names)))
    })?;
    match (columns.columns.get(place), columns.layout.slots().get(place)) {
        (Some(column), Some(slot)) if column.field.ty.is_text() => Ok(*slot),
        _ => Err(wrong("a topic is a STRING".to_owned())),
    }
}

enum Topic {
    One(String),
    Field(Slot),
}

impl Topic {
    /// The topic of a row.
    fn of(&self, row: &[u8]) -> Result<String, String> {
        let slot = match self {
            Self::One(topic) => return Ok(topic.clone()),
            Self::Field(slot) => slot,
        };
        if slot.is_null(row) {
            return Err("the topic of a row is NULL".to_owned());
        }
        let topic = String::from_utf8_lossy(slot.text(row)).into_owned();
        let is_long = topic.len() > usize::from(u16::MAX);
        if topic.is_empty() || topic.contains('\0') || is_long || !rumqttc::valid_topic(&topic) {
            let rules = "it is empty, too long, or has a wildcard in it";
            return Err(format!("'{topic}' is no topic to write to: {rules}"));
        }
        Ok(topic)
    }
}

struct TopicWriter {
    topic: Topic,
    encoder: Box<dyn MessageEncoder>,
    qos: QoS,
    is_retained: bool,
    publisher: Publisher,
    broker: Broker,
}

impl TableWriter for TopicWriter {
    fn row(&mut self, row: &[u8]) -> Result<(), TableError> {
        let topic = self.topic.of(row).map_err(|problem| self.broker.output(problem))?;
        let encoded = self.encoder.encode(row).map_err(|bad| self.broker.output(bad.problem))?;
        // A message of MQTT always has a payload, if an empty one.
        let payload = Bytes::copy_from_slice(encoded.unwrap_or_default());
        let mut publish = Publish::from_bytes(topic, self.qos, payload);
        publish.retain = self.is_retained;
        self.publisher.send(publish)
    }

    fn prepare(&mut self, _: u64) -> Result<Option<Vec<u8>>, TableError> {
        self.publisher.flush()?;
        Ok(Some(Vec::new()))
    }

    fn commit(&mut self, _: u64) -> Result<(), TableError> {
        Ok(())
    }

    fn restore(&mut self, _: &[u8]) -> Result<(), TableError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), TableError> {
        self.publisher.flush()
    }

    fn troubles(&self) -> Vec<(String, u64)> {
        self.publisher.troubles()
    }
}

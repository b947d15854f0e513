//! Rows of what a session has given: a message is a row, and what else the journal has of a session is none.

use tidewire_connect::tables::live::{Decode, Known, Message, TextRows};
use tidewire_connect::tables::message::BadMessage;
use tidewire_connect::tables::{Columns, OptionError, Options, Read, TableError};
use tidewire_event::RowWriter;
use tidewire_event::row::Slot;

use crate::metadata::Metadata;
use crate::record::{Published, Record};

/// Makes rows of records.
pub(crate) struct Rows {
    text: TextRows<Topics>,
    broker: String,
}

impl Rows {
    /// Takes the options of the format, and `on-error`. `broker` is for people to read.
    pub(crate) fn take(
        options: &mut Options,
        columns: &Columns,
        broker: String,
    ) -> Result<Self, TableError> {
        let topics = Topics::new(columns, broker.clone())?;
        Ok(Self { text: TextRows::take(options, columns, topics)?, broker })
    }
}

impl Decode for Rows {
    const NEEDS_ALL: bool = false;

    fn first(&mut self, message: &Message<'_>, row: &mut [u8]) -> Result<Option<Read>, TableError> {
        match Record::read(message.bytes) {
            Some(Record::Message(_)) => self.text.first(message, row),
            Some(Record::Released(_) | Record::Begun) => Ok(None),
            None => {
                let place = format!("{}, record {}", self.broker, message.number);
                let problem = "the journal has a record that is no packet of MQTT".to_owned();
                Err(TableError::Input { place, problem })
            }
        }
    }

    fn more(&mut self, row: &mut [u8]) -> Result<Option<Read>, TableError> {
        self.text.more(row)
    }

    fn skipped(&self) -> Vec<(String, u64)> {
        self.text.skipped()
    }
}

/// What is known of a message.
struct Topics {
    metadata: Metadata,
    broker: String,
}

impl Topics {
    fn new(columns: &Columns, broker: String) -> Result<Self, OptionError> {
        Ok(Self { metadata: Metadata::of(columns)?, broker })
    }
}

fn published<'b>(message: &Message<'b>) -> Option<Published<'b>> {
    match Record::read(message.bytes)? {
        Record::Message(published) => Some(published),
        Record::Released(_) | Record::Begun => None,
    }
}

impl Known for Topics {
    fn write(
        &mut self,
        at: usize,
        slot: &Slot,
        message: &Message<'_>,
        row: &mut RowWriter<'_>,
    ) -> Result<(), BadMessage> {
        match published(message) {
            Some(published) => self.metadata.write(at, slot, message, &published, row),
            None => Ok(()),
        }
    }

    fn payload<'b>(&self, message: &Message<'b>) -> &'b [u8] {
        published(message).map_or(&[], |published| published.payload)
    }

    fn place(&self, message: &Message<'_>) -> String {
        let topic = published(message).map_or("", |published| published.topic);
        format!("{}, topic '{topic}', record {}", self.broker, message.number)
    }
}

//! Messages that are no rows: they stop the job, are left out, or go to another topic. All that are not rows are counted.
//!
//! A dead letter is the message as it was, with headers that say why and where it was. It is out before the place of a
//! snapshot is told, so each is there at least once.

use std::collections::BTreeMap;

use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use tidewire_connect::tables::TableError;
use tidewire_connect::tables::message::BadMessage;

use crate::client::input;
use crate::limits::REASON_BYTES_MAX;
use crate::options::{KafkaOptions, OnError};
use crate::producer::{Sending, Sent};

/// What becomes of them.
pub(crate) struct Poison {
    mode: Mode,
    counts: BTreeMap<&'static str, u64>,
    brokers: String,
}

enum Mode {
    Fail,
    Skip,
    DeadLetter(Box<Sending>),
}

impl Poison {
    /// As the options say.
    ///
    /// # Errors
    /// There is no such topic for them.
    pub(crate) fn new(options: &KafkaOptions) -> Result<Self, TableError> {
        let mode = match &options.on_error {
            OnError::Fail => Mode::Fail,
            OnError::Skip => Mode::Skip,
            OnError::DeadLetter(topic) => {
                let sending = Sending::new(options, topic, &[])?;
                sending.check()?;
                Mode::DeadLetter(Box::new(sending))
            }
        };
        Ok(Self { mode, counts: BTreeMap::new(), brokers: options.brokers().to_owned() })
    }

    /// Takes a message that is no row.
    ///
    /// # Errors
    /// It stops the job, or can not be sent on.
    #[cold]
    pub(crate) fn take(
        &mut self,
        message: &impl Message,
        bad: &BadMessage,
    ) -> Result<(), TableError> {
        let (topic, partition, offset) = (message.topic(), message.partition(), message.offset());
        let place =
            || format!("topic {topic} at {}, partition {partition}, offset {offset}", self.brokers);
        if bad.has_no_room {
            return Err(input(place(), &*bad.problem));
        }
        match &mut self.mode {
            Mode::Fail => {
                let help = "'on-error' = 'skip' or 'dead-letter' goes on without such messages";
                return Err(input(place(), format!("{}; {help}", bad.problem)));
            }
            Mode::Skip => {}
            Mode::DeadLetter(sending) => {
                let own = message.headers().into_iter().flat_map(Headers::iter);
                let headers = own.fold(OwnedHeaders::new(), OwnedHeaders::insert);
                let (mut reason, mut end) = (bad.problem.as_str(), REASON_BYTES_MAX);
                if reason.len() > end {
                    while !reason.is_char_boundary(end) {
                        end -= 1;
                    }
                    reason = &reason[..end];
                }
                let (partition, offset) = (partition.to_string(), offset.to_string());
                let headers = [
                    ("tidewire.reason", reason),
                    ("tidewire.topic", topic),
                    ("tidewire.partition", &partition),
                    ("tidewire.offset", &offset),
                ]
                .into_iter()
                .fold(headers, |headers, (key, value)| {
                    headers.insert(Header { key, value: Some(value) })
                });
                sending.send(Sent {
                    key: message.key(),
                    value: message.payload(),
                    headers: Some(headers),
                    timestamp: message.timestamp().to_millis(),
                })?;
            }
        }
        *self.counts.entry(bad.reason).or_default() += 1;
        Ok(())
    }

    /// Dead letters are where they belong.
    ///
    /// # Errors
    /// They can not be sent.
    pub(crate) fn flush(&self) -> Result<(), TableError> {
        match &self.mode {
            Mode::DeadLetter(sending) => sending.flush(),
            Mode::Fail | Mode::Skip => Ok(()),
        }
    }

    /// How many there were, by reason.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (String, u64)> + '_ {
        let to = match &self.mode {
            Mode::DeadLetter(_) => "messages sent to the dead letters",
            Mode::Fail | Mode::Skip => "messages left out",
        };
        self.counts.iter().map(move |(reason, count)| (format!("{to}: {reason}"), *count))
    }

    /// What went wrong with sending them, and was got over.
    pub(crate) fn troubles(&self) -> Vec<(String, u64)> {
        match &self.mode {
            Mode::DeadLetter(sending) => sending.context().troubles(),
            Mode::Fail | Mode::Skip => Vec::new(),
        }
    }
}

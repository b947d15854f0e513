//! Sends messages, and waits no longer than the bounds say.

use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::time::Duration;
use tidewire_connect::tables::TableError;

use crate::client::{Context, Unanswered, ask, create, output};
use crate::limits::{ASK, LOOK_EVERY, SINK_TRIES};
use crate::options::KafkaOptions;

/// What a message is made of, beside its topic.
#[derive(Debug, Default)]
pub(crate) struct Sent<'m> {
    pub(crate) key: Option<&'m [u8]>,
    pub(crate) value: Option<&'m [u8]>,
    pub(crate) headers: Option<OwnedHeaders>,
    pub(crate) timestamp: Option<i64>,
}

/// Sends messages.
pub(crate) struct Sending {
    pub(crate) producer: BaseProducer<Context>,
    topic: String,
    /// For messages to people.
    place: String,
    /// In a transaction a message that is lost is told by its commit.
    is_transactional: bool,
    since_look: u32,
}

/// Where the table says nothing else. A message leaves at once: those that come while a request is on its way go with the
/// next. Partitions follow from keys as those of Java's client do.
const OURS: [(&str, &str); 3] =
    [("linger.ms", "0"), ("enable.idempotence", "true"), ("partitioner", "murmur2_random")];

impl Sending {
    /// Sends to a topic. Options that the caller needs take the place of the table's.
    pub(crate) fn new(
        options: &KafkaOptions,
        topic: &str,
        needed: &[(&str, &str)],
    ) -> Result<Self, TableError> {
        let mut config: ClientConfig = options.client(&OURS);
        for (name, value) in needed {
            config.set(*name, *value);
        }
        let producer: BaseProducer<Context> = create(&config)?;
        let place = format!("topic {topic} at {}", options.brokers());
        let is_transactional = config.get("transactional.id").is_some();
        Ok(Self { producer, topic: topic.to_owned(), place, is_transactional, since_look: 0 })
    }

    pub(crate) fn error(&self, problem: impl Into<String>) -> TableError {
        output(self.place.clone(), problem)
    }

    pub(crate) fn context(&self) -> &Context {
        self.producer.context()
    }

    /// Asks whether there is such a topic.
    ///
    /// # Errors
    /// There is none, or no broker says.
    pub(crate) fn check(&self) -> Result<(), TableError> {
        let serve = || self.producer.poll(Duration::ZERO);
        let asked = ask(self.context(), serve, || {
            let metadata = self.producer.client().fetch_metadata(Some(&self.topic), ASK)?;
            let found = metadata.topics().iter().find(|it| it.name() == self.topic);
            let code = found.and_then(|it| it.error()).map(Code::from);
            match (found, code) {
                (Some(_), None) => Ok(true),
                (None, _) | (_, Some(Code::UnknownTopicOrPartition | Code::UnknownTopic)) => {
                    Ok(false)
                }
                // A broker that makes topics has begun to make this one.
                (_, Some(code)) => Err(KafkaError::MetadataFetch(code)),
            }
        });
        match asked {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.error("there is no such topic: create it, or look at its name")),
            Err(Unanswered(why)) => Err(self.error(format!("no answer: {why}"))),
        }
    }

    /// Hands a message to the client. Where that has no room it waits: for a broker to take what is before it.
    ///
    /// # Errors
    /// No broker took anything for too long, or one has refused an earlier message.
    pub(crate) fn send(&mut self, sent: Sent<'_>) -> Result<(), TableError> {
        self.since_look = self.since_look.wrapping_add(1);
        if self.since_look.is_multiple_of(LOOK_EVERY) {
            self.producer.poll(Duration::ZERO);
            self.none_is_lost()?;
        }
        let Sent { key, value, headers, timestamp } = sent;
        let mut record = BaseRecord::<[u8], [u8]>::to(&self.topic);
        (record.key, record.payload) = (key, value);
        (record.headers, record.timestamp) = (headers, timestamp);
        for _ in 0..SINK_TRIES {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(Code::QueueFull), back)) => {
                    record = back;
                    self.make_room();
                    self.none_is_lost()?;
                }
                Err((error, _)) => return Err(self.error(error.to_string())),
            }
        }
        Err(self.error(format!(
            "no broker has taken a message for {} s: {}",
            ASK.as_secs() * u64::from(SINK_TRIES),
            self.troubles()
        )))
    }

    /// Waits until the client has room for a message again, or for [`ASK`].
    fn make_room(&self) {
        let full = self.producer.in_flight_count();
        for _ in 0..ASK.as_millis() {
            self.producer.poll(Duration::from_millis(1));
            if self.producer.in_flight_count() < full {
                break;
            }
        }
    }

    /// Waits until brokers have all that was sent.
    ///
    /// # Errors
    /// They have not for too long, or refused a message.
    pub(crate) fn flush(&self) -> Result<(), TableError> {
        for _ in 0..SINK_TRIES {
            let flushed = self.producer.flush(ASK);
            self.none_is_lost()?;
            match flushed {
                Ok(()) => return Ok(()),
                Err(KafkaError::Flush(Code::OperationTimedOut)) => {}
                Err(error) => return Err(self.error(error.to_string())),
            }
        }
        Err(self.error(format!(
            "{} message(s) were not taken within {} s: {}",
            self.producer.in_flight_count(),
            ASK.as_secs() * u64::from(SINK_TRIES),
            self.troubles()
        )))
    }

    /// No message that was sent has been refused.
    fn none_is_lost(&self) -> Result<(), TableError> {
        let lost = self.context().take_lost().filter(|_| !self.is_transactional);
        lost.map_or(Ok(()), |lost| Err(self.error(lost)))
    }

    /// What was heard, for a message to people.
    pub(crate) fn troubles(&self) -> String {
        let troubles: Vec<_> =
            self.context().troubles().into_iter().map(|(what, _)| what).collect();
        if troubles.is_empty() { "nothing was heard of it".to_owned() } else { troubles.join("; ") }
    }
}

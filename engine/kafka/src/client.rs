//! What the clients of this crate share: how they are made, how their errors are told, and the questions of the start.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::producer::{DeliveryResult, ProducerContext};
use rdkafka::{ClientConfig, Message, TopicPartitionList};
use tidewire_connect::tables::{OptionError, TableError};

use crate::limits::{ASK, START_TRIES};

/// Hears what goes wrong beside what is asked.
#[derive(Debug, Default)]
pub(crate) struct Context {
    heard: Mutex<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    /// By their kinds, of which there are few: how often each was, and what was last said of it.
    troubles: BTreeMap<String, (u64, String)>,
    /// The newest error in the client's log.
    logged: String,
    /// The newest error that waiting does not help.
    refusal: Option<String>,
    /// The first message that was not delivered.
    lost: Option<String>,
}

impl Context {
    fn with<T>(&self, act: impl FnOnce(&mut Heard) -> T) -> T {
        act(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes note of an error of the client.
    pub(crate) fn trouble(&self, error: &KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        let kind = code.map_or_else(|| error.to_string(), |code| code.to_string());
        self.with(|heard| {
            let reason = if reason.is_empty() { heard.logged.clone() } else { reason.to_owned() };
            if code.is_some_and(is_refusal) {
                heard.refusal = Some(format!("{kind}: {reason}"));
            }
            let (count, last) = heard.troubles.entry(kind).or_default();
            *count += 1;
            *last = reason;
        });
    }

    /// What has gone wrong so far, and was got over.
    pub(crate) fn troubles(&self) -> Vec<(String, u64)> {
        let told = |(kind, (count, last)): (&String, &(u64, String))| {
            let last = if last.is_empty() { String::new() } else { format!(" ({last})") };
            (format!("{kind}{last}"), *count)
        };
        self.with(|heard| heard.troubles.iter().map(told).collect())
    }

    /// An error that waiting does not help, if there has been one.
    pub(crate) fn refusal(&self) -> Option<String> {
        self.with(|heard| heard.refusal.clone())
    }

    /// Takes the error of a message that was not delivered, if there is one.
    pub(crate) fn take_lost(&self) -> Option<String> {
        self.with(|heard| heard.lost.take())
    }
}

impl ClientContext for Context {
    /// Errors of a consumer come without their reasons, which are only logged.
    fn log(&self, level: RDKafkaLogLevel, _: &str, message: &str) {
        if (level as i32) <= RDKafkaLogLevel::Error as i32 {
            self.with(|heard| message.clone_into(&mut heard.logged));
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.trouble(&error, reason);
    }
}

impl ConsumerContext for Context {
    fn commit_callback(&self, result: Result<(), KafkaError>, _: &TopicPartitionList) {
        if let Err(error) = result {
            self.trouble(&error, "when offsets were committed to the group");
        }
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, message)) = result {
            let lost = format!("a message to {} was not taken: {error}", message.topic());
            self.with(|heard| heard.lost.get_or_insert(lost).len());
        }
    }
}

/// Whether an error stays, however long one waits.
pub(crate) fn is_refusal(code: Code) -> bool {
    matches!(
        code,
        Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::SSL
            | Code::UnsupportedSASLMechanism
            | Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
            | Code::InvalidTopic
    )
}

/// Makes a client.
///
/// # Errors
/// A property means nothing to it.
pub(crate) fn create<T: FromClientConfigAndContext<Context>>(
    config: &ClientConfig,
) -> Result<T, TableError> {
    config.create_with_context(Context::default()).map_err(|error| match error {
        KafkaError::ClientConfig(_, problem, name, value) => {
            OptionError::value(&format!("properties.{name}"), value, problem).into()
        }
        KafkaError::ClientCreation(problem) => input("the client of Kafka", problem),
        error => input("the client of Kafka", error.to_string()),
    })
}

/// An error of what is read.
pub(crate) fn input(place: impl Into<String>, problem: impl Into<String>) -> TableError {
    TableError::Input { place: place.into(), problem: problem.into() }
}

/// An error of what is written.
pub(crate) fn output(place: impl Into<String>, problem: impl Into<String>) -> TableError {
    TableError::Output { place: place.into(), problem: problem.into() }
}

/// How a question of the start ended badly.
#[derive(Debug)]
pub(crate) struct Unanswered(pub(crate) String);

/// Asks until there is an answer, for so long as the start may take.
///
/// # Errors
/// There is none, or none that waiting would help to.
pub(crate) fn ask<T>(
    context: &Context,
    serve: impl Fn(),
    mut question: impl FnMut() -> Result<T, KafkaError>,
) -> Result<T, Unanswered> {
    let mut last = String::new();
    for _ in 0..START_TRIES {
        match question() {
            Ok(answer) => return Ok(answer),
            Err(error) => {
                let stays = error.rdkafka_error_code().is_some_and(is_refusal);
                last = error.to_string();
                if stays {
                    break;
                }
            }
        }
        serve();
        if let Some(refusal) = context.refusal() {
            return Err(Unanswered(refusal));
        }
    }
    let troubles = context.troubles().into_iter().map(|(what, _)| what).collect::<Vec<_>>();
    let more =
        if troubles.is_empty() { String::new() } else { format!(" ({})", troubles.join("; ")) };
    Err(Unanswered(format!("{last}{more}")))
}

/// How many partitions a topic has; `None`: there is no such topic.
///
/// # Errors
/// No broker says.
pub(crate) fn partitions_of<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
) -> Result<Option<u32>, KafkaError> {
    let metadata = consumer.fetch_metadata(Some(topic), ASK)?;
    let Some(found) = metadata.topics().iter().find(|it| it.name() == topic) else {
        return Ok(None);
    };
    match found.error().map(Code::from) {
        None => Ok(Some(found.partitions().len() as u32)),
        Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => Ok(None),
        Some(code) => Err(KafkaError::MetadataFetch(code)),
    }
}

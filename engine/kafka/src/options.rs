//! The options of a table, under Flink's names where Flink has them. A table may be read and written with the same options,
//! so each side takes those of both.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::ClientConfig;
use tidewire_connect::tables::{OptionError, Options, TableError};

/// Where partitions are read from at first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Startup {
    Earliest,
    Latest,
    /// From what the group has committed; and where it has not, from the end that is said, if one is.
    Group(Option<End>),
    /// From the first message of this time or later, ms since the epoch.
    Timestamp(i64),
    /// From these offsets; a partition that has none is read from its beginning.
    Offsets(BTreeMap<i32, i64>),
}

/// An end of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Earliest,
    Latest,
}

/// What becomes of a message that is no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OnError {
    Fail,
    Skip,
    /// It goes to this topic.
    DeadLetter(String),
}

/// What a sink promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Guarantee {
    None,
    AtLeastOnce,
    /// With transactions under ids that begin so.
    ExactlyOnce(String),
}

/// The options of a table, but those of its formats.
#[derive(Debug, Clone)]
pub(crate) struct KafkaOptions {
    pub(crate) topics: Vec<String>,
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) startup: Startup,
    pub(crate) is_bounded: bool,
    /// How often new partitions are looked for, if they are.
    pub(crate) discovery: Option<Duration>,
    pub(crate) on_error: OnError,
    pub(crate) guarantee: Guarantee,
    pub(crate) key_fields: Vec<String>,
    pub(crate) key_format: Option<String>,
}

const STARTUP: &str = "scan.startup.mode";
const STARTUP_MILLIS: &str = "scan.startup.timestamp-millis";
const STARTUP_OFFSETS: &str = "scan.startup.specific-offsets";
const BOUNDED: &str = "scan.bounded.mode";
const DISCOVERY: &str = "scan.topic-partition-discovery.interval";
const ON_ERROR: &str = "on-error";
const DEAD_LETTER: &str = "dead-letter.topic";
const GUARANTEE: &str = "sink.delivery-guarantee";
const PREFIX: &str = "sink.transactional-id-prefix";

/// Properties that a table sets itself, with what to set instead.
const OWN_PROPERTIES: [(&str, &str); 4] = [
    (
        "auto.offset.reset",
        "take scan.startup.mode; with group-offsets it is earliest, latest or none",
    ),
    ("enable.partition.eof", "leave it out, the table needs it"),
    ("enable.auto.offset.store", "leave it out, offsets are in the snapshots"),
    ("transactional.id", "take sink.transactional-id-prefix"),
];

impl KafkaOptions {
    /// Takes them.
    pub(crate) fn take(options: &mut Options) -> Result<Self, OptionError> {
        let topics = options.need("topic", "a topic, or several as 'a;b'")?;
        let topics: Vec<_> = topics.split(';').map(|it| it.trim().to_owned()).collect();
        let mut known: Vec<&str> = topics.iter().map(String::as_str).collect();
        known.sort_unstable();
        known.dedup();
        if known.len() < topics.len() || topics.iter().any(String::is_empty) {
            return Err(OptionError::value("topic", topics.join(";"), "topics, each once"));
        }
        let mut properties: BTreeMap<_, _> = options.take_all("properties.").into_iter().collect();
        if !properties.contains_key("bootstrap.servers") {
            return Err(OptionError::missing(
                options.connector(),
                "properties.bootstrap.servers",
                "brokers, as 'host:9092'",
            ));
        }
        let reset = properties.remove("auto.offset.reset");
        for (name, instead) in OWN_PROPERTIES {
            if let Some(value) = properties.get(name) {
                return Err(OptionError::value(&format!("properties.{name}"), value, instead));
            }
        }
        let startup = startup(options, reset)?;
        let bounded = options.parse(BOUNDED, "unbounded or latest-offset", |text| match text {
            "unbounded" => Some(false),
            "latest-offset" => Some(true),
            _ => None,
        })?;
        let discovery =
            options.parse(DISCOVERY, "a time as 30s, 5min or 500ms; 0 for never", time)?;
        let on_error = on_error(options)?;
        let guarantee = guarantee(options)?;
        let key_fields = options.take("key.fields").unwrap_or_default();
        let key_fields: Vec<_> = key_fields
            .split(';')
            .map(|field| field.trim().to_owned())
            .filter(|field| !field.is_empty())
            .collect();
        let key_format = options.take("key.format");
        if key_format.is_some() && key_fields.is_empty() {
            let value = key_format.unwrap_or_default();
            return Err(OptionError::value("key.format", value, "key.fields say what the key is"));
        }
        Ok(Self {
            topics,
            properties,
            startup,
            is_bounded: bounded.unwrap_or(false),
            discovery: Some(discovery.unwrap_or(Duration::from_secs(300)))
                .filter(|it| !it.is_zero()),
            on_error,
            guarantee,
            key_fields,
            key_format,
        })
    }

    /// A client with the table's properties, behind those that are `ours` and may be changed.
    pub(crate) fn client(&self, ours: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("client.id", "tidewire");
        for (name, value) in ours {
            config.set(*name, *value);
        }
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        config
    }

    /// What a table that is read needs to have said.
    pub(crate) fn check_start(&self) -> Result<(), OptionError> {
        if !matches!(self.startup, Startup::Group(_)) || self.group().is_some() {
            return Ok(());
        }
        Err(OptionError::missing(
            "kafka",
            "properties.group.id",
            "the group whose offsets are the start; or take another scan.startup.mode",
        ))
    }

    /// The group that offsets are committed to, if one is named.
    pub(crate) fn group(&self) -> Option<&str> {
        self.properties.get("group.id").map(String::as_str)
    }

    /// The brokers, for messages.
    pub(crate) fn brokers(&self) -> &str {
        self.properties.get("bootstrap.servers").map_or("", String::as_str)
    }

    /// The one topic that is written to.
    pub(crate) fn sink_topic(&self) -> Result<&str, TableError> {
        match &self.topics[..] {
            [topic] => Ok(topic),
            topics => {
                let error = OptionError::value("topic", topics.join(";"), "a sink has one topic");
                Err(error.into())
            }
        }
    }
}

fn startup(options: &mut Options, reset: Option<String>) -> Result<Startup, OptionError> {
    let modes = "earliest-offset, latest-offset, group-offsets, timestamp or specific-offsets";
    let mode = options.take(STARTUP).unwrap_or_else(|| "group-offsets".to_owned());
    let millis = options.parse(STARTUP_MILLIS, "ms since 1970", |text| text.parse::<i64>().ok())?;
    let offsets = options.take(STARTUP_OFFSETS);
    let reset = match reset.as_deref() {
        None | Some("none") => None,
        Some("earliest") => Some(End::Earliest),
        Some("latest") => Some(End::Latest),
        Some(other) => {
            let name = "properties.auto.offset.reset";
            return Err(OptionError::value(name, other, "earliest, latest or none"));
        }
    };
    let of_mode = |name: &str, value: String, mode: &str| {
        OptionError::value(name, value, format!("it goes with '{STARTUP}' = '{mode}'"))
    };
    if let Some(millis) = millis.filter(|_| mode != "timestamp") {
        return Err(of_mode(STARTUP_MILLIS, millis.to_string(), "timestamp"));
    }
    if let Some(offsets) = offsets.as_ref().filter(|_| mode != "specific-offsets") {
        return Err(of_mode(STARTUP_OFFSETS, offsets.clone(), "specific-offsets"));
    }
    let missing =
        |name: &'static str, meaning: &'static str| OptionError::missing("kafka", name, meaning);
    Ok(match mode.as_str() {
        "earliest-offset" => Startup::Earliest,
        "latest-offset" => Startup::Latest,
        "group-offsets" => Startup::Group(reset),
        "timestamp" => Startup::Timestamp(millis.ok_or(missing(STARTUP_MILLIS, "ms since 1970"))?),
        "specific-offsets" => {
            let form = "partition:0,offset:42;partition:1,offset:300";
            let offsets = offsets.ok_or(missing(STARTUP_OFFSETS, form))?;
            let read = specific(&offsets);
            Startup::Offsets(
                read.ok_or_else(|| OptionError::value(STARTUP_OFFSETS, offsets, form))?,
            )
        }
        other => return Err(OptionError::value(STARTUP, other, modes)),
    })
}

/// `partition:0,offset:42;partition:1,offset:300`
fn specific(text: &str) -> Option<BTreeMap<i32, i64>> {
    let mut offsets = BTreeMap::new();
    for one in text.split(';') {
        let (partition, offset) = one.trim().split_once(',')?;
        let partition = partition.trim().strip_prefix("partition:")?.trim().parse().ok()?;
        let offset = offset.trim().strip_prefix("offset:")?.trim().parse().ok()?;
        if partition < 0 || offset < 0 || offsets.insert(partition, offset).is_some() {
            return None;
        }
    }
    Some(offsets)
}

fn on_error(options: &mut Options) -> Result<OnError, OptionError> {
    let topic = options.take(DEAD_LETTER);
    let mode = options.take(ON_ERROR);
    match (mode.as_deref().unwrap_or("fail"), topic) {
        ("dead-letter", Some(topic)) => Ok(OnError::DeadLetter(topic)),
        ("dead-letter", None) => Err(OptionError::missing(
            options.connector(),
            DEAD_LETTER,
            "where messages that are no rows go",
        )),
        (_, Some(topic)) => {
            let expected = format!("it goes with '{ON_ERROR}' = 'dead-letter'");
            Err(OptionError::value(DEAD_LETTER, topic, expected))
        }
        ("fail", None) => Ok(OnError::Fail),
        ("skip", None) => Ok(OnError::Skip),
        (other, None) => Err(OptionError::value(ON_ERROR, other, "fail, skip or dead-letter")),
    }
}

fn guarantee(options: &mut Options) -> Result<Guarantee, OptionError> {
    let prefix = options.take(PREFIX);
    let mode = options.take(GUARANTEE);
    match (mode.as_deref().unwrap_or("at-least-once"), prefix) {
        ("exactly-once", Some(prefix)) => Ok(Guarantee::ExactlyOnce(prefix)),
        ("exactly-once", None) => Err(OptionError::missing(
            options.connector(),
            PREFIX,
            "the begin of the transactional id, which no other job has",
        )),
        (_, Some(prefix)) => {
            let expected = format!("it goes with '{GUARANTEE}' = 'exactly-once'");
            Err(OptionError::value(PREFIX, prefix, expected))
        }
        ("at-least-once", None) => Ok(Guarantee::AtLeastOnce),
        ("none", None) => Ok(Guarantee::None),
        (other, None) => {
            Err(OptionError::value(GUARANTEE, other, "at-least-once, exactly-once or none"))
        }
    }
}

/// A time such as `30s`, `5 min` or `500ms`; `0` needs no unit.
fn time(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    Some(match text[digits..].trim() {
        "" if number == 0 => Duration::ZERO,
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" | "min" => Duration::from_secs(number.checked_mul(60)?),
        "h" => Duration::from_secs(number.checked_mul(3_600)?),
        _ => return None,
    })
}

//! The options of a table. A table may be read and written with the same options, so each side takes those of both.

use tidewire_connect::tables::{OptionError, Options, TableError};

use crate::limits::TOPICS_BYTES_MAX;

/// Where a broker is, and who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broker {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) login: Option<(String, String)>,
}

impl Broker {
    /// For people to read.
    pub(crate) fn place(&self) -> String {
        format!("mqtt://{}:{}", self.host, self.port)
    }

    /// What went wrong with it, for people to read.
    pub(crate) fn input(&self, problem: impl Into<String>) -> TableError {
        TableError::Input { place: self.place(), problem: problem.into() }
    }

    /// What went wrong with writing to it.
    pub(crate) fn output(&self, problem: impl Into<String>) -> TableError {
        TableError::Output { place: self.place(), problem: problem.into() }
    }
}

/// The options of a table, but those of its format and its journal.
#[derive(Debug, Clone)]
pub(crate) struct MqttOptions {
    pub(crate) broker: Broker,
    /// Filters to read, or the topic to write to.
    pub(crate) topics: Vec<String>,
    /// 0, 1 or 2.
    pub(crate) qos: u8,
    /// The name of the session, empty where the broker may make one up.
    pub(crate) client: String,
    pub(crate) is_clean: bool,
    /// s
    pub(crate) keep_alive: u16,
    /// The column that has the topic of a row that is written.
    pub(crate) topic_field: Option<String>,
    pub(crate) is_retained: bool,
}

const URL: &str = "a broker, as 'mqtt://host:1883'";
const CLEAN: &str = "clean.session";
const KEEP_ALIVE: &str = "keep.alive";
const PORT: u16 = 1_883;

impl MqttOptions {
    /// Takes them.
    pub(crate) fn take(options: &mut Options) -> Result<Self, OptionError> {
        let url = options.need("url", URL)?;
        let (host, port) = address(&url)?;
        let topics = options.need("topic", "a topic or a filter as 'site/+/temperature'")?;
        let topics: Vec<_> = topics.split(';').map(|it| it.trim().to_owned()).collect();
        for (at, topic) in topics.iter().enumerate() {
            let is_wrong = topic.contains('\0') || !rumqttc::valid_filter(topic);
            if is_wrong || topic.len() > usize::from(u16::MAX) || topics[..at].contains(topic) {
                let expected = "topics or filters, each once, in which '+' is a whole level and '#' the last one";
                return Err(OptionError::value("topic", topic, expected));
            }
        }
        let qos = options.parse("qos", "0, 1 or 2", |text| {
            text.parse().ok().filter(|level| (0..=2).contains(level))
        })?;
        let client = options.take("client.id").unwrap_or_default();
        let is_clean = options.flag(CLEAN)?.unwrap_or(client.is_empty());
        if !is_clean && client.is_empty() {
            let expected =
                "a session that is kept needs 'client.id', a name that no other client has";
            return Err(OptionError::value(CLEAN, "false", expected));
        }
        let (user, password) = (options.take("username"), options.take("password"));
        let login = match (user, password) {
            (Some(user), password) => Some((user, password.unwrap_or_default())),
            (None, None) => None,
            (None, Some(_)) => {
                let meaning = "who the password is of";
                return Err(OptionError::missing(options.connector(), "username", meaning));
            }
        };
        let keep_alive = options.duration(KEEP_ALIVE)?.unwrap_or(60_000_000_000);
        let seconds = u16::try_from(keep_alive / 1_000_000_000).ok().filter(|seconds| *seconds > 0);
        let keep_alive = seconds.ok_or_else(|| {
            OptionError::value(KEEP_ALIVE, format!("{keep_alive} ns"), "from '1 s' to '65535 s'")
        })?;
        Ok(Self {
            broker: Broker { host, port, login },
            topics,
            qos: qos.unwrap_or(1),
            client,
            is_clean,
            keep_alive,
            topic_field: options.take("sink.topic-field"),
            is_retained: options.flag("sink.retain")?.unwrap_or(false),
        })
    }

    /// What a journal is of: messages of other topics, or of another quality of service, belong into another.
    pub(crate) fn carries(&self, format: &str) -> String {
        let mut text = format!("{format} at qos {} of {}", self.qos, self.topics.join(";"));
        text.truncate(text.floor_char_boundary(TOPICS_BYTES_MAX));
        text
    }

    /// The topic that is written to, where no column has it.
    pub(crate) fn sink_topic(&self) -> Result<&str, OptionError> {
        match &self.topics[..] {
            [topic] if rumqttc::valid_topic(topic) => Ok(topic),
            topics => {
                let expected = "a sink has one topic, without wildcards; or name a column by 'sink.topic-field'";
                Err(OptionError::value("topic", topics.join(";"), expected))
            }
        }
    }
}

/// The host and port of `mqtt://host:port`.
fn address(url: &str) -> Result<(String, u16), OptionError> {
    let wrong = |expected: &str| OptionError::value("url", url, expected);
    if url.starts_with("mqtts://") || url.starts_with("ssl://") {
        return Err(wrong(
            "TLS is not built in: put a tunnel before the broker, and give its address",
        ));
    }
    let rest = url.strip_prefix("mqtt://").ok_or_else(|| wrong(URL))?;
    if rest.contains('@') {
        return Err(wrong("a login goes into 'username' and 'password'"));
    }
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| wrong(URL))?),
        _ => (rest, PORT),
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if bare.is_empty() || bare.contains('/') || (bare == host && host.contains(':')) {
        return Err(wrong(URL));
    }
    Ok((bare.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn take(given: &[(&str, &str)]) -> Result<MqttOptions, String> {
        let all = [("url", "mqtt://host"), ("topic", "a/+/b; c/#")];
        let all = all.iter().chain(given).map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let mut options = Options::new("mqtt", all.collect::<BTreeMap<_, _>>());
        MqttOptions::take(&mut options).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let taken = take(&[]).unwrap();
        assert_eq!(taken.broker, Broker { host: "host".into(), port: 1883, login: None });
        assert_eq!(taken.topics, ["a/+/b", "c/#"]);
        assert_eq!((taken.qos, taken.is_clean, taken.keep_alive), (1, true, 60));
        assert!(!take(&[("client.id", "c")]).unwrap().is_clean);
        assert!(take(&[("client.id", "c"), ("clean.session", "true")]).unwrap().is_clean);
        let taken = take(&[("url", "mqtt://[::1]:99"), ("username", "u")]).unwrap();
        assert_eq!((&*taken.broker.host, taken.broker.port), ("::1", 99));
        assert_eq!(taken.broker.login, Some(("u".into(), String::new())));
        assert_eq!(taken.carries("json"), "json at qos 1 of a/+/b;c/#");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let says = |name: &str, value: &str, expected: &str| {
            let error = take(&[(name, value)]).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        says("url", "host:1883", "a broker, as 'mqtt://host:1883'");
        says("url", "mqtts://host", "TLS is not built in");
        says("url", "mqtt://u:p@host", "'username' and 'password'");
        says("url", "mqtt://host:x", "a broker, as");
        says("url", "mqtt://::1", "a broker, as");
        says("url", "mqtt://host/a", "a broker, as");
        says("topic", "a/b#", "'#' the last one");
        says("topic", "a;a", "each once");
        says("topic", "", "topics or filters");
        says("qos", "3", "0, 1 or 2");
        says("clean.session", "false", "needs 'client.id'");
        says("password", "p", "needs the option 'username'");
        says("keep.alive", "0 s", "from '1 s'");
        assert!(take(&[]).unwrap().sink_topic().unwrap_err().to_string().contains("one topic"));
        assert_eq!(take(&[("topic", "a/b")]).unwrap().sink_topic(), Ok("a/b"));
    }
}

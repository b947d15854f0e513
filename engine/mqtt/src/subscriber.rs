//! Reads topics: what a session gives goes through the journal and becomes rows.
//!
//! 1. At the start the broker must take the connection, within [`START_NS`]. A connection that breaks later is made anew,
//!    each try later than the one before; the table waits meanwhile.
//! 2. It subscribes where the broker has no session, and where nothing has come of the session yet: a broker that is asked
//!    a second time sends all retained messages again.
//! 3. Nothing waits but a try to connect; what has not come is looked for again.

use std::collections::BTreeMap;
use std::thread;

use rumqttc::{Packet, SubAck, Subscribe, SubscribeFilter, SubscribeReasonCode};
use tidewire_connect::tables::live::{Came, Inbox, Keeping, Live, Message, Transport};
use tidewire_connect::tables::{Columns, Options, TableError, TableReader};
use tidewire_udp::clock::{monotonic_ns, unix_now_ns};

use crate::limits::{LOOK, LOOK_BACK, START_NS};
use crate::link::{Broken, Link};
use crate::options::MqttOptions;
use crate::record::{Record, level_of, qos_of};
use crate::retry::Retry;
use crate::rows::Rows;
use crate::session::Session;

/// The packet identifier of a subscription. It is ours, and has nothing to do with those of messages.
const SUBSCRIPTION: u16 = 1;

/// The reader of a table.
pub(crate) fn reader(
    mut options: Options,
    columns: &Columns,
) -> Result<Box<dyn TableReader>, TableError> {
    let mqtt = MqttOptions::take(&mut options)?;
    let mut given = options.clone();
    let format = given.take("format").or(given.take("value.format")).unwrap_or_default();
    let keeping = Keeping::take(&mut options, &mqtt.carries(&format))?;
    let rows = Rows::take(&mut options, columns, mqtt.broker.place())?;
    options.finish()?;
    Ok(Box::new(Live::new("mqtt", Subscriber::new(mqtt), rows, keeping)?))
}

/// Receives messages.
struct Subscriber {
    options: MqttOptions,
    session: Session,
    link: Option<Link>,
    /// Whether the session is told of the connection.
    is_live: bool,
    /// What the broker said of the session when it took the connection, until the session is told.
    is_present: Option<bool>,
    retry: Retry,
    connections: u64,
    lost_sessions: u64,
    troubles: BTreeMap<String, u64>,
}

impl Subscriber {
    fn new(options: MqttOptions) -> Self {
        Self {
            options,
            session: Session::default(),
            link: None,
            is_live: false,
            is_present: None,
            retry: Retry::default(),
            connections: 0,
            lost_sessions: 0,
            troubles: BTreeMap::new(),
        }
    }

    /// Asks for a connection, where there is none, and whether the broker has taken it.
    fn connect(&mut self) -> Result<Option<bool>, Broken> {
        let Self { options, link, .. } = self;
        let link = match link {
            Some(link) => link,
            None => {
                let MqttOptions { broker, client, is_clean, keep_alive, .. } = options;
                link.insert(Link::open(broker, client, *is_clean, *keep_alive)?)
            }
        };
        link.taken()
    }

    /// The connection is at its end.
    fn broke(&mut self, broken: &Broken) {
        self.link = None;
        (self.is_live, self.is_present) = (false, None);
        self.retry.failed(monotonic_ns());
        *self.troubles.entry(broken.kind()).or_default() += 1;
    }

    /// What may be tried again is counted.
    fn got_over(&mut self, broken: Broken) -> Result<(), TableError> {
        if broken.is_final() {
            self.link = None;
            return Err(self.options.broker.input(broken.to_string()));
        }
        self.broke(&broken);
        Ok(())
    }

    fn turn(&mut self, inbox: &mut Inbox) -> Result<Came, Broken> {
        if self.link.is_none() && !self.retry.is_due(monotonic_ns()) {
            return Ok(Came::Nothing);
        }
        let received = unix_now_ns();
        let mut give =
            |record: &Record<'_>| record.parts(|parts| inbox.push_parts(received, 0, parts));
        if !self.is_live {
            let is_present = match self.is_present.take() {
                Some(is_present) => is_present,
                None => match self.connect()? {
                    Some(is_present) => is_present,
                    None => return Ok(Came::Nothing),
                },
            };
            (self.is_live, self.connections) = (true, self.connections + 1);
            let is_lost = !is_present && self.session.is_used() && !self.options.is_clean;
            self.lost_sessions += u64::from(is_lost);
            self.session.connected(is_present, &mut give);
            if !self.session.is_used() {
                self.subscribe()?;
            }
        }
        let Self { link: Some(link), session, retry, options, .. } = self else {
            return Ok(Came::Nothing);
        };
        link.read()?;
        let mut came = Came::Nothing;
        while let Some(packet) = link.next()? {
            came = Came::Something;
            retry.succeeded();
            match packet {
                Packet::Publish(publish) => session.publish(&publish, &mut give),
                Packet::PubRel(release) => session.release(release.pkid, &mut give),
                Packet::SubAck(subscribed) => granted(options, &subscribed)?,
                other => return Err(Broken::Unasked(format!("{other:?}"))),
            }
        }
        Ok(came)
    }

    fn subscribe(&mut self) -> Result<(), Broken> {
        let Self { link: Some(link), options, .. } = self else { return Ok(()) };
        let qos = qos_of(options.qos);
        let filters = options.topics.iter().map(|it| SubscribeFilter::new(it.clone(), qos));
        let mut subscribe = Subscribe::new_many(filters);
        subscribe.pkid = SUBSCRIPTION;
        link.put(&Packet::Subscribe(subscribe))?;
        link.flush()
    }
}

/// Whether all that was asked for is granted.
fn granted(options: &MqttOptions, subscribed: &SubAck) -> Result<(), Broken> {
    for (topic, code) in options.topics.iter().zip(&subscribed.return_codes) {
        match code {
            SubscribeReasonCode::Success(qos) if level_of(*qos) >= options.qos => {}
            SubscribeReasonCode::Success(qos) => {
                return Err(Broken::Refused(format!(
                    "the broker gives '{topic}' at qos {} only, and {} is asked for",
                    level_of(*qos),
                    options.qos
                )));
            }
            SubscribeReasonCode::Failure => {
                let problem = format!("the broker refuses the subscription to '{topic}'");
                return Err(Broken::Refused(problem));
            }
        }
    }
    Ok(())
}

impl Transport for Subscriber {
    const ACKNOWLEDGES: bool = true;
    const LOOKS_BACK: u64 = LOOK_BACK;

    fn replayed(&mut self, message: &Message<'_>) {
        // One that is no record is an error of the decoder's.
        if let Some(record) = Record::read(message.bytes) {
            self.session.replayed(&record);
        }
    }

    /// The broker must take the connection.
    fn start(&mut self) -> Result<(), TableError> {
        let began = monotonic_ns();
        let mut heard = "it does not answer".to_owned();
        loop {
            let now = monotonic_ns();
            if now - began > START_NS {
                let seconds = START_NS / 1_000_000_000;
                let problem = format!("no connection came about within {seconds} s: {heard}");
                return Err(self.options.broker.input(problem));
            }
            if self.link.is_none() && !self.retry.is_due(now) {
                thread::sleep(LOOK);
                continue;
            }
            let asked = self.connect().and_then(|present| {
                if let (None, Some(link)) = (present, &self.link) {
                    link.wait(LOOK)?;
                }
                Ok(present)
            });
            match asked {
                Ok(None) => {}
                Ok(Some(is_present)) => {
                    self.is_present = Some(is_present);
                    return Ok(());
                }
                Err(broken) => {
                    heard = broken.to_string();
                    self.got_over(broken)?;
                }
            }
        }
    }

    fn receive(&mut self, inbox: &mut Inbox) -> Result<Came, TableError> {
        match self.turn(inbox) {
            Ok(came) => Ok(came),
            Err(broken) => {
                self.got_over(broken)?;
                // There may be messages that came before.
                Ok(Came::Something)
            }
        }
    }

    fn kept(&mut self) -> Result<(), TableError> {
        let Self { session, link, .. } = self;
        let mut answers = session.kept();
        let Some(link) = link else { return Ok(()) };
        let said = answers.try_for_each(|answer| link.put(&answer)).and_then(|()| link.flush());
        drop(answers);
        said.or_else(|broken| self.got_over(broken))
    }

    fn place(&self) -> String {
        self.options.broker.place()
    }

    fn counts(&self) -> Vec<(String, u64)> {
        let (messages, resent) = self.session.counts();
        let counts = [
            ("messages", messages),
            ("messages that the broker sent again and that were known", resent),
            ("connections", self.connections),
        ];
        counts.map(|(what, count)| (what.to_owned(), count)).into()
    }

    fn skipped(&self) -> Vec<(String, u64)> {
        let what = "sessions that the broker did not have any more, with what it had not sent";
        let lost = (self.lost_sessions > 0).then(|| (what.to_owned(), self.lost_sessions));
        lost.into_iter().collect()
    }

    fn troubles(&self) -> Vec<(String, u64)> {
        let place = self.place();
        let troubles = self.troubles.iter();
        troubles.map(|(what, count)| (format!("{place}: {what}"), *count)).collect()
    }
}

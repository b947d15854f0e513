//! Sends messages to a broker, and knows which of them it has acknowledged.
//!
//! 1. A session of its own, which is clean: what is not acknowledged when a connection breaks is published again on the next.
//! 2. It pings nobody: a connection that is quiet may stay so, and one that is dead is found when something is sent.
//! 3. While no broker acknowledges anything it waits, up to [`SINK_NS`]; then it is an error.

use std::collections::{BTreeMap, VecDeque};
use std::thread;

use rumqttc::{Packet, PubRel, Publish, QoS};
use tidewire_connect::tables::TableError;
use tidewire_udp::clock::monotonic_ns;

use crate::limits::{LOOK, PACKET_BYTES_MAX, SINK_NS, START_NS, UNACKED_MAX, UNRELEASED_MAX};
use crate::link::{Broken, Link};
use crate::options::Broker;
use crate::retry::Retry;

/// A message that is not acknowledged.
#[derive(Debug)]
struct Waiting {
    publish: Publish,
    /// Whether it was sent: then it is marked when it is sent again.
    is_sent: bool,
}

impl Waiting {
    fn send(&mut self, link: &mut Link) -> Result<(), Broken> {
        self.publish.dup = self.is_sent;
        self.is_sent = true;
        link.put(&Packet::Publish(self.publish.clone()))
    }
}

/// Sends messages.
pub(crate) struct Publisher {
    broker: Broker,
    client: String,
    link: Option<Link>,
    /// Whether the broker has taken the connection.
    is_live: bool,
    retry: Retry,
    waiting: VecDeque<Waiting>,
    last_id: u16,
    /// When the broker last acknowledged something, or something was put in that it had to wait for.
    moved: i64,
    troubles: BTreeMap<String, u64>,
}

impl Publisher {
    /// Connects.
    ///
    /// # Errors
    /// The broker refuses, or none answers within [`START_NS`].
    pub(crate) fn start(broker: Broker, client: String) -> Result<Self, TableError> {
        let mut publisher = Self {
            broker,
            client,
            link: None,
            is_live: false,
            retry: Retry::default(),
            waiting: VecDeque::new(),
            last_id: 0,
            moved: monotonic_ns(),
            troubles: BTreeMap::new(),
        };
        publisher.until(START_NS, |it| it.is_live)?;
        Ok(publisher)
    }

    /// Sends a message. At QoS 0 it is with the system then, at others it is on its way.
    ///
    /// # Errors
    /// It is too long, or no broker takes anything for too long.
    pub(crate) fn send(&mut self, mut publish: Publish) -> Result<(), TableError> {
        let bytes = publish.size();
        if bytes > PACKET_BYTES_MAX {
            let problem =
                format!("a message of {bytes} bytes: at most {PACKET_BYTES_MAX} are sent");
            return Err(self.broker.output(problem));
        }
        if publish.qos == QoS::AtMostOnce {
            return self.send_unsure(&Packet::Publish(publish));
        }
        let most = if publish.qos == QoS::ExactlyOnce { UNRELEASED_MAX } else { UNACKED_MAX };
        self.until(SINK_NS, |it| it.waiting.len() < most)?;
        publish.pkid = self.free_id();
        if self.waiting.is_empty() {
            self.moved = monotonic_ns();
        }
        let mut waiting = Waiting { publish, is_sent: false };
        let put = match &mut self.link {
            Some(link) if self.is_live => waiting.send(link),
            // It goes out when there is a connection.
            _ => Ok(()),
        };
        self.waiting.push_back(waiting);
        put.and_then(|()| self.turn()).or_else(|broken| self.got_over(broken))
    }

    /// Sends a packet that nobody acknowledges.
    fn send_unsure(&mut self, packet: &Packet) -> Result<(), TableError> {
        loop {
            self.until(SINK_NS, |it| it.is_live)?;
            let Some(link) = &mut self.link else { continue };
            match link.put(packet) {
                Ok(()) => break,
                Err(broken) => self.got_over(broken)?,
            }
        }
        self.until(SINK_NS, |it| it.link.as_ref().is_none_or(Link::is_flushed))
    }

    /// Waits until the broker has acknowledged all.
    ///
    /// # Errors
    /// It does not for too long.
    pub(crate) fn flush(&mut self) -> Result<(), TableError> {
        self.until(SINK_NS, |it| it.waiting.is_empty())
    }

    /// What was got over, and how often.
    pub(crate) fn troubles(&self) -> Vec<(String, u64)> {
        let place = self.broker.place();
        self.troubles.iter().map(|(what, count)| (format!("{place}: {what}"), *count)).collect()
    }

    /// Waits until it `is_so`, as long as something moves within `most` ns.
    fn until(&mut self, most: i64, is_so: impl Fn(&Self) -> bool) -> Result<(), TableError> {
        let began = monotonic_ns();
        loop {
            if let Err(broken) = self.turn() {
                self.got_over(broken)?;
            }
            if is_so(self) {
                return Ok(());
            }
            if monotonic_ns() - began.max(self.moved) > most {
                let heard = self.troubles.keys().next_back();
                let heard = heard.map_or("nothing was heard of it", String::as_str);
                let seconds = most / 1_000_000_000;
                let problem = format!(
                    "{} message(s) were not taken within {seconds} s: {heard}",
                    self.waiting.len()
                );
                return Err(self.broker.output(problem));
            }
            match self.link.as_ref().map(|link| link.wait(LOOK)) {
                Some(Ok(())) => {}
                Some(Err(broken)) => self.got_over(broken)?,
                None if self.retry.is_due(monotonic_ns()) => {}
                None => thread::sleep(LOOK),
            }
        }
    }

    /// Sends and takes what can be without waiting.
    fn turn(&mut self) -> Result<(), Broken> {
        let Self { broker, client, link, retry, .. } = self;
        let link = match link {
            Some(link) => link,
            None if !retry.is_due(monotonic_ns()) => return Ok(()),
            None => link.insert(Link::open(broker, client, true, 0)?),
        };
        if !self.is_live {
            if link.taken()?.is_none() {
                return Ok(());
            }
            self.is_live = true;
            for waiting in &mut self.waiting {
                waiting.send(link)?;
            }
        }
        link.read()?;
        while let Some(packet) = link.next()? {
            let (id, is_last) = match packet {
                Packet::PubAck(acked) => (acked.pkid, true),
                Packet::PubComp(completed) => (completed.pkid, true),
                Packet::PubRec(received) => (received.pkid, false),
                other => return Err(Broken::Unasked(format!("{other:?}"))),
            };
            self.retry.succeeded();
            self.moved = monotonic_ns();
            let Some(at) = self.waiting.iter().position(|it| it.publish.pkid == id) else {
                return Err(Broken::Unasked(format!("an answer to message {id}")));
            };
            if is_last {
                self.waiting.remove(at);
            } else {
                link.put(&Packet::PubRel(PubRel::new(id)))?;
            }
        }
        link.flush()
    }

    fn got_over(&mut self, broken: Broken) -> Result<(), TableError> {
        (self.link, self.is_live) = (None, false);
        if broken.is_final() {
            return Err(self.broker.output(broken.to_string()));
        }
        self.retry.failed(monotonic_ns());
        *self.troubles.entry(broken.kind()).or_default() += 1;
        Ok(())
    }

    /// An identifier that no message has that is on its way: there are fewer of these.
    fn free_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if self.waiting.iter().all(|it| it.publish.pkid != self.last_id) {
                return self.last_id;
            }
        }
    }
}

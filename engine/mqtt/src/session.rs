//! A session, as the side that receives sees it: packets in, records for the journal and acknowledgements out. It knows no
//! socket and no clock.
//!
//! 1. A message is given to the journal once. Its acknowledgement waits until it is kept ([`Session::kept`]), and is for
//!    the connection on which it came alone: another connection begins with none.
//! 2. QoS 1: what the broker sends again is known by [`Again`], and acknowledged without being given again.
//! 3. QoS 2 (section 4.3.3): an identifier is held from its PUBLISH to its PUBREL, and a second PUBLISH of it is not given.
//!    The PUBREL is a record too, before it is answered, so that a restart holds what was held.
//! 4. A session that the broker begins anew forgets all identifiers, and that is a record.

use std::collections::BTreeSet;

use rumqttc::{Packet, PubAck, PubComp, PubRec, Publish, QoS};

use crate::again::Again;
use crate::record::{Published, Record};

/// The state of a session.
#[derive(Debug, Default)]
pub(crate) struct Session {
    again: Again,
    /// The identifiers of QoS 2 whose messages were given, and that are not released.
    held: BTreeSet<u16>,
    /// What is to be said to the broker when what was given is kept, in the order of its packets.
    answers: Vec<Packet>,
    /// Whether a message has come since it began: then it is subscribed.
    is_used: bool,
    messages: u64,
    resent: u64,
}

impl Session {
    /// A record that the journal has.
    pub(crate) fn replayed(&mut self, record: &Record<'_>) {
        match record {
            Record::Message(message) => {
                self.is_used = true;
                match message.qos {
                    0 => {}
                    1 => self.again.keep(message),
                    _ => {
                        self.held.insert(message.id);
                    }
                }
            }
            Record::Released(id) => {
                self.held.remove(id);
            }
            Record::Begun => self.forget(),
        }
    }

    fn forget(&mut self) {
        self.again.clear();
        self.held.clear();
        self.is_used = false;
    }

    /// Whether the broker has sent messages in it, so that it knows what is subscribed to.
    pub(crate) fn is_used(&self) -> bool {
        self.is_used
    }

    /// A connection has begun, on which the broker has this session, or a new one. What it gives out is for the journal.
    pub(crate) fn connected(&mut self, is_present: bool, give: &mut impl FnMut(&Record<'_>)) {
        self.answers.clear();
        if !is_present && self.is_used {
            self.forget();
            give(&Record::Begun);
        }
    }

    /// A message has come.
    pub(crate) fn publish(&mut self, publish: &Publish, give: &mut impl FnMut(&Record<'_>)) {
        let message = Published::of(publish);
        let (is_new, answer) = match publish.qos {
            QoS::AtMostOnce => (true, None),
            QoS::AtLeastOnce => {
                let is_new = !(message.is_duplicate && self.again.has(&message));
                if is_new {
                    self.again.keep(&message);
                }
                (is_new, Some(Packet::PubAck(PubAck::new(message.id))))
            }
            QoS::ExactlyOnce => {
                (self.held.insert(message.id), Some(Packet::PubRec(PubRec::new(message.id))))
            }
        };
        self.is_used = true;
        self.answers.extend(answer);
        if is_new {
            self.messages += 1;
            give(&Record::Message(message));
        } else {
            self.resent += 1;
        }
    }

    /// The broker releases an identifier.
    pub(crate) fn release(&mut self, id: u16, give: &mut impl FnMut(&Record<'_>)) {
        if self.held.remove(&id) {
            give(&Record::Released(id));
        }
        self.answers.push(Packet::PubComp(PubComp::new(id)));
    }

    /// All that was given is kept: what is to be said now.
    pub(crate) fn kept(&mut self) -> impl Iterator<Item = Packet> {
        self.answers.drain(..)
    }

    /// Messages that were given, and those that came again and were not.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.messages, self.resent)
    }
}

#[cfg(test)]
mod tests;

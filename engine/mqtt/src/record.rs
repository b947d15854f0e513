//! What a journal has of a session: packets of MQTT 3.1.1, each without its remaining length, which the record knows.
//!
//! - PUBLISH (section 3.3): a message, with its flags, topic and packet identifier as the broker sent them.
//! - PUBREL (3.6): the broker has let go of the identifier of a message of QoS 2.
//! - CONNACK (3.2) without a session: all identifiers before it mean nothing any more.

use rumqttc::{Publish, QoS};

/// Bytes of a record beside the topic and what the message says.
pub(crate) const HEAD_BYTES_MAX: usize = 5;

const PUBLISH: u8 = 0x30;
const RELEASE: u8 = 0x62;
const CONNACK: u8 = 0x20;

/// A message, as a record has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published<'b> {
    /// The broker may have sent it before.
    pub is_duplicate: bool,
    /// 0, 1 or 2.
    pub qos: u8,
    /// The broker had it before there was a subscription.
    pub is_retained: bool,
    /// Where it was published.
    pub topic: &'b str,
    /// Its packet identifier; 0 at QoS 0.
    pub id: u16,
    /// What it says.
    pub payload: &'b [u8],
}

/// A record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record<'b> {
    /// A message.
    Message(Published<'b>),
    /// The message of QoS 2 with this identifier will not come again.
    Released(u16),
    /// A session has begun.
    Begun,
}

impl<'b> Record<'b> {
    /// Reads one; `None`: it is none.
    #[must_use]
    pub fn read(bytes: &'b [u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first()?;
        match *first {
            CONNACK => rest.is_empty().then_some(Self::Begun),
            RELEASE => Some(Self::Released(u16::from_be_bytes(rest.try_into().ok()?))),
            first if first & 0xF0 == PUBLISH => {
                let (length, rest) = rest.split_first_chunk()?;
                let (topic, rest) =
                    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
                let qos = first >> 1 & 3;
                let (id, payload) = match qos {
                    0 => (0, rest),
                    // Section 3.3.1.2: both bits are never set.
                    3 => return None,
                    _ => rest
                        .split_first_chunk()
                        .map(|(id, rest)| (u16::from_be_bytes(*id), rest))?,
                };
                Some(Self::Message(Published {
                    is_duplicate: first & 8 != 0,
                    qos,
                    is_retained: first & 1 != 0,
                    topic: std::str::from_utf8(topic).ok()?,
                    id,
                    payload,
                }))
            }
            _ => None,
        }
    }

    /// Hands out its parts, which stand one after the other.
    pub fn parts(&self, out: impl FnOnce(&[&[u8]])) {
        match self {
            Self::Message(message) => {
                let Published { is_duplicate, qos, is_retained, topic, id, payload } = message;
                let flags = u8::from(*is_duplicate) << 3 | qos << 1 | u8::from(*is_retained);
                let length = (topic.len() as u16).to_be_bytes();
                let id = id.to_be_bytes();
                let id = if *qos == 0 { &[][..] } else { &id };
                out(&[&[PUBLISH | flags], &length, topic.as_bytes(), id, payload]);
            }
            Self::Released(id) => out(&[&[RELEASE], &id.to_be_bytes()]),
            Self::Begun => out(&[&[CONNACK]]),
        }
    }
}

impl<'b> Published<'b> {
    /// A message as the client gives it.
    pub(crate) fn of(publish: &'b Publish) -> Self {
        let Publish { dup, qos, retain, topic, pkid, payload } = publish;
        let qos = level_of(*qos);
        Self { is_duplicate: *dup, qos, is_retained: *retain, topic, id: *pkid, payload }
    }

    /// As the client gives it.
    #[cfg(test)]
    pub(crate) fn packet(&self) -> Publish {
        Publish {
            dup: self.is_duplicate,
            qos: qos_of(self.qos),
            retain: self.is_retained,
            topic: self.topic.to_owned(),
            pkid: self.id,
            payload: bytes::Bytes::copy_from_slice(self.payload),
        }
    }
}

/// 0, 1 or 2.
pub(crate) fn level_of(qos: QoS) -> u8 {
    match qos {
        QoS::AtMostOnce => 0,
        QoS::AtLeastOnce => 1,
        QoS::ExactlyOnce => 2,
    }
}

/// Of 0, 1 or 2.
pub(crate) fn qos_of(level: u8) -> QoS {
    match level {
        0 => QoS::AtMostOnce,
        1 => QoS::AtLeastOnce,
        _ => QoS::ExactlyOnce,
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn bytes(record: &Record<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        record.parts(|parts| bytes = parts.concat());
        bytes
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            (is_duplicate, is_retained, qos) in (any::<bool>(), any::<bool>(), 0..3_u8),
            topic in "[a-zµ/]{0,12}",
            id in 1..=u16::MAX,
            payload in vec(any::<u8>(), 0..20),
        ) {
            let id = if qos == 0 { 0 } else { id };
            let message =
                Published { is_duplicate, qos, is_retained, topic: &topic, id, payload: &payload };
            for record in [Record::Message(message), Record::Released(id), Record::Begun] {
                let bytes = bytes(&record);
                prop_assert_eq!(Record::read(&bytes), Some(record));
            }
            let packet = message.packet();
            prop_assert_eq!(Published::of(&packet), message);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..20)) {
            let _ = Record::read(&bytes);
        }
    }

    #[test]
    fn a_message_is_the_packet_of_the_specification() {
        // Section 3.3.2, example: topic "a/b", packet identifier 10.
        let found = Record::read(b"\x3A\0\x03a/b\0\x0Ahi");
        let expected = Published {
            is_duplicate: true,
            qos: 1,
            is_retained: false,
            topic: "a/b",
            id: 10,
            payload: b"hi",
        };
        assert_eq!(found, Some(Record::Message(expected)));
        assert_eq!(Record::read(b"\x32\0\x09a/b"), None);
        assert_eq!(Record::read(b"\x3E\0\x03a/b\0\x0Ahi"), None);
        assert_eq!(Record::read(b""), None);
    }
}

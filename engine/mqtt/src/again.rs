//! Which messages of QoS 1 have been kept, to know one that is sent again.
//!
//! A broker sends a message again, with its packet identifier, when it has not seen it acknowledged (section 4.4). The same
//! message is: the same identifier, topic and payload, among the newest [`REMEMBERED_MAX`] that were kept. So a broker
//! that counts identifiers up never has two that are taken for one. One that gives the smallest free identifier has: two
//! equal messages, of which the first was acknowledged and the second is sent again, one after the other.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::limits::REMEMBERED_MAX;
use crate::record::Published;

/// The newest message that was kept with an identifier.
#[derive(Debug, Clone, Copy, Default)]
struct Newest {
    /// How many had been kept with it; 0: none has the identifier.
    count: u64,
    /// Of its topic and payload.
    hash: u64,
}

/// What has been kept.
#[derive(Debug)]
pub(crate) struct Again {
    /// By the packet identifier.
    of: Vec<Newest>,
    kept: u64,
}

impl Default for Again {
    fn default() -> Self {
        Self { of: vec![Newest::default(); 1 << 16], kept: 0 }
    }
}

impl Again {
    /// Whether the message is one that was kept.
    pub(crate) fn has(&self, message: &Published<'_>) -> bool {
        let newest = self.of.get(usize::from(message.id)).copied().unwrap_or_default();
        newest.count > 0
            && self.kept - newest.count < REMEMBERED_MAX
            && newest.hash == hash_of(message)
    }

    /// The message is kept.
    pub(crate) fn keep(&mut self, message: &Published<'_>) {
        self.kept += 1;
        if let Some(newest) = self.of.get_mut(usize::from(message.id)) {
            *newest = Newest { count: self.kept, hash: hash_of(message) };
        }
    }

    /// Forgets all: identifiers mean nothing any more.
    pub(crate) fn clear(&mut self) {
        self.of.fill(Newest::default());
        self.kept = 0;
    }
}

/// With the keys of `DefaultHasher::new`, which are always the same.
fn hash_of(message: &Published<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (message.topic, message.payload).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: u16, payload: &[u8]) -> Published<'_> {
        Published { is_duplicate: true, qos: 1, is_retained: false, topic: "t", id, payload }
    }

    #[test]
    fn the_same_identifier_topic_and_payload_is_the_same_message() {
        let mut again = Again::default();
        again.keep(&message(7, b"a"));
        assert!(again.has(&message(7, b"a")));
        assert!(!again.has(&message(8, b"a")));
        assert!(!again.has(&message(7, b"b")));
        assert!(!again.has(&Published { topic: "u", ..message(7, b"a") }));
        again.clear();
        assert!(!again.has(&message(7, b"a")));
    }

    #[test]
    fn a_broker_that_has_come_round_has_another_message() {
        let mut again = Again::default();
        let ids = (1..=u16::MAX).cycle();
        for id in ids.take(70_000) {
            assert!(!again.has(&message(id, b"always")), "{id}");
            again.keep(&message(id, b"always"));
        }
    }
}

//! What a sender keeps of what it has sent, to answer requests: the side of the server.
//!
//! 1. Packets are kept as they were sent, the newest [`HISTORY_BYTES_MAX`] bytes of them.
//! 2. An answer is one packet: as many of the messages asked for as it has room for, from the first on.
//! 3. A request for what is not there, or not any more, has no answer.
//!
//! Source: *MoldUDP64 Protocol Specification* 1.00, "Request Packet" and "Re-request server".

use std::collections::VecDeque;

use super::{LENGTH_BYTES, Packet, PacketBuilder, Request, Session};

/// Bytes of packets that are kept where nothing else is said.
pub const HISTORY_BYTES_MAX: usize = 256 << 20;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A packet with so many messages was handed over.
    Messages(u16),
    /// The request is of another session.
    OtherSession,
    /// The first message asked for was never sent, or is not kept any more.
    NotKept,
}

/// The packets of one session.
#[derive(Debug)]
pub struct History {
    session: Session,
    /// Each with the number of its first message, and that behind its last.
    packets: VecDeque<(u64, u64, Box<[u8]>)>,
    bytes: usize,
    bytes_max: usize,
}

impl History {
    /// A history of `session` that keeps at most `bytes_max` bytes of packets.
    #[must_use]
    pub fn new(session: Session, bytes_max: usize) -> Self {
        Self { session, packets: VecDeque::new(), bytes: 0, bytes_max }
    }

    /// Keeps a packet. Of another session, or without messages, it is none to keep; the packets come in order.
    pub fn keep(&mut self, payload: &[u8]) {
        let Ok(packet) = Packet::parse(payload) else { return };
        let whole = packet.messages().map_while(Result::ok).count() as u64;
        if packet.session() != self.session || whole == 0 {
            return;
        }
        let end = packet.sequence().saturating_add(whole);
        self.packets.push_back((packet.sequence(), end, payload.into()));
        self.bytes += payload.len();
        while self.bytes > self.bytes_max {
            let Some((.., oldest)) = self.packets.pop_front() else { break };
            self.bytes -= oldest.len();
        }
    }

    /// The message with this number, if it is kept.
    #[must_use]
    pub fn message(&self, sequence: u64) -> Option<&[u8]> {
        self.from(sequence).next()
    }

    /// Answers a request: hands a packet of at most `bytes_max` bytes to `send`, if there is an answer. A first message that
    /// is larger goes alone.
    pub fn answer(&self, request: Request, bytes_max: usize, send: impl FnOnce(&[u8])) -> Answer {
        if request.session != self.session {
            return Answer::OtherSession;
        }
        let mut packet = PacketBuilder::new(self.session, request.sequence);
        for message in self.from(request.sequence).take(usize::from(request.count)) {
            let fits = packet.size() + LENGTH_BYTES + message.len() <= bytes_max;
            if !(fits || packet.count() == 0) || !packet.push(message) {
                break;
            }
        }
        match packet.count() {
            0 => Answer::NotKept,
            count => {
                packet.finish(send);
                Answer::Messages(count)
            }
        }
    }

    /// The messages that are kept from this number on, up to the first that is not.
    fn from(&self, sequence: u64) -> impl Iterator<Item = &[u8]> {
        let at = self.packets.partition_point(|(_, end, _)| *end <= sequence);
        let mut next = sequence;
        let run = self.packets.range(at..).take_while(move |(first, end, _)| {
            let follows = *first <= next;
            next = *end;
            follows
        });
        run.flat_map(move |(first, _, bytes)| {
            let messages = Packet::parse(bytes).ok().map(|packet| packet.messages());
            let skip = sequence.saturating_sub(*first);
            messages.into_iter().flatten().map_while(Result::ok).skip(skip as usize)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SESSION: Session = *b"      SES1";

    proptest! {
        /// Beside a plain list of messages.
        #[test]
        fn answers_hold_what_was_sent_and_is_kept(
            counts in prop::collection::vec(0_usize..6, 1..20),
            lost in prop::collection::vec(any::<bool>(), 20),
            bytes_max in 1_usize..2_000,
            ask in prop::collection::vec((0_u64..60, 0_u16..20, 20_usize..200), 1..20),
        ) {
            let mut history = History::new(SESSION, bytes_max);
            let mut kept: Vec<(u64, Vec<u8>)> = Vec::new();
            let mut sizes = VecDeque::new();
            let mut next = 1_u64;
            for (count, lost) in counts.into_iter().zip(lost) {
                let mut packet = PacketBuilder::new(SESSION, next);
                let mut messages = Vec::new();
                for number in next..next + count as u64 {
                    let message = vec![number as u8; number as usize % 7];
                    prop_assert!(packet.push(&message));
                    messages.push((number, message));
                }
                next += count as u64;
                if lost || count == 0 {
                    continue;
                }
                sizes.push_back((packet.size(), count));
                packet.finish(|bytes| history.keep(bytes));
                kept.extend(messages);
                while sizes.iter().map(|(bytes, _)| bytes).sum::<usize>() > bytes_max {
                    let (_, count) = sizes.pop_front().unwrap();
                    kept.drain(..count);
                }
            }
            for (sequence, count, room) in ask {
                let mut expected = Vec::new();
                let mut size = super::super::HEADER_BYTES;
                for number in sequence..sequence + u64::from(count) {
                    let Some((_, message)) = kept.iter().find(|(kept, _)| *kept == number) else { break };
                    size += LENGTH_BYTES + message.len();
                    if size > room && !expected.is_empty() {
                        break;
                    }
                    expected.push(message.clone());
                }
                let mut found = Vec::new();
                let request = Request { session: SESSION, sequence, count };
                let answer = history.answer(request, room, |bytes| {
                    let packet = Packet::parse(bytes).unwrap();
                    assert_eq!((packet.session(), packet.sequence()), (SESSION, sequence));
                    found = packet.messages().map(|message| message.unwrap().to_vec()).collect();
                });
                let meant = match expected.len() as u16 {
                    0 => Answer::NotKept,
                    count => Answer::Messages(count),
                };
                prop_assert_eq!(answer, meant);
                prop_assert_eq!(&found, &expected);
                let is_kept = kept.iter().find(|(kept, _)| *kept == sequence);
                prop_assert_eq!(history.message(sequence), is_kept.map(|(_, message)| &message[..]));
                let other = Request { session: *b"another   ", ..request };
                prop_assert_eq!(history.answer(other, room, |_| {}), Answer::OtherSession);
            }
        }
    }
}

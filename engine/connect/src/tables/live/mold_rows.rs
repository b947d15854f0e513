//! Rows of ITCH messages that are numbered: each message is a packet of MoldUDP64, whatever it was received in. So the
//! journal is a capture, and its numbers tell what the transport knew: gaps, restarts, the end of the session.

use tidewire_feeds::mold::{Packet, PacketBuilder, Session};
use tidewire_feeds::sequence::{Event, Tracker};

use super::super::feeds::LiveItch;
use super::super::{Read, TableError};
use super::{Decode, Inbox, Message};

/// Makes rows of packets.
pub(in crate::tables) struct MoldRows {
    tracker: Tracker<Session>,
    itch: LiveItch,
    has_ended: bool,
}

impl MoldRows {
    /// The rows of a stream.
    pub(in crate::tables) fn new(itch: LiveItch) -> Self {
        Self { tracker: Tracker::default(), itch, has_ended: false }
    }

    /// What the numbers say. `false`: the message has been seen.
    fn observe(&mut self, session: Session, sequence: u64, count: u64) -> bool {
        loop {
            let run = self.tracker.observe(session, sequence, count);
            if run.event != Event::InOrder {
                self.itch.event(run.event);
            }
            if !matches!(run.event, Event::Restart { .. }) {
                return !matches!(run.event, Event::Duplicate { .. });
            }
        }
    }

    fn next_row(&mut self, row: &mut [u8]) -> Result<Option<Read>, TableError> {
        match self.itch.write_next(row)? {
            None if self.has_ended => Ok(Some(Read::End)),
            read => Ok(read),
        }
    }
}

impl Decode for MoldRows {
    const NEEDS_ALL: bool = true;

    fn first(&mut self, message: &Message<'_>, row: &mut [u8]) -> Result<Option<Read>, TableError> {
        match Packet::parse(message.bytes) {
            Ok(packet) => {
                let (session, mut sequence) = (packet.session(), packet.sequence());
                if packet.count() == 0 {
                    self.observe(session, sequence, 0);
                }
                for bytes in packet.messages() {
                    match bytes {
                        Ok(bytes) if self.observe(session, sequence, 1) => {
                            self.itch.message(sequence, message.received, bytes);
                        }
                        Ok(_) => {}
                        Err(error) => self.itch.damaged(error),
                    }
                    sequence = sequence.saturating_add(1);
                }
                self.has_ended = packet.is_end_of_session();
            }
            Err(error) => self.itch.damaged(error),
        }
        self.next_row(row)
    }

    fn more(&mut self, row: &mut [u8]) -> Result<Option<Read>, TableError> {
        self.next_row(row)
    }

    fn skipped(&self) -> Vec<(String, u64)> {
        self.itch.skipped()
    }
}

/// Puts messages, and what their numbers say, into an inbox, as packets.
#[derive(Debug, Default)]
pub(in crate::tables) struct MoldSender {
    /// The session, and the number behind its last message.
    reached: Option<(Session, u64)>,
    /// Stands there too, if the last packet was made by it.
    builder: Option<PacketBuilder>,
}

impl MoldSender {
    /// Where it stands: the session, and the number of the next message.
    pub(in crate::tables) fn reached(&self) -> Option<(Session, u64)> {
        self.reached
    }

    /// Goes on behind a packet that it has made in an earlier life.
    pub(in crate::tables) fn replayed(&mut self, message: &Message<'_>) {
        if let Ok(packet) = Packet::parse(message.bytes) {
            let next = packet.sequence().saturating_add(packet.count().into());
            self.reached = Some((packet.session(), next));
        }
    }

    /// A message of a session.
    #[inline]
    pub(in crate::tables) fn message(
        &mut self,
        (session, sequence): (Session, u64),
        (received, line): (i64, u32),
        bytes: &[u8],
        inbox: &mut Inbox,
    ) {
        if self.reached != Some((session, sequence)) {
            self.builder = None;
        }
        let builder = self.builder.get_or_insert_with(|| PacketBuilder::new(session, sequence));
        // One message has room, as long as its length has two bytes: what was received had.
        if builder.push(bytes) {
            builder.finish(|packet| inbox.push(received, line, packet));
        }
        self.reached = Some((session, sequence.saturating_add(1)));
    }

    /// Messages before `next` are missing, or the session begins with it.
    pub(in crate::tables) fn reach(
        &mut self,
        session: Session,
        next: u64,
        received: i64,
        inbox: &mut Inbox,
    ) {
        PacketBuilder::new(session, next).finish(|packet| inbox.push(received, 0, packet));
        self.builder = None;
        self.reached = Some((session, next));
    }

    /// The session has ended with the message before `next`.
    pub(in crate::tables) fn end(
        &mut self,
        session: Session,
        next: u64,
        received: i64,
        inbox: &mut Inbox,
    ) {
        let mut builder = PacketBuilder::new(session, next);
        builder.finish_session(|packet| inbox.push(received, 0, packet));
        self.reached = Some((session, next));
    }
}

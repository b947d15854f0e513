//! A/B arbitration: several lines of the same packets become one stream, without what any one line has lost.
//!
//! 1. Each message is handed out once, in order, from the line that brings it first.
//! 2. What comes after a gap is held, at most [`WINDOW_MESSAGES_MAX`] messages and [`WINDOW_BYTES_MAX`] bytes, until the
//!    gap is filled: by another line, or by a server that is asked for it (see [`Request`]).
//! 3. A gap that is not filled in time, or for which there is no room to wait, is given up: it becomes the event that a
//!    [`Tracker`] makes of it, and the stream goes on behind it. What comes of it later is counted, and not handed out.
//! 4. Heartbeats and the end of the session reveal what is missing at the end.
//! 5. Another session is a restart: open gaps are given up, and packets of the sessions before do not count any more.
//!
//! Times are arguments. All in ns: `received` is passed through with the messages, `now` is of a clock that never goes
//! back.
//!
//! ```
//! use tidewire_feeds::mold::{Arbiter, Delivery, Origin, PacketBuilder, Waits};
//!
//! let packet = |sequence, message: &[u8]| {
//!     let mut packet = PacketBuilder::new(*b"SESSION001", sequence);
//!     assert!(packet.push(message));
//!     packet.finish(<[u8]>::to_vec)
//! };
//! let mut arbiter = Arbiter::new(2, 0, Waits::default(), false);
//! let mut messages = Vec::new();
//! let mut take = |delivery: Delivery<'_>| {
//!     if let Delivery::Message { sequence, bytes, .. } = delivery {
//!         messages.push((sequence, bytes.to_vec()));
//!     }
//! };
//! // Line A has lost message 2, and line B has it.
//! arbiter.receive(Origin::Line(0), &packet(1, b"one"), 0, 0, &mut take)?;
//! arbiter.receive(Origin::Line(0), &packet(3, b"three"), 0, 0, &mut take)?;
//! arbiter.receive(Origin::Line(1), &packet(2, b"two"), 0, 0, &mut take)?;
//! assert_eq!(messages, [(1, b"one".to_vec()), (2, b"two".to_vec()), (3, b"three".to_vec())]);
//! # Ok::<(), tidewire_feeds::decode::DecodeError>(())
//! ```

use std::collections::{BTreeMap, VecDeque};

use super::gaps::{GAPS_MAX, Gaps};
use super::request::{REQUEST_MESSAGES_MAX, Request};
use super::{Packet, Session};
use crate::decode::DecodeError;
use crate::sequence::{Event, Tracker};

/// Messages that are held behind a gap. When one more comes, the oldest gap is given up.
pub const WINDOW_MESSAGES_MAX: usize = 1 << 17;
/// Bytes of the messages that are held.
pub const WINDOW_BYTES_MAX: usize = 32 << 20;
/// Sessions that are remembered once another one has begun, so that their last packets do not begin them again.
pub const ENDED_SESSIONS_MAX: usize = 8;

/// How long is waited for what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// How long a gap stays open for the other lines to fill it, ns. Then it is asked for, or given up where there is no
    /// server to ask.
    pub reorder_ns: i64,
    /// How long the first request waits for its answer, ns; each one more waits twice as long as the one before.
    pub answer_ns: i64,
    /// How many requests may stay without an answer before the gap is given up.
    pub requests_max: u32,
}

impl Default for Waits {
    /// 10 ms for the other lines; then five requests, the first of which waits 10 ms: 310 ms in all.
    fn default() -> Self {
        Self { reorder_ns: 10_000_000, answer_ns: 10_000_000, requests_max: 5 }
    }
}

/// Where a packet comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The line of this number, from 0.
    Line(usize),
    /// A server that was asked.
    Server,
}

/// What an arbiter hands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery<'p> {
    /// The next message.
    Message {
        /// The session.
        session: Session,
        /// Its number.
        sequence: u64,
        /// When its packet was received, ns, as the caller has said.
        received: i64,
        /// What it says.
        bytes: &'p [u8],
    },
    /// A gap or a restart, before the messages behind it.
    Event {
        /// The session that goes on behind it.
        session: Session,
        /// Which.
        event: Event,
    },
    /// The session has ended, and all that could be had of it has been handed out.
    EndOfSession {
        /// The session.
        session: Session,
        /// The number behind its last message.
        next: u64,
    },
}

/// What a line has brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LineCounters {
    /// Packets.
    pub packets: u64,
    /// Messages that this line was the first to bring.
    pub first: u64,
    /// Messages that were there already, from this line or another.
    pub duplicates: u64,
    /// Messages that other numbers show to be missing on this line.
    pub lost: u64,
}

/// What a stream has come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages handed out.
    pub messages: u64,
    /// Packets without messages.
    pub heartbeats: u64,
    /// Packets that are none, or are cut.
    pub damaged: u64,
    /// Packets of a session that another one has followed.
    pub stale: u64,
    /// Gaps that were opened in the stream of all lines.
    pub gaps: u64,
    /// Messages that were missing when a gap was opened.
    pub missing: u64,
    /// Requests sent.
    pub requests: u64,
    /// Missing messages that a line brought.
    pub filled_by_lines: u64,
    /// Missing messages that a server brought.
    pub filled_by_servers: u64,
    /// Missing messages that were given up.
    pub given_up: u64,
    /// Of those given up, what came later, and was not handed out.
    pub late: u64,
    /// Messages from a server that were there already.
    pub server_duplicates: u64,
    /// Sessions that followed another one.
    pub restarts: u64,
}

#[derive(Debug, Default)]
struct Line {
    tracker: Tracker<Session>,
    packets: u64,
    first: u64,
    duplicates: u64,
}

#[derive(Debug)]
struct Held {
    received: i64,
    bytes: Box<[u8]>,
}

/// Makes one stream of several lines.
#[derive(Debug)]
pub struct Arbiter {
    waits: Waits,
    servers: usize,
    /// Whether the stream begins at message 1, whatever comes first.
    from_start: bool,
    lines: Vec<Line>,
    session: Option<Session>,
    ended: VecDeque<Session>,
    /// Judges what is handed out: the number that it expects is the next one.
    tracker: Tracker<Session>,
    /// Every number from the expected one up to here is held, or in a gap.
    reach: u64,
    held: BTreeMap<u64, Held>,
    held_bytes: usize,
    gaps: Gaps,
    ending: Ending,
    counters: Counters,
}

/// How near the end of the session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    NotYet,
    /// It was told, and something is missing before it.
    Told,
    Over,
}

impl Arbiter {
    /// An arbiter of so many lines, which may ask so many servers. Who joins a session that has begun has missed nothing
    /// that he asked for; with `from_start` he asks for it from message 1.
    #[must_use]
    pub fn new(lines: usize, servers: usize, waits: Waits, from_start: bool) -> Self {
        Self {
            waits,
            servers,
            from_start,
            lines: (0..lines).map(|_| Line::default()).collect(),
            session: None,
            ended: VecDeque::new(),
            tracker: Tracker::default(),
            reach: 1,
            held: BTreeMap::new(),
            held_bytes: 0,
            gaps: Gaps::default(),
            ending: Ending::NotYet,
            counters: Counters::default(),
        }
    }

    /// Goes on with a session behind what another arbiter has handed out of it, before the first packet: `next` is the
    /// next message. What was missed in between is a gap.
    pub fn go_on(&mut self, session: Session, next: u64) {
        self.tracker.observe(session, next, 0);
        self.session = Some(session);
        self.reach = self.tracker.expected();
    }

    /// Takes a packet in, and hands out what can be: the payload of a datagram from `origin`.
    ///
    /// # Errors
    /// The payload is no packet, or a cut one, whose whole messages count. It is counted too.
    pub fn receive(
        &mut self,
        origin: Origin,
        payload: &[u8],
        received: i64,
        now: i64,
        deliver: &mut impl FnMut(Delivery<'_>),
    ) -> Result<(), DecodeError> {
        if let Origin::Line(line) = origin
            && let Some(line) = self.lines.get_mut(line)
        {
            line.packets += 1;
        }
        let packet = Packet::parse(payload).inspect_err(|_| self.counters.damaged += 1)?;
        if !self.is_of_session(origin, &packet, deliver) {
            self.counters.stale += 1;
            return Ok(());
        }
        let whole = packet.messages().map_while(Result::ok).count() as u64;
        // There is no number behind the largest.
        let whole = whole.min(u64::MAX - packet.sequence());
        self.counters.heartbeats += u64::from(packet.is_heartbeat());
        self.observe_line(origin, &packet, whole);
        self.take(origin, &packet, whole, received, now, deliver);
        if packet.is_end_of_session() && self.ending == Ending::NotYet {
            self.ending = Ending::Told;
        }
        self.finish(deliver);
        match packet.messages().find_map(Result::err) {
            Some(error) => {
                self.counters.damaged += 1;
                Err(error)
            }
            None => Ok(()),
        }
    }

    /// Lets time pass: gaps that are due are asked for, with the number of the server to ask, or given up.
    pub fn tick(
        &mut self,
        now: i64,
        mut ask: impl FnMut(usize, Request),
        deliver: &mut impl FnMut(Delivery<'_>),
    ) {
        if self.gaps.is_empty() {
            return;
        }
        while self.gaps.is_first_lost(now, self.servers, &self.waits) {
            self.give_up_first(deliver);
        }
        let Some(session) = self.session else { return };
        let requests = &mut self.counters.requests;
        self.gaps.ask_due(now, self.servers, &self.waits, |server, range| {
            let count = (range.end - range.start).min(REQUEST_MESSAGES_MAX.into()) as u16;
            *requests += 1;
            ask(server, Request { session, sequence: range.start, count });
        });
        self.finish(deliver);
    }

    /// Gives up what is missing, and hands out all that is held: nothing more comes.
    pub fn close(&mut self, deliver: &mut impl FnMut(Delivery<'_>)) {
        while !self.gaps.is_empty() {
            self.give_up_first(deliver);
        }
        self.finish(deliver);
    }

    /// When [`tick`](Self::tick) has something to do next, ns of the clock of `now`; `None`: while nothing is missing.
    #[must_use]
    pub fn due(&self) -> Option<i64> {
        self.gaps.due()
    }

    /// What the stream has come to.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What each line has brought.
    pub fn lines(&self) -> impl Iterator<Item = LineCounters> {
        self.lines.iter().map(|line| LineCounters {
            packets: line.packets,
            first: line.first,
            duplicates: line.duplicates,
            lost: line.tracker.counters().missing,
        })
    }

    /// Whether the packet is of the session at hand, which it may begin.
    fn is_of_session(
        &mut self,
        origin: Origin,
        packet: &Packet<'_>,
        deliver: &mut impl FnMut(Delivery<'_>),
    ) -> bool {
        let session = packet.session();
        match self.session {
            Some(known) if known == session => return true,
            _ if origin == Origin::Server || self.ended.contains(&session) => return false,
            None => {
                let first = if self.from_start { 1 } else { packet.sequence() };
                self.tracker.observe(session, first, 0);
            }
            Some(known) => {
                self.close(deliver);
                if self.ended.len() == ENDED_SESSIONS_MAX {
                    self.ended.pop_front();
                }
                self.ended.push_back(known);
                self.counters.restarts += 1;
                let event = self.tracker.observe(session, packet.sequence(), 0).event;
                deliver(Delivery::Event { session, event });
            }
        }
        self.session = Some(session);
        self.reach = self.tracker.expected();
        self.ending = Ending::NotYet;
        true
    }

    fn observe_line(&mut self, origin: Origin, packet: &Packet<'_>, whole: u64) {
        let Origin::Line(line) = origin else { return };
        let Some(line) = self.lines.get_mut(line) else { return };
        let mut seen = 0;
        loop {
            let sequence = packet.sequence().saturating_add(seen);
            let run = line.tracker.observe(packet.session(), sequence, whole - seen);
            seen += run.count;
            if seen == whole && !matches!(run.event, Event::Restart { .. }) {
                return;
            }
        }
    }

    /// Takes the messages of a packet of the session in.
    fn take(
        &mut self,
        origin: Origin,
        packet: &Packet<'_>,
        whole: u64,
        received: i64,
        now: i64,
        deliver: &mut impl FnMut(Delivery<'_>),
    ) {
        let (session, first) = (packet.session(), packet.sequence());
        let messages = packet.messages().map_while(Result::ok).take(whole as usize);
        let numbered = messages.enumerate().map(|(at, bytes)| (first + at as u64, bytes));
        if first == self.reach && self.gaps.is_empty() {
            self.tracker.observe(session, first, whole);
            self.reach = self.tracker.expected();
            self.counters.messages += whole;
            self.count(origin, whole, 0);
            for (sequence, bytes) in numbered {
                deliver(Delivery::Message { session, sequence, received, bytes });
            }
            return;
        }
        if first > self.reach {
            self.counters.gaps += 1;
            let missing = &mut self.counters.missing;
            *missing = missing.saturating_add(first - self.reach);
            self.gaps.open(self.reach..first, now.saturating_add(self.waits.reorder_ns));
            self.reach = first;
        }
        let expected = self.tracker.expected();
        let below = expected.saturating_sub(first).min(whole);
        self.below(origin, first, below);
        let asked_at = (origin == Origin::Server).then_some(now);
        let (mut new, mut duplicates) = (0, 0);
        for (sequence, bytes) in numbered.skip(below as usize) {
            if sequence >= self.reach {
                self.reach = sequence.saturating_add(1);
            } else if self.gaps.fill(sequence, asked_at) {
                match origin {
                    Origin::Line(_) => self.counters.filled_by_lines += 1,
                    Origin::Server => self.counters.filled_by_servers += 1,
                }
            } else {
                duplicates += 1;
                continue;
            }
            new += 1;
            self.held_bytes += bytes.len();
            self.held.insert(sequence, Held { received, bytes: bytes.into() });
        }
        self.count(origin, new, duplicates);
        self.drain(deliver);
        while self.is_full() && !self.gaps.is_empty() {
            self.give_up_first(deliver);
        }
    }

    /// Numbers below the one that is next: there already, or given up.
    fn below(&mut self, origin: Origin, first: u64, count: u64) {
        let Some(session) = self.session else { return };
        let mut seen = 0;
        while seen < count {
            let run = self.tracker.observe(session, first + seen, count - seen);
            seen += run.count;
            match run.event {
                Event::Reordered { .. } => self.counters.late += run.count,
                _ => self.count(origin, 0, run.count),
            }
        }
    }

    fn count(&mut self, origin: Origin, first: u64, duplicates: u64) {
        match origin {
            Origin::Server => self.counters.server_duplicates += duplicates,
            Origin::Line(line) => {
                if let Some(line) = self.lines.get_mut(line) {
                    line.first += first;
                    line.duplicates += duplicates;
                }
            }
        }
    }

    fn is_full(&self) -> bool {
        self.held.len() > WINDOW_MESSAGES_MAX
            || self.held_bytes > WINDOW_BYTES_MAX
            || self.gaps.len() > GAPS_MAX
    }

    /// Hands out what is held and is next.
    fn drain(&mut self, deliver: &mut impl FnMut(Delivery<'_>)) {
        let Some(session) = self.session else { return };
        while let Some(next) = self.held.first_entry() {
            let sequence = *next.key();
            if sequence != self.tracker.expected() {
                return;
            }
            let Held { received, bytes } = next.remove();
            self.held_bytes -= bytes.len();
            self.tracker.observe(session, sequence, 1);
            self.counters.messages += 1;
            deliver(Delivery::Message { session, sequence, received, bytes: &bytes });
        }
    }

    /// Goes on behind the first gap, which begins at the number that is next.
    fn give_up_first(&mut self, deliver: &mut impl FnMut(Delivery<'_>)) {
        let (Some(session), Some(gap)) = (self.session, self.gaps.take_first()) else { return };
        let given_up = &mut self.counters.given_up;
        *given_up = given_up.saturating_add(gap.end - gap.start);
        let event = self.tracker.observe(session, gap.end, 0).event;
        deliver(Delivery::Event { session, event });
        self.drain(deliver);
    }

    /// Hands out the end of the session, once nothing is missing before it.
    fn finish(&mut self, deliver: &mut impl FnMut(Delivery<'_>)) {
        if self.ending == Ending::Told
            && self.gaps.is_empty()
            && let Some(session) = self.session
        {
            self.ending = Ending::Over;
            deliver(Delivery::EndOfSession { session, next: self.tracker.expected() });
        }
    }
}

#[cfg(test)]
mod tests;

//! Flows: the streams of packets inside a capture, one for each destination, each with its own sequence.
//!
//! 1. What a flow carries is decided by the first packet that gives it away, and holds from then on.
//! 2. The messages of a packet are counted before their numbers are judged: a cut packet's missing messages are a
//!    gap, not messages seen.
//! 3. An IEX sender that starts again keeps its session's number. It is known by its first segment: number 1,
//!    stream offset 0, sent after everything seen so far. A repeated packet is not sent later than itself.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::stats::Stats;
use crate::decode::{DecodeError, Found};
use crate::sequence::{Counters, Event, Tracker};
use crate::{iex, itch, mold};

/// The most flows tracked at once. Packets of further ones are counted as unrecognised.
pub const FLOWS_MAX: usize = 4096;

const IEX_HEADER_BYTES: usize = 40;
/// Bytes of the length before a message, in both feeds.
const LENGTH_BYTES: usize = 2;

/// What the messages of a packet are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Feed {
    /// MoldUDP64 around ITCH 5.0.
    Itch,
    /// IEX-TP.
    Iex(iex::Protocol),
}

/// What tells the sessions of a flow apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Session {
    Mold(mold::Session),
    /// IEX's session, and how often its sender has started again.
    Iex(u32, u32),
}

#[derive(Debug)]
struct Flow {
    is_iex: bool,
    tracker: Tracker<Session>,
    /// IEX: times that the sender has started again.
    starts: u32,
    /// IEX: the latest send time, in nanoseconds since the epoch.
    sent_ns_max: i64,
}

impl Flow {
    /// The flow that a packet with this payload starts, if it is one of a known feed.
    fn detect(payload: &[u8]) -> Option<Self> {
        let is_iex = iex::is_segment(payload);
        (is_iex || looks_like_mold(payload)).then(|| Self {
            is_iex,
            tracker: Tracker::default(),
            starts: 0,
            sent_ns_max: i64::MIN,
        })
    }
}

/// A feed's packet on its way out, message by message. Positions are the window's.
#[derive(Debug, Clone, Copy)]
struct Pending {
    feed: Feed,
    /// Its flow's place among the flows.
    flow: usize,
    session: Session,
    ts_recv: Option<i64>,
    /// Start of the payload.
    payload_at: usize,
    /// Start of the next message's length.
    at: usize,
    /// Number of the next message.
    sequence: u64,
    /// Whole messages whose numbers are not judged yet.
    unjudged: u64,
    /// The tracker has something to say still, also of a packet without messages.
    judging: bool,
    /// Messages that are judged and not passed yet.
    run: u64,
    /// They are duplicates.
    duplicate: bool,
    /// What is to be said after the last whole message, its offset relative to the payload.
    broken: Option<DecodeError>,
}

/// The next thing that a packet holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) kind: StepKind,
    pub(super) ts_recv: Option<i64>,
    /// Position in the window: of the message without its length, or of the payload.
    pub(super) at: usize,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum StepKind {
    Message { feed: Feed, bytes: usize, sequence: u64 },
    Event { event: Event, sequence: u64 },
    Broken(DecodeError),
}

#[derive(Debug, Default)]
pub(super) struct Flows {
    flows: Vec<Flow>,
    /// Where in `flows` a destination's flow is.
    index: BTreeMap<SocketAddr, usize>,
    pending: Option<Pending>,
}

impl Flows {
    /// Takes a datagram in; [`step`](Self::step) then takes it apart.
    ///
    /// `payload_at` is the payload's position in the window.
    pub(super) fn arrive(
        &mut self,
        destination: SocketAddr,
        payload: &[u8],
        payload_at: usize,
        ts_recv: Option<i64>,
        stats: &mut Stats,
    ) -> Result<(), DecodeError> {
        let Some(index) = self.flow(destination, payload) else {
            stats.datagrams_unrecognized += 1;
            return Ok(());
        };
        let Some(flow) = self.flows.get_mut(index) else { return Ok(()) };
        let (packet, header_bytes) = if flow.is_iex {
            (iex_packet(flow, payload)?, IEX_HEADER_BYTES)
        } else {
            (mold_packet(payload, stats)?, mold::HEADER_BYTES)
        };
        stats.heartbeats += u64::from(packet.is_heartbeat);
        let (whole, broken) = whole_messages(payload, header_bytes, packet.count, flow.is_iex);
        self.pending = Some(Pending {
            feed: packet.feed,
            flow: index,
            session: packet.session,
            ts_recv,
            payload_at,
            at: payload_at + header_bytes,
            sequence: packet.sequence,
            unjudged: whole,
            judging: true,
            run: 0,
            duplicate: false,
            broken,
        });
        Ok(())
    }

    /// The place of the destination's flow, which `payload` may start.
    fn flow(&mut self, destination: SocketAddr, payload: &[u8]) -> Option<usize> {
        if let Some(&known) = self.index.get(&destination) {
            return Some(known);
        }
        let new = self.flows.len();
        if new == FLOWS_MAX {
            return None;
        }
        self.flows.push(Flow::detect(payload)?);
        self.index.insert(destination, new);
        Some(new)
    }

    /// The next thing that the packet holds, `None` once it is done. `window` is what positions point into.
    pub(super) fn step(&mut self, window: &[u8]) -> Option<Step> {
        let packet = self.pending.as_mut()?;
        let tracker = &mut self.flows.get_mut(packet.flow)?.tracker;
        loop {
            let sequence = packet.sequence;
            let step = |kind, at| Some(Step { kind, ts_recv: packet.ts_recv, at });
            if packet.run > 0 {
                let little = matches!(packet.feed, Feed::Iex(_));
                let bytes = message_bytes(window, packet.at, little)?;
                let at = packet.at + LENGTH_BYTES;
                packet.at = at + bytes;
                packet.sequence = sequence.wrapping_add(1);
                packet.run -= 1;
                if packet.duplicate {
                    continue;
                }
                return step(StepKind::Message { feed: packet.feed, bytes, sequence }, at);
            }
            if packet.judging {
                let run = tracker.observe(packet.session, sequence, packet.unjudged);
                packet.run = run.count;
                packet.unjudged -= run.count;
                packet.judging = packet.unjudged > 0 || matches!(run.event, Event::Restart { .. });
                packet.duplicate = matches!(run.event, Event::Duplicate { .. });
                if run.event == Event::InOrder {
                    continue;
                }
                let kind = StepKind::Event { event: run.event, sequence };
                return step(kind, packet.payload_at);
            }
            let Some(error) = packet.broken.take() else {
                self.pending = None;
                return None;
            };
            return step(StepKind::Broken(error), packet.payload_at);
        }
    }

    /// What the sequence numbers of all flows have said.
    pub(super) fn counters(&self) -> Counters {
        let mut all = Counters::default();
        for flow in &self.flows {
            all += *flow.tracker.counters();
        }
        all
    }
}

/// What a packet's header says.
struct Header {
    feed: Feed,
    session: Session,
    sequence: u64,
    count: u16,
    is_heartbeat: bool,
}

fn mold_packet(payload: &[u8], stats: &mut Stats) -> Result<Header, DecodeError> {
    let packet = mold::Packet::parse(payload)?;
    stats.ends_of_session += u64::from(packet.is_end_of_session());
    Ok(Header {
        feed: Feed::Itch,
        session: Session::Mold(packet.session()),
        sequence: packet.sequence(),
        count: packet.count(),
        is_heartbeat: packet.is_heartbeat(),
    })
}

fn iex_packet(flow: &mut Flow, payload: &[u8]) -> Result<Header, DecodeError> {
    let segment = iex::segment(payload)?;
    let header = segment.header();
    let is_first = segment.first_sequence() == 1 && header.stream_offset() == 0;
    if is_first && header.send_time_ns() > flow.sent_ns_max && flow.tracker.expected() > 1 {
        flow.starts += 1;
    }
    flow.sent_ns_max = flow.sent_ns_max.max(header.send_time_ns());
    Ok(Header {
        feed: Feed::Iex(segment.protocol()),
        session: Session::Iex(header.session(), flow.starts),
        sequence: segment.first_sequence(),
        count: header.message_count(),
        is_heartbeat: header.message_count() == 0,
    })
}

/// A MoldUDP64 header, and behind it nothing or a message of ITCH 5.0.
fn looks_like_mold(payload: &[u8]) -> bool {
    let Ok(packet) = mold::Packet::parse(payload) else { return false };
    if !packet.session().iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return false;
    }
    match packet.messages().next() {
        None => payload.len() == mold::HEADER_BYTES,
        Some(Ok(message)) => {
            message.first().is_some_and(|&kind| itch::message_bytes(kind) == Some(message.len()))
        }
        Some(Err(_)) => false,
    }
}

/// The length before the message at `at`.
fn message_bytes(bytes: &[u8], at: usize, little: bool) -> Option<usize> {
    let &length = bytes.get(at..)?.first_chunk::<LENGTH_BYTES>()?;
    Some(usize::from(if little { u16::from_le_bytes(length) } else { u16::from_be_bytes(length) }))
}

/// How many of `count` messages are whole in the payload, and the error that ends them if not all are.
fn whole_messages(
    payload: &[u8],
    header_bytes: usize,
    count: u16,
    little: bool,
) -> (u64, Option<DecodeError>) {
    let mut at = header_bytes;
    for whole in 0..count {
        let end = message_bytes(payload, at, little).map(|bytes| at + LENGTH_BYTES + bytes);
        match end {
            Some(end) if end <= payload.len() => at = end,
            _ => {
                let error = DecodeError {
                    offset: at as u64,
                    expected: "a whole message, as the packet's count says",
                    found: Found::End(payload.len().saturating_sub(at)),
                    resume: Some(payload.len()),
                };
                return (whole.into(), Some(error));
            }
        }
    }
    (count.into(), None)
}

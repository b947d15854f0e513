//! What is sent: the packets of a capture, or packets made of its messages.
//!
//! 1. Packets of MoldUDP64 go out as they are, those of the first destination that has any; all else is counted.
//! 2. Messages of a file are put into packets as an exchange would: what happens within 10 us goes together, up to the
//!    size of a packet.

use std::net::SocketAddr;
use std::path::Path;

use tidewire_feeds::capture::{Capture, CaptureError, Format, Message, Unwrapped};
use tidewire_feeds::decode::Decoder;
use tidewire_feeds::mold::{self, PacketBuilder};
use tidewire_feeds::net::{self, Content, PcapDecoder, PcapNgDecoder};

use super::PublishError;

/// Bytes of a payload at most, so that it goes over Ethernet whole.
pub(super) const PAYLOAD_BYTES_MAX: usize = 1400;
/// A packet waits so long for more messages, by their own times.
const PACKET_NS_MAX: i64 = 10_000;

/// A packet to send.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet<'a> {
    pub(super) payload: &'a [u8],
    /// How many messages it has.
    pub(super) messages: u64,
    /// When its last message was made, or when it was captured: ns of the capture's own clock.
    pub(super) recorded: i64,
}

/// The packets of a capture.
pub(super) enum Packets {
    Made(Box<Made>),
    Pcap(Captured<PcapDecoder>),
    PcapNg(Captured<PcapNgDecoder>),
}

/// Packets made of messages.
pub(super) struct Made {
    capture: Capture,
    packet: PacketBuilder,
    first: i64,
    last: i64,
    payload: Vec<u8>,
    left_out: u64,
}

/// Packets as they were captured.
pub(super) struct Captured<D> {
    input: Unwrapped,
    decoder: D,
    to: Option<SocketAddr>,
    session: mold::Session,
    /// What was read to know the session: the payload is of it.
    first: Option<(u64, i64)>,
    payload: Vec<u8>,
    left_out: u64,
}

impl Packets {
    /// Opens the capture at `path`. `session` is what packets are of that are made.
    pub(super) fn open(path: &Path, session: mold::Session) -> Result<Self, PublishError> {
        let capture = Capture::open(path, None)?;
        match capture.format() {
            Format::Itch => Ok(Self::Made(Box::new(Made {
                capture,
                packet: PacketBuilder::new(session, 1),
                first: 0,
                last: 0,
                payload: Vec::new(),
                left_out: 0,
            }))),
            Format::Pcap => Ok(Self::Pcap(Captured::open(path, PcapDecoder::default())?)),
            Format::PcapNg => Ok(Self::PcapNg(Captured::open(path, PcapNgDecoder::default())?)),
            format @ (Format::Dbn | Format::Journal) => {
                Err(PublishError::Format { path: path.to_owned(), format: format.name() })
            }
        }
    }

    /// The next packet, `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Packet<'_>>, PublishError> {
        match self {
            Self::Made(made) => made.next(),
            Self::Pcap(captured) => captured.next(),
            Self::PcapNg(captured) => captured.next(),
        }
    }

    /// The session of the packets.
    pub(super) fn session(&self, made: mold::Session) -> mold::Session {
        match self {
            Self::Made(_) => made,
            Self::Pcap(captured) => captured.session,
            Self::PcapNg(captured) => captured.session,
        }
    }

    /// Packets of other destinations and protocols, and messages that are damaged.
    pub(super) fn left_out(&self) -> u64 {
        match self {
            Self::Made(made) => made.left_out,
            Self::Pcap(captured) => captured.left_out,
            Self::PcapNg(captured) => captured.left_out,
        }
    }
}

impl Made {
    fn next(&mut self) -> Result<Option<Packet<'_>>, PublishError> {
        let Self { capture, packet, first, last, payload, left_out } = self;
        loop {
            let message = match capture.next() {
                Ok(Some(captured)) => match captured.message {
                    Message::Itch(message) => message,
                    _ => continue,
                },
                Ok(None) if packet.count() == 0 => return Ok(None),
                Ok(None) => return Ok(Some(finish(packet, payload, *last))),
                Err(CaptureError::Decode(_)) => {
                    *left_out += 1;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let at = message.timestamp_ns() as i64;
            let bytes = message.as_bytes();
            let size = packet.size() + mold::LENGTH_BYTES + bytes.len();
            let is_full = size > PAYLOAD_BYTES_MAX || at - *first > PACKET_NS_MAX;
            let sent = (is_full && packet.count() > 0).then(|| finish(packet, payload, *last));
            if packet.count() == 0 {
                *first = at;
            }
            *last = at;
            // A packet of this size has room in its count, and a message of ITCH in its length.
            let _ = packet.push(bytes);
            if let Some(Packet { messages, recorded, .. }) = sent {
                return Ok(Some(Packet { payload: &*payload, messages, recorded }));
            }
        }
    }
}

fn finish<'p>(packet: &mut PacketBuilder, payload: &'p mut Vec<u8>, recorded: i64) -> Packet<'p> {
    let messages = packet.count().into();
    payload.clear();
    packet.finish(|bytes| payload.extend_from_slice(bytes));
    Packet { payload, messages, recorded }
}

impl<D> Captured<D>
where
    D: for<'b> Decoder<Message<'b> = net::Packet<'b>>,
{
    fn open(path: &Path, decoder: D) -> Result<Self, PublishError> {
        let mut captured = Self {
            input: Unwrapped::open(path)?,
            decoder,
            to: None,
            session: [b' '; 10],
            first: None,
            payload: Vec::new(),
            left_out: 0,
        };
        captured.first = captured.read()?;
        match mold::Packet::parse(&captured.payload) {
            Ok(first) => captured.session = first.session(),
            Err(_) => return Err(PublishError::NoPackets { path: path.to_owned() }),
        }
        Ok(captured)
    }

    fn next(&mut self) -> Result<Option<Packet<'_>>, PublishError> {
        let read = match self.first.take() {
            None => self.read()?,
            first => first,
        };
        Ok(read.map(|(messages, recorded)| Packet { payload: &self.payload, messages, recorded }))
    }

    /// Reads the next packet into the payload: how many messages it has, and when it was captured.
    fn read(&mut self) -> Result<Option<(u64, i64)>, PublishError> {
        let Self { input, decoder, to, payload, left_out, .. } = self;
        loop {
            let packet = match input.frame(decoder, "a whole packet, as its length says") {
                Ok(Some((_, packet))) => packet,
                Ok(None) => return Ok(None),
                Err(CaptureError::Decode(_)) => {
                    *left_out += 1;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let content = net::content(packet.link, packet.data).map_err(CaptureError::from)?;
            if let Content::Udp(datagram) = content
                && to.is_none_or(|to| to == datagram.destination)
                && let Ok(mold) = mold::Packet::parse(datagram.payload)
                && mold.session().iter().all(|byte| matches!(byte, b' '..=b'~'))
            {
                *to = Some(datagram.destination);
                payload.clear();
                payload.extend_from_slice(datagram.payload);
                return Ok(Some((mold.count().into(), packet.ts_ns.unwrap_or(0))));
            }
            *left_out += 1;
        }
    }
}

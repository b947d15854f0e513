//! Captures: what users open. A path or a reader in, messages out, whatever the format and the wrapping.
//!
//! 1. Wrappings (gzip, zstd) and format are known by their content, never by the name of the file.
//! 2. Every byte of the input is accounted for: delivered, counted in [`Stats`], or told as an error that says
//!    where it lies. After an error [`Capture::next`] goes on with the next frame.
//! 3. A message is delivered once: one that was seen already is told as [`sequence::Event::Duplicate`] only.
//! 4. Memory is bounded by the window, whose frames have limits, and by the number of flows.
//!
//! ```
//! use tidewire_feeds::capture::{Capture, Message};
//! use tidewire_feeds::synth::Market;
//!
//! let mut file = Vec::new();
//! Market::new(1, 10, 500).write_itch_file(&mut file)?;
//!
//! let mut capture = Capture::from_reader(std::io::Cursor::new(file), None)?;
//! let mut adds = 0;
//! while let Some(captured) = capture.next()? {
//!     if let Message::Itch(tidewire_feeds::itch::Message::AddOrder(_)) = captured.message {
//!         adds += 1;
//!     }
//! }
//! assert!(adds > 0);
//! assert_eq!(capture.stats().messages, 500);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod buffer;
mod error;
mod flow;
mod format;
mod input;
mod stats;
mod unwrapped;

pub use error::{CaptureError, Head};
pub use flow::FLOWS_MAX;
pub use format::{Format, UnknownFormat};
pub use input::WRAPPINGS_MAX;
pub use stats::Stats;
pub use unwrapped::{LINE_BYTES_MAX, Line, Unwrapped};

use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use self::buffer::Buffer;
use self::flow::{Feed, Flows, Step, StepKind};
use crate::decode::{DecodeError, Decoded, Decoder};
use crate::journal::{JournalDecoder, RECORD_HEAD_BYTES, Record};
use crate::net::{self, Content, Packet, PcapDecoder, PcapNgDecoder};
use crate::{dbn, iex, itch, sequence};

/// Bytes that are looked at to detect a format.
const DETECT_BYTES: usize = 1024;

/// A message, with what the capture knows of it.
#[derive(Debug, Clone, Copy)]
pub struct Captured<'a> {
    /// Where it lies in the unwrapped input, in bytes: the message, or the payload that an event speaks of.
    pub offset: u64,
    /// When it was captured, in nanoseconds since the Unix epoch, where the format says so.
    pub ts_recv: Option<i64>,
    /// Its number in its session, where the transport has numbers.
    pub sequence: Option<u64>,
    /// The message.
    pub message: Message<'a>,
}

/// A message of any feed.
#[derive(Debug, Clone, Copy)]
pub enum Message<'a> {
    /// ITCH 5.0.
    Itch(itch::Message<'a>),
    /// IEX DEEP or TOPS.
    Iex(iex::Message<'a>),
    /// A record of Databento Binary Encoding.
    Dbn(dbn::Record<'a>),
    /// What the sequence numbers say, before the messages that they speak of.
    Sequence(sequence::Event),
}

/// An open capture.
pub struct Capture {
    buffer: Buffer,
    content: Contents,
    stats: Stats,
    bytes_read: Arc<AtomicU64>,
    bytes_total: Option<u64>,
}

enum Contents {
    Itch,
    Dbn(Box<dbn::DbnDecoder>),
    Packets(Box<Packets>, Box<Flows>),
}

enum Packets {
    Pcap(PcapDecoder),
    PcapNg(PcapNgDecoder),
    Journal(JournalDecoder),
}

/// What stands around a feed's packet.
enum Frame<'b> {
    Packet(Packet<'b>),
    /// Nothing: it is as it was received.
    Record(Record<'b>),
}

impl From<Packets> for Contents {
    fn from(packets: Packets) -> Self {
        Self::Packets(Box::new(packets), Box::default())
    }
}

impl Packets {
    fn decode<'b>(&mut self, bytes: &'b [u8]) -> Result<Decoded<Frame<'b>>, DecodeError> {
        let packet = match self {
            Self::Pcap(decoder) => decoder.decode(bytes)?,
            Self::PcapNg(decoder) => decoder.decode(bytes)?,
            Self::Journal(decoder) => return Ok(decoder.decode(bytes)?.map(Frame::Record)),
        };
        Ok(packet.map(Frame::Packet))
    }
}

impl Capture {
    /// Opens the file at `path`, or the journal in that folder; its content says its format, unless `format` does.
    ///
    /// # Errors
    /// The file can not be read, is empty, or is of no known format.
    pub fn open(path: impl AsRef<Path>, format: Option<Format>) -> Result<Self, CaptureError> {
        if let Some((segments, bytes)) = input::journal(path.as_ref())? {
            return Ok(Self { bytes_total: Some(bytes), ..Self::from_reader(segments, format)? });
        }
        let (file, bytes_total) = input::open(path.as_ref())?;
        Ok(Self { bytes_total, ..Self::from_reader(file, format)? })
    }

    /// Reads from `reader`, which needs no buffer of its own; the content says its format, unless `format` does.
    ///
    /// # Errors
    /// The input can not be read, is empty, or is of no known format.
    pub fn from_reader(
        reader: impl Read + Send + 'static,
        format: Option<Format>,
    ) -> Result<Self, CaptureError> {
        let (reader, bytes_read) = input::unwrap(reader)?;
        let mut buffer = Buffer::new(reader);
        buffer.read_until(DETECT_BYTES)?;
        let head = buffer.unread();
        if head.is_empty() {
            return Err(CaptureError::Empty);
        }
        let content = match format.or_else(|| Format::detect(head)) {
            Some(Format::Itch) => Contents::Itch,
            Some(Format::Dbn) => Contents::Dbn(Box::default()),
            Some(Format::Pcap) => Packets::Pcap(PcapDecoder::default()).into(),
            Some(Format::PcapNg) => Packets::PcapNg(PcapNgDecoder::default()).into(),
            Some(Format::Journal) => Packets::Journal(JournalDecoder::default()).into(),
            None => return Err(CaptureError::Unknown { head: Head::of(head) }),
        };
        let stats = Stats::default();
        Ok(Self { buffer, content, stats, bytes_read, bytes_total: None })
    }

    /// What the content is.
    #[must_use]
    pub fn format(&self) -> Format {
        match &self.content {
            Contents::Itch => Format::Itch,
            Contents::Dbn(_) => Format::Dbn,
            Contents::Packets(packets, _) => match **packets {
                Packets::Pcap(_) => Format::Pcap,
                Packets::PcapNg(_) => Format::PcapNg,
                Packets::Journal(_) => Format::Journal,
            },
        }
    }

    /// Bytes read from the file or the reader, before they are unwrapped.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// The length of the file in bytes, before it is unwrapped, where it is known.
    #[must_use]
    pub fn bytes_total(&self) -> Option<u64> {
        self.bytes_total
    }

    /// What the capture has held so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = self.stats;
        stats.decode_errors += u64::from(self.buffer.is_cut());
        if let Contents::Packets(_, flows) = &self.content {
            stats.sequence = flows.counters();
        }
        stats
    }

    /// The metadata of a DBN capture, once its first record was asked for.
    #[must_use]
    pub fn dbn_metadata(&self) -> Option<&::dbn::Metadata> {
        match &self.content {
            Contents::Dbn(decoder) => decoder.metadata(),
            _ => None,
        }
    }

    /// The symbol that a DBN capture's metadata gives an instrument at a time, ns since the Unix epoch.
    #[must_use]
    pub fn dbn_symbol(&self, instrument_id: u32, ts_ns: i64) -> Option<&str> {
        match &self.content {
            Contents::Dbn(decoder) => decoder.symbol(instrument_id, ts_ns),
            _ => None,
        }
    }

    /// The next message, or `None` at the end.
    ///
    /// # Errors
    /// After [`CaptureError::Decode`] the next call goes on with the next frame. After any other error, and
    /// after one without [`DecodeError::resume`], the capture is at its end.
    #[inline]
    #[allow(clippy::should_implement_trait)] // A message borrows the window: an iterator can not lend.
    pub fn next(&mut self) -> Result<Option<Captured<'_>>, CaptureError> {
        match self.content {
            Contents::Itch => self.next_itch(),
            Contents::Dbn(_) => self.next_dbn(),
            Contents::Packets(..) => self.next_in_packets(),
        }
    }

    #[inline]
    fn next_itch(&mut self) -> Result<Option<Captured<'_>>, CaptureError> {
        let bytes = loop {
            match itch::frame(self.buffer.unread()) {
                itch::Frame::Message(message) => break message.len(),
                itch::Frame::Padding => {
                    self.buffer.consume(itch::LENGTH_BYTES);
                }
                itch::Frame::NeedMore(needed) => {
                    if !self.buffer.fill(needed, "a whole ITCH message behind its length")? {
                        return Ok(None);
                    }
                }
            }
        };
        let at = self.buffer.consume(itch::LENGTH_BYTES + bytes) + itch::LENGTH_BYTES;
        let offset = self.buffer.offset(at);
        match itch::decode(self.buffer.get(at..at + bytes)) {
            Ok(message) => {
                self.stats.messages += 1;
                let message = Message::Itch(message);
                Ok(Some(Captured { offset, ts_recv: None, sequence: None, message }))
            }
            Err(error) => {
                self.stats.decode_errors += 1;
                Err(error.at(offset).into())
            }
        }
    }

    fn next_dbn(&mut self) -> Result<Option<Captured<'_>>, CaptureError> {
        let Contents::Dbn(decoder) = &mut self.content else { return Ok(None) };
        let bytes = loop {
            match decoder.decode(self.buffer.unread()) {
                Ok(Decoded::Message { consumed, .. }) => break consumed,
                Ok(Decoded::Skip { consumed }) => {
                    self.buffer.consume(consumed);
                }
                Ok(Decoded::NeedMore { needed }) => {
                    if !self.buffer.fill(needed, "a whole DBN record")? {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(broken_frame(&mut self.buffer, &mut self.stats, error)),
            }
        };
        let at = self.buffer.consume(bytes);
        let offset = self.buffer.offset(at);
        // Decoded again, because a view can not leave the loop that may also refill the window.
        let Ok(Decoded::Message { message, .. }) = decoder.decode(self.buffer.get(at..at + bytes))
        else {
            return Ok(None);
        };
        self.stats.messages += 1;
        let ts_recv = match message {
            dbn::Record::Mbo(record) => Some(record.ts_recv()),
            dbn::Record::Mbp1(record) => Some(record.ts_recv()),
            dbn::Record::Trade(record) => Some(record.ts_recv()),
            dbn::Record::Other { .. } => None,
        };
        let message = Message::Dbn(message);
        Ok(Some(Captured { offset, ts_recv, sequence: None, message }))
    }

    fn next_in_packets(&mut self) -> Result<Option<Captured<'_>>, CaptureError> {
        let Some(Step { kind, ts_recv, at }) = self.step()? else { return Ok(None) };
        let offset = self.buffer.offset(at);
        let (feed, bytes, sequence) = match kind {
            StepKind::Message { feed, bytes, sequence } => (feed, bytes, sequence),
            StepKind::Event { event, sequence } => {
                let message = Message::Sequence(event);
                return Ok(Some(Captured { offset, ts_recv, sequence: Some(sequence), message }));
            }
            StepKind::Broken(error) => {
                self.stats.decode_errors += 1;
                return Err(error.at(offset).into());
            }
        };
        let bytes = self.buffer.get(at..at + bytes);
        let message = match feed {
            Feed::Itch => itch::decode(bytes).map(Message::Itch),
            Feed::Iex(protocol) => iex::decode(protocol, bytes).map(Message::Iex),
        };
        match message {
            Ok(message) => {
                self.stats.messages += 1;
                Ok(Some(Captured { offset, ts_recv, sequence: Some(sequence), message }))
            }
            Err(error) => {
                self.stats.decode_errors += 1;
                Err(error.at(offset).into())
            }
        }
    }

    /// The next thing in the packet at hand, or in the packets behind it.
    fn step(&mut self) -> Result<Option<Step>, CaptureError> {
        let Self { buffer, content: Contents::Packets(packets, flows), stats, .. } = self else {
            return Ok(None);
        };
        loop {
            if let Some(step) = flows.step(buffer.window()) {
                return Ok(Some(step));
            }
            match packets.decode(buffer.unread()) {
                Ok(Decoded::Message { message, consumed }) => {
                    let (at, arrived) = match message {
                        Frame::Packet(packet) => {
                            let at = buffer.unread_start() + packet.offset;
                            (at, arrive(flows, stats, &packet, at))
                        }
                        Frame::Record(record) => {
                            let at = buffer.unread_start() + RECORD_HEAD_BYTES;
                            (at, arrive_bare(flows, stats, &record, at))
                        }
                    };
                    buffer.consume(consumed);
                    match arrived {
                        Ok(()) => {}
                        Err(CaptureError::Decode(error)) => {
                            stats.decode_errors += 1;
                            return Err(error.at(buffer.offset(at)).into());
                        }
                        Err(error) => {
                            buffer.end();
                            return Err(error);
                        }
                    }
                }
                Ok(Decoded::Skip { consumed }) => {
                    buffer.consume(consumed);
                }
                Ok(Decoded::NeedMore { needed }) => {
                    if !buffer.fill(needed, "a whole packet, as its length says")? {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(broken_frame(buffer, stats, error)),
            }
        }
    }
}

/// Takes a datagram in as it was received, which lies at position `at` of the window. A journal has one stream.
fn arrive_bare(
    flows: &mut Flows,
    stats: &mut Stats,
    record: &Record<'_>,
    at: usize,
) -> Result<(), CaptureError> {
    stats.packets += 1;
    stats.datagrams += 1;
    let destination = SocketAddr::from(([0; 4], 0));
    Ok(flows.arrive(destination, record.bytes, at, Some(record.received), stats)?)
}

/// Takes a packet in, whose data lies at position `at` of the window.
fn arrive(
    flows: &mut Flows,
    stats: &mut Stats,
    packet: &Packet<'_>,
    at: usize,
) -> Result<(), CaptureError> {
    stats.packets += 1;
    stats.packets_truncated += u64::from(packet.is_truncated());
    match net::content(packet.link, packet.data)? {
        Content::Udp(datagram) => {
            stats.datagrams += 1;
            flows
                .arrive(
                    datagram.destination,
                    datagram.payload,
                    at + datagram.offset,
                    packet.ts_ns,
                    stats,
                )
                .map_err(|error| error.at(datagram.offset as u64).into())
        }
        Content::Fragment => {
            stats.fragments += 1;
            Ok(())
        }
        Content::Other => {
            stats.packets_other += 1;
            Ok(())
        }
        Content::Malformed => {
            stats.packets_malformed += 1;
            Ok(())
        }
    }
}

/// Drops the frame that breaks its specification, and places the error in the input.
#[cold]
fn broken_frame(buffer: &mut Buffer, stats: &mut Stats, error: DecodeError) -> CaptureError {
    stats.decode_errors += 1;
    broken(buffer, error)
}

/// The same, uncounted.
#[cold]
fn broken(buffer: &mut Buffer, error: DecodeError) -> CaptureError {
    let offset = buffer.unread_offset();
    match error.resume {
        // A decoder that would not move on is moved on.
        Some(bytes) => {
            buffer.consume(bytes.max(1));
        }
        None => buffer.end(),
    }
    error.at(offset).into()
}

#[cfg(test)]
mod tests;

//! Fuzz bodies: each drives one part to the end of any bytes, and holds it to its promises.
//!
//! 1. Every step moves on, by no more bytes than were given: so each loop ends.
//! 2. What is read does not depend on the pieces that the bytes come in: all at once, or no more than asked for.
//! 3. What is handed out lies within what was given.
//!
//! The bodies are called by libFuzzer (`tests/fuzz`) and, bounded, by the integration binary. Each comes with
//! [`seeds`] of valid bytes to mutate.

mod books;
mod capture;
mod lines;
mod messages;
mod seeds;
mod snapshot;
mod sql;
mod tables;

use tidewire_feeds::decode::{DecodeError, Decoded, Decoder};
use tidewire_feeds::net::{self, Content, Packet, PcapDecoder, PcapNgDecoder};
use tidewire_feeds::{dbn, iex, itch, journal, mold, soup};

pub use books::{depth_book, order_books};
pub use capture::capture;
pub use lines::mold_lines;
pub use messages::avro_record;
#[cfg(feature = "mqtt")]
pub use messages::mqtt_record;
pub use seeds::seeds;
pub use snapshot::{snapshot_manifest, snapshot_object};
pub use sql::{sql_mutations, sql_text};
pub use tables::{binance, candump, csv_rows, json_rows};

/// Any bytes in, a panic out where a promise is broken.
pub type Body = fn(&[u8]);

/// Every body, by its name.
pub const BODIES: &[(&str, Body)] = &[
    ("itch_message", itch_message),
    ("itch_file", itch_file),
    ("mold_packet", mold_packet),
    ("mold_lines", mold_lines),
    ("soup_stream", soup_stream),
    ("pcap", pcap),
    ("pcapng", pcapng),
    ("net_content", net_content),
    ("iex_segment", iex_segment),
    ("dbn_stream", dbn_stream),
    ("capture", capture),
    ("order_books", order_books),
    ("depth_book", depth_book),
    ("snapshot_object", snapshot_object),
    ("snapshot_manifest", snapshot_manifest),
    ("sql_text", sql_text),
    ("sql_mutations", sql_mutations),
    ("csv_rows", csv_rows),
    ("json_rows", json_rows),
    ("candump", candump),
    ("binance", binance),
    ("journal_segments", journal_segments),
    ("avro_record", avro_record),
    #[cfg(feature = "mqtt")]
    ("mqtt_record", mqtt_record),
];

/// Link types that [`net_content`] tries; the first byte picks one.
const LINKS: [u32; 11] = [0, 1, 12, 14, 101, 108, 113, 228, 229, 276, 227];

/// One ITCH message without its length.
pub fn itch_message(bytes: &[u8]) {
    match itch::decode(bytes) {
        Ok(message) => {
            assert_eq!(message.as_bytes(), bytes);
            assert_eq!(itch::message_bytes(message.kind()), Some(bytes.len()));
            assert!(message.timestamp_ns() < 1 << 48);
        }
        Err(error) => {
            assert_eq!(error.offset, 0);
            assert_eq!(error.resume, Some(bytes.len()));
        }
    }
}

/// Segments of a journal.
pub fn journal_segments(bytes: &[u8]) {
    drive::<journal::JournalDecoder>(bytes);
}

/// A file of ITCH messages behind their lengths.
pub fn itch_file(bytes: &[u8]) {
    drive::<itch::ItchFileDecoder>(bytes);
}

impl Checked for journal::Record<'_> {
    fn check(&self, frame: &[u8]) {
        let from = journal::RECORD_HEAD_BYTES;
        assert_eq!(frame.get(from..from + self.bytes.len()), Some(self.bytes));
    }
}

impl Checked for itch::Message<'_> {
    fn check(&self, frame: &[u8]) {
        assert_eq!(self.as_bytes(), &frame[itch::LENGTH_BYTES..]);
    }
}

/// A MoldUDP64 packet, and what its messages are in ITCH.
pub fn mold_packet(bytes: &[u8]) {
    let Ok(packet) = mold::Packet::parse(bytes) else {
        assert!(bytes.len() < mold::HEADER_BYTES);
        return;
    };
    let mut used = mold::HEADER_BYTES;
    let mut whole = 0;
    for message in packet.messages() {
        match message {
            Ok(message) => {
                whole += 1;
                used += mold::LENGTH_BYTES + message.len();
                itch_message(message);
            }
            Err(error) => {
                assert!(whole < packet.count());
                assert_eq!(error.offset, used as u64);
                assert_eq!(error.resume, Some(bytes.len()));
                // Nothing comes behind the error, or the count below would not be reached.
                whole = packet.count();
            }
        }
        assert!(used <= bytes.len());
    }
    assert_eq!(whole, packet.count());
}

/// A stream of SoupBinTCP packets, of either side.
pub fn soup_stream(bytes: &[u8]) {
    drive::<soup::SoupDecoder>(bytes);
}

impl Checked for soup::Packet<'_> {
    fn check(&self, frame: &[u8]) {
        let mut again = Vec::new();
        assert!(self.write(&mut again));
        assert_eq!(again.len(), frame.len());
        // Numbers may be written with zeros, or on the left.
        if !matches!(self, Self::Accepted { .. } | Self::Login(_)) {
            assert_eq!(again, frame);
        }
    }
}

/// A classic pcap file.
pub fn pcap(bytes: &[u8]) {
    drive::<PcapDecoder>(bytes);
}

/// A pcapng file.
pub fn pcapng(bytes: &[u8]) {
    drive::<PcapNgDecoder>(bytes);
}

impl Checked for Packet<'_> {
    fn check(&self, frame: &[u8]) {
        assert_eq!(self.data, &frame[self.offset..][..self.data.len()]);
        check_content(self.link, self.data);
    }
}

/// A captured frame; its first byte picks the link type.
pub fn net_content(bytes: &[u8]) {
    let Some((&pick, frame)) = bytes.split_first() else { return };
    check_content(LINKS[usize::from(pick) % LINKS.len()], frame);
}

fn check_content(link: u32, frame: &[u8]) {
    if let Ok(Content::Udp(datagram)) = net::content(link, frame) {
        let payload = &frame[datagram.offset..][..datagram.payload.len()];
        assert_eq!(payload, datagram.payload);
        assert!(datagram.missing <= usize::from(u16::MAX));
    }
}

/// An IEX-TP segment, and its messages.
pub fn iex_segment(bytes: &[u8]) {
    let Ok(segment) = iex::segment(bytes) else { return };
    let mut used = size_of::<iex::SegmentHeader>();
    let mut whole = 0;
    let mut messages = segment.messages();
    for message in messages.by_ref() {
        match message {
            Ok(message) => {
                whole += 1;
                used += size_of::<u16>() + message.len();
                assert!(used <= bytes.len());
                check_iex(segment.protocol(), message);
            }
            Err(error) => {
                assert!(error.offset <= bytes.len() as u64);
                assert_eq!(error.resume, Some(bytes.len()));
                break;
            }
        }
    }
    assert!(messages.next().is_none());
    assert!(whole <= segment.header().message_count());
    if iex::is_segment(bytes) {
        assert_eq!((used, whole), (bytes.len(), segment.header().message_count()));
    }
}

fn check_iex(protocol: iex::Protocol, bytes: &[u8]) {
    match iex::decode(protocol, bytes) {
        Ok(message) => {
            assert_eq!(Some(message.kind()), bytes.first().copied());
            let _ = (message.timestamp_ns(), message.symbol());
        }
        Err(error) => {
            assert!(error.offset <= bytes.len() as u64);
            assert_eq!(error.resume, Some(bytes.len()));
        }
    }
}

/// A DBN stream from its metadata on.
pub fn dbn_stream(bytes: &[u8]) {
    drive::<dbn::DbnDecoder>(bytes);
}

impl Checked for dbn::Record<'_> {
    fn check(&self, frame: &[u8]) {
        match self {
            Self::Mbo(record) => {
                assert!(!matches!(record.action(), b'A' | b'M') || record.side().is_some());
            }
            Self::Mbp1(_) | Self::Trade(_) => {}
            Self::Other { bytes, .. } => assert_eq!(*bytes, frame),
        }
    }
}

/// What one step of a decoder did.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Message(usize),
    Skip(usize),
    Broken(DecodeError),
}

/// What a message promises of itself, given the bytes that were used for it.
trait Checked {
    fn check(&self, frame: &[u8]);
}

/// Decodes to the end twice: with all bytes in sight, and with no more than the decoder asks for.
fn drive<D: Decoder + Default>(bytes: &[u8])
where
    for<'b> D::Message<'b>: Checked,
{
    assert_eq!(steps::<D>(bytes, usize::MAX), steps::<D>(bytes, 1));
}

/// The steps to the end of `bytes`, of which each step sees `sight` at first and then as many as it needs.
fn steps<D: Decoder + Default>(bytes: &[u8], sight: usize) -> Vec<Step>
where
    for<'b> D::Message<'b>: Checked,
{
    let mut decoder = D::default();
    let mut steps = Vec::new();
    let mut rest = bytes;
    let mut given = sight.min(rest.len());
    loop {
        let used = match decoder.decode(&rest[..given]) {
            Ok(Decoded::Message { message, consumed }) => {
                assert!((1..=given).contains(&consumed));
                message.check(&rest[..consumed]);
                steps.push(Step::Message(consumed));
                consumed
            }
            Ok(Decoded::Skip { consumed }) => {
                steps.push(Step::Skip(consumed));
                consumed
            }
            Ok(Decoded::NeedMore { needed }) => {
                assert!(needed > given, "{needed} of {given} given");
                if needed > rest.len() {
                    return steps;
                }
                given = needed;
                continue;
            }
            Err(error) => {
                assert!(error.offset <= given as u64);
                steps.push(Step::Broken(error));
                let Some(resume) = error.resume else { return steps };
                resume
            }
        };
        assert!((1..=given).contains(&used), "{used} of {given} given");
        rest = &rest[used..];
        given = sight.min(rest.len());
    }
}

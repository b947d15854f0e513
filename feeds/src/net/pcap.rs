//! Classic pcap files, in both byte orders, with microseconds or nanoseconds.
//!
//! 1. The file header comes first, and fixes byte order, unit of time and link type for the whole file.
//! 2. A packet's length above the limit ends the file: nothing behind it can be trusted.
//!
//! Source: draft-ietf-opsawg-pcap, sections 4 (file header) and 5 (packet record).

use super::{Order, PACKET_BYTES_MAX, Packet, broken};
use crate::decode::{DecodeError, Decoded, Decoder, Found};

const FILE_HEADER_BYTES: usize = 24;
/// Bytes of the header before a packet.
pub const PACKET_HEADER_BYTES: usize = 16;

const MAGIC_MICROS: u32 = 0xA1B2_C3D4;
const MAGIC_NANOS: u32 = 0xA1B2_3C4D;

/// Decodes a classic pcap file into packets.
#[derive(Debug, Clone, Copy, Default)]
pub struct PcapDecoder {
    file: Option<File>,
}

/// What the file header says.
#[derive(Debug, Clone, Copy)]
struct File {
    order: Order,
    ns_per_unit: i64,
    link: u32,
}

impl PcapDecoder {
    /// `bytes` start as a pcap file does.
    #[must_use]
    pub fn looks_like(bytes: &[u8]) -> bool {
        magic(bytes).is_some()
    }
}

fn magic(bytes: &[u8]) -> Option<(Order, i64)> {
    [Order::Big, Order::Little].into_iter().find_map(|order| match order.u32(bytes, 0)? {
        MAGIC_MICROS => Some((order, 1000)),
        MAGIC_NANOS => Some((order, 1)),
        _ => None,
    })
}

impl Decoder for PcapDecoder {
    type Message<'b> = Packet<'b>;

    fn decode<'b>(&mut self, bytes: &'b [u8]) -> Result<Decoded<Packet<'b>>, DecodeError> {
        let Some(file) = self.file else {
            return self.read_file_header(bytes);
        };
        let Some((header, rest)) = bytes.split_first_chunk::<PACKET_HEADER_BYTES>() else {
            return Ok(Decoded::NeedMore { needed: PACKET_HEADER_BYTES });
        };
        let word = |at| file.order.u32(header, at).unwrap_or_default();
        let captured = word(8) as usize;
        if captured > PACKET_BYTES_MAX {
            let expected = "a captured length of at most 262144 bytes";
            return Err(broken(8, expected, Found::Length(captured), None));
        }
        let consumed = PACKET_HEADER_BYTES + captured;
        let Some(data) = rest.get(..captured) else {
            return Ok(Decoded::NeedMore { needed: consumed });
        };
        let ts_ns = i64::from(word(0)) * 1_000_000_000 + i64::from(word(4)) * file.ns_per_unit;
        let message = Packet {
            ts_ns: Some(ts_ns),
            link: file.link,
            original_bytes: word(12),
            offset: PACKET_HEADER_BYTES,
            data,
        };
        Ok(Decoded::Message { message, consumed })
    }
}

impl PcapDecoder {
    fn read_file_header<'b>(
        &mut self,
        bytes: &'b [u8],
    ) -> Result<Decoded<Packet<'b>>, DecodeError> {
        if bytes.len() < FILE_HEADER_BYTES {
            return Ok(Decoded::NeedMore { needed: FILE_HEADER_BYTES });
        }
        let Some((order, ns_per_unit)) = magic(bytes) else {
            let found = Order::Big.u32(bytes, 0).unwrap_or_default();
            return Err(broken(0, "the magic number of pcap", Found::Value(found.into()), None));
        };
        // The upper bits of the field speak of frame check sequences.
        let link = order.u32(bytes, 20).unwrap_or_default() & 0xFFFF;
        self.file = Some(File { order, ns_per_unit, link });
        Ok(Decoded::Skip { consumed: FILE_HEADER_BYTES })
    }
}

/// The header of a little-endian pcap file with nanoseconds, for packets of link type `link`.
#[must_use]
pub fn file_header(link: u16) -> [u8; FILE_HEADER_BYTES] {
    let mut header = [0; FILE_HEADER_BYTES];
    header[0..4].copy_from_slice(&MAGIC_NANOS.to_le_bytes());
    header[4..6].copy_from_slice(&2_u16.to_le_bytes());
    header[6..8].copy_from_slice(&4_u16.to_le_bytes());
    header[16..20].copy_from_slice(&(PACKET_BYTES_MAX as u32).to_le_bytes());
    header[20..22].copy_from_slice(&link.to_le_bytes());
    header
}

/// The header of a whole packet of `bytes` bytes, in a file that starts with [`file_header`]. `ts_ns` counts from
/// the Unix epoch; pcap has room for times from 1970 to 2106, and others are moved to its ends.
#[must_use]
pub fn packet_header(ts_ns: i64, bytes: u32) -> [u8; PACKET_HEADER_BYTES] {
    let seconds = ts_ns.div_euclid(1_000_000_000).clamp(0, i64::from(u32::MAX)) as u32;
    let nanos = ts_ns.rem_euclid(1_000_000_000) as u32;
    let mut header = [0; PACKET_HEADER_BYTES];
    for (field, word) in header.chunks_exact_mut(4).zip([seconds, nanos, bytes, bytes]) {
        field.copy_from_slice(&word.to_le_bytes());
    }
    header
}

//! pcapng files: sections, interfaces and packets, in both byte orders.
//!
//! 1. A section header comes first, fixes the byte order, and forgets the interfaces of the section before it.
//! 2. A packet belongs to an interface that was described before it in its section.
//! 3. A block of a type that is not known here is skipped by its length; a broken one can be skipped too.
//!
//! Source: draft-ietf-opsawg-pcapng, section 4 (blocks).

use super::{BLOCK_BYTES_MAX, INTERFACES_MAX, Order, PACKET_BYTES_MAX, Packet, broken};
use crate::decode::{DecodeError, Decoded, Decoder, Found};

const BLOCK_HEADER_BYTES: usize = 8;
const BLOCK_BYTES_MIN: usize = 12;

const SECTION_HEADER: u32 = 0x0A0D_0D0A;
const INTERFACE_DESCRIPTION: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
const BYTE_ORDER_MAGIC: u32 = 0x1A2B_3C4D;

const OPTION_TIME_RESOLUTION: u16 = 9;
const OPTION_TIME_OFFSET: u16 = 14;

/// Decodes a pcapng file into packets.
#[derive(Debug, Clone, Default)]
pub struct PcapNgDecoder {
    order: Option<Order>,
    interfaces: Vec<Interface>,
}

#[derive(Debug, Clone, Copy)]
struct Interface {
    link: u32,
    /// The most that a packet holds, in bytes; 0 for no limit.
    snap_bytes: u32,
    /// `if_tsresol`: 10 to the minus `n`, or with the top bit set 2 to the minus `n`, of a second.
    resolution: u8,
    /// `if_tsoffset`, in seconds.
    offset_s: i64,
}

impl Interface {
    /// `units` since the epoch in nanoseconds, or `None` where an `i64` can not hold them.
    fn ns(&self, units: u64) -> Option<i64> {
        let exponent = u32::from(self.resolution & 0x7F);
        let ns = if self.resolution & 0x80 != 0 {
            (u128::from(units) * 1_000_000_000) >> exponent
        } else if exponent <= 9 {
            u128::from(units) * 10_u128.pow(9 - exponent)
        } else {
            10_u128.checked_pow(exponent - 9).map_or(0, |divisor| u128::from(units) / divisor)
        };
        i64::try_from(ns).ok()?.checked_add(self.offset_s.checked_mul(1_000_000_000)?)
    }
}

/// The fields that packet blocks share, whatever their layout.
struct PacketFields {
    interface: u32,
    units: Option<u64>,
    captured: u32,
    original: u32,
    /// Where the data starts in the block's body.
    data_at: usize,
}

impl PcapNgDecoder {
    /// `bytes` start as a pcapng file does.
    #[must_use]
    pub fn looks_like(bytes: &[u8]) -> bool {
        Order::Big.u32(bytes, 0) == Some(SECTION_HEADER) && byte_order(bytes).is_some()
    }

    fn interface_description(&mut self, order: Order, body: &[u8]) -> Option<()> {
        let mut interface = Interface {
            link: order.u16(body, 0)?.into(),
            snap_bytes: order.u32(body, 4)?,
            resolution: 6,
            offset_s: 0,
        };
        let mut options = body.get(8..)?;
        while let (Some(code), Some(length)) = (order.u16(options, 0), order.u16(options, 2)) {
            let value = options.get(4..4 + usize::from(length))?;
            match (code, value) {
                (0, _) => break,
                (OPTION_TIME_RESOLUTION, &[resolution]) => interface.resolution = resolution,
                (OPTION_TIME_OFFSET, &[a, b, c, d, e, f, g, h]) => {
                    let bytes = [a, b, c, d, e, f, g, h];
                    interface.offset_s = match order {
                        Order::Big => i64::from_be_bytes(bytes),
                        Order::Little => i64::from_le_bytes(bytes),
                    };
                }
                _ => {}
            }
            options = options.get(4 + value.len().next_multiple_of(4)..).unwrap_or_default();
        }
        self.interfaces.push(interface);
        Some(())
    }

    fn packet_fields(&self, order: Order, kind: u32, body: &[u8]) -> Option<PacketFields> {
        let word = |at| order.u32(body, at);
        let units = || Some(u64::from(word(4)?) << 32 | u64::from(word(8)?));
        if kind == SIMPLE_PACKET {
            let original = word(0)?;
            let snap = self.interfaces.first().map_or(0, |interface| interface.snap_bytes);
            let captured = if snap == 0 { original } else { original.min(snap) };
            return Some(PacketFields {
                interface: 0,
                units: None,
                captured,
                original,
                data_at: 4,
            });
        }
        let interface = if kind == PACKET { order.u16(body, 0)?.into() } else { word(0)? };
        Some(PacketFields {
            interface,
            units: Some(units()?),
            captured: word(12)?,
            original: word(16)?,
            data_at: 20,
        })
    }

    fn packet<'b>(
        &self,
        fields: &PacketFields,
        body: &'b [u8],
        total: usize,
    ) -> Result<Packet<'b>, DecodeError> {
        let Some(interface) = self.interfaces.get(fields.interface as usize) else {
            let expected = "an interface that the section describes";
            let found = Found::Value(fields.interface.into());
            return Err(broken(BLOCK_HEADER_BYTES, expected, found, Some(total)));
        };
        let captured = fields.captured as usize;
        let end = fields.data_at.saturating_add(captured);
        let data = body.get(fields.data_at..end).filter(|data| data.len() <= PACKET_BYTES_MAX);
        let Some(data) = data else {
            let expected = "a captured length within the block and of at most 262144 bytes";
            return Err(broken(BLOCK_HEADER_BYTES, expected, Found::Length(captured), Some(total)));
        };
        let ts_ns = match fields.units {
            None => None,
            Some(units) => match interface.ns(units) {
                Some(ns) => Some(ns),
                None => {
                    let expected = "a time that 64 bits of nanoseconds can hold";
                    let found = Found::Value(units);
                    return Err(broken(BLOCK_HEADER_BYTES + 4, expected, found, Some(total)));
                }
            },
        };
        Ok(Packet {
            ts_ns,
            link: interface.link,
            original_bytes: fields.original,
            offset: BLOCK_HEADER_BYTES + fields.data_at,
            data,
        })
    }
}

/// The byte order of the section whose header starts `bytes`.
fn byte_order(bytes: &[u8]) -> Option<Order> {
    [Order::Big, Order::Little]
        .into_iter()
        .find(|order| order.u32(bytes, BLOCK_HEADER_BYTES) == Some(BYTE_ORDER_MAGIC))
}

impl Decoder for PcapNgDecoder {
    type Message<'b> = Packet<'b>;

    fn decode<'b>(&mut self, bytes: &'b [u8]) -> Result<Decoded<Packet<'b>>, DecodeError> {
        if bytes.len() < BLOCK_BYTES_MIN {
            return Ok(Decoded::NeedMore { needed: BLOCK_BYTES_MIN });
        }
        // The section header's type reads the same in both orders, and its order is inside it.
        let starts_section = Order::Big.u32(bytes, 0) == Some(SECTION_HEADER);
        let order = if starts_section { byte_order(bytes) } else { self.order };
        let Some(order) = order else {
            let found = Found::Value(Order::Big.u32(bytes, 0).unwrap_or_default().into());
            return Err(broken(0, "a pcapng section header", found, None));
        };
        let kind = order.u32(bytes, 0).unwrap_or_default();
        let total = order.u32(bytes, 4).unwrap_or_default() as usize;
        if !(BLOCK_BYTES_MIN..=BLOCK_BYTES_MAX).contains(&total) || !total.is_multiple_of(4) {
            let expected = "a block length of 12 bytes to 16 MiB, a multiple of 4";
            return Err(broken(4, expected, Found::Length(total), None));
        }
        let Some(block) = bytes.get(..total) else {
            return Ok(Decoded::NeedMore { needed: total });
        };
        let body = block.get(BLOCK_HEADER_BYTES..total - 4).unwrap_or_default();
        if order.u32(block, total - 4) != order.u32(block, 4) {
            let found = order.u32(block, total - 4).unwrap_or_default().into();
            let expected = "the block's length again at its end";
            return Err(broken(total - 4, expected, Found::Value(found), Some(total)));
        }
        let short =
            || broken(4, "a block long enough for its type", Found::Length(total), Some(total));
        match kind {
            SECTION_HEADER => {
                self.order = Some(order);
                self.interfaces.clear();
            }
            INTERFACE_DESCRIPTION if self.interfaces.len() == INTERFACES_MAX => {
                let found = Found::Value(INTERFACES_MAX as u64 + 1);
                return Err(broken(0, "at most 1024 interfaces in a section", found, Some(total)));
            }
            INTERFACE_DESCRIPTION => self.interface_description(order, body).ok_or_else(short)?,
            PACKET | SIMPLE_PACKET | ENHANCED_PACKET => {
                let fields = self.packet_fields(order, kind, body).ok_or_else(short)?;
                let message = self.packet(&fields, body, total)?;
                return Ok(Decoded::Message { message, consumed: total });
            }
            _ => {}
        }
        Ok(Decoded::Skip { consumed: total })
    }
}

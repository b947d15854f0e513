//! IPv4, IPv6 and UDP: from the start of an IP packet to the payload of its datagram.
//!
//! 1. The lengths of the headers decide where the payload ends, so that padding of the link is not payload.
//! 2. Where the capture ends before them, what is there is given, with the number of bytes that are missing.
//! 3. A fragment, the first one too, is no datagram.
//!
//! Sources: RFC 791, RFC 8200 (section 4, extension headers), RFC 768.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const UDP_HEADER_BYTES: usize = 8;
const PROTOCOL_UDP: u8 = 17;

/// What a captured frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'b> {
    /// A UDP datagram.
    Udp(Datagram<'b>),
    /// A fragment of an IP packet.
    Fragment,
    /// Another protocol.
    Other,
    /// The frame ends inside its headers, or they contradict each other.
    Malformed,
}

/// A UDP datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'b> {
    /// The sender.
    pub source: SocketAddr,
    /// The receiver, often a multicast group.
    pub destination: SocketAddr,
    /// Where the payload starts, in bytes from the start of the frame.
    pub offset: usize,
    /// What was captured of the payload.
    pub payload: &'b [u8],
    /// Bytes of the payload that were not captured.
    pub missing: usize,
}

/// What the IP packet at `at` of `frame` holds.
pub(super) fn content(frame: &[u8], at: usize) -> Content<'_> {
    let version = frame.get(at).map(|byte| byte >> 4);
    let content = match version {
        Some(4) => ipv4(frame, at),
        Some(6) => ipv6(frame, at),
        Some(_) => Some(Content::Other),
        None => None,
    };
    content.unwrap_or(Content::Malformed)
}

fn u16_at(frame: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*frame.get(at..)?.first_chunk()?))
}

fn ipv4(frame: &[u8], at: usize) -> Option<Content<'_>> {
    let header: &[u8; 20] = frame.get(at..)?.first_chunk()?;
    let header_bytes = usize::from(header[0] & 0x0F) * 4;
    // A zero is left there by network cards that cut large packets themselves.
    let end = match u16::from_be_bytes([header[2], header[3]]) {
        0 => frame.len(),
        total => at + usize::from(total),
    };
    if header_bytes < 20 || at + header_bytes > end {
        return None;
    }
    let more_or_offset = u16::from_be_bytes([header[6], header[7]]) & 0x3FFF;
    if more_or_offset != 0 {
        return Some(Content::Fragment);
    }
    if header[9] != PROTOCOL_UDP {
        return Some(Content::Other);
    }
    let address = |at: usize| {
        let bytes: [u8; 4] = *header.get(at..)?.first_chunk()?;
        Some(IpAddr::V4(Ipv4Addr::from(bytes)))
    };
    udp(frame, at + header_bytes, end, address(12)?, address(16)?)
}

fn ipv6(frame: &[u8], at: usize) -> Option<Content<'_>> {
    const HOP_BY_HOP: u8 = 0;
    const ROUTING: u8 = 43;
    const FRAGMENT: u8 = 44;
    const AUTHENTICATION: u8 = 51;
    const DESTINATION: u8 = 60;

    let header: &[u8; 40] = frame.get(at..)?.first_chunk()?;
    let end = match u16::from_be_bytes([header[4], header[5]]) {
        0 => frame.len(),
        bytes => at + 40 + usize::from(bytes),
    };
    let address = |at: usize| {
        let bytes: [u8; 16] = *header.get(at..)?.first_chunk()?;
        Some(IpAddr::V6(Ipv6Addr::from(bytes)))
    };
    let mut next = header[6];
    let mut at = at + 40;
    loop {
        let extension = |byte: usize| frame.get(at + byte).copied();
        let bytes = match next {
            PROTOCOL_UDP => return udp(frame, at, end, address(8)?, address(24)?),
            HOP_BY_HOP | ROUTING | DESTINATION => (usize::from(extension(1)?) + 1) * 8,
            AUTHENTICATION => (usize::from(extension(1)?) + 2) * 4,
            // All bits but the two reserved ones: offset and "more".
            FRAGMENT if u16_at(frame, at + 2)? & 0xFFF9 != 0 => return Some(Content::Fragment),
            FRAGMENT => 8,
            _ => return Some(Content::Other),
        };
        next = extension(0)?;
        at += bytes;
    }
}

/// The datagram at `at`, in an IP packet that ends at `end`.
fn udp(
    frame: &[u8],
    at: usize,
    end: usize,
    source: IpAddr,
    destination: IpAddr,
) -> Option<Content<'_>> {
    let offset = at + UDP_HEADER_BYTES;
    let end = match usize::from(u16_at(frame, at + 4)?) {
        0 => end,
        bytes => at + bytes,
    };
    let captured = frame.get(offset..end.min(frame.len()))?;
    Some(Content::Udp(Datagram {
        source: SocketAddr::new(source, u16_at(frame, at)?),
        destination: SocketAddr::new(destination, u16_at(frame, at + 2)?),
        offset,
        payload: captured,
        missing: end - offset - captured.len(),
    }))
}

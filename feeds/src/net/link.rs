//! Link layers: where in a captured frame the IP packet starts.
//!
//! Source: the registry of `LINKTYPE_` numbers at tcpdump.org; IEEE 802.1Q for the tags.

use super::ip::{self, Content};

/// Link type of Ethernet frames.
pub const LINK_ETHERNET: u32 = 1;
const LINK_NULL: u32 = 0;
const LINK_RAW: [u32; 3] = [101, 12, 14];
const LINK_LOOP: u32 = 108;
const LINK_LINUX_SLL: u32 = 113;
const LINK_IPV4: u32 = 228;
const LINK_IPV6: u32 = 229;
const LINK_LINUX_SLL2: u32 = 276;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86DD;
/// 802.1Q, 802.1ad, and the number that QinQ used before it.
const ETHERTYPE_VLAN: [u16; 3] = [0x8100, 0x88A8, 0x9100];

/// The capture's link type is not one that is read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "link type {0} is not supported; supported are Ethernet (1), Linux cooked (113, 276), raw IP (101, 228, 229) and loopback (0, 108)"
)]
pub struct UnsupportedLink(pub u32);

/// What the captured frame `data` holds, `link` being the capture's link type.
///
/// # Errors
/// The link type is not supported.
pub fn content(link: u32, data: &[u8]) -> Result<Content<'_>, UnsupportedLink> {
    Ok(match link {
        LINK_ETHERNET => behind_ethertype(data, 12),
        LINK_LINUX_SLL => behind_ethertype(data, 14),
        LINK_LINUX_SLL2 => match ethertype(data, 0) {
            Some(ETHERTYPE_IPV4 | ETHERTYPE_IPV6) => ip::content(data, 20),
            Some(_) => Content::Other,
            None => Content::Malformed,
        },
        // The family before the packet has another number on each system: the packet's version says it too.
        LINK_NULL | LINK_LOOP => ip::content(data, 4),
        LINK_IPV4 | LINK_IPV6 => ip::content(data, 0),
        _ if LINK_RAW.contains(&link) => ip::content(data, 0),
        _ => return Err(UnsupportedLink(link)),
    })
}

/// What follows the ethertype at `at`, and any number of tags.
fn behind_ethertype(data: &[u8], mut at: usize) -> Content<'_> {
    loop {
        match ethertype(data, at) {
            Some(ETHERTYPE_IPV4 | ETHERTYPE_IPV6) => return ip::content(data, at + 2),
            Some(tag) if ETHERTYPE_VLAN.contains(&tag) => at += 4,
            Some(_) => return Content::Other,
            None => return Content::Malformed,
        }
    }
}

fn ethertype(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*data.get(at..)?.first_chunk()?))
}

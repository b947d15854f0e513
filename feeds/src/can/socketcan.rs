//! Packets of SocketCAN.

use super::{
    DATA_BYTES_MAX, ERROR_FLAG, EXTENDED_FLAG, EXTENDED_ID_MAX, Frame, REMOTE_FLAG, STANDARD_ID_MAX,
};
use crate::decode::{DecodeError, Found};

/// Link type of SocketCAN.
pub const LINK_SOCKETCAN: u32 = 227;

/// Identifier word, length, flags, and two bytes that say nothing here.
const HEADER_BYTES: usize = 8;
/// In the place of the length: a frame of CAN XL.
const XL_FLAG: u8 = 0x80;

/// Reads a packet of link type [`LINK_SOCKETCAN`]. What stands behind the data is padding.
///
/// # Errors
/// The packet is shorter than its header, or than the data that it claims, or longer than a frame can be.
pub fn socketcan(packet: &[u8]) -> Result<Frame, DecodeError> {
    let resume = Some(packet.len());
    let error = |offset, expected, found| DecodeError { offset, expected, found, resume };
    let Some((header, payload)) = packet.split_first_chunk::<HEADER_BYTES>() else {
        let found = Found::Length(packet.len());
        return Err(error(0, "a SocketCAN header of 8 bytes", found));
    };
    let [a, b, c, d, length, ..] = *header;
    if length & XL_FLAG != 0 {
        return Err(error(4, "a frame of CAN or CAN FD, not CAN XL", Found::Value(length.into())));
    }
    let word = u32::from_be_bytes([a, b, c, d]);
    let is_error = word & ERROR_FLAG != 0;
    let is_extended = !is_error && word & EXTENDED_FLAG != 0;
    let is_remote = !is_error && word & REMOTE_FLAG != 0;
    let id = word & EXTENDED_ID_MAX;
    if !is_error && !is_extended && id > STANDARD_ID_MAX {
        return Err(error(0, "an identifier of 11 bits", Found::Value(id.into())));
    }
    let bytes = usize::from(length);
    let mut data = [0; DATA_BYTES_MAX];
    let Some(room) = data.get_mut(..bytes) else {
        return Err(error(4, "at most 64 bytes of data", Found::Length(bytes)));
    };
    if !is_remote {
        match payload.get(..bytes) {
            Some(payload) => room.copy_from_slice(payload),
            None => {
                let found = Found::End(packet.len());
                return Err(error(HEADER_BYTES as u64, "the data that the length claims", found));
            }
        }
    }
    Ok(Frame { id, is_extended, is_error, is_remote, length, data })
}

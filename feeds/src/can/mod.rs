//! Frames of a CAN bus, as a host has received them: logs of `candump`, and captures of SocketCAN.
//!
//! 1. A frame is read whole or not at all: more data than it can have, or less than it claims, is an error.
//! 2. The time is that of the host that wrote the log or the capture: a frame itself has none.
//! 3. CAN FD is read, CAN XL is not.
//!
//! Sources: `lib.h` of can-utils (the log format); the description of `LINKTYPE_CAN_SOCKETCAN` at tcpdump.org; ISO 11898-1
//! for identifiers and lengths.
//!
//! ```
//! let line = b"(1436509052.249713) vcan0 1F334455#2A36";
//! let logged = tidewire_feeds::can::candump(line)?;
//! assert_eq!((logged.ts_ns, logged.interface), (1_436_509_052_249_713_000, "vcan0"));
//! assert_eq!((logged.frame.id, logged.frame.data()), (0x1F33_4455, &[0x2A, 0x36][..]));
//! # Ok::<(), tidewire_feeds::decode::DecodeError>(())
//! ```

mod candump;
mod capture;
mod socketcan;
#[cfg(test)]
mod tests;

pub use candump::{Logged, candump};
pub use capture::{CanCapture, Captured};
pub use socketcan::{LINK_SOCKETCAN, socketcan};

/// The most bytes of data of a frame.
pub const DATA_BYTES_MAX: usize = 64;
/// The same, of a frame that is not CAN FD.
pub const CLASSIC_DATA_BYTES_MAX: usize = 8;

const STANDARD_ID_MAX: u32 = 0x7FF;
const EXTENDED_ID_MAX: u32 = 0x1FFF_FFFF;
/// Bits of SocketCAN's identifier word, and of an identifier of eight digits in a log.
const EXTENDED_FLAG: u32 = 1 << 31;
const REMOTE_FLAG: u32 = 1 << 30;
const ERROR_FLAG: u32 = 1 << 29;

/// A frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// The identifier, 11 or 29 bits; of an error frame, the classes of the error.
    pub id: u32,
    /// The identifier has 29 bits.
    pub is_extended: bool,
    /// The controller speaks of an error; it was no frame on the bus.
    pub is_error: bool,
    /// The frame asks for data, and has none.
    pub is_remote: bool,
    /// Bytes of data; of a remote frame, those that it asks for.
    pub length: u8,
    data: [u8; DATA_BYTES_MAX],
}

impl Frame {
    /// The data.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        let bytes = if self.is_remote { 0 } else { usize::from(self.length) };
        self.data.get(..bytes).unwrap_or_default()
    }
}

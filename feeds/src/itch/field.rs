//! The field types of the ITCH wire: big-endian, unaligned, each with the native value it stands for.
//!
//! Every bit pattern of these types is a value, so that a message is read by a length check and a cast.

use std::fmt;

use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::Side;

/// A stock symbol: eight bytes, blanks on the right.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    FromBytes,
    IntoBytes,
    KnownLayout,
    Immutable,
    Unaligned,
)]
#[repr(transparent)]
pub struct Stock(pub [u8; 8]);

impl Stock {
    /// The symbol with blanks on the right, or `None` where it is longer than eight bytes.
    #[must_use]
    pub fn new(symbol: &str) -> Option<Self> {
        let mut bytes = [b' '; 8];
        bytes.get_mut(..symbol.len())?.copy_from_slice(symbol.as_bytes());
        Some(Self(bytes))
    }
}

impl fmt::Display for Stock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&String::from_utf8_lossy(self.0.trim_ascii_end()))
    }
}

impl fmt::Debug for Stock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stock({self})")
    }
}

/// Nanoseconds since midnight, Eastern time, in six bytes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Timestamp {
    high: U16,
    low: U32,
}

impl Timestamp {
    /// The lowest 48 bits of `ns`: 78 hours.
    #[must_use]
    pub const fn new(ns: u64) -> Self {
        Self { high: U16::new((ns >> 32) as u16), low: U32::new(ns as u32) }
    }

    /// Nanoseconds since midnight.
    #[inline]
    #[must_use]
    pub const fn ns(self) -> u64 {
        (self.high.get() as u64) << 32 | self.low.get() as u64
    }
}

/// The byte of a side: `B` or `S`, and whatever else a broken sender puts there.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(transparent)]
pub struct SideByte(pub u8);

impl From<Side> for SideByte {
    fn from(side: Side) -> Self {
        Self(side as u8)
    }
}

/// A wire field that stands for a native value.
pub(super) trait Field: Copy {
    type Native;
    fn native(self) -> Self::Native;
}

impl Field for SideByte {
    type Native = Option<Side>;

    #[inline]
    fn native(self) -> Option<Side> {
        match self.0 {
            b'B' => Some(Side::Buy),
            b'S' => Some(Side::Sell),
            _ => None,
        }
    }
}

macro_rules! field {
    ($($wire:ty => $native:ty, $read:expr;)*) => {$(
        impl Field for $wire {
            type Native = $native;
            #[inline]
            fn native(self) -> $native {
                $read(self)
            }
        }
    )*};
}

field! {
    u8 => u8, |byte| byte;
    [u8; 2] => [u8; 2], |bytes| bytes;
    [u8; 4] => [u8; 4], |bytes| bytes;
    Stock => Stock, |stock| stock;
    U16 => u16, U16::get;
    U32 => u32, U32::get;
    U64 => u64, U64::get;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_shows_without_its_blanks() {
        assert_eq!(Stock::new("AAPL").unwrap().to_string(), "AAPL");
        assert_eq!(format!("{:>6}", Stock::new("A").unwrap()), "     A");
        assert_eq!(Stock::new("TOOLONGXX"), None);
        assert_eq!(Stock::new("").unwrap().0, [b' '; 8]);
    }

    #[test]
    fn a_timestamp_has_48_bits() {
        for ns in [0, 1, 34_200_000_000_000, (1 << 48) - 1] {
            assert_eq!(Timestamp::new(ns).ns(), ns);
        }
        assert_eq!(Timestamp::new(0x0102_0304_0506).as_bytes(), [1, 2, 3, 4, 5, 6]);
    }
}

//! Records: the plain values that state is made of.
//!
//! 1. A record is its own rkyv archive: the bytes in a shard's table, in a log and in a stored image are the same, and
//!    nothing is parsed when they come back.
//! 2. Its size is fixed, it has no padding, its numbers are little-endian ([`i64_le`] and the like), and every pattern of
//!    its bits is a value: bytes whose checksum holds need no other check.
//!
//! ```
//! use rkyv::Portable;
//! use tidewire_event::record::{Record, i64_le, u64_le};
//! use zerocopy::{FromBytes, Immutable, IntoBytes};
//!
//! #[derive(Clone, Copy, Portable, FromBytes, IntoBytes, Immutable)]
//! #[repr(C)]
//! struct Total {
//!     amount: i64_le,
//!     count: u64_le,
//! }
//!
//! fn is_a_record<T: Record>() {}
//! is_a_record::<Total>();
//! ```

use rkyv::Portable;
use zerocopy::{FromBytes, Immutable, IntoBytes};

pub use zerocopy::Unaligned;

pub use rend::unaligned::{
    f32_ule, f64_ule, i16_ule, i32_ule, i64_ule, i128_ule, u16_ule, u32_ule, u64_ule, u128_ule,
};
pub use rend::{i16_le, i32_le, i64_le, i128_le, u16_le, u32_le, u64_le, u128_le};

/// How records are written, as a manifest says it. Whatever changes the bytes changes this.
pub const RECORD_FORMAT: &str = "rkyv 0.8, little-endian, aligned";

/// A value that can be kept in a table and in a snapshot: see the module.
pub trait Record:
    Copy + Portable + FromBytes + IntoBytes + Immutable + Send + Sync + 'static
{
}

impl<T: Copy + Portable + FromBytes + IntoBytes + Immutable + Send + Sync + 'static> Record for T {}

//! The events of all contestants, and a checksum of their rows.

use rkyv::Portable;
use tidewire::event::record::{i64_ule, u64_ule};
use tidewire::prelude::*;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// An event.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct Event {
    pub(crate) k: u64_ule,
    pub(crate) v: i64_ule,
    /// ns.
    pub(crate) ts: i64_ule,
}

/// As `tests/flink/README.md` says.
pub(crate) fn events(count: usize, keys: u64, rate: i64) -> Vec<Event> {
    let event = |i: u64| {
        let h = splitmix64(i);
        let (k, v) = ((h >> 1) % keys, (h >> 57) as i64);
        let ts = (i as i64 * 1_000 / rate) * MILLISECOND;
        Event { k: k.into(), v: v.into(), ts: ts.into() }
    };
    (0..count as u64).map(event).collect()
}

fn splitmix64(i: u64) -> u64 {
    let mut z = i.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A checksum of rows that does not depend on their order.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Checksum(pub(crate) u64);

impl Checksum {
    /// Takes in a row: its key, its time, and its values.
    #[inline(always)]
    pub(crate) fn take(&mut self, key: u64, time: i64, value: i64, count: i64) {
        let mixed = (time as u64 ^ key.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let row = mixed.wrapping_mul(value as u64 | 1).wrapping_add(count as u64);
        self.0 = self.0.wrapping_add(row);
    }
}

//! How a record lies in its slot.
//!
//! 1. A slot is a head, the key, the value, each aligned to its own need, and the slot to eight bytes at least.
//! 2. What lies between them is zero and stays so: equal tables are equal bytes.

use std::marker::PhantomData;

use tidewire_event::{Key, Record};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The sizes of a table's keys and values, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Layout {
    /// Of a key.
    pub key_bytes: u32,
    /// The first bytes of a key that say its key group.
    pub group_bytes: u32,
    /// Of a value.
    pub value_bytes: u32,
    /// The alignment of a key.
    pub key_align: u16,
    /// The alignment of a value.
    pub value_align: u16,
}

/// The head of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(crate) struct Head {
    /// Whether the slot is taken: see [`table`](crate::table).
    pub(crate) tag: u32,
    /// When the record was last written: see [`epochs`](crate::epochs).
    pub(crate) epoch: u32,
}

pub(crate) const HEAD_BYTES: usize = size_of::<Head>();

/// The largest key and the largest value, in bytes.
const PART_BYTES_MAX: usize = 1 << 14;
/// The largest alignment of either.
const ALIGN_MAX: usize = 16;

impl Layout {
    /// Of keys `K` with values `V`.
    pub const fn of<K: Key, V: Record>() -> Self {
        const { assert!(size_of::<K::Archived>() <= PART_BYTES_MAX, "a key is too large") };
        const { assert!(size_of::<V>() <= PART_BYTES_MAX, "a value is too large") };
        const { assert!(align_of::<K::Archived>() <= ALIGN_MAX && align_of::<V>() <= ALIGN_MAX) };
        Self {
            key_bytes: size_of::<K::Archived>() as u32,
            group_bytes: K::GROUP_BYTES as u32,
            value_bytes: size_of::<V>() as u32,
            key_align: align_of::<K::Archived>() as u16,
            value_align: align_of::<V>() as u16,
        }
    }

    /// Whether this can be the layout of any table: to be asked of one that was read.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let sound = |align: u16| align.is_power_of_two() && usize::from(align) <= ALIGN_MAX;
        let fits = |bytes: u32, align: u16| {
            bytes as usize <= PART_BYTES_MAX && bytes.is_multiple_of(u32::from(align))
        };
        sound(self.key_align)
            && sound(self.value_align)
            && fits(self.key_bytes, self.key_align)
            && fits(self.value_bytes, self.value_align)
            && self.group_bytes <= self.key_bytes
    }

    /// Bytes of a key and a value, side by side, as logs hold them.
    #[must_use]
    pub const fn entry_bytes(&self) -> usize {
        self.key_bytes as usize + self.value_bytes as usize
    }

    pub(crate) const fn key_at(&self) -> usize {
        HEAD_BYTES.next_multiple_of(self.key_align as usize)
    }

    pub(crate) const fn value_at(&self) -> usize {
        (self.key_at() + self.key_bytes as usize).next_multiple_of(self.value_align as usize)
    }

    pub(crate) const fn slot_bytes(&self) -> usize {
        let mut align = HEAD_BYTES;
        if self.key_align as usize > align {
            align = self.key_align as usize;
        }
        if self.value_align as usize > align {
            align = self.value_align as usize;
        }
        (self.value_at() + self.value_bytes as usize).next_multiple_of(align)
    }
}

/// Knows a layout: at compile time, or when a table is read.
pub trait Shape: Copy {
    /// The layout.
    fn layout(&self) -> Layout;
}

/// Of keys `K` with values `V`: every size is a constant.
pub struct Typed<K, V>(PhantomData<fn() -> (K, V)>);

impl<K, V> Typed<K, V> {
    pub(crate) const NEW: Self = Self(PhantomData);
}

impl<K, V> std::fmt::Debug for Typed<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(std::any::type_name::<Self>())
    }
}

impl<K, V> Clone for Typed<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Typed<K, V> {}

impl<K: Key, V: Record> Shape for Typed<K, V> {
    #[inline(always)]
    fn layout(&self) -> Layout {
        const { Layout::of::<K, V>() }
    }
}

/// Of a layout that was read.
impl Shape for Layout {
    #[inline(always)]
    fn layout(&self) -> Layout {
        *self
    }
}

#[cfg(test)]
mod tests {
    use tidewire_event::record::{i128_le, u64_le};

    use super::*;

    #[test]
    fn parts_are_aligned_and_slots_too() {
        let wide = Layout::of::<u32, i128_le>();
        assert_eq!((wide.key_at(), wide.value_at(), wide.slot_bytes()), (8, 16, 32));
        let small = Layout::of::<[u8; 3], u64_le>();
        assert_eq!((small.key_at(), small.value_at(), small.slot_bytes()), (8, 16, 24));
        let none = Layout::of::<u64, ()>();
        assert_eq!((none.value_at(), none.slot_bytes()), (16, 16));
        assert!(wide.is_sound() && small.is_sound() && none.is_sound());
        assert!(!Layout { key_align: 0, ..wide }.is_sound());
        assert!(!Layout { value_bytes: 7, ..wide }.is_sound());
        assert!(!Layout { group_bytes: 9, ..wide }.is_sound());
    }
}

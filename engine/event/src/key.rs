//! Keys, their fixed hash, and the ranges of it that shards own.
//!
//! 1. The hash of a key is that of its bytes as they are kept: the same in every run, on every host, and part of the
//!    snapshot format.
//! 2. Its top bits are the key group, so a key group, and a shard, is one contiguous range of hashes.
//! 3. Every hash belongs to exactly one shard.

use rend::unaligned::u64_ule;
use rkyv::Portable;
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, Unaligned};

use crate::limits::{KEY_GROUPS, SHARDS_MAX};
use crate::record::{Record, i16_le, i32_le, i64_le, i128_le, u16_le, u32_le, u64_le, u128_le};

/// What events are grouped by: a small plain value.
pub trait Key: Copy + Eq + Send + 'static {
    /// How it lies in a table and in a snapshot.
    type Archived: Record;

    /// How many of its first bytes say which key group it belongs to: all of them, but for a key inside a key, as an
    /// order of an instrument is.
    const GROUP_BYTES: usize = size_of::<Self::Archived>();

    /// The key as it is kept.
    fn archive(&self) -> Self::Archived;

    /// The key that is kept.
    fn read(archived: &Self::Archived) -> Self;
}

macro_rules! integer_keys {
    ($($native:ty as $archived:ty),*) => {$(
        impl Key for $native {
            type Archived = $archived;

            #[inline(always)]
            fn archive(&self) -> $archived {
                <$archived>::from_native(*self)
            }

            #[inline(always)]
            fn read(archived: &$archived) -> Self {
                archived.to_native()
            }
        }
    )*};
}

integer_keys!(
    i16 as i16_le,
    i32 as i32_le,
    i64 as i64_le,
    i128 as i128_le,
    u16 as u16_le,
    u32 as u32_le,
    u64 as u64_le,
    u128 as u128_le
);

macro_rules! byte_keys {
    ($($native:ty),*) => {$(
        impl Key for $native {
            type Archived = Self;

            #[inline(always)]
            fn archive(&self) -> Self {
                *self
            }

            #[inline(always)]
            fn read(archived: &Self) -> Self {
                *archived
            }
        }
    )*};
}

byte_keys!(i8, u8);

/// Names of a fixed length, as feeds have them.
impl<const N: usize> Key for [u8; N] {
    type Archived = Self;

    #[inline(always)]
    fn archive(&self) -> Self {
        *self
    }

    #[inline(always)]
    fn read(archived: &Self) -> Self {
        *archived
    }
}

/// The key of all events together: one group. It is kept as a byte, since a key of no bytes could not be listed as
/// removed.
impl Key for () {
    type Archived = u8;

    #[inline(always)]
    fn archive(&self) -> u8 {
        0
    }

    #[inline(always)]
    fn read(_: &u8) {}
}

/// A key that may be absent, as it is kept: NULL is a key like another.
#[derive(Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C, packed)]
pub struct Nullable<A> {
    is_some: u8,
    key: A,
}

impl<K: Key> Key for Option<K> {
    type Archived = Nullable<K::Archived>;

    #[inline(always)]
    fn archive(&self) -> Self::Archived {
        match self {
            Some(key) => Nullable { is_some: 1, key: key.archive() },
            None => Nullable { is_some: 0, key: K::Archived::new_zeroed() },
        }
    }

    #[inline(always)]
    fn read(archived: &Self::Archived) -> Self {
        let key = archived.key;
        (archived.is_some != 0).then(|| K::read(&key))
    }
}

/// A place inside a key: what an operator keeps several records for a key under. It belongs to the key group of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Within<K> {
    /// The key.
    pub key: K,
    /// The number of the record.
    pub number: u64,
}

/// A [`Within`], as it is kept.
#[derive(Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C, packed)]
pub struct WithinArchived<A> {
    key: A,
    number: u64_ule,
}

impl<K: Key> Key for Within<K> {
    type Archived = WithinArchived<K::Archived>;

    const GROUP_BYTES: usize = K::GROUP_BYTES;

    #[inline(always)]
    fn archive(&self) -> Self::Archived {
        WithinArchived { key: self.key.archive(), number: self.number.into() }
    }

    #[inline(always)]
    fn read(archived: &Self::Archived) -> Self {
        let key = archived.key;
        Self { key: K::read(&key), number: archived.number.to_native() }
    }
}

/// The hash of a key.
#[inline]
#[must_use]
pub fn hash_of<K: Key>(key: &K) -> u64 {
    hash_of_bytes(key.archive().as_bytes(), K::GROUP_BYTES)
}

/// The hash of a key that is kept as `key`, of which the first `group_bytes` say the key group: fixed, without a seed,
/// good in its top bits.
#[inline(always)]
#[must_use]
pub fn hash_of_bytes(key: &[u8], group_bytes: usize) -> u64 {
    let hash = folded(key);
    if group_bytes == key.len() {
        return hash;
    }
    folded(&key[..group_bytes]) & GROUP_BITS | hash & !GROUP_BITS
}

/// The bits of a hash that are the key group.
const GROUP_BITS: u64 = !(u64::MAX >> KEY_GROUPS.trailing_zeros());

/// Digits of pi and of the golden ratio: nothing up the sleeve.
const START: u64 = 0x243f_6a88_85a3_08d3;
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// A folded multiplication for each word, as in wyhash and foldhash, without their seeds.
#[inline(always)]
fn folded(bytes: &[u8]) -> u64 {
    let mut state = START;
    let mut word = |word: u64| {
        let product = u128::from(state ^ word) * u128::from(MULTIPLIER);
        state = (product as u64) ^ ((product >> 64) as u64).rotate_left(32);
    };
    let (words, rest) = bytes.as_chunks::<8>();
    for &le in words {
        word(u64::from_le_bytes(le));
    }
    if !rest.is_empty() {
        let mut le = [0; 8];
        le[..rest.len()].copy_from_slice(rest);
        word(u64::from_le_bytes(le) ^ ((rest.len() as u64) << 56));
    }
    state
}

/// A contiguous range of hashes: whole key groups, owned by one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashRange {
    /// The smallest hash of the range.
    pub first: u64,
    /// The largest hash of the range.
    pub last: u64,
}

impl HashRange {
    /// Every hash.
    pub const ALL: Self = Self { first: 0, last: u64::MAX };

    /// The range of `shard`, out of `shards`.
    #[must_use]
    pub fn of_shard(shard: usize, shards: usize) -> Self {
        debug_assert!(shard < shards && shards <= SHARDS_MAX);
        let first_group = |shard: usize| (shard * KEY_GROUPS as usize).div_ceil(shards) as u64;
        let group_size = u64::MAX / u64::from(KEY_GROUPS) + 1;
        let end = first_group(shard + 1);
        Self {
            first: first_group(shard) * group_size,
            last: if end == u64::from(KEY_GROUPS) { u64::MAX } else { end * group_size - 1 },
        }
    }
}

/// Which of `shards` shards owns `hash`.
#[inline]
#[must_use]
pub fn shard_of(hash: u64, shards: usize) -> usize {
    let group = (hash >> (64 - KEY_GROUPS.trailing_zeros())) as usize;
    group * shards / KEY_GROUPS as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_part_of_the_format() {
        assert_eq!(hash_of(&7_u32), GOLDEN_OF_7);
        assert_eq!(hash_of(b"AAPL    "), GOLDEN_OF_AAPL);
    }

    const GOLDEN_OF_7: u64 = 4_548_429_738_816_850_385;
    const GOLDEN_OF_AAPL: u64 = 6_157_512_299_910_788_152;

    #[test]
    fn null_is_a_key_and_a_record_of_a_key_is_in_its_group() {
        for key in [None, Some(0_u32), Some(7), Some(u32::MAX)] {
            assert_eq!(Option::<u32>::read(&key.archive()), key);
            let within = Within { key, number: 1 << 40 };
            assert_eq!(Within::read(&within.archive()), within);
            assert_eq!(hash_of(&within) >> 56, hash_of(&key) >> 56);
        }
        assert_ne!(hash_of(&None::<u32>), hash_of(&Some(0_u32)));
    }

    #[test]
    fn every_hash_has_one_shard() {
        for shards in 1..=SHARDS_MAX {
            let mut next = 0_u64;
            for shard in 0..shards {
                let range = HashRange::of_shard(shard, shards);
                assert_eq!(range.first, next, "{shard} of {shards}");
                assert_eq!(shard_of(range.first, shards), shard);
                assert_eq!(shard_of(range.last, shards), shard);
                next = range.last.wrapping_add(1);
            }
            assert_eq!(next, 0, "the last range ends at the last hash");
        }
    }

    #[test]
    fn small_integers_spread_over_the_key_groups() {
        let mut groups = [0_u32; KEY_GROUPS as usize];
        let keys = 100 * KEY_GROUPS;
        for key in 0..keys {
            groups[(hash_of(&key) >> 56) as usize] += 1;
        }
        let (min, max) = (groups.iter().min().copied(), groups.iter().max().copied());
        assert!(min > Some(50) && max < Some(160), "{min:?}..{max:?} of an even 100");
    }
}

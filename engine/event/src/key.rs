//! Keys, their fixed hash, and the ranges of it that shards own.
//!
//! 1. The hash of a key is the same in every run, on every host: it is part of the snapshot format.
//! 2. Its top bits are the key group, so a key group, and a shard, is one contiguous range of hashes.
//! 3. Every hash belongs to exactly one shard.

use std::hash::{Hash, Hasher};

use crate::limits::{KEY_GROUPS, SHARDS_MAX};

/// What events are grouped by: any small `Copy` value with equality and a hash.
pub trait Key: Copy + Eq + Hash + Send + 'static {}

impl<T: Copy + Eq + Hash + Send + 'static> Key for T {}

/// The hash of a key: fixed, without a seed, good in its top bits.
#[inline]
#[must_use]
pub fn hash_of<K: Hash>(key: &K) -> u64 {
    let mut hasher = FixedHasher { state: START };
    key.hash(&mut hasher);
    hasher.state
}

/// Digits of pi and of the golden ratio: nothing up the sleeve.
const START: u64 = 0x243f_6a88_85a3_08d3;
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// A folded multiplication for each word, as in wyhash and foldhash, without their seeds.
struct FixedHasher {
    state: u64,
}

impl FixedHasher {
    #[inline]
    fn word(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(MULTIPLIER);
        self.state = (product as u64) ^ ((product >> 64) as u64).rotate_left(32);
    }
}

impl Hasher for FixedHasher {
    #[inline]
    fn finish(&self) -> u64 {
        self.state
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            let mut le = [0; 8];
            le.copy_from_slice(word);
            self.word(u64::from_le_bytes(le));
        }
        let rest = words.remainder();
        if !rest.is_empty() {
            let mut le = [0; 8];
            le[..rest.len()].copy_from_slice(rest);
            self.word(u64::from_le_bytes(le) ^ ((rest.len() as u64) << 56));
        }
    }

    #[inline]
    fn write_u8(&mut self, n: u8) {
        self.word(u64::from(n));
    }

    #[inline]
    fn write_u16(&mut self, n: u16) {
        self.word(u64::from(n));
    }

    #[inline]
    fn write_u32(&mut self, n: u32) {
        self.word(u64::from(n));
    }

    #[inline]
    fn write_u64(&mut self, n: u64) {
        self.word(n);
    }

    #[inline]
    fn write_usize(&mut self, n: usize) {
        self.word(n as u64);
    }
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
        assert_eq!(hash_of(&7_u32), hash_of(&7_u64));
        assert_eq!(hash_of(&7_u32), GOLDEN_OF_7);
        assert_eq!(hash_of(b"AAPL    "), GOLDEN_OF_AAPL);
    }

    const GOLDEN_OF_7: u64 = 17_661_480_220_819_494_904;
    const GOLDEN_OF_AAPL: u64 = 16_167_834_714_630_562_157;

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

//! Random choices in integers only, so that they are the same on every machine.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::Rng;

/// Stream of the generator: any odd number would do, but never another one.
const STREAM: u128 = 0x0a02_bdbf_7bb3_c0a7_ac28_fa16_a64a_bf96;

pub(super) struct Random(Pcg64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(Pcg64::new(seed.into(), STREAM))
    }

    /// A number below `bound`, evenly for bounds far below 2^64.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// The same for a 32-bit bound.
    pub(super) fn below_u32(&mut self, bound: u32) -> u32 {
        self.below(bound.into()) as u32
    }

    /// Yes, `of` times in a thousand.
    pub(super) fn permille(&mut self, of: u64) -> bool {
        self.below(1000) < of
    }
}

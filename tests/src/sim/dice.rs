//! The seeded choices.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::Rng;

/// A stream of choices. Each part of the simulation has its own, so that a change of one leaves the others as they are.
#[derive(Debug)]
pub(crate) struct Dice(Pcg64);

impl Dice {
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        Self(Pcg64::new(u128::from(seed) << 64 | 0x9e37_79b9, u128::from(stream)))
    }

    /// A number below `end`, which is not zero.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64() % end.max(1)
    }

    pub(crate) fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    pub(crate) fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    pub(crate) fn pick<T: Copy, const N: usize>(&mut self, of: [T; N]) -> T {
        of[self.below(N as u64) as usize]
    }

    /// A number up to `last`, small ones as likely as large ones.
    pub(crate) fn spread(&mut self, first: u64, last: u64) -> u64 {
        let doublings = (last / first.max(1)).max(1).ilog2();
        let most = first << self.below(u64::from(doublings) + 1);
        self.between(first, (most * 2).min(last))
    }
}

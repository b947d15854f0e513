//! One instrument's prices in order, and what stands at each.
//!
//! 1. A side is sorted from the worst price to the best: the best rung is the last, and most changes happen a few
//!    rungs from it, where an insertion moves little.
//! 2. A price has one rung at most. A rung is there for as long as something rests at its price.

use crate::side::Side;

/// One price of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Level {
    /// In the units of the feed.
    pub price: i64,
    /// What rests at this price, never zero.
    pub size: u64,
    /// How many orders make it up. Zero where the feed does not say.
    pub orders: u32,
}

const _: () = assert!(size_of::<Level>() == 24);

/// The best level of each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Bbo {
    /// The highest price that someone pays.
    pub bid: Option<Level>,
    /// The lowest price that someone asks.
    pub ask: Option<Level>,
}

/// What a ladder is made of: a level, or the place of one.
pub(super) trait Rung {
    fn price(&self) -> i64;
}

impl Rung for Level {
    fn price(&self) -> i64 {
        self.price
    }
}

/// Rungs looked at one by one from the best on, before the rest is searched by halving.
const NEAR_RUNGS: usize = 8;

/// Two sides of prices.
#[derive(Debug)]
pub(super) struct Ladder<R> {
    /// Bids, asks.
    sides: [Vec<R>; 2],
}

impl<R> Default for Ladder<R> {
    fn default() -> Self {
        Self { sides: [Vec::new(), Vec::new()] }
    }
}

/// Orders prices so that a better one is greater.
#[inline]
fn rank(side: Side, price: i64) -> i64 {
    price ^ -i64::from(side == Side::Sell)
}

impl<R: Rung> Ladder<R> {
    /// From the worst rung to the best.
    #[inline]
    pub(super) fn side(&self, side: Side) -> &Vec<R> {
        &self.sides[usize::from(side == Side::Sell)]
    }

    /// The same, to change what stands at a price, or to insert and remove where [`Ladder::find`] says.
    #[inline]
    pub(super) fn side_mut(&mut self, side: Side) -> &mut Vec<R> {
        &mut self.sides[usize::from(side == Side::Sell)]
    }

    /// The best rung of a side.
    #[inline]
    pub(super) fn best(&self, side: Side) -> Option<&R> {
        self.side(side).last()
    }

    /// Where in its side the rung of `price` is, or where it is to be inserted.
    #[inline]
    pub(super) fn find(&self, side: Side, price: i64) -> Result<usize, usize> {
        let rungs = self.side(side).as_slice();
        let wanted = rank(side, price);
        let (far, near) = rungs.split_at(rungs.len().saturating_sub(NEAR_RUNGS));
        let better = near.iter().rev().take_while(|rung| rank(side, rung.price()) > wanted).count();
        if better == near.len() {
            return far.binary_search_by_key(&wanted, |rung| rank(side, rung.price()));
        }
        let at = rungs.len() - better - 1;
        if rungs[at].price() == price { Ok(at) } else { Err(at + 1) }
    }

    pub(super) fn clear(&mut self) {
        self.sides.iter_mut().for_each(Vec::clear);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_price_is_found_near_and_far() {
        for side in [Side::Buy, Side::Sell] {
            let mut ladder = Ladder::default();
            let prices = (0..100).map(|step| step * 37 % 100).chain([i64::MIN, i64::MAX]);
            for price in prices.clone() {
                let at = ladder.find(side, price).unwrap_err();
                ladder.side_mut(side).insert(at, Level { price, size: 1, orders: 0 });
            }
            let ranks = ladder.side(side).iter().map(|level| rank(side, level.price));
            assert!(ranks.is_sorted());
            let best = if side == Side::Buy { i64::MAX } else { i64::MIN };
            assert_eq!(ladder.best(side).map(|level| level.price), Some(best));
            for price in prices {
                let at = ladder.find(side, price).unwrap();
                assert_eq!(ladder.side_mut(side).remove(at).price, price);
                assert_eq!(ladder.find(side, price), Err(at));
            }
        }
    }
}

//! The price levels of one instrument.
//!
//! 1. A side is sorted from the worst price to the best: the best level is the last, and most changes happen a few
//!    levels from it, where an insertion moves little.
//! 2. No level is empty: one whose size falls to zero is removed.

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

/// Levels looked at one by one from the best on, before the rest is searched by halving.
const NEAR_LEVELS: usize = 8;

/// Orders prices so that a better one is greater.
fn rank(side: Side, price: i64) -> i64 {
    match side {
        Side::Buy => price,
        Side::Sell => !price,
    }
}

/// Two sides of price levels.
#[derive(Debug, Default)]
pub(super) struct Ladder {
    bids: Vec<Level>,
    asks: Vec<Level>,
}

impl Ladder {
    pub(super) fn best(&self) -> Bbo {
        Bbo { bid: self.bids.last().copied(), ask: self.asks.last().copied() }
    }

    /// From the best level on.
    pub(super) fn levels(&self, side: Side) -> impl ExactSizeIterator<Item = &Level> {
        self.side(side).iter().rev()
    }

    pub(super) fn clear(&mut self) {
        self.bids.clear();
        self.asks.clear();
    }

    /// One order more at `price`.
    pub(super) fn add(&mut self, side: Side, price: i64, size: u32) {
        let levels = self.side_mut(side);
        match find(levels, side, price) {
            Ok(at) => {
                levels[at].size += u64::from(size);
                levels[at].orders += 1;
            }
            Err(at) => levels.insert(at, Level { price, size: u64::from(size), orders: 1 }),
        }
    }

    /// `size` less at `price`, and `orders` fewer.
    pub(super) fn reduce(&mut self, side: Side, price: i64, size: u32, orders: u32) {
        let levels = self.side_mut(side);
        let found = find(levels, side, price);
        debug_assert!(found.is_ok(), "every order has its level");
        let Ok(at) = found else { return };
        let level = &mut levels[at];
        if u64::from(size) < level.size {
            level.size -= u64::from(size);
            level.orders -= orders;
        } else {
            levels.remove(at);
        }
    }

    /// The level at `price` has `size` from now on; zero removes it. Gives what stood there.
    pub(super) fn set(&mut self, side: Side, price: i64, size: u64) -> u64 {
        let levels = self.side_mut(side);
        match (find(levels, side, price), size) {
            (Ok(at), 0) => levels.remove(at).size,
            (Ok(at), _) => std::mem::replace(&mut levels[at].size, size),
            (Err(_), 0) => 0,
            (Err(at), _) => {
                levels.insert(at, Level { price, size, orders: 0 });
                0
            }
        }
    }

    fn side(&self, side: Side) -> &Vec<Level> {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    fn side_mut(&mut self, side: Side) -> &mut Vec<Level> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}

/// Where the level of `price` is, or where it would be inserted.
fn find(levels: &[Level], side: Side, price: i64) -> Result<usize, usize> {
    let wanted = rank(side, price);
    let (far, near) = levels.split_at(levels.len().saturating_sub(NEAR_LEVELS));
    let better = near.iter().rev().take_while(|level| rank(side, level.price) > wanted).count();
    if better == near.len() {
        return far.binary_search_by_key(&wanted, |level| rank(side, level.price));
    }
    let at = levels.len() - better - 1;
    if levels[at].price == price { Ok(at) } else { Err(at + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prices(ladder: &Ladder, side: Side) -> Vec<i64> {
        ladder.levels(side).map(|level| level.price).collect()
    }

    #[test]
    fn best_is_highest_bid_and_lowest_ask() {
        let mut ladder = Ladder::default();
        for price in [5, i64::MIN, 9, i64::MAX, 7, -3] {
            ladder.add(Side::Buy, price, 1);
            ladder.add(Side::Sell, price, 1);
        }
        assert_eq!(prices(&ladder, Side::Buy), [i64::MAX, 9, 7, 5, -3, i64::MIN]);
        assert_eq!(prices(&ladder, Side::Sell), [i64::MIN, -3, 5, 7, 9, i64::MAX]);
        assert_eq!(ladder.best().bid.map(|level| level.price), Some(i64::MAX));
        assert_eq!(ladder.best().ask.map(|level| level.price), Some(i64::MIN));
    }

    #[test]
    fn every_level_is_found_near_and_far() {
        let mut ladder = Ladder::default();
        for step in 0..100 {
            ladder.set(Side::Sell, step * 37 % 100, 1);
        }
        assert_eq!(prices(&ladder, Side::Sell), (0..100).collect::<Vec<_>>());
        for price in 0..100 {
            assert_eq!(ladder.set(Side::Sell, price, 0), 1, "{price}");
            assert_eq!(ladder.set(Side::Sell, price, 0), 0, "{price}");
        }
        assert_eq!(ladder.best(), Bbo::default());
    }

    #[test]
    fn a_level_goes_with_its_last_order() {
        let mut ladder = Ladder::default();
        ladder.add(Side::Buy, 10, 3);
        ladder.add(Side::Buy, 10, 4);
        ladder.reduce(Side::Buy, 10, 3, 1);
        assert_eq!(ladder.best().bid, Some(Level { price: 10, size: 4, orders: 1 }));
        ladder.reduce(Side::Buy, 10, 1, 0);
        assert_eq!(ladder.best().bid, Some(Level { price: 10, size: 3, orders: 1 }));
        ladder.reduce(Side::Buy, 10, 3, 1);
        assert_eq!(ladder.best().bid, None);
    }
}

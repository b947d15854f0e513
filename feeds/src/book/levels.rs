//! The price levels of all instruments, each under a number that its orders keep.
//!
//! 1. An order knows its level: only a new order, and the last one at its price, search a ladder.
//! 2. A level's number is its place. A level that empties leaves its ladder, and its number is used again.
//! 3. Levels lie in small chunks that stay where they are: growth moves none.

use super::ladder::{Bbo, Ladder, Level, Rung};
use super::limits::LEVELS_OF_CHUNK;
use crate::side::Side;

/// A level, and whose it is.
#[derive(Debug, Clone, Copy)]
struct Place {
    level: Level,
    /// The instrument and a bit for the side; of an empty place, the next empty one.
    owner: u32,
}

const _: () = assert!(size_of::<Place>() == 32);

/// A price on a ladder, with the number of its level.
#[derive(Debug, Clone, Copy)]
struct Step {
    price: i64,
    number: u32,
}

impl Rung for Step {
    #[inline]
    fn price(&self) -> i64 {
        self.price
    }
}

/// The end of the list of empty places.
const NONE: u32 = u32::MAX;

fn owner(instrument: u32, side: Side) -> u32 {
    instrument << 1 | u32::from(side == Side::Sell)
}

fn instrument_and_side(owner: u32) -> (u32, Side) {
    (owner >> 1, if owner & 1 == 1 { Side::Sell } else { Side::Buy })
}

/// The levels of a set of books.
#[derive(Debug)]
pub(super) struct Levels {
    ladders: Vec<Ladder<Step>>,
    chunks: Vec<Box<[Place; LEVELS_OF_CHUNK]>>,
    /// Places that were ever taken.
    used: u32,
    /// The first empty place.
    empty: u32,
}

impl Default for Levels {
    fn default() -> Self {
        Self { ladders: Vec::new(), chunks: Vec::new(), used: 0, empty: NONE }
    }
}

impl Levels {
    /// One order more at a price. Gives the number of its level.
    #[inline]
    pub(super) fn add(&mut self, instrument: u32, side: Side, price: i64, size: u32) -> u32 {
        let at = instrument as usize;
        if at >= self.ladders.len() {
            self.ladders.resize_with(at + 1, Ladder::default);
        }
        let size = u64::from(size);
        match self.ladders[at].find(side, price) {
            Ok(found) => {
                let number = self.ladders[at].side(side)[found].number;
                let level = &mut self.place_mut(number).level;
                level.size += size;
                level.orders += 1;
                number
            }
            Err(place) => {
                let owner = owner(instrument, side);
                let number = self.settle(Place { level: Level { price, size, orders: 1 }, owner });
                self.ladders[at].side_mut(side).insert(place, Step { price, number });
                number
            }
        }
    }

    /// `size` less at a level, and one order fewer if it `goes`. Gives whose level it is, and its price.
    #[inline]
    pub(super) fn reduce(&mut self, number: u32, size: u32, goes: bool) -> (u32, Side, i64) {
        let place = self.place_mut(number);
        place.level.size -= u64::from(size);
        place.level.orders -= u32::from(goes);
        let Place { level: Level { price, size, .. }, owner } = *place;
        let (instrument, side) = instrument_and_side(owner);
        if size == 0 {
            let ladder = &mut self.ladders[instrument as usize];
            let found = ladder.find(side, price);
            debug_assert!(found.is_ok(), "every level has its rung");
            if let Ok(at) = found {
                ladder.side_mut(side).remove(at);
            }
            self.leave(number);
        }
        (instrument, side, price)
    }

    /// Whose a level is, and its price.
    pub(super) fn of(&self, number: u32) -> (u32, Side, i64) {
        let Place { level, owner } = self.place(number);
        let (instrument, side) = instrument_and_side(*owner);
        (instrument, side, level.price)
    }

    #[inline]
    pub(super) fn best(&self, instrument: u32) -> Bbo {
        let Some(ladder) = self.ladders.get(instrument as usize) else { return Bbo::default() };
        let [bid, ask] = [Side::Buy, Side::Sell]
            .map(|side| ladder.best(side).map(|step| self.place(step.number).level));
        Bbo { bid, ask }
    }

    /// What rests at a price.
    pub(super) fn at(&self, instrument: u32, side: Side, price: i64) -> Option<Level> {
        let ladder = self.ladders.get(instrument as usize)?;
        let step = &ladder.side(side)[ladder.find(side, price).ok()?];
        Some(self.place(step.number).level)
    }

    /// From the best level on.
    pub(super) fn iter(&self, instrument: u32, side: Side) -> impl Iterator<Item = &Level> {
        let ladder = self.ladders.get(instrument as usize);
        let steps = ladder.into_iter().flat_map(move |ladder| ladder.side(side).iter().rev());
        steps.map(|step| &self.place(step.number).level)
    }

    /// Removes the levels of an instrument. Their numbers mean nothing from now on.
    pub(super) fn clear(&mut self, instrument: u32) {
        let Some(ladder) = self.ladders.get_mut(instrument as usize) else { return };
        let ladder = std::mem::take(ladder);
        for step in [Side::Buy, Side::Sell].into_iter().flat_map(|side| ladder.side(side)) {
            self.leave(step.number);
        }
    }

    #[inline]
    fn place(&self, number: u32) -> &Place {
        let number = number as usize;
        &self.chunks[number / LEVELS_OF_CHUNK][number % LEVELS_OF_CHUNK]
    }

    #[inline]
    fn place_mut(&mut self, number: u32) -> &mut Place {
        let number = number as usize;
        &mut self.chunks[number / LEVELS_OF_CHUNK][number % LEVELS_OF_CHUNK]
    }

    /// Finds a place for a new level.
    fn settle(&mut self, new: Place) -> u32 {
        if self.empty != NONE {
            let number = self.empty;
            self.empty = std::mem::replace(self.place_mut(number), new).owner;
            return number;
        }
        let number = self.used;
        if number as usize == self.chunks.len() * LEVELS_OF_CHUNK {
            self.chunks.push(Box::new([new; LEVELS_OF_CHUNK]));
        }
        self.used += 1;
        *self.place_mut(number) = new;
        number
    }

    fn leave(&mut self, number: u32) {
        self.place_mut(number).owner = self.empty;
        self.empty = number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_goes_with_its_last_order_and_leaves_its_number() {
        let mut levels = Levels::default();
        let number = levels.add(3, Side::Sell, 10, 3);
        assert_eq!(levels.add(3, Side::Sell, 10, 4), number);
        assert_eq!(levels.reduce(number, 3, true), (3, Side::Sell, 10));
        assert_eq!(levels.best(3).ask, Some(Level { price: 10, size: 4, orders: 1 }));
        assert_eq!(levels.at(3, Side::Sell, 10), levels.best(3).ask);
        assert_eq!((levels.at(3, Side::Buy, 10), levels.at(9, Side::Sell, 10)), (None, None));
        levels.reduce(number, 1, false);
        assert_eq!(levels.best(3).ask, Some(Level { price: 10, size: 3, orders: 1 }));
        levels.reduce(number, 3, true);
        assert_eq!(levels.best(3), Bbo::default());
        assert_eq!(levels.add(1, Side::Buy, 7, 1), number);
        assert_eq!(levels.of(number), (1, Side::Buy, 7));
    }

    #[test]
    fn numbers_of_cleared_levels_are_used_before_new_ones() {
        let mut levels = Levels::default();
        let count = 3 * LEVELS_OF_CHUNK as u32;
        for price in 0..count {
            assert_eq!(levels.add(price & 1, Side::Buy, price.into(), 1), price);
        }
        levels.clear(1);
        assert_eq!(levels.iter(1, Side::Buy).count(), 0);
        assert_eq!(levels.iter(0, Side::Buy).count() as u32, count / 2);
        for price in 0..count / 2 {
            assert!(levels.add(2, Side::Sell, price.into(), 1) < count);
        }
        assert_eq!(levels.add(2, Side::Sell, -1, 1), count);
    }
}

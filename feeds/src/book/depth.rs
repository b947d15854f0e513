//! The book of one instrument from a feed that sends price levels and no orders, as IEX DEEP does.

use super::ladder::{Bbo, Ladder, Level};
use super::limits::LEVELS_MAX;
use super::outcome::Refusal;
use crate::side::Side;

/// One instrument's aggregated price levels. Their [`Level::orders`] is zero: the feed does not say.
///
/// ```
/// use tidewire_feeds::{Side, book::DepthBook};
///
/// let mut book = DepthBook::default();
/// book.set(Side::Buy, 99_0500, 9_700)?;
/// book.set(Side::Sell, 99_0700, 1_000)?;
/// book.set(Side::Sell, 99_0700, 0)?;
/// assert_eq!(book.best().bid.map(|level| level.size), Some(9_700));
/// assert_eq!(book.best().ask, None);
/// # Ok::<(), tidewire_feeds::book::Refusal>(())
/// ```
#[derive(Debug, Default)]
pub struct DepthBook {
    ladder: Ladder<Level>,
}

impl DepthBook {
    /// The level at `price` has `size` from now on; zero removes it. Gives the size that stood there.
    ///
    /// # Errors
    /// [`Refusal::Full`]: the side has [`LEVELS_MAX`] levels, and this would be one more.
    pub fn set(&mut self, side: Side, price: i64, size: u64) -> Result<u64, Refusal> {
        let found = self.ladder.find(side, price);
        let levels = self.ladder.side_mut(side);
        match (found, size) {
            (Ok(at), 0) => Ok(levels.remove(at).size),
            (Ok(at), _) => Ok(std::mem::replace(&mut levels[at].size, size)),
            (Err(_), 0) => Ok(0),
            (Err(_), _) if levels.len() >= LEVELS_MAX => Err(Refusal::Full),
            (Err(at), _) => {
                levels.insert(at, Level { price, size, orders: 0 });
                Ok(0)
            }
        }
    }

    /// The best level of each side, in constant time.
    #[must_use]
    pub fn best(&self) -> Bbo {
        let [bid, ask] = [Side::Buy, Side::Sell].map(|side| self.ladder.best(side).copied());
        Bbo { bid, ask }
    }

    /// One side from the best level on.
    pub fn levels(&self, side: Side) -> impl ExactSizeIterator<Item = &Level> {
        self.ladder.side(side).iter().rev()
    }

    /// Removes every level.
    pub fn clear(&mut self) {
        self.ladder.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_side_refuses_a_new_level_and_changes_an_old_one() {
        let mut book = DepthBook::default();
        for price in 0..LEVELS_MAX as i64 {
            assert_eq!(book.set(Side::Buy, price, 1), Ok(0));
        }
        assert_eq!(book.set(Side::Buy, -1, 1), Err(Refusal::Full));
        assert_eq!(book.set(Side::Buy, -1, 0), Ok(0));
        assert_eq!(book.set(Side::Buy, 5, 2), Ok(1));
        assert_eq!(book.levels(Side::Buy).len(), LEVELS_MAX);
        assert_eq!(book.set(Side::Sell, -1, 1), Ok(0));
        book.clear();
        assert_eq!(book.best(), Bbo::default());
    }
}

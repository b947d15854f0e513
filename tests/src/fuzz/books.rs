//! Bytes read as operations on books, against the sums that the books' invariants ask for.

use std::collections::BTreeMap;

use tidewire_feeds::Side;
use tidewire_feeds::book::{Bbo, Books, DepthBook, Level, limits};

/// Bytes of an operation on [`Books`].
const OPERATION_BYTES: usize = 6;
/// Operations between two looks at the whole books.
const CHECK_EVERY: usize = 32;

/// Six bytes an operation: what, two references, side and instrument, price, size.
pub fn order_books(bytes: &[u8]) {
    let mut books = Books::default();
    for (at, operation) in bytes.as_chunks::<OPERATION_BYTES>().0.iter().enumerate() {
        operate(&mut books, *operation);
        if at % CHECK_EVERY == 0 {
            check_sums(&books);
        }
    }
    check_sums(&books);
}

fn operate(books: &mut Books, [what, one, other, place, price, size]: [u8; OPERATION_BYTES]) {
    let side = if place & 1 == 0 { Side::Buy } else { Side::Sell };
    // The last of four instruments is one too many.
    let instrument = [0, 1, 900, limits::INSTRUMENTS_MAX][usize::from(place >> 1 & 3)];
    // Neighbours share a block of the table; the upper half are far from each other.
    let [one, other] = [one, other].map(|byte| match byte {
        0..128 => u64::from(byte),
        _ => u64::MAX / 255 * u64::from(byte),
    });
    let price = match price {
        0 => i64::MIN,
        255 => i64::MAX,
        near => i64::from(near),
    };
    let size = if size == 255 { u32::MAX } else { u32::from(size) };
    let live = books.len();
    // A refusal is counted by the books, and leaves them valid: that is what is checked.
    let (refused, born) = match what % 7 {
        0 => (books.add(instrument, one, side, price, size).is_err(), 1),
        1 => (books.execute(one, size).is_err(), 0),
        2 => (books.cancel(one, size).is_err(), 0),
        3 => (books.delete(one).is_err(), 0),
        4 => (books.replace(one, other, price, size).is_err(), 0),
        5 => (books.modify(instrument, one, side, price, size).is_err(), 1),
        _ => {
            books.clear(instrument);
            (false, 0)
        }
    };
    assert!(books.len() <= live + if refused { 0 } else { born });
}

/// A level's size and number of orders are the sums over the live orders at its price.
fn check_sums(books: &Books) {
    let mut sums = BTreeMap::<(u32, bool, i64), (u64, u32)>::new();
    let mut live = 0;
    for (_, order) in books.orders() {
        assert_ne!(order.size, 0);
        let sum = sums.entry((order.instrument, order.side == Side::Buy, order.price)).or_default();
        *sum = (sum.0 + u64::from(order.size), sum.1 + 1);
        live += 1;
    }
    assert_eq!(books.len(), live);
    for instrument in [0, 1, 900, limits::INSTRUMENTS_MAX] {
        let sides = [Side::Buy, Side::Sell].map(|side| {
            let levels: Vec<Level> = books.levels(instrument, side).copied().collect();
            check_ladder(side, &levels);
            for level in &levels {
                let sum = sums.remove(&(instrument, side == Side::Buy, level.price));
                assert_eq!(sum, Some((level.size, level.orders)));
            }
            levels.first().copied()
        });
        assert_eq!(books.best(instrument), Bbo { bid: sides[0], ask: sides[1] });
    }
    assert!(sums.is_empty(), "orders without a level: {sums:?}");
}

/// Prices fall on the bid side, and rise on the ask side, from the best level on.
fn check_ladder(side: Side, levels: &[Level]) {
    assert!(levels.is_sorted_by(|a, b| match side {
        Side::Buy => a.price > b.price,
        Side::Sell => a.price < b.price,
    }));
}

/// Three bytes an operation: side, price, size. Compared with a sorted map after each.
pub fn depth_book(bytes: &[u8]) {
    let mut book = DepthBook::default();
    let mut model = [BTreeMap::new(), BTreeMap::new()];
    for [what, price, size] in bytes.as_chunks::<3>().0 {
        let (side, sizes) = match what & 1 {
            0 => (Side::Buy, &mut model[0]),
            _ => (Side::Sell, &mut model[1]),
        };
        let (price, size) = (i64::from(price.cast_signed()), u64::from(*size));
        let before = book.set(side, price, size).unwrap_or_else(|_| unreachable!("256 levels fit"));
        let known = if size == 0 { sizes.remove(&price) } else { sizes.insert(price, size) };
        assert_eq!(before, known.unwrap_or(0));
        if *what == u8::MAX {
            book.clear();
            model.iter_mut().for_each(BTreeMap::clear);
        }
        let best = [model[0].last_key_value(), model[1].first_key_value()]
            .map(|level| level.map(|(&price, &size)| Level { price, size, orders: 0 }));
        assert_eq!(book.best(), Bbo { bid: best[0], ask: best[1] });
    }
    let pairs = |side| book.levels(side).map(|level| (level.price, level.size));
    assert!(pairs(Side::Buy).eq(model[0].iter().rev().map(|(&price, &size)| (price, size))));
    assert!(pairs(Side::Sell).eq(model[1].iter().map(|(&price, &size)| (price, size))));
}

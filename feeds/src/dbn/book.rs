//! Order books from market-by-order records.

use super::record::Mbo;
use crate::book::{Books, Refusal, Touched};

/// Applies one record to the books, where its instrument has the number `instrument`.
///
/// A adds, C takes its size away, M changes price or size (and adds an order that is not there, which is counted), R
/// clears the instrument. T, F and N change no order: what a trade takes from resting orders comes as C or M records
/// of its own (Databento, "MBO": Actions). Between the records of one event the book may be crossed: it is consistent
/// behind one with [`FLAG_LAST`](super::FLAG_LAST).
///
/// Gives the order that was touched, if one was.
///
/// # Errors
/// As in [`Books`]. The books have counted it and stay valid.
pub fn apply(books: &mut Books, instrument: u32, record: &Mbo) -> Result<Option<Touched>, Refusal> {
    let (reference, price, size) = (record.order_id(), record.price(), record.size());
    match (record.action(), record.side()) {
        (b'A', Some(side)) => books.add(instrument, reference, side, price, size).map(Some),
        (b'M', Some(side)) => books.modify(instrument, reference, side, price, size).map(Some),
        (b'C', _) => books.cancel(reference, size).map(Some),
        (b'R', _) => {
            books.clear(instrument);
            Ok(None)
        }
        _ => Ok(None),
    }
}

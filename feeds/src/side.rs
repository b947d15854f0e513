//! The two sides of a book.

/// The side of an order or of a price level, as the byte that ITCH and others send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Side {
    /// Bids: the best is the highest price.
    Buy = b'B',
    /// Asks (offers): the best is the lowest price.
    Sell = b'S',
}

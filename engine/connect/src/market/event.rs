//! The event that all market data feeds become.

use tidewire_feeds::Side;

/// Something that happened to an instrument. Prices are in units of the feed: 1e-4 dollars for ITCH and IEX, 1e-9 for
/// DBN ([`Normalizer::price_digits`](super::Normalizer::price_digits)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarketEvent {
    /// The number of the instrument in [`Symbols`](super::Symbols).
    pub instrument: u32,
    /// What happened.
    pub action: Action,
}

/// What happened to an instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A new order rests in the book.
    Add {
        /// The feed's number of the order.
        reference: u64,
        /// Limit price.
        price: i64,
        /// Quantity.
        size: u32,
        /// Buy or sell.
        side: Side,
    },
    /// A resting order traded at its own price.
    Execute {
        /// The order.
        reference: u64,
        /// How much of it.
        size: u32,
    },
    /// A resting order traded at another price.
    ExecuteAt {
        /// The order.
        reference: u64,
        /// The price of the trade.
        price: i64,
        /// How much of it.
        size: u32,
        /// Whether it counts as a trade: the volume of a cross is reported once, by its own message.
        printable: bool,
    },
    /// A part of an order is withdrawn.
    Cancel {
        /// The order.
        reference: u64,
        /// How much of it.
        size: u32,
    },
    /// An order is withdrawn.
    Delete {
        /// The order.
        reference: u64,
    },
    /// An order gives way to a new one on the same side.
    Replace {
        /// The order that is gone.
        old: u64,
        /// The order in its place.
        new: u64,
        /// Its price.
        price: i64,
        /// Its quantity.
        size: u32,
    },
    /// An order changes price or quantity and keeps its number.
    Modify {
        /// The order.
        reference: u64,
        /// Its price.
        price: i64,
        /// Its quantity.
        size: u32,
        /// Buy or sell.
        side: Side,
    },
    /// The instrument's book is empty: the venue says so, or its session begins anew.
    Clear,
    /// A price level has a new size, 0 if it is gone.
    Level {
        /// The price.
        price: i64,
        /// What rests there.
        size: u32,
        /// Bids or asks.
        side: Side,
    },
    /// New best prices, from a feed that has no more than these.
    Quote {
        /// The best bid, or [`NO_PRICE`](Action::NO_PRICE).
        bid: i64,
        /// The best ask, or [`NO_PRICE`](Action::NO_PRICE).
        ask: i64,
    },
    /// A trade that moves no order of the book.
    Trade {
        /// The price.
        price: i64,
        /// The quantity.
        size: u64,
    },
    /// An earlier trade is broken. It is counted, and not taken out of what it was part of.
    TradeBreak,
}

impl Action {
    /// No price on this side.
    pub const NO_PRICE: i64 = i64::MAX;
}

const _: () = assert!(size_of::<MarketEvent>() == 40);

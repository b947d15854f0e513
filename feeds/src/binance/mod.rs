//! Binance: websocket streams as they were captured, and the book that follows from them.
//!
//! 1. A line is when it was received, in nanoseconds since the Unix epoch, and the JSON as it came, with or without the
//!    envelope of a combined stream.
//! 2. Prices and quantities are whole numbers of 1e-8, as exact as their text; more digits are an error.
//! 3. A book is a snapshot and the changes behind it, each of which names the one before it: a break in the chain ends
//!    the book until the next snapshot ([`Book`]).
//!
//! Sources: "Binance Derivatives: USDS-M Futures, Websocket Market Streams" (`trade`, `bookTicker`, `depthUpdate`, "How to
//! manage a local order book correctly"), and the same of "Spot".

mod book;
mod capture;
mod message;
#[cfg(test)]
mod tests;

pub use book::{Book, Followed};
pub use capture::BinanceCapture;
pub use message::{
    Depth, LevelBuffer, Message, PriceLevel, RawLevels, Received, Snapshot, Ticker, Times, Trade,
    decode,
};

/// Digits behind the point of prices and quantities.
pub const DIGITS: u8 = 8;

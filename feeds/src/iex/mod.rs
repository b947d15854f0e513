//! IEX: segments of the transport protocol IEX-TP 1.0, and the messages of DEEP 1.0 and TOPS 1.6.
//!
//! 1. A [`segment`] is one UDP payload: a header, and whole messages behind 16-bit lengths. Its messages are numbered
//!    from [`Segment::first_sequence`] on; one without messages is a heartbeat.
//! 2. All numbers are little-endian. Prices are `i64` in 1e-4 dollars, times `i64` nanoseconds since the Unix epoch.
//! 3. A message may be longer than its layout here: IEX adds fields at the end without notice (DEEP 1.0,
//!    "Architecture"). What is behind the known fields is not looked at.
//!
//! The sections named in this module are those of the "Investors Exchange DEEP Specification" 1.0x, the "TOPS
//! Specification" 1.6x, and the "Transport Specification" 1.25.

mod message;
mod segment;
mod symbol;
#[cfg(test)]
mod tests;

pub use message::{
    AuctionInformation, Message, OfficialPrice, OperationalHalt, PriceLevelUpdate, QuoteUpdate,
    Reason, RetailLiquidity, SecurityDirectory, SecurityEvent, ShortSale, SystemEvent, Trade,
    TradingStatus, decode,
};
pub use segment::{Messages, Protocol, Segment, SegmentHeader, is_segment, segment};
pub use symbol::Symbol;

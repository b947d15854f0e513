//! The messages of DEEP 1.0 and TOPS 1.6, which share all layouts but those of the book itself.

use zerocopy::little_endian::{I64, U32};
use zerocopy::{FromBytes, Immutable, KnownLayout};

use super::{Protocol, Symbol};
use crate::decode::{DecodeError, Found};
use crate::side::Side;
use crate::wire::layout;

/// Four ASCII bytes, filled with blanks on the right.
pub type Reason = [u8; 4];

layout! {
    /// S: start and end of messages, of system hours and of regular market hours ("System Event Message").
    SystemEvent, 10 bytes {
        /// `S`.
        kind: u8,
        /// `O` start of messages, `S` start of system hours, `R` start of regular market hours, `M` end of regular
        /// market hours, `E` end of system hours, `C` end of messages.
        event: u8,
        /// When, in nanoseconds since the Unix epoch.
        timestamp_ns: I64,
    }
}

layout! {
    /// D: a security that IEX trades ("Security Directory Message").
    SecurityDirectory, 31 bytes {
        /// `D`.
        kind: u8,
        /// Bit 7 test security, bit 6 when issued, bit 5 exchange-traded product.
        flags: u8,
        /// When, in nanoseconds since the Unix epoch.
        timestamp_ns: I64,
        /// Of the security.
        symbol: Symbol,
        /// Shares in a round lot.
        round_lot_size: U32,
        /// The previous official closing price, corporate actions accounted for, in 1e-4 dollars.
        adjusted_poc_price: I64,
        /// Limit up-limit down: 0 not applicable, 1 tier 1, 2 tier 2.
        luld_tier: u8,
    }
}

layout! {
    /// H: a security is halted, paused, or trading ("Trading Status Message").
    TradingStatus, 22 bytes {
        /// `H`.
        kind: u8,
        /// `H` halted, `O` halt released into an order acceptance period, `P` paused, `T` trading.
        status: u8,
        /// When, in nanoseconds since the Unix epoch.
        timestamp_ns: I64,
        /// Of the security.
        symbol: Symbol,
        /// Why, as `T1`, `LUDP`, `MCB3`; blanks behind it.
        reason: Reason,
    }
}

layout! {
    /// I: which sides have retail liquidity ("Retail Liquidity Indicator Message").
    RetailLiquidity, 18 bytes {
        /// `I`.
        kind: u8,
        /// Blank: none; `A` buy, `B` sell, `C` both.
        indicator: u8,
        /// When, in nanoseconds since the Unix epoch.
        timestamp_ns: I64,
        /// Of the security.
        symbol: Symbol,
    }
}

layout! {
    /// O: IEX alone halts a security ("Operational Halt Status Message").
    OperationalHalt, 18 bytes {
        /// `O`.
        kind: u8,
        /// `O` halted, `N` not halted.
        status: u8,
        /// When, in nanoseconds since the Unix epoch.
        timestamp_ns: I64,
        /// Of the security.
        symbol: Symbol,
    }
}

layout! {
    /// P: a short sale price restriction ("Short Sale Price Test Status Message").
    ShortSale, 19 bytes {
        /// `P`.
        kind: u8,
        /// 1 in effect, 0 not.
        status: u8,
        /// When, in nanoseconds since the Unix epoch.
        timestamp_ns: I64,
        /// Of the security.
        symbol: Symbol,
        /// Blank: no restriction; `A` activated, `C` continued, `D` deactivated, `N` not available.
        detail: u8,
    }
}

layout! {
    /// E, DEEP only: the opening or closing process of a security is done ("Security Event Message").
    SecurityEvent, 18 bytes {
        /// `E`.
        kind: u8,
        /// `O` opening process complete, `C` closing process complete.
        event: u8,
        /// When, in nanoseconds since the Unix epoch.
        timestamp_ns: I64,
        /// Of the security.
        symbol: Symbol,
    }
}

layout! {
    /// 8 and 5, DEEP only: the size at one price from now on ("Price Level Update Message").
    PriceLevelUpdate, 30 bytes {
        /// `8` the buy side, `5` the sell side.
        kind: u8,
        /// Bit 0: the last update of its event; the book is consistent behind it.
        flags: u8,
        /// When, in nanoseconds since the Unix epoch.
        timestamp_ns: I64,
        /// Of the security.
        symbol: Symbol,
        /// Shares displayed at the price. Zero removes the level.
        size: U32,
        /// In 1e-4 dollars.
        price: I64,
    }
}

impl PriceLevelUpdate {
    /// Which side of the book changes.
    #[must_use]
    pub fn side(&self) -> Side {
        if self.kind == b'8' { Side::Buy } else { Side::Sell }
    }

    /// Whether the book is consistent behind this update. If not, more updates of the same event follow.
    #[must_use]
    pub fn completes_event(&self) -> bool {
        self.flags & 1 == 1
    }
}

layout! {
    /// Q, TOPS only: the best bid and offer from now on ("Quote Update Message").
    QuoteUpdate, 42 bytes {
        /// `Q`.
        kind: u8,
        /// Bit 7 not active (halted, paused, or not available), bit 6 pre- or post-market session.
        flags: u8,
        /// When, in nanoseconds since the Unix epoch.
        timestamp_ns: I64,
        /// Of the security.
        symbol: Symbol,
        /// Shares bid. Zero: there is no bid.
        bid_size: U32,
        /// In 1e-4 dollars.
        bid_price: I64,
        /// In 1e-4 dollars.
        ask_price: I64,
        /// Shares offered. Zero: there is no offer.
        ask_size: U32,
    }
}

layout! {
    /// T and B: one execution on IEX, or one that is broken ("Trade Report Message", "Trade Break Message").
    Trade, 38 bytes {
        /// `T` a trade, `B` the break of one.
        kind: u8,
        /// Bit 7 intermarket sweep, bit 6 extended hours, bit 5 odd lot, bit 4 trade-through exempt, bit 3
        /// single-price cross.
        flags: u8,
        /// When, in nanoseconds since the Unix epoch.
        timestamp_ns: I64,
        /// Of the security.
        symbol: Symbol,
        /// Shares.
        size: U32,
        /// In 1e-4 dollars.
        price: I64,
        /// Unique within the day; a break has the number of the trade it breaks.
        trade_id: I64,
    }
}

layout! {
    /// X: the official opening or closing price of an IEX-listed security ("Official Price Message").
    OfficialPrice, 26 bytes {
        /// `X`.
        kind: u8,
        /// `Q` opening, `M` closing.
        price_type: u8,
        /// When, in nanoseconds since the Unix epoch.
        timestamp_ns: I64,
        /// Of the security.
        symbol: Symbol,
        /// In 1e-4 dollars.
        price: I64,
    }
}

layout! {
    /// A: what an auction would do now ("Auction Information Message").
    AuctionInformation, 80 bytes {
        /// `A`.
        kind: u8,
        /// `O` opening, `C` closing, `I` IPO, `H` halt, `V` volatility.
        auction_type: u8,
        /// When, in nanoseconds since the Unix epoch.
        timestamp_ns: I64,
        /// Of the security.
        symbol: Symbol,
        /// Shares that would match at the reference price.
        paired_shares: U32,
        /// In 1e-4 dollars.
        reference_price: I64,
        /// In 1e-4 dollars.
        indicative_clearing_price: I64,
        /// Shares that would not match at the reference price.
        imbalance_shares: U32,
        /// `B` buy, `S` sell, `N` none.
        imbalance_side: u8,
        /// Extensions that the auction has had.
        extension_number: u8,
        /// When the auction is due, in seconds since the Unix epoch.
        scheduled_auction_s: U32,
        /// Of orders on the auction book alone, in 1e-4 dollars.
        auction_book_clearing_price: I64,
        /// In 1e-4 dollars.
        collar_reference_price: I64,
        /// In 1e-4 dollars.
        lower_auction_collar: I64,
        /// In 1e-4 dollars.
        upper_auction_collar: I64,
    }
}

/// One message, seen in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is named after its layout, which is documented")]
pub enum Message<'b> {
    SystemEvent(&'b SystemEvent),
    SecurityDirectory(&'b SecurityDirectory),
    TradingStatus(&'b TradingStatus),
    RetailLiquidity(&'b RetailLiquidity),
    OperationalHalt(&'b OperationalHalt),
    ShortSale(&'b ShortSale),
    SecurityEvent(&'b SecurityEvent),
    PriceLevelUpdate(&'b PriceLevelUpdate),
    QuoteUpdate(&'b QuoteUpdate),
    TradeReport(&'b Trade),
    TradeBreak(&'b Trade),
    OfficialPrice(&'b OfficialPrice),
    AuctionInformation(&'b AuctionInformation),
}

/// What every layout but the system event's has.
macro_rules! of_security {
    ($message:expr, $system:pat => $otherwise:expr, $view:ident => $value:expr) => {
        match $message {
            $system => $otherwise,
            Message::SecurityDirectory($view) => $value,
            Message::TradingStatus($view) => $value,
            Message::RetailLiquidity($view) => $value,
            Message::OperationalHalt($view) => $value,
            Message::ShortSale($view) => $value,
            Message::SecurityEvent($view) => $value,
            Message::PriceLevelUpdate($view) => $value,
            Message::QuoteUpdate($view) => $value,
            Message::TradeReport($view) | Message::TradeBreak($view) => $value,
            Message::OfficialPrice($view) => $value,
            Message::AuctionInformation($view) => $value,
        }
    };
}

impl Message<'_> {
    /// The type byte.
    #[must_use]
    pub fn kind(&self) -> u8 {
        of_security!(self, Message::SystemEvent(event) => event.kind(), view => view.kind())
    }

    /// When, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn timestamp_ns(&self) -> i64 {
        of_security!(self, Message::SystemEvent(event) => event.timestamp_ns(), view => view.timestamp_ns())
    }

    /// Of the security; a system event has none.
    #[must_use]
    pub fn symbol(&self) -> Option<Symbol> {
        of_security!(self, Message::SystemEvent(_) => None, view => Some(view.symbol()))
    }
}

/// Views the bytes of one message.
///
/// # Errors
/// The type is none of the protocol's, or the message is shorter than its type. IEX may add types: a reader of a live
/// feed drops what it does not know, and goes on.
pub fn decode(protocol: Protocol, message: &[u8]) -> Result<Message<'_>, DecodeError> {
    let kind = *message.first().ok_or(error(message, "a message type", Found::End(0)))?;
    Ok(match (protocol, kind) {
        (Protocol::Other(id), _) => {
            return Err(error(
                message,
                "a message of DEEP 1.0 or TOPS 1.6",
                Found::Value(id.into()),
            ));
        }
        (_, b'S') => Message::SystemEvent(view(message)?),
        (_, b'D') => Message::SecurityDirectory(view(message)?),
        (_, b'H') => Message::TradingStatus(view(message)?),
        (_, b'I') => Message::RetailLiquidity(view(message)?),
        (_, b'O') => Message::OperationalHalt(view(message)?),
        (_, b'P') => Message::ShortSale(view(message)?),
        (Protocol::Deep10, b'E') => Message::SecurityEvent(view(message)?),
        (Protocol::Deep10, b'8' | b'5') => Message::PriceLevelUpdate(view(message)?),
        (Protocol::Tops16, b'Q') => Message::QuoteUpdate(view(message)?),
        (_, b'T') => Message::TradeReport(view(message)?),
        (_, b'B') => Message::TradeBreak(view(message)?),
        (_, b'X') => Message::OfficialPrice(view(message)?),
        (_, b'A') => Message::AuctionInformation(view(message)?),
        (Protocol::Deep10, _) => {
            return Err(error(message, "a message type of DEEP 1.0", Found::Type(kind)));
        }
        (Protocol::Tops16, _) => {
            return Err(error(message, "a message type of TOPS 1.6", Found::Type(kind)));
        }
    })
}

fn view<T: FromBytes + KnownLayout + Immutable>(message: &[u8]) -> Result<&T, DecodeError> {
    T::ref_from_prefix(message)
        .map(|(view, _)| view)
        .map_err(|_| error(message, "a message as long as its type", Found::Length(message.len())))
}

fn error(message: &[u8], expected: &'static str, found: Found) -> DecodeError {
    DecodeError { offset: 0, expected, found, resume: Some(message.len()) }
}

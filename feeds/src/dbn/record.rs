//! The records that are decoded, and their layouts ("Schemas and data formats": MBO, MBP-1, Trades).

use zerocopy::little_endian::{I32, I64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, KnownLayout};

use crate::decode::{DecodeError, Found};
use crate::side::Side;
use crate::wire::layout;

/// There is no price.
pub const UNDEFINED_PRICE: i64 = i64::MAX;

/// There is no time.
pub const UNDEFINED_TIME: i64 = -1;

/// The bit of a record's flags that marks the last record of its event for its instrument: the book is consistent
/// behind it ("Flags").
pub const FLAG_LAST: u8 = 1 << 7;

layout! {
    /// What each record starts with.
    Header, 16 bytes {
        /// Of the whole record, in units of four bytes.
        length: u8,
        /// What the record is.
        rtype: u8,
        /// Names dataset and venue.
        publisher_id: U16,
        /// Names the instrument.
        instrument_id: U32,
        /// When the venue saw it, in nanoseconds since the Unix epoch.
        ts_event: I64,
    }
}

layout! {
    /// Market by order: one event in the life of one order.
    Mbo, 56 bytes {
        /// Of the whole record, in units of four bytes.
        length: u8,
        /// 0xA0.
        rtype: u8,
        /// Names dataset and venue.
        publisher_id: U16,
        /// Names the instrument.
        instrument_id: U32,
        /// When the venue saw it, in nanoseconds since the Unix epoch.
        ts_event: I64,
        /// The venue's reference of the order.
        order_id: U64,
        /// In 1e-9 of the currency.
        price: I64,
        /// Of the order (A, M), or what was taken from it (C, F), or traded (T).
        size: U32,
        /// See [`FLAG_LAST`].
        flags: u8,
        /// Of Databento's feed.
        channel_id: u8,
        /// `A` add, `C` cancel, `M` modify, `R` clear the book, `T` trade, `F` fill, `N` none.
        action: u8,
        /// `A` ask, `B` bid, `N` none; [`Mbo::side`] says it in words.
        side_byte: u8,
        /// When it was received, in nanoseconds since the Unix epoch.
        ts_recv: I64,
        /// How many nanoseconds before `ts_recv` the venue sent it.
        ts_in_delta: I32,
        /// The venue's message sequence number.
        sequence: U32,
    }
}

impl Mbo {
    /// The side of the order, or of the aggressor of a trade.
    #[must_use]
    pub fn side(&self) -> Option<Side> {
        side(self.side_byte)
    }
}

layout! {
    /// One trade.
    Trade, 48 bytes {
        /// Of the whole record, in units of four bytes.
        length: u8,
        /// 0x00.
        rtype: u8,
        /// Names dataset and venue.
        publisher_id: U16,
        /// Names the instrument.
        instrument_id: U32,
        /// When the venue saw it, in nanoseconds since the Unix epoch.
        ts_event: I64,
        /// In 1e-9 of the currency.
        price: I64,
        /// How much traded.
        size: U32,
        /// `T`.
        action: u8,
        /// Of the aggressor: `A` ask, `B` bid, `N` none.
        side_byte: u8,
        /// See [`FLAG_LAST`].
        flags: u8,
        /// Which level of the book was hit, from 0 on.
        depth: u8,
        /// When it was received, in nanoseconds since the Unix epoch.
        ts_recv: I64,
        /// How many nanoseconds before `ts_recv` the venue sent it.
        ts_in_delta: I32,
        /// The venue's message sequence number.
        sequence: U32,
    }
}

impl Trade {
    /// The side of the aggressor.
    #[must_use]
    pub fn side(&self) -> Option<Side> {
        side(self.side_byte)
    }
}

layout! {
    /// Market by price, one level: an event, and the best bid and offer behind it.
    Mbp1, 80 bytes {
        /// Of the whole record, in units of four bytes.
        length: u8,
        /// 0x01.
        rtype: u8,
        /// Names dataset and venue.
        publisher_id: U16,
        /// Names the instrument.
        instrument_id: U32,
        /// When the venue saw it, in nanoseconds since the Unix epoch.
        ts_event: I64,
        /// Of the event, in 1e-9 of the currency.
        price: I64,
        /// Of the event.
        size: U32,
        /// `A` add, `C` cancel, `M` modify, `R` clear the book, `T` trade, `N` none.
        action: u8,
        /// Of the event: `A` ask, `B` bid, `N` none.
        side_byte: u8,
        /// See [`FLAG_LAST`].
        flags: u8,
        /// Which level changed, from 0 on.
        depth: u8,
        /// When it was received, in nanoseconds since the Unix epoch.
        ts_recv: I64,
        /// How many nanoseconds before `ts_recv` the venue sent it.
        ts_in_delta: I32,
        /// The venue's message sequence number.
        sequence: U32,
        /// In 1e-9 of the currency.
        bid_price: I64,
        /// In 1e-9 of the currency.
        ask_price: I64,
        /// What rests at the best bid.
        bid_size: U32,
        /// What rests at the best ask.
        ask_size: U32,
        /// Orders at the best bid.
        bid_orders: U32,
        /// Orders at the best ask.
        ask_orders: U32,
    }
}

impl Mbp1 {
    /// The side of the event.
    #[must_use]
    pub fn side(&self) -> Option<Side> {
        side(self.side_byte)
    }
}

fn side(byte: u8) -> Option<Side> {
    match byte {
        b'B' => Some(Side::Buy),
        b'A' => Some(Side::Sell),
        _ => None,
    }
}

/// One record, seen in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record<'b> {
    /// Market by order.
    Mbo(&'b Mbo),
    /// Market by price, one level.
    Mbp1(&'b Mbp1),
    /// A trade.
    Trade(&'b Trade),
    /// A record of another type, whole.
    Other {
        /// Its header.
        header: &'b Header,
        /// Its bytes, the header included.
        bytes: &'b [u8],
    },
}

impl<'b> Record<'b> {
    /// Views a whole record, of which the header is in place.
    pub(super) fn view(header: &'b Header, bytes: &'b [u8]) -> Result<Self, DecodeError> {
        match header.rtype {
            0x00 => Ok(Self::Trade(view(bytes)?)),
            0x01 => Ok(Self::Mbp1(view(bytes)?)),
            0xA0 => {
                let mbo: &Mbo = view(bytes)?;
                let rests = matches!(mbo.action, b'A' | b'M');
                if !matches!(mbo.action, b'A' | b'C' | b'M' | b'R' | b'T' | b'F' | b'N') {
                    return Err(error(38, "an action of a book", Found::Type(mbo.action), bytes));
                }
                if rests && mbo.side().is_none() {
                    let found = Found::Type(mbo.side_byte);
                    return Err(error(39, "a side for an order that rests", found, bytes));
                }
                Ok(Self::Mbo(mbo))
            }
            _ => Ok(Self::Other { header, bytes }),
        }
    }
}

/// The record may be longer than its layout: a send time follows in live streams.
fn view<T: FromBytes + KnownLayout + Immutable>(bytes: &[u8]) -> Result<&T, DecodeError> {
    let found = Found::Length(bytes.len());
    T::ref_from_prefix(bytes)
        .map(|(view, _)| view)
        .map_err(|_| error(0, "a record as long as its type", found, bytes))
}

fn error(offset: u64, expected: &'static str, found: Found, bytes: &[u8]) -> DecodeError {
    DecodeError { offset, expected, found, resume: Some(bytes.len()) }
}

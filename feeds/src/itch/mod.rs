//! Nasdaq TotalView-ITCH 5.0: every message type, as a view over the received bytes.
//!
//! 1. [`decode`] copies nothing: it checks the length that the type has, and casts.
//! 2. A message of an unknown type or of another length than its type's is an error, never a guess.
//! 3. What a field holds is the sender's: a side that is neither `B` nor `S` reads as `None`, it is no error.
//!
//! ```
//! use tidewire_feeds::{Side, itch};
//!
//! let order = itch::AddOrder {
//!     header: itch::AddOrder::header(7, 0, 34_200_000_000_000),
//!     reference: 42.into(),
//!     side: Side::Buy.into(),
//!     shares: 100.into(),
//!     stock: itch::Stock(*b"AAPL    "),
//!     price: 1_850_100.into(), // $185.01
//! };
//! let message = itch::Message::AddOrder(&order);
//! assert_eq!(message.as_bytes().len(), 36);
//! assert_eq!(itch::decode(message.as_bytes())?, message);
//! assert_eq!(message.stock(), itch::Stock::new("AAPL"));
//! # Ok::<(), tidewire_feeds::decode::DecodeError>(())
//! ```

mod field;
mod file;
mod messages;

pub use field::{SideByte, Stock, Timestamp};
pub use file::{Frame, ItchFileDecoder, LENGTH_BYTES, frame};
pub use messages::*;

use zerocopy::{FromBytes, IntoBytes};

use crate::decode::{DecodeError, Found};

/// The longest message, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 50;

/// The length table in one place: enum, decoder, encoder and length of each type come from it.
macro_rules! message_enum {
    ($($name:ident $length:literal,)*) => {
        /// One message, a view over the bytes it was decoded from.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Message<'a> {
            $(
                #[doc = concat!("A view of [`", stringify!($name), "`].")]
                $name(&'a $name),
            )*
        }

        /// Decodes one whole message, without the length before it.
        ///
        /// # Errors
        /// The type is unknown, or `bytes` has another length than its type.
        #[inline(always)] // Joins the caller's match with the one below: one jump for each message, not two.
        pub fn decode(bytes: &[u8]) -> Result<Message<'_>, DecodeError> {
            let Some(&kind) = bytes.first() else {
                return Err(wrong_length("a message of at least 12 bytes", 0));
            };
            match kind {
                $(
                    $name::KIND => match $name::ref_from_bytes(bytes) {
                        Ok(message) => Ok(Message::$name(message)),
                        Err(_) => Err(wrong_length(
                            concat!(stringify!($length), " bytes (", stringify!($name), ")"),
                            bytes.len(),
                        )),
                    },
                )*
                _ => Err(unknown_type(kind, bytes.len())),
            }
        }

        /// The length of a message of type `kind` in bytes, or `None` where ITCH 5.0 has no such type.
        #[must_use]
        pub const fn message_bytes(kind: u8) -> Option<usize> {
            match kind {
                $($name::KIND => Some($length),)*
                _ => None,
            }
        }

        impl<'a> Message<'a> {
            /// The bytes of the message, as on the wire and without a length before them.
            #[inline]
            #[must_use]
            pub fn as_bytes(&self) -> &'a [u8] {
                match self {
                    $(Self::$name(message) => message.as_bytes(),)*
                }
            }

            /// Type, locate code, tracking number and timestamp.
            #[inline]
            #[must_use]
            pub fn header(&self) -> &'a Header {
                match self {
                    $(Self::$name(message) => &message.header,)*
                }
            }
        }

        $(const _: () = assert!(size_of::<$name>() == $length && $length <= MESSAGE_BYTES_MAX);)*
    };
}

message_enum! {
    AddOrder 36,
    OrderDelete 19,
    OrderReplace 35,
    OrderExecuted 31,
    OrderCancel 23,
    AddOrderAttributed 40,
    OrderExecutedWithPrice 36,
    Trade 44,
    CrossTrade 40,
    BrokenTrade 19,
    NetOrderImbalance 50,
    SystemEvent 12,
    StockDirectory 39,
    StockTradingAction 25,
    RegShoRestriction 20,
    MarketParticipantPosition 26,
    MwcbDeclineLevel 35,
    MwcbStatus 12,
    IpoQuotingPeriod 28,
    LuldAuctionCollar 35,
    OperationalHalt 21,
    RetailInterest 20,
    DirectListing 48,
}

impl Message<'_> {
    /// The message type, an ASCII letter.
    #[inline]
    #[must_use]
    pub fn kind(&self) -> u8 {
        self.header().kind
    }

    /// The stock's number for this day, 0 where the message is about no stock.
    #[inline]
    #[must_use]
    pub fn locate(&self) -> u16 {
        self.header().locate.get()
    }

    /// Nasdaq's own tracking number.
    #[inline]
    #[must_use]
    pub fn tracking(&self) -> u16 {
        self.header().tracking.get()
    }

    /// Nanoseconds since midnight, Eastern time.
    #[inline]
    #[must_use]
    pub fn timestamp_ns(&self) -> u64 {
        self.header().timestamp.ns()
    }

    /// The symbol, where the message carries one. Messages about a known order carry only its reference.
    #[inline]
    #[must_use]
    pub fn stock(&self) -> Option<Stock> {
        match self {
            Self::AddOrder(m) => Some(m.stock),
            Self::AddOrderAttributed(m) => Some(m.stock),
            Self::Trade(m) => Some(m.stock),
            Self::CrossTrade(m) => Some(m.stock),
            Self::NetOrderImbalance(m) => Some(m.stock),
            Self::StockDirectory(m) => Some(m.stock),
            Self::StockTradingAction(m) => Some(m.stock),
            Self::RegShoRestriction(m) => Some(m.stock),
            Self::MarketParticipantPosition(m) => Some(m.stock),
            Self::IpoQuotingPeriod(m) => Some(m.stock),
            Self::LuldAuctionCollar(m) => Some(m.stock),
            Self::OperationalHalt(m) => Some(m.stock),
            Self::RetailInterest(m) => Some(m.stock),
            Self::DirectListing(m) => Some(m.stock),
            Self::SystemEvent(_)
            | Self::MwcbDeclineLevel(_)
            | Self::MwcbStatus(_)
            | Self::OrderExecuted(_)
            | Self::OrderExecutedWithPrice(_)
            | Self::OrderCancel(_)
            | Self::OrderDelete(_)
            | Self::OrderReplace(_)
            | Self::BrokenTrade(_) => None,
        }
    }
}

#[cold]
fn wrong_length(expected: &'static str, found: usize) -> DecodeError {
    DecodeError { offset: 0, expected, found: Found::Length(found), resume: Some(found) }
}

#[cold]
fn unknown_type(kind: u8, length: usize) -> DecodeError {
    DecodeError {
        offset: 0,
        expected: "a message type of ITCH 5.0",
        found: Found::Type(kind),
        resume: Some(length),
    }
}

#[cfg(test)]
mod tests;

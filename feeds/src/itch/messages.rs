//! The message types of ITCH 5.0, as they lie on the wire.
//!
//! 1. A message is a view over the received bytes: its size is fixed, its alignment is one, every bit pattern
//!    is a value. To read one is a length check and a cast.
//! 2. Fields are the wire's; the method of a field's name gives its native value.
//! 3. Unless its comment says otherwise a price is in 1e-4 dollars, and a quantity in shares.
//!
//! Sections are those of *Nasdaq TotalView-ITCH 5.0*.

use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::field::{Field, SideByte, Stock, Timestamp};
use crate::Side;

/// What every message starts with.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Header {
    /// The message type, an ASCII letter.
    pub kind: u8,
    /// The locate code: the stock's number for this day, 0 where the message is about no stock.
    pub locate: U16,
    /// Nasdaq's own tracking number.
    pub tracking: U16,
    /// When Nasdaq's system made the message.
    pub timestamp: Timestamp,
}

const _: () = assert!(size_of::<Header>() == 11);

macro_rules! messages {
    ($(
        $(#[$doc:meta])*
        $kind:literal, $size:literal => $name:ident {
            $( $(#[$field_doc:meta])* $field:ident: $wire:ty => $native:ty, )*
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
        )]
        #[repr(C)]
        pub struct $name {
            /// Type, locate code, tracking number and timestamp.
            pub header: Header,
            $( $(#[$field_doc])* pub $field: $wire, )*
        }

        const _: () = assert!(size_of::<$name>() == $size);
        const _: () = assert!(align_of::<$name>() == 1);

        impl $name {
            /// The message type.
            pub const KIND: u8 = $kind;

            /// The header of such a message; `timestamp_ns` counts from midnight.
            #[must_use]
            pub const fn header(locate: u16, tracking: u16, timestamp_ns: u64) -> Header {
                Header {
                    kind: Self::KIND,
                    locate: U16::new(locate),
                    tracking: U16::new(tracking),
                    timestamp: Timestamp::new(timestamp_ns),
                }
            }

            $(
                $(#[$field_doc])*
                #[inline]
                #[must_use]
                pub fn $field(&self) -> $native {
                    self.$field.native()
                }
            )*
        }
    )*};
}

messages! {
    /// The day's large events (section 1.1).
    b'S', 12 => SystemEvent {
        /// `O` start of messages, `S` start of system hours, `Q` start of market hours, `M` end of market hours,
        /// `E` end of system hours, `C` end of messages.
        event: u8 => u8,
    }

    /// What is known of a stock, sent before the day starts (section 1.2.1).
    b'R', 39 => StockDirectory {
        /// The symbol.
        stock: Stock => Stock,
        /// Listing market: `Q` `G` `S` Nasdaq, `N` NYSE, `A` NYSE American, `P` NYSE Arca, `Z` BATS, `V` IEX, blank unknown.
        market_category: u8 => u8,
        /// `D` deficient, `E` delinquent, `Q` bankrupt, `S` suspended, `N` normal, `C` creations suspended, blank unknown.
        financial_status: u8 => u8,
        /// Shares in a round lot.
        round_lot_size: U32 => u32,
        /// `Y`: only round lots are accepted.
        round_lots_only: u8 => u8,
        /// Class of the security (appendix: issue classification).
        issue_classification: u8 => u8,
        /// Sub-class of the security (appendix: issue sub-type).
        issue_subtype: [u8; 2] => [u8; 2],
        /// `P` production, `T` test.
        authenticity: u8 => u8,
        /// `Y` under the short sale threshold list, `N` not, blank unknown.
        short_sale_threshold: u8 => u8,
        /// `Y`: set up for an initial public offering.
        ipo_flag: u8 => u8,
        /// Limit-up limit-down tier: `1`, `2`, or blank.
        luld_tier: u8 => u8,
        /// `Y`: an exchange-traded product.
        etp_flag: u8 => u8,
        /// The product's leverage, a whole factor.
        etp_leverage: U32 => u32,
        /// `Y`: an inverse product.
        inverse: u8 => u8,
    }

    /// A stock is halted, paused, quoted or traded (section 1.2.2).
    b'H', 25 => StockTradingAction {
        /// The symbol.
        stock: Stock => Stock,
        /// `H` halted, `P` paused, `Q` quotation only, `T` trading.
        trading_state: u8 => u8,
        /// Reserved.
        reserved: u8 => u8,
        /// Why (appendix: trading action reason codes).
        reason: [u8; 4] => [u8; 4],
    }

    /// Short sale price test restriction (section 1.2.3).
    b'Y', 20 => RegShoRestriction {
        /// The symbol.
        stock: Stock => Stock,
        /// `0` none, `1` in effect after an intra-day drop, `2` remains in effect.
        action: u8 => u8,
    }

    /// A market participant's standing in a stock (section 1.2.4).
    b'L', 26 => MarketParticipantPosition {
        /// The participant.
        mpid: [u8; 4] => [u8; 4],
        /// The symbol.
        stock: Stock => Stock,
        /// `Y`: a primary market maker.
        primary_market_maker: u8 => u8,
        /// `N` normal, `P` passive, `S` syndicate, `R` pre-syndicate, `L` penalty.
        market_maker_mode: u8 => u8,
        /// `A` active, `E` excused, `W` withdrawn, `S` suspended, `D` deleted.
        participant_state: u8 => u8,
    }

    /// The day's market-wide circuit breaker levels (section 1.2.5.1).
    b'V', 35 => MwcbDeclineLevel {
        /// Level 1, in 1e-8 points of the S&P 500.
        level_1: U64 => u64,
        /// Level 2, in 1e-8 points of the S&P 500.
        level_2: U64 => u64,
        /// Level 3, in 1e-8 points of the S&P 500.
        level_3: U64 => u64,
    }

    /// A market-wide circuit breaker level was breached (section 1.2.5.2).
    b'W', 12 => MwcbStatus {
        /// `1`, `2` or `3`.
        breached_level: u8 => u8,
    }

    /// When an offering's quoting is released (section 1.2.6).
    b'K', 28 => IpoQuotingPeriod {
        /// The symbol.
        stock: Stock => Stock,
        /// Release time, in seconds since midnight.
        release_time_s: U32 => u32,
        /// `A` anticipated, `C` cancelled or postponed.
        release_qualifier: u8 => u8,
        /// The offering's price.
        price: U32 => u32,
    }

    /// Price band of an auction after a limit-up limit-down pause (section 1.2.7).
    b'J', 35 => LuldAuctionCollar {
        /// The symbol.
        stock: Stock => Stock,
        /// Reference price that the collar is built on.
        reference_price: U32 => u32,
        /// Upper collar.
        upper_price: U32 => u32,
        /// Lower collar.
        lower_price: U32 => u32,
        /// Number of the extension.
        extension: U32 => u32,
    }

    /// One market stopped or resumed trading a stock, for reasons of its own (section 1.2.8).
    b'h', 21 => OperationalHalt {
        /// The symbol.
        stock: Stock => Stock,
        /// `Q` Nasdaq, `B` BX, `X` PSX.
        market: u8 => u8,
        /// `H` halted, `T` lifted.
        action: u8 => u8,
    }

    /// A new displayed order (section 1.3.1).
    b'A', 36 => AddOrder {
        /// The order, unique in the day.
        reference: U64 => u64,
        /// Buy or sell.
        side: SideByte => Option<Side>,
        /// Displayed shares.
        shares: U32 => u32,
        /// The symbol.
        stock: Stock => Stock,
        /// Displayed price.
        price: U32 => u32,
    }

    /// A new displayed order that names its participant (section 1.3.2).
    b'F', 40 => AddOrderAttributed {
        /// The order, unique in the day.
        reference: U64 => u64,
        /// Buy or sell.
        side: SideByte => Option<Side>,
        /// Displayed shares.
        shares: U32 => u32,
        /// The symbol.
        stock: Stock => Stock,
        /// Displayed price.
        price: U32 => u32,
        /// The participant.
        attribution: [u8; 4] => [u8; 4],
    }

    /// An order executed at its own price (section 1.4.1).
    b'E', 31 => OrderExecuted {
        /// The order.
        reference: U64 => u64,
        /// Shares executed now.
        shares: U32 => u32,
        /// The match, unique in the day.
        match_number: U64 => u64,
    }

    /// An order executed at another price than its own (section 1.4.2).
    b'C', 36 => OrderExecutedWithPrice {
        /// The order.
        reference: U64 => u64,
        /// Shares executed now.
        shares: U32 => u32,
        /// The match, unique in the day.
        match_number: U64 => u64,
        /// `Y` counts as a trade; `N` does not: a cross reports the volume.
        printable: u8 => u8,
        /// Price of the execution.
        price: U32 => u32,
    }

    /// Part of an order is cancelled (section 1.4.3).
    b'X', 23 => OrderCancel {
        /// The order.
        reference: U64 => u64,
        /// Shares taken away.
        shares: U32 => u32,
    }

    /// An order is gone (section 1.4.4).
    b'D', 19 => OrderDelete {
        /// The order.
        reference: U64 => u64,
    }

    /// An order gives way to a new one of the same side and stock (section 1.4.5).
    b'U', 35 => OrderReplace {
        /// The order that is gone.
        reference: U64 => u64,
        /// The order in its place.
        new_reference: U64 => u64,
        /// Displayed shares of the new order.
        shares: U32 => u32,
        /// Displayed price of the new order.
        price: U32 => u32,
    }

    /// A match against an order that was never displayed (section 1.5.1).
    b'P', 44 => Trade {
        /// The hidden order; 0 since 2010.
        reference: U64 => u64,
        /// Side of the hidden order; always buy since 2014.
        side: SideByte => Option<Side>,
        /// Shares matched.
        shares: U32 => u32,
        /// The symbol.
        stock: Stock => Stock,
        /// Price of the match.
        price: U32 => u32,
        /// The match, unique in the day.
        match_number: U64 => u64,
    }

    /// The bulk print of a cross (section 1.5.2).
    b'Q', 40 => CrossTrade {
        /// Shares matched in the cross.
        shares: U64 => u64,
        /// The symbol.
        stock: Stock => Stock,
        /// Price of the cross.
        price: U32 => u32,
        /// The match, unique in the day.
        match_number: U64 => u64,
        /// `O` opening, `C` closing, `H` after a halt or for an offering.
        cross_type: u8 => u8,
    }

    /// An execution was broken (section 1.5.3).
    b'B', 19 => BrokenTrade {
        /// The match that no longer stands.
        match_number: U64 => u64,
    }

    /// Net order imbalance before a cross (section 1.6).
    b'I', 50 => NetOrderImbalance {
        /// Shares that would match at the reference price.
        paired_shares: U64 => u64,
        /// Shares that would not.
        imbalance_shares: U64 => u64,
        /// `B` buy, `S` sell, `N` none, `O` too few orders, `P` paused.
        direction: u8 => u8,
        /// The symbol.
        stock: Stock => Stock,
        /// Clearing price with the cross's orders alone.
        far_price: U32 => u32,
        /// Clearing price with the book's orders too.
        near_price: U32 => u32,
        /// The reference price.
        reference_price: U32 => u32,
        /// `O` opening, `C` closing, `H` after a halt or for an offering, `A` extended.
        cross_type: u8 => u8,
        /// Distance from near price to the nearest inside quote, in classes (`L`, `1` to `9`, `A`, `B`, `C`, blank).
        price_variation: u8 => u8,
    }

    /// Retail interest in a stock (section 1.7).
    b'N', 20 => RetailInterest {
        /// The symbol.
        stock: Stock => Stock,
        /// `B` buy, `S` sell, `A` both, `N` none.
        interest: u8 => u8,
    }

    /// Price discovery of a direct listing with capital raise (section 1.8).
    b'O', 48 => DirectListing {
        /// The symbol.
        stock: Stock => Stock,
        /// `Y`: the stock may be released.
        open_eligibility: u8 => u8,
        /// Lowest allowed price, 20% below the registration's range.
        min_price: U32 => u32,
        /// Highest allowed price, 80% above the registration's range.
        max_price: U32 => u32,
        /// Near execution price, at the time it was taken.
        near_price: U32 => u32,
        /// When the near execution price was taken, in nanoseconds since midnight.
        near_time_ns: U64 => u64,
        /// Lower price range collar.
        lower_price: U32 => u32,
        /// Upper price range collar.
        upper_price: U32 => u32,
    }
}

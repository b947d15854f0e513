//! What streams there are, and their columns. `docs/FEEDS.md` shows the same, and a test compares them.

use tidewire_event::time::SECOND;
use tidewire_event::{DataType, Field};

/// What a capture is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Feed {
    Itch,
    Iex,
    Dbn,
    Candump,
    Binance,
}

/// One of the tables that a capture holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Trades,
    Orders,
    Bbo,
    Depth,
    Status,
    Imbalance,
    Ticker,
    Frames,
}

/// What a column holds, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Col {
    TsEvent,
    TsRecv,
    Symbol,
    Sequence,
    Price,
    Quantity,
    Side,
    Kind,
    TradeId,
    Action,
    OrderId,
    NewOrderId,
    BidPrice,
    BidQuantity,
    AskPrice,
    AskQuantity,
    Orders,
    Status,
    Code,
    Reason,
    PairedQuantity,
    ImbalanceQuantity,
    ReferencePrice,
    NearPrice,
    FarPrice,
    IsBuyerMaker,
    UpdateId,
    FirstUpdateId,
    PreviousUpdateId,
    IsSnapshot,
    Interface,
    CanId,
    IsExtended,
    IsError,
    IsRemote,
    Dlc,
    Data,
    IsReliable,
}

/// The type of a column, as far as it is the same for all feeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ty {
    Time,
    Text,
    BigInt,
    Int,
    Bool,
    Bytes,
    /// A decimal of the feed's digits.
    Price,
    /// A whole number, or a decimal where the feed trades fractions.
    Quantity,
}

/// A column.
#[derive(Debug)]
pub(super) struct ColumnSpec {
    pub(super) name: &'static str,
    pub(super) col: Col,
    ty: Ty,
    pub(super) nullable: bool,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the reader, and compared with docs/FEEDS.md")
    )]
    pub(super) unit: &'static str,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the reader, and compared with docs/FEEDS.md")
    )]
    pub(super) meaning: &'static str,
}

const fn null(
    name: &'static str,
    col: Col,
    ty: Ty,
    unit: &'static str,
    meaning: &'static str,
) -> ColumnSpec {
    ColumnSpec { name, col, ty, nullable: true, unit, meaning }
}

const fn some(
    name: &'static str,
    col: Col,
    ty: Ty,
    unit: &'static str,
    meaning: &'static str,
) -> ColumnSpec {
    ColumnSpec { nullable: false, ..null(name, col, ty, unit, meaning) }
}

const MARKET_TS_EVENT: ColumnSpec =
    some("ts_event", Col::TsEvent, Ty::Time, "ns", "When the venue made it.");
const MARKET_TS_RECV: ColumnSpec = null(
    "ts_recv",
    Col::TsRecv,
    Ty::Time,
    "ns",
    "When it was captured. NULL: the file does not say.",
);
const SYMBOL: ColumnSpec = some(
    "symbol",
    Col::Symbol,
    Ty::Text,
    "",
    "The instrument; `#` and its number while nothing has told its name.",
);
const SEQUENCE: ColumnSpec = null(
    "sequence",
    Col::Sequence,
    Ty::BigInt,
    "",
    "The message's number: the transport's, or in `dbn` the venue's. NULL in a file of bare ITCH messages.",
);
const BID_PRICE: ColumnSpec =
    null("bid_price", Col::BidPrice, Ty::Price, "currency", "The best bid. NULL: there is none.");
const BID_QUANTITY: ColumnSpec =
    null("bid_quantity", Col::BidQuantity, Ty::Quantity, "units", "What rests there.");
const ASK_PRICE: ColumnSpec =
    null("ask_price", Col::AskPrice, Ty::Price, "currency", "The best ask. NULL: there is none.");
const ASK_QUANTITY: ColumnSpec =
    null("ask_quantity", Col::AskQuantity, Ty::Quantity, "units", "What rests there.");
const LEVEL_SIDE: ColumnSpec =
    some("side", Col::Side, Ty::Text, "", "`BUY`: a bid. `SELL`: an ask.");
const LEVEL_PRICE: ColumnSpec = some("price", Col::Price, Ty::Price, "currency", "Of the level.");
const LEVEL_QUANTITY: ColumnSpec = some(
    "quantity",
    Col::Quantity,
    Ty::Quantity,
    "units",
    "What rests there now. 0: the level is gone.",
);

const IS_RELIABLE: ColumnSpec = some(
    "is_reliable",
    Col::IsReliable,
    Ty::Bool,
    "",
    "FALSE: messages are missing since the session began, and the book may be wrong. TRUE in `dbn`, which has no numbers.",
);

const MARKET_TRADES: &[ColumnSpec] = &[
    MARKET_TS_EVENT,
    MARKET_TS_RECV,
    SYMBOL,
    null(
        "price",
        Col::Price,
        Ty::Price,
        "currency",
        "Of the trade. NULL: ITCH names an order that the capture has not shown.",
    ),
    some("quantity", Col::Quantity, Ty::Quantity, "units", "How much was traded."),
    null(
        "side",
        Col::Side,
        Ty::Text,
        "",
        "Of the aggressor: `BUY` or `SELL`. NULL: the feed does not say it, as `iex`.",
    ),
    some(
        "kind",
        Col::Kind,
        Ty::Text,
        "",
        "`EXECUTION` of a displayed order, `HIDDEN` of one that was not, `CROSS` of an auction, `TRADE` where the feed does not say.",
    ),
    null(
        "trade_id",
        Col::TradeId,
        Ty::BigInt,
        "",
        "The venue's number of the trade: ITCH's match number, IEX's trade id. NULL in `dbn`.",
    ),
    SEQUENCE,
];

const MARKET_ORDERS: &[ColumnSpec] = &[
    MARKET_TS_EVENT,
    MARKET_TS_RECV,
    SYMBOL,
    some(
        "action",
        Col::Action,
        Ty::Text,
        "",
        "`ADD`, `EXECUTE`, `CANCEL` (a part, or in `dbn` all), `DELETE`, `REPLACE`, `MODIFY`, or `CLEAR`: all orders of the symbol are gone.",
    ),
    null(
        "order_id",
        Col::OrderId,
        Ty::BigInt,
        "",
        "The order, its 64 bits as a signed number. NULL of `CLEAR`.",
    ),
    null("new_order_id", Col::NewOrderId, Ty::BigInt, "", "Of `REPLACE`: the order in its place."),
    null(
        "side",
        Col::Side,
        Ty::Text,
        "",
        "`BUY` or `SELL`. NULL: the order is unknown, or there is none.",
    ),
    null(
        "price",
        Col::Price,
        Ty::Price,
        "currency",
        "Of the order from now on; of `EXECUTE`, of the trade. NULL: the order is unknown, or there is none.",
    ),
    null(
        "quantity",
        Col::Quantity,
        Ty::Quantity,
        "units",
        "Of `ADD`, `REPLACE` and `MODIFY`: what rests now. Of the others: what went. NULL: the order is unknown, or there is none.",
    ),
    null("trade_id", Col::TradeId, Ty::BigInt, "", "Of `EXECUTE` in `itch`: the match number."),
    SEQUENCE,
];

const MARKET_BBO: &[ColumnSpec] = &[
    MARKET_TS_EVENT,
    MARKET_TS_RECV,
    SYMBOL,
    BID_PRICE,
    BID_QUANTITY,
    ASK_PRICE,
    ASK_QUANTITY,
    SEQUENCE,
    IS_RELIABLE,
];

const MARKET_DEPTH: &[ColumnSpec] = &[
    MARKET_TS_EVENT,
    MARKET_TS_RECV,
    SYMBOL,
    LEVEL_SIDE,
    LEVEL_PRICE,
    LEVEL_QUANTITY,
    null("orders", Col::Orders, Ty::BigInt, "", "How many orders make it up. NULL in `iex`."),
    SEQUENCE,
    IS_RELIABLE,
];

const MARKET_STATUS: &[ColumnSpec] = &[
    MARKET_TS_EVENT,
    MARKET_TS_RECV,
    null("symbol", Col::Symbol, Ty::Text, "", "The instrument. NULL: the whole market."),
    some(
        "kind",
        Col::Kind,
        Ty::Text,
        "",
        "`SYSTEM`, `TRADING`, `OPERATIONAL_HALT`, `SHORT_SALE`, `CIRCUIT_BREAKER` (`itch`) or `SECURITY` (`iex`).",
    ),
    some(
        "status",
        Col::Status,
        Ty::Text,
        "",
        "What holds from now on, in words: see below. `UNKNOWN` of a code that the specification does not have.",
    ),
    some("code", Col::Code, Ty::Text, "", "The same, as the feed has it."),
    null("reason", Col::Reason, Ty::Text, "", "The feed's code for why, where it has one."),
    SEQUENCE,
];

const MARKET_IMBALANCE: &[ColumnSpec] = &[
    MARKET_TS_EVENT,
    MARKET_TS_RECV,
    SYMBOL,
    some(
        "kind",
        Col::Kind,
        Ty::Text,
        "",
        "The auction: `OPENING`, `CLOSING`, `HALT`, `IPO`, `VOLATILITY`, `EXTENDED` or `UNKNOWN`.",
    ),
    some(
        "paired_quantity",
        Col::PairedQuantity,
        Ty::Quantity,
        "units",
        "What would match at the reference price.",
    ),
    some("imbalance_quantity", Col::ImbalanceQuantity, Ty::Quantity, "units", "What would not."),
    null("side", Col::Side, Ty::Text, "", "Of the imbalance: `BUY` or `SELL`. NULL: none."),
    null(
        "reference_price",
        Col::ReferencePrice,
        Ty::Price,
        "currency",
        "The reference price. NULL: none.",
    ),
    null(
        "near_price",
        Col::NearPrice,
        Ty::Price,
        "currency",
        "Where the auction would clear with the book's orders too. NULL: nowhere.",
    ),
    null(
        "far_price",
        Col::FarPrice,
        Ty::Price,
        "currency",
        "Where it would clear with the auction's orders alone. NULL: nowhere.",
    ),
    SEQUENCE,
];

const BINANCE_TS_EVENT: ColumnSpec = some(
    "ts_event",
    Col::TsEvent,
    Ty::Time,
    "ns",
    "When it happened in the matching engine (`T`, whole ms); `E` where a stream has no `T`.",
);
const RECEIVED: ColumnSpec =
    some("ts_recv", Col::TsRecv, Ty::Time, "ns", "When the line was received, by the local clock.");
const BINANCE_SYMBOL: ColumnSpec = some("symbol", Col::Symbol, Ty::Text, "", "The symbol.");
const UPDATE_ID: ColumnSpec = some(
    "update_id",
    Col::UpdateId,
    Ty::BigInt,
    "",
    "The number of the last change in it: `u`, or a snapshot's `lastUpdateId`.",
);

const BINANCE_TRADES: &[ColumnSpec] = &[
    BINANCE_TS_EVENT,
    RECEIVED,
    BINANCE_SYMBOL,
    some("price", Col::Price, Ty::Price, "currency", "Of the trade."),
    some("quantity", Col::Quantity, Ty::Quantity, "units", "How much was traded."),
    some("side", Col::Side, Ty::Text, "", "Of the aggressor: `BUY` or `SELL`."),
    null("kind", Col::Kind, Ty::Text, "", "`X`: `MARKET`, `INSURANCE_FUND`, `ADL`. NULL on spot."),
    some("trade_id", Col::TradeId, Ty::BigInt, "", "The number of the trade."),
    some(
        "is_buyer_maker",
        Col::IsBuyerMaker,
        Ty::Bool,
        "",
        "The buyer's order rested in the book.",
    ),
];

const BINANCE_BEST: &[ColumnSpec] = &[
    BINANCE_TS_EVENT,
    RECEIVED,
    BINANCE_SYMBOL,
    BID_PRICE,
    BID_QUANTITY,
    ASK_PRICE,
    ASK_QUANTITY,
    UPDATE_ID,
];

const BINANCE_DEPTH: &[ColumnSpec] = &[
    BINANCE_TS_EVENT,
    RECEIVED,
    BINANCE_SYMBOL,
    LEVEL_SIDE,
    LEVEL_PRICE,
    LEVEL_QUANTITY,
    null(
        "first_update_id",
        Col::FirstUpdateId,
        Ty::BigInt,
        "",
        "The number of the message's first change. NULL of a snapshot.",
    ),
    UPDATE_ID,
    null(
        "previous_update_id",
        Col::PreviousUpdateId,
        Ty::BigInt,
        "",
        "The `update_id` of the message before (`pu`). NULL of a snapshot, and on spot.",
    ),
    some(
        "is_snapshot",
        Col::IsSnapshot,
        Ty::Bool,
        "",
        "It is part of a snapshot: the book starts afresh with its first level.",
    ),
];

const CAN_FRAMES: &[ColumnSpec] = &[
    some(
        "ts_event",
        Col::TsEvent,
        Ty::Time,
        "ns",
        "When the host received it, as the log says; a frame has no time of its own.",
    ),
    some("ts_recv", Col::TsRecv, Ty::Time, "ns", "The same."),
    null(
        "interface",
        Col::Interface,
        Ty::Text,
        "",
        "On which interface. NULL in a capture, which does not say it.",
    ),
    some(
        "can_id",
        Col::CanId,
        Ty::BigInt,
        "",
        "The identifier; of an error frame, the classes of the error.",
    ),
    some("is_extended", Col::IsExtended, Ty::Bool, "", "The identifier has 29 bits, and not 11."),
    some(
        "is_error",
        Col::IsError,
        Ty::Bool,
        "",
        "The controller speaks of an error; it was no frame on the bus.",
    ),
    some("is_remote", Col::IsRemote, Ty::Bool, "", "It asks for data, and has none."),
    some(
        "dlc",
        Col::Dlc,
        Ty::Int,
        "bytes",
        "How much data it has; of a remote frame, how much it asks for.",
    ),
    some("data", Col::Data, Ty::Bytes, "", "The data, 0 to 64 bytes."),
];

impl Feed {
    pub(super) const ALL: [Self; 5] =
        [Self::Itch, Self::Iex, Self::Dbn, Self::Candump, Self::Binance];

    /// The connector.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Itch => "itch",
            Self::Iex => "iex",
            Self::Dbn => "dbn",
            Self::Candump => "candump",
            Self::Binance => "binance",
        }
    }

    /// The streams that it has.
    pub(super) const fn streams(self) -> &'static [Stream] {
        use Stream as S;
        match self {
            Self::Itch => &[S::Trades, S::Orders, S::Bbo, S::Depth, S::Status, S::Imbalance],
            Self::Iex => &[S::Trades, S::Bbo, S::Depth, S::Status, S::Imbalance],
            Self::Dbn => &[S::Trades, S::Orders, S::Bbo, S::Depth],
            Self::Candump => &[S::Frames],
            Self::Binance => &[S::Trades, S::Ticker, S::Bbo, S::Depth],
        }
    }

    /// What the option `stream` is for.
    pub(super) const fn stream_option(self) -> &'static str {
        match self {
            Self::Itch => "one of trades, orders, bbo, depth, status, imbalance",
            Self::Iex => "one of trades, bbo, depth, status, imbalance",
            Self::Dbn => "one of trades, orders, bbo, depth",
            Self::Candump => "frames",
            Self::Binance => "one of trades, ticker, bbo, depth",
        }
    }

    /// Their names.
    pub(super) fn stream_names(self) -> String {
        let names: Vec<_> = self.streams().iter().map(|stream| stream.name()).collect();
        names.join(", ")
    }

    /// The columns of a stream that it has.
    pub(super) const fn columns(self, stream: Stream) -> &'static [ColumnSpec] {
        match (self, stream) {
            (Self::Binance, Stream::Trades) => BINANCE_TRADES,
            (Self::Binance, Stream::Depth) => BINANCE_DEPTH,
            (Self::Binance, _) | (_, Stream::Ticker) => BINANCE_BEST,
            (_, Stream::Trades) => MARKET_TRADES,
            (_, Stream::Orders) => MARKET_ORDERS,
            (_, Stream::Bbo) => MARKET_BBO,
            (_, Stream::Depth) => MARKET_DEPTH,
            (_, Stream::Status) => MARKET_STATUS,
            (_, Stream::Imbalance) => MARKET_IMBALANCE,
            (_, Stream::Frames) => CAN_FRAMES,
        }
    }

    /// Digits behind the point of a price.
    const fn price_digits(self) -> u8 {
        match self {
            Self::Dbn => 9,
            Self::Binance => tidewire_feeds::binance::DIGITS,
            _ => 4,
        }
    }

    /// How far its rows are out of order, at most, ns.
    pub(super) const fn disorder(self) -> i64 {
        match self {
            // Times never go back in a file of messages.
            Self::Itch => 0,
            // Trades come up to 11.5 s late.
            Self::Iex | Self::Dbn => PACKETS_DISORDER,
            Self::Candump | Self::Binance => SECOND,
        }
    }
}

/// How far what comes in packets may be out of order.
pub(super) const PACKETS_DISORDER: i64 = 30 * SECOND;

impl Stream {
    /// Its name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Trades => "trades",
            Self::Orders => "orders",
            Self::Bbo => "bbo",
            Self::Depth => "depth",
            Self::Status => "status",
            Self::Imbalance => "imbalance",
            Self::Ticker => "ticker",
            Self::Frames => "frames",
        }
    }
}

impl ColumnSpec {
    /// The column of a feed.
    pub(super) fn field(&self, feed: Feed) -> Field {
        let decimal = DataType::Decimal { precision: 18, scale: feed.price_digits() };
        let ty = match self.ty {
            Ty::Time => DataType::TimestampLtz(9),
            Ty::Text => DataType::String,
            Ty::BigInt => DataType::BigInt,
            Ty::Int => DataType::Int,
            Ty::Bool => DataType::Boolean,
            Ty::Bytes => DataType::Bytes,
            Ty::Price => decimal,
            Ty::Quantity if feed == Feed::Binance => decimal,
            Ty::Quantity => DataType::BigInt,
        };
        Field { name: self.name.to_owned(), ty, nullable: self.nullable }
    }
}

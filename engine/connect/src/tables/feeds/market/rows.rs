//! Rows on their way out.

use std::collections::VecDeque;

use tidewire_event::row::NoRoom;
use tidewire_feeds::Side;
use tidewire_feeds::book::{Bbo, Level};

use super::super::cells::{Cell, Used};
use super::super::names::Names;
use super::super::streams::Col;
use crate::tables::Read;

/// What a capture knows of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) offset: u64,
    pub(super) ts_recv: Option<i64>,
    pub(super) sequence: Option<u64>,
}

/// A row.
#[derive(Debug, Clone, Copy)]
pub(super) struct MarketRow {
    pub(super) ts_event: i64,
    pub(super) ts_recv: Option<i64>,
    pub(super) sequence: Option<u64>,
    /// The number of its symbol's name.
    pub(super) symbol: Option<u32>,
    pub(super) body: Body,
}

/// What a row says, by its stream. Quantities are not negative, and prices have at most 18 digits.
#[derive(Debug, Clone, Copy)]
pub(super) enum Body {
    Trade {
        price: Option<i64>,
        quantity: i64,
        side: Option<Side>,
        kind: &'static str,
        trade_id: Option<u64>,
    },
    Order(OrderRow),
    Bbo {
        bid: Option<(i64, u64)>,
        ask: Option<(i64, u64)>,
    },
    Level {
        side: Side,
        price: i64,
        quantity: u64,
        orders: Option<u32>,
    },
    Status {
        kind: &'static str,
        status: &'static str,
        /// ASCII, as is the reason.
        code: u8,
        reason: [u8; 4],
    },
    Imbalance {
        kind: &'static str,
        paired: i64,
        imbalance: i64,
        side: Option<Side>,
        reference: Option<i64>,
        near: Option<i64>,
        far: Option<i64>,
    },
}

/// What happened to an order.
#[derive(Debug, Clone, Copy)]
pub(super) struct OrderRow {
    pub(super) action: &'static str,
    pub(super) order_id: Option<u64>,
    pub(super) new_order_id: Option<u64>,
    pub(super) side: Option<Side>,
    pub(super) price: Option<i64>,
    pub(super) quantity: Option<u32>,
    pub(super) trade_id: Option<u64>,
}

impl OrderRow {
    /// An action of which nothing more is known.
    pub(super) const fn new(action: &'static str, order_id: Option<u64>) -> Self {
        let (new_order_id, trade_id) = (None, None);
        Self { action, order_id, new_order_id, side: None, price: None, quantity: None, trade_id }
    }
}

/// Rows that wait, and the names of their symbols.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Each with whether messages were missing before it.
    waiting: VecDeque<(MarketRow, bool)>,
    pub(super) names: Names,
    /// Whether messages are missing since the session began.
    pub(super) has_gap: bool,
}

impl Rows {
    #[inline]
    pub(super) fn push(&mut self, row: MarketRow) {
        self.waiting.push_back((row, self.has_gap));
    }

    /// Writes the next row that waits, if there is one, and says when it was received.
    #[inline]
    pub(super) fn write_next(
        &mut self,
        row: &mut [u8],
        used: &Used,
    ) -> Result<Option<Read>, NoRoom> {
        let Some((next, has_gap)) = self.waiting.pop_front() else { return Ok(None) };
        used.write(row, |col| match col {
            Col::IsReliable => Cell::Bool(!has_gap),
            col => next.cell(col, &self.names),
        })?;
        Ok(Some(Read::Row { received: next.ts_recv, partition: 0 }))
    }
}

/// The word of a side.
pub(in super::super) fn side_word(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

/// The other side.
pub(super) fn opposite(side: Side) -> Side {
    match side {
        Side::Buy => Side::Sell,
        Side::Sell => Side::Buy,
    }
}

/// The best prices with what rests there: how many orders that is, is not looked at.
pub(in super::super) fn prices(best: Bbo) -> [Option<(i64, u64)>; 2] {
    [best.bid, best.ask].map(|level| level.map(|Level { price, size, .. }| (price, size)))
}

/// Whether a number fits a DECIMAL of 18 digits.
pub(in super::super) fn fits(value: i64) -> bool {
    value.unsigned_abs() < 1_000_000_000_000_000_000
}

/// A status. What of its codes is no ASCII is shown as `?`.
pub(super) fn status_body(
    kind: &'static str,
    status: &'static str,
    code: u8,
    reason: [u8; 4],
) -> Body {
    let ascii = |byte: u8| if byte.is_ascii() { byte } else { b'?' };
    Body::Status { kind, status, code: ascii(code), reason: reason.map(ascii) }
}

fn side_cell(side: Option<Side>) -> Cell<'static> {
    side.map_or(Cell::Null, |side| Cell::word(side_word(side)))
}

/// What rests at a level: the bounds of the books keep it below 2^63.
fn resting(level: Option<(i64, u64)>) -> Cell<'static> {
    Cell::bits(level.map(|(_, quantity)| quantity))
}

impl MarketRow {
    /// The value of a column.
    #[inline]
    pub(super) fn cell<'a>(&'a self, col: Col, names: &'a Names) -> Cell<'a> {
        match col {
            Col::TsEvent => Cell::Int(self.ts_event),
            Col::TsRecv => Cell::int(self.ts_recv),
            Col::Sequence => Cell::bits(self.sequence),
            Col::Symbol => match self.symbol {
                Some(symbol) => Cell::Text(names.name(symbol).as_bytes()),
                None => Cell::Null,
            },
            _ => self.body.cell(col),
        }
    }
}

impl Body {
    #[inline]
    fn cell(&self, col: Col) -> Cell<'_> {
        match self {
            Self::Trade { price, quantity, side, kind, trade_id } => match col {
                Col::Price => Cell::int(*price),
                Col::Quantity => Cell::Int(*quantity),
                Col::Side => side_cell(*side),
                Col::Kind => Cell::word(kind),
                Col::TradeId => Cell::bits(*trade_id),
                _ => Cell::Null,
            },
            Self::Order(order) => match col {
                Col::Action => Cell::word(order.action),
                Col::OrderId => Cell::bits(order.order_id),
                Col::NewOrderId => Cell::bits(order.new_order_id),
                Col::Side => side_cell(order.side),
                Col::Price => Cell::int(order.price),
                Col::Quantity => Cell::int(order.quantity.map(i64::from)),
                Col::TradeId => Cell::bits(order.trade_id),
                _ => Cell::Null,
            },
            Self::Bbo { bid, ask } => match col {
                Col::BidPrice => Cell::int(bid.map(|(price, _)| price)),
                Col::BidQuantity => resting(*bid),
                Col::AskPrice => Cell::int(ask.map(|(price, _)| price)),
                Col::AskQuantity => resting(*ask),
                _ => Cell::Null,
            },
            Self::Level { side, price, quantity, orders } => match col {
                Col::Side => side_cell(Some(*side)),
                Col::Price => Cell::Int(*price),
                Col::Quantity => Cell::bits(Some(*quantity)),
                Col::Orders => Cell::int(orders.map(i64::from)),
                _ => Cell::Null,
            },
            Self::Status { kind, status, code, reason } => match col {
                Col::Kind => Cell::word(kind),
                Col::Status => Cell::word(status),
                Col::Code => Cell::Text(std::slice::from_ref(code)),
                Col::Reason => match reason.trim_ascii_end() {
                    [] => Cell::Null,
                    reason => Cell::Text(reason),
                },
                _ => Cell::Null,
            },
            Self::Imbalance { kind, paired, imbalance, side, reference, near, far } => match col {
                Col::Kind => Cell::word(kind),
                Col::PairedQuantity => Cell::Int(*paired),
                Col::ImbalanceQuantity => Cell::Int(*imbalance),
                Col::Side => side_cell(*side),
                Col::ReferencePrice => Cell::int(*reference),
                Col::NearPrice => Cell::int(*near),
                Col::FarPrice => Cell::int(*far),
                _ => Cell::Null,
            },
        }
    }
}

//! Rows of ITCH 5.0.
//!
//! 1. An execution names an order, and its price and side are the order's: orders are kept where these are used.
//! 2. A trade that is not printable is none: its cross reports the volume.

use tidewire_feeds::Side;
use tidewire_feeds::book::{Books, Counters, Touched};
use tidewire_feeds::itch::{Message, Stock};

use super::super::cells::Used;
use super::super::input::Input;
use super::super::streams::{Col, Stream};
use super::rows::{Body, Head, MarketRow, OrderRow, Rows, opposite, prices, status_body};
use crate::market::SessionDate;
use crate::tables::TableError;

/// Best prices with quantities, as they were told.
type Told = [Option<(i64, u64)>; 2];

/// Turns messages into rows of a stream.
pub(super) struct ItchRows {
    stream: Stream,
    /// Midnight of the session, ns since the epoch, once it is known.
    midnight: Option<i64>,
    /// Of each locate code: the number of its name, and whether that is its symbol.
    locates: Vec<Option<(u32, bool)>>,
    /// Orders, where they are needed.
    books: Option<Books>,
    /// Of each locate code: the best prices that were told.
    told: Vec<Told>,
    /// Times of the message before.
    last: (i64, Option<i64>),
    /// Of books that are gone.
    counters: Counters,
}

impl ItchRows {
    pub(super) fn new(stream: Stream, date: Option<SessionDate>, used: &Used) -> Self {
        let needs_orders = match stream {
            Stream::Trades => used.any(&[Col::Price, Col::Side]),
            Stream::Orders => used.any(&[Col::Price, Col::Side, Col::Quantity]),
            Stream::Bbo | Stream::Depth => true,
            _ => false,
        };
        let told = if stream == Stream::Bbo { vec![Told::default(); 1 << 16] } else { Vec::new() };
        Self {
            stream,
            midnight: date.and_then(SessionDate::midnight),
            locates: vec![None; 1 << 16],
            books: needs_orders.then(Books::default),
            told,
            last: (0, None),
            counters: Counters::default(),
        }
    }

    pub(super) fn counters(&self) -> Counters {
        let mut counters = self.counters;
        if let Some(books) = &self.books {
            counters += books.counters();
        }
        counters
    }

    /// The rows of a message.
    #[inline]
    pub(super) fn message(
        &mut self,
        message: &Message<'_>,
        head: Head,
        rows: &mut Rows,
        input: &mut Input,
    ) -> Result<(), TableError> {
        let ts_event = self.midnight(head.ts_recv) + message.timestamp_ns() as i64;
        self.last = (ts_event, head.ts_recv);
        let stock = message.stock();
        let is_of_market =
            self.stream == Stream::Status && message.locate() == 0 && stock.is_none();
        let symbol = (!is_of_market).then(|| self.name(message.locate(), stock, rows));
        let Head { ts_recv, sequence, .. } = head;
        let row = |body| MarketRow { ts_event, ts_recv, sequence, symbol, body };
        match self.stream {
            Stream::Status => {
                if let Some(body) = status(message) {
                    rows.push(row(body));
                }
            }
            Stream::Imbalance => match imbalance(message) {
                Some(Ok(body)) => rows.push(row(body)),
                Some(Err(why)) => input.leave_out(why, 1),
                None => {}
            },
            Stream::Trades => {
                let touched = self.apply(message);
                match trade(message, touched[0]) {
                    Some(Ok(body)) => {
                        if self.books.is_some() && matches!(body, Body::Trade { price: None, .. }) {
                            input.leave_out(
                                "prices of trades with an order that the capture has not shown",
                                1,
                            );
                        }
                        rows.push(row(body));
                    }
                    Some(Err(why)) => input.leave_out(why, 1),
                    None => {}
                }
            }
            Stream::Orders => {
                let touched = self.apply(message);
                if let Some(order) = order(message, touched[0]) {
                    rows.push(row(Body::Order(order)));
                }
            }
            Stream::Depth => {
                let [first, second] = self.apply(message);
                // A replaced order may come back to the level that it has left.
                let first =
                    first.filter(|first| second.is_none_or(|second| second.price != first.price));
                for touched in [first, second].into_iter().flatten() {
                    rows.push(row(self.level(touched)));
                }
            }
            _ => {
                if let Some(touched) = self.apply(message).into_iter().flatten().last() {
                    self.tell_best(touched.instrument, rows, row);
                }
            }
        }
        Ok(())
    }

    /// Another session: all orders are gone.
    #[cold]
    pub(super) fn restart(&mut self, rows: &mut Rows) {
        let (ts_event, ts_recv) = self.last;
        let row = |symbol, body| MarketRow { ts_event, ts_recv, sequence: None, symbol, body };
        for locate in 0..self.locates.len() {
            let Some((symbol, _)) = self.locates[locate] else { continue };
            let symbol = Some(symbol);
            match (self.stream, &self.books) {
                (Stream::Orders, _) => {
                    rows.push(row(symbol, Body::Order(OrderRow::new("CLEAR", None))));
                }
                (Stream::Depth, Some(books)) => {
                    for side in [Side::Buy, Side::Sell] {
                        for level in books.levels(locate as u32, side) {
                            let (price, orders) = (level.price, Some(0));
                            rows.push(row(
                                symbol,
                                Body::Level { side, price, quantity: 0, orders },
                            ));
                        }
                    }
                }
                (Stream::Bbo, _) if self.told[locate] != Told::default() => {
                    self.told[locate] = Told::default();
                    rows.push(row(symbol, Body::Bbo { bid: None, ask: None }));
                }
                _ => {}
            }
        }
        self.counters = self.counters();
        self.books = self.books.is_some().then(Books::default);
    }

    #[inline]
    fn midnight(&mut self, received: Option<i64>) -> i64 {
        match self.midnight {
            Some(midnight) => midnight,
            None => {
                let of_packet = received.and_then(SessionDate::of).and_then(SessionDate::midnight);
                *self.midnight.insert(of_packet.unwrap_or(0))
            }
        }
    }

    /// The name of a locate code: its number, until a message has told its symbol.
    #[inline]
    fn name(&mut self, locate: u16, stock: Option<Stock>, rows: &mut Rows) -> u32 {
        let known = &mut self.locates[usize::from(locate)];
        match (*known, stock) {
            (Some((name, true)), _) | (Some((name, false)), None) => name,
            (_, stock) => {
                let name = match stock {
                    Some(stock) => rows.names.number(&stock.to_string()),
                    None => rows.names.number(&format!("#{locate}")),
                };
                *known = Some((name, stock.is_some()));
                name
            }
        }
    }

    /// Keeps the orders: the one that was touched, or the one that was replaced and the one in its place. What does not
    /// fit is counted by the books.
    #[inline]
    fn apply(&mut self, message: &Message<'_>) -> [Option<Touched>; 2] {
        use Message as M;
        let Some(books) = &mut self.books else { return [None; 2] };
        let locate = u32::from(message.locate());
        let mut add = |reference, side: Option<Side>, price: u32, shares| {
            books.add(locate, reference, side?, price.into(), shares).ok()
        };
        let touched = match message {
            M::AddOrder(m) => add(m.reference(), m.side(), m.price(), m.shares()),
            M::AddOrderAttributed(m) => add(m.reference(), m.side(), m.price(), m.shares()),
            M::OrderExecuted(m) => books.execute(m.reference(), m.shares()).ok(),
            M::OrderExecutedWithPrice(m) => books.execute(m.reference(), m.shares()).ok(),
            M::OrderCancel(m) => books.cancel(m.reference(), m.shares()).ok(),
            M::OrderDelete(m) => books.delete(m.reference()).ok(),
            M::OrderReplace(m) => {
                let Ok(old) = books.delete(m.reference()) else { return [None; 2] };
                let price = m.price().into();
                let new = books.add(old.instrument, m.new_reference(), old.side, price, m.shares());
                return [Some(old), new.ok()];
            }
            _ => None,
        };
        [touched, None]
    }

    fn level(&self, touched: Touched) -> Body {
        let Touched { instrument, side, price, .. } = touched;
        let level = self.books.as_ref().and_then(|books| books.level(instrument, side, price));
        let (quantity, orders) = level.map_or((0, 0), |level| (level.size, level.orders));
        Body::Level { side, price, quantity, orders: Some(orders) }
    }

    #[inline]
    fn tell_best(&mut self, locate: u32, rows: &mut Rows, row: impl FnOnce(Body) -> MarketRow) {
        let Some(books) = &self.books else { return };
        let best = prices(books.best(locate));
        if let Some(told) = self.told.get_mut(locate as usize).filter(|told| **told != best) {
            *told = best;
            let [bid, ask] = best;
            rows.push(row(Body::Bbo { bid, ask }));
        }
    }
}

/// What is left out of a stream of which the feed says too large numbers.
const TOO_LARGE: &str = "messages with a quantity of more than 63 bits";

fn trade(message: &Message<'_>, touched: Option<Touched>) -> Option<Result<Body, &'static str>> {
    use Message as M;
    let side = touched.map(|touched| opposite(touched.side));
    let trade = |price, quantity, side, kind, trade_id| {
        let trade_id = Some(trade_id);
        Some(Ok(Body::Trade { price, quantity, side, kind, trade_id }))
    };
    match message {
        M::OrderExecuted(m) => {
            let price = touched.map(|touched| touched.price);
            trade(price, m.shares().into(), side, "EXECUTION", m.match_number())
        }
        M::OrderExecutedWithPrice(m) if m.printable() == b'Y' => {
            let price = Some(m.price().into());
            trade(price, m.shares().into(), side, "EXECUTION", m.match_number())
        }
        M::Trade(m) => {
            let price = Some(m.price().into());
            trade(price, m.shares().into(), None, "HIDDEN", m.match_number())
        }
        M::CrossTrade(m) => match i64::try_from(m.shares()) {
            Ok(0) => Some(Err("crosses without a trade")),
            Ok(shares) => trade(Some(m.price().into()), shares, None, "CROSS", m.match_number()),
            Err(_) => Some(Err(TOO_LARGE)),
        },
        M::BrokenTrade(_) => Some(Err("breaks of trades, which stay in the stream")),
        _ => None,
    }
}

/// `touched` is the order before, as far as it is known.
fn order(message: &Message<'_>, touched: Option<Touched>) -> Option<OrderRow> {
    use Message as M;
    let side = touched.map(|touched| touched.side);
    let price = touched.map(|touched| touched.price);
    let row =
        |action, reference| OrderRow { side, price, ..OrderRow::new(action, Some(reference)) };
    let add = |reference, side, price: u32, shares| OrderRow {
        side,
        price: Some(price.into()),
        quantity: Some(shares),
        ..OrderRow::new("ADD", Some(reference))
    };
    Some(match message {
        M::AddOrder(m) => add(m.reference(), m.side(), m.price(), m.shares()),
        M::AddOrderAttributed(m) => add(m.reference(), m.side(), m.price(), m.shares()),
        M::OrderExecuted(m) => OrderRow {
            quantity: Some(m.shares()),
            trade_id: Some(m.match_number()),
            ..row("EXECUTE", m.reference())
        },
        M::OrderExecutedWithPrice(m) => OrderRow {
            price: Some(m.price().into()),
            quantity: Some(m.shares()),
            trade_id: Some(m.match_number()),
            ..row("EXECUTE", m.reference())
        },
        M::OrderCancel(m) => {
            OrderRow { quantity: Some(m.shares()), ..row("CANCEL", m.reference()) }
        }
        M::OrderDelete(m) => OrderRow {
            quantity: touched.map(|touched| touched.size),
            ..row("DELETE", m.reference())
        },
        M::OrderReplace(m) => OrderRow {
            new_order_id: Some(m.new_reference()),
            price: Some(m.price().into()),
            quantity: Some(m.shares()),
            ..row("REPLACE", m.reference())
        },
        _ => return None,
    })
}

fn status(message: &Message<'_>) -> Option<Body> {
    use Message as M;
    let none = *b"    ";
    let (kind, status, code, reason) = match message {
        M::SystemEvent(m) => {
            let status = match m.event() {
                b'O' => "START_OF_MESSAGES",
                b'S' => "START_OF_SYSTEM_HOURS",
                b'Q' => "START_OF_MARKET_HOURS",
                b'M' => "END_OF_MARKET_HOURS",
                b'E' => "END_OF_SYSTEM_HOURS",
                b'C' => "END_OF_MESSAGES",
                _ => "UNKNOWN",
            };
            ("SYSTEM", status, m.event(), none)
        }
        M::StockTradingAction(m) => {
            let status = match m.trading_state() {
                b'H' => "HALTED",
                b'P' => "PAUSED",
                b'Q' => "QUOTATION",
                b'T' => "TRADING",
                _ => "UNKNOWN",
            };
            ("TRADING", status, m.trading_state(), m.reason())
        }
        M::OperationalHalt(m) => {
            let status = match m.action() {
                b'H' => "HALTED",
                b'T' => "TRADING",
                _ => "UNKNOWN",
            };
            ("OPERATIONAL_HALT", status, m.action(), [m.market(), b' ', b' ', b' '])
        }
        M::RegShoRestriction(m) => {
            let status = match m.action() {
                b'0' => "NOT_RESTRICTED",
                b'1' | b'2' => "RESTRICTED",
                _ => "UNKNOWN",
            };
            ("SHORT_SALE", status, m.action(), none)
        }
        M::MwcbStatus(m) => {
            let status = match m.breached_level() {
                b'1' => "LEVEL_1",
                b'2' => "LEVEL_2",
                b'3' => "LEVEL_3",
                _ => "UNKNOWN",
            };
            ("CIRCUIT_BREAKER", status, m.breached_level(), none)
        }
        _ => return None,
    };
    Some(status_body(kind, status, code, reason))
}

fn imbalance(message: &Message<'_>) -> Option<Result<Body, &'static str>> {
    let Message::NetOrderImbalance(m) = message else { return None };
    let quantities = i64::try_from(m.paired_shares())
        .and_then(|paired| Ok((paired, i64::try_from(m.imbalance_shares())?)));
    let Ok((paired, imbalance)) = quantities else { return Some(Err(TOO_LARGE)) };
    let price = |price: u32| (price > 0).then(|| price.into());
    let kind = match m.cross_type() {
        b'O' => "OPENING",
        b'C' => "CLOSING",
        b'H' => "HALT",
        b'A' => "EXTENDED",
        _ => "UNKNOWN",
    };
    let side = match m.direction() {
        b'B' => Some(Side::Buy),
        b'S' => Some(Side::Sell),
        _ => None,
    };
    let (reference, near, far) =
        (price(m.reference_price()), price(m.near_price()), price(m.far_price()));
    Some(Ok(Body::Imbalance { kind, paired, imbalance, side, reference, near, far }))
}

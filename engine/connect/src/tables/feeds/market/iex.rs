//! Rows of IEX DEEP and TOPS.
//!
//! 1. DEEP tells levels, TOPS the best ones: what the capture does not have for a stream is an error.
//! 2. Between the updates of one event a book of DEEP may be crossed: the best levels are told behind the last of them.

use std::collections::HashMap;

use tidewire_feeds::Side;
use tidewire_feeds::book::{Counters, DepthBook};
use tidewire_feeds::iex::{Message, Symbol};

use super::super::input::Input;
use super::super::streams::Stream;
use super::rows::{Body, Head, MarketRow, Rows, fits, prices, status_body};
use crate::tables::TableError;

/// A security.
#[derive(Default)]
struct Security {
    /// The number of its name.
    name: u32,
    book: DepthBook,
    /// The best prices that were told.
    told: [Option<(i64, u64)>; 2],
}

/// Turns messages into rows of a stream.
pub(super) struct IexRows {
    stream: Stream,
    numbers: HashMap<Symbol, usize>,
    securities: Vec<Security>,
    /// Times of the message before.
    last: (i64, Option<i64>),
    counters: Counters,
}

/// What is left out: prices that no DECIMAL(18, 4) holds.
const TOO_LARGE: &str = "messages with a price of more than 18 digits";

impl IexRows {
    pub(super) fn new(stream: Stream) -> Self {
        let (numbers, securities) = (HashMap::new(), Vec::new());
        Self { stream, numbers, securities, last: (0, None), counters: Counters::default() }
    }

    pub(super) fn counters(&self) -> Counters {
        self.counters
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
        use Message as M;
        let ts_event = message.timestamp_ns();
        self.last = (ts_event, head.ts_recv);
        let Head { ts_recv, sequence, offset } = head;
        let row = |symbol, body| MarketRow { ts_event, ts_recv, sequence, symbol, body };
        match (self.stream, message) {
            (Stream::Status, _) => {
                if let Some(body) = status(message) {
                    let symbol = message.symbol().map(|symbol| self.name(symbol, rows));
                    rows.push(row(symbol, body));
                }
            }
            (Stream::Trades, M::TradeReport(m)) if fits(m.price()) => {
                // Bit 3: a single-price cross.
                let kind = if m.flags() & 1 << 3 != 0 { "CROSS" } else { "TRADE" };
                let (price, quantity) = (Some(m.price()), m.size().into());
                let trade_id = Some(m.trade_id() as u64);
                let symbol = Some(self.name(m.symbol(), rows));
                rows.push(row(symbol, Body::Trade { price, quantity, side: None, kind, trade_id }));
            }
            (Stream::Trades, M::TradeBreak(_)) => {
                input.leave_out("breaks of trades, which stay in the stream", 1);
            }
            (Stream::Bbo | Stream::Depth, M::PriceLevelUpdate(m)) if fits(m.price()) => {
                let (side, price, quantity) = (m.side(), m.price(), u64::from(m.size()));
                let number = self.number(m.symbol(), rows);
                let security = &mut self.securities[number];
                if let Err(refusal) = security.book.set(side, price, quantity) {
                    self.counters.count(refusal);
                }
                let symbol = Some(security.name);
                if self.stream == Stream::Depth {
                    rows.push(row(symbol, Body::Level { side, price, quantity, orders: None }));
                } else if m.completes_event() {
                    let best = prices(security.book.best());
                    security.tell(best, rows, |body| row(symbol, body));
                }
            }
            (Stream::Bbo, M::QuoteUpdate(m)) if fits(m.bid_price()) && fits(m.ask_price()) => {
                let level = |price, size: u32| (size > 0).then_some((price, u64::from(size)));
                let best = [level(m.bid_price(), m.bid_size()), level(m.ask_price(), m.ask_size())];
                let number = self.number(m.symbol(), rows);
                let security = &mut self.securities[number];
                let symbol = Some(security.name);
                security.tell(best, rows, |body| row(symbol, body));
            }
            (Stream::Depth, M::QuoteUpdate(_)) => {
                let problem =
                    "TOPS tells the best levels only: it has no stream 'depth', take 'bbo'";
                return Err(input.error(Some(offset), problem));
            }
            (Stream::Imbalance, M::AuctionInformation(m)) => match imbalance(m) {
                Some(body) => {
                    let symbol = Some(self.name(m.symbol(), rows));
                    rows.push(row(symbol, body));
                }
                None => input.leave_out(TOO_LARGE, 1),
            },
            (Stream::Trades, M::TradeReport(_))
            | (Stream::Bbo | Stream::Depth, M::PriceLevelUpdate(_) | M::QuoteUpdate(_)) => {
                input.leave_out(TOO_LARGE, 1);
            }
            _ => {}
        }
        Ok(())
    }

    /// The sender starts afresh: all levels are gone.
    #[cold]
    pub(super) fn restart(&mut self, rows: &mut Rows) {
        let (ts_event, ts_recv) = self.last;
        for security in &mut self.securities {
            let symbol = Some(security.name);
            let row = |body| MarketRow { ts_event, ts_recv, sequence: None, symbol, body };
            if self.stream == Stream::Depth {
                for side in [Side::Buy, Side::Sell] {
                    for level in security.book.levels(side) {
                        let (price, quantity) = (level.price, 0);
                        rows.push(row(Body::Level { side, price, quantity, orders: None }));
                    }
                }
            } else {
                security.tell([None; 2], rows, row);
            }
            security.book.clear();
        }
    }

    #[inline]
    fn number(&mut self, symbol: Symbol, rows: &mut Rows) -> usize {
        *self.numbers.entry(symbol).or_insert_with(|| {
            let name = rows.names.number(&symbol.to_string());
            self.securities.push(Security { name, ..Security::default() });
            self.securities.len() - 1
        })
    }

    #[inline]
    fn name(&mut self, symbol: Symbol, rows: &mut Rows) -> u32 {
        let number = self.number(symbol, rows);
        self.securities[number].name
    }
}

impl Security {
    /// Tells the best levels, if they are others than before.
    #[inline]
    fn tell(
        &mut self,
        best: [Option<(i64, u64)>; 2],
        rows: &mut Rows,
        row: impl FnOnce(Body) -> MarketRow,
    ) {
        if self.told != best {
            self.told = best;
            let [bid, ask] = best;
            rows.push(row(Body::Bbo { bid, ask }));
        }
    }
}

fn status(message: &Message<'_>) -> Option<Body> {
    use Message as M;
    let none = *b"    ";
    let (kind, status, code, reason) = match message {
        M::SystemEvent(m) => {
            let status = match m.event() {
                b'O' => "START_OF_MESSAGES",
                b'S' => "START_OF_SYSTEM_HOURS",
                b'R' => "START_OF_MARKET_HOURS",
                b'M' => "END_OF_MARKET_HOURS",
                b'E' => "END_OF_SYSTEM_HOURS",
                b'C' => "END_OF_MESSAGES",
                _ => "UNKNOWN",
            };
            ("SYSTEM", status, m.event(), none)
        }
        M::TradingStatus(m) => {
            let status = match m.status() {
                b'H' => "HALTED",
                b'O' => "ORDER_ACCEPTANCE",
                b'P' => "PAUSED",
                b'T' => "TRADING",
                _ => "UNKNOWN",
            };
            ("TRADING", status, m.status(), m.reason())
        }
        M::OperationalHalt(m) => {
            let status = match m.status() {
                b'O' => "HALTED",
                b'N' => "TRADING",
                _ => "UNKNOWN",
            };
            ("OPERATIONAL_HALT", status, m.status(), none)
        }
        M::ShortSale(m) => {
            // The status is a number; its digit is its code.
            let (status, code) = match m.status() {
                0 => ("NOT_RESTRICTED", b'0'),
                1 => ("RESTRICTED", b'1'),
                other => ("UNKNOWN", other),
            };
            ("SHORT_SALE", status, code, [m.detail(), b' ', b' ', b' '])
        }
        M::SecurityEvent(m) => {
            let status = match m.event() {
                b'O' => "OPENING_COMPLETE",
                b'C' => "CLOSING_COMPLETE",
                _ => "UNKNOWN",
            };
            ("SECURITY", status, m.event(), none)
        }
        _ => return None,
    };
    Some(status_body(kind, status, code, reason))
}

/// `None`: a price has too many digits.
fn imbalance(m: &tidewire_feeds::iex::AuctionInformation) -> Option<Body> {
    let price = |price: i64| match fits(price) {
        true => Some((price != 0).then_some(price)),
        false => None,
    };
    let kind = match m.auction_type() {
        b'O' => "OPENING",
        b'C' => "CLOSING",
        b'I' => "IPO",
        b'H' => "HALT",
        b'V' => "VOLATILITY",
        _ => "UNKNOWN",
    };
    let side = match m.imbalance_side() {
        b'B' => Some(Side::Buy),
        b'S' => Some(Side::Sell),
        _ => None,
    };
    Some(Body::Imbalance {
        kind,
        paired: m.paired_shares().into(),
        imbalance: m.imbalance_shares().into(),
        side,
        reference: price(m.reference_price())?,
        near: price(m.indicative_clearing_price())?,
        far: price(m.auction_book_clearing_price())?,
    })
}

//! Rows of DBN: market by order, market by price of one level, trades.
//!
//! 1. An order's number is unique in its instrument: each has books of its own.
//! 2. Between the records of one event a book may be crossed: the best levels are told behind the last of them.
//! 3. A fill (`F`) names the order that a trade (`T`) met; the order itself changes by records that follow.

use std::collections::HashMap;

use tidewire_feeds::Side;
use tidewire_feeds::book::{Books, Counters, Touched};
use tidewire_feeds::capture::Capture;
use tidewire_feeds::dbn::{FLAG_LAST, Mbo, Mbp1, Record, Trade, UNDEFINED_PRICE, UNDEFINED_TIME};

use super::super::input::Input;
use super::super::streams::Stream;
use super::rows::{Body, Head, MarketRow, OrderRow, Rows, fits, prices};
use crate::tables::TableError;

/// A record, out of its window.
#[derive(Debug, Clone, Copy)]
pub(super) enum DbnRecord {
    Mbo(Mbo),
    Mbp1(Mbp1),
    Trade(Trade),
}

impl DbnRecord {
    /// The record, if it is one of market data.
    #[inline]
    pub(super) fn of(record: &Record<'_>) -> Option<Self> {
        match record {
            Record::Mbo(record) => Some(Self::Mbo(**record)),
            Record::Mbp1(record) => Some(Self::Mbp1(**record)),
            Record::Trade(record) => Some(Self::Trade(**record)),
            Record::Other { .. } => None,
        }
    }
}

/// An instrument.
#[derive(Default)]
struct Instrument {
    /// The number of its name.
    name: u32,
    books: Books,
    /// The best prices that were told.
    told: [Option<(i64, u64)>; 2],
}

/// Turns records into rows of a stream.
pub(super) struct DbnRows {
    stream: Stream,
    numbers: HashMap<u32, usize>,
    instruments: Vec<Instrument>,
}

/// What is left out: prices that no DECIMAL(18, 9) holds.
const TOO_LARGE: &str = "records with a price of more than 18 digits";
const NO_TIME: &str = "records without a time";

/// The only instrument of its books.
const OWN: u32 = 0;

impl DbnRows {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, numbers: HashMap::new(), instruments: Vec::new() }
    }

    pub(super) fn counters(&self) -> Counters {
        let mut counters = Counters::default();
        for instrument in &self.instruments {
            counters += instrument.books.counters();
        }
        counters
    }

    /// The rows of a record.
    #[inline]
    pub(super) fn record(
        &mut self,
        record: DbnRecord,
        head: Head,
        capture: &Capture,
        rows: &mut Rows,
        input: &mut Input,
    ) -> Result<(), TableError> {
        let (id, ts_event, venue_sequence) = match &record {
            DbnRecord::Mbo(m) => (m.instrument_id(), m.ts_event(), m.sequence()),
            DbnRecord::Mbp1(m) => (m.instrument_id(), m.ts_event(), m.sequence()),
            DbnRecord::Trade(m) => (m.instrument_id(), m.ts_event(), m.sequence()),
        };
        let ts_recv = head.ts_recv.filter(|ts| *ts != UNDEFINED_TIME);
        let ts_event = (ts_event != UNDEFINED_TIME).then_some(ts_event).or(ts_recv);
        let number = self.number(id, ts_recv.or(ts_event), capture, rows);
        let Some(instrument) = self.instruments.get_mut(number) else { return Ok(()) };
        let mut out = Out {
            rows,
            input,
            ts_event,
            ts_recv,
            sequence: Some(venue_sequence.into()),
            symbol: Some(instrument.name),
        };
        let trade = match &record {
            DbnRecord::Mbo(m) if m.action() == b'T' => Some((m.price(), m.size(), m.side())),
            DbnRecord::Mbp1(m) if m.action() == b'T' => Some((m.price(), m.size(), m.side())),
            DbnRecord::Trade(m) => Some((m.price(), m.size(), m.side())),
            _ => None,
        };
        match (self.stream, &record) {
            (Stream::Trades, _) => {
                if let Some((price, size, side)) = trade {
                    out.trade(price, size, side);
                }
            }
            (Stream::Orders, DbnRecord::Mbo(m)) => out.order(m),
            (Stream::Depth, DbnRecord::Mbo(m)) => instrument.depth(m, &mut out),
            (Stream::Bbo, DbnRecord::Mbo(m)) => instrument.best(m, &mut out),
            (Stream::Bbo, DbnRecord::Mbp1(m)) => {
                let level = |price, size: u32| {
                    (price != UNDEFINED_PRICE).then_some((price, u64::from(size)))
                };
                let best = [level(m.bid_price(), m.bid_size()), level(m.ask_price(), m.ask_size())];
                instrument.tell(best, &mut out);
            }
            (stream, record) => {
                let (schema, has) = match record {
                    DbnRecord::Mbp1(_) => ("mbp-1", "trades, bbo"),
                    _ => ("trades", "trades"),
                };
                let stream = stream.name();
                let problem = format!(
                    "a record of the schema {schema}, which has no stream '{stream}'; it has {has}"
                );
                return Err(input.error(Some(head.offset), problem));
            }
        }
        Ok(())
    }

    /// The metadata maps the days of the receive times; a snapshot's orders can be of days before.
    #[inline]
    fn number(&mut self, id: u32, day: Option<i64>, capture: &Capture, rows: &mut Rows) -> usize {
        *self.numbers.entry(id).or_insert_with(|| {
            let name = match day.and_then(|day| capture.dbn_symbol(id, day)) {
                Some(symbol) => rows.names.number(symbol),
                None => rows.names.number(&format!("#{id}")),
            };
            self.instruments.push(Instrument { name, ..Instrument::default() });
            self.instruments.len() - 1
        })
    }
}

/// Where the rows of a record go.
struct Out<'o> {
    rows: &'o mut Rows,
    input: &'o mut Input,
    ts_event: Option<i64>,
    ts_recv: Option<i64>,
    sequence: Option<u64>,
    symbol: Option<u32>,
}

impl Out<'_> {
    fn push(&mut self, body: Body) {
        let Self { ts_recv, sequence, symbol, .. } = *self;
        match self.ts_event {
            Some(ts_event) => {
                self.rows.push(MarketRow { ts_event, ts_recv, sequence, symbol, body });
            }
            None => self.input.leave_out(NO_TIME, 1),
        }
    }

    /// The same, if its prices fit.
    fn push_of(&mut self, prices: &[Option<i64>], body: Body) {
        match prices.iter().flatten().all(|price| fits(*price)) {
            true => self.push(body),
            false => self.input.leave_out(TOO_LARGE, 1),
        }
    }

    fn trade(&mut self, price: i64, size: u32, side: Option<Side>) {
        let price = (price != UNDEFINED_PRICE).then_some(price);
        let (quantity, kind, trade_id) = (size.into(), "TRADE", None);
        self.push_of(&[price], Body::Trade { price, quantity, side, kind, trade_id });
    }

    fn order(&mut self, m: &Mbo) {
        let action = match m.action() {
            b'A' => "ADD",
            b'M' => "MODIFY",
            b'C' => "CANCEL",
            b'F' => "EXECUTE",
            b'R' => return self.push(Body::Order(OrderRow::new("CLEAR", None))),
            _ => return,
        };
        let price = (m.price() != UNDEFINED_PRICE).then_some(m.price());
        let order = OrderRow {
            side: m.side(),
            price,
            quantity: Some(m.size()),
            ..OrderRow::new(action, Some(m.order_id()))
        };
        self.push_of(&[price], Body::Order(order));
    }
}

impl Instrument {
    /// Keeps the orders: what was touched first, and then. What does not fit is counted by the books.
    #[inline]
    fn apply(&mut self, m: &Mbo) -> [Option<Touched>; 2] {
        let (reference, price, size) = (m.order_id(), m.price(), m.size());
        match (m.action(), m.side()) {
            (b'A', Some(side)) => [self.books.add(OWN, reference, side, price, size).ok(), None],
            (b'M', Some(side)) => {
                // One that is unknown is counted, and added.
                let old = self.books.delete(reference).ok();
                [old, self.books.add(OWN, reference, side, price, size).ok()]
            }
            (b'C', _) => [self.books.cancel(reference, size).ok(), None],
            _ => [None; 2],
        }
    }

    fn depth(&mut self, m: &Mbo, out: &mut Out<'_>) {
        if m.action() == b'R' {
            for side in [Side::Buy, Side::Sell] {
                for level in self.books.levels(OWN, side) {
                    let (price, quantity, orders) = (level.price, 0, Some(0));
                    out.push_of(&[Some(price)], Body::Level { side, price, quantity, orders });
                }
            }
            self.books.clear(OWN);
            return;
        }
        let [first, second] = self.apply(m);
        // A changed order may come back to the level that it has left.
        let same = |a: &Touched, b: Touched| a.side == b.side && a.price == b.price;
        let first = first.filter(|first| !second.is_some_and(|second| same(first, second)));
        for Touched { side, price, .. } in [first, second].into_iter().flatten() {
            let level = self.books.level(OWN, side, price);
            let (quantity, orders) = level.map_or((0, 0), |level| (level.size, level.orders));
            let orders = Some(orders);
            out.push_of(&[Some(price)], Body::Level { side, price, quantity, orders });
        }
    }

    fn best(&mut self, m: &Mbo, out: &mut Out<'_>) {
        match m.action() {
            b'R' => self.books.clear(OWN),
            _ => {
                self.apply(m);
            }
        }
        if m.flags() & FLAG_LAST != 0 {
            let best = prices(self.books.best(OWN));
            self.tell(best, out);
        }
    }

    /// Tells the best levels, if they are others than before.
    fn tell(&mut self, best: [Option<(i64, u64)>; 2], out: &mut Out<'_>) {
        if self.told != best {
            self.told = best;
            let [bid, ask] = best;
            let price = |level: Option<(i64, u64)>| level.map(|(price, _)| price);
            out.push_of(&[price(bid), price(ask)], Body::Bbo { bid, ask });
        }
    }
}

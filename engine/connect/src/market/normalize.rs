//! From a feed's messages to market events.

use std::collections::HashMap;

use tidewire_event::Stamped;
use tidewire_feeds::capture::{Capture, Message};
use tidewire_feeds::{dbn, iex, itch};

use super::event::{Action, MarketEvent};
use super::session_date::SessionDate;
use super::symbols::Symbols;

/// Numbers instruments and turns messages into events. A message that moves no book and is no trade becomes none;
/// one that is a trade and a quote at once becomes two.
#[derive(Debug)]
pub struct Normalizer {
    symbols: Symbols,
    /// Of each ITCH locate code: its instrument, and whether its symbol is known.
    locates: Vec<Option<(u32, bool)>>,
    iex: HashMap<iex::Symbol, u32>,
    dbn: HashMap<u32, u32>,
    /// Midnight of the session, ns since the epoch, once it is known.
    midnight: Option<i64>,
    /// Digits after the point of a price in the feed's units.
    price_digits: u8,
    /// The instrument of the message before.
    instrument: u32,
    /// Its times.
    last: (i64, i64),
    /// Instruments whose books are still to be cleared after a restart.
    to_clear: u32,
    /// The second event of a message.
    second: Option<Stamped<MarketEvent>>,
}

/// What a message says, in values of its own; the instrument is still what its feed calls it.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    instrument: FeedInstrument,
    ts: i64,
    received: Option<i64>,
    first: Option<Action>,
    second: Option<Action>,
}

#[derive(Debug, Clone, Copy)]
enum FeedInstrument {
    Locate(u16, Option<itch::Stock>),
    Iex(iex::Symbol),
    Dbn(u32),
}

impl Reading {
    /// What `message`, received at `received` as far as that is known, says of an instrument.
    #[inline]
    #[must_use]
    pub fn of(message: &Message<'_>, received: Option<i64>) -> Option<Self> {
        match message {
            Message::Itch(message) => {
                let (stock, first) = (message.stock(), itch_action(message));
                if stock.is_none() && first.is_none() {
                    return None;
                }
                let instrument = FeedInstrument::Locate(message.locate(), stock);
                let ts = message.timestamp_ns() as i64;
                Some(Self { instrument, ts, received, first, second: None })
            }
            Message::Iex(message) => Some(Self {
                instrument: FeedInstrument::Iex(message.symbol()?),
                ts: message.timestamp_ns(),
                received,
                first: iex_action(message),
                second: None,
            }),
            Message::Dbn(record) => {
                let (instrument, ts, first, second) = dbn_actions(record)?;
                let instrument = FeedInstrument::Dbn(instrument);
                Some(Self { instrument, ts, received, first, second })
            }
            Message::Sequence(_) => None,
        }
    }
}

impl Normalizer {
    /// A normalizer that numbers instruments in `symbols`. Sessions of ITCH files are of `date`; without one, of the
    /// day of their packets; without packets, they are shown as of 1970-01-01, UTC.
    #[must_use]
    pub fn new(symbols: Symbols, date: Option<SessionDate>) -> Self {
        Self {
            symbols,
            locates: vec![None; 1 << 16],
            iex: HashMap::new(),
            dbn: HashMap::new(),
            midnight: date.and_then(SessionDate::midnight),
            price_digits: 4,
            instrument: 0,
            last: (0, 0),
            to_clear: 0,
            second: None,
        }
    }

    /// Digits after the point of the feed's prices: 4 for ITCH and IEX, 9 for DBN.
    #[must_use]
    pub fn price_digits(&self) -> u8 {
        self.price_digits
    }

    /// When a message was sent, ns since the epoch.
    pub fn event_time(&mut self, message: &Message<'_>, received: Option<i64>) -> Option<i64> {
        match message {
            Message::Itch(message) => Some(self.midnight(received) + message.timestamp_ns() as i64),
            Message::Iex(message) => Some(message.timestamp_ns()),
            Message::Dbn(dbn::Record::Mbo(record)) => Some(record.ts_event()),
            Message::Dbn(dbn::Record::Mbp1(record)) => Some(record.ts_event()),
            Message::Dbn(dbn::Record::Trade(record)) => Some(record.ts_event()),
            Message::Dbn(dbn::Record::Other { header, .. }) => Some(header.ts_event()),
            Message::Sequence(_) => None,
        }
    }

    /// The number of the instrument of the message before.
    #[must_use]
    pub fn instrument(&self) -> u32 {
        self.instrument
    }

    /// What else the message or restart before brought: call it until there is nothing more.
    #[inline]
    pub fn more(&mut self) -> Option<Stamped<MarketEvent>> {
        match self.second.take() {
            None if self.to_clear > 0 => Some(self.clear_next()),
            second => second,
        }
    }

    /// A session begins anew: the books of all instruments are empty from here on.
    pub fn restart(&mut self) {
        self.to_clear = self.symbols.len() as u32;
    }

    #[cold]
    fn clear_next(&mut self) -> Stamped<MarketEvent> {
        self.to_clear -= 1;
        let (ts, received) = self.last;
        let event = MarketEvent { instrument: self.to_clear, action: Action::Clear };
        Stamped::new(ts, event).received(received)
    }

    /// The event of a message that was read from `capture`, if it is one.
    #[inline]
    pub fn event(&mut self, reading: Reading, capture: &Capture) -> Option<Stamped<MarketEvent>> {
        let Reading { instrument, mut ts, received, first, second } = reading;
        let instrument = match instrument {
            FeedInstrument::Locate(locate, stock) => {
                ts += self.midnight(received);
                self.of_locate(locate, stock)
            }
            FeedInstrument::Iex(symbol) => {
                let symbols = &self.symbols;
                *self.iex.entry(symbol).or_insert_with(|| symbols.add(&symbol.to_string()))
            }
            FeedInstrument::Dbn(id) => {
                self.price_digits = 9;
                // The metadata maps the days of the receive times; a snapshot's orders can be of days before.
                let (symbols, day) = (&self.symbols, received.unwrap_or(ts));
                *self.dbn.entry(id).or_insert_with(|| match capture.dbn_symbol(id, day) {
                    Some(symbol) => symbols.add(symbol),
                    None => symbols.add(&format!("#{id}")),
                })
            }
        };
        self.instrument = instrument;
        self.last = (ts, received.unwrap_or(ts));
        let received = received.unwrap_or(ts);
        let stamp =
            |action| Stamped::new(ts, MarketEvent { instrument, action }).received(received);
        self.second = second.map(stamp);
        first.map(stamp)
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

    /// The instrument of a locate code. Until a message has told its symbol it goes by its number; then it is an
    /// instrument of its own, so that a name never changes.
    #[inline]
    fn of_locate(&mut self, locate: u16, stock: Option<itch::Stock>) -> u32 {
        match (self.locates[usize::from(locate)], stock) {
            (Some((instrument, true)), _) | (Some((instrument, false)), None) => instrument,
            (_, stock) => self.name_locate(locate, stock),
        }
    }

    #[cold]
    fn name_locate(&mut self, locate: u16, stock: Option<itch::Stock>) -> u32 {
        let instrument = match stock {
            Some(stock) => self.symbols.add(&stock.to_string()),
            None => self.symbols.add(&format!("#{locate}")),
        };
        self.locates[usize::from(locate)] = Some((instrument, stock.is_some()));
        instrument
    }
}

#[inline]
fn itch_action(message: &itch::Message<'_>) -> Option<Action> {
    use itch::Message as M;
    let add = |reference, side: Option<_>, price: u32, size| {
        side.map(|side| Action::Add { reference, price: price.into(), size, side })
    };
    match message {
        M::AddOrder(m) => add(m.reference(), m.side(), m.price(), m.shares()),
        M::AddOrderAttributed(m) => add(m.reference(), m.side(), m.price(), m.shares()),
        M::OrderExecuted(m) => Some(Action::Execute { reference: m.reference(), size: m.shares() }),
        M::OrderExecutedWithPrice(m) => Some(Action::ExecuteAt {
            reference: m.reference(),
            price: m.price().into(),
            size: m.shares(),
            printable: m.printable() == b'Y',
        }),
        M::OrderCancel(m) => Some(Action::Cancel { reference: m.reference(), size: m.shares() }),
        M::OrderDelete(m) => Some(Action::Delete { reference: m.reference() }),
        M::OrderReplace(m) => Some(Action::Replace {
            old: m.reference(),
            new: m.new_reference(),
            price: m.price().into(),
            size: m.shares(),
        }),
        M::Trade(m) => Some(Action::Trade { price: m.price().into(), size: m.shares().into() }),
        M::CrossTrade(m) => Some(Action::Trade { price: m.price().into(), size: m.shares() }),
        M::BrokenTrade(_) => Some(Action::TradeBreak),
        _ => None,
    }
}

#[inline]
fn iex_action(message: &iex::Message<'_>) -> Option<Action> {
    use iex::Message as M;
    match message {
        M::PriceLevelUpdate(m) => {
            Some(Action::Level { price: m.price(), size: m.size(), side: m.side() })
        }
        M::QuoteUpdate(m) => {
            let price = |price, size| if size > 0 { price } else { Action::NO_PRICE };
            let (bid, ask) =
                (price(m.bid_price(), m.bid_size()), price(m.ask_price(), m.ask_size()));
            Some(Action::Quote { bid, ask })
        }
        M::TradeReport(m) => Some(Action::Trade { price: m.price(), size: m.size().into() }),
        M::TradeBreak(_) => Some(Action::TradeBreak),
        _ => None,
    }
}

#[inline]
fn dbn_actions(record: &dbn::Record<'_>) -> Option<(u32, i64, Option<Action>, Option<Action>)> {
    match record {
        dbn::Record::Mbo(m) => {
            let (reference, price, size) = (m.order_id(), m.price(), m.size());
            // A fill (F) names the resting order of a trade (T); the order itself changes by records that follow.
            let action = match (m.action(), m.side()) {
                (b'A', Some(side)) => Some(Action::Add { reference, price, size, side }),
                (b'M', Some(side)) => Some(Action::Modify { reference, price, size, side }),
                (b'C', _) => Some(Action::Cancel { reference, size }),
                (b'R', _) => Some(Action::Clear),
                (b'T', _) => Some(Action::Trade { price, size: size.into() }),
                _ => None,
            };
            Some((m.instrument_id(), m.ts_event(), action, None))
        }
        dbn::Record::Mbp1(m) => {
            let trade = Action::Trade { price: m.price(), size: m.size().into() };
            let trade = (m.action() == b'T').then_some(trade);
            let quote = Action::Quote { bid: m.bid_price(), ask: m.ask_price() };
            let (first, second) = match trade {
                Some(trade) => (trade, Some(quote)),
                None => (quote, None),
            };
            Some((m.instrument_id(), m.ts_event(), Some(first), second))
        }
        dbn::Record::Trade(m) => {
            let trade = Action::Trade { price: m.price(), size: m.size().into() };
            Some((m.instrument_id(), m.ts_event(), Some(trade), None))
        }
        dbn::Record::Other { .. } => None,
    }
}

const _: () = assert!(Action::NO_PRICE == dbn::UNDEFINED_PRICE);

//! Keeps the books of a shard's instruments, and tells of trades and of each change of a spread.
//!
//! 1. Trades keep their own times. A spread holds from the event that made it, and an instrument's books never go back
//!    in time: an event with an older time than the last counts as of the last one's.
//! 2. A trade's price is its message's, or the resting order's; where that order is unknown the trade is counted as
//!    such by the books, and has no price to be a tick.

use std::sync::{Arc, Mutex, PoisonError};

use tidewire_connect::market::{Action, MarketEvent};
use tidewire_dataflow::Process;
use tidewire_feeds::book::{Bbo, Books, Counters, DepthBook, Level};

/// What comes out of the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tick {
    /// The number of the instrument.
    pub(crate) instrument: u32,
    /// What happened.
    pub(crate) kind: TickKind,
}

/// What happened to an instrument, as bars see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TickKind {
    /// A trade, its price in the feed's units.
    Trade {
        /// The price.
        price: i64,
        /// The quantity.
        size: u64,
    },
    /// The spread (ask - bid, in the feed's units) is another from now on; `None` while a side is empty.
    Spread {
        /// The spread until now.
        before: Option<i64>,
        /// The spread from now on.
        after: Option<i64>,
    },
}

/// What the books of all shards came to.
#[derive(Debug, Clone, Default)]
pub(crate) struct BookTotals {
    /// What did not fit.
    pub(crate) counters: Counters,
    /// Trades that were broken later; they stay in the bars.
    pub(crate) trade_breaks: u64,
    /// The books as they stood at the end.
    pub(crate) books: Vec<EndBook>,
}

/// An instrument's book at the end of the input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EndBook {
    /// The number of the instrument.
    pub(crate) instrument: u32,
    /// Its best levels; sizes and orders are 0 where the feed does not tell them.
    pub(crate) best: Bbo,
    /// Live orders, where the feed has single orders.
    pub(crate) orders: u64,
}

/// The step: see the module.
#[derive(Debug)]
pub(crate) struct BookStep {
    /// One for all instruments, or one for each.
    orders: Vec<Books>,
    references_by_instrument: bool,
    depth: Vec<DepthBook>,
    instruments: Vec<Instrument>,
    trade_breaks: u64,
    levels_refused: u64,
    totals: Arc<Mutex<BookTotals>>,
}

#[derive(Debug, Clone, Copy)]
struct Instrument {
    seen: bool,
    last_ts: i64,
    bid: i64,
    ask: i64,
}

impl Instrument {
    const NEW: Self =
        Self { seen: false, last_ts: i64::MIN, bid: Action::NO_PRICE, ask: Action::NO_PRICE };

    fn spread(&self) -> Option<i64> {
        let both = self.bid != Action::NO_PRICE && self.ask != Action::NO_PRICE;
        both.then(|| self.ask.saturating_sub(self.bid))
    }
}

impl BookStep {
    /// Empty books. With `references_by_instrument` two instruments may have orders of the same number. When it is
    /// dropped it adds what it came to to `totals`.
    #[must_use]
    pub(crate) fn new(references_by_instrument: bool, totals: Arc<Mutex<BookTotals>>) -> Self {
        Self {
            orders: vec![Books::default()],
            references_by_instrument,
            depth: Vec::new(),
            instruments: Vec::new(),
            trade_breaks: 0,
            levels_refused: 0,
            totals,
        }
    }

    /// Applies an action to the books: the trade that it is, if it is one, and the best prices after it, if it could
    /// have changed them.
    #[inline]
    fn apply(
        &mut self,
        instrument: u32,
        action: &Action,
    ) -> (Option<TickKind>, Option<(i64, i64)>) {
        let at = instrument as usize;
        match *action {
            Action::Trade { price, size } => return (Some(TickKind::Trade { price, size }), None),
            Action::TradeBreak => {
                self.trade_breaks += 1;
                return (None, None);
            }
            Action::Quote { bid, ask } => return (None, Some((bid, ask))),
            Action::Level { price, size, side } => {
                if self.depth.len() <= at {
                    self.depth.resize_with(at + 1, DepthBook::default);
                }
                let book = &mut self.depth[at];
                self.levels_refused += u64::from(book.set(side, price, size.into()).is_err());
                return (None, Some(prices(book.best())));
            }
            _ => {}
        }
        let (books, own) = if self.references_by_instrument {
            if self.orders.len() <= at {
                self.orders.resize_with(at + 1, Books::default);
            }
            (&mut self.orders[at], 0)
        } else {
            (&mut self.orders[0], instrument)
        };
        let mut trade = None;
        // What does not fit is counted by the books themselves.
        let _ = match *action {
            Action::Add { reference, price, size, side } => {
                books.add(own, reference, side, price, size).map(|_| ())
            }
            Action::Execute { reference, size } => books.execute(reference, size).map(|touched| {
                let size = touched.size.into();
                trade = Some(TickKind::Trade { price: touched.price, size });
            }),
            Action::ExecuteAt { reference, price, size, printable } => {
                if printable {
                    trade = Some(TickKind::Trade { price, size: size.into() });
                }
                books.execute(reference, size).map(|_| ())
            }
            Action::Cancel { reference, size } => books.cancel(reference, size).map(|_| ()),
            Action::Delete { reference } => books.delete(reference).map(|_| ()),
            Action::Replace { old, new, price, size } => {
                books.replace(old, new, price, size).map(|_| ())
            }
            Action::Modify { reference, price, size, side } => {
                books.modify(own, reference, side, price, size).map(|_| ())
            }
            Action::Clear => {
                books.clear(own);
                if let Some(depth) = self.depth.get_mut(at) {
                    depth.clear();
                }
                Ok(())
            }
            Action::Trade { .. }
            | Action::TradeBreak
            | Action::Quote { .. }
            | Action::Level { .. } => Ok(()),
        };
        (trade, Some(prices(books.best(own))))
    }
}

#[inline]
fn prices(best: Bbo) -> (i64, i64) {
    let price = |level: Option<Level>| level.map_or(Action::NO_PRICE, |level| level.price);
    (price(best.bid), price(best.ask))
}

impl Process for BookStep {
    type In = MarketEvent;
    type Out = Tick;

    #[inline]
    fn process(&mut self, ts: i64, event: &MarketEvent, mut emit: impl FnMut(i64, Tick)) {
        let MarketEvent { instrument, action } = event;
        let at = *instrument as usize;
        if self.instruments.len() <= at {
            self.instruments.resize(at + 1, Instrument::NEW);
        }
        let (trade, best) = self.apply(*instrument, action);
        if let Some(kind) = trade {
            emit(ts, Tick { instrument: *instrument, kind });
        }
        let state = &mut self.instruments[at];
        state.seen = true;
        if let Some((bid, ask)) = best
            && (bid, ask) != (state.bid, state.ask)
        {
            let before = state.spread();
            (state.bid, state.ask) = (bid, ask);
            let after = state.spread();
            state.last_ts = state.last_ts.max(ts);
            if before != after {
                let kind = TickKind::Spread { before, after };
                emit(state.last_ts, Tick { instrument: *instrument, kind });
            }
        }
    }
}

impl Drop for BookStep {
    fn drop(&mut self) {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        for books in &self.orders {
            totals.counters += books.counters();
        }
        totals.counters.refused_at_bound += self.levels_refused;
        totals.trade_breaks += self.trade_breaks;
        let mut orders = vec![0_u64; self.instruments.len()];
        for (at, books) in self.orders.iter().enumerate() {
            for (_, order) in books.orders() {
                let at = if self.references_by_instrument { at } else { order.instrument as usize };
                if let Some(count) = orders.get_mut(at) {
                    *count += 1;
                }
            }
        }
        for (at, state) in self.instruments.iter().enumerate().filter(|(_, state)| state.seen) {
            let (books, own) = match self.references_by_instrument {
                true => (self.orders.get(at), 0),
                false => (self.orders.first(), at as u32),
            };
            let best = match self.depth.get(at) {
                Some(depth) => depth.best(),
                None => books.map(|books| books.best(own)).unwrap_or_default(),
            };
            let quoted =
                |price| (price != Action::NO_PRICE).then_some(Level { price, size: 0, orders: 0 });
            let best =
                Bbo { bid: best.bid.or(quoted(state.bid)), ask: best.ask.or(quoted(state.ask)) };
            totals.books.push(EndBook { instrument: at as u32, best, orders: orders[at] });
        }
    }
}

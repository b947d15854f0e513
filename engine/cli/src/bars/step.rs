//! Keeps the books of a shard's instruments, and tells of trades and of each change of a spread.
//!
//! 1. Trades keep their own times. A spread holds from the event that made it, and an instrument's books never go back
//!    in time: an event with an older time than the last counts as of the last one's.
//! 2. A trade's price is its message's, or the resting order's; where that order is unknown the trade is counted as
//!    such by the books, and has no price to be a tick.
//! 3. Where snapshots are taken, all that it goes on from is also kept in tables ([`Kept`]), and a restore rebuilds the
//!    books from them. What does not fit is counted by instrument, so that it goes where the instrument goes.

use std::sync::{Arc, Mutex, PoisonError};

use tidewire_connect::market::{Action, MarketEvent};
use tidewire_dataflow::Process;
use tidewire_feeds::book::{Bbo, Books, Counters, DepthBook, Level, Refusal};
use tidewire_state::{Arena, Durable, Image, LayoutMismatch, Log};

use super::kept::{Kept, LevelKey, OrderKey};
use super::ledger::{Ledger, clear_levels, set_level};

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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct BookTotals {
    /// What did not fit.
    pub(crate) counters: Counters,
    /// Trades that were broken later; they stay in the bars.
    pub(crate) trade_breaks: u64,
    /// The books as they stood at the end.
    pub(crate) books: Vec<EndBook>,
}

/// An instrument's book at the end of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    arena: Arena,
    /// Where snapshots are taken.
    kept: Option<Kept>,
    /// Events of new instruments for which the state has no room. Not in snapshots, which have no room for them either.
    refused: u64,
    totals: Arc<Mutex<BookTotals>>,
}

/// What the step goes on from, but for the instrument's books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instrument {
    pub(super) seen: bool,
    pub(super) last_ts: i64,
    pub(super) bid: i64,
    pub(super) ask: i64,
    pub(super) trade_breaks: u64,
    /// What did not fit.
    pub(super) counters: Counters,
}

impl Instrument {
    const NEW: Self = Self {
        seen: false,
        last_ts: i64::MIN,
        bid: Action::NO_PRICE,
        ask: Action::NO_PRICE,
        trade_breaks: 0,
        counters: Counters {
            unknown_references: 0,
            duplicate_references: 0,
            excess_sizes: 0,
            zero_sizes: 0,
            refused_at_bound: 0,
        },
    };

    fn spread(&self) -> Option<i64> {
        let both = self.bid != Action::NO_PRICE && self.ask != Action::NO_PRICE;
        both.then(|| self.ask.saturating_sub(self.bid))
    }
}

impl BookStep {
    /// Empty books. With `references_by_instrument` two instruments may have orders of the same number. When it is
    /// dropped it adds what it came to to `totals`.
    #[must_use]
    pub(crate) fn new(
        references_by_instrument: bool,
        arena: &Arena,
        totals: Arc<Mutex<BookTotals>>,
    ) -> Self {
        Self {
            orders: vec![Books::default()],
            references_by_instrument,
            depth: Vec::new(),
            instruments: Vec::new(),
            arena: arena.clone(),
            kept: arena.is_tracked.then(|| Kept::new(arena)),
            refused: 0,
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
        let (state, kept) = (&mut self.instruments[at], self.kept.as_mut());
        match *action {
            Action::Trade { price, size } => return (Some(TickKind::Trade { price, size }), None),
            Action::TradeBreak => {
                state.trade_breaks += 1;
                return (None, None);
            }
            Action::Quote { bid, ask } => return (None, Some((bid, ask))),
            Action::Level { price, size, side } => {
                let book = place(&mut self.depth, at);
                let key = LevelKey { instrument, side, price };
                set_level(book, &key, size.into(), &mut state.counters, kept);
                return (None, Some(prices(book.best())));
            }
            _ => {}
        }
        let by_instrument = self.references_by_instrument;
        let (books, own) = match by_instrument {
            true => (place(&mut self.orders, at), 0),
            false => (&mut self.orders[0], instrument),
        };
        let only = by_instrument.then_some(instrument);
        let mut ledger = Ledger { books, only, counters: &mut state.counters, kept };
        let mut trade = None;
        match *action {
            Action::Add { reference, price, size, side } => {
                ledger.add(own, reference, side, price, size);
            }
            Action::Execute { reference, size } => {
                trade = ledger.reduce(reference, size).map(|touched| {
                    let size = touched.size.into();
                    TickKind::Trade { price: touched.price, size }
                });
            }
            Action::ExecuteAt { reference, price, size, printable } => {
                if printable {
                    trade = Some(TickKind::Trade { price, size: size.into() });
                }
                ledger.reduce(reference, size);
            }
            Action::Cancel { reference, size } => {
                ledger.reduce(reference, size);
            }
            Action::Delete { reference } => {
                ledger.delete(reference);
            }
            Action::Replace { old, new, price, size } => {
                if let Some(old) = ledger.delete(old) {
                    ledger.add(old.instrument, new, old.side, price, size);
                }
            }
            Action::Modify { reference, price, size, side } => {
                ledger.delete(reference);
                ledger.add(own, reference, side, price, size);
            }
            Action::Clear => {
                ledger.clear(own);
                let best = prices(ledger.books.best(own));
                if let Some(depth) = self.depth.get_mut(at) {
                    clear_levels(depth, instrument, self.kept.as_mut());
                }
                return (None, Some(best));
            }
            Action::Trade { .. }
            | Action::TradeBreak
            | Action::Quote { .. }
            | Action::Level { .. } => {}
        }
        (trade, Some(prices(ledger.books.best(own))))
    }

    /// The books take what they have held before; if they do not after all, it is counted.
    fn count_restored(&mut self, at: usize, refusal: Option<Refusal>) {
        if let (Some(refusal), Some(state)) = (refusal, self.instruments.get_mut(at)) {
            state.counters.count(refusal);
        }
    }

    /// A new instrument has its record before anything is known of it; false if there is no room for that.
    #[cold]
    fn is_kept(&mut self, instrument: u32) -> bool {
        let Some(kept) = &mut self.kept else { return true };
        let has_room = kept.put_instrument(instrument, &Instrument::NEW).is_ok();
        self.refused += u64::from(!has_room);
        has_room
    }
}

/// The element `at`, which is made if it is not there.
#[inline]
fn place<T: Default>(all: &mut Vec<T>, at: usize) -> &mut T {
    if all.len() <= at {
        all.resize_with(at + 1, T::default);
    }
    &mut all[at]
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
        if !self.instruments[at].seen && !self.is_kept(*instrument) {
            return;
        }
        let kept = self.kept.is_some().then(|| self.instruments[at]);
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
        if let (Some(before), Some(kept)) = (kept, &mut self.kept)
            && before != *state
        {
            // It has its record, so there is room.
            let _ = kept.put_instrument(*instrument, state);
        }
    }
}

impl Durable for BookStep {
    fn freeze(&mut self) {
        self.kept.iter_mut().for_each(Kept::freeze);
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        self.kept.as_mut().is_none_or(|kept| kept.capture(records, log))
    }

    fn give_up(&mut self) {
        self.kept.iter_mut().for_each(Kept::give_up);
    }

    fn overflowed(&self) -> bool {
        self.kept.as_ref().is_some_and(Kept::overflowed)
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        let mut kept = Kept::new(&self.arena);
        kept.restore(image)?;
        for (number, instrument) in kept.instruments() {
            let at = number as usize;
            if self.instruments.len() <= at {
                self.instruments.resize(at + 1, Instrument::NEW);
            }
            self.instruments[at] = instrument;
        }
        for (OrderKey { instrument, reference }, order) in kept.orders() {
            let at = instrument as usize;
            let (books, own) = match self.references_by_instrument {
                true => (place(&mut self.orders, at), 0),
                false => (&mut self.orders[0], instrument),
            };
            let (side, price, size) = order.parts();
            let added = books.add(own, reference, side, price, size);
            self.count_restored(at, added.err());
        }
        for (LevelKey { instrument, side, price }, size) in kept.levels() {
            let at = instrument as usize;
            let set = place(&mut self.depth, at).set(side, price, size);
            self.count_restored(at, set.err());
        }
        self.kept = self.arena.is_tracked.then_some(kept);
        Ok(())
    }
}

impl Drop for BookStep {
    fn drop(&mut self) {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        totals.counters.refused_at_bound += self.refused;
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
            totals.counters += state.counters;
            totals.trade_breaks += state.trade_breaks;
            let (books, own) = match self.references_by_instrument {
                true => (self.orders.get(at), 0),
                false => (self.orders.first(), at as u32),
            };
            let orders_best = books.map(|books| books.best(own)).unwrap_or_default();
            let levels_best = self.depth.get(at).map(DepthBook::best).unwrap_or_default();
            let quoted =
                |price| (price != Action::NO_PRICE).then_some(Level { price, size: 0, orders: 0 });
            let best = Bbo {
                bid: levels_best.bid.or(orders_best.bid).or(quoted(state.bid)),
                ask: levels_best.ask.or(orders_best.ask).or(quoted(state.ask)),
            };
            totals.books.push(EndBook { instrument: at as u32, best, orders: orders[at] });
        }
    }
}

#[cfg(test)]
mod tests;

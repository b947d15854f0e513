//! Bars: open, high, low, close, volume, VWAP, trades, and the time-weighted spread.
//!
//! 1. Prices and sums are whole numbers of the feed's units; nothing is rounded before the row is written.
//! 2. Open and close are the first and the last trade by (event time, arrival).
//! 3. The spread of a window is weighted by the time for which each spread stood, within the window, while both sides
//!    were quoted. What stood before the window's first change counts from the window's start, and what stood after
//!    its last one counts to the window's end.

use rkyv::{Archive, Deserialize, Serialize};
use tidewire_dataflow::{Aggregate, Window};
use tidewire_event::Header;

use super::partial::Partial;
use super::step::{Tick, TickKind};

/// The aggregate.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bars;

/// The bar of one instrument and window, in the feed's units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bar {
    /// Of the trades, if there was one.
    pub(crate) trades: Option<Trades>,
    /// The sum of spread times ns, and the ns for which there was a spread.
    pub(crate) spread: (i128, i64),
}

/// What the trades of a bar come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub(crate) struct Trades {
    /// The time of the first trade.
    pub(crate) open_ts: i64,
    /// The price of the first trade.
    pub(crate) open: i64,
    /// The highest price.
    pub(crate) high: i64,
    /// The lowest price.
    pub(crate) low: i64,
    /// The time of the last trade.
    pub(crate) close_ts: i64,
    /// The price of the last trade.
    pub(crate) close: i64,
    /// The sum of the quantities.
    pub(crate) volume: u64,
    /// The sum of price times quantity.
    pub(crate) notional: i128,
    /// How many trades.
    pub(crate) count: u64,
}

/// The spreads between the first and the last change of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spreads {
    pub(super) first_ts: i64,
    pub(super) before: Option<i64>,
    pub(super) last_ts: i64,
    pub(super) after: Option<i64>,
    pub(super) area: i128,
    pub(super) covered: i64,
}

impl Trades {
    pub(super) fn combine(&mut self, later: &Self) {
        if later.open_ts < self.open_ts {
            (self.open_ts, self.open) = (later.open_ts, later.open);
        }
        if later.close_ts >= self.close_ts {
            (self.close_ts, self.close) = (later.close_ts, later.close);
        }
        self.high = self.high.max(later.high);
        self.low = self.low.min(later.low);
        self.volume = self.volume.saturating_add(later.volume);
        self.notional = self.notional.saturating_add(later.notional);
        self.count += later.count;
    }
}

impl Spreads {
    /// `spread` stood from `from` to `to`.
    fn stood(&mut self, spread: Option<i64>, from: i64, to: i64) {
        if let Some(spread) = spread {
            let ns = to.saturating_sub(from).max(0);
            self.area += i128::from(spread) * i128::from(ns);
            self.covered += ns;
        }
    }

    fn combine(&mut self, later: &Self) {
        self.stood(self.after, self.last_ts, later.first_ts);
        self.area += later.area;
        self.covered += later.covered;
        (self.last_ts, self.after) = (later.last_ts, later.after);
    }
}

impl Trades {
    #[inline]
    fn of_one(ts: i64, price: i64, size: u64) -> Self {
        Self {
            open_ts: ts,
            open: price,
            high: price,
            low: price,
            close_ts: ts,
            close: price,
            volume: size,
            notional: i128::from(price) * i128::from(size),
            count: 1,
        }
    }
}

impl Spreads {
    #[inline]
    fn of_one(ts: i64, before: Option<i64>, after: Option<i64>) -> Self {
        Self { first_ts: ts, before, last_ts: ts, after, area: 0, covered: 0 }
    }
}

impl Partial {
    #[inline]
    fn add_trades(&mut self, later: &Trades) {
        let sum = self.trades().map(|mut sum| {
            sum.combine(later);
            sum
        });
        self.set_trades(&sum.unwrap_or(*later));
    }

    #[inline]
    fn add_spread(&mut self, later: &Spreads) {
        let sum = self.spread().map(|mut sum| {
            sum.combine(later);
            sum
        });
        self.set_spread(&sum.unwrap_or(*later));
    }
}

impl Aggregate for Bars {
    type In = Tick;
    type Partial = Partial;
    type Out = Bar;

    #[inline]
    fn lift(&self, header: &Header, tick: &Tick) -> Partial {
        let mut partial = Partial::NONE;
        self.insert(&mut partial, header, tick);
        partial
    }

    #[inline]
    fn insert(&self, partial: &mut Partial, header: &Header, tick: &Tick) {
        match tick.kind {
            TickKind::Trade { price, size } => {
                partial.add_trades(&Trades::of_one(header.ts, price, size));
            }
            TickKind::Spread { before, after } => {
                partial.add_spread(&Spreads::of_one(header.ts, before, after));
            }
        }
    }

    #[inline]
    fn combine(&self, earlier: &Partial, later: &Partial) -> Partial {
        let mut sum = *earlier;
        if let Some(trades) = later.trades() {
            sum.add_trades(&trades);
        }
        if let Some(spread) = later.spread() {
            sum.add_spread(&spread);
        }
        sum
    }

    fn lower(&self, window: Window, partial: &Partial) -> Bar {
        let spread = partial.spread().map_or((0, 0), |mut spread| {
            spread.stood(spread.before, window.start, spread.first_ts);
            spread.stood(spread.after, spread.last_ts, window.end);
            (spread.area, spread.covered)
        });
        Bar { trades: partial.trades(), spread }
    }
}

#[cfg(test)]
mod tests;

//! A market that never was: ITCH messages for tests and benchmarks, from a seed.
//!
//! 1. The same seed gives the same bytes, on every machine and for ever: integers only, and a pinned generator.
//! 2. The messages are consistent: references are known, sizes are not exceeded, times never fall, the book is
//!    never crossed.
//! 3. Memory is bounded by the number of stocks: each has a bound of live orders.
//!
//! The day: system events and the stock directory before the open, at 09:30 an opening cross for each stock, then
//! trading at about 50,000 messages a second of event time, in bursts, most of it in few stocks (as by Zipf's
//! law), and at last the closing system events.

mod book;
mod random;
mod write;

use zerocopy::{Immutable, IntoBytes};

use self::book::{Action, StockBook, any_shares};
use self::random::Random;
use crate::itch::{self, Stock};

/// 04:00 and 09:30, in nanoseconds since midnight.
const START_NS: u64 = 14_400_000_000_000;
const OPEN_NS: u64 = 34_200_000_000_000;

/// The participants that sign some of their orders.
const PARTICIPANTS: [[u8; 4]; 4] = [*b"NITE", *b"GSCO", *b"UBSS", *b"TIMB"];

/// A day of a market, message by message.
pub struct Market {
    random: Random,
    stocks: Vec<StockBook>,
    /// Running sums of the stocks' weights.
    activity: Vec<u64>,
    stage: Stage,
    messages_left: u64,
    time_ns: u64,
    reference: u64,
    match_number: u64,
    /// The last trade that could be broken: locate code and match number.
    breakable: Option<(u16, u64)>,
}

/// What of the day comes next.
#[derive(Debug, Clone, Copy)]
enum Stage {
    StartOfMessages,
    StartOfSystemHours,
    Directory(usize),
    TradingAction(usize),
    StartOfMarketHours,
    OpeningCross(usize),
    Trading,
}

impl Market {
    /// A market of `symbols` stocks (at least one) that ends after exactly `messages` messages.
    #[must_use]
    pub fn new(seed: u64, symbols: u16, messages: u64) -> Self {
        let mut random = Random::new(seed);
        let mut stocks = Vec::new();
        let mut activity = Vec::new();
        let mut sum = 0;
        for index in 0..symbols.max(1) {
            stocks.push(StockBook::new(symbol(index), index + 1, &mut random));
            sum += (1 << 32) / (u64::from(index) + 1);
            activity.push(sum);
        }
        Self {
            random,
            stocks,
            activity,
            stage: Stage::StartOfMessages,
            messages_left: messages,
            time_ns: START_NS,
            reference: 0,
            match_number: 0,
            breakable: None,
        }
    }

    /// The time of the last message, in nanoseconds since midnight.
    #[must_use]
    pub fn time_ns(&self) -> u64 {
        self.time_ns
    }

    /// Appends the next message to `out`, without a length before it. `false`: the day is over.
    pub fn next_into(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(left) = self.messages_left.checked_sub(1) else {
            return false;
        };
        self.messages_left = left;
        self.time_ns += self.pause_ns();
        match self.stage {
            Stage::Trading if left < 3 => {
                let event = [b'C', b'E', b'M'][left as usize];
                self.system_event(event, out);
            }
            Stage::Trading => self.trade(out),
            _ => self.open(out),
        }
        true
    }

    /// Nanoseconds to the next message: most come in bursts, and the mean is 20,000.
    fn pause_ns(&mut self) -> u64 {
        if self.random.permille(800) {
            200 + self.random.below(1600)
        } else {
            1 + self.random.below(192_000)
        }
    }

    /// The next message before trading.
    fn open(&mut self, out: &mut Vec<u8>) {
        let next_stock = |index: usize, stage: fn(usize) -> Stage, then: Stage| {
            if index + 1 < self.stocks.len() { stage(index + 1) } else { then }
        };
        match self.stage {
            Stage::StartOfMessages => {
                self.stage = Stage::StartOfSystemHours;
                self.system_event(b'O', out);
            }
            Stage::StartOfSystemHours => {
                self.stage = Stage::Directory(0);
                self.system_event(b'S', out);
            }
            Stage::Directory(index) => {
                self.stage = next_stock(index, Stage::Directory, Stage::TradingAction(0));
                self.directory(index, out);
            }
            Stage::TradingAction(index) => {
                self.stage = next_stock(index, Stage::TradingAction, Stage::StartOfMarketHours);
                self.trading_action(index, out);
            }
            Stage::StartOfMarketHours => {
                self.stage = Stage::OpeningCross(0);
                self.time_ns = self.time_ns.max(OPEN_NS);
                self.system_event(b'Q', out);
            }
            Stage::OpeningCross(index) => {
                self.stage = next_stock(index, Stage::OpeningCross, Stage::Trading);
                self.opening_cross(index, out);
            }
            Stage::Trading => {}
        }
    }

    fn system_event(&self, event: u8, out: &mut Vec<u8>) {
        let header = itch::SystemEvent::header(0, 0, self.time_ns);
        put(out, &itch::SystemEvent { header, event });
    }

    fn directory(&self, index: usize, out: &mut Vec<u8>) {
        let book = &self.stocks[index];
        let directory = itch::StockDirectory {
            header: itch::StockDirectory::header(book.locate, 0, self.time_ns),
            stock: book.stock,
            market_category: b'Q',
            financial_status: b'N',
            round_lot_size: 100.into(),
            round_lots_only: b'N',
            issue_classification: b'C',
            issue_subtype: *b"Z ",
            authenticity: b'P',
            short_sale_threshold: b'N',
            ipo_flag: b'N',
            luld_tier: b'1',
            etp_flag: b'N',
            etp_leverage: 0.into(),
            inverse: b'N',
        };
        put(out, &directory);
    }

    fn trading_action(&self, index: usize, out: &mut Vec<u8>) {
        let book = &self.stocks[index];
        let action = itch::StockTradingAction {
            header: itch::StockTradingAction::header(book.locate, 0, self.time_ns),
            stock: book.stock,
            trading_state: b'T',
            reserved: b' ',
            reason: *b"    ",
        };
        put(out, &action);
    }

    fn opening_cross(&mut self, index: usize, out: &mut Vec<u8>) {
        let shares = 1000 * (1 + self.random.below(200));
        let match_number = next(&mut self.match_number);
        let book = &self.stocks[index];
        let cross = itch::CrossTrade {
            header: itch::CrossTrade::header(book.locate, 0, self.time_ns),
            shares: shares.into(),
            stock: book.stock,
            price: book.middle.into(),
            match_number: match_number.into(),
            cross_type: b'O',
        };
        put(out, &cross);
    }

    /// The next message of the trading day.
    fn trade(&mut self, out: &mut Vec<u8>) {
        let total = self.activity.last().copied().unwrap_or_default();
        let point = self.random.below(total);
        let index = self.activity.partition_point(|&sum| sum <= point);
        let action = self.stocks[index].next_action(&mut self.random);
        let made = match action {
            Action::Add => None,
            Action::Delete => self.delete(index, out),
            Action::Replace => self.replace(index, out),
            Action::Cancel => self.cancel(index, out),
            Action::Execute(side) => self.execute(index, side, out),
            Action::HiddenTrade => self.hidden_trade(index, out),
            Action::Break => self.break_trade(out),
        };
        // Whatever could not be done now, an order can always be added.
        if made.is_none() {
            self.add(index, out);
        }
    }

    fn add(&mut self, index: usize, out: &mut Vec<u8>) {
        let book = &mut self.stocks[index];
        let order = book.add(next(&mut self.reference), &mut self.random);
        let (locate, stock) = (book.locate, book.stock);
        let (reference, side) = (order.reference.into(), order.side.into());
        let (shares, price) = (order.shares.into(), order.price.into());
        if self.random.permille(950) {
            let header = itch::AddOrder::header(locate, 0, self.time_ns);
            put(out, &itch::AddOrder { header, reference, side, shares, stock, price });
        } else {
            let header = itch::AddOrderAttributed::header(locate, 0, self.time_ns);
            let attribution = PARTICIPANTS[self.random.below(PARTICIPANTS.len() as u64) as usize];
            let order = itch::AddOrderAttributed {
                header,
                reference,
                side,
                shares,
                stock,
                price,
                attribution,
            };
            put(out, &order);
        }
    }

    fn delete(&mut self, index: usize, out: &mut Vec<u8>) -> Option<()> {
        let book = &mut self.stocks[index];
        let reference = book.take(&mut self.random)?.reference.into();
        let header = itch::OrderDelete::header(book.locate, 0, self.time_ns);
        put(out, &itch::OrderDelete { header, reference });
        Some(())
    }

    fn replace(&mut self, index: usize, out: &mut Vec<u8>) -> Option<()> {
        let book = &mut self.stocks[index];
        let old = book.take(&mut self.random)?;
        let new = book.replace(&old, next(&mut self.reference), &mut self.random);
        let replace = itch::OrderReplace {
            header: itch::OrderReplace::header(book.locate, 0, self.time_ns),
            reference: old.reference.into(),
            new_reference: new.reference.into(),
            shares: new.shares.into(),
            price: new.price.into(),
        };
        put(out, &replace);
        Some(())
    }

    fn cancel(&mut self, index: usize, out: &mut Vec<u8>) -> Option<()> {
        let book = &mut self.stocks[index];
        let (reference, shares) = book.cancel(&mut self.random)?;
        let header = itch::OrderCancel::header(book.locate, 0, self.time_ns);
        put(out, &itch::OrderCancel { header, reference: reference.into(), shares: shares.into() });
        Some(())
    }

    fn execute(&mut self, index: usize, side: crate::Side, out: &mut Vec<u8>) -> Option<()> {
        let book = &mut self.stocks[index];
        let (order, shares) = book.execute(side, &mut self.random)?;
        let match_number = next(&mut self.match_number);
        self.breakable = Some((book.locate, match_number));
        let (reference, shares) = (order.reference.into(), shares.into());
        if self.random.permille(920) {
            let header = itch::OrderExecuted::header(book.locate, 0, self.time_ns);
            let match_number = match_number.into();
            put(out, &itch::OrderExecuted { header, reference, shares, match_number });
        } else {
            let executed = itch::OrderExecutedWithPrice {
                header: itch::OrderExecutedWithPrice::header(book.locate, 0, self.time_ns),
                reference,
                shares,
                match_number: match_number.into(),
                printable: b'Y',
                price: book.middle.into(),
            };
            put(out, &executed);
        }
        Some(())
    }

    fn hidden_trade(&mut self, index: usize, out: &mut Vec<u8>) -> Option<()> {
        let book = &self.stocks[index];
        let match_number = next(&mut self.match_number);
        self.breakable = Some((book.locate, match_number));
        let trade = itch::Trade {
            header: itch::Trade::header(book.locate, 0, self.time_ns),
            reference: 0.into(),
            side: crate::Side::Buy.into(),
            shares: any_shares(&mut self.random).into(),
            stock: book.stock,
            price: book.middle.into(),
            match_number: match_number.into(),
        };
        put(out, &trade);
        Some(())
    }

    fn break_trade(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let (locate, match_number) = self.breakable.take()?;
        let header = itch::BrokenTrade::header(locate, 0, self.time_ns);
        put(out, &itch::BrokenTrade { header, match_number: match_number.into() });
        Some(())
    }
}

fn put(out: &mut Vec<u8>, message: &(impl IntoBytes + Immutable)) {
    out.extend_from_slice(message.as_bytes());
}

/// Counts up, from 1.
fn next(number: &mut u64) -> u64 {
    *number += 1;
    *number
}

/// Four letters, in alphabetical order.
fn symbol(index: u16) -> Stock {
    let mut symbol = *b"AAAA    ";
    let mut rest = index;
    for letter in symbol.iter_mut().take(4).rev() {
        *letter += (rest % 26) as u8;
        rest /= 26;
    }
    Stock(symbol)
}

#[cfg(test)]
mod tests;

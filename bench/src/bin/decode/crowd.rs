//! A market with very many live orders, harsher to books than [`tidewire_feeds::synth`] makes it.
//!
//! 1. Live orders pile up to a bound, over 8,000 stocks, most of them in few (as by Zipf's law); from then on as many
//!    go as come.
//! 2. Orders go at any age, each doubling of age as likely as the one before: most are young, some as old as the day.
//! 3. Orders rest up to 1,024 ticks from a middle that stays, most of them near it: a busy stock has many levels.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};
use tidewire_feeds::Side;
use tidewire_feeds::itch::{self, Message, Stock};

const STOCKS: u64 = 8_000;
/// In 1e-4 dollars.
const TICK: u32 = 100;
const MIDDLE: u32 = 1_000_000;
/// Orders rest up to two to this many ticks from the middle.
const DISTANCE_BITS: u64 = 10;
const START_NS: u64 = 34_200_000_000_000;

#[derive(Clone, Copy)]
struct Order {
    locate: u16,
    side: Side,
    /// Zero: the order is gone.
    shares: u32,
}

/// The market; an order's reference is its place in `orders`.
pub(crate) struct Crowd {
    random: Pcg64,
    orders: Vec<Order>,
    live: usize,
    live_max: usize,
    time_ns: u64,
    file: Vec<u8>,
}

impl Crowd {
    pub(crate) fn new(seed: u64, live_max: usize) -> Self {
        let random = Pcg64::seed_from_u64(seed);
        Self { random, orders: Vec::new(), live: 0, live_max, time_ns: START_NS, file: Vec::new() }
    }

    /// A file of `count` messages, each behind its length.
    pub(crate) fn messages(mut self, count: u64) -> Vec<u8> {
        for _ in 0..count {
            self.time_ns += 1_000;
            let adds = if self.live < self.live_max { 75 } else { 44 };
            match self.below(100) {
                0..7 => self.replace(),
                7..12 => self.reduce(),
                dice if dice < 12 + adds => self.add(),
                _ => self.delete(),
            }
        }
        self.file
    }

    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.random.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A number below `bound`, each doubling as likely as the one before.
    fn low(&mut self, bound: u64) -> u64 {
        let bits = self.below(u64::from(bound.ilog2()) + 1) as u32;
        ((1 << bits) - 1 + self.below(1 << bits)).min(bound - 1)
    }

    /// A live order, most often a young one.
    fn pick(&mut self) -> Option<usize> {
        (0..64).find_map(|_| {
            let age = self.low(self.orders.len().max(1) as u64) as usize;
            let at = self.orders.len().checked_sub(1 + age)?;
            (self.orders[at].shares > 0).then_some(at)
        })
    }

    fn price(&mut self, side: Side) -> u32 {
        let away = TICK * (1 + self.low(1 << DISTANCE_BITS) as u32);
        match side {
            Side::Buy => MIDDLE - away,
            Side::Sell => MIDDLE + away,
        }
    }

    fn shares(&mut self) -> u32 {
        100 * (1 + self.below(8) as u32)
    }

    fn put(&mut self, message: Message<'_>) {
        let bytes = message.as_bytes();
        self.file.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
        self.file.extend_from_slice(bytes);
    }

    fn add(&mut self) {
        let locate = self.low(STOCKS) as u16;
        let side = if self.below(2) == 0 { Side::Buy } else { Side::Sell };
        let (shares, price) = (self.shares(), self.price(side));
        let order = itch::AddOrder {
            header: itch::AddOrder::header(locate, 0, self.time_ns),
            reference: (self.orders.len() as u64).into(),
            side: side.into(),
            shares: shares.into(),
            stock: Stock(*b"CROWD   "),
            price: price.into(),
        };
        self.orders.push(Order { locate, side, shares });
        self.live += 1;
        self.put(Message::AddOrder(&order));
    }

    fn delete(&mut self) {
        let Some(at) = self.pick() else { return self.add() };
        let header = itch::OrderDelete::header(self.orders[at].locate, 0, self.time_ns);
        self.orders[at].shares = 0;
        self.live -= 1;
        self.put(Message::OrderDelete(&itch::OrderDelete {
            header,
            reference: (at as u64).into(),
        }));
    }

    fn replace(&mut self) {
        let Some(at) = self.pick() else { return self.add() };
        let Order { locate, side, .. } = self.orders[at];
        let (shares, price) = (self.shares(), self.price(side));
        let replace = itch::OrderReplace {
            header: itch::OrderReplace::header(locate, 0, self.time_ns),
            reference: (at as u64).into(),
            new_reference: (self.orders.len() as u64).into(),
            shares: shares.into(),
            price: price.into(),
        };
        self.orders[at].shares = 0;
        self.orders.push(Order { locate, side, shares });
        self.put(Message::OrderReplace(&replace));
    }

    /// Some or all of an order's shares are executed.
    fn reduce(&mut self) {
        let Some(at) = self.pick() else { return self.add() };
        let Order { locate, shares, .. } = self.orders[at];
        let executed = 1 + self.below(u64::from(shares)) as u32;
        let message = itch::OrderExecuted {
            header: itch::OrderExecuted::header(locate, 0, self.time_ns),
            reference: (at as u64).into(),
            shares: executed.into(),
            match_number: self.time_ns.into(),
        };
        self.orders[at].shares -= executed;
        self.live -= usize::from(executed == shares);
        self.put(Message::OrderExecuted(&message));
    }
}

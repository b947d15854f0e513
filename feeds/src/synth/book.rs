//! The live orders of one stock, as the generator keeps them.
//!
//! 1. Every bid is below the middle price and every offer above it: the book is never crossed, nor locked.
//! 2. The middle moves a tick at a time, onto a price that no order holds: orders in its way are executed first.
//! 3. The number of live orders has a bound.

use super::random::Random;
use crate::Side;
use crate::itch::Stock;

/// The most live orders of one stock.
pub(super) const LIVE_ORDERS_MAX: usize = 256;
/// Around this many live orders, adds and deletes are in balance.
const LIVE_ORDERS_USUAL: usize = 128;

/// A cent, in 1e-4 dollars.
const TICK: u32 = 100;
/// The middle stays above: far more than an order's distance from it.
const MIDDLE_MIN: u32 = 10_000 + TICK * TICKS_FROM_MIDDLE_MAX;
const MIDDLE_MAX: u32 = 10_000_000;
/// How far from the middle orders are placed.
const TICKS_FROM_MIDDLE_MAX: u32 = 48;

const _: () = assert!(LIVE_ORDERS_USUAL < LIVE_ORDERS_MAX);

#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    pub(super) reference: u64,
    pub(super) price: u32,
    pub(super) shares: u32,
    pub(super) side: Side,
}

pub(super) struct StockBook {
    pub(super) stock: Stock,
    pub(super) locate: u16,
    /// In 1e-4 dollars.
    pub(super) middle: u32,
    orders: Vec<Order>,
}

/// What happens next in a stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Add,
    Delete,
    Replace,
    Cancel,
    /// An order at the best price of the side.
    Execute(Side),
    HiddenTrade,
    Break,
}

impl StockBook {
    pub(super) fn new(stock: Stock, locate: u16, random: &mut Random) -> Self {
        let middle = 50_000 + TICK * random.below_u32(40_000);
        Self { stock, locate, middle, orders: Vec::new() }
    }

    pub(super) fn next_action(&mut self, random: &mut Random) -> Action {
        if let Some(side) = self.move_middle(random) {
            return Action::Execute(side);
        }
        let live = self.orders.len();
        let adds = match live {
            0..4 => return Action::Add,
            LIVE_ORDERS_MAX.. => 0,
            LIVE_ORDERS_USUAL.. => 4200,
            _ => 5200,
        };
        // The rest of ten thousand goes to deletes, but for these.
        match random.below(10_000) {
            9000..9700 => Action::Replace,
            9700..9850 => Action::Cancel,
            9850..9930 => Action::Execute(any_side(random)),
            9930..9998 => Action::HiddenTrade,
            9998.. => Action::Break,
            dice if dice < adds => Action::Add,
            _ => Action::Delete,
        }
    }

    /// Lets the middle wander. If orders are in its way, their side is to be executed.
    fn move_middle(&mut self, random: &mut Random) -> Option<Side> {
        if !random.permille(60) {
            return None;
        }
        let (to, in_the_way) = match any_side(random) {
            Side::Buy => (self.middle + TICK, Side::Sell),
            Side::Sell => (self.middle - TICK, Side::Buy),
        };
        if !(MIDDLE_MIN..=MIDDLE_MAX).contains(&to) {
            return None;
        }
        if self.orders.iter().any(|order| order.price == to) {
            return Some(in_the_way);
        }
        self.middle = to;
        None
    }

    /// A price that the side may have now, most often near the middle.
    fn price(&self, side: Side, random: &mut Random) -> u32 {
        let spread = random.below_u32(TICKS_FROM_MIDDLE_MAX);
        let ticks = 1 + random.below_u32(1 + spread);
        match side {
            Side::Buy => self.middle - TICK * ticks,
            Side::Sell => self.middle + TICK * ticks,
        }
    }

    pub(super) fn add(&mut self, reference: u64, random: &mut Random) -> Order {
        let side = any_side(random);
        let price = self.price(side, random);
        let order = Order { reference, price, shares: any_shares(random), side };
        self.orders.push(order);
        order
    }

    /// Any live order, taken out of the book.
    pub(super) fn take(&mut self, random: &mut Random) -> Option<Order> {
        if self.orders.is_empty() {
            return None;
        }
        let index = random.below(self.orders.len() as u64) as usize;
        Some(self.orders.swap_remove(index))
    }

    /// Puts a new order of the same side in the place of one that was taken out.
    pub(super) fn replace(&mut self, old: &Order, reference: u64, random: &mut Random) -> Order {
        let price = self.price(old.side, random);
        let order = Order { reference, price, shares: any_shares(random), side: old.side };
        self.orders.push(order);
        order
    }

    /// Takes part of any order's shares; gives its reference and the shares taken.
    pub(super) fn cancel(&mut self, random: &mut Random) -> Option<(u64, u32)> {
        let index = random.below(self.orders.len() as u64) as usize;
        let order = self.orders.get_mut(index).filter(|order| order.shares > 1)?;
        let shares = 1 + random.below_u32(order.shares - 1);
        order.shares -= shares;
        Some((order.reference, shares))
    }

    /// Executes some or all of an order at the side's best price; gives the order as it was, and the shares.
    pub(super) fn execute(&mut self, side: Side, random: &mut Random) -> Option<(Order, u32)> {
        let ours = self.orders.iter().enumerate().filter(|(_, order)| order.side == side);
        let (index, &order) = match side {
            Side::Buy => ours.max_by_key(|(_, order)| order.price),
            Side::Sell => ours.min_by_key(|(_, order)| order.price),
        }?;
        if order.shares == 1 || random.permille(600) {
            self.orders.swap_remove(index);
            return Some((order, order.shares));
        }
        let shares = 1 + random.below_u32(order.shares - 1);
        self.orders.get_mut(index)?.shares -= shares;
        Some((order, shares))
    }
}

fn any_side(random: &mut Random) -> Side {
    if random.permille(500) { Side::Buy } else { Side::Sell }
}

/// Round lots mostly.
pub(super) fn any_shares(random: &mut Random) -> u32 {
    if random.permille(200) { 1 + random.below_u32(99) } else { 100 * (1 + random.below_u32(8)) }
}

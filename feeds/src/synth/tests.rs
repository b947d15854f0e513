use std::collections::BTreeMap;

use super::*;
use crate::Side;
use crate::itch::Message;

/// FNV-1a, of 64 bits.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

#[test]
fn the_same_seed_gives_the_same_bytes_for_ever() {
    let mut file = Vec::new();
    Market::new(42, 50, 20_000).write_itch_file(&mut file).unwrap();
    let mut capture = Vec::new();
    Market::new(42, 50, 20_000).write_mold_pcap(&mut capture, 1_577_682_000_000_000_000).unwrap();
    assert_eq!(
        [checksum(&file), checksum(&capture)],
        [17_274_414_267_288_144_860, 4_494_928_946_607_738_896]
    );
}

#[test]
fn a_day_of_any_length_has_exactly_that_many_messages() {
    for messages in [0, 1, 2, 3, 7, 20, 33, 34, 500] {
        let mut market = Market::new(1, 10, messages);
        let mut message = Vec::new();
        let mut made = 0;
        while market.next_into(&mut message) {
            crate::itch::decode(&message).unwrap();
            message.clear();
            made += 1;
        }
        assert_eq!(made, messages);
    }
}

/// What the test knows of the live orders: stock, side, price and shares.
#[derive(Default)]
struct Books {
    live: BTreeMap<u64, (u16, Side, u32, u32)>,
    /// Orders at each price, bids and offers, by stock.
    levels: BTreeMap<(u16, bool), BTreeMap<u32, u32>>,
}

impl Books {
    fn add(&mut self, reference: u64, order: (u16, Side, u32, u32)) {
        assert!(self.live.insert(reference, order).is_none(), "a reference is used once");
        let (locate, side, price, _) = order;
        let levels = self.levels.entry((locate, side == Side::Buy)).or_default();
        *levels.entry(price).or_default() += 1;
    }

    fn remove(&mut self, reference: u64) -> (u16, Side, u32, u32) {
        let order = self.live.remove(&reference).expect("a live order");
        let levels = self.levels.get_mut(&(order.0, order.1 == Side::Buy)).unwrap();
        let count = levels.get_mut(&order.2).unwrap();
        *count -= 1;
        if *count == 0 {
            levels.remove(&order.2);
        }
        order
    }

    fn reduce(&mut self, reference: u64, shares: u32) {
        let left = &mut self.live.get_mut(&reference).expect("a live order").3;
        *left = left.checked_sub(shares).expect("no more shares than there are");
        if *left == 0 {
            self.remove(reference);
        }
    }

    fn is_crossed(&self, locate: u16) -> bool {
        let bid = self.levels.get(&(locate, true)).and_then(|bids| bids.keys().next_back());
        let ask = self.levels.get(&(locate, false)).and_then(|asks| asks.keys().next());
        bid.zip(ask).is_some_and(|(bid, ask)| bid >= ask)
    }
}

#[test]
fn a_day_is_consistent() {
    const MESSAGES: u64 = 200_000;
    let mut market = Market::new(7, 30, MESSAGES);
    let mut books = Books::default();
    let mut kinds = BTreeMap::new();
    let mut bytes = Vec::new();
    let mut last_ns = 0;
    while market.next_into(&mut bytes) {
        let message = crate::itch::decode(&bytes).unwrap();
        let locate = message.locate();
        assert!(message.timestamp_ns() > last_ns);
        last_ns = message.timestamp_ns();
        *kinds.entry(char::from(message.kind())).or_insert(0_u64) += 1;
        match message {
            Message::AddOrder(m) => {
                books.add(m.reference(), (locate, m.side().unwrap(), m.price(), m.shares()));
            }
            Message::AddOrderAttributed(m) => {
                books.add(m.reference(), (locate, m.side().unwrap(), m.price(), m.shares()));
            }
            Message::OrderExecuted(m) => books.reduce(m.reference(), m.shares()),
            Message::OrderExecutedWithPrice(m) => books.reduce(m.reference(), m.shares()),
            Message::OrderCancel(m) => books.reduce(m.reference(), m.shares()),
            Message::OrderDelete(m) => {
                books.remove(m.reference());
            }
            Message::OrderReplace(m) => {
                let (of, side, _, _) = books.remove(m.reference());
                assert_eq!(of, locate);
                books.add(m.new_reference(), (locate, side, m.price(), m.shares()));
            }
            _ => {}
        }
        assert!(!books.is_crossed(locate));
        bytes.clear();
    }
    assert!(books.live.len() <= 30 * book::LIVE_ORDERS_MAX);
    let seen: String = kinds.keys().collect();
    assert_eq!(seen, "ABCDEFHPQRSUX");
    let trading_ns = last_ns - OPEN_NS;
    let mean_ns = trading_ns / MESSAGES;
    assert!((15_000..25_000).contains(&mean_ns), "{mean_ns} ns between messages");
}

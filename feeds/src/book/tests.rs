//! The books against a model too simple to be wrong, and the order table against `HashMap`.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::orders::{Orders, Resting};
use super::{Bbo, Books, Counters, DepthBook, Level, Order, Refusal};
use crate::side::Side;

#[derive(Debug, Clone, Copy)]
enum Op {
    Add(u32, u64, Side, i64, u32),
    Execute(u64, u32),
    Cancel(u64, u32),
    Delete(u64),
    Replace(u64, u64, i64, u32),
    Modify(u32, u64, Side, i64, u32),
    Clear(u32),
}

fn side() -> impl Strategy<Value = Side> + Clone {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

/// Few references, prices and instruments, so that operations meet; sizes from zero on.
fn op() -> impl Strategy<Value = Op> {
    let (instrument, reference, price, size) = (0..3u32, 0..40u64, -15..15i64, 0..6u32);
    let order = (instrument.clone(), reference.clone(), side(), price.clone(), size.clone());
    prop_oneof![
        8 => order.clone().prop_map(|(i, r, s, p, n)| Op::Add(i, r, s, p, n)),
        4 => (reference.clone(), size.clone()).prop_map(|(r, n)| Op::Execute(r, n)),
        2 => (reference.clone(), size.clone()).prop_map(|(r, n)| Op::Cancel(r, n)),
        2 => reference.clone().prop_map(Op::Delete),
        3 => (reference.clone(), reference, price, size).prop_map(|(o, r, p, n)| Op::Replace(o, r, p, n)),
        3 => order.prop_map(|(i, r, s, p, n)| Op::Modify(i, r, s, p, n)),
        1 => instrument.prop_map(Op::Clear),
    ]
}

/// All orders in one map; levels are summed up when asked for.
#[derive(Default)]
struct Model {
    orders: BTreeMap<u64, Order>,
    counters: Counters,
}

impl Model {
    fn add(&mut self, instrument: u32, reference: u64, side: Side, price: i64, size: u32) -> bool {
        if size == 0 {
            self.counters.zero_sizes += 1;
            return false;
        }
        let duplicate = self.orders.contains_key(&reference);
        self.counters.duplicate_references += u64::from(duplicate);
        self.orders.entry(reference).or_insert(Order { price, size, instrument, side });
        !duplicate
    }

    fn reduce(&mut self, reference: u64, size: u32) -> bool {
        let Some(order) = self.orders.get_mut(&reference) else {
            self.counters.unknown_references += 1;
            return false;
        };
        self.counters.excess_sizes += u64::from(size > order.size);
        order.size = order.size.saturating_sub(size);
        if order.size == 0 {
            self.orders.remove(&reference);
        }
        true
    }

    fn remove(&mut self, reference: u64) -> Option<Order> {
        let order = self.orders.remove(&reference);
        self.counters.unknown_references += u64::from(order.is_none());
        order
    }

    fn apply(&mut self, op: Op) -> bool {
        match op {
            Op::Add(i, r, s, p, n) => self.add(i, r, s, p, n),
            Op::Execute(r, n) | Op::Cancel(r, n) => self.reduce(r, n),
            Op::Delete(r) => self.remove(r).is_some(),
            Op::Replace(old, r, p, n) => {
                self.remove(old).is_some_and(|old| self.add(old.instrument, r, old.side, p, n))
            }
            Op::Modify(i, r, s, p, n) => {
                self.remove(r);
                self.add(i, r, s, p, n)
            }
            Op::Clear(i) => {
                self.orders.retain(|_, order| order.instrument != i);
                true
            }
        }
    }

    fn levels(&self, instrument: u32, side: Side) -> Vec<Level> {
        let mut levels = BTreeMap::<i64, Level>::new();
        for order in self.orders.values() {
            if order.instrument == instrument && order.side == side {
                let price = order.price;
                let level = levels.entry(price).or_insert(Level { price, size: 0, orders: 0 });
                level.size += u64::from(order.size);
                level.orders += 1;
            }
        }
        match side {
            Side::Buy => levels.into_values().rev().collect(),
            Side::Sell => levels.into_values().collect(),
        }
    }
}

fn apply(books: &mut Books, op: Op) -> Result<(), Refusal> {
    match op {
        Op::Add(i, r, s, p, n) => books.add(i, r, s, p, n).map(drop),
        Op::Execute(r, n) => books.execute(r, n).map(drop),
        Op::Cancel(r, n) => books.cancel(r, n).map(drop),
        Op::Delete(r) => books.delete(r).map(drop),
        Op::Replace(old, r, p, n) => books.replace(old, r, p, n).map(drop),
        Op::Modify(i, r, s, p, n) => books.modify(i, r, s, p, n).map(drop),
        Op::Clear(i) => {
            books.clear(i);
            Ok(())
        }
    }
}

proptest! {
    #[test]
    fn books_equal_the_model_after_every_operation(ops in prop::collection::vec(op(), 1..120)) {
        let (mut books, mut model) = (Books::default(), Model::default());
        for op in ops {
            prop_assert_eq!(apply(&mut books, op).is_ok(), model.apply(op), "{:?}", op);
            prop_assert_eq!(books.counters(), model.counters);
            prop_assert_eq!(books.len(), model.orders.len());
            prop_assert_eq!(books.orders().collect::<BTreeMap<_, _>>(), model.orders.clone());
            for instrument in 0..4 {
                let [bids, asks] =
                    [Side::Buy, Side::Sell].map(|side| model.levels(instrument, side));
                let best = Bbo { bid: bids.first().copied(), ask: asks.first().copied() };
                prop_assert_eq!(books.best(instrument), best);
                prop_assert!(books.levels(instrument, Side::Buy).eq(&bids));
                prop_assert!(books.levels(instrument, Side::Sell).eq(&asks));
            }
        }
    }

    #[test]
    fn depth_equals_a_sorted_map(
        sets in prop::collection::vec((side(), -30..30i64, 0..4u64), 1..200)
    ) {
        let mut book = DepthBook::default();
        let mut model = [BTreeMap::<i64, u64>::new(), BTreeMap::new()];
        for (side, price, size) in sets {
            let levels = &mut model[usize::from(side == Side::Sell)];
            let before = if size == 0 { levels.remove(&price) } else { levels.insert(price, size) };
            prop_assert_eq!(book.set(side, price, size), Ok(before.unwrap_or(0)));
            let bids = book.levels(Side::Buy).map(|level| (level.price, level.size));
            prop_assert!(bids.eq(model[0].iter().rev().map(|(price, size)| (*price, *size))));
            let asks = book.levels(Side::Sell).map(|level| (level.price, level.size));
            prop_assert!(asks.eq(model[1].iter().map(|(price, size)| (*price, *size))));
        }
    }

    /// References of every stride, from anywhere, through several growths and removals in between.
    #[test]
    fn order_table_equals_a_hash_map(
        shift in 0..64u32,
        base in any::<u64>(),
        steps in prop::collection::vec((0..10u32, any::<u32>(), 1..9u32), 2_000..6_000),
    ) {
        let mut table = Orders::with_capacity(0);
        let mut model = HashMap::<u64, Resting>::new();
        for (added, (what, pick, size)) in (0u64..).zip(steps) {
            let level = pick % 5;
            match what {
                // A reference seen before, or about to be seen.
                0..3 => {
                    let known = ((u64::from(pick) % (added + 2)) << shift).wrapping_add(base);
                    let before = model.get(&known).copied();
                    prop_assert_eq!(table.reduce(known, size), before);
                    if let Some(order) = before {
                        if size < order.size {
                            model.insert(known, Resting { size: order.size - size, ..order });
                        } else {
                            model.remove(&known);
                        }
                    }
                }
                3 if pick % 1_024 == 0 => {
                    table.remove_levels(|other| other == level);
                    model.retain(|_, order| order.level != level);
                }
                _ => {
                    let reference = (added << shift).wrapping_add(base);
                    let order = Resting { level, size };
                    let expected = match model.entry(reference) {
                        Entry::Occupied(_) => Err(Refusal::DuplicateReference),
                        Entry::Vacant(place) => {
                            place.insert(order);
                            Ok(())
                        }
                    };
                    let vacancy = table.vacancy(reference).map(|vacancy| table.fill(vacancy, order));
                    prop_assert_eq!(vacancy, expected);
                }
            }
            prop_assert_eq!(table.len(), model.len());
        }
        prop_assert_eq!(table.iter().collect::<HashMap<_, _>>(), model);
    }
}

#[test]
fn bounds_and_extremes_are_refused_or_kept_exactly() {
    let mut books = Books::default();
    let max = super::limits::INSTRUMENTS_MAX;
    assert_eq!(books.add(max, 1, Side::Buy, 1, 1), Err(Refusal::Full));
    assert_eq!(books.add(u32::MAX, 1, Side::Buy, 1, 1), Err(Refusal::Full));
    assert_eq!(books.counters().refused_at_bound, 2);
    for (reference, side) in [(u64::MAX, Side::Buy), (0, Side::Sell)] {
        books.add(max - 1, reference, side, i64::MIN, u32::MAX).unwrap();
        let order = Order { price: i64::MIN, size: u32::MAX, instrument: max - 1, side };
        assert!(books.orders().any(|entry| entry == (reference, order)));
    }
    assert_eq!(books.execute(0, u32::MAX).map(|touched| touched.left), Ok(0));
    books.clear(max);
    assert_eq!(books.len(), 1);
    books.clear(max - 1);
    assert!(books.is_empty());
    assert_eq!(books.best(max - 1), Bbo::default());
}

/// The mean number of slots that a search looks at, for references that a hash could stumble over.
#[test]
fn no_stride_of_references_degrades_the_table() {
    for shift in 0..46 {
        for base in [0, 1 << 40, 0x1234_5678_9ABC_DEF0] {
            let mut table = Orders::with_capacity(0);
            let order = Resting { level: 0, size: 1 };
            for number in 0..40_000u64 {
                let vacancy = table.vacancy((number << shift).wrapping_add(base)).unwrap();
                table.fill(vacancy, order);
            }
            let mean = table.mean_search();
            assert!(mean < 16.0, "stride 2^{shift} from {base:#x}: {mean} slots a search");
        }
    }
}

//! Each aggregate against a slow, obvious computation, however its events are combined.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tidewire_event::time::NOT_DUE;
use tidewire_event::{Header, Place, hash_of};
use tidewire_state::Arena;
use zerocopy::IntoBytes;

use super::*;
use crate::aggregate::Aggregate;
use crate::keyed_window::{KeyedWindow, Stage, WindowRow};
use crate::testing::{Emitted, Trial, courses, times};
use crate::window::{Tumbling, Window};

mod exact;
mod rounded;
mod sketches;

#[derive(Debug, Clone, Copy, PartialEq)]
struct Event {
    ts: i64,
    place: u64,
    a: Option<i64>,
    b: Option<i64>,
    x: Option<f64>,
}

impl Event {
    fn of_x(at: usize, x: f64) -> Self {
        Self { ts: at as i64, place: at as u64, a: None, b: None, x: Some(x) }
    }

    fn header(&self) -> Header {
        let place = Place::from_bits(self.place);
        Header { ts: self.ts, watermark: i64::MIN, place, due: NOT_DUE }
    }
}

const WINDOW: Window = Window { start: i64::MIN, end: i64::MAX };

fn whole_numbers() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), -3..3_i64, Just(i64::MIN), Just(i64::MAX)]
}

/// Whatever a float can be.
fn floats() -> impl Strategy<Value = f64> {
    let special = prop::sample::select(vec![
        f64::NAN,
        -f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.0,
        -0.0,
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        -5e-324,
    ]);
    prop_oneof![special, any::<f64>(), -3.0..3.0_f64]
}

/// Events in the order of their places; their times have ties and are in no order.
fn events_with(x: impl Strategy<Value = f64>) -> impl Strategy<Value = Vec<Event>> {
    let null = |value| prop::option::weighted(0.8, value);
    let ts = prop_oneof![4 => -5..5_i64, 1 => any::<i64>()];
    let a = null(whole_numbers().boxed());
    let b = null(whole_numbers().boxed());
    let x = prop::option::weighted(0.8, x);
    prop::collection::vec((ts, a, b, x), 1..40).prop_map(|events| {
        let events = events.into_iter().enumerate();
        events.map(|(at, (ts, a, b, x))| Event { ts, place: at as u64, a, b, x }).collect()
    })
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..1_000_usize, 1..20)
}

fn in_order(events: &[Event]) -> Vec<Event> {
    let mut events = events.to_vec();
    events.sort_by_key(|event| (event.ts, event.place));
    events
}

/// Event by event, as a window takes them in.
fn one_by_one<A: Aggregate<In = Event>>(aggregate: &A, events: &[Event]) -> A::Partial {
    let mut partial = aggregate.lift(&events[0].header(), &events[0]);
    for event in &events[1..] {
        aggregate.insert(&mut partial, &event.header(), event);
    }
    partial
}

/// In parts of any size, put together in any way that keeps their order.
fn in_parts<A: Aggregate<In = Event>>(
    aggregate: &A,
    events: &[Event],
    cuts: &mut dyn Iterator<Item = usize>,
) -> A::Partial {
    if let [event] = events {
        return aggregate.lift(&event.header(), event);
    }
    let (earlier, later) = events.split_at(1 + cuts.next().unwrap() % (events.len() - 1));
    let earlier = in_parts(aggregate, earlier, cuts);
    aggregate.combine(&earlier, &in_parts(aggregate, later, cuts))
}

/// The answer of an aggregate whose partial results are the same to the bit however they were combined, and whose inverse
/// gives back, to the bit, what there was.
fn exact<A: Aggregate<In = Event>>(aggregate: &A, events: &[Event], cuts: &[usize]) -> A::Out {
    let events = if A::IS_ORDERED { in_order(events) } else { events.to_vec() };
    let whole = one_by_one(aggregate, &events);
    let parts = in_parts(aggregate, &events, &mut cuts.iter().copied().cycle());
    assert_eq!(whole.as_bytes(), parts.as_bytes(), "in parts");
    if !A::IS_ORDERED {
        let reversed: Vec<_> = events.iter().rev().copied().collect();
        let reversed = in_parts(aggregate, &reversed, &mut cuts.iter().copied().cycle());
        assert_eq!(whole.as_bytes(), reversed.as_bytes(), "in reverse");
    }
    if A::HAS_INVERSE {
        for cut in 1..events.len() {
            let (earlier, later) = events.split_at(cut);
            let (earlier, later) = (one_by_one(aggregate, earlier), one_by_one(aggregate, later));
            let both = aggregate.combine(&earlier, &later);
            assert_eq!(aggregate.remove(&both, &earlier).as_bytes(), later.as_bytes());
            assert_eq!(aggregate.remove(&both, &later).as_bytes(), earlier.as_bytes());
        }
    }
    aggregate.lower(WINDOW, &whole)
}

/// The answers for events one by one, in parts, and, unless it needs their order, in reverse.
fn answers<A: Aggregate<In = Event>>(
    aggregate: &A,
    events: &[Event],
    cuts: &[usize],
) -> Vec<A::Out> {
    let events = if A::IS_ORDERED { in_order(events) } else { events.to_vec() };
    let mut partials = vec![one_by_one(aggregate, &events)];
    partials.push(in_parts(aggregate, &events, &mut cuts.iter().copied().cycle()));
    if !A::IS_ORDERED {
        let reversed: Vec<_> = events.iter().rev().copied().collect();
        partials.push(in_parts(aggregate, &reversed, &mut cuts.iter().copied().cycle()));
    }
    partials.iter().map(|partial| aggregate.lower(WINDOW, partial)).collect()
}

proptest! {
    #[test]
    fn a_tuple_is_its_parts_and_a_map_changes_the_answer(
        events in events_with(floats()),
        cuts in cuts(),
    ) {
        let a = |event: &Event| event.a;
        let invertible = (count(), sum(a), vwap(a, |event| event.b));
        let (counted, summed, paid) = exact(&invertible, &events, &cuts);
        prop_assert_eq!(counted, exact(&invertible.0, &events, &cuts));
        prop_assert_eq!(summed, exact(&invertible.1, &events, &cuts));
        prop_assert_eq!(paid, exact(&invertible.2, &events, &cuts));
        let all = (count(), count_of(a), min(a), first(a), top(Size::<2>, a), sum(a).map(|sum| sum.is_some()));
        let (_, counted, _, _, _, is_some) = exact(&all, &events, &cuts);
        prop_assert_eq!(is_some, counted > 0);
    }
}

#[test]
fn a_tuple_has_what_all_have_and_needs_what_one_needs() {
    fn of<A: Aggregate<In = Event>>(_: &A) -> (bool, bool) {
        (A::HAS_INVERSE, A::IS_ORDERED)
    }
    let a = |event: &Event| event.a;
    let ema = ema(Alpha::of_span(3).unwrap(), |event: &Event| event.x);
    assert_eq!(of(&(count(), sum(a))), (true, false));
    assert_eq!(of(&(count(), min(a))), (false, false));
    assert_eq!(of(&(count(), ema).map(|(count, _)| count)), (false, true));
    assert_eq!(of(&sum(a).map(|sum| sum)), (true, false));
}

/// A trade as an operator takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Trade {
    ts: i64,
    key: u16,
    price: Option<i64>,
}

type Row = WindowRow<u16, (u64, Option<i128>, Option<i64>, Option<i64>, DistinctCount)>;

fn model(events: &[(i64, Trade)], size: i64, bound: i64) -> Emitted<Row, Trade> {
    let mut lists: BTreeMap<(i64, u16), Vec<Trade>> = BTreeMap::new();
    let mut found = Emitted::default();
    let mut newest: Option<i64> = None;
    for (ts, trade) in events {
        let start = ts.div_euclid(size) * size;
        if newest.is_some_and(|newest| newest - bound > start + size - 1) {
            found.late.push(*trade);
        } else {
            lists.entry((start, trade.key)).or_default().push(*trade);
        }
        newest = newest.max(Some(*ts));
    }
    for ((start, key), mut trades) in lists {
        let events = trades.len() as u64;
        trades.sort_by_key(|trade| trade.ts);
        let prices: Vec<_> = trades.iter().filter_map(|trade| trade.price).collect();
        let sum = prices.iter().map(|price| i128::from(*price)).sum();
        let mut different = prices.clone();
        different.sort_unstable();
        different.dedup();
        let different = match different.len() {
            fit @ 0..=3 => DistinctCount::Exact(fit as u64),
            _ => DistinctCount::MoreThan(3),
        };
        let (least, last) = (prices.iter().min().copied(), prices.last().copied());
        let value = (events, (!prices.is_empty()).then_some(sum), least, last, different);
        let window = Window { start, end: start + size };
        found.rows.push((window.end, WindowRow { window, key, value, stage: Stage::Complete }));
    }
    found.sorted()
}

proptest! {
    #[test]
    fn a_window_computes_a_tuple(
        times in times(200),
        values in prop::collection::vec((0..5_u16, prop::option::weighted(0.8, -9..9_i64)), 200),
        size in 1..500_i64,
        bound in 0..400_i64,
        course in courses(),
    ) {
        let events = times.into_iter().zip(values);
        let events: Vec<_> =
            events.map(|(ts, (key, price))| (ts, Trade { ts, key, price })).collect();
        let make = |arena: Arena| {
            let price = |trade: &Trade| trade.price;
            let different = distinct(Size::<3>, price);
            let aggregate = (count(), sum(price), min(price), last(price), different);
            KeyedWindow::new(Tumbling::new(size).unwrap(), |trade: &Trade| trade.key, aggregate, arena)
        };
        let trial = Trial { events: &events, bound, make, hash: |trade: &Trade| hash_of(&trade.key) };
        prop_assert_eq!(trial.run(1).sorted(), model(&events, size, bound));
        trial.survives(&course);
    }
}

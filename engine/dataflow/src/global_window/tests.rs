//! The operator against a slow, obvious model.

use proptest::prelude::*;
use rkyv::Portable;
use tidewire_event::record::i64_le;
use tidewire_event::{Place, hash_of};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::*;
use crate::testing::{Emitted, Trial, courses, times};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    ts: i64,
    key: u8,
    value: i64,
}

/// The events' values in a number that their order shows in.
struct Chain;

#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Link {
    number: i64_le,
    factor: i64_le,
}

const FACTOR: i64 = 1_000_003;

impl Aggregate for Chain {
    type In = Event;
    type Partial = Link;
    type Out = i64;

    fn lift(&self, _: &Header, event: &Event) -> Link {
        Link { number: event.value.into(), factor: FACTOR.into() }
    }

    fn combine(&self, a: &Link, b: &Link) -> Link {
        let number = a.number.to_native().wrapping_mul(b.factor.to_native());
        let factor = a.factor.to_native().wrapping_mul(b.factor.to_native());
        Link { number: number.wrapping_add(b.number.to_native()).into(), factor: factor.into() }
    }

    fn lower(&self, _: Window, link: &Link) -> i64 {
        link.number.to_native()
    }
}

/// Any of the triggers.
#[derive(Debug, Clone, Copy)]
enum Any {
    Count(u64),
    CountAll(u64),
    Every(i64),
    Mark,
    MarkAll,
}

fn is_mark(event: &Event) -> bool {
    event.value % 5 == 0
}

impl Trigger<Event> for Any {
    fn decide(&self, header: &Header, event: &Event, progress: &Progress) -> Decision {
        match *self {
            Self::Count(n) => Count::new(n).decide(header, event, progress),
            Self::CountAll(n) => Count::accumulating(n).decide(header, event, progress),
            Self::Every(ns) => {
                EveryInterval(Tumbling::new(ns).unwrap()).decide(header, event, progress)
            }
            Self::Mark => When::new(is_mark).decide(header, event, progress),
            Self::MarkAll => When::accumulating(is_mark).decide(header, event, progress),
        }
    }

    fn at_end(&self) -> bool {
        match *self {
            Self::Count(n) => Trigger::<Event>::at_end(&Count::new(n)),
            Self::CountAll(n) => Trigger::<Event>::at_end(&Count::accumulating(n)),
            Self::Every(_) => Trigger::<Event>::at_end(&EveryInterval(Tumbling::SECOND)),
            Self::Mark => When::new(is_mark).at_end(),
            Self::MarkAll => When::accumulating(is_mark).at_end(),
        }
    }
}

type Found<K> = Emitted<WindowRow<K, i64>, Event>;

fn trial<K: Key, F: Fn(&Event) -> K + Copy>(
    events: &[(i64, Event)],
    key_of: F,
    trigger: Any,
    at_end: Option<bool>,
) -> Trial<'_, Event, impl Fn(Arena) -> GlobalWindow<K, F, Chain, Any>, impl Fn(&Event) -> u64> {
    let make = move |arena| {
        let operator = GlobalWindow::new(key_of, Chain, trigger, arena);
        match at_end {
            Some(at_end) => operator.at_end(at_end),
            None => operator,
        }
    };
    Trial { events, bound: 50, make, hash: move |event: &Event| hash_of(&key_of(event)) }
}

/// The model: for each key, a list of its events, and how many of them a result has told of.
fn model<K: Key + Ord>(
    events: &[(i64, Event)],
    key_of: impl Fn(&Event) -> K,
    trigger: Any,
    at_end: Option<bool>,
) -> Found<K> {
    let mut found = Found::default();
    let mut lists: Vec<(K, Vec<Event>, usize)> = Vec::new();
    let result = |key: K, list: &[Event], stage: Stage| {
        let value = list.iter();
        let value = value.fold(0_i64, |n, e| n.wrapping_mul(FACTOR).wrapping_add(e.value));
        let (start, last) = (list.iter().map(|e| e.ts).min(), list.iter().map(|e| e.ts).max());
        let window = Window { start: start.unwrap(), end: last.unwrap().saturating_add(1) };
        WindowRow { window, key, value, stage }
    };
    for (_, event) in events {
        let key = key_of(event);
        let at = lists.iter().position(|(other, _, _)| *other == key).unwrap_or(lists.len());
        if at == lists.len() {
            lists.push((key, Vec::new(), 0));
        }
        let (_, list, told) = &mut lists[at];
        list.push(*event);
        let since = (list.len() - *told) as u64;
        let interval = |event: &Event, ns: i64| i128::from(event.ts).div_euclid(ns.into());
        let (fires, purges) = match trigger {
            Any::Count(n) => (since == n, true),
            Any::CountAll(n) => (since == n, false),
            Any::Every(ns) => {
                (interval(event, ns) > interval(&list[told.saturating_sub(1)], ns), false)
            }
            Any::Mark => (is_mark(event), true),
            Any::MarkAll => (is_mark(event), false),
        };
        if fires {
            let stage = if purges { Stage::Complete } else { Stage::Early };
            found.now.push(result(key, list, stage));
            *told = list.len();
        }
        if fires && purges {
            lists.remove(at);
        }
    }
    if at_end.unwrap_or(!matches!(trigger, Any::Count(_) | Any::Mark)) {
        for (key, list, told) in lists {
            if list.len() > told {
                found.rows.push((i64::MAX, result(key, &list, Stage::Complete)));
            }
        }
    }
    found
}

fn events() -> impl Strategy<Value = Vec<(i64, Event)>> {
    let values = prop::collection::vec((0..5_u8, any::<i64>()), 400);
    let time = prop_oneof![Just(i64::MIN), Just(0), Just(i64::MAX), any::<i64>()];
    let times = prop_oneof![4 => times(400), 1 => prop::collection::vec(time, 0..50)];
    (times, values).prop_map(|(times, values)| {
        let events = times.into_iter().zip(values);
        events.map(|(ts, (key, value))| (ts, Event { ts, key, value })).collect()
    })
}

fn triggers() -> impl Strategy<Value = Any> {
    prop_oneof![
        (1..10_u64).prop_map(Any::Count),
        (1..10_u64).prop_map(Any::CountAll),
        prop_oneof![1..500_i64, Just(i64::MAX)].prop_map(Any::Every),
        Just(Any::Mark),
        Just(Any::MarkAll),
    ]
}

/// Event key 0 has no key.
fn nullable(event: &Event) -> Option<u8> {
    Some(event.key).filter(|key| *key > 0)
}

proptest! {
    #[test]
    fn agrees_with_the_model(
        events in events(),
        trigger in triggers(),
        at_end: Option<bool>,
        fires in 0..3_usize,
    ) {
        let found = trial(&events, nullable, trigger, at_end).run(fires);
        let model = model(&events, nullable, trigger, at_end);
        prop_assert_eq!(&found.now, &model.now, "in the order of arrival");
        prop_assert_eq!(found.sorted(), model.sorted());
    }

    #[test]
    fn without_a_key_too(events in events(), trigger in triggers(), at_end: Option<bool>) {
        let found = trial(&events, |_| (), trigger, at_end).run(1);
        prop_assert_eq!(found, model(&events, |_| (), trigger, at_end));
    }

    #[test]
    fn a_snapshot_at_any_moment_goes_on_as_if_nothing_had_happened(
        events in events(),
        trigger in triggers(),
        at_end: Option<bool>,
        course in courses(),
    ) {
        trial(&events, nullable, trigger, at_end).survives(&course);
        trial(&events, |_| (), trigger, at_end).survives(&course);
    }
}

fn run_by_hand(trigger: Any, keys: u32) -> (Vec<usize>, Option<usize>) {
    let key_of = |event: &Event| event.value as u32;
    let mut operator = GlobalWindow::new(key_of, Chain, trigger, Arena::unlimited());
    let mut out = Emitted::default();
    for value in 0..i64::from(keys) {
        let (place, watermark) = (Place::new(0, 0), WATERMARK_NONE);
        let header = Header { ts: 0, watermark, place, due: NOT_DUE };
        operator.event(&header, &Event { ts: 0, key: 0, value }, &mut out);
    }
    operator.watermark(WATERMARK_END, NOT_DUE);
    let mut slices = Vec::new();
    while operator.is_firing() {
        assert_eq!(operator.complete_to(), WATERMARK_END - 1);
        let before = out.rows.len();
        operator.fire(&mut out);
        slices.push(out.rows.len() - before);
    }
    assert_eq!(operator.complete_to(), WATERMARK_END);
    (slices, operator.windows.as_ref().map(Table::len))
}

#[test]
fn what_is_left_at_the_end_leaves_in_bounded_slices() {
    let (slices, _) = run_by_hand(Any::CountAll(2), 10_000);
    assert_eq!(slices.iter().sum::<usize>(), 10_000);
    assert!(slices.iter().all(|rows| *rows <= FIRE_SLOTS));
}

#[test]
fn a_purged_key_leaves_no_record() {
    assert_eq!(run_by_hand(Any::Count(1), 1_000), (vec![], Some(0)));
}

#[test]
fn an_interval_that_ends_with_time_does_not_fire_at_every_event() {
    let event = |ts| (ts, Event { ts, key: 1, value: 1 });
    let events = [event(0), event(i64::MAX), event(i64::MAX), event(5)];
    let found = trial(&events, nullable, Any::Every(i64::MAX / 2), None).run(1);
    assert_eq!((found.now.len(), found.rows.len()), (1, 1));
}

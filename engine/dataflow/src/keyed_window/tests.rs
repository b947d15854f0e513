//! The operator against a slow, obvious model.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rkyv::Portable;
use tidewire_event::record::{i64_le, u64_le};
use tidewire_event::time::SECOND;
use tidewire_event::{Place, hash_of};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::*;
use crate::testing::{Emitted, Trial, courses, times};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    ts: i64,
    key: u16,
    value: i64,
}

/// First by event time, last by event time, sum, count: enough to see order and completeness.
struct Summary;

#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct At {
    ts: i64_le,
    value: i64_le,
}

#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Partial {
    first: At,
    last: At,
    sum: i64_le,
    count: u64_le,
}

impl Aggregate for Summary {
    type In = Event;
    type Partial = Partial;
    type Out = (i64, i64, i64, u64);

    fn lift(&self, header: &Header, event: &Event) -> Partial {
        let at = At { ts: header.ts.into(), value: event.value.into() };
        Partial { first: at, last: at, sum: event.value.into(), count: 1.into() }
    }

    fn combine(&self, a: &Partial, b: &Partial) -> Partial {
        Partial {
            first: if b.first.ts < a.first.ts { b.first } else { a.first },
            last: if b.last.ts >= a.last.ts { b.last } else { a.last },
            sum: a.sum.to_native().wrapping_add(b.sum.to_native()).into(),
            count: (a.count.to_native() + b.count.to_native()).into(),
        }
    }

    fn lower(&self, _: Window, partial: &Partial) -> Self::Out {
        let Partial { first, last, sum, count } = partial;
        (first.value.into(), last.value.into(), (*sum).into(), (*count).into())
    }
}

type Row = WindowRow<u16, (i64, i64, i64, u64)>;
type Found = Emitted<Row, Event>;

fn trial(
    events: &[(i64, Event)],
    size: i64,
    bound: i64,
) -> Trial<
    '_,
    Event,
    impl Fn(Arena) -> KeyedWindow<u16, fn(&Event) -> u16, Summary>,
    fn(&Event) -> u64,
> {
    let windows = Tumbling::new(size).unwrap();
    let make = move |arena| {
        KeyedWindow::new(windows, (|e: &Event| e.key) as fn(&Event) -> u16, Summary, arena)
    };
    Trial { events, bound, make, hash: |event| hash_of(&event.key) }
}

/// The model: every event is put into its window's list; the list is sorted at the end.
fn model(events: &[(i64, Event)], size: i64, bound: i64) -> Found {
    let mut lists: BTreeMap<(i64, u16), Vec<Event>> = BTreeMap::new();
    let mut found = Found::default();
    let mut newest: Option<i64> = None;
    for (ts, event) in events {
        let start = ts.div_euclid(size) * size;
        let watermark = newest.map(|newest| newest - bound - 1);
        if watermark.is_some_and(|watermark| watermark >= start + size - 1) {
            found.late.push(*event);
        } else {
            lists.entry((start + size, event.key)).or_default().push(*event);
        }
        newest = newest.max(Some(*ts));
    }
    found.rows.extend(lists.into_iter().map(|((end, key), mut list)| {
        list.sort_by_key(|event| event.ts);
        let sum = list.iter().fold(0_i64, |sum, event| sum.wrapping_add(event.value));
        let value = (list[0].value, list[list.len() - 1].value, sum, list.len() as u64);
        let window = Window { start: end - size, end };
        (end, WindowRow { window, key, value, stage: Stage::Complete })
    }));
    found.sorted()
}

fn events() -> impl Strategy<Value = Vec<(i64, Event)>> {
    let values = prop::collection::vec((0..20_u16, any::<i64>()), 400);
    (times(400), values).prop_map(|(times, values)| {
        let events = times.into_iter().zip(values);
        events.map(|(ts, (key, value))| (ts, Event { ts, key, value })).collect()
    })
}

proptest! {
    #[test]
    fn agrees_with_the_model(
        events in events(),
        size in prop_oneof![1..5_i64, 5..500_i64],
        bound in 0..400_i64,
        fires in 0..3_usize,
    ) {
        prop_assert_eq!(trial(&events, size, bound).run(fires).sorted(), model(&events, size, bound));
    }

    #[test]
    fn a_snapshot_at_any_moment_goes_on_as_if_nothing_had_happened(
        events in events(),
        size in prop_oneof![1..5_i64, 5..500_i64],
        bound in 0..400_i64,
        course in courses(),
    ) {
        trial(&events, size, bound).survives(&course);
    }
}

#[test]
fn the_ends_of_time_have_windows_too() {
    let event = |ts| (ts, Event { ts, key: 1, value: 1 });
    let events = [event(i64::MIN + 1), event(0), event(i64::MAX - 1)];
    let found = trial(&events, SECOND, 0).run(1);
    assert_eq!(found.rows.len(), 3);
    assert_eq!(found.late, []);
}

#[test]
fn a_large_window_fires_in_bounded_slices() {
    let windows = Tumbling::SECOND;
    let mut operator = KeyedWindow::new(windows, |e: &Event| e.key, Summary, Arena::unlimited());
    let mut out = Found::default();
    for key in 0..10_000 {
        let header =
            Header { ts: 0, watermark: WATERMARK_NONE, place: Place::new(0, 0), due: NOT_DUE };
        operator.event(&header, &Event { ts: 0, key, value: 1 }, &mut out);
    }
    operator.watermark(SECOND, NOT_DUE);
    let mut emitted = 0;
    while operator.is_firing() {
        operator.fire(&mut out);
        assert!(out.rows.len() - emitted <= FIRE_SLOTS);
        emitted = out.rows.len();
    }
    assert_eq!(emitted, 10_000);
}

//! The operator against a slow, obvious model.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rkyv::Portable;
use tidewire_event::record::{i64_le, u64_le};
use tidewire_event::time::{SECOND, WATERMARK_END};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::*;
use crate::watermark::{Bounded, WatermarkStrategy};

mod snapshots;

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

type Row = (Window, u16, (i64, i64, i64, u64));

#[derive(Default)]
struct Collected {
    rows: Vec<Row>,
    late: Vec<Event>,
}

impl Output<WindowRow<u16, (i64, i64, i64, u64)>, Event> for Collected {
    fn row(&mut self, at: i64, _: i64, row: WindowRow<u16, (i64, i64, i64, u64)>) {
        assert_eq!(at, row.window.end);
        self.rows.push((row.window, row.key, row.value));
    }

    fn late(&mut self, _: &Header, late: Event) {
        self.late.push(late);
    }

    fn refused(&mut self, header: &Header) {
        panic!("no bound is set: {header:?}");
    }
}

/// Runs the operator; with `fires` calls of `fire` after each event.
fn run(events: &[Event], size: i64, bound: i64, fires: usize) -> Collected {
    let windows = Tumbling::new(size).unwrap();
    let mut operator = KeyedWindow::new(windows, |e: &Event| e.key, Summary, Arena::unlimited());
    let mut strategy = Bounded::new(bound);
    let mut out = Collected::default();
    for (sequence, event) in events.iter().enumerate() {
        let watermark = strategy.watermark();
        let header = Header { ts: event.ts, watermark, sequence: sequence as u64, due: NOT_DUE };
        operator.event(&header, event, &mut out);
        strategy.observe(event.ts);
        operator.watermark(strategy.watermark(), NOT_DUE);
        for _ in 0..fires {
            let complete = operator.complete_to();
            let fired = out.rows.len();
            operator.fire(&mut out);
            assert!(out.rows[fired..].iter().all(|row| row.0.end > complete));
        }
    }
    operator.watermark(WATERMARK_END, NOT_DUE);
    while operator.is_firing() {
        operator.fire(&mut out);
    }
    assert_eq!(operator.complete_to(), i64::MAX);
    out.rows.sort_by_key(|row| (row.0.end, row.1));
    out
}

/// The model: every event is put into its window's list; the list is sorted at the end.
fn model(events: &[Event], size: i64, bound: i64) -> Collected {
    let mut lists: BTreeMap<(i64, u16), Vec<Event>> = BTreeMap::new();
    let mut late = Vec::new();
    let mut newest: Option<i64> = None;
    for event in events {
        let start = event.ts.div_euclid(size) * size;
        let watermark = newest.map(|newest| newest - bound - 1);
        if watermark.is_some_and(|watermark| watermark >= start + size - 1) {
            late.push(*event);
        } else {
            lists.entry((start + size, event.key)).or_default().push(*event);
        }
        newest = newest.max(Some(event.ts));
    }
    let rows = lists.into_iter().map(|((end, key), mut list)| {
        list.sort_by_key(|event| event.ts);
        let sum = list.iter().fold(0_i64, |sum, event| sum.wrapping_add(event.value));
        let value = (list[0].value, list[list.len() - 1].value, sum, list.len() as u64);
        (Window { start: end - size, end }, key, value)
    });
    Collected { rows: rows.collect(), late }
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    // Time goes on by small steps, with disorder, ties, and now and then a jump of a year.
    let step = prop_oneof![10 => 0..3_i64, 5 => 0..200_i64, 1 => Just(365 * 86_400 * SECOND)];
    let event = (step, -300..300_i64, 0..20_u16, any::<i64>());
    prop::collection::vec(event, 0..400).prop_map(|steps| {
        let mut now = -500;
        let events = steps.into_iter().map(|(step, back, key, value)| {
            now += step;
            Event { ts: now + back.min(0), key, value }
        });
        events.collect()
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
        let (found, expected) = (run(&events, size, bound, fires), model(&events, size, bound));
        prop_assert_eq!(found.rows, expected.rows);
        prop_assert_eq!(found.late, expected.late);
    }
}

#[test]
fn the_ends_of_time_have_windows_too() {
    let event = |ts| Event { ts, key: 1, value: 1 };
    let found = run(&[event(i64::MIN + 1), event(0), event(i64::MAX - 1)], SECOND, 0, 1);
    assert_eq!(found.rows.len(), 3);
    assert_eq!(found.late, []);
}

#[test]
fn a_large_window_fires_in_bounded_slices() {
    let windows = Tumbling::SECOND;
    let mut operator = KeyedWindow::new(windows, |e: &Event| e.key, Summary, Arena::unlimited());
    let mut out = Collected::default();
    for key in 0..10_000 {
        let header = Header { ts: 0, watermark: WATERMARK_NONE, sequence: 0, due: NOT_DUE };
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

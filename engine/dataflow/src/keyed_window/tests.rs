//! The operator against a slow, obvious model.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rkyv::Portable;
use tidewire_event::limits::FIRE_SLOTS;
use tidewire_event::record::{i64_le, u64_le};
use tidewire_event::time::SECOND;
use tidewire_event::{Place, hash_of};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::*;
use crate::testing::{Emitted, Trial, courses, times};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    ts: i64,
    key: Option<u16>,
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

/// What has an inverse: sum and count.
struct Total;

impl Aggregate for Total {
    type In = Event;
    type Partial = [i64_le; 2];
    type Out = (i64, i64, i64, u64);

    const HAS_INVERSE: bool = true;

    fn lift(&self, _: &Header, event: &Event) -> [i64_le; 2] {
        [event.value.into(), 1.into()]
    }

    fn combine(&self, a: &[i64_le; 2], b: &[i64_le; 2]) -> [i64_le; 2] {
        [0, 1].map(|at| a[at].to_native().wrapping_add(b[at].to_native()).into())
    }

    fn remove(&self, whole: &[i64_le; 2], part: &[i64_le; 2]) -> [i64_le; 2] {
        [0, 1].map(|at| whole[at].to_native().wrapping_sub(part[at].to_native()).into())
    }

    fn lower(&self, _: Window, [sum, count]: &[i64_le; 2]) -> Self::Out {
        (0, 0, sum.to_native(), count.to_native() as u64)
    }
}

type Row = WindowRow<Option<u16>, (i64, i64, i64, u64)>;
type Found = Emitted<Row, Event>;

/// The windows of a case, in words that the model shares with nobody.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Tumbling { size: i64 },
    Hopping { slide: i64, size: i64 },
    Cumulating { step: i64, size: i64 },
}

#[derive(Debug, Clone)]
struct Case {
    events: Vec<(i64, Event)>,
    shape: Shape,
    offset: i64,
    bound: i64,
    lateness: i64,
    early: Option<Early>,
}

impl Shape {
    /// The windows around `ts`, by their ends.
    fn around(self, ts: i64, offset: i64) -> Vec<Window> {
        let mut found = Vec::new();
        match self {
            Self::Tumbling { size } => {
                let start = (ts - offset).div_euclid(size) * size + offset;
                found.push(Window { start, end: start + size });
            }
            Self::Hopping { slide, size } => {
                let mut start = (ts - offset).div_euclid(slide) * slide + offset;
                while start + size > ts {
                    found.push(Window { start, end: start + size });
                    start -= slide;
                }
                found.reverse();
            }
            Self::Cumulating { step, size } => {
                let start = (ts - offset).div_euclid(size) * size + offset;
                let ends = (1..=size / step).map(|steps| start + steps * step);
                found.extend(ends.filter(|end| *end > ts).map(|end| Window { start, end }));
            }
        }
        found
    }
}

impl Case {
    fn trial<A: Aggregate<In = Event>>(
        &self,
        aggregate: impl Fn() -> A,
    ) -> Trial<
        '_,
        Event,
        impl Fn(Arena) -> KeyedWindow<Option<u16>, fn(&Event) -> Option<u16>, A>,
        fn(&Event) -> u64,
    > {
        let windows = match self.shape {
            Shape::Tumbling { size } => Tumbling::new(size).unwrap().into(),
            Shape::Hopping { slide, size } => Windows::hopping(slide, size).unwrap(),
            Shape::Cumulating { step, size } => Windows::cumulating(step, size).unwrap(),
        };
        let (windows, lateness, early) = (windows.offset(self.offset), self.lateness, self.early);
        let key_of: fn(&Event) -> Option<u16> = |event| event.key;
        let make = move |arena| {
            let window = KeyedWindow::new(windows, key_of, aggregate(), arena);
            let window = window.allowed_lateness(lateness);
            match early {
                Some(early) => window.early(early).unwrap(),
                None => window,
            }
        };
        Trial { events: &self.events, bound: self.bound, make, hash: |e| hash_of(&e.key) }
    }

    /// The model: every event is put into the list of each of its windows, and lists are gone through at each watermark.
    fn model(&self, answer: impl Fn(&[Event]) -> (i64, i64, i64, u64)) -> Found {
        let mut lists: BTreeMap<(Window, Option<u16>), List> = BTreeMap::new();
        let mut found = Found::default();
        let mut watermark: Option<i64> = None;
        let row = |window, key, events: &[Event], stage| {
            let mut events = events.to_vec();
            events.sort_by_key(|event| event.ts);
            WindowRow { window, key, value: answer(&events), stage }
        };
        for (ts, event) in &self.events {
            let mut is_late = true;
            for window in self.shape.around(*ts, self.offset) {
                let closes = window.end - 1;
                let place = (window, event.key);
                if watermark.is_none_or(|watermark| watermark < closes) {
                    let list = lists.entry(place).or_default();
                    list.events.push(*event);
                    list.since_early += 1;
                    is_late = false;
                    if let Some(Early::Count(count)) = self.early
                        && list.since_early == count
                    {
                        list.since_early = 0;
                        found.now.push(row(window, event.key, &list.events, Stage::Early));
                    }
                } else if watermark.is_none_or(|watermark| watermark < closes + self.lateness) {
                    let list = lists.entry(place).or_default();
                    list.events.push(*event);
                    is_late = false;
                    found.now.push(row(window, event.key, &list.events, Stage::Corrected));
                }
            }
            if is_late {
                found.late.push(*event);
            }
            let moved = watermark.max(Some(ts - self.bound - 1));
            for ((window, key), list) in &mut lists {
                let closes = window.end - 1;
                let passes = |at: i64| moved >= Some(at) && watermark.is_none_or(|it| it < at);
                if let Some(Early::Every(every)) = self.early {
                    let mut ticks = (1..).map(|n| window.start + n * every - 1);
                    if list.since_early > 0
                        && ticks.by_ref().take_while(|at| *at < closes).any(passes)
                    {
                        list.since_early = 0;
                        found.now.push(row(*window, *key, &list.events, Stage::Early));
                    }
                }
                if passes(closes) && !list.events.is_empty() {
                    let row = row(*window, *key, &list.events, Stage::Complete);
                    found.rows.push((window.end, row));
                }
            }
            watermark = moved;
        }
        for ((window, key), list) in lists {
            let closes = window.end - 1;
            if let Some(Early::Every(every)) = self.early {
                let mut ticks = (1..).map(|n| window.start + n * every - 1);
                let left = ticks.by_ref().take_while(|at| *at < closes);
                if list.since_early > 0
                    && left.into_iter().any(|at| watermark.is_none_or(|it| it < at))
                {
                    found.now.push(row(window, key, &list.events, Stage::Early));
                }
            }
            if watermark.is_none_or(|watermark| watermark < window.end - 1) {
                found.rows.push((window.end, row(window, key, &list.events, Stage::Complete)));
            }
        }
        found.sorted()
    }
}

#[derive(Default)]
struct List {
    events: Vec<Event>,
    since_early: u32,
}

fn summary(events: &[Event]) -> (i64, i64, i64, u64) {
    let (_, _, sum, count) = total(events);
    (events[0].value, events[events.len() - 1].value, sum, count)
}

fn total(events: &[Event]) -> (i64, i64, i64, u64) {
    let sum = events.iter().fold(0_i64, |sum, event| sum.wrapping_add(event.value));
    (0, 0, sum, events.len() as u64)
}

fn shapes() -> impl Strategy<Value = Shape> {
    let tumbling = prop_oneof![1..5_i64, 5..500_i64].prop_map(|size| Shape::Tumbling { size });
    let hopping = (1..100_i64, 1..12_i64, 0..3_i64)
        .prop_map(|(slide, times, more)| Shape::Hopping { slide, size: slide * times + more });
    let cumulating = (1..100_i64, 1..12_i64)
        .prop_map(|(step, times)| Shape::Cumulating { step, size: step * times });
    prop_oneof![tumbling, hopping, cumulating]
}

fn cases() -> impl Strategy<Value = Case> {
    let values = prop::collection::vec((prop::option::weighted(0.9, 0..12_u16), any::<i64>()), 300);
    let early = prop_oneof![
        2 => Just(None),
        1 => (1..5_u32).prop_map(|count| Some(Early::Count(count))),
        1 => (1..100_i64).prop_map(|every| Some(Early::Every(every))),
    ];
    let bound = prop_oneof![0..5_i64, 0..400_i64];
    let lateness = prop_oneof![2 => Just(0), 1 => 0..5_i64, 2 => 0..300_i64];
    (times(300), values, shapes(), -1000..1000_i64, bound, lateness, early).prop_map(
        |(times, values, shape, offset, bound, lateness, early)| {
            let events = times.into_iter().zip(values);
            let events = events.map(|(ts, (key, value))| (ts, Event { ts, key, value })).collect();
            let early = early.filter(|_| matches!(shape, Shape::Tumbling { .. }));
            Case { events, shape, offset, bound, lateness, early }
        },
    )
}

proptest! {
    #[test]
    fn agrees_with_the_model(case in cases(), fires in 0..3_usize) {
        case.trial(|| Summary).run(fires).sorted().is(&case.model(summary), "summary");
        case.trial(|| Total).run(fires).sorted().is(&case.model(total), "total");
    }

    #[test]
    fn a_snapshot_at_any_moment_goes_on_as_if_nothing_had_happened(case in cases(), course in courses()) {
        case.trial(|| Summary).survives(&course);
        case.trial(|| Total).survives(&course);
    }
}

#[test]
fn the_ends_of_time_have_windows_too() {
    let event = |ts| (ts, Event { ts, key: None, value: 1 });
    let events = [event(i64::MIN + 1), event(0), event(i64::MAX - 1)].to_vec();
    let shape = Shape::Tumbling { size: SECOND };
    let case = Case { events, shape, offset: 0, bound: 0, lateness: 0, early: None };
    let found = case.trial(|| Summary).run(1);
    assert_eq!((found.rows.len(), found.late.len()), (3, 0));
    let shape = Shape::Hopping { slide: SECOND, size: 4 * SECOND };
    let found = Case { shape, ..case }.trial(|| Summary).run(1);
    assert_eq!((found.rows.len(), found.late.len()), (12, 0));
}

#[test]
fn a_large_window_fires_in_bounded_slices() {
    let windows = Tumbling::SECOND;
    let mut operator = KeyedWindow::new(windows, |e: &Event| e.key, Summary, Arena::unlimited());
    let mut out = Found::default();
    for key in 0..10_000 {
        let header =
            Header { ts: 0, watermark: WATERMARK_NONE, place: Place::new(0, 0), due: NOT_DUE };
        operator.event(&header, &Event { ts: 0, key: Some(key), value: 1 }, &mut out);
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

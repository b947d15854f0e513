//! Windows of two sizes side by side, and windows beside raw events, against a slow model.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tidewire_event::hash_of;
use tidewire_event::record::u64_le;

use super::*;
use crate::aggregate::Aggregate;
use crate::keyed_window::{KeyedWindow, WindowRow};
use crate::testing::{Emitted, Trial, courses, times};
use crate::window::Window;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    key: u16,
    goes_left: bool,
}

struct Count;

impl Aggregate for Count {
    type In = Event;
    type Partial = u64_le;
    type Out = u64;

    fn lift(&self, _: &Header, _: &Event) -> u64_le {
        1.into()
    }

    fn combine(&self, a: &u64_le, b: &u64_le) -> u64_le {
        (*a + *b).into()
    }

    fn lower(&self, _: Window, count: &u64_le) -> u64 {
        count.to_native()
    }
}

type Row = WindowRow<u16, u64>;
type Windows = KeyedWindow<u16, fn(&Event) -> u16, Count>;
type Pair = Split<fn(&Event) -> bool, Windows, Windows>;

fn windows(size: i64, arena: Arena) -> Windows {
    KeyedWindow::new(Tumbling::new(size).unwrap(), |event| event.key, Count, arena)
}

fn pair(sizes: (i64, i64), arena: &Arena) -> Pair {
    let [left, right] = Split::<(), (), ()>::arenas(arena);
    Split::new(|event| event.goes_left, windows(sizes.0, left), windows(sizes.1, right))
}

fn trial<M>(
    events: &[(i64, Event)],
    bound: i64,
    make: M,
) -> Trial<'_, Event, M, fn(&Event) -> u64> {
    Trial { events, bound, make, hash: |event| hash_of(&event.key) }
}

/// The rows of both sides as (end, goes left, key, count), and the late events.
type Found = (Vec<(i64, bool, u16, u64)>, Vec<Event>);

fn model(events: &[(i64, Event)], sizes: (i64, i64), bound: i64) -> Found {
    let mut counts: BTreeMap<(i64, bool, u16), u64> = BTreeMap::new();
    let (mut late, mut newest) = (Vec::new(), None::<i64>);
    for (ts, event) in events {
        let size = if event.goes_left { sizes.0 } else { sizes.1 };
        let end = ts.div_euclid(size) * size + size;
        if newest.is_some_and(|newest| newest - bound >= end) {
            late.push(*event);
        } else {
            *counts.entry((end, event.goes_left, event.key)).or_default() += 1;
        }
        newest = newest.max(Some(*ts));
    }
    late.sort_unstable();
    (counts.into_iter().map(|((end, left, key), n)| (end, left, key, n)).collect(), late)
}

fn found(emitted: Emitted<Either<Row, Row>, Either<Event, Event>>) -> Found {
    let rows = emitted.rows.into_iter().map(|(at, row)| match row {
        Either::Left(row) => (at, true, row.key, row.value),
        Either::Right(row) => (at, false, row.key, row.value),
    });
    let late = emitted.late.into_iter().map(|late| match late {
        Either::Left(event) | Either::Right(event) => event,
    });
    let (mut rows, mut late): Found = (rows.collect(), late.collect());
    rows.sort_unstable();
    late.sort_unstable();
    (rows, late)
}

fn events() -> impl Strategy<Value = Vec<(i64, Event)>> {
    let values = prop::collection::vec((0..10_u16, any::<bool>()), 300);
    (times(300), values).prop_map(|(times, values)| {
        let events = times.into_iter().zip(values);
        events.map(|(ts, (key, goes_left))| (ts, Event { key, goes_left })).collect()
    })
}

proptest! {
    #[test]
    fn each_side_gets_its_events(
        events in events(),
        sizes in (1..500_i64, 1..500_i64),
        bound in 0..400_i64,
        fires in 0..3_usize,
    ) {
        let emitted = trial(&events, bound, |arena| pair(sizes, &arena)).run(fires);
        prop_assert_eq!(found(emitted), model(&events, sizes, bound));
    }

    #[test]
    fn a_snapshot_of_both_goes_on_as_if_nothing_had_happened(
        events in events(),
        sizes in (1..500_i64, 1..500_i64),
        bound in 0..400_i64,
        course in courses(),
    ) {
        trial(&events, bound, |arena| pair(sizes, &arena)).survives(&course);
    }

    #[test]
    fn raw_events_leave_at_once_beside_windows(
        events in events(),
        size in 1..500_i64,
        bound in 0..400_i64,
        course in courses(),
    ) {
        let make = |arena: Arena| {
            let [_, right] = Split::<(), (), ()>::arenas(&arena);
            let [small, large] = Split::<(), (), ()>::arenas(&right);
            let other = Split::new(|event: &Event| event.key < 5, windows(size, small), windows(7, large));
            Split::new(|event: &Event| event.goes_left, PassThrough::new(), other)
        };
        let trial = trial(&events, bound, make);
        let emitted = trial.run(1);
        let raw: Vec<_> = emitted.now.iter().filter_map(|row| match row {
            Either::Left(event) => Some(*event),
            Either::Right(_) => None,
        }).collect();
        let expected: Vec<_> = events.iter().map(|(_, event)| *event).filter(|e| e.goes_left).collect();
        prop_assert_eq!(raw, expected);
        trial.survives(&course);
    }
}

/// The coarse side does not hold the fine one's rows back.
#[test]
fn one_side_is_as_complete_as_the_other() {
    let mut split = pair((1_000, 10), &Arena::unlimited());
    let mut out = Emitted::default();
    split.watermark(59, 0);
    while split.is_firing() {
        split.fire(&mut out);
    }
    assert_eq!((split.complete_to(), split.closed_to(59)), (60, 60));
    assert_eq!(split.grid(), None);
    assert_eq!(pair((10, 10), &Arena::unlimited()).grid(), Tumbling::new(10).ok());
}

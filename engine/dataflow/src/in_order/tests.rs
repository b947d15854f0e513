//! What comes out is what came in, sorted; and a window behind it is the window without it.

use proptest::prelude::*;
use rkyv::Portable;
use tidewire_event::hash_of;
use tidewire_event::record::u16_ule;

use super::*;
use crate::aggregate::Aggregate;
use crate::keyed_window::KeyedWindow;
use crate::testing::{Trial, courses, times};
use crate::window::Window;

#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Portable,
    FromBytes,
    IntoBytes,
    Immutable,
    Unaligned,
)]
#[repr(C)]
struct Event {
    key: u16_ule,
    value: u16_ule,
}

/// A number that follows from all values in their order.
#[derive(Debug, Clone, Copy)]
struct Chain;

impl Aggregate for Chain {
    type In = Event;
    type Partial = u64_ule;
    type Out = u64;

    const IS_ORDERED: bool = true;

    fn lift(&self, _: &Header, event: &Event) -> u64_ule {
        (u64::from(event.value.to_native()) + 1).into()
    }

    fn combine(&self, earlier: &u64_ule, later: &u64_ule) -> u64_ule {
        chain(earlier.to_native(), later.to_native()).into()
    }

    fn lower(&self, _: Window, partial: &u64_ule) -> u64 {
        partial.to_native()
    }
}

fn chain(before: u64, value: u64) -> u64 {
    before.wrapping_mul(1_000_003).wrapping_add(value)
}

fn key_of(event: &Event) -> u16 {
    event.key.to_native()
}

fn events() -> impl Strategy<Value = Vec<(i64, Event)>> {
    let values = prop::collection::vec((0..5_u16, any::<u16>()), 300);
    (times(300), values).prop_map(|(times, values)| {
        let events = times.into_iter().zip(values);
        events
            .map(|(ts, (key, value))| (ts, Event { key: key.into(), value: value.into() }))
            .collect()
    })
}

/// In-time events sorted, then in windows: (end, key, chain). And the late ones.
fn model(events: &[(i64, Event)], size: i64, bound: i64) -> (Vec<(i64, u16, u64)>, usize) {
    let (mut newest, mut late, mut in_time) = (None::<i64>, 0, Vec::new());
    for (place, (ts, event)) in events.iter().enumerate() {
        if newest.is_some_and(|newest| *ts < newest - bound) {
            late += 1;
        } else {
            in_time.push((*ts, place, *event));
        }
        newest = newest.max(Some(*ts));
    }
    in_time.sort_unstable();
    let mut windows = std::collections::BTreeMap::new();
    for (ts, _, event) in in_time {
        let end = ts.div_euclid(size) * size + size;
        let value = u64::from(event.value.to_native()) + 1;
        let entry = windows.entry((end, key_of(&event)));
        entry.and_modify(|number| *number = chain(*number, value)).or_insert(value);
    }
    (windows.into_iter().map(|((end, key), number)| (end, key, number)).collect(), late)
}

proptest! {
    #[test]
    fn an_ordered_aggregate_sees_its_events_in_order(
        events in events(),
        size in 1..300_i64,
        bound in 0..400_i64,
        fires in 0..3_usize,
        course in courses(),
    ) {
        let windows = Tumbling::new(size).unwrap();
        let make = |arena: Arena| {
            let window = KeyedWindow::new(windows, key_of, Chain, arena.clone());
            InOrder::new(key_of, arena, window)
        };
        let trial = Trial { events: &events, bound, make, hash: |event: &Event| hash_of(&key_of(event)) };
        let found = trial.run(fires).sorted();
        let (expected, late) = model(&events, size, bound);
        let rows: Vec<_> = found.rows.iter().map(|(at, row)| (*at, row.key, row.value)).collect();
        prop_assert_eq!(rows, expected);
        prop_assert_eq!(found.late.len(), late);
        trial.survives(&course);
    }
}

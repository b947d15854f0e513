//! Two stages against a slow model of both.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rkyv::Portable;
use tidewire_event::hash_of;
use tidewire_event::record::{i64_ule, u16_ule};
use tidewire_event::time::NOT_DUE;
use tidewire_state::Table;
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use super::*;
use crate::aggregate::Aggregate;
use crate::aggregates::sum;
use crate::global_window::Count;
use crate::global_window::GlobalWindow;
use crate::in_order::InOrder;
use crate::in_turn::{InTurn, InTurnRow};
use crate::keyed_window::{KeyedWindow, WindowRow};
use crate::process::{Process, Processed};
use crate::rolling::{Frame, RollingComplete, RollingRow};
use crate::testing::{Emitted, Trial, courses, times};
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
    value: i64_ule,
}

fn event(key: u16, value: i64) -> Event {
    Event { key: key.into(), value: value.into() }
}

fn key_of(event: &Event) -> u16 {
    event.key.to_native()
}

fn value_of(event: &Event) -> i64 {
    event.value.to_native()
}

/// A number that follows from all values in their order.
fn digest(before: i64, value: i64) -> i64 {
    before.wrapping_mul(1_000_003).wrapping_add(value)
}

#[derive(Debug, Clone, Copy)]
struct Digest;

impl Aggregate for Digest {
    type In = Event;
    type Partial = i64_ule;
    type Out = i64;

    const IS_ORDERED: bool = true;

    fn lift(&self, _: &Header, event: &Event) -> i64_ule {
        event.value
    }

    fn combine(&self, earlier: &i64_ule, later: &i64_ule) -> i64_ule {
        digest(earlier.to_native(), later.to_native()).into()
    }

    fn lower(&self, _: Window, partial: &i64_ule) -> i64 {
        partial.to_native()
    }
}

/// The digest of all that a key has had so far, with each event.
struct Running {
    digests: Table<u16, i64_ule>,
    arena: Arena,
}

impl Running {
    fn new(arena: Arena) -> Self {
        Self { digests: arena.table().unwrap(), arena }
    }
}

impl Process for Running {
    type In = Event;
    type Out = Event;

    fn process(&mut self, ts: i64, event: &Event, mut emit: impl FnMut(i64, Event)) {
        let running = self.digests.entry(&key_of(event), || 0.into()).unwrap();
        *running = digest(running.to_native(), value_of(event)).into();
        emit(ts, Event { value: *running, ..*event });
    }
}

impl Durable for Running {
    fn freeze(&mut self) {
        self.digests.freeze();
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        self.digests.capture(records, self.arena.id(9), log)
    }

    fn give_up(&mut self) {
        self.digests.give_up();
    }

    fn overflowed(&self) -> bool {
        self.digests.overflowed()
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        for (_, table) in image.take(self.arena.number(9)) {
            self.digests = Table::adopt(table, self.arena.is_tracked)?;
        }
        Ok(())
    }
}

type Sums = KeyedWindow<u16, fn(&Event) -> u16, Digest>;

fn windows(size: i64, arena: Arena) -> Sums {
    KeyedWindow::new(Tumbling::new(size).unwrap(), key_of, Digest, arena)
}

fn of_window(row: &WindowRow<u16, i64>) -> Event {
    event(row.key, row.value)
}

/// A window's digest depends on the order in which events arrive: here they come in that of time.
fn bars(size: i64, arena: Arena) -> InOrder<u16, fn(&Event) -> u16, Sums> {
    InOrder::new(key_of, arena.clone(), windows(size, arena))
}

/// Results as (at, key, value).
type Rows = Vec<(i64, u16, i64)>;

/// In-time events in the order of time, and how many are late.
fn sorted(events: &[(i64, Event)], bound: i64) -> (Vec<(i64, Event)>, usize) {
    let (mut newest, mut late, mut in_time) = (None::<i64>, 0, Vec::new());
    for (ts, event) in events {
        match newest {
            Some(newest) if *ts < newest - bound => late += 1,
            _ => in_time.push((*ts, *event)),
        }
        newest = newest.max(Some(*ts));
    }
    in_time.sort_by_key(|(ts, _)| *ts);
    (in_time, late)
}

/// The windows of events that come in order.
fn tumbled(events: &[(i64, Event)], size: i64) -> Rows {
    let mut digests = BTreeMap::new();
    for (ts, event) in events {
        let end = ts.div_euclid(size) * size + size;
        let value = value_of(event);
        let entry = digests.entry((end, key_of(event)));
        entry.and_modify(|before| *before = digest(*before, value)).or_insert(value);
    }
    digests.into_iter().map(|((end, key), value)| (end, key, value)).collect()
}

/// Rows as the events that come of them.
fn events_of(rows: &Rows) -> Vec<(i64, Event)> {
    rows.iter().map(|(at, key, value)| (at - 1, event(*key, *value))).collect()
}

/// The running digests of events that come in order.
fn ran(events: &[(i64, Event)], first: fn(i64) -> i64) -> Rows {
    let mut digests = BTreeMap::new();
    let run = |(ts, event): &(i64, Event)| {
        let value = value_of(event);
        let running = digests.entry(key_of(event));
        let running = running.and_modify(|running| *running = digest(*running, value));
        (ts + 1, key_of(event), *running.or_insert(first(value)))
    };
    events.iter().map(run).collect()
}

fn found<R: Clone + Ord, L: Clone + Ord>(
    emitted: Emitted<R, L>,
    read: impl Fn(&R) -> (u16, i64),
) -> (Rows, usize) {
    assert!(emitted.now.is_empty(), "the rows of a chain have times");
    let read = |(at, row): &(i64, R)| {
        let (key, value) = read(row);
        (*at, key, value)
    };
    let mut rows: Rows = emitted.rows.iter().map(read).collect();
    rows.sort_unstable();
    (rows, emitted.late.len())
}

fn events() -> impl Strategy<Value = Vec<(i64, Event)>> {
    let values = prop::collection::vec((0..6_u16, -1_000..1_000_i64), 300);
    (times(300), values).prop_map(|(times, values)| {
        let events = times.into_iter().zip(values);
        events.map(|(ts, (key, value))| (ts, event(key, value))).collect()
    })
}

fn trial<M>(
    events: &[(i64, Event)],
    bound: i64,
    make: M,
) -> Trial<'_, Event, M, fn(&Event) -> u64> {
    Trial { events, bound, make, hash: |event| hash_of(&key_of(event)) }
}

proptest! {
    #[test]
    fn windows_over_windows(
        events in events(),
        sizes in (1..200_i64, 1..700_i64),
        bound in 0..400_i64,
        fires in 0..3_usize,
        course in courses(),
    ) {
        let trial = trial(&events, bound, |arena| {
            let [first, second] = Then::<Sums, (), Sums>::arenas(&arena);
            Then::new(bars(sizes.0, first), of_window, windows(sizes.1, second))
        });
        let (in_time, late) = sorted(&events, bound);
        let expected = tumbled(&events_of(&tumbled(&in_time, sizes.0)), sizes.1);
        let emitted = found(trial.run(fires), |row| (row.key, row.value));
        prop_assert_eq!(emitted, (expected, late));
        trial.survives(&course);
    }

    #[test]
    fn a_step_with_state_over_windows(
        events in events(),
        size in 1..200_i64,
        bound in 0..400_i64,
        fires in 0..3_usize,
        course in courses(),
    ) {
        let trial = trial(&events, bound, |arena| {
            let [first, second] = Then::<Sums, (), Sums>::arenas(&arena);
            let second = Processed::new(Running::new(second), InTurn::new());
            Then::new(bars(size, first), of_window, second)
        });
        let (in_time, late) = sorted(&events, bound);
        let expected = ran(&events_of(&tumbled(&in_time, size)), |value| value);
        let emitted = found(trial.run(fires), |row: &InTurnRow<Event>| {
            (key_of(&row.event), value_of(&row.event))
        });
        prop_assert_eq!(emitted, (expected, late));
        trial.survives(&course);
    }

    #[test]
    fn what_the_second_sends_at_once_has_the_time_of_what_made_it(
        events in events(),
        size in 1..200_i64,
        bound in 0..400_i64,
        fires in 0..3_usize,
        course in courses(),
    ) {
        let trial = trial(&events, bound, |arena| {
            let [first, second] = Then::<Sums, (), Sums>::arenas(&arena);
            let second = GlobalWindow::new(key_of, Digest, Count::accumulating(1), second);
            Then::new(bars(size, first), of_window, second)
        });
        let (in_time, late) = sorted(&events, bound);
        let expected = ran(&events_of(&tumbled(&in_time, size)), |value| value);
        let emitted = found(trial.run(fires), |row| (row.key, row.value));
        prop_assert_eq!(emitted, (expected, late));
        trial.survives(&course);
    }

    #[test]
    fn three_stages_of_which_the_first_gives_a_result_for_each_event(
        events in events(),
        sizes in (1..200_i64, 1..700_i64),
        range in 0..300_i64,
        bound in 0..400_i64,
        course in courses(),
    ) {
        let trial = trial(&events, bound, |arena| {
            let [first, others] = Then::<Sums, (), Sums>::arenas(&arena);
            let [second, third] = Then::<Sums, (), Sums>::arenas(&others);
            let rolling = RollingComplete::new(Frame::Range(range), key_of, sum(value_of), first.clone());
            let rolling = InOrder::new(key_of, first, rolling.unwrap());
            let others = Then::new(windows(sizes.0, second), of_window, windows(sizes.1, third));
            Then::new(
                rolling,
                |row: &RollingRow<Event, Option<i128>>| {
                    event(key_of(&row.event), row.value.map_or(0, |sum| sum as i64))
                },
                others,
            )
        });
        let (in_time, late) = sorted(&events, bound);
        let rolled: Rows = in_time.iter().map(|(ts, event)| {
            let framed = in_time.iter().filter(|(other_ts, other)| {
                other.key == event.key && (ts - range..=*ts).contains(other_ts)
            });
            (ts + 1, key_of(event), framed.map(|(_, event)| value_of(event)).sum())
        }).collect();
        let expected = tumbled(&events_of(&tumbled(&events_of(&rolled), sizes.0)), sizes.1);
        let emitted = found(trial.run(1), |row| (row.key, row.value));
        prop_assert_eq!(emitted, (expected, late));
        trial.survives(&course);
    }

    /// Early and corrected results of the first are not lost, and not taken in either.
    #[test]
    fn what_the_first_sends_at_once_is_late(
        events in events(),
        sizes in (1..200_i64, 1..700_i64),
        bound in 0..100_i64,
        course in courses(),
    ) {
        let make = |arena: Arena| {
            let [first, second] = Then::<Sums, (), Sums>::arenas(&arena);
            let first = windows(sizes.0, first).allowed_lateness(100);
            Then::new(first, of_window, windows(sizes.1, second))
        };
        let chained = trial(&events, bound, make);
        let first = |arena| windows(sizes.0, arena).allowed_lateness(100);
        let alone = trial(&events, bound, first).run(1);
        let emitted = chained.run(1);
        let corrected = emitted.late.iter().filter(|late| matches!(late, ChainLate::AtOnce(_)));
        prop_assert_eq!(corrected.count(), alone.now.len());
        prop_assert_eq!(emitted.late.len(), alone.now.len() + alone.late.len());
        chained.survives(&course);
    }
}

/// The second is frozen behind the rows that the first had closed at the barrier, and before any other.
#[test]
fn a_barrier_in_the_middle_of_a_window_that_closes() {
    let arena = Arena { is_tracked: true, ..Arena::unlimited() };
    let [first, second] = Then::<Sums, (), Sums>::arenas(&arena);
    let mut chain = Then::new(windows(10, first), of_window, windows(100, second));
    let mut out = Emitted::default();
    for key in 0..200 {
        for ts in [5, 15] {
            let place = Place::new(0, 0);
            let header = Header { ts, watermark: WATERMARK_NONE, place, due: NOT_DUE };
            chain.event(&header, &event(key, 1), &mut out);
        }
    }
    chain.watermark(9, NOT_DUE);
    chain.fire(&mut out);
    chain.freeze();
    let cut = Cut { to: 10, watermark: 9 };
    assert_eq!((chain.second.cut, chain.closed_to(9)), (Some(cut), 10));
    chain.watermark(19, NOT_DUE);
    while chain.is_firing() {
        chain.fire(&mut out);
        assert!(chain.second.cut.is_none() || chain.second.passed < 10);
    }
    assert_eq!((chain.second.cut, chain.second.passed, chain.complete_to()), (None, 19, 20));
}

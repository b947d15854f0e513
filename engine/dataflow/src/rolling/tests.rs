//! Both operators against a slow, obvious model: all events in a list, and a loop over it for each result.

mod limits;

use std::cell::Cell;

use proptest::prelude::*;
use rkyv::Portable;
use tidewire_event::hash_of;
use tidewire_event::record::{u16_ule, u64_ule};
use tidewire_event::time::{DAY, NOT_DUE, SECOND, WATERMARK_END, WATERMARK_NONE};
use tidewire_state::Arena;
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use super::*;
use crate::in_order::InOrder;
use crate::operator::Operator;
use crate::testing::{Course, Emitted, Trial, courses, times};

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
    value: u64_ule,
}

type Key = Option<u16>;

fn key_of(event: &Event) -> Key {
    let key = event.key.to_native();
    (key != 0).then_some(key)
}

/// A window and two numbers.
type Answer = (i64, i64, u64, u64);

fn answer(window: Window, partial: &[u64_ule; 2]) -> Answer {
    (window.start, window.end, partial[0].to_native(), partial[1].to_native())
}

thread_local! {
    static COMBINES: Cell<u64> = const { Cell::new(0) };
}

/// Maps x -> a * x + b, one after the other: the order matters, and no entry may be missed or doubled.
#[derive(Clone, Copy)]
struct Maps;

impl Aggregate for Maps {
    type In = Event;
    type Partial = [u64_ule; 2];
    type Out = Answer;
    const IS_ORDERED: bool = true;

    fn lift(&self, _: &Header, event: &Event) -> [u64_ule; 2] {
        let value = event.value.to_native();
        [(value | 1).into(), value.rotate_left(32).into()]
    }

    fn combine(&self, a: &[u64_ule; 2], b: &[u64_ule; 2]) -> [u64_ule; 2] {
        COMBINES.set(COMBINES.get() + 1);
        let ([a0, a1], [b0, b1]) = (a.map(|n| n.to_native()), b.map(|n| n.to_native()));
        [a0.wrapping_mul(b0).into(), a1.wrapping_mul(b0).wrapping_add(b1).into()]
    }

    fn lower(&self, window: Window, partial: &[u64_ule; 2]) -> Answer {
        answer(window, partial)
    }
}

/// Sum and count, with an inverse.
#[derive(Clone, Copy)]
struct Sum;

impl Aggregate for Sum {
    type In = Event;
    type Partial = [u64_ule; 2];
    type Out = Answer;
    const HAS_INVERSE: bool = true;

    fn lift(&self, _: &Header, event: &Event) -> [u64_ule; 2] {
        [event.value, 1.into()]
    }

    fn combine(&self, a: &[u64_ule; 2], b: &[u64_ule; 2]) -> [u64_ule; 2] {
        COMBINES.set(COMBINES.get() + 1);
        std::array::from_fn(|at| a[at].to_native().wrapping_add(b[at].to_native()).into())
    }

    fn remove(&self, a: &[u64_ule; 2], b: &[u64_ule; 2]) -> [u64_ule; 2] {
        std::array::from_fn(|at| a[at].to_native().wrapping_sub(b[at].to_native()).into())
    }

    fn lower(&self, window: Window, partial: &[u64_ule; 2]) -> Answer {
        answer(window, partial)
    }
}

type Row = RollingRow<Event, Answer>;
type Found = Emitted<Row, Event>;

/// The result of the event `of`, over those in `list`, which stand in their order.
fn framed<A>(aggregate: &A, frame: Frame, list: &[(i64, Place, Event)], of: usize) -> Row
where
    A: Aggregate<In = Event, Out = Answer>,
{
    let (ts, place, event) = list[of];
    let is_of_key = |(_, _, other): &&(i64, Place, Event)| key_of(other) == key_of(&event);
    let (start, inside): (i64, Vec<_>) = match frame {
        Frame::Range(ns) => {
            let start = i128::from(ts) - i128::from(ns);
            let is_in = |it: &&(i64, Place, Event)| i128::from(it.0) >= start && it.0 <= ts;
            let start = i64::try_from(start).unwrap_or(i64::MIN);
            (start, list.iter().filter(is_of_key).filter(is_in).collect())
        }
        Frame::Rows { preceding } => {
            let until: Vec<_> = list[..=of].iter().filter(is_of_key).collect();
            let from = until.len().saturating_sub(preceding.saturating_add(1) as usize);
            (until[from].0, until[from..].to_vec())
        }
    };
    let lift = |(ts, place, event): &(i64, Place, Event)| {
        let header = Header { ts: *ts, watermark: WATERMARK_NONE, place: *place, due: NOT_DUE };
        aggregate.lift(&header, event)
    };
    let partials = inside.into_iter().map(lift);
    let partial = partials.reduce(|a, b| aggregate.combine(&a, &b)).unwrap();
    let window = Window { start, end: ts.saturating_add(1) };
    RollingRow { ts, place, event, value: aggregate.lower(window, &partial) }
}

/// The model: what either operator emits.
fn model<A>(
    aggregate: &A,
    frame: Frame,
    events: &[(i64, Event)],
    bound: i64,
    on_arrival: bool,
) -> Found
where
    A: Aggregate<In = Event, Out = Answer>,
{
    let mut found = Found::default();
    let (mut list, mut newest): (Vec<(i64, Place, Event)>, Option<i64>) = (Vec::new(), None);
    for (number, (ts, event)) in events.iter().enumerate() {
        if newest.is_some_and(|newest| *ts < newest.saturating_sub(bound)) {
            found.late.push(*event);
            continue;
        }
        newest = newest.max(Some(*ts));
        let place = Place::new(0, number as u64);
        let at = list.partition_point(|other| (other.0, other.1) < (*ts, place));
        list.insert(at, (*ts, place, *event));
        if on_arrival {
            found.now.push(framed(aggregate, frame, &list, at));
        }
    }
    if !on_arrival {
        let rows = (0..list.len()).map(|at| framed(aggregate, frame, &list, at));
        found.rows.extend(rows.map(|row| (row.ts.saturating_add(1), row)));
    }
    found
}

fn hash(event: &Event) -> u64 {
    hash_of(&key_of(event))
}

/// Gives the found and the expected of both operators, or lets them survive a course.
fn check<A>(aggregate: A, frame: Frame, events: &[(i64, Event)], bound: i64, fires: usize)
where
    A: Aggregate<In = Event, Out = Answer> + Copy,
    A::Partial: Unaligned,
{
    let make = |arena| RollingOnArrival::new(frame, key_of, aggregate, arena).unwrap();
    let found = Trial { events, bound, make, hash }.run(fires);
    let expected = model(&aggregate, frame, events, bound, true);
    assert_eq!(found.now, expected.now, "on arrival, {frame:?}");
    assert_eq!(found.late, expected.late);
    let make = |arena: Arena| {
        let then = RollingComplete::new(frame, key_of, aggregate, arena.clone()).unwrap();
        InOrder::new(key_of, arena, then)
    };
    let found = Trial { events, bound, make, hash }.run(fires);
    let expected = model(&aggregate, frame, events, bound, false);
    assert_eq!(found.rows, expected.rows, "complete, {frame:?}");
    assert_eq!(found.late, expected.late);
}

fn survive<A>(aggregate: A, frame: Frame, events: &[(i64, Event)], bound: i64, course: &Course)
where
    A: Aggregate<In = Event, Out = Answer> + Copy,
    A::Partial: Unaligned,
{
    let make = |arena| RollingOnArrival::new(frame, key_of, aggregate, arena).unwrap();
    Trial { events, bound, make, hash }.survives(course);
    let make = |arena: Arena| {
        let then = RollingComplete::new(frame, key_of, aggregate, arena.clone()).unwrap();
        InOrder::new(key_of, arena, then)
    };
    Trial { events, bound, make, hash }.survives(course);
}

fn events(keys: u16) -> impl Strategy<Value = Vec<(i64, Event)>> {
    let values = prop::collection::vec((0..keys, any::<u64>()), 400);
    (times(400), values).prop_map(|(times, values)| {
        let events = times.into_iter().zip(values);
        let event = |(key, value): (u16, u64)| Event { key: key.into(), value: value.into() };
        events.map(|(ts, values)| (ts, event(values))).collect()
    })
}

fn frames() -> impl Strategy<Value = Frame> {
    prop_oneof![
        prop_oneof![0..5_i64, 5..500_i64, 500..20_000_i64, Just(i64::MAX)].prop_map(Frame::Range),
        prop_oneof![0..5_u64, 5..200_u64, Just(u64::MAX)]
            .prop_map(|preceding| Frame::Rows { preceding }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_model(
        events in prop_oneof![events(1), events(4), events(30)],
        frame in frames(),
        bound in prop_oneof![Just(0), 0..400_i64, Just(10_000)],
        fires in 0..3_usize,
    ) {
        check(Maps, frame, &events, bound, fires);
        check(Sum, frame, &events, bound, fires);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_snapshot_at_any_moment_goes_on_as_if_nothing_had_happened(
        events in prop_oneof![events(2), events(20)],
        frame in frames(),
        bound in 0..400_i64,
        course in courses(),
        subtracts: bool,
    ) {
        match subtracts {
            true => survive(Sum, frame, &events, bound, &course),
            false => survive(Maps, frame, &events, bound, &course),
        }
    }
}

fn event(key: u16, value: u64) -> Event {
    Event { key: key.into(), value: value.into() }
}

#[test]
fn a_row_exactly_as_old_as_the_range_is_in_and_so_are_all_of_the_same_time() {
    let events = [(0, 1), (10, 2), (10, 4), (11, 8)].map(|(ts, value)| (ts, event(1, value)));
    let frame = Frame::Range(10);
    check(Sum, frame, &events, 0, 1);
    let make = |arena: Arena| {
        let then = RollingComplete::new(frame, key_of, Sum, arena.clone()).unwrap();
        InOrder::new(key_of, arena, then)
    };
    let found = Trial { events: &events, bound: 0, make, hash }.run(1);
    let sums: Vec<_> = found.rows.iter().map(|(_, row)| row.value.2).collect();
    assert_eq!(sums, [1, 7, 7, 14]);
}

#[test]
fn the_ends_of_time_have_frames_too() {
    let times = [i64::MIN + 1, i64::MIN + 2, -1, 0, 1, i64::MAX - 1, i64::MAX];
    let events = times.map(|ts| (ts, event(0, ts as u64)));
    for frame in [
        Frame::Range(0),
        Frame::Range(1),
        Frame::Range(i64::MAX),
        Frame::Rows { preceding: 0 },
        Frame::Rows { preceding: u64::MAX },
    ] {
        check(Maps, frame, &events, 0, 1);
        check(Sum, frame, &events, i64::MAX, 1);
    }
}

/// Sends events on arrival, with the watermark close behind.
struct Feed {
    operator: RollingOnArrival<Key, fn(&Event) -> Key, Maps>,
    out: Found,
    sent: u64,
}

impl Feed {
    fn new(frame: Frame) -> Self {
        let key_of = key_of as fn(&Event) -> Key;
        let operator = RollingOnArrival::new(frame, key_of, Maps, Arena::unlimited()).unwrap();
        Self { operator, out: Found::default(), sent: 0 }
    }

    fn send(&mut self, ts: i64, key: u16) {
        let place = Place::new(0, self.sent);
        let header = Header { ts, watermark: WATERMARK_NONE, place, due: NOT_DUE };
        self.operator.event(&header, &event(key, self.sent), &mut self.out);
        self.operator.watermark(ts - 1, NOT_DUE);
        self.sent += 1;
    }
}

#[test]
fn after_a_jump_in_time_nothing_is_left_of_what_was_before() {
    let mut feed = Feed::new(Frame::Range(SECOND));
    (0..10_000).for_each(|ts| feed.send(ts, 1));
    let (_, leaves, inners) = feed.operator.sizes();
    assert!(leaves > 2_000 && inners > 500);
    feed.send(365 * DAY, 1);
    let (_, after, _) = feed.operator.sizes();
    assert!(leaves - after < 100, "not all in one event: {leaves} to {after}");
    (0..1_000).for_each(|ns| feed.operator.watermark(365 * DAY + ns, NOT_DUE));
    let (heads, leaves, inners) = feed.operator.sizes();
    assert!((heads, leaves + inners) <= (1, 6), "{leaves} leaves, {inners} inner nodes");
}

#[test]
fn a_range_and_the_rows_before_are_all_that_is_kept() {
    for frame in [Frame::Range(100), Frame::Rows { preceding: 100 }] {
        let mut feed = Feed::new(frame);
        (0..10_000).for_each(|ts| feed.send(ts, 1));
        let (_, leaves, inners) = feed.operator.sizes();
        assert!(leaves < 60 && inners < 60, "{frame:?}: {leaves} leaves, {inners} inner nodes");
    }
}

#[test]
fn keys_that_went_quiet_are_forgotten() {
    let mut feed = Feed::new(Frame::Range(100));
    for ts in 0..60_000_i64 {
        feed.send(ts, (ts / 10) as u16 + 1);
    }
    let (heads, leaves, inners) = feed.operator.sizes();
    assert!(heads < 100 && leaves < 300 && inners < 300, "{heads}, {leaves}, {inners}");
    feed.operator.watermark(WATERMARK_END, NOT_DUE);
    (0..1_000).for_each(|_| feed.operator.watermark(WATERMARK_END, NOT_DUE));
    assert_eq!(feed.operator.sizes(), (0, 0, 0));
}

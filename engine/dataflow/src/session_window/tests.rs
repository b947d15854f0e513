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

/// A number that the order of the events shows in.
struct Chain;

/// The number, and what it is multiplied with when another follows.
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

type Row<K> = WindowRow<K, i64>;
type Found<K> = Emitted<Row<K>, Event>;

#[derive(Debug, Clone, Copy)]
struct Setting {
    gap: i64,
    lateness: i64,
    bound: i64,
}

impl Setting {
    fn operator<K: Key, F: Fn(&Event) -> K>(
        self,
        key_of: F,
        arena: Arena,
    ) -> SessionWindow<K, F, Chain> {
        let gap = SessionGap::new(self.gap).unwrap();
        SessionWindow::new(gap, key_of, Chain, arena).allowed_lateness(self.lateness)
    }

    fn trial<K: Key, F: Fn(&Event) -> K + Copy>(
        self,
        events: &[(i64, Event)],
        key_of: F,
    ) -> Trial<'_, Event, impl Fn(Arena) -> SessionWindow<K, F, Chain>, impl Fn(&Event) -> u64>
    {
        let make = move |arena| self.operator(key_of, arena);
        Trial {
            events,
            bound: self.bound,
            make,
            hash: move |event: &Event| hash_of(&key_of(event)),
        }
    }

    /// The model: a list of sessions, which is gone through for each event.
    fn model<K: Key + Ord>(
        self,
        events: &[(i64, Event)],
        key_of: impl Fn(&Event) -> K,
    ) -> Found<K> {
        struct Session<K> {
            key: K,
            first: i64,
            end: i64,
            values: Vec<i64>,
            is_told: bool,
        }
        fn tell<K: Key>(session: &mut Session<K>, stage: Stage) -> (i64, Row<K>) {
            session.is_told = true;
            let Session { key, first, end, .. } = *session;
            let value = session.values.iter();
            let value = value.fold(0_i64, |n, v| n.wrapping_mul(FACTOR).wrapping_add(*v));
            (end, WindowRow { window: Window { start: first, end }, key, value, stage })
        }
        let plus =
            |a: i64, b: i64| i64::try_from(i128::from(a) + i128::from(b)).unwrap_or(i64::MAX);
        let mut found = Found::default();
        let mut sessions: Vec<Session<K>> = Vec::new();
        let mut watermark = i64::MIN;
        for (ts, event) in events {
            for session in &mut sessions {
                if !session.is_told && session.end - 1 <= watermark {
                    found.rows.push(tell(session, Stage::Complete));
                }
            }
            sessions.retain(|session| plus(session.end, self.lateness) - 1 > watermark);
            let (key, end) = (key_of(event), plus(*ts, self.gap));
            let joins = |it: &Session<K>| it.key == key && it.first <= end && *ts <= it.end;
            let (mut joined, others): (Vec<_>, Vec<_>) = sessions.into_iter().partition(joins);
            sessions = others;
            joined.sort_by_key(|session| session.first);
            let mut whole = Session { key, first: *ts, end, values: Vec::new(), is_told: false };
            for part in joined {
                whole.first = whole.first.min(part.first);
                whole.end = whole.end.max(part.end);
                whole.values.extend(part.values);
            }
            whole.values.push(event.value);
            if plus(whole.end, self.lateness) - 1 <= watermark {
                found.late.push(*event);
            } else {
                if whole.end - 1 <= watermark {
                    found.now.push(tell(&mut whole, Stage::Corrected).1);
                }
                sessions.push(whole);
            }
            watermark = watermark.max(ts.saturating_sub(self.bound.saturating_add(1)));
        }
        let left = sessions.iter_mut().filter(|session| !session.is_told);
        found.rows.extend(left.map(|session| tell(session, Stage::Complete)));
        found
    }
}

fn with_values(times: Vec<i64>, values: Vec<(u8, i64)>) -> Vec<(i64, Event)> {
    let events = times.into_iter().zip(values);
    events.map(|(ts, (key, value))| (ts, Event { ts, key, value })).collect()
}

fn events() -> impl Strategy<Value = Vec<(i64, Event)>> {
    let values = prop::collection::vec((0..5_u8, any::<i64>()), 400);
    (times(400), values).prop_map(|(times, values)| with_values(times, values))
}

fn settings() -> impl Strategy<Value = Setting> {
    let gap = prop_oneof![Just(1), 2..5_i64, 5..300_i64];
    let lateness = prop_oneof![Just(0), 1..5_i64, 5..500_i64, Just(i64::MAX)];
    (gap, lateness, 0..400_i64).prop_map(|(gap, lateness, bound)| Setting { gap, lateness, bound })
}

/// Times at the ends of time and everywhere.
fn extremes() -> impl Strategy<Value = (Vec<(i64, Event)>, Setting)> {
    let near = |at: i64| (-3..4_i64).prop_map(move |by| at.saturating_add(by));
    let time = || prop_oneof![near(i64::MIN), near(0), near(i64::MAX), any::<i64>()];
    let span = || prop_oneof![Just(1_i64), 2..5_i64, Just(i64::MAX), 1..i64::MAX];
    let setting = (span(), prop_oneof![Just(0), span()], prop_oneof![Just(0), span()])
        .prop_map(|(gap, lateness, bound)| Setting { gap, lateness, bound });
    let values = prop::collection::vec((0..2_u8, any::<i64>()), 40);
    (prop::collection::vec(time(), 0..40), values, setting)
        .prop_map(|(times, values, setting)| (with_values(times, values), setting))
}

/// Event key 0 has no key.
fn nullable(event: &Event) -> Option<u8> {
    Some(event.key).filter(|key| *key > 0)
}

proptest! {
    #[test]
    fn agrees_with_the_model(events in events(), setting in settings(), fires in 0..3_usize) {
        let found = setting.trial(&events, nullable).run(fires);
        prop_assert_eq!(&found.now, &setting.model(&events, nullable).now, "in order");
        prop_assert_eq!(found.sorted(), setting.model(&events, nullable).sorted());
    }

    #[test]
    fn without_a_key_too(events in events(), setting in settings(), fires in 0..3_usize) {
        let found = setting.trial(&events, |_| ()).run(fires);
        prop_assert_eq!(found.sorted(), setting.model(&events, |_| ()).sorted());
    }

    #[test]
    fn at_the_ends_of_time_too((events, setting) in extremes(), fires in 0..3_usize) {
        let found = setting.trial(&events, nullable).run(fires);
        prop_assert_eq!(found.sorted(), setting.model(&events, nullable).sorted());
    }

    #[test]
    fn a_snapshot_at_any_moment_goes_on_as_if_nothing_had_happened(
        events in events(),
        setting in settings(),
        course in courses(),
    ) {
        Setting { lateness: 0, ..setting }.trial(&events, nullable).survives(&course);
        setting.trial(&events, nullable).survives(&course);
    }

    #[test]
    fn a_snapshot_at_the_ends_of_time_too((events, setting) in extremes(), course in courses()) {
        setting.trial(&events, |_| ()).survives(&course);
    }
}

/// The number of events.
struct Events;

impl Aggregate for Events {
    type In = Event;
    type Partial = i64_le;
    type Out = i64;

    fn lift(&self, _: &Header, _: &Event) -> i64_le {
        1.into()
    }

    fn combine(&self, a: &i64_le, b: &i64_le) -> i64_le {
        (a.to_native() + b.to_native()).into()
    }

    fn lower(&self, _: Window, count: &i64_le) -> i64 {
        count.to_native()
    }
}

/// Takes events in with watermarks of their own; the operator is told of those given beside, and fires so often.
fn by_hand<A: Aggregate<In = Event, Out = i64>>(
    setting: Setting,
    aggregate: A,
    events: impl Iterator<Item = (Event, i64, Option<i64>, usize)>,
) -> Found<Option<u8>> {
    let gap = SessionGap::new(setting.gap).unwrap();
    let mut operator = SessionWindow::new(gap, nullable, aggregate, Arena::unlimited())
        .allowed_lateness(setting.lateness);
    let mut out = Emitted::default();
    let mut complete_to = operator.complete_to();
    let mut check = |operator: &SessionWindow<_, _, _>, rows: &[(i64, Row<Option<u8>>)]| {
        assert!(rows.iter().all(|(at, _)| *at > complete_to), "rows after their time");
        assert!(operator.complete_to() >= complete_to, "it moves back");
        complete_to = operator.complete_to();
    };
    for (event, watermark, told, fires) in events {
        let before = out.rows.len();
        operator.event(&header(event.ts, watermark), &event, &mut out);
        check(&operator, &out.rows[before..]);
        told.into_iter().for_each(|watermark| operator.watermark(watermark, NOT_DUE));
        for _ in 0..fires {
            let before = out.rows.len();
            operator.fire(&mut out);
            check(&operator, &out.rows[before..]);
        }
    }
    operator.watermark(i64::MAX, NOT_DUE);
    while operator.is_firing() {
        let before = out.rows.len();
        operator.fire(&mut out);
        check(&operator, &out.rows[before..]);
    }
    assert_eq!(operator.sessions.records(), 0, "a key without a session leaves no record");
    out
}

proptest! {
    #[test]
    fn it_does_not_matter_when_the_operator_is_told_of_a_watermark(
        events in events(),
        setting in settings(),
        turns in prop::collection::vec((prop::bool::weighted(0.2), 0..3_usize), 400),
    ) {
        let mut watermark = i64::MIN;
        let with_watermarks = events.iter().zip(turns).map(|((ts, event), (told, fires))| {
            let before = watermark;
            watermark = watermark.max(ts - setting.bound - 1);
            (*event, before, told.then_some(watermark), fires)
        });
        let found = by_hand(setting, Chain, with_watermarks);
        prop_assert_eq!(found.sorted(), setting.model(&events, nullable).sorted());
    }

    #[test]
    fn events_of_inputs_with_watermarks_of_their_own_are_each_in_one_session(
        events in events(),
        setting in settings(),
        turns in prop::collection::vec((0..600_i64, 0..3_usize), 400),
    ) {
        let mut watermark = i64::MIN;
        let with_watermarks = events.iter().zip(turns).map(|((ts, event), (ahead, fires))| {
            let before = watermark.saturating_add(ahead);
            watermark = watermark.max(ts - setting.bound - 1);
            (*event, before, Some(watermark), fires)
        });
        let with_watermarks: Vec<_> = with_watermarks.collect();
        let found = by_hand(Setting { lateness: 0, ..setting }, Events, with_watermarks.iter().copied());
        let counted: i64 = found.rows.iter().map(|(_, row)| row.value).sum();
        prop_assert_eq!(counted as usize + found.late.len(), events.len());
        by_hand(setting, Events, with_watermarks.into_iter());
    }
}

/// The windows of the complete rows, and of the corrected ones, of events of one key.
fn windows(setting: Setting, times: &[i64]) -> (Vec<(i64, i64)>, Vec<(i64, i64)>, usize) {
    let events: Vec<_> =
        times.iter().map(|ts| (*ts, Event { ts: *ts, key: 1, value: 1 })).collect();
    let found = setting.trial(&events, |event| event.key).run(1);
    let span = |row: &Row<u8>| (row.window.start, row.window.end);
    assert!(found.rows.iter().all(|(at, row)| *at == row.window.end));
    let complete = found.rows.iter().map(|(_, row)| span(row)).collect();
    (complete, found.now.iter().map(span).collect(), found.late.len())
}

#[test]
fn events_exactly_one_gap_apart_are_of_one_session() {
    let setting = Setting { gap: 10, lateness: 0, bound: 100 };
    assert_eq!(windows(setting, &[0, 10, 21]), (vec![(0, 20), (21, 31)], vec![], 0));
    assert_eq!(windows(setting, &[21, 10, 0]), (vec![(0, 20), (21, 31)], vec![], 0));
    let (gap_of_one, _, _) = windows(Setting { gap: 1, ..setting }, &[5, 6, 8, 5]);
    assert_eq!(gap_of_one, [(5, 7), (8, 9)]);
}

#[test]
fn an_event_between_two_sessions_makes_them_one() {
    let setting = Setting { gap: 10, lateness: 0, bound: 100 };
    assert_eq!(windows(setting, &[0, 20, 40, 10]), (vec![(0, 30), (40, 50)], vec![], 0));
    assert_eq!(windows(setting, &[0, 20, 40, 10, 30]), (vec![(0, 50)], vec![], 0));
}

#[test]
fn an_old_event_that_joins_an_open_session_is_in_time() {
    let setting = Setting { gap: 10, lateness: 0, bound: 0 };
    // The watermark is 19 before the last event: [9, 19) is closed, but [9, 30) is not.
    assert_eq!(windows(setting, &[10, 20, 9]), (vec![(9, 30)], vec![], 0));
    // Nor does it join what is closed: here [0, 10), at 20.
    assert_eq!(windows(setting, &[0, 20, 8]), (vec![(0, 10), (20, 30)], vec![], 1));
}

#[test]
fn an_event_that_touches_a_closed_session_begins_another() {
    let setting = Setting { gap: 10, lateness: 0, bound: 10 };
    let events = [(0, 1), (20, 2), (10, 1)];
    let events: Vec<_> =
        events.iter().map(|(ts, key)| (*ts, Event { ts: *ts, key: *key, value: 1 })).collect();
    for fires in 0..2 {
        let found = setting.trial(&events, |event| event.key).run(fires).sorted();
        let starts: Vec<_> = found.rows.iter().map(|(_, row)| row.window.start).collect();
        assert_eq!((starts, found.late), (vec![0, 10, 20], vec![]));
    }
}

#[test]
fn late_events_correct_what_has_left() {
    let setting = Setting { gap: 10, lateness: 20, bound: 0 };
    // [0, 10) is complete at 9, and kept to 29: the event at 5 makes it [0, 15). The last one comes too late for it.
    let (complete, corrected, late) = windows(setting, &[0, 25, 5, 50, 6]);
    assert_eq!((complete, corrected), (vec![(0, 10), (25, 35), (50, 60)], vec![(0, 15)]));
    assert_eq!(late, 1);
    // An event between a closed session and an open one: the whole is open, and complete when it closes.
    let (complete, corrected, late) = windows(setting, &[0, 20, 10]);
    assert_eq!((complete, corrected, late), (vec![(0, 10), (0, 30)], vec![], 0));
    // Two closed sessions become one.
    let (complete, corrected, late) = windows(setting, &[0, 14, 26, 7]);
    assert_eq!(complete, [(0, 10), (14, 24), (26, 36)]);
    assert_eq!((corrected, late), (vec![(0, 24)], 0));
}

fn header(ts: i64, watermark: i64) -> Header {
    Header { ts, watermark, place: Place::new(0, 0), due: NOT_DUE }
}

#[test]
fn many_sessions_due_at_once_fire_in_bounded_slices() {
    let setting = Setting { gap: 10, lateness: 5, bound: 0 };
    let mut operator = setting.operator(|event: &Event| event.key, Arena::unlimited());
    let mut out = Emitted::default();
    for at in 0..10_000 {
        let ts = i64::from(at / 100) * 100;
        let event = Event { ts, key: (at % 100) as u8, value: 1 };
        operator.event(&header(ts, WATERMARK_NONE), &event, &mut out);
    }
    operator.watermark(1_000_000, NOT_DUE);
    let mut emitted = 0;
    while operator.is_firing() {
        let complete_to = operator.complete_to();
        operator.fire(&mut out);
        assert!(out.rows[emitted..].iter().all(|(at, _)| *at > complete_to));
        assert!(out.rows.len() - emitted <= FIRE_SLOTS);
        emitted = out.rows.len();
    }
    assert_eq!((emitted, operator.complete_to()), (10_000, 1_000_001));
    assert_eq!(operator.sessions.records(), 0, "a key without a session leaves no record");
}

#[test]
fn an_event_of_an_input_that_is_behind_opens_a_session_again() {
    let setting = Setting { gap: 10, lateness: 20, bound: 0 };
    let event = |ts, watermark| (Event { ts, key: 1, value: 1 }, watermark, None, 0);
    let found = by_hand(setting, Events, [event(0, -5), event(3, 12), event(8, 5)].into_iter());
    let rows: Vec<_> = found.rows.iter().map(|(at, row)| (*at, row.value)).collect();
    assert_eq!(rows, [(10, 1), (18, 3)]);
    assert_eq!(found.now.iter().map(|row| row.value).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_session_that_opens_again_and_again_leaves_no_timers_behind() {
    let setting = Setting { gap: 10, lateness: 25, bound: 0 };
    let mut operator = setting.operator(|_: &Event| (), Arena::unlimited());
    let mut out = Emitted::default();
    for ts in (0..10_000).step_by(10) {
        operator.event(&header(ts, ts - 1), &Event { ts, key: 0, value: 1 }, &mut out);
        operator.watermark(ts + 9, NOT_DUE);
        operator.fire(&mut out);
        assert!(operator.timers.len() < 8);
    }
    assert_eq!(out.rows.len(), 1_000);
}

#[test]
fn disorder_far_larger_than_the_gap_becomes_one_session() {
    const SESSIONS: i64 = 5_000;
    let setting = Setting { gap: 10, lateness: 0, bound: 0 };
    let mut operator = setting.operator(|_: &Event| (), Arena::unlimited());
    let mut out = Emitted::default();
    let times = (0..SESSIONS).map(|at| (at * 3_301 % SESSIONS) * 20);
    let between = (0..SESSIONS - 1).map(|at| (at * 7_919 % (SESSIONS - 1)) * 20 + 10);
    for ts in times.chain(between) {
        let event = Event { ts, key: 0, value: 1 };
        operator.event(&header(ts, WATERMARK_NONE), &event, &mut out);
    }
    assert_eq!(operator.sessions.records(), 1);
    operator.watermark(i64::MAX, NOT_DUE);
    while operator.is_firing() {
        operator.fire(&mut out);
    }
    let windows: Vec<_> = out.rows.iter().map(|(_, row)| row.window).collect();
    assert_eq!(windows, [Window { start: 0, end: (SESSIONS - 1) * 20 + 10 }]);
}

#[test]
fn an_event_that_there_is_no_room_for_is_refused() {
    struct Refusals(usize);
    impl Output<Row<u64>, Event> for Refusals {
        fn row(&mut self, _: i64, _: i64, _: Row<u64>) {}
        fn now(&mut self, _: i64, _: Row<u64>) {}
        fn corrected(&mut self, _: i64, _: i64, _: Row<u64>) {}
        fn late(&mut self, _: &Header, _: Event) {}
        fn refused(&mut self, _: &Header) {
            self.0 += 1;
        }
    }
    let budget = tidewire_state::Budget::new(64 << 10);
    let arena = Arena { budget: budget.clone(), ..Arena::unlimited() };
    let setting = Setting { gap: 10, lateness: 0, bound: 0 };
    let mut operator = setting.operator(|event: &Event| event.value as u64, arena);
    let mut out = Refusals(0);
    for value in 0..10_000 {
        let event = Event { ts: value % 7, key: 0, value };
        operator.event(&header(event.ts, WATERMARK_NONE), &event, &mut out);
    }
    assert_eq!(out.0 + operator.sessions.records(), 10_000);
    assert!(out.0 > 0 && budget.taken() <= budget.bytes_max());
}

#[test]
fn a_gap_is_positive() {
    assert_eq!(SessionGap::new(0), Err(GapNotPositive(0)));
    assert!(SessionGap::new(-1).unwrap_err().to_string().contains("-1 ns"));
}

//! What an event costs at most, and what becomes of one for which there is no room.

use tidewire_state::Budget;

use super::*;
use crate::operator::Output;
use crate::rolling::tree::PROBES;

/// Nodes looked up and partial results combined by the costliest of some events.
#[derive(Debug, Default, Clone, Copy)]
struct Work {
    probes: u64,
    combines: u64,
}

/// An operator on arrival and its input: the next event, then a watermark `bound` behind the newest.
struct Line<A: Aggregate> {
    operator: RollingOnArrival<Key, fn(&Event) -> Key, A>,
    out: Found,
    bound: i64,
    newest: i64,
    sent: u64,
    most: Work,
}

impl<A: Aggregate<In = Event, Out = Answer>> Line<A>
where
    A::Partial: Unaligned,
{
    fn new(aggregate: A, frame: Frame, bound: i64) -> Self {
        let arena = Arena::unlimited();
        let operator = RollingOnArrival::new(frame, key_of as _, aggregate, arena).unwrap();
        let (out, most) = (Found::default(), Work::default());
        Self { operator, out, bound, newest: WATERMARK_NONE, sent: 0, most }
    }

    fn send(&mut self, ts: i64) {
        PROBES.set(0);
        COMBINES.set(0);
        let place = Place::new(0, self.sent);
        let header = Header { ts, watermark: WATERMARK_NONE, place, due: NOT_DUE };
        self.sent += 1;
        self.newest = self.newest.max(ts);
        self.operator.event(&header, &event(1, self.sent), &mut self.out);
        self.operator.watermark(self.newest - self.bound - 1, NOT_DUE);
        self.out.now.clear();
        self.most.probes = self.most.probes.max(PROBES.get());
        self.most.combines = self.most.combines.max(COMBINES.get());
    }
}

/// The costliest event in order, the costliest of those at any distance behind the newest, and those after a jump.
fn most<A>(aggregate: A, frame: Frame, window: i64) -> [Work; 3]
where
    A: Aggregate<In = Event, Out = Answer>,
    A::Partial: Unaligned,
{
    let mut line = Line::new(aggregate, frame, window / 2);
    (0..2 * window).for_each(|ts| line.send(ts));
    let in_order = std::mem::take(&mut line.most);
    for turn in 0..20_000 {
        let back = hash_of(&turn) as i64 & i64::MAX;
        line.send(line.newest + 1);
        line.send(line.newest - back % (1 + window / 2) / (1 << (turn % 16)));
    }
    let anywhere = std::mem::take(&mut line.most);
    (0..300).for_each(|ns| line.send(365 * DAY + ns));
    [in_order, anywhere, line.most]
}

#[test]
fn the_costliest_event_costs_the_logarithm_of_its_frame() {
    for window in [1_000, 10_000, 100_000] {
        for frame in [Frame::Range(window), Frame::Rows { preceding: window as u64 }] {
            let (maps, sum) = (most(Maps, frame, window), most(Sum, frame, window));
            let levels = u64::from(window.ilog2()) / 2 + 1;
            for work in maps.into_iter().chain(sum) {
                assert!(work.probes <= 40 * levels + 100, "{frame:?}: {work:?}");
                assert!(work.combines <= 8 * levels + 40, "{frame:?}: {work:?}");
            }
        }
    }
}

#[test]
fn a_jump_past_a_million_entries_costs_no_event_much() {
    let mut line = Line::new(Maps, Frame::Range(1_000_000), 0);
    (0..1_000_000).for_each(|ts| line.send(ts));
    let (_, leaves, inners) = line.operator.sizes();
    assert!(leaves > 200_000);
    line.most = Work::default();
    // Sixteen nodes go with each event.
    let events = (leaves + inners) as i64 / 16 + 1_000;
    (0..events).for_each(|ns| line.send(365 * DAY + ns * 100_000));
    assert!(line.most.probes < 200 && line.most.combines < 100, "{:?}", line.most);
    let (_, leaves, inners) = line.operator.sizes();
    assert!(leaves + inners < 50, "{leaves} leaves, {inners} inner nodes");
}

/// Results that leave at once, and how many events were refused.
#[derive(Default)]
struct Squeezed {
    now: Vec<Row>,
    refused: usize,
}

impl Output<Row, Event> for Squeezed {
    fn row(&mut self, _: i64, _: i64, _: Row) {}

    fn now(&mut self, _: i64, row: Row) {
        self.now.push(row);
    }

    fn corrected(&mut self, _: i64, _: i64, _: Row) {}

    fn late(&mut self, _: &Header, _: Event) {}

    fn refused(&mut self, _: &Header) {
        self.refused += 1;
    }
}

/// On arrival, in an arena with room for `room` bytes beside the first tables: what is not refused has the
/// result that the model gives over what was not refused.
fn squeeze<A>(aggregate: A, frame: Frame, events: &[(i64, Event)], bound: i64, room: usize)
where
    A: Aggregate<In = Event, Out = Answer> + Copy,
    A::Partial: Unaligned,
{
    let make = |budget| {
        let arena = Arena { budget, ..Arena::unlimited() };
        RollingOnArrival::new(frame, key_of, aggregate, arena)
    };
    let first = Budget::unlimited();
    let made = make(first.clone()).unwrap();
    let mut operator = make(Budget::new(first.taken() + room)).unwrap();
    drop(made);
    let (mut list, mut out, mut newest) = (Vec::new(), Squeezed::default(), i64::MIN);
    for (number, (ts, event)) in events.iter().enumerate() {
        let place = Place::new(0, number as u64);
        let watermark = newest.saturating_sub(bound).saturating_sub(1);
        let header = Header { ts: *ts, watermark, place, due: NOT_DUE };
        operator.event(&header, event, &mut out);
        newest = newest.max(*ts);
        if let Some(row) = out.now.pop() {
            let at = list
                .partition_point(|other: &(i64, Place, Event)| (other.0, other.1) < (*ts, place));
            list.insert(at, (*ts, place, *event));
            assert_eq!(
                row,
                framed(&aggregate, frame, &list, at),
                "{frame:?}, {room} bytes of room"
            );
        }
        let passed = newest.saturating_sub(bound).saturating_sub(1);
        operator.watermark(passed, NOT_DUE);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn what_is_refused_leaves_nothing_behind(
        events in prop_oneof![events(4), events(200)],
        frame in frames(),
        bound in prop_oneof![Just(0), 0..400_i64, Just(10_000)],
        room in prop_oneof![Just(0), 0..100_000_usize],
    ) {
        squeeze(Maps, frame, &events, bound, room);
        squeeze(Sum, frame, &events, bound, room);
    }
}

#[test]
fn where_there_is_no_room_events_are_refused_until_others_have_gone() {
    let first = Budget::unlimited();
    let make = |budget| {
        let arena = Arena { budget, ..Arena::unlimited() };
        RollingOnArrival::new(Frame::Range(1_000_000), key_of, Sum, arena)
    };
    let made = make(first.clone()).unwrap();
    let mut operator = make(Budget::new(first.taken())).unwrap();
    drop(made);
    let mut out = Squeezed::default();
    let mut send = |out: &mut Squeezed, ts: i64| {
        let place = Place::new(0, ts as u64);
        let header = Header { ts, watermark: ts - 1, place, due: NOT_DUE };
        operator.event(&header, &event(1, 1), out);
        operator.watermark(ts, NOT_DUE);
    };
    (0..1_000).for_each(|ts| send(&mut out, ts));
    let kept = out.now.len();
    assert_eq!(kept + out.refused, 1_000);
    assert!((50..1_000).contains(&kept), "{kept}");
    (5_000_000..5_000_100).for_each(|ts| send(&mut out, ts));
    let later = out.now.len() - kept;
    assert!(later >= 90, "nodes that were dropped are free a few watermarks later: {later}");
    assert_eq!(out.now.last().unwrap().value.3, later as u64);
}

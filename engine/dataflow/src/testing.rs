//! Runs an operator as a shard does, for tests: with disorder, in slices, through barriers and crashes, on any number of
//! shards.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Debug;

use proptest::prelude::*;
use tidewire_event::key::hash_of_bytes;
use tidewire_event::time::{NOT_DUE, WATERMARK_END, WATERMARK_NONE};
use tidewire_event::{HashRange, Header, Place};
use tidewire_state::{
    Arena, Budget, Image, Layout, Log, Section, TableId, append_dropped, append_entries,
};

use crate::operator::{Operator, Output};
use crate::watermark::{Bounded, WatermarkStrategy};

/// Bytes after which a chunk of the log is full.
const CHUNK_BYTES: usize = 512;

/// What an operator emits.
#[derive(Debug, Clone, PartialEq)]
pub struct Emitted<R, L> {
    /// Results with their times.
    pub rows: Vec<(i64, R)>,
    /// Results that left at once.
    pub now: Vec<R>,
    /// Late events.
    pub late: Vec<L>,
    /// Rows up to this are in the output already.
    emitted_to: i64,
}

impl<R, L> Default for Emitted<R, L> {
    fn default() -> Self {
        Self { rows: Vec::new(), now: Vec::new(), late: Vec::new(), emitted_to: WATERMARK_NONE }
    }
}

impl<R, L> Output<R, L> for Emitted<R, L> {
    fn row(&mut self, at: i64, _: i64, row: R) {
        if at > self.emitted_to {
            self.rows.push((at, row));
        }
    }

    fn now(&mut self, _: i64, row: R) {
        self.now.push(row);
    }

    fn corrected(&mut self, _: i64, due: i64, row: R) {
        self.now(due, row);
    }

    fn late(&mut self, _: &Header, late: L) {
        self.late.push(late);
    }

    fn refused(&mut self, header: &Header) {
        panic!("no bound is set: {header:?}");
    }
}

impl<R: Clone + Ord, L: Clone + Ord> Emitted<R, L> {
    /// The same in an order that does not depend on when and where it was emitted.
    pub fn sorted(mut self) -> Self {
        self.rows.sort_unstable();
        self.now.sort_unstable();
        self.late.sort_unstable();
        self.emitted_to = WATERMARK_NONE;
        self
    }

    /// Fails where it is not what is expected, and shows the first difference.
    pub fn is(&self, expected: &Self, when: &str)
    where
        R: Debug,
        L: Debug,
    {
        fn same<T: PartialEq + Debug>(what: &str, when: &str, found: &[T], expected: &[T]) {
            let both = found.iter().zip(expected);
            let at = both.take_while(|(found, expected)| found == expected).count();
            let (found, expected) = (found.get(at), expected.get(at));
            assert!(found == expected, "{what} {at}, {when}: {found:?}, expected {expected:?}");
        }
        same("row", when, &self.rows, &expected.rows);
        same("row at once", when, &self.now, &expected.now);
        same("late event", when, &self.late, &expected.late);
    }

    fn followed_by(&self, at: &Snapshot, later: &[Self]) -> Self {
        let mut whole = Self::default();
        whole.rows.extend(self.rows.iter().filter(|(time, _)| *time <= at.closed_to).cloned());
        whole.now.extend_from_slice(&self.now[..at.now]);
        whole.late.extend_from_slice(&self.late[..at.late]);
        for part in later {
            whole.rows.extend_from_slice(&part.rows);
            whole.now.extend_from_slice(&part.now);
            whole.late.extend_from_slice(&part.late);
        }
        whole
    }
}

/// A log of chunks, with room for so many entries now.
#[derive(Default)]
struct Chunks {
    chunks: Vec<Vec<u8>>,
    room: usize,
}

impl Chunks {
    fn chunk(&mut self) -> &mut Vec<u8> {
        if self.chunks.last().is_none_or(|chunk| chunk.len() > CHUNK_BYTES) {
            self.chunks.push(Vec::new());
        }
        self.chunks.last_mut().unwrap()
    }
}

impl Log for Chunks {
    fn entries(&mut self, section: &Section, entry_bytes: usize, entries: &[u8]) -> usize {
        let some = &entries[..entries.len().min(self.room * entry_bytes)];
        let bytes = append_entries(self.chunk(), usize::MAX, section, entry_bytes, some);
        self.room -= bytes / entry_bytes;
        bytes
    }

    fn dropped(&mut self, id: TableId) -> bool {
        let fits = self.room > 0 && append_dropped(self.chunk(), usize::MAX, id);
        self.room -= usize::from(fits);
        fits
    }
}

/// A record of an image: its table, key and value.
type Stored = (TableId, Layout, Vec<u8>, Vec<u8>);

/// What a snapshot holds, and where its run stood.
#[derive(Debug, Clone)]
struct Snapshot {
    records: Vec<Stored>,
    /// The next event.
    position: usize,
    watermark: i64,
    closed_to: i64,
    /// Rows that had left at once, and late events.
    now: usize,
    late: usize,
}

const START: Snapshot = Snapshot {
    records: Vec::new(),
    position: 0,
    watermark: WATERMARK_NONE,
    closed_to: WATERMARK_NONE,
    now: 0,
    late: 0,
};

impl Snapshot {
    /// The image of the shard that owns `range`.
    fn image(&self, range: HashRange) -> Image {
        let mut image = Image::new(range, &Budget::unlimited());
        for (id, layout, key, value) in &self.records {
            let hash = hash_of_bytes(key, layout.group_bytes as usize);
            if (range.first..=range.last).contains(&hash) {
                image.table(*id, *layout, 0).unwrap().put(key, value).unwrap();
            }
        }
        image
    }
}

fn records(image: &mut Image) -> Vec<Stored> {
    let mut records = Vec::new();
    for (id, table) in image.tables_mut() {
        let layout = table.layout();
        let read = |key: &[u8], value: &[u8]| {
            records.push((id, layout, key.to_vec(), value.to_vec()));
            Ok::<(), ()>(())
        };
        table.try_for_each(read).unwrap();
    }
    records
}

/// What a shard does after an event.
#[derive(Debug, Clone)]
struct Turn {
    fires: usize,
    records: usize,
    room: usize,
}

/// A barrier before an event; the epoch is given up after so many others, if it is not stored by then.
#[derive(Debug, Clone)]
struct Barrier {
    before: usize,
    given_up_after: Option<usize>,
}

/// When a shard fires, captures, and meets a barrier.
#[derive(Debug, Clone)]
pub struct Course {
    barriers: Vec<Barrier>,
    turns: Vec<Turn>,
    shards: usize,
}

impl Course {
    /// A barrier before an event, and a crash behind it, on `shards` shards.
    pub fn of_one_barrier(before: usize, shards: usize) -> Self {
        let barriers = vec![Barrier { before, given_up_after: None }];
        Self { barriers, turns: vec![Turn { fires: 1, records: 1, room: 1 }], shards }
    }
}

/// Courses with everything in them.
pub fn courses() -> impl Strategy<Value = Course> {
    let turn = (0..3_usize, 0..6_usize, 0..6_usize);
    let turn = turn.prop_map(|(fires, records, room)| Turn { fires, records, room });
    let barrier = (0..300_usize, prop::option::weighted(0.2, 0..30_usize));
    let barrier = barrier.prop_map(|(before, given_up_after)| Barrier { before, given_up_after });
    let turns = prop::collection::vec(turn, 1..20).prop_filter("goes on", |turns| {
        turns.iter().any(|turn| turn.fires > 0)
            && turns.iter().any(|turn| turn.records > 0 && turn.room > 0)
    });
    (prop::collection::vec(barrier, 1..12), turns, 1..5_usize)
        .prop_map(|(barriers, turns, shards)| Course { barriers, turns, shards })
}

/// An operator over events in the order of their arrival, behind a watermark that stays `bound` ns behind.
pub struct Trial<'e, E, M, H> {
    /// The events with their times, as they arrive.
    pub events: &'e [(i64, E)],
    /// How far the watermark stays behind.
    pub bound: i64,
    /// Makes the operator.
    pub make: M,
    /// The hash of an event's key.
    pub hash: H,
}

impl<E, M, H, O> Trial<'_, E, M, H>
where
    M: Fn(Arena) -> O,
    H: Fn(&E) -> u64,
    O: Operator<In = E>,
    O::Row: Clone + Ord + Debug,
    O::Late: Clone + Ord + Debug,
{
    /// Runs to the end; `fires` slices are emitted after each event.
    pub fn run(&self, fires: usize) -> Emitted<O::Row, O::Late> {
        let turn = Turn { fires, records: 1, room: 1 };
        let last = Turn { fires: 1, records: 1, room: 1 };
        let course = Course { barriers: Vec::new(), turns: vec![turn, last], shards: 1 };
        self.go_on(&course, &START, HashRange::ALL).0
    }

    /// Checks that a snapshot at any moment goes on as if nothing had happened: also one of a run that went on from a
    /// snapshot itself, and also with another number of shards.
    pub fn survives(&self, course: &Course) {
        let undisturbed = self.run(1).sorted();
        let (first, snapshots) = self.go_on(course, &START, HashRange::ALL);
        first.clone().sorted().is(&undisturbed, "in slices");
        for snapshot in &snapshots {
            let (second, later) = self.go_on(course, snapshot, HashRange::ALL);
            let both = first.followed_by(snapshot, std::slice::from_ref(&second));
            both.clone().sorted().is(&undisturbed, "after a crash");
            if let Some(last) = later.last() {
                let last = Snapshot {
                    now: snapshot.now + last.now,
                    late: snapshot.late + last.late,
                    ..last.clone()
                };
                let (third, _) = self.go_on(course, &last, HashRange::ALL);
                let all = both.followed_by(&last, &[third]);
                all.sorted().is(&undisturbed, "after another crash");
            }
            let shards = course.shards;
            let part = |shard| self.go_on(course, snapshot, HashRange::of_shard(shard, shards)).0;
            let parts: Vec<_> = (0..shards).map(part).collect();
            let all = first.followed_by(snapshot, &parts);
            all.sorted().is(&undisturbed, &format!("on {shards} shards"));
        }
    }

    /// The shard that owns `range` goes on from a snapshot to the end: what it emits, and the snapshots on the way.
    fn go_on(
        &self,
        course: &Course,
        from: &Snapshot,
        range: HashRange,
    ) -> (Emitted<O::Row, O::Late>, Vec<Snapshot>) {
        let arena = Arena { range, budget: Budget::unlimited(), is_tracked: true, operator: 3 };
        let mut operator = (self.make)(arena);
        operator.restore(&mut from.image(range)).unwrap();
        let mut image = from.image(range);
        let mut strategy = Bounded::new(self.bound);
        self.events[..from.position].iter().for_each(|(ts, event)| strategy.observe(*ts, event));
        let (mut out, mut log) = (Emitted::default(), Chunks::default());
        if from.watermark != WATERMARK_NONE {
            operator.resume(from.watermark);
            out.emitted_to = operator.closed_to(from.watermark);
        }
        let (mut open, mut snapshots): (Option<(Snapshot, Option<usize>)>, _) = (None, Vec::new());
        let mut turns = course.turns.iter().cycle();
        for at in from.position..=self.events.len() {
            let barrier = course.barriers.iter().find(|barrier| barrier.before == at);
            if let Some(barrier) = barrier.filter(|_| open.is_none()) {
                operator.freeze();
                let snapshot = Snapshot {
                    records: Vec::new(),
                    position: at,
                    watermark: strategy.watermark(),
                    closed_to: operator.closed_to(strategy.watermark()),
                    now: out.now.len(),
                    late: out.late.len(),
                };
                open = Some((snapshot, barrier.given_up_after.map(|events| at + events)));
            }
            if let Some((ts, event)) = self.events.get(at) {
                let watermark = strategy.watermark();
                let place = Place::new(0, at as u64);
                let header = Header { ts: *ts, watermark, place, due: NOT_DUE };
                let hash = (self.hash)(event);
                if (range.first..=range.last).contains(&hash) {
                    operator.event(&header, event, &mut out);
                }
                strategy.observe(*ts, event);
                operator.watermark(strategy.watermark(), NOT_DUE);
            } else {
                operator.watermark(WATERMARK_END, NOT_DUE);
            }
            let ends = at == self.events.len();
            let watermark = if ends { WATERMARK_END } else { strategy.watermark() };
            while open.is_some() || operator.is_firing() {
                let turn = turns.next().unwrap();
                for _ in 0..turn.fires {
                    let (complete_to, fired) = (operator.complete_to(), out.rows.len());
                    operator.fire(&mut out);
                    let is_later = |(time, _): &(i64, O::Row)| *time > complete_to;
                    assert!(out.rows[fired..].iter().all(is_later), "rows after their time");
                }
                let closed_to = operator.closed_to(watermark);
                assert!(operator.complete_to() <= closed_to, "complete beyond the watermark");
                if let Some((snapshot, give_up_at)) = &mut open {
                    let gives_up = give_up_at.is_some_and(|give_up_at| give_up_at <= at);
                    if gives_up {
                        operator.give_up();
                    }
                    log.room = turn.room;
                    if operator.capture(turn.records, &mut log) {
                        assert!(!operator.overflowed());
                        log.chunks.drain(..).for_each(|chunk| image.apply(&chunk).unwrap());
                        snapshot.records = records(&mut image);
                        snapshots.extend(open.take().filter(|_| !gives_up).map(|(done, _)| done));
                    }
                }
                if !ends {
                    break;
                }
            }
        }
        assert_eq!(operator.complete_to(), i64::MAX, "complete at the end");
        (out, snapshots)
    }
}

/// Times that go on by small steps, with disorder, ties, and now and then a jump of a year; some begin before the epoch.
pub fn times(count_max: usize) -> impl Strategy<Value = Vec<i64>> {
    const YEAR: i64 = 365 * tidewire_event::time::DAY;
    let step = prop_oneof![10 => 0..3_i64, 5 => 0..200_i64, 1 => Just(YEAR)];
    let steps = prop::collection::vec((step, -300..300_i64), 0..count_max);
    steps.prop_map(|steps| {
        let mut now = -500;
        let times = steps.into_iter().map(|(step, back)| {
            now += step;
            now + back.min(0)
        });
        times.collect()
    })
}

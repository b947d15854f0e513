//! A snapshot at any moment goes on as if nothing had happened: also one of a run that went on from a snapshot itself,
//! and also with another number of shards.

use tidewire_event::HashRange;
use tidewire_event::key::{hash_of, hash_of_bytes};
use tidewire_state::{Budget, Layout, Section, append_dropped, append_entries};

use super::*;

/// Bytes after which a chunk of the log is full.
const CHUNK_BYTES: usize = 512;

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
#[derive(Clone)]
struct Snapshot {
    records: Vec<Stored>,
    /// The next event.
    position: usize,
    watermark: i64,
    closed_to: i64,
    /// Late events before it.
    late: usize,
}

const START: Snapshot = Snapshot {
    records: Vec::new(),
    position: 0,
    watermark: WATERMARK_NONE,
    closed_to: WATERMARK_NONE,
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

#[derive(Debug, Clone)]
struct Case {
    events: Vec<Event>,
    size: i64,
    bound: i64,
    barriers: Vec<Barrier>,
    turns: Vec<Turn>,
}

impl Case {
    /// The shard that owns `range` goes on from a snapshot to the end: what it emits, and the snapshots on the way.
    fn run(&self, from: &Snapshot, range: HashRange) -> (Collected, Vec<Snapshot>) {
        let windows = Tumbling::new(self.size).unwrap();
        let arena = Arena { range, budget: Budget::unlimited(), is_tracked: true };
        let mut operator = KeyedWindow::new(windows, |e: &Event| e.key, Summary, arena);
        operator.restore(&mut from.image(range)).unwrap();
        let mut image = from.image(range);
        let mut strategy = Bounded::new(self.bound);
        self.events[..from.position].iter().for_each(|event| strategy.observe(event.ts));
        if from.watermark != WATERMARK_NONE {
            operator.watermark(from.watermark, NOT_DUE);
        }
        let (mut out, mut log) = (Collected::default(), Chunks::default());
        let (mut open, mut snapshots): (Option<(Snapshot, Option<usize>)>, _) = (None, Vec::new());
        let mut turns = self.turns.iter().cycle();
        for at in from.position..=self.events.len() {
            let barrier = self.barriers.iter().find(|barrier| barrier.before == at);
            if let Some(barrier) = barrier.filter(|_| open.is_none()) {
                operator.freeze();
                let snapshot = Snapshot {
                    records: Vec::new(),
                    position: at,
                    watermark: strategy.watermark(),
                    closed_to: operator.closed_to(),
                    late: out.late.len(),
                };
                open = Some((snapshot, barrier.given_up_after.map(|events| at + events)));
            }
            if let Some(event) = self.events.get(at) {
                let watermark = strategy.watermark();
                let header = Header { ts: event.ts, watermark, sequence: at as u64, due: NOT_DUE };
                if (range.first..=range.last).contains(&hash_of(&event.key)) {
                    operator.event(&header, event, &mut out);
                }
                strategy.observe(event.ts);
                operator.watermark(strategy.watermark(), NOT_DUE);
            } else {
                operator.watermark(WATERMARK_END, NOT_DUE);
            }
            let ends = at == self.events.len();
            while open.is_some() || operator.is_firing() {
                let turn = turns.next().unwrap();
                (0..turn.fires).for_each(|_| operator.fire(&mut out));
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
        out.rows.sort_by_key(|row| (row.0.end, row.1));
        (out, snapshots)
    }

    /// What was emitted up to a snapshot and what `later` runs emit is what a run without one emits.
    fn check(&self, all: &Collected, before: &Collected, at: &Snapshot, later: &[Collected]) {
        let closed = before.rows.iter().filter(|row| row.0.end <= at.closed_to);
        let mut rows: Vec<_> = closed.chain(later.iter().flat_map(|out| &out.rows)).collect();
        rows.sort_by_key(|row| (row.0.end, row.1));
        assert!(rows.iter().copied().eq(&all.rows), "rows");
        let later = later.iter().flat_map(|out| &out.late);
        let mut late: Vec<_> = before.late[..at.late].iter().chain(later).copied().collect();
        let mut expected = all.late.clone();
        late.sort_unstable();
        expected.sort_unstable();
        assert_eq!(late, expected);
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let turn = (0..3_usize, 0..6_usize, 0..6_usize);
    let turn = turn.prop_map(|(fires, records, room)| Turn { fires, records, room });
    let barrier = (0..300_usize, prop::option::weighted(0.2, 0..30_usize));
    let barrier = barrier.prop_map(|(before, given_up_after)| Barrier { before, given_up_after });
    let size = prop_oneof![1..5_i64, 5..500_i64];
    let turns = prop::collection::vec(turn, 1..20).prop_filter("goes on", |turns| {
        turns.iter().any(|turn| turn.fires > 0)
            && turns.iter().any(|turn| turn.records > 0 && turn.room > 0)
    });
    (events(), size, 0..400_i64, prop::collection::vec(barrier, 1..12), turns).prop_map(
        |(events, size, bound, barriers, turns)| Case { events, size, bound, barriers, turns },
    )
}

proptest! {
    #[test]
    fn a_snapshot_at_any_moment_goes_on_as_if_nothing_had_happened(
        case in cases(),
        shards in 1..5_usize,
    ) {
        let undisturbed = run(&case.events, case.size, case.bound, 1);
        let (first, snapshots) = case.run(&START, HashRange::ALL);
        case.check(&undisturbed, &first, &START, std::slice::from_ref(&first));
        for snapshot in &snapshots {
            let (second, later) = case.run(snapshot, HashRange::ALL);
            case.check(&undisturbed, &first, snapshot, std::slice::from_ref(&second));
            for (part, last) in later.iter().enumerate() {
                // What the first run had emitted up to the second's start is part of the second's past.
                let past = Collected {
                    rows: first.rows.iter().filter(|row| row.0.end <= snapshot.closed_to)
                        .chain(&second.rows).copied().collect(),
                    late: first.late[..snapshot.late].iter().chain(&second.late).copied().collect(),
                };
                let last = Snapshot { late: snapshot.late + last.late, ..last.clone() };
                if part == later.len() - 1 {
                    let (third, _) = case.run(&last, HashRange::ALL);
                    case.check(&undisturbed, &past, &last, &[third]);
                }
            }
            let parts: Vec<_> = (0..shards)
                .map(|shard| case.run(snapshot, HashRange::of_shard(shard, shards)).0)
                .collect();
            case.check(&undisturbed, &first, snapshot, &parts);
        }
    }
}

//! Books that come back from a snapshot, against books that were never away.

use proptest::prelude::*;
use tidewire_event::key::{hash_of, hash_of_bytes, shard_of};
use tidewire_event::{HashRange, Key};
use tidewire_feeds::Side;
use tidewire_state::{Budget, Layout, Section, TableId, append_dropped, append_entries};

use super::*;

/// A log with room for so many entries now.
#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    room: usize,
}

impl Log for Chunk {
    fn entries(&mut self, section: &Section, entry_bytes: usize, entries: &[u8]) -> usize {
        let some = &entries[..entries.len().min(self.room * entry_bytes)];
        let bytes = append_entries(&mut self.bytes, usize::MAX, section, entry_bytes, some);
        self.room -= bytes / entry_bytes;
        bytes
    }

    fn dropped(&mut self, id: TableId) -> bool {
        append_dropped(&mut self.bytes, usize::MAX, id)
    }
}

type Stored = (TableId, Layout, Vec<u8>, Vec<u8>);

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

fn image_of(records: &[Stored], range: HashRange) -> Image {
    let mut image = Image::new(range, &Budget::unlimited());
    for (id, layout, key, value) in records {
        let hash = hash_of_bytes(key, layout.group_bytes as usize);
        if (range.first..=range.last).contains(&hash) {
            image.table(*id, *layout, 0).unwrap().put(key, value).unwrap();
        }
    }
    image
}

fn arena(range: HashRange, is_tracked: bool) -> Arena {
    Arena { range, budget: Budget::unlimited(), is_tracked, operator: 0 }
}

type Ticks = Vec<(usize, i64, Tick)>;

/// A step, with what it emits and what it comes to.
struct Run {
    step: BookStep,
    ticks: Ticks,
    totals: Arc<Mutex<BookTotals>>,
}

impl Run {
    fn new(by_instrument: bool, arena: &Arena) -> Self {
        let totals = Arc::default();
        let step = BookStep::new(by_instrument, arena, Arc::clone(&totals));
        Self { step, ticks: Vec::new(), totals }
    }

    fn feed(&mut self, at: usize, (ts, event): &(i64, MarketEvent)) {
        self.step.process(*ts, event, |ts, tick| self.ticks.push((at, ts, tick)));
    }

    fn end(self) -> (Ticks, BookTotals) {
        drop(self.step);
        (self.ticks, self.totals.lock().unwrap().clone())
    }
}

/// A moment of a run: a barrier stands before the event, and its epoch is captured from there on.
#[derive(Debug, Clone)]
struct Case {
    by_instrument: bool,
    events: Vec<(i64, MarketEvent)>,
    barriers: Vec<usize>,
    rooms: Vec<usize>,
}

impl Case {
    /// Runs a tracked step over the events; each snapshot with its place.
    fn run(&self) -> (Run, Vec<(usize, Vec<Stored>)>) {
        let mut run = Run::new(self.by_instrument, &arena(HashRange::ALL, true));
        let mut image = Image::new(HashRange::ALL, &Budget::unlimited());
        let (mut open, mut snapshots, mut log) = (None, Vec::new(), Chunk::default());
        let mut rooms = self.rooms.iter().cycle();
        for at in 0..=self.events.len() {
            if open.is_none() && self.barriers.contains(&at) {
                run.step.freeze();
                open = Some(at);
            }
            if let Some(event) = self.events.get(at) {
                run.feed(at, event);
            }
            while let Some(before) = open {
                log.room = *rooms.next().unwrap();
                if run.step.capture(3, &mut log) {
                    image.apply(&std::mem::take(&mut log.bytes)).unwrap();
                    snapshots.push((before, records(&mut image)));
                    open = None;
                }
                if at < self.events.len() {
                    break;
                }
            }
        }
        (run, snapshots)
    }

    /// What the shards come to that go on from a snapshot.
    fn restored(&self, from: usize, records: &[Stored], shards: usize) -> (Ticks, BookTotals) {
        let (mut ticks, mut sum) = (Vec::new(), BookTotals::default());
        for shard in 0..shards {
            let range = HashRange::of_shard(shard, shards);
            let mut run = Run::new(self.by_instrument, &arena(range, shard % 2 == 0));
            run.step.restore(&mut image_of(records, range)).unwrap();
            for (at, event) in self.events.iter().enumerate().skip(from) {
                if shard_of(hash_of(&event.1.instrument), shards) == shard {
                    run.feed(at, event);
                }
            }
            let (own, totals) = run.end();
            ticks.extend(own);
            sum.counters += totals.counters;
            sum.trade_breaks += totals.trade_breaks;
            sum.books.extend(totals.books);
        }
        ticks.sort_by_key(|(at, ..)| *at);
        sum.books.sort_by_key(|book| book.instrument);
        (ticks, sum)
    }
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

fn action(reference: impl Strategy<Value = u64> + Clone) -> impl Strategy<Value = Action> {
    let (price, size) = (90..110_i64, 0..40_u32);
    let order = || (reference.clone(), side(), price.clone(), size.clone());
    let part = || (reference.clone(), size.clone());
    prop_oneof![
        30 => order().prop_map(|(reference, side, price, size)| Action::Add { reference, price, size, side }),
        10 => part().prop_map(|(reference, size)| Action::Execute { reference, size }),
        4 => (part(), price.clone(), any::<bool>()).prop_map(|((reference, size), price, printable)| {
            Action::ExecuteAt { reference, price, size, printable }
        }),
        10 => part().prop_map(|(reference, size)| Action::Cancel { reference, size }),
        10 => reference.clone().prop_map(|reference| Action::Delete { reference }),
        10 => (order(), reference.clone()).prop_map(|((old, _, price, size), new)| {
            Action::Replace { old, new, price, size }
        }),
        8 => order().prop_map(|(reference, side, price, size)| Action::Modify { reference, price, size, side }),
        2 => Just(Action::Clear),
        3 => (price.clone(), 1..9_u64).prop_map(|(price, size)| Action::Trade { price, size }),
        1 => Just(Action::TradeBreak),
    ]
}

fn level_action() -> impl Strategy<Value = Action> {
    let level = (90..110_i64, 0..5_u32, side());
    prop_oneof![
        20 => level.prop_map(|(price, size, side)| Action::Level { price, size, side }),
        1 => Just(Action::Clear),
    ]
}

fn quote_action() -> impl Strategy<Value = Action> {
    let price = || prop_oneof![5 => 90..110_i64, 1 => Just(Action::NO_PRICE)];
    (price(), price()).prop_map(|(bid, ask)| Action::Quote { bid, ask })
}

/// Instruments 0 to 9 have orders, 10 to 13 levels, 14 and 15 quotes. References of instruments never meet, or do.
fn events(by_instrument: bool, refs_meet: bool) -> impl Strategy<Value = Vec<(i64, MarketEvent)>> {
    let of_orders = (0..10_u32).prop_flat_map(move |instrument| {
        let first = if by_instrument || refs_meet { 0 } else { u64::from(instrument) * 1_000 };
        (Just(instrument), action(first..first + 12))
    });
    let event = prop_oneof![
        20 => of_orders,
        10 => (10..14_u32, level_action()),
        2 => (14..16_u32, quote_action()),
    ];
    let event = (-3..10_i64, event);
    prop::collection::vec(event, 1..400).prop_map(|steps| {
        let mut now = 0;
        let events = steps.into_iter().map(|(step, (instrument, action))| {
            now += step;
            (now, MarketEvent { instrument, action })
        });
        events.collect()
    })
}

fn cases(refs_meet: bool) -> impl Strategy<Value = Case> {
    any::<bool>().prop_flat_map(move |by_instrument| {
        let barriers = prop::collection::vec(0..300_usize, 1..4);
        let rooms = prop::collection::vec(0..6_usize, 1..8)
            .prop_filter("some", |rooms| rooms.iter().any(|room| *room > 0));
        (events(by_instrument, refs_meet), barriers, rooms).prop_map(
            move |(events, barriers, rooms)| Case { by_instrument, events, barriers, rooms },
        )
    })
}

fn check(case: &Case, shards: usize) {
    let mut plain = Run::new(case.by_instrument, &Arena::unlimited());
    case.events.iter().enumerate().for_each(|(at, event)| plain.feed(at, event));
    let (ticks, totals) = plain.end();
    let (tracked, snapshots) = case.run();
    assert_eq!(tracked.end(), (ticks.clone(), totals.clone()));
    for (from, records) in snapshots {
        let (later, sum) = case.restored(from, &records, shards);
        let later_expected = ticks.iter().filter(|(at, ..)| *at >= from);
        assert!(later_expected.eq(&later), "{from}: {later:?}");
        assert_eq!(sum, totals, "{from}");
    }
}

proptest! {
    #[test]
    fn restored_books_go_on_as_if_nothing_had_happened(case in cases(true)) {
        check(&case, 1);
    }

    #[test]
    fn books_go_to_the_shards_of_their_instruments(case in cases(false), shards in 2..5_usize) {
        check(&case, shards);
    }
}

#[test]
fn what_is_kept_lies_in_its_instruments_key_group() {
    fn group<K: Key>(key: &K) -> u64 {
        assert_eq!(hash_of_bytes(zerocopy::IntoBytes::as_bytes(&key.archive()), 4), hash_of(key));
        hash_of(key) >> 56
    }
    for instrument in (0..1_000_u32).chain([u32::MAX]) {
        let expected = group(&instrument);
        for n in 0..20 {
            let order = OrderKey { instrument, reference: n };
            let level = LevelKey { instrument, side: Side::Sell, price: n as i64 - 10 };
            assert_eq!((group(&order), group(&level)), (expected, expected));
        }
    }
}

#[test]
fn a_full_state_refuses_and_counts() {
    for bytes_max in [0, 10_000, 30_000] {
        let budget = Budget::new(bytes_max);
        let arena =
            Arena { range: HashRange::ALL, budget: budget.clone(), is_tracked: true, operator: 0 };
        let mut run = Run::new(false, &arena);
        let side = Side::Buy;
        for n in 0..1_000 {
            let price = n as i64;
            let add = Action::Add { reference: n, price, size: 1, side };
            run.feed(0, &(0, MarketEvent { instrument: n as u32 % 50, action: add }));
            let level = Action::Level { price, size: 1, side };
            run.feed(0, &(0, MarketEvent { instrument: 50 + n as u32 % 50, action: level }));
        }
        let live = run.step.orders[0].len();
        let levels: usize = run.step.depth.iter().map(|book| book.levels(side).len()).sum();
        assert!(budget.taken() <= bytes_max);
        let (_, totals) = run.end();
        assert_eq!(totals.counters.refused_at_bound as usize, 2_000 - live - levels);
        assert!(live < 1_000 && levels < 1_000 && (live > 0 || bytes_max < 30_000));
    }
}

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use tidewire_event::key::{Key, hash_of, shard_of};
use tidewire_event::record::{Record, u64_le};

use super::*;
use crate::image::Image;
use crate::log::{Section, append_dropped, append_entries};

const ID: TableId = TableId { number: 1, instance: -5 };

/// A log of chunks, in which there is room for so many entries now.
#[derive(Default)]
struct Chunks {
    chunk: Vec<u8>,
    room: usize,
}

impl Log for Chunks {
    fn entries(&mut self, section: &Section, entry_bytes: usize, entries: &[u8]) -> usize {
        let some = &entries[..entries.len().min(self.room * entry_bytes)];
        let bytes = append_entries(&mut self.chunk, usize::MAX, section, entry_bytes, some);
        self.room -= bytes / entry_bytes;
        bytes
    }

    fn dropped(&mut self, id: TableId) -> bool {
        append_dropped(&mut self.chunk, usize::MAX, id)
    }
}

#[derive(Debug, Clone)]
enum Step {
    Add(u32),
    Remove(u32),
    Clear,
    Freeze,
    Capture(usize),
    GiveUp,
}

fn steps(barriers: bool) -> impl Strategy<Value = Vec<Step>> {
    let key = prop_oneof![0..50_u32, 0..5_000_u32, any::<u32>()];
    let other = if barriers { 40 } else { 0 };
    let step = prop_oneof![
        2_000 => key.clone().prop_map(Step::Add),
        900 => key.prop_map(Step::Remove),
        1 + other / 40 => Just(Step::Clear),
        other => Just(Step::Freeze),
        other * 20 => (0..40_usize).prop_map(Step::Capture),
        other / 10 => Just(Step::GiveUp),
    ];
    prop::collection::vec(step, 0..if cfg!(miri) { 250 } else { 8_000 })
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 64 },
        // Miri has no files.
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn records(image: &mut Image) -> BTreeMap<u32, u64> {
    let mut records = BTreeMap::new();
    for (_, table) in image.tables_mut() {
        let read = |key: &[u8], value: &[u8]| {
            let key = u32::from_le_bytes(key.try_into().unwrap());
            records.insert(key, u64::from_le_bytes(value.try_into().unwrap()));
            Ok::<(), ()>(())
        };
        table.try_for_each(read).unwrap();
    }
    records
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn is_a_map(steps in steps(false)) {
        let mut table = Table::new(HashRange::ALL, &Budget::unlimited(), false).unwrap();
        let mut model = HashMap::new();
        for step in steps {
            match step {
                Step::Add(key) => {
                    let count = table.entry(&key, || u64_le::from_native(0)).unwrap();
                    *count += 1;
                    let expected = model.entry(key).or_insert(0_u64);
                    *expected += 1;
                    prop_assert_eq!(count.to_native(), *expected);
                }
                Step::Remove(key) => {
                    let removed = table.remove(&key).map(|value| value.to_native());
                    prop_assert_eq!(removed, model.remove(&key));
                    prop_assert!(table.get_mut(&key).is_none());
                }
                _ => {
                    table.clear();
                    model.clear();
                }
            }
            prop_assert_eq!(table.len(), model.len());
        }
        let found: HashMap<u32, u64> =
            table.iter().map(|(key, value)| (key, value.to_native())).collect();
        prop_assert_eq!(&found, &model);
        let mut visited = HashMap::new();
        let mut next = Some(0);
        while let Some(from) = next {
            next = table.visit(from, 7, |key, value| { visited.insert(key, value.to_native()); });
        }
        prop_assert_eq!(&visited, &model);
    }

    /// Whatever happens between barriers and during captures, the image of the logs is what the table held at the last
    /// barrier of which the capture was completed.
    #[test]
    fn a_log_holds_the_table_as_it_was_at_the_barrier(steps in steps(true)) {
        let mut table = Table::new(HashRange::ALL, &Budget::unlimited(), true).unwrap();
        let mut model = BTreeMap::new();
        let mut at_barrier: Option<BTreeMap<u32, u64>> = None;
        let mut image = Image::new(HashRange::ALL, &Budget::unlimited());
        let mut dropped = false;
        let mut log = Chunks::default();
        for step in steps {
            match step {
                Step::Add(key) => {
                    *table.entry(&key, || u64_le::from_native(0)).unwrap() += 1;
                    *model.entry(key).or_insert(0_u64) += 1;
                }
                Step::Remove(key) => {
                    table.remove(&key);
                    model.remove(&key);
                }
                Step::Clear if !table.is_capturing() && at_barrier.is_none() => {
                    table.clear();
                    model.clear();
                    dropped = true;
                }
                Step::Freeze if at_barrier.is_none() => {
                    if std::mem::take(&mut dropped) {
                        log.dropped(ID);
                    }
                    table.freeze();
                    at_barrier = Some(model.clone());
                }
                Step::Capture(room) if at_barrier.is_some() => {
                    log.room = room;
                    if table.capture(5, ID, &mut log) {
                        image.apply(&std::mem::take(&mut log.chunk)).unwrap();
                        prop_assert_eq!(Some(records(&mut image)), at_barrier.take());
                    }
                }
                Step::GiveUp if at_barrier.is_some() => {
                    table.give_up();
                    log.room = usize::MAX / 64;
                    prop_assert!(table.capture(0, ID, &mut log));
                    image.apply(&std::mem::take(&mut log.chunk)).unwrap();
                    at_barrier = None;
                }
                _ => {}
            }
        }
    }
}

#[test]
fn a_shard_fills_its_whole_table() {
    let range = HashRange::of_shard(2, 3);
    let mut table = Table::new(range, &Budget::unlimited(), false).unwrap();
    let mine = (0_u64..).filter(|key| (range.first..=range.last).contains(&hash_of(key)));
    for key in mine.take(if cfg!(miri) { 100 } else { 10_000 }) {
        table.entry(&key, || ()).unwrap();
    }
    let quarter = table.slots.count() / 4;
    let taken = |from: usize| (from..from + quarter).any(|at| table.slots.head(at).tag == 1);
    assert!((0..4).filter(|part| taken(part * quarter)).count() >= 3);
}

/// A key inside a key: its first four bytes say the key group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Inner([u8; 8]);

impl Key for Inner {
    type Archived = [u8; 8];
    const GROUP_BYTES: usize = 4;

    fn archive(&self) -> [u8; 8] {
        self.0
    }

    fn read(archived: &[u8; 8]) -> Self {
        Self(*archived)
    }
}

#[test]
fn one_key_group_fills_the_whole_table_of_keys_inside_it() {
    for range in [HashRange::ALL, HashRange::of_shard(shard_of(hash_of(&7_u32), 3), 3)] {
        let mut table = Table::new(range, &Budget::unlimited(), false).unwrap();
        let key = |inner: u32| {
            let (outer, inner) = (7_u32.to_le_bytes(), inner.to_le_bytes());
            Inner(std::array::from_fn(|at| if at < 4 { outer[at] } else { inner[at - 4] }))
        };
        for inner in 0..if cfg!(miri) { 100 } else { 10_000 } {
            assert_eq!(hash_of(&key(inner)) >> 56, hash_of(&7_u32) >> 56);
            table.entry(&key(inner), || ()).unwrap();
        }
        let part = table.slots.count() / 16;
        let taken = |from: usize| (from..from + part).filter(|at| table.slots.head(*at).tag == 1);
        let counts: Vec<_> = (0..16).map(|at| taken(at * part).count()).collect();
        assert!(counts.iter().filter(|count| **count > 0).count() >= 8, "{counts:?}");
    }
}

#[test]
fn the_generation_wraps() {
    let mut table = Table::new(HashRange::ALL, &Budget::unlimited(), false).unwrap();
    table.generation = u32::MAX - 4;
    for round in 0..4_u64 {
        assert!(table.is_empty());
        *table.entry(&5_u32, || u64_le::from_native(0)).unwrap() += round;
        let values: Vec<_> = table.iter().map(|(_, value)| value.to_native()).collect();
        assert_eq!(values, [round]);
        table.clear();
    }
}

#[test]
fn a_full_budget_refuses_new_keys_and_keeps_the_old_ones() {
    let keys = if cfg!(miri) { 500_u64 } else { 10_000 };
    let budget = Budget::new(keys as usize * 10);
    let mut table = Table::new(HashRange::ALL, &budget, false).unwrap();
    let refused = (0..keys).filter(|key| table.entry(key, || ()).is_none()).count();
    assert!(refused > 0 && table.len() + refused == keys as usize, "{refused} of {keys}");
    assert!((0..keys).filter(|key| table.get_mut(key).is_some()).count() == table.len());
    assert!(budget.taken() <= budget.bytes_max());
    drop(table);
    assert_eq!(budget.taken(), 0);
}

/// Else records that come in the order of their hashes would fall into one place of a table that is still small, and each
/// would pass over all before it.
#[test]
fn an_image_is_as_large_as_the_table_before_it_takes_its_records() {
    let mut table = Table::new(HashRange::ALL, &Budget::unlimited(), true).unwrap();
    for key in 0..if cfg!(miri) { 100 } else { 5_000_u32 } {
        table.entry(&key, || u64_le::from_native(1)).unwrap();
    }
    let mut log = Chunks { room: 1, ..Chunks::default() };
    table.freeze();
    while log.chunk.is_empty() {
        table.capture(1, ID, &mut log);
    }
    let mut image = Image::new(HashRange::ALL, &Budget::unlimited());
    image.apply(&log.chunk).unwrap();
    let capacities: Vec<_> = image.tables_mut().map(|(_, table)| table.capacity()).collect();
    assert_eq!(capacities, [table.capacity()]);
}

/// Values so large that a few fill the buffer of copies.
#[test]
fn an_epoch_is_given_up_when_no_copy_fits_and_the_next_one_has_all() {
    let keys = if cfg!(miri) { 40_u32 } else { 400 };
    let mut table = Table::new(HashRange::ALL, &Budget::unlimited(), true).unwrap();
    let mut image = Image::new(HashRange::ALL, &Budget::unlimited());
    let mut log = Chunks::default();
    let write = |table: &mut Table<u32, [u8; 8192]>, value: u8| {
        for key in 0..keys {
            table.entry(&key, || [0; 8192]).unwrap()[8_191] = value;
        }
    };
    write(&mut table, 1);
    table.freeze();
    write(&mut table, 2);
    assert!(table.overflowed() && !table.is_capturing());
    log.room = usize::MAX / 16_384;
    assert!(table.capture(8, ID, &mut log));
    assert!(table.freeze_and_capture(&mut log));
    assert!(!table.overflowed());
    image.apply(&log.chunk).unwrap();
    let mut seen = 0;
    for (_, table) in image.tables_mut() {
        let check = |_: &[u8], value: &[u8]| {
            assert_eq!(value[8_191], 2);
            seen += 1;
            Ok::<(), ()>(())
        };
        table.try_for_each(check).unwrap();
    }
    assert_eq!(seen, keys);
}

impl<K: Key, V: Record> Table<K, V> {
    fn freeze_and_capture(&mut self, log: &mut Chunks) -> bool {
        self.freeze();
        (0..10_000).any(|_| self.capture(8, ID, log))
    }
}

#[cfg(not(miri))]
#[test]
fn a_stored_image_is_mapped_and_left_as_it_is() {
    use std::io::{Read, Seek, Write};

    let mut table =
        RawTable::of_layout(Layout::of::<u32, u64_le>(), HashRange::ALL, &Budget::unlimited())
            .unwrap();
    for key in 0..1_000_u32 {
        table.put(&key.to_le_bytes(), &u64::from(key).to_le_bytes()).unwrap();
    }
    (0..100_u32).for_each(|key| table.remove_key(&key.to_le_bytes()));
    let mut file = tempfile::tempfile().unwrap();
    let (head, bytes) = table.image();
    file.write_all(&vec![7; 4_096]).unwrap();
    file.write_all(bytes).unwrap();
    let budget = Budget::unlimited();
    let layout = Layout::of::<u32, u64_le>();
    let map =
        |head: &ImageHead| RawTable::of_image(layout, HashRange::ALL, head, &file, 4_096, &budget);
    let mut restored: Table<u32, u64_le> = Table::adopt(map(&head).unwrap(), true).unwrap();
    for key in 0..3_000_u32 {
        *restored.entry(&key, || u64_le::from_native(1_000_000)).unwrap() += 1;
    }
    for (key, value) in restored.iter() {
        let before = if (100..1_000).contains(&key) { u64::from(key) } else { 1_000_000 };
        assert_eq!(value.to_native(), before + 1);
    }
    assert_eq!(restored.len(), 3_000);
    let other: Result<Table<u32, u32_le>, _> = Table::adopt(map(&head).unwrap(), true);
    assert!(other.is_err());
    assert!(map(&ImageHead { slots: 3, ..head }).is_err());
    assert!(map(&ImageHead { slots: 1 << 20, ..head }).is_err());
    let mut left = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut left).unwrap();
    assert!(left[4_096..] == *bytes);
}

#[cfg(not(miri))]
use tidewire_event::record::u32_le;

//! Jobs with snapshots, cut short and gone on with.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};

use tidewire_dataflow::{Aggregate, Bounded, KeyedWindow, Tumbling, WhenQuiet, Window, WindowRow};
use tidewire_event::record::u64_le;
use tidewire_event::{Header, Polled, Prepared, Sink, Source, Stamped, hash_of};
use tidewire_snapshot::{Job as JobName, MemoryStore};
use tidewire_state::Arena;

use super::*;
use crate::options::{Options, Threads};
use crate::{Job, JobError, Outcome, Silent};

const EVENTS: u64 = 300_000;
const KEYS: u64 = 1_000;

#[derive(Clone)]
struct Sum;

impl Aggregate for Sum {
    type In = u64;
    type Partial = u64_le;
    type Out = u64;

    fn lift(&self, _: &Header, event: &u64) -> u64_le {
        (*event).into()
    }

    fn combine(&self, a: &u64_le, b: &u64_le) -> u64_le {
        (*a + *b).into()
    }

    fn lower(&self, _: Window, sum: &u64_le) -> u64 {
        sum.to_native()
    }
}

/// How a run is cut short, and before which number.
#[derive(Debug, Clone, Copy)]
enum Cut {
    Never,
    Fail(u64),
    Stop(u64),
}

/// 0, 1, 2, ... in time and value, a little out of order, until it is cut short.
struct Numbers {
    next: u64,
    cut: Cut,
    /// What stops the job.
    stop: Arc<AtomicBool>,
    /// Whether it says itself where it is, and what it has heard to be durable.
    places: Option<Arc<Mutex<Vec<u64>>>>,
}

impl Source for Numbers {
    type Event = u64;
    type Error = io::Error;

    fn next(&mut self) -> Result<Polled<u64>, io::Error> {
        match self.cut {
            Cut::Fail(at) if at == self.next => return Err(io::Error::other("the cable is cut")),
            Cut::Stop(at) if at == self.next => self.stop.store(true, Relaxed),
            _ => {}
        }
        if self.next == EVENTS {
            return Ok(Polled::End);
        }
        let event = self.next;
        self.next += 1;
        let ts = event as i64 - (event * 7_919 % 50) as i64;
        Ok(Polled::Event(Stamped::new(ts, event)))
    }

    fn position(&mut self) -> Result<Option<String>, io::Error> {
        Ok(self.places.as_ref().map(|_| self.next.to_string()))
    }

    fn resume(&mut self, position: &str) -> Result<bool, io::Error> {
        assert_eq!(self.next, 0, "it begins once");
        self.next = position.parse().map_err(io::Error::other)?;
        Ok(self.places.is_some())
    }

    fn durable(&mut self, position: &str) {
        if let Some(places) = &self.places {
            places.lock().unwrap().push(position.parse().unwrap());
        }
    }
}

/// Rows that have been committed, and those that are prepared: both survive the job.
#[derive(Debug, Default)]
struct Disk {
    committed: Vec<(i64, u64, u64)>,
    prepared: Vec<(u64, Vec<(i64, u64, u64)>)>,
}

struct Durable {
    disk: Arc<Mutex<Disk>>,
    rows: Vec<(i64, u64, u64)>,
    /// So many turns pass before an epoch is prepared.
    turns: u32,
    /// Epochs that are to be prepared, each with its rows and the turns that have passed.
    asked: VecDeque<(u64, Vec<(i64, u64, u64)>, u32)>,
}

impl Durable {
    fn new(disk: &Arc<Mutex<Disk>>, turns: u32) -> Self {
        Self { disk: Arc::clone(disk), rows: Vec::new(), turns, asked: VecDeque::new() }
    }

    fn seal(&self, epoch: u64, rows: Vec<(i64, u64, u64)>) -> Vec<u8> {
        let mut disk = self.disk.lock().unwrap();
        disk.prepared.push((epoch, rows));
        let rows = disk.prepared.iter().map(|(_, rows)| rows.len()).sum::<usize>();
        ((disk.committed.len() + rows) as u64).to_le_bytes().to_vec()
    }
}

impl Sink for Durable {
    type Row = WindowRow<u64, u64>;
    type Late = u64;
    type Error = io::Error;

    fn compare(&self, a: &Self::Row, b: &Self::Row) -> Ordering {
        a.key.cmp(&b.key)
    }

    fn row(&mut self, row: Self::Row) -> Result<(), io::Error> {
        self.rows.push((row.window.end, row.key, row.value));
        Ok(())
    }

    fn late(&mut self, _: &Header, _: u64) -> Result<(), io::Error> {
        Ok(())
    }

    fn turn(&mut self) -> Result<Option<(u64, Vec<u8>)>, io::Error> {
        let Some((_, _, passed)) = self.asked.front_mut() else { return Ok(None) };
        *passed += 1;
        if *passed < self.turns {
            return Ok(None);
        }
        let Some((epoch, rows, _)) = self.asked.pop_front() else { return Ok(None) };
        Ok(Some((epoch, self.seal(epoch, rows))))
    }

    fn prepare(&mut self, epoch: u64) -> Result<Prepared, io::Error> {
        let rows = std::mem::take(&mut self.rows);
        if self.turns == 0 || epoch == 0 {
            return Ok(Prepared::Ready(self.seal(epoch, rows)));
        }
        self.asked.push_back((epoch, rows, 0));
        Ok(Prepared::Later)
    }

    fn commit(&mut self, epoch: u64) -> Result<(), io::Error> {
        let mut disk = self.disk.lock().unwrap();
        let Disk { committed, prepared } = &mut *disk;
        prepared.retain_mut(|(of, rows)| {
            if *of <= epoch {
                committed.append(rows);
            }
            *of > epoch
        });
        Ok(())
    }

    fn restore(&mut self, prepared: &[u8]) -> Result<(), io::Error> {
        let mut disk = self.disk.lock().unwrap();
        let Disk { committed, prepared: rows } = &mut *disk;
        let total = prepared.try_into().map_or(0, u64::from_le_bytes) as usize;
        committed.extend(rows.drain(..).flat_map(|(_, rows)| rows));
        assert!(committed.len() >= total, "prepared output was lost");
        committed.truncate(total);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), io::Error> {
        Ok(())
    }
}

fn run(
    disk: &Arc<Mutex<Disk>>,
    snapshots: Option<Snapshots>,
    threads: Threads,
    cut: Cut,
    places: Option<&Arc<Mutex<Vec<u64>>>>,
    turns: u32,
) -> Result<Outcome<Durable>, JobError<io::Error, io::Error>> {
    let key_of = |event: &u64| event % KEYS;
    let stop = snapshots.as_ref().map(|it| Arc::clone(&it.stop)).unwrap_or_default();
    let job = Job {
        sources: vec![Numbers { next: 0, cut, stop, places: places.cloned() }],
        watermarks: || Bounded::new(50),
        when_quiet: WhenQuiet::default(),
        route: move |event: &u64| hash_of(&key_of(event)),
        operator: move |arena: Arena| {
            Ok(KeyedWindow::new(Tumbling::new(5_000).unwrap(), key_of, Sum, arena))
        },
        sink: Durable::new(disk, turns),
    };
    job.run(&Options { threads, snapshots, ..Options::default() }, &mut Silent)
}

fn snapshots(store: &MemoryStore, restore: bool) -> Snapshots {
    let job = JobName { fingerprint: "numbers".to_owned(), description: Default::default() };
    Snapshots { every_ns: 1, restore, ..Snapshots::new(Arc::new(store.clone()), job) }
}

#[test]
fn a_job_that_is_cut_short_goes_on_as_if_it_had_not_been() {
    let whole = Arc::default();
    run(&whole, None, Threads::Inline, Cut::Never, None, 0).unwrap().sink.commit_all();
    let expected = std::mem::take(&mut whole.lock().unwrap().committed);
    assert!(expected.len() as u64 >= EVENTS / 5_000 * KEYS);
    let layouts = [Threads::Inline, Threads::Shards(1), Threads::Shards(2), Threads::Shards(3)];
    let told = Arc::new(Mutex::new(Vec::new()));
    let all = layouts
        .into_iter()
        .flat_map(|first| [(first, None, 0), (first, Some(&told), 0), (first, None, 7)]);
    for (first, places, turns) in all {
        let (store, disk) = (MemoryStore::default(), Arc::default());
        let cuts = [Cut::Fail(100_000), Cut::Fail(200_000), Cut::Fail(299_999), Cut::Never];
        let (mut restored, mut published) = (0, 0);
        for (run_number, cut) in cuts.into_iter().enumerate() {
            let threads = if run_number == 0 { first } else { layouts[run_number] };
            let snapshots = snapshots(&store, run_number > 0);
            match run(&disk, Some(snapshots), threads, cut, places, turns) {
                Ok(outcome) => {
                    let totals = outcome.snapshots.unwrap();
                    restored += u64::from(totals.restored.is_some());
                    published += totals.published;
                }
                Err(error) => assert_eq!(error.to_string(), "the cable is cut"),
            }
        }
        assert!(restored == 1 && published > 0, "{first:?}, {turns} turns");
        assert!(disk.lock().unwrap().committed == expected, "{first:?}, {turns} turns");
    }
    let told = told.lock().unwrap();
    assert!(!told.is_empty() && told.iter().all(|place| (1..=EVENTS).contains(place)));
}

/// Where it takes no snapshot but the last one, all depends on that.
#[test]
fn a_job_that_is_stopped_goes_on_from_there_and_closes_no_window_before() {
    let whole = Arc::default();
    run(&whole, None, Threads::Inline, Cut::Never, None, 0).unwrap().sink.commit_all();
    let expected = std::mem::take(&mut whole.lock().unwrap().committed);
    let layouts = [Threads::Inline, Threads::Shards(1), Threads::Shards(2), Threads::Shards(3)];
    let told = Arc::new(Mutex::new(Vec::new()));
    for (first, every_ns, turns) in
        layouts.into_iter().flat_map(|it| [(it, i64::MAX / 2, 0), (it, 1, 7)])
    {
        let (store, disk) = (MemoryStore::default(), Arc::default());
        let cuts = [Cut::Stop(0), Cut::Stop(100_000), Cut::Stop(200_500), Cut::Never];
        let mut events = 0;
        for (run_number, cut) in cuts.into_iter().enumerate() {
            let threads = if run_number == 0 { first } else { layouts[run_number] };
            let snapshots = Snapshots { every_ns, ..snapshots(&store, run_number > 0) };
            let places = (turns == 0).then_some(&told);
            let outcome = run(&disk, Some(snapshots), threads, cut, places, turns).unwrap();
            let totals = outcome.snapshots.unwrap();
            events += outcome.events;
            let is_stopped = !matches!(cut, Cut::Never);
            assert_eq!(totals.stopped.is_some(), is_stopped, "{first:?}, {cut:?}");
            assert_eq!(totals.restored.is_some(), run_number > 0);
            let disk = disk.lock().unwrap();
            assert!(disk.prepared.is_empty(), "{first:?}, {cut:?}");
            assert!(disk.committed == expected[..disk.committed.len()], "{first:?}, {cut:?}");
            assert_eq!(disk.committed.len() == expected.len(), !is_stopped);
        }
        // No event is read twice.
        assert_eq!(events, EVENTS, "{first:?}");
        assert!(disk.lock().unwrap().committed == expected, "{first:?}");
    }
    assert!(!told.lock().unwrap().is_empty());
}

#[test]
fn a_place_is_not_taken_for_a_number_of_events() {
    let (store, disk, told) = (MemoryStore::default(), Arc::default(), Arc::default());
    let inline = Threads::Inline;
    run(&disk, Some(snapshots(&store, false)), inline, Cut::Never, Some(&told), 0).unwrap();
    let other = run(&disk, Some(snapshots(&store, true)), inline, Cut::Never, None, 0);
    assert!(matches!(other, Err(JobError::Snapshot(SnapshotError::OtherInput { input: 0, .. }))));
}

impl Durable {
    fn commit_all(mut self) {
        assert!(matches!(self.prepare(1), Ok(Prepared::Ready(_))));
        self.commit(1).unwrap();
    }
}

#[test]
fn a_store_with_snapshots_is_not_begun_again_and_another_job_is_refused() {
    let (store, disk) = (MemoryStore::default(), Arc::default());
    run(&disk, Some(snapshots(&store, false)), Threads::Inline, Cut::Never, None, 0).unwrap();
    let again = run(&disk, Some(snapshots(&store, false)), Threads::Inline, Cut::Never, None, 0);
    assert!(matches!(again, Err(JobError::Snapshot(SnapshotError::NotEmpty { .. }))));
    let mut other = snapshots(&store, true);
    other.job.fingerprint = "letters".to_owned();
    let refused =
        run(&disk, Some(other), Threads::Inline, Cut::Never, None, 0).map(|_| ()).unwrap_err();
    assert!(matches!(refused, JobError::Snapshot(SnapshotError::Catalog(_))), "{refused}");
}

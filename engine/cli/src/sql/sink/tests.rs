use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard};

use proptest::prelude::*;
use tidewire_connect::tables::{Columns, show};
use tidewire_event::Place;
use tidewire_event::sink::LAST_EPOCH;
use tidewire_sql::Span;
use tidewire_sql::code::Fault;
use tidewire_sql::run::shape::Narrow;
use zerocopy::FromZeros;

use super::super::seen::Seen;
use super::lane::Step;
use super::*;

/// The number that a row carries.
fn number_of(row: &[u8]) -> u64 {
    u64::from_le_bytes(row[..8].try_into().unwrap())
}

fn emitted(output: u16, number: u64) -> Emitted<Narrow> {
    let mut row = RowOf::<Narrow>::new_zeroed();
    row.as_mut_bytes()[..8].copy_from_slice(&number.to_le_bytes());
    Emitted { output, place: Place::new(0, number), row }
}

fn sink(writers: Vec<(Box<dyn TableWriter>, Option<Queue>)>) -> SqlSink<Narrow> {
    sink_with(writers, Arc::default())
}

fn sink_with(
    writers: Vec<(Box<dyn TableWriter>, Option<Queue>)>,
    faults: Arc<Faults>,
) -> SqlSink<Narrow> {
    let output = |(number, (writer, queue))| {
        let (table, order) = (format!("t{number}"), RowOrder::new(&[]).unwrap());
        OutputWriter { table, writer, order, limit: None, queue }
    };
    let writers = writers.into_iter().enumerate().map(output).collect();
    SqlSink::new(writers, faults, Seen::default().of_outputs())
}

/// What an output has on its disk, which survives a crash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Files {
    committed: Vec<u64>,
    prepared: Vec<(u64, Vec<u64>)>,
}

/// Writes to a disk: prepares its rows, and shows them when they are committed.
struct ToDisk {
    disk: Arc<Mutex<Files>>,
    rows: Vec<u64>,
    /// Rows that were restored, and those that came after them.
    count: u64,
}

impl ToDisk {
    fn boxed(disk: &Arc<Mutex<Files>>) -> Box<dyn TableWriter> {
        Box::new(Self { disk: Arc::clone(disk), rows: Vec::new(), count: 0 })
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.disk.lock().unwrap()
    }
}

impl TableWriter for ToDisk {
    fn row(&mut self, row: &[u8]) -> Result<(), TableError> {
        self.rows.push(number_of(row));
        self.count += 1;
        Ok(())
    }

    fn prepare(&mut self, epoch: u64) -> Result<Option<Vec<u8>>, TableError> {
        let rows = std::mem::take(&mut self.rows);
        self.files().prepared.push((epoch, rows));
        Ok(Some(self.count.to_le_bytes().to_vec()))
    }

    fn commit(&mut self, epoch: u64) -> Result<(), TableError> {
        let mut files = self.files();
        let Files { committed, prepared } = &mut *files;
        prepared.retain_mut(|(of, rows)| {
            if *of <= epoch {
                committed.append(rows);
            }
            *of > epoch
        });
        Ok(())
    }

    fn restore(&mut self, prepared: &[u8]) -> Result<(), TableError> {
        let count = prepared.try_into().map_or(0, u64::from_le_bytes);
        let mut files = self.disk.lock().unwrap();
        let Files { committed, prepared } = &mut *files;
        committed.extend(prepared.drain(..).flat_map(|(_, rows)| rows));
        assert!(committed.len() as u64 >= count, "prepared rows are lost");
        committed.truncate(count as usize);
        self.count = count;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), TableError> {
        let rows = std::mem::take(&mut self.rows);
        self.files().committed.extend(rows);
        Ok(())
    }
}

/// A job that writes the numbers of its input to one or the other output, as a process that may crash.
struct Run {
    sink: SqlSink<Narrow>,
    workers: Vec<Worker<Narrow>>,
    /// How many rows have been given.
    next: u64,
    epoch: u64,
    /// Of each epoch that was asked for, how many rows there were before it.
    at: BTreeMap<u64, u64>,
}

/// What survives.
struct Stored {
    disks: [Arc<Mutex<Files>>; 2],
    /// The newest epoch that is durable: its rows, and what the sink said.
    newest: (u64, u64, Vec<u8>),
    /// What the sink said of each epoch, by the rows before it.
    said: BTreeMap<u64, Vec<u8>>,
}

impl Run {
    fn begin(stored: &Stored, queue: Option<Queue>) -> Self {
        let writers = stored.disks.iter().map(|disk| (ToDisk::boxed(disk), queue)).collect();
        let mut sink = sink(writers);
        let (epoch, next, prepared) = &stored.newest;
        sink.restore(prepared).unwrap();
        let mut workers = Vec::new();
        if queue.is_some() {
            let keep = |_: usize, _: &mut Lane<Narrow>, worker| {
                workers.push(worker);
                Ok(())
            };
            sink.part(keep).unwrap();
        }
        Self { sink, workers, next: *next, epoch: *epoch, at: BTreeMap::new() }
    }

    fn output_of(number: u64) -> u16 {
        (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 63) as u16
    }

    /// Gives a row; workers take steps until there is room for it.
    fn row(&mut self) {
        let output = Self::output_of(self.next);
        self.sink.hear().unwrap();
        while let Way::Apart(lane) = &self.sink.outputs[usize::from(output)].way
            && lane.is_full()
        {
            assert_eq!(self.workers[usize::from(output)].step(), Step::Busy);
            self.sink.hear().unwrap();
        }
        self.sink.row(emitted(output, self.next)).unwrap();
        assert_eq!(self.sink.outputs[usize::from(output)].waited, 0);
        self.next += 1;
    }

    fn prepare(&mut self) -> Option<(u64, Vec<u8>)> {
        self.epoch += 1;
        self.at.insert(self.epoch, self.next);
        match self.sink.prepare(self.epoch).unwrap() {
            Prepared::Ready(prepared) => Some((self.epoch, prepared)),
            Prepared::Later => None,
            Prepared::Never => panic!("it can be prepared"),
        }
    }
}

impl Stored {
    fn new() -> Self {
        let disks = [Arc::default(), Arc::default()];
        Self { disks, newest: (0, 0, Vec::new()), said: BTreeMap::new() }
    }

    /// The epoch becomes durable. What a sink says of so many rows is always the same.
    fn publish(&mut self, run: &mut Run, ready: (u64, Vec<u8>)) {
        let (epoch, prepared) = ready;
        let rows = run.at[&epoch];
        let said = self.said.entry(rows).or_insert_with(|| prepared.clone());
        assert_eq!(said, &prepared, "behind {rows} rows");
        self.newest = (epoch, rows, prepared);
        run.sink.commit(epoch).unwrap();
    }
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Rows(u64),
    Prepare,
    /// The sink takes a turn, and what is ready becomes durable or not.
    Turn(bool),
    /// A worker takes steps.
    Steps(usize, u64),
    Crash,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..8_u64).prop_map(Act::Rows),
        2 => Just(Act::Prepare),
        3 => prop::bool::weighted(0.8).prop_map(Act::Turn),
        4 => (0..2_usize, 0..8_u64).prop_map(|(worker, steps)| Act::Steps(worker, steps)),
        1 => Just(Act::Crash),
    ]
}

/// The rows of an output among the first so many.
fn expected(output: u16, rows: u64) -> Vec<u64> {
    (0..rows).filter(|number| Run::output_of(*number) == output).collect()
}

proptest! {
    /// Outputs with queues of their own say of each epoch what outputs without say, and show the same rows in the same
    /// order, whatever the turns of their threads, and over crashes.
    #[test]
    fn outputs_apart_are_as_outputs_of_one_thread(
        acts in prop::collection::vec(act(), 0..150),
        rows in 1..6_usize,
    ) {
        let queue = Queue { rows, when_full: WhenQueueFull::Wait };
        let mut stored = Stored::new();
        let mut run = Run::begin(&stored, Some(queue));
        for act in acts {
            match act {
                Act::Rows(count) => (0..count).for_each(|_| run.row()),
                // One epoch is on its way at a time.
                Act::Prepare if run.sink.asked.is_empty() => {
                    assert!(run.prepare().is_none(), "it comes later");
                }
                Act::Prepare => {}
                Act::Turn(is_durable) => {
                    if let Some(ready) = run.sink.turn().unwrap() && is_durable {
                        stored.publish(&mut run, ready);
                    }
                }
                Act::Steps(worker, steps) => {
                    (0..steps).for_each(|_| { run.workers[worker].step(); });
                }
                Act::Crash => run = Run::begin(&stored, Some(queue)),
            }
            for (output, disk) in (0..).zip(&stored.disks) {
                let files = disk.lock().unwrap();
                let durable = expected(output, stored.newest.1);
                prop_assert!(durable.starts_with(&files.committed), "only what is durable is seen");
            }
        }
        run.sink.prepare(LAST_EPOCH).unwrap();
        run.at.insert(LAST_EPOCH, run.next);
        while !run.sink.asked.is_empty() {
            run.workers.iter_mut().for_each(|worker| { worker.step(); });
            if let Some(ready) = run.sink.turn().unwrap() {
                stored.publish(&mut run, ready);
            }
        }
        run.workers.iter_mut().for_each(|worker| while worker.step() == Step::Busy {});
        run.sink.turn().unwrap();
        run.workers.iter_mut().for_each(|worker| while worker.step() == Step::Busy {});

        // The same by one thread, with an epoch at each place that had one.
        let mut direct = Stored::new();
        let mut one = Run::begin(&direct, None);
        for (rows, said) in &stored.said {
            while one.next < *rows {
                one.row();
            }
            let ready = one.prepare().unwrap();
            prop_assert_eq!(said, &ready.1);
            direct.publish(&mut one, ready);
        }
        for (ours, theirs) in stored.disks.iter().zip(&direct.disks) {
            prop_assert_eq!(&ours.lock().unwrap().committed, &theirs.lock().unwrap().committed);
        }
    }
}

/// Writes nothing before it is let to: it says that a row has come, and waits.
struct Gated {
    arrived: Sender<u64>,
    open: Receiver<Result<(), TableError>>,
}

impl TableWriter for Gated {
    fn row(&mut self, row: &[u8]) -> Result<(), TableError> {
        self.arrived.send(number_of(row)).unwrap();
        self.open.recv().unwrap_or(Ok(()))
    }

    fn prepare(&mut self, _: u64) -> Result<Option<Vec<u8>>, TableError> {
        Ok(Some(Vec::new()))
    }

    fn commit(&mut self, _: u64) -> Result<(), TableError> {
        Ok(())
    }

    fn restore(&mut self, _: &[u8]) -> Result<(), TableError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), TableError> {
        Ok(())
    }
}

/// The other side of a gated writer.
struct Gate {
    arrivals: Receiver<u64>,
    /// Dropped, it stays open.
    open: Sender<Result<(), TableError>>,
}

fn gated() -> (Box<dyn TableWriter>, Gate) {
    let ((arrived, arrivals), (open, opened)) = (channel(), channel());
    (Box::new(Gated { arrived, open: opened }), Gate { arrivals, open })
}

const ROWS: usize = 4;

/// A sink whose first output stands at its first row, with a full queue behind it, and the gate of that output; and the one
/// of the other output, which takes all.
fn held_up(when_full: WhenQueueFull) -> (SqlSink<Narrow>, Gate, Receiver<u64>) {
    let ((slow, gate), (fast, other)) = (gated(), gated());
    let queue = Some(Queue { rows: ROWS, when_full });
    let mut sink = sink(vec![(slow, queue), (fast, None)]);
    sink.start().unwrap();
    sink.row(emitted(0, 0)).unwrap();
    sink.turn().unwrap();
    assert_eq!(gate.arrivals.recv(), Ok(0));
    for number in 1..=ROWS as u64 {
        sink.row(emitted(0, number)).unwrap();
    }
    (sink, gate, other.arrivals)
}

/// Gives the output that is not held up rows, and sees them come out.
fn goes_on(sink: &mut SqlSink<Narrow>, arrivals: &Receiver<u64>) {
    for number in 100..150 {
        sink.row(emitted(1, number)).unwrap();
        sink.turn().unwrap();
        assert_eq!(arrivals.recv(), Ok(number));
    }
}

#[test]
fn an_output_that_stands_still_stops_no_other_before_its_queue_is_full_and_then_the_job_waits() {
    let (mut sink, gate, others) = held_up(WhenQueueFull::Wait);
    goes_on(&mut sink, &others);
    // A barrier needs no room, and rows for the other output go past it.
    assert_eq!(sink.prepare(1).unwrap(), Prepared::Later);
    goes_on(&mut sink, &others);
    assert_eq!(sink.turn().unwrap(), None, "one output has not prepared it");
    let no_room = sink.outputs[0].row(emitted(0, 5).row).unwrap();
    assert_eq!(no_room, Some(emitted(0, 5).row));
    let is_open = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            sink.row(emitted(0, 5)).unwrap();
            assert!(is_open.load(SeqCst), "there was no room before");
        });
        is_open.store(true, SeqCst);
        drop(gate.open);
    });
    sink.finish().unwrap();
    assert_eq!(gate.arrivals.try_iter().collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(sink.turn().unwrap().map(|(epoch, _)| epoch), Some(1));
    assert_eq!(sink.written(), 106);
    assert!(sink.dropped().is_empty());
}

#[test]
fn rows_for_which_there_is_no_room_are_dropped_and_counted() {
    let (mut sink, gate, others) = held_up(WhenQueueFull::Drop);
    for number in 5..12 {
        sink.row(emitted(0, number)).unwrap();
    }
    goes_on(&mut sink, &others);
    drop(gate.open);
    sink.finish().unwrap();
    assert_eq!(gate.arrivals.try_iter().collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(sink.dropped(), [("t0: rows for which its queue had no room".to_owned(), 7)]);
    assert_eq!(sink.written(), 55);
}

#[test]
fn a_full_queue_ends_the_job_with_the_name_of_its_table_where_that_is_wished() {
    let (mut sink, gate, others) = held_up(WhenQueueFull::Fail);
    goes_on(&mut sink, &others);
    let error = sink.row(emitted(0, 5)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "table t0: its queue of 4 row(s) is full, and 'sink.queue.full' is 'fail': rows come faster than they can be \
         written; 'sink.queue.rows' makes it longer, and 'wait' or 'drop' go on"
    );
    // What was in the queue is not written any more.
    drop(gate.open);
    drop(sink);
    assert!(gate.arrivals.into_iter().count() <= ROWS);
}

#[test]
fn an_error_of_one_output_ends_the_job_also_while_another_stands_still() {
    let ((slow, gate), (bad, bad_gate)) = (gated(), gated());
    let queue = Some(Queue { rows: 1, when_full: WhenQueueFull::Wait });
    let mut sink = sink(vec![(slow, queue), (bad, None)]);
    sink.start().unwrap();
    sink.row(emitted(0, 0)).unwrap();
    sink.row(emitted(1, 1)).unwrap();
    sink.turn().unwrap();
    assert_eq!((gate.arrivals.recv(), bad_gate.arrivals.recv()), (Ok(0), Ok(1)));
    bad_gate.open.send(Err(TableError::Closed)).unwrap();
    // The first waits in the queue; the second would wait without end.
    let given = (2..=3).try_for_each(|number| sink.row(emitted(0, number)));
    let error = given.unwrap_err();
    assert_eq!(error.to_string(), "table t1: nobody reads the output any more");
    let mut troubles = Counts::default();
    sink.add_troubles(&mut troubles);
    assert_eq!(
        troubles.into_list(),
        [("t0: rows that waited for room in its queue".to_owned(), 1)]
    );
    drop(gate.open);
}

#[test]
fn one_output_has_no_thread_unless_its_table_says_how_long_its_queue_is() {
    let is_apart = |queue| {
        let mut sink = sink(vec![(gated().0, queue)]);
        sink.start().unwrap();
        matches!(sink.outputs[0].way, Way::Apart(_))
    };
    assert!(!is_apart(None));
    assert!(is_apart(Some(Queue::default())));
}

#[test]
fn outputs_to_one_stream_stay_in_one_order() {
    let columns = Columns::all(Vec::new()).unwrap();
    let shown = || (show::csv(Vec::new(), &columns), None);
    let apart = |writers| {
        let mut sink = sink(writers);
        sink.start().unwrap();
        let is_apart = |output: &Output<Narrow>| matches!(output.way, Way::Apart(_));
        sink.outputs.iter().map(is_apart).collect::<Vec<_>>()
    };
    assert_eq!(apart(vec![shown(), (gated().0, None), shown()]), [false, true, false]);
    assert_eq!(apart(vec![shown(), (gated().0, None)]), [true, true]);
    let queue = Some(Queue::default());
    assert_eq!(apart(vec![shown(), (show::csv(Vec::new(), &columns), queue)]), [false, true]);
}

#[test]
fn no_epoch_is_prepared_and_no_row_written_behind_a_fault() {
    let columns = Columns::all(Vec::new()).unwrap();
    for outputs in [1, 2] {
        let queue = (outputs > 1).then(Queue::default);
        let writers = (0..outputs).map(|_| (show::csv(Vec::new(), &columns), queue)).collect();
        let faults = Arc::new(Faults::default());
        let mut sink = sink_with(writers, faults.clone());
        sink.start().unwrap();
        assert!(sink.prepare(1).is_ok());
        faults.of_result(0, Fault { at: Span::NONE, problem: "no".to_owned() });
        let is_fault = |error: SqlSinkError| matches!(error, SqlSinkError::Fault(_));
        assert!(sink.prepare(2).is_err_and(is_fault));
        assert!(sink.row(emitted(0, 0)).is_err_and(is_fault));
        assert!(sink.finish().is_err_and(is_fault));
    }
}

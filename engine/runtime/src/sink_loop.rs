//! The sink's thread: puts the shards' results into one total order.
//!
//! 1. Rows are held back until every shard has passed their time; then they are sorted and written.
//! 2. So the order depends on the rows alone: not on the number of shards, nor on the timing of threads.
//! 3. Rows that leave at once (on arrival, early) are written as they come: those of one shard in its order. One that
//!    takes the place of another is written behind it.
//! 4. Late events are ordered by the watermark that they came behind, then by their place in their source; with several
//!    sources, first by their epoch. Those that were made of one event are ordered by time, then as the sink says.
//! 5. An epoch's output is the rows up to the time that its barrier names, and the other rows and late events before the barriers of all
//!    shards. When these are written the sink is asked to prepare, and commits when it hears that the epoch is durable.
//! 6. Where the job stops behind an epoch that is durable, nothing is left to be written: shards have sent nothing since.
//! 7. A sink that prepares later is given the rows behind the epoch meanwhile. The epoch waits for it: only one is on its way.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender};
use std::thread;
use std::time::Duration;

use rtrb::Consumer;
use tidewire_event::limits::{SINK_PENDING_ROWS_MAX, SPARE_LISTS_MAX, TAKE_FRAMES};
use tidewire_event::sink::LAST_EPOCH;
use tidewire_event::time::{NOT_DUE, WATERMARK_NONE};
use tidewire_event::{End, Header, OutFrame, Place, Prepared, Sink};

use crate::clock::Clock;
use crate::latency::Recorder;
use crate::snapshots::barriers::Report;
use crate::wait::{Bell, Idler, Wait};

/// How long the sink sleeps at a time while it waits for the last epoch.
const COMMIT_POLL: Duration = Duration::from_millis(1);

/// Why the sink gave up.
#[derive(Debug)]
pub(crate) enum SinkEnd<E> {
    Stopped,
    Backlog,
    NotDurable,
    Failed(E),
}

/// The sink's ends of what lies between it and the uploader.
#[derive(Debug)]
pub(crate) struct SinkEnds {
    pub(crate) reports: Sender<Report>,
    pub(crate) commits: Receiver<u64>,
}

/// What the sink took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Taken {
    pub(crate) rows: u64,
    pub(crate) late: u64,
}

/// Late events by watermark and place; with several of one place, which a transform has made of one event, numbered.
type LateEvents<K> = BTreeMap<(i64, Place, u32), (Header, <K as Sink>::Late)>;

pub(crate) struct SinkLoop<K: Sink> {
    sink: K,
    inputs: Vec<Input<K>>,
    pending: BTreeMap<i64, Vec<K::Row>>,
    /// Emptied lists for rows to come: a list of a million rows is not given back to the system for each window.
    spare: Vec<Vec<K::Row>>,
    /// Rows that are written at once, in the order of their arrival.
    now: Vec<K::Row>,
    /// The same of the epoch behind the barrier that some shards have sent.
    now_behind: Vec<(i64, K::Row)>,
    /// Rows that take the place of rows of a time that are not written yet.
    corrected: BTreeMap<i64, Vec<K::Row>>,
    late: LateEvents<K>,
    /// Late events of the epoch behind the barrier.
    late_behind: LateEvents<K>,
    held_back: usize,
    /// All rows up to this time have been written.
    written_to: i64,
    taken: Taken,
    latency: Option<Recorder>,
    ends: Option<SinkEnds>,
    /// The epoch whose barrier has come from some shards.
    cut: Option<Cut>,
    /// Whether all has been written, and only the last commit is missing.
    is_ended: bool,
    /// How the shards have ended.
    end: End,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SinkStep {
    Busy,
    Idle,
    /// All is prepared, and not yet known to be durable.
    Waiting,
    Done,
}

/// Where an epoch's output ends.
#[derive(Debug, Clone, Copy)]
struct Cut {
    epoch: u64,
    to: i64,
}

struct Input<K: Sink> {
    ring: Consumer<OutFrame<K::Row, K::Late>>,
    complete_to: i64,
    /// Whether its barrier has come, and another's has not.
    is_behind_barrier: bool,
}

impl<K: Sink> SinkLoop<K> {
    pub(crate) fn new(
        sink: K,
        rings: Vec<Consumer<OutFrame<K::Row, K::Late>>>,
        latency: Option<Recorder>,
        ends: Option<SinkEnds>,
    ) -> Self {
        let input = |ring| Input { ring, complete_to: WATERMARK_NONE, is_behind_barrier: false };
        Self {
            sink,
            inputs: rings.into_iter().map(input).collect(),
            pending: BTreeMap::new(),
            spare: Vec::new(),
            now: Vec::new(),
            now_behind: Vec::new(),
            corrected: BTreeMap::new(),
            late: BTreeMap::new(),
            late_behind: BTreeMap::new(),
            held_back: 0,
            written_to: WATERMARK_NONE,
            taken: Taken::default(),
            latency,
            ends,
            cut: None,
            is_ended: false,
            end: End::Input,
        }
    }

    /// Runs until every shard has ended, and gives the sink back.
    pub(crate) fn run(
        mut self,
        clock: &impl Clock,
        (wait, bell): (Wait, &Bell),
        stopped: impl Fn() -> bool,
    ) -> Result<(K, Taken), SinkEnd<K::Error>> {
        let mut idler = Idler::new(wait);
        bell.wakes_this_thread();
        self.start()?;
        loop {
            match self.step(clock)? {
                SinkStep::Busy => idler.busy(),
                SinkStep::Idle | SinkStep::Waiting if stopped() => return Err(SinkEnd::Stopped),
                SinkStep::Idle => idler.idle_until_rung(),
                SinkStep::Waiting => thread::sleep(COMMIT_POLL),
                SinkStep::Done => break,
            }
        }
        if let Some(latency) = self.latency {
            latency.finish();
        }
        Ok((self.sink, self.taken))
    }

    /// To be called once, before the first turn.
    pub(crate) fn start(&mut self) -> Result<(), SinkEnd<K::Error>> {
        self.sink.start().map_err(SinkEnd::Failed)
    }

    /// One turn: commits what is durable, takes what has arrived, writes what is complete. Not to be called again when
    /// it is done.
    pub(crate) fn step(&mut self, clock: &impl Clock) -> Result<SinkStep, SinkEnd<K::Error>> {
        let committed = self.commit()?;
        while let Some((epoch, prepared)) = self.sink.turn().map_err(SinkEnd::Failed)? {
            self.report(epoch, prepared);
        }
        if self.is_ended {
            if committed != Some(LAST_EPOCH) {
                return Ok(SinkStep::Waiting);
            }
        } else if !self.inputs.is_empty() {
            if !self.take(clock) {
                return Ok(SinkStep::Idle);
            }
            if self.held_back > SINK_PENDING_ROWS_MAX {
                return Err(SinkEnd::Backlog);
            }
            self.write_complete()?;
            return Ok(SinkStep::Busy);
        } else {
            self.write_complete()?;
            if self.ends.is_some() && self.end == End::Input {
                self.prepare(LAST_EPOCH)?;
                self.is_ended = true;
                return Ok(SinkStep::Busy);
            }
        }
        self.sink.finish().map_err(SinkEnd::Failed)?;
        Ok(SinkStep::Done)
    }

    /// Takes what has arrived from each shard; false if that was nothing.
    fn take(&mut self, clock: &impl Clock) -> bool {
        let mut any = false;
        let Self {
            inputs,
            pending,
            spare,
            now,
            now_behind,
            corrected,
            written_to,
            late,
            late_behind,
            held_back,
            taken,
            latency,
            cut,
            end,
            ..
        } = self;
        inputs.retain_mut(|of| {
            let arrived = of.ring.slots().min(TAKE_FRAMES);
            let Ok(chunk) = of.ring.read_chunk(arrived) else { return true };
            any |= arrived > 0;
            let mut frames = chunk.into_iter();
            let mut next = frames.next();
            while let Some(frame) = next.take() {
                match frame {
                    OutFrame::Row { at, due, row } => {
                        // Rows of a window come together: its list is looked up once for them.
                        let fresh = || spare.pop().unwrap_or_default();
                        let rows = pending.entry(at).or_insert_with(fresh);
                        let before = rows.len();
                        let mut take = |due, row| {
                            if due != NOT_DUE
                                && let Some(latency) = latency
                            {
                                latency.record(due, clock.now());
                            }
                            rows.push(row);
                        };
                        take(due, row);
                        for frame in frames.by_ref() {
                            match frame {
                                OutFrame::Row { at: same, due, row } if same == at => {
                                    take(due, row)
                                }
                                other => {
                                    next = Some(other);
                                    break;
                                }
                            }
                        }
                        *held_back += rows.len() - before;
                        taken.rows += (rows.len() - before) as u64;
                        continue;
                    }
                    OutFrame::Now { behind, due, row } => {
                        if due != NOT_DUE
                            && let Some(latency) = latency
                        {
                            latency.record(due, clock.now());
                        }
                        if of.is_behind_barrier {
                            now_behind.push((behind, row));
                        } else if behind <= *written_to {
                            now.push(row);
                        } else {
                            corrected.entry(behind).or_default().push(row);
                        }
                        *held_back += 1;
                        taken.rows += 1;
                    }
                    OutFrame::Late { header, late: event } => {
                        let late =
                            if of.is_behind_barrier { &mut *late_behind } else { &mut *late };
                        let (watermark, place) = (header.watermark, header.place);
                        let at_place =
                            late.range((watermark, place, 0)..=(watermark, place, u32::MAX));
                        let number = at_place.map(|((_, _, number), _)| number + 1).next_back();
                        late.insert((watermark, place, number.unwrap_or(0)), (header, event));
                        *held_back += 1;
                        taken.late += 1;
                    }
                    OutFrame::Complete(to) => of.complete_to = to,
                    OutFrame::Barrier { epoch, to } => {
                        of.is_behind_barrier = true;
                        *cut = Some(Cut { epoch, to });
                    }
                    OutFrame::End(how) => {
                        *end = how;
                        return false;
                    }
                }
                next = frames.next();
            }
            true
        });
        any
    }

    /// Writes what is complete, and ends an epoch where all of it is.
    fn write_complete(&mut self) -> Result<(), SinkEnd<K::Error>> {
        debug_assert!(self.end == End::Input || self.held_back == 0, "a row behind the last epoch");
        self.write_now().map_err(SinkEnd::Failed)?;
        let complete_to = self.inputs.iter().map(|input| input.complete_to).min();
        if let Some(Cut { epoch, to }) = self.cut {
            let is_complete = complete_to.is_none_or(|complete_to| complete_to >= to);
            if !is_complete || !self.inputs.iter().all(|input| input.is_behind_barrier) {
                let to = complete_to.map_or(to, |complete_to| complete_to.min(to));
                return self.write(Some(to)).map_err(SinkEnd::Failed);
            }
            self.write(Some(to)).map_err(SinkEnd::Failed)?;
            self.write_late(|_| true).map_err(SinkEnd::Failed)?;
            self.prepare(epoch)?;
            self.late = std::mem::take(&mut self.late_behind);
            for (behind, row) in std::mem::take(&mut self.now_behind) {
                self.corrected.entry(behind).or_default().push(row);
            }
            self.inputs.iter_mut().for_each(|input| input.is_behind_barrier = false);
            self.cut = None;
        }
        self.write(complete_to).map_err(SinkEnd::Failed)
    }

    fn prepare(&mut self, epoch: u64) -> Result<(), SinkEnd<K::Error>> {
        match self.sink.prepare(epoch).map_err(SinkEnd::Failed)? {
            Prepared::Ready(prepared) => self.report(epoch, prepared),
            Prepared::Later => {}
            Prepared::Never => return Err(SinkEnd::NotDurable),
        }
        Ok(())
    }

    fn report(&self, epoch: u64, prepared: Vec<u8>) {
        if let Some(ends) = &self.ends {
            // Nobody listens any more when the job is being stopped.
            let _ = ends.reports.send(match epoch {
                LAST_EPOCH => Report::Finished { prepared },
                epoch => Report::Prepared { epoch, prepared },
            });
        }
    }

    /// Commits what has become durable, and says up to which epoch, if anything has.
    fn commit(&mut self) -> Result<Option<u64>, SinkEnd<K::Error>> {
        let Some(ends) = &self.ends else { return Ok(None) };
        let mut newest = None;
        for epoch in ends.commits.try_iter() {
            self.sink.commit(epoch).map_err(SinkEnd::Failed)?;
            newest = Some(epoch);
        }
        Ok(newest)
    }

    /// Writes the rows before the barrier that wait for no others.
    fn write_now(&mut self) -> Result<(), K::Error> {
        self.held_back -= self.now.len();
        self.now.drain(..).try_for_each(|row| self.sink.row(row))
    }

    /// Writes the rows and the late events that no shard can add to any more.
    fn write(&mut self, complete_to: Option<i64>) -> Result<(), K::Error> {
        let passed = |at: i64| complete_to.is_none_or(|to| at <= to);
        while let Some(first) = self.pending.first_entry()
            && passed(*first.key())
        {
            let mut rows = first.remove();
            rows.sort_unstable_by(|a, b| self.sink.compare(a, b));
            self.held_back -= rows.len();
            for row in rows.drain(..) {
                self.sink.row(row)?;
            }
            if self.spare.len() < SPARE_LISTS_MAX {
                self.spare.push(rows);
            }
        }
        self.written_to = complete_to.unwrap_or(i64::MAX).max(self.written_to);
        while let Some(first) = self.corrected.first_entry()
            && *first.key() <= self.written_to
        {
            let rows = first.remove();
            self.held_back -= rows.len();
            rows.into_iter().try_for_each(|row| self.sink.row(row))?;
        }
        // A shard that is complete to `to` has a watermark of at least `to - 1`, and so have the events that follow.
        self.write_late(|watermark| passed(watermark.saturating_add(2)))
    }

    /// Writes the late events before the barrier that came behind watermarks which `are_meant`.
    fn write_late(&mut self, are_meant: impl Fn(i64) -> bool) -> Result<(), K::Error> {
        while let Some(first) = self.late.first_entry()
            && are_meant(first.key().0)
        {
            let (watermark, place, _) = *first.key();
            let (header, late) = first.remove();
            let mut siblings = vec![(header, late)];
            while let Some(next) = self.late.first_entry()
                && (next.key().0, next.key().1) == (watermark, place)
            {
                siblings.push(next.remove());
            }
            self.held_back -= siblings.len();
            siblings.sort_by(|(a, this), (b, other)| {
                a.ts.cmp(&b.ts).then_with(|| self.sink.compare_late(this, other))
            });
            for (header, late) in siblings {
                self.sink.late(&header, late)?;
            }
        }
        Ok(())
    }
}

//! The world of a seed: processes that come and go, and who takes the next step.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidewire_dataflow::{Bounded, Tumbling, WhenQuiet};
use tidewire_event::hash_of;
use tidewire_event::time::{MICROSECOND, MILLISECOND};
use tidewire_runtime::stepped::{Stepped, SteppedJob, SteppedStore};
use tidewire_runtime::{Job, JobError, Note, SnapshotError, Snapshots};
use tidewire_snapshot::{Job as JobName, Manifest, MemoryStore, Store, catalog};
use tidewire_state::Arena;

use super::Failure;
use super::broken::Broken;
use super::dice::Dice;
use super::disk::{DiskError, Files, Parts};
use super::model::Expected;
use super::parts::{Chained, Input, Logged, Watermarks};
use super::plan::{Event, Plan, WIDE_WORDS, WORDS};
use super::process::{Life, Process, Running, SimClock, Stop, stop};
use super::store::{Faults, FaultyStore};
use super::trace::Trace;
use super::worker::Worker;

/// Steps without a fault in which a job must come to its end.
const STEPS_TO_END_MAX: u64 = 400_000;

/// What a seed came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Report {
    /// Events of the input.
    pub events: u64,
    /// Steps of all parts.
    pub steps: u64,
    /// Processes that were started.
    pub processes: u64,
    /// Epochs that were published by processes that came to their end.
    pub published: u64,
    /// Faults of the store.
    pub faults: u64,
    /// Snapshots that were damaged.
    pub damaged: u64,
    /// Processes that lingered.
    pub lingered: u64,
    /// Processes that were stopped behind a last snapshot.
    pub stopped: u64,
    /// Epochs that were given up because the store was slow.
    pub too_slow: u64,
}

impl Report {
    /// Adds another's numbers.
    pub fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.steps += other.steps;
        self.processes += other.processes;
        self.published += other.published;
        self.faults += other.faults;
        self.damaged += other.damaged;
        self.lingered += other.lingered;
        self.stopped += other.stopped;
        self.too_slow += other.too_slow;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            events,
            steps,
            processes,
            published,
            faults,
            damaged,
            lingered,
            stopped,
            too_slow,
        } = self;
        write!(
            f,
            "{events} events, {steps} steps, {processes} processes, of which {lingered} lingered and {stopped} were stopped, {published} epochs, \
             {faults} faults of the store, {damaged} damaged snapshots, {too_slow} epochs given up for want of room"
        )
    }
}

/// How the steps of a process ended.
enum End {
    Done,
    /// It was asked to stop, and has.
    Stopped,
    Crashed,
    /// It was taken for dead.
    Lingers,
}

pub(crate) struct World {
    seed: u64,
    broken: Option<Broken>,
    plan: Arc<Plan>,
    expected: Expected,
    clock: SimClock,
    trace: Trace,
    dice: Dice,
    /// When processes are asked to stop.
    stops: Dice,
    store: MemoryStore,
    faults: Arc<Mutex<Faults>>,
    files: Arc<Mutex<Files>>,
    /// The changes of the disk that have been looked at, and how many rows and late events there were.
    checked: (u64, usize, usize),
    /// A run has gone on from an older snapshot, and the disk is still to follow.
    may_shrink: bool,
    crashes_left: u64,
    lingers_left: u64,
    stops_left: u64,
    damages_left: u64,
    is_healed: bool,
    /// The step from which on nothing fails.
    heal_at: u64,
    report: Report,
}

impl World {
    pub(crate) fn new(seed: u64, broken: Option<Broken>) -> Self {
        let plan = Arc::new(Plan::new(seed));
        let clock = SimClock::default();
        let trace = Trace::new(clock.clone());
        let mut dice = Dice::new(seed, 3);
        let mut stops = Dice::new(seed, 7);
        Self {
            seed,
            broken,
            expected: Expected::of(&plan),
            store: MemoryStore::new(),
            faults: Arc::new(Mutex::new(Faults::new(seed, broken))),
            files: Arc::new(Mutex::new(Files::new(seed, trace.clone()))),
            checked: (0, 0, 0),
            may_shrink: false,
            crashes_left: dice.below(8),
            lingers_left: dice.below(3),
            stops_left: stops.pick([0, 0, 0, 3]),
            damages_left: dice.pick([0, 0, 1, 2]),
            is_healed: false,
            heal_at: plan.events * 20 + 5_000,
            report: Report { events: plan.events, ..Report::default() },
            clock,
            trace,
            dice,
            stops,
            plan,
        }
    }

    pub(crate) fn run(mut self) -> Result<Report, Failure> {
        let lived = if self.plan.is_wide {
            self.live::<WIDE_WORDS>(None)
        } else {
            self.live::<WORDS>(None)
        };
        match lived {
            Ok(()) => {
                let faults = self.faults().injected.iter().sum();
                self.report.faults = faults;
                Ok(self.report)
            }
            Err(what) => Err(Failure {
                seed: self.seed,
                broken: self.broken,
                what,
                trace: self.trace.events(),
            }),
        }
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One process after another, beside one that lingers, until the job is done.
    fn live<const N: usize>(&mut self, mut elder: Option<&mut dyn Process>) -> Result<(), String> {
        loop {
            self.report.processes += 1;
            self.count_step()?;
            let life = Arc::new(Life::new(self.report.processes, !self.is_healed));
            let shards = self.dice.between(1, 4) as usize;
            self.trace.say(format_args!("{life} starts with {shards} shard(s)"));
            let snapshots = self.snapshots(&life);
            let notes = RefCell::new(Vec::new());
            let note = |note: Note| notes.borrow_mut().push(note);
            let opened = SteppedStore::open(&snapshots, self.plan.inputs.len(), note);
            self.hear(&life, notes.take())?;
            let store = match opened {
                Ok(store) => store,
                Err(error) => {
                    self.not_started(&life, &JobError::Snapshot(error), elder.is_some())?;
                    continue;
                }
            };
            for _ in 0..self.dice.below(20) {
                self.step_elder(&mut elder)?;
            }
            let started = self.start::<N>(&life, &store, shards);
            self.look()?;
            // A process that crashes before it has restored the disk leaves that to the next one.
            self.may_shrink &= started.is_err();
            let job = match started {
                Ok(job) => job,
                Err(error) => {
                    self.not_started(&life, &error, elder.is_some())?;
                    continue;
                }
            };
            let sources = self.plan.inputs.len();
            let stop = Arc::clone(&snapshots.stop);
            let mut process = Running { job, life, stop, sources, shards };
            match self.steps(&mut process, &mut elder)? {
                End::Done => {
                    self.report.published += process.job.totals().published;
                    return self.check_whole();
                }
                End::Stopped => {
                    self.report.stopped += 1;
                    self.report.published += process.job.totals().published;
                }
                End::Crashed => {}
                End::Lingers => return self.live::<N>(Some(&mut process)),
            }
            drop(process);
            if elder.is_none() {
                self.damage()?;
            }
        }
    }

    fn snapshots(&self, life: &Arc<Life>) -> Snapshots {
        let store = FaultyStore {
            store: self.store.clone(),
            faults: Arc::clone(&self.faults),
            life: Arc::clone(life),
            clock: self.clock.clone(),
            trace: self.trace.clone(),
        };
        let job = JobName { fingerprint: "simulation".to_owned(), description: Default::default() };
        Snapshots {
            every_ns: self.plan.snapshot_every_ns,
            restore: true,
            keep: self.plan.keep,
            compression: self.plan.compression,
            unix_now_ns: || 0,
            ..Snapshots::new(Arc::new(store), job)
        }
    }

    fn start<'s, const N: usize>(
        &self,
        life: &Arc<Life>,
        store: &'s SteppedStore<'_>,
        shards: usize,
    ) -> Result<
        SteppedJob<
            's,
            Input,
            Watermarks,
            impl Fn(&Event) -> u64 + Clone + use<N>,
            Logged<Worker<fn(&Event) -> u32, Chained<N>>>,
            Parts,
            SimClock,
        >,
        JobError<std::convert::Infallible, DiskError>,
    > {
        let (broken, bound) = (self.broken, self.plan.bound);
        let key_of: fn(&Event) -> u32 = Event::key;
        let input = |index| Input { plan: Arc::clone(&self.plan), index, next: 0, broken };
        // The plan's windows are of at least 1 ns.
        let windows = Tumbling::new(self.plan.window).unwrap_or(Tumbling::SECOND);
        let job = Job {
            sources: (0..self.plan.inputs.len()).map(input).collect(),
            watermarks: || Watermarks { bounded: Bounded::new(bound), broken },
            when_quiet: WhenQuiet { idle_after: self.plan.idle_after, heartbeat_after: None },
            route: |event: &Event| hash_of(&event.key()),
            operator: |arena: Arena| {
                let operator = Worker::new(self.plan.work, windows, key_of, Chained, arena);
                Ok(Logged { operator, broken, records: 0 })
            },
            sink: Parts::new(
                Arc::clone(&self.files),
                Arc::clone(life),
                broken,
                self.plan.prepare_turns_max,
            ),
        };
        let Plan { sizes, rate, align_ns, .. } = &*self.plan;
        let (rate, align_ns) = (*rate, *align_ns);
        SteppedJob::start(job, store, shards, sizes, rate, align_ns, self.clock.clone())
    }

    /// A process could not begin: so it may be as long as things fail.
    fn not_started(
        &mut self,
        life: &Life,
        error: &JobError<std::convert::Infallible, DiskError>,
        has_elder: bool,
    ) -> Result<(), String> {
        self.trace.say(format_args!("{life} does not start: {error}"));
        let is_the_stores = matches!(error, JobError::Snapshot(SnapshotError::Store(_)))
            || matches!(error, JobError::Snapshot(SnapshotError::Object(_)))
            || error.to_string().contains("no connection");
        let is_fenced = has_elder && matches!(stop(error), Stop::Fenced(_));
        if life.is_over() || is_fenced || is_the_stores && !self.is_healed {
            return Ok(());
        }
        Err(format!("{life} does not start: {error}"))
    }

    /// What a process says at its start.
    fn hear(&mut self, life: &Life, notes: Vec<Note>) -> Result<(), String> {
        for note in notes {
            self.trace.say(format_args!("{life}: {note}"));
            match note {
                Note::SnapshotSkipped { .. } if self.report.damaged > 0 => self.may_shrink = true,
                Note::NothingToRestore { .. } => {}
                other => return Err(format!("{life} says: {other}")),
            }
        }
        Ok(())
    }

    fn count_step(&mut self) -> Result<(), String> {
        self.report.steps += 1;
        if self.report.steps >= self.heal_at && !self.is_healed {
            self.trace.say("from here on nothing fails");
            self.is_healed = true;
            let store = self.store.clone();
            self.faults().heal(&store);
        }
        if self.report.steps > self.heal_at + STEPS_TO_END_MAX {
            return Err(format!("no end after {} steps", self.report.steps));
        }
        Ok(())
    }

    /// Steps the process, and the elder between, until it ends.
    fn steps(
        &mut self,
        process: &mut dyn Process,
        elder: &mut Option<&mut dyn Process>,
    ) -> Result<End, String> {
        let parts = process.parts();
        let crash_in = self.dice.spread(10, self.plan.events * 20);
        let crash_at = self.report.steps + crash_in;
        let stop_at = self.report.steps + self.stops.spread(1, self.plan.events * 20);
        let (mut slow, mut slow_until, mut idle) = (parts, 0, 0_u64);
        loop {
            self.count_step()?;
            if self.is_healed {
                process.life().heal();
            } else if self.crashes_left > 0 && self.report.steps >= crash_at {
                self.crashes_left -= 1;
                if self.lingers_left > 0 && self.dice.one_in(2) {
                    self.lingers_left -= 1;
                    self.report.lingered += 1;
                    self.trace.say(format_args!("{} is taken for dead", process.life()));
                    return Ok(End::Lingers);
                }
                self.trace.say(format_args!("{} crashes", process.life()));
                process.life().end();
                return Ok(End::Crashed);
            }
            if self.stops_left > 0 && self.report.steps >= stop_at && process.ask_to_stop() {
                self.stops_left -= 1;
                self.trace.say(format_args!("{} is asked to stop", process.life()));
            }
            if self.report.steps >= slow_until {
                slow = self.dice.below(2 * parts as u64) as usize;
                slow_until = self.report.steps + self.dice.spread(10, 2_000);
            }
            let part = self.dice.below(parts as u64) as usize;
            if part == slow {
                continue;
            }
            let stepped = self.step(process, part);
            self.look()?;
            if process.life().is_over() {
                return Ok(End::Crashed);
            }
            match stepped {
                Ok(Stepped::Busy) => idle = 0,
                Ok(Stepped::Idle | Stepped::Done) => idle += 1,
                Err(Stop::Fenced(why)) if elder.is_some() => {
                    self.trace.say(format_args!("{} stops: {why}", process.life()));
                    return Ok(End::Crashed);
                }
                Err(Stop::Other(why)) if !self.is_healed && why.contains("made durable") => {
                    self.trace.say(format_args!("{} stops: {why}", process.life()));
                    return Ok(End::Crashed);
                }
                Err(Stop::Fenced(why) | Stop::Other(why)) => {
                    return Err(format!("{} stops: {why}", process.life()));
                }
            }
            if process.is_done() {
                let is_stopped = process.is_stopped();
                let how = if is_stopped { "has stopped" } else { "is done" };
                self.trace.say(format_args!("{} {how}", process.life()));
                return Ok(if is_stopped { End::Stopped } else { End::Done });
            }
            if self.dice.one_in(3) {
                self.step_elder(elder)?;
            }
            self.wait(idle, parts as u64);
        }
    }

    /// Time goes on: a little with each step, and more when nobody has anything to do.
    fn wait(&mut self, idle: u64, parts: u64) {
        let rounds = idle / (4 * parts);
        let ns = match rounds {
            0 => self.dice.spread(100, 20_000) as i64,
            rounds => ((100 * MICROSECOND) << rounds.min(11)).min(200 * MILLISECOND),
        };
        self.clock.advance(ns);
    }

    fn step(&mut self, process: &mut dyn Process, part: usize) -> Result<Stepped, Stop> {
        let trace = self.trace.clone();
        let number = process.life().number;
        let too_slow = Cell::new(0);
        let note = |note: Note| {
            trace.say(format_args!("process {number}: {note}"));
            let is_slow =
                matches!(&note, Note::EpochGivenUp { why } if why.contains("store is too slow"));
            too_slow.set(too_slow.get() + u64::from(is_slow));
        };
        let stepped = process.step(part, &note);
        self.report.too_slow += too_slow.get();
        stepped
    }

    /// Steps the process that lingers, if there is one.
    fn step_elder(&mut self, elder: &mut Option<&mut dyn Process>) -> Result<(), String> {
        let Some(process) = elder else { return Ok(()) };
        if self.is_healed {
            process.life().heal();
        }
        let part = self.dice.below(process.parts() as u64) as usize;
        let stepped = self.step(*process, part);
        self.look()?;
        if let Err(Stop::Fenced(why) | Stop::Other(why)) = &stepped {
            self.trace.say(format_args!("{} stops at last: {why}", process.life()));
            process.life().end();
        }
        if process.life().is_over() || process.is_done() {
            *elder = None;
        }
        Ok(())
    }

    /// What a reader sees must be a prefix of the expected output, and not less than before.
    fn look(&mut self) -> Result<(), String> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if files.changes == self.checked.0 {
            return Ok(());
        }
        let rows = || files.committed.values().flat_map(|part| &part.rows);
        let late = || files.committed.values().flat_map(|part| &part.late);
        self.expected.check(rows(), late(), false)?;
        let corrected = files.committed.values().flat_map(|part| &part.corrected);
        self.expected.check_corrected(corrected, false)?;
        let seen = (files.changes, rows().count(), late().count());
        let (_, rows_before, late_before) = self.checked;
        if (seen.1 < rows_before || seen.2 < late_before) && !self.may_shrink {
            return Err(format!(
                "a reader has seen {rows_before} rows and {late_before} late events, and now there are {} and {}",
                seen.1, seen.2
            ));
        }
        self.checked = seen;
        Ok(())
    }

    fn check_whole(&self) -> Result<(), String> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = files.committed.values().flat_map(|part| &part.rows);
        let late = files.committed.values().flat_map(|part| &part.late);
        let corrected = files.committed.values().flat_map(|part| &part.corrected);
        self.expected.check_corrected(corrected, true)?;
        self.expected.check(rows, late, true)
    }

    /// Damages an object or the manifest of the newest snapshot, if an older one is good without it.
    fn damage(&mut self) -> Result<(), String> {
        if self.damages_left == 0 || self.is_healed || !self.dice.one_in(2) {
            return Ok(());
        }
        let said = |error: &dyn std::error::Error| error.to_string();
        let scratch = std::env::temp_dir();
        let found = catalog::snapshots(&self.store).map_err(|error| said(&error))?;
        let good = |it: &&catalog::Found| {
            it.manifest
                .as_ref()
                .is_ok_and(|it| catalog::verify(&self.store, it, &scratch).is_empty())
        };
        let Some(newest) = found.iter().find(good) else { return Ok(()) };
        let Ok(manifest) = &newest.manifest else { return Ok(()) };
        let mut names: Vec<_> = manifest.objects().map(|object| object.name.clone()).collect();
        names.push(Manifest::name(manifest.epoch));
        let name = &names[self.dice.below(names.len() as u64) as usize];
        let Some(before) = self.store.read(name).map_err(|error| said(&error))? else {
            return Ok(());
        };
        let mut bytes = before.clone();
        let at = self.dice.below(bytes.len() as u64) as usize;
        match self.dice.below(3) {
            0 => bytes.truncate(at),
            1 => bytes[at] ^= 1 << self.dice.below(8),
            _ => bytes.clear(),
        }
        self.store.overwrite(name, bytes);
        let older = |it: &&catalog::Found| it.epoch < newest.epoch;
        if found.iter().filter(older).any(|it| good(&it)) {
            self.damages_left -= 1;
            self.report.damaged += 1;
            self.trace.say(format_args!("{name} is damaged"));
        } else {
            self.store.overwrite(name, before);
        }
        Ok(())
    }
}

//! Jobs as a shard runs them, and through crashes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rkyv::Portable;
use tidewire_event::record::{f64_ule, i64_ule};
use tidewire_event::time::{NOT_DUE, WATERMARK_END};
use tidewire_event::{Header, Place, hash_of};
use tidewire_state::Arena;
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use super::page::{Arrival, Found, FoundRow};
use crate::keyed_window::{Stage, WindowRow};
use crate::operator::{Operator, Output};
use crate::rolling::RollingRow;
use crate::testing::{Course, Emitted, Trial};
use crate::watermark::{Bounded, Monotonic, Partitions, Punctuated, WatermarkStrategy, WhenQuiet};

/// An event of the page. A key of zero is NULL.
#[derive(Debug, Clone, Copy, Default, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Event {
    pub(super) key: u8,
    has_value: u8,
    has_quantity: u8,
    is_whole: u8,
    whole: i64_ule,
    real: f64_ule,
    quantity: i64_ule,
}

impl Event {
    pub(super) fn set_value(&mut self, cell: &str) -> Option<()> {
        if let Ok(whole) = cell.parse::<i64>() {
            (self.whole, self.is_whole) = (whole.into(), 1);
        }
        (self.real, self.has_value) = (cell.parse::<f64>().ok()?.into(), 1);
        Some(())
    }

    pub(super) fn set_quantity(&mut self, quantity: i64) {
        (self.quantity, self.has_quantity) = (quantity.into(), 1);
    }

    pub(super) fn key(&self) -> Option<u8> {
        (self.key != 0).then_some(self.key)
    }

    pub(super) fn whole(&self) -> Option<i64> {
        (self.is_whole != 0).then_some(self.whole.to_native())
    }

    pub(super) fn real(&self) -> Option<f64> {
        (self.has_value != 0).then_some(self.real.to_native())
    }

    pub(super) fn quantity(&self) -> Option<i64> {
        (self.has_quantity != 0).then_some(self.quantity.to_native())
    }

    fn value(&self) -> String {
        match (self.whole(), self.real()) {
            (Some(whole), _) => whole.to_string(),
            (None, Some(real)) => real.to_string(),
            (None, None) => "NULL".to_owned(),
        }
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

/// How a watermark follows from the events.
#[derive(Debug, Clone)]
pub(super) enum Promise {
    Bounded(i64, Bounded),
    Monotonic(Monotonic),
    FromTheData(Punctuated<fn(&Event) -> Option<i64>>),
}

impl WatermarkStrategy<Event> for Promise {
    fn observe(&mut self, ts: i64, event: &Event) {
        match self {
            Self::Bounded(_, it) => it.observe(ts, event),
            Self::Monotonic(it) => it.observe(ts, event),
            Self::FromTheData(it) => it.observe(ts, event),
        }
    }

    fn watermark(&self) -> i64 {
        match self {
            Self::Bounded(_, it) => it.watermark(),
            Self::Monotonic(it) => WatermarkStrategy::<Event>::watermark(it),
            Self::FromTheData(it) => it.watermark(),
        }
    }

    fn heartbeat(&mut self, now: i64) {
        match self {
            Self::Bounded(_, it) => WatermarkStrategy::<Event>::heartbeat(it, now),
            Self::Monotonic(it) => WatermarkStrategy::<Event>::heartbeat(it, now),
            Self::FromTheData(it) => it.heartbeat(now),
        }
    }

    fn restore(&mut self, watermark: i64) {
        match self {
            Self::Bounded(_, it) => WatermarkStrategy::<Event>::restore(it, watermark),
            Self::Monotonic(it) => WatermarkStrategy::<Event>::restore(it, watermark),
            Self::FromTheData(it) => it.restore(watermark),
        }
    }
}

/// Where the events of a job come from.
#[derive(Debug, Clone)]
pub(super) struct Inputs {
    pub(super) sources: usize,
    pub(super) partitions: u32,
    pub(super) promise: Promise,
    pub(super) when: WhenQuiet,
}

/// A result as the page says it.
pub(super) trait Shown: Clone + Ord + std::fmt::Debug {
    /// It, when it left after so many arrivals, at once or not.
    fn shown(&self, after: usize, at_once: bool) -> FoundRow;
}

impl Shown for WindowRow<Option<u8>, String> {
    fn shown(&self, after: usize, _: bool) -> FoundRow {
        let result = match self.stage {
            Stage::Early => "early",
            Stage::Complete => "complete",
            Stage::Corrected => "corrected",
        };
        let (window, value) = ((self.window.start, self.window.end), self.value.clone());
        FoundRow { after, result, window: Some(window), time: None, key: self.key, value }
    }
}

impl Shown for RollingRow<Event, String> {
    fn shown(&self, after: usize, at_once: bool) -> FoundRow {
        let result = if at_once { "at once" } else { "complete" };
        let (key, value) = (self.event.key(), self.value.clone());
        FoundRow { after, result, window: None, time: Some(self.ts), key, value }
    }
}

/// What leaves a job, in order.
#[derive(Debug, Default)]
struct Leaving {
    after: usize,
    rows: Vec<FoundRow>,
    /// Rows that the sink puts into order: by time, then by key.
    complete: Vec<(i64, FoundRow)>,
}

impl<R: Shown> Output<R, Event> for Leaving {
    fn row(&mut self, at: i64, _: i64, row: R) {
        self.complete.push((at, row.shown(self.after, false)));
    }

    fn now(&mut self, _: i64, row: R) {
        self.settle();
        self.rows.push(row.shown(self.after, true));
    }

    fn corrected(&mut self, _: i64, due: i64, row: R) {
        self.now(due, row);
    }

    fn late(&mut self, header: &Header, event: Event) {
        self.settle();
        let (key, value) = (event.key(), event.value());
        let (after, time) = (self.after, Some(header.ts));
        self.rows.push(FoundRow { after, result: "late", window: None, time, key, value });
    }

    fn refused(&mut self, header: &Header) {
        panic!("no bound is set: {header:?}");
    }
}

impl Leaving {
    fn settle(&mut self) {
        // A stable sort: rows of one time and key stay as they came.
        self.complete.sort_by_key(|(at, row)| (*at, row.key));
        self.rows.extend(self.complete.drain(..).map(|(_, row)| row));
    }
}

/// Runs a job to its end.
pub(super) fn run<O>(
    inputs: &Inputs,
    arrivals: &[Arrival],
    make: impl Fn(Arena) -> O,
) -> Result<Found, String>
where
    O: Operator<In = Event, Late = Event>,
    O::Row: Shown,
{
    let Inputs { promise, when, partitions, .. } = inputs;
    let new = || Partitions::new(promise.clone(), *partitions, *when);
    let mut sources: Vec<_> = (0..inputs.sources).map(|_| new()).collect();
    let mut operator = make(Arena::unlimited());
    let (mut out, mut watermarks) = (Leaving::default(), Vec::new());
    let tell = |operator: &mut O, watermark: i64, out: &mut Leaving| {
        operator.watermark(watermark, NOT_DUE);
        while operator.is_firing() {
            operator.fire(out);
        }
        out.settle();
    };
    let least = |sources: &[Partitions<Promise>]| sources.iter().map(Partitions::watermark).min();
    for (at, arrival) in arrivals.iter().enumerate() {
        out.after = at + 1;
        if arrival.is_end() {
            continue;
        }
        let known = sources.len();
        let Some(source) = sources.get_mut(arrival.source) else {
            return Err(format!("source {} of {known}", arrival.source + 1));
        };
        let received = arrival.received.or(arrival.event.map(|(ts, _)| ts)).unwrap_or(i64::MIN);
        let watermark = match source.is_timed(arrival.partition) {
            true if arrival.event.is_none() => source.advance(received),
            true => source.before(arrival.partition, received),
            false => source.watermark(),
        };
        watermarks.push(watermark);
        if let Some(least) = least(&sources) {
            tell(&mut operator, least, &mut out);
        }
        let Some((ts, event)) = arrival.event else { continue };
        let place = Place::new(arrival.source, at as u64);
        operator.event(&Header { ts, watermark, place, due: NOT_DUE }, &event, &mut out);
        sources[arrival.source].observe(arrival.partition, ts, &event);
        if let Some(least) = least(&sources) {
            tell(&mut operator, least, &mut out);
        }
    }
    watermarks.push(WATERMARK_END);
    out.after = arrivals.len() + 1;
    tell(&mut operator, WATERMARK_END, &mut out);
    let found = Found { watermarks, rows: out.rows };
    through_crashes(inputs, arrivals, make, &found)?;
    Ok(found)
}

/// Stops a job before each event, and goes on from the snapshot.
fn through_crashes<O>(
    inputs: &Inputs,
    arrivals: &[Arrival],
    make: impl Fn(Arena) -> O,
    found: &Found,
) -> Result<(), String>
where
    O: Operator<In = Event, Late = Event>,
    O::Row: Shown,
{
    let bound = match inputs.promise {
        Promise::Bounded(bound, _) => bound,
        Promise::Monotonic(_) => 0,
        Promise::FromTheData(_) => return Ok(()),
    };
    let arrivals = arrivals.iter().filter(|it| !it.is_end());
    let events: Option<Vec<_>> = arrivals.map(|it| it.event).collect();
    let Some(events) = events.filter(|_| inputs.sources == 1 && inputs.partitions == 1) else {
        return Ok(());
    };
    let hash = |event: &Event| hash_of(&event.key());
    let trial = Trial { events: &events, bound, make, hash };
    let Emitted { rows, now, late, .. } = trial.run(64);
    let left = rows.len() + now.len() + late.len();
    if left != found.rows.len() {
        return Err(format!("{left} results in a trial, {} before", found.rows.len()));
    }
    for before in 0..=events.len() {
        let course = Course::of_one_barrier(before, 1 + before % 4);
        catch_unwind(AssertUnwindSafe(|| trial.survives(&course)))
            .map_err(|_| format!("not the same after a crash behind event {before}: see above"))?;
    }
    Ok(())
}

//! A job's words, as an operator. Each phrase between two commas must be known.

use tidewire_event::time::{MINUTE, SECOND};
use tidewire_state::Arena;
use zerocopy::Unaligned;

use super::page::{Block, Found, time};
use super::run::{Event, Inputs, Promise, run as run_operator};
use crate::aggregate::Aggregate;
use crate::aggregates::*;
use crate::global_window::{Count, EveryInterval, GlobalWindow, Trigger, When};
use crate::in_order::InOrder;
use crate::keyed_window::{Early, KeyedWindow};
use crate::rolling::{Frame, RollingComplete, RollingOnArrival};
use crate::session_window::{SessionGap, SessionWindow};
use crate::watermark::{Bounded, Monotonic, Punctuated, WhenQuiet};
use crate::window::Tumbling;
use crate::windows::Windows;

/// What a job is over.
#[derive(Debug, Clone, Copy)]
enum Over {
    Nothing,
    Windows(Windows),
    Sessions(SessionGap),
    Global(Fires, Option<bool>),
    OnArrival(Frame),
    Complete(Frame),
}

/// When a global window fires.
#[derive(Debug, Clone, Copy)]
enum Fires {
    Count(Count),
    Interval(EveryInterval),
    AtZero { accumulating: bool },
}

type Windowed<A> = KeyedWindow<Option<u8>, fn(&Event) -> Option<u8>, A>;

/// A job, but for its aggregate.
#[derive(Debug)]
struct Job<'b> {
    block: &'b Block,
    inputs: Inputs,
    over: Over,
    lateness: i64,
    early: Option<Early>,
    in_order: bool,
}

/// Runs the job of a block.
pub(super) fn run(block: &Block) -> Result<Found, String> {
    let promise = Promise::Bounded(0, Bounded::new(0));
    let when = WhenQuiet { idle_after: Some(MINUTE), heartbeat_after: None };
    let mut job = Job {
        block,
        inputs: Inputs { sources: 1, partitions: 1, promise, when },
        over: Over::Nothing,
        lateness: 0,
        early: None,
        in_order: false,
    };
    let (mut aggregate, mut has_watermark) = (None, false);
    for phrase in block.words.split(',').map(str::trim) {
        has_watermark |= phrase.starts_with("watermark");
        if job.watermark(phrase).is_some() || job.over(phrase)?.is_some() {
            continue;
        }
        if job.option(phrase).is_none() && aggregate.replace(phrase).is_some() {
            return Err(format!("{phrase:?}: one phrase too many that nothing is known of"));
        }
    }
    if !has_watermark {
        return Err("a job says its watermark".to_owned());
    }
    let is_windows = matches!(job.over, Over::Windows(_));
    let has_lateness = is_windows || matches!(job.over, Over::Sessions(_));
    let in_vain = [
        (job.lateness != 0 && !has_lateness, "allowed lateness"),
        (job.early.is_some() && !is_windows, "early results"),
        (job.in_order && (!is_windows || job.early.is_some()), "in order"),
    ];
    if let Some((_, phrase)) = in_vain.iter().find(|it| it.0) {
        return Err(format!("{phrase} is not tried here"));
    }
    match (job.over, aggregate) {
        (Over::Nothing, None) => job.widely(count().map(text)),
        (Over::Nothing, Some(phrase)) => Err(format!("{phrase:?} over nothing")),
        (_, None) => Err("a job says its aggregate".to_owned()),
        (_, Some(phrase)) => job.of(phrase),
    }
}

/// The length that stands between `before` and `behind`.
fn length(phrase: &str, before: &str, behind: &str) -> Option<i64> {
    time(phrase.strip_prefix(before)?.strip_suffix(behind)?.trim())
}

fn number(phrase: &str, before: &str, behind: &str) -> Option<u32> {
    phrase.strip_prefix(before)?.strip_suffix(behind)?.trim().parse().ok()
}

impl Job<'_> {
    fn watermark(&mut self, phrase: &str) -> Option<()> {
        let Inputs { sources, partitions, promise, when } = &mut self.inputs;
        if let Some(bound) = length(phrase, "watermark ", " behind") {
            *promise = Promise::Bounded(bound, Bounded::new(bound));
        } else if phrase == "watermark monotonic" {
            *promise = Promise::Monotonic(Monotonic::new());
        } else if phrase == "watermark from the values" {
            let read: fn(&Event) -> Option<i64> = |event| event.whole().map(|it| it * SECOND);
            *promise = Promise::FromTheData(Punctuated::new(read));
        } else if let Some(count) = number(phrase, "", " sources") {
            *sources = count as usize;
        } else if let Some(count) = number(phrase, "", " partitions") {
            *partitions = count;
        } else if let Some(after) = length(phrase, "idle after ", "") {
            when.idle_after = Some(after);
        } else if phrase == "never idle" {
            when.idle_after = None;
        } else {
            when.heartbeat_after = Some(length(phrase, "heartbeat after ", "")?);
        }
        Some(())
    }

    fn over(&mut self, phrase: &str) -> Result<Option<()>, String> {
        let (windows, offset) = match phrase.split_once(" offset ") {
            Some((windows, offset)) => (windows, time(offset)),
            None => (phrase, Some(0)),
        };
        let pair = |before: &str, between: &str| {
            let (a, b) = windows.strip_prefix(before)?.split_once(between)?;
            time(a).zip(time(b))
        };
        let windows = if let Some(size) = length(windows, "tumbling ", "") {
            Some(Windows::hopping(size, size))
        } else if let Some((size, slide)) = pair("hopping ", " every ") {
            Some(Windows::hopping(slide, size))
        } else {
            pair("cumulating ", " up to ").map(|(step, size)| Windows::cumulating(step, size))
        };
        if let Some(windows) = windows {
            let windows = windows.map_err(|error| error.to_string())?;
            let offset = offset.ok_or("an offset is a time")?;
            self.over = Over::Windows(windows.offset(offset));
            return Ok(Some(()));
        }
        Ok(self.over_others(phrase))
    }

    fn over_others(&mut self, phrase: &str) -> Option<()> {
        let accumulating = phrase.ends_with(" accumulating");
        let global = phrase.strip_suffix(" accumulating").unwrap_or(phrase);
        self.over = if let Some(gap) = length(phrase, "sessions with a gap of ", "") {
            Over::Sessions(SessionGap::new(gap).ok()?)
        } else if let Some(frame) = phrase.strip_suffix(" on arrival") {
            Over::OnArrival(frame_of(frame)?)
        } else if let Some(frame) = phrase.strip_suffix(" complete") {
            Over::Complete(frame_of(frame)?)
        } else if let Some(events) = number(global, "global firing at every ", " events") {
            let events = events.into();
            let count = if accumulating { Count::accumulating(events) } else { Count::new(events) };
            Over::Global(Fires::Count(count), None)
        } else if global == "global firing at a value of 0" {
            Over::Global(Fires::AtZero { accumulating }, None)
        } else {
            let interval = length(phrase, "global firing every ", "")?;
            Over::Global(Fires::Interval(EveryInterval(Tumbling::new(interval).ok()?)), None)
        };
        Some(())
    }

    fn option(&mut self, phrase: &str) -> Option<()> {
        if let Some(lateness) = length(phrase, "allowed lateness ", "") {
            self.lateness = lateness;
        } else if let Some(events) = number(phrase, "early at every ", " events") {
            self.early = Some(Early::Count(events));
        } else if let Some(every) = length(phrase, "early every ", "") {
            self.early = Some(Early::Every(every));
        } else if let (Over::Global(_, at_end), "a result at the end" | "no result at the end") =
            (&mut self.over, phrase)
        {
            *at_end = Some(phrase == "a result at the end");
        } else if phrase == "in order" {
            self.in_order = true;
        } else {
            return None;
        }
        Some(())
    }

    /// Runs it with the aggregate of a phrase.
    fn of(&self, phrase: &str) -> Result<Found, String> {
        match phrase {
            "count" => self.widely(count().map(text)),
            "sum of value" => self.widely(sum(Event::whole).map(text_or_null)),
            _ => self.narrowly_of(phrase),
        }
    }

    /// Other aggregates are for windows alone: to build each of them for all operators takes long.
    fn narrowly_of(&self, phrase: &str) -> Result<Found, String> {
        const HALF: [f64; 1] = [0.5];
        let percent = Accuracy::new(0.01).map_err(|error| error.to_string())?;
        let alpha = Alpha::new(0.5).map_err(|error| error.to_string())?;
        let half_life = HalfLife::new(10 * SECOND);
        let half_life = half_life.map_err(|error| error.to_string())?;
        match phrase {
            "count of value" => self.narrowly(count_of(Event::whole).map(text)),
            "average value cut to a whole number" => {
                self.narrowly(avg(Event::whole).map(|it| text_or_null(it.map(|it| it.truncated()))))
            }
            "average value" => {
                self.narrowly(avg(Event::whole).map(|it| text_or_null(it.map(|it| it.to_f64()))))
            }
            "average of real value" => self.narrowly(avg_f64(Event::real).map(text_or_null)),
            "sum of real value" => self.narrowly(sum_f64(Event::real).map(text_or_null)),
            "least value" => self.narrowly(min(Event::whole).map(text_or_null)),
            "greatest value" => self.narrowly(max(Event::whole).map(text_or_null)),
            "least real value" => self.narrowly(min(Event::real).map(text_or_null)),
            "greatest real value" => self.narrowly(max(Event::real).map(text_or_null)),
            "last value" => self.narrowly(last(Event::whole).map(text_or_null)),
            "first value" => self.narrowly(first(Event::whole).map(text_or_null)),
            "population variance" => self.narrowly(var_pop(Event::real).map(text_or_null)),
            "sample variance" => self.narrowly(var_samp(Event::real).map(text_or_null)),
            "exponential average with alpha 0.5" => {
                let aggregate = ema(alpha, Event::real).map(text_or_null);
                if self.in_order { self.in_order(aggregate) } else { self.narrowly(aggregate) }
            }
            "exponential average with a half-life of 10 s" => {
                self.narrowly(ema_by_time(half_life, Event::real).map(text_or_null))
            }
            "time-weighted average" => self.in_order(
                time_weighted(Event::whole).map(|it| text_or_null(it.map(|it| it.to_f64()))),
            ),
            "distinct values up to 2" => {
                self.narrowly(distinct(Size::<2>, Event::whole).map(|it| match it {
                    DistinctCount::Exact(count) => count.to_string(),
                    DistinctCount::MoreThan(count) => format!("more than {count}"),
                }))
            }
            "about how many distinct values" => {
                self.narrowly(hyper_log_log(Size::<256>, Event::whole).map(text))
            }
            "median within 1 %" => {
                let median = |it: Option<[f64; 1]>| {
                    it.map_or("NULL".to_owned(), |[median]| format!("{median:.2}"))
                };
                self.narrowly(quantiles(Size::<64>, percent, HALF, Event::real).map(median))
            }
            "top 2 values" => self.narrowly(top(Size::<2>, Event::whole).map(|it| texts(&it))),
            "first 2 values" => self.narrowly(
                list(Size::<2>, Event::whole)
                    .map(|it| format!("{} and {} more", texts(&it.values), it.more)),
            ),
            "vwap" => self.narrowly(vwap(Event::whole, Event::quantity).map(|it| match it {
                Some(vwap) => format!("{} / {}", vwap.notional, vwap.volume),
                None => "NULL".to_owned(),
            })),
            "open high low close volume" => {
                self.narrowly(ohlc(Event::whole, Event::quantity).map(|it| match it {
                    Some(bar) => {
                        let Bar { open, high, low, close, volume } = bar;
                        format!("{open} {high} {low} {close} {volume}")
                    }
                    None => "NULL".to_owned(),
                }))
            }
            _ => Err(format!("nothing is known of {phrase:?}")),
        }
    }

    fn widely<A>(&self, aggregate: A) -> Result<Found, String>
    where
        A: Aggregate<In = Event, Out = String> + Clone,
        A::Partial: Unaligned,
    {
        match self.over {
            Over::Sessions(gap) => self.run(|arena| {
                SessionWindow::new(gap, Event::key, aggregate.clone(), arena)
                    .allowed_lateness(self.lateness)
            }),
            Over::Global(Fires::Count(count), at_end) => self.global(aggregate, count, at_end),
            Over::Global(Fires::Interval(every), at_end) => self.global(aggregate, every, at_end),
            Over::Global(Fires::AtZero { accumulating }, at_end) => {
                let is_mark = |event: &Event| event.whole() == Some(0);
                match accumulating {
                    true => self.global(aggregate, When::accumulating(is_mark), at_end),
                    false => self.global(aggregate, When::new(is_mark), at_end),
                }
            }
            Over::OnArrival(frame) => {
                let make = |arena| {
                    RollingOnArrival::new(frame, Event::key, aggregate.clone(), arena).unwrap()
                };
                self.run(make)
            }
            Over::Complete(frame) => self.run(|arena| {
                let rolling =
                    RollingComplete::new(frame, Event::key, aggregate.clone(), arena.clone());
                InOrder::new(Event::key, arena, rolling.unwrap())
            }),
            Over::Windows(_) if self.in_order => self.in_order(aggregate),
            Over::Windows(windows) if let Some(early) = self.early => {
                let make = |arena| self.window(windows, aggregate.clone(), arena).early(early);
                make(Arena::unlimited()).map_err(text)?;
                self.run(|arena| make(arena).unwrap())
            }
            Over::Windows(_) | Over::Nothing => self.narrowly(aggregate),
        }
    }

    fn narrowly<A>(&self, aggregate: A) -> Result<Found, String>
    where
        A: Aggregate<In = Event, Out = String> + Clone,
    {
        if self.in_order || self.early.is_some() {
            return Err("in order and early are not tried with this aggregate".to_owned());
        }
        let windows = self.windows()?;
        self.run(|arena| self.window(windows, aggregate.clone(), arena))
    }

    fn in_order<A>(&self, aggregate: A) -> Result<Found, String>
    where
        A: Aggregate<In = Event, Out = String> + Clone,
    {
        let windows = self.windows()?;
        self.run(|arena| {
            let window = self.window(windows, aggregate.clone(), arena.clone());
            InOrder::new(Event::key, arena, window)
        })
    }

    fn windows(&self) -> Result<Windows, String> {
        match self.over {
            Over::Windows(windows) => Ok(windows),
            Over::Nothing => Ok(Tumbling::SECOND.into()),
            _ => Err("this aggregate is tried over windows alone".to_owned()),
        }
    }

    fn window<A>(&self, windows: Windows, aggregate: A, arena: Arena) -> Windowed<A>
    where
        A: Aggregate<In = Event, Out = String>,
    {
        let key_of: fn(&Event) -> Option<u8> = Event::key;
        KeyedWindow::new(windows, key_of, aggregate, arena).allowed_lateness(self.lateness)
    }

    fn global<A, T>(&self, aggregate: A, trigger: T, at_end: Option<bool>) -> Result<Found, String>
    where
        A: Aggregate<In = Event, Out = String> + Clone,
        T: Trigger<Event> + Clone,
    {
        self.run(|arena| {
            let window = GlobalWindow::new(Event::key, aggregate.clone(), trigger.clone(), arena);
            match at_end {
                Some(at_end) => window.at_end(at_end),
                None => window,
            }
        })
    }

    fn run<O>(&self, make: impl Fn(Arena) -> O) -> Result<Found, String>
    where
        O: crate::Operator<In = Event, Late = Event>,
        O::Row: super::run::Shown,
    {
        run_operator(&self.inputs, &self.block.arrivals, make)
    }
}

fn frame_of(phrase: &str) -> Option<Frame> {
    if let Some(range) = length(phrase, "rolling range of ", "") {
        return Some(Frame::Range(range));
    }
    let rows = number(phrase, "rolling ", " rows")?;
    Some(Frame::Rows { preceding: u64::from(rows).checked_sub(1)? })
}

fn text(value: impl ToString) -> String {
    value.to_string()
}

fn text_or_null(value: Option<impl ToString>) -> String {
    value.map_or("NULL".to_owned(), |value| value.to_string())
}

fn texts(values: &[i64]) -> String {
    values.iter().map(i64::to_string).collect::<Vec<_>>().join(" ")
}

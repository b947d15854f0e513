//! A source's thread: when an event is due, read it, stamp it, and send it on its way.
//!
//! 1. A source that has nothing now hands over what was read before, and its watermark goes on by the clock, where its
//!    partitions say so.
//! 2. Where nothing comes for long, and other sources go on, it follows their watermark: it does not hold the job's back.
//!    Events that come behind that are late.
//! 3. Whatever a source waits for, it goes on to send barriers, and it sees when the job has been stopped.
//! 4. Behind the last barrier nothing is read. The source ends, without a watermark, when that snapshot is durable.

use std::hint::spin_loop;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use tidewire_dataflow::{Partitions, Route, WatermarkStrategy};
use tidewire_event::limits::CHUNK_FRAMES;
use tidewire_event::time::{MICROSECOND, NOT_DUE, WATERMARK_END, WATERMARK_NONE};
use tidewire_event::{End, Header, Place, Polled, Source};
use tidewire_snapshot::SourcePosition;

use crate::clock::Clock;
use crate::lanes::{Downstream, Stopped};
use crate::observe::Progress;
use crate::rate::Schedule;
use crate::shard::ShardTotals;
use crate::snapshots::barriers::{Barriers, Due, Told};
use crate::snapshots::position::position;
use crate::wait::{Idler, Wait};

/// Why a source ended before its input did.
#[derive(Debug)]
pub(crate) enum SourceEnd<E> {
    Stopped(Stopped),
    Failed(E),
}

impl<E> From<Stopped> for SourceEnd<E> {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

/// What a source's loop works with, beside the source.
pub(crate) struct SourceLoop<'a, W, R, D, C, S> {
    pub(crate) index: usize,
    pub(crate) watermarks: Partitions<W>,
    pub(crate) route: R,
    pub(crate) down: D,
    pub(crate) schedule: Schedule,
    pub(crate) clock: C,
    pub(crate) wait: Wait,
    pub(crate) progress: &'a Progress,
    pub(crate) stopped: S,
    /// Where epochs begin, if snapshots are taken.
    pub(crate) barriers: Option<Barriers<'a>>,
    /// How far it is behind the last barrier.
    pub(crate) last: Last,
    /// Events before the first: what a restore has passed over.
    pub(crate) passed: u64,
    /// Whether the source says itself where it is: behind an event that it gave, also where that is not sent yet.
    pub(crate) keeps_places: bool,
    pub(crate) quiet: Quiet,
    pub(crate) alignment: Alignment,
}

/// Since when a source has had nothing.
#[derive(Debug)]
pub(crate) struct Quiet {
    /// After how long it is idle, ns.
    idle_after: Option<i64>,
    /// By the time of day; `None` while events come.
    since: Option<i64>,
}

impl Quiet {
    pub(crate) fn new(idle_after: Option<i64>) -> Self {
        Self { idle_after, since: None }
    }
}

/// How far a source may run ahead of the others.
#[derive(Debug)]
pub(crate) struct Alignment {
    drift: Option<i64>,
    /// Up to this watermark there is no need to look at the others.
    to: i64,
}

impl Alignment {
    /// At most `drift` ns of event time, if there is a bound.
    pub(crate) fn new(drift: Option<i64>) -> Self {
        let drift = drift.map(|drift| drift.max(0));
        Self { drift, to: if drift.is_some() { WATERMARK_NONE } else { WATERMARK_END } }
    }
}

/// How far a source's loop is: small and apart from it, so that it stays in registers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    pub(crate) sequence: u64,
    watermark: i64,
}

/// Where a source is that stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    /// It does not stop.
    No,
    /// The last barrier is sent.
    Sent,
    /// Its snapshot is durable.
    Durable,
}

/// What came of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// An event was read.
    Event,
    /// One was read, and the source may be too far ahead of the others now.
    Ahead,
    /// There is none now.
    Nothing,
    /// The last barrier is sent.
    Last,
    End,
}

impl<W, R, D, C: Clock, S: Fn() -> bool> SourceLoop<'_, W, R, D, C, S> {
    /// Runs to the end of the input, and says how many events there were, and what the shard did if it is on this thread.
    pub(crate) fn run<T: Source>(
        mut self,
        mut source: T,
    ) -> Result<(u64, ShardTotals), SourceEnd<T::Error>>
    where
        W: WatermarkStrategy<T::Event>,
        R: Route<T::Event>,
        D: Downstream<R::Out>,
    {
        let mut at = self.begin();
        let mut idler = Idler::new(self.wait);
        loop {
            match self.next(&mut source, &mut at)? {
                Turn::Event => continue,
                Turn::Ahead => self.wait_for_others(&mut source, at)?,
                Turn::Nothing => {
                    if self.quiet.since.is_none() {
                        idler.busy();
                    }
                    self.nothing(&mut source, &mut at)?;
                    if (self.stopped)() {
                        return Err(Stopped::ByAnother.into());
                    }
                    if !self.down.idle() {
                        let sleeps_at_once = source.has_threads();
                        idler.idle_unless(sleeps_at_once, |at_most| source.wait(at_most));
                    }
                }
                Turn::Last => {}
                Turn::End => return self.end(&mut source, at),
            }
            if self.last != Last::No {
                return self.stop(&mut source, at);
            }
        }
    }

    /// Where the loop begins.
    pub(crate) fn begin(&self) -> At
    where
        W: Clone,
    {
        At { sequence: self.passed, watermark: self.watermarks.watermark() }
    }

    /// Reads the next event, when it is due, and sends it on its way.
    #[inline(always)]
    pub(crate) fn next<T: Source>(
        &mut self,
        source: &mut T,
        at: &mut At,
    ) -> Result<Turn, SourceEnd<T::Error>>
    where
        W: WatermarkStrategy<T::Event>,
        R: Route<T::Event>,
        D: Downstream<R::Out>,
    {
        let At { sequence, mut watermark } = *at;
        let first = self.passed;
        // Where the time is known before the event is, reading and decoding are part of its latency.
        let mut due = NOT_DUE;
        if let Some(then) = self.schedule.due_of(sequence - first) {
            due = then;
            self.wait_until(source, due, *at, true)?;
            if self.last != Last::No {
                return Ok(Turn::Last);
            }
        }
        let stamped = match source.next().map_err(SourceEnd::Failed)? {
            Polled::Event(stamped) => stamped,
            Polled::Nothing => return Ok(Turn::Nothing),
            Polled::End => return Ok(Turn::End),
        };
        if self.quiet.since.is_some() {
            self.goes_on();
        }
        if self.schedule.follows_the_recording() {
            due = self.schedule.due_at(stamped.received);
            self.wait_until(source, due, *at, !self.keeps_places)?;
            if self.last != Last::No {
                // It is read again by the run that goes on.
                return Ok(Turn::Last);
            }
        }
        if self.watermarks.is_timed(stamped.partition) {
            watermark = self.watermarks.before(stamped.partition, stamped.received);
        }
        let place = Place::new(self.index, sequence);
        let header = Header { ts: stamped.ts, watermark, place, due };
        let down = &mut self.down;
        let send = |hash, header: &Header, event| down.event(hash, *header, event);
        self.route.route(&header, stamped.event, send)?;
        watermark = self.watermarks.observe(stamped.partition, stamped.ts, &stamped.event);
        self.down.watermark(watermark, due)?;
        let sequence = sequence + 1;
        *at = At { sequence, watermark };

        if sequence.is_multiple_of(CHUNK_FRAMES as u64) {
            self.watermarks.grow(source.partitions());
            self.down.chunk_is_read()?;
            self.publish(*at);
            self.report(source, *at, stamped.received);
            self.barrier(source, *at)?;
            if (self.stopped)() {
                return Err(Stopped::ByAnother.into());
            }
            if self.last != Last::No {
                return Ok(Turn::Last);
            }
        }
        Ok(if watermark > self.alignment.to { Turn::Ahead } else { Turn::Event })
    }

    /// The source has nothing now: hands over what was read before, and lets the watermark go on by the clock.
    #[inline(never)]
    pub(crate) fn nothing<T: Source>(
        &mut self,
        source: &mut T,
        at: &mut At,
    ) -> Result<(), SourceEnd<T::Error>>
    where
        W: WatermarkStrategy<T::Event>,
        R: Route<T::Event>,
        D: Downstream<R::Out>,
    {
        let now = source.time(self.clock.time_of_day());
        let since = *self.quiet.since.get_or_insert(now);
        self.watermarks.grow(source.partitions());
        self.watermarks.advance(now);
        if self.quiet.idle_after.is_some_and(|after| now.saturating_sub(since) >= after) {
            self.progress.source(self.index).is_idle.store(true, Relaxed);
            if let Some(watermark) = self.progress.watermark_of_others(self.index) {
                self.watermarks.follow(watermark);
            }
        }
        let watermark = self.watermarks.watermark();
        if watermark > at.watermark {
            at.watermark = watermark;
            self.down.watermark(watermark, NOT_DUE)?;
        }
        self.report(source, *at, now);
        self.idle(source, *at)
    }

    /// The source has an event again.
    #[cold]
    #[inline(never)]
    fn goes_on(&mut self) {
        self.quiet.since = None;
        self.progress.source(self.index).is_idle.store(false, Relaxed);
    }

    /// The input has ended: says how many events there were, and what the shard did if it is on this thread.
    pub(crate) fn end<T: Source>(
        self,
        source: &mut T,
        at: At,
    ) -> Result<(u64, ShardTotals), SourceEnd<T::Error>>
    where
        R: Route<T::Event>,
        D: Downstream<R::Out>,
    {
        let events = at.sequence - self.passed;
        let progress = self.progress.source(self.index);
        progress.read(events, source.fraction_read());
        progress.watermark(WATERMARK_END, None);
        progress.is_idle.store(false, Relaxed);
        if let Some(barriers) = &self.barriers {
            let place = source.position().map_err(SourceEnd::Failed)?;
            barriers
                .ended(SourcePosition { place, ..SourcePosition::new(at.sequence, WATERMARK_END) });
        }
        let totals = self.down.end(End::Input)?;
        Ok((events, totals))
    }

    /// Behind the last barrier: waits until its snapshot is durable, and ends.
    #[inline(never)]
    fn stop<T: Source>(
        mut self,
        source: &mut T,
        at: At,
    ) -> Result<(u64, ShardTotals), SourceEnd<T::Error>>
    where
        W: WatermarkStrategy<T::Event>,
        R: Route<T::Event>,
        D: Downstream<R::Out>,
    {
        let mut idler = Idler::new(self.wait);
        while self.last != Last::Durable {
            self.idle(source, at)?;
            if (self.stopped)() {
                return Err(Stopped::ByAnother.into());
            }
            if !self.down.idle() {
                idler.idle();
            }
        }
        self.end_here(source, at)
    }

    /// The snapshot of the last barrier is durable: ends with all that is open left so.
    pub(crate) fn end_here<T: Source>(
        mut self,
        source: &mut T,
        at: At,
    ) -> Result<(u64, ShardTotals), SourceEnd<T::Error>>
    where
        R: Route<T::Event>,
        D: Downstream<R::Out>,
    {
        while self.hear(source) {}
        let events = at.sequence - self.passed;
        self.progress.source(self.index).read(events, source.fraction_read());
        let totals = self.down.end(End::Stop)?;
        Ok((events, totals))
    }

    /// Whether the next event is due now, as far as that is known before it is read.
    pub(crate) fn is_due(&self, at: At) -> bool {
        let due = self.schedule.due_of(at.sequence - self.passed);
        due.is_none_or(|due| due <= self.clock.now())
    }

    /// Whether the source is too far ahead of the slowest of the others. One that is idle or has ended does not count.
    pub(crate) fn is_ahead(&mut self, at: At) -> bool {
        let Alignment { drift: Some(drift), to } = &mut self.alignment else { return false };
        if at.watermark <= *to {
            return false;
        }
        let others = self.progress.watermark_of_others(self.index);
        // Where none counts now, one may with the next event.
        *to = others.map_or(at.watermark, |others| others.saturating_add(*drift));
        at.watermark > *to
    }

    /// A turn while there is nothing to read, without a wait.
    pub(crate) fn idle<T: Source>(
        &mut self,
        source: &mut T,
        at: At,
    ) -> Result<(), SourceEnd<T::Error>>
    where
        W: WatermarkStrategy<T::Event>,
        R: Route<T::Event>,
        D: Downstream<R::Out>,
    {
        self.down.flush()?;
        self.publish(at);
        self.barrier(source, at)
    }

    /// Tells the source what has become durable, and what is not needed any more; false if there is no such news.
    #[inline]
    fn hear<T: Source>(&mut self, source: &mut T) -> bool {
        match self.barriers.as_ref().map(|barriers| barriers.told.try_recv()) {
            Some(Ok(Told::Durable(position))) => source.durable(&position),
            Some(Ok(Told::Forget(position))) => source.forget(&position),
            Some(Err(_)) | None => return false,
        }
        true
    }

    /// Sends a barrier, if one is wanted, behind all that has been sent.
    #[inline]
    fn barrier<T: Source>(&mut self, source: &mut T, at: At) -> Result<(), SourceEnd<T::Error>>
    where
        W: WatermarkStrategy<T::Event>,
        R: Route<T::Event>,
        D: Downstream<R::Out>,
    {
        self.hear(source);
        let Some(barriers) = &mut self.barriers else { return Ok(()) };
        let (epoch, is_last) = match barriers.due() {
            None => return Ok(()),
            Some(Due::Stop) => {
                self.last = Last::Durable;
                return Ok(());
            }
            Some(Due::Barrier { epoch, is_last }) => (epoch, is_last),
        };
        if is_last {
            self.last = Last::Sent;
        }
        let place = source.position().map_err(SourceEnd::Failed)?;
        barriers.sent(epoch, position(at.sequence, &self.watermarks, place));
        Ok(self.down.barrier(epoch, at.watermark)?)
    }

    fn report<T: Source>(&self, source: &T, at: At, received: i64) {
        let progress = self.progress.source(self.index);
        progress.read(at.sequence - self.passed, source.fraction_read());
        progress.received.store(received, Relaxed);
    }

    /// Lets the other sources know how far this one is.
    fn publish(&self, at: At)
    where
        W: Clone,
    {
        self.progress.source(self.index).watermark(at.watermark, self.watermarks.slowest());
    }

    /// Waits until the other sources have come near enough.
    #[inline(never)]
    fn wait_for_others<T: Source>(
        &mut self,
        source: &mut T,
        at: At,
    ) -> Result<(), SourceEnd<T::Error>>
    where
        W: WatermarkStrategy<T::Event>,
        R: Route<T::Event>,
        D: Downstream<R::Out>,
    {
        let mut idler = Idler::new(self.wait);
        while self.is_ahead(at) && self.last == Last::No {
            self.idle(source, at)?;
            if (self.stopped)() {
                return Err(Stopped::ByAnother.into());
            }
            if !self.down.idle() {
                idler.idle();
            }
        }
        Ok(())
    }

    /// Waits until `due`, if that is still to come. What was read before is handed over first. Barriers are sent meanwhile
    /// where the source's place `is_sent`: where it is not behind an event that is held.
    #[inline(never)]
    fn wait_until<T: Source>(
        &mut self,
        source: &mut T,
        due: i64,
        at: At,
        is_sent: bool,
    ) -> Result<(), SourceEnd<T::Error>>
    where
        W: WatermarkStrategy<T::Event>,
        R: Route<T::Event>,
        D: Downstream<R::Out>,
    {
        if self.clock.now() >= due {
            return Ok(());
        }
        self.down.flush()?;
        self.publish(at);
        loop {
            let left = due - self.clock.now();
            if left <= 0 {
                return Ok(());
            }
            if is_sent {
                self.barrier(source, at)?;
                if self.last != Last::No {
                    return Ok(());
                }
            }
            if self.down.idle() {
                continue;
            }
            match self.wait {
                Wait::Spin => spin_loop(),
                Wait::Park if left > SLEEP_NS => {
                    thread::sleep(Duration::from_nanos(
                        (left.min(SLEEP_NS_MAX) - SLEEP_NS / 2) as u64,
                    ));
                    if (self.stopped)() {
                        return Err(Stopped::ByAnother.into());
                    }
                }
                Wait::Yield | Wait::Park => thread::yield_now(),
            }
        }
    }
}

/// A shorter wait is not slept through: the system wakes a thread about 50 us late.
const SLEEP_NS: i64 = 200 * MICROSECOND;
/// A longer wait is slept through in pieces, to see whether the job has been stopped.
const SLEEP_NS_MAX: i64 = 100_000 * MICROSECOND;

#[cfg(test)]
mod tests;

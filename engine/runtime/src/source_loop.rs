//! A source's thread: when an event is due, read it, stamp it, and send it on its way.

use std::hint::spin_loop;
use std::thread;
use std::time::Duration;

use tidewire_dataflow::{Route, WatermarkStrategy};
use tidewire_event::limits::CHUNK_FRAMES;
use tidewire_event::time::{MICROSECOND, NOT_DUE, WATERMARK_END};
use tidewire_event::{Header, Place, Source};
use tidewire_snapshot::SourcePosition;

use crate::clock::Clock;
use crate::lanes::{Downstream, Stopped};
use crate::observe::Progress;
use crate::rate::Schedule;
use crate::shard::ShardTotals;
use crate::snapshots::barriers::Barriers;
use crate::wait::Wait;

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
    pub(crate) strategy: W,
    pub(crate) route: R,
    pub(crate) down: D,
    pub(crate) schedule: Schedule,
    pub(crate) clock: C,
    pub(crate) wait: Wait,
    pub(crate) progress: &'a Progress,
    pub(crate) stopped: S,
    /// Where epochs begin, if snapshots are taken.
    pub(crate) barriers: Option<Barriers<'a>>,
    /// Events before the first: what a restore has passed over.
    pub(crate) passed: u64,
}

/// How far a source's loop is: small and apart from it, so that it stays in registers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    pub(crate) sequence: u64,
    watermark: i64,
}

impl<W: WatermarkStrategy, R, D, C: Clock, S: Fn() -> bool> SourceLoop<'_, W, R, D, C, S> {
    /// Runs to the end of the input, and says how many events there were, and what the shard did if it is on this thread.
    pub(crate) fn run<T: Source>(
        mut self,
        mut source: T,
    ) -> Result<(u64, ShardTotals), SourceEnd<T::Error>>
    where
        R: Route<T::Event>,
        D: Downstream<R::Out>,
    {
        let mut at = self.begin();
        while self.next(&mut source, &mut at)? {}
        self.end(&source, at)
    }

    /// Where the loop begins.
    pub(crate) fn begin(&self) -> At {
        At { sequence: self.passed, watermark: self.strategy.watermark() }
    }

    /// Reads the next event, when it is due, and sends it on its way; false at the end of the input.
    #[inline(always)]
    pub(crate) fn next<T: Source>(
        &mut self,
        source: &mut T,
        at: &mut At,
    ) -> Result<bool, SourceEnd<T::Error>>
    where
        R: Route<T::Event>,
        D: Downstream<R::Out>,
    {
        let At { sequence, watermark } = *at;
        let first = self.passed;
        // Where the time is known before the event is, reading and decoding are part of its latency.
        let mut due = NOT_DUE;
        if let Some(at) = self.schedule.due_of(sequence - first) {
            due = at;
            self.wait_until(due, sequence)?;
        }
        let Some(stamped) = source.next().map_err(SourceEnd::Failed)? else { return Ok(false) };
        if self.schedule.follows_the_recording() {
            due = self.schedule.due_at(stamped.received);
            self.wait_until(due, sequence)?;
        }
        let place = Place::new(self.index, sequence);
        let header = Header { ts: stamped.ts, watermark, place, due };
        let down = &mut self.down;
        let send = |hash, header: &Header, event| down.event(hash, *header, event);
        self.route.route(&header, stamped.event, send)?;
        self.strategy.observe(stamped.ts);
        let watermark = self.strategy.watermark();
        self.down.watermark(watermark, due)?;
        let sequence = sequence + 1;
        *at = At { sequence, watermark };

        if sequence.is_multiple_of(CHUNK_FRAMES as u64) {
            self.down.chunk_is_read()?;
            self.report(source, sequence - first);
            self.barrier(sequence)?;
            if (self.stopped)() {
                return Err(Stopped::ByAnother.into());
            }
        }
        Ok(true)
    }

    /// The input has ended: says how many events there were, and what the shard did if it is on this thread.
    pub(crate) fn end<T: Source>(
        self,
        source: &T,
        at: At,
    ) -> Result<(u64, ShardTotals), SourceEnd<T::Error>>
    where
        R: Route<T::Event>,
        D: Downstream<R::Out>,
    {
        let events = at.sequence - self.passed;
        self.report(source, events);
        if let Some(barriers) = &self.barriers {
            barriers.ended(SourcePosition { events: at.sequence, watermark: WATERMARK_END });
        }
        let totals = self.down.end()?;
        Ok((events, totals))
    }

    /// Whether the next event is due now, as far as that is known before it is read.
    pub(crate) fn is_due(&self, at: At) -> bool {
        let due = self.schedule.due_of(at.sequence - self.passed);
        due.is_none_or(|due| due <= self.clock.now())
    }

    /// A turn while the next event is not due, without a wait: what [`wait_until`](Self::wait_until) does in each of its.
    pub(crate) fn idle<V>(&mut self, at: At) -> Result<(), Stopped>
    where
        D: Downstream<V>,
    {
        self.down.flush()?;
        self.barrier(at.sequence)
    }

    /// Sends a barrier, if one is wanted; `events` have been sent before it.
    #[inline]
    fn barrier<V>(&mut self, events: u64) -> Result<(), Stopped>
    where
        D: Downstream<V>,
    {
        let Some(barriers) = &mut self.barriers else { return Ok(()) };
        let Some(epoch) = barriers.due() else { return Ok(()) };
        let watermark = self.strategy.watermark();
        barriers.sent(epoch, SourcePosition { events, watermark });
        self.down.barrier(epoch, watermark)
    }

    fn report<T: Source>(&self, source: &T, events: u64) {
        let watermark = self.strategy.watermark();
        self.progress.source(self.index, events, watermark, source.fraction_read());
    }

    /// Waits until `due`, if that is still to come. What was read before is handed over first.
    #[inline(never)]
    fn wait_until<V>(&mut self, due: i64, events: u64) -> Result<(), Stopped>
    where
        D: Downstream<V>,
    {
        if self.clock.now() >= due {
            return Ok(());
        }
        self.down.flush()?;
        loop {
            let left = due - self.clock.now();
            if left <= 0 {
                return Ok(());
            }
            self.barrier(events)?;
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
                        return Err(Stopped::ByAnother);
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

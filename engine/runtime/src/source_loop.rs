//! A source's thread: when an event is due, read it, stamp it, and send it on its way.

use std::hint::spin_loop;
use std::thread;
use std::time::Duration;

use tidewire_dataflow::WatermarkStrategy;
use tidewire_event::limits::CHUNK_FRAMES;
use tidewire_event::time::{MICROSECOND, NOT_DUE};
use tidewire_event::{Header, Source};

use crate::clock::Clock;
use crate::lanes::{Downstream, Stopped};
use crate::observe::Progress;
use crate::rate::Schedule;
use crate::wait::Wait;

/// Why a source ended before its input did.
#[derive(Debug)]
pub(crate) enum SourceEnd<E> {
    Stopped,
    Failed(E),
}

impl<E> From<Stopped> for SourceEnd<E> {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}

/// What a source's loop works with, beside the source.
pub(crate) struct SourceLoop<'a, W, H, D, C, S> {
    pub(crate) index: usize,
    pub(crate) strategy: W,
    pub(crate) hash: H,
    pub(crate) down: D,
    pub(crate) schedule: Schedule,
    pub(crate) clock: C,
    pub(crate) wait: Wait,
    pub(crate) progress: &'a Progress,
    pub(crate) stopped: S,
}

impl<W: WatermarkStrategy, D, C: Clock, S: Fn() -> bool, H> SourceLoop<'_, W, H, D, C, S> {
    /// Runs to the end of the input, and says how many events there were.
    pub(crate) fn run<T: Source>(mut self, mut source: T) -> Result<u64, SourceEnd<T::Error>>
    where
        D: Downstream<T::Event>,
        H: Fn(&T::Event) -> u64,
    {
        let mut sequence = 0;
        let mut watermark = self.strategy.watermark();
        loop {
            // Where the time is known before the event is, reading and decoding are part of its latency.
            let mut due = NOT_DUE;
            if let Some(at) = self.schedule.due_of(sequence) {
                due = at;
                self.wait_until(due)?;
            }
            let Some(stamped) = source.next().map_err(SourceEnd::Failed)? else { break };
            if self.schedule.follows_the_recording() {
                due = self.schedule.due_at(stamped.received);
                self.wait_until(due)?;
            }
            let header = Header { ts: stamped.ts, watermark, sequence, due };
            self.down.event((self.hash)(&stamped.event), header, stamped.event)?;
            self.strategy.observe(stamped.ts);
            watermark = self.strategy.watermark();
            self.down.watermark(watermark, due)?;
            sequence += 1;

            if sequence.is_multiple_of(CHUNK_FRAMES as u64) {
                self.report(&source, sequence);
                if (self.stopped)() {
                    return Err(SourceEnd::Stopped);
                }
            }
        }
        self.report(&source, sequence);
        self.down.end()?;
        Ok(sequence)
    }

    fn report<T: Source>(&self, source: &T, events: u64) {
        let watermark = self.strategy.watermark();
        self.progress.source(self.index, events, watermark, source.fraction_read());
    }

    /// Waits until `due`, if that is still to come. What was read before is handed over first.
    #[inline(never)]
    fn wait_until<V>(&mut self, due: i64) -> Result<(), Stopped>
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
                        return Err(Stopped);
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

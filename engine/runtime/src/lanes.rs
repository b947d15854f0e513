//! The way from a source to the shards: a ring for each, or straight into the only one.
//!
//! 1. A frame leaves with its chunk: when the chunk is full, or as soon as the next event is not due yet; and a watermark
//!    does not wait for events of which few are sent.
//! 2. A shard learns of a watermark after all events that came before it, whichever shard they went to; and only of
//!    one that closes a window, where the operator says at which watermarks windows close.

use tidewire_dataflow::{Operator, Tumbling};
use tidewire_event::key::shard_of;
use tidewire_event::limits::{
    CAPTURE_RECORDS, CHUNK_FRAMES, FIRE_SLOTS, FIRED_PER_EVENT, PACED_CHUNK_FRAMES,
};
use tidewire_event::time::{NOT_DUE, WATERMARK_NONE};
use tidewire_event::{End, Frame, Header};

use crate::clock::Clock;
use crate::ring::Inflow;
use crate::shard::{Outlet, Shard, ShardTotals, Step};
use crate::wait::{Idler, Wait};

/// Events for which the emission of closed windows stands aside. When it is still not done then, it has to be faster.
const TURNS_ASIDE: u32 = 1 << 22;

/// Why a thread gives up.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// Another thread of the job has failed.
    ByAnother,
    /// The state has no room for a new key.
    StateFull,
}

/// Where a source's frames go.
pub(crate) trait Downstream<E> {
    /// An event, whose key has this hash.
    fn event(&mut self, hash: u64, header: Header, event: E) -> Result<(), Stopped>;
    /// The watermark after the last event, which was due at `due`.
    fn watermark(&mut self, watermark: i64, due: i64) -> Result<(), Stopped>;
    /// What has gone before belongs to the epoch; `watermark` is the source's.
    fn barrier(&mut self, epoch: u64, watermark: i64) -> Result<(), Stopped>;
    /// A chunk of the source's events has been read, of which transforms may have left many out.
    fn chunk_is_read(&mut self) -> Result<(), Stopped>;
    /// Nothing more is due for a moment: hand over what is there.
    fn flush(&mut self) -> Result<(), Stopped>;
    /// A turn while the next event is not due; false if there was nothing to do.
    fn idle(&mut self) -> bool;
    /// Nothing follows. What the shard did, where it is on this thread.
    fn end(self, end: End) -> Result<ShardTotals, Stopped>;
}

/// A ring for each shard.
#[derive(Debug)]
pub(crate) struct Rings<E, S> {
    lanes: Vec<Lane<E>>,
    watermark: i64,
    due: i64,
    /// The next watermark that the shards want to know of.
    next_watermark: i64,
    /// Chunks that have been read since the last hand-over.
    chunks_read: usize,
    grid: Option<Tumbling>,
    wait: Wait,
    stopped: S,
}

#[derive(Debug)]
struct Lane<E> {
    ring: Inflow<Frame<E>>,
    chunk: Vec<Frame<E>>,
}

impl<E, S: Fn() -> bool> Rings<E, S> {
    /// Rings to shards of which the operator wants to know of the ends of the windows of `grid` only, if there is one.
    pub(crate) fn new(
        rings: Vec<Inflow<Frame<E>>>,
        grid: Option<Tumbling>,
        wait: Wait,
        stopped: S,
    ) -> Self {
        let chunk = || Vec::with_capacity(CHUNK_FRAMES + 2);
        Self {
            lanes: rings.into_iter().map(|ring| Lane { ring, chunk: chunk() }).collect(),
            watermark: WATERMARK_NONE,
            due: NOT_DUE,
            next_watermark: WATERMARK_NONE + 1,
            chunks_read: 0,
            grid,
            wait,
            stopped,
        }
    }

    /// Whether everything that one event, a barrier or the end can bring goes into the rings at once.
    pub(crate) fn has_room(&self) -> bool {
        // The event itself, a watermark, a barrier or the end.
        const MORE: usize = 4;
        self.lanes.iter().all(|lane| lane.ring.room() >= lane.chunk.len() + MORE)
    }
}

impl<E, S: Fn() -> bool> Downstream<E> for Rings<E, S> {
    #[inline(always)]
    fn event(&mut self, hash: u64, header: Header, event: E) -> Result<(), Stopped> {
        let shard = shard_of(hash, self.lanes.len());
        let chunk = &mut self.lanes[shard].chunk;
        chunk.push(Frame::Event(header, event));
        let full = if header.due == NOT_DUE { CHUNK_FRAMES } else { PACED_CHUNK_FRAMES };
        if chunk.len() >= full { self.flush() } else { Ok(()) }
    }

    #[inline(always)]
    fn watermark(&mut self, watermark: i64, due: i64) -> Result<(), Stopped> {
        self.watermark = watermark;
        self.due = due;
        Ok(())
    }

    fn chunk_is_read(&mut self) -> Result<(), Stopped> {
        self.chunks_read += 1;
        // Where none was left out, a lane's chunk is full by then.
        if self.chunks_read > self.lanes.len() { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Stopped> {
        self.chunks_read = 0;
        let (watermark, due) = (self.watermark, self.due);
        let wanted = watermark >= self.next_watermark;
        if wanted {
            self.next_watermark = match self.grid {
                Some(grid) => grid.next_close(watermark),
                None => watermark.saturating_add(1),
            };
        }
        for lane in &mut self.lanes {
            if wanted {
                lane.chunk.push(Frame::Watermark { watermark, due });
            }
            let mut idler = Idler::new(self.wait);
            loop {
                lane.ring.put(&mut lane.chunk);
                if lane.chunk.is_empty() {
                    break;
                }
                if (self.stopped)() {
                    return Err(Stopped::ByAnother);
                }
                idler.idle();
            }
        }
        Ok(())
    }

    fn idle(&mut self) -> bool {
        false
    }

    fn barrier(&mut self, epoch: u64, watermark: i64) -> Result<(), Stopped> {
        self.flush()?;
        for lane in &mut self.lanes {
            lane.chunk.push(Frame::Barrier { epoch, watermark });
        }
        self.flush()
    }

    fn end(mut self, end: End) -> Result<ShardTotals, Stopped> {
        for lane in &mut self.lanes {
            lane.chunk.push(Frame::End(end));
        }
        self.flush()?;
        Ok(ShardTotals::default())
    }
}

/// The only shard, on the source's own thread.
pub(crate) struct Inline<O: Operator, X, C, S> {
    shard: Shard<O>,
    outlet: X,
    clock: C,
    wait: Wait,
    stopped: S,
    /// Events since there was nothing to emit and nothing to capture.
    turns: u32,
}

impl<O: Operator, X: Outlet<O::Row, O::Late>, C: Clock, S: Fn() -> bool> Inline<O, X, C, S> {
    pub(crate) fn new(shard: Shard<O>, outlet: X, clock: C, wait: Wait, stopped: S) -> Self {
        Self { shard, outlet, clock, wait, stopped, turns: 0 }
    }

    /// Hands results over, as soon as the sink's ring has room for them, and emits a piece of what is closed.
    #[cold]
    #[inline(never)]
    fn pump(&mut self) -> Result<Step, Stopped> {
        let mut idler = Idler::new(self.wait);
        loop {
            match self.shard.pump(&mut self.outlet) {
                Step::Blocked if (self.stopped)() => return Err(Stopped::ByAnother),
                Step::Blocked => idler.idle(),
                Step::Full => return Err(Stopped::StateFull),
                step => return Ok(step),
            }
        }
    }
}

impl<O, X, C, S> Downstream<O::In> for Inline<O, X, C, S>
where
    O: Operator,
    X: Outlet<O::Row, O::Late>,
    C: Clock,
    S: Fn() -> bool,
{
    #[inline(always)]
    fn event(&mut self, _: u64, header: Header, event: O::In) -> Result<(), Stopped> {
        self.shard.event(0, &header, &event, &self.clock);
        Ok(())
    }

    #[inline(always)]
    fn watermark(&mut self, watermark: i64, due: i64) -> Result<(), Stopped> {
        self.shard.watermark(0, watermark, due);
        if self.shard.is_quiet() {
            self.turns = 0;
            return Ok(());
        }
        // About a record for each event; the rest of the capture is for the time between events. So is the rest of a closed
        // window, where events are due at a moment: else it is emitted as fast as they come.
        let every = if self.shard.is_quiet_but_for_capture() {
            CAPTURE_RECORDS
        } else if due != NOT_DUE && self.turns < TURNS_ASIDE {
            FIRE_SLOTS / FIRED_PER_EVENT
        } else {
            1
        };
        self.turns = self.turns.saturating_add(1);
        if !self.turns.is_multiple_of(every as u32) {
            return Ok(());
        }
        self.pump().map(|_| ())
    }

    fn chunk_is_read(&mut self) -> Result<(), Stopped> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Stopped> {
        Ok(())
    }

    fn idle(&mut self) -> bool {
        self.shard.pump(&mut self.outlet) == Step::Busy
    }

    fn barrier(&mut self, epoch: u64, watermark: i64) -> Result<(), Stopped> {
        self.shard.barrier(0, epoch, watermark, &self.clock);
        Ok(())
    }

    fn end(mut self, end: End) -> Result<ShardTotals, Stopped> {
        self.shard.end(0, end, &self.clock);
        let mut idler = Idler::new(self.wait);
        loop {
            match self.pump()? {
                Step::Done => return Ok(self.shard.finish()),
                // The capture of the last epoch waits for the uploader.
                Step::Idle if (self.stopped)() => return Err(Stopped::ByAnother),
                Step::Idle => idler.idle(),
                _ => idler.busy(),
            }
        }
    }
}

//! A shard: frames in, results out, as a state machine without I/O.
//!
//! 1. What is ready goes out first. While the sink's ring is full nothing is taken in: the rings before it fill up,
//!    and the source waits.
//! 2. Then a bounded piece of the closed windows is emitted, and then events are taken, a chunk of what has arrived
//!    from each ring: no event waits for a whole window, and no window for a quiet moment.
//! 3. Its watermark is the smallest over its inputs.
//! 4. An input that has delivered a barrier is not read again until every other has delivered it too. Then the state is
//!    frozen, in constant time, and captured a few records at a time while events go on.
//! 5. Where an input has not ended but stops, no watermark follows: windows that are open are not emitted.
//!
//! [`step`](Shard::step) is driven by glommio, by a plain thread, by the source's own thread (inline), or by a test.

use tidewire_dataflow::{Operator, Output, Tumbling};
use tidewire_event::limits::{CAPTURE_RECORDS, CHUNK_FRAMES, FIRE_SLOTS, FIRED_PER_EVENT};
use tidewire_event::time::{NOT_DUE, WATERMARK_END, WATERMARK_NONE};
use tidewire_event::{End, Frame, Header, OutFrame};
use tidewire_snapshot::{Alignment, Arrived};
use tidewire_state::{Image, LayoutMismatch};

use crate::clock::Clock;
use crate::latency::Recorder;
use crate::options::WhenFull;
use crate::snapshots::shard_log::{Captured, ShardLog};

/// Frames taken from each ring between two pieces of a closed window.
const CHUNK_WHILE_FIRING: usize = FIRE_SLOTS / FIRED_PER_EVENT;
/// Frames taken from each ring between two pieces of a capture.
const CHUNK_WHILE_CAPTURING: usize = 16;

/// Where frames come from.
pub trait Inlet<E> {
    /// Gives at most `count` of the frames that have arrived to `take`, until it says no, and says how many it gave.
    fn take(&mut self, count: usize, take: impl FnMut(Frame<E>) -> bool) -> usize;
}

/// Where results go.
pub trait Outlet<R, L> {
    /// Takes as many frames as fit from the front of `frames`.
    fn put(&mut self, frames: &mut Vec<OutFrame<R, L>>);
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There was something to do.
    Busy,
    /// Nothing has arrived, and nothing is left to emit.
    Idle,
    /// The sink's ring is full.
    Blocked,
    /// The state has no room for a new key, and the job is to stop then.
    Full,
    /// Every input has ended and all has been handed over.
    Done,
}

/// A shard: see the module.
#[derive(Debug)]
pub struct Shard<O: Operator> {
    operator: O,
    inputs: Vec<Input>,
    alignment: Alignment,
    watermark: i64,
    out: Out<O::Row, O::Late>,
    complete_to: i64,
    ended: bool,
    /// How, when every input has ended.
    end: End,
    latency: Option<Recorder>,
    events: u64,
    when_full: WhenFull,
    /// Where captures go, if snapshots are taken.
    log: Option<ShardLog>,
    /// The epoch that is being captured.
    capture: Option<Captured>,
}

#[derive(Debug, Clone, Copy)]
struct Input {
    watermark: i64,
    ended: bool,
}

/// What a shard did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ShardTotals {
    pub(crate) events: u64,
    pub(crate) refused: u64,
}

/// Results on their way out.
#[derive(Debug)]
struct Out<R, L> {
    frames: Vec<OutFrame<R, L>>,
    /// Rows up to this time are in the output that the shard goes on from.
    emitted_to: i64,
    /// Events for which the state had no room.
    refused: u64,
}

impl<R, L> Output<R, L> for Out<R, L> {
    #[inline]
    fn row(&mut self, at: i64, due: i64, row: R) {
        if at > self.emitted_to {
            self.frames.push(OutFrame::Row { at, due, row });
        }
    }

    #[inline]
    fn now(&mut self, due: i64, row: R) {
        self.corrected(WATERMARK_NONE, due, row);
    }

    #[inline]
    fn corrected(&mut self, at: i64, due: i64, row: R) {
        self.frames.push(OutFrame::Now { behind: at, due, row });
    }

    #[cold]
    fn late(&mut self, header: &Header, late: L) {
        self.frames.push(OutFrame::Late { header: *header, late });
    }

    #[cold]
    fn refused(&mut self, _: &Header) {
        self.refused += 1;
    }
}

impl<O: Operator> Shard<O> {
    /// A shard that runs `operator` on what comes from `inputs` rings.
    #[must_use]
    pub fn new(operator: O, inputs: usize) -> Self {
        Self {
            operator,
            inputs: vec![Input { watermark: WATERMARK_NONE, ended: false }; inputs],
            alignment: Alignment::new(inputs),
            watermark: WATERMARK_NONE,
            out: Out {
                frames: Vec::with_capacity(CHUNK_FRAMES * inputs + FIRE_SLOTS + 2),
                emitted_to: WATERMARK_NONE,
                refused: 0,
            },
            complete_to: WATERMARK_NONE,
            ended: false,
            end: End::Input,
            latency: None,
            events: 0,
            when_full: WhenFull::Stop,
            log: None,
            capture: None,
        }
    }

    /// The same shard, which does so with an event for which the state has no room.
    #[must_use]
    pub(crate) fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    /// The same shard, which captures its epochs into `log`.
    #[must_use]
    pub fn logging(mut self, log: Option<ShardLog>) -> Self {
        self.log = log;
        self
    }

    /// Takes its state out of `image`, and goes on from watermarks of its inputs.
    ///
    /// # Errors
    /// A table has another layout than the operator's.
    pub fn restore(&mut self, image: &mut Image, watermarks: &[i64]) -> Result<(), LayoutMismatch> {
        self.operator.restore(image)?;
        for (input, watermark) in self.inputs.iter_mut().zip(watermarks) {
            input.watermark = *watermark;
        }
        self.watermark = watermarks.iter().copied().min().unwrap_or(WATERMARK_NONE);
        if self.watermark > WATERMARK_NONE {
            self.operator.resume(self.watermark);
            self.out.emitted_to = self.operator.closed_to(self.watermark);
        }
        Ok(())
    }

    /// The same shard, which records the latency of its events.
    #[must_use]
    pub(crate) fn recording(mut self, latency: Option<Recorder>) -> Self {
        self.latency = latency;
        self
    }

    /// See [`Operator::grid`].
    #[must_use]
    pub(crate) fn grid(&self) -> Option<Tumbling> {
        self.operator.grid()
    }

    /// How many events it has taken in.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Events for which the state had no room.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.out.refused
    }

    pub(crate) fn finish(self) -> ShardTotals {
        if let Some(latency) = self.latency {
            latency.finish();
        }
        ShardTotals { events: self.events, refused: self.out.refused }
    }

    /// One turn: hands over what is ready, emits a piece of what is closed, takes what has arrived.
    #[inline]
    pub fn step<I: Inlet<O::In>>(
        &mut self,
        inlets: &mut [I],
        outlet: &mut impl Outlet<O::Row, O::Late>,
        clock: &impl Clock,
    ) -> Step {
        let pumped = self.pump(outlet);
        if matches!(pumped, Step::Blocked | Step::Done | Step::Full) {
            return pumped;
        }
        let chunk = match pumped {
            _ if self.operator.is_firing() => CHUNK_WHILE_FIRING,
            Step::Busy => CHUNK_WHILE_CAPTURING,
            _ => CHUNK_FRAMES,
        };
        let mut taken = 0;
        for (input, inlet) in inlets.iter_mut().enumerate() {
            if !self.alignment.is_blocked(input) {
                taken += inlet.take(chunk, |frame| self.frame(input, &frame, clock));
            }
        }
        if taken > 0 { Step::Busy } else { pumped }
    }

    /// Whether there is nothing to hand over, nothing to emit, and nothing to capture.
    #[inline]
    pub fn is_quiet(&self) -> bool {
        self.capture.is_none() && self.is_quiet_but_for_capture()
    }

    /// Whether there is nothing to hand over and nothing to emit.
    #[inline]
    pub(crate) fn is_quiet_but_for_capture(&self) -> bool {
        self.out.frames.is_empty()
            && self.out.refused == 0
            && !self.operator.is_firing()
            && self.operator.complete_to() == self.complete_to
    }

    /// Hands over what is ready, and emits a piece of what is closed.
    #[inline]
    pub fn pump(&mut self, outlet: &mut impl Outlet<O::Row, O::Late>) -> Step {
        if !self.out.frames.is_empty() {
            outlet.put(&mut self.out.frames);
            if !self.out.frames.is_empty() {
                return Step::Blocked;
            }
        }
        if self.ended {
            return Step::Done;
        }
        if self.out.refused > 0 && self.when_full == WhenFull::Stop {
            return Step::Full;
        }
        let captured = self.capture_some();
        if self.operator.is_firing() {
            self.operator.fire(&mut self.out);
        } else if self.capture.is_none() && self.inputs.iter().all(|input| input.ended) {
            self.ended = true;
        }
        let complete_to = self.operator.complete_to();
        if complete_to > self.complete_to {
            self.complete_to = complete_to;
            self.out.frames.push(OutFrame::Complete(complete_to));
        }
        if self.ended {
            self.out.frames.push(OutFrame::End(self.end));
        }
        if captured || self.ended || self.operator.is_firing() || !self.out.frames.is_empty() {
            Step::Busy
        } else {
            Step::Idle
        }
    }

    /// Takes in a frame, in constant time, whatever the frame. False if the input is not to be read further now.
    #[inline]
    pub fn frame(&mut self, input: usize, frame: &Frame<O::In>, clock: &impl Clock) -> bool {
        match frame {
            Frame::Event(header, event) => self.event(input, header, event, clock),
            Frame::Watermark { watermark, due } => self.watermark(input, *watermark, *due),
            Frame::Barrier { epoch, watermark } => {
                self.barrier(input, *epoch, *watermark, clock);
                return !self.alignment.is_blocked(input);
            }
            Frame::End(end) => self.end(input, *end, clock),
        }
        true
    }

    /// Takes in a barrier. When it was the last one missing, the state is frozen.
    pub fn barrier(&mut self, input: usize, epoch: u64, watermark: i64, clock: &impl Clock) {
        self.watermark(input, watermark, NOT_DUE);
        if let Arrived::Aligned(epoch) = self.alignment.arrive(input, epoch) {
            self.freeze(epoch, clock);
        }
    }

    fn freeze(&mut self, epoch: u64, clock: &impl Clock) {
        debug_assert!(self.capture.is_none(), "an epoch begins when the one before is captured");
        let begin = clock.now();
        self.operator.freeze();
        let freeze_ns = clock.now() - begin;
        self.capture = Some(Captured { epoch, is_whole: true, freeze_ns });
        self.out
            .frames
            .push(OutFrame::Barrier { epoch, to: self.operator.closed_to(self.watermark) });
    }

    /// Captures a few records of the closed epoch; false if there was nothing to do, or no room for it.
    #[inline]
    fn capture_some(&mut self) -> bool {
        let (Some(capture), Some(log)) = (&mut self.capture, &mut self.log) else { return false };
        if self.operator.overflowed() {
            capture.is_whole = false;
            self.operator.give_up();
        }
        if !self.operator.capture(CAPTURE_RECORDS, log) {
            return !log.is_out_of_room();
        }
        log.end(*capture);
        self.capture = None;
        true
    }

    /// Takes in an event.
    #[inline(always)]
    pub fn event(&mut self, input: usize, header: &Header, event: &O::In, clock: &impl Clock) {
        self.watermark(input, header.watermark, header.due);
        self.operator.event(header, event, &mut self.out);
        self.events += 1;
        if header.due != NOT_DUE
            && let Some(latency) = &mut self.latency
        {
            latency.record(header.due, clock.now());
        }
    }

    /// Takes in the end of an input. Where the job stops, all that have not ended before do so behind the last barrier.
    pub fn end(&mut self, input: usize, end: End, clock: &impl Clock) {
        self.inputs[input].ended = true;
        if end == End::Stop {
            self.end = end;
            return;
        }
        self.watermark(input, WATERMARK_END, NOT_DUE);
        if let Some(epoch) = self.alignment.end(input) {
            self.freeze(epoch, clock);
        }
    }

    /// Takes in the watermark of an input, which an event that was due at `due` has moved.
    #[inline(always)]
    pub fn watermark(&mut self, input: usize, watermark: i64, due: i64) {
        let own = &mut self.inputs[input].watermark;
        if watermark <= *own {
            return;
        }
        *own = watermark;
        let smallest = match &self.inputs[..] {
            [only] => only.watermark,
            all => all.iter().map(|input| input.watermark).min().unwrap_or(watermark),
        };
        if smallest > self.watermark {
            self.watermark = smallest;
            self.operator.watermark(smallest, due);
        }
    }
}

#[cfg(test)]
mod tests;

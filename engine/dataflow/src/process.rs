//! A step before an operator: one event in, any number of events out, with state of the step's own.

use tidewire_event::Header;
use tidewire_state::{Durable, Image, LayoutMismatch, Log};

use crate::operator::{Operator, Output};
use crate::window::Tumbling;

/// Turns each event into zero or more others. It runs on the shard that owns the event's key, so its state is the
/// shard's alone.
pub trait Process: Durable {
    /// The event that comes in.
    type In;
    /// The events that go out.
    type Out;

    /// Takes in an event of time `ts`, ns, and emits others with their times.
    fn process(&mut self, ts: i64, event: &Self::In, emit: impl FnMut(i64, Self::Out));
}

/// An operator behind a [`Process`] step.
#[derive(Debug)]
pub struct Processed<P, O> {
    process: P,
    then: O,
}

impl<P, O> Processed<P, O> {
    /// `process`, then the operator `then`.
    pub fn new(process: P, then: O) -> Self {
        Self { process, then }
    }
}

impl<P: Durable, O: Durable> Durable for Processed<P, O> {
    fn freeze(&mut self) {
        self.process.freeze();
        self.then.freeze();
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        let process_is_done = self.process.capture(records, log);
        self.then.capture(if process_is_done { records } else { 0 }, log) && process_is_done
    }

    fn give_up(&mut self) {
        self.process.give_up();
        self.then.give_up();
    }

    fn overflowed(&self) -> bool {
        self.process.overflowed() || self.then.overflowed()
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        self.process.restore(image)?;
        self.then.restore(image)
    }
}

impl<P: Process, O: Operator<In = P::Out>> Operator for Processed<P, O> {
    type In = P::In;
    type Row = O::Row;
    type Late = O::Late;

    #[inline]
    fn event(&mut self, header: &Header, event: &P::In, out: &mut impl Output<O::Row, O::Late>) {
        let Self { process, then } = self;
        process.process(header.ts, event, |ts, event| {
            then.event(&Header { ts, ..*header }, &event, out);
        });
    }

    #[inline]
    fn watermark(&mut self, watermark: i64, due: i64) {
        self.then.watermark(watermark, due);
    }

    fn resume(&mut self, watermark: i64) {
        self.then.resume(watermark);
    }

    fn grid(&self) -> Option<Tumbling> {
        self.then.grid()
    }

    #[inline]
    fn is_firing(&self) -> bool {
        self.then.is_firing()
    }

    #[inline]
    fn fire(&mut self, out: &mut impl Output<O::Row, O::Late>) {
        self.then.fire(out);
    }

    #[inline]
    fn complete_to(&self) -> i64 {
        self.then.complete_to()
    }

    fn closed_to(&self, watermark: i64) -> i64 {
        self.then.closed_to(watermark)
    }
}

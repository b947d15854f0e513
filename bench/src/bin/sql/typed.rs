//! The jobs in the typed API, inline.

use std::cmp::Ordering;
use std::convert::Infallible;
use std::sync::Arc;

use rkyv::Portable;
use tidewire::dataflow::{RollingRow, Windows};
use tidewire::event::record::i64_ule;
use tidewire::prelude::*;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::input::{Checksum, Event};

/// A sum and a number.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct Total {
    sum: i64_ule,
    count: i64_ule,
}

#[derive(Clone)]
struct SumAndCount;

impl Aggregate for SumAndCount {
    type In = Event;
    type Partial = Total;
    type Out = (i64, i64);

    const HAS_INVERSE: bool = true;

    fn lift(&self, _: &Header, event: &Event) -> Total {
        Total { sum: event.v, count: 1.into() }
    }

    fn combine(&self, a: &Total, b: &Total) -> Total {
        Total { sum: (a.sum + b.sum).into(), count: (a.count + b.count).into() }
    }

    fn remove(&self, whole: &Total, part: &Total) -> Total {
        Total { sum: (whole.sum - part.sum).into(), count: (whole.count - part.count).into() }
    }

    fn lower(&self, _: Window, total: &Total) -> (i64, i64) {
        (total.sum.to_native(), total.count.to_native())
    }
}

#[derive(Clone)]
struct Sum;

impl Aggregate for Sum {
    type In = Event;
    type Partial = i64_ule;
    type Out = i64;

    const HAS_INVERSE: bool = true;

    fn lift(&self, _: &Header, event: &Event) -> i64_ule {
        event.v
    }

    fn combine(&self, a: &i64_ule, b: &i64_ule) -> i64_ule {
        (*a + *b).into()
    }

    fn remove(&self, whole: &i64_ule, part: &i64_ule) -> i64_ule {
        (*whole - *part).into()
    }

    fn lower(&self, _: Window, sum: &i64_ule) -> i64 {
        sum.to_native()
    }
}

/// A row of a result, with what it adds to the checksum.
trait Row: Send {
    fn key(&self) -> u64;
    fn add_to(&self, sum: &mut Checksum);
}

impl Row for Event {
    fn key(&self) -> u64 {
        self.k.to_native()
    }

    fn add_to(&self, sum: &mut Checksum) {
        sum.take(self.key(), self.ts.to_native(), self.v.to_native(), 1);
    }
}

impl Row for WindowRow<u64, (i64, i64)> {
    fn key(&self) -> u64 {
        self.key
    }

    fn add_to(&self, sum: &mut Checksum) {
        sum.take(self.key, self.window.end, self.value.0, self.value.1);
    }
}

impl Row for RollingRow<Event, i64> {
    fn key(&self) -> u64 {
        self.event.k.to_native()
    }

    fn add_to(&self, sum: &mut Checksum) {
        sum.take(self.key(), self.ts, self.value, 1);
    }
}

/// Rows of one time in the order of their keys, as a sink that writes a file has them.
struct Summed<R>(Checksum, std::marker::PhantomData<fn() -> R>);

impl<R> Summed<R> {
    fn new() -> Self {
        Self(Checksum::default(), std::marker::PhantomData)
    }
}

impl<R: Row> Sink for Summed<R> {
    type Row = R;
    type Late = Event;
    type Error = Infallible;

    fn compare(&self, a: &R, b: &R) -> Ordering {
        a.key().cmp(&b.key())
    }

    fn row(&mut self, row: R) -> Result<(), Infallible> {
        row.add_to(&mut self.0);
        Ok(())
    }

    fn late(&mut self, _: &Header, _: Event) -> Result<(), Infallible> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

fn options() -> Options {
    Options { threads: Threads::Inline, ..Options::default() }
}

/// The events of a job by key.
macro_rules! keyed {
    ($input:ident $(, $transform:ident: $with:expr)*) => {
        stream(events((0..$input.len()).map(move |at| $input[at]), |event: &Event| event.ts.to_native()))
            .watermark(|| Bounded::new(0))
            $(.$transform($with))*
            .key_by(|event: &Event| event.k.to_native())
    };
}

macro_rules! checksum_of {
    ($query:expr) => {
        $query.run(Summed::new(), &options(), &mut Silent).expect("it runs to its end").sink.0.0
    };
}

pub(crate) fn filter(input: Arc<[Event]>) -> u64 {
    let doubled = |event: Event| Event { v: (event.v * 2 + 1).into(), ..event };
    let passed = keyed!(input, filter: |event: &Event| event.v.to_native() >= 64, map: doubled);
    checksum_of!(passed.operator(|_| Ok(PassThrough::<Event>::new())))
}

pub(crate) fn tumbling(input: Arc<[Event]>) -> u64 {
    checksum_of!(keyed!(input).window(Tumbling::SECOND).aggregate(SumAndCount))
}

pub(crate) fn hop(input: Arc<[Event]>) -> u64 {
    let windows = Windows::hopping(SECOND, 10 * SECOND).expect("a slide of the size at most");
    checksum_of!(keyed!(input).window(windows).aggregate(SumAndCount))
}

pub(crate) fn rolling(input: Arc<[Event]>) -> u64 {
    checksum_of!(keyed!(input).rolling(Frame::Range(5 * MINUTE)).complete(Sum))
}

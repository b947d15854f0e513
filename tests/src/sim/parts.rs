//! The parts of the simulated job: its source, its aggregate, and an operator whose log may lose a record.

use std::convert::Infallible;
use std::sync::Arc;

use tidewire_dataflow::{
    Aggregate, Bounded, Operator, Output, Tumbling, WatermarkStrategy, Window,
};
use tidewire_event::record::u64_le;
use tidewire_event::{Header, Polled, Source, Stamped};
use tidewire_state::{Durable, Image, LayoutMismatch, Log, Section, SectionKind, TableId};

use super::broken::Broken;
use super::model::{chain, chain_all};
use super::plan::{Event, Plan};

/// One input of the plan.
pub(crate) struct Input {
    pub(crate) plan: Arc<Plan>,
    pub(crate) index: usize,
    pub(crate) next: usize,
    pub(crate) broken: Option<Broken>,
}

impl Source for Input {
    type Event = Event;
    type Error = Infallible;

    fn next(&mut self) -> Result<Polled<Event>, Infallible> {
        let stamped = self.plan.inputs[self.index].get(self.next).copied();
        self.next += 1;
        Ok(stamped.map(|(ts, event)| Stamped::new(ts, event).partition(event.partition())).into())
    }

    fn partitions(&self) -> u32 {
        self.plan.partitions
    }

    fn seek(&mut self, events: u64) -> Result<u64, Infallible> {
        self.next = match self.broken {
            Some(Broken::LostEvent) if events > 0 => events as usize + 1,
            Some(Broken::RepeatedEvent) => events.saturating_sub(1) as usize,
            _ => events as usize,
        };
        Ok(events.min(self.plan.inputs[self.index].len() as u64))
    }
}

/// The watermarks of a source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watermarks {
    pub(crate) bounded: Bounded,
    pub(crate) broken: Option<Broken>,
}

impl WatermarkStrategy<Event> for Watermarks {
    fn observe(&mut self, ts: i64, event: &Event) {
        self.bounded.observe(ts, event);
    }

    fn watermark(&self) -> i64 {
        self.bounded.watermark()
    }

    fn restore(&mut self, watermark: i64) {
        if self.broken != Some(Broken::LostWatermark) {
            WatermarkStrategy::<Event>::restore(&mut self.bounded, watermark);
        }
    }
}

/// How many events, and the number that follows from them in their order, which fills the other words of the record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chained<const WORDS: usize>;

impl<const WORDS: usize> Chained<WORDS> {
    fn record(count: u64, number: u64) -> [u64_le; WORDS] {
        let mut record = [u64_le::from(number); WORDS];
        record[0] = count.into();
        record
    }
}

impl<const WORDS: usize> Aggregate for Chained<WORDS> {
    type In = Event;
    type Partial = [u64_le; WORDS];
    type Out = (u64, u64);

    fn lift(&self, _: &Header, event: &Event) -> Self::Partial {
        Self::record(1, chain(0, event.amount()))
    }

    fn combine(&self, earlier: &Self::Partial, later: &Self::Partial) -> Self::Partial {
        let [before, behind] = [earlier, later].map(|it| (it[0].to_native(), it[1].to_native()));
        Self::record(before.0 + behind.0, chain_all(before.1, behind.0, behind.1))
    }

    fn lower(&self, _: Window, partial: &Self::Partial) -> (u64, u64) {
        let (count, number) = (partial[0].to_native(), partial[1].to_native());
        // One that is torn is told by its count.
        let is_whole = partial[1..].iter().all(|word| word.to_native() == number);
        (if is_whole { count } else { u64::MAX }, number)
    }

    fn insert(&self, partial: &mut Self::Partial, _: &Header, event: &Event) {
        let (count, number) = (partial[0].to_native(), partial[1].to_native());
        *partial = Self::record(count + 1, chain(number, event.amount()));
    }
}

/// An operator behind a log that may lose a record, if that is the way the protocol is broken.
pub(crate) struct Logged<O> {
    pub(crate) operator: O,
    pub(crate) broken: Option<Broken>,
    pub(crate) records: u64,
}

/// Records before the one that is lost.
const LOST_AFTER: u64 = 20;

struct LossyLog<'l, L> {
    log: &'l mut L,
    records: &'l mut u64,
}

impl<L: Log> Log for LossyLog<'_, L> {
    fn entries(&mut self, section: &Section, entry_bytes: usize, entries: &[u8]) -> usize {
        if section.kind == SectionKind::Records {
            *self.records += 1;
            if *self.records > LOST_AFTER && self.records.is_power_of_two() {
                return entry_bytes;
            }
        }
        self.log.entries(section, entry_bytes, entries)
    }

    fn dropped(&mut self, id: TableId) -> bool {
        self.log.dropped(id)
    }
}

impl<O: Durable> Durable for Logged<O> {
    fn freeze(&mut self) {
        self.operator.freeze();
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        if self.broken != Some(Broken::LostRecord) {
            return self.operator.capture(records, log);
        }
        self.operator.capture(records, &mut LossyLog { log, records: &mut self.records })
    }

    fn give_up(&mut self) {
        self.operator.give_up();
    }

    fn overflowed(&self) -> bool {
        self.operator.overflowed()
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        self.operator.restore(image)
    }
}

impl<O: Operator> Operator for Logged<O> {
    type In = O::In;
    type Row = O::Row;
    type Late = O::Late;

    fn event(&mut self, header: &Header, event: &O::In, out: &mut impl Output<O::Row, O::Late>) {
        self.operator.event(header, event, out);
    }

    fn watermark(&mut self, watermark: i64, due: i64) {
        self.operator.watermark(watermark, due);
    }

    fn resume(&mut self, watermark: i64) {
        self.operator.resume(watermark);
    }

    fn grid(&self) -> Option<Tumbling> {
        self.operator.grid()
    }

    fn is_firing(&self) -> bool {
        self.operator.is_firing()
    }

    fn fire(&mut self, out: &mut impl Output<O::Row, O::Late>) {
        self.operator.fire(out);
    }

    fn complete_to(&self) -> i64 {
        self.operator.complete_to()
    }

    fn closed_to(&self, watermark: i64) -> i64 {
        self.operator.closed_to(watermark)
    }
}

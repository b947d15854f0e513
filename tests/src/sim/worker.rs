//! The operator of the simulated job: one of several, as the plan says.

use tidewire_dataflow::{Aggregate, InOrder, KeyedWindow, Operator, Output, Tumbling, WindowRow};
use tidewire_event::Header;
use tidewire_state::{Arena, Durable, Image, LayoutMismatch, Log};

use super::plan::{Event, Work};

/// See the module.
pub(crate) enum Worker<F: Fn(&Event) -> u32, A: Aggregate<In = Event>> {
    Windows(Box<KeyedWindow<u32, F, A>>),
    InOrder(Box<InOrder<u32, F, KeyedWindow<u32, F, A>>>),
}

/// The same of whichever it is.
macro_rules! of_either {
    ($worker:expr, $it:ident => $what:expr) => {
        match $worker {
            Worker::Windows($it) => $what,
            Worker::InOrder($it) => $what,
        }
    };
}

impl<F: Fn(&Event) -> u32 + Clone, A: Aggregate<In = Event>> Worker<F, A> {
    pub(crate) fn new(
        work: Work,
        windows: Tumbling,
        key_of: F,
        aggregate: A,
        arena: Arena,
    ) -> Self {
        let window = KeyedWindow::new(windows, key_of.clone(), aggregate, arena.clone());
        match work {
            Work::Windows { lateness } => {
                Self::Windows(Box::new(window.allowed_lateness(lateness)))
            }
            Work::InOrder => Self::InOrder(Box::new(InOrder::new(key_of, arena, window))),
        }
    }
}

impl<F: Fn(&Event) -> u32, A: Aggregate<In = Event>> Durable for Worker<F, A> {
    fn freeze(&mut self) {
        of_either!(self, it => it.freeze());
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        of_either!(self, it => it.capture(records, log))
    }

    fn give_up(&mut self) {
        of_either!(self, it => it.give_up());
    }

    fn overflowed(&self) -> bool {
        of_either!(self, it => it.overflowed())
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        of_either!(self, it => it.restore(image))
    }
}

impl<F: Fn(&Event) -> u32, A: Aggregate<In = Event>> Operator for Worker<F, A> {
    type In = Event;
    type Row = WindowRow<u32, A::Out>;
    type Late = Event;

    fn event(&mut self, header: &Header, event: &Event, out: &mut impl Output<Self::Row, Event>) {
        of_either!(self, it => it.event(header, event, out));
    }

    fn watermark(&mut self, watermark: i64, due: i64) {
        of_either!(self, it => it.watermark(watermark, due));
    }

    fn resume(&mut self, watermark: i64) {
        of_either!(self, it => it.resume(watermark));
    }

    fn grid(&self) -> Option<Tumbling> {
        of_either!(self, it => it.grid())
    }

    fn is_firing(&self) -> bool {
        of_either!(self, it => it.is_firing())
    }

    fn fire(&mut self, out: &mut impl Output<Self::Row, Event>) {
        of_either!(self, it => it.fire(out));
    }

    fn complete_to(&self) -> i64 {
        of_either!(self, it => it.complete_to())
    }

    fn closed_to(&self, watermark: i64) -> i64 {
        of_either!(self, it => it.closed_to(watermark))
    }
}

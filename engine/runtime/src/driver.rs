//! Drives a shard on a thread of its own, without glommio.

use tidewire_dataflow::Operator;

use crate::clock::Clock;
use crate::lanes::Stopped;
use crate::shard::{Inlet, Outlet, Shard, ShardTotals, Step};
use crate::wait::{Bell, Idler, Wait};

/// A shard with its rings.
pub(crate) struct Station<O: Operator, I, X, C> {
    pub(crate) shard: Shard<O>,
    pub(crate) inlets: Vec<I>,
    pub(crate) outlet: X,
    pub(crate) clock: C,
    pub(crate) wait: Wait,
    /// Rung when something has been put into an inlet.
    pub(crate) bell: Bell,
}

impl<O: Operator, I: Inlet<O::In>, X: Outlet<O::Row, O::Late>, C: Clock> Station<O, I, X, C> {
    #[inline]
    pub(crate) fn step(&mut self) -> Step {
        self.shard.step(&mut self.inlets, &mut self.outlet, &self.clock)
    }

    /// Runs the shard to its end on this thread.
    pub(crate) fn run(mut self, stopped: impl Fn() -> bool) -> Result<ShardTotals, Stopped> {
        let mut idler = Idler::new(self.wait);
        self.bell.wakes_this_thread();
        loop {
            match self.step() {
                Step::Busy => idler.busy(),
                Step::Full => return Err(Stopped::StateFull),
                Step::Idle | Step::Blocked if stopped() => return Err(Stopped::ByAnother),
                Step::Idle => idler.idle_until_rung(),
                Step::Blocked => idler.idle(),
                Step::Done => return Ok(self.shard.finish()),
            }
        }
    }
}

/// Pins this thread; false if the system would not.
pub(crate) fn pin(core: usize) -> bool {
    core_affinity::set_for_current(core_affinity::CoreId { id: core })
}

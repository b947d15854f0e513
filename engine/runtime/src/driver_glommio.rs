//! Drives a shard with glommio on a pinned core. No other file names it.
//!
//! The shard's task stays runnable to its end, and the executor never parks: a ring wakes nobody, so a parked
//! executor would need a timer, and glommio 0.9 was seen to sleep through one of 50 us under load and never wake. A
//! shard that has nothing to do waits as any other thread does.

use std::time::Duration;

use glommio::{LocalExecutor, LocalExecutorBuilder, Placement, executor, yield_if_needed};
use tidewire_dataflow::Operator;

use crate::clock::Clock;
use crate::driver::Station;
use crate::lanes::Stopped;
use crate::shard::{Inlet, Outlet, Step};
use crate::wait::Idler;

/// Turns of a busy or spinning shard between two looks at glommio's own queues (66 ns each, at the median).
const TURNS_PER_YIELD: u32 = 64;
/// How long glommio may let completions wait behind a busy shard; its default is 100 ms.
const PREEMPT: Duration = Duration::from_millis(1);

/// An executor on this thread, pinned to `core`. The error is what glommio says when the host has no io_uring for it,
/// or too little locked memory.
pub(crate) fn local_executor(core: Option<usize>, name: &str) -> Result<LocalExecutor, String> {
    LocalExecutorBuilder::new(core.map_or(Placement::Unbound, Placement::Fixed))
        .name(name)
        .preempt_timer(PREEMPT)
        .make()
        .map_err(|error| error.to_string())
}

/// Turns through glommio's queues before the first event, so that its start-up is over by then.
const WARM_UP_TURNS: u32 = 1_000;

/// Runs the shard to its end. `ready` is called when glommio is warm.
pub(crate) fn run<O, I, X, C>(
    local: &LocalExecutor,
    mut station: Station<O, I, X, C>,
    ready: impl FnOnce(),
    stopped: impl Fn() -> bool,
) -> Result<u64, Stopped>
where
    O: Operator,
    I: Inlet<O::In>,
    X: Outlet<O::Row, O::Late>,
    C: Clock,
{
    local.run(async move {
        for _ in 0..WARM_UP_TURNS {
            executor().yield_task_queue_now().await;
        }
        ready();
        let mut idler = Idler::new(station.wait);
        let mut turns = 0_u32;
        loop {
            match station.step() {
                Step::Done => return Ok(station.shard.finish()),
                Step::Busy => idler.busy(),
                Step::Idle | Step::Blocked if stopped() => return Err(Stopped),
                Step::Idle | Step::Blocked => idler.idle(),
            }
            turns = turns.wrapping_add(1);
            if turns.is_multiple_of(TURNS_PER_YIELD) {
                yield_if_needed().await;
            }
        }
    })
}

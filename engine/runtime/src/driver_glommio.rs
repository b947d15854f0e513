//! Drives a shard with glommio on a pinned core. No other file names it.

use std::time::Duration;

use glommio::{LocalExecutor, LocalExecutorBuilder, Placement, timer, yield_if_needed};
use tidewire_dataflow::Operator;

use crate::clock::Clock;
use crate::driver::Station;
use crate::lanes::Stopped;
use crate::shard::{Inlet, Outlet, Step};
use crate::wait::{Idle, Idler, PARK};

/// Turns of a busy or spinning shard between two looks at glommio's own queues (66 ns each, at the median).
const TURNS_PER_YIELD: u32 = 64;
/// How long glommio may let completions wait behind a busy shard; its default is 100 ms.
const PREEMPT: Duration = Duration::from_millis(1);

/// An executor on this thread, pinned to `core`. The error is what glommio says when the host has no io_uring for it,
/// or too little locked memory.
pub(crate) fn executor(core: Option<usize>, name: &str) -> Result<LocalExecutor, String> {
    LocalExecutorBuilder::new(core.map_or(Placement::Unbound, Placement::Fixed))
        .name(name)
        .preempt_timer(PREEMPT)
        .make()
        .map_err(|error| error.to_string())
}

/// Runs the shard to its end. `ready` is called when glommio has parked once: its first park can take 30-80 ms, and
/// no event should wait for it.
pub(crate) fn run<O, I, X, C>(
    executor: &LocalExecutor,
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
    executor.run(async move {
        timer::sleep(PARK).await;
        ready();
        let mut idler = Idler::new(station.wait);
        let mut turns = 0_u32;
        loop {
            let sleep = match station.step() {
                Step::Done => return Ok(station.shard.finish()),
                Step::Busy => {
                    idler.busy();
                    false
                }
                Step::Idle | Step::Blocked if stopped() => return Err(Stopped),
                Step::Idle | Step::Blocked => match idler.next() {
                    Idle::Spin => {
                        std::hint::spin_loop();
                        false
                    }
                    Idle::Yield => {
                        std::thread::yield_now();
                        false
                    }
                    Idle::Sleep => true,
                },
            };
            turns = turns.wrapping_add(1);
            if sleep {
                timer::sleep(PARK).await;
            } else if turns.is_multiple_of(TURNS_PER_YIELD) {
                yield_if_needed().await;
            }
        }
    })
}

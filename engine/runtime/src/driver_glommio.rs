//! Drives a shard with glommio on a pinned core. No other file names it.
//!
//! The shard is one task that runs to its end without a pause, and waits as any other thread does when it has nothing
//! to do. glommio 0.9 must never preempt it: when its preemption timer fires between its look at io_uring and its look
//! at the task queues, `run_task_queues` answers that nothing ran, and the executor parks with a task that is ready,
//! for ever. That happens within minutes on a busy host, so the timer is set beyond the end of the run.

use std::time::Duration;

use glommio::{LocalExecutor, LocalExecutorBuilder, Placement};
use io_uring::IoUring;
use tidewire_dataflow::Operator;

use crate::clock::Clock;
use crate::driver::Station;
use crate::lanes::Stopped;
use crate::shard::{Inlet, Outlet, ShardTotals};

const NEVER: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);

/// Entries of the ring that is made to see whether io_uring is to be had.
const PROBE_ENTRIES: u32 = 8;

/// An executor on this thread, pinned to `core`. The error says why the host has no io_uring for it, or too little
/// locked memory.
pub(crate) fn local_executor(core: Option<usize>, name: &str) -> Result<LocalExecutor, String> {
    // Where io_uring is forbidden glommio panics, so it is not asked.
    IoUring::new(PROBE_ENTRIES).map_err(|error| format!("io_uring: {error}"))?;
    LocalExecutorBuilder::new(core.map_or(Placement::Unbound, Placement::Fixed))
        .name(name)
        .preempt_timer(NEVER)
        .make()
        .map_err(|error| error.to_string())
}

/// Runs the shard to its end. `ready` is called when glommio has started.
pub(crate) fn run<O, I, X, C>(
    local: &LocalExecutor,
    station: Station<O, I, X, C>,
    ready: impl FnOnce(),
    stopped: impl Fn() -> bool,
) -> Result<ShardTotals, Stopped>
where
    O: Operator,
    I: Inlet<O::In>,
    X: Outlet<O::Row, O::Late>,
    C: Clock,
{
    local.run(async move {
        ready();
        station.run(stopped)
    })
}

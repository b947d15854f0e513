//! Memory for a table's next array, made ready on another thread.
//!
//! 1. It is asked for long before it is needed, lies in huge pages where the host has them, and is touched there: no
//!    event pays for the first touch of a page.
//! 2. A table that grows before it is ready takes fresh pages instead. Nothing but time depends on it.

use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::budget::Budget;
use crate::mapping::Mapping;

/// Smaller arrays are not worth it.
const NURSED_BYTES: usize = 1 << 20;

struct Task {
    bytes: usize,
    budget: Budget,
    reply: Sender<Mapping>,
}

static NURSERY: OnceLock<Option<Sender<Task>>> = OnceLock::new();

/// Asks for `bytes`, which the budget must have room for.
pub(crate) fn ask(bytes: usize, budget: &Budget) -> Option<Receiver<Mapping>> {
    if bytes < NURSED_BYTES {
        return None;
    }
    let (reply, made) = channel();
    let task = Task { bytes, budget: budget.clone(), reply };
    NURSERY.get()?.as_ref()?.send(task).ok()?;
    Some(made)
}

/// Starts the one thread for all tables of the process, unless the system has no more.
pub(crate) fn start() {
    if cfg!(miri) {
        return;
    }
    NURSERY.get_or_init(|| {
        let (tasks, asked) = channel::<Task>();
        let work = move || {
            for Task { bytes, budget, reply } in asked {
                if let Ok(memory) = Mapping::zeroed(bytes, &budget, true) {
                    // The table may have gone.
                    let _ = reply.send(memory);
                }
            }
        };
        thread::Builder::new().name("pages".to_owned()).spawn(work).ok().map(|_| tasks)
    });
}

//! State that is in snapshots: what a shard asks of its operator at a barrier and after it.
//!
//! 1. `freeze` closes the epoch in constant time.
//! 2. `capture` is called between events until it says that all of the closed epoch is in the log. The next freeze comes
//!    only then.
//! 3. A state that could not wait for the log says so by `overflowed`; then all of it gives the epoch up, and what was
//!    not captured is part of the next one.

use crate::image::Image;
use crate::log::Log;
use crate::table::LayoutMismatch;

/// The parts of a shard's state: see the module. What keeps nothing takes the answers given here.
pub trait Durable {
    /// Closes the epoch.
    fn freeze(&mut self) {}

    /// Copies at most `records` records of the closed epoch, and puts what is copied into `log`. True if all of the
    /// epoch is there, or what there is of one that was given up.
    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        let _ = (records, log);
        true
    }

    /// Stops the capture of the closed epoch.
    fn give_up(&mut self) {}

    /// Whether a write could not wait for the log.
    fn overflowed(&self) -> bool {
        false
    }

    /// Takes its tables out of `image` and goes on from there. Only before the first event.
    ///
    /// # Errors
    /// A table has another layout.
    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        let _ = image;
        Ok(())
    }
}

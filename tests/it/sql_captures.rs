//! Real captures by SQL: against the typed job, the facts, and computations that go the slow and obvious way.

mod cars;
mod market;
mod ticks;
mod zip;

use tidewire_tests::shared_capture;

/// The path of a capture as it stands in a job, or `None` where it is missing, which is said.
fn capture(name: &str) -> Option<String> {
    shared_capture(name).map(|path| path.display().to_string())
}

//! The simulator: whole jobs with snapshots under a seeded scheduler, clock, store and disk, against a naive model.
//!
//! 1. One seed decides everything: the events, the sizes, who takes the next step, what fails and when. It repeats to the
//!    last step.
//! 2. What runs is the engine's own code ([`SteppedJob`](tidewire_runtime::stepped::SteppedJob)); simulated are the clock,
//!    the store ([`store`]), the disk of the sink ([`disk`]) and the sources.
//! 3. After every step a reader sees a prefix of the output that the [`model`] expects, each row once. What it has seen
//!    it goes on to see, unless a run goes on from an older snapshot because the newest was damaged.
//! 4. Faults have a budget. When it is spent the store answers, no process crashes, and the job must come to its end,
//!    with exactly the expected output.
//! 5. A process that has crashed may linger: it goes on beside its successor, with the same store and the same disk.
//! 6. A process may be asked to stop behind a last snapshot. It ends, and the next one goes on from there.
//! 7. [`Broken`] protocols show that a breach is found.

mod dice;
mod trace;
mod worker;
mod plan;
mod model;
mod parts;
mod broken;
mod store;
mod disk;
mod process;
mod world;

pub use broken::Broken;
pub use world::Report;

/// Why a seed failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "seed {seed}: {what}\nthe last events:\n  {}\nto repeat: cargo run -p tidewire-tests --bin sim -- {seed}{}",
    trace.join("\n  "),
    broken.map(|it| format!(" --broken {it}")).unwrap_or_default()
)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// The protocol, if it was a broken one.
    pub broken: Option<Broken>,
    /// What is wrong.
    pub what: String,
    /// What happened before, oldest first.
    pub trace: Vec<String>,
}

/// Runs one seed.
///
/// # Errors
/// A promise was not kept.
pub fn run(seed: u64, broken: Option<Broken>) -> Result<Report, Failure> {
    world::World::new(seed, broken).run()
}

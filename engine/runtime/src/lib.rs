//! Runs a job: sources on threads, shards on pinned cores, rings between them, a sink.
//!
//! The modules follow an event: the [`clock`] and the [`rate`] say when it is due, a source thread routes it, a ring
//! carries it, a [`shard`] takes it in, a driver runs the shard on its core, and the sink's thread puts the results
//! in order. [`latency`] is measured along the way.
#![forbid(unsafe_code)]

pub mod options;
pub mod clock;
pub mod rate;
mod source_loop;
mod lanes;
mod ring;
pub mod shard;
mod driver;
mod driver_glommio;
pub mod wait;
mod sink_loop;
pub mod snapshots;
pub mod latency;
pub mod observe;
mod threads;
mod outcome;
pub mod stepped;
pub mod job;

pub use job::Job;
pub use observe::{HeldBack, Note, Observer, Progress, Silent};
pub use options::{Driver, Options, Threads, WhenFull};
pub use outcome::{JobError, Outcome};
pub use rate::Rate;
pub use snapshots::{SnapshotError, SnapshotTotals, Snapshots};
pub use wait::{NoWait, Wait};

//! Every bound of this crate, with its name.

use std::time::Duration;

/// How long one question to a broker may take.
pub(crate) const ASK: Duration = Duration::from_secs(2);

/// How often a question is asked at the start before the job gives up.
pub(crate) const START_TRIES: u32 = 15;

/// How often a sink goes on waiting, each time for [`ASK`], while no broker takes what it has: five minutes. Back-pressure
/// follows meanwhile.
pub(crate) const SINK_TRIES: u32 = 150;

/// How often a transaction is begun anew that had to be aborted, before the job gives up.
pub(crate) const TRANSACTION_TRIES: u32 = 5;

/// Bytes of rows that a sink keeps until their snapshots are durable, in all. Past it the job stops with an error.
pub(crate) const KEPT_BYTES_MAX: usize = 512 << 20;

/// Messages between two looks at the clock and at what other threads have found.
pub(crate) const LOOK_EVERY: u32 = 64;

/// The longest part of a dead letter's reason, bytes.
pub(crate) const REASON_BYTES_MAX: usize = 512;

const _: () = assert!(LOOK_EVERY.is_power_of_two());

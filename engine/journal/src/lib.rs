//! The journal: what a live source has received, on this host's disk before anything comes of it.
//!
//! 1. A record is written into mapped memory: no system call, and no wait. The system has it when the process dies.
//! 2. In the mode [`Sync`](Mode::Sync) whoever makes a promise of it waits first, until the disk has it
//!    ([`Journal::secure`]): all records of all segments up to there, at once.
//! 3. Segments are made on a thread of the journal's, before they are needed. Where the disk has no room for one the
//!    journal does what [`WhenFull`] says.
//! 4. A journal that is opened again begins a new segment, behind what the last process left: a torn tail is cut off at
//!    the last whole record, and said.
//! 5. A process has the folder for itself, by a lock on a file in it.
//!
//! The format, and what reads it, is [`tidewire_feeds::journal`].
#![deny(unsafe_code)]

pub mod limits;
mod mapped;
mod keeper;
mod writer;

pub use writer::{Journal, JournalError, Mode, Options, WhenFull};

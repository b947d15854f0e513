//! Snapshots in S3, and in servers that speak its protocol.
//!
//! 1. A call says that an object is there only after the server has been asked again, and has told its size.
//! 2. An answer may be lost while its request took effect. Each writer therefore leaves a mark of its own on its
//!    object, and a second try that is told "there is one already" looks whose it is.
//! 3. Each request has an end: every attempt and every operation has a time-out, bodies included.
//! 4. Memory is bounded: an upload holds one part more than it has in flight, and so does a download.
//!
//! The client's own runtime and its threads stay in here; calls block, and come from ordinary threads.
#![forbid(unsafe_code)]

mod location;
mod options;
mod worker;
mod connect;
mod error;
mod retry;
mod requests;
mod store;
mod upload;
mod fetch;

pub use error::S3Error;
pub use options::{OpenError, S3Options};
pub use store::S3Store;

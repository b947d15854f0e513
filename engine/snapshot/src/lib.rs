//! Durable snapshots: where their objects lie, what they look like, and which of them is real.
#![forbid(unsafe_code)]

mod store;

pub use store::{ObjectWriter, Published, Store, StoreError, Stored};

//! The state of a shard: tables of fixed-size records, owned by one thread.
//!
//! The unsafe code of the engine lives here, in [`table`], and nowhere else.

pub mod table;

pub use table::Table;

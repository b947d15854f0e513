//! Sources and sinks.
//!
//! [`market`] makes one kind of event of all market data feeds; [`rows`] writes results to files; [`tables`] are what SQL
//! reads and writes.
#![forbid(unsafe_code)]

pub mod market;
pub mod rows;
pub mod tables;

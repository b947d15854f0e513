//! Sources and sinks.
//!
//! [`market`] makes one kind of event of all market data feeds; [`rows`] writes results to files.
#![forbid(unsafe_code)]

pub mod market;
pub mod rows;

//! Topics of Apache Kafka as tables: `'connector' = 'kafka'`.
//!
//! 1. A job owns its place: partitions are assigned by hand, and the offsets are in its snapshots. What is committed to
//!    the group is for people to see, and for jobs without snapshots to begin from.
//! 2. A sink that is exactly once keeps the rows of an epoch until its snapshot is durable, and writes them in one
//!    transaction with the number of the epoch: so a commit that was lost is known, and finished: see `transactions`.
//! 3. The client's own threads talk to brokers. What this crate does runs on threads of sources and sinks, and waits there
//!    for no longer than the bounds in `limits`.
#![forbid(unsafe_code)]

mod limits;
mod options;
mod client;
mod place;
mod start;
mod metadata;
mod poison;
mod reader;
mod messages;
mod producer;
mod transactions;
mod writer;
#[cfg(test)]
mod tests;

use tidewire_connect::tables::{Columns, Connector, Options, TableError, TableReader, TableWriter};

/// The connector.
#[derive(Debug, Clone, Copy)]
pub struct Kafka {
    /// The time of day, ns since the epoch: after how long partitions are idle is told by it.
    pub unix_now_ns: fn() -> i64,
}

impl Connector for Kafka {
    fn name(&self) -> &'static str {
        "kafka"
    }

    fn readers(
        &self,
        options: Options,
        columns: &Columns,
    ) -> Result<Vec<Box<dyn TableReader>>, TableError> {
        reader::readers(options, columns, self.unix_now_ns)
    }

    fn writer(
        &self,
        options: Options,
        columns: &Columns,
    ) -> Result<Box<dyn TableWriter>, TableError> {
        writer::writer(options, columns)
    }
}

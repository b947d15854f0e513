//! Topics of MQTT as tables: `'connector' = 'mqtt'`, in the version 3.1.1 of the protocol.
//!
//! 1. A message is acknowledged to the broker when it is in the journal, and not before: what dies in between is sent
//!    again by the broker, and known by what the journal has: see `session`.
//! 2. The session is ours and a state machine without I/O. The event loop of `rumqttc` acknowledges by a queue that
//!    outlives its connection, and forgets with each connection which messages of QoS 2 it has: so only its packets are
//!    used, to read and to write them.
//! 3. There is no thread between the socket and the reader, and so no queue: what is not read yet waits in the socket, and
//!    behind that at the broker.
#![forbid(unsafe_code)]

mod limits;
mod options;
mod link;
mod retry;
pub mod record;
mod again;
mod session;
mod metadata;
mod rows;
mod subscriber;
mod publisher;
mod writer;
#[cfg(test)]
mod tests;

use tidewire_connect::tables::{Columns, Connector, Options, TableError, TableReader, TableWriter};

/// The connector.
#[derive(Debug, Clone, Copy)]
pub struct Mqtt;

impl Connector for Mqtt {
    fn name(&self) -> &'static str {
        "mqtt"
    }

    fn readers(
        &self,
        options: Options,
        columns: &Columns,
    ) -> Result<Vec<Box<dyn TableReader>>, TableError> {
        Ok(vec![subscriber::reader(options, columns)?])
    }

    fn writer(
        &self,
        options: Options,
        columns: &Columns,
    ) -> Result<Box<dyn TableWriter>, TableError> {
        writer::writer(options, columns)
    }
}

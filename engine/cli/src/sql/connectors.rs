//! What the reading of a job's text asks of connectors.

use std::collections::BTreeMap;

use tidewire_connect::tables::{
    self, Columns, Connector, OwnColumns, Queue, TableError, TableReader, TableWriter,
};
use tidewire_sql::catalog::{Connectors, FeedColumns};

/// All connectors that are built in.
pub(super) struct KnownConnectors;

/// Those of crates with a client of their own.
const MORE: &[&dyn Connector] = &[
    #[cfg(feature = "kafka")]
    &tidewire_kafka::Kafka { unix_now_ns: tidewire_runtime::clock::unix_now_ns },
    #[cfg(feature = "mqtt")]
    &tidewire_mqtt::Mqtt,
];

fn of_another_crate(connector: &str) -> Option<&'static dyn Connector> {
    MORE.iter().find(|it| it.name() == connector).copied()
}

/// The readers of a table.
pub(super) fn readers(
    connector: &str,
    options: &BTreeMap<String, String>,
    columns: &Columns,
) -> Result<Vec<Box<dyn TableReader>>, TableError> {
    let mut options = options_of(connector, options);
    let other = of_another_crate(connector);
    if other.is_some() || tables::is_written(connector) {
        // A table that is read has no use for its queue; what is wrong with it is said all the same.
        Queue::take(&mut options)?;
    }
    match other {
        Some(it) => it.readers(options, columns),
        None => tables::readers(options, columns),
    }
}

/// The writer of a table, and what its options say of its queue.
pub(super) fn writer(
    connector: &str,
    options: &BTreeMap<String, String>,
    columns: &Columns,
) -> Result<(Box<dyn TableWriter>, Option<Queue>), TableError> {
    let mut options = options_of(connector, options);
    let queue = Queue::take(&mut options)?;
    let writer = match of_another_crate(connector) {
        Some(it) => it.writer(options, columns),
        None => tables::writer(options, columns),
    };
    Ok((writer?, queue))
}

fn options_of(connector: &str, options: &BTreeMap<String, String>) -> tables::Options {
    tables::Options::new(connector, options.clone())
}

impl Connectors for KnownConnectors {
    fn feed(
        &self,
        connector: &str,
        options: &BTreeMap<String, String>,
    ) -> Result<Option<FeedColumns>, (Option<String>, String)> {
        let own = tables::columns_of(&options_of(connector, options), MORE);
        let own = own.map_err(|error| match error {
            TableError::Option(error) => (Some(error.option().to_owned()), error.to_string()),
            error => (None, error.to_string()),
        })?;
        Ok(own.map(|OwnColumns { columns, event_time, watermark_delay }| FeedColumns {
            fields: columns.into_iter().map(|column| column.field).collect(),
            time: event_time,
            delay: watermark_delay,
        }))
    }
}

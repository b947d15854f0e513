//! What the reading of a job's text asks of connectors.

use std::collections::BTreeMap;

use tidewire_connect::tables::{self, OwnColumns, TableError};
use tidewire_sql::catalog::{Connectors, FeedColumns};

/// All connectors that are built in.
pub(super) struct KnownConnectors;

pub(super) fn options_of(connector: &str, options: &BTreeMap<String, String>) -> tables::Options {
    tables::Options::new(connector, options.clone())
}

impl Connectors for KnownConnectors {
    fn feed(
        &self,
        connector: &str,
        options: &BTreeMap<String, String>,
    ) -> Result<Option<FeedColumns>, (Option<String>, String)> {
        let own = tables::columns_of(&options_of(connector, options));
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

//! The settings of a job: `SET 'name' = 'value'`.

use std::collections::BTreeMap;

use tidewire_runtime::{Rate, Wait, WhenFull};
use tidewire_snapshot::Compression;
use tidewire_sql::{Span, SqlError};

use crate::units::{bytes, nanoseconds};

/// Every setting, with what it should be.
const KNOWN: [(&str, &str); 14] = [
    ("parallelism.default", "how many shards, or 'inline'"),
    ("pipeline.rate", "max, recorded, a factor as 2x, or rows as 250000/s"),
    ("pipeline.wait", "spin, yield or park"),
    ("snapshot.compression", "none, lz4 or zstd"),
    ("snapshot.endpoint", "the address of an S3 server that is not Amazon's"),
    ("snapshot.interval", "a duration, as 1s"),
    ("snapshot.keep", "how many snapshots are kept"),
    ("snapshot.scratch", "a folder for temporary files"),
    ("snapshot.store", "a folder, or s3://BUCKET/PREFIX"),
    ("sql.row-bytes", "bytes that a row has room for at least"),
    ("state.budget", "a size, as 8GiB"),
    ("state.when-full", "stop or refuse"),
    ("table.exec.source.idle-timeout", "a duration, as 30s; 0s: never"),
    ("table.local-time-zone", "a time zone, as 'Europe/Zurich'"),
];

/// The settings of a job, read.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// How many shards; 0 is inline.
    pub shards: Option<usize>,
    /// The pace.
    pub rate: Option<Rate>,
    /// What idle threads do.
    pub wait: Option<Wait>,
    /// Where snapshots are.
    pub store: Option<String>,
    /// From one snapshot to the next, ns.
    pub interval_ns: Option<i64>,
    /// How many are kept.
    pub keep: Option<u32>,
    /// How objects are compressed.
    pub compression: Option<Compression>,
    /// An S3 server.
    pub endpoint: Option<String>,
    /// A folder for temporary files.
    pub scratch: Option<String>,
    /// After how long without a row a partition of a source is idle, ns; 0: never.
    pub idle_after_ns: Option<i64>,
    /// The time zone's name.
    pub zone: Option<String>,
    /// Bytes that a row has room for.
    pub row_bytes: Option<usize>,
    /// Bytes that the state may take.
    pub state_bytes: Option<usize>,
    /// What happens when it has.
    pub when_full: Option<WhenFull>,
}

impl Settings {
    pub(super) fn read(all: &BTreeMap<String, (String, Span)>) -> Result<Self, SqlError> {
        let mut settings = Self::default();
        for (name, (value, at)) in all {
            let Some((_, expected)) = KNOWN.iter().find(|(known, _)| known == name) else {
                let error = SqlError::new(*at, format!("there is no setting '{name}'"));
                return Err(error.nearest(name, KNOWN.iter().map(|(known, _)| *known)));
            };
            let is_read = settings.set(name, value).is_some();
            if !is_read {
                return Err(SqlError::new(*at, format!("'{name}' is '{value}'"))
                    .help(format!("it is {expected}")));
            }
        }
        Ok(settings)
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "parallelism.default" if value == "inline" => self.shards = Some(0),
            "parallelism.default" => {
                self.shards = Some(value.parse().ok().filter(|shards| *shards > 0)?)
            }
            "pipeline.rate" => self.rate = Some(value.parse().ok()?),
            "pipeline.wait" => self.wait = Some(value.parse().ok()?),
            "snapshot.compression" => self.compression = Some(value.parse().ok()?),
            "snapshot.endpoint" => self.endpoint = Some(value.to_owned()),
            "snapshot.interval" => {
                self.interval_ns = Some(nanoseconds(value).filter(|ns| *ns > 0)?)
            }
            "snapshot.keep" => self.keep = Some(value.parse().ok().filter(|keep| *keep > 0)?),
            "snapshot.scratch" => self.scratch = Some(value.to_owned()),
            "snapshot.store" => self.store = Some(value.to_owned()),
            "sql.row-bytes" => self.row_bytes = Some(value.parse().ok()?),
            "table.exec.source.idle-timeout" => {
                self.idle_after_ns = Some(nanoseconds(value).filter(|ns| *ns >= 0)?);
            }
            "state.budget" => self.state_bytes = Some(bytes(value)?),
            "state.when-full" => {
                self.when_full = Some(match value {
                    "stop" => WhenFull::Stop,
                    "refuse" => WhenFull::Refuse,
                    _ => return None,
                });
            }
            // The reader of the text has looked for it.
            _ => self.zone = Some(value.to_owned()),
        }
        Some(())
    }
}

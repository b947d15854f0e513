//! The options of a command that takes snapshots.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tidewire_runtime::Snapshots;
use tidewire_snapshot::{Compression, Job, Keep, crc32c};

use super::replay::{Arguments, nanoseconds_of};
use super::{CommandError, signals};
use crate::store;

/// Bytes of a capture that tell it from others, with its length.
const HEAD_BYTES: u64 = 64 << 10;

/// Where and how often snapshots are taken.
#[derive(Debug, Args)]
pub(crate) struct SnapshotArguments {
    /// Take snapshots into this folder, or into s3://BUCKET/PREFIX. The signal USR1 asks for a savepoint, which is kept
    /// until somebody removes it; INT (Ctrl-C) and TERM stop behind a last snapshot, to go on with --restore.
    #[arg(long, value_name = "DIR|S3-URL")]
    pub(crate) snapshots: Option<String>,
    /// From one snapshot to the next.
    #[arg(long, default_value = "1s", value_name = "DURATION", value_parser = nanoseconds_of, requires = "snapshots")]
    pub(crate) every: i64,
    /// Go on from the newest good snapshot, or from the beginning where there is none yet.
    #[arg(long, requires = "snapshots")]
    pub(crate) restore: bool,
    /// The address of an S3 server that is not Amazon's, as http://127.0.0.1:9000.
    #[arg(long, value_name = "URL", requires = "snapshots")]
    pub(crate) endpoint: Option<String>,
    /// How many snapshots are kept.
    #[arg(long, default_value_t = 3, value_name = "N", requires = "snapshots", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) keep: u32,
    /// How stored objects are compressed: none, lz4, or zstd. Only what is not compressed can be mapped.
    #[arg(long, default_value = "none", requires = "snapshots")]
    pub(crate) compression: Compression,
    /// A folder for temporary files: what is fetched from S3, and what is unpacked.
    #[arg(long, value_name = "DIR", requires = "snapshots")]
    pub(crate) scratch: Option<PathBuf>,
}

impl SnapshotArguments {
    /// The snapshots of a replay, if they are asked for.
    pub(crate) fn of_replay(&self, replay: &Arguments) -> Result<Option<Snapshots>, CommandError> {
        let Some(location) = &self.snapshots else { return Ok(None) };
        for output in [&replay.out, &replay.late].into_iter().flatten() {
            if output.is_file() {
                return Err(CommandError::OutputIsAFile(output.clone()));
            }
        }
        let store = Arc::from(store::open(location, self.endpoint.as_deref())?);
        let mut snapshots = Snapshots::new(store, job(replay)?);
        snapshots.every_ns = self.every;
        snapshots.restore = self.restore;
        snapshots.keep = Keep { newest: self.keep as usize };
        snapshots.compression = self.compression;
        signals::of_snapshots(&snapshots)?;
        if let Some(scratch) = &self.scratch {
            snapshots.scratch.clone_from(scratch);
        }
        Ok(Some(snapshots))
    }
}

/// What a replay's state and output depend on. Its threads, its pace and its options of snapshots are not among that.
fn job(replay: &Arguments) -> Result<Job, CommandError> {
    let path = &replay.capture;
    let (bytes, head) =
        head(path).map_err(|source| CommandError::Head { path: path.clone(), source })?;
    let mut description = BTreeMap::from([
        ("job", "bars 1".to_owned()),
        ("capture bytes", bytes.to_string()),
        ("capture head crc32c", format!("{head:08x}")),
        ("window ns", replay.window.size().to_string()),
        (
            "max disorder ns",
            replay.max_disorder.map_or("by format".to_owned(), |ns| ns.to_string()),
        ),
        ("out", replay.out.is_some().to_string()),
        ("late", replay.late.is_some().to_string()),
    ]);
    if let Some(format) = replay.format {
        description.insert("format", format.name().to_owned());
    }
    if let Some(date) = &replay.date {
        description.insert("date", date.to_string());
    }
    let lines = description.iter().map(|(name, value)| format!("{name}: {value}"));
    let fingerprint = lines.collect::<Vec<_>>().join("; ");
    let description = description.into_iter().map(|(name, value)| (name.to_owned(), value));
    Ok(Job { fingerprint, description: description.collect() })
}

/// A capture's length and the checksum of its begin.
fn head(path: &Path) -> io::Result<(u64, u32)> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let mut head = Vec::new();
    file.take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok((bytes, crc32c(&head)))
}

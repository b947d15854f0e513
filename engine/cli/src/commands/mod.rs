//! The subcommands, a file each.

pub(crate) mod demo;
pub(crate) mod generate;
pub(crate) mod inspect;
pub(crate) mod publish;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod signals;
pub(crate) mod snapshot_arguments;
pub(crate) mod snapshots;

use std::io;
use std::path::PathBuf;

use tidewire::sql::SqlRunError;
use tidewire_connect::market::ReplayError;
use tidewire_connect::rows::RowError;
use tidewire_feeds::capture::CaptureError;
use tidewire_runtime::JobError;
use tidewire_snapshot::{ManifestError, ObjectError, StoreError};
use tidewire_udp::UdpError;

use crate::report::ReportError;
use crate::store::OpenError;

/// Why a command failed, in one line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error(transparent)]
    Job(#[from] JobError<ReplayError, RowError>),
    #[error("{0}")]
    Sql(String),
    #[error(transparent)]
    SqlRun(SqlRunError),
    #[error("--restore needs 'snapshot.store': SET it in the job, or --set snapshot.store=DIR")]
    NothingToRestore,
    #[error(transparent)]
    Rows(#[from] RowError),
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error("can not listen to signals: {0}")]
    Signal(#[source] io::Error),
    #[error("can not read {}: {source}", path.display())]
    Head { path: PathBuf, source: io::Error },
    #[error("{} is a file: with --snapshots the output is a folder of parts", .0.display())]
    OutputIsAFile(PathBuf),
    #[error("can not write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("can not write to standard output: {0}")]
    Output(#[from] io::Error),
    #[error("{} error(s) in the capture (see above); --strict makes them fail the command", .0)]
    Strict(u64),
    #[error(transparent)]
    Udp(#[from] UdpError),
    #[error(transparent)]
    Publish(#[from] publish::PublishError),
    #[error(transparent)]
    OpenStore(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("{location}: no snapshot{}", epoch.map(|epoch| format!(" of epoch {epoch}")).unwrap_or_default())]
    NoSnapshot { location: String, epoch: Option<u64> },
    #[error("{broken} of {of} snapshot(s) are broken")]
    BrokenSnapshots { broken: usize, of: usize },
    #[error(
        "nothing is deleted, because the newest snapshot (epoch {epoch}) is broken: {why}; older ones may be needed"
    )]
    NewestBroken { epoch: u64, why: ObjectError },
}

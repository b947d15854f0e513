//! The subcommands, a file each.

pub(crate) mod demo;
pub(crate) mod generate;
pub(crate) mod inspect;
pub(crate) mod replay;
pub(crate) mod snapshot_arguments;

use std::io;
use std::path::PathBuf;

use tidewire_connect::market::ReplayError;
use tidewire_connect::rows::RowError;
use tidewire_feeds::capture::CaptureError;
use tidewire_runtime::JobError;

use crate::report::ReportError;

/// Why a command failed, in one line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error(transparent)]
    Job(#[from] JobError<ReplayError, RowError>),
    #[error(transparent)]
    Rows(#[from] RowError),
    #[error(transparent)]
    Store(#[from] crate::store::OpenError),
    #[error(transparent)]
    Report(#[from] ReportError),
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
}

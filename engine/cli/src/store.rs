//! A store of snapshots, by the location that a user wrote.

use std::path::Path;

use tidewire_event::time::SECOND;
use tidewire_runtime::clock::unix_now_ns;
use tidewire_snapshot::{DirStore, Store, StoreError};

const S3: &str = "s3://";

/// Why a store can not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[cfg(not(feature = "s3"))]
    #[error("{0}: this build has no S3; build it with --features s3")]
    NoS3(String),
    #[error("{0}: there is no such folder")]
    NoFolder(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[cfg(feature = "s3")]
    #[error(transparent)]
    S3(#[from] tidewire_s3::OpenError),
}

/// Unfinished files that were last written to before so long are nobody's any more, ns.
const UNFINISHED_AFTER_NS: i64 = 600 * SECOND;

/// Incomplete uploads that are older are nobody's any more.
#[cfg(feature = "s3")]
const LEFTOVERS_AFTER: std::time::Duration = std::time::Duration::from_secs(24 * 3_600);

/// Opens the store at `location` to write to it: a folder, which is made if it is not there, or `s3://BUCKET/PREFIX` on
/// the server `endpoint`. What killed writers left over there is removed.
pub(crate) fn open(location: &str, endpoint: Option<&str>) -> Result<Box<dyn Store>, OpenError> {
    if location.starts_with(S3) {
        return open_s3(location, endpoint, true);
    }
    let store = DirStore::open(Path::new(location))?;
    store.remove_leftovers(unix_now_ns() - UNFINISHED_AFTER_NS)?;
    Ok(Box::new(store))
}

/// Opens the store at `location` to look at it: a folder that is not there is an error.
pub(crate) fn open_existing(
    location: &str,
    endpoint: Option<&str>,
) -> Result<Box<dyn Store>, OpenError> {
    if location.starts_with(S3) {
        return open_s3(location, endpoint, false);
    }
    if !Path::new(location).is_dir() {
        return Err(OpenError::NoFolder(location.to_owned()));
    }
    Ok(Box::new(DirStore::open(Path::new(location))?))
}

#[cfg(feature = "s3")]
fn open_s3(
    location: &str,
    endpoint: Option<&str>,
    is_writer: bool,
) -> Result<Box<dyn Store>, OpenError> {
    let store = tidewire_s3::S3Store::open(location, endpoint)?;
    if is_writer {
        store.abort_leftovers(LEFTOVERS_AFTER)?;
    }
    Ok(Box::new(store))
}

#[cfg(not(feature = "s3"))]
fn open_s3(
    location: &str,
    _endpoint: Option<&str>,
    _is_writer: bool,
) -> Result<Box<dyn Store>, OpenError> {
    Err(OpenError::NoS3(location.to_owned()))
}

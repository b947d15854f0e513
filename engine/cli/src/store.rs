//! A store of snapshots, by the location that a user wrote.

use std::path::Path;

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
}

/// Opens the store at `location`: a folder, which is made if it is not there, or `s3://BUCKET/PREFIX` on the server
/// `endpoint`.
pub(crate) fn open(location: &str, endpoint: Option<&str>) -> Result<Box<dyn Store>, OpenError> {
    if location.starts_with(S3) {
        return open_s3(location, endpoint);
    }
    Ok(Box::new(DirStore::open(Path::new(location))?))
}

/// As [`open`], for those who only look: a folder that is not there is an error.
pub(crate) fn open_existing(
    location: &str,
    endpoint: Option<&str>,
) -> Result<Box<dyn Store>, OpenError> {
    if !location.starts_with(S3) && !Path::new(location).is_dir() {
        return Err(OpenError::NoFolder(location.to_owned()));
    }
    open(location, endpoint)
}

#[cfg(feature = "s3")]
fn open_s3(location: &str, endpoint: Option<&str>) -> Result<Box<dyn Store>, OpenError> {
    Ok(Box::new(tidewire_s3::S3Store::open(location, endpoint)?))
}

#[cfg(not(feature = "s3"))]
fn open_s3(location: &str, _endpoint: Option<&str>) -> Result<Box<dyn Store>, OpenError> {
    Err(OpenError::NoS3(location.to_owned()))
}

//! The store itself: the requests of the other modules, waited for.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use tidewire_snapshot::{ObjectWriter, Published, Store, StoreError, Stored};

use crate::connect::connect;
use crate::error::S3Error;
use crate::fetch::fetch;
use crate::location::Location;
use crate::requests::Bucket;
use crate::retry::{Retry, unique};
use crate::upload::Upload;
use crate::worker::Worker;
use crate::{OpenError, S3Options};

/// A [`Store`] below a prefix of a bucket.
pub struct S3Store {
    text: String,
    pub(crate) bucket: Bucket,
    pub(crate) part_bytes: usize,
    pub(crate) parallel: usize,
    // Last, so that it outlives what runs in it.
    pub(crate) worker: Worker,
}

impl S3Store {
    /// Opens `s3://bucket/prefix` with what the usual AWS places say, on Amazon's servers or on another `endpoint`.
    ///
    /// No request is made to the bucket: that it is not there, or not ours, is told by the first call.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(location: &str, endpoint: Option<&str>) -> Result<S3Store, OpenError> {
        let endpoint = endpoint.map(str::to_owned);
        S3Store::open_with(location, &S3Options { endpoint, ..S3Options::default() })
    }

    /// Opens `s3://bucket/prefix` with options of one's own.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_with(location: &str, options: &S3Options) -> Result<S3Store, OpenError> {
        let place = Location::parse(location)?;
        options.check()?;
        let worker = Worker::start().map_err(OpenError::Threads)?;
        let client = worker.wait(connect(options))?;
        let bucket = Bucket { client, location: place, retry: Retry::new(options) };
        let (part_bytes, parallel) = (options.part_bytes, options.parallel);
        Ok(S3Store { text: location.to_owned(), bucket, part_bytes, parallel, worker })
    }

    /// Ends the uploads under the prefix that were begun and not completed, and are older than so long; answers how
    /// many. Their parts take room, and are in no list.
    ///
    /// A writer that lives may be one of them: leave it more time than an upload takes.
    ///
    /// # Errors
    /// See [`StoreError`]. Some may have been ended.
    pub fn abort_leftovers(&self, older_than: Duration) -> Result<usize, StoreError> {
        // The clock by which requests are signed.
        let now = self.bucket.client.config().time_source().unwrap_or_default().now();
        let Some(time) = now.checked_sub(older_than) else { return Ok(0) };
        let aborted = self.worker.wait(self.bucket.abort_begun_before(time));
        aborted.map_err(|error| self.error("can not end old uploads under", "", error))
    }

    pub(crate) fn error(&self, action: &'static str, name: &str, error: S3Error) -> StoreError {
        let (location, name) = (self.text.clone(), name.to_owned());
        StoreError { location, action, name, source: Box::new(error) }
    }

    /// Puts twice what must be put once.
    async fn probe(&self, name: &str) -> Result<bool, S3Error> {
        let put = async |bytes| {
            let bytes = Bytes::from_static(bytes);
            match self.bucket.put_new(name, bytes, &unique()).await {
                // It does not know the condition, and says so; or it took the second one too, and shows it.
                Err(error) if error.is_refused(501, "NotImplemented") => Ok(None),
                Err(error) => Err(error),
                Ok(published) => Ok(Some(published)),
            }
        };
        let first = put(b"first").await?;
        Ok(first == Some(Published::Created) && put(b"second").await? == Some(Published::Existed))
    }
}

impl Store for S3Store {
    fn location(&self) -> String {
        self.text.clone()
    }

    fn create(&self, name: &str) -> Result<Box<dyn ObjectWriter + '_>, StoreError> {
        Ok(Box::new(Upload::new(self, name)))
    }

    fn put_new(&self, name: &str, bytes: &[u8]) -> Result<Published, StoreError> {
        let bytes = Bytes::copy_from_slice(bytes);
        let published = self.worker.wait(self.bucket.put_new(name, bytes, &unique()));
        published.map_err(|error| self.error("can not write", name, error))
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.worker.wait(self.bucket.get(name));
        found.map_err(|error| self.error("can not read", name, error))
    }

    fn fetch(&self, name: &str, scratch: &Path) -> Result<Option<File>, StoreError> {
        let found = self.worker.wait(fetch(self, name, scratch));
        found.map_err(|error| self.error("can not fetch", name, error))
    }

    fn list(&self, prefix: &str) -> Result<Vec<Stored>, StoreError> {
        let found = self.worker.wait(self.bucket.list(prefix));
        found.map_err(|error| self.error("can not list", prefix, error))
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        let deleted = self.worker.wait(self.bucket.delete(name));
        deleted.map_err(|error| self.error("can not delete", name, error))
    }

    fn is_fenced(&self) -> Result<bool, StoreError> {
        let name = format!("fence-probe-{}", unique());
        let fenced = self.worker.wait(self.probe(&name));
        let removed = self.delete(&name);
        let fenced =
            fenced.map_err(|error| self.error("can not try conditions with", &name, error));
        fenced.and_then(|fenced| removed.map(|()| fenced))
    }
}

impl std::fmt::Debug for S3Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Store").field("location", &self.text).finish_non_exhaustive()
    }
}

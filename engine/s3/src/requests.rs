//! Single requests about objects of one bucket, tried until they are answered.

use std::ops::Range;
use std::time::SystemTime;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use tidewire_snapshot::{Published, Stored};

use crate::error::S3Error;
use crate::location::Location;
use crate::retry::Retry;

/// The metadata by which a writer knows its object again.
pub(crate) const MARK: &str = "tidewire-writer";

/// A bucket's prefix and how to ask about it.
#[derive(Clone)]
pub(crate) struct Bucket {
    pub(crate) client: Client,
    pub(crate) location: Location,
    pub(crate) retry: Retry,
}

/// What the server says of an object without its bytes.
pub(crate) struct Head {
    pub(crate) bytes: u64,
    pub(crate) etag: Option<String>,
    pub(crate) mark: Option<String>,
}

impl Bucket {
    fn name(&self) -> &str {
        &self.location.bucket
    }

    /// Puts a whole object, whatever lies there.
    pub(crate) async fn put(&self, name: &str, bytes: Bytes, mark: &str) -> Result<(), S3Error> {
        self.retry.run(|_| self.put_once(name, bytes.clone(), mark, false)).await?;
        self.verify(name, bytes.len() as u64, mark).await
    }

    /// Puts a whole object, unless one lies there.
    pub(crate) async fn put_new(
        &self,
        name: &str,
        bytes: Bytes,
        mark: &str,
    ) -> Result<Published, S3Error> {
        let bytes = &bytes;
        let attempt = async |lost| match self.put_once(name, bytes.clone(), mark, true).await {
            Ok(()) => Ok(Published::Created),
            Err(error) if error.is_refused(412, "PreconditionFailed") => {
                // Told the first time, it is another's. Later it may be our own, whose answer was lost.
                if lost && self.is_ours(name, bytes, mark).await? {
                    return Ok(Published::Created);
                }
                Ok(Published::Existed)
            }
            Err(error) => Err(error),
        };
        let published = self.retry.run(attempt).await?;
        if published == Published::Created {
            self.verify(name, bytes.len() as u64, mark).await?;
        }
        Ok(published)
    }

    async fn put_once(
        &self,
        name: &str,
        bytes: Bytes,
        mark: &str,
        if_none: bool,
    ) -> Result<(), S3Error> {
        let put = self.client.put_object().bucket(self.name()).key(self.location.key(name));
        let put = put.metadata(MARK, mark).body(ByteStream::from(bytes));
        put.set_if_none_match(if_none.then(|| "*".to_owned())).send().await?;
        Ok(())
    }

    /// Whether what lies there is what we sent: the same bytes, and, where the server keeps marks, with our mark.
    async fn is_ours(&self, name: &str, bytes: &Bytes, mark: &str) -> Result<bool, S3Error> {
        let Some((found, found_mark)) = self.get_once(name).await? else {
            return Err(S3Error::Vanished);
        };
        Ok(found == *bytes && found_mark.is_none_or(|it| it == mark))
    }

    /// That an object that was sent is there, whole, and the one that was sent.
    pub(crate) async fn verify(&self, name: &str, sent: u64, mark: &str) -> Result<(), S3Error> {
        let head = self.head(name).await?.ok_or(S3Error::Vanished)?;
        if head.mark.is_some_and(|found| found != mark) {
            return Err(S3Error::Replaced);
        }
        if head.bytes != sent {
            return Err(S3Error::Size { sent, found: head.bytes });
        }
        Ok(())
    }

    /// What the server says of an object; `None` where it says that there is none, or no such bucket.
    pub(crate) async fn head(&self, name: &str) -> Result<Option<Head>, S3Error> {
        self.retry.run(|_| self.head_once(name)).await
    }

    pub(crate) async fn head_once(&self, name: &str) -> Result<Option<Head>, S3Error> {
        let head = self.client.head_object().bucket(self.name()).key(self.location.key(name));
        let answer = match head.send().await.map_err(S3Error::from) {
            Ok(answer) => answer,
            Err(error) if error.is_refused(404, "NotFound") => return Ok(None),
            Err(error) => return Err(error),
        };
        let bytes = answer.content_length().and_then(|length| u64::try_from(length).ok());
        let bytes = bytes.ok_or(S3Error::Incomplete("size"))?;
        let mark = answer.metadata().and_then(|metadata| metadata.get(MARK)).cloned();
        Ok(Some(Head { bytes, etag: answer.e_tag, mark }))
    }

    /// A whole object; `None` if there is none of that name.
    pub(crate) async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, S3Error> {
        let found = self.retry.run(|_| self.get_once(name)).await?;
        Ok(found.map(|(bytes, _)| bytes))
    }

    async fn get_once(&self, name: &str) -> Result<Option<(Vec<u8>, Option<String>)>, S3Error> {
        let get = self.client.get_object().bucket(self.name()).key(self.location.key(name));
        let answer = match get.send().await.map_err(S3Error::from) {
            Ok(answer) => answer,
            Err(error) if error.is_no_such_key() => return Ok(None),
            Err(error) => return Err(error),
        };
        let expected = answer.content_length().and_then(|length| u64::try_from(length).ok());
        let mark = answer.metadata().and_then(|metadata| metadata.get(MARK)).cloned();
        let bytes = collect(answer.body, expected).await?;
        Ok(Some((bytes, mark)))
    }

    /// A range of the version `etag` of an object of `of` bytes.
    pub(crate) async fn get_range(
        &self,
        name: &str,
        range: &Range<u64>,
        of: u64,
        etag: &str,
    ) -> Result<Vec<u8>, S3Error> {
        let get = self.client.get_object().bucket(self.name()).key(self.location.key(name));
        let get = get.range(format!("bytes={}-{}", range.start, range.end - 1)).if_match(etag);
        let answer = match get.send().await.map_err(S3Error::from) {
            Ok(answer) => answer,
            Err(error) if error.is_refused(412, "PreconditionFailed") => {
                return Err(S3Error::Changed);
            }
            Err(error) if error.is_no_such_key() => return Err(S3Error::Changed),
            Err(error) => return Err(error),
        };
        let expected = format!("bytes {}-{}/{of}", range.start, range.end - 1);
        let is_other = answer.e_tag().is_some_and(|found| found != etag);
        if is_other || answer.content_range() != Some(&expected) {
            return Err(S3Error::Changed);
        }
        collect(answer.body, Some(range.end - range.start)).await
    }

    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<Stored>, S3Error> {
        let prefix = self.location.key(prefix);
        let (mut found, mut next) = (Vec::new(), None);
        loop {
            let list = || self.client.list_objects_v2().bucket(self.name()).prefix(&prefix);
            let page = async |_| Ok(list().set_continuation_token(next.clone()).send().await?);
            let answer = self.retry.run(page).await?;
            for object in answer.contents() {
                // A key outside, or a folder's mark, is not ours.
                let name = object.key().and_then(|key| self.location.name(key));
                let Some(name) = name.filter(|name| !name.is_empty() && !name.ends_with('/'))
                else {
                    continue;
                };
                let bytes = object.size().and_then(|size| u64::try_from(size).ok());
                let bytes = bytes.ok_or(S3Error::Incomplete("size"))?;
                found.push(Stored { name: name.to_owned(), bytes });
            }
            if answer.is_truncated() != Some(true) {
                break;
            }
            next = Some(answer.next_continuation_token.ok_or(S3Error::Incomplete("next page"))?);
        }
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    pub(crate) async fn delete(&self, name: &str) -> Result<(), S3Error> {
        let attempt = async |_| {
            let key = self.location.key(name);
            match self.client.delete_object().bucket(self.name()).key(key).send().await {
                Ok(_) => Ok(()),
                Err(error) => match S3Error::from(error) {
                    error if error.is_no_such_key() => Ok(()),
                    error => Err(error),
                },
            }
        };
        self.retry.run(attempt).await
    }

    /// Ends an upload that will not be completed. That it is gone is no error.
    pub(crate) async fn abort(&self, key: &str, upload: &str) -> Result<(), S3Error> {
        let attempt = async |_| {
            let abort = self.client.abort_multipart_upload().bucket(self.name()).key(key);
            match abort.upload_id(upload).send().await {
                Ok(_) => Ok(()),
                Err(error) => match S3Error::from(error) {
                    error if error.is_refused(404, "NoSuchUpload") => Ok(()),
                    error => Err(error),
                },
            }
        };
        self.retry.run(attempt).await
    }

    /// Ends the uploads under the prefix that began before a time.
    pub(crate) async fn abort_begun_before(&self, time: SystemTime) -> Result<usize, S3Error> {
        let (mut old, mut key_marker, mut upload_marker) = (Vec::new(), None, None);
        loop {
            let page = async |_| {
                let list = self.client.list_multipart_uploads().bucket(self.name());
                let list = list.prefix(&self.location.prefix);
                let list = list.set_key_marker(key_marker.clone());
                Ok(list.set_upload_id_marker(upload_marker.clone()).send().await?)
            };
            let answer = self.retry.run(page).await?;
            for upload in answer.uploads() {
                let begun = upload.initiated().and_then(|at| SystemTime::try_from(*at).ok());
                let (Some(key), Some(id)) = (upload.key(), upload.upload_id()) else { continue };
                let is_ours = self.location.name(key).is_some();
                if is_ours && begun.is_some_and(|begun| begun < time) {
                    old.push((key.to_owned(), id.to_owned()));
                }
            }
            if answer.is_truncated() != Some(true) {
                break;
            }
            key_marker = Some(answer.next_key_marker.ok_or(S3Error::Incomplete("next page"))?);
            upload_marker = answer.next_upload_id_marker;
        }
        for (key, id) in &old {
            self.abort(key, id).await?;
        }
        Ok(old.len())
    }
}

/// A body to its end, which must lie where it was announced.
async fn collect(mut body: ByteStream, expected: Option<u64>) -> Result<Vec<u8>, S3Error> {
    let room = expected.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0);
    let mut bytes = Vec::with_capacity(room);
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(&piece.map_err(|error| S3Error::NoAnswer(Box::new(error)))?);
        if expected.is_some_and(|expected| bytes.len() as u64 > expected) {
            break;
        }
    }
    match expected {
        Some(expected) if expected != bytes.len() as u64 => {
            Err(S3Error::Short { expected, found: bytes.len() as u64 })
        }
        _ => Ok(bytes),
    }
}

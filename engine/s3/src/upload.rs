//! Writing an object: one request if it is small, else parts that go up in parallel.
//!
//! 1. A part is sent only when there is more behind it; so an object of one part is one request, and the last part is
//!    never empty.
//! 2. At most `parallel` parts are under way, and one is filled; a write waits for room.
//! 3. An upload that is not completed is ended when its writer goes, as far as the server can be reached.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use tidewire_snapshot::{ObjectWriter, StoreError};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::S3Store;
use crate::error::S3Error;
use crate::requests::{Bucket, MARK};
use crate::retry::unique;

/// A server takes 10,000 parts. The size of a part doubles after each of these, which with the smallest first part
/// makes room for 4.8 TiB, and with the usual one for 5 TiB, the most that a server takes.
const PARTS_OF_A_SIZE: usize = 1000;
const PARTS_MAX: usize = 10_000;
const PART_BYTES_MAX: usize = 5 << 30;

/// The server puts the parts together before it answers, which takes longer than a part.
const PATIENCE_TO_COMPLETE: u32 = 4;

/// The bytes of the next part, after so many.
fn part_bytes(first: usize, sent: usize) -> usize {
    (first << (sent.min(PARTS_MAX - 1) / PARTS_OF_A_SIZE)).min(PART_BYTES_MAX)
}

pub(crate) struct Upload<'a> {
    store: &'a S3Store,
    name: String,
    mark: String,
    part: Vec<u8>,
    sent: u64,
    parts: Option<Parts>,
    is_spoilt: bool,
}

/// An upload in parts that the server knows of.
struct Parts {
    key: String,
    upload: String,
    begun: usize,
    under_way: JoinSet<Result<CompletedPart, S3Error>>,
    done: Vec<CompletedPart>,
}

impl<'a> Upload<'a> {
    pub(crate) fn new(store: &'a S3Store, name: &str) -> Upload<'a> {
        Upload {
            store,
            name: name.to_owned(),
            mark: unique(),
            part: Vec::new(),
            sent: 0,
            parts: None,
            is_spoilt: false,
        }
    }

    fn part_bytes(&self) -> usize {
        part_bytes(self.store.part_bytes, self.parts.as_ref().map_or(0, |parts| parts.begun))
    }

    async fn fill(&mut self, mut bytes: &[u8]) -> Result<(), S3Error> {
        while !bytes.is_empty() {
            let room = self.part_bytes() - self.part.len();
            if room == 0 {
                self.send_part().await?;
                continue;
            }
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.part.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    async fn send_part(&mut self) -> Result<(), S3Error> {
        let parts = match &mut self.parts {
            Some(parts) => parts,
            none => none.insert(begin(&self.store.bucket, &self.name, &self.mark).await?),
        };
        while parts.under_way.len() >= self.store.parallel {
            parts.join_one().await?;
        }
        let grown = part_bytes(self.store.part_bytes, parts.begun) / self.store.part_bytes;
        let bytes = Bytes::from(std::mem::take(&mut self.part));
        self.sent += bytes.len() as u64;
        parts.begun += 1;
        let patience = u32::try_from(grown).unwrap_or(u32::MAX);
        let (number, bucket) = (parts.begun as i32, self.store.bucket.clone());
        let (key, upload) = (parts.key.clone(), parts.upload.clone());
        let send = async move {
            let attempt = async |_| {
                let part = bucket.client.upload_part().bucket(&bucket.location.bucket).key(&key);
                let part = part.upload_id(&upload).part_number(number);
                let answer = part.body(ByteStream::from(bytes.clone())).send().await?;
                let etag = answer.e_tag.ok_or(S3Error::Incomplete("ETag"))?;
                Ok(CompletedPart::builder().part_number(number).e_tag(etag).build())
            };
            bucket.retry.patient(patience).run(attempt).await
        };
        parts.under_way.spawn_on(send, self.store.worker.handle());
        Ok(())
    }

    async fn complete(&mut self) -> Result<(), S3Error> {
        if self.parts.is_none() {
            let bytes = Bytes::from(std::mem::take(&mut self.part));
            return self.store.bucket.put(&self.name, bytes, &self.mark).await;
        }
        self.send_part().await?;
        let Some(parts) = &mut self.parts else { return Err(S3Error::Spoilt) };
        while !parts.under_way.is_empty() {
            parts.join_one().await?;
        }
        parts.done.sort_unstable_by_key(CompletedPart::part_number);
        let bucket = &self.store.bucket;
        let all = CompletedMultipartUpload::builder().set_parts(Some(parts.done.clone())).build();
        let (name, key, upload, mark) = (&self.name, &parts.key, &parts.upload, &self.mark);
        let attempt = async |lost| {
            let done = bucket.client.complete_multipart_upload().bucket(&bucket.location.bucket);
            let done = done.key(key).upload_id(upload).multipart_upload(all.clone());
            match done.send().await.map_err(S3Error::from) {
                Ok(_) => Ok(()),
                // There is no such upload any more: an earlier attempt completed it, and the answer was lost.
                Err(error) if lost && !error.is_transient() => {
                    let head = bucket.head_once(name).await?;
                    let is_ours = head.and_then(|head| head.mark).is_some_and(|it| it == *mark);
                    if is_ours { Ok(()) } else { Err(error) }
                }
                Err(error) => Err(error),
            }
        };
        bucket.retry.patient(PATIENCE_TO_COMPLETE).run(attempt).await?;
        // What the server has put together is no upload any more.
        let verified = bucket.verify(&self.name, self.sent, &self.mark).await;
        self.parts = None;
        verified
    }
}

async fn begin(bucket: &Bucket, name: &str, mark: &str) -> Result<Parts, S3Error> {
    let key = bucket.location.key(name);
    let attempt = async |_| {
        let create = bucket.client.create_multipart_upload().bucket(&bucket.location.bucket);
        let answer = create.key(&key).metadata(MARK, mark).send().await?;
        answer.upload_id.ok_or(S3Error::Incomplete("upload id"))
    };
    let upload = bucket.retry.run(attempt).await?;
    Ok(Parts { key, upload, begun: 0, under_way: JoinSet::new(), done: Vec::new() })
}

impl Parts {
    async fn join_one(&mut self) -> Result<(), S3Error> {
        if let Some(joined) = self.under_way.join_next().await {
            let part = joined.map_err(|error| S3Error::NoAnswer(Box::new(error)))??;
            self.done.push(part);
        }
        Ok(())
    }
}

impl ObjectWriter for Upload<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let store = self.store;
        if self.is_spoilt {
            return Err(store.error("can not write", &self.name, S3Error::Spoilt));
        }
        let filled = store.worker.wait(self.fill(bytes));
        self.is_spoilt = filled.is_err();
        filled.map_err(|error| store.error("can not write", &self.name, error))
    }

    fn finish(mut self: Box<Self>) -> Result<(), StoreError> {
        let store = self.store;
        if self.is_spoilt {
            return Err(store.error("can not write", &self.name, S3Error::Spoilt));
        }
        let completed = store.worker.wait(self.complete());
        completed.map_err(|error| store.error("can not write", &self.name, error))
    }
}

impl Drop for Upload<'_> {
    fn drop(&mut self) {
        let Some(mut parts) = self.parts.take() else { return };
        let bucket = &self.store.bucket;
        self.store.worker.wait(async {
            // First no part may be under way: one that the server is still taking when the upload ends would stay. To
            // let it arrive is surer than to break it off.
            let arrive = async { while parts.under_way.join_next().await.is_some() {} };
            let _ = timeout(bucket.retry.attempt_timeout(), arrive).await;
            parts.under_way.shutdown().await;
            // What can not be ended now is found by `abort_leftovers`, or by a rule of the bucket.
            let _ = bucket.abort(&parts.key, &parts.upload).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_grow_so_that_the_largest_object_fits() {
        assert_eq!(part_bytes(8 << 20, 0), 8 << 20);
        assert_eq!(part_bytes(8 << 20, 999), 8 << 20);
        assert_eq!(part_bytes(8 << 20, 1000), 16 << 20);
        for (first, least) in [(5 << 20, 48_usize), (8 << 20, 50), (1 << 30, 50)] {
            let all: usize = (0..PARTS_MAX).map(|sent| part_bytes(first, sent)).sum();
            assert!(all / (1 << 36) >= least * 16 / 10, "{first}: {all}");
            assert!((0..PARTS_MAX).all(|sent| part_bytes(first, sent) <= PART_BYTES_MAX));
        }
    }
}

//! An object as a file: its ranges come in parallel and are written where they belong.
//!
//! 1. All ranges are of one version: each demands the first answer's ETag, and its own answer is looked at again, for
//!    servers that ignore the demand.
//! 2. The file's blocks are there before the first byte, so that a map of it can not fail for want of room.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use tokio::task::JoinSet;

use crate::S3Store;
use crate::error::S3Error;

/// A copy of the object in a file without a name; `None` if there is no such object.
pub(crate) async fn fetch(
    store: &S3Store,
    name: &str,
    scratch: &Path,
) -> Result<Option<File>, S3Error> {
    let bucket = &store.bucket;
    let Some(head) = bucket.head(name).await? else {
        // A missing bucket looks the same here, and must not be taken for a missing object.
        return match bucket.get(name).await? {
            None => Ok(None),
            Some(_) => Err(S3Error::Changed),
        };
    };
    let etag = head.etag.ok_or(S3Error::Incomplete("ETag"))?;
    let file = tempfile::tempfile_in(scratch).map_err(S3Error::Copy)?;
    reserve(&file, head.bytes).map_err(S3Error::Copy)?;

    let mut ranges = ranges(head.bytes, store.part_bytes as u64);
    let mut under_way = JoinSet::new();
    let begin = |range: Range<u64>, under_way: &mut JoinSet<_>| {
        let (bucket, name, etag) = (bucket.clone(), name.to_owned(), etag.clone());
        let one = async move {
            let get = |_| bucket.get_range(&name, &range, head.bytes, &etag);
            let bytes = bucket.retry.run(get).await?;
            Ok::<_, S3Error>((range.start, bytes))
        };
        under_way.spawn_on(one, store.worker.handle());
    };
    ranges.by_ref().take(store.parallel).for_each(|range| begin(range, &mut under_way));
    while let Some(one) = under_way.join_next().await {
        let (at, bytes) = one.map_err(|error| S3Error::NoAnswer(Box::new(error)))??;
        file.write_all_at(&bytes, at).map_err(S3Error::Copy)?;
        if let Some(range) = ranges.next() {
            begin(range, &mut under_way);
        }
    }
    Ok(Some(file))
}

fn ranges(bytes: u64, part_bytes: u64) -> impl Iterator<Item = Range<u64>> {
    let starts = (0..bytes.div_ceil(part_bytes)).map(move |part| part * part_bytes);
    starts.map(move |start| start..bytes.min(start + part_bytes))
}

/// Takes the room for a file now.
fn reserve(file: &File, bytes: u64) -> io::Result<()> {
    if bytes == 0 {
        return Ok(());
    }
    match fallocate(file, FallocateFlags::empty(), 0, bytes) {
        // The file system can not; the writes that follow take it.
        Err(Errno::OPNOTSUPP) => file.set_len(bytes),
        done => Ok(done?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_an_object_once() {
        let all = |bytes| ranges(bytes, 10).collect::<Vec<_>>();
        assert_eq!(all(0), []);
        assert_eq!(all(1), vec![0..1; 1]);
        assert_eq!(all(10), vec![0..10; 1]);
        assert_eq!(all(25), [0..10, 10..20, 20..25]);
    }

    #[test]
    fn room_is_taken_at_once() {
        let file = tempfile::tempfile().unwrap();
        reserve(&file, 100_000).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 100_000);
    }
}

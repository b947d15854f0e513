//! The input below the format: a file or a reader, unwrapped from gzip and zstd by their magic numbers.
//!
//! 1. Bytes are counted where they come in, before they are unwrapped: that is what progress is measured in.
//! 2. Wrappings may be nested, to a bound.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::CaptureError;
use crate::journal;

/// The most wrappings around a content.
pub const WRAPPINGS_MAX: usize = 4;
const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
const UNWRAP_BUFFER_BYTES: usize = 256 << 10;

pub(super) type Bytes = Box<dyn Read + Send>;

/// Counts what is read through it.
struct Counted<R> {
    inner: R,
    bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Opens the file at `path`, and says its length in bytes where it has one: a pipe does not.
pub(super) fn open(path: &Path) -> Result<(File, Option<u64>), CaptureError> {
    let failed = |source| CaptureError::Open { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(CaptureError::Directory { path: path.to_owned() });
    }
    Ok((file, metadata.is_file().then_some(metadata.len())))
}

/// The segments of a journal, one behind the other.
pub(super) struct Segments {
    /// The next one last.
    left: Vec<PathBuf>,
    open: Option<File>,
}

impl Read for Segments {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(file) = &mut self.open {
                let read = file.read(into)?;
                if read > 0 || into.is_empty() {
                    return Ok(read);
                }
            }
            let Some(path) = self.left.pop() else { return Ok(0) };
            self.open = Some(File::open(path)?);
        }
    }
}

/// The journal in the folder at `path`, and its bytes, if there is one.
pub(super) fn journal(path: &Path) -> Result<Option<(Segments, u64)>, CaptureError> {
    if !path.is_dir() {
        return Ok(None);
    }
    let segments = journal::segments(path).map_err(|error| read_failed(io::Error::other(error)))?;
    if segments.is_empty() {
        return Err(CaptureError::Directory { path: path.to_owned() });
    }
    let left: Vec<_> = segments.into_iter().rev().map(|(_, path)| path).collect();
    let bytes = left.iter().filter_map(|path| path.metadata().ok()).map(|it| it.len()).sum();
    Ok(Some((Segments { left, open: None }, bytes)))
}

/// `reader` without its wrappings, and the count of the bytes read from it.
pub(super) fn unwrap(
    reader: impl Read + Send + 'static,
) -> Result<(Bytes, Arc<AtomicU64>), CaptureError> {
    let count = Arc::new(AtomicU64::new(0));
    let mut bytes: Bytes = Box::new(Counted { inner: reader, bytes: Arc::clone(&count) });
    for _ in 0..=WRAPPINGS_MAX {
        let mut head = Vec::with_capacity(ZSTD_MAGIC.len());
        bytes.by_ref().take(ZSTD_MAGIC.len() as u64).read_to_end(&mut head).map_err(read_failed)?;
        let gzip = head.starts_with(&GZIP_MAGIC);
        let zstd = head.starts_with(&ZSTD_MAGIC);
        let whole = Cursor::new(head).chain(bytes);
        if !gzip && !zstd {
            return Ok((Box::new(whole), count));
        }
        let buffered = BufReader::with_capacity(UNWRAP_BUFFER_BYTES, whole);
        bytes = if gzip {
            Box::new(MultiGzDecoder::new(buffered))
        } else {
            Box::new(zstd::stream::read::Decoder::with_buffer(buffered).map_err(read_failed)?)
        };
    }
    Err(CaptureError::Wrappings)
}

pub(super) fn read_failed(source: io::Error) -> CaptureError {
    CaptureError::Read { source }
}

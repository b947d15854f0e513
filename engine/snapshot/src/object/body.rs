//! Reading an object.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::num::NonZero;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::format::{CHUNK_BYTES, Chunk, FOOTER_BYTES, Footer, Layout};
use super::{Compression, Object, ObjectError, Part};
use crate::Store;

/// An object of which every byte has been checked.
#[derive(Debug)]
pub struct Body {
    object: Object,
    file: File,
    layout: Layout,
    /// The chunk that was decompressed last, with its number: neighbouring reads are the rule.
    unpacked: Mutex<Option<(usize, Vec<u8>)>>,
}

impl Body {
    /// Fetches an object and checks all of it against `object`, on as many threads as there are cores.
    ///
    /// # Errors
    /// See [`ObjectError`]. Of several damaged chunks the first is named.
    pub fn open(store: &dyn Store, object: &Object, scratch: &Path) -> Result<Self, ObjectError> {
        let name = || object.name.clone();
        let Some(file) = store.fetch(&object.name, scratch)? else {
            return Err(ObjectError::Missing { name: name() });
        };
        let read = |source| ObjectError::Read { name: name(), source };
        let found = file.metadata().map_err(read)?.len();
        if found < object.bytes {
            return Err(ObjectError::Short { name: name(), expected: object.bytes, found });
        }
        if found > object.bytes {
            return Err(ObjectError::Altered { name: name(), what: Part::Size });
        }
        let Some(footer_at) = found.checked_sub(FOOTER_BYTES as u64) else {
            return Err(ObjectError::NotAnObject { name: name() });
        };
        let mut footer = [0; FOOTER_BYTES];
        file.read_exact_at(&mut footer, footer_at).map_err(read)?;
        let flawed = |flaw| ObjectError::of_flaw(&object.name, flaw);
        let (footer, table_bytes) = Footer::parse(&footer, found).map_err(flawed)?;
        let mut table = vec![0; table_bytes];
        file.read_exact_at(&mut table, footer_at - table_bytes as u64).map_err(read)?;
        let layout = footer.layout(&table, found).map_err(flawed)?;
        if layout.crc32c != object.crc32c {
            let (expected, found) = (object.crc32c, layout.crc32c);
            return Err(ObjectError::Other { name: name(), expected, found });
        }
        if layout.raw_bytes != object.raw_bytes {
            return Err(ObjectError::Altered { name: name(), what: Part::Size });
        }
        let body = Self { object: object.clone(), file, layout, unpacked: Mutex::new(None) };
        body.verify()?;
        Ok(body)
    }

    /// The object that it is the body of.
    #[must_use]
    pub fn object(&self) -> &Object {
        &self.object
    }

    /// Its size before compression.
    #[must_use]
    pub fn raw_bytes(&self) -> u64 {
        self.layout.raw_bytes
    }

    /// The file, of which the first [`raw_bytes`](Self::raw_bytes) are the body; `None` if it is compressed.
    #[must_use]
    pub fn mappable(&self) -> Option<&File> {
        (self.layout.compression == Compression::None).then_some(&self.file)
    }

    /// Fills `out` from the body's byte `offset` on.
    ///
    /// # Errors
    /// The body does not have so many bytes, or the file has changed, or can not be read.
    pub fn read_at(&self, offset: u64, mut out: &mut [u8]) -> Result<(), ObjectError> {
        let bytes = out.len();
        let raw_bytes = self.layout.raw_bytes;
        if offset.checked_add(bytes as u64).is_none_or(|end| end > raw_bytes) {
            let name = self.object.name.clone();
            return Err(ObjectError::OutOfBounds { name, offset, bytes, raw_bytes });
        }
        if self.mappable().is_some() {
            return self.file.read_exact_at(out, offset).map_err(|error| self.read_error(error));
        }
        let mut at = offset;
        while !out.is_empty() {
            // Less than the number of chunks, as `at` is less than `raw_bytes`.
            let number = (at / CHUNK_BYTES as u64) as usize;
            let skipped = (at % CHUNK_BYTES as u64) as usize;
            let mut unpacked = self.unpacked.lock().unwrap_or_else(PoisonError::into_inner);
            let chunk = match unpacked.take() {
                Some((of, chunk)) if of == number => chunk,
                _ => self.chunk(number)?,
            };
            let rest = chunk.get(skipped..).unwrap_or_default();
            let (head, tail) = out.split_at_mut(rest.len().min(out.len()));
            head.copy_from_slice(&rest[..head.len()]);
            at += head.len() as u64;
            out = tail;
            *unpacked = Some((number, chunk));
        }
        Ok(())
    }

    /// The body in pieces of [`CHUNK_BYTES`], the last may be shorter.
    pub fn chunks(&self) -> impl Iterator<Item = Result<Vec<u8>, ObjectError>> + '_ {
        (0..self.layout.chunks.len()).map(|number| self.chunk(number))
    }

    fn altered(&self, number: usize) -> ObjectError {
        ObjectError::Altered { name: self.object.name.clone(), what: Part::Chunk(number) }
    }

    /// A chunk, decompressed, with all the bytes that the table says.
    fn chunk(&self, number: usize) -> Result<Vec<u8>, ObjectError> {
        let Some(chunk) = self.layout.chunks.get(number) else { return Err(self.altered(number)) };
        let mut stored = Vec::new();
        self.stored(chunk, &mut stored)?;
        if chunk.stored_bytes == chunk.raw_bytes {
            return Ok(stored);
        }
        let mut raw = vec![0; chunk.raw_bytes];
        let unpacked = match self.layout.compression {
            Compression::None => None,
            Compression::Lz4 => lz4_flex::block::decompress_into(&stored, &mut raw).ok(),
            Compression::Zstd => zstd::bulk::decompress_to_buffer(&stored, &mut raw[..]).ok(),
        };
        if unpacked == Some(chunk.raw_bytes) { Ok(raw) } else { Err(self.altered(number)) }
    }

    /// Reads a chunk as it is stored.
    fn stored(&self, chunk: &Chunk, stored: &mut Vec<u8>) -> Result<(), ObjectError> {
        stored.resize(chunk.stored_bytes, 0);
        self.file.read_exact_at(stored, chunk.offset).map_err(|error| self.read_error(error))
    }

    fn read_error(&self, source: io::Error) -> ObjectError {
        let name = self.object.name.clone();
        if source.kind() == ErrorKind::UnexpectedEof {
            // It was cut after its size was checked.
            let found = self.file.metadata().map_or(0, |metadata| metadata.len());
            return ObjectError::Short { name, expected: self.object.bytes, found };
        }
        ObjectError::Read { name, source }
    }

    /// Compares every chunk with its checksum. Chunks are taken in order, so that the first damaged one is found.
    fn verify(&self) -> Result<(), ObjectError> {
        let next = AtomicUsize::new(0);
        let work = || self.verify_some(&next);
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let helpers = cores.min(self.layout.chunks.len()).saturating_sub(1);
        let found = thread::scope(|scope| {
            let helper = |_| thread::Builder::new().spawn_scoped(scope, work).ok();
            // Where no thread can be had there are fewer.
            let helpers: Vec<_> = (0..helpers).map_while(helper).collect();
            let mut found = vec![work()];
            let outcomes = helpers.into_iter().map(|helper| match helper.join() {
                Ok(outcome) => outcome,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            found.extend(outcomes);
            found
        });
        let first = found.into_iter().flatten().min_by_key(|(number, _)| *number);
        first.map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Checks chunks as long as there are any, or to the first damaged one.
    fn verify_some(&self, next: &AtomicUsize) -> Option<(usize, ObjectError)> {
        let mut stored = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let chunk = self.layout.chunks.get(number)?;
            let error = match self.stored(chunk, &mut stored) {
                Ok(()) if crate::crc32c(&stored) == chunk.crc32c => continue,
                Ok(()) => self.altered(number),
                Err(error) => error,
            };
            // The others stop at the chunk that they have.
            next.store(self.layout.chunks.len(), Ordering::Relaxed);
            return Some((number, error));
        }
    }
}

//! Writing an object.

use super::format::{self, CHUNK_BYTES, CHUNKS_MAX, Entry};
use super::{Compression, Object};
use crate::{ObjectWriter, Store, StoreError};

/// Speed before size: a log is written once for each epoch, and seldom read.
const ZSTD_LEVEL: i32 = 1;

/// Writes a body into a store, chunk by chunk. The object appears when it is finished; dropped before that it leaves
/// nothing.
pub struct BodyWriter<'a> {
    location: String,
    name: String,
    writer: Box<dyn ObjectWriter + 'a>,
    compression: Compression,
    /// Made at the first chunk that needs it.
    zstd: Option<zstd::bulk::Compressor<'static>>,
    /// What is not yet a whole chunk.
    chunk: Vec<u8>,
    packed: Vec<u8>,
    table: Vec<Entry>,
    raw_bytes: u64,
    stored_bytes: u64,
}

/// A body has more chunks than an object may have.
#[derive(Debug, thiserror::Error)]
#[error("the body is larger than {CHUNKS_MAX} chunks")]
pub struct BodyTooLarge;

impl<'a> BodyWriter<'a> {
    /// Begins the object `name`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn create(
        store: &'a dyn Store,
        name: &str,
        compression: Compression,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            location: store.location(),
            name: name.to_owned(),
            writer: store.create(name)?,
            compression,
            zstd: None,
            chunk: Vec::new(),
            packed: Vec::new(),
            table: Vec::new(),
            raw_bytes: 0,
            stored_bytes: 0,
        })
    }

    /// Appends to the body.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), StoreError> {
        self.raw_bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            if let (true, Some((whole, rest))) =
                (self.chunk.is_empty(), bytes.split_at_checked(CHUNK_BYTES))
            {
                self.put(whole)?;
                bytes = rest;
                continue;
            }
            let (more, rest) = bytes.split_at(bytes.len().min(CHUNK_BYTES - self.chunk.len()));
            self.chunk.extend_from_slice(more);
            bytes = rest;
            if self.chunk.len() == CHUNK_BYTES {
                self.put_gathered()?;
            }
        }
        Ok(())
    }

    /// Bytes of the body so far, before compression.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.raw_bytes
    }

    /// Makes the object durable and visible.
    ///
    /// # Errors
    /// See [`StoreError`]. After an error the object may be there or not.
    pub fn finish(mut self) -> Result<Object, StoreError> {
        if !self.chunk.is_empty() {
            self.put_gathered()?;
        }
        let (end, crc32c) = format::end(&self.table, self.compression, self.raw_bytes);
        self.writer.write(&end)?;
        self.writer.finish()?;
        let bytes = self.stored_bytes + end.len() as u64;
        Ok(Object { name: self.name, bytes, raw_bytes: self.raw_bytes, crc32c })
    }

    fn put_gathered(&mut self) -> Result<(), StoreError> {
        let mut chunk = std::mem::take(&mut self.chunk);
        self.put(&chunk)?;
        chunk.clear();
        self.chunk = chunk;
        Ok(())
    }

    fn put(&mut self, chunk: &[u8]) -> Result<(), StoreError> {
        if self.table.len() == CHUNKS_MAX {
            let (location, name) = (self.location.clone(), self.name.clone());
            let source = Box::new(BodyTooLarge);
            return Err(StoreError { location, action: "can not write", name, source });
        }
        let stored = match self.pack(chunk) {
            Some(bytes) => &self.packed[..bytes],
            None => chunk,
        };
        self.table.push(Entry {
            stored_bytes: (stored.len() as u32).into(),
            raw_bytes: (chunk.len() as u32).into(),
            crc32c: crate::crc32c(stored).into(),
        });
        self.stored_bytes += stored.len() as u64;
        self.writer.write(stored)
    }

    /// Compresses a chunk; `None` if it is better stored as it is.
    fn pack(&mut self, chunk: &[u8]) -> Option<usize> {
        let bytes = match self.compression {
            Compression::None => return None,
            Compression::Lz4 => {
                self.packed.resize(lz4_flex::block::get_maximum_output_size(CHUNK_BYTES), 0);
                lz4_flex::block::compress_into(chunk, &mut self.packed).ok()?
            }
            Compression::Zstd => {
                self.packed.resize(zstd::zstd_safe::compress_bound(CHUNK_BYTES), 0);
                if self.zstd.is_none() {
                    self.zstd = zstd::bulk::Compressor::new(ZSTD_LEVEL).ok();
                }
                self.zstd.as_mut()?.compress_to_buffer(chunk, &mut self.packed[..]).ok()?
            }
        };
        (bytes < chunk.len()).then_some(bytes)
    }
}

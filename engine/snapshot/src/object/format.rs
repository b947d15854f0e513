//! The layout of an object's end, version 1. Numbers are little-endian.

use std::mem::size_of;

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::Compression;

/// Bytes of a chunk's body. All but the last have so many.
pub const CHUNK_BYTES: usize = 1 << 20;
/// The version that is written and read.
pub(super) const VERSION: u32 = 1;
/// Chunks of an object: 4 TiB.
pub(super) const CHUNKS_MAX: usize = 1 << 22;
pub(super) const FOOTER_BYTES: usize = size_of::<Footer>();
const MAGIC: [u8; 8] = *b"TIDEWIRE";

const _: () = assert!(size_of::<Entry>() == 12);
const _: () = assert!(FOOTER_BYTES == 32);
const _: () = assert!(CHUNK_BYTES <= u32::MAX as usize);
const _: () = assert!(CHUNKS_MAX <= u32::MAX as usize);

/// A chunk, in the table.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Entry {
    pub(super) stored_bytes: U32,
    pub(super) raw_bytes: U32,
    /// Of the stored bytes.
    pub(super) crc32c: U32,
}

/// The last bytes of an object.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Footer {
    magic: [u8; 8],
    version: U32,
    compression: U32,
    raw_bytes: U64,
    chunks: U32,
    /// Of the table and of the footer up to here.
    crc32c: U32,
}

/// Where a chunk lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) offset: u64,
    pub(super) stored_bytes: usize,
    pub(super) raw_bytes: usize,
    pub(super) crc32c: u32,
}

/// What the end of an object says.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) compression: Compression,
    pub(super) raw_bytes: u64,
    pub(super) crc32c: u32,
    pub(super) chunks: Vec<Chunk>,
}

/// Why bytes are no end of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    NotAnObject,
    OtherVersion(u32),
    Footer,
    Table,
}

/// The table and the footer behind these chunks, and the checksum in it.
pub(super) fn end(table: &[Entry], compression: Compression, raw_bytes: u64) -> (Vec<u8>, u32) {
    let mut footer = Footer {
        magic: MAGIC,
        version: VERSION.into(),
        compression: compression.code().into(),
        raw_bytes: raw_bytes.into(),
        chunks: (table.len() as u32).into(),
        crc32c: 0.into(),
    };
    let mut bytes = [table.as_bytes(), footer.as_bytes()].concat();
    bytes.truncate(bytes.len() - size_of::<U32>());
    footer.crc32c = crate::crc32c(&bytes).into();
    bytes.extend(footer.crc32c.as_bytes());
    (bytes, footer.crc32c.get())
}

impl Footer {
    /// The footer of an object of `object_bytes`, and how many bytes its table has. The table fits into the object.
    pub(super) fn parse(
        bytes: &[u8; FOOTER_BYTES],
        object_bytes: u64,
    ) -> Result<(Self, usize), Flaw> {
        let footer = Self::read_from_bytes(bytes).map_err(|_| Flaw::Footer)?;
        if footer.magic != MAGIC {
            return Err(Flaw::NotAnObject);
        }
        if footer.version.get() != VERSION {
            return Err(Flaw::OtherVersion(footer.version.get()));
        }
        let chunks = footer.chunks.get() as usize;
        let table_bytes = chunks.saturating_mul(size_of::<Entry>());
        let behind_body = (table_bytes as u64).saturating_add(FOOTER_BYTES as u64);
        if chunks > CHUNKS_MAX || behind_body > object_bytes {
            return Err(Flaw::Footer);
        }
        Ok((footer, table_bytes))
    }

    /// The whole layout of an object of `object_bytes`, from its table.
    pub(super) fn layout(&self, table: &[u8], object_bytes: u64) -> Result<Layout, Flaw> {
        let own = self.as_bytes();
        let checked = [table, &own[..own.len() - size_of::<U32>()]].concat();
        if crate::crc32c(&checked) != self.crc32c.get() {
            return Err(Flaw::Footer);
        }
        let mut all = Compression::ALL.into_iter();
        let compression = all.find(|it| it.code() == self.compression.get()).ok_or(Flaw::Footer)?;
        let entries = <[Entry]>::ref_from_bytes(table).map_err(|_| Flaw::Table)?;
        let mut chunks = Vec::with_capacity(entries.len());
        let (mut offset, mut raw_bytes) = (0, 0);
        for (at, entry) in entries.iter().enumerate() {
            let chunk = Chunk {
                offset,
                stored_bytes: entry.stored_bytes.get() as usize,
                raw_bytes: entry.raw_bytes.get() as usize,
                crc32c: entry.crc32c.get(),
            };
            let is_last = at + 1 == entries.len();
            let is_sized = chunk.raw_bytes == CHUNK_BYTES
                || is_last && (1..CHUNK_BYTES).contains(&chunk.raw_bytes);
            let is_stored = chunk.stored_bytes == chunk.raw_bytes
                || compression != Compression::None
                    && (1..chunk.raw_bytes).contains(&chunk.stored_bytes);
            if !is_sized || !is_stored {
                return Err(Flaw::Table);
            }
            // At most 2^22 chunks of 2^20 bytes.
            offset += chunk.stored_bytes as u64;
            raw_bytes += chunk.raw_bytes as u64;
            chunks.push(chunk);
        }
        let is_whole = offset + (table.len() + FOOTER_BYTES) as u64 == object_bytes;
        if raw_bytes != self.raw_bytes.get() || !is_whole {
            return Err(Flaw::Table);
        }
        Ok(Layout { compression, raw_bytes, crc32c: self.crc32c.get(), chunks })
    }
}

//! Durable snapshots: where their objects lie, what they look like, and which of them is real.
//!
//! The modules follow a snapshot: barriers align ([`barrier`]), state is written as an [`object`] into a store
//! ([`Store`]), a [`manifest`] makes it real, a [`catalog`] finds the newest that is good, [`retention`] collects
//! what nobody needs any more.
#![forbid(unsafe_code)]

pub mod barrier;
mod store;
#[doc(hidden)]
pub mod conformance;
pub mod object;
pub mod base;
pub mod manifest;
pub mod catalog;
pub mod retention;
#[cfg(test)]
mod testing;

pub use barrier::{Alignment, Arrived};
pub use catalog::{CatalogError, Fault, Found, Good, Skipped};
pub use manifest::{
    Difference, Job, Kind, LAYOUT_VERSION, Layout, Manifest, ManifestError, PartitionPosition,
    PartitionPositions, Refusal, ShardState, SourcePosition,
};
pub use object::{Body, BodyWriter, CHUNK_BYTES, Compression, Object, ObjectError, ObjectName};
pub use retention::{Keep, Plan, Pruned};
pub use store::{
    DirStore, MemoryStore, NameError, ObjectWriter, Published, Store, StoreError, Stored,
};

/// The CRC32C (Castagnoli; RFC 3720, B.4) of `bytes`.
#[must_use]
#[inline]
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_checksum_is_crc32c() {
        assert_eq!(super::crc32c(b"123456789"), 0xE306_9283);
        assert_eq!(super::crc32c(b""), 0);
    }
}

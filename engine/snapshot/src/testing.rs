//! Small snapshots for the tests of this crate.

use crate::manifest::MANIFEST_VERSION;
use crate::{
    BodyWriter, Compression, Job, Kind, LAYOUT_VERSION, Layout, Manifest, Object, ObjectName,
    ShardState, Store, StoreError,
};

pub(crate) fn object(store: &dyn Store, name: ObjectName) -> Result<Object, StoreError> {
    let mut writer = BodyWriter::create(store, &name.to_string(), Compression::None)?;
    writer.write(name.to_string().as_bytes())?;
    writer.finish()
}

/// A manifest over one shard with these objects.
pub(crate) fn manifest(
    (generation, epoch): (u64, u64),
    kind: Kind,
    base: Option<Object>,
    logs: Vec<Object>,
) -> Manifest {
    Manifest {
        version: MANIFEST_VERSION,
        epoch,
        generation,
        kind,
        created_ns: 0,
        job: Job { fingerprint: "job".to_owned(), description: [].into() },
        layout: Layout { version: LAYOUT_VERSION, records: "none".to_owned(), key_groups: 1 },
        watermark: 0,
        sources: Vec::new(),
        shards: vec![ShardState { first_hash: 0, last_hash: u64::MAX, base, logs }],
        sink: None,
        given_up: 0,
    }
}

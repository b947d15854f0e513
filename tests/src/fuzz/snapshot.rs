//! Bytes read as objects and as manifests of snapshots.
#![allow(clippy::expect_used, reason = "a store in memory, and a temporary folder")]

use tidewire_snapshot::{
    Body, BodyWriter, Compression, Job, Kind, LAYOUT_VERSION, Layout, Manifest, ManifestError,
    MemoryStore, Object, ShardState, SourcePosition, Store, crc32c,
};

const NAME: &str = "base/any";
const FOOTER_BYTES: usize = 32;
const ENTRY_BYTES: usize = 12;
/// Chunks of a body that are decompressed.
const CHUNKS_READ: usize = 3;

/// A whole object: as it is, and with its checksums made right, so that what they protect is reached.
pub fn snapshot_object(bytes: &[u8]) {
    open(bytes);
    let mut repaired = bytes.to_vec();
    repair(&mut repaired);
    open(&repaired);
}

fn number(bytes: &[u8], at: usize) -> usize {
    let bytes = bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, u32::from_le_bytes) as usize
}

/// Makes the checksums right, as far as the table lies within the bytes.
fn repair(bytes: &mut [u8]) {
    let Some(footer_at) = bytes.len().checked_sub(FOOTER_BYTES) else { return };
    let table_bytes = number(bytes, footer_at + 24).saturating_mul(ENTRY_BYTES);
    let Some(table_at) = footer_at.checked_sub(table_bytes) else { return };
    let mut chunk_at = 0;
    for entry_at in (table_at..footer_at).step_by(ENTRY_BYTES) {
        let end = chunk_at + number(bytes, entry_at);
        let Some(chunk) = bytes.get(chunk_at..end.min(table_at)) else { break };
        let checksum = crc32c(chunk).to_le_bytes();
        bytes[entry_at + 8..entry_at + 12].copy_from_slice(&checksum);
        chunk_at = end;
    }
    let (checked, checksum) = bytes[table_at..].split_at_mut(table_bytes + FOOTER_BYTES - 4);
    checksum.copy_from_slice(&crc32c(checked).to_le_bytes());
}

/// Opens the bytes as the object that their footer says they are. What opens is read the same in pieces as whole.
fn open(bytes: &[u8]) {
    let footer = bytes.len().saturating_sub(FOOTER_BYTES);
    let raw_bytes = number(bytes, footer + 16) as u64 | (number(bytes, footer + 20) as u64) << 32;
    let crc32c = number(bytes, footer + 28) as u32;
    let object = Object { name: NAME.to_owned(), bytes: bytes.len() as u64, raw_bytes, crc32c };
    let store = MemoryStore::new();
    store.overwrite(NAME, bytes.to_vec());
    let body = match Body::open(&store, &object, &std::env::temp_dir()) {
        Ok(body) => body,
        Err(error) => return assert_eq!(error.name(), NAME),
    };
    assert_eq!(body.raw_bytes(), raw_bytes);
    assert!(body.read_at(raw_bytes, &mut [0]).is_err());
    assert!(body.read_at(u64::MAX, &mut [0, 0]).is_err());
    body.read_at(raw_bytes, &mut []).expect("nothing is asked for");
    let mut at = 0;
    for chunk in body.chunks().take(CHUNKS_READ) {
        let Ok(chunk) = chunk else {
            let unread = body.read_at(at, &mut [0]);
            assert!(unread.is_err(), "a chunk can not be read, and a part of it can");
            return;
        };
        let mut piece = vec![0; chunk.len().min(1_000)];
        let from = chunk.len() - piece.len();
        body.read_at(at + from as u64, &mut piece).expect("the chunk was read");
        assert_eq!(piece, chunk[from..]);
        at += chunk.len() as u64;
    }
    assert!(at <= raw_bytes);
}

/// A manifest: as it is, and with the checksum that it should have.
pub fn snapshot_manifest(bytes: &[u8]) {
    let name = Manifest::name(7);
    if let Err(ManifestError::Altered { expected, found, .. }) = check(&name, bytes) {
        let text = String::from_utf8_lossy(bytes);
        let repaired = text.replace(&format!("{expected:08x}"), &format!("{found:08x}"));
        let _ = check(&name, repaired.as_bytes());
    }
}

/// What is a manifest is written as one that reads the same.
fn check(name: &str, bytes: &[u8]) -> Result<(), ManifestError> {
    let manifest = Manifest::parse(name, bytes)?;
    let written = manifest.to_bytes();
    assert_eq!(Manifest::parse(name, &written).expect("it was just written"), manifest);
    Ok(())
}

/// An object of each compression, over bytes of which only some compress.
pub(super) fn objects() -> Vec<Vec<u8>> {
    let body: Vec<u8> =
        (0..600_u32).map(|n| if n < 300 { 7 } else { ((n * n) >> 3) as u8 }).collect();
    let object = |(compression, body): (Compression, &[u8])| {
        let store = MemoryStore::new();
        let mut writer = BodyWriter::create(&store, NAME, compression).expect("memory takes it");
        writer.write(body).expect("memory takes it");
        writer.finish().expect("memory takes it");
        store.read(NAME).expect("memory has it").expect("it was written")
    };
    let all = Compression::ALL.map(|compression| (compression, &body[..]));
    let two_chunks = [7; 1_100_000];
    let long = [Compression::Lz4, Compression::Zstd].map(|it| (it, &two_chunks[..]));
    all.into_iter().chain(long).chain([(Compression::None, &[][..])]).map(object).collect()
}

pub(super) fn manifest() -> Vec<u8> {
    let object = |name: &str| Object { name: name.to_owned(), bytes: 9, raw_bytes: 10, crc32c: 11 };
    let manifest = Manifest {
        version: 1,
        epoch: 7,
        generation: 2,
        kind: Kind::Checkpoint,
        created_ns: 1_703_462_400_000_000_000,
        job: Job { fingerprint: "1f".to_owned(), description: [("a".into(), "b".into())].into() },
        layout: Layout { version: LAYOUT_VERSION, records: "bytes".to_owned(), key_groups: 128 },
        watermark: 5,
        sources: vec![SourcePosition::new(3, 6)],
        shards: vec![ShardState {
            first_hash: 0,
            last_hash: u64::MAX,
            base: Some(object("base/a")),
            logs: vec![object("log/a"), object("log/b")],
        }],
        sink: None,
        given_up: 0,
    };
    manifest.to_bytes()
}

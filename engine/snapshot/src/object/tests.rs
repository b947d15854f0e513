use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::{DirStore, MemoryStore, Store};

const NAME: &str = "base/a";

fn write(store: &dyn Store, compression: Compression, body: &[u8]) -> Object {
    let mut writer = BodyWriter::create(store, NAME, compression).unwrap();
    for piece in body.chunks(300_001) {
        writer.write(piece).unwrap();
    }
    assert_eq!(writer.position(), body.len() as u64);
    writer.finish().unwrap()
}

fn open(store: &dyn Store, object: &Object, scratch: &Path) -> Result<Body, ObjectError> {
    Body::open(store, object, scratch)
}

/// Half of it compresses, half does not.
fn body(bytes: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let noise = |at: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if (at / CHUNK_BYTES).is_multiple_of(2) { (state >> 60) as u8 } else { (state >> 56) as u8 }
    };
    (0..bytes).map(noise).collect()
}

#[test]
fn a_body_is_read_as_it_was_written() {
    let scratch = tempfile::tempdir().unwrap();
    let sizes = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 5];
    for (compression, bytes) in Compression::ALL.into_iter().flat_map(|c| sizes.map(|n| (c, n))) {
        let store = DirStore::open(scratch.path()).unwrap();
        let raw = body(bytes);
        let object = write(&store, compression, &raw);
        assert_eq!(object.bytes, store.list(NAME).unwrap()[0].bytes);
        let found = open(&store, &object, scratch.path()).unwrap();
        assert_eq!(found.raw_bytes(), bytes as u64);
        assert_eq!(found.mappable().is_some(), compression == Compression::None);
        let chunks: Vec<_> = found.chunks().map(Result::unwrap).collect();
        assert!(chunks.concat() == raw);
        let mut all = vec![0; bytes];
        found.read_at(0, &mut all).unwrap();
        assert!(all == raw, "{compression} {bytes}");
        found.read_at(bytes as u64, &mut []).unwrap();
        let past = found.read_at(bytes as u64, &mut [0]);
        assert!(matches!(past, Err(ObjectError::OutOfBounds { .. })));
        assert!(found.read_at(u64::MAX, &mut [0]).is_err());
    }
}

#[test]
fn an_uncompressed_body_lies_at_the_start_of_its_file() {
    let store = MemoryStore::new();
    let raw = body(CHUNK_BYTES + 3);
    write(&store, Compression::None, &raw);
    assert!(store.read(NAME).unwrap().unwrap().starts_with(&raw));
}

#[test]
fn the_format_is_what_version_1_was() {
    let store = MemoryStore::new();
    let object = write(&store, Compression::None, b"tide");
    let bytes = store.read(NAME).unwrap().unwrap();
    let crc = crate::crc32c(b"tide").to_le_bytes();
    let table = [&4_u32.to_le_bytes()[..], &4_u32.to_le_bytes(), &crc].concat();
    let head =
        [b"TIDEWIRE", &[1, 0, 0, 0, 0, 0, 0, 0][..], &[4, 0, 0, 0, 0, 0, 0, 0], &[1, 0, 0, 0]];
    let checked = [table, head.concat()].concat();
    let end = crate::crc32c(&checked).to_le_bytes();
    assert_eq!(bytes, [b"tide", &checked[..], &end].concat());
    assert_eq!(object.crc32c.to_le_bytes(), end);
    assert_eq!((object.bytes, object.raw_bytes), (48, 4));
}

#[test]
fn chunks_that_do_not_compress_are_stored_as_they_are() {
    let store = MemoryStore::new();
    let (mut state, mut noise) = (1_u64, Vec::new());
    for _ in 0..CHUNK_BYTES / 8 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        noise.extend(
            (state ^ state.rotate_left(29)).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes(),
        );
    }
    for compression in [Compression::Lz4, Compression::Zstd] {
        let packed = write(&store, compression, &noise);
        assert!(packed.bytes < packed.raw_bytes + 100, "{compression}: {}", packed.bytes);
        assert!(write(&store, compression, &[7; CHUNK_BYTES]).bytes < 10_000);
    }
}

/// What is said of an object in which one byte was changed, by where that byte lies.
#[test]
fn damage_is_named() {
    let scratch = tempfile::tempdir().unwrap();
    let store = MemoryStore::new();
    let object = write(&store, Compression::None, &body(2 * CHUNK_BYTES + 10));
    let good = store.read(NAME).unwrap().unwrap();
    let opened = |bytes: Vec<u8>| {
        store.overwrite(NAME, bytes);
        open(&store, &object, scratch.path()).unwrap_err()
    };
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 16;
        opened(bytes)
    };
    let what = |error: ObjectError| match error {
        ObjectError::Altered { name, what } => (name == NAME).then_some(what),
        _ => None,
    };
    let end = good.len();
    assert_eq!(what(flipped(CHUNK_BYTES - 1)), Some(Part::Chunk(0)));
    assert_eq!(what(flipped(2 * CHUNK_BYTES)), Some(Part::Chunk(2)));
    assert_eq!(what(flipped(end - FOOTER - 1)), Some(Part::Footer));
    assert_eq!(what(flipped(end - 1)), Some(Part::Footer));
    assert!(matches!(flipped(end - FOOTER), ObjectError::NotAnObject { .. }));
    assert!(matches!(flipped(end - FOOTER + 8), ObjectError::OtherVersion { found: 17, .. }));
    assert_eq!(what(opened([&good[..], &[0]].concat())), Some(Part::Size));
    let short = opened(good[..end - 1].to_vec());
    assert_eq!(short.to_string(), format!("base/a has {} bytes, and {end} were written", end - 1));
    store.delete(NAME).unwrap();
    let missing = open(&store, &object, scratch.path()).unwrap_err();
    assert_eq!(missing.to_string(), "base/a is missing");
}

const FOOTER: usize = format::FOOTER_BYTES;

#[test]
fn another_object_of_the_same_size_is_not_taken() {
    let scratch = tempfile::tempdir().unwrap();
    let store = MemoryStore::new();
    let object = write(&store, Compression::None, b"one");
    write(&store, Compression::None, b"two");
    let error = open(&store, &object, scratch.path()).unwrap_err();
    assert!(matches!(error, ObjectError::Other { .. }), "{error}");
}

#[test]
fn of_many_damaged_chunks_the_first_is_named() {
    let scratch = tempfile::tempdir().unwrap();
    let store = MemoryStore::new();
    let object = write(&store, Compression::None, &body(9 * CHUNK_BYTES));
    let mut bytes = store.read(NAME).unwrap().unwrap();
    (3..9).for_each(|chunk| bytes[chunk * CHUNK_BYTES] ^= 1);
    store.overwrite(NAME, bytes);
    for _ in 0..20 {
        let error = open(&store, &object, scratch.path()).unwrap_err();
        assert!(matches!(error, ObjectError::Altered { what: Part::Chunk(3), .. }), "{error}");
    }
}

#[test]
fn a_claimed_table_takes_no_memory() {
    let (mut end, _) = format::end(&[], Compression::None, 0);
    end[24..28].copy_from_slice(&u32::MAX.to_le_bytes());
    let footer: &[u8; FOOTER] = end.last_chunk().unwrap();
    let flaw = format::Footer::parse(footer, 1 << 50).unwrap_err();
    assert_eq!(flaw, format::Flaw::Footer);
    end[24..28].copy_from_slice(&2_u32.to_le_bytes());
    let footer: &[u8; FOOTER] = end.last_chunk().unwrap();
    assert_eq!(format::Footer::parse(footer, 50).unwrap_err(), format::Flaw::Footer);
}

#[test]
fn compressions_have_names() {
    for compression in Compression::ALL {
        assert_eq!(compression.to_string().parse(), Ok(compression));
    }
    assert_eq!("gzip".parse::<Compression>(), Err(UnknownCompression("gzip".to_owned())));
    assert_eq!(Compression::default(), Compression::None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_part_of_any_body_is_read(
        bytes in 1..3 * CHUNK_BYTES,
        compression in prop::sample::select(&Compression::ALL[..]),
        reads in prop::collection::vec((any::<prop::sample::Index>(), 0..2_000_usize), 1..20),
    ) {
        let scratch = tempfile::tempdir().unwrap();
        let store = MemoryStore::new();
        let raw = body(bytes);
        let object = write(&store, compression, &raw);
        let found = open(&store, &object, scratch.path()).unwrap();
        for (from, count) in reads {
            let from = from.index(bytes);
            let mut out = vec![0; count.min(bytes - from)];
            found.read_at(from as u64, &mut out).unwrap();
            prop_assert_eq!(&out[..], &raw[from..from + out.len()]);
        }
    }
}

use proptest::prelude::*;

use super::*;

fn object(name: &str, bytes: u64) -> Object {
    Object { name: name.to_owned(), bytes, raw_bytes: bytes * 2, crc32c: 0xDEAD_BEEF }
}

fn manifest() -> Manifest {
    Manifest {
        version: MANIFEST_VERSION,
        epoch: 42,
        generation: 3,
        kind: Kind::Savepoint,
        created_ns: 1_700_000_000_000_000_000,
        job: Job {
            fingerprint: "f00d".to_owned(),
            description: [("window".to_owned(), "1s".to_owned())].into(),
        },
        layout: Layout {
            version: LAYOUT_VERSION,
            records: "rkyv 0.8, little-endian, aligned".to_owned(),
            key_groups: 128,
        },
        watermark: i64::MIN,
        sources: vec![SourcePosition::new(u64::MAX, -5)],
        shards: vec![ShardState {
            first_hash: 0xFF,
            last_hash: u64::MAX,
            base: Some(object("base/00000003-0000000000000040-000", 10)),
            logs: vec![object("log/00000003-0000000000000042-000", 1)],
        }],
        sink: Some(object("sink/00000003-0000000000000042", 7)),
        given_up: 2,
    }
}

fn text() -> String {
    String::from_utf8(manifest().to_bytes()).unwrap()
}

fn parse(text: &str) -> Result<Manifest, ManifestError> {
    Manifest::parse(&Manifest::name(42), text.as_bytes())
}

#[test]
fn it_is_read_as_it_was_written() {
    assert_eq!(parse(&text()).unwrap(), manifest());
    let names: Vec<_> = parse(&text()).unwrap().objects().map(|o| o.name.clone()).collect();
    assert_eq!(names.len(), 3);
    assert!(names[0].starts_with("base/") && names[2].starts_with("sink/"));
}

#[test]
fn a_person_can_read_it() {
    let text = text();
    assert!(text.starts_with("{\n  \"version\": 1,\n  \"epoch\": 42,\n"), "{text}");
    assert!(text.contains("\"kind\": \"savepoint\""), "{text}");
    assert!(text.contains("\"first_hash\": \"0x00000000000000ff\""), "{text}");
}

#[test]
fn partitions_are_told_where_there_are_some() {
    assert!(!text().contains("partitions"));
    let partition = PartitionPosition { watermark: 3, heard: 4, is_idle: true };
    let partitions = vec![partition.clone(), PartitionPosition { is_idle: false, ..partition }];
    let partitions = PartitionPositions { clock: 6, heard: 5, partitions };
    let mut manifest = manifest();
    manifest.sources[0].partitions = Some(partitions);
    let text = String::from_utf8(manifest.to_bytes()).unwrap();
    assert_eq!(parse(&text).unwrap(), manifest);
}

/// The bytes of version 1: whoever changes them writes version 2.
#[test]
fn version_1_has_this_checksum() {
    let text = text();
    let checksum = text.lines().rev().nth(1).unwrap();
    assert_eq!(checksum, "  \"checksum\": \"crc32c:20d0a7a9\"");
}

#[test]
fn its_layout_on_disk_does_not_matter() {
    let value: Value = serde_json::from_str(&text()).unwrap();
    assert_eq!(parse(&value.to_string()).unwrap(), manifest());
}

#[test]
fn each_way_of_being_no_manifest_has_its_name() {
    let text = text();
    let error = |text: &str| parse(text).unwrap_err();
    let name = Manifest::name(42);
    assert!(matches!(error(&text[..text.len() / 2]), ManifestError::Torn { .. }));
    assert!(matches!(error(""), ManifestError::Torn { .. }));
    assert!(matches!(error("<html>"), ManifestError::NotJson { .. }));
    assert!(matches!(error("{}"), ManifestError::NoChecksum { .. }));
    assert!(matches!(error("[1]"), ManifestError::NoChecksum { .. }));
    let altered = error(&text.replace("\"given_up\": 2", "\"given_up\": 3"));
    assert!(matches!(altered, ManifestError::Altered { .. }), "{altered}");
    let unknown = error(&text.replace("\"given_up\": 2", "\"given_up\": 2, \"more\": 1"));
    assert!(matches!(unknown, ManifestError::NotAManifest { .. }), "{unknown}");
    let version_2 = text.replace("\"version\": 1,\n  \"epoch\"", "\"version\": 2,\n  \"epoch\"");
    let damaged = error(&version_2);
    assert!(matches!(damaged, ManifestError::Altered { .. }), "{damaged}");
    let newer = error(&version_2.replace("\"given_up\": 2", "\"given_up\": 2, \"more\": 1"));
    let said = format!("{name} is written by version 2; this program reads 1");
    assert_eq!(newer.to_string(), said);
    let misnamed = Manifest::parse(&Manifest::name(43), text.as_bytes()).unwrap_err();
    assert!(matches!(misnamed, ManifestError::Misnamed { epoch: 42, .. }), "{misnamed}");
}

#[test]
fn names_sort_as_epochs_do() {
    assert_eq!(Manifest::name(42), "manifest/0000000000000042.json");
    assert_eq!(Manifest::epoch_of("manifest/0000000000000042.json"), Some(42));
    for other in ["manifest/42.json", "manifest/0000000000000042", "manifest/a.json", "x"] {
        assert_eq!(Manifest::epoch_of(other), None);
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let manifest = manifest();
    assert_eq!(manifest.fits(&manifest.job, &manifest.layout), Ok(()));
    let mut job = manifest.job.clone();
    job.fingerprint = "other".to_owned();
    job.description.insert("window".to_owned(), "5s".to_owned());
    let refusal = manifest.fits(&job, &manifest.layout).unwrap_err();
    let said = "it is the state of another job: window is 1s there and 5s here";
    assert_eq!(refusal.to_string(), said);
    let layout = Layout { key_groups: 64, ..manifest.layout.clone() };
    let refusal = manifest.fits(&manifest.job, &layout).unwrap_err();
    assert!(refusal.to_string().ends_with("key groups is 128 there and 64 here"), "{refusal}");
}

proptest! {
    #[test]
    fn no_change_of_a_byte_goes_unseen(at: prop::sample::Index, byte: u8) {
        let mut bytes = manifest().to_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(found) = Manifest::parse(&Manifest::name(42), &bytes) {
            prop_assert_eq!(found, manifest());
        }
    }
}

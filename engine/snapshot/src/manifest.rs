//! The manifest: the one small record that makes a snapshot real.
//!
//! 1. It names every object of the snapshot, with size and checksum. An object that no manifest names is no state.
//! 2. It is JSON that a person can read, and carries the CRC32C of its own content, so that one that is cut or changed
//!    is known as such. The checksum is over the compact text in the order of the fields, whatever the layout on disk.
//! 3. The numbers of manifests rise. A run publishes one more than the greatest that was there when it started, and
//!    from then on n + 1 only after n; so of two runs one fails to create that one name, and stops: see
//!    [`publish`](crate::catalog::publish).

mod error;
mod fit;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use crate::Object;
pub use error::ManifestError;
pub use fit::{Difference, Refusal};

/// The version of manifests that is written and read.
pub const MANIFEST_VERSION: u32 = 1;
/// The version of the layout of records, logs and bases.
pub const LAYOUT_VERSION: u32 = 1;
/// Where manifests lie.
pub(crate) const FOLDER: &str = "manifest/";
const CHECKSUM: &str = "checksum";

/// A snapshot: all that is needed to go on from the end of an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`].
    pub version: u32,
    /// The epoch at whose end the state was this.
    pub epoch: u64,
    /// The number of the run that published it.
    pub generation: u64,
    /// Why it was made.
    pub kind: Kind,
    /// When it was made, ns since the Unix epoch: for people, nothing is computed from it.
    pub created_ns: i64,
    /// Whose state it is.
    pub job: Job,
    /// How its records are laid out.
    pub layout: Layout,
    /// The smallest watermark of the shards, ns.
    pub watermark: i64,
    /// Where each source goes on.
    pub sources: Vec<SourcePosition>,
    /// The state, by ranges of hashes.
    pub shards: Vec<ShardState>,
    /// What the sink needs to go on.
    pub sink: Option<Object>,
    /// Epochs since the snapshot before that were given up, because the store was slow.
    pub given_up: u64,
}

/// Why a snapshot was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// In passing; it is collected when newer ones are there.
    Checkpoint,
    /// A person asked for it; it is never collected.
    Savepoint,
    /// At the end of the job's input.
    End,
}

/// A job, as far as its state depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// The same for jobs that can go on from each other's state.
    pub fingerprint: String,
    /// What the fingerprint was made of, for people.
    pub description: BTreeMap<String, String>,
}

/// How the bytes of the state are laid out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// [`LAYOUT_VERSION`].
    pub version: u32,
    /// The encoding of records, as "rkyv 0.8, little-endian, aligned".
    pub records: String,
    /// Key groups in all.
    pub key_groups: u32,
}

/// Where a source goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourcePosition {
    /// Events that it has delivered before the barrier.
    pub events: u64,
    /// Its watermark at the barrier, ns.
    pub watermark: i64,
    /// Where its partitions stand, if there is more to say of them than that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<PartitionPositions>,
    /// What it says itself of where it is: offsets, and the like. It goes on from there, and passes over no events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

impl SourcePosition {
    /// The position of a source whose watermark is that of its only partition, and which its number of events tells.
    #[must_use]
    pub fn new(events: u64, watermark: i64) -> Self {
        Self { events, watermark, partitions: None, place: None }
    }
}

/// Where the partitions of a source stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionPositions {
    /// The newest receive time, ns.
    pub clock: i64,
    /// The receive time of the newest event, ns.
    pub heard: i64,
    /// Each, by its number.
    pub partitions: Vec<PartitionPosition>,
}

/// Where a partition of a source stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionPosition {
    /// Its own watermark, ns.
    pub watermark: i64,
    /// The receive time of its newest event, or when it was known first, ns.
    pub heard: i64,
    /// Whether it had had no event for so long that it did not hold the watermark back.
    pub is_idle: bool,
}

/// The state of the keys whose hashes lie in a range: the base, changed by the logs in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardState {
    /// The smallest hash.
    #[serde(with = "hex")]
    pub first_hash: u64,
    /// The largest hash.
    #[serde(with = "hex")]
    pub last_hash: u64,
    /// The whole state at some epoch; empty if there is none.
    pub base: Option<Object>,
    /// What changed since, oldest first.
    pub logs: Vec<Object>,
}

#[derive(Serialize)]
struct Sealed<'m> {
    #[serde(flatten)]
    manifest: &'m Manifest,
    checksum: String,
}

impl Manifest {
    /// The name of the manifest of an epoch.
    #[must_use]
    pub fn name(epoch: u64) -> String {
        format!("{FOLDER}{epoch:016}.json")
    }

    /// The epoch of the manifest with this name; `None` if it is not the name of one.
    #[must_use]
    pub fn epoch_of(name: &str) -> Option<u64> {
        let epoch = name.strip_prefix(FOLDER)?.strip_suffix(".json")?.parse().ok()?;
        (Self::name(epoch) == name).then_some(epoch)
    }

    /// The text that is stored, with its checksum.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let sealed = Sealed { manifest: self, checksum: checksum_text(self.checksum()) };
        // It can not fail: every key is a text, and memory takes what is written.
        let mut bytes = serde_json::to_vec_pretty(&sealed).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads the manifest `name`, and checks it.
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, ManifestError> {
        let name = || name.to_owned();
        let mut value: Value = serde_json::from_slice(bytes).map_err(|source| {
            if source.is_eof() {
                ManifestError::Torn { name: name(), bytes: bytes.len() }
            } else {
                ManifestError::NotJson { name: name(), source }
            }
        })?;
        let version = value.get("version").and_then(Value::as_u64);
        let other = version.filter(|&found| found != u64::from(MANIFEST_VERSION));
        if other.is_some() {
            value["version"] = MANIFEST_VERSION.into();
        }
        let checked = Self::checked(name, value);
        if let Some(found) = other {
            // Where all but the version is as it was sealed, the version is what was damaged.
            let Ok((manifest, sealed)) = checked else {
                return Err(ManifestError::OtherVersion { name: name(), found });
            };
            let found = Self { version: found as u32, ..manifest }.checksum();
            return Err(ManifestError::Altered { name: name(), expected: sealed, found });
        }
        let (manifest, _) = checked?;
        if Self::name(manifest.epoch) != name() {
            return Err(ManifestError::Misnamed { name: name(), epoch: manifest.epoch });
        }
        Ok(manifest)
    }

    /// The manifest of this version in `value`, and its checksum, which is right.
    fn checked(name: impl Fn() -> String, mut value: Value) -> Result<(Self, u32), ManifestError> {
        let sealed = value.as_object_mut().and_then(|fields| fields.remove(CHECKSUM));
        let Some(sealed) = sealed.as_ref().and_then(Value::as_str).and_then(checksum_of) else {
            return Err(ManifestError::NoChecksum { name: name() });
        };
        let manifest: Self = serde_json::from_value(value)
            .map_err(|source| ManifestError::NotAManifest { name: name(), source })?;
        let found = manifest.checksum();
        if found != sealed {
            return Err(ManifestError::Altered { name: name(), expected: sealed, found });
        }
        Ok((manifest, sealed))
    }

    /// Every object that it names.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        let shards = self.shards.iter().flat_map(|shard| shard.base.iter().chain(&shard.logs));
        shards.chain(&self.sink)
    }

    fn checksum(&self) -> u32 {
        // As in `to_bytes`, it can not fail.
        crate::crc32c(&serde_json::to_vec(self).unwrap_or_default())
    }
}

fn checksum_text(checksum: u32) -> String {
    format!("crc32c:{checksum:08x}")
}

fn checksum_of(text: &str) -> Option<u32> {
    let checksum = u32::from_str_radix(text.strip_prefix("crc32c:")?, 16).ok()?;
    (checksum_text(checksum) == text).then_some(checksum)
}

/// Hashes as people read them: `0x00000000000000ff`.
mod hex {
    use super::*;

    pub(super) fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{number:#018x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").filter(|digits| !digits.starts_with('+'));
        let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        number.ok_or_else(|| {
            de::Error::invalid_value(
                de::Unexpected::Str(&text),
                &"a hash such as 0x00000000000000ff",
            )
        })
    }
}

#[cfg(test)]
mod tests;

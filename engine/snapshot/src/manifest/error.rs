//! Why bytes are no manifest.

use super::MANIFEST_VERSION;

/// Why bytes are no manifest. Each says which.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It ends before its end.
    #[error("{name} is cut short: it ends after {bytes} bytes, in the middle")]
    Torn {
        /// The manifest.
        name: String,
        /// Bytes that are there.
        bytes: usize,
    },
    /// It is no JSON.
    #[error("{name} is no JSON: {source}")]
    NotJson {
        /// The manifest.
        name: String,
        /// Where and why not.
        source: serde_json::Error,
    },
    /// It was written by a program of another version.
    #[error("{name} is written by version {found}; this program reads {MANIFEST_VERSION}")]
    OtherVersion {
        /// The manifest.
        name: String,
        /// Its version.
        found: u64,
    },
    /// It is JSON, without the checksum of a manifest.
    #[error("{name} has no checksum")]
    NoChecksum {
        /// The manifest.
        name: String,
    },
    /// It is JSON of another form.
    #[error("{name} is no manifest: {source}")]
    NotAManifest {
        /// The manifest.
        name: String,
        /// What is missing, or too much.
        source: serde_json::Error,
    },
    /// It was changed after it was written.
    #[error("{name} is altered: its checksum is {found:08x}, and {expected:08x} was written")]
    Altered {
        /// The manifest.
        name: String,
        /// The checksum that it carries.
        expected: u32,
        /// The checksum of its content.
        found: u32,
    },
    /// It is that of another epoch.
    #[error("{name} is the manifest of epoch {epoch}, under another name")]
    Misnamed {
        /// The manifest.
        name: String,
        /// The epoch that it says.
        epoch: u64,
    },
}

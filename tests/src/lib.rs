//! What the tests share: where the real captures lie.

use std::path::{Path, PathBuf};

/// The path of a real capture under `../shared/data`, or `None`, said on standard error, where the folder is missing.
///
/// The captures are not ours to redistribute; a test that needs one returns early without it.
#[must_use]
#[allow(clippy::print_stderr)]
pub fn shared_capture(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: no capture at {}", path.display());
    None
}

//! What the tests share: where the real captures lie, the real binary, the bodies of the fuzz targets, a server of S3,
//! brokers of Kafka and of MQTT, the simulator, jobs in SQL, and processes that are killed.
#![forbid(unsafe_code)]

pub mod dice;
pub mod fuzz;
#[cfg(feature = "kafka")]
pub mod kafka;
#[cfg(feature = "s3")]
pub mod kill;
#[cfg(feature = "mqtt")]
pub mod mqtt;
#[cfg(feature = "s3")]
pub mod s3;
pub mod sim;
pub mod sql;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

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

/// The `tidewire` binary of this tree, built if it is not, with the profile of the tests.
///
/// # Panics
/// It can not be built.
#[must_use]
#[allow(clippy::panic, clippy::expect_used)]
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // With the features of the whole workspace, so that nothing is compiled again.
        build.current_dir(root).args(["build", "--quiet", "--workspace", "--bin", "tidewire"]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        // What cargo tells a test of its package would be new to build scripts that look at it, and all above them would be
        // compiled again.
        for (name, _) in std::env::vars_os() {
            let of_package =
                ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_", "OUT_DIR"];
            if of_package.iter().any(|of| name.to_string_lossy().starts_with(of)) {
                build.env_remove(name);
            }
        }
        assert!(build.status().expect("cargo runs").success(), "tidewire does not build");
        let test = std::env::current_exe().expect("the test has a path");
        // A test is in target/PROFILE/deps, a benchmark in target/PROFILE.
        let folder = test.ancestors().skip(1).find(|folder| !folder.ends_with("deps"));
        let folder = folder.expect("target/PROFILE");
        let binary = folder.join("tidewire");
        assert!(binary.exists(), "no binary at {}", binary.display());
        binary
    })
}

/// Runs `tidewire` to its end.
///
/// # Panics
/// It can not be started.
#[must_use]
#[allow(clippy::expect_used)]
pub fn tidewire<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> Output {
    Command::new(binary()).args(arguments).output().expect("tidewire starts")
}

/// What a run printed to standard error.
#[must_use]
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

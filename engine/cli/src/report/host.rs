//! The machine and the program that a report is of.

use std::fs;
use std::process::Command;

use serde::Serialize;

/// The machine.
#[derive(Debug, Serialize)]
pub(crate) struct Host {
    name: Option<String>,
    processor: Option<String>,
    cores: usize,
    kernel: Option<String>,
}

impl Host {
    pub(crate) fn this() -> Self {
        let line = |path: &str| Some(fs::read_to_string(path).ok()?.trim().to_owned());
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model =
            processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            name: line("/proc/sys/kernel/hostname"),
            processor: model.map(|(_, model)| model.to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: line("/proc/sys/kernel/osrelease"),
        }
    }
}

/// The commit of the tree that this program was built in: as the build said (`TIDEWIRE_COMMIT`), else as git says of
/// that tree now, where it is still there.
pub(crate) fn commit() -> Option<String> {
    if let Some(commit) = option_env!("TIDEWIRE_COMMIT") {
        return Some(commit.to_owned());
    }
    let arguments =
        ["-C", env!("CARGO_MANIFEST_DIR"), "describe", "--always", "--dirty", "--abbrev=12"];
    let output = Command::new("git").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

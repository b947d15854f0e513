//! `tidewire snapshots`: what lies in a store of snapshots, whether it is good, and what of it can go.

mod list;
mod prune;
mod show;
mod verify;

use std::collections::{BTreeMap, BTreeSet};

use clap::{Args, Subcommand};
use serde::Serialize;
use tidewire_runtime::clock::unix_now_ns;
use tidewire_snapshot::{Found, Kind, Manifest, Store};

use super::CommandError;
use crate::store::open_existing;
use crate::terminal::print;

/// What to do with snapshots.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the snapshots, newest first.
    List(Listing),
    /// Show all of one snapshot.
    Show(show::Arguments),
    /// Read every object of every snapshot, and say what is damaged. Fails if anything is.
    Verify(Listing),
    /// Delete checkpoints, and what only they need. Savepoints and the newest end are kept.
    Prune(prune::Arguments),
}

/// Where the snapshots lie.
#[derive(Debug, Args)]
struct Location {
    /// The store: a folder, or s3://BUCKET/PREFIX.
    location: String,
    /// The server of an S3 store, if it is not Amazon's.
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
}

#[derive(Debug, Args)]
struct Listing {
    #[command(flatten)]
    store: Location,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), CommandError> {
    match &arguments.action {
        Action::List(arguments) => list::run(arguments),
        Action::Show(arguments) => show::run(arguments),
        Action::Verify(arguments) => verify::run(arguments),
        Action::Prune(arguments) => prune::run(arguments),
    }
}

impl Location {
    fn open(&self) -> Result<Box<dyn Store>, CommandError> {
        Ok(open_existing(&self.location, self.endpoint.as_deref())?)
    }
}

fn print_json(value: &impl Serialize) -> Result<(), CommandError> {
    let json = serde_json::to_string_pretty(value).map_err(std::io::Error::from)?;
    Ok(print(&(json + "\n"))?)
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Checkpoint => "checkpoint",
        Kind::Savepoint => "savepoint",
        Kind::End => "end",
    }
}

/// Bytes in the unit that reads best.
fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut value = bytes as f64;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// How long ago, in the unit that reads best. A clock that went back makes it zero.
fn age(created_ns: i64) -> String {
    let seconds = unix_now_ns().saturating_sub(created_ns).max(0) / 1_000_000_000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Which snapshots need an object, oldest first.
#[derive(Default)]
struct Users(BTreeMap<String, BTreeSet<u64>>);

impl Users {
    fn of(found: &[Found]) -> Self {
        let mut users = Self::default();
        for manifest in found.iter().filter_map(|found| found.manifest.as_ref().ok()) {
            for object in manifest.objects() {
                users.0.entry(object.name.clone()).or_default().insert(manifest.epoch);
            }
        }
        users
    }

    /// The other snapshots that need an object of `epoch`.
    fn others(&self, object: &str, epoch: u64) -> Vec<u64> {
        let all = self.0.get(object).into_iter().flatten().copied();
        all.filter(|other| *other != epoch).collect()
    }

    fn sizes(&self, manifest: &Manifest) -> Sizes {
        let mut sizes = Sizes::default();
        for object in manifest.objects() {
            let others = self.others(&object.name, manifest.epoch);
            sizes.total_bytes += object.bytes;
            if others.first().is_none_or(|oldest| *oldest > manifest.epoch) {
                sizes.new_bytes += object.bytes;
            }
            if !others.is_empty() {
                sizes.shared_bytes += object.bytes;
            }
        }
        sizes
    }
}

/// The sizes of a snapshot's objects as they are stored.
#[derive(Debug, Default, Serialize)]
struct Sizes {
    total_bytes: u64,
    /// Of objects that no older snapshot needs.
    new_bytes: u64,
    /// Of objects that other snapshots need too.
    shared_bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ages_are_short() {
        let sizes = [0, 1023, 1024, 1_572_864, u64::MAX].map(bytes);
        assert_eq!(sizes, ["0 B", "1023 B", "1.0 KiB", "1.5 MiB", "16777216.0 TiB"]);
        assert_eq!(age(i64::MAX), "0 s");
        assert_eq!(age(unix_now_ns() - 7_200_000_000_000), "2 h");
    }
}

//! `tidewire snapshots prune`.

use clap::Args;
use tidewire_snapshot::{Found, Keep, Store, catalog, retention};

use super::verify::scratch;
use super::{Location, bytes};
use crate::commands::CommandError;
use crate::terminal::print;

/// What to delete.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    store: Location,
    /// How many checkpoints to keep, newest first.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    keep: u32,
    /// Say what would be deleted, and delete nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let store = arguments.store.open()?;
    if !arguments.dry_run {
        check_newest(&*store, &catalog::snapshots(&*store)?)?;
    }
    let keep = Keep { newest: arguments.keep as usize };
    let pruned = retention::prune(&*store, &keep, arguments.dry_run)?;
    let verb = if arguments.dry_run { "would delete" } else { "deleted" };
    let mut text = String::new();
    let objects = pruned.objects.iter().map(|object| &object.name);
    for name in pruned.manifests.iter().chain(objects) {
        text.push_str(&format!("{verb} {name}\n"));
    }
    let (manifests, objects) = (pruned.manifests.len(), pruned.objects.len());
    let size = bytes(pruned.bytes());
    text.push_str(&format!("{verb} {manifests} snapshot(s), {objects} object(s), {size}\n"));
    Ok(print(&text)?)
}

/// Where the newest snapshot is damaged an older one is the one to go on from, and must stay.
fn check_newest(store: &dyn Store, found: &[Found]) -> Result<(), CommandError> {
    let newest = found.iter().find_map(|found| found.manifest.as_ref().ok());
    let Some(newest) = newest else { return Ok(()) };
    match catalog::verify(store, newest, &scratch()).into_iter().next() {
        None => Ok(()),
        Some(why) => Err(CommandError::NewestBroken { epoch: newest.epoch, why }),
    }
}

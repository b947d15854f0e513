//! `tidewire snapshots show`.

use clap::Args;
use serde::Serialize;
use tidewire_connect::rows::iso8601;
use tidewire_event::time::{WATERMARK_END, WATERMARK_NONE};
use tidewire_snapshot::{Manifest, Object, ShardState, catalog};

use super::{Listing, Sizes, Users, age, bytes, kind_name, print_json};
use crate::commands::CommandError;
use crate::terminal::{grouped, print, table};

/// What to show.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    listing: Listing,
    /// The epoch of the snapshot; the newest without it.
    epoch: Option<u64>,
}

/// A snapshot. As JSON these are the names.
#[derive(Debug, Serialize)]
struct Shown<'m> {
    manifest: &'m Manifest,
    sizes: Sizes,
    objects: Vec<SharedObject<'m>>,
}

#[derive(Debug, Serialize)]
struct SharedObject<'m> {
    #[serde(flatten)]
    object: &'m Object,
    /// Epochs of the other snapshots that need it.
    shared_with: Vec<u64>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let store = arguments.listing.store.open()?;
    let mut found = catalog::snapshots(&*store)?;
    let users = Users::of(&found);
    let at = match arguments.epoch {
        None => (!found.is_empty()).then_some(0),
        Some(epoch) => found.iter().position(|found| found.epoch == epoch),
    };
    let Some(at) = at else {
        let (location, epoch) = (store.location(), arguments.epoch);
        return Err(CommandError::NoSnapshot { location, epoch });
    };
    let manifest = found.swap_remove(at).manifest?;
    let shared =
        |object| SharedObject { object, shared_with: users.others(&object.name, manifest.epoch) };
    let shown = Shown {
        sizes: users.sizes(&manifest),
        objects: manifest.objects().map(shared).collect(),
        manifest: &manifest,
    };
    if arguments.listing.json { print_json(&shown) } else { Ok(print(&shown.in_words())?) }
}

fn time(ns: i64) -> String {
    match ns {
        WATERMARK_NONE => "none".to_owned(),
        WATERMARK_END => "end".to_owned(),
        ns => iso8601(ns),
    }
}

impl Shown<'_> {
    fn in_words(&self) -> String {
        let Self { manifest, sizes, .. } = self;
        let mut text = String::new();
        let mut line = |name: &str, value: String| text.push_str(&format!("{name:<12} {value}\n"));
        line("epoch", format!("{}, a {}", manifest.epoch, kind_name(manifest.kind)));
        line(
            "created",
            format!("{}, {} ago", iso8601(manifest.created_ns), age(manifest.created_ns)),
        );
        line("generation", manifest.generation.to_string());
        line("job", manifest.job.fingerprint.clone());
        for (what, how) in &manifest.job.description {
            line(&format!("  {what}"), how.clone());
        }
        let layout = &manifest.layout;
        let records = &layout.records;
        line("layout", format!("{}, {} key groups, {records}", layout.version, layout.key_groups));
        line("watermark", time(manifest.watermark));
        if manifest.given_up > 0 {
            line("given up", format!("{} epoch(s) before this one", manifest.given_up));
        }
        let Sizes { total_bytes, new_bytes, shared_bytes } = sizes;
        let (total, new, shared) = (bytes(*total_bytes), bytes(*new_bytes), bytes(*shared_bytes));
        line("size", format!("{total}, of which {new} new in it, {shared} shared with others"));
        for (title, table) in
            [("sources", self.sources()), ("shards", self.shards()), ("objects", self.objects())]
        {
            text.push_str(&format!("\n{title}\n{table}"));
        }
        text
    }

    fn sources(&self) -> String {
        let row = |(at, source): (usize, &tidewire_snapshot::SourcePosition)| {
            vec![at.to_string(), grouped(source.events), time(source.watermark)]
        };
        let rows: Vec<_> = self.manifest.sources.iter().enumerate().map(row).collect();
        table(&["source", "events", "watermark"], &rows)
    }

    fn shards(&self) -> String {
        let row = |(at, shard): (usize, &ShardState)| {
            let hash = |hash: u64| format!("{hash:#018x}");
            let base = shard.base.as_ref().map_or("-".to_owned(), |base| bytes(base.raw_bytes));
            let logs = shard.logs.iter().map(|log| log.raw_bytes).sum();
            let chain = shard.logs.len().to_string();
            vec![
                at.to_string(),
                hash(shard.first_hash),
                hash(shard.last_hash),
                base,
                chain,
                bytes(logs),
            ]
        };
        let rows: Vec<_> = self.manifest.shards.iter().enumerate().map(row).collect();
        table(&["shard", "first hash", "last hash", "base", "chain", "logs"], &rows)
    }

    fn objects(&self) -> String {
        let row = |it: &SharedObject<'_>| {
            let epochs: Vec<_> = it.shared_with.iter().map(u64::to_string).collect();
            let shared = if epochs.is_empty() { "-".to_owned() } else { epochs.join(", ") };
            let Object { name, bytes: stored, raw_bytes, crc32c } = it.object;
            let crc = format!("{crc32c:08x}");
            vec![name.clone(), bytes(*stored), bytes(*raw_bytes), crc, shared]
        };
        let rows: Vec<_> = self.objects.iter().map(row).collect();
        table(&["object", "stored", "raw", "checksum", "shared with epochs"], &rows)
    }
}

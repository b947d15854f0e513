//! `tidewire snapshots list`.

use serde::Serialize;
use tidewire_connect::rows::iso8601;
use tidewire_snapshot::{Found, Manifest, catalog};

use super::{Listing, Sizes, Users, age, bytes, kind_name, print_json};
use crate::commands::CommandError;
use crate::terminal::{print, table, warning};

/// A snapshot. As JSON these are the names.
#[derive(Debug, Serialize)]
struct Row {
    epoch: u64,
    name: String,
    #[serde(flatten)]
    facts: Option<Facts>,
    /// What is wrong with its manifest.
    broken: Option<String>,
}

#[derive(Debug, Serialize)]
struct Facts {
    kind: &'static str,
    created: String,
    age: String,
    generation: u64,
    shards: usize,
    #[serde(flatten)]
    sizes: Sizes,
    /// The most logs that stand on one base.
    chain: usize,
}

impl Facts {
    fn of(manifest: &Manifest, users: &Users) -> Self {
        Self {
            kind: kind_name(manifest.kind),
            created: iso8601(manifest.created_ns),
            age: age(manifest.created_ns),
            generation: manifest.generation,
            shards: manifest.shards.len(),
            sizes: users.sizes(manifest),
            chain: manifest.shards.iter().map(|shard| shard.logs.len()).max().unwrap_or(0),
        }
    }
}

pub(super) fn run(arguments: &Listing) -> Result<(), CommandError> {
    let store = arguments.store.open()?;
    let found = catalog::snapshots(&*store)?;
    let users = Users::of(&found);
    let rows: Vec<_> = found.iter().map(|found| row(found, &users)).collect();
    if arguments.json {
        return print_json(&rows);
    }
    if rows.is_empty() {
        return Ok(print(&format!("{}: no snapshots\n", store.location()))?);
    }
    let header = [
        "epoch",
        "kind",
        "age",
        "generation",
        "shards",
        "state",
        "new",
        "shared",
        "chain",
        "manifest",
    ];
    let cells: Vec<_> = rows.iter().map(cells).collect();
    print(&table(&header, &cells))?;
    rows.iter().filter_map(|row| row.broken.as_ref()).for_each(warning);
    Ok(())
}

fn row(found: &Found, users: &Users) -> Row {
    let manifest = found.manifest.as_ref();
    Row {
        epoch: found.epoch,
        name: found.name.clone(),
        facts: manifest.ok().map(|manifest| Facts::of(manifest, users)),
        broken: manifest.err().map(ToString::to_string),
    }
}

fn cells(row: &Row) -> Vec<String> {
    let mut cells = vec![row.epoch.to_string()];
    match &row.facts {
        Some(facts) => cells.extend([
            facts.kind.to_owned(),
            facts.age.clone(),
            facts.generation.to_string(),
            facts.shards.to_string(),
            bytes(facts.sizes.total_bytes),
            bytes(facts.sizes.new_bytes),
            bytes(facts.sizes.shared_bytes),
            facts.chain.to_string(),
            "ok".to_owned(),
        ]),
        None => {
            cells.extend(["-"; 8].map(str::to_owned));
            cells.push("broken".to_owned());
        }
    }
    cells
}

//! The tree as the rules see it: its files, its source without comments, its members and what they depend on.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the functions that the rules share")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// A file of text, by its path from the root.
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
}

impl File {
    pub(super) fn is_source(&self) -> bool {
        self.path.ends_with(".rs")
    }

    pub(super) fn is_in(&self, folder: &str) -> bool {
        self.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The lines with their numbers, without what stands behind `//`. (A string with two slashes loses its end.)
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let code = |line: &'_ str| line.find("//").unwrap_or(line.len());
        (1..).zip(self.text.lines().map(move |line| &line[..code(line)]))
    }
}

/// A package of the workspace.
pub(super) struct Member {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) manifest: Table,
}

impl Member {
    /// The packages that it depends on, in any way and on any platform.
    pub(super) fn dependencies(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        collect_dependencies(&self.manifest, &mut names);
        names
    }
}

fn collect_dependencies(table: &Table, names: &mut BTreeSet<String>) {
    for (key, value) in table {
        let Some(inner) = value.as_table() else { continue };
        if key.ends_with("dependencies") {
            for (name, how) in inner {
                let package = how.get("package").and_then(Value::as_str);
                names.insert(package.unwrap_or(name).to_owned());
            }
        } else if key == "target" {
            inner.values().filter_map(Value::as_table).for_each(|platform| {
                collect_dependencies(platform, names);
            });
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn manifest(path: &Path) -> Table {
    let path = path.join("Cargo.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.parse().unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub(super) fn members() -> Vec<Member> {
    let workspace = manifest(&root());
    let paths = workspace["workspace"]["members"].as_array().unwrap();
    let member = |path: &Value| {
        let path = path.as_str().unwrap().to_owned();
        let manifest = manifest(&root().join(&path));
        let name = manifest["package"]["name"].as_str().unwrap().to_owned();
        Member { path, name, manifest }
    };
    paths.iter().map(member).collect()
}

/// Every file of text, in the order of their paths.
pub(super) fn files() -> Vec<File> {
    // What builds, fuzzers and demos leave behind.
    let ignored = fs::read_to_string(root().join(".gitignore")).unwrap();
    let ignored = ignored.lines().map(|line| line.trim_start_matches('/'));
    let skipped: Vec<_> = ignored.chain([".git"]).collect();
    let mut files = Vec::new();
    walk("", &skipped, &mut files);
    assert!(files.len() > 50, "the tree was not found");
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn walk(folder: &str, skipped: &[&str], files: &mut Vec<File>) {
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        if skipped.contains(&path.as_str()) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            walk(&path, skipped, files);
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            files.push(File { path, text });
        }
    }
}

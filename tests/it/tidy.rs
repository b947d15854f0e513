//! The rules of the architecture, held by reading the tree: each failure says the rule and what to do.

mod tree;

use std::collections::BTreeSet;

use self::tree::{File, files, members};

/// What a crate of ours may import of ours. `bench` and `tests` may import everything.
const MAY_IMPORT: [(&str, &[&str]); 14] = [
    ("tidewire-feeds", &[]),
    ("tidewire-event", &[]),
    ("tidewire-state", &["tidewire-event"]),
    ("tidewire-dataflow", &["tidewire-event", "tidewire-state"]),
    ("tidewire-sql", &["tidewire-event", "tidewire-state", "tidewire-dataflow"]),
    ("tidewire-snapshot", &["tidewire-event", "tidewire-state"]),
    (
        "tidewire-runtime",
        &["tidewire-event", "tidewire-state", "tidewire-dataflow", "tidewire-snapshot"],
    ),
    ("tidewire-udp", &[]),
    ("tidewire-journal", &["tidewire-feeds"]),
    (
        "tidewire-connect",
        &[
            "tidewire-event",
            "tidewire-dataflow",
            "tidewire-feeds",
            "tidewire-udp",
            "tidewire-journal",
        ],
    ),
    ("tidewire-s3", &["tidewire-snapshot"]),
    ("tidewire-kafka", &["tidewire-event", "tidewire-connect"]),
    ("tidewire-mqtt", &["tidewire-event", "tidewire-connect", "tidewire-udp"]),
    (
        "tidewire",
        &[
            "tidewire-event",
            "tidewire-state",
            "tidewire-dataflow",
            "tidewire-sql",
            "tidewire-snapshot",
            "tidewire-runtime",
            "tidewire-s3",
            "tidewire-kafka",
            "tidewire-mqtt",
            "tidewire-connect",
            "tidewire-feeds",
            "tidewire-udp",
        ],
    ),
];
const FREE_TO_IMPORT: [&str; 2] = ["tidewire-bench", "tidewire-tests"];

/// Runtimes with threads of their own.
const ASYNC_RUNTIMES: [&str; 3] = ["axum", "hyper", "tokio"];
/// Crates that may use them, none of which a shard's thread runs; the tests serve S3 in process.
const ASYNC_LEAVES: [&str; 2] = ["tidewire-s3", "tidewire-tests"];

const GLOMMIO_FILE: &str = "engine/runtime/src/driver_glommio.rs";
/// Memory that is mapped, slots in it, memory that is shared with the kernel, files that are mapped to be written, and what
/// `fork` costs.
const UNSAFE_FILES: [&str; 5] = [
    "engine/state/src/mapping.rs",
    "engine/state/src/slots.rs",
    "engine/udp/src/ring.rs",
    "engine/journal/src/mapped.rs",
    "bench/src/bin/stall/fork.rs",
];
/// Crates with such a file.
const UNSAFE_CRATES: [&str; 3] = ["engine/state", "engine/udp", "engine/journal"];
const CLOCK_FILE: &str = "engine/runtime/src/clock.rs";
/// What is missing on a live line is waited for where it is received: no engine stands between.
const UDP_CLOCK_FILE: &str = "engine/udp/src/clock.rs";
const SOURCE_LINES_MAX: usize = 600;

/// Fails with every breach at once.
#[track_caller]
fn hold(rule: &str, remedy: &str, breaches: &[String]) {
    let list = breaches.join("\n  ");
    assert!(breaches.is_empty(), "the rule: {rule}\nbroken by:\n  {list}\nwhat to do: {remedy}");
}

/// The lines of code, outside the tests, that `breaks` says break a rule.
fn lines_of_code(may: impl Fn(&File) -> bool, breaks: impl Fn(&str) -> bool) -> Vec<String> {
    let mut breaches = Vec::new();
    for file in files() {
        if !file.is_source() || file.is_in("tests") || may(&file) {
            continue;
        }
        let lines = file.code().filter(|(_, code)| breaks(code));
        breaches.extend(lines.map(|(at, code)| format!("{}:{at}: {}", file.path, code.trim())));
    }
    breaches
}

fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[test]
fn a_crate_imports_only_what_its_layer_may() {
    let members = members();
    let ours: BTreeSet<_> = members.iter().map(|member| member.name.clone()).collect();
    let mut breaches = Vec::new();
    for member in &members {
        if FREE_TO_IMPORT.contains(&member.name.as_str()) {
            continue;
        }
        let Some((_, may)) = MAY_IMPORT.iter().find(|(name, _)| *name == member.name) else {
            breaches.push(format!("{} has no line in the table", member.name));
            continue;
        };
        for dependency in member.dependencies() {
            if ours.contains(&dependency) && !may.contains(&dependency.as_str()) {
                breaches.push(format!("{} imports {dependency}", member.name));
            }
        }
    }
    hold(
        "imports follow the layers: feeds and event stand alone, dataflow and state are pure, runtime knows no \
         connector, only the front door knows all",
        "move the code to the layer that may import what it needs; a new crate gets a line in MAY_IMPORT",
        &breaches,
    );
}

#[test]
fn async_runtimes_stay_in_leaf_crates() {
    let mut breaches = Vec::new();
    for member in members() {
        let dependencies = member.dependencies();
        let found = ASYNC_RUNTIMES.iter().filter(|name| dependencies.contains(**name));
        if !ASYNC_LEAVES.contains(&member.name.as_str()) {
            breaches.extend(found.map(|name| format!("{} depends on {name}", member.name)));
        }
    }
    hold(
        "no async runtime and no HTTP in a crate that a shard's thread runs",
        "put the client into a leaf crate behind a feature, on a thread of its own, and name it in ASYNC_LEAVES",
        &breaches,
    );
}

#[test]
fn glommio_is_named_in_one_file() {
    let breaches = lines_of_code(
        |file| file.path == GLOMMIO_FILE,
        |code| {
            let mut paths = code.match_indices("glommio::").map(|(at, _)| &code[..at]);
            code.contains("use glommio") || paths.any(|before| !before.ends_with(is_of_a_name))
        },
    );
    let remedy = format!("call {GLOMMIO_FILE} through the driver's own types");
    hold("glommio is named in one file, so that it can be replaced", &remedy, &breaches);
    let dependents = members().into_iter().filter(|member| {
        member.name != "tidewire-runtime" && member.dependencies().contains("glommio")
    });
    let breaches: Vec<_> = dependents.map(|member| member.path).collect();
    hold("only the runtime depends on glommio", "take the dependency out", &breaches);
}

#[test]
fn unsafe_code_lives_in_the_files_named_for_it() {
    let breaches = lines_of_code(
        |file| UNSAFE_FILES.contains(&file.path.as_str()),
        |code| {
            code.contains("allow(unsafe_code)")
                || code.split(|c| !is_of_a_name(c)).any(|word| word == "unsafe")
        },
    );
    let remedy = format!("write it safely, or with a proof in one of {UNSAFE_FILES:?}");
    hold("unsafe code lives in the files named for it", &remedy, &breaches);

    let roots = files().into_iter().filter(|file| {
        let is_root = file.path.ends_with("/src/lib.rs") || file.path.ends_with("/src/main.rs");
        is_root && !UNSAFE_CRATES.iter().any(|it| file.is_in(it))
    });
    let open = roots.filter(|file| !file.text.contains("#![forbid(unsafe_code)]"));
    let breaches: Vec<_> = open.map(|file| file.path).collect();
    let remedy = "write #![forbid(unsafe_code)] at its head";
    hold("every other crate forbids unsafe code", remedy, &breaches);
}

#[test]
fn clocks_are_read_in_one_file() {
    let breaches = lines_of_code(
        |file| [CLOCK_FILE, UDP_CLOCK_FILE].contains(&file.path.as_str()) || file.is_in("bench"),
        |code| {
            ["Instant::now", "SystemTime::now", "quanta::", "clock_gettime"]
                .iter()
                .any(|it| code.contains(it))
        },
    );
    let remedy = "take a tidewire_runtime::clock::Clock, so that a test can bring its own time";
    hold("a clock is read in one file, beside lines, and in benchmarks", remedy, &breaches);
}

#[test]
fn no_source_file_hides_a_second_idea() {
    let long = files().into_iter().filter(|file| {
        file.is_source() && !file.is_in("tests") && file.text.lines().count() > SOURCE_LINES_MAX
    });
    let breaches: Vec<_> =
        long.map(|file| format!("{}: {} lines", file.path, file.text.lines().count())).collect();
    let rule = format!("a source file has at most {SOURCE_LINES_MAX} lines");
    hold(&rule, "find the second idea in it and give it a file", &breaches);
}

#[test]
fn every_member_takes_the_lints_of_the_workspace() {
    let bare = members().into_iter().filter(|member| {
        let lints = member.manifest.get("lints").and_then(|lints| lints.get("workspace"));
        lints.and_then(toml::Value::as_bool) != Some(true)
    });
    let breaches: Vec<_> = bare.map(|member| format!("{}/Cargo.toml", member.path)).collect();
    let remedy = "write [lints] workspace = true in it";
    hold("every member takes the lints of the workspace", remedy, &breaches);
}

#[test]
fn no_file_names_a_place_on_one_machine() {
    // Written in two parts, so that this file does not break its own rule.
    let homes = [concat!("/ho", "me/"), concat!("/ro", "ot/")];
    let temporary = concat!("/t", "mp/");
    let mut breaches = Vec::new();
    for file in files() {
        for (at, line) in (1..).zip(file.text.lines()) {
            let bad = homes.iter().any(|place| line.contains(place))
                || line.contains(temporary) && !file.is_in("tests");
            if bad {
                breaches.push(format!("{}:{at}: {}", file.path, line.trim()));
            }
        }
    }
    let remedy =
        "take the path as an argument, or from the manifest's folder; tests use a temporary folder";
    hold("no file names a place on one machine", remedy, &breaches);
}

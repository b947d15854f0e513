//! Plans of queries, and what is wrong with others.

use std::collections::BTreeMap;

use super::*;
use crate::catalog::{Connectors, FeedColumns};

/// Connectors that have no columns of their own.
struct Plain;

impl Connectors for Plain {
    fn feed(
        &self,
        _: &str,
        _: &BTreeMap<String, String>,
    ) -> Result<Option<FeedColumns>, (Option<String>, String)> {
        Ok(None)
    }
}

fn read(text: &str) -> Result<Job, SqlError> {
    bind(text, &BTreeMap::new(), &Plain)
}

/// Every query that Flink judges is bound, but for those whose answer is that they are not.
#[test]
fn queries_of_the_judge_are_bound() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/flink");
    let tables = std::fs::read_to_string(format!("{folder}/tables.sql")).unwrap();
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(format!("{folder}/queries")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let stem = path.file_stem().unwrap().to_string_lossy();
        let differs = std::fs::read_to_string(format!("{folder}/differs/{stem}.csv"));
        if differs.is_ok_and(|answer| {
            answer.lines().nth(1).is_some_and(|line| line.starts_with("error: "))
        }) {
            continue;
        }
        let query = std::fs::read_to_string(&path).unwrap();
        let text = format!("{tables}\n{query}");
        if let Err(error) = read(&text) {
            wrong.push(format!("{name}: {}", error.with_text(&name, &text)));
        }
    }
    wrong.sort();
    assert!(wrong.is_empty(), "{} queries:\n{}", wrong.len(), wrong.join("\n"));
}

//! The examples of `docs/SQL.md`: each row of its tables of functions is run.

use std::collections::BTreeSet;

use tidewire_event::{DataType, Value};

use crate::functions::{Cast, cast, functions};
use crate::session::Session;

const DOCS: &str = include_str!("../../../docs/SQL.md");

/// A row of a table: what stands between its bars, without the marks of code.
fn rows() -> impl Iterator<Item = [String; 4]> {
    let tables = DOCS.split("## Functions\n").nth(1).unwrap();
    let rows = tables.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        // A bar in a cell is escaped.
        let line = line.trim_matches(['|', ' ']).replace("\\|", "\0");
        let cells = line.split(" | ").map(|cell| cell.trim_matches('`').replace('\0', "|"));
        cells.collect::<Vec<_>>().try_into().unwrap_or_else(|cells| panic!("{cells:?}"))
    })
}

#[test]
fn examples_are_true() {
    let session = Session::default();
    let mut wrong = Vec::new();
    for [_, _, example, result] in rows() {
        let value = crate::bind::bind_expr(&example, &session)
            .and_then(|expr| {
                let at = expr.at;
                cast(expr, &DataType::String, Cast::Cast, at, &session)
            })
            .map(|expr| match expr.as_literal() {
                Some(Value::Bytes(text)) => String::from_utf8_lossy(text).into_owned(),
                Some(Value::Null) => "NULL".to_owned(),
                // Functions without arguments are not folded.
                _ => match crate::compile::evaluate(&expr, &session) {
                    Ok(Value::Bytes(text)) => String::from_utf8_lossy(&text).into_owned(),
                    other => format!("{other:?}"),
                },
            });
        if value.as_ref() != Ok(&result) {
            wrong.push(format!("{example}: {value:?}, not {result}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_function_has_a_line() {
    // What is bound to other functions, or has a type for an argument.
    let others = ["NULLIF(a, b)", "CAST(value AS type)", "TRY_CAST(value AS type)"];
    let there: BTreeSet<_> = functions()
        // It is written as `row.field`.
        .filter(|function| function.name != "FIELD")
        .map(|function| function.usage)
        .chain(others)
        .map(str::to_owned)
        .collect();
    let documented: BTreeSet<_> = rows().map(|[usage, ..]| usage).collect();
    let missing: Vec<_> = there.difference(&documented).collect();
    let unknown: Vec<_> = documented.difference(&there).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing {missing:?}, unknown {unknown:?}");
}

//! Tables whose rows are examples: aggregates and what is refused in `docs/SQL.md`, differences in `docs/SEMANTICS.md`.
//! (Those of functions are run where functions are.)

use std::collections::BTreeSet;
use std::fs;

use tidewire_sql::aggregates;

use super::page::{Page, Sql};
use super::run::outcome_of;
use super::{HOW_TO_RENEW, is_renewing, root};

/// What the last column is called in tables of examples.
const GIVEN: [&str; 3] = ["result", "what is said", "here"];

/// Runs the examples of the tables under a heading of a page; `run` gives the last cell from the others.
fn check(page: &str, heading: &str, run: impl Fn(&Page, &[String]) -> String) -> Vec<Vec<String>> {
    let path = root().join(page);
    let text = fs::read_to_string(&path).unwrap();
    let page = Page::read(&text).unwrap();
    let (mut out, mut rows, mut wrong) = (String::new(), Vec::new(), Vec::new());
    let (mut is_here, mut is_given, mut before) = (false, false, "");
    for line in text.lines() {
        if line.starts_with("## ") || line.starts_with("### ") {
            is_here = line == heading;
        }
        if before.is_empty() {
            let last = line.trim_end_matches(" |").rsplit_once("| ").map(|(_, last)| last);
            is_given = last.is_some_and(|last| GIVEN.contains(&last));
        }
        before = line;
        let row = line.strip_prefix("| `").filter(|_| is_here && is_given);
        if let Some((cells, last)) =
            row.and_then(|row| row.trim_end_matches(" |").rsplit_once(" | "))
        {
            let cells: Vec<_> =
                cells.split(" | ").map(|cell| cell.trim_matches('`').replace("\\|", "|")).collect();
            let found = run(&page, &cells);
            if found != last.replace("\\|", "|") {
                wrong.push(format!("{}: {found}, not {last}", cells.join(", ")));
            }
            let head = line.trim_end_matches(" |").len() - last.len();
            out.extend([&line[..head], &found.replace('|', "\\|"), " |\n"]);
            rows.push(cells);
        } else {
            out.extend([line, "\n"]);
        }
    }
    if is_renewing() {
        fs::write(&path, out).unwrap();
        return rows;
    }
    assert!(wrong.is_empty(), "{}\n{HOW_TO_RENEW}", wrong.join("\n"));
    rows
}

pub(super) fn check_aggregates() {
    let rows = check("docs/SQL.md", "## Aggregate functions", |page, cells| {
        let text = format!(
            "SELECT {} AS x FROM TABLE(TUMBLE(TABLE numbers, DESCRIPTOR(ts), INTERVAL '10' SECOND)) \
             GROUP BY window_start, window_end",
            cells[3]
        );
        let shown = outcome_of(page, &Sql { tables: page.tables.clone(), text });
        let value = shown.strip_prefix("x\n").unwrap_or(&shown).trim_end();
        format!("`{}`", value.trim_matches('"'))
    });
    let is_of_over = |name: &&str| ["LAG", "ROW_NUMBER"].contains(name);
    let known: BTreeSet<_> = aggregates::names().filter(|name| !is_of_over(name)).collect();
    let is_name =
        |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_uppercase() || c == '_');
    let words = |usage: &'_ str| -> Vec<String> {
        usage
            .split(|c: char| !c.is_alphabetic() && c != '_')
            .filter(is_name)
            .map(str::to_owned)
            .collect()
    };
    let documented: BTreeSet<_> = rows.iter().flat_map(|cells| words(&cells[0])).collect();
    let documented: BTreeSet<_> = documented.iter().map(String::as_str).collect();
    assert_eq!(documented, known, "the table of aggregates has a line for each");
}

pub(super) fn check_refusals() {
    let rows = check("docs/SQL.md", "## What is not supported", |page, cells| {
        let sql = Sql { tables: page.tables.clone(), text: cells[0].clone() };
        in_one_line(&outcome_of(page, &sql))
    });
    assert!(rows.len() > 20, "the table of what is not supported was not found");
}

/// An error without its place.
fn in_one_line(error: &str) -> String {
    let problem = error.lines().next().unwrap_or_default();
    let problem = problem.rsplit_once("job.sql").map_or(problem, |(_, behind)| behind);
    let problem = problem.split_once(": ").map_or(problem, |(_, problem)| problem);
    let help = error.lines().find_map(|line| line.strip_prefix("  = "));
    let help = help.map_or_else(String::new, |help| format!(" ({help})"));
    format!("{problem}{help}")
}

pub(super) fn check_differences() {
    let heading = "### SQL, and where it differs from Flink";
    let rows = check("docs/SEMANTICS.md", heading, |page, cells| {
        let text = format!("SELECT CAST({} AS STRING) AS x", cells[0]);
        let shown = outcome_of(page, &Sql { tables: String::new(), text });
        match shown.strip_prefix("x\n") {
            Some("\"\"\n") => "NULL".to_owned(),
            Some(value) => {
                format!("`{}`", value.trim_end().trim_matches('"').replace("\"\"", "\""))
            }
            None => format!("error: {}", in_one_line(&shown)),
        }
    });
    assert!(rows.len() > 12, "the table of differences was not found");
}

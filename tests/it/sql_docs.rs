//! Every example of the documents runs, and gives what its page says; and the plans of the main ones are kept.
//!
//! Where something differs on purpose: `TIDEWIRE_RENEW=1 cargo test -p tidewire-tests --test it sql_docs` writes what comes
//! out now into the pages and the golden plans, and the difference is read before it is committed.

mod page;
mod run;
mod tables;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use self::page::{Page, Step, differences};
use self::run::{explained, outcome, read};

const HOW_TO_RENEW: &str = "if that is meant: TIDEWIRE_RENEW=1 cargo test -p tidewire-tests --test it sql_docs, and look at \
     what git diff says";

/// Who reads or writes pages.
static PAGES: Mutex<()> = Mutex::new(());

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn is_renewing() -> bool {
    std::env::var_os("TIDEWIRE_RENEW").is_some()
}

/// All pages, by their paths from the root.
fn pages() -> Vec<String> {
    let docs = fs::read_dir(root().join("docs")).unwrap();
    let names = docs.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut pages: Vec<_> =
        names.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")).collect();
    pages.push("README.md".to_owned());
    pages.sort();
    pages
}

#[test]
fn examples_give_what_their_page_says() {
    let _alone = PAGES.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for name in pages() {
        let path = root().join(&name);
        let text = fs::read_to_string(&path).unwrap();
        let page = Page::read(&text).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        let mut renewed = Vec::new();
        for step in &page.steps {
            match step {
                Step::Read { line, sql } => {
                    if let Err(problem) = read(&page, sql) {
                        wrong.push(format!("{name}:{line}: {problem}"));
                    }
                }
                Step::Compare { line, sql, is_explained, expected } => {
                    let found = match is_explained {
                        true => vec![explained(&page, sql)],
                        false => outcome(&page, sql, expected),
                    };
                    for (expected, found) in expected.iter().zip(found) {
                        compared += 1;
                        if expected.text != found {
                            let difference = differences(&expected.text, &found);
                            wrong.push(format!("{name}:{line}:\n{difference}"));
                            renewed.push((expected.lines.clone(), found));
                        }
                    }
                }
            }
        }
        if is_renewing() {
            fs::write(&path, page::renewed(&text, renewed)).unwrap();
        }
    }
    assert!(compared > 40, "only {compared} examples were found");
    let wrong = if is_renewing() { Vec::new() } else { wrong };
    assert!(
        wrong.is_empty(),
        "{} examples give something else ('-' the page, '+' what came out):\n{}\n{HOW_TO_RENEW}",
        wrong.len(),
        wrong.join("\n"),
    );
}

#[test]
fn tables_of_examples_are_true() {
    let _alone = PAGES.lock().unwrap_or_else(PoisonError::into_inner);
    tables::check_aggregates();
    tables::check_refusals();
    tables::check_differences();
}

#[test]
fn plans_are_the_golden_ones() {
    let folder = root().join("tests/golden/explain");
    let mut jobs: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    jobs.retain(|path| path.extension().is_some_and(|it| it == "sql"));
    jobs.sort();
    assert!(jobs.len() >= 6, "the golden plans were not found");
    let mut wrong = Vec::new();
    for job in jobs {
        let found = explained(&Page::default(), &fs::read_to_string(&job).unwrap());
        let kept = job.with_extension("txt");
        if is_renewing() {
            fs::write(&kept, &found).unwrap();
        }
        let expected = fs::read_to_string(&kept).unwrap_or_default();
        if expected != found {
            let name = job.file_name().unwrap().to_string_lossy().into_owned();
            wrong.push(format!("{name}:\n{}", differences(&expected, &found)));
        }
    }
    assert!(
        wrong.is_empty(),
        "these plans have changed ('-' golden, '+' now):\n{}\n{HOW_TO_RENEW}",
        wrong.join("\n"),
    );
}

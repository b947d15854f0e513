//! Every table of `docs/SEMANTICS.md` is a test.
//!
//! 1. The page says a job in words, then its events in the order of arrival, then its results ([`page`]). Nothing on it that
//!    looks like a job or a table of one is passed over.
//! 2. The job is run as a shard runs it ([`run`]), and what leaves is compared with the table, row by row, in order.
//! 3. Jobs of one source are also stopped after each event and gone on with from a snapshot, on one shard and on others.

mod job;
mod page;
mod run;

use self::page::{Block, Wrong};

const PAGE: &str = include_str!("../../../docs/SEMANTICS.md");
/// Fewer tables than these are not all that the page had.
const BLOCKS_MIN: usize = 60;

/// What is wrong with a page.
fn check(page: &str) -> Result<usize, Vec<Wrong>> {
    let blocks = page::blocks(page).map_err(|wrong| vec![wrong])?;
    let wrong: Vec<_> = blocks.iter().flat_map(check_block).collect();
    if wrong.is_empty() { Ok(blocks.len()) } else { Err(wrong) }
}

fn check_block(block: &Block) -> Vec<Wrong> {
    match job::run(block) {
        Ok(found) => block.compare(&found),
        Err(what) => vec![Wrong { line: block.line, what }],
    }
}

fn listed(wrong: &[Wrong]) -> String {
    wrong.iter().map(|it| format!("\ndocs/SEMANTICS.md:{}: {}", it.line, it.what)).collect()
}

#[test]
fn every_table_of_the_page_holds() {
    match check(PAGE) {
        Ok(blocks) => {
            assert!(blocks >= BLOCKS_MIN, "{blocks} jobs on the page, there were {BLOCKS_MIN}");
        }
        Err(wrong) => panic!("{}", listed(&wrong)),
    }
}

/// A page of one job.
const SMALL: &str = "\
**Job:** `tumbling 10 s, sum of value, watermark 2 s behind`

| event | time | key | value |
| --- | --- | --- | --- |
| 1 | 3 | A | 1 |
| 2 | 12 | B | 2 |

| after | result | start | end | key | value |
| --- | --- | --- | --- | --- | --- |
| 2 | complete | 0 | 10 | A | 1 |
| end | complete | 10 | 20 | B | 2 |
";

#[test]
fn a_table_that_is_wrong_is_found() {
    assert_eq!(check(SMALL), Ok(1));
    let row = "| 2 | complete | 0 | 10 | A | 1 |\n";
    let changes = [
        (row, "| 2 | complete | 0 | 10 | A | 2 |\n"),
        (row, "| 2 | complete | 0 | 10 | B | 1 |\n"),
        (row, "| 2 | complete | 0 | 11 | A | 1 |\n"),
        (row, "| 2 | complete | -1 | 10 | A | 1 |\n"),
        (row, "| 2 | early | 0 | 10 | A | 1 |\n"),
        (row, "| end | complete | 0 | 10 | A | 1 |\n"),
        (row, ""),
        ("| 2 | 12 | B | 2 |\n", "| 2 | 13 | C | 2 |\n"),
    ];
    for (from, to) in changes {
        assert!(SMALL.contains(from));
        assert!(check(&SMALL.replace(from, to)).is_err(), "{from:?} as {to:?}");
    }
    let (head, rows) = SMALL.split_at(SMALL.find(row).unwrap());
    let turned: String = rows.lines().rev().map(|row| format!("{row}\n")).collect();
    assert!(check(&(head.to_owned() + &turned)).is_err(), "rows in another order");
}

#[test]
fn what_can_not_be_read_names_its_line() {
    let changes = [
        ("tumbling", "tumbing", 1),
        ("sum of value", "sum of volume", 1),
        ("**Job:** `", "**Job** `", 3),
        ("| event |", "| events |", 8),
        ("| after |", "| afterwards |", 1),
        ("| time |", "| when |", 3),
        ("| 2 | 12 |", "| 3 | 12 |", 6),
        ("| 1 | 3 |", "| 1 | three |", 5),
        ("| 1 | 3 | A | 1 |", "| 1 | 3 | A |", 5),
        ("complete | 0 |", "complete | zero |", 10),
        ("complete | 0 |", "completed | 0 |", 10),
        ("| end | complete", "| 3 | complete", 11),
    ];
    for (from, to, line) in changes {
        assert!(SMALL.contains(from));
        let wrong = check(&SMALL.replacen(from, to, 1)).unwrap_err();
        assert_eq!(wrong[0].line, line, "{from:?} as {to:?}: {}", listed(&wrong));
    }
}

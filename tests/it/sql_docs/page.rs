//! The examples of a page, by what stands behind the opening fence of their blocks:
//!
//! 1. `json file=NAME`, or `csv`: a file that the examples of the page may read.
//! 2. `sql tables`: statements that stand before every example that follows.
//! 3. `sql`, and behind it `text`: a job, and what it prints. `text file=NAME` is what it writes to a file or a folder,
//!    `text counts` what it has counted; there may be several. A text that begins with `error: ` is the error.
//! 4. `sql explain`, and behind it `text`: a job, and its plan.
//! 5. `sql` with nothing behind it, or `sql no-run`: a job that is only read.

use std::ops::Range;

/// What a page has.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Files, by their names.
    pub(super) files: Vec<(String, String)>,
    /// Statements that stand before its last examples.
    pub(super) tables: String,
    pub(super) steps: Vec<Step>,
}

/// A job's text, and what stands before it.
#[derive(Debug, Clone, Default)]
pub(super) struct Sql {
    pub(super) tables: String,
    pub(super) text: String,
}

/// What is done with an example; `line` is where it stands.
#[derive(Debug)]
pub(super) enum Step {
    Read { line: usize, sql: Sql },
    Compare { line: usize, sql: Sql, is_explained: bool, expected: Vec<Expected> },
}

/// What an example should give.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) what: What,
    pub(super) text: String,
    /// The lines of the page that it takes, from 0.
    pub(super) lines: Range<usize>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    Printed,
    Counts,
    File(String),
}

struct Block<'p> {
    info: &'p str,
    text: String,
    lines: Range<usize>,
}

/// The fenced blocks of a page.
fn blocks(text: &str) -> Result<Vec<Block<'_>>, String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let mut text = String::new();
        let end = loop {
            match lines.next() {
                None => return Err(format!("the block of line {} has no end", at + 1)),
                Some((end, line)) if line.starts_with("```") => break end,
                Some((_, line)) => text.extend([line, "\n"]),
            }
        };
        blocks.push(Block { info: info.trim(), text, lines: at + 1..end });
    }
    Ok(blocks)
}

impl Page {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut page = Self::default();
        let mut blocks = blocks(text)?.into_iter().peekable();
        while let Some(block) = blocks.next() {
            let line = block.lines.start;
            let file = block.info.split_once(" file=").filter(|(kind, _)| *kind != "text");
            if let Some((_, name)) = file {
                page.files.push((name.to_owned(), block.text));
                continue;
            }
            let words: Vec<_> = block.info.split(' ').collect();
            let (first, how) = (words[0], words.get(1).copied());
            if first != "sql" {
                continue;
            }
            let sql = Sql { tables: page.tables.clone(), text: block.text };
            let mut expected = Vec::new();
            while let Some(block) = blocks.next_if(|block| block.info.starts_with("text")) {
                let what = match block.info {
                    "text" => What::Printed,
                    "text counts" => What::Counts,
                    info => match info.strip_prefix("text file=") {
                        Some(name) => What::File(name.to_owned()),
                        None => return Err(format!("there is no block '{info}'")),
                    },
                };
                expected.push(Expected { what, text: block.text, lines: block.lines });
            }
            match how {
                Some("tables") => {
                    page.tables.push_str(&sql.text);
                    page.steps.push(Step::Read { line, sql });
                }
                None | Some("explain") if !expected.is_empty() => {
                    let is_explained = how.is_some();
                    page.steps.push(Step::Compare { line, sql, is_explained, expected });
                }
                None | Some("no-run") => page.steps.push(Step::Read { line, sql }),
                Some(other) => return Err(format!("line {line}: there is no 'sql {other}'")),
            }
        }
        Ok(page)
    }
}

/// The page with other texts in place of some of its lines.
pub(super) fn renewed(text: &str, mut renewed: Vec<(Range<usize>, String)>) -> String {
    renewed.sort_by_key(|(lines, _)| lines.start);
    let lines: Vec<_> = text.lines().collect();
    let mut out = String::new();
    let mut from = 0;
    for (range, text) in renewed {
        lines[from..range.start].iter().for_each(|line| out.extend([line, "\n"]));
        out.push_str(&text);
        from = range.end;
    }
    lines[from..].iter().for_each(|line| out.extend([line, "\n"]));
    out
}

/// Both texts, each line marked with whose it is where only one has it there.
pub(super) fn differences(expected: &str, found: &str) -> String {
    let (a, b): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let rest = a.len().min(b.len()) - same;
    let same_behind =
        a.iter().rev().zip(b.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let marked = |lines: &[&str], mark: &str| {
        lines[same..lines.len() - same_behind]
            .iter()
            .map(|line| format!("  {mark} {line}\n"))
            .collect::<String>()
    };
    format!("{}{}", marked(&a, "-"), marked(&b, "+"))
}

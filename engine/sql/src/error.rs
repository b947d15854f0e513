//! Errors that point into the text.

use std::fmt;

/// A place in the text of a job: line and column count from 1. A place of line 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
    /// The column behind the last character, where it ends on the same line; else 0.
    pub end: u32,
}

impl Span {
    /// No place: what is not in the text.
    pub const NONE: Self = Self { line: 0, column: 0, end: 0 };
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// What is wrong with a job's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}{}", prefix(*at), suffix(help))]
pub struct SqlError {
    /// Where.
    pub at: Span,
    /// What.
    pub problem: String,
    /// What to do, or the nearest name that there is.
    pub help: Option<String>,
}

fn prefix(at: Span) -> String {
    if at == Span::NONE { String::new() } else { format!("{at}: ") }
}

fn suffix(help: &Option<String>) -> String {
    help.as_ref().map_or_else(String::new, |help| format!(" ({help})"))
}

impl SqlError {
    /// A problem at a place.
    pub fn new(at: Span, problem: impl Into<String>) -> Self {
        Self { at, problem: problem.into(), help: None }
    }

    /// The same, with what to do.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// The same, with the nearest of `names` to `name`, or all of them where they are few and none is near.
    #[must_use]
    pub fn nearest<'n>(self, name: &str, names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut names: Vec<_> = names.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        let distance =
            |other: &str| strsim::levenshtein(&name.to_lowercase(), &other.to_lowercase());
        let near = names.iter().min_by_key(|other| distance(other));
        match near.filter(|other| distance(other) <= 1 + name.len() / 3) {
            Some(other) => self.help(format!("did you mean {other}?")),
            None if !names.is_empty() && names.len() <= 20 => {
                self.help(format!("there is {}", names.join(", ")))
            }
            None => self,
        }
    }

    /// The error with its line of `text`, a mark under the piece, and the name of its file.
    #[must_use]
    pub fn with_text(&self, file: &str, text: &str) -> String {
        let Self { at, problem, help } = self;
        let mut shown = format!("{file}: {problem}");
        if let Some(line) =
            (at.line as usize).checked_sub(1).and_then(|line| text.lines().nth(line))
        {
            let number = at.line.to_string();
            let blank: String = line
                .chars()
                .take(at.column as usize - 1)
                .map(|c| if c == '\t' { c } else { ' ' })
                .collect();
            let marks = "^".repeat((at.end.saturating_sub(at.column)).max(1) as usize);
            let pad = " ".repeat(number.len());
            shown = format!(
                "{file}:{}:{}: {problem}\n{pad} |\n{number} | {line}\n{pad} | {blank}{marks}",
                at.line, at.column
            );
        }
        if let Some(help) = help {
            shown.push_str("\n  = ");
            shown.push_str(help);
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_its_line() {
        let at = Span { line: 2, column: 3, end: 6 };
        let error = SqlError::new(at, "no column 'pri'").nearest("pri", ["price", "symbol"]);
        assert_eq!(error.to_string(), "line 2, column 3: no column 'pri' (did you mean price?)");
        assert_eq!(
            error.with_text("job.sql", "SELECT\n  pri\nFROM t"),
            "job.sql:2:3: no column 'pri'\n  |\n2 |   pri\n  |   ^^^\n  = did you mean price?"
        );
    }
}

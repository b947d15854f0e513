//! What goes to the terminal: standard output for results, standard error for all else.
#![allow(clippy::print_stderr)]

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};
use tidewire::sql::{Count, Seen};
use tidewire_connect::rows::iso8601;
use tidewire_event::time::{DAY, WATERMARK_END, WATERMARK_NONE};
use tidewire_runtime::{Note, Observer, Progress};

/// Steps of a progress bar of which the end is known.
const STEPS: u64 = 10_000;

pub(crate) fn error(error: &impl Display) {
    eprintln!("tidewire: error: {error}");
}

pub(crate) fn warning(warning: &impl Display) {
    eprintln!("tidewire: warning: {warning}");
}

pub(crate) fn say(text: &impl Display) {
    eprintln!("{text}");
}

/// Writes to standard output. A reader that has gone away, as `head` does, is no error.
pub(crate) fn print(text: &str) -> io::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// `12,345,678`.
pub(crate) fn grouped(number: impl Display) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A span of ns in the unit that reads best.
pub(crate) fn nanoseconds(ns: u64) -> String {
    match ns {
        0..10_000 => format!("{ns} ns"),
        10_000..10_000_000 => format!("{:.1} us", ns as f64 / 1e3),
        10_000_000..10_000_000_000 => format!("{:.1} ms", ns as f64 / 1e6),
        _ => format!("{:.1} s", ns as f64 / 1e9),
    }
}

/// A table with its columns lined up: text to the left, numbers to the right.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).chain([header[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let mut text = String::new();
    let header: Vec<String> = header.iter().map(|&cell| cell.to_owned()).collect();
    for row in [&header].into_iter().chain(rows) {
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let cell =
                if at == 0 { format!("{cell:<width$}") } else { format!("  {cell:>width$}") };
            text.push_str(&cell);
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// How far a job is.
struct At {
    events: u64,
    seconds: f64,
    counts: Vec<Count>,
    watermark: i64,
    lag: Option<i64>,
}

/// How far a job is, in a line: of the counts those that are not zero, and the rows.
fn in_a_line(at: &At) -> String {
    let At { events, seconds, counts, watermark, lag } = at;
    let rate = (*events as f64 / seconds.max(1e-3)) as u64;
    let mut line = format!("{} events, {}/s", grouped(events), grouped(rate));
    for (what, count) in counts.iter().filter(|(what, count)| *count > 0 || *what == Seen::ROWS) {
        line.push_str(&format!(", {} {what}", grouped(count)));
    }
    line.push_str(", watermark ");
    line.push_str(&match *watermark {
        WATERMARK_NONE => "none".to_owned(),
        WATERMARK_END => "end".to_owned(),
        watermark => iso8601(watermark),
    });
    // Of a day that is played again the watermark is far behind, and that says nothing.
    if let Some(lag) = lag.filter(|lag| (0..DAY).contains(lag)) {
        line.push_str(&format!(", {} behind", nanoseconds(lag.unsigned_abs())));
    }
    line
}

/// A progress bar on standard error; silent where that is no terminal.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new() -> Self {
        if !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::no_length();
        Self::style(&bar, "{wide_msg}");
        Self(bar)
    }

    fn style(bar: &ProgressBar, template: &str) {
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
    }

    /// Shows how far a job is, with the counts of its tables where `seen` has some.
    pub(crate) fn show(&self, progress: &Progress, seen: Option<&Seen>) {
        if self.0.is_hidden() {
            return;
        }
        let fraction = progress.fraction_read();
        if let Some(fraction) = fraction {
            if self.0.length().is_none() {
                self.0.set_length(STEPS);
                Self::style(&self.0, "{bar:16} {percent:>3} %  {wide_msg} {eta} left");
            }
            self.0.set_position((fraction * STEPS as f64) as u64);
        }
        self.0.set_message(in_a_line(&At {
            events: progress.events(),
            seconds: self.0.elapsed().as_secs_f64(),
            counts: seen.map(Seen::look).unwrap_or_default(),
            watermark: progress.watermark(),
            // What is not live is not behind anything.
            lag: progress.lag().filter(|_| fraction.is_none()),
        }));
    }

    pub(crate) fn note(&self, note: &impl Display) {
        self.0.suspend(|| warning(note));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Observer for Bar {
    fn note(&mut self, note: Note) {
        Bar::note(self, &note);
    }

    fn progress(&mut self, progress: &Progress) {
        self.show(progress, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn the_line_has_the_rows_and_what_is_not_zero() {
        let counts = vec![(Seen::ROWS, 0), ("late", 0), ("gaps", 1_200)];
        let mut at =
            At { events: 5_000, seconds: 2.0, counts, watermark: WATERMARK_NONE, lag: None };
        assert_eq!(in_a_line(&at), "5,000 events, 2,500/s, 0 rows, 1,200 gaps, watermark none");
        (at.watermark, at.lag) = (1_700_000_000_000_000_000, Some(1_500_000));
        let expected = "5,000 events, 2,500/s, 0 rows, 1,200 gaps, watermark 2023-11-14T22:13:20.000000000Z, 1500.0 us behind";
        assert_eq!(in_a_line(&at), expected);
        at.lag = Some(400 * DAY);
        assert!(in_a_line(&at).ends_with("Z"));
    }

    #[test]
    fn columns_line_up() {
        let rows = [vec!["a".to_owned(), "10".to_owned()], vec!["bcd".to_owned(), "9".to_owned()]];
        assert_eq!(table(&["name", "n"], &rows), "name   n\na     10\nbcd    9\n");
    }
}

//! What goes to the terminal: standard output for results, standard error for all else.
#![allow(clippy::print_stderr)]

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};
use tidewire_connect::rows::iso8601;
use tidewire_event::time::{WATERMARK_END, WATERMARK_NONE};
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

/// A progress bar on standard error; silent where that is no terminal.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new() -> Self {
        if !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(STEPS);
        let template = "{bar:16} {percent:>3} %  {wide_msg} {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    pub(crate) fn show(&self, progress: &Progress) {
        if self.0.is_hidden() {
            return;
        }
        if let Some(fraction) = progress.fraction_read() {
            self.0.set_position((fraction * STEPS as f64) as u64);
        }
        let events = progress.events();
        let seconds = self.0.elapsed().as_secs_f64().max(1e-3);
        let watermark = match progress.watermark() {
            WATERMARK_NONE => "none".to_owned(),
            WATERMARK_END => "end".to_owned(),
            watermark => iso8601(watermark),
        };
        let rate = grouped((events as f64 / seconds) as u64);
        self.0.set_message(format!("{} events, {rate}/s, watermark {watermark}", grouped(events)));
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
        self.show(progress);
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
    fn columns_line_up() {
        let rows = [vec!["a".to_owned(), "10".to_owned()], vec!["bcd".to_owned(), "9".to_owned()]];
        assert_eq!(table(&["name", "n"], &rows), "name   n\na     10\nbcd    9\n");
    }
}

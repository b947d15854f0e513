//! Rows as they are shown: as CSV with a header in a pipe, as a table on a terminal.

use std::io::Write;

use super::csv_text::{CsvOptions, CsvText};
use super::line_writer::{Cells, LineWriter, Lines, STANDARD_OUTPUT, broken};
use super::{Columns, TableError, TableWriter};

/// How many rows are looked at before the first is shown, to know how wide the columns are.
const LOOKED_AT_ROWS: usize = 20;

/// Writes rows as CSV with a header to `out`, which should have a buffer. It stands for standard output: what several
/// write has one order.
pub fn csv(out: impl Write + Send + 'static, columns: &Columns) -> Box<dyn TableWriter> {
    let text = CsvText::new(CsvOptions::default(), columns);
    let lines = Csv { has_header: false, text };
    Box::new(LineWriter::new(lines, Box::new(out), STANDARD_OUTPUT))
}

/// Writes rows as a table to `out`, which stands for standard output and whose columns are as wide as the first rows need. A wider value moves those right of
/// it.
pub fn table(out: impl Write + Send + 'static, columns: &Columns) -> Box<dyn TableWriter> {
    let names: Vec<_> = columns.columns.iter().map(|it| it.field.name.clone()).collect();
    let is_number = columns.columns.iter().map(|it| it.field.ty.is_numeric()).collect();
    let widths = names.iter().map(|name| name.chars().count()).collect();
    let cells = Cells::new(columns);
    let lines = Aligned { cells, names, is_number, widths, held: Some(Vec::new()) };
    Box::new(LineWriter::new(lines, Box::new(out), STANDARD_OUTPUT))
}

struct Csv {
    text: CsvText,
    has_header: bool,
}

impl Csv {
    fn header(&mut self, out: &mut String) {
        if !self.has_header {
            out.push_str(&self.text.header().unwrap_or_default());
            self.has_header = true;
        }
    }
}

impl Lines for Csv {
    fn row(&mut self, row: &[u8], out: &mut String) -> Result<(), TableError> {
        self.header(out);
        out.push_str(self.text.line_shown(row).map_err(|_| broken())?);
        Ok(())
    }

    fn finish(&mut self, out: &mut String) {
        self.header(out);
    }
}

struct Aligned {
    cells: Cells,
    names: Vec<String>,
    is_number: Vec<bool>,
    widths: Vec<usize>,
    /// Rows that are not shown yet; none once the first is.
    held: Option<Vec<Vec<String>>>,
}

impl Aligned {
    fn line(&self, texts: &[String], out: &mut String) {
        for (at, text) in texts.iter().enumerate() {
            out.push_str(if at > 0 { " | " } else { " " });
            let blanks = self.widths[at].saturating_sub(text.chars().count());
            let (before, behind) = if self.is_number[at] { (blanks, 0) } else { (0, blanks) };
            out.extend(std::iter::repeat_n(' ', before));
            out.push_str(text);
            if at + 1 < texts.len() {
                out.extend(std::iter::repeat_n(' ', behind));
            }
        }
        out.push('\n');
    }

    /// Shows the header and what was held.
    fn release(&mut self, out: &mut String) {
        let Some(held) = self.held.take() else { return };
        for row in &held {
            for (width, text) in self.widths.iter_mut().zip(row) {
                *width = text.chars().count().max(*width);
            }
        }
        self.line(&self.names, out);
        for (at, width) in self.widths.iter().enumerate() {
            out.push_str(if at > 0 { "+" } else { "" });
            out.extend(std::iter::repeat_n('-', width + 2));
        }
        out.push('\n');
        held.iter().for_each(|row| self.line(row, out));
    }
}

impl Lines for Aligned {
    fn row(&mut self, row: &[u8], out: &mut String) -> Result<(), TableError> {
        let mut texts = Vec::with_capacity(self.cells.len());
        for at in 0..self.cells.len() {
            let mut text = String::new();
            self.cells.write(row, at, &mut text)?;
            // A line of the table is one line.
            if text.contains(char::is_control) {
                text = text.escape_debug().to_string();
            }
            texts.push(text);
        }
        match &mut self.held {
            None => self.line(&texts, out),
            Some(held) => {
                held.push(texts);
                if held.len() == LOOKED_AT_ROWS {
                    self.release(out);
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut String) {
        self.release(out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Shared, sample, sample_row};
    use super::*;

    #[test]
    fn a_pipe_gets_csv() {
        let columns = sample();
        let shared = Shared::default();
        let mut csv = csv(shared.clone(), &columns);
        csv.row(&sample_row(&columns, 7, Some("a, \"b\""))).unwrap();
        csv.row(&sample_row(&columns, -1, None)).unwrap();
        csv.finish().unwrap();
        assert_eq!(
            shared.text(),
            "n,text,price,at,items\n\
             7,\"a, \"\"b\"\"\",0.07,1970-01-01 00:00:00.007,\"[7, NULL]\"\n\
             -1,,-0.01,1969-12-31 23:59:59.999,\"[-1, NULL]\"\n"
        );
    }

    #[test]
    fn a_terminal_gets_a_table() {
        let columns = sample();
        let shared = Shared::default();
        let mut table = table(shared.clone(), &columns);
        table.row(&sample_row(&columns, 7, Some("line\nbreak"))).unwrap();
        table.row(&sample_row(&columns, -100, None)).unwrap();
        assert_eq!(shared.text(), "", "not before the widths are known");
        for number in 2..=LOOKED_AT_ROWS {
            table.row(&sample_row(&columns, number as i64, Some("wider than before"))).unwrap();
        }
        table.finish().unwrap();
        let text = shared.text();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2 + 1 + LOOKED_AT_ROWS);
        assert_eq!(lines[0], "    n | text              | price | at                      | items");
        assert_eq!(
            lines[1],
            "------+-------------------+-------+-------------------------+--------------"
        );
        assert_eq!(
            lines[2],
            "    7 | line\\nbreak       |  0.07 | 1970-01-01 00:00:00.007 | [7, NULL]"
        );
        assert_eq!(
            lines[3],
            " -100 | NULL              | -1.00 | 1969-12-31 23:59:59.900 | [-100, NULL]"
        );
    }

    #[test]
    fn no_rows_are_a_header() {
        let columns = sample();
        let shared = Shared::default();
        csv(shared.clone(), &columns).finish().unwrap();
        table(shared.clone(), &columns).finish().unwrap();
        assert_eq!(
            shared.text(),
            "n,text,price,at,items\n n | text | price | at | items\n---+------+-------+----+-------\n"
        );
    }
}

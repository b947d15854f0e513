//! Tables whose rows go to a stream of text, where nothing can be taken back: printed, shown, or only counted. They take
//! part in snapshots without a promise: what was written after the last one is written again.

use std::io::{self, Write};

use tidewire_event::{DataType, Slot, Value};

use super::text::write_plain;
use super::{Columns, Options, TableError, TableWriter};

/// Where lines go.
pub(super) type Out = Box<dyn Write + Send>;

/// The streams of the program.
pub(super) const STANDARD_OUTPUT: &str = "standard output";
const STANDARD_ERROR: &str = "standard error";

/// What makes lines of rows.
pub(super) trait Lines: Send {
    /// Takes a row, and appends the lines that are complete by it.
    fn row(&mut self, row: &[u8], out: &mut String) -> Result<(), TableError>;

    /// Appends what is left.
    fn finish(&mut self, out: &mut String) {
        let _ = out;
    }
}

/// Writes the lines that an `L` makes.
pub(super) struct LineWriter<L> {
    lines: L,
    out: Out,
    stream: &'static str,
    text: String,
}

pub(super) fn failed(error: io::Error) -> TableError {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return TableError::Closed;
    }
    TableError::Output { place: "the output".to_owned(), problem: error.to_string() }
}

/// A row that is none of its columns.
pub(super) fn broken() -> TableError {
    let problem = "a row whose bytes are no values of its columns".to_owned();
    TableError::Output { place: "the output".to_owned(), problem }
}

impl<L: Lines> LineWriter<L> {
    /// Writes to `out`, which is that stream of the program.
    pub(super) fn new(lines: L, out: Out, stream: &'static str) -> Self {
        Self { lines, out, stream, text: String::new() }
    }

    fn write(&mut self) -> Result<(), TableError> {
        let written = self.out.write_all(self.text.as_bytes()).map_err(failed);
        self.text.clear();
        written
    }
}

impl<L: Lines> TableWriter for LineWriter<L> {
    fn stream(&self) -> Option<&'static str> {
        Some(self.stream)
    }

    fn row(&mut self, row: &[u8]) -> Result<(), TableError> {
        self.lines.row(row, &mut self.text)?;
        self.write()
    }

    fn prepare(&mut self, _: u64) -> Result<Option<Vec<u8>>, TableError> {
        self.out.flush().map_err(failed)?;
        Ok(Some(Vec::new()))
    }

    fn commit(&mut self, _: u64) -> Result<(), TableError> {
        Ok(())
    }

    fn restore(&mut self, _: &[u8]) -> Result<(), TableError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), TableError> {
        self.lines.finish(&mut self.text);
        self.write()?;
        self.out.flush().map_err(failed)
    }
}

/// The columns of rows that people read.
#[derive(Debug, Clone)]
pub(super) struct Cells {
    columns: Vec<(DataType, Slot)>,
}

impl Cells {
    pub(super) fn new(columns: &Columns) -> Self {
        let typed = columns.columns.iter().zip(columns.layout.slots());
        Self { columns: typed.map(|(column, slot)| (column.field.ty.clone(), *slot)).collect() }
    }

    /// Appends the text of a column of a row.
    pub(super) fn write(&self, row: &[u8], at: usize, out: &mut String) -> Result<(), TableError> {
        let (ty, slot) = &self.columns[at];
        let value = Value::read(row, slot, ty);
        let written = value.and_then(|value| write_plain(&value, ty, out).ok());
        written.ok_or_else(broken)
    }

    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }
}

/// `+I[1, a, NULL]` for each row, as Flink prints them.
struct Printed {
    cells: Cells,
    prefix: String,
}

impl Lines for Printed {
    fn row(&mut self, row: &[u8], out: &mut String) -> Result<(), TableError> {
        out.push_str(&self.prefix);
        out.push_str("+I[");
        for at in 0..self.cells.len() {
            out.push_str(if at > 0 { ", " } else { "" });
            self.cells.write(row, at, out)?;
        }
        out.push_str("]\n");
        Ok(())
    }
}

/// The writer of `'connector' = 'print'`: `print-identifier` stands before each row, `standard-error` says where to.
pub(super) fn print(
    mut options: Options,
    columns: &Columns,
) -> Result<Box<dyn TableWriter>, TableError> {
    let prefix = options.take("print-identifier");
    let to_error = options.flag("standard-error")?.unwrap_or(false);
    options.finish()?;
    let (out, stream): (Out, _) = match to_error {
        true => (Box::new(io::stderr()), STANDARD_ERROR),
        false => (Box::new(io::stdout()), STANDARD_OUTPUT),
    };
    Ok(print_to(out, stream, prefix, columns))
}

fn print_to(
    out: Out,
    stream: &'static str,
    prefix: Option<String>,
    columns: &Columns,
) -> Box<dyn TableWriter> {
    let prefix = prefix.map(|it| format!("{it}> ")).unwrap_or_default();
    let lines = Printed { cells: Cells::new(columns), prefix };
    Box::new(LineWriter::new(lines, out, stream))
}

/// The writer of `'connector' = 'blackhole'`: counts rows and forgets them.
#[derive(Debug, Default)]
struct Blackhole {
    rows: u64,
}

/// The writer of a blackhole.
pub(super) fn blackhole(options: Options) -> Result<Box<dyn TableWriter>, TableError> {
    options.finish()?;
    Ok(Box::new(Blackhole::default()))
}

impl TableWriter for Blackhole {
    fn row(&mut self, _: &[u8]) -> Result<(), TableError> {
        self.rows += 1;
        Ok(())
    }

    /// The count is all that there is.
    fn prepare(&mut self, _: u64) -> Result<Option<Vec<u8>>, TableError> {
        Ok(Some(self.rows.to_le_bytes().to_vec()))
    }

    fn commit(&mut self, _: u64) -> Result<(), TableError> {
        Ok(())
    }

    fn restore(&mut self, prepared: &[u8]) -> Result<(), TableError> {
        let rows = if prepared.is_empty() { Ok([0; 8]) } else { prepared.try_into() };
        let rows = rows.map_err(|_| TableError::Output {
            place: "blackhole".to_owned(),
            problem: "the snapshot's account of the output can not be read".to_owned(),
        })?;
        self.rows = u64::from_le_bytes(rows);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), TableError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Shared, sample, sample_row};
    use super::*;

    #[test]
    fn rows_are_printed_as_flink_does() {
        let columns = sample();
        let shared = Shared::default();
        let out = Box::new(shared.clone());
        let mut print = print_to(out, STANDARD_OUTPUT, Some("out".to_owned()), &columns);
        print.row(&sample_row(&columns, 7, Some("a, b"))).unwrap();
        print.row(&sample_row(&columns, -1, None)).unwrap();
        print.finish().unwrap();
        assert_eq!(
            shared.text(),
            "out> +I[7, a, b, 0.07, 1970-01-01 00:00:00.007, [7, NULL]]\n\
             out> +I[-1, NULL, -0.01, 1969-12-31 23:59:59.999, [-1, NULL]]\n"
        );
    }

    #[test]
    fn a_blackhole_keeps_its_count() {
        let mut hole = Blackhole::default();
        hole.row(&[]).unwrap();
        hole.row(&[]).unwrap();
        let prepared = hole.prepare(1).unwrap().unwrap();
        let mut other = Blackhole::default();
        other.restore(&prepared).unwrap();
        assert_eq!(other.rows, 2);
        assert!(other.restore(&[1]).is_err());
        other.restore(&[]).unwrap();
        assert_eq!(other.rows, 0);
    }
}

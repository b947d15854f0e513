//! Standard output as a table: `'connector' = 'stdout'`. A row is a line. Nothing that is written can be taken back: see
//! [`line_writer`](super::line_writer).

use std::io;

use super::line_writer::{Out, STANDARD_OUTPUT, failed};
use super::message::{MessageEncoder, encoder};
use super::{Columns, Options, TableError, TableWriter};

/// The writer of the table.
pub(super) fn writer(
    options: Options,
    columns: &Columns,
) -> Result<Box<dyn TableWriter>, TableError> {
    writer_to(Box::new(io::stdout()), options, columns)
}

fn writer_to(
    out: Out,
    mut options: Options,
    columns: &Columns,
) -> Result<Box<dyn TableWriter>, TableError> {
    let encoder = encoder(&mut options, columns)?;
    options.finish()?;
    Ok(Box::new(Stdout { encoder, out, line: Vec::new(), without: 0 }))
}

struct Stdout {
    encoder: Box<dyn MessageEncoder>,
    out: Out,
    line: Vec<u8>,
    /// Rows that have no message.
    without: u64,
}

impl TableWriter for Stdout {
    fn stream(&self) -> Option<&'static str> {
        Some(STANDARD_OUTPUT)
    }

    fn row(&mut self, row: &[u8]) -> Result<(), TableError> {
        let Self { encoder, out, line, without } = self;
        let message = encoder.encode(row).map_err(|bad| TableError::Output {
            place: STANDARD_OUTPUT.to_owned(),
            problem: bad.problem,
        })?;
        let Some(message) = message else {
            *without += 1;
            return Ok(());
        };
        line.clear();
        line.extend_from_slice(message);
        line.push(b'\n');
        out.write_all(line).map_err(failed)
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
        self.out.flush().map_err(failed)
    }

    fn troubles(&self) -> Vec<(String, u64)> {
        let some = (self.without > 0).then_some(self.without);
        some.map(|count| ("rows not written: their value is NULL".to_owned(), count))
            .into_iter()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use tidewire_event::{DataType, Value};

    use super::super::testing::{Shared, columns, options, row_of};
    use super::*;

    #[test]
    fn rows_are_lines_of_their_format() {
        let json = columns(&[("n", DataType::Int), ("s", DataType::String)]);
        let shared = Shared::default();
        let format = options("stdout", &[("format", "json")]);
        let mut writer = writer_to(Box::new(shared.clone()), format, &json).unwrap();
        writer.row(&row_of(&json, &[Value::Int(1), Value::text("a")])).unwrap();
        writer.finish().unwrap();
        assert_eq!(shared.text(), "{\"n\":1,\"s\":\"a\"}\n");

        let raw = columns(&[("s", DataType::String)]);
        let shared = Shared::default();
        let format = options("stdout", &[("format", "raw")]);
        let mut writer = writer_to(Box::new(shared.clone()), format, &raw).unwrap();
        writer.row(&row_of(&raw, &[Value::Null])).unwrap();
        writer.row(&row_of(&raw, &[Value::text("b")])).unwrap();
        assert_eq!(shared.text(), "b\n");
        assert_eq!(writer.troubles(), [("rows not written: their value is NULL".to_owned(), 1)]);
    }
}

//! CSV and JSON lines as output.

use std::fmt;
use std::fs::File;
use std::io;

use tidewire_event::{DataType, Slot, Value};

use super::super::csv_text::{CsvOptions, CsvText, check};
use super::super::text::{Scalar, is_nested};
use super::super::{Columns, Options, TableError};
use super::files::Compression;
use super::json_reader::JsonOptions;
use super::json_value::{write, write_scalar, write_string};
use super::out::TextFile;
use super::sink::RowFormat;

/// CSV. With `csv.header` each file begins with the names of the columns.
pub(super) struct CsvFormat {
    text: CsvText,
    compression: Compression,
}

impl CsvFormat {
    pub(super) fn new(
        options: &mut Options,
        columns: &Columns,
        compression: Compression,
    ) -> Result<Self, TableError> {
        check(columns)?;
        Ok(Self { text: CsvText::new(CsvOptions::take(options)?, columns), compression })
    }
}

impl RowFormat for CsvFormat {
    type File = TextFile;

    fn begin(&self, file: File) -> io::Result<TextFile> {
        let mut file = TextFile::new(file, self.compression)?;
        if let Some(header) = self.text.header() {
            file.write(&header)?;
        }
        Ok(file)
    }

    fn row(&mut self, file: &mut TextFile, row: &[u8]) -> io::Result<()> {
        file.write(self.text.line(row).map_err(no_form)?)
    }
}

fn no_form(_: fmt::Error) -> io::Error {
    let problem = "a value that has no form here: a NULL key of a MAP, or a broken row";
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

/// JSON lines.
pub(super) struct JsonFormat {
    options: JsonOptions,
    /// Each with its name as JSON writes it.
    columns: Vec<(String, DataType, Slot)>,
    compression: Compression,
    line: String,
}

impl JsonFormat {
    pub(super) fn new(
        options: &mut Options,
        columns: &Columns,
        compression: Compression,
    ) -> Result<Self, TableError> {
        let options = JsonOptions::take(options)?;
        let typed = columns.columns.iter().zip(columns.layout.slots());
        let columns = typed.map(|(column, slot)| {
            let mut name = String::new();
            write_string(&column.field.name, &mut name);
            (name, column.field.ty.clone(), *slot)
        });
        Ok(Self { options, columns: columns.collect(), compression, line: String::new() })
    }

    fn write_line(&mut self, row: &[u8]) -> fmt::Result {
        let Self { options, columns, line, .. } = self;
        line.clear();
        line.push('{');
        for (name, ty, slot) in columns {
            let is_null = slot.is_null(row);
            if is_null && options.without_null {
                continue;
            }
            if line.len() > 1 {
                line.push(',');
            }
            line.push_str(name);
            line.push(':');
            if is_null {
                line.push_str("null");
            } else if is_nested(ty) {
                let value = Value::of_bytes(slot.text(row), ty).ok_or(fmt::Error)?;
                write(&value, ty, options.between, line)?;
            } else {
                write_scalar(Scalar::of_row(row, slot), ty, options.between, line)?;
            }
        }
        line.push_str("}\n");
        Ok(())
    }
}

impl RowFormat for JsonFormat {
    type File = TextFile;

    fn begin(&self, file: File) -> io::Result<TextFile> {
        TextFile::new(file, self.compression)
    }

    fn row(&mut self, file: &mut TextFile, row: &[u8]) -> io::Result<()> {
        self.write_line(row).map_err(no_form)?;
        file.write(&self.line)
    }
}

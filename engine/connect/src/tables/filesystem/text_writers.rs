//! CSV and JSON lines as output.

use std::fmt;
use std::fs::File;
use std::io;

use super::super::csv_text::{CsvOptions, CsvText, check};
use super::super::json_row::JsonOptions;
use super::super::json_text::JsonText;
use super::super::message::NO_FORM;
use super::super::{Columns, Options, TableError};
use super::files::Compression;
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
    io::Error::new(io::ErrorKind::InvalidData, NO_FORM)
}

/// JSON lines.
pub(super) struct JsonFormat {
    text: JsonText,
    compression: Compression,
}

impl JsonFormat {
    pub(super) fn new(
        options: &mut Options,
        columns: &Columns,
        compression: Compression,
    ) -> Result<Self, TableError> {
        Ok(Self { text: JsonText::new(JsonOptions::take(options)?, columns), compression })
    }
}

impl RowFormat for JsonFormat {
    type File = TextFile;

    fn begin(&self, file: File) -> io::Result<TextFile> {
        TextFile::new(file, self.compression)
    }

    fn row(&mut self, file: &mut TextFile, row: &[u8]) -> io::Result<()> {
        file.write(self.text.line(row).map_err(no_form)?)
    }
}

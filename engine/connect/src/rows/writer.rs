//! The writer of rows.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::new_file::{NewFile, SealedFile};

/// CSV with a header, or a JSON object for each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFormat {
    /// Comma-separated values with a header line (RFC 4180, lines end with LF).
    Csv,
    /// JSON lines.
    Json,
}

/// Why rows could not be written.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// The name does not say the format.
    #[error("{}: the name must end in .csv or .jsonl", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The folder has parts of another run.
    #[error(
        "{} already holds parts of an output: take an empty folder, or go on from a snapshot with --restore",
        folder.display()
    )]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder has parts, and there is no snapshot that they belong to.
    #[error(
        "{} holds committed parts, and there is no snapshot to go on from: take an empty folder",
        folder.display()
    )]
    WithoutSnapshot {
        /// The folder.
        folder: PathBuf,
    },
    /// What a snapshot says of the output can not be read.
    #[error("the snapshot's account of the output can not be read")]
    Account,
    /// The file can not be written.
    #[error("can not write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A field of a row.
#[derive(Debug, Clone, Copy)]
pub enum Field<'a> {
    /// Text.
    Text(&'a str),
    /// A number, as its digits: it is not quoted in JSON.
    Number(&'a str),
    /// Nothing: an empty field in CSV, null in JSON.
    Null,
}

/// Writes rows to a file that appears when it is finished.
pub struct RowWriter {
    columns: &'static [&'static str],
    out: Out,
    file: NewFile,
}

enum Out {
    Csv(Box<csv::Writer<File>>),
    Json(BufWriter<File>),
}

impl Out {
    /// The file, with all that was buffered in it.
    fn into_file(self) -> io::Result<File> {
        match self {
            Self::Csv(csv) => csv.into_inner().map_err(|error| error.into_error()),
            Self::Json(out) => out.into_inner().map_err(io::IntoInnerError::into_error),
        }
    }
}

impl RowFormat {
    /// How files of this format end.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "jsonl",
        }
    }

    /// The format that the name of a file asks for.
    ///
    /// # Errors
    /// It ends neither in `.csv` nor in `.jsonl`.
    pub fn of(path: &Path) -> Result<Self, RowError> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("csv") => Ok(Self::Csv),
            Some("jsonl") => Ok(Self::Json),
            _ => Err(RowError::UnknownFormat { path: path.to_owned() }),
        }
    }
}

impl RowWriter {
    /// A writer of rows with these columns to the file at `path`.
    ///
    /// # Errors
    /// The name does not say the format, or the file can not be made.
    pub fn create(path: &Path, columns: &'static [&'static str]) -> Result<Self, RowError> {
        let format = RowFormat::of(path)?;
        Self::over(path, NewFile::create(path), columns, format, true)
    }

    /// A writer of a part of an output: only the first has a header.
    ///
    /// # Errors
    /// The file can not be made.
    pub fn create_part(
        path: &Path,
        columns: &'static [&'static str],
        format: RowFormat,
        is_first: bool,
    ) -> Result<Self, RowError> {
        Self::over(path, NewFile::create_alone(path), columns, format, is_first)
    }

    fn over(
        path: &Path,
        file: io::Result<(NewFile, File)>,
        columns: &'static [&'static str],
        format: RowFormat,
        has_header: bool,
    ) -> Result<Self, RowError> {
        let failed = |source| RowError::Write { path: path.to_owned(), source };
        let (new_file, file) = file.map_err(failed)?;
        let out = match format {
            RowFormat::Csv => {
                let mut csv = csv::Writer::from_writer(file);
                if has_header {
                    csv.write_record(columns).map_err(|error| failed(error.into()))?;
                }
                Out::Csv(Box::new(csv))
            }
            RowFormat::Json => Out::Json(BufWriter::new(file)),
        };
        Ok(Self { columns, out, file: new_file })
    }

    /// Writes a row: a field for each column.
    ///
    /// # Errors
    /// The file can not be written.
    pub fn row(&mut self, fields: &[Field<'_>]) -> Result<(), RowError> {
        debug_assert_eq!(fields.len(), self.columns.len());
        let written = match &mut self.out {
            Out::Csv(csv) => {
                let texts = fields.iter().map(|field| match field {
                    Field::Text(text) | Field::Number(text) => text,
                    Field::Null => "",
                });
                csv.write_record(texts).map_err(io::Error::from)
            }
            Out::Json(out) => json_line(out, self.columns, fields),
        };
        written.map_err(|source| RowError::Write { path: self.file.path().to_owned(), source })
    }

    /// Writes what is buffered to the disk, and gives the file its name.
    ///
    /// # Errors
    /// The file can not be written or renamed.
    pub fn finish(self) -> Result<(), RowError> {
        let path = self.file.path().to_owned();
        let finished = self.out.into_file().and_then(|file| self.file.finish(&file));
        finished.map_err(|source| RowError::Write { path, source })
    }

    /// Writes what is buffered to the disk; the file gets its name later.
    ///
    /// # Errors
    /// The file can not be written.
    pub fn seal(self) -> Result<SealedFile, RowError> {
        let path = self.file.path().to_owned();
        let sealed = self.out.into_file().and_then(|file| self.file.seal(&file));
        sealed.map_err(|source| RowError::Write { path, source })
    }
}

fn json_line(out: &mut impl Write, columns: &[&str], fields: &[Field<'_>]) -> io::Result<()> {
    for (at, (column, field)) in columns.iter().zip(fields).enumerate() {
        write!(out, "{}\"{column}\":", if at == 0 { '{' } else { ',' })?;
        match field {
            Field::Text(text) => serde_json::to_writer(&mut *out, text)?,
            Field::Number(digits) => out.write_all(digits.as_bytes())?,
            Field::Null => out.write_all(b"null")?,
        }
    }
    out.write_all(b"}\n")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn written(name: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let mut writer = RowWriter::create(&path, &["name", "price"]).unwrap();
        writer.row(&[Field::Text("a \"b\", c"), Field::Number("1.50")]).unwrap();
        writer.row(&[Field::Text("d"), Field::Null]).unwrap();
        assert!(!path.exists(), "not before it is finished");
        writer.finish().unwrap();
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn csv_and_json() {
        assert_eq!(written("rows.csv"), "name,price\n\"a \"\"b\"\", c\",1.50\nd,\n");
        assert_eq!(
            written("rows.jsonl"),
            "{\"name\":\"a \\\"b\\\", c\",\"price\":1.50}\n{\"name\":\"d\",\"price\":null}\n"
        );
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        drop(RowWriter::create(&path, &["a"]).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn other_names_are_refused() {
        let error = RowWriter::create(Path::new("rows.txt"), &["a"]).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), "rows.txt: the name must end in .csv or .jsonl");
    }
}

//! Tables in files: `'connector' = 'filesystem'`.
//!
//! A table may be read and written with the same options, so each side takes the options of both.

mod files;
mod plan;
mod reader;
mod csv_reader;
mod json_reader;
mod out;
mod sink;
mod text_writers;
#[cfg(feature = "parquet")]
mod parquet_reader;
#[cfg(feature = "parquet")]
mod parquet_writer;
#[cfg(test)]
mod tests;

use std::path::Path;

use self::csv_reader::CsvReader;
use self::files::Compression;
use self::json_reader::JsonReader;
use self::reader::Files;
use self::sink::FileSink;
use self::text_writers::{CsvFormat, JsonFormat};
use super::{Columns, OptionError, Options, TableError, TableReader, TableWriter};

#[cfg(feature = "parquet")]
const FORMATS: &str = "csv, json or parquet";
#[cfg(not(feature = "parquet"))]
const FORMATS: &str = "csv or json; parquet is a feature that was left out of this build";
const COMPRESSION: &str = "sink.compression";

/// The options that every format has.
struct Place {
    path: String,
    format: String,
    compression: Option<String>,
}

impl Place {
    fn take(options: &mut Options) -> Result<Self, OptionError> {
        Ok(Self {
            path: options.need("path", "a file, a folder, or a pattern such as day-*.csv")?,
            format: options.need("format", FORMATS)?,
            compression: options.take(COMPRESSION),
        })
    }

    /// How text is packed.
    fn of_text(&self) -> Result<Compression, OptionError> {
        match self.compression.as_deref() {
            Some("none") => Ok(Compression::None),
            Some("gzip") => Ok(Compression::Gzip),
            Some("zstd") => Ok(Compression::Zstd),
            Some(other) => Err(OptionError::value(COMPRESSION, other, "none, gzip or zstd")),
            None if sink::is_file(&self.path) => Ok(Compression::of(Path::new(&self.path))),
            None => Ok(Compression::None),
        }
    }
}

/// The readers of a table.
pub(super) fn readers(
    mut options: Options,
    columns: &Columns,
) -> Result<Vec<Box<dyn TableReader>>, TableError> {
    let place = Place::take(&mut options)?;
    let files = |options: Options| {
        options.finish()?;
        files::list(&place.path)
    };
    Ok(vec![match place.format.as_str() {
        "csv" => {
            let csv = CsvReader::new(&mut options, columns)?;
            Box::new(Files::new(files(options)?, csv))
        }
        "json" => {
            let json = JsonReader::new(&mut options, columns)?;
            Box::new(Files::new(files(options)?, json))
        }
        #[cfg(feature = "parquet")]
        "parquet" => {
            let parquet = parquet_reader::ParquetReader::new(columns)?;
            Box::new(Files::new(files(options)?, parquet))
        }
        _ => return Err(OptionError::value("format", place.format, FORMATS).into()),
    }])
}

/// The writer of a table.
pub(super) fn writer(
    mut options: Options,
    columns: &Columns,
) -> Result<Box<dyn TableWriter>, TableError> {
    if let Some(column) = columns.columns.iter().find(|column| column.metadata.is_some()) {
        let name = &column.field.name;
        let expected = "files take no metadata: declare the column VIRTUAL, or leave it out";
        return Err(OptionError::value("METADATA", name, expected).into());
    }
    let place = Place::take(&mut options)?;
    let extension =
        |name: &str, compression: Compression| format!("{name}{}", compression.suffix());
    Ok(match place.format.as_str() {
        "csv" => {
            let compression = place.of_text()?;
            let csv = CsvFormat::new(&mut options, columns, compression)?;
            options.finish()?;
            Box::new(FileSink::new(&place.path, &extension("csv", compression), csv)?)
        }
        "json" => {
            let compression = place.of_text()?;
            let json = JsonFormat::new(&mut options, columns, compression)?;
            options.finish()?;
            Box::new(FileSink::new(&place.path, &extension("jsonl", compression), json)?)
        }
        #[cfg(feature = "parquet")]
        "parquet" => {
            let parquet =
                parquet_writer::ParquetFormat::new(columns, place.compression.as_deref())?;
            options.finish()?;
            Box::new(FileSink::new(&place.path, "parquet", parquet)?)
        }
        _ => return Err(OptionError::value("format", place.format, FORMATS).into()),
    })
}

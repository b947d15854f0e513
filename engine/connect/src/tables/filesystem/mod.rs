//! Tables in files: `'connector' = 'filesystem'`.

mod files;
mod plan;
mod reader;
mod csv_reader;
mod json_reader;
mod json_value;

use self::csv_reader::CsvReader;
use self::json_reader::JsonReader;
use self::reader::Files;
use super::{Columns, OptionError, Options, TableError, TableReader};

const FORMATS: &str = "csv, json or parquet";

/// The readers of a table.
pub(super) fn readers(
    mut options: Options,
    columns: &Columns,
) -> Result<Vec<Box<dyn TableReader>>, TableError> {
    let path = options.need("path", "a file, a folder, or a pattern such as day-*.csv")?;
    let format = options.need("format", "csv, json or parquet")?;
    let files = |options: Options| {
        options.finish()?;
        files::list(&path)
    };
    Ok(vec![match format.as_str() {
        "csv" => {
            let csv = CsvReader::new(&mut options, columns)?;
            Box::new(Files::new(files(options)?, csv))
        }
        "json" => {
            let json = JsonReader::new(&mut options, columns)?;
            Box::new(Files::new(files(options)?, json))
        }
        _ => return Err(OptionError::value("format", format, FORMATS).into()),
    }])
}

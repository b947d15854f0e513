mod csv;
mod errors;
mod files;
#[cfg(feature = "parquet")]
mod parquet;
mod round_trip;

use std::fs;
use std::path::Path;

use tidewire_event::{DataType, Value};

use super::super::testing::{columns, options, read_all, row_of};
use super::super::{Columns, TableError, readers, writer};

/// Options of a format at a path, and more.
fn given<'a>(
    path: &'a str,
    format: &'a str,
    more: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    [&[("path", path), ("format", format)], more].concat()
}

/// Reads all of a path.
fn read(
    path: &Path,
    format: &str,
    more: &[(&str, &str)],
    columns: &Columns,
) -> Result<Vec<Vec<Value>>, TableError> {
    let path = path.to_str().unwrap();
    let mut readers = readers(options("filesystem", &given(path, format, more)), columns)?;
    read_all(readers[0].as_mut(), columns)
}

/// Writes rows to a path.
fn write(path: &Path, format: &str, more: &[(&str, &str)], columns: &Columns, rows: &[Vec<Value>]) {
    let path = path.to_str().unwrap();
    let mut writer = writer(options("filesystem", &given(path, format, more)), columns).unwrap();
    for row in rows {
        writer.row(&row_of(columns, row)).unwrap();
    }
    writer.finish().unwrap();
}

/// Reads `text` as a file of a format.
fn read_text(
    text: &str,
    format: &str,
    more: &[(&str, &str)],
    columns: &Columns,
) -> Result<Vec<Vec<Value>>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("input");
    fs::write(&path, text).unwrap();
    let place = format!("{}/", folder.path().display());
    read(&path, format, more, columns).map_err(|error| error.to_string().replace(&place, ""))
}

fn two() -> Columns {
    columns(&[("n", DataType::Int), ("text", DataType::String)])
}

fn row(number: i64, text: &str) -> Vec<Value> {
    vec![Value::Int(number), Value::text(text)]
}

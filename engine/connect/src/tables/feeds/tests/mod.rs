//! Tables of captures: their columns, rows of generated captures, and the facts of real ones.

mod docs;
mod facts;
mod generated;
mod options;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tidewire_event::DataType;
use tidewire_event::Value;
use tidewire_event::text::write_decimal;

use super::{columns, reader};
use crate::tables::{Columns, Options, Read, TableError, TableReader};

/// A real capture under `../shared/data`, or `None`, said on standard error, where the folder is missing.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: no capture at {}", path.display());
    None
}

fn options(connector: &str, path: &Path, more: &[(&str, &str)]) -> Options {
    let path = ("path", path.to_str().unwrap());
    let all = more.iter().chain([&path]).map(|(name, value)| (name.to_string(), value.to_string()));
    Options::new(connector, all.collect::<BTreeMap<_, _>>())
}

/// All rows of some columns of a stream.
struct Table {
    reader: Box<dyn TableReader>,
    columns: Columns,
    row: Vec<u8>,
}

impl Table {
    fn open(options: Options, names: &[&str]) -> Result<Self, TableError> {
        let all = columns(&options)?.columns;
        let place = |name: &&str| all.iter().position(|column| column.field.name == *name).unwrap();
        let used: Vec<_> = match names {
            [] => (0..all.len()).collect(),
            names => names.iter().map(place).collect(),
        };
        let columns = Columns::used(all, &used).unwrap();
        Ok(Self { reader: reader(options, &columns)?, columns, row: vec![0xAA; 4096] })
    }

    /// The next row, as text; `-` is NULL.
    fn try_next(&mut self) -> Result<Option<Vec<String>>, TableError> {
        if self.reader.read(&mut self.row)? == Read::End {
            return Ok(None);
        }
        let columns = self.columns.columns.iter().zip(self.columns.layout.slots());
        let text = columns.map(|(column, slot)| {
            let ty = &column.field.ty;
            let value = Value::read(&self.row, slot, ty).unwrap();
            assert!(value != Value::Null || column.field.nullable, "{}", column.field);
            shown(&value, ty)
        });
        Ok(Some(text.collect()))
    }

    fn rows(&mut self) -> Vec<Vec<String>> {
        std::iter::from_fn(|| self.try_next().unwrap()).collect()
    }

    fn skipped(&self) -> Vec<(String, u64)> {
        self.reader.skipped()
    }
}

fn rows(options: Options, names: &[&str]) -> Vec<Vec<String>> {
    Table::open(options, names).unwrap().rows()
}

fn shown(value: &Value, ty: &DataType) -> String {
    match (value, ty) {
        (Value::Null, _) => "-".to_owned(),
        (Value::Bool(value), _) => value.to_string(),
        (Value::Int(value), DataType::Decimal { scale, .. }) => {
            let mut text = String::new();
            write_decimal(&mut text, (*value).into(), *scale).unwrap();
            text
        }
        (Value::Int(value), _) => value.to_string(),
        (Value::Bytes(bytes), DataType::String) => String::from_utf8(bytes.clone()).unwrap(),
        (Value::Bytes(bytes), _) => bytes.iter().map(|byte| format!("{byte:02X}")).collect(),
        (value, ty) => panic!("{value:?} of {ty}"),
    }
}

//! What tests of tables share.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tidewire_event::{DataType, Field, RowWriter, Value};

use super::text::Scalar;
use super::{Column, Columns, Options, Read, TableError, TableReader};

/// An output that a test can look at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Options of a connector.
pub(crate) fn options(connector: &str, given: &[(&str, &str)]) -> Options {
    let given: BTreeMap<_, _> =
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Options::new(connector, given)
}

/// Columns of these names and types.
pub(crate) fn columns(of: &[(&str, DataType)]) -> Columns {
    let column = |(name, ty): &(&str, DataType)| Column::physical(Field::new(*name, ty.clone()));
    Columns::all(of.iter().map(column).collect()).unwrap()
}

/// A row of values.
pub(crate) fn row_of(columns: &Columns, values: &[Value]) -> Vec<u8> {
    let mut row = vec![0; 4096];
    let mut writer = RowWriter::new(&mut row, &columns.layout);
    for ((value, slot), column) in values.iter().zip(columns.layout.slots()).zip(&columns.columns) {
        match (value, Scalar::of_value(value)) {
            (Value::Null, _) => writer.null(slot),
            (_, Some(scalar)) => scalar.put(&mut writer, slot).unwrap(),
            (nested, None) => {
                let mut bytes = Vec::new();
                nested.encode(&column.field.ty, &mut bytes);
                writer.text(slot, &bytes).unwrap();
            }
        }
    }
    row
}

/// The values of a row.
pub(crate) fn values_of(columns: &Columns, row: &[u8]) -> Vec<Value> {
    let typed = columns.columns.iter().zip(columns.layout.slots());
    typed.map(|(column, slot)| Value::read(row, slot, &column.field.ty).unwrap()).collect()
}

/// All rows of a reader.
pub(crate) fn read_all(
    reader: &mut dyn TableReader,
    columns: &Columns,
) -> Result<Vec<Vec<Value>>, TableError> {
    let mut rows = Vec::new();
    let mut row = vec![0xAA; 4096];
    loop {
        match reader.read(&mut row)? {
            Read::Row { .. } => rows.push(values_of(columns, &row)),
            Read::Nothing => {}
            Read::End => return Ok(rows),
        }
    }
}

/// Days of ITCH, as files and live lines have them.
pub(crate) mod live {
    use tempfile::TempDir;
    use tidewire_feeds::itch::{Frame, LENGTH_BYTES, frame};
    use tidewire_feeds::synth::Market;

    use super::super::feeds;
    use super::*;

    /// A generated day.
    pub(crate) struct Day {
        folder: TempDir,
        pub(crate) messages: Vec<Vec<u8>>,
    }

    impl Day {
        pub(crate) fn new(seed: u64, messages: u64) -> Self {
            let mut file = Vec::new();
            Market::new(seed, 7, messages).write_itch_file(&mut file).unwrap();
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("day.itch"), &file).unwrap();
            let mut messages = Vec::new();
            let mut rest = &file[..];
            while let Frame::Message(message) = frame(rest) {
                messages.push(message.to_vec());
                rest = &rest[LENGTH_BYTES + message.len()..];
            }
            Self { folder, messages }
        }

        fn options(&self, stream: &str) -> Options {
            let path = self.folder.path().join("day.itch");
            let path = path.to_str().unwrap();
            options("itch", &[("path", path), ("stream", stream), ("date", "2026-01-05")])
        }

        /// The columns of a stream, but not those that only live lines know.
        pub(crate) fn columns(&self, stream: &str) -> Columns {
            self.columns_without(stream, &["ts_recv", "sequence"])
        }

        pub(crate) fn columns_without(&self, stream: &str, names: &[&str]) -> Columns {
            let all = feeds::columns(&self.options(stream)).unwrap().columns;
            let is_used = |at: &usize| !names.contains(&&*all[*at].field.name);
            let used: Vec<_> = (0..all.len()).filter(is_used).collect();
            Columns::used(all, &used).unwrap()
        }

        /// The rows of the file.
        pub(crate) fn rows(&self, stream: &str) -> Vec<Vec<Value>> {
            let columns = self.columns(stream);
            let mut reader = feeds::reader(self.options(stream), &columns).unwrap();
            read_all(&mut *reader, &columns).unwrap()
        }
    }
}

/// A table of a few types.
pub(crate) fn sample() -> Columns {
    columns(&[
        ("n", DataType::BigInt),
        ("text", DataType::String),
        ("price", DataType::Decimal { precision: 10, scale: 2 }),
        ("at", DataType::Timestamp(3)),
        ("items", DataType::Array(Box::new(DataType::Int))),
    ])
}

/// A row of the sample.
pub(crate) fn sample_row(columns: &Columns, number: i64, text: Option<&str>) -> Vec<u8> {
    let values = [
        Value::Int(number),
        text.map_or(Value::Null, Value::text),
        Value::Int(number),
        Value::Int(number * 1_000_000),
        Value::List(vec![Value::Int(number), Value::Null]),
    ];
    row_of(columns, &values)
}

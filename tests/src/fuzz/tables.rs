//! Files as tables: any bytes behind the readers of SQL, which read to an end, and whose rows can be read back.

use std::collections::BTreeMap;
use std::fs;

use tidewire_connect::tables::{Column, Columns, Options, Read, columns_of, readers};
use tidewire_event::{DataType, Field, Value};

/// Bytes of a row: texts of some length do not fit.
pub(super) const ROW_BYTES: usize = 512;
/// A reader that gives nothing gives something, or ends, after so many times.
const NOTHING_MAX: usize = 1 << 16;

/// CSV; the first byte chooses options.
pub fn csv_rows(bytes: &[u8]) {
    let Some((&flags, content)) = bytes.split_first() else { return };
    let is = |bit: u8| (flags & bit != 0).to_string();
    let mut options = BTreeMap::from([
        ("format", "csv".to_owned()),
        ("csv.ignore-parse-errors", is(1)),
        ("csv.header", is(2)),
        ("csv.allow-comments", is(4)),
    ]);
    if flags & 8 != 0 {
        options.insert("csv.null-literal", "NULL".to_owned());
    }
    if flags & 16 != 0 {
        options.insert("csv.escape-character", "\\".to_owned());
    }
    let columns = columns(false);
    // A header must name the columns.
    read_all("filesystem", options, content, Some(&columns), flags & 3 == 1);
}

/// JSON lines; the first byte chooses options.
pub fn json_rows(bytes: &[u8]) {
    let Some((&flags, content)) = bytes.split_first() else { return };
    let is = |bit: u8| (flags & bit != 0).to_string();
    let standard = if flags & 2 == 0 { "SQL" } else { "ISO-8601" };
    let options = BTreeMap::from([
        ("format", "json".to_owned()),
        ("json.ignore-parse-errors", is(1)),
        ("json.timestamp-format.standard", standard.to_owned()),
    ]);
    let columns = columns(true);
    read_all("filesystem", options, content, Some(&columns), flags & 1 != 0);
}

/// Lines of candump, or frames of CAN in a pcap; the first byte says whether damage is an error.
pub fn candump(bytes: &[u8]) {
    let Some((&flags, content)) = bytes.split_first() else { return };
    let options = BTreeMap::from([("strict", (flags & 1 != 0).to_string())]);
    read_all("candump", options, content, None, false);
}

/// Captured websocket lines of Binance; the first byte chooses the stream, and whether damage is an error.
pub fn binance(bytes: &[u8]) {
    const STREAMS: [&str; 4] = ["trades", "depth", "bbo", "ticker"];
    let Some((&flags, content)) = bytes.split_first() else { return };
    let stream = STREAMS[usize::from(flags >> 1) % STREAMS.len()];
    let options =
        BTreeMap::from([("strict", (flags & 1 != 0).to_string()), ("stream", stream.to_owned())]);
    read_all("binance", options, content, None, false);
}

/// A column of each type, and nested ones.
pub(super) fn columns(is_nested: bool) -> Columns {
    let of = |name: &str, ty| Column::physical(Field::new(name, ty));
    let decimal = |precision, scale| DataType::Decimal { precision, scale };
    let mut columns = vec![
        of("b", DataType::Boolean),
        of("i8", DataType::TinyInt),
        of("i16", DataType::SmallInt),
        of("i32", DataType::Int),
        of("i64", DataType::BigInt),
        of("f32", DataType::Float),
        of("f64", DataType::Double),
        of("d10", decimal(10, 2)),
        of("d38", decimal(38, 18)),
        of("s", DataType::String),
        of("v", DataType::VarChar(5)),
        of("c", DataType::Char(3)),
        of("bytes", DataType::Bytes),
        of("d", DataType::Date),
        of("t", DataType::Time(3)),
        of("ts", DataType::Timestamp(3)),
        of("z", DataType::TimestampLtz(9)),
    ];
    if is_nested {
        let fields = vec![Field::new("x", DataType::Int), Field::new("y", decimal(5, 3))];
        columns.extend([
            of("items", DataType::Array(Box::new(DataType::Int))),
            of("map", DataType::Map(Box::new(DataType::String), Box::new(DataType::Double))),
            of("row", DataType::Row(fields)),
        ]);
    }
    laid_out(columns)
}

pub(super) fn laid_out(columns: Vec<Column>) -> Columns {
    match Columns::all(columns) {
        Ok(columns) => columns,
        Err(error) => unreachable!("a row has room for them: {error}"),
    }
}

/// Reads a table whose file is `content`, with these columns or those that its connector knows. With `is_lenient` no row
/// is an error.
fn read_all(
    connector: &str,
    options: BTreeMap<&str, String>,
    content: &[u8],
    columns: Option<&Columns>,
    is_lenient: bool,
) {
    let Ok(folder) = tempfile::tempdir() else { return };
    let path = folder.path().join("input");
    if fs::write(&path, content).is_err() {
        return;
    }
    let mut given: BTreeMap<String, String> =
        options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    given.insert("path".to_owned(), path.display().to_string());
    let options = Options::new(connector, given);
    let own;
    let columns = match columns {
        Some(columns) => columns,
        None => {
            let known = columns_of(&options, &[]);
            let Ok(Some(known)) = known else {
                unreachable!("{connector} knows its columns: {known:?}")
            };
            own = laid_out(known.columns);
            &own
        }
    };
    // What is no capture at all can not be opened.
    let Ok(readers) = readers(options, columns) else { return };
    let mut row = vec![0xA5; ROW_BYTES];
    for mut reader in readers {
        let mut nothing = 0;
        loop {
            match reader.read(&mut row) {
                Ok(Read::Row { partition, .. }) => {
                    assert!(partition < reader.partitions());
                    check(columns, &row);
                }
                Ok(Read::Nothing) => nothing += 1,
                Ok(Read::End) => break,
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    // The wrapping of the file may be damaged.
                    let is_wrapped =
                        content.starts_with(&[0x1F, 0x8B]) || content.starts_with(&[0x28, 0xB5]);
                    assert!(!is_lenient || is_wrapped, "{error}");
                    break;
                }
            }
            assert!(nothing < NOTHING_MAX, "{connector} does not end");
        }
        assert!(reader.fraction_read().is_none_or(|read| (0.0..=1.0).contains(&read)));
        assert!(reader.skipped().iter().all(|(why, count)| !why.is_empty() && *count > 0));
    }
}

/// Every value of a row can be read, and text is text.
pub(super) fn check(columns: &Columns, row: &[u8]) {
    for (column, slot) in columns.columns.iter().zip(columns.layout.slots()) {
        let value = Value::read(row, slot, &column.field.ty);
        let Some(value) = value else { unreachable!("{} can not be read back", column.field) };
        assert!(column.field.nullable || value != Value::Null, "{} is NULL", column.field);
        if let (Value::Bytes(text), true) = (&value, column.field.ty.is_text()) {
            assert!(std::str::from_utf8(text).is_ok(), "{} is no UTF-8", column.field);
        }
    }
}

//! What is written reads back as the same, whatever the types and values.

use proptest::prelude::*;
use tidewire_event::Field;

use super::*;

/// A type with a strategy of its values.
fn values_of(ty: &DataType) -> BoxedStrategy<Value> {
    let times = -9_000_000_000_000_000_000_i64..9_000_000_000_000_000_000;
    let cut = |digits: &u8| 10_i64.pow(9 - u32::from(*digits));
    let text = || prop_oneof!["[a-z ,;\"'\\\\\n\r\t#|]{0,8}", "\\PC{0,6}"];
    match ty {
        DataType::Boolean => any::<bool>().prop_map(Value::Bool).boxed(),
        DataType::TinyInt => any::<i8>().prop_map(|it| Value::Int(it.into())).boxed(),
        DataType::SmallInt => any::<i16>().prop_map(|it| Value::Int(it.into())).boxed(),
        DataType::Int => any::<i32>().prop_map(|it| Value::Int(it.into())).boxed(),
        DataType::BigInt => any::<i64>().prop_map(Value::Int).boxed(),
        DataType::Float => any::<f32>()
            .prop_map(|it| Value::Float(if it.is_nan() { 0.5 } else { it.into() }))
            .boxed(),
        DataType::Double => {
            any::<f64>().prop_map(|it| Value::Float(if it.is_nan() { 0.5 } else { it })).boxed()
        }
        DataType::Decimal { precision, .. } if *precision <= 18 => {
            let max = 10_i64.pow((*precision).into()) - 1;
            (-max..=max).prop_map(Value::Int).boxed()
        }
        DataType::Decimal { precision, .. } => {
            let max = 10_i128.pow((*precision).into()) - 1;
            (-max..=max).prop_map(Value::Wide).boxed()
        }
        DataType::Bytes => prop::collection::vec(any::<u8>(), 0..9).prop_map(Value::Bytes).boxed(),
        DataType::Date => (-1_000_000..2_900_000_i64).prop_map(Value::Int).boxed(),
        DataType::Time(digits) => {
            let unit = cut(digits);
            (0..86_400_000_000_000 / unit).prop_map(move |it| Value::Int(it * unit)).boxed()
        }
        DataType::Timestamp(digits) | DataType::TimestampLtz(digits) => {
            let unit = cut(digits);
            times.prop_map(move |it| Value::Int(it.div_euclid(unit) * unit)).boxed()
        }
        DataType::Interval => (-times.end / 2..times.end / 2).prop_map(Value::Int).boxed(),
        DataType::Months => (-20_000..20_000_i64).prop_map(Value::Int).boxed(),
        DataType::Array(of) => {
            // In CSV an array of one NULL is a NULL.
            let of = prop::collection::vec(nullable(of), 0..4);
            of.prop_map(|it| Value::List(if it == [Value::Null] { vec![] } else { it })).boxed()
        }
        DataType::Map(_, of) => {
            let entries = prop::collection::btree_map(text(), nullable(of), 0..4);
            let entry = |(key, value): (String, Value)| (Value::text(&key), value);
            entries.prop_map(move |it| Value::Map(it.into_iter().map(entry).collect())).boxed()
        }
        DataType::Row(fields) => {
            let values: Vec<_> = fields.iter().map(|field| nullable(&field.ty)).collect();
            values.prop_map(Value::List).boxed()
        }
        _ => text().prop_map(|it| Value::text(&it)).boxed(),
    }
}

fn nullable(ty: &DataType) -> BoxedStrategy<Value> {
    prop_oneof![1 => Just(Value::Null), 4 => values_of(ty)].boxed()
}

fn scalars() -> Vec<DataType> {
    vec![
        DataType::Boolean,
        DataType::TinyInt,
        DataType::SmallInt,
        DataType::Int,
        DataType::BigInt,
        DataType::Float,
        DataType::Double,
        DataType::Decimal { precision: 6, scale: 2 },
        DataType::Decimal { precision: 18, scale: 0 },
        DataType::Decimal { precision: 38, scale: 9 },
        DataType::String,
        DataType::VarChar(20),
        DataType::Bytes,
        DataType::Date,
        DataType::Time(0),
        DataType::Time(9),
        DataType::Timestamp(0),
        DataType::Timestamp(3),
        DataType::Timestamp(9),
        DataType::TimestampLtz(6),
    ]
}

fn intervals() -> Vec<DataType> {
    vec![DataType::Interval, DataType::Months]
}

fn nested() -> Vec<DataType> {
    let decimal = DataType::Decimal { precision: 20, scale: 3 };
    let row = DataType::Row(vec![
        Field::new("a \"b\"", DataType::Timestamp(3)),
        Field::new("c", DataType::Array(Box::new(decimal))),
    ]);
    vec![
        DataType::Array(Box::new(row.clone())),
        DataType::Map(Box::new(DataType::String), Box::new(DataType::Double)),
        row,
    ]
}

/// A table of these types, and rows of it.
fn table(types: Vec<DataType>) -> (Columns, BoxedStrategy<Vec<Vec<Value>>>) {
    let names: Vec<_> = (0..types.len()).map(|at| format!("c{at}")).collect();
    let named: Vec<_> = names.iter().map(String::as_str).zip(types.iter().cloned()).collect();
    let row: Vec<_> = types.iter().map(nullable).collect();
    (columns(&named), prop::collection::vec(row, 0..12).boxed())
}

fn holds(types: Vec<DataType>, name: &str, format: &str, more: &[(&str, &str)]) {
    let (columns, rows) = table(types);
    let config = ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() };
    proptest!(config, |(rows in rows)| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        write(&path, format, more, &columns, &rows);
        prop_assert_eq!(read(&path, format, more, &columns).unwrap(), rows.clone());
        // Some of the columns, in another order.
        let used: Vec<_> = (0..columns.table.len()).rev().step_by(2).collect();
        let some = Columns::used(columns.table.clone(), &used).unwrap();
        let expected: Vec<Vec<_>> =
            rows.iter().map(|row| used.iter().map(|at| row[*at].clone()).collect()).collect();
        prop_assert_eq!(read(&path, format, more, &some).unwrap(), expected);
    });
}

const NULL: (&str, &str) = ("csv.null-literal", "<NULL>");

#[test]
fn csv() {
    let arrays = vec![
        DataType::Array(Box::new(DataType::Int)),
        DataType::Row(vec![Field::new("a", DataType::Int), Field::new("b", DataType::Double)]),
    ];
    holds([scalars(), intervals(), arrays].concat(), "t.csv", "csv", &[NULL]);
}

#[test]
fn csv_of_another_dialect() {
    let more = [
        NULL,
        ("csv.field-delimiter", "|"),
        ("csv.quote-character", "'"),
        ("csv.escape-character", "\\"),
        ("csv.allow-comments", "true"),
        ("csv.header", "true"),
    ];
    holds(scalars(), "t.csv.gz", "csv", &more);
}

#[test]
fn json() {
    holds([scalars(), intervals(), nested()].concat(), "t.jsonl", "json", &[]);
    let more = [
        ("json.timestamp-format.standard", "ISO-8601"),
        ("json.encode.ignore-null-fields", "true"),
    ];
    holds(scalars(), "folder", "json", &more);
}

#[cfg(feature = "parquet")]
#[test]
fn parquet() {
    holds(scalars(), "t.parquet", "parquet", &[]);
    holds(scalars(), "folder", "parquet", &[("sink.compression", "zstd")]);
}

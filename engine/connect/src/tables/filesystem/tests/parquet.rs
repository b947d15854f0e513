//! What is special to Parquet.

use super::*;

fn decimal(precision: u8, scale: u8) -> DataType {
    DataType::Decimal { precision, scale }
}

#[test]
fn many_groups_of_rows() {
    let rows: Vec<_> = (0..300_000)
        .map(|number| match number % 7 {
            0 => vec![Value::Int(number), Value::Null],
            _ => row(number, "text"),
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    write(&path, "parquet", &[], &two(), &rows);
    let given = given(path.to_str().unwrap(), "parquet", &[]);
    let mut readers = readers(options("filesystem", &given), &two()).unwrap();
    assert!(read_all(readers[0].as_mut(), &two()).unwrap() == rows);
    assert!(readers[0].fraction_read().unwrap() > 0.9);
}

#[test]
fn columns_of_the_same_kind_are_converted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let written = columns(&[
        ("n", DataType::BigInt),
        ("d", decimal(20, 4)),
        ("at", DataType::Timestamp(9)),
        ("f", DataType::Float),
    ]);
    let values =
        vec![Value::Int(300), Value::Wide(-12_345), Value::Int(1_999_999_999), Value::Float(0.5)];
    write(&path, "parquet", &[], &written, &[values]);
    let as_types = |n, d, at, f| {
        let columns = columns(&[("f", f), ("at", at), ("d", d), ("n", n)]);
        read(&path, "parquet", &[], &columns).map_err(|error| {
            error.to_string().replace(&format!("{}/", folder.path().display()), "")
        })
    };
    let (ltz, double) = (DataType::TimestampLtz(0), DataType::Double);
    let rows = as_types(DataType::SmallInt, decimal(5, 2), ltz.clone(), double.clone()).unwrap();
    assert_eq!(
        rows,
        [[Value::Float(0.5), Value::Int(1_000_000_000), Value::Int(-123), Value::Int(300)]]
    );
    let rows = as_types(decimal(6, 3), decimal(38, 10), ltz.clone(), double.clone()).unwrap();
    assert_eq!(rows[0][2..], [Value::Wide(-12_345_000_000), Value::Int(300_000)]);
    let error = as_types(DataType::TinyInt, decimal(5, 2), ltz.clone(), double.clone());
    assert_eq!(
        error.unwrap_err(),
        "a.parquet: row 1: column 'n': a value is outside the range of TINYINT"
    );
    let error = as_types(DataType::String, decimal(5, 2), ltz, double).unwrap_err();
    assert_eq!(error, "a.parquet: the column 'n' is INT64 in the file, and STRING in the table");
}

#[test]
fn what_is_no_parquet_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    fs::write(&path, "n,text\n").unwrap();
    let error = read(&path, "parquet", &[], &two()).unwrap_err().to_string();
    assert!(error.contains("a.parquet: no whole Parquet file"), "{error}");
    write(&path, "parquet", &[], &two(), &[row(1, "a")]);
    let other = columns(&[("texts", DataType::String)]);
    let error = read(&path, "parquet", &[], &other).unwrap_err().to_string();
    assert!(
        error.ends_with("it has no column 'texts' (did you mean 'text'?); it has n, text"),
        "{error}"
    );
    let whole = fs::read(&path).unwrap();
    for cut in [4, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).unwrap();
        assert!(read(&path, "parquet", &[], &two()).is_err(), "cut at {cut}");
    }
    let nested = columns(&[("items", DataType::Array(Box::new(DataType::Int)))]);
    let given = given(path.to_str().unwrap(), "parquet", &[]);
    let error = writer(options("filesystem", &given), &nested).unwrap_err().to_string();
    assert!(error.contains("a column of type ARRAY<INT> has no form in parquet"), "{error}");
}

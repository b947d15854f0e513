//! Errors say where, what is wrong and what is expected.

use super::*;

#[test]
fn errors_name_the_place() {
    let table = columns(&[
        ("n", DataType::Int),
        ("price", DataType::Decimal { precision: 5, scale: 2 }),
        ("at", DataType::TimestampLtz(3)),
    ]);
    let csv = |text: &str| read_text(text, "csv", &[], &table).unwrap_err();
    assert_eq!(csv("1,2,\nx,2,\n"), "input:2, field 1: column 'n': 'x' is no INT");
    assert_eq!(
        csv("3000000000,2,\n"),
        "input:1, field 1: column 'n': 3000000000 is outside the range of INT"
    );
    assert_eq!(
        csv("1,1000.00,\n"),
        "input:1, field 2: column 'price': 1000.00 is outside the range of DECIMAL(5, 2)"
    );
    assert_eq!(
        csv("1,2,2020-01-01 00:00:00\n"),
        "input:1, field 3: column 'at': '2020-01-01 00:00:00' is no TIMESTAMP_LTZ(3), such as 2020-01-31 09:30:00.125Z or 2020-01-31T10:30:00.125+01:00"
    );
    assert_eq!(csv("1,2\n"), "input:1: a row of 2 fields, where 3 are expected: n, price, at");
    let json = |text: &str| read_text(text, "json", &[], &table).unwrap_err();
    assert_eq!(json("{}\n{\"n\": 1.5}"), "input:2:7: column 'n': '1.5' is no INT");
    assert_eq!(json("{\"n\": }"), "input:1:7: no JSON object: expected a value, found '}'");
    assert_eq!(json("[1]"), "input:1:1: no JSON object: expected '{', found '['");
    assert_eq!(
        json("{\"price\":1e9}"),
        "input:1:10: column 'price': 1e9 is outside the range of DECIMAL(5, 2)"
    );
    assert_eq!(
        json("{\"price\":\"1e99\"}"),
        "input:1:10: column 'price': \"1e99\" is outside the range of DECIMAL(5, 2)"
    );
}

#[test]
fn a_text_that_does_not_fit_into_a_row_is_an_error_even_where_others_are_ignored() {
    let text = format!("1,{}\n", "x".repeat(5000));
    let ignores = [("csv.ignore-parse-errors", "true")];
    let error = read_text(&text, "csv", &ignores, &two()).unwrap_err();
    assert_eq!(
        error,
        "input:1, field 2: column 'text': a text of 5000 bytes, where the row has room for 4087 more; SET 'sql.row-bytes' to have room for it"
    );
    let json = format!("{{\"text\":\"{}\"}}", "x".repeat(5000));
    let error = read_text(&json, "json", &[("json.ignore-parse-errors", "true")], &two());
    assert!(error.unwrap_err().starts_with("input:1:9: column 'text': a text of 5000 bytes"));
}

#[test]
fn no_text_is_what_is_no_utf_8() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("input");
    fs::write(&path, b"1,\xff\n").unwrap();
    let error = read(&path, "csv", &[], &two()).unwrap_err().to_string();
    assert!(error.ends_with("input:1, field 2: column 'text' is no UTF-8"), "{error}");
}

#[test]
fn null_in_a_column_that_may_not_be_null() {
    let mut table = two().table;
    table[0].field.nullable = false;
    let table = Columns::all(table).unwrap();
    let error = |text: &str, format| read_text(text, format, &[], &table).unwrap_err();
    assert_eq!(
        error(",a\n", "csv"),
        "input:1, field 1: column 'n' is NULL, and the column is NOT NULL"
    );
    assert_eq!(error("{}\n", "json"), "input:1:1: column 'n' is NULL, and the column is NOT NULL");
}

#[test]
fn options_that_mean_nothing_are_named() {
    let path = ("path", "x");
    for (given, message) in [
        (
            &[][..],
            "the connector 'filesystem' needs the option 'path': a file, a folder, or a pattern such as day-*.csv",
        ),
        (&[path], "the connector 'filesystem' needs the option 'format': csv, json or parquet"),
        (&[path, ("format", "avro")], "the option 'format' is 'avro': csv, json or parquet"),
        (&[path, ("format", "csv")], "x: there is no such file or folder"),
        (
            &[path, ("format", "csv"), ("csv.field-delimiter", ",,")],
            "the option 'csv.field-delimiter' is ',,': one character of ASCII",
        ),
        (
            &[
                path,
                ("format", "csv"),
                ("csv.quote-character", "'"),
                ("csv.disable-quote-character", "true"),
            ],
            "the option 'csv.disable-quote-character' is 'true': leave it out, since csv.quote-character is given",
        ),
        (
            &[path, ("format", "json"), ("json.timestamp-format.standard", "iso")],
            "the option 'json.timestamp-format.standard' is 'iso': SQL or ISO-8601",
        ),
    ] {
        let error = readers(options("filesystem", given), &two()).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    let unknown = [path, ("format", "json"), ("json.fail-on-missing-fields", "true")];
    let error = readers(options("filesystem", &unknown), &two()).unwrap_err().to_string();
    assert!(error.starts_with(
        "the connector 'filesystem' knows no option 'json.fail-on-missing-fields' (did you mean 'json.fail-on-missing-field'?)"
    ), "{error}");
    let map = DataType::Map(Box::new(DataType::String), Box::new(DataType::Int));
    let error = readers(options("filesystem", &[path, ("format", "csv")]), &columns(&[("m", map)]));
    assert_eq!(
        error.unwrap_err().to_string(),
        "the option 'format' is 'csv': CSV has no form for the column 'm' of type MAP<STRING, INT>: take 'json'"
    );
}

//! The options of CSV, and those of JSON that say how text is read.

use super::*;

fn csv(text: &str, more: &[(&str, &str)]) -> Result<Vec<Vec<Value>>, String> {
    read_text(text, "csv", more, &two())
}

#[test]
fn a_header_names_the_columns() {
    let header = [("csv.header", "true")];
    assert_eq!(csv("text,n\na,1\nb,2\n", &header).unwrap(), [row(1, "a"), row(2, "b")]);
    assert_eq!(
        csv("txt,n\na,1\n", &header).unwrap_err(),
        "input: the header has no column 'text' (did you mean 'txt'?); it has txt, n"
    );
    assert_eq!(csv("", &header).unwrap(), [] as [Vec<Value>; 0]);
}

#[test]
fn delimiters_quotes_escapes_and_comments() {
    let tab = [("csv.field-delimiter", "\\t")];
    assert_eq!(csv("1\ta,b\r\n2\t\"c\td\"\r\n", &tab).unwrap(), [row(1, "a,b"), row(2, "c\td")]);
    let single = [("csv.quote-character", "'"), ("csv.escape-character", "\\")];
    assert_eq!(csv("1,'a\\'b\"'\n", &single).unwrap(), [row(1, "a'b\"")]);
    let unquoted = [("csv.disable-quote-character", "true")];
    assert_eq!(csv("1,\"a\n", &unquoted).unwrap(), [row(1, "\"a")]);
    let comments = [("csv.allow-comments", "true")];
    assert_eq!(
        csv("# 1,a\n2,b\n\n3,\"c\nd\"\n", &comments).unwrap(),
        [row(2, "b"), row(3, "c\nd")]
    );
}

#[test]
fn null_is_the_literal_or_an_empty_number() {
    let null = [Value::Null, Value::Null];
    assert_eq!(csv("-,-\n", &[("csv.null-literal", "-")]).unwrap(), [null]);
    assert_eq!(csv(",\n", &[]).unwrap(), [vec![Value::Null, Value::text("")]]);
}

#[test]
fn arrays_have_a_delimiter_of_their_own() {
    let array = columns(&[("items", DataType::Array(Box::new(DataType::Int)))]);
    let items = |text: &str, more: &[(&str, &str)]| read_text(text, "csv", more, &array);
    let expected = [vec![Value::List(vec![Value::Int(1), Value::Int(-2)])]];
    assert_eq!(items("1;-2\n", &[]).unwrap(), expected);
    assert_eq!(items("1:-2\n", &[("csv.array-element-delimiter", ":")]).unwrap(), expected);
}

#[test]
fn what_can_not_be_read_is_left_out_and_counted() {
    let table = columns(&[("n", DataType::Int), ("at", DataType::Timestamp(3))]);
    let mut strict = table.table.clone();
    strict[0].field.nullable = false;
    let strict = Columns::all(strict).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("input");
    let skipped = |format, option, text: &str, columns: &Columns| {
        fs::write(&path, text).unwrap();
        let given = given(path.to_str().unwrap(), format, &[(option, "true")]);
        let mut readers = readers(options("filesystem", &given), columns).unwrap();
        let rows = read_all(readers[0].as_mut(), columns).unwrap();
        (rows, readers[0].skipped())
    };
    let text = "1,2020-01-01\nx,2020-01-01\n99999999999,?\n4\n5,?,more\n";
    let (rows, left_out) = skipped("csv", "csv.ignore-parse-errors", text, &table);
    let day = Value::Int(1_577_836_800_000_000_000);
    let null = Value::Null;
    assert_eq!(
        rows,
        [
            [Value::Int(1), day.clone()],
            [null.clone(), day.clone()],
            [null.clone(), null.clone()],
            [Value::Int(4), null.clone()],
            [Value::Int(5), null.clone()],
        ]
    );
    let counted = |of: &[(&str, u64)]| -> Vec<(String, u64)> {
        of.iter().map(|(why, count)| ((*why).to_owned(), *count)).collect()
    };
    let expected = counted(&[
        ("column 'n' set to NULL: it is no value of its type", 1),
        ("column 'n' set to NULL: it is outside the range of its type", 1),
        ("column 'at' set to NULL: it is no value of its type", 2),
        ("rows of too few or too many fields, read as far as they go", 2),
    ]);
    assert_eq!(left_out, expected);
    let (rows, left_out) = skipped("csv", "csv.ignore-parse-errors", "x,\n2,\n", &strict);
    assert_eq!(rows, [[Value::Int(2), null.clone()]]);
    assert_eq!(left_out, counted(&[("rows left out: a NOT NULL column can not be read", 1)]));
    let text = "{\"n\":1.5}\nno\n[]\n{\"n\":2}\n{\"n\":\n";
    let (rows, left_out) = skipped("json", "json.ignore-parse-errors", text, &table);
    assert_eq!(rows, [[null.clone(), null.clone()], [Value::Int(2), null]]);
    let expected = counted(&[
        ("column 'n' set to NULL: it is no value of its type", 1),
        ("lines left out: no JSON object", 3),
    ]);
    assert_eq!(left_out, expected);
}

#[test]
fn json_is_read_as_flink_reads_it() {
    let table = columns(&[
        ("text", DataType::String),
        ("price", DataType::Decimal { precision: 30, scale: 4 }),
        ("at", DataType::TimestampLtz(3)),
        ("n", DataType::BigInt),
    ]);
    let json = |line: &str| read_text(line, "json", &[], &table).map(|rows| rows[0].clone());
    assert_eq!(
        json(r#"{"n":"12","at":"2020-01-01T01:00:00.1239+01:00","extra":[1,{"n":3}],"price":1234567890123456789.12345,"text":"a\u00e9\ud83d\ude00\n\"","n":13}"#)
            .unwrap(),
        [
            Value::text("aé😀\n\""),
            Value::Wide(12_345_678_901_234_567_891_235),
            Value::Int(1_577_836_800_123_000_000),
            Value::Int(13),
        ]
    );
    // What is no string is its text.
    assert_eq!(json(r#"{"text":{"a": 1}}"#).unwrap()[0], Value::text(r#"{"a": 1}"#));
    assert_eq!(json(r#"{"text":12.50}"#).unwrap()[0], Value::text("12.50"));
    assert_eq!(json(r#"{"text":null}"#).unwrap(), vec![Value::Null; 4]);
    assert_eq!(
        read_text("{}\n", "json", &[("json.fail-on-missing-field", "true")], &two()).unwrap_err(),
        "input:1:1: column 'n' is missing"
    );
}

#[test]
fn text_is_written_as_documented() {
    let table = columns(&[
        ("f", DataType::Double),
        ("d", DataType::Decimal { precision: 10, scale: 2 }),
        ("at", DataType::TimestampLtz(3)),
        ("t", DataType::String),
        ("b", DataType::Bytes),
    ]);
    let rows = [
        vec![
            Value::Float(1.0),
            Value::Int(-50),
            Value::Int(0),
            Value::text("a\"b"),
            Value::text("x"),
        ],
        vec![Value::Null, Value::Null, Value::Null, Value::Null, Value::Null],
    ];
    let folder = tempfile::tempdir().unwrap();
    let written = |name: &str, format, more: &[(&str, &str)]| {
        let path = folder.path().join(name);
        write(&path, format, more, &table, &rows);
        fs::read_to_string(path).unwrap()
    };
    assert_eq!(
        written("a.csv", "csv", &[("csv.header", "true")]),
        "f,d,at,t,b\n1.0,-0.50,1970-01-01 00:00:00.000Z,\"a\"\"b\",eA==\n,,,,\n"
    );
    assert_eq!(
        written("a.json", "json", &[("json.timestamp-format.standard", "ISO-8601")]),
        "{\"f\":1.0,\"d\":-0.50,\"at\":\"1970-01-01T00:00:00.000Z\",\"t\":\"a\\\"b\",\"b\":\"eA==\"}\n\
         {\"f\":null,\"d\":null,\"at\":null,\"t\":null,\"b\":null}\n"
    );
    assert_eq!(
        written("b.json", "json", &[("json.encode.ignore-null-fields", "true")]).lines().last(),
        Some("{}")
    );
}

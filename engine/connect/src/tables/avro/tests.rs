use std::collections::HashMap;

use apache_avro::types::Value as Theirs;
use apache_avro::{Decimal, Schema, from_avro_datum, to_avro_datum};
use proptest::prelude::*;
use tidewire_event::{DataType, Value};

use super::super::message::{BadMessage, decoder, encoder};
use super::super::testing::{columns, options, row_of, values_of};
use super::*;

/// A record of every type.
const ALL: &str = r#"{"type": "record", "name": "r", "namespace": "a.b", "fields": [
  {"name": "flag", "type": "boolean"},
  {"name": "unused", "type": {"type": "array", "items": ["string", "null", "a.b.r2"]}},
  {"name": "small", "type": "int"},
  {"name": "big", "type": ["null", "long"]},
  {"name": "ratio", "type": "float"},
  {"name": "wide", "type": ["double", "null"]},
  {"name": "text", "type": "string"},
  {"name": "raw", "type": "bytes"},
  {"name": "side", "type": {"type": "enum", "name": "side", "symbols": ["BUY", "SELL"]}},
  {"name": "code", "type": {"type": "fixed", "name": "code", "size": 3}},
  {"name": "day", "type": {"type": "int", "logicalType": "date"}},
  {"name": "clock", "type": {"type": "int", "logicalType": "time-millis"}},
  {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
  {"name": "seen", "type": {"type": "long", "logicalType": "local-timestamp-micros"}},
  {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 4}},
  {"name": "fee", "type": {"type": "fixed", "name": "fee", "size": 8, "logicalType": "decimal", "precision": 18, "scale": 2}},
  {"name": "items", "type": {"type": "array", "items": ["null", "long"]}},
  {"name": "tags", "type": {"type": "map", "values": "string"}},
  {"name": "part", "type": {"type": "record", "name": "part", "fields": [
    {"name": "x", "type": "int"}, {"name": "more", "type": "string"}, {"name": "other", "type": "side"}]}}
]}"#;

fn schema() -> String {
    ALL.replace(r#""a.b.r2"]"#, r#"{"type": "record", "name": "r2", "fields": []}]"#)
}

fn all() -> Columns {
    let decimal = |precision, scale| DataType::Decimal { precision, scale };
    let part = DataType::Row(vec![
        Field::new("other", DataType::String),
        Field::new("x", DataType::BigInt),
    ]);
    columns(&[
        // Not in the order of the schema.
        ("text", DataType::String),
        ("flag", DataType::Boolean),
        ("small", DataType::Int),
        ("big", DataType::BigInt),
        ("ratio", DataType::Float),
        ("wide", DataType::Double),
        ("raw", DataType::Bytes),
        ("side", DataType::VarChar(9)),
        ("code", DataType::Bytes),
        ("day", DataType::Date),
        ("clock", DataType::Time(3)),
        ("at", DataType::TimestampLtz(3)),
        ("seen", DataType::Timestamp(6)),
        ("price", decimal(30, 4)),
        ("fee", decimal(18, 2)),
        ("items", DataType::Array(Box::new(DataType::BigInt))),
        ("tags", DataType::Map(Box::new(DataType::String), Box::new(DataType::String))),
        ("part", part),
    ])
}

fn given(schema: &str) -> Options {
    options("kafka", &[("format", "avro"), ("avro.schema", schema)])
}

fn decode(
    options: &mut Options,
    columns: &Columns,
    message: &[u8],
) -> Result<Vec<Value>, BadMessage> {
    let mut decoder = decoder(options, columns).unwrap();
    let mut row = vec![0xAA; 4096];
    decoder.decode(message, &mut row, &mut |_, _, _| Ok(()))?;
    Ok(values_of(columns, &row))
}

fn simple(schema: &str, ty: DataType, message: &[u8]) -> Result<Value, String> {
    let schema = format!(
        r#"{{"type": "record", "name": "r", "fields": [{{"name": "a", "type": {schema}}}]}}"#
    );
    decode(&mut given(&schema), &columns(&[("a", ty)]), message)
        .map(|mut values| values.remove(0))
        .map_err(|bad| bad.problem)
}

#[test]
fn the_record_of_the_specification_is_read() {
    let schema = r#"{"type": "record", "name": "test", "fields": [
        {"name": "a", "type": "long"}, {"name": "b", "type": "string"}]}"#;
    let columns = columns(&[("b", DataType::String), ("a", DataType::BigInt)]);
    let message = [0x36, 0x06, 0x66, 0x6f, 0x6f];
    let values = vec![Value::text("foo"), Value::Int(27)];
    assert_eq!(decode(&mut given(schema), &columns, &message).unwrap(), values);
    let mut encoder = encoder(&mut given(schema), &columns).unwrap();
    assert_eq!(encoder.encode(&row_of(&columns, &values)).unwrap(), Some(&message[..]));
}

#[test]
fn a_header_of_a_registry_is_passed_over_or_missed() {
    let schema = r#"{"type": "record", "name": "r", "fields": [{"name": "a", "type": "int"}]}"#;
    let columns = columns(&[("a", DataType::Int)]);
    let given = [("format", "avro"), ("avro.schema", schema), ("avro.framing", "confluent")];
    let mut options = options("kafka", &given);
    let read = |message: &[u8]| decode(&mut options.clone(), &columns, message);
    assert_eq!(read(&[0, 0, 0, 1, 7, 4]).unwrap(), [Value::Int(2)]);
    for without in [&[4][..], &[0, 0, 0, 1], &[1, 0, 0, 1, 7, 4], &[]] {
        let problem = read(without).unwrap_err().problem;
        assert!(problem.starts_with("no header of a schema registry"), "{problem}");
    }
    assert!(encoder(&mut options, &columns).is_err());
}

#[test]
fn what_is_wrong_with_a_message_is_said_with_its_place() {
    let read = |schema: &str, ty, message: &[u8]| simple(schema, ty, message).unwrap_err();
    let at = ", in the field 'a' at byte 0";
    let flaw = |what: &str| format!("no record of the schema: {what}{at}");
    let (int, long) = (r#""int""#, r#""long""#);
    assert_eq!(read(int, DataType::Int, &[]), flaw("it ends inside a value"));
    assert_eq!(read(int, DataType::Int, &[0x80; 4]), flaw("it ends inside a value"));
    let wide = flaw("a number of more bits than its type has");
    assert_eq!(read(int, DataType::BigInt, &[0x80, 0x80, 0x80, 0x80, 0x10]), wide);
    assert_eq!(read(long, DataType::BigInt, &[0xff; 11]), wide);
    assert_eq!(read(r#""boolean""#, DataType::Boolean, &[2]), flaw("a boolean that is 2: 0 or 1"));
    let text = r#""string""#;
    assert_eq!(read(text, DataType::String, &[1]), flaw("a length of -1"));
    let most = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    assert_eq!(read(text, DataType::String, &most), flaw("it ends inside a value"));
    let union = r#"["null", "int"]"#;
    let branch = flaw("branch 2 of a union that has no such branch");
    assert_eq!(read(union, DataType::Int, &[4]), branch);
    let more = "no record of the schema: 1 bytes are left behind it";
    assert_eq!(read(int, DataType::Int, &[2, 2]), more);
    let range = "column 'a': 0x8002 is outside the range of TINYINT";
    assert_eq!(read(int, DataType::TinyInt, &[0x80, 0x02]), range);
    assert_eq!(read(text, DataType::String, &[2, 0xff]), "column 'a' is no UTF-8");
}

#[test]
fn items_come_in_blocks_with_or_without_their_size() {
    let ty = DataType::Array(Box::new(DataType::Int));
    let array = r#"{"type": "array", "items": "int"}"#;
    let items = Value::List([1, 2, 3].map(Value::Int).into());
    assert_eq!(simple(array, ty.clone(), &[6, 2, 4, 6, 0]), Ok(items.clone()));
    assert_eq!(simple(array, ty.clone(), &[3, 4, 2, 4, 2, 6, 0]), Ok(items));
    assert!(simple(array, ty.clone(), &[3, 6, 2, 4, 2, 6, 0]).unwrap_err().contains("a block"));
    // More items than there is memory for, in a few bytes.
    let flood = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0];
    let nulls = r#"{"type": "array", "items": "null"}"#;
    assert!(simple(nulls, ty.clone(), &flood).unwrap_err().contains("sql.row-bytes"));
    assert!(simple(array, ty, &flood).unwrap_err().contains("it ends inside a value"));
}

#[test]
fn a_schema_that_does_not_fit_is_refused_at_the_start() {
    let start = |fields: &str, name: &str, ty: DataType| {
        let schema = format!(r#"{{"type": "record", "name": "r", "fields": [{fields}]}}"#);
        let error = decoder(&mut given(&schema), &columns(&[(name, ty)])).err().unwrap();
        let error = error.to_string();
        error.split_once("': ").unwrap().1.to_owned()
    };
    let field = |ty: &str| format!(r#"{{"name": "price", "type": {ty}}}"#);
    assert_eq!(
        start(&field(r#""int""#), "prise", DataType::Int),
        "the schema has no field for the column 'prise' (did you mean 'price'?)"
    );
    assert_eq!(
        start(&field(r#""string""#), "price", DataType::Int),
        "field 'price': a column of INT can not be of Avro's string: it can be STRING"
    );
    let decimal =
        field(r#"{"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 3}"#);
    assert_eq!(
        start(&decimal, "price", DataType::Decimal { precision: 9, scale: 2 }),
        "field 'price': a column of DECIMAL(9, 2) can not be of Avro's decimal: it can be DECIMAL(9, 3)"
    );
    assert_eq!(
        start(&field(r#""strin""#), "price", DataType::String),
        "field 'price': no type is called 'strin' (did you mean 'string'?)"
    );
    let inner =
        field(r#"{"type": "record", "name": "p", "fields": [{"name": "x", "type": "long"}]}"#);
    let row = DataType::Row(vec![Field::new("x", DataType::String)]);
    assert_eq!(
        start(&inner, "price", row),
        "field 'price.x': a column of STRING can not be of Avro's long: it can be TINYINT, SMALLINT, INT or BIGINT"
    );
    let (own, deep) = (field(r#"["null", "r"]"#), "[".repeat(100) + &"]".repeat(100));
    assert!(start(&own, "x", DataType::Int).contains("the record 'r' has itself in it"));
    assert!(start(&field(&deep), "x", DataType::Int).contains("a union in a union"));
    let doubled = (1..40).map(|at| {
        let ty = format!(
            r#"["null", {{"type": "record", "name": "t{at}", "fields": [
            {{"name": "x", "type": "t{before}"}}, {{"name": "y", "type": "t{before}"}}]}}]"#,
            before = at - 1
        );
        format!(r#", {{"name": "f{at}", "type": {ty}}}"#)
    });
    let first = field(r#"{"type": "record", "name": "t0", "fields": []}"#);
    assert!(
        start(&(first + &doubled.collect::<String>()), "x", DataType::Int).contains("65536 types")
    );
    let not_json = decoder(&mut given("{"), &columns(&[("a", DataType::Int)])).err().unwrap();
    assert!(not_json.to_string().starts_with("the option 'avro.schema' is '{': no JSON: EOF"));
    let interval = columns(&[("a", DataType::Interval)]);
    let error = decoder(&mut options("kafka", &[("format", "avro")]), &interval).err().unwrap();
    let expected =
        "the option 'format' is 'avro': field 'a': Avro has no type for INTERVAL DAY TO SECOND";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn what_has_no_form_in_the_schema_is_not_written() {
    let write = |ty: &str, column: DataType, value: Value| {
        let schema = format!(
            r#"{{"type": "record", "name": "r", "fields": [{{"name": "a", "type": {ty}}}]}}"#
        );
        let columns = columns(&[("a", column)]);
        let mut encoder = encoder(&mut given(&schema), &columns).unwrap();
        encoder.encode(&row_of(&columns, &[value])).unwrap_err().problem
    };
    let big = Value::Int(1 << 40);
    assert!(write(r#""int""#, DataType::BigInt, big).contains("outside the range"));
    assert!(write(r#""int""#, DataType::Int, Value::Null).contains("it is NULL"));
    let side = r#"{"type": "enum", "name": "e", "symbols": ["BUY"]}"#;
    assert!(write(side, DataType::String, Value::text("SELL")).contains("no symbol"));
    let fixed = r#"{"type": "fixed", "name": "f", "size": 2}"#;
    assert!(write(fixed, DataType::Bytes, Value::text("abc")).contains("3 bytes long"));
    let two = r#"{"type": "record", "name": "r", "fields": [
        {"name": "a", "type": "int"}, {"name": "b", "type": "int"}]}"#;
    let error = encoder(&mut given(two), &columns(&[("a", DataType::Int)])).err().unwrap();
    assert!(
        error
            .to_string()
            .ends_with("field 'b': no column gives it its value, and it can not be null")
    );
}

/// A row, as ours and as theirs.
fn rows() -> impl Strategy<Value = (Vec<Value>, Theirs)> {
    let plain =
        (any::<bool>(), any::<i32>(), any::<Option<i64>>(), any::<i32>(), any::<Option<i32>>());
    let bytes =
        (".{0,12}", proptest::collection::vec(any::<u8>(), 0..12), 0_u32..2, any::<[u8; 3]>());
    let times = (any::<i32>(), 0..86_400_000_i32, -(1_i64 << 42)..1 << 42, -(1_i64 << 52)..1 << 52);
    let decimals = (-10_i128.pow(30) + 1..10_i128.pow(30), -10_i64.pow(18) + 1..10_i64.pow(18));
    let nested = (
        proptest::collection::vec(any::<Option<i64>>(), 0..4),
        proptest::option::of(("[a-z]{0,3}", "[a-z]{0,3}")),
        any::<i32>(),
    );
    (plain, bytes, times, decimals, nested).prop_map(row)
}

type Parts = (
    (bool, i32, Option<i64>, i32, Option<i32>),
    (String, Vec<u8>, u32, [u8; 3]),
    (i32, i32, i64, i64),
    (i128, i64),
    (Vec<Option<i64>>, Option<(String, String)>, i32),
);

fn row((plain, bytes, times, decimals, nested): Parts) -> (Vec<Value>, Theirs) {
    let (flag, small, big, ratio, wide) = plain;
    let (ratio, wide) = (ratio as f32 / 8.0, wide.map(|it| f64::from(it) / 8.0));
    let (text, raw, side, code) = bytes;
    let (day, clock, at, seen) = times;
    let (price, fee) = decimals;
    let (items, tag, x) = nested;
    let symbol = ["BUY", "SELL"][side as usize];
    let tags: Vec<_> = tag.into_iter().collect();
    let int = |it: Option<i64>| it.map_or(Value::Null, Value::Int);
    let ours = vec![
        Value::text(&text),
        Value::Bool(flag),
        Value::Int(small.into()),
        int(big),
        Value::Float(ratio.into()),
        wide.map_or(Value::Null, Value::Float),
        Value::Bytes(raw.clone()),
        Value::text(symbol),
        Value::Bytes(code.to_vec()),
        Value::Int(day.into()),
        Value::Int(i64::from(clock) * 1_000_000),
        Value::Int(at * 1_000_000),
        Value::Int(seen * 1_000),
        Value::Wide(price),
        Value::Int(fee),
        Value::List(items.iter().map(|it| int(*it)).collect()),
        Value::Map(tags.iter().map(|(k, v)| (Value::text(k), Value::text(v))).collect()),
        Value::List(vec![Value::text(symbol), Value::Int(x.into())]),
    ];
    let null = |at, value: Option<Theirs>| match value {
        Some(value) => Theirs::Union(at, Box::new(value)),
        None => Theirs::Union(1 - at, Box::new(Theirs::Null)),
    };
    let side = Theirs::Enum(side, symbol.to_owned());
    let unused = Theirs::Array(vec![
        Theirs::Union(0, Box::new(Theirs::String(text.clone()))),
        Theirs::Union(1, Box::new(Theirs::Null)),
        Theirs::Union(2, Box::new(Theirs::Record(Vec::new()))),
    ]);
    let fields = [
        ("flag", Theirs::Boolean(flag)),
        ("unused", unused),
        ("small", Theirs::Int(small)),
        ("big", null(1, big.map(Theirs::Long))),
        ("ratio", Theirs::Float(ratio)),
        ("wide", null(0, wide.map(Theirs::Double))),
        ("text", Theirs::String(text)),
        ("raw", Theirs::Bytes(raw)),
        ("side", side.clone()),
        ("code", Theirs::Fixed(3, code.to_vec())),
        ("day", Theirs::Date(day)),
        ("clock", Theirs::TimeMillis(clock)),
        ("at", Theirs::TimestampMillis(at)),
        ("seen", Theirs::LocalTimestampMicros(seen)),
        ("price", Theirs::Decimal(Decimal::from(price.to_be_bytes()))),
        ("fee", Theirs::Decimal(Decimal::from(fee.to_be_bytes()))),
        ("items", Theirs::Array(items.iter().map(|it| null(1, it.map(Theirs::Long))).collect())),
        (
            "tags",
            Theirs::Map(
                tags.into_iter().map(|(k, v)| (k, Theirs::String(v))).collect::<HashMap<_, _>>(),
            ),
        ),
        (
            "part",
            Theirs::Record(vec![
                ("x".to_owned(), Theirs::Int(x)),
                ("more".to_owned(), Theirs::String("m".to_owned())),
                ("other".to_owned(), side),
            ]),
        ),
    ];
    (ours, Theirs::Record(fields.map(|(name, value)| (name.to_owned(), value)).into()))
}

proptest! {
    #[test]
    fn what_another_encoder_writes_is_read((ours, theirs) in rows()) {
        let schema = schema();
        let message = to_avro_datum(&Schema::parse_str(&schema).unwrap(), theirs).unwrap();
        prop_assert_eq!(decode(&mut given(&schema), &all(), &message).unwrap(), ours);
    }

    #[test]
    fn what_is_written_is_read_by_another_decoder((ours, _) in rows()) {
        // Of the columns' own schema, which another library knows too.
        let columns = all();
        let fields: Vec<_> = columns.columns.iter().map(|column| column.field.clone()).collect();
        let derived = derive::derive(&fields).unwrap().to_string();
        let mut options = options("kafka", &[("format", "avro")]);
        let row = row_of(&columns, &ours);
        let mut encoder = encoder(&mut options.clone(), &columns).unwrap();
        let message = encoder.encode(&row).unwrap().unwrap().to_vec();
        let schema = Schema::parse_str(&derived).unwrap();
        let theirs = from_avro_datum(&schema, &mut &message[..], None).unwrap();
        prop_assert_eq!(to_avro_datum(&schema, theirs).unwrap(), &message[..]);
        prop_assert_eq!(decode(&mut options, &columns, &message).unwrap(), ours);
    }

    #[test]
    fn any_bytes_are_a_row_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&mut given(&schema()), &all(), &bytes);
    }

    /// A message that was cut or changed is read or refused; a cut one is always refused.
    #[test]
    fn a_damaged_message_is_a_row_or_an_error(
        (_, theirs) in rows(), at in any::<prop::sample::Index>(), bits in 1_u8..,
    ) {
        let schema = schema();
        let mut message = to_avro_datum(&Schema::parse_str(&schema).unwrap(), theirs).unwrap();
        let at = at.index(message.len());
        prop_assert!(decode(&mut given(&schema), &all(), &message[..at]).is_err());
        message[at] ^= bits;
        let _ = decode(&mut given(&schema), &all(), &message);
    }

    #[test]
    fn decimals_take_as_few_bytes_as_they_can(value in any::<i128>(), shift in 0_u32..127) {
        let value = value >> shift;
        let mut out = Vec::new();
        let form = form::Form::Decimal { size: None, precision: 38 };
        write(&form, Item::Scalar(Scalar::Wide(value)), &mut out).unwrap();
        let bytes = &out[1..];
        let fits = |bits: u32| value >> (bits - 1) == 0 || value >> (bits - 1) == -1;
        prop_assert!(fits(8 * bytes.len() as u32));
        prop_assert!(bytes.len() == 1 || !fits(8 * (bytes.len() as u32 - 1)));
        let read = scalar(&form, &mut Bytes(&out));
        let is_in_range = value.unsigned_abs() < 10_u128.pow(38);
        prop_assert_eq!(read, if is_in_range { Ok(Some(Scalar::Wide(value))) } else { Err(Bad::Range) });
    }
}

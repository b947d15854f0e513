//! Casts as a table, and of random values: none panics, and what is written is read back.

use proptest::prelude::*;
use tidewire_event::{DataType, Field, RowLayout, Value};

use super::{Cast, cast};
use crate::error::Span;
use crate::expr::Expr;
use crate::functions::tests::{computed, constant, type_of};
use crate::kernel::Kernel;
use crate::kernel::tests::row;
use crate::session::Session;

fn berlin() -> Session {
    Session { zone: jiff::tz::TimeZone::get("Europe/Berlin").unwrap() }
}

fn check(cases: &[(&str, &str, &str)]) {
    for (value, ty, wanted) in cases {
        let (how, name) = match ty.strip_prefix("try ") {
            Some(name) => (Cast::Try, name),
            None => (Cast::Cast, *ty),
        };
        let ty = type_of(name);
        let found = computed(&[constant(value)], |mut args| {
            cast(args.remove(0), &ty, how, Span::NONE, &berlin())
        });
        assert_eq!(found, *wanted, "{value} as {name}");
    }
}

#[test]
fn numbers() {
    check(&[
        ("300", "l", "BIGINT 300"),
        ("100", "t", "TINYINT 100"),
        ("300", "t", "300 of type INT does not become TINYINT"),
        ("300", "try t", "TINYINT NULL"),
        ("-1.9", "i", "INT -1"),
        ("d10.2:1234.50", "t", "1234.50 of type DECIMAL(10, 2) does not become TINYINT"),
        ("1e20", "l", "1.0E20 of type DOUBLE does not become BIGINT"),
        ("-9.9e0", "i", "INT -9"),
        ("x:NaN", "try i", "INT NULL"),
        ("d10.2:1.255", "d10.1", "DECIMAL(10, 1) 1.3"),
        ("1.15e0", "d5.1", "DECIMAL(5, 1) 1.2"),
        ("d10.2:1234.50", "d3.1", "1234.50 of type DECIMAL(10, 2) does not become DECIMAL(3, 1)"),
        ("7", "d20.2", "DECIMAL(20, 2) 7.00"),
        ("l:7", "d38.0", "DECIMAL(38, 0) 7"),
        ("1.5", "x", "DOUBLE 1.5E0"),
        ("d38.10:12345678901234567890.5", "x", "DOUBLE 1.2345678901234567E19"),
        ("0.1", "f", "FLOAT 0.1E0"),
        ("1e300", "f", "FLOAT CAST('Infinity' AS FLOAT)"),
        ("5", "b", "BOOLEAN TRUE"),
        ("0.0", "b", "BOOLEAN FALSE"),
        ("TRUE", "i", "INT 1"),
        ("TRUE", "d3.2", "DECIMAL(3, 2) 1.00"),
        ("TRUE", "d2.2", "'TRUE' of type BOOLEAN does not become DECIMAL(2, 2)"),
        ("TRUE", "x", "DOUBLE 1.0E0"),
    ]);
}

#[test]
fn texts() {
    check(&[
        ("' 12 '", "i", "INT 12"),
        ("'12.7'", "i", "INT 12"),
        ("'-9223372036854775808'", "l", "BIGINT -9223372036854775808"),
        ("'9223372036854775808'", "try l", "BIGINT NULL"),
        ("'abc'", "i", "'abc' of type CHAR(3) does not become INT"),
        ("'.'", "try i", "INT NULL"),
        ("'1.005'", "d10.2", "DECIMAL(10, 2) 1.01"),
        ("'123456789012'", "try d10.2", "DECIMAL(10, 2) NULL"),
        ("'T'", "b", "BOOLEAN TRUE"),
        ("'no'", "b", "BOOLEAN FALSE"),
        ("'x'", "try b", "BOOLEAN NULL"),
        ("'1e3'", "x", "DOUBLE 1000.0E0"),
        ("'abcdef'", "v3", "VARCHAR(3) 'abc'"),
        ("'äöü'", "v2", "VARCHAR(2) 'äö'"),
        ("'ab'", "c4", "CHAR(4) 'ab  '"),
        ("100000", "v2", "VARCHAR(2) '10'"),
        ("100000", "c8", "CHAR(8) '100000  '"),
        ("TRUE", "str", "STRING 'TRUE'"),
        ("d10.2:1234.50", "str", "STRING '1234.50'"),
        ("1e-10", "str", "STRING '1.0E-10'"),
        ("f:0.1", "str", "STRING '0.1'"),
        ("'ab'", "bytes", "BYTES X'6162'"),
        ("bytes:ab", "str", "STRING 'ab'"),
        ("ns:93600000000000", "str", "STRING '+1 02:00:00.000'"),
        ("months:-14", "str", "STRING '-1-02'"),
    ]);
}

#[test]
fn times() {
    check(&[
        ("'2024-1-3'", "date", "DATE DATE '2024-01-03'"),
        ("'2024-02-30'", "try date", "DATE NULL"),
        ("'10:20:30.5'", "time", "TIME(3) TIME '10:20:30.500'"),
        ("'2024-01-31'", "ts", "TIMESTAMP(3) TIMESTAMP '2024-01-31 00:00:00.000'"),
        (
            "'2024-01-31 10:20:30.123456789'",
            "ts",
            "TIMESTAMP(3) TIMESTAMP '2024-01-31 10:20:30.123'",
        ),
        (
            "'2024-07-01 12:00:00'",
            "ltz",
            "TIMESTAMP_LTZ(3) CAST('2024-07-01 10:00:00.000Z' AS TIMESTAMP_LTZ(3))",
        ),
        ("ltz:2024-07-01 10:00:00Z", "ts", "TIMESTAMP(3) TIMESTAMP '2024-07-01 12:00:00.000'"),
        ("ltz:2024-07-01 23:00:00Z", "date", "DATE DATE '2024-07-02'"),
        ("ltz:2024-07-01 23:00:00Z", "str", "STRING '2024-07-02 01:00:00.000'"),
        (
            "date:2024-07-01",
            "ltz",
            "TIMESTAMP_LTZ(3) CAST('2024-06-30 22:00:00.000Z' AS TIMESTAMP_LTZ(3))",
        ),
        (
            "ts9:1969-12-31 23:59:59.999999999",
            "ts",
            "TIMESTAMP(3) TIMESTAMP '1969-12-31 23:59:59.999'",
        ),
        ("ts:2024-07-01 12:34:56.789", "time", "TIME(3) TIME '12:34:56.789'"),
        ("ts:1969-12-31 23:59:59", "date", "DATE DATE '1969-12-31'"),
        ("time:10:20:30", "ts", "TIMESTAMP(3) TIMESTAMP '1970-01-01 10:20:30.000'"),
        ("time:10:20:30", "str", "STRING '10:20:30.0'"),
        ("time:10:20:30.5", "str", "STRING '10:20:30.5'"),
        ("ts:2024-07-01 12:34:56", "str", "STRING '2024-07-01 12:34:56.000'"),
        ("date:2024-07-01", "time", "there is no cast of DATE to TIME(3)"),
        ("5", "ts", "there is no cast of INT to TIMESTAMP(3)"),
        ("5", "ns", "there is no cast of INT to INTERVAL DAY TO SECOND"),
    ]);
}

#[test]
fn nested_values_are_cast_item_by_item() {
    let array = |of| DataType::Array(Box::new(of));
    let map = |key, value| DataType::Map(Box::new(key), Box::new(value));
    let pair = |a, b| DataType::Row(vec![Field::new("a", a), Field::new("b", b)]);
    let list = Value::List(vec![Value::Int(1), Value::Null, Value::Int(300)]);
    let of_ints = Expr::literal(list, array(DataType::Int), Span::NONE);
    let entries =
        Value::Map(vec![(Value::text("k"), Value::List(vec![Value::Bool(true), Value::Null]))]);
    let ty = map(DataType::String, pair(DataType::Boolean, DataType::Int));
    let of_rows = Expr::literal(entries, ty, Span::NONE);
    let cases = [
        (&of_ints, array(DataType::String), "ARRAY<STRING> ARRAY['1', NULL, '300']"),
        (
            &of_ints,
            array(DataType::TinyInt),
            "'[1, NULL, 300]' of type ARRAY<INT> does not become ARRAY<TINYINT>",
        ),
        (&of_ints, DataType::String, "STRING '[1, NULL, 300]'"),
        (&of_rows, DataType::String, "STRING '{k=(TRUE, NULL)}'"),
        (
            &of_rows,
            map(DataType::VarChar(1), pair(DataType::Int, DataType::Double)),
            "MAP<VARCHAR(1), ROW<a INT, b DOUBLE>> MAP['k', ROW(1, NULL)]",
        ),
        (
            &of_rows,
            array(DataType::Int),
            "there is no cast of MAP<STRING, ROW<a BOOLEAN, b INT>> to ARRAY<INT>",
        ),
    ];
    for (value, ty, wanted) in cases {
        let found = computed(std::slice::from_ref(value), |mut args| {
            cast(args.remove(0), &ty, Cast::Cast, Span::NONE, &berlin())
        });
        assert_eq!(found, wanted);
    }
}

#[test]
fn nobody_writes_a_cast_that_loses() {
    let implicit = |value: &str, ty: &str| {
        cast(constant(value), &type_of(ty), Cast::Implicit, Span::NONE, &berlin())
            .map(|expr| format!("{:?}", expr.as_literal()))
            .map_err(|error| error.to_string())
    };
    assert_eq!(implicit("5", "t"), Ok("Some(Int(5))".to_owned()));
    assert_eq!(implicit("500", "t"), Err("500 of type INT does not become TINYINT".to_owned()));
    assert_eq!(
        implicit("x:1", "i"),
        Err("DOUBLE does not become INT by itself (CAST(... AS INT) makes it)".to_owned())
    );
    assert_eq!(
        implicit("'12'", "v1"),
        Err("'12' of type CHAR(2) does not become VARCHAR(1)".to_owned())
    );
    assert!(implicit("'12'", "i").is_err());
    assert!(implicit("5", "str").is_err());
}

fn some_type() -> impl Strategy<Value = DataType> {
    let names = [
        "t", "s", "i", "l", "f", "x", "b", "str", "bytes", "date", "time", "ts", "ts9", "ltz",
        "ns", "months", "c3", "v5", "d5.2", "d18.0", "d19.19", "d38.0", "d38.37",
    ];
    prop::sample::select(names.to_vec()).prop_map(type_of)
}

/// Any value that a row can hold of a type, whether it makes sense or not.
fn value_of(ty: &DataType, bits: i128, text: &str) -> Value {
    use tidewire_event::Repr;
    match ty.repr() {
        Repr::Bool => Value::Bool(bits & 1 == 1),
        Repr::Int(1) => Value::Int((bits as i8).into()),
        Repr::Int(2) => Value::Int((bits as i16).into()),
        Repr::Int(4) => Value::Int((bits as i32).into()),
        Repr::Int(_) => Value::Int(bits as i64),
        Repr::Wide => Value::Wide(bits),
        Repr::Float(4) => Value::Float(f32::from_bits(bits as u32).into()),
        Repr::Float(_) => Value::Float(f64::from_bits(bits as u64)),
        Repr::Bytes => Value::text(text),
    }
}

proptest! {
    #[test]
    fn no_cast_panics(
        from in some_type(),
        to in some_type(),
        bits in prop_oneof![any::<i128>(), any::<i64>().prop_map(i128::from), -50_000..50_000_i128],
        text in "[-+0-9:.TZ eü]{0,24}|\\PC{0,12}",
    ) {
        let value = value_of(&from, bits, &text);
        let layout = RowLayout::new([(&from, false)]).unwrap();
        let input = row(&layout, &[(from.clone(), value)]);
        for how in [Cast::Cast, Cast::Try] {
            let column = Expr::column(0, from.clone(), false, Span::NONE);
            let Ok(expr) = cast(column, &to, how, Span::NONE, &berlin()) else { continue };
            let kernel = Kernel::new(None, &[&[expr]], &[&layout], &berlin()).unwrap();
            let mut output = [0; 4_096];
            let run = kernel.run([&input, &[], &[]], &mut [&mut output]);
            prop_assert!(how == Cast::Cast || run.is_ok());
        }
    }

    /// What is written as a text is read as the same value.
    #[test]
    fn texts_come_back(
        name in prop::sample::select(vec![
            "t", "s", "i", "l", "f", "x", "b", "date", "time", "ts", "ts9", "ltz", "d5.2", "d18.0", "d19.19", "d38.0",
            "d38.37",
        ]),
        bits in any::<i128>(),
    ) {
        let ty = type_of(name);
        let value = match (&ty, value_of(&ty, bits, "")) {
            (DataType::Decimal { precision, .. }, Value::Wide(value)) => {
                Value::Wide(value % 10_i128.pow((*precision).into()))
            }
            (DataType::Decimal { precision, .. }, Value::Int(value)) => {
                Value::Int(value % 10_i64.pow((*precision).into()))
            }
            // Years of more than four digits, and clocks that go back, are not for texts.
            (DataType::Date, Value::Int(days)) => Value::Int(days.rem_euclid(2_000_000)),
            (DataType::Time(_), Value::Int(ns)) => Value::Int(ns.rem_euclid(86_400_000_000_000) / 1_000_000 * 1_000_000),
            (DataType::Timestamp(3), Value::Int(ns)) => Value::Int(ns / 1_000_000 * 1_000_000),
            (DataType::TimestampLtz(_), Value::Int(ns)) => Value::Int(ns.rem_euclid(86_400_000) * 1_000_000),
            (_, Value::Float(value)) if value.is_nan() => Value::Float(0.5),
            (_, value) => value,
        };
        let expr = Expr::literal(value.clone(), ty.clone(), Span::NONE);
        let text = cast(expr, &DataType::String, Cast::Cast, Span::NONE, &berlin()).unwrap();
        let back = cast(text.clone(), &ty, Cast::Cast, Span::NONE, &berlin());
        let back = back.unwrap();
        prop_assert_eq!(back.as_literal(), Some(&value), "{:?}", text);
    }
}

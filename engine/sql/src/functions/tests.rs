//! Operators, as a table: each is computed of constants when it is bound, and of columns by a kernel, and both must
//! agree.

use proptest::prelude::*;
use tidewire_event::{DataType, Repr, RowLayout, Value};

use super::{Cast, call, cast};
use crate::error::Span;
use crate::expr::{Expr, Named};
use crate::kernel::Kernel;
use crate::kernel::tests::row;
use crate::session::Session;

pub(super) fn session() -> Session {
    Session { zone: jiff::tz::TimeZone::get("Europe/Berlin").unwrap() }
}

/// A constant of a text: `'...'` is one, digits are INT, DECIMAL or DOUBLE as SQL says, and `T:text` is a cast.
pub(super) fn constant(text: &str) -> Expr {
    let literal = |ty, value| Expr::literal(value, ty, Span::NONE);
    if let Some(text) = text.strip_prefix('\'') {
        let text = text.trim_end_matches('\'');
        return literal(DataType::Char(text.chars().count() as u32), Value::text(text));
    }
    if let Some((ty, text)) = text.split_once(':') {
        let value = if text == "NULL" { Value::Null } else { Value::text(text) };
        let source = if text == "NULL" { DataType::Null } else { DataType::String };
        let ty = type_of(ty);
        return match ty {
            DataType::Interval => literal(ty, Value::Int(text.parse().unwrap())),
            DataType::Months => literal(ty, Value::Int(text.parse().unwrap())),
            ty => cast(literal(source, value), &ty, Cast::Cast, Span::NONE, &session()).unwrap(),
        };
    }
    match text {
        "NULL" => literal(DataType::Null, Value::Null),
        "TRUE" | "FALSE" => literal(DataType::Boolean, Value::Bool(text == "TRUE")),
        number if number.contains('e') => {
            literal(DataType::Double, Value::Float(number.parse().unwrap()))
        }
        number if number.contains('.') => {
            let scale = number.split_once('.').unwrap().1.len() as u8;
            let precision = number.chars().filter(char::is_ascii_digit).count() as u8;
            constant(&format!("d{precision}.{scale}:{number}"))
        }
        number => literal(DataType::Int, Value::Int(number.parse().unwrap())),
    }
}

/// A type of its short name.
pub(super) fn type_of(name: &str) -> DataType {
    match name {
        "t" => DataType::TinyInt,
        "s" => DataType::SmallInt,
        "i" => DataType::Int,
        "l" => DataType::BigInt,
        "f" => DataType::Float,
        "x" => DataType::Double,
        "b" => DataType::Boolean,
        "str" => DataType::String,
        "bytes" => DataType::Bytes,
        "date" => DataType::Date,
        "time" => DataType::Time(3),
        "ts" => DataType::Timestamp(3),
        "ts9" => DataType::Timestamp(9),
        "ltz" => DataType::TimestampLtz(3),
        "ns" => DataType::Interval,
        "months" => DataType::Months,
        name => {
            let (kind, digits) = name.split_at(1);
            match (kind, digits.split_once('.')) {
                ("d", Some((precision, scale))) => DataType::Decimal {
                    precision: precision.parse().unwrap(),
                    scale: scale.parse().unwrap(),
                },
                ("c", _) => DataType::Char(digits.parse().unwrap()),
                ("v", _) => DataType::VarChar(digits.parse().unwrap()),
                _ => panic!("no type {name}"),
            }
        }
    }
}

/// What `make` computes of constants, and of columns that hold them: `TYPE literal`, or the error.
pub(super) fn computed(
    args: &[Expr],
    make: impl Fn(Vec<Expr>) -> Result<Expr, crate::SqlError>,
) -> String {
    compute(args, make, false)
}

/// The same; `lazy` says that not all arguments need be asked for.
fn compute(
    args: &[Expr],
    make: impl Fn(Vec<Expr>) -> Result<Expr, crate::SqlError>,
    lazy: bool,
) -> String {
    let shown = |expr: &Expr| {
        let names: [&str; 0] = [];
        format!("{} {}", expr.ty, Named { expr, names: &names })
    };
    let folded = make(args.to_vec()).map(|expr| shown(&expr));
    let (is_wrong, folded) = match folded {
        Ok(shown) => (false, shown),
        Err(error) => (true, error.problem),
    };
    let value = |arg: &Expr| (arg.ty.clone(), arg.as_literal().unwrap().clone());
    let columns: Vec<_> = args.iter().map(value).collect();
    let layout = RowLayout::new(columns.iter().map(|(ty, _)| (ty, true))).unwrap();
    let input = row(&layout, &columns);
    // All of them columns, and but the first: a column beside a constant is code of its own.
    for first_constant in [args.len(), 1] {
        let mixed = args.iter().enumerate().map(|(at, arg)| match at < first_constant {
            true => Expr::column(at, arg.ty.clone(), true, Span::NONE),
            false => arg.clone(),
        });
        let Ok(expr) = make(mixed.collect()) else { continue };
        let kernel = Kernel::new(None, &[std::slice::from_ref(&expr)], &[&layout], &session());
        let kernel = kernel.unwrap();
        let mut output = [0; 4_096];
        let run = match kernel.run([&input, &[], &[]], &mut [&mut output]) {
            Ok(_) => {
                let value = Value::read(&output, &kernel.outputs()[0].slots()[0], &expr.ty);
                shown(&Expr::literal(value.unwrap(), expr.ty, Span::NONE))
            }
            Err(fault) => fault.problem,
        };
        // A constant that is not asked for may go wrong all the same when the call is bound.
        if !(is_wrong && lazy) {
            assert_eq!(run, folded, "constants from {first_constant}");
        }
    }
    folded
}

fn check(cases: &[(&str, &[&str], &str)]) {
    for (name, args, wanted) in cases {
        let args: Vec<_> = args.iter().map(|arg| constant(arg)).collect();
        let found = computed(&args, |args| call(name, args, Span::NONE, &session()));
        assert_eq!(found, *wanted, "{name} {args:?}");
    }
}

#[test]
fn integers() {
    check(&[
        ("+", &["1", "2"], "INT 3"),
        ("+", &["t:100", "t:27"], "TINYINT 127"),
        ("+", &["t:100", "t:28"], "100 + 28 does not fit into TINYINT"),
        ("+", &["t:100", "i:28"], "INT 128"),
        (
            "-",
            &["l:-9223372036854775808", "1"],
            "-9223372036854775808 - 1 does not fit into BIGINT",
        ),
        (
            "*",
            &["l:3037000500", "l:3037000500"],
            "3037000500 * 3037000500 does not fit into BIGINT",
        ),
        ("/", &["-7", "2"], "INT -3"),
        ("/", &["7", "0"], "7 / 0: a division by zero"),
        ("/", &["i:-2147483648", "-1"], "-2147483648 / -1 does not fit into INT"),
        ("%", &["-7", "2"], "INT -1"),
        ("%", &["l:7", "t:4"], "TINYINT 3"),
        ("%", &["l:-9223372036854775808", "l:-1"], "BIGINT 0"),
        ("%", &["7", "0"], "7 % 0: a division by zero"),
        ("-", &["5"], "INT -5"),
        ("-", &["t:-128"], "-(-128) does not fit into TINYINT"),
        ("+", &["5"], "INT 5"),
        ("+", &["NULL", "1"], "INT NULL"),
        ("+", &["i:NULL", "1"], "INT NULL"),
        ("+", &["1", "TRUE"], "there is no + of INT and BOOLEAN"),
        ("+", &["1", "'1'"], "there is no + of INT and CHAR(1)"),
    ]);
}

#[test]
fn decimals_and_floats() {
    check(&[
        ("+", &["0.1", "0.2"], "DECIMAL(3, 1) 0.3"),
        ("+", &["13", "1.5"], "DECIMAL(12, 1) 14.5"),
        ("-", &["d10.2:1.00", "d10.2:2.50"], "DECIMAL(11, 2) -1.50"),
        ("*", &["d10.2:1.50", "d10.2:-2.00"], "DECIMAL(21, 4) -3.0000"),
        ("*", &["2", "1.50"], "DECIMAL(14, 2) 3.00"),
        ("*", &["l:-933340411625", "1.0"], "DECIMAL(22, 1) -933340411625.0"),
        ("/", &["d10.2:1.00", "d10.2:3.00"], "DECIMAL(23, 13) 0.3333333333333"),
        ("/", &["1.0", "3"], "DECIMAL(13, 12) 0.333333333333"),
        ("/", &["1.0", "3.0"], "DECIMAL(8, 6) 0.333333"),
        ("/", &["13", "2.0"], "DECIMAL(17, 6) 6.500000"),
        ("/", &["d10.2:899.65", "l:-933340411625"], "DECIMAL(30, 22) -0.0000000009639034041542"),
        ("/", &["1.0", "0"], "1.0 / 0: a division by zero"),
        ("%", &["d10.2:899.65", "13"], "DECIMAL(10, 2) 2.65"),
        ("%", &["-13", "d10.2:4.50"], "DECIMAL(10, 2) -4.00"),
        ("%", &["d10.0:7", "l:4"], "BIGINT 3"),
        ("%", &["1.0", "0.0"], "1.0 % 0.0: a division by zero"),
        ("*", &["d38.10:1.5", "d38.10:1.5"], "DECIMAL(38, 6) 2.250000"),
        (
            "+",
            &["d38.0:99999999999999999999999999999999999999", "1"],
            "99999999999999999999999999999999999999 + 1 does not fit into DECIMAL(38, 0)",
        ),
        ("-", &["d38.2:-1.50"], "DECIMAL(38, 2) 1.50"),
        ("+", &["x:1", "1.5"], "DOUBLE 2.5E0"),
        ("+", &["f:0.1", "f:0.2"], "FLOAT 0.3E0"),
        ("+", &["f:1.5", "13"], "FLOAT 14.5E0"),
        ("+", &["f:1.5", "1.5"], "DOUBLE 3.0E0"),
        ("+", &["f:1.5", "x:1.5"], "FLOAT 3.0E0"),
        ("+", &["x:1.5", "f:1.5"], "DOUBLE 3.0E0"),
        ("/", &["x:1", "0"], "DOUBLE CAST('Infinity' AS DOUBLE)"),
        ("/", &["x:0", "x:0"], "DOUBLE CAST('NaN' AS DOUBLE)"),
        ("%", &["x:-7.5", "x:2"], "DOUBLE -1.5E0"),
    ]);
}

#[test]
fn times() {
    check(&[
        (
            "+",
            &["ts:2024-01-31 10:00:00", "months:1"],
            "TIMESTAMP(3) TIMESTAMP '2024-02-29 10:00:00.000'",
        ),
        (
            "-",
            &["ts:2024-03-31 10:00:00", "months:1"],
            "TIMESTAMP(3) TIMESTAMP '2024-02-29 10:00:00.000'",
        ),
        (
            "-",
            &["ts:1970-01-01", "ns:5000000000"],
            "TIMESTAMP(3) TIMESTAMP '1969-12-31 23:59:55.000'",
        ),
        (
            "+",
            &["ns:1000000", "ltz:2024-01-01 00:00:00Z"],
            "TIMESTAMP_LTZ(3) CAST('2024-01-01 00:00:00.001Z' AS TIMESTAMP_LTZ(3))",
        ),
        ("+", &["date:2024-02-28", "ns:86400000000000"], "DATE DATE '2024-02-29'"),
        ("-", &["date:2024-03-31", "months:13"], "DATE DATE '2023-02-28'"),
        ("+", &["time:23:59:59", "ns:2000000000"], "TIME(3) TIME '00:00:01.000'"),
        ("-", &["time:00:00:01", "ns:2000000000"], "TIME(3) TIME '23:59:59.000'"),
        ("-", &["date:2024-03-01", "date:2024-02-28"], "INTERVAL DAY TO SECOND INTERVAL '2' DAY"),
        (
            "-",
            &["ts:2024-03-01 00:00:01", "ts:2024-03-01"],
            "INTERVAL DAY TO SECOND INTERVAL '1' SECOND",
        ),
        ("*", &["2", "ns:1500000000"], "INTERVAL DAY TO SECOND INTERVAL '3' SECOND"),
        ("/", &["months:7", "2"], "INTERVAL YEAR TO MONTH INTERVAL '3' MONTH"),
        ("-", &["ns:1500000000"], "INTERVAL DAY TO SECOND INTERVAL -'1.5' SECOND"),
        ("+", &["months:7", "months:17"], "INTERVAL YEAR TO MONTH INTERVAL '2' YEAR"),
        (
            "+",
            &["ns:9223372036854775807", "ns:1"],
            "the result of + is out of the range of INTERVAL DAY TO SECOND",
        ),
        ("+", &["date:2024-01-01", "1"], "there is no + of DATE and INT"),
        ("+", &["time:10:00", "months:1"], "there is no + of TIME(3) and INTERVAL YEAR TO MONTH"),
    ]);
}

#[test]
fn comparisons() {
    check(&[
        ("=", &["1", "l:1"], "BOOLEAN TRUE"),
        ("=", &["1", "1.0"], "BOOLEAN TRUE"),
        ("<", &["0.1", "x:0.2"], "BOOLEAN TRUE"),
        ("<>", &["NULL", "1"], "BOOLEAN NULL"),
        ("=", &["'ab'", "str:ab"], "BOOLEAN TRUE"),
        (">=", &["'b'", "'ab'"], "BOOLEAN TRUE"),
        ("=", &["x:NaN", "x:NaN"], "BOOLEAN FALSE"),
        (">", &["ts:2024-01-01", "'2023-12-31'"], "BOOLEAN TRUE"),
        ("=", &["date:2024-01-01", "'2024-1-1'"], "BOOLEAN TRUE"),
        ("=", &["date:2024-01-01", "ts:2024-01-01"], "BOOLEAN TRUE"),
        ("<", &["d18.10:4.5", "5"], "BOOLEAN TRUE"),
        ("=", &["l:1", "1.5"], "BOOLEAN FALSE"),
        ("<", &["t:1", "1000"], "BOOLEAN TRUE"),
        ("=", &["1", "'1'"], "there is no = of INT and CHAR(1)"),
        ("=", &["TRUE", "1"], "there is no = of BOOLEAN and INT"),
        ("BETWEEN", &["2", "1", "2"], "BOOLEAN TRUE"),
        ("BETWEEN", &["2", "3", "NULL"], "BOOLEAN FALSE"),
        ("BETWEEN", &["2", "1", "NULL"], "BOOLEAN NULL"),
        ("NOT BETWEEN", &["2.5", "1", "2"], "BOOLEAN TRUE"),
        ("BETWEEN", &["'b'", "'a'", "'c'"], "BOOLEAN TRUE"),
        ("IN", &["2", "1", "2"], "BOOLEAN TRUE"),
        ("IN", &["2", "1", "NULL"], "BOOLEAN NULL"),
        ("NOT IN", &["2", "1", "NULL"], "BOOLEAN NULL"),
        ("NOT IN", &["2", "1", "3"], "BOOLEAN TRUE"),
        ("IN", &["'b'", "'a'", "'b'"], "BOOLEAN TRUE"),
        ("IN", &["2.0", "1", "2"], "BOOLEAN TRUE"),
        ("IN", &["x:2", "1", "3"], "BOOLEAN FALSE"),
        ("IN", &["i:NULL", "1", "3"], "BOOLEAN NULL"),
        ("IS DISTINCT FROM", &["1", "NULL"], "BOOLEAN TRUE"),
        ("IS NOT DISTINCT FROM", &["str:NULL", "NULL"], "BOOLEAN TRUE"),
        ("LIKE", &["'abc'", "'a%'"], "BOOLEAN TRUE"),
        ("NOT LIKE", &["'abc'", "'_b_'"], "BOOLEAN FALSE"),
        ("LIKE", &["'a%c'", "'a!%c'", "'!'"], "BOOLEAN TRUE"),
        ("LIKE", &["str:NULL", "'%'"], "BOOLEAN NULL"),
    ]);
}

#[test]
fn three_values() {
    let values = ["TRUE", "FALSE", "b:NULL"];
    let and = ["TRUE", "FALSE", "NULL", "FALSE", "FALSE", "FALSE", "NULL", "FALSE", "NULL"];
    let or = ["TRUE", "TRUE", "TRUE", "TRUE", "FALSE", "NULL", "TRUE", "NULL", "NULL"];
    for (at, (and, or)) in and.into_iter().zip(or).enumerate() {
        let args = [values[at / 3], values[at % 3]];
        let (and, or) = (format!("BOOLEAN {and}"), format!("BOOLEAN {or}"));
        check(&[("AND", &args, &and), ("OR", &args, &or)]);
        check(&[
            ("AND", &[args[0], args[1], "TRUE"], &and),
            ("OR", &[args[0], "FALSE", args[1]], &or),
        ]);
    }
    for (value, [not, is_true, is_false, unknown]) in [
        ("TRUE", ["FALSE", "TRUE", "FALSE", "FALSE"]),
        ("FALSE", ["TRUE", "FALSE", "TRUE", "FALSE"]),
        ("b:NULL", ["NULL", "FALSE", "FALSE", "TRUE"]),
    ] {
        let boolean = |text: &str| format!("BOOLEAN {text}");
        let not_of = |text: &str| boolean(if text == "TRUE" { "FALSE" } else { "TRUE" });
        check(&[
            ("NOT", &[value], &boolean(not)),
            ("IS TRUE", &[value], &boolean(is_true)),
            ("IS NOT TRUE", &[value], &not_of(is_true)),
            ("IS FALSE", &[value], &boolean(is_false)),
            ("IS NOT FALSE", &[value], &not_of(is_false)),
            ("IS UNKNOWN", &[value], &boolean(unknown)),
            ("IS NULL", &[value], &boolean(unknown)),
            ("IS NOT NULL", &[value], &not_of(unknown)),
        ]);
    }
    check(&[("AND", &["1", "TRUE"], "argument 1 of AND must be a condition, and is INT")]);
}

#[test]
fn conditions_choose() {
    check(&[
        ("CASE", &["FALSE", "1", "TRUE", "l:2", "3"], "BIGINT 2"),
        ("CASE", &["FALSE", "1"], "INT NULL"),
        ("CASE", &["b:NULL", "'a'", "'bcd'"], "VARCHAR(3) 'bcd'"),
        ("CASE", &["TRUE", "1.5", "x:2"], "DOUBLE 1.5E0"),
        (
            "CASE",
            &["TRUE", "1", "'a'"],
            "CASE goes between values of one type, not INT and CHAR(1)",
        ),
        ("IF", &["TRUE", "1", "NULL"], "INT 1"),
        ("COALESCE", &["NULL", "i:NULL", "3", "4"], "INT 3"),
        ("IFNULL", &["str:NULL", "'x'"], "STRING 'x'"),
        ("NULLIF", &["1", "1"], "INT NULL"),
        ("NULLIF", &["1", "2.0"], "INT 1"),
        ("GREATEST", &["1", "3", "2"], "INT 3"),
        ("LEAST", &["'b'", "'a'"], "CHAR(1) 'a'"),
        ("GREATEST", &["1", "NULL"], "INT NULL"),
        ("GREATEST", &["d4.1:1.5", "1"], "DECIMAL(11, 1) 1.5"),
        ("||", &["'a'", "str:b", "'c'"], "STRING 'abc'"),
        ("||", &["'a'", "'b'"], "CHAR(2) 'ab'"),
        ("||", &["'a'", "str:NULL"], "STRING NULL"),
        ("||", &["'a'", "1"], "argument 2 of || must be a text, and is INT"),
    ]);
}

#[test]
fn what_is_wrong_is_said() {
    let error = |name: &str, args: &[&str]| {
        let args = args.iter().map(|arg| constant(arg)).collect();
        call(name, args, Span::NONE, &session()).unwrap_err().to_string()
    };
    assert_eq!(error("COALESC", &["1"]), "there is no function COALESC (did you mean COALESCE?)");
    assert_eq!(error("=", &["1"]), "= takes 2 arguments, and has 1 (it is called as a = b)");
    assert_eq!(
        error("NULLIF", &["1"]),
        "NULLIF takes 2 arguments, and has 1 (it is called as NULLIF(a, b))"
    );
    assert_eq!(
        error("+", &["date:2024-01-01", "ns:1"]),
        "an interval that is not of whole days does not go with a DATE (CAST(... AS TIMESTAMP(3)) makes a timestamp of it)"
    );
}

/// A type of its short name.
fn some_type() -> impl Strategy<Value = DataType> {
    let names = [
        "t", "s", "i", "l", "f", "x", "b", "str", "date", "time", "ts", "ltz", "ns", "months",
        "d5.2", "d18.9", "d19.19", "d38.0", "d38.37",
    ];
    prop::sample::select(names.to_vec()).prop_map(type_of)
}

/// A value of a type, or NULL; times may be out of their day.
fn value_of(ty: &DataType, bits: i128) -> Value {
    let bits = match ty {
        DataType::Decimal { precision, .. } => bits % 10_i128.pow((*precision).into()),
        _ => bits,
    };
    match ty.repr() {
        _ if bits % 11 == 0 => Value::Null,
        Repr::Bool => Value::Bool(bits & 1 == 1),
        Repr::Int(1) => Value::Int((bits as i8).into()),
        Repr::Int(2) => Value::Int((bits as i16).into()),
        Repr::Int(4) => Value::Int((bits as i32).into()),
        Repr::Int(_) => Value::Int(bits as i64),
        Repr::Wide => Value::Wide(bits),
        Repr::Float(_) => Value::Float((bits as f32).into()),
        Repr::Bytes => Value::text(&bits.to_string()),
    }
}

fn bits() -> impl Strategy<Value = i128> {
    prop_oneof![
        any::<i128>(),
        any::<i64>().prop_map(i128::from),
        -100..100_i128,
        prop::sample::select(vec![i128::MIN, i128::MAX, i64::MIN.into(), i64::MAX.into()]),
    ]
}

proptest! {
    /// Operators of any values, sensible or not: of constants, of columns and of both.
    #[test]
    fn no_operator_panics(
        name in prop::sample::select(vec![
            "+", "-", "*", "/", "%", "=", "<", ">=", "IN", "BETWEEN", "IS DISTINCT FROM", "COALESCE", "GREATEST",
            "LEAST", "NULLIF", "AND", "OR", "NOT", "||", "LIKE", "ARRAY", "MAP", "IS NULL", "CASE",
        ]),
        types in prop::collection::vec((some_type(), bits()), 1..4),
        same in any::<bool>(),
    ) {
        let args: Vec<_> = types.iter().map(|(ty, bits)| {
            let ty = if same { &types[0].0 } else { ty };
            Expr::literal(value_of(ty, *bits), ty.clone(), Span::NONE)
        }).collect();
        compute(&args, |args| call(name, args, Span::NONE, &session()), true);
    }
}

//! No function panics, whatever its arguments are; and what is worked out has the representation that its type says.

use proptest::prelude::*;
use tidewire_event::{DataType, Repr, Value};

use super::{call, functions};
use crate::error::Span;
use crate::expr::Expr;
use crate::session::Session;

fn text() -> impl Strategy<Value = Value> {
    let texts = prop_oneof![
        "[ -~äß€]{0,12}",
        "[0-9:. TZ+-]{0,24}",
        "[\\[\\](){}|*+?^$.\\\\a]{0,8}",
        "[{}\\[\\]\":,a1 ]{0,16}",
        proptest::sample::select(vec![
            "YEAR",
            "MONTH",
            "SECOND",
            "$.a",
            "$[0]",
            "yyyy-MM-dd",
            "UTC",
            "UTF-8",
            "2020-05-03 10:11:12",
            "{\"a\": [1, 2]}",
            "Europe/Berlin",
            "http://a.b/c?x=1",
        ])
        .prop_map(str::to_owned),
    ];
    texts.prop_map(|text| Value::text(&text))
}

fn integer() -> impl Strategy<Value = i64> {
    prop_oneof![-3_i64..12, any::<i64>(), Just(i64::MIN), Just(i64::MAX)]
}

fn argument() -> impl Strategy<Value = (Value, DataType)> {
    let ints = DataType::Array(Box::new(DataType::BigInt));
    let map = DataType::Map(Box::new(DataType::String), Box::new(DataType::BigInt));
    let of_64 = proptest::sample::select(vec![
        DataType::BigInt,
        DataType::Time(3),
        DataType::Timestamp(9),
        DataType::TimestampLtz(3),
        DataType::Interval,
    ]);
    let of_32 = proptest::sample::select(vec![DataType::Int, DataType::Date, DataType::Months]);
    let digits = 10_i128.pow(38) - 1;
    let null = proptest::sample::select(vec![DataType::Null, DataType::String, DataType::BigInt]);
    prop_oneof![
        4 => text().prop_map(|text| (text, DataType::String)),
        1 => proptest::collection::vec(any::<u8>(), 0..9)
            .prop_map(|bytes| (Value::Bytes(bytes), DataType::Bytes)),
        2 => (integer(), of_64).prop_map(|(value, ty)| match ty {
            DataType::Time(_) => (Value::Int(value.rem_euclid(86_400_000_000_000)), ty),
            ty => (Value::Int(value), ty),
        }),
        2 => (any::<i32>(), of_32).prop_map(|(value, ty)| (Value::Int(value.into()), ty)),
        1 => any::<i8>().prop_map(|value| (Value::Int(value.into()), DataType::TinyInt)),
        1 => any::<f64>().prop_map(|value| (Value::Float(value), DataType::Double)),
        1 => (-digits..=digits).prop_map(|value| {
            (Value::Wide(value), DataType::Decimal { precision: 38, scale: 9 })
        }),
        1 => (-99_999_i64..=99_999).prop_map(|value| {
            (Value::Int(value), DataType::Decimal { precision: 5, scale: 5 })
        }),
        1 => any::<bool>().prop_map(|value| (Value::Bool(value), DataType::Boolean)),
        1 => null.prop_map(|ty| (Value::Null, ty)),
        1 => proptest::collection::vec(integer(), 0..5).prop_map(move |items| {
            (Value::List(items.into_iter().map(Value::Int).collect()), ints.clone())
        }),
        1 => (text(), integer()).prop_map(move |(key, value)| {
            (Value::Map(vec![(key, Value::Int(value))]), map.clone())
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_is_too_wild(args in proptest::collection::vec(argument(), 0..4)) {
        let args: Vec<_> =
            args.into_iter().map(|(value, ty)| Expr::literal(value, ty, Span::NONE)).collect();
        for function in functions() {
            let Ok(expr) = call(function.name, args.clone(), Span::NONE, &Session::default()) else {
                continue;
            };
            let fits = match expr.as_literal() {
                None => true,
                Some(Value::Null) => expr.nullable,
                Some(Value::Bool(_)) => expr.ty.repr() == Repr::Bool,
                Some(Value::Int(value)) => {
                    matches!(expr.ty.repr(), Repr::Int(_)) && super::int_range(&expr.ty).contains(value)
                }
                Some(Value::Wide(_)) => expr.ty.repr() == Repr::Wide,
                Some(Value::Float(_)) => matches!(expr.ty.repr(), Repr::Float(_)),
                Some(_) => expr.ty.repr() == Repr::Bytes,
            };
            prop_assert!(fits, "{} of {args:?} is {expr:?}", function.name);
        }
    }
}

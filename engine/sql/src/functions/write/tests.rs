//! Expressions, and how they are written.

use tidewire_event::{DataType, Value};

use crate::error::Span;
use crate::expr::{Expr, Named};
use crate::functions::tests::{constant, session};
use crate::functions::{Cast, call, cast};

#[test]
fn expressions_are_written_with_the_parentheses_they_need() {
    let column = |at: usize, ty| Expr::column(at, ty, true, Span::NONE);
    let (a, b) = (|| column(0, DataType::Int), || column(1, DataType::Int));
    let (p, q) = (|| column(2, DataType::Boolean), || column(3, DataType::Boolean));
    let s = || column(4, DataType::String);
    let op = |name: &str, args: Vec<Expr>| call(name, args, Span::NONE, &session()).unwrap();
    let cases = [
        (op("*", vec![op("+", vec![a(), b()]), b()]), "(a + b) * b"),
        (op("-", vec![a(), op("-", vec![b(), a()])]), "a - (b - a)"),
        (op("-", vec![op("-", vec![a(), b()]), a()]), "a - b - a"),
        (op("+", vec![a(), op("*", vec![b(), a()])]), "a + b * a"),
        (op("-", vec![op("-", vec![a()])]), "-(-a)"),
        (op("-", vec![a(), constant("-1")]), "a - -1"),
        (
            op("AND", vec![op("OR", vec![p(), q()]), op("AND", vec![p(), q()])]),
            "(p OR q) AND p AND q",
        ),
        (
            op("OR", vec![op("AND", vec![p(), q()]), op("NOT", vec![op("=", vec![a(), b()])])]),
            "p AND q OR NOT a = b",
        ),
        (op("NOT", vec![op("AND", vec![p(), q()])]), "NOT (p AND q)"),
        (op("IS NULL", vec![op("=", vec![a(), b()])]), "a = b IS NULL"),
        (op("IS TRUE", vec![op("NOT", vec![p()])]), "(NOT p) IS TRUE"),
        (op("IN", vec![a(), constant("1"), op("+", vec![b(), constant("1")])]), "a IN (1, b + 1)"),
        (
            op("BETWEEN", vec![a(), constant("1"), op("+", vec![b(), constant("1")])]),
            "a BETWEEN 1 AND b + 1",
        ),
        (op("LIKE", vec![s(), constant("'it%'")]), "s LIKE 'it%'"),
        (
            op("=", vec![s(), Expr::literal(Value::text("it's"), DataType::Char(4), Span::NONE)]),
            "s = 'it''s'",
        ),
        (op("CASE", vec![p(), a(), q(), b()]), "CASE WHEN p THEN a WHEN q THEN b END"),
        (op("CASE", vec![p(), a(), constant("0")]), "CASE WHEN p THEN a ELSE 0 END"),
        (
            op("+", vec![a(), op("NULLIF", vec![a(), b()])]),
            "a + CASE WHEN a = b THEN NULL ELSE a END",
        ),
        (op("COALESCE", vec![a(), op("+", vec![b(), constant("1")])]), "COALESCE(a, b + 1)"),
        (op("ITEM", vec![op("ARRAY", vec![a(), b()]), a()]), "ARRAY[a, b][a]"),
        (
            cast(a(), &DataType::String, Cast::Try, Span::NONE, &session()).unwrap(),
            "TRY_CAST(a AS STRING)",
        ),
    ];
    for (expr, wanted) in cases {
        assert_eq!(Named { expr: &expr, names: &["a", "b", "p", "q", "s"] }.to_string(), wanted);
    }
}

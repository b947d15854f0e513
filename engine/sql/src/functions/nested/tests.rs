//! What is made of values, and taken out again.

use crate::error::Span;
use crate::expr::Expr;
use crate::functions::call;
use crate::functions::tests::{computed, constant, session};

#[test]
fn nested_values() {
    let literals: [(&str, &[&str], &str); 3] = [
        ("ARRAY", &["1", "i:NULL", "l:3"], "ARRAY<BIGINT> ARRAY[1, NULL, 3]"),
        ("MAP", &["'a'", "1", "'b'", "2"], "MAP<CHAR(1), INT> MAP['a', 1, 'b', 2]"),
        ("MAP", &["'a'", "1", "'a'", "2"], "MAP<CHAR(1), INT> MAP['a', 2]"),
    ];
    for (name, args, wanted) in literals {
        let args: Vec<_> = args.iter().map(|arg| constant(arg)).collect();
        let found = computed(&args, |args| call(name, args, Span::NONE, &session()));
        assert_eq!(found, wanted);
    }
    let made = |name: &str, args: &[&str]| {
        call(name, args.iter().map(|arg| constant(arg)).collect(), Span::NONE, &session()).unwrap()
    };
    let array = made("ARRAY", &["'ab'", "str:NULL", "'c'"]);
    let map = made("MAP", &["1", "0.5", "2", "d2.1:NULL"]);
    let row = made("ROW", &["'x'", "date:2024-01-01", "1"]);
    let session = session();
    let with = |name: &'static str, nested: &Expr, arg: Option<&str>| {
        let args: Vec<_> = [nested.clone()].into_iter().chain(arg.map(constant)).collect();
        computed(&args, |mut args| {
            // The position of a field is a constant.
            if name == "FIELD" {
                args[1] = constant(arg.unwrap());
            }
            call(name, args, Span::NONE, &session)
        })
    };
    assert_eq!(with("ITEM", &array, Some("1")), "STRING 'ab'");
    assert_eq!(with("ITEM", &array, Some("2")), "STRING NULL");
    assert_eq!(with("ITEM", &array, Some("4")), "STRING NULL");
    assert_eq!(with("ITEM", &array, Some("0")), "there is no item 0 of an ARRAY: the first is 1");
    assert_eq!(with("ITEM", &map, Some("1")), "DECIMAL(2, 1) 0.5");
    assert_eq!(with("ITEM", &map, Some("2")), "DECIMAL(2, 1) NULL");
    assert_eq!(with("ITEM", &map, Some("3")), "DECIMAL(2, 1) NULL");
    assert_eq!(with("FIELD", &row, Some("1")), "DATE DATE '2024-01-01'");
    assert!(with("FIELD", &row, Some("3")).contains("must be a ROW"));
    assert_eq!(with("CARDINALITY", &array, None), "INT 3");
    assert_eq!(with("CARDINALITY", &map, None), "INT 2");
    assert_eq!(with("ELEMENT", &array, None), "ELEMENT of an ARRAY of 3 items: it takes one");
    assert_eq!(with("ELEMENT", &made("ARRAY", &["7"]), None), "INT 7");
}

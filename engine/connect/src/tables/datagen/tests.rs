use tidewire_event::Value;

use super::super::readers as any_readers;
use super::super::testing::{columns, options, read_all};
use super::*;

fn rows(of: &Columns, given: &[(&str, &str)]) -> Result<Vec<Vec<Value>>, TableError> {
    let mut readers = any_readers(options("datagen", given), of)?;
    read_all(readers[0].as_mut(), of)
}

#[test]
fn every_option_does_what_it_says() {
    let of = columns(&[
        ("n", DataType::BigInt),
        ("small", DataType::TinyInt),
        ("price", DataType::Decimal { precision: 6, scale: 2 }),
        ("wide", DataType::Decimal { precision: 30, scale: 2 }),
        ("share", DataType::Double),
        ("name", DataType::String),
        ("code", DataType::Char(3)),
        ("at", DataType::Timestamp(3)),
        ("was", DataType::TimestampLtz(9)),
        ("yes", DataType::Boolean),
        ("maybe", DataType::Int),
        ("key", DataType::String),
    ]);
    let given = [
        ("rows-per-second", "4"),
        ("start", "2021-01-01T00:00:00Z"),
        ("seed", "9"),
        ("fields.n.kind", "sequence"),
        ("fields.n.start", "10"),
        ("fields.n.end", "509"),
        ("fields.small.min", "-3"),
        ("fields.small.max", "3"),
        ("fields.price.min", "1.50"),
        ("fields.price.max", "9.25"),
        ("fields.share.min", "0"),
        ("fields.share.max", "1"),
        ("fields.name.length", "20"),
        ("fields.name.var-len", "true"),
        ("fields.was.max-past", "2 s"),
        ("fields.maybe.null-rate", "0.5"),
        ("fields.key.kind", "sequence"),
        ("fields.key.start", "1"),
        ("fields.key.end", "1000"),
    ];
    let made = rows(&of, &given).unwrap();
    assert_eq!(made.len(), 500, "the shortest sequence ends the table");
    assert_eq!(made, rows(&of, &given).unwrap(), "the same each time");
    let start = 1_609_459_200_000_000_000;
    let mut nulls = 0;
    for (at, row) in made.iter().enumerate() {
        let int = |column: usize| match &row[column] {
            Value::Int(it) => *it,
            other => panic!("{other:?}"),
        };
        let len = |column: usize| match &row[column] {
            Value::Bytes(it) => it.len(),
            other => panic!("{other:?}"),
        };
        let time = start + at as i64 * 250_000_000;
        assert_eq!((int(0), int(7)), (10 + at as i64, time));
        assert!((-3..=3).contains(&int(1)) && (150..=925).contains(&int(2)));
        assert!(matches!(row[3], Value::Wide(it) if it.abs() < 10_i128.pow(30)));
        assert!(matches!(row[4], Value::Float(it) if (0.0..=1.0).contains(&it)));
        assert!((1..=20).contains(&len(5)) && len(6) == 3);
        assert!((time - 2_000_000_000..=time).contains(&int(8)));
        assert_eq!(row[11], Value::text(&(at + 1).to_string()));
        nulls += usize::from(row[10] == Value::Null);
    }
    assert!((200..300).contains(&nulls), "{nulls}");
}

#[test]
fn columns_do_not_depend_on_which_are_read() {
    let all = columns(&[("a", DataType::Int), ("b", DataType::Int)]);
    let some = Columns::used(all.table.clone(), &[1]).unwrap();
    let given = [("number-of-rows", "10")];
    let whole = rows(&all, &given).unwrap();
    let part = rows(&some, &given).unwrap();
    assert!(whole.iter().zip(&part).all(|(whole, part)| whole[1] == part[0]));
}

#[test]
fn wrong_options_are_named() {
    let of = columns(&[("a", DataType::Int), ("b", DataType::Boolean)]);
    for (given, message) in [
        (
            &[("fields.c.min", "1")][..],
            "the option 'fields.c.min' is '1': the table has no column 'c'",
        ),
        (
            &[("fields.a.mn", "1")],
            "the option 'fields.a.mn' is '1': fields have the options kind, min, max, length, start, end, max-past, null-rate, var-len",
        ),
        (&[("fields.a.min", "x")], "the option 'fields.a.min' is 'x': a value of type INT"),
        (
            &[("fields.b.min", "1")],
            "the option 'fields.b.min' is '1': it means nothing for a column of BOOLEAN",
        ),
        (
            &[("rows-per-second", "0")],
            "the option 'rows-per-second' is '0': a whole number from 1 on",
        ),
        (
            &[("fields.a.kind", "sequence"), ("fields.a.start", "1")],
            "the option 'fields.a.end' is '': a sequence needs a start and an end",
        ),
        (
            &[("number-of-row", "1")],
            "the connector 'datagen' knows no option 'number-of-row' (did you mean 'number-of-rows'?); it knows number-of-rows, rows-per-second, seed, start",
        ),
    ] {
        assert_eq!(rows(&of, given).unwrap_err().to_string(), message);
    }
}

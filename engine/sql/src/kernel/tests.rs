//! Kernels against rows written value by value.

use proptest::prelude::*;
use tidewire_event::{DataType, RowLayout, RowWriter, Slot, Value};

use super::Kernel;
use crate::error::Span;
use crate::expr::Expr;
use crate::functions::{Cast, call, cast};
use crate::session::Session;

pub(crate) fn write(writer: &mut RowWriter<'_>, slot: &Slot, value: &Value, ty: &DataType) {
    match value {
        Value::Null => writer.null(slot),
        Value::Bool(value) => writer.bool(slot, *value),
        Value::Int(value) => writer.int(slot, *value),
        Value::Wide(value) => writer.wide(slot, *value),
        Value::Float(value) => writer.float(slot, *value),
        Value::Bytes(text) => writer.text(slot, text).unwrap(),
        nested => {
            let mut bytes = Vec::new();
            nested.encode(ty, &mut bytes);
            writer.text(slot, &bytes).unwrap();
        }
    }
}

/// A row of values, with room for more.
pub(crate) fn row(layout: &RowLayout, columns: &[(DataType, Value)]) -> Vec<u8> {
    let mut row = vec![0; 8_192];
    let mut writer = RowWriter::new(&mut row, layout);
    for (slot, (ty, value)) in layout.slots().iter().zip(columns) {
        write(&mut writer, slot, value, ty);
    }
    let length = writer.len();
    row.truncate(length);
    row
}

fn value() -> impl Strategy<Value = (DataType, Value)> {
    let wide = DataType::Decimal { precision: 38, scale: 2 };
    prop_oneof![
        any::<bool>().prop_map(|value| (DataType::Boolean, Value::Bool(value))),
        any::<i8>().prop_map(|value| (DataType::TinyInt, Value::Int(value.into()))),
        any::<i16>().prop_map(|value| (DataType::SmallInt, Value::Int(value.into()))),
        any::<i32>().prop_map(|value| (DataType::Int, Value::Int(value.into()))),
        any::<i64>().prop_map(|value| (DataType::BigInt, Value::Int(value))),
        any::<i64>().prop_map(move |value| (wide.clone(), Value::Wide(value.into()))),
        any::<i32>().prop_map(|value| (DataType::Float, Value::Float((value as f32).into()))),
        any::<i64>().prop_map(|value| (DataType::Double, Value::Float(value as f64))),
        "[a-z]{0,9}".prop_map(|text| (DataType::String, Value::text(&text))),
    ]
}

/// A column, whether it may be NULL, and whether it is.
fn column() -> impl Strategy<Value = (DataType, Value, bool)> {
    (value(), 0..3_u8).prop_map(|((ty, value), null)| match null {
        0 => (ty, value, false),
        1 => (ty, value, true),
        _ => (ty, Value::Null, true),
    })
}

proptest! {
    /// Copies make the same bytes as values that are written one by one, from any of the segments.
    #[test]
    fn copies_are_what_is_written(
        columns in prop::collection::vec(column(), 1..12),
        cut in 0..12_usize,
        picks in prop::collection::vec((0..12_usize, any::<bool>()), 1..14),
        runs in any::<bool>(),
    ) {
        let cut = cut.min(columns.len());
        let segments = [&columns[..cut], &columns[cut..]];
        let layouts = segments.map(|segment| {
            RowLayout::new(segment.iter().map(|(ty, _, nullable)| (ty, *nullable))).unwrap()
        });
        let rows = [0, 1].map(|at: usize| {
            let values: Vec<_> =
                segments[at].iter().map(|(ty, value, _)| (ty.clone(), value.clone())).collect();
            row(&layouts[at], &values)
        });
        let picks: Vec<_> = if runs {
            (0..columns.len()).map(|at| (at, false)).collect()
        } else {
            picks.into_iter().map(|(at, widens)| (at % columns.len(), widens)).collect()
        };
        let exprs: Vec<_> = picks.iter().map(|(at, widens)| {
            let (ty, _, nullable) = &columns[*at];
            Expr::column(*at, ty.clone(), *nullable || *widens, Span::NONE)
        }).collect();
        let input = [&layouts[0], &layouts[1]];
        let kernel = Kernel::new(None, &[&exprs], &input, &Session::default()).unwrap();
        let layout = &kernel.outputs()[0];
        let values: Vec<_> =
            picks.iter().map(|(at, _)| (columns[*at].0.clone(), columns[*at].1.clone())).collect();
        let wanted = row(layout, &values);
        let mut output = vec![0xff; wanted.len() + 3];
        prop_assert!(kernel.run([&rows[0], &rows[1], &[]], &mut [&mut output]).unwrap());
        prop_assert_eq!(&output[..wanted.len()], wanted);
        prop_assert_eq!(&output[output.len() - 3..], [0; 3]);
    }
}

#[test]
fn a_filter_keeps_rows_and_a_fault_is_told_once() {
    let session = Session::default();
    let layout = RowLayout::new([(&DataType::Int, true), (&DataType::String, false)]).unwrap();
    let number = Expr::column(0, DataType::Int, true, Span { line: 1, column: 8, end: 9 });
    let ten = Expr::literal(Value::Int(10), DataType::Int, Span::NONE);
    let filter = call("<", vec![ten.clone(), number.clone()], Span::NONE, &session).unwrap();
    let product =
        call("*", vec![number.clone(), number], Span { line: 2, column: 1, end: 6 }, &session)
            .unwrap();
    let text = Expr::column(1, DataType::String, false, Span { line: 3, column: 4, end: 5 });
    let kernel = Kernel::new(Some(&filter), &[&[product, text]], &[&layout], &session).unwrap();
    let mut output = [0; 20];
    let mut run = |number: Value, text: &str| {
        let columns = [(DataType::Int, number), (DataType::String, Value::text(text))];
        let input = row(&layout, &columns);
        kernel.run([&input, &[], &[]], &mut [&mut output])
    };
    assert_eq!(run(Value::Int(9), "a"), Ok(false));
    assert_eq!(run(Value::Null, "a"), Ok(false));
    assert_eq!(run(Value::Int(11), "a"), Ok(true));
    let fault = run(Value::Int(70_000), "a").unwrap_err().to_string();
    assert_eq!(fault, "line 2, column 1: 70000 * 70000 does not fit into INT");
    assert_eq!(run(Value::Int(9), "a"), Ok(false));
    let fault = run(Value::Int(11), "a text of 19 bytes.").unwrap_err().to_string();
    assert_eq!(
        fault,
        "line 3, column 4: column 2 of the row is a text of 19 bytes, where the row has room for 11 more: \
         a setting of the job can enlarge it"
    );
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let session = Session::default();
    let layout = RowLayout::new([(&DataType::BigInt, false)]).unwrap();
    let column = Expr::column(0, DataType::BigInt, false, Span::NONE);
    let kernel = Kernel::new(None, &[&[column]], &[&layout], &session).unwrap();
    let mut short = [0; 3];
    assert!(kernel.run([&[0; 3], &[], &[]], &mut [&mut [0; 8]]).is_err());
    assert!(kernel.run([&[0; 8], &[], &[]], &mut [&mut short]).is_err());
    assert!(kernel.run([&[0; 8], &[], &[]], &mut []).is_err());
    let other = Expr::column(0, DataType::String, false, Span::NONE);
    assert!(Kernel::new(None, &[&[other]], &[&layout], &session).is_err());
}

/// Texts are made in memory that is used again.
#[test]
fn nothing_is_allocated_once_warm() {
    let session = Session::default();
    let layout = RowLayout::new([(&DataType::BigInt, false)]).unwrap();
    let column = Expr::column(0, DataType::BigInt, false, Span::NONE);
    let text = cast(column, &DataType::String, Cast::Cast, Span::NONE, &session).unwrap();
    let text = call("||", vec![text.clone(), text], Span::NONE, &session).unwrap();
    let kernel = Kernel::new(None, &[&[text]], &[&layout], &session).unwrap();
    let mut output = [0; 100];
    let mut warm = 0;
    for number in 0..1_000_i64 {
        kernel.run([&(i64::MAX - number).to_le_bytes(), &[], &[]], &mut [&mut output]).unwrap();
        let bytes = kernel.scratch.borrow().allocated_bytes();
        if number == 0 {
            warm = bytes;
        }
        assert_eq!(bytes, warm);
    }
}

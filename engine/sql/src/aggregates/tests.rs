//! Each aggregate against a slow, obvious computation, however its rows are combined.

use proptest::prelude::*;
use tidewire_dataflow::Window;
use tidewire_event::time::{NOT_DUE, WATERMARK_NONE};
use tidewire_event::{DataType, Field, Header, Place, RowLayout, RowWriter, Value};

use super::calls::Calls;
use super::{AggregateCall, bind};
use crate::error::Span;
use crate::expr::Expr;
use crate::run::faults::Faults;
use crate::session::Session;

const WINDOW: Window = Window { start: -100, end: 100 };

/// A row: a number, a text, a decimal, a floating-point number, a condition, each of which may be NULL.
#[derive(Debug, Clone)]
struct Event {
    ts: i64,
    n: Option<i64>,
    s: Option<String>,
    d: Option<i64>,
    f: Option<f64>,
    c: Option<bool>,
}

fn fields() -> Vec<Field> {
    vec![
        Field::new("n", DataType::BigInt),
        Field::new("s", DataType::VarChar(4)),
        Field::new("d", DataType::Decimal { precision: 10, scale: 2 }),
        Field::new("f", DataType::Double),
        Field::new("c", DataType::Boolean),
        Field::new("w", DataType::Decimal { precision: 30, scale: 2 }),
    ]
}

const N: usize = 0;
const S: usize = 1;
const D: usize = 2;
const F: usize = 3;
const C: usize = 4;
const W: usize = 5;

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = (
        -50..50_i64,
        prop::option::weighted(0.8, -9..9_i64),
        prop::option::weighted(0.8, "[a-d]{0,4}"),
        prop::option::weighted(0.8, -99_999..99_999_i64),
        prop::option::weighted(0.8, (-80..80_i32).prop_map(|n| f64::from(n) / 8.0)),
        prop::option::weighted(0.8, any::<bool>()),
    );
    let event = event.prop_map(|(ts, n, s, d, f, c)| Event { ts, n, s, d, f, c });
    prop::collection::vec(event, 1..30)
}

fn column(index: usize) -> Expr {
    let Field { ty, nullable, .. } = &fields()[index];
    Expr::column(index, ty.clone(), *nullable, Span::NONE)
}

fn constant(value: Value, ty: DataType) -> Expr {
    Expr::literal(value, ty, Span::NONE)
}

fn call(name: &str, args: Vec<Expr>) -> AggregateCall {
    bind(name, false, args, None, Span::NONE, &Session::default()).unwrap()
}

fn of_distinct(name: &str, args: Vec<Expr>) -> AggregateCall {
    bind(name, true, args, None, Span::NONE, &Session::default()).unwrap()
}

fn filtered(name: &str, args: Vec<Expr>) -> AggregateCall {
    bind(name, false, args, Some(column(C)), Span::NONE, &Session::default()).unwrap()
}

/// The rows of events, with the headers that they come with.
fn rows(events: &[Event]) -> Vec<(Header, Vec<u8>)> {
    let layout = RowLayout::of_fields(&fields()).unwrap();
    let slots = layout.slots();
    let row = |(number, event): (usize, &Event)| {
        let mut row = vec![0; 128];
        let mut writer = RowWriter::new(&mut row, &layout);
        macro_rules! put {
            ($index:expr, $value:expr, |$it:ident| $write:expr) => {
                match $value {
                    Some($it) => $write,
                    None => writer.null(&slots[$index]),
                }
            };
        }
        put!(N, event.n, |it| writer.int(&slots[N], it));
        put!(S, &event.s, |it| writer.text(&slots[S], it.as_bytes()).unwrap());
        put!(D, event.d, |it| writer.int(&slots[D], it));
        put!(F, event.f, |it| writer.float(&slots[F], it));
        put!(C, event.c, |it| writer.bool(&slots[C], it));
        put!(W, event.d, |it| writer.wide(&slots[W], i128::from(it) << 40));
        let place = Place::new(0, number as u64);
        (Header { ts: event.ts, watermark: WATERMARK_NONE, place, due: NOT_DUE }, row)
    };
    events.iter().enumerate().map(row).collect()
}

/// What calls give for events: the same one by one, in parts, in parts in reverse unless they need their order, and with
/// other events taken out again where they have an inverse.
fn answers(calls: &[AggregateCall], events: &[Event], cut: usize) -> Vec<Value> {
    let layout = RowLayout::of_fields(&fields()).unwrap();
    let calls_of = Calls::new(calls, &layout, false, &Session::default()).unwrap();
    let mut events = rows(events);
    if calls_of.is_ordered() {
        events.sort_by_key(|(header, _)| (header.ts, header.place));
    }
    let faults = Faults::default();
    let part_of = |rows: &[(Header, Vec<u8>)]| {
        let mut part = vec![0; calls_of.bytes()];
        rows.iter().for_each(|(header, row)| calls_of.insert(&mut part, header, row, &faults));
        part
    };
    let answer = |part: &[u8]| {
        let mut row = vec![0; 20_000];
        calls_of.lower(part, WINDOW, &mut row, &faults);
        let slots = calls_of.layout().slots().iter().zip(calls);
        slots.map(|(slot, call)| Value::read(&row, slot, &call.ty).unwrap()).collect::<Vec<_>>()
    };
    let whole = answer(&part_of(&events));
    let (earlier, later) = events.split_at(cut % (events.len() + 1));
    let mut parts = part_of(earlier);
    calls_of.combine(&mut parts, &part_of(later), &faults);
    assert_eq!(answer(&parts), whole, "in parts");
    if !calls_of.is_ordered() {
        let mut parts = part_of(later);
        calls_of.combine(&mut parts, &part_of(earlier), &faults);
        assert_eq!(answer(&parts), whole, "in reverse");
    }
    if calls_of.has_inverse() {
        let mut more = part_of(&events);
        calls_of.combine(&mut more, &part_of(later), &faults);
        calls_of.remove(&mut more, &part_of(later));
        assert_eq!(answer(&more), whole, "with the inverse");
    }
    assert_eq!(faults.first(), None);
    whole
}

fn int(value: Option<i64>) -> Value {
    value.map_or(Value::Null, Value::Int)
}

fn wide(value: Option<i128>) -> Value {
    value.map_or(Value::Null, Value::Wide)
}

fn text(value: Option<&str>) -> Value {
    value.map_or(Value::Null, Value::text)
}

fn sum(values: &[i64]) -> Option<i64> {
    (!values.is_empty()).then(|| values.iter().sum())
}

/// A quotient rounded half away from zero.
fn rounded(of: i128, by: i128) -> i128 {
    let twice = 2 * of.abs() / by;
    (twice + 1) / 2 * of.signum()
}

proptest! {
    #[test]
    fn sums_and_numbers(events in events(), cut in 0..30_usize) {
        let calls = [
            call("COUNT", vec![]),
            call("COUNT", vec![column(N)]),
            call("SUM", vec![column(N)]),
            call("AVG", vec![column(N)]),
            call("SUM", vec![column(D)]),
            call("AVG", vec![column(D)]),
            call("SUM", vec![column(W)]),
            filtered("SUM", vec![column(N)]),
            filtered("COUNT", vec![]),
            call("VWAP", vec![column(D), column(N)]),
        ];
        let n: Vec<_> = events.iter().filter_map(|event| event.n).collect();
        let d: Vec<_> = events.iter().filter_map(|event| event.d).collect();
        let kept: Vec<_> = events.iter().filter(|event| event.c == Some(true)).collect();
        let of_kept: Vec<_> = kept.iter().filter_map(|event| event.n).collect();
        let of_d = |total: i64| i128::from(total) * 10_000;
        let traded = events.iter().filter_map(|event| Some((i128::from(event.d?), event.n?)));
        let (paid, volume) = traded.fold((0, 0), |(paid, volume), (price, quantity)| {
            (paid + price * i128::from(quantity), volume + i128::from(quantity))
        });
        let vwap = (volume != 0).then(|| rounded(paid * 10_000 * volume.signum(), volume.abs()));
        let expected = vec![
            Value::Int(events.len() as i64),
            Value::Int(n.len() as i64),
            int(sum(&n)),
            int(sum(&n).map(|sum| sum / n.len() as i64)),
            wide(sum(&d).map(i128::from)),
            wide(sum(&d).map(|sum| rounded(of_d(sum), d.len() as i128))),
            wide(sum(&d).map(|sum| i128::from(sum) << 40)),
            int(sum(&of_kept)),
            Value::Int(kept.len() as i64),
            wide(vwap),
        ];
        prop_assert_eq!(answers(&calls, &events, cut), expected);
    }

    #[test]
    fn extremes_and_edges(events in events(), cut in 0..30_usize) {
        let calls = [
            call("MIN", vec![column(N)]),
            call("MAX", vec![column(N)]),
            call("MIN", vec![column(S)]),
            call("MAX", vec![column(S)]),
            call("MAX", vec![column(W)]),
            call("FIRST_VALUE", vec![column(S)]),
            call("LAST_VALUE", vec![column(N)]),
            call("ARG_MAX", vec![column(S), column(N)]),
            call("ARG_MIN", vec![column(N), column(S)]),
        ];
        let mut ordered: Vec<_> = events.iter().collect();
        ordered.sort_by_key(|event| event.ts);
        let n = || ordered.iter().filter_map(|event| event.n);
        let s = || ordered.iter().filter_map(|event| event.s.as_deref());
        let by_n = ordered.iter().filter(|event| event.n.is_some()).rev();
        let by_s = ordered.iter().filter(|event| event.s.is_some());
        let expected = vec![
            int(n().min()),
            int(n().max()),
            text(s().min()),
            text(s().max()),
            wide(events.iter().filter_map(|event| event.d).max().map(|d| i128::from(d) << 40)),
            text(s().next()),
            int(n().next_back()),
            text(by_n.max_by_key(|event| event.n).and_then(|event| event.s.as_deref())),
            int(by_s.min_by_key(|event| event.s.clone()).and_then(|event| event.n)),
        ];
        prop_assert_eq!(answers(&calls, &events, cut), expected);
    }

    #[test]
    fn lists_and_different_values(events in events(), cut in 0..30_usize) {
        let calls = [
            call("LISTAGG", vec![column(S), constant(Value::text("-"), DataType::Char(1))]),
            call("ARRAY_AGG", vec![column(N)]),
            call("COLLECT", vec![column(N)]),
            of_distinct("COUNT", vec![column(N)]),
            of_distinct("SUM", vec![column(N)]),
            of_distinct("LISTAGG", vec![column(S)]),
            of_distinct("COUNT", vec![column(S)]),
        ];
        let mut ordered: Vec<_> = events.iter().collect();
        ordered.sort_by_key(|event| event.ts);
        let s: Vec<_> = ordered.iter().filter_map(|event| event.s.clone()).collect();
        let mut n: Vec<_> = events.iter().filter_map(|event| event.n).collect();
        n.sort_unstable();
        let mut counts = std::collections::BTreeMap::<_, i64>::new();
        n.iter().for_each(|n| *counts.entry(n.to_le_bytes()).or_default() += 1);
        n.dedup();
        let mut different = s.clone();
        different.sort_unstable();
        different.dedup();
        let joined = |texts: &[String], separator| {
            (!texts.is_empty()).then(|| texts.join(separator))
        };
        let count = |(n, count): (&[u8; 8], &i64)| {
            (Value::Int(i64::from_le_bytes(*n)), Value::Int(*count))
        };
        let expected = vec![
            text(joined(&s, "-").as_deref()),
            Value::List(ordered.iter().map(|event| int(event.n)).collect()),
            Value::Map(counts.iter().map(count).collect()),
            Value::Int(n.len() as i64),
            int(sum(&n)),
            text(joined(&different, ",").as_deref()),
            Value::Int(different.len() as i64),
        ];
        prop_assert_eq!(answers(&calls, &events, cut), expected);
    }

    #[test]
    fn floating_point(events in events(), cut in 0..30_usize) {
        // Eighths, so that every sum is exact.
        let calls = [call("SUM", vec![column(F)]), call("AVG", vec![column(F)])];
        let f: Vec<_> = events.iter().filter_map(|event| event.f).collect();
        let total: f64 = f.iter().sum();
        let float = |value| if f.is_empty() { Value::Null } else { Value::Float(value) };
        let expected = vec![float(total), float(total / f.len() as f64)];
        prop_assert_eq!(answers(&calls, &events, cut), expected);
    }

    #[test]
    fn lag_looks_back(events in events(), rows in 0..5_i64) {
        let back = constant(Value::Int(rows), DataType::Int);
        let default = constant(Value::Int(77), DataType::BigInt);
        let calls = [call("LAG", vec![column(N), back, default])];
        let mut ordered: Vec<_> = events.iter().collect();
        ordered.sort_by_key(|event| event.ts);
        // A frame has as many rows as are looked back, and the row itself.
        let frame = ordered.len().min(rows as usize + 1);
        let of_frame: Vec<_> = ordered[..frame].iter().map(|event| (*event).clone()).collect();
        let expected = match frame as i64 > rows {
            true => int(of_frame[0].n),
            false => Value::Int(77),
        };
        prop_assert_eq!(answers(&calls, &of_frame, 1), vec![expected]);
    }
}

#[test]
fn sums_that_are_too_large_are_faults() {
    let event = |n| Event { ts: 0, n: Some(n), s: None, d: None, f: None, c: None };
    let layout = RowLayout::of_fields(&fields()).unwrap();
    let calls = [call("SUM", vec![column(N)])];
    let of = Calls::new(&calls, &layout, false, &Session::default()).unwrap();
    let faults = Faults::default();
    let mut part = vec![0; of.bytes()];
    let mut result = vec![0; 64];
    for (header, row) in rows(&[event(i64::MAX), event(1)]) {
        of.insert(&mut part, &header, &row, &faults);
    }
    of.lower(&part, WINDOW, &mut result, &faults);
    let fault = faults.first().unwrap().to_string();
    assert!(fault.contains("a sum that is too large for BIGINT"), "{fault}");
    assert!(of.layout().slots()[0].is_null(&result));
}

#[test]
fn too_many_different_values_are_a_fault() {
    let layout = RowLayout::of_fields(&fields()).unwrap();
    let calls = [of_distinct("COUNT", vec![column(N)])];
    let of = Calls::new(&calls, &layout, false, &Session::default()).unwrap();
    let faults = Faults::default();
    let mut part = vec![0; of.bytes()];
    let events = |n| Event { ts: 0, n: Some(n), s: None, d: None, f: None, c: None };
    let events: Vec<_> = (0..511).map(events).collect();
    for (header, row) in &rows(&events) {
        of.insert(&mut part, header, row, &faults);
    }
    assert_eq!(faults.first(), None);
    for (header, row) in &rows(&[Event { n: Some(-1), ..events[0].clone() }]) {
        of.insert(&mut part, header, row, &faults);
    }
    let fault = faults.first().unwrap().to_string();
    assert!(fault.contains("more than the 4094 bytes"), "{fault}");
}

#[test]
fn what_is_no_aggregate_says_so() {
    let error = |name: &str, args| {
        bind(name, false, args, None, Span::NONE, &Session::default()).unwrap_err().to_string()
    };
    assert!(error("SUMM", vec![]).contains("did you mean SUM?"));
    assert!(error("SUM", vec![column(S)]).contains("SUM does not take VARCHAR(4)"));
    assert!(error("LEAD", vec![column(N)]).contains("LAG"));
    assert!(error("LAG", vec![column(N), column(N)]).contains("must be a constant"));
}

#[test]
fn sketches_and_averages_that_move() {
    let event = |(ts, n): (i64, i64)| {
        let f = Some(n as f64);
        Event { ts, n: Some(n), s: None, d: Some(n * 100), f, c: None }
    };
    let events: Vec<_> = [(0, 2), (40, 4), (80, 9)].map(event).to_vec();
    let half = constant(Value::Int(5), DataType::Decimal { precision: 2, scale: 1 });
    let calls = [
        call("APPROX_COUNT_DISTINCT", vec![column(N)]),
        call("STDDEV_POP", vec![column(N)]),
        call("VAR_SAMP", vec![column(D)]),
        call("VAR_POP", vec![column(F)]),
        call("TWAP", vec![column(F)]),
        call("EMA", vec![column(F), half]),
    ];
    // 2 and 4 stand for 40 ns each, 9 for the 20 that are left of the window.
    let expected = [
        Value::Int(3),
        Value::Int(2),
        Value::Wide(13_000_000),
        Value::Float(26.0 / 3.0),
        Value::Float(4.2),
        Value::Float(6.0),
    ];
    assert_eq!(answers(&calls, &events, 0), expected);
    let median = answers(&[call("MEDIAN", vec![column(F)])], &events, 1);
    assert!(matches!(median[0], Value::Float(value) if (value - 4.0).abs() <= 0.04), "{median:?}");
}

//! Plans, run as a shard runs them, against slow and obvious models.

use std::collections::BTreeMap;
use std::convert::Infallible;

use proptest::prelude::*;
use tidewire_dataflow::testing::{self, Course, Trial, courses, times};
use tidewire_dataflow::{Frame, Route, SessionGap, Windows};
use tidewire_event::time::{NOT_DUE, WATERMARK_NONE};
use tidewire_event::{DataType, Field, Header, Place, RowLayout, RowWriter, Value, hash_of};
use zerocopy::IntoBytes;

use super::*;
use crate::aggregates;
use crate::expr::Expr;
use crate::plan::{
    Calc, Emit, EventTime, Expand, Input as Read, Operator, Output, Scan, Stage, WindowKind,
};

mod over;
mod windows;

/// A column of an input.
fn column(fields: &[Field], index: usize) -> Expr {
    let Field { ty, nullable, .. } = &fields[index];
    Expr::column(index, ty.clone(), *nullable, Span::NONE)
}

fn columns(fields: &[Field], indices: &[usize]) -> Vec<Expr> {
    indices.iter().map(|index| column(fields, *index)).collect()
}

fn call(name: &str, args: Vec<Expr>) -> aggregates::AggregateCall {
    aggregates::bind(name, false, args, None, Span::NONE, &Session::default()).unwrap()
}

/// The scan of most tests: a time, a key that may be NULL, a number that may be, a text, and a floating-point number.
fn fields() -> Vec<Field> {
    vec![
        Field::new("ts", DataType::TimestampLtz(9)).not_null(),
        Field::new("k", DataType::Int),
        Field::new("x", DataType::BigInt),
        Field::new("name", DataType::VarChar(3)),
        Field::new("f", DataType::Double),
    ]
}

/// A row of it.
#[derive(Debug, Clone, PartialEq)]
struct Event {
    k: Option<i64>,
    x: Option<i64>,
    name: Option<String>,
    f: Option<f64>,
}

impl Event {
    fn values(&self, ts: i64) -> Vec<Value> {
        vec![
            Value::Int(ts),
            self.k.map_or(Value::Null, Value::Int),
            self.x.map_or(Value::Null, Value::Int),
            self.name.as_ref().map_or(Value::Null, |name| Value::text(name)),
            self.f.map_or(Value::Null, Value::Float),
        ]
    }
}

fn events() -> impl Strategy<Value = Vec<(i64, Event)>> {
    let event = (
        prop::option::weighted(0.9, 0..4_i64),
        prop::option::weighted(0.8, -9..9_i64),
        prop::option::weighted(0.8, "[a-c]{0,3}"),
        prop::option::weighted(0.8, (-8..8_i32).prop_map(|n| f64::from(n) / 4.0)),
    );
    let event = event.prop_map(|(k, x, name, f)| Event { k, x, name, f });
    (times(120), prop::collection::vec(event, 120))
        .prop_map(|(times, events)| times.into_iter().zip(events).collect())
}

fn write_row(layout: &RowLayout, values: &[Value], row: &mut [u8]) {
    let mut writer = RowWriter::new(row, layout);
    for (slot, value) in layout.slots().iter().zip(values) {
        match value {
            Value::Null => writer.null(slot),
            Value::Bool(value) => writer.bool(slot, *value),
            Value::Int(value) => writer.int(slot, *value),
            Value::Wide(value) => writer.wide(slot, *value),
            Value::Float(value) => writer.float(slot, *value),
            Value::Bytes(text) => writer.text(slot, text).unwrap(),
            value => panic!("{value:?} as a column"),
        }
    }
}

/// The plan of one pipeline over the scan of [`fields`], into rows of `output`.
fn plan(feeds: Vec<Feed>, stages: Vec<Stage>, route: Vec<usize>, output: Vec<Field>) -> Plan {
    let scan = Scan {
        input: Read::Table { name: "t".to_owned(), columns: (0..5).collect() },
        fields: fields(),
        computed: Vec::new(),
        time: Some(EventTime { column: 0, watermark: None }),
    };
    Plan {
        scans: vec![scan],
        pipelines: vec![Pipeline { feeds, stages, route, output: 0 }],
        outputs: vec![Output { table: None, fields: output, limit: None }],
    }
}

/// All that comes out of a plan, as values: rows with their times, rows at once, and how many events were late.
#[derive(Debug, PartialEq)]
struct Found {
    rows: Vec<(i64, Vec<Value>)>,
    now: Vec<Vec<Value>>,
    late: usize,
}

impl Found {
    fn sorted(mut self) -> Self {
        let text = |row: &Vec<Value>| format!("{row:?}");
        self.rows.sort_by_cached_key(|(at, row)| (*at, text(row)));
        self.now.sort_by_cached_key(text);
        self
    }
}

/// Runs a plan in its shape, and lets it go through barriers and crashes on several shards.
struct Running<'r> {
    plan: &'r Plan,
    events: &'r [(i64, Event)],
    bound: i64,
    course: Option<&'r Course>,
}

impl Run for Running<'_> {
    type Out = (Found, Option<RowFault>);

    fn run<S: Shape>(self, job: Runnable<S>) -> Self::Out {
        let layout = layout_of(&fields()).unwrap();
        let mut routed = Vec::new();
        for (number, (ts, event)) in self.events.iter().enumerate() {
            let mut row = [0; 128];
            write_row(&layout, &event.values(*ts), &mut row);
            let place = Place::new(0, number as u64);
            let header = Header { ts: *ts, watermark: WATERMARK_NONE, place, due: NOT_DUE };
            let sent = job.route.route(&header, row, |hash, header, input| {
                assert_eq!(hash, hash_of(&input.row.key));
                routed.push((header.ts, input));
                Ok::<(), Infallible>(())
            });
            sent.unwrap();
        }
        let make = |arena| job.operator(arena).unwrap();
        let hash = |input: &Input<S>| hash_of(&input.row.key);
        let trial = Trial { events: &routed, bound: self.bound, make, hash };
        let testing::Emitted { rows, now, late, .. } = trial.run(1);
        if let Some(course) = self.course {
            trial.survives(course);
        }
        let output = &self.plan.outputs[0].fields;
        let values = |emitted: &Emitted<S>| {
            let slots = job.outputs[0].slots().iter().zip(output);
            let row = emitted.row.as_bytes();
            slots.map(|(slot, field)| Value::read(row, slot, &field.ty).unwrap()).collect()
        };
        let rows = rows.iter().map(|(at, row)| (*at, values(row))).collect();
        let found = Found { rows, now: now.iter().map(values).collect(), late: late.len() };
        (found, job.faults.first())
    }
}

/// What a plan gives, in an order that does not depend on anything.
fn run(plan: &Plan, events: &[(i64, Event)], bound: i64, course: Option<&Course>) -> Found {
    let scans = [layout_of(&fields()).unwrap()];
    let prepared = Prepared::new(plan, &scans, &Session::default(), None).unwrap();
    let (found, fault) = prepared.run(&[0], Running { plan, events, bound, course });
    assert_eq!(fault, None);
    found.sorted()
}

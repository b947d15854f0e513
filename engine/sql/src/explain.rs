//! A plan, for people to read.

use std::fmt::Write as _;

use tidewire_dataflow::Frame;
use tidewire_event::Field;
use tidewire_event::time::{DAY, HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND};

use crate::aggregates::AggregateCall;
use crate::bind::unit;
use crate::expr::{Expr, Named};
use crate::plan::{
    Calc, Emit, Feed, Input, Operator, Output, Pipeline, Plan, Scan, Stage, Watermark, WindowKind,
};
use crate::run::Prepared;

/// The plan as a tree, from its outputs to its tables; `prepared` says what its state takes.
#[must_use]
pub fn explain(plan: &Plan, prepared: &Prepared) -> String {
    let mut text = String::new();
    for (number, pipeline) in plan.pipelines.iter().enumerate() {
        pipeline_of(&mut text, plan, pipeline, &prepared.state_bytes(number));
        text.push('\n');
    }
    for (number, scan) in plan.scans.iter().enumerate() {
        let users = plan
            .pipelines
            .iter()
            .filter(|it| it.feeds.iter().any(|feed| feed.scan == number))
            .count();
        scan_of(&mut text, number, scan, users);
    }
    _ = write!(text, "\nrows, keys and state in the shape: {}\n", prepared.shape());
    text
}

fn pipeline_of(
    text: &mut String,
    plan: &Plan,
    pipeline: &Pipeline,
    state: &[Option<crate::run::StateBytes>],
) {
    let Output { table, fields, limit } = &plan.outputs[pipeline.output];
    let table = table.as_deref().unwrap_or("(shown)");
    let limit = limit.map_or_else(String::new, |limit| format!(", the first {limit} rows"));
    _ = writeln!(text, "output {table}: {}{limit}", list(fields.iter().map(Field::to_string)));
    let mut indent = String::new();
    for (number, stage) in pipeline.stages.iter().enumerate().rev() {
        let names: Vec<_> = results(stage);
        for calc in &stage.then {
            calc_of(text, &indent, calc, &names, number + 1 == pipeline.stages.len());
        }
        _ = writeln!(text, "{indent}└─ {}", operator_of(stage));
        indent.push_str("   ");
        if let Some(Some(bytes)) = state.get(number) {
            let per = match stage.operator {
                Operator::Over { .. } => "row in a frame",
                _ => "key and window",
            };
            _ = writeln!(
                text,
                "{indent}state: {} bytes for each {per}, {} with its key",
                bytes.used, bytes.taken
            );
        }
    }
    let shards = match pipeline.stages.first() {
        Some(first) if !pipeline.route.is_empty() => {
            format!(
                "shards by {}",
                list(pipeline.route.iter().map(|key| first.key[*key].name.clone()))
            )
        }
        _ => "one shard: there is no key that all steps share".to_owned(),
    };
    _ = writeln!(text, "{indent}{shards}");
    for feed in &pipeline.feeds {
        feed_of(text, &indent, plan, feed);
    }
}

/// The names of what a stage gives.
fn results(stage: &Stage) -> Vec<String> {
    let columns = names_of(&stage.columns);
    let calls = stage.operator.aggregates().iter().map(|call| call_of(call, &columns));
    match stage.operator {
        Operator::Window { .. } => {
            let window = ["window_start", "window_end"].map(str::to_owned);
            names_of(&stage.key).into_iter().chain(calls).chain(window).collect()
        }
        _ => columns.iter().cloned().chain(calls).collect(),
    }
}

fn names_of(fields: &[Field]) -> Vec<String> {
    fields.iter().map(|field| field.name.clone()).collect()
}

fn call_of(call: &AggregateCall, names: &[String]) -> String {
    let show = |expr: &Expr| Named { expr, names }.to_string();
    let distinct = if call.distinct { "DISTINCT " } else { "" };
    let args = if call.args.is_empty() && call.name == "COUNT" {
        "*".to_owned()
    } else {
        list(call.args.iter().map(show))
    };
    let filter = call
        .filter
        .as_ref()
        .map_or_else(String::new, |filter| format!(" FILTER (WHERE {})", show(filter)));
    format!("{}({distinct}{args}){filter}", call.name)
}

fn calc_of(text: &mut String, indent: &str, calc: &Calc, names: &[String], is_last: bool) {
    let show = |expr: &Expr| Named { expr, names }.to_string();
    if let Some(filter) = &calc.filter {
        _ = writeln!(text, "{indent}└─ where {}", show(filter));
    }
    let columns = list(calc.columns.iter().map(show));
    match (is_last, calc.key.is_empty()) {
        (true, _) => _ = writeln!(text, "{indent}└─ select {columns}"),
        (false, true) => _ = writeln!(text, "{indent}└─ pass on {columns}"),
        (false, false) => {
            let key = list(calc.key.iter().map(show));
            _ = writeln!(text, "{indent}└─ pass on key {key}; columns {columns}");
        }
    }
}

fn operator_of(stage: &Stage) -> String {
    let names = names_of(&stage.columns);
    let calls = list(stage.operator.aggregates().iter().map(|call| call_of(call, &names)));
    let key = match stage.key.is_empty() {
        true => "all rows together".to_owned(),
        false => format!("by {}", list(names_of(&stage.key).into_iter())),
    };
    let leaves = |emit: &Emit| match emit {
        Emit::Complete => "emitted when complete",
        Emit::OnArrival => "emitted on arrival",
    };
    match &stage.operator {
        Operator::Pass => "pass: rows leave as they come".to_owned(),
        Operator::InOrder => "sort: rows leave in the order of their times".to_owned(),
        Operator::Window { windows, emit, .. } => {
            let windows = match windows {
                WindowKind::Aligned(windows) => windows_of(windows),
                WindowKind::Session(gap) => format!("sessions with a gap of {}", length(gap.ns())),
            };
            format!("window: {windows}, {key}; {calls}; {}", leaves(emit))
        }
        Operator::Over { frame, emit, .. } => {
            let frame = match frame {
                Frame::Range(i64::MAX) => "all rows so far".to_owned(),
                Frame::Range(ns) => format!("rows of the last {}", length(*ns)),
                Frame::Rows { preceding: u64::MAX } => "all rows so far, one by one".to_owned(),
                Frame::Rows { preceding } => format!("the last {preceding} rows and this one"),
            };
            format!("over: {frame}, {key}; {calls}; {}", leaves(emit))
        }
    }
}

fn windows_of(windows: &tidewire_dataflow::Windows) -> String {
    let every = windows.grid().size();
    let offset = match windows.offset_ns() {
        0 => String::new(),
        offset => format!(", moved by {}", length(offset)),
    };
    let size = length(windows.size());
    if windows.is_cumulating() {
        format!("cumulating every {} up to {size}{offset}", length(every))
    } else if every == windows.size() {
        format!("tumbling every {size}{offset}")
    } else {
        format!("hopping, {size} every {}{offset}", length(every))
    }
}

fn feed_of(text: &mut String, indent: &str, plan: &Plan, feed: &Feed) {
    let mut names = names_of(&plan.scans[feed.scan].fields);
    names.extend(["window_start", "window_end"].map(str::to_owned));
    let show = |expr: &Expr| Named { expr, names: &names }.to_string();
    let Calc { filter, key, columns } = &feed.rows;
    if let Some(filter) = filter {
        _ = writeln!(text, "{indent}└─ where {}", show(filter));
    }
    if let Some(expand) = &feed.expand {
        _ = writeln!(
            text,
            "{indent}└─ a row for each of its windows: {}",
            windows_of(&expand.windows)
        );
    }
    let shown = |exprs: &[Expr]| list(exprs.iter().map(show));
    let key = if key.is_empty() { String::new() } else { format!("key {}; ", shown(key)) };
    _ = writeln!(text, "{indent}└─ {key}columns {}", shown(columns));
    _ = writeln!(
        text,
        "{indent}   └─ scan {}: {}",
        feed.scan + 1,
        table_of(&plan.scans[feed.scan])
    );
}

fn table_of(scan: &Scan) -> String {
    match &scan.input {
        Input::Table { name, .. } => name.clone(),
        Input::Values(rows) => format!("{} rows of constants", rows.len()),
    }
}

fn scan_of(text: &mut String, number: usize, scan: &Scan, users: usize) {
    let names = names_of(&scan.fields);
    let read = scan.fields.len() - scan.computed.len();
    let read = list(scan.fields[..read].iter().map(Field::to_string));
    let shared = if users > 1 { format!(", shared by {users}") } else { String::new() };
    _ = writeln!(text, "scan {}: {}{shared}: {read}", number + 1, table_of(scan));
    let computed =
        scan.fields.iter().skip(scan.fields.len() - scan.computed.len()).zip(&scan.computed);
    for (field, expr) in computed {
        _ = writeln!(text, "   {field} = {}", Named { expr, names: &names });
    }
    if let Some(time) = &scan.time {
        let watermark = match &time.watermark {
            None => "no watermark before the end".to_owned(),
            Some(Watermark::Delay(ns)) => match ns + unit(&scan.fields[time.column].ty) - 1 {
                ..=0 => "watermark at the latest".to_owned(),
                ns => format!("watermark {} behind the latest", length(ns)),
            },
            Some(Watermark::Expr(expr)) => format!("watermark {}", Named { expr, names: &names }),
        };
        _ = writeln!(text, "   time {}, {watermark}", names[time.column]);
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<_> = items.collect();
    if items.is_empty() { "nothing".to_owned() } else { items.join(", ") }
}

/// A length of time in the largest unit that it is a whole number of.
fn length(ns: i64) -> String {
    let units = [
        (DAY, "d"),
        (HOUR, "h"),
        (MINUTE, "min"),
        (SECOND, "s"),
        (MILLISECOND, "ms"),
        (MICROSECOND, "us"),
    ];
    let unit = units.into_iter().find(|(unit, _)| ns % unit == 0);
    let (unit, name) = unit.unwrap_or((1, "ns"));
    format!("{} {name}", ns / unit)
}

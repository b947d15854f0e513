//! Calls over frames: `SUM(x) OVER (PARTITION BY k ORDER BY ts RANGE ...)`.

use sqlparser::ast::{self, WindowFrameBound, WindowFrameUnits, WindowType};
use tidewire_dataflow::Frame;
use tidewire_event::{DataType, Value};

use super::expr::{Binding, OVER_COLUMNS};
use super::relation::{Column, Relation, Role};
use crate::aggregates::{self, AggregateCall};
use crate::error::{Span, SqlError};
use crate::expr::{Expr, ExprKind};
use crate::parse::place_of;
use crate::plan::{Emit, Operator};

/// An aggregate over a frame.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OverCall {
    key: Vec<Expr>,
    frame: Frame,
    pub(super) call: AggregateCall,
}

/// Binds a call over a frame.
pub(super) fn bind(
    binding: &mut Binding<'_>,
    name: &str,
    args: &[&ast::Expr],
    is_distinct: bool,
    filter: Option<&ast::Expr>,
    over: &WindowType,
    at: Span,
) -> Result<OverCall, SqlError> {
    let named;
    let spec = match over {
        WindowType::WindowSpec(spec) => spec,
        WindowType::NamedWindow(name) => {
            let is_it = |window: &&ast::NamedWindowDefinition| window.0.value == name.value;
            let Some(ast::NamedWindowDefinition(_, window)) = binding.windows.iter().find(is_it)
            else {
                return Err(SqlError::new(at, format!("there is no window {name}")));
            };
            match window {
                ast::NamedWindowExpr::WindowSpec(spec) => {
                    named = spec.clone();
                    &named
                }
                ast::NamedWindowExpr::NamedWindow(_) => {
                    return Err(SqlError::new(
                        at,
                        "a window that is another window is not supported",
                    ));
                }
            }
        }
    };
    if spec.window_name.is_some() {
        return Err(SqlError::new(at, "a window that extends another window is not supported"));
    }
    let aggregates = binding.aggregates.take();
    let bound = bind_spec(binding, name, args, is_distinct, filter, spec, at);
    binding.aggregates = aggregates;
    bound
}

fn bind_spec(
    binding: &mut Binding<'_>,
    name: &str,
    args: &[&ast::Expr],
    is_distinct: bool,
    filter: Option<&ast::Expr>,
    spec: &ast::WindowSpec,
    at: Span,
) -> Result<OverCall, SqlError> {
    let key = spec.partition_by.iter().map(|expr| binding.expr(expr)).collect::<Result<_, _>>()?;
    ordered_by_time(binding, &spec.order_by, at)?;
    let call = binding.aggregate_call(name, args, is_distinct, filter, at)?;
    let frame = match aggregates::own_frame(&call) {
        Some(frame) => frame,
        None => frame(binding, spec.window_frame.as_ref())?,
    };
    Ok(OverCall { key, frame, call })
}

/// Frames follow the time of events.
fn ordered_by_time(
    binding: &Binding<'_>,
    order_by: &[ast::OrderByExpr],
    at: Span,
) -> Result<(), SqlError> {
    let by_time = "OVER is ordered by the time of events: ORDER BY that column, ascending";
    let [ast::OrderByExpr { expr, options, .. }] = order_by else {
        return Err(SqlError::new(at, by_time));
    };
    let bound = Binding::new(binding.columns, binding.session).expr(expr)?;
    let is_time = bound.as_column().is_some_and(|column| binding.columns[column].is_time());
    let descending = matches!(&options.sort, Some(ast::OrderBySort::Desc));
    match is_time && !descending {
        true => Ok(()),
        false => Err(SqlError::new(place_of(expr), by_time)),
    }
}

fn frame(binding: &mut Binding<'_>, frame: Option<&ast::WindowFrame>) -> Result<Frame, SqlError> {
    let Some(frame) = frame else { return Ok(Frame::Range(i64::MAX)) };
    let refuse = |problem: &str| Err(SqlError::new(Span::NONE, problem));
    match &frame.end_bound {
        None | Some(WindowFrameBound::CurrentRow) => {}
        Some(_) => return refuse("a frame ends with CURRENT ROW"),
    }
    let preceding = match &frame.start_bound {
        WindowFrameBound::CurrentRow => None,
        WindowFrameBound::Preceding(preceding) => Some(preceding.as_deref()),
        WindowFrameBound::Following(_) => {
            return refuse("a frame ends with CURRENT ROW, and begins before it");
        }
    };
    let amount = match preceding {
        Some(Some(preceding)) => Some((binding.expr(preceding)?, place_of(preceding))),
        _ => None,
    };
    match (frame.units, preceding, amount) {
        (WindowFrameUnits::Range, None, _) => Ok(Frame::Range(0)),
        (WindowFrameUnits::Range, Some(None), _) => Ok(Frame::Range(i64::MAX)),
        (WindowFrameUnits::Range, _, Some((amount, at))) => match (amount.as_literal(), &amount.ty)
        {
            (Some(Value::Int(ns)), DataType::Interval) if *ns >= 0 => Ok(Frame::Range(*ns)),
            _ => Err(SqlError::new(at, "RANGE takes a constant interval")
                .help("as in INTERVAL '5' MINUTE PRECEDING")),
        },
        (WindowFrameUnits::Rows, None, _) => Ok(Frame::Rows { preceding: 0 }),
        (WindowFrameUnits::Rows, Some(None), _) => Ok(Frame::Rows { preceding: u64::MAX }),
        (WindowFrameUnits::Rows, _, Some((amount, at))) => {
            match (amount.as_literal(), amount.ty.is_integer()) {
                (Some(Value::Int(rows)), true) if *rows >= 0 => {
                    Ok(Frame::Rows { preceding: *rows as u64 })
                }
                _ => {
                    Err(SqlError::new(at, "ROWS takes a constant number")
                        .help("as in 10 PRECEDING"))
                }
            }
        }
        _ => refuse("a frame is ROWS or RANGE"),
    }
}

/// Puts the results of calls over frames behind the columns of a relation, one operator for each key and frame.
pub(super) fn apply(
    relation: &mut Relation,
    overs: &[OverCall],
    emit: Emit,
    at: Span,
) -> Result<Vec<usize>, SqlError> {
    relation.expand(at)?;
    let mut places = vec![0; overs.len()];
    let mut done = vec![false; overs.len()];
    for first in 0..overs.len() {
        if done[first] {
            continue;
        }
        let OverCall { key, frame, .. } = &overs[first];
        let same = |at: &usize| overs[*at].key == *key && overs[*at].frame == *frame;
        let group: Vec<_> = (first..overs.len()).filter(same).collect();
        let calls: Vec<_> = group.iter().map(|at| &overs[*at].call).collect();
        let columns_before = relation.columns.len();
        apply_one(relation, key, *frame, &calls, emit, at)?;
        for (nth, call) in group.into_iter().enumerate() {
            places[call] = columns_before + nth;
            done[call] = true;
        }
    }
    Ok(places)
}

fn apply_one(
    relation: &mut Relation,
    key: &[Expr],
    frame: Frame,
    calls: &[&AggregateCall],
    emit: Emit,
    at: Span,
) -> Result<(), SqlError> {
    let width = relation.columns.len();
    let column = |at: usize, column: &Column| {
        Expr::column(at, column.ty.clone(), column.nullable, Span::NONE)
    };
    let mut columns: Vec<_> =
        relation.columns.iter().enumerate().map(|(at, it)| column(at, it)).collect();
    let mut fields: Vec<_> = relation.columns.iter().map(Column::field).collect();
    let aggregates: Vec<_> =
        calls.iter().map(|call| take_args(call, &mut columns, &mut fields)).collect();
    let key_fields = key.iter().map(|expr| name_of(expr, &relation.columns)).collect();
    let operator = Operator::Over { frame, aggregates, emit };
    let stream = relation.one_stream(at)?;
    let arguments = columns.len();
    stream.then(key_fields, fields, operator, |open| vec![open.calc(key, &columns)]);
    relation.each_open(|open| drop(open.exprs.drain(width..arguments)));
    relation.columns.extend(calls.iter().map(|call| Column {
        name: call.to_string(),
        of: None,
        ty: call.ty.clone(),
        nullable: call.nullable,
        role: Role::Plain,
    }));
    Ok(())
}

/// The field of a key's expression.
pub(super) fn name_of(expr: &Expr, columns: &[Column]) -> tidewire_event::Field {
    let name = match expr.as_column() {
        Some(at) => columns[at].name.clone(),
        None => {
            let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
            crate::expr::Named { expr, names: &names }.to_string()
        }
    };
    tidewire_event::Field { name, ty: expr.ty.clone(), nullable: expr.nullable }
}

/// The call over a stage's columns: what its arguments and its filter need is put among these. Constants stay.
pub(super) fn take_args(
    call: &AggregateCall,
    columns: &mut Vec<Expr>,
    fields: &mut Vec<tidewire_event::Field>,
) -> AggregateCall {
    let mut place = |expr: &Expr| {
        if matches!(expr.kind, ExprKind::Literal(_)) {
            return expr.clone();
        }
        let known = columns.iter().position(|other| other == expr);
        let at = known.unwrap_or_else(|| {
            columns.push(expr.clone());
            let name = format!("${}", columns.len() - 1);
            fields.push(tidewire_event::Field {
                name,
                ty: expr.ty.clone(),
                nullable: expr.nullable,
            });
            columns.len() - 1
        });
        Expr::column(at, expr.ty.clone(), expr.nullable, expr.at)
    };
    let args = call.args.iter().map(&mut place).collect();
    let filter = call.filter.as_ref().map(&mut place);
    AggregateCall { args, filter, ..call.clone() }
}

/// The same expression, with each call over a frame where it has been put.
pub(super) fn place_calls(expr: &Expr, places: &[usize], columns: &[Column]) -> Expr {
    expr.replace_columns(&|at| {
        let at = if at >= OVER_COLUMNS { places[at - OVER_COLUMNS] } else { at };
        let column = &columns[at];
        Expr::column(at, column.ty.clone(), column.nullable, expr.at)
    })
}

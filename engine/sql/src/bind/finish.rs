//! The last steps of a plan: how streams end, where their rows go, and what nobody reads.

use std::collections::BTreeMap;

use super::relation::{Column, Stream};
use crate::error::{Span, SqlError};
use crate::expr::Expr;
use crate::plan::{Calc, Emit, Feed, Input, Operator, Pipeline, Plan, Scan, Stage, Watermark};

/// Closes a stream with the columns of its relation.
pub(super) fn pipeline(
    mut stream: Stream,
    output: usize,
    columns: &[Column],
    at: Span,
) -> Result<Pipeline, SqlError> {
    let exprs: Vec<_> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| Expr::column(at, column.ty.clone(), column.nullable, Span::NONE))
        .collect();
    if stream.stages.is_empty() {
        let fields = columns.iter().map(Column::field).collect();
        stream.then(Vec::new(), fields, Operator::Pass, |open| vec![open.calc(&[], &exprs)]);
    }
    let Stream { mut feeds, mut stages, opens } = stream;
    if let Some(last) = stages.last_mut() {
        last.then = opens.iter().map(|open| open.calc(&[], &exprs)).collect();
        let nullable: Vec<_> = columns.iter().map(|column| column.nullable).collect();
        last.then.iter_mut().for_each(|calc| set_nullable(&mut calc.columns, &nullable));
    }
    // All rows for a stage have one layout.
    for next in 0..stages.len() {
        let of = |fields: &[tidewire_event::Field]| {
            fields.iter().map(|field| field.nullable).collect::<Vec<_>>()
        };
        let (key, columns) = (of(&stages[next].key), of(&stages[next].columns));
        for calc in rows_for(&mut feeds, &mut stages, next) {
            set_nullable(&mut calc.key, &key);
            set_nullable(&mut calc.columns, &columns);
        }
    }
    let is_at_once = |stage: &Stage| {
        matches!(
            stage.operator,
            Operator::Over { emit: Emit::OnArrival, .. }
                | Operator::Window { emit: Emit::OnArrival, .. }
        )
    };
    if stages.len() > 1 && stages.iter().any(is_at_once) {
        return Err(SqlError::new(
            at,
            "EMIT ON ARRIVAL goes with one operator: results at once can not be taken back",
        )
        .help("one window or one frame, and no ORDER BY"));
    }
    let route = route(&feeds, &stages);
    Ok(Pipeline { feeds, stages, route, output })
}

fn set_nullable(exprs: &mut [Expr], nullable: &[bool]) {
    exprs.iter_mut().zip(nullable).for_each(|(expr, nullable)| expr.nullable = *nullable);
}

/// What makes rows for a stage.
fn rows_for<'p>(feeds: &'p mut [Feed], stages: &'p mut [Stage], stage: usize) -> Vec<&'p mut Calc> {
    match stage.checked_sub(1) {
        None => feeds.iter_mut().map(|feed| &mut feed.rows).collect(),
        Some(before) => stages[before].then.iter_mut().collect(),
    }
}

/// The columns of the first key that are in every key.
fn route(feeds: &[Feed], stages: &[Stage]) -> Vec<usize> {
    let Some((first, rest)) = stages.split_first() else { return Vec::new() };
    let mut of_first: Vec<Option<usize>> = (0..first.key.len()).map(Some).collect();
    let mut shared: Vec<usize> = (0..first.key.len()).collect();
    for (nth, stage) in rest.iter().enumerate() {
        let before = &stages[nth];
        let into_before: Vec<&Calc> = match nth {
            0 => feeds.iter().map(|feed| &feed.rows).collect(),
            _ => stages[nth - 1].then.iter().collect(),
        };
        let key_of_column = |column: usize| match before.operator {
            Operator::Window { .. } => (column < before.key.len()).then_some(column),
            _ => (0..before.key.len()).find(|key| {
                column < before.columns.len()
                    && into_before.iter().all(|calc| calc.columns[column] == calc.key[*key])
            }),
        };
        let of_key = |key: usize| {
            let mut columns = before.then.iter().map(|calc| calc.key[key].as_column());
            let column = columns.next()??;
            let same = columns.all(|other| other == Some(column));
            of_first[key_of_column(column).filter(|_| same)?]
        };
        of_first = (0..stage.key.len()).map(of_key).collect();
        shared.retain(|key| of_first.contains(&Some(*key)));
    }
    shared
}

/// Leaves out what nobody reads: results, columns, and columns of tables.
pub(super) fn prune(plan: &mut Plan) {
    for Pipeline { feeds, stages, .. } in &mut plan.pipelines {
        for stage in (0..stages.len()).rev() {
            prune_stage(feeds, stages, stage);
        }
    }
    for number in 0..plan.scans.len() {
        let feeds = plan.pipelines.iter_mut().flat_map(|pipeline| &mut pipeline.feeds);
        let feeds = feeds.filter(|feed| feed.scan == number).collect();
        prune_scan(&mut plan.scans[number], feeds);
    }
}

/// Which columns are read, and where they are afterwards.
#[derive(Default)]
struct Used(BTreeMap<usize, usize>);

impl Used {
    fn expr(&mut self, expr: &Expr) {
        expr.columns(&mut |at| {
            self.0.insert(at, 0);
        });
    }

    fn calc(&mut self, calc: &Calc) {
        calc.filter.iter().chain(&calc.key).chain(&calc.columns).for_each(|expr| self.expr(expr));
    }

    fn number(&mut self) {
        self.0.values_mut().enumerate().for_each(|(place, to)| *to = place);
    }
}

fn prune_stage(feeds: &mut [Feed], stages: &mut [Stage], number: usize) {
    let stage = &mut stages[number];
    let mut results = Used::default();
    stage.then.iter().for_each(|calc| results.calc(calc));
    let aggregates_from = match stage.operator {
        Operator::Window { .. } => stage.key.len(),
        _ => stage.columns.len(),
    };
    let aggregates_before = stage.operator.aggregates().len();
    let mut columns = Used::default();
    if let Operator::Window { aggregates, .. } | Operator::Over { aggregates, .. } =
        &mut stage.operator
    {
        let mut at = aggregates_from;
        aggregates.retain(|_| {
            at += 1;
            results.0.contains_key(&(at - 1))
        });
        for call in aggregates.iter() {
            call.args.iter().chain(&call.filter).for_each(|expr| columns.expr(expr));
        }
    }
    let is_window = matches!(stage.operator, Operator::Window { .. });
    if !is_window {
        results.0.keys().filter(|at| **at < aggregates_from).for_each(|at| {
            columns.0.insert(*at, 0);
        });
    }
    columns.number();
    // Where results are now: keys and the window's bounds stay, aggregates close up, columns are those that are left.
    let kept_columns = if is_window { stage.key.len() } else { columns.0.len() };
    let mut nth_aggregate = 0;
    let kept_aggregates = stage.operator.aggregates().len();
    for (at, to) in &mut results.0 {
        *to = if *at < aggregates_from {
            if is_window { *at } else { columns.0[at] }
        } else if *at < aggregates_from + aggregates_before {
            nth_aggregate += 1;
            kept_columns + nth_aggregate - 1
        } else {
            kept_columns + kept_aggregates + (*at - aggregates_from - aggregates_before)
        };
    }
    if let Operator::Window { aggregates, .. } | Operator::Over { aggregates, .. } =
        &mut stage.operator
    {
        for call in aggregates.iter_mut() {
            call.args.iter_mut().chain(&mut call.filter).for_each(|expr| columns.move_expr(expr));
        }
    }
    stage.then.iter_mut().for_each(|calc| results.move_calc(calc));
    let mut at = 0;
    stage.columns.retain(|_| {
        at += 1;
        columns.0.contains_key(&(at - 1))
    });
    for calc in rows_for(feeds, stages, number) {
        let mut at = 0;
        calc.columns.retain(|_| {
            at += 1;
            columns.0.contains_key(&(at - 1))
        });
    }
}

impl Used {
    /// Moves the columns of an expression, which keep their types.
    fn move_expr(&self, expr: &mut Expr) {
        use crate::expr::ExprKind;
        match &mut expr.kind {
            ExprKind::Column(at) => *at = self.0[at],
            ExprKind::Literal(_) => {}
            ExprKind::Call(_, args) => args.iter_mut().for_each(|arg| self.move_expr(arg)),
        }
    }

    fn move_calc(&self, calc: &mut Calc) {
        let exprs = calc.filter.iter_mut().chain(&mut calc.key).chain(&mut calc.columns);
        exprs.for_each(|expr| self.move_expr(expr));
    }
}

fn prune_scan(scan: &mut Scan, feeds: Vec<&mut Feed>) {
    let width = scan.fields.len();
    let read = width - scan.computed.len();
    let mut used = Used::default();
    feeds.iter().for_each(|feed| used.calc(&feed.rows));
    if let Some(time) = &scan.time {
        used.0.insert(time.column, 0);
        if let Some(Watermark::Expr(expr)) = &time.watermark {
            used.expr(expr);
        }
    }
    for nth in (0..scan.computed.len()).rev() {
        if used.0.contains_key(&(read + nth)) {
            used.expr(&scan.computed[nth]);
        }
    }
    // Behind the scan's columns are those of the windows, which stay.
    let kept = used.0.range(..width).count();
    let mut nth = 0;
    for (at, to) in &mut used.0 {
        *to = if *at < width {
            nth += 1;
            nth - 1
        } else {
            kept + (*at - width)
        };
    }
    let is_kept = |at: usize| used.0.contains_key(&at);
    match &mut scan.input {
        Input::Table { columns, .. } => keep(columns, &is_kept),
        Input::Values(rows) => rows.iter_mut().for_each(|row| keep(row, &is_kept)),
    }
    keep(&mut scan.fields, &is_kept);
    keep(&mut scan.computed, &|nth| is_kept(read + nth));
    scan.computed.iter_mut().for_each(|expr| used.move_expr(expr));
    if let Some(time) = &mut scan.time {
        time.column = used.0[&time.column];
        if let Some(Watermark::Expr(expr)) = &mut time.watermark {
            used.move_expr(expr);
        }
    }
    for Feed { rows, .. } in feeds {
        used.move_calc(rows);
    }
}

/// Keeps the items whose numbers are kept.
fn keep<T>(items: &mut Vec<T>, is_kept: &impl Fn(usize) -> bool) {
    let mut at = 0;
    items.retain(|_| {
        at += 1;
        is_kept(at - 1)
    });
}

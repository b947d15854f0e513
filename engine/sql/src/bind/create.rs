//! Tables: their columns, their time, their options.

use std::collections::BTreeMap;

use tidewire_event::time::SECOND;
use tidewire_event::{DataType, Field, Value};

use super::expr::Binding;
use super::relation::{Column, Role};
use crate::catalog::{Connectors, Origin, Table, TableColumn};
use crate::error::{Span, SqlError};
use crate::expr::{Expr, ExprKind, Named};
use crate::functions;
use crate::parse::{ColumnKind, CreateTable, span_of};
use crate::plan::{EventTime, Input, Scan, Watermark};
use crate::session::Session;

/// Makes a table of its text.
pub(super) fn table(
    text: &CreateTable,
    session: &Session,
    connectors: &dyn Connectors,
    at: Span,
) -> Result<Table, SqlError> {
    let mut options = BTreeMap::new();
    let mut option_places = BTreeMap::new();
    for option in &text.options {
        options.insert(option.name.clone(), option.value.clone());
        option_places.insert(option.name.clone(), option.at);
    }
    let connector = options.remove("connector").ok_or_else(|| {
        SqlError::new(at, format!("the table {} has no connector", text.name.value))
            .help("as in WITH ('connector' = 'filesystem', ...)")
    })?;
    let feed = connectors.feed(&connector, &options).map_err(|(option, problem)| {
        let place = option.as_ref().and_then(|option| option_places.get(option));
        let place = place.or(option_places.get("connector").filter(|_| option.is_none()));
        SqlError::new(place.copied().unwrap_or(at), problem)
    })?;
    let is_read = |kind: &ColumnKind| !matches!(kind, ColumnKind::Computed(_));
    let is_physical = |kind: &ColumnKind| matches!(kind, ColumnKind::Physical { .. });
    if let (Some(_), Some(column)) =
        (&feed, text.columns.iter().find(|column| is_physical(&column.kind)))
    {
        let problem = format!("the columns of '{connector}' come from the feed");
        return Err(SqlError::new(span_of(column.name.span), problem)
            .help("name computed columns only, or none"));
    }
    if feed.is_none() && text.columns.is_empty() {
        return Err(SqlError::new(at, format!("the table {} has no columns", text.name.value)));
    }
    let mut columns: Vec<TableColumn> = Vec::new();
    let mut order = Vec::new();
    if let Some(feed) = &feed {
        order.extend(0..feed.fields.len());
        let physical =
            |field: &Field| TableColumn { field: field.clone(), origin: Origin::Physical };
        columns.extend(feed.fields.iter().map(physical));
    }
    let of_feed = columns.len();
    for column in text.columns.iter().filter(|column| is_read(&column.kind)) {
        let name = column.name.value.clone();
        columns.push(match &column.kind {
            ColumnKind::Metadata { ty, key, .. } => TableColumn {
                field: Field::new(name.clone(), ty.clone()),
                origin: Origin::Metadata(key.clone().unwrap_or(name)),
            },
            ColumnKind::Physical { ty, not_null } => TableColumn {
                field: Field { name, ty: ty.clone(), nullable: !not_null },
                origin: Origin::Physical,
            },
            ColumnKind::Computed(_) => continue,
        });
    }
    for column in &text.columns {
        let ColumnKind::Computed(expr) = &column.kind else { continue };
        let seen = visible(&columns, None);
        let expr = Binding::new(&seen, session).expr(expr)?;
        let field =
            Field { name: column.name.value.clone(), ty: expr.ty.clone(), nullable: expr.nullable };
        columns.push(TableColumn { field, origin: Origin::Computed(expr) });
    }
    for column in &text.columns {
        let place = columns.iter().rposition(|other| other.field.name == column.name.value);
        order.extend(place.filter(|place| *place >= of_feed));
    }
    if let Some(column) = text.columns.iter().find(|column| {
        columns.iter().filter(|other| other.field.name == column.name.value).count() > 1
    }) {
        let problem = format!("the feed has a column {} already", column.name.value);
        return Err(SqlError::new(span_of(column.name.span), problem));
    }
    let time = match (&text.watermark, feed) {
        (Some((name, expr)), _) => Some(watermark(&columns, name, expr, session)?),
        (None, Some(feed)) => feed.time.map(|column| EventTime {
            column,
            watermark: Some(Watermark::Delay(delay(feed.delay, &columns[column].field.ty))),
        }),
        (None, None) => None,
    };
    let mut primary_key = Vec::new();
    for name in &text.primary_key {
        let place = columns.iter().position(|column| column.field.name == name.value);
        primary_key.push(place.ok_or_else(|| {
            SqlError::new(span_of(name.span), format!("there is no column {}", name.value))
                .nearest(&name.value, columns.iter().map(|column| column.field.name.as_str()))
        })?);
    }
    let name = text.name.value.clone();
    Ok(Table { name, columns, order, time, primary_key, connector, options, option_places, at })
}

/// The columns as expressions see them.
fn visible(columns: &[TableColumn], time: Option<usize>) -> Vec<Column> {
    let column = |(at, column): (usize, &TableColumn)| Column {
        name: column.field.name.clone(),
        of: None,
        ty: column.field.ty.clone(),
        nullable: column.field.nullable,
        role: if time == Some(at) { Role::Time } else { Role::Plain },
    };
    columns.iter().enumerate().map(column).collect()
}

/// How far the watermark is behind the greatest time, where times are whole units of their type: at a watermark w no
/// event is expected in the unit that begins at w either, so it stands at the unit's end.
fn delay(ns: i64, ty: &DataType) -> i64 {
    ns - (unit(ty) - 1)
}

/// The least difference between two values of the type of a time, ns.
pub(crate) fn unit(ty: &DataType) -> i64 {
    match ty {
        DataType::Timestamp(digits) | DataType::TimestampLtz(digits) => {
            SECOND / 10_i64.pow((*digits).into())
        }
        _ => 1,
    }
}

fn watermark(
    columns: &[TableColumn],
    name: &sqlparser::ast::Ident,
    expr: &sqlparser::ast::Expr,
    session: &Session,
) -> Result<EventTime, SqlError> {
    let at = span_of(name.span);
    let Some(column) = columns.iter().position(|column| column.field.name == name.value) else {
        return Err(SqlError::new(at, format!("there is no column {}", name.value))
            .nearest(&name.value, columns.iter().map(|column| column.field.name.as_str())));
    };
    let ty = &columns[column].field.ty;
    if !ty.is_timestamp() {
        let problem = format!(
            "{} is a {ty}, and the time of events is a TIMESTAMP or a TIMESTAMP_LTZ",
            name.value
        );
        return Err(SqlError::new(at, problem));
    }
    let seen = visible(columns, Some(column));
    let expr = Binding::new(&seen, session).expr(expr)?;
    if !expr.ty.is_timestamp() {
        return Err(SqlError::new(
            expr.at,
            format!("a watermark is a time, and this is a {}", expr.ty),
        ));
    }
    let watermark = match behind(&expr, column) {
        Some(ns) => Watermark::Delay(delay(ns, ty)),
        None => {
            let rest = Expr::literal(Value::Int(unit(ty) - 1), DataType::Interval, expr.at);
            Watermark::Expr(functions::call("+", vec![expr.clone(), rest], expr.at, session)?)
        }
    };
    Ok(EventTime { column, watermark: Some(watermark) })
}

/// How far an expression is behind a column, if it is that and no more.
fn behind(expr: &Expr, column: usize) -> Option<i64> {
    match &expr.kind {
        ExprKind::Column(at) => (*at == column).then_some(0),
        ExprKind::Call(function, args) if function.name == "-" => match args.as_slice() {
            [time, length]
                if time.as_column() == Some(column) && length.ty == DataType::Interval =>
            {
                match length.as_literal() {
                    Some(Value::Int(ns)) => Some(*ns),
                    _ => None,
                }
            }
            _ => None,
        },
        _ => None,
    }
}

/// The scan of all columns of a table.
pub(super) fn scan(table: &Table) -> Scan {
    let is_read = |column: &&TableColumn| !matches!(column.origin, Origin::Computed(_));
    let read = table.columns.iter().filter(is_read).count();
    let computed = table.columns.iter().filter_map(|column| match &column.origin {
        Origin::Computed(expr) => Some(expr.clone()),
        _ => None,
    });
    Scan {
        input: Input::Table { name: table.name.clone(), columns: (0..read).collect() },
        fields: table.columns.iter().map(|column| column.field.clone()).collect(),
        computed: computed.collect(),
        time: table.time.clone(),
    }
}

/// What DESCRIBE says of a table.
pub(super) fn describe(table: &Table) -> Vec<(Field, String)> {
    let names: Vec<_> = table.columns.iter().map(|column| column.field.name.as_str()).collect();
    let describe = |at: &usize| {
        let column = &table.columns[*at];
        let mut notes = Vec::new();
        match &column.origin {
            Origin::Physical => {}
            Origin::Metadata(key) => notes.push(format!("METADATA FROM '{key}'")),
            Origin::Computed(expr) => notes.push(format!("AS {}", Named { expr, names: &names })),
        }
        if let Some(time) = table.time.as_ref().filter(|time| time.column == *at) {
            notes.push("time of events".to_owned());
            if let Some(Watermark::Expr(expr)) = &time.watermark {
                notes.push(format!("watermark {}", Named { expr, names: &names }));
            }
        }
        if table.primary_key.contains(at) {
            notes.push("PRIMARY KEY".to_owned());
        }
        (column.field.clone(), notes.join(", "))
    };
    table.order.iter().map(describe).collect()
}

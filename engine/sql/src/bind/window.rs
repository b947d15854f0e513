//! Window functions: of tables, `TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)`, and in GROUP BY.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, Ident};
use tidewire_dataflow::{SessionGap, Tumbling, Windows};
use tidewire_event::time::{MILLISECOND, MINUTE, SECOND};
use tidewire_event::{DataType, Value};

use super::call::{arguments, name_of_function};
use super::expr::{Binding, GroupWindow};
use super::group::{legacy_window, time_of};
use super::relation::{Column, Relation, Role, Windowing, raw_time};
use crate::error::{Span, SqlError};
use crate::expr::Expr;
use crate::functions::{self, Cast};
use crate::parse::{place_of, span_of};
use crate::plan::WindowKind;
use crate::session::Session;

const NAMES: [&str; 4] = ["TUMBLE", "HOP", "CUMULATE", "SESSION"];

/// Whether this is the name of a window function of tables.
pub(super) fn is_table_function(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Whether this is a window in GROUP BY.
pub(super) fn is_group_window(function: &ast::Function) -> bool {
    let name = name_of_function(function);
    ["TUMBLE", "HOP", "SESSION"].contains(&name.as_str())
}

/// A window function of a table, taken apart.
pub(super) struct TableFunction<'t> {
    pub(super) table: Data<'t>,
    partition_by: Vec<&'t Ident>,
    time: &'t Ident,
    lengths: Vec<(&'t str, &'t ast::Expr)>,
    name: String,
    at: Span,
}

/// The rows that a window function is over.
pub(super) enum Data<'t> {
    Table(&'t Ident),
    Query(&'t ast::Query),
}

/// The parameters of a window function, in their order: DATA and TIMECOL stand before them.
fn parameters(name: &str) -> &'static [&'static str] {
    match name {
        "TUMBLE" => &["SIZE", "OFFSET"],
        "HOP" => &["SLIDE", "SIZE", "OFFSET"],
        "CUMULATE" => &["STEP", "SIZE", "OFFSET"],
        _ => &["GAP"],
    }
}

/// Takes a call of a window function apart.
pub(super) fn table_function<'t>(
    name: &str,
    args: &'t [FunctionArg],
    at: Span,
) -> Result<TableFunction<'t>, SqlError> {
    let parameters = parameters(name);
    let usage = || {
        let lengths =
            parameters.iter().map(|it| format!("{} => INTERVAL '...' ...", it.to_lowercase()));
        let lengths = lengths.filter(|it| !it.starts_with("offset")).collect::<Vec<_>>().join(", ");
        format!("{name}(TABLE t, DESCRIPTOR(ts), {lengths})")
    };
    let (mut data, mut time, mut lengths) = (None, None, Vec::new());
    for (nth, arg) in args.iter().enumerate() {
        let (parameter, expr) = match arg {
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(expr), .. } => {
                (name.value.to_uppercase(), expr)
            }
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => {
                let known =
                    ["DATA", "TIMECOL"].into_iter().chain(parameters.iter().copied()).nth(nth);
                (known.unwrap_or_default().to_owned(), expr)
            }
            other => {
                return Err(SqlError::new(at, format!("the argument {other} means nothing here"))
                    .help(usage()));
            }
        };
        match parameter.as_str() {
            "DATA" => data = Some(expr),
            "TIMECOL" => time = Some(expr),
            other => match parameters.iter().find(|known| **known == other) {
                Some(known) => lengths.push((*known, expr)),
                None => {
                    let problem = format!("{name} has no such argument {other}");
                    return Err(SqlError::new(place_of(expr), problem).help(usage()));
                }
            },
        }
    }
    let missing = |what: &str| SqlError::new(at, format!("{name} needs {what}")).help(usage());
    let (table, partition_by) = table_of(data.ok_or_else(|| missing("a table"))?)?;
    if !partition_by.is_empty() && name != "SESSION" {
        return Err(SqlError::new(at, format!("{name} takes no PARTITION BY")));
    }
    let time = time_column(time.ok_or_else(|| missing("a time column"))?)?;
    Ok(TableFunction { table, partition_by, time, lengths, name: name.to_owned(), at })
}

/// `TABLE t [PARTITION BY k]`, or `t`.
fn table_of(expr: &ast::Expr) -> Result<(Data<'_>, Vec<&Ident>), SqlError> {
    let wrong = || {
        SqlError::new(
            place_of(expr),
            format!("expected TABLE and the name of a table, found {expr}"),
        )
    };
    match expr {
        ast::Expr::Identifier(name) => Ok((Data::Table(name), Vec::new())),
        ast::Expr::Subquery(query) => Ok((Data::Query(query), Vec::new())),
        ast::Expr::Function(function) if name_of_function(function) == "TABLE" => {
            let (args, _) = arguments(function, place_of(expr))?;
            let name = |arg: &&'_ ast::Expr| match arg {
                ast::Expr::Identifier(_) => Ok(()),
                _ => Err(wrong()),
            };
            args.iter().try_for_each(name)?;
            let mut names = args.into_iter().filter_map(|arg| match arg {
                ast::Expr::Identifier(name) => Some(name),
                _ => None,
            });
            let table = names.next().ok_or_else(wrong)?;
            Ok((Data::Table(table), names.collect()))
        }
        _ => Err(wrong()),
    }
}

/// `DESCRIPTOR(ts)`, or `ts`.
fn time_column(expr: &ast::Expr) -> Result<&Ident, SqlError> {
    match expr {
        ast::Expr::Identifier(name) => Ok(name),
        ast::Expr::Function(function) if name_of_function(function) == "DESCRIPTOR" => {
            match arguments(function, place_of(expr))?.0.as_slice() {
                [ast::Expr::Identifier(name)] => Ok(name),
                _ => Err(SqlError::new(place_of(expr), "DESCRIPTOR takes one column")),
            }
        }
        _ => Err(SqlError::new(
            place_of(expr),
            format!("expected DESCRIPTOR and a time column, found {expr}"),
        )),
    }
}

impl TableFunction<'_> {
    /// Puts the columns of the windows behind those of a relation.
    pub(super) fn apply(
        &self,
        mut relation: Relation,
        session: &Session,
    ) -> Result<Relation, SqlError> {
        let binding = Binding::new(&relation.columns, session);
        let find = |name: &Ident| {
            binding.find(None, name)?.ok_or_else(|| {
                let error =
                    SqlError::new(span_of(name.span), format!("there is no column {}", name.value));
                error.nearest(
                    &name.value,
                    relation.columns.iter().map(|column| column.name.as_str()),
                )
            })
        };
        let time = find(self.time)?;
        needs_time(&relation.columns, time, span_of(self.time.span))?;
        let session_key =
            self.partition_by.iter().map(|name| find(name)).collect::<Result<_, _>>()?;
        let mut lengths = Vec::new();
        for (parameter, expr) in &self.lengths {
            lengths.push((*parameter, length(expr, session)?));
        }
        relation.expand(self.at)?;
        let ty = time_of(&relation);
        let kind = kind(&self.name, &lengths, ty.as_ref(), session, self.at)?;
        for column in &mut relation.columns {
            column.role = match column.role {
                Role::WindowStart | Role::WindowEnd | Role::WindowTime => Role::Plain,
                role => role,
            };
        }
        let raw = raw_time(ty.as_ref());
        let mut shown_columns = Vec::new();
        let mut error = None;
        relation.each_open(|open| {
            let column = |nth| Expr::column(open.width + nth, raw.clone(), false, self.at);
            match shown([column(0), column(1)], ty.as_ref(), session, self.at) {
                Ok(shown) => {
                    shown_columns = shown.iter().map(|expr| expr.ty.clone()).collect();
                    open.exprs.extend(shown);
                }
                Err(problem) => error = Some(problem),
            }
        });
        if let Some(error) = error {
            return Err(error);
        }
        let names = [
            ("window_start", Role::WindowStart),
            ("window_end", Role::WindowEnd),
            ("window_time", Role::WindowTime),
        ];
        let columns = names.into_iter().zip(shown_columns);
        relation.columns.extend(columns.map(|((name, role), ty)| Column {
            name: name.to_owned(),
            of: None,
            ty,
            nullable: false,
            role,
        }));
        relation.windowing = Windowing::Pending { kind, session_key };
        Ok(relation)
    }
}

fn needs_time(columns: &[Column], at: usize, place: Span) -> Result<(), SqlError> {
    if columns[at].is_time() {
        return Ok(());
    }
    let problem = format!("{} is not the time of events", columns[at].name);
    let times = columns.iter().filter(|column| column.is_time()).map(|column| column.name.as_str());
    let help = match times.collect::<Vec<_>>().as_slice() {
        [] => "the table needs a WATERMARK FOR its time column".to_owned(),
        names => format!("that is {}", names.join(", ")),
    };
    Err(SqlError::new(place, problem).help(help))
}

/// A length of time, ns.
fn length(expr: &ast::Expr, session: &Session) -> Result<(i64, Span), SqlError> {
    let at = place_of(expr);
    let bound = Binding::new(&[], session).expr(expr)?;
    match (bound.as_literal(), &bound.ty) {
        (Some(Value::Int(ns)), DataType::Interval) => Ok((*ns, at)),
        (_, DataType::Months) => {
            Err(SqlError::new(at, "windows of months are not supported: they differ in length"))
        }
        _ => {
            Err(SqlError::new(at, "expected a constant interval").help("as in INTERVAL '1' MINUTE"))
        }
    }
}

/// The windows of a function with its lengths.
fn kind(
    name: &str,
    lengths: &[(&str, (i64, Span))],
    time: Option<&DataType>,
    session: &Session,
    at: Span,
) -> Result<WindowKind, SqlError> {
    let find = |parameter: &str| {
        lengths.iter().find(|(known, _)| *known == parameter).map(|(_, length)| *length)
    };
    let need = |parameter: &str| {
        find(parameter).ok_or_else(|| SqlError::new(at, format!("{name} needs its {parameter}")))
    };
    if name == "SESSION" {
        let (gap, at) = need("GAP")?;
        let gap = SessionGap::new(gap).map_err(|error| SqlError::new(at, error.to_string()))?;
        return Ok(WindowKind::Session(gap));
    }
    let (size, size_at) = need("SIZE")?;
    let wrong = |error: &dyn std::fmt::Display| SqlError::new(size_at, error.to_string());
    let (windows, every) = match name {
        "HOP" => {
            let (slide, _) = need("SLIDE")?;
            (Windows::hopping(slide, size).map_err(|error| wrong(&error))?, slide)
        }
        "CUMULATE" => {
            let (step, _) = need("STEP")?;
            (Windows::cumulating(step, size).map_err(|error| wrong(&error))?, size)
        }
        _ => (Windows::from(Tumbling::new(size).map_err(|error| wrong(&error))?), size),
    };
    let (offset, _) = find("OFFSET").unwrap_or((0, at));
    let zone = match time {
        Some(DataType::TimestampLtz(_)) => zone_offset(&session.zone, every, size_at)?,
        _ => 0,
    };
    Ok(WindowKind::Aligned(windows.offset(offset.wrapping_sub(zone))))
}

/// All zones are whole quarters of an hour from UTC, now and since long.
const ZONE_STEP: i64 = 15 * MINUTE;
/// From here on a zone must not change its offset for windows that feel it: 2000-01-01.
const ZONE_FROM: i64 = 946_684_800;

/// How far the windows of a zone's days and hours are from those of UTC, ns.
fn zone_offset(zone: &TimeZone, every: i64, at: Span) -> Result<i64, SqlError> {
    if ZONE_STEP % every == 0 {
        return Ok(0);
    }
    let from = Timestamp::from_second(ZONE_FROM).unwrap_or(Timestamp::UNIX_EPOCH);
    let changes = zone.following(from).take(1).count() > 0;
    if changes {
        let name = zone.iana_name().unwrap_or("this zone");
        let problem =
            format!("windows of more than 15 minutes in {name}, which changes its clocks");
        return Err(SqlError::new(at, problem).help(
            "SET 'table.local-time-zone' to a zone that does not, such as 'UTC' or '+08:00'",
        ));
    }
    Ok(i64::from(zone.to_offset(from).seconds()) * SECOND)
}

/// The start, the end and the time of a window as they are shown: in the zone of the session, with the digits of the
/// events' time, three at least.
pub(super) fn shown(
    raw: [Expr; 2],
    time: Option<&DataType>,
    session: &Session,
    at: Span,
) -> Result<[Expr; 3], SqlError> {
    let (digits, is_moment) = match time {
        Some(DataType::TimestampLtz(digits)) => (*digits, true),
        Some(DataType::Timestamp(digits)) => (*digits, false),
        _ => return Err(SqlError::new(at, "there is no time of events here")),
    };
    let digits = digits.max(3);
    let to = |expr: Expr, ty: DataType| functions::cast(expr, &ty, Cast::Cast, at, session);
    let [start, end] = raw;
    let unit = MILLISECOND / 10_i64.pow(u32::from(digits) - 3);
    let unit = Expr::literal(Value::Int(unit), DataType::Interval, at);
    let last = functions::call("-", vec![end.clone(), unit], at, session)?;
    let ty = if is_moment { DataType::TimestampLtz(digits) } else { DataType::Timestamp(digits) };
    let plain = DataType::Timestamp(digits);
    Ok([to(start, plain.clone())?, to(end, plain)?, to(last, ty)?])
}

/// A window in GROUP BY: `TUMBLE(ts, INTERVAL '1' HOUR)`, or `tumble(interval '1 hour')` over the time of events.
pub(super) fn of_group(
    relation: &Relation,
    name: &str,
    args: &[&ast::Expr],
    at: Span,
    session: &Session,
) -> Result<(WindowKind, GroupWindow), SqlError> {
    if relation.windowing != Windowing::None && !relation.columns.iter().any(Column::is_time) {
        return Err(SqlError::new(at, "there is no time of events here"));
    }
    let mut lengths = args;
    let bound = args
        .first()
        .map(|first| Binding::new(&relation.columns, session).expr(first))
        .transpose()?;
    match bound.as_ref().and_then(Expr::as_column) {
        Some(column) => {
            needs_time(&relation.columns, column, place_of(args[0]))?;
            lengths = &args[1..];
        }
        None if !relation.columns.iter().any(Column::is_time) => {
            return Err(SqlError::new(at, "there is no time of events here")
                .help("the table needs a WATERMARK"));
        }
        None => {}
    }
    let names: &[&str] = match name {
        "TUMBLE" => &["SIZE", "OFFSET"],
        "HOP" => &["SLIDE", "SIZE", "OFFSET"],
        _ => &["GAP"],
    };
    if lengths.len() > names.len() {
        return Err(SqlError::new(at, format!("{name} takes at most {} intervals", names.len())));
    }
    let mut known = Vec::new();
    for (parameter, expr) in names.iter().zip(lengths) {
        known.push((*parameter, length(expr, session)?));
    }
    let kind = kind(name, &known, time_of(relation).as_ref(), session, at)?;
    Ok((kind, legacy_window(relation, name, args, session, at)?))
}

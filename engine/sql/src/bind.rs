//! Binding: a job's statements become tables, views, and the plan of what is to run.
//!
//! 1. A query is bound from the inside out: each part is a [`Relation`](relation::Relation), of columns with names, and of
//!    streams that give their values. Filters and projections are folded into what stands before and behind operators, so
//!    they are no operators.
//! 2. A table is read once, whatever the number of queries over it.

mod call;
mod create;
mod expr;
mod finish;
mod group;
mod literal;
mod order;
mod over;
mod query;
mod relation;
mod window;

use std::collections::BTreeMap;

use sqlparser::ast::Ident;
use tidewire_event::{Field, Value};

pub(crate) use self::create::unit;
use self::query::{Named, rename};
use self::relation::{Column, Relation};
use crate::catalog::{Catalog, Connectors, Table, View};
use crate::error::{Span, SqlError};
use crate::expr::Expr;
use crate::functions::{self, Cast};
use crate::parse::{EmitQuery, Setting, Statement, StatementKind, parse, place_of, span_of};
use crate::plan::{Output, Pipeline, Plan, Scan};
use crate::session::Session;

/// The setting of the zone in which moments are dates and times.
const ZONE: &str = "table.local-time-zone";

/// What a job's text says.
#[derive(Debug)]
pub struct Job {
    /// Its tables.
    pub catalog: Catalog,
    /// Its settings, by their names, with their places in the text.
    pub settings: BTreeMap<String, (String, Span)>,
    /// What its expressions depend on.
    pub session: Session,
    /// What runs: all INSERTs, and a SELECT.
    pub plan: Plan,
    /// What is printed instead of, or before, a run.
    pub answers: Vec<Answer>,
}

/// The answer of a statement that runs nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// EXPLAIN.
    Plan(Plan),
    /// SHOW TABLES.
    Tables(Vec<String>),
    /// DESCRIBE: the columns, each with what it is beside its type.
    Columns(Vec<(Field, String)>),
    /// SET, without a name.
    Settings(Vec<(String, String)>),
}

/// Reads a job's text. `settings` take the place of those in the text.
///
/// # Errors
/// What is wrong with it.
pub fn bind(
    text: &str,
    settings: &BTreeMap<String, String>,
    connectors: &dyn Connectors,
) -> Result<Job, SqlError> {
    let mut job = Reading::default();
    for statement in parse(text)? {
        job.statement(&statement, settings, connectors)?;
    }
    job.finish(settings)
}

/// An expression without columns.
#[cfg(test)]
pub(crate) fn bind_expr(text: &str, session: &Session) -> Result<crate::Expr, SqlError> {
    expr::Binding::new(&[], session).expr(&crate::parse::parse_expr(text)?)
}

/// A job that is being read.
#[derive(Default)]
struct Reading {
    catalog: Catalog,
    settings: BTreeMap<String, (String, Span)>,
    parts: Parts,
    answers: Vec<Answer>,
    session: Session,
}

/// Parts of a plan.
#[derive(Debug, Default)]
struct Parts {
    scans: Vec<Scan>,
    tables: BTreeMap<String, usize>,
    pipelines: Vec<Pipeline>,
    outputs: Vec<Output>,
}

/// Binds one query.
struct Binder<'b> {
    catalog: &'b Catalog,
    session: &'b Session,
    scans: &'b mut Vec<Scan>,
    tables: &'b mut BTreeMap<String, usize>,
    depth: usize,
}

impl Binder<'_> {
    /// The scan of a table, with all its columns.
    fn scan_of_table(&mut self, table: &Table) -> usize {
        if let Some(number) = self.tables.get(&table.name) {
            return *number;
        }
        let number = self.scans.len();
        self.tables.insert(table.name.clone(), number);
        self.scans.push(create::scan(table));
        number
    }
}

impl Reading {
    fn statement(
        &mut self,
        statement: &Statement,
        over: &BTreeMap<String, String>,
        connectors: &dyn Connectors,
    ) -> Result<(), SqlError> {
        match &statement.kind {
            StatementKind::CreateTable(table) => {
                let at = span_of(table.name.span);
                if !self.is_free(&table.name, table.if_not_exists)? {
                    return Ok(());
                }
                let table = create::table(table, &self.session, connectors, at)?;
                self.catalog.tables.insert(table.name.clone(), table);
            }
            StatementKind::CreateView { name, columns, if_not_exists, query } => {
                if !self.is_free(name, *if_not_exists)? {
                    return Ok(());
                }
                // What is wrong with it is said here, and not where it is used.
                let (mut relation, _) = self.query(query, &mut Parts::default())?;
                rename(&mut relation, columns)?;
                let view = View { columns: columns.clone(), query: query.clone() };
                self.catalog.views.insert(name.value.clone(), view);
            }
            StatementKind::Insert { .. } | StatementKind::Select(_) => {
                let mut parts = std::mem::take(&mut self.parts);
                let bound = self.output(&statement.kind, &mut parts);
                self.parts = parts;
                bound?;
            }
            StatementKind::Explain(statement) => {
                let mut parts = Parts::default();
                match &statement.kind {
                    kind @ (StatementKind::Insert { .. } | StatementKind::Select(_)) => {
                        self.output(kind, &mut parts)?
                    }
                    _ => {
                        return Err(SqlError::new(
                            statement.at,
                            "EXPLAIN takes a query or an INSERT",
                        ));
                    }
                }
                self.answers.push(Answer::Plan(parts.plan()));
            }
            StatementKind::ShowTables => {
                let names = self.catalog.names().into_iter().map(str::to_owned).collect();
                self.answers.push(Answer::Tables(names));
            }
            StatementKind::Describe(name) => self.describe(name)?,
            StatementKind::Drop { name, is_view, if_exists } => {
                if !is_view && self.parts.uses(&name.value) {
                    let problem = format!("a query before this reads or writes {}", name.value);
                    return Err(SqlError::new(span_of(name.span), problem)
                        .help("a job runs as a whole: leave the DROP out"));
                }
                let dropped = match is_view {
                    true => self.catalog.views.remove(&name.value).is_some(),
                    false => self.catalog.tables.remove(&name.value).is_some(),
                };
                if !dropped && !if_exists {
                    return Err(self.catalog.missing(name));
                }
            }
            StatementKind::Set(None) => {
                let all =
                    self.settings.iter().map(|(name, (value, _))| (name.clone(), value.clone()));
                self.answers.push(Answer::Settings(all.collect()));
            }
            StatementKind::Set(Some(Setting { name, value, at })) => {
                let value = over.get(name).unwrap_or(value);
                self.is_before_queries(*at)?;
                self.settings.insert(name.clone(), (value.clone(), *at));
                self.set_zone()?;
            }
            StatementKind::Reset(name) => {
                self.is_before_queries(statement.at)?;
                match name {
                    None => self.settings.clear(),
                    Some(name) => drop(self.settings.remove(name)),
                }
                self.set_zone()?;
            }
        }
        Ok(())
    }

    /// Settings are those of the whole job: none changes once there is something that runs.
    fn is_before_queries(&self, at: Span) -> Result<(), SqlError> {
        match self.parts.outputs.is_empty() {
            true => Ok(()),
            false => Err(SqlError::new(at, "settings stand before the first query")
                .help("a job runs as a whole, with one value of each setting")),
        }
    }

    fn set_zone(&mut self) -> Result<(), SqlError> {
        self.session.zone = match self.settings.get(ZONE) {
            None => Session::default().zone,
            Some((name, at)) => zone(name).ok_or_else(|| {
                SqlError::new(*at, format!("there is no time zone '{name}'"))
                    .help("as in 'UTC', '+08:00' or 'Europe/Zurich'")
            })?,
        };
        Ok(())
    }

    /// Whether a name can be given. If it need not be, a table of that name stays.
    fn is_free(&self, name: &Ident, may_be_there: bool) -> Result<bool, SqlError> {
        match self.catalog.is_taken(&name.value) {
            false => Ok(true),
            true if may_be_there => Ok(false),
            true => {
                Err(SqlError::new(span_of(name.span), format!("{} is there already", name.value)))
            }
        }
    }

    fn describe(&mut self, name: &Ident) -> Result<(), SqlError> {
        if let Some(table) = self.catalog.tables.get(&name.value) {
            self.answers.push(Answer::Columns(create::describe(table)));
            return Ok(());
        }
        let Some(view) = self.catalog.views.get(&name.value).cloned() else {
            return Err(self.catalog.missing(name));
        };
        let (mut relation, _) = self.query(&view.query, &mut Parts::default())?;
        rename(&mut relation, &view.columns)?;
        let columns = relation.columns.iter().map(|column| (column.field(), String::new()));
        self.answers.push(Answer::Columns(columns.collect()));
        Ok(())
    }

    /// Binds a query.
    fn query(
        &self,
        query: &EmitQuery,
        parts: &mut Parts,
    ) -> Result<(Relation, Option<u64>), SqlError> {
        let Parts { scans, tables, .. } = parts;
        let mut binder =
            Binder { catalog: &self.catalog, session: &self.session, scans, tables, depth: 0 };
        binder.query(&query.query, &Named::new(), query.emit)
    }

    /// Binds what runs.
    fn output(&self, kind: &StatementKind, parts: &mut Parts) -> Result<(), SqlError> {
        let (query, table) = match kind {
            StatementKind::Insert { table, columns, query } => (query, Some((table, columns))),
            StatementKind::Select(query) => (query, None),
            _ => return Ok(()),
        };
        let at = place_of(&*query.query);
        let (mut relation, limit) = self.query(query, parts)?;
        relation.expand(at)?;
        let fields = match table {
            None => relation.columns.iter().map(Column::field).collect(),
            Some((name, columns)) => {
                let table = self
                    .catalog
                    .tables
                    .get(&name.value)
                    .ok_or_else(|| self.catalog.missing(name))?;
                self.fit(&mut relation, table, columns, at)?
            }
        };
        let output = parts.outputs.len();
        let table = table.map(|(name, _)| name.value.clone());
        parts.outputs.push(Output { table, fields, limit });
        for stream in relation.streams {
            parts.pipelines.push(finish::pipeline(stream, output, &relation.columns, at)?);
        }
        Ok(())
    }

    /// Makes the columns of a relation those of a table that they are written to.
    fn fit(
        &self,
        relation: &mut Relation,
        table: &Table,
        columns: &[Ident],
        at: Span,
    ) -> Result<Vec<Field>, SqlError> {
        let written = table.written();
        let field = |at: &usize| &table.columns[*at].field;
        let mut given = Vec::new();
        for name in columns {
            let found = written.iter().position(|at| field(at).name == name.value);
            let found = found.ok_or_else(|| {
                let problem = format!("{} has no column {} to write to", table.name, name.value);
                SqlError::new(span_of(name.span), problem)
                    .nearest(&name.value, written.iter().map(|at| field(at).name.as_str()))
            })?;
            if given.contains(&found) {
                let problem = format!("the column {} is given twice", name.value);
                return Err(SqlError::new(span_of(name.span), problem));
            }
            given.push(found);
        }
        if columns.is_empty() {
            given = (0..written.len()).collect();
        }
        if given.len() != relation.columns.len() {
            let names: Vec<_> = given.iter().map(|at| field(&written[*at]).to_string()).collect();
            let problem = format!(
                "the query has {} columns, and {} takes {}",
                relation.columns.len(),
                table.name,
                given.len()
            );
            return Err(SqlError::new(at, problem).help(names.join(", ")));
        }
        let mut fitted = Vec::new();
        for (place, number) in written.iter().enumerate() {
            let field = field(number);
            let expr = match given.iter().position(|given| *given == place) {
                Some(from) => {
                    let column = &relation.columns[from];
                    let expr = Expr::column(from, column.ty.clone(), column.nullable, at);
                    let cast = functions::cast(expr, &field.ty, Cast::Implicit, at, &self.session);
                    cast.map_err(|error| {
                        let problem =
                            format!("column {} of {}: {}", field.name, table.name, error.problem);
                        SqlError { problem, ..error }
                    })?
                }
                None => Expr::literal(Value::Null, field.ty.clone(), at),
            };
            if expr.nullable && !field.nullable && expr.as_literal().is_some() {
                return Err(SqlError::new(
                    at,
                    format!("column {} of {} is NOT NULL", field.name, table.name),
                ));
            }
            let role =
                expr.as_column().map_or(relation::Role::Plain, |from| relation.columns[from].role);
            let expr = match expr.nullable && !field.nullable {
                true => functions::required(expr, &field.name),
                false => expr,
            };
            let column = Column {
                name: field.name.clone(),
                of: None,
                ty: field.ty.clone(),
                nullable: expr.nullable,
                role,
            };
            fitted.push((column, expr));
        }
        relation.project(fitted);
        Ok(relation.columns.iter().map(Column::field).collect())
    }

    fn finish(mut self, over: &BTreeMap<String, String>) -> Result<Job, SqlError> {
        for (name, value) in over {
            self.settings.insert(name.clone(), (value.clone(), Span::NONE));
        }
        self.set_zone()?;
        let Self { catalog, settings, parts, answers, session } = self;
        Ok(Job { catalog, settings, session, plan: parts.plan(), answers })
    }
}

impl Parts {
    /// Whether a table is read or written.
    fn uses(&self, table: &str) -> bool {
        let is_it = |output: &Output| output.table.as_deref() == Some(table);
        self.tables.contains_key(table) || self.outputs.iter().any(is_it)
    }

    fn plan(self) -> Plan {
        let Self { scans, pipelines, outputs, .. } = self;
        let mut plan = Plan { scans, pipelines, outputs };
        finish::prune(&mut plan);
        plan
    }
}

/// A zone by its name, or by its offset.
fn zone(name: &str) -> Option<jiff::tz::TimeZone> {
    use jiff::tz::{Offset, TimeZone};
    let text = name.strip_prefix("GMT").or(name.strip_prefix("UTC")).unwrap_or(name);
    if matches!(text, "" | "Z") {
        return Some(TimeZone::UTC);
    }
    let sign = match text.as_bytes().first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return TimeZone::get(name).ok(),
    };
    let (hours, minutes) = text[1..].split_once(':').unwrap_or((&text[1..], "0"));
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    if !(0..=18).contains(&hours) || !(0..60).contains(&minutes) {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok().map(TimeZone::fixed)
}

#[cfg(test)]
mod tests;

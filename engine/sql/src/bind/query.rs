//! Queries: what is read, filtered, grouped and selected.

use std::collections::BTreeMap;

use sqlparser::ast::{
    self, Ident, LimitClause, Query, Select, SelectItem, SetExpr, SetOperator, SetQuantifier,
    TableFactor,
};
use tidewire_event::{DataType, Field, Value};

use super::Binder;
use super::call::name_of_function;
use super::expr::Binding;
use super::order::hidden;
use super::relation::{Column, Relation, Windowing};
use super::{group, over, window};
use crate::error::{Span, SqlError};
use crate::expr::Expr;
use crate::functions::{self, Cast};
use crate::parse::{place_of, span_of};
use crate::plan::{Emit, Input, Scan};

/// Queries with names, of WITH.
pub(super) type Named<'q> = BTreeMap<String, &'q ast::Cte>;

/// Something selected.
#[derive(Debug)]
pub(super) struct Selected {
    pub(super) name: String,
    pub(super) expr: Expr,
}

/// How deep views and queries may stand in each other.
const DEPTH_MAX: usize = 64;

impl Binder<'_> {
    /// Binds a query, with the number of rows that it is limited to.
    pub(super) fn query(
        &mut self,
        query: &Query,
        outer: &Named<'_>,
        emit: Emit,
    ) -> Result<(Relation, Option<u64>), SqlError> {
        let at = place_of(query);
        if self.depth >= DEPTH_MAX {
            return Err(SqlError::new(
                at,
                format!("views and queries stand in each other more than {DEPTH_MAX} deep"),
            ));
        }
        self.depth += 1;
        let bound = self.query_inside(query, outer, emit, at);
        self.depth -= 1;
        bound
    }

    fn query_inside(
        &mut self,
        query: &Query,
        outer: &Named<'_>,
        emit: Emit,
        at: Span,
    ) -> Result<(Relation, Option<u64>), SqlError> {
        let mut named = outer.clone();
        if let Some(with) = &query.with {
            if with.recursive {
                return Err(SqlError::new(at, "WITH RECURSIVE is not supported"));
            }
            // A query sees those before it: they are looked up when they are used, in what was there then.
            for cte in &with.cte_tables {
                named.insert(cte.alias.name.value.clone(), cte);
            }
        }
        let unsupported = [
            (query.fetch.is_some(), "FETCH"),
            (!query.locks.is_empty(), "FOR UPDATE"),
            (query.for_clause.is_some(), "FOR"),
            (query.settings.is_some(), "SETTINGS"),
            (query.format_clause.is_some(), "FORMAT"),
            (!query.pipe_operators.is_empty(), "|>"),
        ];
        refuse(&unsupported, at)?;
        let hidden = query.order_by.as_ref().and_then(|order_by| hidden(&query.body, order_by));
        let mut relation = match &hidden {
            Some((select, _)) => self.select(select, &named, emit)?,
            None => self.body(&query.body, &named, emit)?,
        };
        if let Some(order_by) = &query.order_by {
            let order_by = hidden.as_ref().map_or(order_by, |(_, order_by)| order_by);
            self.order_by(&mut relation, order_by, at)?;
        }
        if hidden.is_some() {
            relation.leave_out_last();
        }
        let limit = query.limit_clause.as_ref().map(|limit| limit_of(limit, at)).transpose()?;
        Ok((relation, limit))
    }

    fn body(
        &mut self,
        body: &SetExpr,
        named: &Named<'_>,
        emit: Emit,
    ) -> Result<Relation, SqlError> {
        match body {
            SetExpr::Select(select) => self.select(select, named, emit),
            SetExpr::Query(query) => self.unlimited(query, named, emit),
            SetExpr::Values(values) => self.values(values),
            SetExpr::SetOperation {
                left,
                op: SetOperator::Union,
                set_quantifier: SetQuantifier::All,
                right,
            } => {
                let left_relation = self.body(left, named, emit)?;
                let right_relation = self.body(right, named, emit)?;
                self.union(left_relation, right_relation, place_of(&**right))
            }
            SetExpr::SetOperation { op, set_quantifier, right, .. } => {
                let problem = format!(
                    "{op} {set_quantifier} is not supported: it would remember all rows for ever"
                );
                Err(SqlError::new(place_of(&**right), problem.replace("  ", " "))
                    .help("UNION ALL is"))
            }
            other => Err(SqlError::new(place_of(other), format!("{other} is not supported here"))),
        }
    }

    /// A query inside of another.
    fn unlimited(
        &mut self,
        query: &Query,
        named: &Named<'_>,
        emit: Emit,
    ) -> Result<Relation, SqlError> {
        match self.query(query, named, emit)? {
            (relation, None) => Ok(relation),
            (_, Some(_)) => Err(SqlError::new(
                place_of(query),
                "LIMIT stands at the end of the whole query only",
            )),
        }
    }

    /// Rows of constants.
    fn values(&mut self, values: &ast::Values) -> Result<Relation, SqlError> {
        let mut rows = Vec::new();
        for row in &values.rows {
            let mut binding = Binding::new(&[], self.session);
            rows.push(
                row.content.iter().map(|expr| binding.expr(expr)).collect::<Result<Vec<_>, _>>()?,
            );
        }
        let at =
            values.rows.first().and_then(|row| row.content.first()).map_or(Span::NONE, place_of);
        let width = rows.first().map_or(0, Vec::len);
        if let Some(row) = rows.iter().find(|row| row.len() != width) {
            let at = row.first().map_or(at, |expr| expr.at);
            return Err(SqlError::new(
                at,
                format!("this row has {} values, the first {width}", row.len()),
            ));
        }
        let mut fields = Vec::new();
        for column in 0..width {
            let types: Vec<_> = rows.iter().map(|row| &row[column].ty).collect();
            let ty = functions::common_type(&types).ok_or_else(|| {
                SqlError::new(
                    at,
                    format!("the values of column {} have no type in common", column + 1),
                )
            })?;
            let nullable = rows.iter().any(|row| row[column].nullable);
            fields.push(Field { name: format!("EXPR${column}"), ty, nullable });
        }
        for row in &mut rows {
            for (expr, field) in row.iter_mut().zip(&fields) {
                *expr = functions::cast(
                    expr.clone(),
                    &field.ty,
                    Cast::Implicit,
                    expr.at,
                    self.session,
                )?;
                if expr.as_literal().is_none() {
                    return Err(SqlError::new(expr.at, "VALUES takes constants"));
                }
            }
        }
        Ok(self.scan_of(
            Scan { input: Input::Values(rows), fields, computed: Vec::new(), time: None },
            "",
        ))
    }

    fn scan_of(&mut self, scan: Scan, of: &str) -> Relation {
        let relation = Relation::of_scan(self.scans.len(), &scan, of);
        self.scans.push(scan);
        relation
    }

    fn union(
        &mut self,
        mut left: Relation,
        mut right: Relation,
        at: Span,
    ) -> Result<Relation, SqlError> {
        if left.columns.len() != right.columns.len() {
            let (left, right) = (left.columns.len(), right.columns.len());
            return Err(SqlError::new(at, format!("{right} columns are united with {left}")));
        }
        let is_same = left.windowing == right.windowing;
        if !is_same || matches!(left.windowing, Windowing::Pending { .. }) {
            left.expand(at)?;
            right.expand(at)?;
        }
        let mut columns = Vec::new();
        for (a, b) in left.columns.iter().zip(&right.columns) {
            let ty = functions::common_type(&[&a.ty, &b.ty]).ok_or_else(|| {
                SqlError::new(at, format!("{} is a {} here, and a {} before", b.name, b.ty, a.ty))
            })?;
            let nullable = a.nullable || b.nullable;
            let role = if a.role == b.role && a.ty == b.ty {
                a.role
            } else {
                super::relation::Role::Plain
            };
            columns.push(Column { ty, nullable, role, of: None, ..a.clone() });
        }
        for relation in [&mut left, &mut right] {
            let casts =
                relation.columns.iter().zip(&columns).enumerate().map(|(nth, (from, to))| {
                    let expr = Expr::column(nth, from.ty.clone(), from.nullable, at);
                    let expr = functions::cast(expr, &to.ty, Cast::Implicit, at, self.session)?;
                    Ok((to.clone(), expr))
                });
            let casts = casts.collect::<Result<Vec<_>, SqlError>>()?;
            relation.project(casts);
        }
        if !is_same {
            left.windowing = Windowing::None;
        }
        // Feeds are united in front of the next operator, results only behind the last.
        for stream in right.streams {
            match left
                .streams
                .iter_mut()
                .find(|other| other.stages.is_empty() && stream.stages.is_empty())
            {
                Some(other) => other.opens.extend(stream.opens),
                None => left.streams.push(stream),
            }
        }
        Ok(left)
    }

    fn select(
        &mut self,
        select: &Select,
        named: &Named<'_>,
        emit: Emit,
    ) -> Result<Relation, SqlError> {
        let at = place_of(select);
        let unsupported = [
            (select.distinct.is_some(), "SELECT DISTINCT"),
            (select.top.is_some(), "TOP"),
            (select.into.is_some(), "INTO"),
            (!select.lateral_views.is_empty(), "LATERAL VIEW"),
            (select.prewhere.is_some(), "PREWHERE"),
            (select.qualify.is_some(), "QUALIFY"),
            (!select.cluster_by.is_empty(), "CLUSTER BY"),
            (!select.distribute_by.is_empty(), "DISTRIBUTE BY"),
            (!select.sort_by.is_empty(), "SORT BY"),
            (!select.connect_by.is_empty(), "CONNECT BY"),
            (select.exclude.is_some(), "EXCLUDE"),
            (select.value_table_mode.is_some(), "AS STRUCT"),
            (!select.optimizer_hints.is_empty(), "a hint"),
        ];
        refuse(&unsupported, at)?;
        let mut relation = match select.from.as_slice() {
            [] => self.scan_of(
                Scan {
                    input: Input::Values(vec![Vec::new()]),
                    fields: Vec::new(),
                    computed: Vec::new(),
                    time: None,
                },
                "",
            ),
            [table] if table.joins.is_empty() => self.table(&table.relation, named, emit)?,
            [_, second, ..] => {
                return Err(SqlError::new(place_of(second), "joins are not supported"));
            }
            [table] => {
                let at = table.joins.first().map_or(at, |join| place_of(&join.relation));
                return Err(SqlError::new(at, "joins are not supported"));
            }
        };
        if let Some(filter) = &select.selection {
            let filter = Binding::new(&relation.columns, self.session).condition(filter)?;
            let session = self.session;
            // Both are BOOLEAN, which AND always takes.
            let and = |a: Expr, b: Expr| {
                functions::call("AND", vec![a.clone(), b], at, session).unwrap_or(a)
            };
            relation.filter(&filter, &and);
        }
        let mut binding = Binding::new(&relation.columns, self.session);
        binding.windows = &select.named_window;
        if group::is_grouped(select) {
            return group::group(relation, select, emit, self.session);
        }
        binding.overs = Some(Vec::new());
        let selected = selected(&mut binding, select)?;
        let overs = binding.overs.take().unwrap_or_default();
        if select.having.is_some() {
            return Err(SqlError::new(at, "HAVING stands behind GROUP BY only"));
        }
        let before = relation.columns.clone();
        let places =
            over::apply(&mut relation, &overs, emit_of(emit, &overs), at).map_err(|error| {
                if error.at == Span::NONE { SqlError { at, ..error } } else { error }
            })?;
        let columns = selected.into_iter().map(|Selected { name, expr }| {
            let expr = over::place_calls(&expr, &places, &relation.columns);
            (Column::of_expr(name, &expr, &before), expr)
        });
        let columns = columns.collect();
        relation.project(columns);
        Ok(relation)
    }

    /// What stands in FROM.
    fn table(
        &mut self,
        factor: &TableFactor,
        named: &Named<'_>,
        emit: Emit,
    ) -> Result<Relation, SqlError> {
        let at = place_of(factor);
        let (mut relation, alias) = match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                with_ordinality: false,
                version: None,
                sample: None,
                ..
            } => {
                let name = one_name(name, at)?;
                (self.named_table(name, named, emit)?, alias)
            }
            TableFactor::Table { name, alias, args: Some(args), .. } => {
                let name = name.to_string().to_uppercase();
                (self.window_of_table(&name, &args.args, named, emit, at)?, alias)
            }
            TableFactor::TableFunction { expr: ast::Expr::Function(function), alias } => {
                let name = name_of_function(function);
                let ast::FunctionArguments::List(list) = &function.args else {
                    return Err(SqlError::new(at, format!("{name} has no arguments")));
                };
                (self.window_of_table(&name, &list.args, named, emit, at)?, alias)
            }
            TableFactor::Derived { lateral: false, subquery, alias, sample: None } => {
                (self.unlimited(subquery, named, emit)?, alias)
            }
            TableFactor::NestedJoin { table_with_joins, alias }
                if table_with_joins.joins.is_empty() =>
            {
                (self.table(&table_with_joins.relation, named, emit)?, alias)
            }
            TableFactor::NestedJoin { .. } => {
                return Err(SqlError::new(at, "joins are not supported"));
            }
            TableFactor::MatchRecognize { .. } => {
                return Err(SqlError::new(at, "MATCH_RECOGNIZE is not supported"));
            }
            TableFactor::UNNEST { .. } => return Err(SqlError::new(at, "UNNEST is not supported")),
            other => return Err(SqlError::new(at, format!("{other} is not supported in FROM"))),
        };
        if let Some(alias) = alias {
            relation
                .columns
                .iter_mut()
                .for_each(|column| column.of = Some(alias.name.value.clone()));
            let names: Vec<_> = alias.columns.iter().map(|column| column.name.clone()).collect();
            rename(&mut relation, &names)?;
        }
        Ok(relation)
    }

    fn window_of_table(
        &mut self,
        name: &str,
        args: &[ast::FunctionArg],
        named: &Named<'_>,
        emit: Emit,
        at: Span,
    ) -> Result<Relation, SqlError> {
        if !window::is_table_function(name) {
            let error = SqlError::new(at, format!("there is no table function {name}"));
            return Err(error.nearest(name, ["TUMBLE", "HOP", "CUMULATE", "SESSION"]));
        }
        let function = window::table_function(name, args, at)?;
        let relation = match function.table {
            window::Data::Table(name) => self.named_table(name, named, emit)?,
            window::Data::Query(query) => self.unlimited(query, named, emit)?,
        };
        function.apply(relation, self.session)
    }

    /// A table, a view, or a query with a name.
    fn named_table(
        &mut self,
        name: &Ident,
        named: &Named<'_>,
        emit: Emit,
    ) -> Result<Relation, SqlError> {
        if let Some(cte) = named.get(&name.value) {
            // It does not see itself.
            let mut others = named.clone();
            others.remove(&name.value);
            let mut relation = self.unlimited(&cte.query, &others, emit)?;
            let names: Vec<_> =
                cte.alias.columns.iter().map(|column| column.name.clone()).collect();
            rename(&mut relation, &names)?;
            return Ok(of(relation, &name.value));
        }
        if let Some(view) = self.catalog.views.get(&name.value).cloned() {
            let emit = if view.query.emit == Emit::OnArrival { Emit::OnArrival } else { emit };
            let mut relation = self.unlimited(&view.query.query, &Named::new(), emit)?;
            rename(&mut relation, &view.columns)?;
            return Ok(of(relation, &name.value));
        }
        let Some(table) = self.catalog.tables.get(&name.value) else {
            return Err(self.catalog.missing(name));
        };
        let (number, order) = (self.scan_of_table(table), &table.order);
        let all = Relation::of_scan(number, &self.scans[number], &table.name);
        let columns = order.iter().map(|at| {
            let column = all.columns[*at].clone();
            let expr = Expr::column(*at, column.ty.clone(), column.nullable, Span::NONE);
            (column, expr)
        });
        let columns = columns.collect();
        let mut relation = all;
        relation.project(columns);
        Ok(relation)
    }
}

/// What is emitted at once is emitted by the last operator.
fn emit_of(emit: Emit, overs: &[over::OverCall]) -> Emit {
    if overs.is_empty() { Emit::Complete } else { emit }
}

fn of(mut relation: Relation, name: &str) -> Relation {
    relation.columns.iter_mut().for_each(|column| column.of = Some(name.to_owned()));
    relation
}

/// Gives columns other names.
pub(super) fn rename(relation: &mut Relation, names: &[Ident]) -> Result<(), SqlError> {
    if names.is_empty() {
        return Ok(());
    }
    if names.len() != relation.columns.len() {
        let at = span_of(names[0].span);
        let problem = format!("{} names for {} columns", names.len(), relation.columns.len());
        return Err(SqlError::new(at, problem));
    }
    relation
        .columns
        .iter_mut()
        .zip(names)
        .for_each(|(column, name)| column.name.clone_from(&name.value));
    Ok(())
}

/// What is selected, each with its name.
pub(super) fn selected(
    binding: &mut Binding<'_>,
    select: &Select,
) -> Result<Vec<Selected>, SqlError> {
    let mut selected: Vec<Selected> = Vec::new();
    for item in &select.projection {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                let name = match expr {
                    ast::Expr::Identifier(name) => name.value.clone(),
                    ast::Expr::CompoundIdentifier(names) => {
                        names.last().map_or_else(String::new, |name| name.value.clone())
                    }
                    _ => format!("EXPR${}", selected.len()),
                };
                selected.push(Selected { name, expr: binding.expr(expr)? });
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                selected.push(Selected { name: alias.value.clone(), expr: binding.expr(expr)? });
            }
            SelectItem::Wildcard(options) => {
                plain_wildcard(options, place_of(item))?;
                all(binding, None, &mut selected);
            }
            SelectItem::QualifiedWildcard(
                ast::SelectItemQualifiedWildcardKind::ObjectName(table),
                options,
            ) => {
                plain_wildcard(options, place_of(item))?;
                let table = one_name(table, place_of(item))?;
                let before = selected.len();
                all(binding, Some(&table.value), &mut selected);
                if selected.len() == before {
                    return Err(SqlError::new(
                        place_of(item),
                        format!("there is no table {table} here"),
                    ));
                }
            }
            other => {
                return Err(SqlError::new(place_of(other), format!("{other} is not supported")));
            }
        }
    }
    for Selected { expr, .. } in &mut selected {
        // A bare NULL must be of some type: Flink takes it for an INT nowhere, and a text is what it prints as.
        if expr.ty == DataType::Null {
            *expr = Expr::literal(Value::Null, DataType::Int, expr.at);
        }
    }
    Ok(selected)
}

fn all(binding: &Binding<'_>, table: Option<&str>, selected: &mut Vec<Selected>) {
    for (at, column) in binding.columns.iter().enumerate() {
        if table.is_none_or(|table| column.of.as_deref() == Some(table)) {
            let expr = Expr::column(at, column.ty.clone(), column.nullable, Span::NONE);
            selected.push(Selected { name: column.name.clone(), expr });
        }
    }
}

fn plain_wildcard(options: &ast::WildcardAdditionalOptions, at: Span) -> Result<(), SqlError> {
    let unsupported = [
        (options.opt_ilike.is_some(), "ILIKE"),
        (options.opt_exclude.is_some(), "EXCLUDE"),
        (options.opt_except.is_some(), "EXCEPT"),
        (options.opt_replace.is_some(), "REPLACE"),
        (options.opt_rename.is_some(), "RENAME"),
    ];
    refuse(&unsupported, at)
}

fn refuse(unsupported: &[(bool, &str)], at: Span) -> Result<(), SqlError> {
    match unsupported.iter().find(|(is_there, _)| *is_there) {
        Some((_, what)) => Err(SqlError::new(at, format!("{what} is not supported"))),
        None => Ok(()),
    }
}

pub(super) fn one_name(name: &ast::ObjectName, at: Span) -> Result<&Ident, SqlError> {
    match name.0.as_slice() {
        [ast::ObjectNamePart::Identifier(name)] => Ok(name),
        _ => Err(SqlError::new(at, format!("{name}: names have one part only"))),
    }
}

fn limit_of(limit: &LimitClause, at: Span) -> Result<u64, SqlError> {
    if let LimitClause::LimitOffset { limit: Some(ast::Expr::Value(value)), offset: None, limit_by } =
        limit
        && let (ast::Value::Number(digits, _), true) = (&value.value, limit_by.is_empty())
        && let Ok(limit) = digits.parse()
    {
        return Ok(limit);
    }
    Err(SqlError::new(at, "LIMIT takes a number, and no OFFSET"))
}

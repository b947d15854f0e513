//! ORDER BY.

use sqlparser::ast::{self, Ident, Select, SelectItem, SetExpr, Spanned};

use super::Binder;
use super::expr::Binding;
use super::relation::{Column, Relation};
use crate::error::{Span, SqlError};
use crate::expr::Expr;
use crate::parse::place_of;
use crate::plan::Operator;

impl Binder<'_> {
    /// ORDER BY: only by the time of events does a stream have an order.
    pub(super) fn order_by(
        &mut self,
        relation: &mut Relation,
        order_by: &ast::OrderBy,
        at: Span,
    ) -> Result<(), SqlError> {
        let by_time =
            "a stream is ordered by the time of its events, ascending, and by nothing else";
        let ast::OrderByKind::Expressions(exprs) = &order_by.kind else {
            return Err(SqlError::new(at, by_time));
        };
        let [ast::OrderByExpr { expr, options, .. }] = exprs.as_slice() else {
            return Err(SqlError::new(at, by_time));
        };
        let bound = Binding::new(&relation.columns, self.session).expr(expr)?;
        let is_time = bound.as_column().is_some_and(|column| relation.columns[column].is_time());
        if !is_time || matches!(options.sort, Some(ast::OrderBySort::Desc)) {
            return Err(SqlError::new(place_of(expr), by_time));
        }
        relation.expand(at)?;
        let fields: Vec<_> = relation.columns.iter().map(Column::field).collect();
        let exprs: Vec<_> = relation
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| Expr::column(at, column.ty.clone(), column.nullable, Span::NONE))
            .collect();
        let stream = relation.one_stream(at)?;
        stream.then(Vec::new(), fields, Operator::InOrder, |open| vec![open.calc(&[], &exprs)]);
        Ok(())
    }
}

/// The name of a column that is selected for its order only.
const HIDDEN: &str = "$order";

/// ORDER BY of a column that is not selected: the query with that column behind the others, and the order by it.
pub(super) fn hidden(body: &SetExpr, order_by: &ast::OrderBy) -> Option<(Select, ast::OrderBy)> {
    let SetExpr::Select(select) = body else { return None };
    let mut order_by = order_by.clone();
    let ast::OrderByKind::Expressions(exprs) = &mut order_by.kind else { return None };
    let [ast::OrderByExpr { expr, .. }] = exprs.as_mut_slice() else { return None };
    let is_selected = |name: &Ident| {
        select.projection.iter().any(|item| match item {
            SelectItem::UnnamedExpr(ast::Expr::Identifier(it)) => it.value == name.value,
            SelectItem::UnnamedExpr(ast::Expr::CompoundIdentifier(names)) => {
                names.last().is_some_and(|it| it.value == name.value)
            }
            SelectItem::ExprWithAlias { alias, .. } => alias.value == name.value,
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => true,
            _ => false,
        })
    };
    match &*expr {
        ast::Expr::Identifier(name) if is_selected(name) => return None,
        ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_) => {}
        _ => return None,
    }
    let span = expr.span();
    let name = Ident::with_span(span, HIDDEN);
    let expr = std::mem::replace(expr, ast::Expr::Identifier(name.clone()));
    let mut select = (**select).clone();
    select.projection.push(SelectItem::ExprWithAlias { expr, alias: name });
    Some((select, order_by))
}

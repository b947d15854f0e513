//! Expressions of the text, over the columns of a relation.

use sqlparser::ast::{
    self, AccessExpr, BinaryOperator, CastKind, CeilFloorKind, Ident, JsonPredicateType, Subscript,
    TrimWhereField, UnaryOperator,
};
use tidewire_event::{DataType, Value};

use super::call::of_the_clock;
use super::literal;
use super::over::OverCall;
use super::relation::{Column, Role};
use crate::aggregates::AggregateCall;
use crate::error::{Span, SqlError};
use crate::expr::Expr;
use crate::functions::{self, Cast};
use crate::parse::{place_of, span_of, type_of};
use crate::session::Session;

/// What an expression may be made of.
pub(super) struct Binding<'b> {
    pub(super) columns: &'b [Column],
    pub(super) session: &'b Session,
    /// The named windows of the query.
    pub(super) windows: &'b [ast::NamedWindowDefinition],
    /// Where aggregate functions are put, if there may be any. In the expression they are columns behind `columns`, the
    /// aggregates first, then the calls over frames.
    pub(super) aggregates: Option<Vec<AggregateCall>>,
    /// Where calls over frames are put, if there may be any.
    pub(super) overs: Option<Vec<OverCall>>,
    /// The legacy window functions of GROUP BY, by whose start and end auxiliary functions are bound.
    pub(super) group_window: Option<GroupWindow>,
    /// What GROUPING means, if it means something: the expressions grouped by, and which of them each set has.
    pub(super) grouping: Option<&'b Grouping>,
}

/// The columns of a window in the text's `GROUP BY TUMBLE(...)`, over the relation.
#[derive(Debug, Clone)]
pub(super) struct GroupWindow {
    /// The call, as the text has it: TUMBLE, HOP or SESSION with its arguments.
    pub(super) name: String,
    pub(super) args: Vec<ast::Expr>,
    pub(super) start: Expr,
    pub(super) end: Expr,
    pub(super) time: Expr,
}

/// The sets of GROUPING SETS.
#[derive(Debug)]
pub(super) struct Grouping {
    /// All that is grouped by.
    pub(super) exprs: Vec<Expr>,
    /// Which of these each set has.
    pub(super) sets: Vec<Vec<bool>>,
    /// The number of the set, in the relation that is bound to.
    pub(super) set_number: Expr,
}

/// Places where calls over frames are kept, behind aggregates.
pub(super) const OVER_COLUMNS: usize = 1 << 20;
/// Places where aggregates are kept.
pub(super) const AGGREGATE_COLUMNS: usize = 1 << 16;

impl<'b> Binding<'b> {
    /// Expressions of columns alone.
    pub(super) fn new(columns: &'b [Column], session: &'b Session) -> Self {
        Self {
            columns,
            session,
            windows: &[],
            aggregates: None,
            overs: None,
            group_window: None,
            grouping: None,
        }
    }

    /// Binds an expression.
    pub(super) fn expr(&mut self, expr: &ast::Expr) -> Result<Expr, SqlError> {
        use ast::Expr as E;
        let at = place_of(expr);
        match expr {
            E::Identifier(name) => self.column(std::slice::from_ref(name), at),
            E::CompoundIdentifier(names) => self.column(names, at),
            E::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain, at),
            E::Value(value) => self.value(&value.value, at),
            E::TypedString(it) => match &it.value.value {
                ast::Value::SingleQuotedString(text) => literal::typed(&it.data_type, text, at),
                other => Err(SqlError::new(at, format!("{other} is no text"))),
            },
            E::Interval(interval) => literal::interval(interval, at),
            E::Nested(inner) => self.expr(inner),
            E::BinaryOp { left, op, right } => {
                let name = operator(op)
                    .ok_or_else(|| SqlError::new(at, format!("there is no operator {op}")))?;
                self.call(name, &[left, right], at)
            }
            E::UnaryOp { op: UnaryOperator::Not, expr } => self.call("NOT", &[expr], at),
            E::UnaryOp { op: UnaryOperator::Plus, expr } => self.expr(expr),
            E::UnaryOp { op: UnaryOperator::Minus, expr } => self.minus(expr, at),
            E::IsNull(expr) => self.call("IS NULL", &[expr], at),
            E::IsNotNull(expr) => self.call("IS NOT NULL", &[expr], at),
            E::IsTrue(expr) => self.call("IS TRUE", &[expr], at),
            E::IsNotTrue(expr) => self.call("IS NOT TRUE", &[expr], at),
            E::IsFalse(expr) => self.call("IS FALSE", &[expr], at),
            E::IsNotFalse(expr) => self.call("IS NOT FALSE", &[expr], at),
            E::IsUnknown(expr) => self.call("IS UNKNOWN", &[expr], at),
            E::IsNotUnknown(expr) => self.call("IS NOT UNKNOWN", &[expr], at),
            E::IsDistinctFrom(a, b) => self.call("IS DISTINCT FROM", &[a, b], at),
            E::IsNotDistinctFrom(a, b) => self.call("IS NOT DISTINCT FROM", &[a, b], at),
            E::IsJson { expr, kind, unique_keys: None, negated } => {
                let name = match kind {
                    None => "IS JSON",
                    Some(JsonPredicateType::Value) => "IS JSON VALUE",
                    Some(JsonPredicateType::Object) => "IS JSON OBJECT",
                    Some(JsonPredicateType::Array) => "IS JSON ARRAY",
                    Some(JsonPredicateType::Scalar) => "IS JSON SCALAR",
                };
                let call = self.call(name, &[expr], at)?;
                self.negated(call, *negated, at)
            }
            E::InList { expr, list, negated } => {
                let args: Vec<_> = std::iter::once(&**expr).chain(list).collect();
                let call = self.call("IN", &args, at)?;
                self.negated(call, *negated, at)
            }
            E::Between { expr, negated, low, high } => {
                let call = self.call("BETWEEN", &[expr, low, high], at)?;
                self.negated(call, *negated, at)
            }
            E::Like { negated, any: false, expr, pattern, escape_char } => {
                self.pattern("LIKE", [expr, pattern], escape_char.as_deref(), *negated, at)
            }
            E::SimilarTo { negated, expr, pattern, escape_char } => {
                self.pattern("SIMILAR TO", [expr, pattern], escape_char.as_deref(), *negated, at)
            }
            E::Cast { kind, expr, data_type, .. } => {
                let how = if *kind == CastKind::TryCast { Cast::Try } else { Cast::Cast };
                let ty = type_of(&data_type.to_string())?;
                functions::cast(self.expr(expr)?, &ty, how, at, self.session)
            }
            E::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), at)
            }
            E::Extract { field, expr, .. } => {
                let unit = literal::string(&literal::unit_name(field), at);
                let args = vec![unit, self.expr(expr)?];
                functions::call("EXTRACT", args, at, self.session)
            }
            E::Ceil { expr, field } => self.round("CEIL", expr, field, at),
            E::Floor { expr, field } => self.round("FLOOR", expr, field, at),
            E::Position { expr, r#in } => self.call("POSITION", &[expr, r#in], at),
            E::Substring { expr, substring_from, substring_for, .. } => {
                let args = std::iter::once(&**expr)
                    .chain(substring_from.as_deref())
                    .chain(substring_for.as_deref());
                self.call("SUBSTRING", &args.collect::<Vec<_>>(), at)
            }
            E::Trim { trim_where, trim_what, expr, trim_characters: None } => {
                let name = match trim_where {
                    Some(TrimWhereField::Leading) => "LTRIM",
                    Some(TrimWhereField::Trailing) => "RTRIM",
                    Some(TrimWhereField::Both) | None => "BTRIM",
                };
                let args = std::iter::once(&**expr).chain(trim_what.as_deref());
                self.call(name, &args.collect::<Vec<_>>(), at)
            }
            E::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                let args =
                    [&**expr, overlay_what, overlay_from].into_iter().chain(overlay_for.as_deref());
                self.call("OVERLAY", &args.collect::<Vec<_>>(), at)
            }
            E::Array(array) => self.call("ARRAY", &array.elem.iter().collect::<Vec<_>>(), at),
            E::Tuple(items) => self.call("ROW", &items.iter().collect::<Vec<_>>(), at),
            E::Function(function) => self.function(function, at),
            E::Subquery(_) | E::Exists { .. } | E::InSubquery { .. } => {
                Err(SqlError::new(at, "a query inside an expression is not supported")
                    .help("put it into FROM"))
            }
            other => Err(SqlError::new(at, format!("{other} is not supported"))),
        }
    }

    /// Binds a condition.
    pub(super) fn condition(&mut self, expr: &ast::Expr) -> Result<Expr, SqlError> {
        let bound = self.expr(expr)?;
        match bound.ty {
            DataType::Boolean => Ok(bound),
            DataType::Null => functions::cast(
                bound,
                &DataType::Boolean,
                Cast::Implicit,
                place_of(expr),
                self.session,
            ),
            ty => Err(SqlError::new(
                place_of(expr),
                format!("a condition is a BOOLEAN, and this is a {ty}"),
            )),
        }
    }

    /// The number of the column of a name, with or without its table.
    pub(super) fn find(
        &self,
        table: Option<&Ident>,
        name: &Ident,
    ) -> Result<Option<usize>, SqlError> {
        let of = |column: &Column| match table {
            Some(table) => column.of.as_deref() == Some(&table.value),
            None => true,
        };
        let is_it = |column: &&(usize, &Column)| of(column.1) && column.1.name == name.value;
        let all: Vec<_> = self.columns.iter().enumerate().collect();
        let mut found = all.iter().filter(is_it);
        match (found.next(), found.next()) {
            (Some((at, _)), None) => Ok(Some(*at)),
            (Some(_), Some(_)) => Err(SqlError::new(
                span_of(name.span),
                format!("there are several columns {}", name.value),
            )),
            _ => Ok(None),
        }
    }

    /// A column, or a field of one.
    fn column(&self, names: &[Ident], at: Span) -> Result<Expr, SqlError> {
        let of = |index: usize| {
            let column = &self.columns[index];
            Expr::column(index, column.ty.clone(), column.nullable, at)
        };
        let (first, rest) =
            names.split_first().ok_or_else(|| SqlError::new(at, "a name is missing"))?;
        if let Some((second, rest)) = rest.split_first()
            && let Some(index) = self.find(Some(first), second)?
        {
            return rest.iter().try_fold(of(index), |expr, field| self.field(expr, field));
        }
        if let Some(index) = self.find(None, first)? {
            return rest.iter().try_fold(of(index), |expr, field| self.field(expr, field));
        }
        let name = rest.first().unwrap_or(first);
        if let Some(problem) = of_the_clock(&first.value) {
            return Err(SqlError::new(at, problem));
        }
        if !rest.is_empty() && !self.columns.iter().any(|it| it.of.as_ref() == Some(&first.value)) {
            let error = SqlError::new(at, format!("there is no table {} here", first.value));
            return Err(
                error.nearest(&first.value, self.columns.iter().flat_map(|it| it.of.as_deref()))
            );
        }
        let error = SqlError::new(span_of(name.span), format!("there is no column {}", name.value));
        Err(error.nearest(&name.value, self.columns.iter().map(|column| column.name.as_str())))
    }

    /// A field of a ROW.
    fn field(&self, row: Expr, name: &Ident) -> Result<Expr, SqlError> {
        let at = span_of(name.span);
        let DataType::Row(fields) = &row.ty else {
            return Err(SqlError::new(at, format!("there is no {} in a {}", name.value, row.ty)));
        };
        let Some(index) = fields.iter().position(|field| field.name == name.value) else {
            let error = SqlError::new(at, format!("there is no field {}", name.value));
            return Err(error.nearest(&name.value, fields.iter().map(|field| field.name.as_str())));
        };
        let index = Expr::literal(Value::Int(index as i64), DataType::Int, at);
        functions::call("FIELD", vec![row, index], at, self.session)
    }

    fn access(
        &mut self,
        root: &ast::Expr,
        chain: &[AccessExpr],
        at: Span,
    ) -> Result<Expr, SqlError> {
        let mut chain = chain;
        let mut names = Vec::new();
        // `t.r.f[1]` begins with a column of a table: its names are one name.
        let mut expr = if let ast::Expr::Identifier(name) = root {
            names.push(name.clone());
            while let Some((AccessExpr::Dot(ast::Expr::Identifier(name)), rest)) =
                chain.split_first()
            {
                names.push(name.clone());
                chain = rest;
            }
            self.column(&names, at)?
        } else {
            self.expr(root)?
        };
        for access in chain {
            expr = match access {
                AccessExpr::Dot(ast::Expr::Identifier(name)) => self.field(expr, name)?,
                AccessExpr::Subscript(Subscript::Index { index }) => {
                    let args = vec![expr, self.expr(index)?];
                    functions::call("ITEM", args, at, self.session)?
                }
                other => return Err(SqlError::new(at, format!("{other} is not supported"))),
            };
        }
        Ok(expr)
    }

    fn value(&self, value: &ast::Value, at: Span) -> Result<Expr, SqlError> {
        match value {
            ast::Value::Number(digits, _) => literal::number(digits, at),
            ast::Value::SingleQuotedString(text)
            | ast::Value::NationalStringLiteral(text)
            | ast::Value::UnicodeStringLiteral(text) => Ok(literal::string(text, at)),
            ast::Value::Boolean(value) => {
                Ok(Expr::literal(Value::Bool(*value), DataType::Boolean, at))
            }
            ast::Value::Null => Ok(Expr::literal(Value::Null, DataType::Null, at)),
            ast::Value::HexStringLiteral(digits) => {
                let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
                let byte =
                    |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
                let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
                match bytes.filter(|_| rest.is_empty()) {
                    Some(bytes) => Ok(Expr::literal(Value::Bytes(bytes), DataType::Bytes, at)),
                    None => Err(SqlError::new(
                        at,
                        format!("X'{digits}' is not in pairs of hexadecimal digits"),
                    )),
                }
            }
            other => Err(SqlError::new(at, format!("{other} is no constant here"))),
        }
    }

    /// A negative number is a constant by itself: `-9223372036854775808` is a BIGINT.
    fn minus(&mut self, expr: &ast::Expr, at: Span) -> Result<Expr, SqlError> {
        if let ast::Expr::Value(value) = expr
            && let ast::Value::Number(digits, _) = &value.value
            && digits == "9223372036854775808"
        {
            return Ok(Expr::literal(Value::Int(i64::MIN), DataType::BigInt, at));
        }
        let expr = self.expr(expr)?;
        functions::call("-", vec![expr], at, self.session)
    }

    fn negated(&self, expr: Expr, negated: bool, at: Span) -> Result<Expr, SqlError> {
        if negated { functions::call("NOT", vec![expr], at, self.session) } else { Ok(expr) }
    }

    pub(super) fn exprs(&mut self, exprs: &[&ast::Expr]) -> Result<Vec<Expr>, SqlError> {
        exprs.iter().map(|expr| self.expr(expr)).collect()
    }

    fn call(&mut self, name: &str, args: &[&ast::Expr], at: Span) -> Result<Expr, SqlError> {
        let args = self.exprs(args)?;
        functions::call(name, args, at, self.session)
    }

    fn pattern(
        &mut self,
        name: &str,
        args: [&ast::Expr; 2],
        escape: Option<&ast::Expr>,
        negated: bool,
        at: Span,
    ) -> Result<Expr, SqlError> {
        let args: Vec<_> = args.into_iter().chain(escape).collect();
        let call = self.call(name, &args, at)?;
        self.negated(call, negated, at)
    }

    fn case(
        &mut self,
        operand: Option<&ast::Expr>,
        conditions: &[ast::CaseWhen],
        otherwise: Option<&ast::Expr>,
        at: Span,
    ) -> Result<Expr, SqlError> {
        let mut args = Vec::new();
        for ast::CaseWhen { condition, result } in conditions {
            args.push(match operand {
                Some(operand) => self.call("=", &[operand, condition], place_of(condition))?,
                None => self.condition(condition)?,
            });
            args.push(self.expr(result)?);
        }
        args.push(match otherwise {
            Some(otherwise) => self.expr(otherwise)?,
            None => Expr::literal(Value::Null, DataType::Null, at),
        });
        functions::call("CASE", args, at, self.session)
    }

    fn round(
        &mut self,
        name: &str,
        expr: &ast::Expr,
        to: &CeilFloorKind,
        at: Span,
    ) -> Result<Expr, SqlError> {
        let expr = self.expr(expr)?;
        let args = match to {
            CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) => vec![expr],
            CeilFloorKind::DateTimeField(unit) => {
                vec![expr, literal::string(&literal::unit_name(unit), at)]
            }
            CeilFloorKind::Scale(_) => {
                return Err(SqlError::new(at, format!("{name} has no digits: use ROUND")));
            }
        };
        functions::call(name, args, at, self.session)
    }
}

fn operator(op: &BinaryOperator) -> Option<&'static str> {
    Some(match op {
        BinaryOperator::Plus => "+",
        BinaryOperator::Minus => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        BinaryOperator::Modulo => "%",
        BinaryOperator::StringConcat => "||",
        BinaryOperator::Gt => ">",
        BinaryOperator::Lt => "<",
        BinaryOperator::GtEq => ">=",
        BinaryOperator::LtEq => "<=",
        BinaryOperator::Eq => "=",
        BinaryOperator::NotEq => "<>",
        BinaryOperator::And => "AND",
        BinaryOperator::Or => "OR",
        _ => return None,
    })
}

impl Column {
    /// The column of an expression over another relation: a plain column keeps what it means.
    pub(super) fn of_expr(name: String, expr: &Expr, columns: &[Self]) -> Self {
        let role = expr
            .as_column()
            .and_then(|at| columns.get(at))
            .map_or(Role::Plain, |column| column.role);
        Self { name, of: None, ty: expr.ty.clone(), nullable: expr.nullable, role }
    }
}

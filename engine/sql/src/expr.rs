//! Expressions, bound: every column is a number, every function is known, every type is worked out.

use std::fmt;

use tidewire_event::{DataType, Value};

use crate::error::Span;
use crate::functions::Function;

/// An expression, with its type.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its type.
    pub ty: DataType,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// Where it stands in the text.
    pub at: Span,
}

/// What an expression is.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// A column of the input.
    Column(usize),
    /// A constant, of the expression's type.
    Literal(Value),
    /// A function or an operator, of arguments whose types it takes as they are.
    Call(&'static Function, Vec<Expr>),
}

impl Expr {
    /// Column number `index` of the input.
    #[must_use]
    pub fn column(index: usize, ty: DataType, nullable: bool, at: Span) -> Self {
        Self { kind: ExprKind::Column(index), ty, nullable, at }
    }

    /// A constant.
    #[must_use]
    pub fn literal(value: Value, ty: DataType, at: Span) -> Self {
        let nullable = value == Value::Null;
        Self { kind: ExprKind::Literal(value), ty, nullable, at }
    }

    /// The constant that it is, if it is one.
    #[must_use]
    pub fn as_literal(&self) -> Option<&Value> {
        match &self.kind {
            ExprKind::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// The column that it is, if it is one as it is.
    #[must_use]
    pub fn as_column(&self) -> Option<usize> {
        match self.kind {
            ExprKind::Column(index) => Some(index),
            _ => None,
        }
    }

    /// Calls `visit` for every column in it.
    pub fn columns(&self, visit: &mut impl FnMut(usize)) {
        match &self.kind {
            ExprKind::Column(index) => visit(*index),
            ExprKind::Literal(_) => {}
            ExprKind::Call(_, args) => args.iter().for_each(|arg| arg.columns(visit)),
        }
    }

    /// The same over another input: `expr_of` says what each of its columns is there.
    #[must_use]
    pub fn replace_columns(&self, expr_of: &impl Fn(usize) -> Self) -> Self {
        match &self.kind {
            ExprKind::Column(index) => expr_of(*index),
            ExprKind::Literal(_) => self.clone(),
            ExprKind::Call(function, args) => {
                let args = args.iter().map(|arg| arg.replace_columns(expr_of)).collect();
                Self { kind: ExprKind::Call(function, args), ..self.clone() }
            }
        }
    }
}

/// Two are equal if they compute the same, wherever they stand.
impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        let same = match (&self.kind, &other.kind) {
            (ExprKind::Column(a), ExprKind::Column(b)) => a == b,
            (ExprKind::Literal(a), ExprKind::Literal(b)) => a == b,
            (ExprKind::Call(f, a), ExprKind::Call(g, b)) => std::ptr::eq(*f, *g) && a == b,
            _ => false,
        };
        same && self.ty == other.ty
    }
}

/// An expression over columns that have names, as SQL writes it.
#[derive(Debug)]
pub struct Named<'e, N> {
    /// The expression.
    pub expr: &'e Expr,
    /// The names of the columns.
    pub names: &'e [N],
}

impl<N: AsRef<str>> fmt::Display for Named<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.expr.kind {
            ExprKind::Column(index) => match self.names.get(*index) {
                Some(name) => f.write_str(name.as_ref()),
                None => write!(f, "${index}"),
            },
            ExprKind::Literal(value) => crate::functions::write_literal(f, value, &self.expr.ty),
            ExprKind::Call(function, args) => {
                let operand = |(at, expr): (usize, &Expr)| {
                    let text = Named { expr, names: self.names }.to_string();
                    crate::functions::operand(function.name, args.len(), at, expr, text)
                };
                let args: Vec<_> = args.iter().enumerate().map(operand).collect();
                function.write(f, &args, &self.expr.ty)
            }
        }
    }
}

//! Binding of aggregate functions: names, numbers of arguments, types. Those that Flink has are typed as it types them.

use std::ops::RangeInclusive;

use tidewire_event::{DataType, Value};

use super::AggregateCall;
use crate::error::{Span, SqlError};
use crate::expr::Expr;
use crate::session::Session;

/// An aggregate function.
#[derive(Debug)]
pub(super) struct Function {
    /// Its names; the first is the one that it is known by.
    pub(super) names: &'static [&'static str],
    /// How it is called.
    usage: &'static str,
    arguments: RangeInclusive<usize>,
    /// How many of them are values of a row; the others are constants.
    pub(super) values: usize,
    /// The type of its result.
    ty: fn(&[Expr]) -> Option<DataType>,
    /// Whether the result may be NULL where no argument is.
    nullable: bool,
    allows_distinct: bool,
}

macro_rules! functions {
    ($([$($name:literal),+] $usage:literal $arguments:expr, values $values:literal, $ty:expr, nullable $nullable:literal, distinct $distinct:literal;)*) => {
        pub(super) static FUNCTIONS: &[Function] = &[$(Function {
            names: &[$($name),+],
            usage: $usage,
            arguments: $arguments,
            values: $values,
            ty: $ty,
            nullable: $nullable,
            allows_distinct: $distinct,
        }),*];
    };
}

functions! {
    ["COUNT"] "COUNT(*), COUNT(x)" 0..=1, values 1, |_| Some(DataType::BigInt), nullable false, distinct true;
    ["SUM"] "SUM(number)" 1..=1, values 1, sum_type, nullable false, distinct true;
    ["AVG"] "AVG(number)" 1..=1, values 1, average_type, nullable false, distinct true;
    ["MIN"] "MIN(x)" 1..=1, values 1, ordered_type, nullable false, distinct true;
    ["MAX"] "MAX(x)" 1..=1, values 1, ordered_type, nullable false, distinct true;
    ["FIRST_VALUE"] "FIRST_VALUE(x)" 1..=1, values 1, same_type, nullable false, distinct false;
    ["LAST_VALUE"] "LAST_VALUE(x)" 1..=1, values 1, same_type, nullable false, distinct false;
    ["VAR_POP"] "VAR_POP(number)" 1..=1, values 1, double, nullable false, distinct true;
    ["VAR_SAMP", "VARIANCE"] "VAR_SAMP(number)" 1..=1, values 1, double, nullable true, distinct true;
    ["STDDEV_POP"] "STDDEV_POP(number)" 1..=1, values 1, double, nullable false, distinct true;
    ["STDDEV_SAMP", "STDDEV"] "STDDEV_SAMP(number)" 1..=1, values 1, double, nullable true, distinct true;
}

/// See [`bind`](super::bind).
pub(super) fn bind(
    name: &str,
    distinct: bool,
    args: Vec<Expr>,
    filter: Option<Expr>,
    at: Span,
    _: &Session,
) -> Result<AggregateCall, SqlError> {
    let upper = name.to_uppercase();
    let Some(function) = FUNCTIONS.iter().find(|it| it.names.contains(&upper.as_str())) else {
        let error = SqlError::new(at, format!("there is no aggregate function {name}"));
        return Err(error.nearest(name, super::names()));
    };
    let args = match args.first() {
        Some(arg)
            if names_count(function)
                && !distinct
                && arg.as_literal().is_some_and(|it| *it != Value::Null) =>
        {
            Vec::new()
        }
        _ => args,
    };
    let Function { names, usage, arguments, .. } = function;
    if !arguments.contains(&args.len()) {
        let problem = format!("{upper} does not take {} arguments", args.len());
        return Err(SqlError::new(at, problem).help(format!("it is {usage}")));
    }
    if distinct && !function.allows_distinct {
        return Err(SqlError::new(at, format!("{upper} can not be of DISTINCT values")));
    }
    if distinct && args.is_empty() {
        return Err(SqlError::new(at, "COUNT(DISTINCT *) has no meaning").help("name a column"));
    }
    let Some(ty) = (function.ty)(&args) else {
        let types: Vec<_> = args.iter().map(|arg| arg.ty.to_string()).collect();
        let problem = format!("{upper} does not take {}", types.join(", "));
        return Err(SqlError::new(at, problem).help(format!("it is {usage}")));
    };
    if let Some(filter) = &filter
        && !matches!(filter.ty, DataType::Boolean | DataType::Null)
    {
        let problem = format!("FILTER needs a condition, and this is of type {}", filter.ty);
        return Err(SqlError::new(filter.at, problem));
    }
    let name = names.first().copied().unwrap_or_default();
    let nullable = name != "COUNT"
        && (function.nullable || filter.is_some() || args.iter().any(|arg| arg.nullable));
    Ok(AggregateCall { name, distinct, args, filter, ty, nullable, at })
}

/// Whether it counts: a constant in COUNT(1) says no more than the star.
fn names_count(function: &Function) -> bool {
    function.names.contains(&"COUNT")
}

fn number(args: &[Expr]) -> Option<&DataType> {
    args.first().map(|arg| &arg.ty).filter(|ty| ty.is_numeric())
}

fn sum_type(args: &[Expr]) -> Option<DataType> {
    Some(match number(args)? {
        DataType::Decimal { scale, .. } => DataType::Decimal { precision: 38, scale: *scale },
        ty => ty.clone(),
    })
}

fn average_type(args: &[Expr]) -> Option<DataType> {
    Some(match number(args)? {
        DataType::Decimal { scale, .. } => {
            DataType::Decimal { precision: 38, scale: (*scale).max(6) }
        }
        ty => ty.clone(),
    })
}

fn double(args: &[Expr]) -> Option<DataType> {
    number(args).map(|_| DataType::Double)
}

fn same_type(args: &[Expr]) -> Option<DataType> {
    args.first().map(|arg| arg.ty.clone())
}

fn ordered_type(args: &[Expr]) -> Option<DataType> {
    let is_nested = |ty: &DataType| {
        matches!(ty, DataType::Array(_) | DataType::Map(..) | DataType::Row(_) | DataType::Null)
    };
    same_type(args).filter(|ty| !is_nested(ty))
}

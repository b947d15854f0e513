//! Binding of aggregate functions: names, numbers of arguments, types. Those that Flink has are typed as it types them.

use std::ops::RangeInclusive;

use tidewire_event::{DataType, Repr, Value};

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
    ["COUNT"] "COUNT(*), COUNT(x)" 0..=1, values 1, bigint, nullable false, distinct true;
    ["SUM"] "SUM(number)" 1..=1, values 1, sum_type, nullable false, distinct true;
    ["AVG"] "AVG(number)" 1..=1, values 1, average_type, nullable false, distinct true;
    ["MIN"] "MIN(x)" 1..=1, values 1, ordered_type, nullable false, distinct true;
    ["MAX"] "MAX(x)" 1..=1, values 1, ordered_type, nullable false, distinct true;
    ["FIRST_VALUE"] "FIRST_VALUE(x)" 1..=1, values 1, same_type, nullable false, distinct false;
    ["LAST_VALUE"] "LAST_VALUE(x)" 1..=1, values 1, same_type, nullable false, distinct false;
    ["VAR_POP"] "VAR_POP(number)" 1..=1, values 1, average_type, nullable false, distinct true;
    ["VAR_SAMP", "VARIANCE"] "VAR_SAMP(number)" 1..=1, values 1, average_type, nullable true, distinct true;
    ["STDDEV_POP"] "STDDEV_POP(number)" 1..=1, values 1, average_type, nullable false, distinct true;
    ["STDDEV_SAMP", "STDDEV"] "STDDEV_SAMP(number)" 1..=1, values 1, average_type, nullable true, distinct true;
    ["LISTAGG"] "LISTAGG(text [, separator])" 1..=2, values 1, text_type, nullable false, distinct true;
    ["ARRAY_AGG"] "ARRAY_AGG(x)" 1..=1, values 1, array_type, nullable true, distinct true;
    ["COLLECT"] "COLLECT(x)" 1..=1, values 1, counts_type, nullable false, distinct true;
    ["APPROX_COUNT_DISTINCT"] "APPROX_COUNT_DISTINCT(x)" 1..=1, values 1, bigint, nullable false, distinct false;
    ["APPROX_PERCENTILE", "PERCENTILE"] "APPROX_PERCENTILE(number, share)" 2..=2, values 1, double, nullable false, distinct false;
    ["MEDIAN"] "MEDIAN(number)" 1..=1, values 1, double, nullable false, distinct false;
    ["EMA"] "EMA(number, span or alpha)" 2..=2, values 1, double, nullable false, distinct false;
    ["TWAP"] "TWAP(number)" 1..=1, values 1, double, nullable false, distinct false;
    ["VWAP"] "VWAP(price, quantity)" 2..=2, values 2, vwap_type, nullable true, distinct false;
    ["ARG_MIN", "MIN_BY"] "ARG_MIN(x, by)" 2..=2, values 2, chosen_type, nullable false, distinct false;
    ["ARG_MAX", "MAX_BY"] "ARG_MAX(x, by)" 2..=2, values 2, chosen_type, nullable false, distinct false;
    ["LAG"] "LAG(x [, rows [, default]])" 1..=3, values 1, lag_type, nullable true, distinct false;
    ["ROW_NUMBER"] "ROW_NUMBER()" 0..=0, values 0, bigint, nullable false, distinct false;
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
    if upper == "LEAD" {
        let problem = "LEAD asks for rows that are still to come, which a stream can not wait for";
        return Err(SqlError::new(at, problem).help("LAG, in the other direction, says the same"));
    }
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
    if let Some(arg) = args.iter().skip(function.values).find(|arg| arg.as_literal().is_none()) {
        let problem = format!("this argument of {upper} must be a constant");
        return Err(SqlError::new(arg.at, problem).help(format!("it is {usage}")));
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
    let is_number = matches!(name, "COUNT" | "APPROX_COUNT_DISTINCT" | "COLLECT" | "ROW_NUMBER");
    let nullable = !is_number
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

fn bigint(_: &[Expr]) -> Option<DataType> {
    Some(DataType::BigInt)
}

fn text_type(args: &[Expr]) -> Option<DataType> {
    args.iter().all(|arg| arg.ty.is_text()).then_some(DataType::String)
}

fn array_type(args: &[Expr]) -> Option<DataType> {
    same_type(args).map(|ty| DataType::Array(Box::new(ty)))
}

fn counts_type(args: &[Expr]) -> Option<DataType> {
    same_type(args).map(|ty| DataType::Map(Box::new(ty), Box::new(DataType::Int)))
}

fn chosen_type(args: &[Expr]) -> Option<DataType> {
    ordered_type(args.get(1..)?)?;
    same_type(args)
}

/// Exact for decimals by whole numbers or decimals, as far as 64 bits have room for them.
fn vwap_type(args: &[Expr]) -> Option<DataType> {
    let (price, quantity) = (number(args)?, number(args.get(1..)?)?);
    let is_exact = |ty: &DataType| matches!(ty.repr(), Repr::Int(_));
    match price {
        DataType::Decimal { .. } if is_exact(price) && is_exact(quantity) => average_type(args),
        _ => Some(DataType::Double),
    }
}

/// LAG's number of rows is a whole number that is not negative, and its default a value of the type.
fn lag_type(args: &[Expr]) -> Option<DataType> {
    let rows = args.get(1).map(|rows| (rows.ty.is_integer(), rows.as_literal()));
    let default = args.get(2).map(|default| default.ty.repr());
    let ty = same_type(args)?;
    let is_number =
        rows.is_none_or(|(is_integer, rows)| is_integer && matches!(rows, Some(Value::Int(0..))));
    let fits = default.is_none_or(|repr| repr == ty.repr())
        || args.get(2).and_then(Expr::as_literal) == Some(&Value::Null);
    (is_number && fits).then_some(ty)
}

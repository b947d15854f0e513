//! Calls by name in expressions: functions, aggregates, calls over frames, the window of GROUP BY.

use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments};
use tidewire_event::{DataType, Value};

use super::expr::{AGGREGATE_COLUMNS, Binding, OVER_COLUMNS};
use super::literal;
use crate::aggregates::{self, AggregateCall};
use crate::error::{Span, SqlError};
use crate::expr::Expr;
use crate::functions;
use crate::parse::{place_of, span_of};

impl Binding<'_> {
    /// A call by name: a window's start, GROUPING, an aggregate, a call over a frame, or a function.
    pub(super) fn function(
        &mut self,
        function: &ast::Function,
        at: Span,
    ) -> Result<Expr, SqlError> {
        let name = name_of_function(function);
        let refuse =
            |what: &str| Err(SqlError::new(at, format!("{what} of {name} is not supported")));
        if !function.within_group.is_empty() {
            return refuse("WITHIN GROUP");
        }
        if function.null_treatment.is_some() {
            return refuse("IGNORE or RESPECT NULLS");
        }
        let (args, is_distinct) = arguments(function, at)?;
        if let Some(expr) = self.window_function(&name, &args, at)? {
            return Ok(expr);
        }
        if name == "GROUPING" || name == "GROUPING_ID" {
            return self.grouping(&args, at);
        }
        if let Some(over) = &function.over {
            let Some(mut overs) = self.overs.take() else {
                return Err(SqlError::new(at, "OVER stands in what is selected only")
                    .help("put the query into FROM, and use its column"));
            };
            let call = super::over::bind(
                self,
                &name,
                &args,
                is_distinct,
                function.filter.as_deref(),
                over,
                at,
            );
            let known = call.map(|call| {
                let same = overs.iter().position(|other| *other == call);
                same.unwrap_or_else(|| {
                    overs.push(call);
                    overs.len() - 1
                })
            });
            let expr = known.map(|known| {
                let call = &overs[known].call;
                Expr::column(OVER_COLUMNS + known, call.ty.clone(), call.nullable, at)
            });
            self.overs = Some(overs);
            return expr;
        }
        if aggregates::names().any(|known| known == name) {
            return self.aggregate(&name, &args, is_distinct, function.filter.as_deref(), at);
        }
        if function.filter.is_some() || is_distinct {
            return refuse("FILTER or DISTINCT");
        }
        if let Some(problem) = of_the_clock(&name) {
            return Err(SqlError::new(at, problem));
        }
        let takes_unit = ["TIMESTAMPADD", "TIMESTAMPDIFF"].contains(&name.as_str());
        let mut bound = Vec::with_capacity(args.len());
        for (at_arg, arg) in args.iter().enumerate() {
            bound.push(match arg {
                ast::Expr::Identifier(unit) if takes_unit && at_arg == 0 => literal::string(
                    unit.value.to_uppercase().trim_end_matches('S'),
                    span_of(unit.span),
                ),
                ast::Expr::Wildcard(_) => {
                    return Err(SqlError::new(at, format!("{name} does not take *")));
                }
                arg => self.expr(arg)?,
            });
        }
        functions::call(&name, bound, at, self.session)
    }

    fn aggregate(
        &mut self,
        name: &str,
        args: &[&ast::Expr],
        is_distinct: bool,
        filter: Option<&ast::Expr>,
        at: Span,
    ) -> Result<Expr, SqlError> {
        let Some(mut calls) = self.aggregates.take() else {
            let problem = format!("the aggregate function {name} can not stand here");
            return Err(SqlError::new(at, problem)
                .help("it goes with GROUP BY and a window, in SELECT or HAVING, or with OVER"));
        };
        let bound = self.aggregate_call(name, args, is_distinct, filter, at);
        let expr = bound.map(|call| {
            let known = calls.iter().position(|other| *other == call);
            let (ty, nullable) = (call.ty.clone(), call.nullable);
            let known = known.unwrap_or_else(|| {
                calls.push(call);
                calls.len() - 1
            });
            Expr::column(AGGREGATE_COLUMNS + known, ty, nullable, at)
        });
        self.aggregates = Some(calls);
        expr
    }

    /// An aggregate over columns of the relation.
    pub(super) fn aggregate_call(
        &mut self,
        name: &str,
        args: &[&ast::Expr],
        is_distinct: bool,
        filter: Option<&ast::Expr>,
        at: Span,
    ) -> Result<AggregateCall, SqlError> {
        let args = match args {
            [ast::Expr::Wildcard(_)] if name == "COUNT" => Vec::new(),
            args => self.exprs(args)?,
        };
        let filter = filter.map(|filter| self.condition(filter)).transpose()?;
        aggregates::bind(name, is_distinct, args, filter, at, self.session)
    }

    /// `TUMBLE_START(ts, INTERVAL ...)` and the like, of the window in GROUP BY.
    fn window_function(
        &self,
        name: &str,
        args: &[&ast::Expr],
        at: Span,
    ) -> Result<Option<Expr>, SqlError> {
        let of = |suffix| {
            name.strip_suffix(suffix).filter(|base| matches!(*base, "TUMBLE" | "HOP" | "SESSION"))
        };
        let kinds = ["_START", "_END", "_ROWTIME"];
        let Some((base, kind)) = kinds.iter().find_map(|kind| Some((of(kind)?, *kind))) else {
            return Ok(None);
        };
        let Some(window) = &self.group_window else {
            return Err(SqlError::new(at, format!("{name} needs {base} in GROUP BY")));
        };
        let same = window.name == base && window.args.iter().eq(args.iter().copied());
        if !same {
            let problem =
                format!("{name} has other arguments than the {} in GROUP BY", window.name);
            return Err(SqlError::new(at, problem));
        }
        Ok(Some(match kind {
            "_START" => window.start.clone(),
            "_END" => window.end.clone(),
            _ => window.time.clone(),
        }))
    }

    /// GROUPING(a, b): a bit for each argument, 1 where the row's set does not have it.
    fn grouping(&mut self, args: &[&ast::Expr], at: Span) -> Result<Expr, SqlError> {
        let Some(grouping) = self.grouping else {
            return Err(SqlError::new(at, "GROUPING stands beside GROUP BY only"));
        };
        let mut places = Vec::new();
        for arg in args {
            let expr = Binding::new(self.columns, self.session).expr(arg)?;
            let place = grouping.exprs.iter().position(|other| *other == expr);
            places.push(place.ok_or_else(|| {
                SqlError::new(place_of(*arg), format!("{arg} is not grouped by"))
            })?);
        }
        let bits =
            |set: &[bool]| places.iter().fold(0, |bits, place| bits << 1 | i64::from(!set[*place]));
        let literal = |value| Expr::literal(Value::Int(value), DataType::BigInt, at);
        let mut branches = Vec::new();
        for (number, set) in grouping.sets.iter().enumerate() {
            let number = Expr::literal(Value::Int(number as i64), DataType::Int, at);
            let args = vec![grouping.set_number.clone(), number];
            branches.push(functions::call("=", args, at, self.session)?);
            branches.push(literal(bits(set)));
        }
        if grouping.sets.len() == 1 {
            return Ok(literal(bits(&grouping.sets[0])));
        }
        branches.push(literal(0));
        functions::call("CASE", branches, at, self.session)
    }
}

/// The name of a function, in capitals.
pub(super) fn name_of_function(function: &ast::Function) -> String {
    match function.name.0.as_slice() {
        [ast::ObjectNamePart::Identifier(name)] => name.value.to_uppercase(),
        _ => function.name.to_string().to_uppercase(),
    }
}

/// The arguments of a call, and whether it says DISTINCT.
pub(super) fn arguments(
    function: &ast::Function,
    at: Span,
) -> Result<(Vec<&ast::Expr>, bool), SqlError> {
    let list = match &function.args {
        FunctionArguments::None => return Ok((Vec::new(), false)),
        FunctionArguments::Subquery(_) => {
            return Err(SqlError::new(at, "a query as an argument is not supported"));
        }
        FunctionArguments::List(list) => list,
    };
    if let Some(clause) = list.clauses.first() {
        return Err(SqlError::new(at, format!("{clause} is not supported")));
    }
    static ALL: std::sync::LazyLock<ast::Expr> = std::sync::LazyLock::new(|| {
        ast::Expr::Wildcard(ast::helpers::attached_token::AttachedToken::empty())
    });
    let arg = |arg| match arg {
        &FunctionArg::Unnamed(FunctionArgExpr::Expr(ref expr)) => Ok(expr),
        FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => Ok(&*ALL),
        other => Err(SqlError::new(at, format!("the argument {other} is not supported"))),
    };
    let args = list.args.iter().map(arg).collect::<Result<_, _>>()?;
    Ok((args, list.duplicate_treatment == Some(ast::DuplicateTreatment::Distinct)))
}

/// What depends on a clock, and so can not be computed the same again.
pub(super) fn of_the_clock(name: &str) -> Option<String> {
    let names = [
        "CURRENT_TIMESTAMP",
        "CURRENT_ROW_TIMESTAMP",
        "CURRENT_DATE",
        "CURRENT_TIME",
        "LOCALTIME",
        "LOCALTIMESTAMP",
        "NOW",
        "PROCTIME",
        "CURRENT_WATERMARK",
    ];
    names.contains(&name.to_uppercase().as_str()).then(|| {
        format!(
            "{name} is not supported: the same input must give the same results, whenever it is run"
        )
    })
}

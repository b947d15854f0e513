//! `GROUP BY`: keys, windows, sets, and what is selected of the groups.

use sqlparser::ast::{self, GroupByExpr, GroupByWithModifier};
use tidewire_event::{DataType, Field, Value};

use super::call::{arguments, name_of_function};
use super::expr::{AGGREGATE_COLUMNS, Binding, GroupWindow, Grouping};
use super::over::{name_of, take_args};
use super::query::Selected;
use super::relation::{Column, Relation, Role, Windowing, raw_time, step};
use super::window;
use crate::aggregates::AggregateCall;
use crate::error::{Span, SqlError};
use crate::expr::{Expr, ExprKind};
use crate::parse::place_of;
use crate::plan::{Emit, Operator, WindowKind};
use crate::session::Session;

/// The columns of the window's start and end while what is selected is bound.
const WINDOW_COLUMNS: usize = 1 << 24;
/// The column of the number of the grouping set.
const SET_COLUMN: usize = WINDOW_COLUMNS + 2;

/// What GROUP BY says.
#[derive(Default)]
struct Groups {
    /// All expressions.
    exprs: Vec<Expr>,
    /// The expressions of each set, by their numbers.
    sets: Vec<Vec<usize>>,
    window: Option<(WindowKind, GroupWindow)>,
}

/// Whether a query is grouped by something.
pub(super) fn is_grouped(select: &ast::Select) -> bool {
    !matches!(&select.group_by, GroupByExpr::Expressions(exprs, modifiers) if exprs.is_empty() && modifiers.is_empty())
}

/// Groups a relation, and selects from the groups.
pub(super) fn group(
    mut relation: Relation,
    select: &ast::Select,
    emit: Emit,
    session: &Session,
) -> Result<Relation, SqlError> {
    let at = place_of(select);
    let groups = read(&relation, select, session)?;
    let (windows, window, keys) = windows_of(&mut relation, &groups, session, at)?;
    let kept = |set: &Vec<usize>| {
        set.iter().copied().filter(|expr| keys.contains(expr)).collect::<Vec<_>>()
    };
    let sets: Vec<_> = groups.sets.iter().map(kept).collect();
    let key_exprs: Vec<_> = keys.iter().map(|key| groups.exprs[*key].clone()).collect();
    let has_sets = sets.len() > 1;
    let set_number = Expr::column(SET_COLUMN, DataType::Int, false, at);
    let holds = |set: &Vec<usize>| keys.iter().map(|key| set.contains(key)).collect();
    let grouping =
        Grouping { exprs: key_exprs.clone(), sets: sets.iter().map(holds).collect(), set_number };

    let mut binding = Binding::new(&relation.columns, session);
    binding.aggregates = Some(Vec::new());
    binding.group_window = Some(window.clone());
    binding.grouping = Some(&grouping);
    let selected = super::query::selected(&mut binding, select)?;
    let having = select.having.as_ref().map(|having| binding.condition(having)).transpose()?;
    let calls = binding.aggregates.take().unwrap_or_default();

    let mut columns = Vec::new();
    let mut fields = Vec::new();
    let aggregates: Vec<AggregateCall> =
        calls.iter().map(|call| take_args(call, &mut columns, &mut fields)).collect();
    let is_in_all = |key: &usize| sets.iter().all(|set| set.contains(key));
    let mut key_fields: Vec<_> = keys
        .iter()
        .map(|key| {
            let field = name_of(&groups.exprs[*key], &relation.columns);
            Field { nullable: field.nullable || !is_in_all(key), ..field }
        })
        .collect();
    if has_sets {
        key_fields.push(Field::new("grouping_set", DataType::Int).not_null());
    }
    let rewriting = Rewriting {
        columns: &relation.columns,
        keys: &key_exprs,
        key_fields: &key_fields,
        aggregates: &aggregates,
        window: &window,
        raw: raw_time(time_of(&relation).as_ref()),
    };
    let rewritten = selected
        .into_iter()
        .map(|Selected { name, expr }| {
            Ok((name, role_of(&expr, &window, &relation.columns), rewriting.rewrite(&expr)?))
        })
        .collect::<Result<Vec<_>, SqlError>>()?;
    let having = having.map(|having| rewriting.rewrite(&having)).transpose()?;

    let operator = Operator::Window { windows, aggregates, emit };
    let stream = relation.one_stream(at)?;
    stream.then(key_fields.clone(), fields, operator, |open| {
        let rows = sets.iter().enumerate().map(|(number, set)| {
            let key = keys.iter().zip(&key_exprs).map(|(key, expr)| match set.contains(key) {
                true => expr.clone(),
                false => Expr::literal(Value::Null, expr.ty.clone(), expr.at),
            });
            let number = Expr::literal(Value::Int(number as i64), DataType::Int, at);
            let key: Vec<_> = key.chain(has_sets.then_some(number)).collect();
            open.calc(&key, &columns)
        });
        rows.collect()
    });
    let columns = rewritten.into_iter().map(|(name, role, expr)| {
        let column = Column { name, of: None, ty: expr.ty.clone(), nullable: expr.nullable, role };
        (column, expr)
    });
    let columns: Vec<_> = columns.collect();
    // From here on the columns are those of the results.
    relation.columns = Vec::new();
    if let Some(having) = &having {
        relation.filter(having, &|a, _| a);
    }
    relation.project(columns);
    relation.windowing = Windowing::Done(windows);
    Ok(relation)
}

pub(super) fn time_of(relation: &Relation) -> Option<DataType> {
    let open = relation.streams.first()?.opens.first()?;
    open.time.clone()
}

/// What a selected column means behind the window.
fn role_of(expr: &Expr, window: &GroupWindow, columns: &[Column]) -> Role {
    if *expr == window.start {
        return Role::WindowStart;
    }
    if *expr == window.end {
        return Role::WindowEnd;
    }
    if *expr == window.time {
        return Role::WindowTime;
    }
    match expr.as_column().and_then(|at| columns.get(at)).map(|column| column.role) {
        Some(role @ (Role::WindowStart | Role::WindowEnd | Role::WindowTime)) => role,
        _ => Role::Plain,
    }
}

/// Reads GROUP BY.
fn read(relation: &Relation, select: &ast::Select, session: &Session) -> Result<Groups, SqlError> {
    let GroupByExpr::Expressions(exprs, modifiers) = &select.group_by else {
        return Err(SqlError::new(place_of(select), "GROUP BY ALL is not supported"));
    };
    let mut groups = Groups { sets: vec![Vec::new()], ..Groups::default() };
    for expr in exprs {
        let alternatives = match expr {
            ast::Expr::GroupingSets(sets) => sets.iter().map(|set| set.iter().collect()).collect(),
            ast::Expr::Rollup(parts) => rollup(parts),
            ast::Expr::Cube(parts) => cube(parts, place_of(expr))?,
            ast::Expr::Function(function) if window::is_group_window(function) => {
                let (args, _) = arguments(function, place_of(expr))?;
                let name = name_of_function(function);
                if groups.window.is_some() {
                    return Err(SqlError::new(place_of(expr), "there is one window in GROUP BY"));
                }
                groups.window =
                    Some(window::of_group(relation, &name, &args, place_of(expr), session)?);
                continue;
            }
            expr => vec![vec![expr]],
        };
        groups.add(alternatives, relation, select, session)?;
    }
    for modifier in modifiers {
        let all: Vec<_> = exprs.iter().map(|expr| vec![expr.clone()]).collect();
        let alternatives = match modifier {
            GroupByWithModifier::Rollup => rollup(&all),
            GroupByWithModifier::Cube => cube(&all, place_of(select))?,
            other => {
                return Err(SqlError::new(place_of(select), format!("{other} is not supported")));
            }
        };
        groups.sets = vec![Vec::new()];
        groups.add(alternatives, relation, select, session)?;
    }
    Ok(groups)
}

/// The sets of ROLLUP: all parts, then one less each time.
fn rollup(parts: &[Vec<ast::Expr>]) -> Vec<Vec<&ast::Expr>> {
    (0..=parts.len()).rev().map(|count| parts[..count].iter().flatten().collect()).collect()
}

/// Sets of CUBE at most: of so many parts.
const CUBE_PARTS_MAX: usize = 10;

/// The sets of CUBE: all choices of parts.
fn cube(parts: &[Vec<ast::Expr>], at: Span) -> Result<Vec<Vec<&ast::Expr>>, SqlError> {
    if parts.len() > CUBE_PARTS_MAX {
        return Err(SqlError::new(at, format!("CUBE takes at most {CUBE_PARTS_MAX} parts")));
    }
    let count = 1_usize << parts.len();
    let has = |set: usize, part: usize| set >> (parts.len() - 1 - part) & 1 == 1;
    let chosen = |set| parts.iter().enumerate().filter(move |(part, _)| has(set, *part));
    Ok((0..count).rev().map(|set| chosen(set).flat_map(|(_, part)| part).collect()).collect())
}

impl Groups {
    /// Each set with each of these.
    fn add(
        &mut self,
        alternatives: Vec<Vec<&ast::Expr>>,
        relation: &Relation,
        select: &ast::Select,
        session: &Session,
    ) -> Result<(), SqlError> {
        let mut numbered = Vec::new();
        for alternative in alternatives {
            let mut numbers = Vec::new();
            for expr in alternative {
                let bound = bind(relation, expr, select, session)?;
                let known = self.exprs.iter().position(|other| *other == bound);
                numbers.push(known.unwrap_or_else(|| {
                    self.exprs.push(bound);
                    self.exprs.len() - 1
                }));
            }
            numbered.push(numbers);
        }
        let with = |set: &Vec<usize>| {
            let set = set.clone();
            numbered
                .iter()
                .map(move |more| {
                    let mut both = set.clone();
                    more.iter().for_each(|number| {
                        if !both.contains(number) {
                            both.push(*number)
                        }
                    });
                    both
                })
                .collect::<Vec<_>>()
        };
        self.sets = self.sets.iter().flat_map(with).collect();
        Ok(())
    }
}

/// An expression that is grouped by: over the columns, or the name of something that is selected.
fn bind(
    relation: &Relation,
    expr: &ast::Expr,
    select: &ast::Select,
    session: &Session,
) -> Result<Expr, SqlError> {
    let mut binding = Binding::new(&relation.columns, session);
    let error = match binding.expr(expr) {
        Ok(bound) => return Ok(bound),
        Err(error) => error,
    };
    let ast::Expr::Identifier(name) = expr else { return Err(error) };
    let aliased = select.projection.iter().find_map(|item| match item {
        ast::SelectItem::ExprWithAlias { expr, alias } if alias.value == name.value => Some(expr),
        _ => None,
    });
    match aliased {
        Some(expr) => binding.expr(expr),
        None => Err(error),
    }
}

/// The windows that are grouped by, their columns, and which expressions are keys.
fn windows_of(
    relation: &mut Relation,
    groups: &Groups,
    session: &Session,
    at: Span,
) -> Result<(WindowKind, GroupWindow, Vec<usize>), SqlError> {
    let role = |expr: &Expr| expr.as_column().map_or(Role::Plain, |at| relation.columns[at].role);
    let is_window =
        |expr: &Expr| matches!(role(expr), Role::WindowStart | Role::WindowEnd | Role::WindowTime);
    let all: Vec<_> = (0..groups.exprs.len()).collect();
    if let Some((kind, window)) = &groups.window {
        return Ok((*kind, window.clone(), all));
    }
    let is_in_all = |wanted: Role| {
        groups.sets.iter().all(|set| set.iter().any(|expr| role(&groups.exprs[*expr]) == wanted))
    };
    if !is_in_all(Role::WindowStart) || !is_in_all(Role::WindowEnd) {
        let problem = match relation.windowing {
            Windowing::None => "groups without a window never end",
            _ => "groups of windows are GROUP BY window_start, window_end in every set",
        };
        return Err(SqlError::new(at, problem).help(
            "read from TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) and GROUP BY window_start, window_end",
        ));
    }
    let keys: Vec<_> = all.iter().copied().filter(|key| !is_window(&groups.exprs[*key])).collect();
    match relation.windowing.clone() {
        Windowing::Pending { kind, session_key }
            if !needs_window_columns(relation, groups, &keys) =>
        {
            if matches!(kind, WindowKind::Session(_)) {
                let columns: Vec<_> =
                    keys.iter().filter_map(|key| groups.exprs[*key].as_column()).collect();
                let same = columns.len() == keys.len()
                    && columns.iter().all(|key| session_key.contains(key))
                    && session_key.iter().all(|key| columns.contains(key));
                if !same || groups.sets.len() > 1 {
                    return Err(SqlError::new(at, "sessions are grouped by what they are PARTITION BY")
                        .help("SESSION(TABLE t PARTITION BY k, ...) goes with GROUP BY k, window_start, window_end"));
                }
            }
            Ok((kind, columns_of_window(relation, session, at)?, keys))
        }
        Windowing::None => Err(SqlError::new(at, "there is no window here")),
        _ => {
            // Rows that have their window already: its columns are keys, and it closes at its end.
            relation.expand(at)?;
            let Windowing::Done(WindowKind::Aligned(windows)) = relation.windowing else {
                return Err(SqlError::new(
                    at,
                    "results of sessions can not be grouped by their windows again",
                ));
            };
            Ok((
                WindowKind::Aligned(step(&windows)),
                columns_of_window(relation, session, at)?,
                all,
            ))
        }
    }
}

/// Whether a filter or something that is grouped by reads the start or end of the window.
fn needs_window_columns(relation: &Relation, groups: &Groups, keys: &[usize]) -> bool {
    let mut needs = false;
    for open in relation.streams.iter().flat_map(|stream| &stream.opens) {
        let mut note = |at: usize| needs |= at >= open.width;
        open.filter.iter().for_each(|filter| filter.columns(&mut note));
        keys.iter().for_each(|key| open.over_base(&groups.exprs[*key]).columns(&mut note));
    }
    needs
}

/// The columns of the window, as those of a result.
fn columns_of_window(
    relation: &Relation,
    session: &Session,
    at: Span,
) -> Result<GroupWindow, SqlError> {
    let time = time_of(relation);
    let raw = raw_time(time.as_ref());
    let column = |nth| Expr::column(WINDOW_COLUMNS + nth, raw.clone(), false, at);
    let [start, end, time] = window::shown([column(0), column(1)], time.as_ref(), session, at)?;
    Ok(GroupWindow { name: String::new(), args: Vec::new(), start, end, time })
}

/// The columns of a window that a group has by the legacy functions.
pub(super) fn legacy_window(
    relation: &Relation,
    name: &str,
    args: &[&ast::Expr],
    session: &Session,
    at: Span,
) -> Result<GroupWindow, SqlError> {
    let window = columns_of_window(relation, session, at)?;
    let args = args.iter().map(|arg| (*arg).clone()).collect();
    Ok(GroupWindow { name: name.to_owned(), args, ..window })
}

/// Makes expressions over a relation into expressions over the results of grouping it.
struct Rewriting<'r> {
    columns: &'r [Column],
    keys: &'r [Expr],
    key_fields: &'r [Field],
    aggregates: &'r [AggregateCall],
    window: &'r GroupWindow,
    raw: DataType,
}

impl Rewriting<'_> {
    fn rewrite(&self, expr: &Expr) -> Result<Expr, SqlError> {
        if let Some(key) = self.keys.iter().position(|key| key == expr) {
            let field = &self.key_fields[key];
            return Ok(Expr::column(key, field.ty.clone(), field.nullable, expr.at));
        }
        match &expr.kind {
            ExprKind::Literal(_) => Ok(expr.clone()),
            ExprKind::Call(function, args) => {
                let args = args.iter().map(|arg| self.rewrite(arg)).collect::<Result<_, _>>()?;
                Ok(Expr { kind: ExprKind::Call(function, args), ..expr.clone() })
            }
            ExprKind::Column(at) => self.column(*at, expr),
        }
    }

    fn column(&self, at: usize, expr: &Expr) -> Result<Expr, SqlError> {
        let (keys, aggregates) = (self.key_fields.len(), self.aggregates.len());
        let to = |place| Ok(Expr::column(place, expr.ty.clone(), expr.nullable, expr.at));
        if at == SET_COLUMN {
            return to(keys - 1);
        }
        if at >= WINDOW_COLUMNS {
            let place = keys + aggregates + at - WINDOW_COLUMNS;
            return Ok(Expr::column(place, self.raw.clone(), false, expr.at));
        }
        if at >= AGGREGATE_COLUMNS {
            return to(keys + at - AGGREGATE_COLUMNS);
        }
        let column = &self.columns[at];
        match column.role {
            Role::WindowStart => self.rewrite(&self.window.start),
            Role::WindowEnd => self.rewrite(&self.window.end),
            Role::WindowTime => self.rewrite(&self.window.time),
            _ => {
                let problem =
                    format!("{} is neither grouped by nor in an aggregate function", column.name);
                Err(SqlError::new(expr.at, problem))
            }
        }
    }
}

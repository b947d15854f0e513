//! From the stages of a plan to operators.

use std::sync::Arc;

use tidewire_dataflow::{
    Early, Frame, InOrder, InTurn, KeyedWindow, PassThrough, RollingComplete, RollingOnArrival,
    SessionWindow, Windows,
};
use tidewire_event::RowLayout;
use tidewire_state::{Arena, Full};

use super::StateBytes;
use super::aggregate::SqlAggregate;
use super::erased::{Boxed, Chained};
use super::faults::Faults;
use super::making::{Maker, Target, layout_of};
use super::post::{AsItIs, Post, Rolled, WindowLayout, Windowed};
use super::shape::{PREFIX_BYTES, RowOf, Shape, Sizes};
use super::stage::Staged;
use crate::aggregates::calls::Calls;
use crate::error::{Span, SqlError};
use crate::plan::{Calc, Emit, Operator as Planned, Pipeline, Plan, Stage, WindowKind};
use crate::session::Session;

/// Stages of a pipeline at most: each has a number in the names of its tables.
pub(crate) const STAGES_MAX: usize = 16;

/// Pipelines of a job at most.
pub(crate) const PIPELINES_MAX: usize = u16::MAX as usize / STAGES_MAX;

/// A stage, compiled; a clone has memory of its own.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    pub(crate) operator: Work,
    makers: Vec<Maker>,
    output: u16,
    /// Whether rows come in the order of their times and places already.
    comes_in_order: bool,
}

/// What an operator does.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    Pass,
    InOrder,
    Window { windows: WindowKind, calls: Calls, early: bool },
    Over { frame: Frame, calls: Calls, emit: Emit },
}

impl Work {
    /// What it keeps for a key and window, or a row.
    pub(crate) fn calls(&self) -> Option<&Calls> {
        match self {
            Self::Pass | Self::InOrder => None,
            Self::Window { calls, .. } | Self::Over { calls, .. } => Some(calls),
        }
    }

    /// What it keeps for a key and window, or a row, in a shape.
    pub(crate) fn state_bytes(&self, sizes: &Sizes) -> Option<StateBytes> {
        let used = self.calls()?.bytes();
        let prefix = if sizes.has_prefix { PREFIX_BYTES } else { 0 };
        Some(match self {
            Self::Over { .. } => StateBytes { used, taken: sizes.rolling },
            _ => StateBytes { used, taken: prefix + sizes.key + sizes.partial },
        })
    }

    /// Whether its results leave at once.
    fn is_on_arrival(&self) -> bool {
        match self {
            Self::Pass => true,
            Self::InOrder => false,
            Self::Window { early, .. } => *early,
            Self::Over { emit, .. } => *emit == Emit::OnArrival,
        }
    }

    /// Whether its results come in the order of their times and places.
    fn gives_in_order(&self) -> bool {
        match self {
            Self::InOrder => true,
            Self::Over { emit, .. } => *emit == Emit::Complete,
            Self::Pass | Self::Window { .. } => false,
        }
    }
}

impl Compiled {
    /// Compiles the stages of a pipeline.
    pub(crate) fn stages(
        plan: &Plan,
        pipeline: &Pipeline,
        session: &Session,
    ) -> Result<Vec<Self>, SqlError> {
        let fields = plan.outputs.get(pipeline.output).map(|output| output.fields.as_slice());
        let Some(fields) = fields else {
            return Err(SqlError::new(Span::NONE, format!("no output {}", pipeline.output)));
        };
        if pipeline.stages.is_empty() || pipeline.stages.len() > STAGES_MAX {
            let problem = format!("{} steps behind each other", pipeline.stages.len());
            let help = format!("there may be 1 to {STAGES_MAX}: put the result into a table");
            return Err(SqlError::new(Span::NONE, problem).help(help));
        }
        let mut compiled: Vec<Self> = Vec::new();
        for (index, stage) in pipeline.stages.iter().enumerate() {
            let next = pipeline.stages.get(index + 1);
            let target = match next {
                Some(next) => Target::Stage(&next.key, &next.columns),
                None => Target::Output(fields),
            };
            let output = pipeline.output as u16;
            let mut made = Self::new(stage, target, output, session)?;
            made.comes_in_order =
                compiled.last().is_some_and(|before| before.operator.gives_in_order());
            if next.is_some() && made.operator.is_on_arrival() {
                let problem = "results that leave on arrival have no time for another window";
                let help = "EMIT ON ARRIVAL belongs to the last step of a query";
                return Err(SqlError::new(stage.at(), problem).help(help));
            }
            compiled.push(made);
        }
        Ok(compiled)
    }

    fn new(
        stage: &Stage,
        target: Target<'_>,
        output: u16,
        session: &Session,
    ) -> Result<Self, SqlError> {
        let (key, columns) = (layout_of(&stage.key)?, layout_of(&stage.columns)?);
        let window = WindowLayout::new()?;
        let calls =
            |is_rolling| Calls::new(stage.operator.aggregates(), &columns, is_rolling, session);
        let operator = match &stage.operator {
            Planned::Pass => Work::Pass,
            Planned::InOrder => Work::InOrder,
            Planned::Window { windows, emit, .. } => {
                let calls = calls(false)?;
                let early = *emit == Emit::OnArrival;
                if early {
                    check_early(stage, *windows, &calls)?;
                }
                Work::Window { windows: *windows, calls, early }
            }
            Planned::Over { frame, emit, .. } => {
                Work::Over { frame: *frame, calls: calls(true)?, emit: *emit }
            }
        };
        let none = layout_of(&[])?;
        let results = operator.calls().map_or(&none, Calls::layout);
        let input: Vec<&RowLayout> = match &operator {
            Work::Pass | Work::InOrder => vec![&columns],
            Work::Window { .. } => vec![&key, results, window.layout()],
            Work::Over { .. } => vec![&columns, results],
        };
        let make = |calc: &Calc| Maker::new(calc, target, &input, session);
        let makers = stage.then.iter().map(make).collect::<Result<_, _>>()?;
        Ok(Self { operator, makers, output, comes_in_order: false })
    }
}

/// Whether windows can give results on arrival.
fn check_early(stage: &Stage, windows: WindowKind, calls: &Calls) -> Result<(), SqlError> {
    let refused = |problem: &str, help: &str| {
        Err(SqlError::new(stage.at(), format!("{problem} can not leave on arrival")).help(help))
    };
    if calls.is_ordered() {
        return refused("what depends on the order of rows", "leave EMIT ON ARRIVAL out");
    }
    match windows {
        WindowKind::Aligned(windows) if Early::Count(1).check(&windows).is_ok() => Ok(()),
        WindowKind::Aligned(_) => {
            refused("results of windows that overlap", "use TUMBLE, or an OVER window")
        }
        WindowKind::Session(_) => refused("results of sessions", "use TUMBLE, or an OVER window"),
    }
}

impl Stage {
    /// Where it stands in the text, as far as that is known.
    pub(crate) fn at(&self) -> Span {
        let of_call = self.operator.aggregates().first().map(|call| call.at);
        let exprs = self.then.iter().flat_map(|calc| calc.columns.iter());
        of_call.or_else(|| exprs.map(|expr| expr.at).next()).unwrap_or(Span::NONE)
    }
}

/// The key of a row.
#[inline(always)]
fn key_of<S: Shape>(row: &RowOf<S>) -> S::Key {
    row.key
}

/// Makes the operator of a pipeline's stages, with its state in arenas of `arena`.
pub(crate) fn pipeline<S: Shape>(
    number: usize,
    stages: &[Compiled],
    faults: &Arc<Faults>,
    arena: &Arena,
) -> Result<Boxed<S>, Full> {
    let mut chain: Option<Boxed<S>> = None;
    for (index, compiled) in stages.iter().enumerate().rev() {
        let arena = arena.of_operator((number * STAGES_MAX + index) as u16);
        let first = stage(compiled, faults, arena)?;
        chain = Some(match chain {
            Some(second) => Boxed::new(Chained::new(first, second)),
            None => first,
        });
    }
    match chain {
        Some(chain) => Ok(chain),
        // A pipeline has a stage: that is looked at when it is compiled.
        None => Ok(Boxed::new(Staged::new(
            PassThrough::<RowOf<S>>::new(),
            AsItIs::<S> { post: Post::new(Vec::new(), 0, faults) },
        ))),
    }
}

/// Makes the operator of a stage.
fn stage<S: Shape>(
    compiled: &Compiled,
    faults: &Arc<Faults>,
    arena: Arena,
) -> Result<Boxed<S>, Full> {
    let Compiled { operator, makers, output, comes_in_order } = compiled;
    let post = Post::<S>::new(makers.clone(), *output, faults);
    Ok(match operator {
        Work::Pass => Boxed::new(Staged::new(PassThrough::new(), AsItIs { post })),
        Work::InOrder => {
            let turn = Boxed::new(Staged::new(InTurn::new(), AsItIs { post }));
            in_order(turn, *comes_in_order, arena)
        }
        Work::Window { windows, calls, early } => {
            let give = Windowed::new(calls, *early, post, faults);
            match windows {
                WindowKind::Aligned(windows) => {
                    let needs_order = calls.is_ordered();
                    let early = early.then_some(Early::Count(1));
                    let inner = match calls.has_inverse() {
                        true => aligned::<S, true>(*windows, early, calls, give, faults, &arena),
                        false => aligned::<S, false>(*windows, early, calls, give, faults, &arena),
                    };
                    if needs_order { in_order(inner, *comes_in_order, arena) } else { inner }
                }
                WindowKind::Session(gap) => {
                    let aggregate = SqlAggregate::<S, S::Partial, false, false>::new(calls, faults);
                    let session = SessionWindow::new(*gap, key_of::<S>, aggregate, arena.clone());
                    let inner = Boxed::new(Staged::new(session, give));
                    match calls.is_ordered() {
                        true => in_order(inner, *comes_in_order, arena),
                        false => inner,
                    }
                }
            }
        }
        Work::Over { frame, calls, emit } => {
            let give = Rolled::new(calls, post, faults);
            let rolling = Rolling { frame: *frame, calls, emit: *emit, faults, arena: &arena };
            let inner = match (calls.is_ordered(), calls.has_inverse()) {
                (true, _) => rolling.make::<S, false, true>(give)?,
                (false, true) => rolling.make::<S, true, false>(give)?,
                (false, false) => rolling.make::<S, false, false>(give)?,
            };
            match emit {
                Emit::Complete => in_order(inner, *comes_in_order, arena),
                Emit::OnArrival => inner,
            }
        }
    })
}

/// Puts rows into the order of their times before an operator, unless they come so.
fn in_order<S: Shape>(then: Boxed<S>, comes_in_order: bool, arena: Arena) -> Boxed<S> {
    match comes_in_order {
        true => then,
        false => Boxed::new(InOrder::new(key_of::<S>, arena, then)),
    }
}

fn aligned<S: Shape, const INVERSE: bool>(
    windows: Windows,
    early: Option<Early>,
    calls: &Calls,
    give: Windowed<S>,
    faults: &Arc<Faults>,
    arena: &Arena,
) -> Boxed<S> {
    let aggregate = SqlAggregate::<S, S::Partial, INVERSE, false>::new(calls, faults);
    let window = KeyedWindow::new(windows, key_of::<S>, aggregate, arena.clone());
    Boxed::new(Staged::new(window.with_early(early), give))
}

/// An `OVER` to be made.
struct Rolling<'a> {
    frame: Frame,
    calls: &'a Calls,
    emit: Emit,
    faults: &'a Arc<Faults>,
    arena: &'a Arena,
}

impl Rolling<'_> {
    fn make<S: Shape, const INVERSE: bool, const ORDERED: bool>(
        &self,
        give: Rolled<S>,
    ) -> Result<Boxed<S>, Full> {
        let Self { frame, calls, emit, faults, arena } = *self;
        let aggregate = SqlAggregate::<S, S::Rolling, INVERSE, ORDERED>::new(calls, faults);
        let arena = arena.clone();
        Ok(match emit {
            Emit::Complete => {
                let rolling = RollingComplete::new(frame, key_of::<S>, aggregate, arena)?;
                Boxed::new(Staged::new(rolling, give))
            }
            Emit::OnArrival => {
                let rolling = RollingOnArrival::new(frame, key_of::<S>, aggregate, arena)?;
                Boxed::new(Staged::new(rolling, give))
            }
        })
    }
}

//! How a plan runs: its stages as dataflow operators, over rows whose layouts are known when the job starts.
//!
//! ```text
//! scan's row -> SqlRoute: feeds, key, hash -> ring -> SqlOperator: pipelines of stages -> rows of outputs
//! ```
//!
//! 1. A plan is [prepared](Prepared::new): everything is compiled, and the smallest [shape](shape) that has room is known.
//! 2. What runs a job is generic over the shape: it is handed a [`Runnable`] of it ([`Prepared::run`]).
//! 3. A value that can not be worked out at run time is a fault: the first one lies in [`Faults`], which the job's sources
//!    look at, and the job goes on with NULL until they end it.

mod aggregate;
mod build;
mod erased;
pub mod faults;
mod making;
mod needs;
mod operator;
pub mod order;
mod post;
mod route;
pub mod shape;
mod stage;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tidewire_event::RowLayout;
use tidewire_state::{Arena, Full};

pub use faults::{Faults, RowFault};
pub use operator::SqlOperator;
pub use order::RowOrder;
pub use route::SqlRoute;
pub use shape::{Emitted, Input, Row, RowOf, Shape};

use self::build::{Compiled, PIPELINES_MAX};
use self::making::{Maker, Target, layout_of};
use self::needs::{Needs, is_one_key};
use self::post::WindowLayout;
use self::route::{Feeder, slots_of};
use self::shape::{SIZES, WithShape, with_shape};
use crate::error::{Span, SqlError};
use crate::plan::{Feed, Pipeline, Plan};
use crate::session::Session;

/// A plan that is ready to run: see the module.
#[derive(Debug)]
pub struct Prepared {
    shape: usize,
    pipelines: Vec<Vec<Compiled>>,
    /// Those of each scan.
    feeders: Vec<Vec<Feeder>>,
    outputs: Vec<RowLayout>,
    faults: Arc<Faults>,
}

/// A job in a shape: what the runtime needs of it.
#[derive(Debug)]
pub struct Runnable<S: Shape> {
    /// What becomes of the rows of scans, and which shard that goes to.
    pub route: SqlRoute<S>,
    /// The layouts of the outputs' rows.
    pub outputs: Vec<RowLayout>,
    /// Where faults go.
    pub faults: Arc<Faults>,
    pipelines: Vec<Vec<Compiled>>,
}

/// What runs a job.
pub trait Run {
    /// What comes of it.
    type Out;

    /// Runs it.
    fn run<S: Shape>(self, job: Runnable<S>) -> Self::Out;
}

impl Prepared {
    /// Compiles a plan. `scans` are the layouts of the rows of its scans, and a row has at least `row_bytes`, if that is
    /// said.
    ///
    /// # Errors
    /// An expression can not be compiled, or something takes more room than there is.
    pub fn new(
        plan: &Plan,
        scans: &[RowLayout],
        session: &Session,
        row_bytes: Option<usize>,
    ) -> Result<Self, SqlError> {
        if plan.pipelines.len() > PIPELINES_MAX {
            let problem = format!("{} queries in one job", plan.pipelines.len());
            let help = format!("there may be {PIPELINES_MAX}");
            return Err(SqlError::new(Span::NONE, problem).help(help));
        }
        let window = WindowLayout::new()?;
        let compile = |pipeline: &Pipeline| Compiled::stages(plan, pipeline, session);
        let pipelines = plan.pipelines.iter().map(compile).collect::<Result<Vec<_>, _>>()?;
        let mut feeders: Vec<Vec<Feeder>> = vec![Vec::new(); scans.len()];
        for (number, pipeline) in plan.pipelines.iter().enumerate() {
            for feed in &pipeline.feeds {
                let (Some(layout), Some(of_scan)) =
                    (scans.get(feed.scan), feeders.get_mut(feed.scan))
                else {
                    return Err(SqlError::new(Span::NONE, format!("no scan {}", feed.scan)));
                };
                of_scan.push(feeder(number, pipeline, feed, layout, &window, session)?);
            }
        }
        let shape = Needs::of(plan, &pipelines, row_bytes)?.shape()?;
        let outputs = plan.outputs.iter().map(|output| layout_of(&output.fields));
        let outputs = outputs.collect::<Result<_, _>>()?;
        Ok(Self { shape, pipelines, feeders, outputs, faults: Arc::default() })
    }

    /// The name of the shape that it runs in.
    #[must_use]
    pub fn shape(&self) -> &'static str {
        SIZES.get(self.shape).map_or("", |sizes| sizes.name)
    }

    /// Bytes of state of each stage of a pipeline for a key and window, or for a row of `OVER`: what is in use of them,
    /// and what the shape takes.
    #[must_use]
    pub fn state_bytes(&self, pipeline: usize) -> Vec<Option<StateBytes>> {
        let Some(sizes) = SIZES.get(self.shape) else { return Vec::new() };
        let stages = self.pipelines.get(pipeline).map(Vec::as_slice).unwrap_or_default();
        stages.iter().map(|stage| stage.operator.state_bytes(sizes)).collect()
    }

    /// Hands the job, in its shape, to what runs it. `inputs` says of which scan each input of the job is.
    pub fn run<R: Run>(self, inputs: &[usize], run: R) -> R::Out {
        struct In<'i, R>(Prepared, &'i [usize], R);
        impl<R: Run> WithShape for In<'_, R> {
            type Out = R::Out;

            fn with<S: Shape>(self) -> R::Out {
                let Self(prepared, inputs, run) = self;
                run.run::<S>(prepared.runnable(inputs))
            }
        }
        with_shape(self.shape, In(self, inputs, run))
    }

    fn runnable<S: Shape>(self, inputs: &[usize]) -> Runnable<S> {
        let Self { pipelines, feeders, outputs, faults, .. } = self;
        let of_input = |scan: &usize| feeders.get(*scan).cloned().unwrap_or_default();
        let feeders = inputs.iter().map(of_input).collect();
        let route = SqlRoute::new(feeders, &faults);
        Runnable { route, outputs, faults, pipelines }
    }
}

/// Bytes of a partial result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateBytes {
    /// What the aggregates keep.
    pub used: usize,
    /// What lies in the state for it, with the key.
    pub taken: usize,
}

impl<S: Shape> Runnable<S> {
    /// Makes the operator of a shard, with its state in `arena`.
    ///
    /// # Errors
    /// The state's budget has no room for what it begins with.
    pub fn operator(&self, arena: Arena) -> Result<SqlOperator<S>, Full> {
        let make = |(number, stages): (usize, &Vec<Compiled>)| {
            build::pipeline(number, stages, &self.faults, &arena)
        };
        let pipelines = self.pipelines.iter().enumerate().map(make);
        Ok(SqlOperator::new(pipelines.collect::<Result<_, _>>()?))
    }
}

/// What a pipeline takes of the rows of a scan.
fn feeder(
    number: usize,
    pipeline: &Pipeline,
    feed: &Feed,
    scan: &RowLayout,
    window: &WindowLayout,
    session: &Session,
) -> Result<Feeder, SqlError> {
    let Some(stage) = pipeline.stages.first() else {
        return Err(SqlError::new(Span::NONE, "a query without a step"));
    };
    let target = Target::Stage(&stage.key, &stage.columns);
    let input: &[&RowLayout] = match feed.expand {
        Some(_) => &[scan, window.layout()],
        None => &[scan],
    };
    let maker = Maker::new(&feed.rows, target, input, session)?;
    let route = match is_one_key(pipeline) {
        true => None,
        false => slots_of(&layout_of(&stage.key)?, &pipeline.route),
    };
    let expand = feed.expand.map(|expand| expand.windows);
    Ok(Feeder { pipeline: number as u16, maker, expand, route })
}

//! What a job needs room for, and the smallest shape that has it.
//!
//! A text takes as many bytes as its type says, up to a limit, or a default where it says none; what is longer at run
//! time may still fit, since all columns of a row share its room.

use tidewire_event::{Field, Repr};

use super::build::{Compiled, Work};
use super::making::layout_of;
use super::shape::{SIZES, Sizes};
use crate::aggregates::codec::text_bytes;
use crate::error::{Span, SqlError};
use crate::plan::{Operator, Pipeline, Plan, Stage};

/// The most of something that a job needs, and what needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Need {
    bytes: usize,
    what: String,
    at: Span,
}

impl Need {
    fn raise(&mut self, bytes: usize, what: impl FnOnce() -> String, at: Span) {
        if bytes > self.bytes {
            *self = Self { bytes, what: what(), at };
        }
    }
}

/// What a job needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    prefix: bool,
    key: Need,
    columns: Need,
    row: Need,
    partial: Need,
    rolling: Need,
}

/// Bytes of columns, and the widest of them.
fn bytes_of(fields: &[Field]) -> Result<(usize, Option<&Field>), SqlError> {
    let text = |field: &Field| match field.ty.repr() {
        Repr::Bytes => text_bytes(&field.ty),
        _ => 0,
    };
    let bytes = layout_of(fields)?.fixed_bytes() + fields.iter().map(text).sum::<usize>();
    let width = |field: &&Field| field.ty.repr().slot_bytes() + text(field);
    Ok((bytes, fields.iter().max_by_key(width)))
}

fn described(what: &str, fields: &[Field], widest: Option<&Field>) -> String {
    let widest = widest.map(|field| format!(", the widest {field}"));
    format!("{what} has {} columns{}", fields.len(), widest.unwrap_or_default())
}

impl Needs {
    /// Of the pipelines of a plan, with their stages compiled; and at least `row_bytes` for a row.
    pub(crate) fn of(
        plan: &Plan,
        compiled: &[Vec<Compiled>],
        row_bytes: Option<usize>,
    ) -> Result<Self, SqlError> {
        let mut needs = Self::default();
        for (pipeline, stages) in plan.pipelines.iter().zip(compiled) {
            needs.prefix |= !is_one_key(pipeline);
            // Lists that aggregates make are as long as what they are made of.
            let mut lists = 0;
            for (stage, compiled) in pipeline.stages.iter().zip(stages) {
                needs.of_stage(stage, compiled, lists)?;
                lists = compiled.operator.calls().map_or(0, |calls| calls.list_bytes());
            }
            if let Some(output) = plan.outputs.get(pipeline.output) {
                let (bytes, widest) = bytes_of(&output.fields)?;
                let what = || {
                    let name = output.table.as_deref().unwrap_or("the result");
                    described(name, &output.fields, widest)
                };
                needs.row.raise(bytes + lists, what, Span::NONE);
            }
        }
        if let Some(bytes) = row_bytes {
            let what = || "sql.row-bytes asks for it".to_owned();
            needs.row.raise(bytes, what, Span::NONE);
            needs.columns.raise(bytes, what, Span::NONE);
        }
        Ok(needs)
    }

    fn of_stage(
        &mut self,
        stage: &Stage,
        compiled: &Compiled,
        lists: usize,
    ) -> Result<(), SqlError> {
        let at = stage.at();
        let (bytes, widest) = bytes_of(&stage.key)?;
        self.key.raise(bytes, || described("a key", &stage.key, widest), at);
        let (bytes, widest) = bytes_of(&stage.columns)?;
        self.columns.raise(bytes + lists, || described("a row", &stage.columns, widest), at);
        if let Some(calls) = compiled.operator.calls() {
            let need = match compiled.operator {
                Work::Over { .. } => &mut self.rolling,
                _ => &mut self.partial,
            };
            let largest = calls.largest().cloned();
            let (name, at, most) = largest.unwrap_or_else(|| ("none".to_owned(), at, 0));
            let what = || format!("the aggregates of a step, the largest {name} with {most} bytes");
            need.raise(calls.bytes(), what, at);
        }
        Ok(())
    }

    /// The number of the smallest shape that has room.
    pub(crate) fn shape(&self) -> Result<usize, SqlError> {
        let fits = |sizes: &Sizes| {
            (sizes.has_prefix || !self.prefix)
                && self.room(sizes).iter().all(|(need, room, _)| need.bytes <= *room)
        };
        if let Some(number) = SIZES.iter().position(fits) {
            return Ok(number);
        }
        let room = SIZES.last().map(|sizes| self.room(sizes));
        let too_much = room.into_iter().flatten().find(|(need, room, _)| need.bytes > *room);
        let Some((need, room, help)) = too_much else {
            return Err(SqlError::new(Span::NONE, "the job fits no shape"));
        };
        let problem =
            format!("{} bytes, where there is room for {room}: {}", need.bytes, need.what);
        Err(SqlError::new(need.at, problem).help(help))
    }

    fn room(&self, sizes: &Sizes) -> [(&Need, usize, &'static str); 5] {
        [
            (&self.key, sizes.key, "group by fewer or narrower columns: VARCHAR(n) says how wide"),
            (
                &self.columns,
                sizes.columns,
                "use fewer or narrower columns: VARCHAR(n) says how wide",
            ),
            (&self.row, sizes.row, "use fewer or narrower columns: VARCHAR(n) says how wide"),
            (&self.partial, sizes.partial, "put some of them into a query of their own"),
            (&self.rolling, sizes.rolling, "put some of them into a query of their own"),
        ]
    }
}

/// Whether all stages of a pipeline have the same key, so that it says by itself which shard a row goes to.
pub(crate) fn is_one_key(pipeline: &Pipeline) -> bool {
    let stages = pipeline.stages.windows(2);
    let same = |stages: &[Stage]| match stages {
        [before, after] => {
            let is_window = matches!(before.operator, Operator::Window { .. });
            let keeps = before.then.iter().all(|calc| {
                let columns = calc.key.iter().enumerate();
                calc.key.len() == before.key.len()
                    && columns.into_iter().all(|(index, expr)| expr.as_column() == Some(index))
            });
            let types = |stage: &Stage| -> Vec<_> {
                stage.key.iter().map(|field| (field.ty.clone(), field.nullable)).collect()
            };
            is_window && keeps && types(before) == types(after)
        }
        _ => true,
    };
    stages.into_iter().all(same)
}

//! The pipelines of a job side by side, as the operator of a shard.
//!
//! 1. A row says which pipeline it is for; a result says which output it goes to.
//! 2. A row's time is its end: when the watermark is at w, no row up to w + 1 is to come, from any pipeline. So one that
//!    has nothing to fire is as complete as the others, however coarse its windows are.
//! 3. Where all work on one grid, a watermark between its ends changes nothing, and is not even told.

use tidewire_dataflow::{Operator, Output, Tumbling};
use tidewire_event::Header;
use tidewire_event::time::{WATERMARK_END, WATERMARK_NONE};
use tidewire_state::{CaptureTurn, Durable, Image, LayoutMismatch, Log};

use super::erased::Boxed;
use super::shape::{Emitted, Input, RowOf, Shape};

/// The operator: see the module.
#[derive(Debug)]
pub struct SqlOperator<S: Shape> {
    pipelines: Vec<Boxed<S>>,
    grid: Option<Tumbling>,
    /// The next watermark at which something happens.
    boundary: i64,
    /// Nothing up to this is to come.
    closed_to: i64,
    complete_to: i64,
}

impl<S: Shape> SqlOperator<S> {
    pub(crate) fn new(pipelines: Vec<Boxed<S>>) -> Self {
        let grid = pipelines.first().and_then(Boxed::grid);
        let grid = grid.filter(|grid| pipelines.iter().all(|it| it.grid() == Some(*grid)));
        Self {
            pipelines,
            grid,
            boundary: WATERMARK_NONE,
            closed_to: WATERMARK_NONE,
            complete_to: WATERMARK_NONE,
        }
    }

    /// Takes note of how far the pipelines are.
    fn settle(&mut self) {
        if let [only] = self.pipelines.as_slice() {
            self.complete_to = only.complete_to();
            return;
        }
        let of = |it: &Boxed<S>| if it.is_firing() { it.complete_to() } else { self.closed_to };
        let to = self.pipelines.iter().map(of).min().unwrap_or(self.closed_to);
        // A pipeline that begins to fire says how far it was complete by itself.
        self.complete_to = self.complete_to.max(to);
    }

    /// Takes note of a watermark that the pipelines have been told of.
    fn passed(&mut self, watermark: i64) {
        if self.pipelines.len() != 1 {
            self.closed_to = self.closed_to(watermark);
        }
        self.settle();
        if let Some(grid) = self.grid {
            self.boundary = grid.next_close(watermark);
        }
    }
}

/// The output of one pipeline, inside of that of all.
struct OfPipeline<'o, O> {
    out: &'o mut O,
    pipeline: u16,
}

impl<S: Shape, O: Output<Emitted<S>, Input<S>>> Output<Emitted<S>, RowOf<S>> for OfPipeline<'_, O> {
    #[inline]
    fn row(&mut self, at: i64, due: i64, row: Emitted<S>) {
        self.out.row(at, due, row);
    }

    #[inline]
    fn now(&mut self, due: i64, row: Emitted<S>) {
        self.out.now(due, row);
    }

    fn corrected(&mut self, at: i64, due: i64, row: Emitted<S>) {
        self.out.corrected(at, due, row);
    }

    fn late(&mut self, header: &Header, row: RowOf<S>) {
        self.out.late(header, Input { pipeline: self.pipeline, row });
    }

    fn refused(&mut self, header: &Header) {
        self.out.refused(header);
    }
}

impl<S: Shape> Operator for SqlOperator<S> {
    type In = Input<S>;
    type Row = Emitted<S>;
    type Late = Input<S>;

    #[inline]
    fn event(
        &mut self,
        header: &Header,
        event: &Input<S>,
        out: &mut impl Output<Emitted<S>, Input<S>>,
    ) {
        let Input { pipeline, row } = event;
        if let Some(operator) = self.pipelines.get_mut(usize::from(*pipeline)) {
            operator.event(header, row, &mut OfPipeline { out, pipeline: *pipeline });
        }
    }

    #[inline]
    fn watermark(&mut self, watermark: i64, due: i64) {
        if watermark < self.boundary {
            return;
        }
        self.pipelines.iter_mut().for_each(|it| it.watermark(watermark, due));
        self.passed(watermark);
    }

    fn resume(&mut self, watermark: i64) {
        self.pipelines.iter_mut().for_each(|it| it.resume(watermark));
        self.passed(watermark);
    }

    fn grid(&self) -> Option<Tumbling> {
        self.grid
    }

    #[inline]
    fn is_firing(&self) -> bool {
        self.pipelines.iter().any(Boxed::is_firing)
    }

    fn fire(&mut self, out: &mut impl Output<Emitted<S>, Input<S>>) {
        // The one that is behind comes first.
        let firing = self.pipelines.iter_mut().enumerate().filter(|(_, it)| it.is_firing());
        if let Some((pipeline, operator)) = firing.min_by_key(|(_, it)| it.complete_to()) {
            operator.fire(&mut OfPipeline { out, pipeline: pipeline as u16 });
        }
        self.settle();
    }

    #[inline]
    fn complete_to(&self) -> i64 {
        self.complete_to
    }

    fn closed_to(&self, watermark: i64) -> i64 {
        let all = self.pipelines.iter().map(|it| it.closed_to(watermark));
        all.max().unwrap_or(if watermark == WATERMARK_END { watermark } else { WATERMARK_NONE })
    }
}

impl<S: Shape> Durable for SqlOperator<S> {
    fn freeze(&mut self) {
        self.pipelines.iter_mut().for_each(Durable::freeze);
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        let mut turn = CaptureTurn::new(records);
        for pipeline in &mut self.pipelines {
            turn.next(|records| pipeline.capture(records, log));
        }
        turn.is_done()
    }

    fn give_up(&mut self) {
        self.pipelines.iter_mut().for_each(Durable::give_up);
    }

    fn overflowed(&self) -> bool {
        self.pipelines.iter().any(Durable::overflowed)
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        self.pipelines.iter_mut().try_for_each(|it| it.restore(image))
    }
}

//! The one shape of every operator.
//!
//! 1. An event is taken in at once, in constant time; results that it completes wait to be fired.
//! 2. Firing is pre-emptible: each call does a bounded piece of it, and events go on between the calls.
//! 3. `complete_to` grows only when every row up to it has been emitted.

use tidewire_event::Header;
use tidewire_event::time::NOT_DUE;
use tidewire_state::Durable;

use crate::window::Tumbling;

/// Where an operator's results and late events go.
pub trait Output<R, L> {
    /// A result at time `at`, completed by an event that was due at `due`.
    fn row(&mut self, at: i64, due: i64, row: R);

    /// A result that leaves at once and is not held back for others: on arrival, or early.
    fn now(&mut self, due: i64, row: R);

    /// A result that takes the place of one of time `at`, which has been emitted: it leaves at once, but not before that
    /// one is written.
    fn corrected(&mut self, at: i64, due: i64, row: R);

    /// An event that came after its window had closed.
    fn late(&mut self, header: &Header, late: L);

    /// An event of a new key, for which the state's budget has no room.
    fn refused(&mut self, header: &Header);
}

/// A shard's work: events in, rows out. No clock, no file, no thread, and no allocation for an event once it is
/// warm.
pub trait Operator: Durable {
    /// An event.
    type In;
    /// A result.
    type Row;
    /// An event that came too late.
    type Late;

    /// Takes in an event. The watermark in its header decides whether it is late.
    fn event(
        &mut self,
        header: &Header,
        event: &Self::In,
        out: &mut impl Output<Self::Row, Self::Late>,
    );

    /// Takes in a watermark, which an event that was due at `due` has moved. It never moves back.
    fn watermark(&mut self, watermark: i64, due: i64);

    /// Goes on from a snapshot, at whose barrier the watermark was `watermark`: after
    /// [`restore`](Durable::restore), before anything else. All that it closed is in the output.
    fn resume(&mut self, watermark: i64) {
        self.watermark(watermark, NOT_DUE);
    }

    /// The windows at whose ends alone a watermark changes anything, if that is so: a source then need not tell of
    /// others.
    fn grid(&self) -> Option<Tumbling>;

    /// Whether there is something to emit.
    fn is_firing(&self) -> bool;

    /// Emits a bounded part of it.
    fn fire(&mut self, out: &mut impl Output<Self::Row, Self::Late>);

    /// Every row with a time up to this has been emitted.
    fn complete_to(&self) -> i64;

    /// When the watermark is at `watermark`, every row with a time up to this has been emitted or waits to be: nothing
    /// that is still to come changes it. A function of the watermark alone. A snapshot ends the output there: what goes
    /// on from it may emit such rows again, and they are dropped.
    fn closed_to(&self, watermark: i64) -> i64;
}

//! A library of aggregates.
//!
//! 1. An aggregate is built from functions that read a value from an event. A value may be an `Option`: `None` is SQL's
//!    NULL, and is skipped by all but [`count`]. Of nothing but NULL the answer is `None`, and that of a count is zero.
//! 2. Where the type of a partial result leaves a choice, it is exact: whole numbers are summed in 128 bits or more, and
//!    have an inverse. Each aggregate says where it is not exact, and what it depends on.
//! 3. Partial results are records of alignment 1, so that they can lie inside other records. What is the same is kept as
//!    the same bytes.
//! 4. Several at once are a tuple: `(count(), sum(..), max(..))`.
//!
//! | aggregate | exact | inverse | depends on the order of combination |
//! | --- | --- | --- | --- |
//! | [`count`], [`count_of`], [`sum`], [`avg`], [`vwap`] | yes | yes | no |
//! | [`min`], [`max`], [`first`], [`last`], [`ohlc`], [`top`], [`list`] | yes | no | no |
//! | [`distinct()`] | up to a bound, and says so | no | no |
//! | [`hyper_log_log()`], [`quantiles()`] | within a stated error | no | no |
//! | [`sum_f64`], [`avg_f64`], [`var_pop`] and the like, [`ema_by_time`] | but for rounding | no | in the last digits |
//! | [`ema`] | but for rounding | no | needs that of event time |
//! | [`time_weighted`] | for whole numbers | no | needs that of event time |
//!
//! ```
//! use tidewire_dataflow::aggregates::*;
//! use tidewire_dataflow::{KeyedWindow, Tumbling};
//! use tidewire_state::Arena;
//!
//! #[derive(Clone, Copy)]
//! struct Trade {
//!     instrument: u32,
//!     price: i64,
//!     quantity: u32,
//!     /// Not every venue says it.
//!     fee: Option<i64>,
//! }
//!
//! let aggregate = (
//!     count(),
//!     vwap(|t: &Trade| t.price, |t| t.quantity).map(|vwap| vwap.and_then(|vwap| vwap.to_f64())),
//!     sum(|t: &Trade| t.fee),
//!     top(Size::<3>, |t: &Trade| t.quantity),
//!     quantiles(Size::<256>, Accuracy::new(0.01)?, [0.5, 0.99], |t: &Trade| t.price as f64),
//! );
//! let by_instrument = |t: &Trade| t.instrument;
//! let bars = KeyedWindow::new(Tumbling::SECOND, by_instrument, aggregate, Arena::unlimited());
//! # let _ = bars;
//! # Ok::<(), AccuracyOutOfRange>(())
//! ```

pub mod value;
pub mod kept;
pub mod sums;
pub mod extremes;
pub mod prices;
pub mod spread;
pub mod smooth;
pub mod distinct;
pub mod hyper_log_log;
pub mod quantiles;
pub mod lists;
pub mod together;
pub mod map;
#[cfg(test)]
mod tests;

// What a pipeline is written with. The types of aggregates and partial results are in their modules.
pub use distinct::{DistinctCount, distinct};
pub use extremes::{first, last, max, min};
pub use hyper_log_log::hyper_log_log;
pub use lists::{List, Listed, list, top};
pub use map::AggregateExt;
pub use prices::{Bar, Vwap, ohlc, vwap};
pub use quantiles::{Accuracy, AccuracyOutOfRange, quantiles};
pub use smooth::{
    Alpha, HalfLife, SmoothingOutOfRange, TimeWeighted, ema, ema_by_time, time_weighted,
};
pub use spread::{stddev_pop, stddev_samp, var_pop, var_samp};
pub use sums::{Average, avg, avg_f64, count, count_of, sum, sum_f64};
pub use value::Size;

/// Bytes of the largest value that a table takes.
const VALUE_BYTES_MAX: usize = 1 << 14;

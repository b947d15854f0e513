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
//! | [`distinct`] | up to a bound, and says so | no | no |
//! | [`hyper_log_log`], [`quantiles`] | within a stated error | no | no |
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

mod value;
mod kept;
mod sums;
mod extremes;
mod prices;
mod spread;
mod smooth;
mod distinct;
mod hyper_log_log;
mod quantiles;
mod lists;
mod together;
mod map;
#[cfg(test)]
mod tests;

pub use distinct::{Distinct, DistinctCount, Set, distinct};
pub use extremes::{Edge, Extreme, First, Last, Max, Min, first, last, max, min};
pub use hyper_log_log::{HyperLogLog, Registers, hyper_log_log};
pub use kept::{Maybe, Placed, Stand, Wide};
pub use lists::{FirstValues, KeptList, KeptListed, List, Listed, Top, list, top};
pub use map::{AggregateExt, Mapped};
pub use prices::{Bar, KeptBar, Ohlc, Paid, VolumeWeighted, Vwap, ohlc, vwap};
pub use quantiles::{Accuracy, AccuracyOutOfRange, Quantiles, Sketch, quantiles};
pub use smooth::{
    Affine, Alpha, Ema, EmaByTime, HalfLife, Run, SmoothingOutOfRange, Standing, TimeWeighted,
    TimeWeightedAvg, Weighted, ema, ema_by_time, time_weighted,
};
pub use spread::{Moments, Spread, stddev_pop, stddev_samp, var_pop, var_samp};
pub use sums::{
    Average, Avg, AvgF64, Compensated, Count, CountOf, Sum, SumF64, Total, avg, avg_f64, count,
    count_of, sum, sum_f64,
};
pub use together::{Five, Four, Six, Three, Two};
pub use value::{Ordered, Plain, Read, Reading, Size, Value, Whole};

/// Bytes of the largest value that a table takes.
const VALUE_BYTES_MAX: usize = 1 << 14;

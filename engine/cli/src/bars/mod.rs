//! The job of `tidewire replay`, built with the typed API: books from market events, and bars from books and trades.
//!
//! market event -> [`BookStep`] (keeps the books) -> tick (a trade, or a new spread) -> [`Bars`] by symbol and window.

mod kept;
mod ledger;
mod step;
mod partial;
mod aggregate;
mod sink;

pub(crate) use aggregate::Bars;
pub(crate) use sink::{BarSink, Outputs, Summary, mean, price};
pub(crate) use step::{BookStep, BookTotals, TickKind};

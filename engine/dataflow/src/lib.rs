//! What happens to events, as pure state machines: no clock, no file, no thread.
//!
//! The modules follow an event: its [`watermark`] is worked out, a [`transform`] may change it and says where it goes,
//! a [`process`] step changes it with state of its own, it falls into a [`window`], an [`aggregate`] takes it in, and
//! the [`keyed_window`] operator emits the result when the window closes; [`split`] puts two operators side by side,
//! [`chain`] one behind the other.
#![forbid(unsafe_code)]

pub mod watermark;
pub mod transform;
pub mod operator;
pub mod process;
pub mod window;
pub mod windows;
pub mod aggregate;
pub mod aggregates;
pub mod in_order;
pub mod in_turn;
pub mod keyed_window;
pub mod session_window;
pub mod global_window;
pub mod rolling;
pub mod split;
pub mod chain;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod semantics;

pub use aggregate::Aggregate;
pub use chain::{ChainLate, Sequential, Then};
pub use global_window::{GlobalWindow, Trigger};
pub use in_order::InOrder;
pub use in_turn::{InTurn, InTurnRow};
pub use keyed_window::{Early, EarlyError, KeyedWindow, Stage, WindowRow};
pub use operator::{Operator, Output};
pub use process::{Process, Processed};
pub use rolling::{Frame, RollingComplete, RollingOnArrival, RollingRow};
pub use session_window::{SessionGap, SessionWindow};
pub use split::{PassThrough, Split};
pub use transform::{ByKey, Filter, FlatMap, FlatMapTimed, Map, Route, Transform, Unchanged};
pub use watermark::{
    Bounded, Monotonic, PartitionPosition, Partitions, Punctuated, TimedPosition,
    WatermarkStrategy, WhenQuiet,
};
pub use window::{Tumbling, Window};
pub use windows::{Windows, WindowsError};

//! Tidewire: event-by-event stream processing in event time, on pinned cores.
//!
//! A pipeline is built from types and compiled into one loop: no dynamic dispatch stands between an event and its
//! state. An event is a plain `Copy` value, an aggregate is a trait of three functions, and its partial result is a
//! [`Record`](event::Record): a little-endian number, or a struct of some (see [`event::record`]).
//!
//! ```
//! use tidewire::prelude::*;
//!
//! #[derive(Clone, Copy)]
//! struct Purchase { ts: i64, user: u32, cents: i64 }
//!
//! /// What a user has spent in a window.
//! #[derive(Clone)]
//! struct Spent;
//!
//! impl Aggregate for Spent {
//!     type In = Purchase;
//!     type Partial = i64_le; // as it lies in the state and in snapshots
//!     type Out = i64;
//!     fn lift(&self, _: &Header, purchase: &Purchase) -> i64_le { purchase.cents.into() }
//!     fn combine(&self, earlier: &i64_le, later: &i64_le) -> i64_le { (*earlier + *later).into() }
//!     fn lower(&self, _: Window, cents: &i64_le) -> i64 { cents.to_native() }
//! }
//!
//! let purchases = [(1, 7, 250), (4, 9, 100), (2, 7, 50), (11, 7, 5)]
//!     .map(|(second, user, cents)| Purchase { ts: second * SECOND, user, cents });
//! let found = stream(events(purchases, |purchase| purchase.ts))
//!     .watermark(|| Bounded::new(2 * SECOND)) // up to two seconds out of order
//!     .key_by(|purchase: &Purchase| purchase.user)
//!     .window(Tumbling::new(10 * SECOND)?)
//!     .aggregate(Spent)
//!     .collect(&Options::default())?;
//! let rows: Vec<_> = found.sink.rows.iter().map(|row| (row.window.start, row.key, row.value)).collect();
//! assert_eq!(rows, [(0, 7, 300), (0, 9, 100), (10 * SECOND, 7, 5)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "cli")]
pub mod sql;
mod stream;
#[cfg(feature = "cli")]
pub mod units;

pub use stream::{
    Arrangement, Changed, Collected, Global, InTimeOrder, Keyed, Query, Rolling, Rows, Sessions,
    Stream, Timed, Windowed, stream,
};
pub use tidewire_dataflow as dataflow;
pub use tidewire_dataflow::aggregates;
pub use tidewire_event as event;
pub use tidewire_runtime as runtime;
pub use tidewire_state as state;

/// What a pipeline needs.
pub mod prelude {
    pub use tidewire_dataflow::{
        Aggregate, Bounded, Early, Frame, Monotonic, PassThrough, Process, Punctuated, SessionGap,
        Split, Stage, Tumbling, WatermarkStrategy, Window, WindowRow, Windows,
    };
    pub use tidewire_event::record::{
        Record, Unaligned, i16_le, i16_ule, i32_le, i32_ule, i64_le, i64_ule, i128_le, i128_ule,
        u16_le, u16_ule, u32_le, u32_ule, u64_le, u64_ule, u128_le, u128_ule,
    };
    pub use tidewire_event::source::events;
    pub use tidewire_event::time::{DAY, HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND};
    pub use tidewire_event::{Either, Header, Key, Polled, Sink, Source, Stamped};
    pub use tidewire_runtime::{Driver, Observer, Options, Rate, Silent, Threads, Wait};
    pub use tidewire_state::{Arena, Durable};

    pub use crate::stream::{Rows, stream};
}

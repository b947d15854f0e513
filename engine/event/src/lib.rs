//! The words that every part of Tidewire shares: [`time`], [`record`]s, [`key`]s, [`frame`]s, and the two ends of a stream.
//!
//! Nothing here reads a clock, a file or a socket, and nothing here depends on another Tidewire crate.
#![forbid(unsafe_code)]

pub mod time;
pub mod record;
pub mod key;
pub mod schema;
pub mod row;
pub mod value;
pub mod text;
pub mod source;
pub mod either;
pub mod frame;
pub mod sink;
pub mod limits;

pub use either::Either;
pub use frame::{End, Frame, Header, OutFrame, Place};
pub use key::{HashRange, Key, hash_of};
pub use record::Record;
pub use row::{RowLayout, RowWriter, Slot};
pub use schema::{DataType, Field, Repr};
pub use sink::{Prepared, Sink};
pub use source::{Polled, Source, Stamped};
pub use value::Value;

//! The state of a shard: tables of fixed-size records in mapped memory, owned by one thread, and the copies of what an
//! epoch has changed.
//!
//! The unsafe code of the engine lives here, in [`mapping`] and [`slots`], and nowhere else.

mod budget;
mod mapping;
mod nursery;
mod layout;
mod slots;
mod segments;
mod epochs;
mod table;
mod log;
mod arena;
mod durable;
mod image;

pub use arena::Arena;
pub use budget::{Account, Budget, Full};
pub use durable::Durable;
pub use image::{Image, ImageError};
pub use layout::Layout;
pub use log::{
    Log, LogError, Section, SectionKind, TableId, append_dropped, append_entries, sections,
};
pub use table::{ImageHead, LayoutMismatch, RawTable, Table};

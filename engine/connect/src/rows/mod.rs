//! Rows of text, as CSV or as JSON lines.
//!
//! 1. A file appears under its name when it is whole: it is written beside it, and renamed at the end.
//! 2. Or rows go to a folder of parts, each of which appears when the snapshot that it belongs to is durable.
//! 3. Numbers are written as they are, without rounding: a decimal is an exact string of digits in both formats.

mod decimal;
mod time;
mod new_file;
mod writer;
mod parts;
mod output;

pub use decimal::{Decimal, divide_half_up};
pub use new_file::{NewFile, SealedFile};
pub use output::RowOutput;
pub use parts::{Part, Parts, PartsAccount, RowParts};
pub use time::iso8601;
pub use writer::{Field, RowError, RowFormat, RowWriter};

//! Streaming SQL in Flink's dialect.
//!
//! The modules follow a job's text: its [`expr`]essions are bound, with [`functions`] that know their types, and compiled
//! into [`kernel`]s. A [`plan`] says what the job does, and it is [`run`] on the dataflow operators.
#![forbid(unsafe_code)]

pub mod error;
pub mod session;
pub mod parse;
pub mod catalog;
pub mod bind;
pub mod expr;
pub mod code;
mod compile;
mod datum;
mod decimal;
mod items;
mod types;
mod zone;
pub mod functions;
pub mod aggregates;
pub mod kernel;
pub mod plan;
pub mod explain;
pub mod run;

pub use error::{Span, SqlError};
pub use expr::{Expr, ExprKind};
pub use session::Session;

#[cfg(test)]
mod docs;

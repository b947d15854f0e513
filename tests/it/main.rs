//! The one integration binary: a module for each story.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[cfg(feature = "s3")]
mod corruption;
mod examples;
mod feeds_book;
mod feeds_wire;
mod flink;
mod fuzz_bodies;
#[cfg(feature = "s3")]
mod golden;
mod inspect;
mod journal;
#[cfg(feature = "kafka")]
mod kafka;
#[cfg(feature = "s3")]
mod kill;
mod live;
#[cfg(feature = "mqtt")]
mod mqtt;
mod progress;
mod replay;
#[cfg(feature = "s3")]
mod s3;
mod sim;
mod sinks;
mod snapshots;
mod stop;
mod sql_captures;
mod sql_features;
mod sql_rows;
mod sql_docs;
mod sql_model;
mod tidy;

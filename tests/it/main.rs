//! The one integration binary: a module for each story.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod feeds_book;
mod feeds_wire;
mod fuzz_bodies;
mod inspect;
mod replay;
#[cfg(feature = "s3")]
mod s3;
mod sim;
mod snapshots;
mod tidy;

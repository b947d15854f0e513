//! The one integration binary: a module for each story.

mod feeds_book;
mod feeds_wire;
mod fuzz_bodies;
mod inspect;
mod replay;
mod tidy;

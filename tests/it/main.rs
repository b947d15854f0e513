//! The one integration binary: a module for each story.

mod feeds_book;
mod feeds_wire;
mod inspect;
mod replay;

//! Each feature of SQL by itself: rows in, rows out.

mod errors;
mod files;
mod queries;
mod statements;

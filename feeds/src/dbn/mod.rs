//! DBN, Databento's binary encoding: versions 1 to 3, uncompressed.
//!
//! 1. A stream is its metadata, then records, each of which says its length: a record that is not decoded here is
//!    passed over whole.
//! 2. Records are seen in place, in whatever place: no alignment is asked for. The layouts of market-by-order,
//!    market-by-price-1 and trade records are the same in the three versions.
//! 3. Prices are `i64` in 1e-9 of the currency, [`UNDEFINED_PRICE`] where there is none; times are `i64` nanoseconds
//!    since the Unix epoch, [`UNDEFINED_TIME`] where there is none.
//!
//! The sections named in this module are those of Databento's "Standards and conventions" and "Schemas and data
//! formats".

mod book;
mod decoder;
mod record;
#[cfg(test)]
mod tests;

pub use book::apply;
pub use decoder::{DbnDecoder, METADATA_LEN_MAX, looks_like};
pub use record::{FLAG_LAST, Header, Mbo, Mbp1, Record, Trade, UNDEFINED_PRICE, UNDEFINED_TIME};

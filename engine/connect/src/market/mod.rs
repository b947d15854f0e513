//! Market data of any feed as one kind of event.
//!
//! A capture is read message by message ([`CaptureSource`]); each message that moves a book or is a trade becomes a
//! [`MarketEvent`] of a numbered instrument ([`Symbols`]). What it does to the book is in its [`Action`].

mod event;
mod symbols;
mod session_date;
mod normalize;
mod source;

pub use event::{Action, MarketEvent};
pub use normalize::{Normalizer, Reading};
pub use session_date::{BadDate, SessionDate};
pub use source::{CaptureReport, CaptureSource, Problem, ReplayError};
pub use symbols::Symbols;

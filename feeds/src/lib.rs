//! Feed handlers that stand alone: no engine, no runtime, no clock.
//!
//! The modules follow the path of the bytes: a [`capture`] is opened and its format detected, packets are
//! unwrapped ([`net`], [`mold`], [`soup`], [`iex`]), messages are decoded as views over the received bytes ([`itch`],
//! [`iex`], [`dbn`]), their [`sequence`] is tracked, and a [`book`] is kept from them. What is written in lines of text
//! comes from captures of its own: [`binance`], and [`can`], which reads packets too.

#![forbid(unsafe_code)]

pub mod binance;
pub mod book;
pub mod can;
pub mod capture;
pub mod dbn;
pub mod decode;
pub mod iex;
pub mod itch;
pub mod journal;
pub mod mold;
pub mod net;
pub mod sequence;
mod side;
pub mod soup;
pub mod synth;
mod wire;

pub use side::Side;

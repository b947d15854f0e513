//! SoupBinTCP: a stream of numbered messages over TCP, from the number that a client asks for.
//!
//! 1. A packet is a length, a type and a payload; the ones of the server and of the client have types of their own.
//! 2. Messages have no number on the wire: the first after a login has the number that the server has accepted.
//! 3. Both sides are state machines over bytes and times ([`Client`], [`Server`]). Whoever keeps the connection brings
//!    both, and connects again where one breaks: the login then asks for the message that is next.
//!
//! Source: *SoupBinTCP* 3.00.

mod client;
mod packet;
mod server;

pub use client::{Client, ClientError, Event};
pub use packet::{Login, PAYLOAD_BYTES_MAX, Packet, Rejection, Session, SoupDecoder};
pub use server::{Request, Server, ServerError};

/// A side that has sent nothing for so long sends a heartbeat, ns.
pub const HEARTBEAT_NS: i64 = 1_000_000_000;
/// A side from which nothing has come for so long is gone, ns.
pub const SILENCE_NS: i64 = 15_000_000_000;

#[cfg(test)]
mod tests;

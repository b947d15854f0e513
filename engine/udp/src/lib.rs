//! Datagrams: received from several addresses at once, and sent.
//!
//! 1. A [`Socket`] is bound to an address, and has joined its group where that is multicast. What the system has granted
//!    is said.
//! 2. A [`Receiver`] gives the datagrams of its sockets one by one, as borrowed bytes with the time at which the kernel
//!    has received them. It never waits.
//! 3. What the kernel has dropped, because nobody took it in time, is counted for each socket.
//! 4. A [`Sender`] sends to an address or group.
//!
//! Linux only, and IPv4.

pub mod clock;
mod control;
mod error;
mod plain;
mod receiver;
mod ring;
mod sender;
mod socket;

pub use error::UdpError;
pub use receiver::{DATAGRAM_BYTES_MAX, Datagram, LineCounters, Receiver};
pub use sender::Sender;
pub use socket::{Interface, NoInterface, Socket, SocketOptions};

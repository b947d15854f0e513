//! What can go wrong with a socket.

use std::io;
use std::net::SocketAddrV4;

/// Why datagrams can not be received or sent.
#[derive(Debug, thiserror::Error)]
#[error("{address}: can not {action}: {source}{}", remedy(source))]
pub struct UdpError {
    /// The address of the socket.
    pub address: SocketAddrV4,
    /// What was tried.
    pub action: &'static str,
    /// What the system said.
    pub source: io::Error,
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => " (another program has the port: take another, or stop it)",
        io::ErrorKind::AddrNotAvailable => " (it is not an address of this host)",
        io::ErrorKind::PermissionDenied => " (ports below 1024 need a privilege)",
        _ if error.raw_os_error() == Some(nix::libc::ENODEV) => {
            " (no interface has a route to the group: name one)"
        }
        _ if error.raw_os_error() == Some(nix::libc::EMSGSIZE) => {
            " (the datagram is longer than the interface carries)"
        }
        _ => "",
    }
}

/// Gives an error of the system its place.
pub(crate) fn at<E: Into<io::Error>>(
    address: SocketAddrV4,
    action: &'static str,
) -> impl FnOnce(E) -> UdpError {
    move |source| UdpError { address, action, source: source.into() }
}

//! Sockets that receive: bound, joined, and set up to say when a datagram came and what was dropped.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::str::FromStr;
use std::time::Duration;

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, Type};

use crate::error::{UdpError, at};

/// An interface of this host, by one of its IPv4 addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interface(pub Ipv4Addr);

/// A text that names no interface.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no interface '{name}'{near}; there are {known}")]
pub struct NoInterface {
    name: String,
    near: String,
    known: String,
}

impl FromStr for Interface {
    type Err = NoInterface;

    /// An IPv4 address, or a name such as `eth0`: of several addresses the first is taken.
    fn from_str(name: &str) -> Result<Self, NoInterface> {
        if let Ok(address) = name.parse() {
            return Ok(Self(address));
        }
        let mut known = Vec::new();
        for interface in getifaddrs().into_iter().flatten() {
            let Some(address) = interface.address.as_ref().and_then(|it| it.as_sockaddr_in())
            else {
                continue;
            };
            if interface.interface_name == name {
                return Ok(Self(address.ip()));
            }
            known.push(interface.interface_name);
        }
        let distance = |other: &&String| strsim::levenshtein(name, other);
        let near = known.iter().min_by_key(distance).filter(|other| distance(other) <= 2);
        let near = near.map_or_else(String::new, |other| format!(" (did you mean '{other}'?)"));
        Err(NoInterface { name: name.to_owned(), near, known: known.join(", ") })
    }
}

/// What a socket is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketOptions {
    /// The multicast group, or an address of this host; port 0: one that is free.
    pub address: SocketAddrV4,
    /// The interface on which the group is joined. `None`: the one of the route to it.
    pub interface: Option<Interface>,
    /// Take only what this sender sends to the group.
    pub source: Option<Ipv4Addr>,
    /// Bytes of datagrams that the kernel is asked to keep until they are taken.
    pub receive_bytes: usize,
    /// For how long a look at an empty socket polls the network card itself, in whole us. `None`: as the system is set.
    pub busy_poll: Option<Duration>,
}

impl SocketOptions {
    /// A socket at `address`, which asks for 4 MiB.
    #[must_use]
    pub fn new(address: SocketAddrV4) -> Self {
        let receive_bytes = 4 << 20;
        Self { address, interface: None, source: None, receive_bytes, busy_poll: None }
    }
}

/// A socket that receives datagrams.
#[derive(Debug)]
pub struct Socket {
    pub(crate) socket: UdpSocket,
    pub(crate) address: SocketAddrV4,
    notes: Vec<String>,
}

impl Socket {
    /// Opens, binds, and joins.
    ///
    /// # Errors
    /// The system refuses it. That it does not give what only makes things faster is a note.
    pub fn open(options: &SocketOptions) -> Result<Self, UdpError> {
        let SocketOptions { address, interface, source, receive_bytes, busy_poll } = *options;
        let mut notes = Vec::new();
        let open = || socket2::Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP));
        let socket = open().map_err(at(address, "open a socket"))?;
        let is_multicast = address.ip().is_multicast();
        if is_multicast {
            // So that several programs of this host can listen to a group.
            socket.set_reuse_address(true).map_err(at(address, "share the port"))?;
        }
        socket.set_recv_buffer_size(receive_bytes).map_err(at(address, "ask for memory"))?;
        // The system says twice of what it gives, to have room for its own records.
        let granted = socket.recv_buffer_size().map_err(at(address, "ask for memory"))? / 2;
        if granted < receive_bytes {
            notes.push(format!(
                "{address}: the system keeps {granted} bytes of datagrams, not {receive_bytes} (sysctl net.core.rmem_max)"
            ));
        }
        if let Some(span) = busy_poll
            && let Err(error) =
                socket.set_busy_poll(u32::try_from(span.as_micros()).unwrap_or(u32::MAX))
        {
            notes.push(format!("{address}: no busy polling: {error}"));
        }
        let stamped = setsockopt(&socket, sockopt::ReceiveTimestampns, &true);
        stamped.map_err(at(address, "ask for receive times"))?;
        let counted = setsockopt(&socket, sockopt::RxqOvfl, &1);
        counted.map_err(at(address, "ask for the count of what is dropped"))?;
        socket.bind(&address.into()).map_err(at(address, "bind"))?;
        if is_multicast {
            let interface = interface.map_or(Ipv4Addr::UNSPECIFIED, |Interface(address)| address);
            let joined = match source {
                Some(source) => socket.join_ssm_v4(&source, address.ip(), &interface),
                None => socket.join_multicast_v4(address.ip(), &interface),
            };
            joined.map_err(at(address, "join the group"))?;
        }
        let bound = socket.local_addr().map_err(at(address, "bind"))?;
        let address = bound.as_socket_ipv4().unwrap_or(address);
        Ok(Self { socket: socket.into(), address, notes })
    }

    /// The address that it is bound to.
    #[must_use]
    pub fn address(&self) -> SocketAddrV4 {
        self.address
    }

    /// What was not granted, in words.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_known_by_address_and_name() {
        assert_eq!("10.1.2.3".parse(), Ok(Interface(Ipv4Addr::new(10, 1, 2, 3))));
        assert_eq!("lo".parse(), Ok(Interface(Ipv4Addr::LOCALHOST)));
        let error = "loo".parse::<Interface>().unwrap_err().to_string();
        assert!(
            error.starts_with("there is no interface 'loo' (did you mean 'lo'?); there are lo"),
            "{error}"
        );
    }

    #[test]
    fn an_address_that_is_not_ours_is_an_error_that_says_so() {
        let address = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 0);
        let error = Socket::open(&SocketOptions::new(address)).unwrap_err().to_string();
        assert!(error.starts_with("192.0.2.1:0: can not bind: "), "{error}");
        assert!(error.ends_with("(it is not an address of this host)"), "{error}");
    }

    #[test]
    fn what_is_not_granted_is_said() {
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
        let options = SocketOptions { receive_bytes: 1 << 30, ..SocketOptions::new(address) };
        let socket = Socket::open(&options).unwrap();
        assert_ne!(socket.address().port(), 0);
        assert!(socket.notes()[0].contains("not 1073741824 (sysctl net.core.rmem_max)"));
    }
}

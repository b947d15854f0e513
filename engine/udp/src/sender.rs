//! Sending.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};

use socket2::{Domain, Protocol, Type};

use crate::error::{UdpError, at};
use crate::socket::Interface;

/// Sends datagrams to one address or group.
#[derive(Debug)]
pub struct Sender {
    socket: UdpSocket,
    to: SocketAddrV4,
}

impl Sender {
    /// A sender to `to`. Multicast goes out on `interface`, or on that of the route, with this time to live (1: it does not
    /// leave the network), and is heard on this host too.
    ///
    /// # Errors
    /// The system refuses it.
    pub fn open(
        to: SocketAddrV4,
        interface: Option<Interface>,
        ttl: u32,
    ) -> Result<Self, UdpError> {
        let open = || socket2::Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP));
        let socket = open().map_err(at(to, "open a socket"))?;
        if to.ip().is_multicast() {
            if let Some(Interface(address)) = interface {
                socket.set_multicast_if_v4(&address).map_err(at(to, "send on the interface"))?;
            }
            socket.set_multicast_ttl_v4(ttl).map_err(at(to, "set the time to live"))?;
            socket.set_multicast_loop_v4(true).map_err(at(to, "be heard on this host"))?;
        }
        let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        socket.bind(&any.into()).map_err(at(to, "bind"))?;
        Ok(Self { socket: socket.into(), to })
    }

    /// Sends a datagram. Where the kernel has no room for it now, it waits.
    ///
    /// # Errors
    /// The system refuses it. That nobody listens at a unicast address is no error.
    pub fn send(&self, payload: &[u8]) -> Result<(), UdpError> {
        match self.socket.send_to(payload, SocketAddr::V4(self.to)) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Ok(()),
            Err(error) => Err(at(self.to, "send")(error)),
        }
    }
}

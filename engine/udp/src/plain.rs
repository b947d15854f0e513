//! Receiving with a system call for each datagram: where io_uring may not be used, and for few of them.

use std::io::IoSliceMut;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg};
use nix::sys::time::TimeSpec;

use crate::error::{UdpError, at};
use crate::receiver::{DATAGRAM_BYTES_MAX, Taken};
use crate::socket::Socket;

/// Where the kernel does not say who has sent a datagram.
const NOBODY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);

/// Room for one datagram, and for what the kernel says of it.
#[derive(Debug)]
pub(crate) struct Plain {
    bytes: Box<[u8]>,
    control: Vec<u8>,
    /// The socket that is looked at next.
    next: usize,
}

impl Plain {
    pub(crate) fn new() -> Self {
        Self {
            bytes: vec![0; DATAGRAM_BYTES_MAX].into(),
            control: nix::cmsg_space!(TimeSpec, u32),
            next: 0,
        }
    }

    /// A datagram, of each socket in turn, if one has any.
    pub(crate) fn take(&mut self, sockets: &[Socket]) -> Result<Option<Taken>, UdpError> {
        for _ in 0..sockets.len() {
            let line = self.next;
            self.next = (line + 1) % sockets.len();
            if let Some(socket) = sockets.get(line)
                && let Some(taken) = self.take_of(line, socket)?
            {
                return Ok(Some(taken));
            }
        }
        Ok(None)
    }

    /// The payload of the datagram before, of so many bytes.
    pub(crate) fn payload(&self, bytes: usize) -> &[u8] {
        self.bytes.get(..bytes).unwrap_or_default()
    }

    fn take_of(&mut self, line: usize, socket: &Socket) -> Result<Option<Taken>, UdpError> {
        let mut room = [IoSliceMut::new(&mut self.bytes)];
        let fd = socket.socket.as_raw_fd();
        let flags = MsgFlags::MSG_DONTWAIT;
        let message = match recvmsg::<SockaddrIn>(fd, &mut room, Some(&mut self.control), flags) {
            Ok(message) => message,
            // Refused: what a sender sees whose receiver is gone. It says nothing of what is received.
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNREFUSED) => return Ok(None),
            Err(error) => return Err(at(socket.address, "receive")(error)),
        };
        let mut taken = Taken {
            line,
            from: message.address.map_or(NOBODY, SocketAddrV4::from),
            received: None,
            dropped: None,
            bytes: message.bytes,
            is_cut: message.flags.contains(MsgFlags::MSG_TRUNC),
        };
        for control in message.cmsgs().map_err(at(socket.address, "receive"))? {
            match control {
                ControlMessageOwned::ScmTimestampns(time) => {
                    taken.received = Some(time.tv_sec() * 1_000_000_000 + time.tv_nsec());
                }
                ControlMessageOwned::RxqOvfl(dropped) => taken.dropped = Some(dropped),
                _ => {}
            }
        }
        Ok(Some(taken))
    }
}

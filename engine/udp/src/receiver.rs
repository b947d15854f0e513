//! A receiver of several sockets.

use std::net::SocketAddrV4;
use std::time::Duration;

use crate::clock::unix_now_ns;
use crate::error::{UdpError, at};
use crate::plain::Plain;
use crate::ring::Ring;
use crate::socket::Socket;

/// Bytes of the longest payload that UDP over IPv4 can carry.
pub const DATAGRAM_BYTES_MAX: usize = 65_507;

/// A datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'b> {
    /// The number of its socket, from 0.
    pub line: usize,
    /// Who has sent it.
    pub from: SocketAddrV4,
    /// When the kernel received it, ns since the Unix epoch, UTC.
    pub received: i64,
    /// Its payload.
    pub bytes: &'b [u8],
}

/// What a socket has received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LineCounters {
    /// Datagrams.
    pub datagrams: u64,
    /// Datagrams that the kernel has dropped, because they were not taken in time. It says so with the one after them.
    pub dropped: u64,
    /// Datagrams that were longer than UDP can carry, and cut.
    pub cut: u64,
}

/// What one look at the sockets has brought.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) line: usize,
    pub(crate) from: SocketAddrV4,
    pub(crate) received: Option<i64>,
    /// How many the kernel has dropped of this socket in all, modulo 2^32.
    pub(crate) dropped: Option<u32>,
    pub(crate) bytes: usize,
    pub(crate) is_cut: bool,
}

#[derive(Debug, Default)]
struct Line {
    counters: LineCounters,
    dropped: u32,
}

/// How datagrams are taken from the kernel.
#[derive(Debug)]
enum Way {
    Ring(Box<Ring>),
    Plain(Plain),
}

/// Receives from several sockets. It waits only where it is asked to.
#[derive(Debug)]
pub struct Receiver {
    /// Before the sockets, because it is dropped before them: the kernel's requests end before what they are for.
    way: Way,
    sockets: Vec<Socket>,
    lines: Vec<Line>,
    notes: Vec<String>,
}

impl Receiver {
    /// A receiver of these sockets, which are its lines in this order: through io_uring where that may be used, and else, as
    /// a note says, with system calls.
    #[must_use]
    pub fn new(sockets: Vec<Socket>) -> Self {
        match Ring::new(sockets.len()) {
            Ok(ring) => Self::with(Way::Ring(Box::new(ring)), sockets, Vec::new()),
            Err(error) => {
                let note = format!(
                    "io_uring is not to be had here ({error}): each datagram costs a system call"
                );
                Self::with(Way::Plain(Plain::new()), sockets, vec![note])
            }
        }
    }

    /// The same, with a system call for each datagram: for few of them.
    #[must_use]
    pub fn plain(sockets: Vec<Socket>) -> Self {
        Self::with(Way::Plain(Plain::new()), sockets, Vec::new())
    }

    fn with(way: Way, sockets: Vec<Socket>, mut notes: Vec<String>) -> Self {
        let lines = sockets.iter().map(|_| Line::default()).collect();
        notes.extend(sockets.iter().flat_map(|socket| socket.notes().iter().cloned()));
        Self { way, sockets, lines, notes }
    }

    /// The next datagram, if one has come. Of several sockets each has its turn.
    ///
    /// # Errors
    /// A socket can not be received from any more.
    #[allow(clippy::should_implement_trait)] // A datagram borrows the receiver: an iterator can not lend.
    pub fn next(&mut self) -> Result<Option<Datagram<'_>>, UdpError> {
        let taken = match &mut self.way {
            Way::Ring(ring) => ring.take(&self.sockets)?,
            Way::Plain(plain) => plain.take(&self.sockets)?,
        };
        let Some(taken) = taken else { return Ok(None) };
        let Taken { line, from, received, dropped, bytes, is_cut } = taken;
        if let Some(Line { counters, dropped: before }) = self.lines.get_mut(line) {
            counters.datagrams += 1;
            counters.cut += u64::from(is_cut);
            if let Some(dropped) = dropped {
                counters.dropped += u64::from(dropped.wrapping_sub(*before));
                *before = dropped;
            }
        }
        let received = received.unwrap_or_else(unix_now_ns);
        let bytes = match &self.way {
            Way::Ring(ring) => ring.payload(bytes),
            Way::Plain(plain) => plain.payload(bytes),
        };
        Ok(Some(Datagram { line, from, received, bytes }))
    }

    /// Waits until there may be a datagram, at most so long. False, at once: it can not wait for one, because there is no
    /// io_uring.
    pub fn wait(&mut self, at_most: Duration) -> bool {
        match &mut self.way {
            Way::Ring(ring) => ring.wait(at_most),
            Way::Plain(_) => false,
        }
    }

    /// Sends a datagram from the socket of a line, whose answers come to that line.
    ///
    /// # Errors
    /// The system refuses it.
    pub fn send(&self, line: usize, payload: &[u8], to: SocketAddrV4) -> Result<(), UdpError> {
        let Some(socket) = self.sockets.get(line) else { return Ok(()) };
        socket.socket.send_to(payload, to).map(drop).map_err(at(to, "send"))
    }

    /// What each line has received.
    pub fn counters(&self) -> impl Iterator<Item = LineCounters> {
        self.lines.iter().map(|line| line.counters)
    }

    /// The address of each line.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddrV4> {
        self.sockets.iter().map(Socket::address)
    }

    /// What the system has not granted, in words.
    pub fn notes(&self) -> impl Iterator<Item = &str> {
        self.notes.iter().map(String::as_str)
    }

    /// How often a request of io_uring had to be made again: no buffer was left, or the kernel ended it. The first of each
    /// line is not counted.
    #[must_use]
    pub fn rearmed(&self) -> u64 {
        match &self.way {
            Way::Ring(ring) => ring.rearmed,
            Way::Plain(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::{Interface, Sender, SocketOptions};

    fn open(ip: Ipv4Addr, receive_bytes: usize) -> Socket {
        let address = SocketAddrV4::new(ip, 0);
        let interface = Some(Interface(Ipv4Addr::LOCALHOST));
        let options = SocketOptions { interface, receive_bytes, ..SocketOptions::new(address) };
        Socket::open(&options).unwrap()
    }

    /// The datagrams that come until one is the last.
    fn received(receiver: &mut Receiver, last: &[u8]) -> Vec<(usize, Vec<u8>)> {
        let mut all = Vec::new();
        while all.last().is_none_or(|(_, bytes): &(usize, Vec<u8>)| bytes != last) {
            if let Some(Datagram { line, received, bytes, .. }) = receiver.next().unwrap() {
                let age = unix_now_ns() - received;
                assert!((0..60_000_000_000).contains(&age), "{age} ns old");
                all.push((line, bytes.to_vec()));
            }
        }
        all
    }

    const WAYS: [fn(Vec<Socket>) -> Receiver; 2] = [Receiver::new, Receiver::plain];

    #[test]
    fn unicast_and_multicast_come_with_their_line_and_time() {
        WAYS.into_iter().for_each(come_with_their_line_and_time);
    }

    fn come_with_their_line_and_time(way: fn(Vec<Socket>) -> Receiver) {
        let sockets =
            vec![open(Ipv4Addr::LOCALHOST, 1 << 16), open(Ipv4Addr::new(239, 255, 7, 1), 1 << 16)];
        let addresses: Vec<_> = sockets.iter().map(Socket::address).collect();
        let mut receiver = way(sockets);
        assert_eq!(receiver.next().unwrap(), None);
        let to = |address| Sender::open(address, Some(Interface(Ipv4Addr::LOCALHOST)), 0).unwrap();
        let (unicast, multicast) = (to(addresses[0]), to(addresses[1]));
        unicast.send(b"one").unwrap();
        assert_eq!(received(&mut receiver, b"one"), [(0, b"one".to_vec())]);
        multicast.send(b"").unwrap();
        multicast.send(&[7; 1400]).unwrap();
        assert_eq!(received(&mut receiver, &[7; 1400]), [(1, vec![]), (1, vec![7; 1400])]);
        // The socket of line 1 asks, and the answer comes to it.
        receiver.send(0, b"ask", addresses[0]).unwrap();
        assert_eq!(received(&mut receiver, b"ask"), [(0, b"ask".to_vec())]);
        let counters: Vec<_> = receiver.counters().collect();
        assert_eq!((counters[0].datagrams, counters[1].datagrams), (2, 2));
        assert_eq!((counters[0].dropped, counters[0].cut), (0, 0));
    }

    #[test]
    fn a_wait_ends_when_a_datagram_comes() {
        let socket = open(Ipv4Addr::LOCALHOST, 1 << 16);
        let sender = Sender::open(socket.address(), None, 0).unwrap();
        let mut receiver = Receiver::new(vec![socket]);
        assert_eq!(receiver.next().unwrap(), None);
        if !receiver.wait(Duration::ZERO) {
            println!("skipped: io_uring is not to be had here");
            return;
        }
        std::thread::scope(|scope| {
            scope.spawn(|| sender.send(b"one").unwrap());
            // Whether it has come by then or comes later: else this would stand still.
            while receiver.next().unwrap().is_none() {
                assert!(receiver.wait(Duration::from_secs(3_600)));
            }
        });
    }

    #[test]
    fn what_the_kernel_drops_is_counted() {
        WAYS.into_iter().for_each(drops_are_counted);
    }

    fn drops_are_counted(way: fn(Vec<Socket>) -> Receiver) {
        let socket = open(Ipv4Addr::LOCALHOST, 4096);
        let sender = Sender::open(socket.address(), None, 0).unwrap();
        let mut receiver = way(vec![socket]);
        let sent = 200;
        for _ in 0..sent {
            sender.send(&[1; 1000]).unwrap();
        }
        let mut taken = 0;
        while receiver.next().unwrap().is_some() {
            taken += 1;
        }
        sender.send(b"last").unwrap();
        taken += received(&mut receiver, b"last").len() as u64 - 1;
        let counters: Vec<_> = receiver.counters().collect();
        assert!(taken < sent);
        assert_eq!(counters[0].dropped, sent - taken);
    }
}

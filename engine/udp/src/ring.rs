//! Receiving through io_uring: one request for each socket brings datagram after datagram, without a system call for any.
//!
//! 1. Buffers are given to the kernel through a ring in shared memory. A datagram takes one, and it is given back when the
//!    next datagram is taken.
//! 2. A request ends when no buffer is left, or for reasons of the kernel's own: it is made again, and that is counted.
//! 3. Requests are made by the thread that takes datagrams first: what completes them runs there, when the thread comes by,
//!    which a flag in shared memory asks it to. So the kernel need not interrupt a thread that spins, which takes longer.
//! 4. The memory is let go only when the kernel has ended every request on it.
//!
//! Source: `io_uring_setup(2)`, `io_uring_register_buf_ring(3)`, `io_uring_prep_recvmsg_multishot(3)`; Linux 6.0.
#![allow(unsafe_code)]

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsRawFd;
use std::ptr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use io_uring::types::{BufRingEntry, CancelBuilder, Fd, RecvMsgOut, SubmitArgs, Timespec};
use io_uring::{IoUring, Probe, cqueue, opcode};
use memmap2::MmapMut;
use nix::libc::{ECANCELED, EINTR, ENOBUFS, ETIME, msghdr, sockaddr_in};

use crate::control::{CONTROL_BYTES, Said};
use crate::error::{UdpError, at};
use crate::receiver::{DATAGRAM_BYTES_MAX, Taken};
use crate::socket::Socket;

/// Buffers that the kernel has: datagrams that may wait here before they wait in their socket.
const BUFFERS: u16 = 512;
const NAME_BYTES: usize = size_of::<sockaddr_in>();
/// What the kernel puts before the name: four lengths.
const OUT_BYTES: usize = 16;
const PAYLOAD_AT: usize = OUT_BYTES + NAME_BYTES + CONTROL_BYTES;
/// Bytes from one buffer to the next, whole pages: those that no datagram needs are never touched.
const BUFFER_BYTES: usize = (PAYLOAD_AT + DATAGRAM_BYTES_MAX).next_multiple_of(4096);
/// The group of the buffers; a ring of ours has one.
const GROUP: u16 = 0;

const _: () = assert!(BUFFERS.is_power_of_two() && BUFFERS <= 1 << 15);

/// Buffers, and the ring through which the kernel gets them.
struct Buffers {
    /// Entries of the ring; its tail lies in the first.
    entries: MmapMut,
    bytes: MmapMut,
    tail: u16,
}

impl Buffers {
    fn new() -> io::Result<Self> {
        let entries = MmapMut::map_anon(usize::from(BUFFERS) * size_of::<BufRingEntry>())?;
        let bytes = MmapMut::map_anon(usize::from(BUFFERS) * BUFFER_BYTES)?;
        Ok(Self { entries, bytes, tail: 0 })
    }

    /// Gives a buffer to the kernel. It must be one that the kernel does not have.
    fn give(&mut self, buffer: u16) {
        let slot = usize::from(self.tail & (BUFFERS - 1));
        let entries = self.entries.as_mut_ptr().cast::<BufRingEntry>();
        let address = self.bytes.as_ptr().wrapping_add(usize::from(buffer) * BUFFER_BYTES) as u64;
        // SAFETY: `slot` is below BUFFERS, so the entry lies in the mapping, which is zero at first: a valid entry. The
        // kernel reads an entry only once the tail has passed it, and there are as many entries as buffers.
        let entry = unsafe { &mut *entries.add(slot) };
        entry.set_addr(address);
        entry.set_len(BUFFER_BYTES as u32);
        entry.set_bid(buffer);
        self.tail = self.tail.wrapping_add(1);
        // SAFETY: the tail is a field of the first entry, which the mapping holds for as long as `self` lives. It is aligned,
        // and it is written here alone.
        let tail = unsafe { AtomicU16::from_ptr(BufRingEntry::tail(entries).cast_mut()) };
        tail.store(self.tail, Ordering::Release);
    }

    /// A part of a buffer that the kernel does not have.
    fn of(&self, buffer: u16, from: usize, bytes: usize) -> &[u8] {
        let bytes = bytes.min(BUFFER_BYTES.saturating_sub(from));
        let at = usize::from(buffer & (BUFFERS - 1)) * BUFFER_BYTES + from.min(BUFFER_BYTES);
        // SAFETY: buffer and part lie in the mapping: the number is below BUFFERS, and the part ends within BUFFER_BYTES.
        // The kernel does not write to it: it was told of this buffer in a completion, and has not been given it since.
        unsafe { std::slice::from_raw_parts(self.bytes.as_ptr().add(at), bytes) }
    }
}

/// Receives datagrams.
pub(crate) struct Ring {
    /// `None` only while it is dropped.
    ring: Option<IoUring>,
    buffers: Option<Buffers>,
    /// What the kernel is asked to leave room for: it is read while a request is made.
    header: Box<msghdr>,
    /// Of each socket: whether a request waits for its datagrams.
    is_armed: Vec<bool>,
    /// Whether one of them has none.
    must_arm: bool,
    /// The buffer of the datagram before.
    held: Option<u16>,
    pub(crate) rearmed: u64,
}

// SAFETY: the pointers in `header` are null. The ring may be moved to another thread; only one uses it at a time.
unsafe impl Send for Ring {}

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ring").field("is_armed", &self.is_armed).finish_non_exhaustive()
    }
}

impl Ring {
    /// A ring for so many sockets.
    pub(crate) fn new(sockets: usize) -> io::Result<Self> {
        let ring = IoUring::builder()
            .setup_cqsize(u32::from(BUFFERS) * 2)
            .setup_coop_taskrun()
            .setup_taskrun_flag()
            .build(sockets.next_power_of_two().max(8) as u32)?;
        let mut probe = Probe::new();
        ring.submitter().register_probe(&mut probe)?;
        // It came with the same kernel.
        if !probe.is_supported(opcode::SendZc::CODE) {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "the kernel is older than 6.0"));
        }
        let mut buffers = Buffers::new()?;
        let address = buffers.entries.as_ptr() as u64;
        // SAFETY: the mapping begins on a page, has BUFFERS entries, and lives until the ring has ended: see `drop`.
        unsafe { ring.submitter().register_buf_ring_with_flags(address, BUFFERS, GROUP, 0) }?;
        (0..BUFFERS).for_each(|buffer| buffers.give(buffer));
        // SAFETY: a msghdr of zeros is valid: no name, no parts, no control data.
        let mut header: Box<msghdr> = Box::new(unsafe { std::mem::zeroed() });
        header.msg_namelen = NAME_BYTES as u32;
        header.msg_controllen = CONTROL_BYTES;
        Ok(Self {
            ring: Some(ring),
            buffers: Some(buffers),
            header,
            is_armed: vec![false; sockets],
            must_arm: true,
            held: None,
            rearmed: 0,
        })
    }

    /// A datagram, if one has come.
    pub(crate) fn take(&mut self, sockets: &[Socket]) -> Result<Option<Taken>, UdpError> {
        if let (Some(held), Some(buffers)) = (self.held.take(), &mut self.buffers) {
            buffers.give(held);
        }
        if self.must_arm {
            self.arm(sockets)?;
        }
        let (Some(ring), Some(buffers)) = (&mut self.ring, &self.buffers) else { return Ok(None) };
        let mut completion = ring.completion().next();
        if completion.is_none() && ring.submission().taskrun() {
            let address = sockets.first().map_or(NOBODY, Socket::address);
            ring.submit().map_err(at(address, "have io_uring hand over datagrams"))?;
            completion = ring.completion().next();
        }
        let Some(completion) = completion else { return Ok(None) };
        let line = completion.user_data() as usize;
        let (flags, result) = (completion.flags(), completion.result());
        if !cqueue::more(flags)
            && let Some(is_armed) = self.is_armed.get_mut(line)
        {
            *is_armed = false;
            self.must_arm = true;
            self.rearmed += 1;
        }
        if result < 0 {
            // No buffer was left, or the thread that had asked is gone.
            if [-ENOBUFS, -ECANCELED].contains(&result) {
                return Ok(None);
            }
            let address = sockets.get(line).map_or(NOBODY, Socket::address);
            return Err(at(address, "receive")(io::Error::from_raw_os_error(-result)));
        }
        let Some(buffer) = cqueue::buffer_select(flags) else { return Ok(None) };
        self.held = Some(buffer);
        let whole = buffers.of(buffer, 0, result as usize);
        let Ok(out) = RecvMsgOut::parse(whole, &self.header) else { return Ok(None) };
        let Said { received, dropped } = Said::read(out.control_data());
        Ok(Some(Taken {
            line,
            from: sender(out.name_data()),
            received,
            dropped,
            bytes: out.payload_data().len(),
            is_cut: out.is_payload_truncated(),
        }))
    }

    /// Waits until there may be a datagram, at most so long; false if that can not be waited for.
    pub(crate) fn wait(&mut self, at_most: Duration) -> bool {
        let Some(ring) = &self.ring else { return false };
        let at_most = Timespec::from(at_most);
        let waited = ring.submitter().submit_with_args(1, &SubmitArgs::new().timespec(&at_most));
        let is_over = |error: io::Error| matches!(error.raw_os_error(), Some(ETIME | EINTR));
        waited.map_or_else(is_over, |_| true)
    }

    /// The payload of the datagram before, of so many bytes.
    pub(crate) fn payload(&self, bytes: usize) -> &[u8] {
        match (&self.buffers, self.held) {
            (Some(buffers), Some(held)) => buffers.of(held, PAYLOAD_AT, bytes),
            _ => &[],
        }
    }

    /// Makes the requests that wait for datagrams, of the sockets that have none.
    fn arm(&mut self, sockets: &[Socket]) -> Result<(), UdpError> {
        let Some(ring) = &mut self.ring else { return Ok(()) };
        let mut is_new = false;
        self.must_arm = false;
        for (line, (socket, is_armed)) in sockets.iter().zip(&mut self.is_armed).enumerate() {
            if *is_armed {
                continue;
            }
            let fd = Fd(socket.socket.as_raw_fd());
            let header: *const msghdr = ptr::from_ref(&*self.header);
            let entry = opcode::RecvMsgMulti::new(fd, header, GROUP).build().user_data(line as u64);
            // SAFETY: the header and the buffers live until the ring has ended, see `drop`, and the socket is the
            // receiver's, which drops it after the ring.
            let pushed = unsafe { ring.submission().push(&entry) };
            *is_armed = pushed.is_ok();
            is_new |= *is_armed;
            // Where the queue is full the next look makes it.
            self.must_arm |= !*is_armed;
        }
        if is_new {
            let address = sockets.first().map_or(NOBODY, Socket::address);
            ring.submit().map_err(at(address, "ask io_uring for datagrams"))?;
        }
        Ok(())
    }
}

impl Drop for Ring {
    /// Ends the requests before the memory goes that they write to.
    fn drop(&mut self) {
        let Some(ring) = self.ring.take() else { return };
        let ended = ring.submitter().register_sync_cancel(None, CancelBuilder::any());
        let nothing_waits =
            ended.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        drop(ring);
        if ended.is_err() && !nothing_waits {
            // The kernel may still write to it: it is better lost than used by something else.
            std::mem::forget(self.buffers.take());
        }
    }
}

/// Where the kernel does not say who has sent a datagram.
const NOBODY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);

/// The sender: a `sockaddr_in`, whose port and address are in network order behind its family.
fn sender(name: &[u8]) -> SocketAddrV4 {
    match name {
        [_, _, port_high, port_low, a, b, c, d, ..] => SocketAddrV4::new(
            Ipv4Addr::new(*a, *b, *c, *d),
            u16::from_be_bytes([*port_high, *port_low]),
        ),
        _ => NOBODY,
    }
}

//! The generated day in the shapes that captures have.

use std::io::{self, Write};

use super::Market;
use crate::mold::{self, PacketBuilder};
use crate::net;

/// Bytes gathered before they are written.
const CHUNK_BYTES: usize = 1 << 18;

const SESSION: mold::Session = *b"TIDEWIRE01";
/// Time from a packet's last message to its capture.
const TRANSIT_NS: u64 = 12_000;
/// A packet waits this long for more messages.
const PACKET_NS_MAX: u64 = 10_000;

/// Ethernet, IPv4 and UDP before the payload.
const FRAME_HEADER_BYTES: usize = 14 + 20 + 8;
const PAYLOAD_BYTES_MAX: usize = 1400;

const _: () = assert!(
    mold::HEADER_BYTES + mold::LENGTH_BYTES + crate::itch::MESSAGE_BYTES_MAX <= PAYLOAD_BYTES_MAX
);

impl Market {
    /// Writes the day as a file of messages, each behind a big-endian two-byte length.
    ///
    /// # Errors
    /// `to` can not be written.
    pub fn write_itch_file(mut self, to: &mut impl Write) -> io::Result<()> {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES + 64);
        loop {
            let at = chunk.len();
            chunk.extend_from_slice(&[0; 2]);
            if !self.next_into(&mut chunk) {
                chunk.truncate(at);
                return to.write_all(&chunk);
            }
            let length = (chunk.len() - at - 2) as u16;
            chunk[at..at + 2].copy_from_slice(&length.to_be_bytes());
            if chunk.len() >= CHUNK_BYTES {
                to.write_all(&chunk)?;
                chunk.clear();
            }
        }
    }

    /// Writes the day as a pcap file with nanoseconds, of MoldUDP64 packets with several messages each: first a
    /// heartbeat, at last the end of the session.
    ///
    /// `midnight_ns` is the day's midnight, Eastern time, in nanoseconds since the Unix epoch.
    ///
    /// # Errors
    /// `to` can not be written.
    pub fn write_mold_pcap(mut self, to: &mut impl Write, midnight_ns: i64) -> io::Result<()> {
        let mut pcap = Pcap { to, midnight_ns, chunk: net::file_header(1).to_vec() };
        let mut packet = PacketBuilder::new(SESSION, 1);
        packet.finish(|payload| pcap.packet(self.time_ns(), payload))?;

        let mut message = Vec::new();
        let mut first_ns = self.time_ns();
        let mut last_ns = first_ns;
        while self.next_into(&mut message) {
            let now_ns = self.time_ns();
            let size = packet.size() + mold::LENGTH_BYTES + message.len();
            let is_due = now_ns - first_ns > PACKET_NS_MAX || size > PAYLOAD_BYTES_MAX;
            if is_due && packet.count() > 0 {
                packet.finish(|payload| pcap.packet(last_ns, payload))?;
            }
            if packet.count() == 0 {
                first_ns = now_ns;
            }
            // A packet that is sent when it reaches the limit of its size has room in its count.
            let _ = packet.push(&message);
            message.clear();
            last_ns = now_ns;
        }
        if packet.count() > 0 {
            packet.finish(|payload| pcap.packet(last_ns, payload))?;
        }
        packet.finish_session(|payload| pcap.packet(last_ns, payload))?;
        pcap.flush()
    }
}

struct Pcap<'w, W> {
    to: &'w mut W,
    midnight_ns: i64,
    chunk: Vec<u8>,
}

impl<W: Write> Pcap<'_, W> {
    /// A packet whose last message is of `sent_ns` since midnight.
    fn packet(&mut self, sent_ns: u64, payload: &[u8]) -> io::Result<()> {
        let ts_ns = self.midnight_ns.saturating_add_unsigned(sent_ns + TRANSIT_NS);
        let bytes = FRAME_HEADER_BYTES + payload.len();
        self.chunk.extend_from_slice(&net::packet_header(ts_ns, bytes as u32));
        self.chunk.extend_from_slice(&frame_header(payload.len() as u16));
        self.chunk.extend_from_slice(payload);
        if self.chunk.len() >= CHUNK_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.write_all(&self.chunk)?;
        self.chunk.clear();
        Ok(())
    }
}

/// The headers of a datagram from 10.0.0.1 to the multicast group 233.54.12.111, port 26477. Its UDP checksum is
/// left out, as IPv4 allows.
fn frame_header(payload_bytes: u16) -> [u8; FRAME_HEADER_BYTES] {
    let mut frame = [0; FRAME_HEADER_BYTES];
    let (ethernet, rest) = frame.split_at_mut(14);
    let (ip, udp) = rest.split_at_mut(20);
    ethernet.copy_from_slice(&[1, 0, 0x5E, 0x36, 0x0C, 0x6F, 2, 0, 0, 0, 0, 1, 0x08, 0x00]);
    ip.copy_from_slice(&[
        0x45, 0, 0, 0, 0, 0, 0x40, 0, 16, 17, 0, 0, 10, 0, 0, 1, 233, 54, 12, 111,
    ]);
    ip[2..4].copy_from_slice(&(28 + payload_bytes).to_be_bytes());
    let mut sum: u32 =
        ip.chunks_exact(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum();
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    ip[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    udp[0..2].copy_from_slice(&26_477_u16.to_be_bytes());
    udp[2..4].copy_from_slice(&26_477_u16.to_be_bytes());
    udp[4..6].copy_from_slice(&(8 + payload_bytes).to_be_bytes());
    frame
}

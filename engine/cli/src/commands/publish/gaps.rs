//! The server that has kept what was sent: it answers requests of MoldUDP64.

use std::net::SocketAddrV4;

use tidewire_feeds::mold::{Answer, History, Request};
use tidewire_udp::{Receiver, Socket, SocketOptions, UdpError};

use super::packets::PAYLOAD_BYTES_MAX;

/// Requests that are answered before the next packet is sent.
const REQUESTS_PER_TURN: usize = 64;

/// What was asked.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct GapCounters {
    pub(super) requests: u64,
    /// Messages sent in answers.
    pub(super) messages: u64,
    /// Requests for what is not kept, of another session, or that are none.
    pub(super) refused: u64,
}

/// The server.
pub(super) struct GapServer {
    receiver: Receiver,
    pub(super) counters: GapCounters,
}

impl GapServer {
    pub(super) fn open(address: SocketAddrV4) -> Result<Self, UdpError> {
        let socket = Socket::open(&SocketOptions::new(address))?;
        let receiver = Receiver::plain(vec![socket]);
        Ok(Self { receiver, counters: GapCounters::default() })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> Option<SocketAddrV4> {
        self.receiver.addresses().next()
    }

    /// Answers what has been asked. Whether anything was.
    pub(super) fn serve(&mut self, history: &History) -> Result<bool, UdpError> {
        for turn in 0..REQUESTS_PER_TURN {
            let Some(datagram) = self.receiver.next()? else { return Ok(turn > 0) };
            let (from, request) = (datagram.from, Request::parse(datagram.bytes));
            self.counters.requests += 1;
            let mut answer = Vec::new();
            let found = request.map(|request| {
                history.answer(request, PAYLOAD_BYTES_MAX, |bytes| answer.extend_from_slice(bytes))
            });
            match found {
                Ok(Answer::Messages(messages)) => {
                    self.counters.messages += u64::from(messages);
                    self.receiver.send(0, &answer, from)?;
                }
                Ok(Answer::OtherSession | Answer::NotKept) | Err(_) => self.counters.refused += 1,
            }
        }
        Ok(true)
    }
}

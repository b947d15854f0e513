//! The same messages over SoupBinTCP, to whoever logs in.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddrV4, TcpListener, TcpStream};

use tidewire_feeds::decode::Decoded;
use tidewire_feeds::mold::History;
use tidewire_feeds::soup::{Request, Server, ServerError, Session};

/// Clients at once. One more waits until one has gone.
const CLIENTS_MAX: usize = 64;
/// Bytes that wait for a client to take them.
const OUT_BYTES_MAX: usize = 256 << 10;
/// Bytes of a client that are read at once; no packet of a client that means something here is as long.
const IN_BYTES: usize = 64 << 10;

/// What was served.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SoupCounters {
    pub(super) logins: u64,
    pub(super) rejected: u64,
    pub(super) messages: u64,
    /// Connections that were closed before the end of the session.
    pub(super) broken: u64,
}

struct Client {
    stream: TcpStream,
    server: Server,
    received: Vec<u8>,
    out: Vec<u8>,
    has_ended: bool,
}

/// The server of all clients.
pub(super) struct SoupServer {
    listener: TcpListener,
    session: Session,
    clients: Vec<Client>,
    pub(super) counters: SoupCounters,
}

impl SoupServer {
    pub(super) fn open(address: SocketAddrV4, session: Session) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, session, clients: Vec::new(), counters: SoupCounters::default() })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> io::Result<std::net::SocketAddr> {
        self.listener.local_addr()
    }

    /// Whether a client has logged in and not gone.
    pub(super) fn has_client(&self) -> bool {
        self.clients.iter().any(|client| client.server.next_sequence().is_some())
    }

    /// Takes in clients and what they say, and sends them what they are to have next, up to message `newest`. With `ended`
    /// there is no more. Whether anything was done.
    pub(super) fn serve(&mut self, history: &History, newest: u64, ended: bool, now: i64) -> bool {
        let mut was_busy = self.accept(now);
        let Self { clients, counters, .. } = self;
        clients.retain_mut(|client| match client.serve(history, newest, ended, now, counters) {
            Ok(done) => {
                was_busy |= done > 0;
                true
            }
            Err(()) => {
                was_busy = true;
                counters.broken += u64::from(!client.has_ended);
                false
            }
        });
        was_busy
    }

    fn accept(&mut self, now: i64) -> bool {
        if self.clients.len() == CLIENTS_MAX {
            return false;
        }
        let Ok((stream, _)) = self.listener.accept() else { return false };
        if stream.set_nonblocking(true).and_then(|()| stream.set_nodelay(true)).is_err() {
            self.counters.broken += 1;
            return true;
        }
        let (received, out) = (Vec::new(), Vec::new());
        let server = Server::new(self.session, now);
        self.clients.push(Client { stream, server, received, out, has_ended: false });
        true
    }
}

impl Client {
    /// The bytes that went one way or the other; `Err`: the connection is over.
    fn serve(
        &mut self,
        history: &History,
        newest: u64,
        ended: bool,
        now: i64,
        counters: &mut SoupCounters,
    ) -> Result<usize, ()> {
        let read = self.read()?;
        self.take_in(newest, now, counters)?;
        while self.out.len() < OUT_BYTES_MAX
            && let Some(next) = self.server.next_sequence().filter(|next| *next <= newest)
        {
            // What is not kept any more can not be had: the client is better off to know.
            let message = history.message(next).ok_or(())?;
            if !self.server.send(message, now, &mut self.out) {
                return Err(());
            }
            counters.messages += 1;
        }
        let has_all = self.server.next_sequence().is_some_and(|next| next > newest);
        if ended && has_all && !self.has_ended {
            self.server.end(&mut self.out);
            self.has_ended = true;
        }
        if !self.has_ended {
            self.server.tick(now, &mut self.out).map_err(drop)?;
        }
        let done = read + self.write()?;
        if self.has_ended && self.out.is_empty() {
            // The client has all, and goes when it has read it: to close here could take it away from him.
            self.stream.shutdown(Shutdown::Write).map_err(drop)?;
            return Ok(0);
        }
        Ok(done)
    }

    fn take_in(&mut self, newest: u64, now: i64, counters: &mut SoupCounters) -> Result<(), ()> {
        let mut at = 0;
        let done = loop {
            let bytes = self.received.get(at..).unwrap_or_default();
            match self.server.receive(bytes, now, newest, |_| true, &mut self.out) {
                Ok(Decoded::Message { message: Request::Logout, .. }) => break Err(()),
                Ok(Decoded::Message { message, consumed }) => {
                    at += consumed;
                    counters.logins += u64::from(matches!(message, Request::From(_)));
                }
                Ok(Decoded::Skip { consumed }) => at += consumed,
                Ok(Decoded::NeedMore { .. }) => break Ok(()),
                Err(error) => {
                    counters.rejected += u64::from(matches!(error, ServerError::Rejected(_)));
                    // The answer says why, if the client takes it.
                    let _ = self.write();
                    break Err(());
                }
            }
        };
        self.received.drain(..at);
        done
    }

    fn read(&mut self) -> Result<usize, ()> {
        let before = self.received.len();
        self.received.resize(before + IN_BYTES, 0);
        let read = match self.stream.read(&mut self.received[before..]) {
            Ok(0) => Err(()),
            Ok(read) => Ok(read),
            Err(error) if is_not_yet(&error) => Ok(0),
            Err(_) => Err(()),
        };
        self.received.truncate(before + read.unwrap_or(0));
        read
    }

    fn write(&mut self) -> Result<usize, ()> {
        let mut written = 0;
        while written < self.out.len() {
            match self.stream.write(&self.out[written..]) {
                Ok(0) => return Err(()),
                Ok(bytes) => written += bytes,
                Err(error) if is_not_yet(&error) => break,
                Err(_) => return Err(()),
            }
        }
        self.out.drain(..written);
        Ok(written)
    }
}

fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

//! Connections as tables: `'connector' = 'tcp'`. What a connection carries is parted into messages by `framing`; a message
//! is a row.
//!
//! 1. With `'mode' = 'connect'` there is one connection. The first must come about. One that breaks or ends later is made
//!    anew; each try waits twice as long as the one before. After [`TRIES_MAX`] that fail the job stops.
//! 2. With `'mode' = 'listen'` any may connect, up to [`CONNECTIONS_MAX`] at once; one more is hung up on, and counted.
//! 3. Nothing waits, but a try to connect again for [`RECONNECT`] at most: what has not come is looked for again. What
//!    breaks off within a message is counted.
//! 4. What was received is kept in a journal, where there is one: see [`live`](super::live). What a sender has sent while
//!    the job was not there is the sender's to send again.

mod outgoing;
mod writer;

use std::io::{self, ErrorKind, Read as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use tidewire_udp::clock::{monotonic_ns, unix_now_ns};

use super::live::{Came, Framer, Framing, Inbox, Keeping, Live, Numbered, TextRows, Transport};
use super::{Columns, OptionError, Options, TableError, TableReader};

pub(super) use self::writer::writer;

/// Connections that may be open at once.
const CONNECTIONS_MAX: usize = 64;
/// Tries to connect again that may fail in a row.
const TRIES_MAX: u32 = 10;
/// How long the first of them waits, ns; each one more waits twice as long.
const RETRY_NS: i64 = 50_000_000;
/// How long the first connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// How long one that is made again may take: the job waits.
const RECONNECT: Duration = Duration::from_millis(100);
/// Bytes that are read at once.
const READ_BYTES: usize = 64 << 10;

/// The reader of a table.
pub(super) fn reader(
    mut options: Options,
    columns: &Columns,
) -> Result<Box<dyn TableReader>, TableError> {
    let (tcp, rows, keeping) = parts(&mut options, columns)?;
    options.finish()?;
    Ok(Box::new(Live::new("tcp", tcp, rows, keeping)?))
}

fn parts(
    options: &mut Options,
    columns: &Columns,
) -> Result<(Tcp, TextRows<Numbered>, Keeping), TableError> {
    let text = options.need("address", "an IP address with a port, as 127.0.0.1:9000")?;
    let address = text.parse().map_err(|_| {
        OptionError::value("address", &text, "an IP address with a port, as 127.0.0.1:9000")
    })?;
    let listens = options.parse("mode", "connect or listen", |text| match text {
        "connect" => Some(false),
        "listen" => Some(true),
        _ => None,
    })?;
    let framing = framing(options)?;
    let format = options.clone().take("format").unwrap_or_default();
    let keeping = Keeping::take(options, &format)?;
    let known = Numbered::new(text, columns)?;
    let rows = TextRows::take(options, columns, known)?;
    let side = match listens.unwrap_or(false) {
        true => Side::Listening(None),
        false => Side::Connecting { next: 0, tries: 0 },
    };
    let tcp = Tcp {
        address,
        side,
        framing,
        open: Vec::new(),
        turn: 0,
        piece: vec![0; READ_BYTES],
        counters: Counters::default(),
    };
    Ok((tcp, rows, keeping))
}

fn framing(options: &mut Options) -> Result<Framing, OptionError> {
    let framing = options.parse("framing", "lines or length", |text| match text {
        "lines" => Some(Framing::Lines),
        "length" => Some(Framing::Length),
        _ => None,
    })?;
    Ok(framing.unwrap_or(Framing::Lines))
}

enum Side {
    /// From when on to try again, ns of the monotonic clock, and how often that has failed.
    Connecting { next: i64, tries: u32 },
    /// Once it is started.
    Listening(Option<TcpListener>),
}

struct Connection {
    stream: TcpStream,
    framer: Framer,
    /// From 0, in the order in which they came.
    number: u32,
}

#[derive(Debug, Default)]
struct Counters {
    messages: u64,
    connections: u64,
    broken: u64,
    failed: u64,
    refused: u64,
    cut: u64,
}

/// Receives messages of connections.
struct Tcp {
    address: SocketAddr,
    side: Side,
    framing: Framing,
    open: Vec<Connection>,
    /// Which of them is looked at next.
    turn: usize,
    piece: Vec<u8>,
    counters: Counters,
}

impl Tcp {
    fn failed(&self, what: &str, error: &io::Error) -> TableError {
        let problem = format!("{what}: {error}");
        TableError::Input { place: self.address.to_string(), problem }
    }

    fn connected(&mut self, stream: TcpStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        let number = self.counters.connections as u32;
        self.counters.connections += 1;
        self.open.push(Connection { stream, framer: Framer::new(self.framing), number });
        Ok(())
    }

    /// Looks for new connections. `true`: one has come about.
    fn look(&mut self) -> Result<bool, TableError> {
        let stream = match &mut self.side {
            Side::Listening(listener) => match listener.as_ref().map(TcpListener::accept) {
                Some(Ok((stream, _))) => stream,
                Some(Err(error)) if error.kind() != ErrorKind::WouldBlock => {
                    self.counters.failed += 1;
                    return Ok(false);
                }
                _ => return Ok(false),
            },
            Side::Connecting { .. } if !self.open.is_empty() => return Ok(false),
            Side::Connecting { next, tries } => {
                let now = monotonic_ns();
                if now < *next {
                    return Ok(false);
                }
                match TcpStream::connect_timeout(&self.address, RECONNECT) {
                    Ok(stream) => {
                        *tries = 0;
                        stream
                    }
                    Err(error) => {
                        self.counters.failed += 1;
                        *tries += 1;
                        *next = now + (RETRY_NS << (*tries - 1));
                        if *tries <= TRIES_MAX {
                            return Ok(false);
                        }
                        let what = format!("{TRIES_MAX} tries to connect again have failed");
                        return Err(self.failed(&what, &error));
                    }
                }
            }
        };
        if self.open.len() == CONNECTIONS_MAX {
            self.counters.refused += 1;
            return Ok(true);
        }
        if self.connected(stream).is_err() {
            self.counters.failed += 1;
        }
        Ok(true)
    }

    /// Reads of one connection. `None`: nothing has come.
    fn read(&mut self, at: usize, inbox: &mut Inbox) -> Result<Option<()>, TableError> {
        let Self { address, open, piece, counters, side, .. } = self;
        let Some(Connection { stream, framer, number }) = open.get_mut(at) else {
            return Ok(None);
        };
        let read = match stream.read(piece) {
            Ok(read) => Some(read),
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                return Ok(None);
            }
            Err(_) => None,
        };
        let received = unix_now_ns();
        let mut push = |message: &[u8]| {
            counters.messages += 1;
            inbox.push(received, *number, message);
        };
        match read {
            Some(0) => {
                let cut = framer.end(push);
                counters.cut += u64::from(cut > 0);
            }
            Some(read) => {
                let bytes = piece.get(..read).unwrap_or_default();
                framer.take(bytes, || address.to_string(), &mut push)?;
                return Ok(Some(()));
            }
            None => {
                counters.broken += 1;
                // A line whose end has not come may be cut.
                let mut is_cut = false;
                is_cut |= framer.end(|_| is_cut = true) > 0;
                counters.cut += u64::from(is_cut);
            }
        }
        open.remove(at);
        if let Side::Connecting { next, .. } = side {
            *next = monotonic_ns() + RETRY_NS;
        }
        Ok(Some(()))
    }
}

impl Transport for Tcp {
    /// The first connection must come about, and the address must be free.
    fn start(&mut self) -> Result<(), TableError> {
        match &mut self.side {
            Side::Connecting { .. } => {
                let stream = TcpStream::connect_timeout(&self.address, CONNECT);
                let connected = stream.and_then(|stream| self.connected(stream));
                connected.map_err(|error| self.failed("can not connect", &error))
            }
            Side::Listening(listener) => {
                let made = TcpListener::bind(self.address).and_then(|made| {
                    made.set_nonblocking(true)?;
                    Ok(made)
                });
                match made {
                    Ok(made) => *listener = Some(made),
                    Err(error) => return Err(self.failed("can not listen", &error)),
                }
                Ok(())
            }
        }
    }

    fn receive(&mut self, inbox: &mut Inbox) -> Result<Came, TableError> {
        for _ in 0..self.open.len() {
            self.turn = (self.turn + 1) % self.open.len().max(1);
            if self.read(self.turn, inbox)?.is_some() {
                return Ok(Came::Something);
            }
        }
        Ok(if self.look()? { Came::Something } else { Came::Nothing })
    }

    fn place(&self) -> String {
        self.address.to_string()
    }

    fn counts(&self) -> Vec<(String, u64)> {
        let Counters { messages, connections, broken, failed, .. } = self.counters;
        let counts = [
            ("messages", messages),
            ("connections", connections),
            ("connections that broke", broken),
            ("connections that did not come about", failed),
        ];
        counts.map(|(what, count)| (what.to_owned(), count)).into()
    }

    fn skipped(&self) -> Vec<(String, u64)> {
        let counts = [
            ("messages cut by the end of their connection", self.counters.cut),
            ("connections beyond the 64 that may be open", self.counters.refused),
        ];
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        counts.map(|(what, count)| (what.to_owned(), count)).collect()
    }
}

#[cfg(test)]
mod tests;

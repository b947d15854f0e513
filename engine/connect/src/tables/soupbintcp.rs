//! SoupBinTCP as tables: `'connector' = 'soupbintcp'`.
//!
//! 1. The table is a stream of the ITCH 5.0 that a server sends, from the message asked for to the end of the session.
//! 2. The first connection must come about. One that breaks later is made anew, and goes on with the message that is
//!    next; each try waits twice as long as the one before. After [`TRIES_MAX`] that fail the job stops.
//! 3. Nothing waits: a connection that is being made is looked at again.
//! 4. What was received is kept in a journal, where there is one: see [`live`](super::live). The login asks for the message
//!    behind the last one there.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tidewire_feeds::decode::Decoded;
use tidewire_feeds::sequence::{Event as Numbers, Tracker};
use tidewire_feeds::soup::{Client, ClientError, Event, Login, Session};
use tidewire_udp::clock::{monotonic_ns, unix_now_ns};

use super::feeds;
use super::live::{Came, Inbox, Keeping, Live, Message, MoldRows, MoldSender, Transport};
use super::{Columns, OptionError, Options, OwnColumns, TableError, TableReader};

/// Tries to connect again that may fail in a row.
const TRIES_MAX: u32 = 10;
/// How long the first of them waits, ns; each one more waits twice as long.
const RETRY_NS: i64 = 50_000_000;
/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// Bytes that are read at once.
const READ_BYTES: usize = 64 << 10;

const FORMATS: &str = "itch";

/// The columns of a table.
pub(super) fn columns_of(options: &Options) -> Result<OwnColumns, TableError> {
    let mut options = options.clone();
    format(&mut options)?;
    feeds::live_columns(&mut options)
}

/// The reader of a table.
pub(super) fn reader(
    mut options: Options,
    columns: &Columns,
) -> Result<Box<dyn TableReader>, TableError> {
    format(&mut options)?;
    let text = options.need("address", "the server, as 192.0.2.1:7000")?;
    let address = text.parse::<SocketAddr>().map_err(|_| {
        OptionError::value("address", &text, "an IP address with a port, as 192.0.2.1:7000")
    })?;
    let login = Login {
        user: characters(&mut options, "user", false)?,
        password: characters(&mut options, "password", false)?,
        session: characters(&mut options, "session", true)?,
        sequence: options
            .parse("sequence", "the number of the first message; 0: the newest", |it| {
                it.parse().ok()
            })?
            .unwrap_or(1),
    };
    let keeping = Keeping::take(&mut options, "itch")?;
    let rows = MoldRows::new(feeds::live_rows(&mut options, columns, &text)?);
    options.finish()?;
    Ok(Box::new(Live::new("soupbintcp", Soup::new(address, login), rows, keeping)?))
}

fn format(options: &mut Options) -> Result<(), OptionError> {
    match options.need("format", FORMATS)?.as_str() {
        "itch" => Ok(()),
        other => Err(OptionError::value("format", other, FORMATS)),
    }
}

/// A text of at most `N` characters, filled up with blanks: on the left, or on the right.
fn characters<const N: usize>(
    options: &mut Options,
    name: &'static str,
    on_the_left: bool,
) -> Result<[u8; N], OptionError> {
    let Some(text) = options.take(name) else { return Ok([b' '; N]) };
    if text.len() > N || !text.is_ascii() {
        let hidden = if name == "password" { "..." } else { &text };
        let expected = format!("at most {N} characters of ASCII");
        return Err(OptionError::value(name, hidden, expected));
    }
    let mut bytes = [b' '; N];
    let from = if on_the_left { N - text.len() } else { 0 };
    bytes[from..from + text.len()].copy_from_slice(text.as_bytes());
    Ok(bytes)
}

/// What there is of a connection.
enum Link {
    /// None, until this moment.
    Waiting(i64),
    /// It is being made, until this moment.
    Connecting(TcpStream, i64),
    Open(TcpStream),
}

/// What has come.
#[derive(Debug, Default)]
struct Counters {
    messages: u64,
    unsequenced: u64,
    connections: u64,
    failed: u64,
}

/// Receives a stream of a session.
struct Soup {
    address: SocketAddr,
    client: Client,
    link: Link,
    /// Tries that have failed in a row.
    tries: u32,
    tracker: Tracker<Session>,
    session: Session,
    login: Login,
    sender: MoldSender,
    received: Vec<u8>,
    out: Vec<u8>,
    counters: Counters,
    /// Since when there is no connection, and for how long there was none before that: ns.
    cut_off_since: Option<i64>,
    cut_off_ns: i64,
}

impl Soup {
    fn new(address: SocketAddr, login: Login) -> Self {
        Self {
            address,
            client: Client::new(login),
            link: Link::Waiting(0),
            tries: 0,
            tracker: Tracker::default(),
            session: login.session,
            login,
            sender: MoldSender::default(),
            received: Vec::new(),
            out: Vec::new(),
            counters: Counters::default(),
            cut_off_since: None,
            cut_off_ns: 0,
        }
    }

    fn connected(&mut self, stream: TcpStream, now: i64) {
        self.counters.connections += 1;
        if let Some(since) = self.cut_off_since.take() {
            self.cut_off_ns += (unix_now_ns() - since).max(0);
        }
        self.received.clear();
        self.out.clear();
        self.client.connected(now, &mut self.out);
        self.link = Link::Open(stream);
    }

    /// The connection is of no more use, or did not come about.
    fn broken(&mut self, why: &str, now: i64) -> Result<(), TableError> {
        self.counters.failed += 1;
        self.tries += 1;
        self.cut_off_since.get_or_insert_with(unix_now_ns);
        if self.tries > TRIES_MAX {
            let problem = format!("{why}; {TRIES_MAX} tries to connect again have failed");
            return Err(at(self.address, problem));
        }
        self.link = Link::Waiting(now + (RETRY_NS << (self.tries - 1)));
        Ok(())
    }

    /// Goes on with what there is of a connection. `false`: nothing has come of it.
    fn turn(&mut self, inbox: &mut Inbox) -> Result<bool, TableError> {
        let now = monotonic_ns();
        match &mut self.link {
            Link::Waiting(until) if now < *until => Ok(false),
            Link::Waiting(_) => {
                match begin(self.address) {
                    Ok(stream) => {
                        let until = now + CONNECT.as_nanos() as i64;
                        self.link = Link::Connecting(stream, until);
                    }
                    Err(error) => self.broken(&format!("can not connect: {error}"), now)?,
                }
                Ok(true)
            }
            Link::Connecting(stream, until) => {
                let why = match stream.take_error() {
                    Ok(None) if stream.peer_addr().is_ok() => {
                        let Link::Connecting(stream, _) =
                            std::mem::replace(&mut self.link, Link::Waiting(now))
                        else {
                            return Ok(true);
                        };
                        self.connected(stream, now);
                        return Ok(true);
                    }
                    Ok(None) if now < *until => return Ok(false),
                    Ok(None) => "the server does not answer".to_owned(),
                    Ok(Some(error)) | Err(error) => format!("can not connect: {error}"),
                };
                self.broken(&why, now)?;
                Ok(true)
            }
            Link::Open(_) => self.talk(now, inbox),
        }
    }

    fn talk(&mut self, now: i64, inbox: &mut Inbox) -> Result<bool, TableError> {
        let Self { link: Link::Open(stream), client, received, out, .. } = self else {
            return Ok(false);
        };
        if let Err(error) = client.tick(now, out) {
            self.broken(&error.to_string(), now)?;
            return Ok(true);
        }
        let moved = write(stream, out).and_then(|()| read(stream, received));
        let read = match moved {
            Ok(read) => read,
            Err(error) => {
                self.broken(&error.to_string(), now)?;
                return Ok(true);
            }
        };
        if read > 0 {
            self.take_in(now, inbox)?;
        }
        Ok(read > 0)
    }

    /// Takes in what has been received.
    fn take_in(&mut self, now: i64, inbox: &mut Inbox) -> Result<(), TableError> {
        let arrived = unix_now_ns();
        let Self { client, received, tracker, session, sender, counters, tries, .. } = self;
        let mut at_byte = 0;
        let failed = loop {
            let bytes = received.get(at_byte..).unwrap_or_default();
            let (event, consumed) = match client.receive(bytes, now) {
                Ok(Decoded::Message { message, consumed }) => (message, consumed),
                Ok(Decoded::Skip { consumed }) => {
                    at_byte += consumed;
                    continue;
                }
                Ok(Decoded::NeedMore { .. }) => break None,
                Err(error) => break Some(error),
            };
            at_byte += consumed;
            match event {
                Event::Accepted { session: accepted, sequence } => {
                    *tries = 0;
                    *session = accepted;
                    // The first login sets the number expected. One that goes on elsewhere leaves a gap, or restarts.
                    number(tracker, accepted, sequence, 0);
                    if sender.reached() != Some((accepted, sequence)) {
                        if sender.reached().is_some_and(|(before, _)| before != accepted) {
                            sender.reach(accepted, 1, arrived, inbox);
                        }
                        sender.reach(accepted, sequence, arrived, inbox);
                    }
                }
                Event::Message { sequence, bytes } => {
                    counters.messages += 1;
                    if number(tracker, *session, sequence, 1) {
                        sender.message((*session, sequence), (arrived, 0), bytes, inbox);
                    }
                }
                Event::Unsequenced(_) => counters.unsequenced += 1,
                Event::Debug(_) => {}
                Event::EndOfSession => {
                    sender.end(*session, tracker.expected(), arrived, inbox);
                }
            }
        };
        received.drain(..at_byte);
        match failed {
            None => Ok(()),
            Some(error @ ClientError::Rejected(_)) => Err(at(self.address, error.to_string())),
            Some(error) => self.broken(&error.to_string(), now),
        }
    }
}

/// What the numbers say. `false`: the message has been seen.
fn number(tracker: &mut Tracker<Session>, session: Session, sequence: u64, count: u64) -> bool {
    loop {
        let run = tracker.observe(session, sequence, count);
        if !matches!(run.event, Numbers::Restart { .. }) {
            return !matches!(run.event, Numbers::Duplicate { .. });
        }
    }
}

/// Begins to connect.
fn begin(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    match socket.connect(&address.into()) {
        Ok(()) => Ok(socket.into()),
        Err(error) if error.raw_os_error() == Some(EINPROGRESS) => Ok(socket.into()),
        Err(error) => Err(error),
    }
}

/// What Linux says of a connection that is on its way.
const EINPROGRESS: i32 = 115;

/// Writes as much of `out` as goes now.
fn write(stream: &mut TcpStream, out: &mut Vec<u8>) -> io::Result<()> {
    while !out.is_empty() {
        match stream.write(out) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => drop(out.drain(..written)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads what has come, and says how much that is.
fn read(stream: &mut TcpStream, received: &mut Vec<u8>) -> io::Result<usize> {
    let before = received.len();
    received.resize(before + READ_BYTES, 0);
    let read = match received.get_mut(before..).map(|room| stream.read(room)) {
        None => Ok(0),
        Some(Ok(0)) => Err(io::Error::new(ErrorKind::UnexpectedEof, "the server has hung up")),
        Some(Ok(read)) => Ok(read),
        Some(Err(error))
            if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
        {
            Ok(0)
        }
        Some(Err(error)) => Err(error),
    };
    received.truncate(before + read.as_ref().copied().unwrap_or(0));
    read
}

fn at(address: SocketAddr, problem: String) -> TableError {
    TableError::Input { place: address.to_string(), problem }
}

impl Transport for Soup {
    fn replayed(&mut self, message: &Message<'_>) {
        self.sender.replayed(message);
    }

    /// The first connection must come about.
    fn start(&mut self) -> Result<(), TableError> {
        if let Some((session, sequence)) = self.sender.reached() {
            self.session = session;
            self.tracker.observe(session, sequence, 0);
            self.client = Client::new(Login { session, sequence, ..self.login });
        }
        let stream = TcpStream::connect_timeout(&self.address, CONNECT);
        let stream = stream.and_then(|stream| {
            stream.set_nonblocking(true)?;
            Ok(stream)
        });
        let stream =
            stream.map_err(|error| at(self.address, format!("can not connect: {error}")))?;
        self.connected(stream, monotonic_ns());
        Ok(())
    }

    fn receive(&mut self, inbox: &mut Inbox) -> Result<Came, TableError> {
        Ok(if self.turn(inbox)? { Came::Something } else { Came::Nothing })
    }

    fn place(&self) -> String {
        self.address.to_string()
    }

    fn time(&self, now: i64) -> i64 {
        self.cut_off_since.unwrap_or(now).saturating_sub(self.cut_off_ns)
    }

    fn skipped(&self) -> Vec<(String, u64)> {
        let counts = [
            ("messages seen again", self.tracker.counters().duplicates),
            ("messages without a number", self.counters.unsequenced),
        ];
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        counts.map(|(why, count)| (why.to_owned(), count)).collect()
    }

    fn counts(&self) -> Vec<(String, u64)> {
        let numbers = self.tracker.counters();
        let counts = [
            ("messages", self.counters.messages),
            ("connections", self.counters.connections),
            ("connections that broke or did not come about", self.counters.failed),
            ("gaps", numbers.gaps),
            ("messages missing in them", numbers.missing),
            ("restarts", numbers.restarts),
        ];
        counts.map(|(what, count)| (what.to_owned(), count)).into()
    }
}

#[cfg(test)]
mod tests;

//! Writes rows to a connection.
//!
//! 1. The first connection must come about. One that breaks, or that the other side closes, is made anew; each try waits
//!    twice as long as the one before. After [`TRIES_MAX`](super::TRIES_MAX) that fail the job stops. Meanwhile rows wait
//!    where they come from.
//! 2. A message that the system has not taken whole is sent again. Of what it has taken nobody says whether it was read:
//!    what was under way when a connection broke may be lost.
//! 3. Messages go out when [`SEND_BYTES`] of them are there, or no more rows are; all of an epoch before it is prepared.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream, ToSocketAddrs as _};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

use super::super::live::Framing;
use super::super::message::{MessageEncoder, encoder};
use super::super::{Columns, OptionError, Options, TableError, TableWriter};
use super::outgoing::Outgoing;
use super::{CONNECT, RETRY_NS, TRIES_MAX, framing};

/// Bytes of messages that are held for more to come.
const SEND_BYTES: usize = 64 << 10;
/// Bytes of what the other side says that are read at once, and forgotten.
const FORGET_BYTES: usize = 4 << 10;

/// The writer of a table.
pub(in crate::tables) fn writer(
    options: Options,
    columns: &Columns,
) -> Result<Box<dyn TableWriter>, TableError> {
    Ok(Box::new(Sender::new(options, columns)?))
}

struct Sender {
    address: String,
    framing: Framing,
    encoder: Box<dyn MessageEncoder>,
    stream: TcpStream,
    outgoing: Outgoing,
    /// How long the first try to connect again waits.
    retry: Duration,
    broken: u64,
    failed: u64,
    /// Rows that have no message.
    without: u64,
}

impl Sender {
    fn new(mut options: Options, columns: &Columns) -> Result<Self, TableError> {
        let meaning = "a host and a port, as 127.0.0.1:9000";
        let address = options.need("address", meaning)?;
        let is_address = address
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        if !is_address {
            return Err(OptionError::value("address", address, meaning).into());
        }
        options.parse("mode", "a table that is written to connects: connect", |text| {
            (text == "connect").then_some(())
        })?;
        let framing = framing(&mut options)?;
        let encoder = encoder(&mut options, columns)?;
        options.finish()?;
        let stream = connect(&address).map_err(|error| {
            let problem = format!("can not connect: {error}");
            TableError::Output { place: address.clone(), problem }
        })?;
        Ok(Self {
            address,
            framing,
            encoder,
            stream,
            outgoing: Outgoing::default(),
            retry: Duration::from_nanos(RETRY_NS.unsigned_abs()),
            broken: 0,
            failed: 0,
            without: 0,
        })
    }

    fn error(&self, problem: String) -> TableError {
        TableError::Output { place: self.address.clone(), problem }
    }

    /// Sends all that is held.
    fn send(&mut self) -> Result<(), TableError> {
        while !self.outgoing.rest().is_empty() {
            if self.send_some().is_err() {
                self.connect_again()?;
            }
        }
        Ok(())
    }

    /// Sends what the connection takes, or waits until it takes some.
    fn send_some(&mut self) -> io::Result<()> {
        let Self { stream, outgoing, .. } = self;
        listen(stream)?;
        match stream.write(outgoing.rest()) {
            Ok(0) => Err(ErrorKind::WriteZero.into()),
            Ok(count) => {
                outgoing.taken(count);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let mut polled = [PollFd::new(stream, PollFlags::OUT | PollFlags::IN)];
                match poll(&mut polled, None) {
                    Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
                    Err(error) => Err(error.into()),
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn connect_again(&mut self) -> Result<(), TableError> {
        self.broken += 1;
        self.outgoing.begin_again();
        let mut pause = self.retry;
        let mut tries = 0;
        loop {
            thread::sleep(pause);
            match connect(&self.address) {
                Ok(stream) => {
                    self.stream = stream;
                    return Ok(());
                }
                Err(error) => {
                    self.failed += 1;
                    tries += 1;
                    pause *= 2;
                    if tries == TRIES_MAX {
                        let what = format!("{tries} tries to connect again have failed: {error}");
                        return Err(self.error(what));
                    }
                }
            }
        }
    }
}

/// A connection to the first address of the host that takes one.
fn connect(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the host has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_nonblocking(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Forgets what the other side has said; an error if it has closed the connection.
fn listen(stream: &mut TcpStream) -> io::Result<()> {
    match stream.read(&mut [0; FORGET_BYTES]) {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Err(error) if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            Err(error)
        }
        _ => Ok(()),
    }
}

impl TableWriter for Sender {
    fn row(&mut self, row: &[u8]) -> Result<(), TableError> {
        let Self { address, encoder, outgoing, framing, without, .. } = self;
        let failed = |problem| TableError::Output { place: address.clone(), problem };
        let Some(message) = encoder.encode(row).map_err(|bad| failed(bad.problem))? else {
            *without += 1;
            return Ok(());
        };
        outgoing.push(*framing, message).map_err(|error| failed(error.to_string()))?;
        if outgoing.rest().len() < SEND_BYTES { Ok(()) } else { self.send() }
    }

    fn flush(&mut self) -> Result<(), TableError> {
        self.send()
    }

    fn prepare(&mut self, _: u64) -> Result<Option<Vec<u8>>, TableError> {
        self.send()?;
        Ok(Some(Vec::new()))
    }

    fn commit(&mut self, _: u64) -> Result<(), TableError> {
        Ok(())
    }

    fn restore(&mut self, _: &[u8]) -> Result<(), TableError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), TableError> {
        self.send()?;
        match self.stream.shutdown(Shutdown::Write) {
            // All has been taken; that the other side has gone since changes nothing.
            Err(error) if error.kind() != ErrorKind::NotConnected => {
                Err(self.error(error.to_string()))
            }
            _ => Ok(()),
        }
    }

    fn troubles(&self) -> Vec<(String, u64)> {
        let counts = [
            ("connections that broke: rows on their way may be lost", self.broken),
            ("connections that did not come about", self.failed),
            ("rows not written: their value is NULL", self.without),
        ];
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        counts.map(|(what, count)| (what.to_owned(), count)).collect()
    }
}

#[cfg(test)]
mod tests;

//! Datagrams as tables: `'connector' = 'udp'`.
//!
//! 1. The addresses are lines of the same packets. With `'format' = 'itch'` they carry MoldUDP64 around ITCH 5.0, and
//!    become one stream: see [`Arbiter`](tidewire_feeds::mold::Arbiter). The table is a stream of it, with the columns that
//!    the connector `itch` has, and ends with the session. With another format each datagram is a row, whichever address it
//!    comes to.
//! 2. What was received once can not be received again: see [`live`](super::live). Behind the journal's last message the
//!    stream goes on as behind any other: what was missed meanwhile is a gap.

mod datagrams;
mod mold;

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use tidewire_udp::{Interface, Receiver, Socket, SocketOptions};

use self::datagrams::Datagrams;
use self::mold::Mold;
use super::feeds;
use super::live::{Keeping, Live, MoldRows, Numbered, TextRows};
use super::{Columns, OptionError, Options, OwnColumns, TableError, TableReader};

const FORMATS: &str = "itch, json, csv, avro or raw";
const ADDRESSES: &str = "addresses as 239.1.1.1:5000, with commas between them";
/// Addresses that a table may have: lines, or servers.
const ADDRESSES_MAX: usize = 8;

/// The columns of a table, where the format says them.
pub(super) fn columns_of(options: &Options) -> Result<Option<OwnColumns>, TableError> {
    let mut options = options.clone();
    match options.need("format", FORMATS)?.as_str() {
        "itch" => feeds::live_columns(&mut options).map(Some),
        "json" | "csv" | "raw" | "avro" => Ok(None),
        other => Err(OptionError::value("format", other, FORMATS).into()),
    }
}

/// What the kernel has dropped of all lines, to be watched.
fn dropped(receiver: &Receiver) -> (&'static str, u64) {
    ("dropped by the kernel", receiver.counters().map(|line| line.dropped).sum())
}

/// The reader of a table.
pub(super) fn reader(
    mut options: Options,
    columns: &Columns,
) -> Result<Box<dyn TableReader>, TableError> {
    let format = options.clone().need("format", FORMATS)?;
    let address = options.need("address", ADDRESSES)?;
    let lines = addresses("address", &address)?;
    let sockets = sockets(&mut options, &lines)?;
    if format != "itch" {
        let keeping = Keeping::take(&mut options, &format)?;
        let known = Numbered::new(address, columns)?;
        let rows = TextRows::take(&mut options, columns, known)?;
        options.finish()?;
        return Ok(Box::new(Live::new("udp", Datagrams::open(&sockets)?, rows, keeping)?));
    }
    options.take("format");
    let mold = mold::MoldOptions::take(&mut options)?;
    let keeping = Keeping::take(&mut options, "itch")?;
    let rows = MoldRows::new(feeds::live_rows(&mut options, columns, &address)?);
    options.finish()?;
    Ok(Box::new(Live::new("udp", Mold::open(&sockets, mold)?, rows, keeping)?))
}

/// The addresses of a list.
fn addresses(name: &'static str, text: &str) -> Result<Vec<SocketAddrV4>, OptionError> {
    let all: Result<Vec<_>, _> = text.split(',').map(|address| address.trim().parse()).collect();
    match all {
        Ok(all) if all.len() <= ADDRESSES_MAX => Ok(all),
        Ok(_) => Err(OptionError::value(name, text, format!("at most {ADDRESSES_MAX} addresses"))),
        Err(_) => Err(OptionError::value(name, text, ADDRESSES)),
    }
}

/// What the sockets of the lines are to be.
fn sockets(
    options: &mut Options,
    lines: &[SocketAddrV4],
) -> Result<Vec<SocketOptions>, OptionError> {
    let interface = match options.take("interface") {
        Some(name) => Some(
            name.parse::<Interface>()
                .map_err(|error| OptionError::value("interface", name, error.to_string()))?,
        ),
        None => None,
    };
    let source = options
        .parse("source", "the IPv4 address of the sender", |text| text.parse::<Ipv4Addr>().ok())?;
    let receive_bytes = options.parse("receive-buffer.bytes", "a number of bytes", |text| {
        text.parse().ok().filter(|bytes| *bytes > 0 && *bytes <= i32::MAX as usize)
    })?;
    let busy_poll = options.duration("busy-poll")?;
    Ok(lines
        .iter()
        .map(|address| {
            let default = SocketOptions::new(*address);
            SocketOptions {
                interface,
                source,
                receive_bytes: receive_bytes.unwrap_or(default.receive_bytes),
                busy_poll: busy_poll.map(|ns| Duration::from_nanos(ns.unsigned_abs())),
                ..default
            }
        })
        .collect())
}

fn open(options: &SocketOptions) -> Result<Socket, TableError> {
    Socket::open(options).map_err(failed)
}

/// An error of a socket, with its address in place of a file.
fn failed(error: tidewire_udp::UdpError) -> TableError {
    let place = error.address.to_string();
    let problem = error.to_string();
    let problem = problem.strip_prefix(&format!("{place}: ")).unwrap_or(&problem).to_owned();
    TableError::Input { place, problem }
}

#[cfg(test)]
mod tests;

//! Puts the quotes of a feed, which came out of order, into the order of their accept times.
//!
//! The input is text in zstd, a quote in a line: packet time, accept time (`HHMMSScc`), issue, five bids and five asks as
//! `quantity@price`. A quote waits in its shard, with its key's others, until the watermark has passed it, a second behind
//! the newest one. So what is written is sorted, and the same for any number of shards.
//!
//! `cargo run --release -p tidewire --example kospi_reorder -- UNSORTED.zst > sorted.txt`
#![allow(clippy::print_stderr)]

use std::cmp::Ordering;
use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use rkyv::Portable;
use tidewire::dataflow::InTurnRow;
use tidewire::prelude::*;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// How far quotes are out of order.
const REORDER: i64 = SECOND;

/// Five bids and five asks.
const LEVELS: usize = 10;

/// A quote.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct Quote {
    /// When its packet was captured.
    packet_us: i64_ule,
    /// When the exchange accepted it: hours, minutes, seconds and hundredths, two digits each.
    accepted: u32_ule,
    issue: [u8; 12],
    levels: [Level; LEVELS],
}

#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
struct Level {
    quantity: u32_ule,
    price: u32_ule,
}

impl Quote {
    /// Reads a line; `None` if it is no quote.
    fn read(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (seconds, micros) = words.next()?.split_once('.')?;
        let packet_us = seconds.parse::<i64>().ok()? * 1_000_000 + micros.parse::<i64>().ok()?;
        let accepted = words.next()?.parse::<u32>().ok()?.into();
        let issue = words.next()?.as_bytes().try_into().ok()?;
        let mut levels = [Level { quantity: 0.into(), price: 0.into() }; LEVELS];
        for level in &mut levels {
            let (quantity, price) = words.next()?.split_once('@')?;
            level.quantity = quantity.parse::<u32>().ok()?.into();
            level.price = price.parse::<u32>().ok()?.into();
        }
        words.next().is_none().then_some(Self {
            packet_us: packet_us.into(),
            accepted,
            issue,
            levels,
        })
    }

    /// The accept time as a time of day, ns.
    fn accepted_ns(&self) -> i64 {
        let digits = i64::from(self.accepted.to_native());
        let [hours, minutes] = [digits / 1_000_000, digits / 10_000 % 100];
        hours * HOUR + minutes * MINUTE + digits % 10_000 * (SECOND / 100)
    }

    /// Writes it as it was read.
    fn write(&self, to: &mut impl Write) -> std::io::Result<()> {
        let us = self.packet_us.to_native();
        write!(to, "{}.{:06} {:08} ", us / 1_000_000, us % 1_000_000, self.accepted.to_native())?;
        to.write_all(&self.issue)?;
        for Level { quantity, price } in &self.levels {
            write!(to, " {:07}@{:05}", quantity.to_native(), price.to_native())?;
        }
        writeln!(to)
    }
}

/// The quotes of a file, and how many of its lines are none.
pub(crate) fn quotes(path: &Path) -> Result<(Vec<Quote>, u64), Box<dyn Error>> {
    let (mut quotes, mut broken) = (Vec::new(), 0);
    for line in BufReader::new(zstd::Decoder::new(File::open(path)?)?).lines() {
        match Quote::read(&line?) {
            Some(quote) => quotes.push(quote),
            None => broken += 1,
        }
    }
    Ok((quotes, broken))
}

/// Writes lines.
pub(crate) struct Lines<W>(pub(crate) W);

impl<W: Write + Send> Sink for Lines<W> {
    type Row = InTurnRow<Quote>;
    type Late = Quote;
    type Error = std::io::Error;

    fn compare(&self, a: &Self::Row, b: &Self::Row) -> Ordering {
        a.place.cmp(&b.place)
    }

    fn row(&mut self, row: Self::Row) -> std::io::Result<()> {
        row.event.write(&mut self.0)
    }

    fn late(&mut self, header: &Header, _: Quote) -> std::io::Result<()> {
        eprintln!("quote {} came more than a second late", header.place.sequence());
        Ok(())
    }

    fn finish(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// The pipeline: what was written to, and how many quotes came too late.
pub(crate) fn reorder<W: Write + Send>(
    quotes: Vec<Quote>,
    to: W,
    options: &Options,
) -> Result<(W, u64), Box<dyn Error>> {
    let done = stream(events(quotes, Quote::accepted_ns))
        .watermark(|| Bounded::new(REORDER))
        .key_by(|quote: &Quote| quote.issue)
        .in_order()
        .in_turn()
        .run(Lines(to), options, &mut Silent)?;
    Ok((done.sink.0, done.late))
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("which quotes? give the path of a zstd file")?;
    let path = Path::new(&path);
    let (quotes, broken) = quotes(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let count = quotes.len();
    let (_, late) = reorder(quotes, BufWriter::new(std::io::stdout()), &Options::default())?;
    eprintln!("{count} quotes, {late} too late, {broken} lines that are none");
    Ok(())
}

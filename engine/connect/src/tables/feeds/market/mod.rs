//! Streams of `itch`, `iex` and `dbn`.
//!
//! 1. A message becomes as many rows as it says things: none, one, or one for each level that a replaced order has left
//!    and come to. They wait in [`Rows`].
//! 2. When a session starts afresh its books are empty: `bbo` and `depth` say so, of each symbol that had any.

mod rows;
mod itch;
mod live;
mod iex;
mod dbn;

use std::path::Path;

use tidewire_feeds::book::Counters;
use tidewire_feeds::capture::{Capture, Captured, Format, Message};
use tidewire_feeds::sequence::Event;

use self::dbn::{DbnRecord, DbnRows};
use self::iex::IexRows;
use self::itch::ItchRows;
pub(crate) use self::live::LiveItch;
use self::rows::{Head, Rows};
pub(super) use self::rows::{fits, prices, side_word};
use super::cells::Used;
use super::input::{Input, fraction};
use super::streams::{Feed, Stream};
use crate::market::SessionDate;
use crate::tables::{Read, TableError, TableReader};

/// What a gap leaves out.
const MISSING: &str = "messages missing in gaps of the sequence numbers";

/// Reads a stream of market data.
pub(super) struct MarketReader {
    capture: Capture,
    feed: FeedRows,
    rows: Rows,
    used: Used,
    input: Input,
}

enum FeedRows {
    Itch(Box<ItchRows>),
    Iex(Box<IexRows>),
    Dbn(Box<DbnRows>),
}

impl MarketReader {
    pub(super) fn open(
        feed: Feed,
        stream: Stream,
        path: &Path,
        date: Option<SessionDate>,
        used: Used,
        input: Input,
    ) -> Result<Self, TableError> {
        let capture = Capture::open(path, None).map_err(|error| input.unreadable(error))?;
        let (rows, formats) = match feed {
            Feed::Dbn => (FeedRows::Dbn(Box::new(DbnRows::new(stream))), &[Format::Dbn][..]),
            Feed::Iex => {
                let rows = IexRows::new(stream);
                (FeedRows::Iex(Box::new(rows)), &[Format::Pcap, Format::PcapNg][..])
            }
            _ => {
                let rows = ItchRows::new(stream, date, &used);
                let formats = &[Format::Itch, Format::Pcap, Format::PcapNg, Format::Journal];
                (FeedRows::Itch(Box::new(rows)), &formats[..])
            }
        };
        let format = capture.format();
        if !formats.contains(&format) {
            let names: Vec<_> = formats.iter().map(|format| format.name()).collect();
            let (names, feed) = (names.join(", "), feed.name());
            let problem = format!("the content is {format}; the connector '{feed}' reads {names}");
            return Err(input.error(None, problem));
        }
        Ok(Self { capture, feed: rows, rows: Rows::default(), used, input })
    }

    /// Takes in the next message. `false`: there is none.
    #[inline]
    fn next_message(&mut self) -> Result<bool, TableError> {
        let Self { capture, feed, rows, input, .. } = self;
        let captured = match capture.next() {
            Ok(Some(captured)) => captured,
            Ok(None) => return Ok(false),
            Err(error) => {
                input.failed(error)?;
                return Ok(true);
            }
        };
        let Captured { offset, ts_recv, sequence, message } = captured;
        let head = Head { offset, ts_recv, sequence };
        match (feed, message) {
            (feed, Message::Sequence(event)) => match event {
                Event::Gap { expected, found } => {
                    rows.has_gap = true;
                    input.missing(MISSING, found - expected, Some(offset))?;
                }
                Event::Restart { .. } => {
                    rows.has_gap = false;
                    // A restart is an event of the transport, which DBN does not have.
                    match feed {
                        FeedRows::Itch(itch) => itch.restart(rows),
                        FeedRows::Iex(iex) => iex.restart(rows),
                        FeedRows::Dbn(_) => {}
                    }
                }
                Event::InOrder | Event::Duplicate { .. } | Event::Reordered { .. } => {}
            },
            (FeedRows::Itch(itch), Message::Itch(message)) => {
                itch.message(&message, head, rows, input)?;
            }
            (FeedRows::Iex(iex), Message::Iex(message)) => {
                iex.message(&message, head, rows, input)?;
            }
            (FeedRows::Dbn(dbn), Message::Dbn(record)) => {
                if let Some(record) = DbnRecord::of(&record) {
                    dbn.record(record, head, capture, rows, input)?;
                }
            }
            (_, message) => {
                let connector = match message {
                    Message::Itch(_) => "itch",
                    Message::Iex(_) => "iex",
                    _ => "dbn",
                };
                let problem = format!("a message of '{connector}': take that connector");
                return Err(input.error(Some(offset), problem));
            }
        }
        Ok(true)
    }
}

impl TableReader for MarketReader {
    fn read(&mut self, row: &mut [u8]) -> Result<Read, TableError> {
        loop {
            let written = self.rows.write_next(row, &self.used);
            if let Some(read) = written.map_err(|problem| self.input.no_room(problem))? {
                return Ok(read);
            }
            if !self.next_message()? {
                return Ok(Read::End);
            }
        }
    }

    fn fraction_read(&self) -> Option<f64> {
        fraction(self.capture.bytes_read(), self.capture.bytes_total())
    }

    fn skipped(&self) -> Vec<(String, u64)> {
        let stats = self.capture.stats();
        let books = match &self.feed {
            FeedRows::Itch(itch) => itch.counters(),
            FeedRows::Iex(iex) => iex.counters(),
            FeedRows::Dbn(dbn) => dbn.counters(),
        };
        let counts = [
            ("messages seen again", stats.sequence.duplicates),
            ("packets cut short by the capture", stats.packets_truncated),
            ("packets of other protocols", stats.packets_other),
            ("fragments of packets", stats.fragments),
            ("packets with damaged headers", stats.packets_malformed),
            ("datagrams of no known feed", stats.datagrams_unrecognized),
        ];
        let mut skipped = self.input.skipped();
        skipped.extend(counted(counts.into_iter().chain(left_out_of_books(books))));
        skipped
    }
}

/// What books could not make use of.
fn left_out_of_books(counters: Counters) -> [(&'static str, u64); 5] {
    let Counters {
        unknown_references,
        duplicate_references,
        excess_sizes,
        zero_sizes,
        refused_at_bound,
    } = counters;
    [
        ("changes of orders that the capture has not shown", unknown_references),
        ("orders with the number of one that is live", duplicate_references),
        ("parts of changes that were larger than their order", excess_sizes),
        ("orders of no quantity", zero_sizes),
        ("orders and levels beyond the bounds of the books", refused_at_bound),
    ]
}

/// Those of which there are any.
fn counted(
    counts: impl IntoIterator<Item = (&'static str, u64)>,
) -> impl Iterator<Item = (String, u64)> {
    let some = counts.into_iter().filter(|(_, count)| *count > 0);
    some.map(|(why, count)| (why.to_owned(), count))
}

//! Captures as tables: `itch`, `iex`, `dbn`, `candump` and `binance`.
//!
//! 1. A table is one stream of a capture: its option `stream` names it, and its columns follow from it ([`columns`]).
//! 2. Only what the used columns need is worked out: no book is kept for trades of a feed that names their prices.
//! 3. What is damaged, missing or without a place in the stream is left out and counted, with why; with the option
//!    `strict` the first that is damaged or missing is an error.
//!
//! `docs/FEEDS.md` is the reference of streams and columns.

mod streams;
mod cells;
mod input;
mod names;
mod market;
mod can;
mod binance;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use tidewire_feeds::capture::{Capture, Format};

use self::cells::Used;
use self::input::Input;
pub(crate) use self::market::LiveItch;
use self::streams::{Col, Feed, PACKETS_DISORDER, Stream};
use super::{Column, Columns, OptionError, Options, OwnColumns, TableError, TableReader};
use crate::market::SessionDate;

/// The connectors.
pub const CONNECTORS: [&str; 5] = ["itch", "iex", "dbn", "candump", "binance"];

/// What the options of a table say.
#[derive(Debug)]
struct FeedTable {
    feed: Feed,
    stream: Stream,
    path: PathBuf,
    date: Option<SessionDate>,
    strict: bool,
}

impl FeedTable {
    fn new(mut options: Options) -> Result<Self, OptionError> {
        let feed = Feed::ALL.into_iter().find(|feed| feed.name() == options.connector());
        let feed = feed.ok_or_else(|| OptionError::Value {
            name: "connector".to_owned(),
            value: options.connector().to_owned(),
            expected: format!("one of {}", CONNECTORS.join(", ")),
        })?;
        let path = options.need("path", "the capture")?.into();
        let stream = take_stream(&mut options, feed)?;
        let date = match feed {
            Feed::Itch => take_date(&mut options)?,
            _ => None,
        };
        let strict = options.parse("strict", "true or false", |text| text.parse().ok())?;
        options.finish()?;
        Ok(Self { feed, stream, path, date, strict: strict.unwrap_or(false) })
    }
}

fn take_stream(options: &mut Options, feed: Feed) -> Result<Stream, OptionError> {
    match (options.take("stream"), feed.streams()) {
        (Some(name), streams) => {
            let known = streams.iter().find(|stream| stream.name() == name);
            let expected = || format!("'{}' has {}", feed.name(), feed.stream_names());
            known.copied().ok_or_else(|| OptionError::value("stream", name, expected()))
        }
        (None, [only]) => Ok(*only),
        (None, _) => {
            let meaning = feed.stream_option();
            Err(OptionError::missing(options.connector(), "stream", meaning))
        }
    }
}

fn take_date(options: &mut Options) -> Result<Option<SessionDate>, OptionError> {
    options.parse("date", "the day of the session, as 2019-12-30", |text| text.parse().ok())
}

/// The columns of a stream of ITCH that is received live, of which only the option `stream` is taken.
///
/// # Errors
/// There is no such stream.
pub(super) fn live_columns(options: &mut Options) -> Result<OwnColumns, TableError> {
    let stream = take_stream(options, Feed::Itch)?;
    Ok(own_columns(Feed::Itch, stream, Feed::Itch.disorder()))
}

/// What makes rows of such a stream, with the options `stream`, `date` and `strict`; `place` is where messages come from.
///
/// # Errors
/// An option is wrong; or a column is none of the stream's, or has another type.
pub(super) fn live_rows(
    options: &mut Options,
    columns: &Columns,
    place: &str,
) -> Result<LiveItch, TableError> {
    let stream = take_stream(options, Feed::Itch)?;
    let date = take_date(options)?;
    let strict = options.flag("strict")?.unwrap_or(false);
    let used = Used::new(Feed::Itch, stream, columns)?;
    Ok(LiveItch::new(stream, date, used, Input::new(place.into(), strict)))
}

fn own_columns(feed: Feed, stream: Stream, watermark_delay: i64) -> OwnColumns {
    let specs = feed.columns(stream);
    let columns = specs.iter().map(|spec| Column::physical(spec.field(feed))).collect();
    let event_time = specs.iter().position(|spec| spec.col == Col::TsEvent);
    OwnColumns { columns, event_time, watermark_delay }
}

/// The columns of a stream, its time of events, and how far its rows may be out of order.
///
/// # Errors
/// The connector is none of [`CONNECTORS`], or its options are wrong.
pub fn columns(options: &Options) -> Result<OwnColumns, TableError> {
    let FeedTable { feed, stream, path, .. } = FeedTable::new(options.clone())?;
    // Packets can be overtaken. A file that is not there yet is taken for one of bare messages.
    let is_in_packets = feed == Feed::Itch
        && Capture::open(&path, None)
            .is_ok_and(|capture| matches!(capture.format(), Format::Pcap | Format::PcapNg));
    let watermark_delay = if is_in_packets { PACKETS_DISORDER } else { feed.disorder() };
    Ok(own_columns(feed, stream, watermark_delay))
}

/// The reader of a stream.
///
/// # Errors
/// As [`columns`]; a column is none of the stream's, or has another type; or the capture can not be opened.
pub fn reader(options: Options, columns: &Columns) -> Result<Box<dyn TableReader>, TableError> {
    let FeedTable { feed, stream, path, date, strict } = FeedTable::new(options)?;
    let used = Used::new(feed, stream, columns)?;
    let input = Input::new(path.clone(), strict);
    Ok(match feed {
        Feed::Itch | Feed::Iex | Feed::Dbn => {
            Box::new(market::MarketReader::open(feed, stream, &path, date, used, input)?)
        }
        Feed::Candump => Box::new(can::CanReader::open(&path, used, input)?),
        Feed::Binance => Box::new(binance::BinanceReader::open(stream, &path, used, input)?),
    })
}

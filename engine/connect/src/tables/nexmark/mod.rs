//! The market of the Nexmark benchmark: `'connector' = 'nexmark'`. Of every 50 events the first is a person, three are
//! auctions, and 46 are bids, after Apache Beam's generator and the one for Flink.
//!
//! 1. Event n has the id `first-event-id` + n and the time `base-time` + n / `rate`, in ms. There are `events` of them over
//!    all streams, or no end of them.
//! 2. `stream` is which of them a table has: `person`, `auction`, `bid`, or `event`, where each is a ROW and the others are
//!    NULL. All streams of the same options are of one market: the auction of a bid is one that has been opened.
//! 3. A value follows from `seed`, the event and the column.

mod market;

use tidewire_event::time::SECOND;
use tidewire_event::{DataType, Field, RowWriter, Slot, Value};

use self::market::{Item, Kind, Market};
use super::datagen::start_time;
use super::options::nearest;
use super::random::Steady;
use super::text::{Bad, Scalar, cut, is_nested};
use super::{Column, Columns, OptionError, Options, OwnColumns, Read, TableError, TableReader};

/// 2015-07-15T00:00:00Z, as the original has it.
const BASE_TIME: i64 = 1_436_918_400_000_000_000;
const RATE: u64 = 10_000;
const SEED: u64 = 1;
/// How far the watermark is behind, as the benchmark's own tables have it.
const WATERMARK_DELAY: i64 = 4 * SECOND;
/// The column of the event time, in every stream.
const EVENT_TIME: &str = "dateTime";

/// Which events a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Of(Kind),
    All,
}

fn stream(options: &mut Options) -> Result<Stream, OptionError> {
    let name = options.need("stream", "person, auction, bid or event")?;
    Ok(match name.as_str() {
        "person" => Stream::Of(Kind::Person),
        "auction" => Stream::Of(Kind::Auction),
        "bid" => Stream::Of(Kind::Bid),
        "event" => Stream::All,
        _ => return Err(OptionError::value("stream", name, "person, auction, bid or event")),
    })
}

/// The columns of a stream, each with where its values come from.
fn columns(stream: Stream) -> Vec<(Field, From)> {
    let of = |kind: Kind| {
        let items = kind.items().iter();
        items.map(move |(name, ty, item)| (Field::new(*name, ty()), From::Item(kind, *item)))
    };
    match stream {
        Stream::Of(kind) => of(kind).map(|(field, from)| (field.not_null(), from)).collect(),
        Stream::All => {
            let row = |name: &str, kind: Kind| {
                let fields = of(kind).map(|(field, _)| field).collect();
                (Field::new(name, DataType::Row(fields)), From::Row(kind))
            };
            vec![
                (Field::new("event_type", DataType::Int).not_null(), From::EventType),
                row("person", Kind::Person),
                row("auction", Kind::Auction),
                row("bid", Kind::Bid),
                (Field::new(EVENT_TIME, DataType::Timestamp(3)).not_null(), From::Time),
            ]
        }
    }
}

/// Where the values of a column come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Item(Kind, Item),
    /// All of an event of that kind, NULL of others.
    Row(Kind),
    /// 0, 1 or 2: person, auction or bid.
    EventType,
    Time,
}

/// The columns of a table.
pub(super) fn columns_of(options: &Options) -> Result<OwnColumns, TableError> {
    let columns = columns(stream(&mut options.clone())?);
    let event_time = columns.iter().position(|(field, _)| field.name == EVENT_TIME);
    let columns = columns.into_iter().map(|(field, _)| Column::physical(field)).collect();
    Ok(OwnColumns { columns, event_time, watermark_delay: WATERMARK_DELAY })
}

/// Makes the events of a stream.
struct Nexmark {
    columns: Columns,
    makers: Vec<(From, DataType, Slot)>,
    market: Market,
    stream: Stream,
    next: u64,
    events: Option<u64>,
    text: Vec<u8>,
}

/// The readers of a table.
pub(super) fn readers(
    mut options: Options,
    columns: &Columns,
) -> Result<Vec<Box<dyn TableReader>>, TableError> {
    let stream = stream(&mut options)?;
    let whole = |text: &str| text.parse::<u64>().ok();
    let rate = options
        .parse("rate", "a whole number from 1 on", |text| whole(text).filter(|rate| *rate > 0))?;
    let start = start_time(&mut options, "base-time")?.unwrap_or(BASE_TIME);
    let market = Market {
        times: Steady { start, per_second: rate.unwrap_or(RATE) },
        seed: options.parse("seed", "a whole number", whole)?.unwrap_or(SEED),
        first_id: options.parse("first-event-id", "a whole number", whole)?.unwrap_or(0),
    };
    let events = options.parse("events", "a whole number", whole)?;
    options.finish()?;
    let known = self::columns(stream);
    let mut makers = Vec::new();
    for (column, slot) in columns.columns.iter().zip(columns.layout.slots()) {
        makers.push((source(column, &known)?, column.field.ty.clone(), *slot));
    }
    let columns = columns.clone();
    Ok(vec![Box::new(Nexmark {
        columns,
        makers,
        market,
        stream,
        next: 0,
        events,
        text: Vec::new(),
    })])
}

/// Where the values of a column of a table come from; it must be one of the stream, of its type.
fn source(column: &Column, known: &[(Field, From)]) -> Result<From, OptionError> {
    let Field { name, ty, .. } = &column.field;
    let Some((field, from)) = known.iter().find(|(field, _)| field.name == *name) else {
        let names: Vec<_> = known.iter().map(|(field, _)| field.name.as_str()).collect();
        let near = nearest(name, &names);
        let expected = format!("the stream has no such column{near}; it has {}", names.join(", "));
        return Err(OptionError::value("column", name, expected));
    };
    let fits = match &field.ty {
        text if text.is_text() => ty.is_text(),
        time if time.is_timestamp() => ty.is_timestamp(),
        nested if is_nested(nested) => nested == ty && column.field.nullable,
        other => other == ty,
    };
    match fits && column.metadata.is_none() {
        true => Ok(*from),
        false => Err(OptionError::value("column", name, format!("it is {} {}", name, field.ty))),
    }
}

impl Nexmark {
    fn put(&mut self, number: u64, time: i64, row: &mut [u8]) -> Result<(), (usize, Bad)> {
        let Self { columns, makers, market, text, .. } = self;
        let kind = market.kind(number);
        let mut writer = RowWriter::new(row, &columns.layout);
        for (at, (from, ty, slot)) in makers.iter().enumerate() {
            let put = match *from {
                From::Item(_, item) => match market.value(number, item, text) {
                    Scalar::Int(ns) if ty.is_timestamp() => {
                        Scalar::Int(of_digits(ns, ty)).put(&mut writer, slot)
                    }
                    scalar => scalar.put(&mut writer, slot),
                },
                From::Time => Scalar::Int(of_digits(cut(time, 3), ty)).put(&mut writer, slot),
                From::EventType => Scalar::Int(kind as i64).put(&mut writer, slot),
                From::Row(of) if of == kind => {
                    let values = kind
                        .items()
                        .iter()
                        .map(|(_, _, item)| market.value(number, *item, text).to_value());
                    let value = Value::List(values.collect());
                    text.clear();
                    value.encode(ty, text);
                    Scalar::Bytes(text).put(&mut writer, slot)
                }
                From::Row(_) => {
                    writer.null(slot);
                    Ok(())
                }
            };
            put.map_err(|bad| (at, bad))?;
        }
        Ok(())
    }
}

/// A time with the digits of its column.
fn of_digits(ns: i64, ty: &DataType) -> i64 {
    match ty {
        DataType::Timestamp(digits) | DataType::TimestampLtz(digits) => cut(ns, *digits),
        _ => ns,
    }
}

impl TableReader for Nexmark {
    fn read(&mut self, row: &mut [u8]) -> Result<Read, TableError> {
        let number = match self.stream {
            Stream::All => self.next,
            Stream::Of(kind) => self.market.next_of(kind, self.next),
        };
        let is_over = self.events.is_some_and(|events| number >= events);
        let Some(time) = self.market.times.at(number).filter(|_| !is_over) else {
            return Ok(Read::End);
        };
        self.next = number + 1;
        if let Err((at, bad)) = self.put(number, time, row) {
            let field = &self.columns.columns[at].field;
            return Err(TableError::Input {
                place: format!("nexmark: event {number}"),
                problem: bad.explain(&field.name, &field.ty, &self.text),
            });
        }
        Ok(Read::Row { received: Some(time), partition: 0 })
    }

    fn fraction_read(&self) -> Option<f64> {
        self.events.map(|events| (self.next as f64 / events.max(1) as f64).min(1.0))
    }
}

#[cfg(test)]
mod tests;

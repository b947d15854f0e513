//! Lines of a capture, decoded in place.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::DIGITS;
use crate::decode::{DecodeError, Found};

/// A line: when it was received, and what it says.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// When it was received, in nanoseconds since the Unix epoch.
    pub ts_ns: i64,
    /// What it says.
    pub message: Message<'a>,
}

/// A message of a stream, or the answer to a request for a snapshot.
#[derive(Debug, Clone, Copy)]
pub enum Message<'a> {
    /// `trade`.
    Trade(Trade<'a>),
    /// `bookTicker`.
    Ticker(Ticker<'a>),
    /// `depthUpdate`.
    Depth(Depth<'a>),
    /// A snapshot of a book.
    Snapshot(Snapshot<'a>),
    /// A message of another kind, by its name.
    Other(&'a str),
}

/// The exchange's times, in milliseconds since the Unix epoch, as far as the stream has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// `T`: when it happened in the matching engine.
    pub transaction_ms: Option<i64>,
    /// `E`: when the message was made.
    pub event_ms: Option<i64>,
}

impl Times {
    /// When it happened, in nanoseconds since the Unix epoch: `T`, or else `E`.
    #[must_use]
    pub fn happened_ns(&self) -> Option<i64> {
        self.transaction_ms.or(self.event_ms)?.checked_mul(1_000_000)
    }
}

/// A trade.
#[derive(Debug, Clone, Copy)]
pub struct Trade<'a> {
    /// The symbol.
    pub symbol: &'a str,
    /// When.
    pub times: Times,
    /// In 1e-8.
    pub price: i64,
    /// In 1e-8.
    pub quantity: i64,
    /// The number of the trade.
    pub id: i64,
    /// The buyer's order rested in the book; if not, the seller's did.
    pub buyer_is_maker: bool,
    /// `X`, where there is one: `MARKET`, `INSURANCE_FUND`, `ADL`.
    pub kind: Option<&'a str>,
}

/// The best levels of a book.
#[derive(Debug, Clone, Copy)]
pub struct Ticker<'a> {
    /// The symbol.
    pub symbol: &'a str,
    /// When.
    pub times: Times,
    /// The number of the book's last change.
    pub update_id: u64,
    /// The best bid.
    pub bid: PriceLevel,
    /// The best ask.
    pub ask: PriceLevel,
}

/// Changes of a book.
#[derive(Debug, Clone, Copy)]
pub struct Depth<'a> {
    /// The symbol.
    pub symbol: &'a str,
    /// When.
    pub times: Times,
    /// The number of its first change.
    pub first_update_id: u64,
    /// The number of its last change.
    pub last_update_id: u64,
    /// The last number of the message before it, where the stream says it: spot does not.
    pub previous_update_id: Option<u64>,
    /// Bids, each with its new quantity, 0 if it is gone.
    pub bids: RawLevels<'a>,
    /// Asks, the same.
    pub asks: RawLevels<'a>,
}

/// A book, or its best levels.
#[derive(Debug, Clone, Copy)]
pub struct Snapshot<'a> {
    /// When; a spot snapshot has no time.
    pub times: Times,
    /// The number of the last change that is in it.
    pub last_update_id: u64,
    /// Bids.
    pub bids: RawLevels<'a>,
    /// Asks.
    pub asks: RawLevels<'a>,
}

/// A price, and what rests there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PriceLevel {
    /// In 1e-8.
    pub price: i64,
    /// In 1e-8.
    pub quantity: i64,
}

/// Levels as text, `[["61800.20", "2.507"], ...]`: [`LevelBuffer`] reads them.
#[derive(Debug, Clone, Copy)]
pub struct RawLevels<'a>(&'a str);

/// Levels that were read, in memory that is used again.
#[derive(Debug, Clone, Default)]
pub struct LevelBuffer(Vec<PriceLevel>);

impl LevelBuffer {
    /// Reads levels.
    ///
    /// # Errors
    /// The text is no list of pairs of decimals.
    pub fn read(&mut self, levels: RawLevels<'_>) -> Result<&[PriceLevel], DecodeError> {
        self.0.clear();
        let mut json = serde_json::Deserializer::from_str(levels.0);
        match Into(&mut self.0).deserialize(&mut json) {
            Ok(()) => Ok(&self.0),
            Err(error) => {
                let expected = "levels: [[\"price\", \"quantity\"], ...]";
                Err(of_json(&error, levels.0.as_bytes(), expected))
            }
        }
    }
}

#[derive(Deserialize)]
#[allow(non_snake_case, reason = "the names are Binance's, and differ in their case only")]
struct Fields<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    e: Option<&'a str>,
    E: Option<i64>,
    T: Option<i64>,
    s: Option<&'a str>,
    U: Option<u64>,
    u: Option<u64>,
    pu: Option<u64>,
    #[serde(borrow)]
    b: Option<&'a RawValue>,
    #[serde(borrow)]
    a: Option<&'a RawValue>,
    B: Option<&'a str>,
    A: Option<&'a str>,
    t: Option<i64>,
    #[serde(borrow)]
    p: Option<&'a RawValue>,
    #[serde(borrow)]
    q: Option<&'a RawValue>,
    X: Option<&'a str>,
    m: Option<bool>,
    #[serde(rename = "lastUpdateId")]
    last_update_id: Option<u64>,
    #[serde(borrow)]
    bids: Option<&'a RawValue>,
    #[serde(borrow)]
    asks: Option<&'a RawValue>,
}

const JSON: &str = "a JSON object, as Binance sends it";

/// Decodes a line.
///
/// # Errors
/// The line has no time or no JSON object, or a message of a kind that is read here lacks what it must have.
pub fn decode(line: &[u8]) -> Result<Received<'_>, DecodeError> {
    let at = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
    let received = "when the line was received, in ns since 1970, before a blank";
    let time = line.get(..at).and_then(|text| std::str::from_utf8(text).ok());
    let time = time.and_then(|text| text.parse().ok());
    let ts_ns = time.ok_or_else(|| error(0, received, Found::Length(at), line))?;
    let behind = line.get(at..).unwrap_or_default();
    let text = std::str::from_utf8(behind).map_err(|utf8| {
        error((at + utf8.valid_up_to()) as u64, "UTF-8", Found::Length(behind.len()), line)
    })?;
    let place =
        |problem: DecodeError| DecodeError { resume: Some(line.len()), ..problem.at(at as u64) };
    let message = of_text(text).map_err(place)?;
    Ok(Received { ts_ns, message })
}

fn of_text(text: &str) -> Result<Message<'_>, DecodeError> {
    let read = |text| {
        serde_json::from_str::<Fields<'_>>(text)
            .map_err(|error| of_json(&error, text.as_bytes(), JSON))
    };
    let fields = read(text)?;
    match fields.data {
        None => of_fields(&fields, text.len()),
        Some(data) => of_fields(&read(data.get())?, text.len()),
    }
}

fn of_fields<'a>(fields: &Fields<'a>, length: usize) -> Result<Message<'a>, DecodeError> {
    let lacks = |expected| DecodeError {
        offset: 0,
        expected,
        found: Found::Length(length),
        resume: Some(length),
    };
    let times = Times { transaction_ms: fields.T, event_ms: fields.E };
    // A spot ticker has no kind.
    let kind = match fields.e {
        None if fields.bids.is_some() => "snapshot",
        None if fields.u.is_some() => "bookTicker",
        kind => kind.unwrap_or("(none)"),
    };
    let symbol = fields.s.ok_or_else(|| lacks("a message with a symbol (s)"));
    match kind {
        "trade" => of_trade(fields, times, symbol?).ok_or_else(|| {
            lacks("a trade with t, p, q and m, its decimals of up to 8 digits behind the point")
        }),
        "bookTicker" => of_ticker(fields, times, symbol?).ok_or_else(|| {
            lacks("a ticker with u, b, B, a and A, its decimals of up to 8 digits behind the point")
        }),
        "depthUpdate" => of_depth(fields, times, symbol?)
            .ok_or_else(|| lacks("a depth update with U, u, b and a")),
        "snapshot" => of_snapshot(fields, times)
            .ok_or_else(|| lacks("a snapshot with lastUpdateId, bids and asks")),
        other => Ok(Message::Other(other)),
    }
}

fn of_trade<'a>(fields: &Fields<'a>, times: Times, symbol: &'a str) -> Option<Message<'a>> {
    Some(Message::Trade(Trade {
        symbol,
        times,
        price: quoted(fields.p?)?,
        quantity: quoted(fields.q?)?,
        id: fields.t?,
        buyer_is_maker: fields.m?,
        kind: fields.X,
    }))
}

fn of_ticker<'a>(fields: &Fields<'a>, times: Times, symbol: &'a str) -> Option<Message<'a>> {
    let level =
        |price, quantity| Some(PriceLevel { price: quoted(price)?, quantity: units(quantity)? });
    let bid = level(fields.b?, fields.B?)?;
    let ask = level(fields.a?, fields.A?)?;
    Some(Message::Ticker(Ticker { symbol, times, update_id: fields.u?, bid, ask }))
}

fn of_depth<'a>(fields: &Fields<'a>, times: Times, symbol: &'a str) -> Option<Message<'a>> {
    Some(Message::Depth(Depth {
        symbol,
        times,
        first_update_id: fields.U?,
        last_update_id: fields.u?,
        previous_update_id: fields.pu,
        bids: RawLevels(fields.b?.get()),
        asks: RawLevels(fields.a?.get()),
    }))
}

fn of_snapshot<'a>(fields: &Fields<'a>, times: Times) -> Option<Message<'a>> {
    Some(Message::Snapshot(Snapshot {
        times,
        last_update_id: fields.last_update_id?,
        bids: RawLevels(fields.bids?.get()),
        asks: RawLevels(fields.asks?.get()),
    }))
}

/// A decimal in quotes.
fn quoted(json: &RawValue) -> Option<i64> {
    units(json.get().strip_prefix('"')?.strip_suffix('"')?)
}

/// A decimal that is not negative, in 1e-8. `None`: it is none, or has more digits than that, or than 64 bits hold.
pub(super) fn units(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    if whole.is_empty() || fraction.len() > usize::from(DIGITS) {
        return None;
    }
    let padding = usize::from(DIGITS) - fraction.len();
    let digits = whole.bytes().chain(fraction.bytes()).chain(std::iter::repeat_n(b'0', padding));
    let mut units = 0_i64;
    for digit in digits {
        let digit = Some(digit.wrapping_sub(b'0')).filter(|digit| *digit <= 9)?;
        units = units.checked_mul(10)?.checked_add(digit.into())?;
    }
    Some(units)
}

/// Reads levels into a list.
struct Into<'v>(&'v mut Vec<PriceLevel>);

impl<'de> DeserializeSeed<'de> for Into<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Into<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of levels")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut levels: A) -> Result<(), A::Error> {
        while let Some([price, quantity]) = levels.next_element::<[&str; 2]>()? {
            let level = units(price).zip(units(quantity));
            let (price, quantity) = level.ok_or_else(|| de::Error::custom("no decimal"))?;
            self.0.push(PriceLevel { price, quantity });
        }
        Ok(())
    }
}

#[cold]
fn of_json(problem: &serde_json::Error, text: &[u8], expected: &'static str) -> DecodeError {
    let at = problem.column().saturating_sub(1).min(text.len());
    let found = match text.get(at) {
        Some(byte) if !problem.is_eof() => Found::Type(*byte),
        _ => Found::End(text.len()),
    };
    error(at as u64, expected, found, text)
}

#[cold]
fn error(offset: u64, expected: &'static str, found: Found, line: &[u8]) -> DecodeError {
    DecodeError { offset, expected, found, resume: Some(line.len()) }
}

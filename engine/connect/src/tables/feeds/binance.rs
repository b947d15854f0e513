//! Streams of Binance.
//!
//! 1. A book is a snapshot and the changes behind it. Changes that come before their snapshot are held until it comes.
//! 2. A snapshot does not say whose it is: it is of the one symbol that the capture has changes of. Where there are
//!    several it is left out.
//! 3. Where the chain of changes breaks, `bbo` says that nothing is known any more, until the next snapshot.

use std::collections::VecDeque;
use std::path::Path;

use tidewire_feeds::Side;
use tidewire_feeds::binance::{
    BinanceCapture, Book, Depth, Followed, LevelBuffer, Message, PriceLevel, RawLevels, Snapshot,
    Ticker, Times, Trade, decode,
};
use tidewire_feeds::capture::Line;
use tidewire_feeds::decode::DecodeError;

use super::cells::{Cell, Used};
use super::input::{Input, fraction};
use super::market::{fits, prices, side_word};
use super::names::Names;
use super::streams::{Col, Stream};
use crate::tables::{Read, TableError, TableReader};

/// Lines that are held until their snapshot comes, at most, and of how many bytes.
const HELD_LINES_MAX: usize = 1 << 16;
const HELD_BYTES_MAX: usize = 64 << 20;

const NO_TIME: &str = "messages without a time of the exchange";
const TOO_LARGE: &str = "messages with a number of more than 18 digits";
const NO_BOOK: &str = "changes of a book without a snapshot";
const BROKEN: &str = "breaks in the chain of changes";
const WHOSE: &str = "snapshots in a capture of several symbols, which do not say whose they are";

/// A row.
#[derive(Debug, Clone, Copy)]
struct BinanceRow {
    ts_event: i64,
    ts_recv: i64,
    symbol: u32,
    body: Body,
}

#[derive(Debug, Clone, Copy)]
enum Body {
    Trade { price: i64, quantity: i64, id: i64, buyer_is_maker: bool, kind: Option<u32> },
    Best { bid: Option<(i64, u64)>, ask: Option<(i64, u64)>, update_id: u64 },
    Level { side: Side, level: PriceLevel, change: Change },
}

/// Where a level's message stands in the chain; a snapshot has no first change.
#[derive(Debug, Clone, Copy)]
struct Change {
    first: Option<u64>,
    last: u64,
    previous: Option<u64>,
}

/// What a message is of, when it happened, and when it was received.
#[derive(Debug, Clone, Copy)]
struct Head {
    symbol: u32,
    ts_event: Option<i64>,
    ts_recv: i64,
}

/// The book of a symbol.
#[derive(Debug, Default)]
struct SymbolBook {
    symbol: u32,
    book: Book,
    /// The best levels that were told.
    told: [Option<(i64, u64)>; 2],
    /// Lines with changes that wait for a snapshot, with their places.
    held: VecDeque<(u64, Box<[u8]>)>,
    held_bytes: usize,
}

/// Reads a stream.
pub(super) struct BinanceReader {
    capture: BinanceCapture,
    rows: BinanceRows,
    used: Used,
    input: Input,
}

/// Turns messages into rows.
struct BinanceRows {
    stream: Stream,
    waiting: VecDeque<BinanceRow>,
    names: Names,
    levels: LevelBuffer,
    books: Vec<SymbolBook>,
    /// A snapshot that came before any changes did.
    snapshot: Option<(u64, Box<[u8]>)>,
}

impl BinanceReader {
    pub(super) fn open(
        stream: Stream,
        path: &Path,
        used: Used,
        input: Input,
    ) -> Result<Self, TableError> {
        let capture = BinanceCapture::open(path).map_err(|error| input.unreadable(error))?;
        let rows = BinanceRows {
            stream,
            waiting: VecDeque::new(),
            names: Names::default(),
            levels: LevelBuffer::default(),
            books: Vec::new(),
            snapshot: None,
        };
        Ok(Self { capture, rows, used, input })
    }
}

impl TableReader for BinanceReader {
    fn read(&mut self, row: &mut [u8]) -> Result<Read, TableError> {
        let Self { capture, rows, used, input } = self;
        loop {
            if let Some(next) = rows.waiting.pop_front() {
                let written = used.write(row, |col| next.cell(col, &rows.names));
                written.map_err(|problem| input.no_room(problem))?;
                return Ok(Read::Row { received: Some(next.ts_recv), partition: 0 });
            }
            match capture.next() {
                Ok(Some((line, received))) => {
                    rows.message(line, received.ts_ns, &received.message, input)?;
                }
                Ok(None) => {
                    rows.finish(input);
                    return Ok(Read::End);
                }
                Err(error) => input.failed(error)?,
            }
        }
    }

    fn fraction_read(&self) -> Option<f64> {
        fraction(self.capture.bytes_read(), self.capture.bytes_total())
    }

    fn skipped(&self) -> Vec<(String, u64)> {
        self.input.skipped()
    }
}

impl BinanceRows {
    /// The rows of a message. Those of other streams are passed over.
    fn message(
        &mut self,
        line: Line<'_>,
        ts_recv: i64,
        message: &Message<'_>,
        input: &mut Input,
    ) -> Result<(), TableError> {
        match (self.stream, message) {
            (Stream::Trades, Message::Trade(trade)) => {
                self.trade(trade, ts_recv, input);
                Ok(())
            }
            (Stream::Ticker, Message::Ticker(ticker)) => {
                self.ticker(ticker, ts_recv, input);
                Ok(())
            }
            (Stream::Bbo | Stream::Depth, Message::Depth(depth)) => {
                let number = self.book(depth.symbol, input)?;
                self.depth(number, line, depth, ts_recv, input)
            }
            (Stream::Bbo | Stream::Depth, Message::Snapshot(snapshot)) => match self.books.len() {
                0 if self.snapshot.is_none() => {
                    self.snapshot = Some((line.offset, line.text.into()));
                    Ok(())
                }
                1 => self.snapshot(0, line.offset, snapshot, ts_recv, input),
                _ => {
                    input.leave_out(WHOSE, 1);
                    Ok(())
                }
            },
            _ => Ok(()),
        }
    }

    fn push(&mut self, head: Head, body: Body, input: &mut Input) {
        let Head { symbol, ts_event, ts_recv } = head;
        match ts_event {
            Some(_) if !body.fits() => input.leave_out(TOO_LARGE, 1),
            Some(ts_event) => {
                self.waiting.push_back(BinanceRow { ts_event, ts_recv, symbol, body });
            }
            None => input.leave_out(NO_TIME, 1),
        }
    }

    fn head(&mut self, symbol: &str, times: Times, ts_recv: i64) -> Head {
        Head { symbol: self.names.number(symbol), ts_event: times.happened_ns(), ts_recv }
    }

    fn trade(&mut self, trade: &Trade<'_>, ts_recv: i64, input: &mut Input) {
        let Trade { symbol, times, price, quantity, id, buyer_is_maker, kind } = *trade;
        let head = self.head(symbol, times, ts_recv);
        let kind = kind.map(|kind| self.names.number(kind));
        self.push(head, Body::Trade { price, quantity, id, buyer_is_maker, kind }, input);
    }

    fn ticker(&mut self, ticker: &Ticker<'_>, ts_recv: i64, input: &mut Input) {
        let Ticker { symbol, times, update_id, bid, ask } = *ticker;
        let head = self.head(symbol, times, ts_recv);
        // An empty side is sent as a level of no quantity.
        let [bid, ask] = [bid, ask].map(|level| {
            let quantity = level.quantity.unsigned_abs();
            (quantity > 0).then_some((level.price, quantity))
        });
        self.push(head, Body::Best { bid, ask, update_id }, input);
    }

    /// The place of a symbol's book. A new one gets the snapshot that came before it.
    fn book(&mut self, symbol: &str, input: &mut Input) -> Result<usize, TableError> {
        let symbol = self.names.number(symbol);
        if let Some(at) = self.books.iter().position(|book| book.symbol == symbol) {
            return Ok(at);
        }
        self.books.push(SymbolBook { symbol, ..SymbolBook::default() });
        if let Some((offset, text)) = self.snapshot.take() {
            match decode(&text) {
                Ok(received) => {
                    if let Message::Snapshot(snapshot) = &received.message {
                        self.snapshot(0, offset, snapshot, received.ts_ns, input)?;
                    }
                }
                Err(error) => input.damaged(error.at(offset))?,
            }
        }
        Ok(self.books.len() - 1)
    }

    fn depth(
        &mut self,
        number: usize,
        line: Line<'_>,
        depth: &Depth<'_>,
        ts_recv: i64,
        input: &mut Input,
    ) -> Result<(), TableError> {
        let head = self.head(depth.symbol, depth.times, ts_recv);
        let sides = [(Side::Buy, depth.bids), (Side::Sell, depth.asks)];
        if self.stream == Stream::Depth {
            let change = Change {
                first: Some(depth.first_update_id),
                last: depth.last_update_id,
                previous: depth.previous_update_id,
            };
            return self.levels(head, sides, change, line.offset, input);
        }
        let Some(of) = self.books.get_mut(number) else { return Ok(()) };
        match of.book.follow(depth) {
            Followed::Next => {
                let applied = apply(&mut self.levels, &mut of.book, sides, input);
                self.applied(number, head, depth.last_update_id, line.offset, applied, input)
            }
            Followed::Old => Ok(()),
            Followed::NoBook => {
                of.hold(line, input);
                Ok(())
            }
            Followed::Broken { .. } => {
                // This change may be behind the next snapshot.
                of.hold(line, input);
                self.tell(number, head, depth.last_update_id, input);
                input.missing(BROKEN, 1, Some(line.offset))
            }
        }
    }

    fn snapshot(
        &mut self,
        number: usize,
        offset: u64,
        snapshot: &Snapshot<'_>,
        ts_recv: i64,
        input: &mut Input,
    ) -> Result<(), TableError> {
        let Some(of) = self.books.get_mut(number) else { return Ok(()) };
        let ts_event = snapshot.times.happened_ns();
        let head = Head { symbol: of.symbol, ts_event, ts_recv };
        let sides = [(Side::Buy, snapshot.bids), (Side::Sell, snapshot.asks)];
        let last = snapshot.last_update_id;
        if self.stream == Stream::Depth {
            let change = Change { first: None, last, previous: None };
            return self.levels(head, sides, change, offset, input);
        }
        of.book.restart(last);
        let applied = apply(&mut self.levels, &mut of.book, sides, input);
        let held = std::mem::take(&mut of.held);
        of.held_bytes = 0;
        // A snapshot without a time is told with the changes behind it.
        if ts_event.is_some() || applied.is_err() {
            self.applied(number, head, last, offset, applied, input)?;
        }
        for (offset, text) in held {
            let received = match decode(&text) {
                Ok(received) => received,
                Err(error) => {
                    input.damaged(error.at(offset))?;
                    continue;
                }
            };
            if let Message::Depth(depth) = &received.message {
                let line = Line { offset, text: &text };
                self.depth(number, line, depth, received.ts_ns, input)?;
            }
        }
        Ok(())
    }

    /// Tells the best levels, or ends a book whose levels could not be read.
    fn applied(
        &mut self,
        number: usize,
        head: Head,
        last: u64,
        offset: u64,
        applied: Result<(), DecodeError>,
        input: &mut Input,
    ) -> Result<(), TableError> {
        if let Err(error) = applied {
            if let Some(of) = self.books.get_mut(number) {
                of.book.end();
            }
            input.damaged(error.at(offset))?;
        }
        self.tell(number, head, last, input);
        Ok(())
    }

    /// Tells the best levels, if they are others than before.
    fn tell(&mut self, number: usize, head: Head, update_id: u64, input: &mut Input) {
        let Some(of) = self.books.get_mut(number) else { return };
        let best = prices(of.book.best());
        if of.told != best {
            of.told = best;
            let [bid, ask] = best;
            self.push(head, Body::Best { bid, ask, update_id }, input);
        }
    }

    /// A row for each level.
    fn levels(
        &mut self,
        head: Head,
        sides: [(Side, RawLevels<'_>); 2],
        change: Change,
        offset: u64,
        input: &mut Input,
    ) -> Result<(), TableError> {
        let mut buffer = std::mem::take(&mut self.levels);
        for (side, raw) in sides {
            match buffer.read(raw) {
                Ok(levels) => {
                    for level in levels {
                        self.push(head, Body::Level { side, level: *level, change }, input);
                    }
                }
                Err(error) => input.damaged(error.at(offset))?,
            }
        }
        self.levels = buffer;
        Ok(())
    }

    /// What was held to the end has had no snapshot.
    fn finish(&mut self, input: &mut Input) {
        for of in &mut self.books {
            if !of.held.is_empty() {
                input.leave_out(NO_BOOK, of.held.len() as u64);
                of.held.clear();
            }
        }
    }
}

impl SymbolBook {
    /// Holds a line until the next snapshot; the oldest goes where there is no room.
    fn hold(&mut self, line: Line<'_>, input: &mut Input) {
        self.held_bytes += line.text.len();
        self.held.push_back((line.offset, line.text.into()));
        while self.held.len() > HELD_LINES_MAX || self.held_bytes > HELD_BYTES_MAX {
            let Some((_, oldest)) = self.held.pop_front() else { break };
            self.held_bytes -= oldest.len();
            input.leave_out(NO_BOOK, 1);
        }
    }
}

/// Sets levels of a book; one that is full leaves out what is too much.
fn apply(
    buffer: &mut LevelBuffer,
    book: &mut Book,
    sides: [(Side, RawLevels<'_>); 2],
    input: &mut Input,
) -> Result<(), DecodeError> {
    for (side, raw) in sides {
        if book.apply(side, buffer.read(raw)?).is_err() {
            input.leave_out("changes with levels beyond the bounds of the books", 1);
        }
    }
    Ok(())
}

impl Body {
    /// Whether its numbers fit a DECIMAL of 18 digits.
    fn fits(&self) -> bool {
        let level = |(price, quantity): &(i64, u64)| {
            fits(*price) && i64::try_from(*quantity).is_ok_and(fits)
        };
        match self {
            Self::Trade { price, quantity, .. } => fits(*price) && fits(*quantity),
            Self::Best { bid, ask, .. } => [bid, ask].into_iter().flatten().all(level),
            Self::Level { level, .. } => fits(level.price) && fits(level.quantity),
        }
    }
}

impl BinanceRow {
    fn cell<'a>(&self, col: Col, names: &'a Names) -> Cell<'a> {
        match col {
            Col::TsEvent => Cell::Int(self.ts_event),
            Col::TsRecv => Cell::Int(self.ts_recv),
            Col::Symbol => Cell::Text(names.name(self.symbol).as_bytes()),
            _ => self.body.cell(col, names),
        }
    }
}

impl Body {
    fn cell<'a>(&self, col: Col, names: &'a Names) -> Cell<'a> {
        let price = |level: &Option<(i64, u64)>| Cell::int(level.map(|(price, _)| price));
        let resting = |level: &Option<(i64, u64)>| Cell::bits(level.map(|(_, quantity)| quantity));
        match self {
            Self::Trade { price, quantity, id, buyer_is_maker, kind } => match col {
                Col::Price => Cell::Int(*price),
                Col::Quantity => Cell::Int(*quantity),
                // The aggressor is the one who did not make the book.
                Col::Side => {
                    let side = if *buyer_is_maker { Side::Sell } else { Side::Buy };
                    Cell::word(side_word(side))
                }
                Col::Kind => {
                    kind.map_or(Cell::Null, |kind| Cell::Text(names.name(kind).as_bytes()))
                }
                Col::TradeId => Cell::Int(*id),
                Col::IsBuyerMaker => Cell::Bool(*buyer_is_maker),
                _ => Cell::Null,
            },
            Self::Best { bid, ask, update_id } => match col {
                Col::BidPrice => price(bid),
                Col::BidQuantity => resting(bid),
                Col::AskPrice => price(ask),
                Col::AskQuantity => resting(ask),
                Col::UpdateId => Cell::bits(Some(*update_id)),
                _ => Cell::Null,
            },
            Self::Level { side, level, change } => match col {
                Col::Side => Cell::word(side_word(*side)),
                Col::Price => Cell::Int(level.price),
                Col::Quantity => Cell::Int(level.quantity),
                Col::FirstUpdateId => Cell::bits(change.first),
                Col::UpdateId => Cell::bits(Some(change.last)),
                Col::PreviousUpdateId => Cell::bits(change.previous),
                Col::IsSnapshot => Cell::Bool(change.first.is_none()),
                _ => Cell::Null,
            },
        }
    }
}

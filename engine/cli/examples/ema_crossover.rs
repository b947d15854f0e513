//! Buy and sell advice from two moving averages that cross: the query of the DEBS 2022 Grand Challenge.
//!
//! Two stages on one shard. The first takes the last price of each symbol in windows of five minutes. Its rows are the
//! events of the second, which keeps two exponential averages for each symbol and compares them: where the fast one comes
//! to lie above the slow one, buy; below, sell.
//!
//! The input is zipped trades, a file for each symbol: `ms since midnight, price x 10,000, size, ...`.
//!
//! `cargo run --release -p tidewire --example ema_crossover -- BAC=bac_trade.zip AIG=aig_trade.zip`
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::io::Read;
use std::path::Path;

use rkyv::Portable;
use tidewire::aggregates::last;
use tidewire::dataflow::{InTurn, InTurnRow, Processed};
use tidewire::prelude::*;
use tidewire::state::{Image, LayoutMismatch, Log, Table};
use zerocopy::{FromBytes, Immutable, IntoBytes};

pub(crate) const BAR: i64 = 5 * MINUTE;

/// Over how many bars the averages go: the fast one and the slow one.
pub(crate) const SPANS: [f64; 2] = [38.0, 100.0];

pub(crate) type Symbol = [u8; 8];

/// A trade. Prices are in 1/10,000.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trade {
    pub(crate) ts: i64,
    pub(crate) symbol: Symbol,
    pub(crate) price: u32,
}

/// A symbol's last price in a window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Close {
    symbol: Symbol,
    price: u32,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Advice {
    pub(crate) symbol: Symbol,
    pub(crate) buys: bool,
    pub(crate) averages: [f64; 2],
}

/// The second stage: the averages of each symbol, as they lie in the state and in snapshots.
struct Crossover {
    averages: Table<Symbol, Averages>,
    arena: Arena,
}

#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Averages([i64_le; 2]);

impl Crossover {
    const AVERAGES: u16 = 0;
}

impl Process for Crossover {
    type In = Close;
    type Out = Advice;

    fn process(&mut self, ts: i64, close: &Close, mut emit: impl FnMut(i64, Advice)) {
        let start = || Averages([0.into(), 0.into()]);
        // A symbol for which the state has no room has no averages.
        let Some(kept) = self.averages.entry(&close.symbol, start) else { return };
        let before = kept.0.map(|bits| f64::from_bits(bits.to_native() as u64));
        let averages = step(before, f64::from(close.price) / 10_000.0);
        kept.0 = averages.map(|average| (average.to_bits() as i64).into());
        let is_above = |[fast, slow]: [f64; 2]| fast > slow;
        if is_above(averages) != is_above(before) {
            emit(ts, Advice { symbol: close.symbol, buys: is_above(averages), averages });
        }
    }
}

/// The averages after one more price. They begin at zero, as the challenge has it.
fn step(averages: [f64; 2], price: f64) -> [f64; 2] {
    let [fast, slow] = SPANS.map(|span| 2.0 / (1.0 + span));
    let [before_fast, before_slow] = averages;
    [price * fast + before_fast * (1.0 - fast), price * slow + before_slow * (1.0 - slow)]
}

impl Durable for Crossover {
    fn freeze(&mut self) {
        self.averages.freeze();
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        self.averages.capture(records, self.arena.id(Self::AVERAGES), log)
    }

    fn give_up(&mut self) {
        self.averages.give_up();
    }

    fn overflowed(&self) -> bool {
        self.averages.overflowed()
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        for (_, table) in image.take(self.arena.number(Self::AVERAGES)) {
            self.averages = Table::adopt(table, self.arena.is_tracked)?;
        }
        Ok(())
    }
}

/// The pipeline.
pub(crate) fn advice(
    trades: Vec<Trade>,
    options: &Options,
) -> Result<Vec<InTurnRow<Advice>>, Box<dyn Error>> {
    let mut advice = stream(events(trades, |trade| trade.ts))
        .watermark(Monotonic::new)
        .key_by(|trade: &Trade| trade.symbol)
        .window(Tumbling::new(BAR)?)
        .aggregate(last(|trade: &Trade| trade.price))
        .then(
            |bar| Close { symbol: bar.key, price: bar.value.unwrap_or(0) },
            |arena| {
                let crossover = Crossover { averages: arena.table()?, arena };
                Ok(Processed::new(crossover, InTurn::new()))
            },
        )
        .run(Rows::new(), options, &mut Silent)?
        .sink
        .rows;
    advice.sort_by_key(|row| (row.ts, row.event.symbol));
    Ok(advice)
}

/// The trades of a zipped file, in the order of time.
pub(crate) fn trades(symbol: &str, path: &Path) -> Result<Vec<Trade>, Box<dyn Error>> {
    let mut name = [b' '; 8];
    name.iter_mut().zip(symbol.bytes()).for_each(|(to, from)| *to = from);
    let text = unzip(&std::fs::read(path)?)?;
    let read = |line: &str| {
        let mut fields = line.split(',');
        let ts = fields.next()?.parse::<i64>().ok()? * MILLISECOND;
        Some(Trade { ts, symbol: name, price: fields.next()?.parse().ok()? })
    };
    let trades = text.lines().map(|line| read(line).ok_or_else(|| format!("no trade: {line}")));
    Ok(trades.collect::<Result<_, _>>()?)
}

/// The only file of a zip archive: a local header (APPNOTE 4.3.7), then raw deflate.
fn unzip(archive: &[u8]) -> Result<String, Box<dyn Error>> {
    const HEAD: usize = 30;
    const DEFLATED: [u8; 2] = [8, 0];
    if !archive.starts_with(b"PK\x03\x04") || archive.get(8..10) != Some(&DEFLATED) {
        return Err("not a zip archive that begins with a deflated file".into());
    }
    let length =
        |at: usize| archive.get(at..at + 2).map(|le| usize::from(le[0]) | usize::from(le[1]) << 8);
    let (name, extra) = length(26).zip(length(28)).ok_or("the archive is cut short")?;
    let packed = archive.get(HEAD + name + extra..).ok_or("the archive is cut short")?;
    let mut text = String::new();
    flate2::read::DeflateDecoder::new(packed).read_to_string(&mut text)?;
    Ok(text)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut all = Vec::new();
    for argument in std::env::args().skip(1) {
        let (symbol, path) = argument.split_once('=').ok_or("give SYMBOL=PATH of zipped trades")?;
        all.extend(trades(symbol, path.as_ref()).map_err(|error| format!("{path}: {error}"))?);
    }
    all.sort_by_key(|trade| trade.ts);
    println!("{} trades", all.len());
    for InTurnRow { ts, event: Advice { symbol, buys, averages: [fast, slow] }, .. } in
        advice(all, &Options::default())?
    {
        let minutes = (ts + 1) / MINUTE;
        let advice = if buys { "buy " } else { "sell" };
        let symbol = String::from_utf8_lossy(&symbol);
        println!("{:02}:{:02} {advice} {symbol} {fast:.4} {slow:.4}", minutes / 60, minutes % 60);
    }
    Ok(())
}

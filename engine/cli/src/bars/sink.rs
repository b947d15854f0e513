//! Where bars go: into a file, and into a summary by symbol.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::path::Path;

use rkyv::{Archive, Deserialize, Serialize, rancor};
use tidewire_connect::market::Symbols;
use tidewire_connect::rows::{
    Decimal, Field, PartsAccount, RowError, RowOutput, divide_half_up, iso8601,
};
use tidewire_dataflow::WindowRow;
use tidewire_event::sink::LAST_EPOCH;
use tidewire_event::{Header, Prepared, Sink};

use super::aggregate::{Bar, Trades};
use super::step::{Tick, TickKind};

const COLUMNS: [&str; 11] = [
    "window_start",
    "window_end",
    "symbol",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "vwap",
    "trades",
    "spread",
];
const LATE_COLUMNS: [&str; 7] = ["ts", "watermark", "sequence", "symbol", "kind", "price", "size"];

/// VWAP and spread are shown with at least this many digits after the point.
const MEAN_DIGITS_MIN: u8 = 6;

/// The sink: rows to a file, late ticks to another, and a summary.
pub(crate) struct BarSink {
    symbols: Symbols,
    digits: u8,
    rows: Option<RowOutput>,
    late: Option<RowOutput>,
    pub(crate) summary: Summary,
    window: WindowText,
    is_durable: bool,
}

/// Where a sink's rows go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outputs<'a> {
    /// The bars.
    pub(crate) rows: Option<&'a Path>,
    /// What came too late.
    pub(crate) late: Option<&'a Path>,
    /// Whether these are folders of parts, which snapshots can be taken of.
    pub(crate) are_parts: bool,
}

/// What a snapshot knows of the sink.
#[derive(Debug, Default, Archive, Serialize, Deserialize)]
struct Account {
    rows: Option<PartsAccount>,
    late: Option<PartsAccount>,
    windows: u64,
    totals: Vec<(u32, InstrumentTotal)>,
}

/// What all windows come to.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) by_instrument: HashMap<u32, InstrumentTotal>,
    pub(crate) windows: u64,
}

/// An instrument over all windows.
#[derive(Debug, Clone, Copy, Default, Archive, Serialize, Deserialize)]
pub(crate) struct InstrumentTotal {
    pub(crate) trades: Option<Trades>,
    pub(crate) spread: (i128, i128),
}

/// The text of the window at hand: many rows share it.
#[derive(Debug, Default)]
struct WindowText {
    end: Option<i64>,
    start_text: String,
    end_text: String,
}

impl BarSink {
    pub(crate) fn new(
        symbols: Symbols,
        digits: u8,
        outputs: Outputs<'_>,
    ) -> Result<Self, RowError> {
        let open = if outputs.are_parts { RowOutput::parts } else { RowOutput::file };
        Ok(Self {
            symbols,
            digits,
            rows: outputs.rows.map(|path| open(path, &COLUMNS)).transpose()?,
            late: outputs.late.map(|path| open(path, &LATE_COLUMNS)).transpose()?,
            summary: Summary::default(),
            window: WindowText::default(),
            is_durable: outputs.are_parts,
        })
    }

    /// Takes up the outputs where an account says, or begins them.
    pub(crate) fn begin(&mut self, is_restored: bool) -> Result<(), RowError> {
        let account = Account::default();
        self.take_up(is_restored, &account)
    }

    fn take_up(&mut self, is_restored: bool, account: &Account) -> Result<(), RowError> {
        let outputs = [(&mut self.rows, &account.rows), (&mut self.late, &account.late)];
        for (output, account) in outputs {
            if let Some(output) = output {
                output.begin(is_restored, account.as_ref())?;
            }
        }
        Ok(())
    }
}

/// A price of the feed as a decimal.
pub(crate) fn price(units: i64, digits: u8) -> Decimal {
    Decimal { units: units.into(), digits }
}

/// `sum / weight`, both in the feed's units, rounded half up to six digits after the point, or to the feed's own
/// digits where those are more.
pub(crate) fn mean(sum: i128, weight: i128, digits: u8) -> Option<Decimal> {
    let mean_digits = digits.max(MEAN_DIGITS_MIN);
    let scaled = sum.checked_mul(10_i128.pow((mean_digits - digits).into()))?;
    Some(Decimal { units: divide_half_up(scaled, weight)?, digits: mean_digits })
}

impl Summary {
    fn add(&mut self, row: &WindowRow<u32, Bar>) {
        let total = self.by_instrument.entry(row.key).or_default();
        if let Some(trades) = &row.value.trades {
            match &mut total.trades {
                Some(sum) => sum.combine(trades),
                none => *none = Some(*trades),
            }
        }
        total.spread.0 += row.value.spread.0;
        total.spread.1 += i128::from(row.value.spread.1);
    }
}

impl Sink for BarSink {
    type Row = WindowRow<u32, Bar>;
    type Late = Tick;
    type Error = RowError;

    fn compare(&self, a: &Self::Row, b: &Self::Row) -> Ordering {
        // Two locate codes can carry one symbol; their numbers follow the order of their appearance.
        let name = |row: &Self::Row| self.symbols.name(row.key);
        name(a).cmp(&name(b)).then(a.key.cmp(&b.key))
    }

    fn row(&mut self, row: Self::Row) -> Result<(), RowError> {
        self.summary.add(&row);
        if self.window.end != Some(row.window.end) {
            self.summary.windows += 1;
            self.window = WindowText {
                end: Some(row.window.end),
                start_text: iso8601(row.window.start),
                end_text: iso8601(row.window.end),
            };
        }
        let Some(rows) = &mut self.rows else { return Ok(()) };
        let symbol = self.symbols.name(row.key);
        let (digits, bar) = (self.digits, &row.value);
        let spread = mean(bar.spread.0, bar.spread.1.into(), digits).map(|mean| mean.to_string());
        let numbers = bar.trades.map(|trades| {
            let [open, high, low, close] = [trades.open, trades.high, trades.low, trades.close]
                .map(|units| price(units, digits).to_string());
            let vwap = mean(trades.notional, trades.volume.into(), digits);
            let vwap = vwap.map(|vwap| vwap.to_string()).unwrap_or_default();
            [open, high, low, close, trades.volume.to_string(), vwap, trades.count.to_string()]
        });
        let mut fields = [Field::Null; COLUMNS.len()];
        fields[0] = Field::Text(&self.window.start_text);
        fields[1] = Field::Text(&self.window.end_text);
        fields[2] = Field::Text(&symbol);
        match &numbers {
            Some(numbers) => {
                for (field, number) in fields[3..10].iter_mut().zip(numbers) {
                    *field = if number.is_empty() { Field::Null } else { Field::Number(number) };
                }
            }
            None => (fields[7], fields[9]) = (Field::Number("0"), Field::Number("0")),
        }
        if let Some(spread) = &spread {
            fields[10] = Field::Number(spread);
        }
        rows.row(&fields)
    }

    fn late(&mut self, header: &Header, tick: Tick) -> Result<(), RowError> {
        let Some(late) = &mut self.late else { return Ok(()) };
        let (ts, watermark) = (iso8601(header.ts), iso8601(header.watermark));
        let (sequence, symbol) =
            (header.place.sequence().to_string(), self.symbols.name(tick.instrument));
        let (kind, of_price, size) = match tick.kind {
            TickKind::Trade { price, size } => ("trade", Some(price), Some(size.to_string())),
            TickKind::Spread { after, .. } => ("spread", after, None),
        };
        let of_price = of_price.map(|units| price(units, self.digits).to_string());
        late.row(&[
            Field::Text(&ts),
            Field::Text(&watermark),
            Field::Number(&sequence),
            Field::Text(&symbol),
            Field::Text(kind),
            of_price.as_deref().map_or(Field::Null, Field::Number),
            size.as_deref().map_or(Field::Null, Field::Number),
        ])
    }

    fn prepare(&mut self, epoch: u64) -> Result<Prepared, RowError> {
        if !self.is_durable {
            return Ok(Prepared::Never);
        }
        let is_last = epoch == LAST_EPOCH;
        let account = |output: &mut Option<RowOutput>| match output {
            Some(output) => output.prepare(epoch, is_last),
            None => Ok(None),
        };
        let (rows, late) = (account(&mut self.rows)?, account(&mut self.late)?);
        let mut totals: Vec<_> =
            self.summary.by_instrument.iter().map(|(key, total)| (*key, *total)).collect();
        totals.sort_unstable_by_key(|(instrument, _)| *instrument);
        let account = Account { rows, late, windows: self.summary.windows, totals };
        let bytes = rkyv::to_bytes::<rancor::Error>(&account).map_err(|_| RowError::Account)?;
        Ok(Prepared::Ready(bytes.into_vec()))
    }

    fn commit(&mut self, epoch: u64) -> Result<(), RowError> {
        [&mut self.rows, &mut self.late].into_iter().flatten().try_for_each(|it| it.commit(epoch))
    }

    fn restore(&mut self, prepared: &[u8]) -> Result<(), RowError> {
        if prepared.is_empty() {
            return self.begin(true);
        }
        let account =
            rkyv::from_bytes::<Account, rancor::Error>(prepared).map_err(|_| RowError::Account)?;
        self.take_up(true, &account)?;
        self.summary.windows = account.windows;
        self.summary.by_instrument = account.totals.into_iter().collect();
        Ok(())
    }

    fn finish(&mut self) -> Result<(), RowError> {
        [&mut self.rows, &mut self.late].into_iter().flatten().try_for_each(RowOutput::finish)
    }
}

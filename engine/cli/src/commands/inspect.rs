//! `tidewire inspect`: what is in a capture.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use serde::Serialize;
use tidewire_connect::market::{Normalizer, Problem, Reading, SessionDate, Symbols};
use tidewire_connect::rows::iso8601;
use tidewire_dataflow::Process;
use tidewire_feeds::book::Level;
use tidewire_feeds::capture::{Capture, CaptureError, Format, Message};
use tidewire_feeds::dbn::Record;
use tidewire_feeds::sequence::Event;
use tidewire_state::Arena;

use super::CommandError;
use crate::bars::{BookStep, BookTotals, TickKind, price};
use crate::terminal::{grouped, print, table, warning};

/// Problems that are told with their places; the rest is counted.
const PROBLEMS_SHOWN: usize = 20;

/// What to inspect.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The capture: ITCH, IEX or DBN, in a file or a pcap, plain or in gzip or zstd.
    capture: PathBuf,
    /// What the capture is, if its content does not say.
    #[arg(long)]
    format: Option<Format>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// How many of the busiest symbols to show.
    #[arg(long, default_value_t = 10, value_name = "N")]
    top: usize,
    /// The day of an ITCH file, whose times count from midnight in New York.
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<SessionDate>,
    /// Fail if there is an error in the capture.
    #[arg(long)]
    strict: bool,
}

/// What is in a capture. As JSON these are the names.
#[derive(Debug, Default, Serialize)]
struct Inspection {
    format: &'static str,
    bytes: u64,
    messages: u64,
    messages_by_type: BTreeMap<String, u64>,
    first_event: Option<String>,
    last_event: Option<String>,
    events_back_in_time: u64,
    symbols: usize,
    /// Instruments of which no message told the symbol; they are shown by number.
    symbols_unknown: usize,
    trades: u64,
    volume: u64,
    trade_breaks: u64,
    busiest: Vec<Symbol>,
    packets: Packets,
    sequence: Sequence,
    books: BookCounts,
    decode_errors: u64,
    problems: Vec<String>,
}

/// A symbol, and its book at the end of the capture.
#[derive(Debug, Clone, Default, Serialize)]
struct Symbol {
    symbol: String,
    messages: u64,
    trades: u64,
    volume: u64,
    orders: u64,
    bid: Option<BestLevel>,
    ask: Option<BestLevel>,
}

#[derive(Debug, Clone, Serialize)]
struct BestLevel {
    price: String,
    size: u64,
}

#[derive(Debug, Default, Serialize)]
struct Packets {
    packets: u64,
    datagrams: u64,
    heartbeats: u64,
    ends_of_session: u64,
    truncated: u64,
    other: u64,
    fragments: u64,
    malformed: u64,
    unrecognized: u64,
}

#[derive(Debug, Default, Serialize)]
struct Sequence {
    gaps: u64,
    missing: u64,
    duplicates: u64,
    reordered: u64,
    restarts: u64,
}

#[derive(Debug, Default, Serialize)]
struct BookCounts {
    live_orders: u64,
    unknown_references: u64,
    duplicate_references: u64,
    excess_sizes: u64,
    zero_sizes: u64,
}

/// What is counted while the capture is read.
struct Inspector {
    found: Inspection,
    symbols: Symbols,
    normalizer: Normalizer,
    books: BookStep,
    totals: Arc<Mutex<BookTotals>>,
    by_instrument: Vec<Symbol>,
    /// By feed and type, as short keys that cost little to look up.
    types: BTreeMap<(&'static str, u8), u64>,
    times: Option<(i64, i64)>,
    newest: i64,
    problems: u64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let mut capture = Capture::open(&arguments.capture, arguments.format)?;
    let mut inspector = Inspector::new(capture.format(), arguments.date);
    loop {
        match capture.next() {
            Ok(None) => break,
            Ok(Some(captured)) => {
                let (offset, received) = (captured.offset, captured.ts_recv);
                if let Message::Sequence(event) = captured.message {
                    if matches!(event, Event::Restart { .. }) {
                        inspector.restart();
                    }
                    inspector.problem(&Problem::Sequence { offset, event });
                    continue;
                }
                inspector.message(&captured.message, received);
                if let Some(reading) = Reading::of(&captured.message, received) {
                    inspector.reading(reading, &capture);
                }
            }
            Err(CaptureError::Decode(error)) => inspector.problem(&Problem::Decode(error)),
            Err(error) => return Err(error.into()),
        }
    }
    let found = inspector.finish(&capture, arguments.top);
    if arguments.json {
        let json = serde_json::to_string_pretty(&found).map_err(std::io::Error::from)?;
        print(&(json + "\n"))?;
    } else {
        print(&found.in_words())?;
    }
    for problem in &found.problems {
        warning(problem);
    }
    match found.decode_errors {
        errors if errors > 0 && arguments.strict => Err(CommandError::Strict(errors)),
        _ => Ok(()),
    }
}

impl Inspector {
    fn new(format: Format, date: Option<SessionDate>) -> Self {
        let (symbols, totals) = (Symbols::default(), Arc::new(Mutex::new(BookTotals::default())));
        Self {
            found: Inspection { format: format.name(), ..Inspection::default() },
            normalizer: Normalizer::new(symbols.clone(), date),
            symbols,
            books: BookStep::new(format == Format::Dbn, &Arena::unlimited(), Arc::clone(&totals)),
            totals,
            by_instrument: Vec::new(),
            types: BTreeMap::new(),
            times: None,
            newest: i64::MIN,
            problems: 0,
        }
    }

    fn problem(&mut self, problem: &Problem) {
        self.problems += 1;
        if self.found.problems.len() < PROBLEMS_SHOWN {
            self.found.problems.push(problem.to_string());
        }
    }

    fn message(&mut self, message: &Message<'_>, received: Option<i64>) {
        let kind = match message {
            Message::Itch(message) => ("", message.kind()),
            Message::Iex(message) => ("", message.kind()),
            Message::Dbn(Record::Mbo(record)) => ("MBO ", record.action()),
            Message::Dbn(Record::Mbp1(record)) => ("MBP-1 ", record.action()),
            Message::Dbn(Record::Trade(_)) => ("trade ", b'T'),
            Message::Dbn(Record::Other { header, .. }) => ("rtype ", header.rtype()),
            Message::Sequence(_) => return,
        };
        *self.types.entry(kind).or_default() += 1;
        if let Some(ts) = self.normalizer.event_time(message, received) {
            let (first, last) = self.times.unwrap_or((ts, ts));
            self.times = Some((first.min(ts), last.max(ts)));
            self.found.events_back_in_time += u64::from(ts < self.newest);
            self.newest = self.newest.max(ts);
        }
    }

    fn reading(&mut self, reading: Reading, capture: &Capture) {
        let event = self.normalizer.event(reading, capture);
        let at = self.normalizer.instrument() as usize;
        if self.by_instrument.len() <= at {
            self.by_instrument.resize(at + 1, Symbol::default());
        }
        self.by_instrument[at].messages += 1;
        let more = std::iter::from_fn(|| self.normalizer.more());
        for stamped in event.into_iter().chain(more) {
            self.books.process(stamped.ts, &stamped.event, |_, tick| {
                if let TickKind::Trade { size, .. } = tick.kind {
                    let symbol = &mut self.by_instrument[at];
                    symbol.trades += 1;
                    symbol.volume += size;
                }
            });
        }
    }

    /// A session begins anew, with empty books.
    fn restart(&mut self) {
        self.normalizer.restart();
        while let Some(clear) = self.normalizer.more() {
            self.books.process(clear.ts, &clear.event, |_, _| ());
        }
    }

    fn finish(self, capture: &Capture, top: usize) -> Inspection {
        let Self { mut found, symbols, normalizer, books, totals, mut by_instrument, .. } = self;
        drop(books);
        let totals = totals.lock().unwrap_or_else(PoisonError::into_inner);
        let digits = normalizer.price_digits();
        let level = |level: Option<Level>| {
            level.map(|l| BestLevel {
                price: price(l.price, digits).short().to_string(),
                size: l.size,
            })
        };
        for (at, symbol) in by_instrument.iter_mut().enumerate() {
            symbol.symbol = symbols.name(at as u32).to_string();
        }
        for book in &totals.books {
            let symbol = &mut by_instrument[book.instrument as usize];
            symbol.orders = book.orders;
            (symbol.bid, symbol.ask) = (level(book.best.bid), level(book.best.ask));
        }
        let stats = capture.stats();
        found.bytes = capture.bytes_read();
        found.messages = stats.messages;
        found.messages_by_type = self
            .types
            .iter()
            .map(|((feed, kind), count)| (type_name(feed, *kind), *count))
            .collect();
        found.first_event = self.times.map(|(first, _)| iso8601(first));
        found.last_event = self.times.map(|(_, last)| iso8601(last));
        found.trades = by_instrument.iter().map(|symbol| symbol.trades).sum();
        found.volume = by_instrument.iter().map(|symbol| symbol.volume).sum();
        found.trade_breaks = totals.trade_breaks;
        found.packets = Packets {
            packets: stats.packets,
            datagrams: stats.datagrams,
            heartbeats: stats.heartbeats,
            ends_of_session: stats.ends_of_session,
            truncated: stats.packets_truncated,
            other: stats.packets_other,
            fragments: stats.fragments,
            malformed: stats.packets_malformed,
            unrecognized: stats.datagrams_unrecognized,
        };
        found.sequence = Sequence {
            gaps: stats.sequence.gaps,
            missing: stats.sequence.missing,
            duplicates: stats.sequence.duplicates,
            reordered: stats.sequence.reordered,
            restarts: stats.sequence.restarts,
        };
        found.books = BookCounts {
            live_orders: by_instrument.iter().map(|symbol| symbol.orders).sum(),
            unknown_references: totals.counters.unknown_references,
            duplicate_references: totals.counters.duplicate_references,
            excess_sizes: totals.counters.excess_sizes,
            zero_sizes: totals.counters.zero_sizes,
        };
        found.decode_errors = stats.decode_errors;
        let more = self.problems - found.problems.len() as u64;
        if more > 0 {
            found.problems.push(format!("and {} more of the like", grouped(more)));
        }
        let mut names: Vec<&str> = by_instrument.iter().map(|symbol| &*symbol.symbol).collect();
        names.sort_unstable();
        names.dedup();
        let unnamed = names.iter().filter(|name| name.starts_with('#')).count();
        (found.symbols, found.symbols_unknown) = (names.len() - unnamed, unnamed);
        by_instrument.sort_by(|a, b| b.messages.cmp(&a.messages).then(a.symbol.cmp(&b.symbol)));
        by_instrument.truncate(top);
        found.busiest = by_instrument;
        found
    }
}

/// A type as its feed writes it: a letter, or a number where it is none.
fn type_name(feed: &str, kind: u8) -> String {
    if kind.is_ascii_alphanumeric() {
        format!("{feed}{}", char::from(kind))
    } else {
        format!("{feed}0x{kind:02x}")
    }
}

impl Inspection {
    fn in_words(&self) -> String {
        let mut text = format!(
            "format       {}, {} bytes\nmessages     {}\n",
            self.format,
            grouped(self.bytes),
            grouped(self.messages)
        );
        if let (Some(first), Some(last)) = (&self.first_event, &self.last_event) {
            text.push_str(&format!("event time   {first} to {last}\n"));
        }
        let mut line = |name: &str, value: u64| {
            if value > 0 {
                text.push_str(&format!("{name:<12} {}\n", grouped(value)));
            }
        };
        line("  backwards", self.events_back_in_time);
        line("symbols", self.symbols as u64);
        line("  unknown", self.symbols_unknown as u64);
        line("trades", self.trades);
        line("volume", self.volume);
        line("breaks", self.trade_breaks);
        line("live orders", self.books.live_orders);
        let groups: [(&str, &[(&str, u64)]); 3] = [
            (
                "packets",
                &[
                    ("in all", self.packets.packets),
                    ("UDP datagrams", self.packets.datagrams),
                    ("heartbeats", self.packets.heartbeats),
                    ("ends of session", self.packets.ends_of_session),
                    ("cut short by the capture", self.packets.truncated),
                    ("of other protocols", self.packets.other),
                    ("fragments", self.packets.fragments),
                    ("malformed", self.packets.malformed),
                    ("of no known feed", self.packets.unrecognized),
                ],
            ),
            (
                "sequence",
                &[
                    ("gaps", self.sequence.gaps),
                    ("messages missing", self.sequence.missing),
                    ("duplicates", self.sequence.duplicates),
                    ("reordered", self.sequence.reordered),
                    ("session restarts", self.sequence.restarts),
                ],
            ),
            (
                "errors",
                &[
                    ("broken messages", self.decode_errors),
                    ("unknown order references", self.books.unknown_references),
                    ("duplicate order references", self.books.duplicate_references),
                    ("executions or cancels of more than was left", self.books.excess_sizes),
                    ("orders of size zero", self.books.zero_sizes),
                ],
            ),
        ];
        for (name, counts) in groups {
            let shown = counts.iter().filter(|(_, count)| *count > 0);
            let shown: Vec<_> =
                shown.map(|(what, count)| format!("{what} {}", grouped(count))).collect();
            let shown = if shown.is_empty() { "none".to_owned() } else { shown.join(", ") };
            text.push_str(&format!("{name:<12} {shown}\n"));
        }
        let types = self.messages_by_type.iter();
        let types = types.map(|(kind, count)| vec![kind.clone(), grouped(count)]);
        text.push('\n');
        text.push_str(&table(&["type", "messages"], &types.collect::<Vec<_>>()));
        let best = |level: &Option<BestLevel>| {
            level.as_ref().map_or("-".to_owned(), |l| format!("{} x {}", l.price, grouped(l.size)))
        };
        let rows = self.busiest.iter().map(|s| {
            let counts = [s.messages, s.trades, s.volume, s.orders].map(grouped);
            let mut row = vec![s.symbol.clone()];
            row.extend(counts);
            row.extend([best(&s.bid), best(&s.ask)]);
            row
        });
        let rows: Vec<_> = rows.collect();
        if !self.busiest.is_empty() {
            let header = [
                "symbol",
                "messages",
                "trades",
                "volume",
                "orders",
                "bid at the end",
                "ask at the end",
            ];
            text.push('\n');
            text.push_str(&table(&header, &rows));
        }
        text
    }
}

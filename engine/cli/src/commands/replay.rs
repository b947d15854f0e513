//! `tidewire replay`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use clap::{Args, ValueEnum};
use tidewire::{stream, units};
use tidewire_connect::market::{CaptureReport, CaptureSource, MarketEvent, SessionDate, Symbols};
use tidewire_dataflow::{Bounded, Tumbling};
use tidewire_event::time::SECOND;
use tidewire_feeds::capture::Format;
use tidewire_runtime::{Driver, Options, Outcome, Rate, Threads, Wait, WhenFull};

use super::snapshot_arguments::SnapshotArguments;
use super::{CommandError, signals};
use crate::bars::{BarSink, Bars, BookStep, BookTotals, Outputs, Summary, mean, price};
use crate::report::{
    self, Host, Input, LatencyReport, LogFile, PERCENTILES, Percentiles, Report, Watcher,
};
use crate::terminal::{grouped, nanoseconds, print, say, table, warning};

/// What to replay, and how.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The capture: ITCH, IEX or DBN, in a file or a pcap, plain or in gzip or zstd.
    pub(crate) capture: PathBuf,
    /// What the capture is, if its content does not say.
    #[arg(long)]
    pub(crate) format: Option<Format>,
    /// The size of the windows.
    #[arg(long, default_value = "1s", value_name = "DURATION", value_parser = window)]
    pub(crate) window: Tumbling,
    /// How far behind the newest event another may be and still count; 0 for ITCH files, whose times never go back,
    /// and 30s for others, if it is not given.
    #[arg(long, value_name = "DURATION", value_parser = nanoseconds_of)]
    pub(crate) max_disorder: Option<i64>,
    /// The pace: max, recorded, a factor of the recorded pace as 2x, or events as 250000/s.
    #[arg(long, default_value = "max")]
    pub(crate) rate: Rate,
    /// How many shards, each on a thread of its own.
    #[arg(long, value_name = "N", conflicts_with = "inline")]
    pub(crate) shards: Option<usize>,
    /// Source and shard on one thread.
    #[arg(long)]
    pub(crate) inline: bool,
    /// Cores to pin to: for the shards, then for the source.
    #[arg(long, value_name = "CORE,...", value_delimiter = ',')]
    pub(crate) pin: Option<Vec<usize>>,
    /// What an idle thread does: spin, yield or park. By default it spins where there are cores to spare, and else parks.
    #[arg(long)]
    pub(crate) wait: Option<Wait>,
    /// What drives the shards.
    #[arg(long, default_value = "glommio")]
    pub(crate) driver: DriverArgument,
    /// Write the bars to this file, .csv or .jsonl; without it the busiest symbols are shown. With --snapshots this is a
    /// folder of parts: in the order of their names they are the whole output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Write what came too late for its window to this file, .csv or .jsonl; with --snapshots, to this folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) late: Option<PathBuf>,
    /// Write a report to this folder: latencies as text, log and picture, and the run as JSON.
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,
    /// The day of an ITCH file, whose times count from midnight in New York.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) date: Option<SessionDate>,
    /// Fail at the first message that breaks its specification.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Memory that the state may take, as 512MiB or 8GiB; half of the host's if it is not given.
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub(crate) state_budget: Option<usize>,
    /// What happens to an event of a new key when the state has taken all its memory.
    #[arg(long, default_value = "stop")]
    pub(crate) when_full: WhenFullArgument,
    #[command(flatten)]
    pub(crate) snapshots: SnapshotArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum WhenFullArgument {
    /// The run stops with an error.
    Stop,
    /// The event is left out and counted.
    Refuse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DriverArgument {
    /// glommio; a plain thread where io_uring is not to be had.
    Glommio,
    /// A plain thread.
    Thread,
}

pub(crate) fn nanoseconds_of(text: &str) -> Result<i64, String> {
    units::nanoseconds(text)
        .ok_or_else(|| format!("\"{text}\" is no duration: write it as 250ms, 1s, or 5m"))
}

fn window(text: &str) -> Result<Tumbling, String> {
    Tumbling::new(nanoseconds_of(text)?).map_err(|error| error.to_string())
}

/// What a replay came to.
pub(crate) struct Replayed {
    pub(crate) outcome: Outcome<BarSink>,
    pub(crate) capture: CaptureReport,
    pub(crate) books: BookTotals,
    pub(crate) symbols: Symbols,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let replayed = replay(arguments)?;
    let stopped = signals::stopped(replayed.outcome.snapshots.as_ref());
    if arguments.out.is_none() && stopped.is_none() {
        let digits = replayed.capture.price_digits;
        print(&busiest(&replayed.outcome.sink.summary, &replayed.symbols, digits, 20))?;
    }
    say(&in_words(&replayed));
    if let Some(stopped) = stopped {
        say(&stopped);
    }
    if let Some(folder) = &arguments.report {
        say(&format!("report: {}", folder.display()));
    }
    Ok(())
}

/// Replays, writes what was asked for, and warns of what was wrong with the capture.
pub(crate) fn replay(arguments: &Arguments) -> Result<Replayed, CommandError> {
    let snapshots = arguments.snapshots.of_replay(arguments)?;
    let symbols = Symbols::default();
    let source = CaptureSource::open(
        &arguments.capture,
        arguments.format,
        arguments.date,
        arguments.strict,
        symbols.clone(),
    )?;
    let (format, digits, capture) = (source.format(), source.price_digits(), source.report());
    let outputs = Outputs {
        rows: arguments.out.as_deref(),
        late: arguments.late.as_deref(),
        are_parts: snapshots.is_some(),
    };
    let mut sink = BarSink::new(symbols.clone(), digits, outputs)?;
    if !arguments.snapshots.restore {
        sink.begin(false)?;
    }
    let options = Options { snapshots, ..options(arguments) };
    if let Some(folder) = &arguments.report {
        report::create_folder(folder)?;
    }
    let logged = arguments.report.as_deref().filter(|_| arguments.rate != Rate::Max);
    let mut log = logged.map(LogFile::create).transpose()?;
    let mut watcher = Watcher::new(log.as_mut())?;

    let books = Arc::new(Mutex::new(BookTotals::default()));
    let by_instrument = format == Format::Dbn;
    let max_disorder = max_disorder(arguments, format);
    let outcome = stream(source)
        .watermark(|| Bounded::new(max_disorder))
        .key_by(|event: &MarketEvent| event.instrument)
        .process(
            |arena| BookStep::new(by_instrument, arena, Arc::clone(&books)),
            |tick| tick.instrument,
        )
        .window(arguments.window, Bars)
        .run(sink, &options, &mut watcher)?;
    let notes = std::mem::take(&mut watcher.notes);
    drop(watcher);

    let capture = capture.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let books = books.lock().unwrap_or_else(PoisonError::into_inner).clone();
    warn(&capture);
    let replayed = Replayed { outcome, capture, books, symbols };
    if let Some(folder) = &arguments.report {
        write_report(folder, arguments, format, &replayed, &notes)?;
    }
    Ok(replayed)
}

fn max_disorder(arguments: &Arguments, format: Format) -> i64 {
    // What a journal has was put into order before it was kept.
    let is_ordered = matches!(format, Format::Itch | Format::Journal);
    arguments.max_disorder.unwrap_or(if is_ordered { 0 } else { 30 * SECOND })
}

fn options(arguments: &Arguments) -> Options {
    let default = Options::default();
    Options {
        threads: match (arguments.inline, arguments.shards) {
            (true, _) => Threads::Inline,
            (false, Some(shards)) => Threads::Shards(shards),
            (false, None) => default.threads,
        },
        pin: arguments.pin.clone(),
        wait: arguments.wait,
        rate: arguments.rate,
        align_ns: None,
        driver: match arguments.driver {
            DriverArgument::Glommio => Driver::Glommio,
            DriverArgument::Thread => Driver::Thread,
        },
        state_bytes_max: arguments.state_budget.unwrap_or(default.state_bytes_max),
        when_full: match arguments.when_full {
            WhenFullArgument::Stop => WhenFull::Stop,
            WhenFullArgument::Refuse => WhenFull::Refuse,
        },
        snapshots: None,
    }
}

fn bytes(text: &str) -> Result<usize, String> {
    units::bytes(text).ok_or_else(|| format!("\"{text}\" is no size: write it as 512MiB or 8GiB"))
}

/// Says what was wrong with the capture: the first problems with their places, and the counts.
pub(crate) fn warn(capture: &CaptureReport) {
    for problem in &capture.problems {
        warning(problem);
    }
    let more = capture.problems_total - capture.problems.len() as u64;
    if more > 0 {
        warning(&format!("and {} more of the like", grouped(more)));
    }
}

fn write_report(
    folder: &Path,
    arguments: &Arguments,
    format: Format,
    replayed: &Replayed,
    notes: &[String],
) -> Result<(), CommandError> {
    let Replayed { outcome, capture, books, .. } = replayed;
    let (effect, result) = (outcome.effect_latency.as_ref(), outcome.result_latency.as_ref());
    let stats = &capture.stats;
    let problems: Vec<String> = capture.problems.iter().map(ToString::to_string).collect();
    let report = Report {
        tidewire: env!("CARGO_PKG_VERSION"),
        commit: report::commit(),
        host: Host::this(),
        options: report::Options {
            capture: &arguments.capture,
            format: format.name(),
            window_ns: arguments.window.size(),
            max_disorder_ns: max_disorder(arguments, format),
            rate: arguments.rate.to_string(),
            threads: &outcome.threads,
            driver: (options(arguments).threads != Threads::Inline).then_some(
                match arguments.driver {
                    DriverArgument::Glommio => "glommio",
                    DriverArgument::Thread => "thread",
                },
            ),
        },
        events: outcome.events,
        events_by_shard: &outcome.shard_events,
        rows: outcome.rows,
        late: outcome.late,
        elapsed_ns: outcome.elapsed_ns,
        events_per_second: per_second(outcome.events, outcome.elapsed_ns),
        latency_ns: effect.map(|effect| LatencyReport {
            due_to_effect: Percentiles::of(Some(effect)),
            due_to_result: Percentiles::of(result),
        }),
        input: Input {
            messages: stats.messages,
            messages_without_event: capture.messages_without_event,
            decode_errors: stats.decode_errors,
            sequence_gaps: stats.sequence.gaps,
            messages_missing: stats.sequence.missing,
            duplicates: stats.sequence.duplicates,
            session_restarts: stats.sequence.restarts,
            unknown_order_references: books.counters.unknown_references,
            trade_breaks: books.trade_breaks,
            problems: &problems,
        },
        notes,
    };
    Ok(report::write(folder, &report, effect, result)?)
}

pub(crate) fn per_second(events: u64, ns: i64) -> f64 {
    events as f64 * 1e9 / ns.max(1) as f64
}

/// The busiest symbols by volume, as a table.
pub(crate) fn busiest(summary: &Summary, symbols: &Symbols, digits: u8, most: usize) -> String {
    let mut totals: Vec<_> = summary.by_instrument.iter().collect();
    totals.sort_by_cached_key(|(instrument, total)| {
        let volume = total.trades.map_or(0, |trades| trades.volume);
        (std::cmp::Reverse(volume), symbols.name(**instrument), **instrument)
    });
    let rows = totals.iter().take(most).map(|(instrument, total)| {
        let mut row = vec![symbols.name(**instrument).to_string()];
        match total.trades {
            Some(trades) => {
                row.extend([grouped(trades.volume), grouped(trades.count)]);
                let prices = [trades.open, trades.high, trades.low, trades.close];
                row.extend(prices.map(|units| price(units, digits).short().to_string()));
                let vwap = mean(trades.notional, trades.volume.into(), digits);
                row.push(vwap.map(|vwap| vwap.to_string()).unwrap_or_default());
            }
            None => {
                row.extend(["0".to_owned(), "0".to_owned()]);
                row.extend(std::iter::repeat_n("-".to_owned(), 5));
            }
        }
        let spread = mean(total.spread.0, total.spread.1, digits);
        row.push(spread.map_or("-".to_owned(), |spread| spread.to_string()));
        row
    });
    let header = ["symbol", "volume", "trades", "open", "high", "low", "close", "vwap", "spread"];
    let shown = totals.len().min(most);
    let mut text = table(&header, &rows.collect::<Vec<_>>());
    text.push_str(&format!("the {shown} busiest of {} symbols\n", grouped(totals.len())));
    text
}

/// The run in a few lines.
pub(crate) fn in_words(replayed: &Replayed) -> String {
    let Replayed { outcome, capture, books, .. } = replayed;
    let seconds = outcome.elapsed_ns as f64 / 1e9;
    let rate = per_second(outcome.events, outcome.elapsed_ns);
    let mut text = format!(
        "{} events in {seconds:.2} s ({} events/s), {} rows in {} windows, {} late\n{}",
        grouped(outcome.events),
        grouped(rate as u64),
        grouped(outcome.rows),
        grouped(outcome.sink.summary.windows),
        grouped(outcome.late),
        outcome.threads,
    );
    if let Some(snapshots) = &outcome.snapshots {
        text.push_str(&format!(
            "\n{} snapshot(s), {} given up, {} bytes stored; longest freeze {}, longest from barrier to manifest {}",
            grouped(snapshots.published),
            grouped(snapshots.given_up),
            grouped(snapshots.bytes),
            nanoseconds(snapshots.freeze_ns_max.max(0) as u64),
            nanoseconds(snapshots.publish_ns_max.max(0) as u64),
        ));
        if let Some(epoch) = snapshots.restored {
            text.push_str(&format!(
                "\ngone on from epoch {epoch}; the counts above are of this run"
            ));
        }
    }
    if outcome.late > 0 {
        text.push_str("\nlate: see them with --late FILE, or raise --max-disorder");
    }
    let counters = &books.counters;
    let odd = [
        ("unknown order references", counters.unknown_references),
        ("duplicate order references", counters.duplicate_references),
        ("executions or cancels of more than was left", counters.excess_sizes),
        ("orders of size zero", counters.zero_sizes),
        ("orders or levels refused at a bound", counters.refused_at_bound),
        ("trade breaks (their trades stay in the bars)", books.trade_breaks),
        ("messages that break their specification (skipped)", capture.stats.decode_errors),
        ("events refused because the state was full", outcome.refused),
    ];
    for (name, count) in odd.into_iter().filter(|(_, count)| *count > 0) {
        text.push_str(&format!("\n{name}: {}", grouped(count)));
    }
    for (name, histogram) in
        [("due to effect", &outcome.effect_latency), ("due to result", &outcome.result_latency)]
    {
        let Some(histogram) = histogram.as_ref().filter(|histogram| !histogram.is_empty()) else {
            continue;
        };
        let shown = PERCENTILES.map(|(name, quantile)| {
            format!("{name} {}", nanoseconds(histogram.value_at_quantile(quantile)))
        });
        text.push_str(&format!("\n{name}: {}", shown.join(", ")));
    }
    text
}

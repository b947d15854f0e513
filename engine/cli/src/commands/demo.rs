//! `tidewire demo`: generate, replay, show.

use std::fs;
use std::path::PathBuf;

use clap::{Args, Parser};
use tidewire_feeds::synth::Market;
use tidewire_runtime::Rate;

use super::CommandError;
use super::generate;
use super::replay::{self, busiest, in_words, per_second};
use crate::terminal::{grouped, print, say};

/// What to show.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// How many messages the capture has.
    #[arg(long, default_value_t = 3_000_000, value_name = "N", value_parser = clap::value_parser!(u64).range(10_000..))]
    messages: u64,
    /// Where the capture, the bars and the report go.
    #[arg(long, default_value = "tidewire-demo", value_name = "DIR")]
    dir: PathBuf,
}

/// The second replay runs at half of what the first has reached, and at most at this rate, events/s: so that it lasts
/// long enough to see a tail.
const PACED_RATE_MAX: f64 = 300_000.0;
const SYMBOLS: u16 = 500;
const SEED: u64 = 7;

/// The arguments of a replay, as a user would give them.
#[derive(Debug, Parser)]
struct ReplayArguments {
    #[command(flatten)]
    replay: replay::Arguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let failed = |source| CommandError::Write { path: arguments.dir.clone(), source };
    fs::create_dir_all(&arguments.dir).map_err(failed)?;
    let path = |name: &str| arguments.dir.join(name);
    let (capture, bars, report) = (path("capture.itch"), path("bars.csv"), path("report"));

    say(&format!(
        "1. generate: {} ITCH messages of {SYMBOLS} symbols",
        grouped(arguments.messages)
    ));
    let market = Market::new(SEED, SYMBOLS, arguments.messages);
    let bytes = generate::write(&capture, market, None)?;
    say(&format!("   {} ({} bytes)\n", capture.display(), grouped(bytes)));

    say(&"2. replay as fast as it goes: a book for each symbol, bars of one second");
    let mut replay =
        ReplayArguments::parse_from(["replay".into(), capture.into_os_string()]).replay;
    replay.out = Some(bars.clone());
    replay.date = "2026-01-05".parse().ok();
    let fastest = replay::replay(&replay)?;
    let summary = &fastest.outcome.sink.summary;
    print(&busiest(summary, &fastest.symbols, fastest.capture.price_digits, 8))?;
    say(&in_words(&fastest));
    say(&format!("   bars: {}\n", bars.display()));

    let reached = per_second(fastest.outcome.events, fastest.outcome.elapsed_ns);
    let rate = (reached / 2.0).min(PACED_RATE_MAX).floor();
    say(&format!(
        "3. replay at {} events/s: latency from the moment each event is due",
        grouped(rate)
    ));
    replay.rate = Rate::PerSecond(rate);
    replay.out = None;
    replay.report = Some(report.clone());
    say(&in_words(&replay::replay(&replay)?));
    say(&format!(
        "   the picture: {}\n   and all numbers: {}",
        report.join("latency.png").display(),
        report.join("report.json").display()
    ));
    Ok(())
}

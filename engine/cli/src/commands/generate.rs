//! `tidewire generate`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use flate2::Compression;
use flate2::write::GzEncoder;
use tidewire_connect::market::SessionDate;
use tidewire_connect::rows::NewFile;
use tidewire_feeds::synth::Market;

use super::CommandError;
use crate::terminal::{grouped, say};

/// What to generate.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The feed.
    feed: Feed,
    /// The file to write; a name that ends in .gz is compressed.
    out: PathBuf,
    /// How many messages.
    #[arg(long, default_value_t = 5_000_000, value_name = "N")]
    messages: u64,
    /// How many symbols.
    #[arg(long, default_value_t = 500, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    symbols: u16,
    /// The same seed gives the same bytes.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// What the messages are wrapped in.
    #[arg(long, default_value = "file")]
    framing: Framing,
    /// The day of the packets of a pcap, in New York.
    #[arg(long, default_value = "2026-01-05", value_name = "YYYY-MM-DD")]
    date: SessionDate,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Feed {
    /// ITCH 5.0.
    Itch,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Framing {
    /// A file of messages behind two-byte lengths.
    File,
    /// MoldUDP64 packets in a pcap.
    Moldudp64Pcap,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let Feed::Itch = arguments.feed;
    let midnight = match arguments.framing {
        Framing::File => None,
        Framing::Moldudp64Pcap => arguments.date.midnight(),
    };
    let market = Market::new(arguments.seed, arguments.symbols, arguments.messages);
    let bytes = write(&arguments.out, market, midnight)?;
    let messages = grouped(arguments.messages);
    say(&format!("{}: {messages} messages, {} bytes", arguments.out.display(), grouped(bytes)));
    Ok(())
}

/// Writes a market to the file at `path`: as a file of messages, or in packets of the day that began at `midnight`.
/// Says how large the file is.
pub(crate) fn write(
    path: &Path,
    market: Market,
    midnight: Option<i64>,
) -> Result<u64, CommandError> {
    let failed = |source| CommandError::Write { path: path.to_owned(), source };
    let (new_file, file) = NewFile::create(path).map_err(failed)?;
    let mut file = BufWriter::new(file);
    let write_to = |out: &mut dyn Write| match midnight {
        None => market.write_itch_file(&mut { out }),
        Some(midnight) => market.write_mold_pcap(&mut { out }, midnight),
    };
    let written = if path.extension().is_some_and(|extension| extension == "gz") {
        let mut gzip = GzEncoder::new(file, Compression::fast());
        write_to(&mut gzip).and_then(|()| gzip.finish())
    } else {
        write_to(&mut file).map(|()| file)
    };
    let finish = |file: BufWriter<File>| {
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        let bytes = file.metadata()?.len();
        new_file.finish(&file)?;
        Ok(bytes)
    };
    written.and_then(finish).map_err(failed)
}

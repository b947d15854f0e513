//! Prints the trades of a capture, and what its sequence numbers say.
//!
//! `cargo run --release -p tidewire-feeds --example print_trades -- CAPTURE`
#![allow(clippy::print_stdout, clippy::print_stderr)]

use tidewire_feeds::capture::{Capture, CaptureError, Message};
use tidewire_feeds::iex::Message as Iex;
use tidewire_feeds::itch::Message as Itch;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("which capture? give its path")?;
    let mut capture = Capture::open(path, None)?;
    loop {
        let captured = match capture.next() {
            Ok(Some(captured)) => captured,
            Ok(None) => break,
            Err(error @ CaptureError::Decode(_)) => {
                eprintln!("{error}");
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        match captured.message {
            Message::Itch(Itch::Trade(m)) => print(m.stock(), m.shares().into(), m.price().into()),
            Message::Itch(Itch::CrossTrade(m)) => print(m.stock(), m.shares(), m.price().into()),
            Message::Itch(Itch::OrderExecutedWithPrice(m)) if m.printable() == b'Y' => {
                print(format!("#{}", m.reference()), m.shares().into(), m.price().into());
            }
            Message::Iex(Iex::TradeReport(m)) => print(m.symbol(), m.size().into(), m.price()),
            Message::Sequence(event) => println!("{event:?}"),
            _ => {}
        }
    }
    Ok(())
}

fn print(what: impl std::fmt::Display, shares: u64, price: i64) {
    println!("{what:>8} {shares:>8} x {}.{:04}", price / 10_000, price % 10_000);
}

//! Nasdaq ITCH 5.0 in memory: decoding beside other crates, and the order books that decoding feeds.
//!
//! `cargo run --release -p tidewire-bench --bin decode`
#![allow(clippy::expect_used)]

mod crowd;
mod decoders;

use std::sync::Arc;

use clap::Parser;
use tidewire_bench::Comparison;
use tidewire_feeds::synth::Market;

use crowd::Crowd;

#[derive(Parser)]
struct Arguments {
    /// Messages of each input.
    #[arg(long, default_value_t = 3_000_000)]
    messages: u64,
    /// Measured rounds.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Live orders of the crowded market.
    #[arg(long, default_value_t = 500_000)]
    live_orders: usize,
    /// Only the comparisons whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
}

const SEED: u64 = 7;

fn main() {
    let arguments = Arguments::parse();
    let (messages, rounds, live) = (arguments.messages, arguments.rounds, arguments.live_orders);
    let wanted = |name: &str| name.contains(&arguments.only);

    let mut day = Vec::new();
    Market::new(SEED, 500, messages).write_itch_file(&mut day).expect("memory can be written");
    let day: Arc<[u8]> = day.into();

    let name = "ITCH decode, 500 stocks";
    if wanted(name) {
        Comparison::new(name, messages)
            .contestant("tidewire", || decoders::tidewire(&day))
            .contestant("tidewire, capture", || decoders::capture(&day))
            .contestant("itch5", || decoders::itch5(&day))
            .contestant("itchy", || decoders::itchy(&day))
            .run(rounds);
    }
    let books = |name: String, input: &[u8]| {
        if wanted(&name) {
            Comparison::new(name, messages)
                .contestant("decode", || decoders::tidewire(input))
                .contestant("decode + books", || decoders::tidewire_with_books(input))
                .run(rounds);
        }
    };
    books("ITCH order books, 500 stocks".to_owned(), &day);
    let crowd = Crowd::new(SEED, live).messages(messages);
    books(format!("ITCH order books, 8,000 stocks, {live} live orders"), &crowd);
}

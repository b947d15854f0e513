//! JSON messages as rows, beside serde_json into a struct of the same columns.
//!
//! `cargo run --release -p tidewire-bench --bin json`
#![forbid(unsafe_code)]
#![allow(clippy::expect_used)]

use std::collections::BTreeMap;
use std::hint::black_box;

use clap::Parser;
use serde::Deserialize;
use tidewire_bench::Comparison;
use tidewire_connect::tables::{Column, Columns, Options, message};
use tidewire_event::{DataType, Field, RowWriter, Slot};

#[derive(Parser)]
struct Arguments {
    /// Messages of each run.
    #[arg(long, default_value_t = 1_000_000)]
    messages: u64,
    /// Measured rounds.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// Of a row, for its strings.
const TAIL_BYTES: usize = 64;
/// Different messages, which come in turns.
const DIFFERENT: u64 = 1_000;

/// What people write first: the strings are its own.
#[derive(Deserialize)]
struct Owned {
    user_id: String,
    amount: f64,
    n: i64,
}

/// The strings stay in the message.
#[derive(Deserialize)]
struct Borrowed<'m> {
    user_id: &'m str,
    amount: f64,
    n: i64,
}

fn purchases() -> Vec<String> {
    let purchase = |n: u64| {
        let (user, amount) = (n % 97, n * 7_919 % 500_000);
        format!(
            "{{\"user_id\":\"user-{user}\",\"amount\":{}.{:02},\"n\":{n}}}",
            amount / 100,
            amount % 100
        )
    };
    (0..DIFFERENT).map(purchase).collect()
}

/// The same columns among others that the job does not use.
fn orders() -> Vec<String> {
    let order = |n: u64| {
        let (user, amount) = (n % 97, n * 7_919 % 500_000);
        format!(
            "{{\"id\": \"5f2b8c1e-{n:04}\", \"user_id\": \"user-{user}\", \"currency\": \"EUR\", \"amount\": {}.{:02}, \
              \"items\": [{{\"sku\": \"A-{n}\", \"count\": 2}}, {{\"sku\": \"B-{user}\", \"count\": 1}}], \
              \"note\": \"leave it at the \\\"back\\\" door\", \"n\": {n}, \"paid\": true, \"coupon\": null}}",
            amount / 100,
            amount % 100
        )
    };
    (0..DIFFERENT).map(order).collect()
}

fn into_rows(messages: &[String], amount: DataType, count: u64) -> u64 {
    let column = |name: &str, ty| Column::physical(Field::new(name, ty));
    let columns = vec![
        column("user_id", DataType::String),
        column("amount", amount),
        column("n", DataType::BigInt),
    ];
    let columns = Columns::all(columns).expect("three columns fit");
    let format = BTreeMap::from([("format".to_owned(), "json".to_owned())]);
    let mut options = Options::new("bench", format);
    let mut decoder = message::decoder(&mut options, &columns).expect("the options are right");
    let (user, n) = (columns.layout.slots()[0], columns.layout.slots()[2]);
    let mut row = vec![0; columns.layout.fixed_bytes() + TAIL_BYTES];
    let no_metadata = &mut |_: usize, _: &Slot, _: &mut RowWriter<'_>| Ok(());
    let mut sum = 0;
    for message in messages.iter().cycle().take(count as usize) {
        decoder.decode(black_box(message.as_bytes()), &mut row, no_metadata).expect("a row");
        sum += user.text(&row).len() as u64 + n.int(&row) as u64;
    }
    sum
}

fn into_structs<'m, T: Deserialize<'m>>(
    messages: &'m [String],
    count: u64,
    sum: impl Fn(&T) -> u64,
) -> u64 {
    let messages = messages.iter().cycle().take(count as usize);
    messages.map(|message| sum(&serde_json::from_str(black_box(message)).expect("a struct"))).sum()
}

fn main() {
    let Arguments { messages: count, rounds } = Arguments::parse();
    for (name, messages) in [
        ("JSON, a message of three members", purchases()),
        ("JSON, three members of nine", orders()),
    ] {
        let owned = |it: &Owned| {
            black_box(it.amount);
            it.user_id.len() as u64 + it.n as u64
        };
        let borrowed = |it: &Borrowed<'_>| {
            black_box(it.amount);
            it.user_id.len() as u64 + it.n as u64
        };
        let decimal = DataType::Decimal { precision: 12, scale: 2 };
        Comparison::new(name, count)
            .contestant("serde_json, String", || into_structs(&messages, count, owned))
            .contestant("serde_json, &str", || into_structs(&messages, count, borrowed))
            .contestant("a row, DOUBLE", || into_rows(&messages, DataType::Double, count))
            .contestant("a row, DECIMAL(12, 2)", || into_rows(&messages, decimal.clone(), count))
            .run(rounds);
    }
}

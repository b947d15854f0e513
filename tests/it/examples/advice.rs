//! Averages that cross.

use std::collections::BTreeMap;

use tidewire::prelude::*;
use tidewire_tests::shared_capture;

use super::ema_crossover::{BAR, SPANS, Trade, advice, trades};

/// (time of the bar's end, symbol, buys, the averages' bits), in the order of time and then of symbols.
type Advices = Vec<(i64, [u8; 8], bool, [u64; 2])>;

fn naive(trades: &[Trade]) -> Advices {
    let mut bars: BTreeMap<(i64, [u8; 8]), u32> = BTreeMap::new();
    for trade in trades {
        bars.insert((trade.ts / BAR * BAR + BAR, trade.symbol), trade.price);
    }
    let mut averages: BTreeMap<[u8; 8], [f64; 2]> = BTreeMap::new();
    let mut found = Vec::new();
    for ((end, symbol), price) in bars {
        let averages = averages.entry(symbol).or_default();
        let was_above = averages[0] > averages[1];
        for (average, span) in averages.iter_mut().zip(SPANS) {
            let alpha = 2.0 / (1.0 + span);
            *average = f64::from(price) / 10_000.0 * alpha + *average * (1.0 - alpha);
        }
        if (averages[0] > averages[1]) != was_above {
            found.push((end, symbol, !was_above, averages.map(f64::to_bits)));
        }
    }
    found
}

fn check(trades: &[Trade]) -> usize {
    let expected = naive(trades);
    for threads in [Threads::Inline, Threads::Shards(1), Threads::Shards(3)] {
        let options = Options { threads, ..Options::default() };
        let found = advice(trades.to_vec(), &options).unwrap();
        let row = |row: &tidewire::dataflow::InTurnRow<super::ema_crossover::Advice>| {
            let advice = row.event;
            (row.ts + 1, advice.symbol, advice.buys, advice.averages.map(f64::to_bits))
        };
        assert_eq!(found.iter().map(row).collect::<Advices>(), expected);
    }
    expected.len()
}

#[test]
fn trades_of_a_day_give_the_advice_of_a_loop_over_their_bars() {
    let files = [("BAC", "taq/bac_20131010_trade.zip"), ("AIG", "taq/aig_20131009_trade.zip")];
    let mut all = Vec::new();
    for (symbol, name) in files {
        let Some(path) = shared_capture(name) else { return };
        all.extend(trades(symbol, &path).unwrap());
    }
    assert_eq!(all.len(), 124_567 + 52_008);
    all.sort_by_key(|trade| trade.ts);
    // The averages begin at zero, so each symbol has its first crossing, and a day is too short for another.
    assert_eq!(check(&all), 2);
}

#[test]
fn invented_prices_that_go_up_and_down() {
    let mut trades = Vec::new();
    for at in 0..20_000_i64 {
        for symbol in 0..5_u8 {
            let wave = ((at as f64 + 500.0 * f64::from(symbol)) / 2_000.0).sin();
            let price = (200_000.0 + 50_000.0 * wave) as u32;
            trades.push(Trade { ts: at * 7 * SECOND, symbol: [symbol; 8], price });
        }
    }
    assert!(check(&trades) > 10);
}

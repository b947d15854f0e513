//! Bars against a slow model that looks at each nanosecond.

use proptest::prelude::*;
use tidewire_event::Place;
use tidewire_event::time::NOT_DUE;

use super::*;

fn header(ts: i64) -> Header {
    Header { ts, watermark: i64::MIN, place: Place::new(0, 0), due: NOT_DUE }
}

fn fold(ticks: &[(i64, TickKind)]) -> Partial {
    let tick = |kind| Tick { instrument: 0, kind };
    let mut ticks = ticks.iter();
    let (ts, kind) = ticks.next().unwrap();
    let first = Bars.lift(&header(*ts), &tick(*kind));
    ticks.fold(first, |mut partial, (ts, kind)| {
        Bars.insert(&mut partial, &header(*ts), &tick(*kind));
        partial
    })
}

proptest! {
    #[test]
    fn spreads_are_weighted_by_time(
        standing in prop::option::of(0..100_i64),
        changes in prop::collection::vec((0..30_i64, prop::option::of(-5..100_i64)), 1..20),
        split in 0..20_usize,
    ) {
        let (mut ts, mut before) = (0, standing);
        let ticks: Vec<_> = changes.iter().map(|(step, after)| {
            ts += step;
            let tick = (ts, TickKind::Spread { before, after: *after });
            before = *after;
            tick
        }).collect();
        let window = Window { start: -10, end: ts + 7 };

        let mut expected = (0, 0);
        for ns in window.start..window.end {
            let changed = changes.iter().scan(0, |at, (step, after)| { *at += step; Some((*at, *after)) });
            let last = changed.take_while(|(at, _)| *at <= ns).last();
            if let Some(spread) = last.map_or(standing, |(_, after)| after) {
                expected = (expected.0 + i128::from(spread), expected.1 + 1);
            }
        }
        prop_assert_eq!(Bars.lower(window, &fold(&ticks)).spread, expected);

        let split = split.min(ticks.len());
        if split > 0 && split < ticks.len() {
            let halves = Bars.combine(&fold(&ticks[..split]), &fold(&ticks[split..]));
            prop_assert_eq!(halves, fold(&ticks));
        }
    }

    #[test]
    fn trades_are_ordered_by_time_then_arrival(
        trades in prop::collection::vec((0..10_i64, -50..50_i64, 1..1_000_u64), 1..30),
    ) {
        let ticks: Vec<_> =
            trades.iter().map(|(ts, price, size)| (*ts, TickKind::Trade { price: *price, size: *size })).collect();
        let bar = Bars.lower(Window { start: 0, end: 10 }, &fold(&ticks)).trades.unwrap();
        let mut sorted = trades.clone();
        sorted.sort_by_key(|(ts, ..)| *ts);
        prop_assert_eq!((bar.open, bar.close), (sorted[0].1, sorted[sorted.len() - 1].1));
        prop_assert_eq!(bar.high, trades.iter().map(|t| t.1).max().unwrap());
        prop_assert_eq!(bar.low, trades.iter().map(|t| t.1).min().unwrap());
        prop_assert_eq!(bar.volume, trades.iter().map(|t| t.2).sum::<u64>());
        let notional: i128 = trades.iter().map(|t| i128::from(t.1) * i128::from(t.2)).sum();
        prop_assert_eq!(bar.notional, notional);
    }
}

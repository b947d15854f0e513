//! Over 10,000 within five minutes.

use tidewire::prelude::*;

use super::fraud::{Alerts, CENTS_MAX, OUT_OF_ORDER, Purchase, WITHIN, When, alerts, purchases};

/// The places and sums of the purchases over the limit, in the order of arrival, and how many are late.
fn naive(purchases: &[Purchase], when: When) -> (Vec<(u64, i128)>, u64) {
    let mut in_time = Vec::new();
    let (mut newest, mut late) = (i64::MIN, 0);
    for (at, purchase) in purchases.iter().enumerate() {
        let ts = purchase.ts.to_native();
        if newest > i64::MIN && ts < newest - OUT_OF_ORDER {
            late += 1;
        } else {
            in_time.push((
                at,
                ts,
                purchase.user.to_native(),
                i128::from(purchase.cents.to_native()),
            ));
        }
        newest = newest.max(ts);
    }
    let mut over = Vec::new();
    for (at, ts, user, _) in &in_time {
        let counts = |(other_at, other_ts, other_user, _): &&(usize, i64, u32, i128)| {
            let is_there = when == When::Complete || other_at <= at;
            is_there && other_user == user && (ts - WITHIN..=*ts).contains(other_ts)
        };
        let cents: i128 = in_time.iter().filter(counts).map(|(_, _, _, cents)| cents).sum();
        if cents > CENTS_MAX {
            over.push((*at as u64, cents));
        }
    }
    (over, late)
}

#[test]
fn every_purchase_over_the_limit_is_an_alert() {
    for seed in 0..4 {
        let purchases = purchases(seed, 8_000);
        for when in [When::OnArrival, When::Complete] {
            let (expected, expected_late) = naive(&purchases, when);
            assert!(expected.len() > 10 && expected_late > 0);
            for threads in [Threads::Inline, Threads::Shards(1), Threads::Shards(3)] {
                let options = Options { threads, ..Options::default() };
                let Alerts { found, late } = alerts(purchases.clone(), when, &options).unwrap();
                let row = |row: &super::fraud::Spent| Some((row.place.sequence(), row.value?));
                let times: Vec<_> = found.iter().map(|row| (row.ts, row.place)).collect();
                assert!(when == When::OnArrival || times.is_sorted());
                let mut found: Vec<_> = found.iter().filter_map(row).collect();
                found.sort_unstable();
                assert_eq!((&found, late), (&expected, expected_late), "{seed} {when:?}");
            }
        }
    }
}

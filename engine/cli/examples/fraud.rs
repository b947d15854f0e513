//! Alerts where a user spends over 10,000 within a rolling five minutes.
//!
//! The purchases are invented from a seed, and arrive out of order: most by less than two seconds, which the watermark
//! waits for, and a few later than that, which come out as late. The rule is computed twice. *On arrival* an alert leaves
//! with the purchase that completes it, over what is there by then. *Complete* it waits until the watermark has passed, and
//! nothing that was in time is missing.
//!
//! `cargo run --release -p tidewire --example fraud -- [SEED]`
#![allow(clippy::print_stdout)]

use std::cmp::Ordering;
use std::convert::Infallible;
use std::error::Error;

use rkyv::Portable;
use tidewire::aggregates::sum;
use tidewire::dataflow::RollingRow;
use tidewire::prelude::*;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// The rule.
pub(crate) const WITHIN: i64 = 5 * MINUTE;
pub(crate) const CENTS_MAX: i128 = 10_000 * 100;

/// How long the watermark waits for what is behind.
pub(crate) const OUT_OF_ORDER: i64 = 2 * SECOND;

/// What a user pays. It is kept for five minutes, so it is a record: plain bytes, which a snapshot takes as they are.
#[derive(Debug, Clone, Copy, PartialEq, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct Purchase {
    pub(crate) ts: i64_ule,
    pub(crate) user: u32_ule,
    pub(crate) cents: u32_ule,
}

/// A purchase, and what its user has spent in the five minutes up to it.
pub(crate) type Spent = RollingRow<Purchase, Option<i128>>;

/// Keeps what is over the limit.
#[derive(Debug, Default)]
pub(crate) struct Alerts {
    pub(crate) found: Vec<Spent>,
    pub(crate) late: u64,
}

impl Sink for Alerts {
    type Row = Spent;
    type Late = Purchase;
    type Error = Infallible;

    fn compare(&self, a: &Spent, b: &Spent) -> Ordering {
        a.place.cmp(&b.place)
    }

    fn row(&mut self, spent: Spent) -> Result<(), Infallible> {
        if spent.value > Some(CENTS_MAX) {
            self.found.push(spent);
        }
        Ok(())
    }

    fn late(&mut self, _: &Header, _: Purchase) -> Result<(), Infallible> {
        self.late += 1;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// When an alert leaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum When {
    OnArrival,
    Complete,
}

/// The pipeline.
pub(crate) fn alerts(
    purchases: Vec<Purchase>,
    when: When,
    options: &Options,
) -> Result<Alerts, Box<dyn Error>> {
    let rolling = stream(events(purchases, |purchase| purchase.ts.to_native()))
        .watermark(|| Bounded::new(OUT_OF_ORDER))
        .key_by(|purchase: &Purchase| purchase.user.to_native())
        .rolling(Frame::Range(WITHIN));
    let spent = sum(|purchase: &Purchase| purchase.cents.to_native());
    let done = match when {
        When::OnArrival => {
            rolling.on_arrival(spent).run(Alerts::default(), options, &mut Silent)?.sink
        }
        When::Complete => {
            rolling.complete(spent).run(Alerts::default(), options, &mut Silent)?.sink
        }
    };
    Ok(done)
}

/// Purchases in the order of their arrival: those of a few users, who now and then lose their card.
pub(crate) fn purchases(seed: u64, count: usize) -> Vec<Purchase> {
    const USERS: u64 = 200;
    let mut seed = seed;
    let mut roll = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let (mut ts, mut stolen) = (1_600_000_000 * SECOND, 0);
    let mut arriving = Vec::with_capacity(count);
    for _ in 0..count {
        ts += roll(400) as i64 * MILLISECOND;
        if roll(2_000) == 0 {
            stolen = roll(USERS);
        }
        let (user, cents) = match roll(100) {
            0 => (stolen, 20_000 + roll(80_000)),
            _ => (roll(USERS), 100 + roll(30_000)),
        };
        let delay = match roll(1_000) {
            0 => OUT_OF_ORDER + roll(5_000) as i64 * MILLISECOND,
            _ => roll(1_900) as i64 * MILLISECOND,
        };
        let [user, cents] = [user as u32, cents as u32].map(u32_ule::from_native);
        arriving.push((ts + delay, Purchase { ts: ts.into(), user, cents }));
    }
    arriving.sort_by_key(|(arrives, _)| *arrives);
    arriving.into_iter().map(|(_, purchase)| purchase).collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let seed = std::env::args().nth(1).map_or(Ok(7), |seed| seed.parse())?;
    let purchases = purchases(seed, 100_000);
    for when in [When::OnArrival, When::Complete] {
        let Alerts { found, late } = alerts(purchases.clone(), when, &Options::default())?;
        println!("{when:?}: {} alerts, {late} late purchases; the first:", found.len());
        for Spent { place, event, value, .. } in found.iter().take(5) {
            let (dollars, cents) = (value.unwrap_or(0) / 100, value.unwrap_or(0) % 100);
            let (user, number) = (event.user.to_native(), place.sequence());
            println!("  user {user:>3} has spent {dollars}.{cents:02} by purchase #{number}");
        }
    }
    Ok(())
}

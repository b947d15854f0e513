//! The jobs as one would write them by hand for events in order, on one thread.

use std::collections::VecDeque;

use ahash::RandomState;
use hashbrown::HashMap;
use tidewire::prelude::*;

use super::input::{Checksum, Event};

type Totals = HashMap<u64, (i64, i64), RandomState>;

fn totals() -> Totals {
    HashMap::with_hasher(hasher())
}

fn hasher() -> RandomState {
    RandomState::with_seeds(1, 2, 3, 4)
}

pub(crate) fn filter(input: &[Event]) -> u64 {
    let mut sum = Checksum::default();
    for Event { k, v, ts } in input {
        let v = v.to_native();
        if v >= 64 {
            sum.take(k.to_native(), ts.to_native(), v * 2 + 1, 1);
        }
    }
    sum.0
}

pub(crate) fn tumbling(input: &[Event]) -> u64 {
    let (mut sum, mut open, mut end) = (Checksum::default(), totals(), i64::MIN);
    let mut close = |open: &mut Totals, end| {
        open.drain().for_each(|(key, (total, count))| sum.take(key, end, total, count));
    };
    for Event { k, v, ts } in input {
        let ts = ts.to_native();
        if ts >= end {
            close(&mut open, end);
            end = (ts.div_euclid(SECOND) + 1) * SECOND;
        }
        let total = open.entry(k.to_native()).or_insert((0, 0));
        total.0 += v.to_native();
        total.1 += 1;
    }
    close(&mut open, end);
    sum.0
}

/// The seconds of a window of ten, and what they come to together.
#[derive(Default)]
struct Slid {
    seconds: VecDeque<Totals>,
    whole: Option<Totals>,
    sum: Checksum,
}

impl Slid {
    /// The window that ends with `second`, which ends at `end`.
    fn close(&mut self, second: Totals, end: i64) {
        let whole = self.whole.get_or_insert_with(totals);
        for (key, (total, count)) in &second {
            let of_key = whole.entry(*key).or_insert((0, 0));
            *of_key = (of_key.0 + total, of_key.1 + count);
        }
        self.seconds.push_back(second);
        if self.seconds.len() > 10
            && let Some(gone) = self.seconds.pop_front()
        {
            for (key, (total, count)) in gone {
                if let Some(of_key) = whole.get_mut(&key) {
                    *of_key = (of_key.0 - total, of_key.1 - count);
                }
            }
        }
        for (key, (total, count)) in whole.iter().filter(|(_, (_, count))| *count > 0) {
            self.sum.take(*key, end, *total, *count);
        }
    }
}

pub(crate) fn hop(input: &[Event]) -> u64 {
    let (mut slid, mut open) = (Slid::default(), totals());
    let mut end = input.first().map_or(0, |event| event.ts.to_native()) + SECOND;
    for Event { k, v, ts } in input {
        while ts.to_native() >= end {
            slid.close(std::mem::replace(&mut open, totals()), end);
            end += SECOND;
        }
        let total = open.entry(k.to_native()).or_insert((0, 0));
        total.0 += v.to_native();
        total.1 += 1;
    }
    slid.close(open, end);
    for more in 1..10 {
        slid.close(totals(), end + more * SECOND);
    }
    slid.sum.0
}

pub(crate) fn rolling(input: &[Event]) -> u64 {
    let mut sum = Checksum::default();
    let mut frames: HashMap<u64, (VecDeque<(i64, i64)>, i64), _> = HashMap::with_hasher(hasher());
    for Event { k, v, ts } in input {
        let (key, ts, v) = (k.to_native(), ts.to_native(), v.to_native());
        let (frame, total) = frames.entry(key).or_default();
        frame.push_back((ts, v));
        *total += v;
        while let Some((first, old)) = frame.front()
            && *first < ts - 5 * MINUTE
        {
            *total -= old;
            frame.pop_front();
        }
        sum.take(key, ts, *total, 1);
    }
    sum.0
}

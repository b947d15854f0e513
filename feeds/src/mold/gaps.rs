//! Open gaps of a stream, and when each is asked for again.
//!
//! 1. Gaps are not empty, apart from each other, and in ascending order.
//! 2. A gap waits first, for another line to fill it. Then it is asked for, of each server in turn, and each time it
//!    waits twice as long for the answer.
//! 3. An answer that fills a part is a sign of life: the rest is asked for at once.

use std::ops::Range;

use super::Waits;

/// Gaps that may be open at once. When one more opens, the oldest is given up.
pub const GAPS_MAX: usize = 1024;

/// Numbers that are missing.
#[derive(Debug, Clone)]
pub(super) struct Gap {
    pub(super) range: Range<u64>,
    /// When it is asked for, or given up, ns.
    due: i64,
    /// How often it was asked for since anything came.
    requests: u32,
}

/// All of a stream.
#[derive(Debug, Default)]
pub(super) struct Gaps(Vec<Gap>);

impl Gaps {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Opens a gap behind all others.
    pub(super) fn open(&mut self, range: Range<u64>, due: i64) {
        self.0.push(Gap { range, due, requests: 0 });
    }

    /// Takes a number out of its gap. `false`: it is in none. With `asked_at` it was asked for, and came then.
    pub(super) fn fill(&mut self, sequence: u64, asked_at: Option<i64>) -> bool {
        let index = self.0.partition_point(|gap| gap.range.end <= sequence);
        let Some(gap) = self.0.get(index).filter(|gap| gap.range.start <= sequence) else {
            return false;
        };
        let (due, requests) = match asked_at {
            Some(now) => (now, 0),
            None => (gap.due, gap.requests),
        };
        let rest = [gap.range.start..sequence, sequence + 1..gap.range.end];
        let rest = rest.into_iter().filter(|range| !range.is_empty());
        self.0.splice(index..=index, rest.map(|range| Gap { range, due, requests }));
        true
    }

    /// Takes the first gap out.
    pub(super) fn take_first(&mut self) -> Option<Range<u64>> {
        (!self.0.is_empty()).then(|| self.0.remove(0).range)
    }

    /// Whether nothing more is to be waited for at the first gap.
    pub(super) fn is_first_lost(&self, now: i64, servers: usize, waits: &Waits) -> bool {
        let is_lost =
            |gap: &Gap| gap.due <= now && (servers == 0 || gap.requests >= waits.requests_max);
        self.0.first().is_some_and(is_lost)
    }

    /// Those that are to be asked for now, each with the number of its server. Each call asks once.
    pub(super) fn ask_due(
        &mut self,
        now: i64,
        servers: usize,
        waits: &Waits,
        mut ask: impl FnMut(usize, Range<u64>),
    ) {
        for gap in &mut self.0 {
            if servers == 0 || gap.due > now || gap.requests >= waits.requests_max {
                continue;
            }
            ask(gap.requests as usize % servers, gap.range.clone());
            let wait = waits.answer_ns.saturating_mul(1_i64 << gap.requests.min(32));
            gap.due = now.saturating_add(wait);
            gap.requests += 1;
        }
    }

    /// When the next of them is due, ns.
    pub(super) fn due(&self) -> Option<i64> {
        self.0.iter().map(|gap| gap.due).min()
    }
}

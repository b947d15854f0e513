//! Latencies, without a stall: full histograms are swapped for empty ones through two rings.

use hdrhistogram::Histogram;
use rtrb::{Consumer, Producer, RingBuffer};
use tidewire_event::time::SECOND;

/// From where to where a latency is measured. Both begin when the event was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// To the moment at which its effect is in the operator's state.
    Effect,
    /// To the moment at which a result that it completed reached the sink.
    Result,
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Effect => "effect",
            Self::Result => "result",
        })
    }
}

/// The longest latency told apart, ns. What is longer counts as this.
const LATENCY_MAX_NS: u64 = 600 * SECOND as u64;
/// Three digits: a value is off by a thousandth at most.
const DIGITS: u8 = 3;
const INTERVAL_NS: i64 = SECOND;
/// Histograms of a recorder: the one in use, one with the collector, and one ready.
const HISTOGRAMS: usize = 3;

type Latencies = Box<Interval>;

#[derive(Debug)]
pub(crate) struct Interval {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) latencies: Histogram<u64>,
}

/// An empty histogram of latencies in ns.
#[must_use]
pub fn histogram() -> Histogram<u64> {
    let mut histogram = Histogram::new_with_bounds(1, LATENCY_MAX_NS, DIGITS)
        .unwrap_or_else(|_| unreachable!("the bounds are constants, and a test makes one"));
    // Writes to every page of it, so that no event pays for the fault.
    histogram.reset();
    histogram
}

/// The writing end: lives on a shard's or the sink's thread.
#[derive(Debug)]
pub(crate) struct Recorder {
    active: Latencies,
    full: Producer<Latencies>,
    empty: Consumer<Latencies>,
}

/// The reading end: lives on the thread that called `run`.
#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) span: Span,
    full: Consumer<Latencies>,
    empty: Producer<Latencies>,
    pub(crate) total: Histogram<u64>,
}

pub(crate) fn recorder(span: Span) -> (Recorder, Collector) {
    let (full, full_consumer) = RingBuffer::new(HISTOGRAMS);
    let (mut empty_producer, empty) = RingBuffer::new(HISTOGRAMS);
    let fresh = || Box::new(Interval { start: 0, end: 0, latencies: histogram() });
    for _ in 1..HISTOGRAMS {
        // The ring has room for all of them.
        let _ = empty_producer.push(fresh());
    }
    (
        Recorder { active: fresh(), full, empty },
        Collector { span, full: full_consumer, empty: empty_producer, total: histogram() },
    )
}

impl Recorder {
    /// Takes the latency of an event that was due at `due` and is done `now`.
    #[inline]
    pub(crate) fn record(&mut self, due: i64, now: i64) {
        self.active.latencies.saturating_record((now - due).max(0) as u64);
        self.active.end = now;
        if now - self.active.start >= INTERVAL_NS {
            self.swap(now);
        }
    }

    /// Hands the full histogram over, if there is an empty one to go on with.
    #[cold]
    #[inline(never)]
    fn swap(&mut self, now: i64) {
        if let Ok(mut empty) = self.empty.pop() {
            empty.start = now;
            // The ring has room for all the histograms that there are.
            let _ = self.full.push(std::mem::replace(&mut self.active, empty));
        }
    }

    /// Hands the last interval over.
    pub(crate) fn finish(mut self) {
        let _ = self.full.push(self.active);
    }
}

impl Collector {
    /// Takes in the intervals that are full, showing each to `show`.
    pub(crate) fn collect(&mut self, mut show: impl FnMut(Span, &Interval)) {
        while let Ok(mut interval) = self.full.pop() {
            if !interval.latencies.is_empty() {
                show(self.span, &interval);
                // Both have the same bounds.
                let _ = self.total.add(&interval.latencies);
            }
            interval.latencies.reset();
            let _ = self.empty.push(interval);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_arrives_once() {
        let (mut recorder, mut collector) = recorder(Span::Effect);
        let mut intervals = 0;
        for now in 0..10 {
            recorder.record(0, now * SECOND / 2);
            collector.collect(|_, _| intervals += 1);
        }
        recorder.finish();
        collector.collect(|_, _| intervals += 1);
        assert_eq!(collector.total.len(), 10);
        assert_eq!(intervals, 5);
    }

    #[test]
    fn a_slow_collector_loses_nothing() {
        let (mut recorder, mut collector) = recorder(Span::Result);
        for now in 0..100 {
            recorder.record(0, now * SECOND);
        }
        recorder.finish();
        for _ in 0..HISTOGRAMS {
            collector.collect(|_, _| ());
        }
        assert_eq!(collector.total.len(), 100);
    }
}

//! Sequence numbers: gaps, duplicates, reordering and restarts, as events.
//!
//! 1. In order: the number is the one expected.
//! 2. A number beyond it opens a gap; the gap stays open for a message that was only late.
//! 3. A number below it fills an open gap (reordered) or has been seen (a duplicate, not to be applied twice).
//! 4. A new session starts afresh at number 1: a restart.
//! 5. The first packet of all sets the number expected: who joins late has missed nothing that he asked for.
//!
//! A packet brings a run of numbers, and its parts can differ: the first may be duplicates, the next fill a gap.
//! [`Tracker::observe`] therefore answers for the longest part that one [`Event`] describes, and is called again
//! for the rest.
//!
//! ```
//! use tidewire_feeds::sequence::{Event, Run, Tracker};
//!
//! let mut tracker = Tracker::default();
//! assert_eq!(tracker.observe(1, 1, 3), Run { event: Event::InOrder, count: 3 });
//! let gap = Event::Gap { expected: 4, found: 6 };
//! assert_eq!(tracker.observe(1, 6, 1), Run { event: gap, count: 1 });
//! // Messages 5, 6 and 7 in one packet: 5 was late, 6 is known, 7 is new.
//! assert_eq!(tracker.observe(1, 5, 3), Run { event: Event::Reordered { sequence: 5 }, count: 1 });
//! assert_eq!(tracker.observe(1, 6, 2), Run { event: Event::Duplicate { sequence: 6 }, count: 1 });
//! assert_eq!(tracker.observe(1, 7, 1), Run { event: Event::InOrder, count: 1 });
//! assert_eq!(tracker.counters().missing, 1);
//! ```

use std::ops::Range;

/// Open gaps that a tracker remembers. When one more opens, the oldest is given up and counted as lost.
pub const OPEN_GAPS_MAX: usize = 1024;

/// What the numbers of a run of messages mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The numbers expected.
    InOrder,
    /// The messages from `expected` to the one before `found` are missing, so far.
    Gap {
        /// The number that should have come.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// Messages from `sequence` on have been seen, or given up: they are not to be applied.
    Duplicate {
        /// The first such number.
        sequence: u64,
    },
    /// Messages from `sequence` on come late and fill an open gap.
    Reordered {
        /// The first such number.
        sequence: u64,
    },
    /// The stream has started afresh: from here on the numbers are another session's, from 1.
    Restart {
        /// The number that the old session had reached: the one expected next.
        expected: u64,
        /// The first number seen of the new session.
        found: u64,
    },
}

/// An event, and for how many messages it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// What the numbers mean.
    pub event: Event,
    /// Messages, from the first observed on. Zero for a restart, whose messages are still to be observed, and
    /// for a heartbeat; at least one otherwise.
    pub count: u64,
}

/// What a stream's numbers have said so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages seen for the first time.
    pub messages: u64,
    /// Gaps opened.
    pub gaps: u64,
    /// Messages skipped by gaps, and not come since.
    pub missing: u64,
    /// Those of the missing whose gap is no longer open: should they come, they count as duplicates.
    pub lost: u64,
    /// Messages seen again.
    pub duplicates: u64,
    /// Messages that came late into an open gap.
    pub reordered: u64,
    /// Sessions that followed another one.
    pub restarts: u64,
}

impl std::ops::AddAssign for Counters {
    fn add_assign(&mut self, other: Self) {
        let add = |ours: &mut u64, theirs| *ours = ours.saturating_add(theirs);
        add(&mut self.messages, other.messages);
        add(&mut self.gaps, other.gaps);
        add(&mut self.missing, other.missing);
        add(&mut self.lost, other.lost);
        add(&mut self.duplicates, other.duplicates);
        add(&mut self.reordered, other.reordered);
        add(&mut self.restarts, other.restarts);
    }
}

/// Tracks the sequence numbers of one stream.
///
/// `S` tells sessions apart: ten bytes in MoldUDP64, a number in IEX-TP.
#[derive(Debug, Clone)]
pub struct Tracker<S> {
    session: Option<S>,
    /// The number expected next: every smaller one has been seen, lies in an open gap, or is lost.
    expected: u64,
    /// Open gaps: not empty, apart from each other, in ascending order.
    open: Vec<Range<u64>>,
    counters: Counters,
}

impl<S> Default for Tracker<S> {
    fn default() -> Self {
        Self { session: None, expected: 1, open: Vec::new(), counters: Counters::default() }
    }
}

impl<S: PartialEq> Tracker<S> {
    /// Observes messages `sequence`, `sequence + 1`, ... of a packet, `count` of them, and answers for the first
    /// part of them; observe the rest until none is left. `count` is zero for a heartbeat, whose `sequence` is
    /// the number that the sender will use next.
    #[inline]
    pub fn observe(&mut self, session: S, sequence: u64, count: u64) -> Run {
        if sequence == self.expected && self.session.as_ref() == Some(&session) {
            return self.in_order(count);
        }
        self.observe_unexpected(session, sequence, count)
    }

    /// What the numbers have said so far.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The number expected next.
    #[must_use]
    pub fn expected(&self) -> u64 {
        self.expected
    }

    #[inline]
    fn in_order(&mut self, count: u64) -> Run {
        self.expected = self.expected.saturating_add(count);
        self.counters.messages = self.counters.messages.saturating_add(count);
        Run { event: Event::InOrder, count }
    }

    fn observe_unexpected(&mut self, session: S, sequence: u64, count: u64) -> Run {
        match &self.session {
            None => {
                self.session = Some(session);
                self.expected = sequence;
                return self.in_order(count);
            }
            Some(known) if *known != session => {
                let event = Event::Restart { expected: self.expected, found: sequence };
                self.session = Some(session);
                self.expected = 1;
                let unfilled: u64 = self.open.drain(..).map(|gap| gap.end - gap.start).sum();
                self.counters.lost = self.counters.lost.saturating_add(unfilled);
                self.counters.restarts += 1;
                return Run { event, count: 0 };
            }
            Some(_) => {}
        }
        if sequence > self.expected {
            return self.gap(sequence, count);
        }
        if count == 0 {
            return Run { event: Event::InOrder, count: 0 };
        }
        self.below(sequence, count)
    }

    fn gap(&mut self, found: u64, count: u64) -> Run {
        let expected = self.expected;
        self.open.push(expected..found);
        self.bound_open_gaps();
        self.counters.gaps += 1;
        self.counters.missing = self.counters.missing.saturating_add(found - expected);
        self.expected = found;
        self.in_order(count);
        Run { event: Event::Gap { expected, found }, count }
    }

    /// Numbers below the one expected: the first of them fill a gap, or have been seen.
    fn below(&mut self, sequence: u64, count: u64) -> Run {
        let end = sequence.saturating_add(count).min(self.expected);
        let index = self.open.partition_point(|gap| gap.end <= sequence);
        let open = self.open.get(index).cloned().filter(|gap| gap.start < end);
        let Some(gap) = open else {
            return self.duplicate(sequence, end - sequence);
        };
        if sequence < gap.start {
            return self.duplicate(sequence, gap.start - sequence);
        }
        let filled = sequence..end.min(gap.end);
        let left = [gap.start..filled.start, filled.end..gap.end];
        self.open.splice(index..=index, left.into_iter().filter(|part| !part.is_empty()));
        self.bound_open_gaps();
        let count = filled.end - filled.start;
        self.counters.messages = self.counters.messages.saturating_add(count);
        self.counters.reordered = self.counters.reordered.saturating_add(count);
        self.counters.missing = self.counters.missing.saturating_sub(count);
        Run { event: Event::Reordered { sequence }, count }
    }

    fn duplicate(&mut self, sequence: u64, count: u64) -> Run {
        self.counters.duplicates = self.counters.duplicates.saturating_add(count);
        Run { event: Event::Duplicate { sequence }, count }
    }

    fn bound_open_gaps(&mut self) {
        if self.open.len() > OPEN_GAPS_MAX {
            let oldest = self.open.remove(0);
            self.counters.lost = self.counters.lost.saturating_add(oldest.end - oldest.start);
        }
    }
}

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Observes a whole packet, and returns its runs.
fn packet(tracker: &mut Tracker<u8>, session: u8, sequence: u64, count: u64) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut taken = 0;
    loop {
        let run = tracker.observe(session, sequence + taken, count - taken);
        runs.push(run);
        taken += run.count;
        if taken == count && !matches!(run.event, Event::Restart { .. }) {
            return runs;
        }
    }
}

#[test]
fn a_heartbeat_reveals_a_gap_at_the_end() {
    let mut tracker = Tracker::default();
    packet(&mut tracker, 1, 1, 5);
    let event = Event::Gap { expected: 6, found: 9 };
    assert_eq!(packet(&mut tracker, 1, 9, 0), [Run { event, count: 0 }]);
    assert_eq!(packet(&mut tracker, 1, 9, 0), [Run { event: Event::InOrder, count: 0 }]);
    assert_eq!(tracker.counters().missing, 3);
}

#[test]
fn a_new_session_that_is_joined_late_restarts_and_then_gaps() {
    let mut tracker = Tracker::default();
    packet(&mut tracker, 1, 100, 5);
    let restart = Event::Restart { expected: 105, found: 4 };
    let gap = Event::Gap { expected: 1, found: 4 };
    assert_eq!(
        packet(&mut tracker, 2, 4, 2),
        [Run { event: restart, count: 0 }, Run { event: gap, count: 2 }]
    );
    let counters = tracker.counters();
    assert_eq!((counters.restarts, counters.missing, counters.messages), (1, 3, 7));
}

#[test]
fn the_oldest_gap_is_given_up_and_counted() {
    let mut tracker = Tracker::default();
    packet(&mut tracker, 1, 1, 1);
    for gap in 1..=OPEN_GAPS_MAX as u64 + 1 {
        packet(&mut tracker, 1, 1 + 2 * gap, 1);
    }
    assert_eq!(tracker.counters().lost, 1);
    assert_eq!(packet(&mut tracker, 1, 2, 1)[0].event, Event::Duplicate { sequence: 2 });
    assert_eq!(packet(&mut tracker, 1, 4, 1)[0].event, Event::Reordered { sequence: 4 });
}

#[test]
fn the_largest_numbers_are_survived() {
    let mut tracker = Tracker::default();
    packet(&mut tracker, 1, 1, 1);
    tracker.observe(1, u64::MAX, u64::MAX);
    tracker.observe(1, u64::MAX, 1);
    assert_eq!(tracker.expected(), u64::MAX);
}

/// What a set of seen numbers says of one message.
#[derive(Debug, PartialEq)]
enum Verdict {
    InOrder,
    Gap,
    Duplicate,
    Reordered,
}

proptest! {
    #[test]
    fn every_message_is_judged_as_a_set_of_seen_numbers_would(
        packets in prop::collection::vec((1_u64..120, 0_u64..12), 1..60),
    ) {
        let mut tracker = Tracker::default();
        packet(&mut tracker, 0, 1, 1);
        let mut seen = BTreeSet::from([1]);
        let mut expected = 2;
        for (sequence, count) in packets {
            let mut judged = Vec::new();
            for run in packet(&mut tracker, 0, sequence, count) {
                for index in 0..run.count {
                    judged.push(match run.event {
                        Event::InOrder => Verdict::InOrder,
                        Event::Gap { .. } if index == 0 => Verdict::Gap,
                        Event::Gap { .. } => Verdict::InOrder,
                        Event::Duplicate { .. } => Verdict::Duplicate,
                        Event::Reordered { .. } => Verdict::Reordered,
                        Event::Restart { .. } => panic!("one session"),
                    });
                }
            }
            let mut naive = Vec::new();
            for number in sequence..sequence + count {
                naive.push(if !seen.insert(number) {
                    Verdict::Duplicate
                } else if number < expected {
                    Verdict::Reordered
                } else if number == expected {
                    Verdict::InOrder
                } else {
                    Verdict::Gap
                });
                expected = expected.max(number + 1);
            }
            expected = expected.max(sequence);
            prop_assert_eq!(judged, naive);
        }
        let counters = tracker.counters();
        prop_assert_eq!(counters.messages, seen.len() as u64);
        prop_assert_eq!(counters.missing, expected - 1 - seen.len() as u64);
        prop_assert_eq!(tracker.expected(), expected);
    }
}

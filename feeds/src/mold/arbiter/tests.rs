use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::{Answer, History, PacketBuilder};
use super::*;

const SESSION: Session = *b"SESSION001";
const OTHER: Session = *b"SESSION002";
const WAITS: Waits = Waits { reorder_ns: 10, answer_ns: 10, requests_max: 3 };

/// What was handed out, as values.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Got {
    Message(u64),
    Event(Event),
    End,
}

fn message(sequence: u64) -> Vec<u8> {
    vec![sequence as u8; sequence as usize % 5]
}

fn packet(session: Session, first: u64, count: u64) -> Vec<u8> {
    let mut packet = PacketBuilder::new(session, first);
    for sequence in first..first + count {
        assert!(packet.push(&message(sequence)));
    }
    packet.finish(<[u8]>::to_vec)
}

fn end_of(session: Session, next: u64) -> Vec<u8> {
    PacketBuilder::new(session, next).finish_session(<[u8]>::to_vec)
}

struct Driven {
    arbiter: Arbiter,
    got: Vec<Got>,
    asked: Vec<(usize, Request)>,
}

impl Driven {
    fn new(servers: usize) -> Self {
        Self { arbiter: Arbiter::new(2, servers, WAITS, true), got: Vec::new(), asked: Vec::new() }
    }

    fn receive(&mut self, origin: Origin, payload: &[u8], now: i64) {
        let Self { arbiter, got, .. } = self;
        arbiter.receive(origin, payload, now, now, &mut |it| note(got, it)).unwrap();
    }

    fn line(&mut self, line: usize, first: u64, count: u64, now: i64) {
        self.receive(Origin::Line(line), &packet(SESSION, first, count), now);
    }

    fn tick(&mut self, now: i64) {
        let Self { arbiter, got, asked } = self;
        arbiter.tick(now, |server, request| asked.push((server, request)), &mut |it| note(got, it));
    }
}

fn note(got: &mut Vec<Got>, delivery: Delivery<'_>) {
    got.push(match delivery {
        Delivery::Message { sequence, bytes, .. } => {
            assert_eq!(bytes, message(sequence));
            Got::Message(sequence)
        }
        Delivery::Event { event, .. } => Got::Event(event),
        Delivery::EndOfSession { .. } => Got::End,
    });
}

fn messages(of: std::ops::Range<u64>) -> Vec<Got> {
    of.map(Got::Message).collect()
}

#[test]
fn a_gap_without_a_server_is_given_up_after_the_wait() {
    let mut it = Driven::new(0);
    it.line(0, 1, 2, 0);
    it.line(0, 5, 1, 3);
    it.tick(12);
    assert_eq!(it.got, messages(1..3));
    assert_eq!(it.arbiter.due(), Some(13));
    it.tick(13);
    it.line(1, 3, 3, 14);
    let gap = Got::Event(Event::Gap { expected: 3, found: 5 });
    assert_eq!(it.got, [messages(1..3), vec![gap], messages(5..6)].concat());
    let counters = it.arbiter.counters();
    assert_eq!((counters.missing, counters.given_up, counters.late), (2, 2, 2));
    let lines: Vec<_> = it.arbiter.lines().collect();
    assert_eq!(lines[0], LineCounters { packets: 2, first: 3, duplicates: 0, lost: 2 });
    // Line B has begun with message 3: what was before is not missing on it.
    assert_eq!(lines[1], LineCounters { packets: 1, first: 0, duplicates: 1, lost: 0 });
}

#[test]
fn requests_go_to_each_server_in_turn_and_wait_longer() {
    let mut it = Driven::new(2);
    it.line(0, 1, 1, 0);
    it.line(0, 2_000, 1, 0);
    for now in 0..200 {
        it.tick(now);
    }
    let request = Request { session: SESSION, sequence: 2, count: REQUEST_MESSAGES_MAX };
    assert_eq!(it.asked, [(0, request), (1, request), (0, request)]);
    // 10 for the lines, then 10, 20 and 40 for the answers.
    let gap = Got::Event(Event::Gap { expected: 2, found: 2_000 });
    assert_eq!(it.got, [messages(1..2), vec![gap], messages(2_000..2_001)].concat());
    let mut again = Driven::new(2);
    again.line(0, 1, 1, 0);
    again.line(0, 5, 1, 0);
    for (now, asked, given_up) in
        [(9, 0, 0), (10, 1, 0), (20, 2, 0), (40, 3, 0), (79, 3, 0), (80, 3, 3)]
    {
        again.tick(now);
        assert_eq!(
            (again.asked.len(), again.arbiter.counters().given_up),
            (asked, given_up),
            "at {now}"
        );
    }
}

#[test]
fn an_answer_in_parts_is_followed_by_a_request_for_the_rest() {
    let mut it = Driven::new(1);
    it.line(0, 1, 1, 0);
    it.line(0, 9, 1, 0);
    it.tick(10);
    it.receive(Origin::Server, &packet(SESSION, 2, 4), 11);
    it.tick(11);
    let rest = Request { session: SESSION, sequence: 6, count: 3 };
    assert_eq!(it.asked.last(), Some(&(0, rest)));
    it.receive(Origin::Server, &packet(SESSION, 6, 3), 12);
    assert_eq!(it.got, messages(1..10));
    assert_eq!(it.arbiter.counters().filled_by_servers, 7);
    assert_eq!(it.arbiter.due(), None);
}

#[test]
fn the_end_waits_for_what_is_missing_before_it() {
    let mut it = Driven::new(0);
    it.line(0, 1, 2, 0);
    it.receive(Origin::Line(0), &end_of(SESSION, 5), 0);
    it.receive(Origin::Line(1), &end_of(SESSION, 5), 0);
    assert_eq!(it.got, messages(1..3));
    it.line(1, 1, 4, 1);
    assert_eq!(it.got, [messages(1..5), vec![Got::End]].concat());
    it.receive(Origin::Line(0), &end_of(SESSION, 5), 2);
    it.arbiter.close(&mut |_| panic!("it has ended"));
}

#[test]
fn another_session_restarts_once_and_the_old_one_does_not_come_back() {
    let mut it = Driven::new(0);
    it.line(0, 1, 1, 0);
    it.line(0, 3, 1, 0);
    it.receive(Origin::Line(0), &packet(OTHER, 1, 2), 1);
    it.line(1, 2, 2, 2);
    it.receive(Origin::Line(1), &packet(OTHER, 2, 2), 3);
    it.receive(Origin::Server, &packet(*b"SESSION003", 1, 2), 3);
    let events = [Event::Gap { expected: 2, found: 3 }, Event::Restart { expected: 4, found: 1 }];
    let [gap, restart] = events.map(Got::Event);
    let expected =
        [messages(1..2), vec![gap], messages(3..4), vec![restart], messages(1..4)].concat();
    assert_eq!(it.got, expected);
    let counters = it.arbiter.counters();
    assert_eq!((counters.stale, counters.restarts, counters.messages), (2, 1, 5));
}

#[test]
fn a_full_window_gives_up_its_oldest_gap() {
    let mut it = Driven::new(1);
    it.line(0, 1, 1, 0);
    let mut next = 3;
    while it.got.len() == 1 {
        assert!(next < 4 + WINDOW_MESSAGES_MAX as u64, "the window has no bound");
        it.line(0, next, 1, 0);
        next += 1;
    }
    assert_eq!(it.got[1], Got::Event(Event::Gap { expected: 2, found: 3 }));
    assert_eq!(it.got.len(), 2 + WINDOW_MESSAGES_MAX + 1);
    // So does one gap too many.
    let mut gaps = Driven::new(1);
    for gap in 1..=GAPS_MAX as u64 + 1 {
        gaps.line(0, 2 * gap, 1, 0);
    }
    let gap = Got::Event(Event::Gap { expected: 1, found: 2 });
    assert_eq!(gaps.got, [vec![gap], messages(2..3)].concat());
}

#[test]
fn a_cut_packet_gives_its_whole_messages_and_is_counted() {
    let mut it = Driven::new(0);
    let whole = packet(SESSION, 1, 4);
    let mut got = Vec::new();
    let cut = &whole[..whole.len() - 1];
    let error = it.arbiter.receive(Origin::Line(0), cut, 0, 0, &mut |it| note(&mut got, it));
    assert!(error.is_err());
    assert_eq!(got, messages(1..4));
    assert!(it.arbiter.receive(Origin::Line(0), b"short", 0, 0, &mut |_| {}).is_err());
    assert_eq!(it.arbiter.counters().damaged, 2);
}

#[derive(Debug, Clone)]
enum Op {
    Packet { line: usize, first: u64, count: u64 },
    Expire,
}

fn op() -> impl Strategy<Value = Op> {
    let packet = (0_usize..2, 1_u64..60, 0_u64..8).prop_map(|(line, first, count)| Op::Packet {
        line,
        first,
        count,
    });
    prop_oneof![9 => packet, 1 => Just(Op::Expire)]
}

proptest! {
    /// Beside a set of the numbers that have come.
    #[test]
    fn messages_come_once_in_order_and_what_is_missing_is_a_gap(ops in prop::collection::vec(op(), 1..60)) {
        let mut it = Driven::new(0);
        let mut here = BTreeSet::new();
        let (mut next, mut reach, mut now) = (1, 1, 0);
        let mut expected = Vec::new();
        let (mut seen, mut late) = (BTreeSet::new(), 0);
        for op in ops {
            match op {
                Op::Packet { line, first, count } => {
                    it.line(line, first, count, now);
                    here.extend((first..first + count).filter(|number| *number >= next));
                    let new = (first..first + count).filter(|number| seen.insert(*number));
                    late += new.filter(|number| *number < next).count() as u64;
                    reach = reach.max(first + count);
                }
                Op::Expire => {
                    now += WAITS.reorder_ns;
                    it.tick(now);
                    while next < reach {
                        let is_here = here.remove(&next);
                        expected.push((next, is_here));
                        next += 1;
                    }
                }
            }
            while here.remove(&next) {
                expected.push((next, true));
                next += 1;
            }
        }
        let mut got = Vec::new();
        for delivery in &it.got {
            match delivery {
                Got::Message(number) => got.push((*number, true)),
                Got::Event(Event::Gap { expected, found }) => {
                    got.extend((*expected..*found).map(|number| (number, false)));
                }
                other => panic!("{other:?}"),
            }
        }
        prop_assert_eq!(got, expected);
        let counters = *it.arbiter.counters();
        let delivered = it.got.iter().filter(|it| matches!(it, Got::Message(_))).count() as u64;
        prop_assert_eq!(counters.messages, delivered);
        prop_assert_eq!(counters.messages + counters.given_up, next - 1);
        prop_assert_eq!(counters.late, late);
    }

    /// Two lines with losses, and a server that answers some requests with some of what is asked: in the end all is there.
    #[test]
    fn what_no_line_has_brought_comes_from_the_server(
        sizes in prop::collection::vec(1_u64..5, 1..40),
        lost in prop::collection::vec((any::<bool>(), any::<bool>()), 40),
        answers in prop::collection::vec(prop::bool::weighted(0.7), 400),
        room in 20_usize..60,
    ) {
        let waits = Waits { requests_max: 400, ..WAITS };
        let mut it = Driven { arbiter: Arbiter::new(2, 2, waits, true), ..Driven::new(0) };
        let mut history = History::new(SESSION, 1 << 20);
        let (mut next, mut now) = (1, 0);
        for (size, (lost_a, lost_b)) in sizes.into_iter().zip(lost) {
            let sent = packet(SESSION, next, size);
            history.keep(&sent);
            for (line, lost) in [lost_a, lost_b].into_iter().enumerate() {
                if !lost {
                    it.receive(Origin::Line(line), &sent, now);
                }
            }
            next += size;
            now += 3;
        }
        it.receive(Origin::Line(0), &end_of(SESSION, next), now);
        let mut answers = answers.into_iter().chain(std::iter::repeat(true));
        while it.got.last() != Some(&Got::End) {
            now = it.arbiter.due().unwrap().max(now);
            it.tick(now);
            for (_, request) in std::mem::take(&mut it.asked) {
                if answers.next() == Some(true) {
                    let mut answer = Vec::new();
                    let found = history.answer(request, room, |bytes| answer = bytes.to_vec());
                    prop_assert!(matches!(found, Answer::Messages(_)));
                    it.receive(Origin::Server, &answer, now);
                }
            }
        }
        prop_assert_eq!(&it.got, &[messages(1..next), vec![Got::End]].concat());
        let counters = *it.arbiter.counters();
        prop_assert_eq!(counters.given_up, 0);
        prop_assert_eq!(counters.filled_by_lines + counters.filled_by_servers, counters.missing);
    }
}

//! MoldUDP64 on several lines.

use tidewire_feeds::mold::{Arbiter, Delivery, Origin, Packet, PacketBuilder, Waits};
use tidewire_feeds::sequence::Event;

const SESSIONS: [[u8; 10]; 2] = [*b"SESSION001", *b"SESSION002"];

/// Packets of two lines and of a server, and time between them, each of four bytes: where from, the first number, how many
/// messages, and how much of the packet is cut.
pub fn mold_lines(bytes: &[u8]) {
    let mut arbiter = Arbiter::new(2, 1, Waits::default(), true);
    let (mut next, mut handed_out, mut lost) = (1, 0_u64, 0_u64);
    let mut deliver = |delivery: Delivery<'_>| match delivery {
        Delivery::Message { sequence, bytes, .. } => {
            assert_eq!((sequence, bytes), (next, &[sequence as u8][..]));
            next += 1;
            handed_out += 1;
        }
        Delivery::Event { event: Event::Gap { expected, found }, .. } => {
            assert_eq!(expected, next);
            assert!(found > expected);
            lost += found - expected;
            next = found;
        }
        Delivery::Event { event: Event::Restart { expected, .. }, .. } => {
            assert_eq!(expected, next);
            next = 1;
        }
        Delivery::Event { event, .. } => {
            assert_eq!(event, Event::InOrder, "messages are handed out once, in order");
        }
        Delivery::EndOfSession { .. } => {}
    };
    let mut now = 0_i64;
    for step in bytes.chunks_exact(4) {
        let [from, first, count, cut] = [step[0], step[1], step[2], step[3]];
        let origin = match from & 3 {
            0 => Origin::Server,
            1 => {
                now += i64::from(first) * 1_000_000;
                arbiter.tick(
                    now,
                    |server, request| assert!(server == 0 && request.count > 0),
                    &mut deliver,
                );
                continue;
            }
            line => Origin::Line(usize::from(line) - 2),
        };
        let first = u64::from(first) + 1;
        let mut packet = PacketBuilder::new(SESSIONS[usize::from(from >> 7)], first);
        for number in first..first + u64::from(count % 16) {
            assert!(packet.push(&[number as u8]));
        }
        let mut payload = Vec::new();
        match from & 64 {
            0 => packet.finish(|bytes| payload.extend_from_slice(bytes)),
            _ => packet.finish_session(|bytes| payload.extend_from_slice(bytes)),
        }
        payload.truncate(payload.len() - usize::from(cut % 8));
        let whole = Packet::parse(&payload).is_ok_and(|it| it.messages().all(|it| it.is_ok()));
        let taken = arbiter.receive(origin, &payload, now, now, &mut deliver);
        // A cut packet of another session is not looked at.
        assert!(taken.is_ok() || !whole);
    }
    arbiter.close(&mut deliver);
    let counters = arbiter.counters();
    assert_eq!((counters.messages, counters.given_up), (handed_out, lost));
    assert_eq!(arbiter.due(), None);
}

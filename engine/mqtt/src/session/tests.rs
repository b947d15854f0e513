use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// What the broker has sent, and what is not settled.
#[derive(Debug, Clone, Copy)]
struct Flying {
    id: u16,
    message: (u8, u8),
    /// Of QoS 2, once the client has it: only the release is open.
    is_received: bool,
}

/// A broker that counts its packet identifiers up, as simple as the specification lets it be.
struct Broker {
    /// Payloads with their QoS, 1 or 2.
    queue: VecDeque<(u8, u8)>,
    flying: Vec<Flying>,
    last_id: u16,
    to_client: VecDeque<Packet>,
}

/// Messages that a broker sends before it waits for acknowledgements.
const WINDOW: usize = 5;

impl Broker {
    fn packet(Flying { id, message: (payload, qos), is_received }: Flying, again: bool) -> Packet {
        if is_received {
            return Packet::PubRel(rumqttc::PubRel::new(id));
        }
        let payload = [payload];
        let message = Published {
            is_duplicate: again,
            qos,
            is_retained: false,
            topic: "t",
            id,
            payload: &payload,
        };
        Packet::Publish(message.packet())
    }

    fn send(&mut self) {
        while self.flying.len() < WINDOW
            && let Some(message) = self.queue.pop_front()
        {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            let flying = Flying { id: self.last_id, message, is_received: false };
            self.flying.push(flying);
            self.to_client.push_back(Self::packet(flying, false));
        }
    }

    fn hear(&mut self, answer: &Packet) {
        match answer {
            Packet::PubAck(rumqttc::PubAck { pkid })
            | Packet::PubComp(rumqttc::PubComp { pkid }) => {
                let before = self.flying.len();
                self.flying.retain(|it| it.id != *pkid);
                assert_eq!(self.flying.len() + 1, before, "nothing was sent as {pkid}");
            }
            Packet::PubRec(PubRec { pkid }) => {
                let flying = self.flying.iter_mut().find(|it| it.id == *pkid).unwrap();
                flying.is_received = true;
                self.to_client.push_back(Self::packet(*flying, false));
            }
            other => panic!("{other:?}"),
        }
        self.send();
    }

    /// What was on its way is lost, and what is not settled goes out again.
    fn reconnected(&mut self) {
        self.to_client = self.flying.iter().map(|flying| Self::packet(*flying, true)).collect();
        self.send();
    }
}

/// What a batch of packets comes to.
#[derive(Debug, Clone, Copy)]
struct Turn {
    packets: usize,
    /// How many of its records the journal gets before the process dies, if it does.
    dies_at: Option<usize>,
    /// How many of its answers the broker gets before the connection breaks, if it does.
    breaks_at: Option<usize>,
}

fn restarted(journal: &[Vec<u8>]) -> Session {
    let mut session = Session::default();
    journal.iter().for_each(|record| session.replayed(&Record::read(record).unwrap()));
    session
}

/// What the journal has in the end of messages that were sent, while the process dies and connections break.
fn kept(sent: &[(u8, u8)], first_id: u16, turns: &[Turn]) -> Vec<(u8, u8)> {
    let mut broker = Broker {
        queue: sent.iter().copied().collect(),
        flying: Vec::new(),
        last_id: first_id,
        to_client: VecDeque::new(),
    };
    broker.send();
    let mut journal: Vec<Vec<u8>> = Vec::new();
    let mut session = Session::default();
    let calm = Turn { packets: 3, dies_at: None, breaks_at: None };
    for turn in turns.iter().copied().chain(std::iter::repeat(calm)) {
        if broker.to_client.is_empty() {
            assert!(broker.flying.is_empty() && broker.queue.is_empty());
            break;
        }
        let mut given = Vec::new();
        let mut give = |record: &Record<'_>| record.parts(|parts| given.push(parts.concat()));
        for _ in 0..turn.packets.min(broker.to_client.len()) {
            match broker.to_client.pop_front().unwrap() {
                Packet::Publish(publish) => session.publish(&publish, &mut give),
                Packet::PubRel(release) => session.release(release.pkid, &mut give),
                other => panic!("{other:?}"),
            }
        }
        let is_dead = turn.dies_at.is_some_and(|at| at < given.len());
        journal.extend(given.into_iter().take(turn.dies_at.unwrap_or(usize::MAX)));
        if !is_dead {
            for (at, answer) in session.kept().enumerate() {
                if turn.breaks_at.is_some_and(|breaks| breaks <= at) {
                    break;
                }
                broker.hear(&answer);
            }
        }
        if turn.dies_at.is_some() {
            session = restarted(&journal);
        }
        if turn.dies_at.is_some() || turn.breaks_at.is_some() {
            broker.reconnected();
            session.connected(true, &mut |_| panic!("the session was there"));
        }
    }
    let messages = journal.iter().filter_map(|record| match Record::read(record).unwrap() {
        Record::Message(message) => Some((message.payload[0], message.qos)),
        Record::Released(_) | Record::Begun => None,
    });
    messages.collect()
}

fn turn() -> impl Strategy<Value = Turn> {
    let at = || prop_oneof![2 => Just(None), 1 => (0..5_usize).prop_map(Some)];
    (0..6_usize, at(), at()).prop_map(|(packets, dies_at, breaks_at)| Turn {
        packets,
        dies_at,
        breaks_at,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn each_message_is_kept_once_and_in_order(
        sent in vec((0..2_u8, 1..3_u8), 0..40),
        first_id in prop_oneof![Just(0), Just(u16::MAX - 7)],
        turns in vec(turn(), 0..40),
    ) {
        prop_assert_eq!(kept(&sent, first_id, &turns), sent);
    }
}

fn publish(id: u16, qos: u8, is_duplicate: bool) -> Publish {
    let payload = b"x";
    Published { is_duplicate, qos, is_retained: false, topic: "t", id, payload }.packet()
}

fn given(session: &mut Session, publish: &Publish) -> usize {
    let mut count = 0;
    session.publish(publish, &mut |_| count += 1);
    count
}

#[test]
fn nothing_is_answered_before_it_is_kept_nor_on_another_connection() {
    let mut session = Session::default();
    assert_eq!(given(&mut session, &publish(1, 1, false)), 1);
    session.connected(true, &mut |_| {});
    assert_eq!(session.kept().count(), 0);
    assert_eq!(given(&mut session, &publish(1, 1, true)), 0);
    assert_eq!(session.kept().collect::<Vec<_>>(), [Packet::PubAck(PubAck::new(1))]);
    assert_eq!(session.counts(), (1, 1));
}

#[test]
fn equal_messages_of_a_publisher_stay() {
    let mut session = Session::default();
    for id in [1, 2, 3, 1, 1] {
        assert_eq!(given(&mut session, &publish(id, 1, false)), 1);
    }
}

#[test]
fn a_broker_that_gives_the_smallest_free_identifier_can_not_be_told_at_qos_1() {
    let mut session = Session::default();
    assert_eq!(given(&mut session, &publish(1, 1, false)), 1);
    // The broker has heard that, and what it then sends, equal and under the same identifier, gets lost: it comes again.
    session.connected(true, &mut |_| {});
    assert_eq!(given(&mut session, &publish(1, 1, true)), 0);
    // At QoS 2 the release stands between.
    assert_eq!(given(&mut session, &publish(9, 2, false)), 1);
    session.release(9, &mut |_| {});
    session.connected(true, &mut |_| {});
    assert_eq!(given(&mut session, &publish(9, 2, true)), 1);
}

#[test]
fn a_session_that_begins_anew_forgets_and_says_so_to_the_journal() {
    let mut session = Session::default();
    given(&mut session, &publish(1, 1, false));
    given(&mut session, &publish(2, 2, false));
    let mut records = 0;
    session.connected(false, &mut |record| {
        assert_eq!(*record, Record::Begun);
        records += 1;
    });
    assert_eq!(records, 1);
    assert!(!session.is_used());
    assert_eq!(given(&mut session, &publish(1, 1, true)), 1);
    assert_eq!(given(&mut session, &publish(2, 2, true)), 1);
    // One that nothing has come of has nothing to forget.
    Session::default().connected(false, &mut |_| panic!("nothing is to be kept"));
}

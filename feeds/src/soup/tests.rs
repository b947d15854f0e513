use proptest::prelude::*;

use super::*;
use crate::decode::testing::assert_decoder_holds_its_promises;
use crate::decode::{Decoded, Decoder, Found};

const SESSION: Session = *b"  SESSION1";
const LOGIN: Login =
    Login { user: *b"ann   ", password: *b"secret    ", session: [b' '; 10], sequence: 1 };

fn written(packet: Packet<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    assert!(packet.write(&mut bytes));
    bytes
}

/// Gives all of `bytes` to the server, and returns what it answers.
fn serve(
    server: &mut Server,
    mut bytes: &[u8],
    now: i64,
    newest: u64,
) -> Result<Vec<u8>, ServerError> {
    let mut out = Vec::new();
    let allows = |login: &Login| login.user == LOGIN.user && login.password == LOGIN.password;
    while !bytes.is_empty() {
        match server.receive(bytes, now, newest, allows, &mut out)? {
            Decoded::Message { consumed, .. } | Decoded::Skip { consumed } => {
                bytes = &bytes[consumed..];
            }
            Decoded::NeedMore { .. } => panic!("whole packets are given"),
        }
    }
    Ok(out)
}

#[test]
fn packets_lie_as_the_specification_shows_them() {
    let login = written(Packet::Login(Login { sequence: 42, ..LOGIN }));
    let blanks = [b' '; 4 + 10 + 18];
    assert_eq!(login, [&b"\x00\x2FLann   secret"[..], &blanks, b"42"].concat());
    let accepted = written(Packet::Accepted { session: SESSION, sequence: 7 });
    assert_eq!(accepted, b"\x00\x1FA  SESSION1                   7");
    assert_eq!(written(Packet::Rejected(Rejection::NoSuchSession)), b"\x00\x02JS");
    assert_eq!(written(Packet::Sequenced(b"abc")), b"\x00\x04Sabc");
    assert_eq!(written(Packet::ClientHeartbeat), b"\x00\x01R");
    assert!(!Packet::Sequenced(&vec![0; PAYLOAD_BYTES_MAX + 1]).write(&mut Vec::new()));
}

#[test]
fn wrong_packets_say_what_was_expected() {
    let of = |bytes: &[u8]| SoupDecoder.decode(bytes).unwrap_err();
    assert_eq!(of(b"\x00\x00").resume, Some(2));
    // No more is asked for than shows that.
    assert_eq!(SoupDecoder.decode(b"\x00"), Ok(Decoded::NeedMore { needed: 2 }));
    assert_eq!(of(b"\x00\x01?").found, Found::Type(b'?'));
    assert_eq!(of(b"\x00\x02Hx").expected, "the length of its packet type");
    assert_eq!(of(b"\x00\x1FA  SESSION1                  7x").offset, 13);
    assert_eq!(of(b"\x00\x03Lxx").expected, "a login request packet of 47 bytes");
}

#[test]
fn a_rejected_login_is_not_tried_again() {
    let mut client = Client::new(Login { session: *b"     OTHER", ..LOGIN });
    let mut server = Server::new(SESSION, 0);
    let mut out = Vec::new();
    client.connected(0, &mut out);
    let mut answer = Vec::new();
    let error = server.receive(&out, 0, 5, |_| true, &mut answer).unwrap_err();
    assert_eq!(error, ServerError::Rejected(Rejection::NoSuchSession));
    let error = client.receive(&answer, 0).unwrap_err();
    assert_eq!(error, ClientError::Rejected(Rejection::NoSuchSession));
    assert!(!error.is_worth_a_retry());
    let mut other = Server::new(SESSION, 0);
    assert_eq!(
        serve(&mut other, &written(Packet::Login(Login { user: *b"bob   ", ..LOGIN })), 0, 5),
        Err(ServerError::Rejected(Rejection::NotAuthorized))
    );
}

#[test]
fn heartbeats_go_each_second_and_silence_ends_a_connection() {
    let mut client = Client::new(LOGIN);
    let mut server = Server::new(SESSION, 0);
    let mut out = Vec::new();
    client.connected(0, &mut out);
    let answer = serve(&mut server, &out, 0, 0).unwrap();
    assert!(matches!(client.receive(&answer, 0), Ok(Decoded::Message { .. })));
    out.clear();
    client.tick(HEARTBEAT_NS - 1, &mut out).unwrap();
    assert_eq!(out, b"");
    client.tick(HEARTBEAT_NS, &mut out).unwrap();
    client.tick(HEARTBEAT_NS + 1, &mut out).unwrap();
    assert_eq!(out, b"\x00\x01R");
    let mut beats = Vec::new();
    server.tick(HEARTBEAT_NS, &mut beats).unwrap();
    assert_eq!(beats, b"\x00\x01H");
    assert_eq!(client.receive(&beats, SILENCE_NS - 1), Ok(Decoded::Skip { consumed: 3 }));
    client.tick(SILENCE_NS, &mut out).unwrap();
    assert_eq!(client.tick(2 * SILENCE_NS - 1, &mut out), Err(ClientError::Silence));
    assert_eq!(server.tick(SILENCE_NS, &mut beats), Err(ServerError::Silence));
}

#[test]
fn who_asks_for_the_newest_or_for_more_than_there_is_has_that_next() {
    for (asked, newest, next) in [(0, 0, 1), (0, 9, 9), (4, 9, 4), (10, 9, 10), (99, 9, 10)] {
        let mut server = Server::new(SESSION, 0);
        let login = written(Packet::Login(Login { sequence: asked, ..LOGIN }));
        serve(&mut server, &login, 0, newest).unwrap();
        assert_eq!(server.next_sequence(), Some(next), "{asked} of {newest}");
    }
}

#[test]
fn data_out_of_turn_is_an_error() {
    let mut client = Client::new(LOGIN);
    client.connected(0, &mut Vec::new());
    let error = client.receive(b"\x00\x02Sx", 0).unwrap_err();
    assert_eq!(error, ClientError::OutOfTurn("data before the login"));
    let error = Client::new(LOGIN).receive(b"\x00\x02Sx", 0).unwrap_err();
    assert!(error.is_worth_a_retry());
    let mut server = Server::new(SESSION, 0);
    let error = serve(&mut server, b"\x00\x02Ux", 0, 0).unwrap_err();
    assert_eq!(error, ServerError::OutOfTurn("data before its login"));
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        assert_decoder_holds_its_promises(&mut SoupDecoder, &bytes);
    }

    /// Whatever pieces the bytes come in, and whenever the connection breaks: each message comes once, in order.
    #[test]
    fn every_message_comes_once_over_connections_that_break(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 1..40),
        pieces in prop::collection::vec(1_usize..40, 1..30),
        breaks in prop::collection::vec(0_usize..400, 0..6),
    ) {
        let mut client = Client::new(LOGIN);
        let mut got: Vec<Vec<u8>> = Vec::new();
        let mut has_ended = false;
        let mut pieces = pieces.into_iter().cycle();
        for cut in breaks.into_iter().chain([usize::MAX]) {
            let mut server = Server::new(SESSION, 0);
            let mut out = Vec::new();
            client.connected(0, &mut out);
            let mut wire = serve(&mut server, &out, 0, messages.len() as u64).unwrap();
            let next = server.next_sequence().unwrap() as usize - 1;
            prop_assert_eq!(next, got.len());
            for message in &messages[next..] {
                prop_assert!(server.send(message, 0, &mut wire));
            }
            server.end(&mut wire);
            wire.truncate(cut);
            let (mut at, mut seen) = (0, 0);
            while seen < wire.len() && !has_ended {
                seen = (seen + pieces.next().unwrap()).min(wire.len());
                loop {
                    match client.receive(&wire[at..seen], 0).unwrap() {
                        Decoded::NeedMore { .. } => break,
                        Decoded::Skip { consumed } => at += consumed,
                        Decoded::Message { message, consumed } => {
                            at += consumed;
                            match message {
                                Event::Message { sequence, bytes } => {
                                    prop_assert_eq!(sequence, got.len() as u64 + 1);
                                    got.push(bytes.to_vec());
                                }
                                Event::EndOfSession => has_ended = true,
                                _ => {}
                            }
                        }
                    }
                }
            }
            if has_ended {
                break;
            }
        }
        prop_assert!(has_ended);
        prop_assert_eq!(got, messages);
    }
}

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use tidewire_feeds::decode::Decoded;
use tidewire_feeds::soup::{Request, Server};

use super::super::Read;
use super::super::testing::live::Day;
use super::super::testing::{options, read_all};
use super::*;

const SESSION: Session = *b"  SESSION1";

/// Serves `messages` over one connection after another, of which each breaks after so many, and the last ends the
/// session.
fn serve(listener: TcpListener, messages: Vec<Vec<u8>>, breaks: Vec<usize>) {
    for cut in breaks.into_iter().chain([usize::MAX]) {
        let (mut stream, _) = listener.accept().unwrap();
        let mut server = Server::new(SESSION, 0);
        let (mut received, mut out) = (Vec::new(), Vec::new());
        let newest = messages.len() as u64;
        let next = loop {
            let mut piece = [0; 64];
            let read = stream.read(&mut piece).unwrap();
            received.extend_from_slice(&piece[..read]);
            let is_ann = |login: &Login| login.user == *b"ann   ";
            match server.receive(&received, 0, newest, is_ann, &mut out) {
                Ok(Decoded::Message { message: Request::From(next), .. }) => break next,
                Ok(_) => {}
                Err(_) => {
                    stream.write_all(&out).unwrap();
                    return;
                }
            }
        };
        for message in messages.iter().skip(next as usize - 1).take(cut) {
            assert!(server.send(message, 0, &mut out));
        }
        if cut == usize::MAX {
            server.end(&mut out);
        }
        stream.write_all(&out).unwrap();
    }
}

fn table(user: &str, breaks: &[usize], day: &Day) -> (Options, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (messages, breaks) = (day.messages.clone(), breaks.to_vec());
    let server = thread::spawn(move || serve(listener, messages, breaks));
    let given = [
        ("address", &*address),
        ("user", user),
        ("format", "itch"),
        ("stream", "bbo"),
        ("date", "2026-01-05"),
    ];
    (options("soupbintcp", &given), server)
}

#[test]
fn connections_that_break_lose_and_repeat_nothing() {
    let day = Day::new(5, 3_000);
    let (options, server) = table("ann", &[0, 700, 1, 1_500], &day);
    let columns = day.columns("bbo");
    let mut reader = reader(options, &columns).unwrap();
    assert_eq!(read_all(&mut *reader, &columns).unwrap(), day.rows("bbo"));
    server.join().unwrap();
    let counts = reader.counts();
    let count = |what: &str| counts.iter().find(|(name, _)| name == what).unwrap().1;
    assert_eq!((count("messages"), count("connections"), count("gaps")), (3_000, 5, 0));
    assert!(reader.resume("message 1").is_err());
}

#[test]
fn a_rejected_login_and_a_server_that_is_not_there_are_errors() {
    let day = Day::new(5, 10);
    let columns = day.columns("bbo");
    let (options, server) = table("bob", &[], &day);
    let mut rejected = reader(options.clone(), &columns).unwrap();
    let mut row = vec![0; 4096];
    let error = loop {
        match rejected.read(&mut row) {
            Ok(Read::Nothing) => thread::yield_now(),
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(
        error.ends_with("the server rejects the login: not authorized: check user and password"),
        "{error}"
    );
    server.join().unwrap();
    let error = reader(options, &columns).unwrap().read(&mut row).unwrap_err().to_string();
    assert!(error.contains(": can not connect: "), "{error}");
}

#[test]
fn options_are_checked() {
    let columns = Day::new(5, 10).columns("bbo");
    let of = |more: &[(&str, &str)]| {
        let all =
            [&[("format", "itch"), ("stream", "bbo"), ("address", "127.0.0.1:1")], more].concat();
        reader(options("soupbintcp", &all), &columns).unwrap_err().to_string()
    };
    assert_eq!(
        of(&[("password", "elevenchars")]),
        "the option 'password' is '...': at most 10 characters of ASCII"
    );
    assert!(of(&[("sequence", "x")]).ends_with("the number of the first message; 0: the newest"));
    assert!(of(&[("usr", "ann")]).contains("did you mean 'user'?"));
}

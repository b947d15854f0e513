use std::net::{SocketAddr, TcpListener};

use tidewire_event::{DataType, Value};

use super::super::super::testing::{columns, options, row_of};
use super::*;

fn listening() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn sender(address: &str, more: &[(&str, &str)]) -> Result<(Sender, Columns), String> {
    let given = [&[("address", address), ("format", "csv")], more].concat();
    let columns = columns(&[("s", DataType::String)]);
    let made = Sender::new(options("tcp", &given), &columns);
    made.map(|sender| (sender, columns)).map_err(|error| error.to_string())
}

fn all_of(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn rows_are_messages_of_either_framing() {
    for (framing, expected) in [("lines", "one\ntwo\n"), ("length", "\0\0\0\x03one\0\0\0\x03two")] {
        let (listener, address) = listening();
        let (mut sender, columns) = sender(&address.to_string(), &[("framing", framing)]).unwrap();
        for text in ["one", "two"] {
            sender.row(&row_of(&columns, &[Value::text(text)])).unwrap();
        }
        assert_eq!(sender.prepare(1).unwrap(), Some(Vec::new()));
        sender.finish().unwrap();
        let (stream, _) = listener.accept().unwrap();
        assert_eq!(all_of(stream), expected);
        assert!(sender.troubles().is_empty());
    }
}

#[test]
fn a_connection_that_the_other_side_closes_is_made_again() {
    let (listener, address) = listening();
    let (mut sender, columns) = sender(&address.to_string(), &[]).unwrap();
    let (mut first, _) = listener.accept().unwrap();
    sender.row(&row_of(&columns, &[Value::text("a")])).unwrap();
    sender.flush().unwrap();
    let mut read = [0; 2];
    first.read_exact(&mut read).unwrap();
    first.shutdown(Shutdown::Both).unwrap();
    drop(first);
    // Until the end of the connection has come to this side.
    while listen(&mut sender.stream).is_ok() {
        thread::yield_now();
    }
    sender.row(&row_of(&columns, &[Value::text("b")])).unwrap();
    sender.finish().unwrap();
    let (second, _) = listener.accept().unwrap();
    assert_eq!((&read, &*all_of(second)), (b"a\n", "b\n"));
    let what = "connections that broke: rows on their way may be lost".to_owned();
    assert_eq!(sender.troubles(), [(what, 1)]);
}

#[test]
fn a_reader_that_does_not_read_is_waited_for() {
    let (listener, address) = listening();
    let (mut sender, columns) = sender(&address.to_string(), &[]).unwrap();
    let (stream, _) = listener.accept().unwrap();
    let long = "x".repeat(1_000);
    let rows = 20_000;
    let sending = thread::spawn(move || {
        let row = row_of(&columns, &[Value::text(&long)]);
        (0..rows).for_each(|_| sender.row(&row).unwrap());
        sender.finish().unwrap();
        sender.troubles()
    });
    assert_eq!(all_of(stream).lines().filter(|line| line.len() == 1_000).count(), rows);
    assert!(sending.join().unwrap().is_empty());
}

#[test]
fn nobody_to_connect_to_again_is_an_error_after_so_many_tries() {
    let (listener, address) = listening();
    let (mut sender, columns) = sender(&address.to_string(), &[]).unwrap();
    sender.retry = Duration::from_micros(1);
    drop(listener.accept().unwrap());
    drop(listener);
    while listen(&mut sender.stream).is_ok() {
        thread::yield_now();
    }
    sender.row(&row_of(&columns, &[Value::text("a")])).unwrap();
    let error = sender.flush().unwrap_err().to_string();
    let expected = format!("{address}: 10 tries to connect again have failed: ");
    assert!(error.starts_with(&expected), "{error}");
    assert_eq!((sender.broken, sender.failed), (1, 10));
}

#[test]
fn wrong_options_and_a_message_of_two_lines_are_errors() {
    let (_listener, address) = listening();
    let address = address.to_string();
    let error = |address: &str, more: &[(&str, &str)]| sender(address, more).err().unwrap();
    assert!(
        error(&address, &[("mode", "listen")])
            .ends_with("a table that is written to connects: connect")
    );
    assert!(error(&address, &[("framing", "words")]).ends_with("lines or length"));
    assert!(error(&address, &[("journal.path", "x")]).contains("knows no option 'journal.path'"));
    assert!(error("nowhere", &[]).ends_with("a host and a port, as 127.0.0.1:9000"));
    let (mut sender, columns) = sender(&address, &[]).unwrap();
    let error = sender.row(&row_of(&columns, &[Value::text("a\nb")])).unwrap_err().to_string();
    assert!(error.contains("take 'framing' = 'length'"), "{error}");

    let (free, address) = listening();
    drop(free);
    let error = super::tests::sender(&address.to_string(), &[]).err().unwrap();
    assert!(error.starts_with(&format!("{address}: can not connect: ")), "{error}");
}

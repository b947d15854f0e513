use std::io::Write;
use std::thread;

use tidewire_event::{DataType, Value};

use super::super::Read;
use super::super::testing::{columns, options, values_of};
use super::*;

fn table(address: SocketAddr, more: &[(&str, &str)]) -> (Options, Columns) {
    let address = address.to_string();
    let given = [&[("address", &*address), ("format", "csv")], more].concat();
    (options("tcp", &given), columns(&[("n", DataType::BigInt)]))
}

/// Reads until there are so many rows.
fn read(reader: &mut dyn TableReader, columns: &Columns, count: usize) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut row = vec![0; 64];
    while rows.len() < count {
        row.fill(0);
        match reader.read(&mut row).unwrap() {
            Read::Row { .. } => rows.extend(values_of(columns, &row)),
            Read::Nothing => thread::yield_now(),
            Read::End => panic!("a connection does not end"),
        }
    }
    rows
}

fn count_of(counts: &[(String, u64)], what: &str) -> u64 {
    counts.iter().find(|(name, _)| name == what).map_or(0, |(_, count)| *count)
}

#[test]
fn a_connection_that_ends_is_made_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (options, columns) = table(listener.local_addr().unwrap(), &[]);
    let server = thread::spawn(move || {
        for part in ["1\n2\n", "3\r\n4", "5\n"] {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(part.as_bytes()).unwrap();
        }
    });
    let mut reader = reader(options, &columns).unwrap();
    let rows = read(&mut *reader, &columns, 5);
    assert_eq!(rows, [1, 2, 3, 4, 5].map(Value::Int));
    server.join().unwrap();
    assert_eq!(count_of(&reader.counts(), "connections"), 3);
}

#[test]
fn messages_behind_lengths_come_from_several_connections() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (options, columns) = table(free, &[("mode", "listen"), ("framing", "length")]);
    let mut reader = reader(options, &columns).unwrap();
    let mut row = vec![0; 64];
    assert_eq!(reader.read(&mut row).unwrap(), Read::Nothing);
    let mut senders = [(); 2].map(|()| TcpStream::connect(free).unwrap());
    for (sender, text) in senders.iter_mut().zip([b"\0\0\0\x017", b"\0\0\0\x018"]) {
        sender.write_all(text).unwrap();
    }
    let mut rows = read(&mut *reader, &columns, 2);
    rows.sort_by_key(|value| format!("{value:?}"));
    assert_eq!(rows, [7, 8].map(Value::Int));
    // One breaks off within a message.
    let [mut first, mut second] = senders;
    first.write_all(b"\0\0\0\x09x").unwrap();
    drop(first);
    second.write_all(b"\0\0\0\x019").unwrap();
    assert_eq!(read(&mut *reader, &columns, 1), [Value::Int(9)]);
    while reader.skipped().is_empty() {
        assert_eq!(reader.read(&mut row).unwrap(), Read::Nothing);
    }
    let what = "messages cut by the end of their connection";
    assert_eq!(count_of(&reader.skipped(), what), 1);
}

#[test]
fn options_are_checked_and_a_server_that_is_not_there_is_an_error() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let of = |more: &[(&str, &str)]| {
        let (options, columns) = table(free, more);
        reader(options, &columns).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(of(&[("framing", "words")]).ends_with("lines or length"));
    assert!(of(&[("mode", "serve")]).ends_with("connect or listen"));
    assert!(of(&[("framin", "lines")]).contains("did you mean 'framing'?"));
    let (options, columns) = table(free, &[]);
    let mut reader = reader(options, &columns).unwrap();
    let error = reader.read(&mut [0; 64]).unwrap_err().to_string();
    assert!(error.contains(": can not connect: "), "{error}");
}

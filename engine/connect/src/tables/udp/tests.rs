use std::net::SocketAddrV4;

use tidewire_event::{DataType, Value};
use tidewire_feeds::mold::{Answer, History, PacketBuilder, Request};
use tidewire_udp::{Receiver, Sender};

use super::super::testing::live::Day;
use super::super::testing::{columns, options, read_all, values_of};
use super::*;
use crate::tables::Read;

const SESSION: [u8; 10] = *b"SESSION001";

/// Addresses of this host that are free: each was bound, and let go.
fn free<const N: usize>() -> [SocketAddrV4; N] {
    let any = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
    let sockets = [(); N].map(|()| Socket::open(&SocketOptions::new(any)).unwrap());
    sockets.map(|socket| socket.address())
}

/// The day in packets of three messages, and the end of the session.
fn packets(day: &Day) -> Vec<Vec<u8>> {
    let mut builder = PacketBuilder::new(SESSION, 1);
    let mut packets = Vec::new();
    for three in day.messages.chunks(3) {
        assert!(three.iter().all(|message| builder.push(message)));
        packets.push(builder.finish(<[u8]>::to_vec));
    }
    packets.push(builder.finish_session(<[u8]>::to_vec));
    packets
}

/// The counts whose names end so.
fn counts(reader: &dyn TableReader, end: &str) -> Vec<u64> {
    let counts = reader.counts().into_iter();
    counts.filter(|(name, _)| name.ends_with(end)).map(|(_, count)| count).collect()
}

fn table(lines: &[SocketAddrV4], stream: &str, more: &[(&str, &str)]) -> Options {
    let lines = lines.iter().map(SocketAddrV4::to_string).collect::<Vec<_>>().join(", ");
    let of = [("address", &*lines), ("format", "itch"), ("stream", stream), ("date", "2026-01-05")];
    options("udp", &[&of, more].concat())
}

/// Answers what has been asked.
fn answer(server: &mut Receiver, history: &History) {
    while let Some(datagram) = server.next().unwrap() {
        let (request, from) = (Request::parse(datagram.bytes).unwrap(), datagram.from);
        let mut answer = Vec::new();
        let found = history.answer(request, 1400, |bytes| answer.extend_from_slice(bytes));
        assert!(matches!(found, Answer::Messages(_)));
        server.send(0, &answer, from).unwrap();
    }
}

/// Reads all rows that there are now. `true`: to the end.
fn read_now(reader: &mut dyn TableReader, columns: &Columns, rows: &mut Vec<Vec<Value>>) -> bool {
    let mut row = vec![0xAA; 4096];
    loop {
        match reader.read(&mut row).unwrap() {
            Read::Row { .. } => rows.push(values_of(columns, &row)),
            Read::Nothing => return false,
            Read::End => return true,
        }
    }
}

#[test]
fn two_lines_with_losses_and_a_server_give_what_a_file_gives() {
    let day = Day::new(3, 1_500);
    let lines = free::<2>();
    let senders = lines.map(|line| Sender::open(line, None, 0).unwrap());
    let any = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
    let mut server = Receiver::new(vec![Socket::open(&SocketOptions::new(any)).unwrap()]);
    let server_address = server.addresses().next().unwrap().to_string();
    let columns = day.columns("trades");
    let more = [
        ("request.address", &*server_address),
        ("request.wait", "60 s"),
        ("reorder-wait", "0 ms"),
        ("start", "session"),
    ];
    let mut reader = reader(table(&lines, "trades", &more), &columns).unwrap();

    let packets = packets(&day);
    let last = packets.len() - 1;
    let is_lost = [
        |number: usize| number % 7 == 2 || number.is_multiple_of(50),
        |number: usize| number % 5 == 3 || number.is_multiple_of(50),
    ];
    let mut history = History::new(SESSION, 1 << 20);
    let mut rows = Vec::new();
    for (number, packet) in packets.iter().enumerate() {
        history.keep(packet);
        for (sender, is_lost) in senders.iter().zip(is_lost) {
            if number == last || !is_lost(number) {
                sender.send(packet).unwrap();
            }
        }
        if !read_now(&mut *reader, &columns, &mut rows) {
            answer(&mut server, &history);
        }
    }
    while !read_now(&mut *reader, &columns, &mut rows) {
        answer(&mut server, &history);
    }
    assert_eq!(rows, day.rows("trades"));
    let on_both = (0..last).filter(|number| is_lost.iter().all(|is_lost| is_lost(*number)));
    let lost = 3 * on_both.count() as u64;
    assert!(lost > 30);
    assert_eq!(counts(&*reader, "messages filled by a server"), [lost]);
    assert_eq!(counts(&*reader, "messages given up"), [0]);
    assert_eq!(counts(&*reader, ": messages first").iter().sum::<u64>(), 1_500 - lost);
}

#[test]
fn what_dies_goes_on_behind_its_journal_and_asks_for_what_it_missed() {
    let day = Day::new(6, 1_200);
    let folder = tempfile::tempdir().unwrap();
    let [line] = free::<1>();
    let sender = Sender::open(line, None, 0).unwrap();
    let any = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
    let mut server = Receiver::new(vec![Socket::open(&SocketOptions::new(any)).unwrap()]);
    let server_address = server.addresses().next().unwrap().to_string();
    let columns = day.columns("bbo");
    let more = [
        ("request.address", &*server_address),
        ("request.wait", "60 s"),
        ("reorder-wait", "0 ms"),
        ("start", "session"),
        ("journal.path", folder.path().to_str().unwrap()),
        ("journal.segment-bytes", "65536"),
    ];
    let open = || reader(table(&[line], "bbo", &more), &columns).unwrap();
    let mut living = open();
    assert_eq!(living.needs_journal(), None);
    let mut history = History::new(SESSION, 1 << 20);
    let (mut rows, mut snapshot) = (Vec::new(), None);
    let packets = packets(&day);
    let last = packets.len() - 1;
    for (number, packet) in packets.iter().enumerate() {
        history.keep(packet);
        match number {
            // Of what was given behind the snapshot some is in the journal only, and all of it is given again.
            100 => snapshot = Some((living.position().unwrap().unwrap(), rows.len())),
            150 => {
                drop(living);
                living = open();
                let (position, given) = snapshot.take().unwrap();
                assert!(living.resume(&position).unwrap());
                assert!(rows.len() > given);
                rows.truncate(given);
            }
            // What is sent while nobody is there.
            151..160 => continue,
            // Without a snapshot the journal is read from its beginning.
            250 => {
                drop(living);
                living = open();
                rows.clear();
            }
            _ => {}
        }
        if number < last {
            sender.send(packet).unwrap();
        }
        read_now(&mut *living, &columns, &mut rows);
        answer(&mut server, &history);
    }
    sender.send(&packets[last]).unwrap();
    while !read_now(&mut *living, &columns, &mut rows) {
        answer(&mut server, &history);
    }
    assert_eq!(rows, day.rows("bbo"));
    // The journal is a capture, and a table of it has the same rows.
    drop(living);
    let path = folder.path().to_str().unwrap();
    let given = [("path", path), ("stream", "bbo"), ("date", "2026-01-05")];
    let mut again = feeds::reader(options("itch", &given), &columns).unwrap();
    assert_eq!(read_all(&mut *again, &columns).unwrap(), day.rows("bbo"));
}

#[test]
fn without_a_server_a_gap_is_shown_and_books_are_marked() {
    let day = Day::new(4, 900);
    let [line] = free::<1>();
    let sender = Sender::open(line, None, 0).unwrap();
    let columns = day.columns_without("bbo", &["ts_recv"]);
    let place = |name| columns.columns.iter().position(|it| it.field.name == name).unwrap();
    let (sequence, is_reliable) = (place("sequence"), place("is_reliable"));
    let mut reader = reader(table(&[line], "bbo", &[("reorder-wait", "0 ms")]), &columns).unwrap();
    let mut rows = Vec::new();
    for (number, packet) in packets(&day).iter().enumerate() {
        if number != 150 {
            sender.send(packet).unwrap();
        }
        read_now(&mut *reader, &columns, &mut rows);
    }
    while !read_now(&mut *reader, &columns, &mut rows) {}
    assert_eq!((counts(&*reader, "gaps"), counts(&*reader, "given up")), (vec![1], vec![3]));
    let missing = ("messages missing in gaps of the sequence numbers".to_owned(), 3);
    assert!(reader.skipped().contains(&missing), "{:?}", reader.skipped());
    for row in &rows {
        let Value::Int(number) = row[sequence] else { panic!("{row:?}") };
        assert_eq!(row[is_reliable], Value::Bool(number <= 450), "{row:?}");
    }
    assert!(rows.iter().any(|row| row[is_reliable] == Value::Bool(false)));

    // With `strict` it is an error.
    let [line] = free::<1>();
    let sender = Sender::open(line, None, 0).unwrap();
    let strict = [("reorder-wait", "0 ms"), ("strict", "true")];
    let mut reader = super::reader(table(&[line], "bbo", &strict), &columns).unwrap();
    let mut row = vec![0; 4096];
    let packets = packets(&day);
    sender.send(&packets[0]).unwrap();
    sender.send(&packets[2]).unwrap();
    let error = loop {
        match reader.read(&mut row) {
            Ok(_) => {}
            Err(error) => break error.to_string(),
        }
    };
    assert_eq!(error, format!("{line}: 3 messages missing in gaps of the sequence numbers"));
}

#[test]
fn options_are_checked() {
    let columns = Day::new(5, 10).columns("bbo");
    let of = |given: &[(&str, &str)]| {
        let all = [&[("format", "itch"), ("stream", "bbo")], given].concat();
        reader(options("udp", &all), &columns).unwrap_err().to_string()
    };
    assert_eq!(of(&[]), format!("the connector 'udp' needs the option 'address': {ADDRESSES}"));
    assert!(of(&[("address", "239.1.1.1")]).ends_with(ADDRESSES));
    let nine = ["127.0.0.1:1"; 9].join(",");
    assert!(of(&[("address", &nine)]).ends_with("at most 8 addresses"));
    let address = ("address", "127.0.0.1:0");
    assert!(of(&[address, ("interface", "loo")]).contains("did you mean 'lo'?"));
    assert!(of(&[address, ("start", "now")]).ends_with("join or session"));
    assert!(of(&[address, ("reorder-wait", "soon")]).ends_with("a length of time, as '10 ms'"));
    assert!(of(&[address, ("reorder.wait", "1 s")]).contains("did you mean 'reorder-wait'?"));
    let format = options("udp", &[("format", "itcj")]);
    assert!(columns_of(&format).unwrap_err().to_string().ends_with(FORMATS));
}

#[test]
fn a_datagram_is_a_row_of_another_format() {
    let [address] = free::<1>();
    let columns = columns(&[("name", DataType::String), ("n", DataType::Int)]);
    let text = address.to_string();
    let given = [("address", &*text), ("format", "json"), ("on-error", "skip")];
    let mut reader = reader(options("udp", &given), &columns).unwrap();
    let sender = Sender::open(address, None, 0).unwrap();
    for sent in [&br#"{"name": "a", "n": 1}"#[..], b"no json", br#"{"name": "b", "n": 2}"#] {
        sender.send(sent).unwrap();
    }
    let mut rows = Vec::new();
    while rows.len() < 2 {
        assert!(!read_now(&mut *reader, &columns, &mut rows));
    }
    assert!(reader.end());
    while !read_now(&mut *reader, &columns, &mut rows) {}
    let row = |name: &str, n| vec![Value::text(name), Value::Int(n)];
    assert_eq!(rows, [row("a", 1), row("b", 2)]);
    assert_eq!(counts(&*reader, ": datagrams"), [3]);
    assert_eq!(reader.skipped(), [("messages left out: no JSON object".to_owned(), 1)]);
    let wrong = super::reader(options("udp", &[("format", "xml"), ("address", &text)]), &columns);
    assert!(wrong.unwrap_err().to_string().contains("json"));
}

//! Tables before a broker that is a script: what it says and hears are the bytes of the specification.

mod reading;
mod writing;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use tidewire_connect::tables::{
    Column, Columns, Connector, Options, Read, TableError, TableReader, TableWriter,
};
use tidewire_event::{DataType, Field, Value};

use crate::Mqtt;

/// A broker that waits for its script.
struct Peer(TcpListener);

/// A connection to it.
struct Line(TcpStream);

/// What a broker says to a connection: without a session, and with one.
const NEW: &[u8] = b"\x20\x02\0\0";
const PRESENT: &[u8] = b"\x20\x02\x01\0";
/// The subscription to `t` at QoS 1 or 2, and its answer.
const SUBSCRIBE_1: &[u8] = b"\x82\x06\0\x01\0\x01t\x01";
const SUBACK_1: &[u8] = b"\x90\x03\0\x01\x01";
const SUBSCRIBE_2: &[u8] = b"\x82\x06\0\x01\0\x01t\x02";
const SUBACK_2: &[u8] = b"\x90\x03\0\x01\x02";

impl Peer {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn url(&self) -> String {
        format!("mqtt://{}", self.0.local_addr().unwrap())
    }

    /// The next connection, with what it begins with.
    fn accept(&self) -> (Line, Vec<u8>) {
        let (stream, _) = self.0.accept().unwrap();
        // A test that waits in vain fails.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut line = Line(stream);
        let connect = line.hear();
        assert_eq!(&connect[..2], [0x10, connect.len() as u8 - 2]);
        assert_eq!(&connect[2..9], b"\0\x04MQTT\x04");
        (line, connect)
    }
}

impl Line {
    fn say(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// The next packet, which is a short one.
    fn hear(&mut self) -> Vec<u8> {
        let mut packet = vec![0; 2];
        self.0.read_exact(&mut packet).unwrap();
        assert!(packet[1] < 128);
        packet.resize(2 + usize::from(packet[1]), 0);
        self.0.read_exact(&mut packet[2..]).unwrap();
        packet
    }

    #[track_caller]
    fn hears(&mut self, expected: &[u8]) {
        assert_eq!(self.hear(), expected);
    }

    /// The other side has gone, after it said so or not.
    fn ends(mut self) {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty() || rest == b"\xE0\0", "{rest:?}");
    }
}

fn table(columns: &[(&str, DataType)]) -> Columns {
    let column = |(name, ty): &(&str, DataType)| Column::physical(Field::new(*name, ty.clone()));
    Columns::all(columns.iter().map(column).collect()).unwrap()
}

fn options(url: &str, given: &[(&str, &str)]) -> Options {
    let all = [("url", url), ("topic", "t"), ("format", "raw")];
    let all = all.iter().chain(given).map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    Options::new("mqtt", all.collect::<BTreeMap<_, _>>())
}

fn open(url: &str, given: &[(&str, &str)]) -> Result<Box<dyn TableReader>, TableError> {
    let columns = table(&[("text", DataType::String)]);
    Ok(Mqtt.readers(options(url, given), &columns)?.remove(0))
}

/// So many rows of text.
fn texts(reader: &mut dyn TableReader, count: usize) -> Vec<String> {
    let columns = table(&[("text", DataType::String)]);
    let mut row = vec![0; 256];
    let mut texts = Vec::new();
    while texts.len() < count {
        row.fill(0);
        match reader.read(&mut row).unwrap() {
            Read::Row { .. } => {
                match Value::read(&row, &columns.layout.slots()[0], &DataType::String) {
                    Some(Value::Bytes(text)) => texts.push(String::from_utf8(text).unwrap()),
                    other => panic!("{other:?}"),
                }
            }
            Read::Nothing => thread::yield_now(),
            Read::End => panic!("a topic does not end"),
        }
    }
    texts
}

/// Reads, without rows, until `is_so`.
fn until(reader: &mut dyn TableReader, is_so: impl Fn(&dyn TableReader) -> bool) {
    while !is_so(reader) {
        assert_eq!(reader.read(&mut [0; 256]).unwrap(), Read::Nothing);
        thread::yield_now();
    }
}

fn error(reader: &mut dyn TableReader) -> String {
    loop {
        match reader.read(&mut [0; 256]) {
            Ok(Read::Nothing) => thread::yield_now(),
            Ok(other) => panic!("{other:?}"),
            Err(error) => return error.to_string(),
        }
    }
}

fn count_of(counts: &[(String, u64)], what: &str) -> u64 {
    counts.iter().find(|(name, _)| name.ends_with(what)).map_or(0, |(_, count)| *count)
}

fn writer(url: &str, given: &[(&str, &str)]) -> Result<Box<dyn TableWriter>, TableError> {
    let columns = table(&[("text", DataType::String)]);
    Mqtt.writer(options(url, given), &columns)
}

/// A row of a text.
fn row(text: &str) -> Vec<u8> {
    let columns = table(&[("text", DataType::String)]);
    let mut row = vec![0; 256];
    let mut writer = tidewire_event::RowWriter::new(&mut row, &columns.layout);
    writer.text(&columns.layout.slots()[0], text.as_bytes()).unwrap();
    row
}

//! Valid bytes for each body: what a fuzzer mutates.
#![allow(clippy::expect_used, reason = "the bytes are fixed, and a test makes all of them")]

use std::io::Write;

use dbn::encode::EncodeRecord;
use dbn::encode::dbn::Encoder;
use dbn::{MappingInterval, MboMsg, Metadata, OhlcvMsg, SType, Schema, SymbolMapping, TradeMsg};
use flate2::write::GzEncoder;
use tidewire_feeds::iex::{PriceLevelUpdate, SegmentHeader, Symbol, SystemEvent, Trade};
use tidewire_feeds::journal::{self, Record};
use tidewire_feeds::mold::PacketBuilder;
use tidewire_feeds::net;
use tidewire_feeds::soup;
use tidewire_feeds::synth::Market;
use zerocopy::IntoBytes;

const START_NS: i64 = 1_703_462_400_000_000_000;
const PCAP_FILE_HEADER_BYTES: usize = 24;

/// Valid inputs of the body with this name; none for a name that is no body's.
#[must_use]
pub fn seeds(body: &str) -> Vec<Vec<u8>> {
    match body {
        "itch_message" => itch_messages(),
        "itch_file" => vec![itch_file()],
        "mold_packet" => vec![mold_packet()],
        "mold_lines" => vec![(0..240).map(|n: u8| n.wrapping_mul(37)).collect()],
        "soup_stream" => vec![soup_stream()],
        "pcap" => vec![mold_pcap()],
        "pcapng" => vec![pcapng(&frames())],
        // Ethernet is second in the list of links.
        "net_content" => frames().into_iter().map(|frame| [&[1], &frame[..]].concat()).collect(),
        "iex_segment" => vec![iex_segment(0x8004), iex_segment(0x8003)],
        "dbn_stream" => [1, 2, 3].map(dbn_stream).into(),
        "capture" => captures(),
        "order_books" => vec![order_operations()],
        "depth_book" => vec![(0..240).map(|n: u8| n.wrapping_mul(31)).collect()],
        "snapshot_object" => super::snapshot::objects(),
        "snapshot_manifest" => vec![super::snapshot::manifest()],
        "sql_text" => super::sql::queries().iter().map(|query| query.as_bytes().to_vec()).collect(),
        // A query each, with one token changed.
        "sql_mutations" => {
            (0..120).map(|n: u8| vec![n, 0, n, n, 0, n.wrapping_mul(7), 1]).collect()
        }
        "csv_rows" => (0..32).map(|flags| [&[flags], CSV.as_bytes()].concat()).collect(),
        "json_rows" => (0..4).map(|flags| [&[flags], JSON.as_bytes()].concat()).collect(),
        "candump" => (0..2).map(|flags| [&[flags], CANDUMP.as_bytes()].concat()).collect(),
        "binance" => (0..8).map(|flags| [&[flags], BINANCE.as_bytes()].concat()).collect(),
        "journal_segments" => vec![journal()],
        "avro_record" => super::messages::avro_records(JSON),
        #[cfg(feature = "mqtt")]
        "mqtt_record" => super::messages::mqtt_records(),
        _ => Vec::new(),
    }
}

/// Two segments, the first with room that was not used.
fn journal() -> Vec<u8> {
    let mut bytes = Vec::new();
    for (first, messages) in [(0, [&b"one"[..], b"two"]), (2, [b"", &[7; 40]])] {
        bytes.extend(journal::header(first, "udp itch"));
        for (number, message) in (first..).zip(messages) {
            let at = bytes.len();
            bytes.resize(at + journal::record_bytes(message.len()), 0);
            let record = Record { number, received: START_NS, line: 1, bytes: message };
            assert!(journal::write(&record, &mut bytes[at..]), "there is room");
        }
        bytes.resize(bytes.len() + 64, 0);
    }
    bytes
}

/// Rows of all types, NULLs, quotes and a comment.
const CSV: &str = "\
b,i8,i16,i32,i64,f32,f64,d10,d38,s,v,c,bytes,d,t,ts,z
true,-128,32767,-2147483648,9223372036854775807,1.5,-1e300,99999999.99,-1.000000000000000001,\"a \"\"b\"\"\",abcde,abc,AQI=,2024-02-29,23:59:59.999,2024-02-29 12:34:56.789,1969-12-31 23:59:59.999999999Z
# a comment
NULL,,,,,NaN,Infinity,0.01,12345678901234567890.5,é,,,,1900-01-01,00:00:00,2100-01-01 00:00:00,2024-03-10 02:30:00Z
";

const JSON: &str = r#"{"b":true,"i8":1,"i16":-2,"i32":3,"i64":-9223372036854775808,"f32":1.5,"f64":1e-300,"d10":"1.50","d38":12345678901234567890.123456789012345678,"s":"a\u00e9\"\n","v":"abcde","c":"abc","bytes":"AQI=","d":"2024-02-29","t":"23:59:59.999","ts":"2024-02-29 12:34:56.789","z":"2024-02-29 12:34:56.789Z","items":[1,null,3],"map":{"x":1.5,"y":null},"row":{"x":1,"y":2.345}}
{"s":null,"ts":"2024-02-29T12:34:56.789","unknown":[{"a":[]}],"row":null}
{}
"#;

const CANDUMP: &str = "\
(1436509052.249713) vcan0 1F334455#2A36
(1436509052.449847) can1 123#R4
(1436509052.650004) can0 20000008#0000000000000000
(1436509053.650004) can0 5A1##1112233
";

/// Changes that come before their snapshot, the snapshot, a change behind it, trades and tickers.
const BINANCE: &str = r#"1000 {"stream":"btcusdt@depth","data":{"e":"depthUpdate","E":3,"T":2,"s":"BTCUSDT","U":5,"u":6,"pu":4,"b":[["1.5","0.000"],["1.4","2"]],"a":[]}}
1001 {"lastUpdateId":7,"E":1,"T":1,"bids":[["1.5","1"]],"asks":[["1.6","3.25"]]}
1002 {"data":{"e":"depthUpdate","E":3,"T":2,"s":"BTCUSDT","U":7,"u":9,"pu":6,"b":[["1.5","0.000"],["1.4","2"]],"a":[["1.6","0"]]}}
1003 {"stream":"btcusdt@trade","data":{"e":"trade","E":11,"T":10,"s":"BTCUSDT","t":7,"p":"61800.30","q":"0.006","X":"MARKET","m":false}}
1004 {"e":"bookTicker","u":5,"s":"BTCUSDT","b":"61800.20","B":"2.507","a":"61800.30","A":"2.510","T":13,"E":14}
"#;

/// The first message of each type.
fn itch_messages() -> Vec<Vec<u8>> {
    let mut market = Market::new(1, 3, 2_000);
    let mut messages = Vec::<Vec<u8>>::new();
    let mut message = Vec::new();
    while market.next_into(&mut message) {
        if messages.iter().all(|known| known.first() != message.first()) {
            messages.push(message.clone());
        }
        message.clear();
    }
    messages
}

fn itch_file() -> Vec<u8> {
    let mut file = Vec::new();
    Market::new(2, 2, 40).write_itch_file(&mut file).expect("memory takes what is written");
    file
}

fn mold_pcap() -> Vec<u8> {
    let mut file = Vec::new();
    let market = Market::new(3, 2, 30);
    market.write_mold_pcap(&mut file, START_NS).expect("memory takes what is written");
    file
}

fn soup_stream() -> Vec<u8> {
    let (session, sequence) = (*b"  SESSION1", 17);
    let login = soup::Login { user: *b"user  ", password: *b"password  ", session, sequence };
    let packets = [
        soup::Packet::Login(login),
        soup::Packet::Accepted { session, sequence },
        soup::Packet::Sequenced(b"message"),
        soup::Packet::ServerHeartbeat,
        soup::Packet::ClientHeartbeat,
        soup::Packet::Unsequenced(b"from the client"),
        soup::Packet::Debug(b"text"),
        soup::Packet::Rejected(soup::Rejection::NotAuthorized),
        soup::Packet::EndOfSession,
        soup::Packet::Logout,
    ];
    let mut bytes = Vec::new();
    assert!(packets.iter().all(|packet| packet.write(&mut bytes)), "their payloads are short");
    bytes
}

fn mold_packet() -> Vec<u8> {
    let mut packet = PacketBuilder::new(*b"TIDEWIRE01", 7);
    for message in itch_messages().iter().take(5) {
        assert!(packet.push(message));
    }
    packet.finish(<[u8]>::to_vec)
}

/// The Ethernet frames of [`mold_pcap`].
fn frames() -> Vec<Vec<u8>> {
    let file = mold_pcap();
    let mut rest = &file[PCAP_FILE_HEADER_BYTES..];
    let mut frames = Vec::new();
    while let Some((header, behind)) = rest.split_first_chunk::<{ net::PACKET_HEADER_BYTES }>() {
        let length = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
        let (frame, behind) = behind.split_at(length as usize);
        frames.push(frame.to_vec());
        rest = behind;
    }
    frames
}

/// A little-endian section with one Ethernet interface in nanoseconds, and a block for each frame.
fn pcapng(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut block = |kind: u32, parts: &[&[u8]]| {
        let mut body = parts.concat();
        body.resize(body.len().next_multiple_of(4), 0);
        let total = (body.len() as u32 + 12).to_le_bytes();
        file.extend([&kind.to_le_bytes()[..], &total, &body, &total].concat());
    };
    let words =
        |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    block(0x0A0D_0D0A, &[&words(&[0x1A2B_3C4D, 1]), &[0xFF; 8]]);
    block(1, &[&words(&[net::LINK_ETHERNET, 0]), &[9, 0, 1, 0, 9, 0, 0, 0], &[0; 4]]);
    let (high, low) = ((START_NS >> 32) as u32, START_NS as u32);
    for frame in frames {
        let length = frame.len() as u32;
        block(6, &[&words(&[0, high, low, length, length]), frame]);
    }
    file
}

fn iex_segment(protocol: u16) -> Vec<u8> {
    let symbol = Symbol::new("ZIEXT").expect("it is short");
    let event = SystemEvent::new(b'S', b'O', START_NS);
    let level = PriceLevelUpdate::new(b'8', 1, START_NS, symbol, 9_700, 990_500);
    let trade = Trade::new(b'T', 0, START_NS, symbol, 100, 990_500, 42);
    let mut payload = Vec::new();
    let mut count = 0;
    let is_deep = protocol == 0x8004;
    for message in [event.as_bytes(), level.as_bytes(), trade.as_bytes()] {
        if is_deep || message != level.as_bytes() {
            payload.extend((message.len() as u16).to_le_bytes());
            payload.extend(message);
            count += 1;
        }
    }
    let length = payload.len() as u16;
    let header = SegmentHeader::new(1, 0, protocol, 1, 7, length, count, 0, 1, START_NS);
    [header.as_bytes(), &payload].concat()
}

/// Metadata with one mapping, and a record of each of three types.
fn dbn_stream(version: u8) -> Vec<u8> {
    let mut metadata = Metadata::builder()
        .version(version)
        .dataset("GLBX.MDP3".to_owned())
        .schema(None::<Schema>)
        .start(START_NS.cast_unsigned())
        .stype_in(Some(SType::RawSymbol))
        .stype_out(SType::InstrumentId)
        .build();
    let start_date = metadata.start().date();
    let end_date = start_date.next_day().expect("there is a next day");
    let interval = MappingInterval { start_date, end_date, symbol: "17077".to_owned() };
    metadata.mappings =
        vec![SymbolMapping { raw_symbol: "ESH4".to_owned(), intervals: vec![interval] }];
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, &metadata).expect("the metadata is valid");
    let mut mbo = MboMsg::default();
    (mbo.action, mbo.side) = (b'A'.cast_signed(), b'B'.cast_signed());
    encoder.encode_record(&mbo).expect("memory takes what is written");
    let trade = TradeMsg::default();
    encoder.encode_record(&trade).expect("memory takes what is written");
    let bar = OhlcvMsg::default_for_schema(Schema::Ohlcv1S);
    encoder.encode_record(&bar).expect("memory takes what is written");
    bytes
}

/// Each format by itself, and two of them wrapped; no format is named.
fn captures() -> Vec<Vec<u8>> {
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&mold_pcap()).expect("memory takes what is written");
    let gzip = gzip.finish().expect("memory takes what is written");
    let zstd = zstd::encode_all(&dbn_stream(3)[..], 1).expect("memory takes what is written");
    let iex = pcapng(&[0x8004, 0x8003].map(iex_frame));
    let contents =
        [journal(), itch_file(), mold_pcap(), pcapng(&frames()), dbn_stream(2), iex, gzip, zstd];
    contents.into_iter().map(|content| [&[4, 0], &content[..]].concat()).collect()
}

/// An Ethernet frame around an IEX-TP segment.
fn iex_frame(protocol: u16) -> Vec<u8> {
    let segment = iex_segment(protocol);
    let mut frame = frames().swap_remove(0);
    frame.truncate(14 + 20 + 8);
    let length = segment.len() as u16;
    frame[16..18].copy_from_slice(&(28 + length).to_be_bytes());
    frame[38..40].copy_from_slice(&(8 + length).to_be_bytes());
    frame.extend(segment);
    frame
}

/// Orders on both sides of two instruments, and every operation on some of them.
fn order_operations() -> Vec<u8> {
    let add = (0..40).map(|n: u8| [0, n, 0, n & 3, 100 + n % 5, 10]);
    let change = (0..40).map(|n: u8| [1 + n % 6, n, 100 + n, n & 3, 98 + n % 9, 1 + n % 12]);
    add.chain(change).flatten().collect()
}

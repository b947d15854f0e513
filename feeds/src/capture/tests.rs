use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;
use crate::mold::PacketBuilder;
use crate::sequence::Event;
use crate::synth::Market;

const MIDNIGHT_NS: i64 = 1_577_682_000_000_000_000;

fn itch_file(messages: u64) -> Vec<u8> {
    let mut file = Vec::new();
    Market::new(3, 5, messages).write_itch_file(&mut file).unwrap();
    file
}

fn mold_pcap(messages: u64) -> Vec<u8> {
    let mut file = Vec::new();
    Market::new(3, 5, messages).write_mold_pcap(&mut file, MIDNIGHT_NS).unwrap();
    file
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn open(bytes: Vec<u8>) -> Result<Capture, CaptureError> {
    Capture::from_reader(Cursor::new(bytes), None)
}

/// What a capture delivers, to its end: the bytes of its messages, its events, its errors.
#[derive(Debug, Default, PartialEq)]
struct Read {
    messages: Vec<Vec<u8>>,
    events: Vec<Event>,
    errors: Vec<String>,
}

fn read(capture: &mut Capture) -> Read {
    let mut read = Read::default();
    loop {
        match capture.next() {
            Ok(None) => break,
            Ok(Some(captured)) => match captured.message {
                Message::Itch(message) => read.messages.push(message.as_bytes().to_vec()),
                Message::Sequence(event) => read.events.push(event),
                other => panic!("{other:?}"),
            },
            Err(error) => read.errors.push(error.to_string()),
        }
    }
    assert!(matches!(capture.next(), Ok(None)), "an end is an end");
    read
}

/// Frames and packets the payloads as the generator does, a microsecond apart.
fn pcap_of(payloads: &[Vec<u8>]) -> Vec<u8> {
    let mut file = net::file_header(101).to_vec();
    for (index, payload) in payloads.iter().enumerate() {
        let udp_bytes = 8 + payload.len() as u16;
        let mut packet = vec![0x45, 0];
        packet.extend((20 + udp_bytes).to_be_bytes());
        packet.extend([0, 0, 0, 0, 16, 17, 0, 0, 10, 0, 0, 1, 239, 0, 0, 1]);
        packet.extend([1, 2, 3, 4]);
        packet.extend(udp_bytes.to_be_bytes());
        packet.extend([0, 0]);
        packet.extend(payload);
        file.extend(net::packet_header(index as i64 * 1000, packet.len() as u32));
        file.extend(packet);
    }
    file
}

fn mold_packet(session: &[u8; 10], sequence: u64, references: &[u64]) -> Vec<u8> {
    let mut builder = PacketBuilder::new(*session, sequence);
    for &reference in references {
        let header = itch::OrderDelete::header(1, 0, 1);
        let delete = itch::OrderDelete { header, reference: reference.into() };
        assert!(builder.push(itch::Message::OrderDelete(&delete).as_bytes()));
    }
    builder.finish(<[u8]>::to_vec)
}

#[test]
fn the_same_messages_come_out_of_every_wrapping() {
    let plain = read(&mut open(itch_file(3000)).unwrap());
    assert_eq!(plain.messages.len(), 3000);
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    let file = itch_file(3000);
    let (head, tail) = file.split_at(1000);
    let members = [gzip(head), gzip(tail)].concat();
    let wrapped = [gzip(&file), members, zstd(&file), zstd(&gzip(&file)), mold_pcap(3000)];
    for bytes in wrapped {
        let size = bytes.len() as u64;
        let mut capture = open(bytes).unwrap();
        assert_eq!(read(&mut capture), plain);
        assert_eq!(capture.bytes_read(), size);
    }
}

#[test]
fn a_packet_capture_is_counted() {
    let mut capture = open(mold_pcap(3000)).unwrap();
    let first_ns = loop {
        let captured = capture.next().unwrap().unwrap();
        if let Message::Itch(message) = captured.message {
            assert_eq!(captured.sequence, Some(1));
            break captured.ts_recv.unwrap() - MIDNIGHT_NS - message.timestamp_ns() as i64;
        }
    };
    assert!((0..1_000_000).contains(&first_ns));
    read(&mut capture);
    let stats = capture.stats();
    assert_eq!((stats.messages, stats.sequence.messages), (3000, 3000));
    assert_eq!((stats.heartbeats, stats.ends_of_session), (1, 1));
    assert_eq!((stats.packets, stats.decode_errors), (stats.datagrams, 0));
    assert_eq!((stats.sequence.gaps, stats.sequence.duplicates), (0, 0));
}

#[test]
fn gaps_duplicates_and_restarts_are_events_and_duplicates_are_not_delivered() {
    let (a, b) = (b"SESSION  A", b"SESSION  B");
    let mut capture = open(pcap_of(&[
        mold_packet(a, 1, &[1, 2]),
        mold_packet(a, 5, &[5]),
        mold_packet(a, 2, &[2, 3]),
        mold_packet(b, 1, &[10]),
        mold_packet(b, 2, &[]),
    ]))
    .unwrap();
    let read = read(&mut capture);
    let references: Vec<u8> = read.messages.iter().map(|message| message[18]).collect();
    assert_eq!(references, [1, 2, 5, 3, 10]);
    assert_eq!(
        read.events,
        [
            Event::Gap { expected: 3, found: 5 },
            Event::Duplicate { sequence: 2 },
            Event::Reordered { sequence: 3 },
            Event::Restart { expected: 6, found: 1 },
        ]
    );
    assert_eq!(capture.stats().sequence.missing, 1);
}

#[test]
fn a_packet_that_is_cut_delivers_what_is_whole_and_the_rest_is_a_gap() {
    let mut cut = mold_packet(b"SESSION  A", 1, &[1, 2, 3]);
    cut.truncate(cut.len() - 1);
    let mut capture = open(pcap_of(&[cut, mold_packet(b"SESSION  A", 4, &[4])])).unwrap();
    let read = read(&mut capture);
    assert_eq!(read.messages.len(), 3);
    assert_eq!(read.errors.len(), 1);
    // File header, packet header, IP and UDP, the packet's header, two messages of 21 bytes.
    let offset = 24 + 16 + 28 + 20 + 42;
    assert_eq!(
        read.errors[0],
        format!(
            "offset {offset}: expected a whole message, as the packet's count says, found the end of the input after 20 bytes of the frame"
        )
    );
    assert_eq!(read.events, [Event::Gap { expected: 3, found: 4 }]);
}

#[test]
fn an_error_tells_its_place_and_reading_goes_on() {
    let mut file = itch_file(2000);
    let before = file.len();
    file.extend(b"\x00\x05Zebra");
    file.extend(itch_file(2000));
    let read = read(&mut open(file).unwrap());
    assert_eq!(read.messages.len(), 4000);
    let expected = "expected a message type of ITCH 5.0, found type 'Z'";
    assert_eq!(read.errors, [format!("offset {}: {expected}", before + 2)]);
}

#[test]
fn an_end_inside_a_frame_is_told_once() {
    let mut file = itch_file(2000);
    file.extend(b"\x00\x24A23456789012345");
    let offset = file.len() - 17;
    let read = read(&mut open(file).unwrap());
    assert_eq!(
        read.errors,
        [format!(
            "offset {offset}: expected a whole ITCH message behind its length, found the end of the input after 17 bytes of the frame"
        )]
    );
}

#[test]
fn an_end_inside_a_wrapping_is_told_once() {
    let mut wrapped = gzip(&itch_file(3000));
    wrapped.truncate(wrapped.len() / 2);
    let errors = match open(wrapped) {
        Ok(mut capture) => read(&mut capture).errors,
        Err(error) => vec![error.to_string()],
    };
    assert_eq!(errors.len(), 1);
    assert!(errors[0].starts_with("can not read on: "), "{}", errors[0]);
}

#[test]
fn what_can_not_be_opened_says_why() {
    let said = |result: Result<Capture, CaptureError>| result.err().unwrap().to_string();
    assert!(said(open(vec![])).starts_with("the input is empty"));
    assert!(said(open(gzip(b""))).starts_with("the input is empty"));
    assert!(said(open(b"{\"e\":1}\n".to_vec())).starts_with(
        "unknown content, it starts with 7b 22 65 22 3a 31 7d 0a (\"{\\\"e\\\":1}\\n\"): known are"
    ));
    let mut many = b"content".to_vec();
    for _ in 0..=WRAPPINGS_MAX {
        many = gzip(&many);
    }
    assert!(said(open(many)).contains("more than 4 times"));
    assert!(
        said(Capture::open("/", None))
            .ends_with("is a directory, and no journal: give one of the files in it")
    );
    assert!(said(Capture::open("/no/such/file", None)).starts_with("can not open /no/such/file: "));

    let mut can = net::file_header(227).to_vec();
    can.extend(net::packet_header(0, 16));
    can.extend([0; 16]);
    let errors = read(&mut open(can).unwrap()).errors;
    assert!(errors.len() == 1 && errors[0].starts_with("link type 227 is not supported"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_mutation_is_survived(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..30),
        end in any::<prop::sample::Index>(),
    ) {
        for (mut file, format) in [(itch_file(300), Format::Itch), (mold_pcap(300), Format::Pcap)] {
            for (index, byte) in &changes {
                let at = index.index(file.len());
                file[at] = *byte;
            }
            file.truncate(end.index(file.len()) + 1);
            let size = file.len() as u64;
            let mut capture = Capture::from_reader(Cursor::new(file), Some(format)).unwrap();
            let mut steps = 0;
            loop {
                match capture.next() {
                    Ok(None) => break,
                    Ok(Some(captured)) => prop_assert!(captured.offset <= size),
                    Err(CaptureError::Decode(error)) => prop_assert!(error.offset <= size),
                    Err(_) => {}
                }
                steps += 1;
                prop_assert!(steps < 20_000);
            }
        }
    }
}

#[test]
fn a_journal_is_a_capture_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = Vec::new();
    Market::new(4, 5, 300).write_itch_file(&mut file).unwrap();
    let mut segments =
        [crate::journal::header(0, "udp itch"), crate::journal::header(150, "udp itch")];
    let (mut rest, mut number) = (&file[..], 0_u64);
    while let itch::Frame::Message(message) = itch::frame(rest) {
        rest = &rest[itch::LENGTH_BYTES + message.len()..];
        let mut packet = crate::mold::PacketBuilder::new(*b"SESSION001", number + 1);
        assert!(packet.push(message));
        packet.finish(|bytes| {
            let segment = &mut segments[usize::from(number >= 150)];
            let at = segment.len();
            segment.resize(at + crate::journal::record_bytes(bytes.len()), 0);
            let record = Record { number, received: 7, line: 0, bytes };
            assert!(crate::journal::write(&record, &mut segment[at..]));
        });
        number += 1;
    }
    // Room that was taken, and not used.
    segments[1].resize(segments[1].len() + 4096, 0);
    for (first, bytes) in [0, 150].into_iter().zip(&segments) {
        std::fs::write(folder.path().join(crate::journal::Segment::name(first)), bytes).unwrap();
    }
    let mut capture = Capture::open(folder.path(), None).unwrap();
    assert_eq!(capture.format(), Format::Journal);
    let mut seen = 0;
    while let Some(captured) = capture.next().unwrap() {
        assert!(matches!(captured.message, Message::Itch(_)));
        seen += 1;
        assert_eq!((captured.ts_recv, captured.sequence), (Some(7), Some(seen)));
    }
    assert_eq!((seen, capture.stats().decode_errors), (number, 0));
    assert_eq!(capture.bytes_total(), Some(segments.iter().map(|it| it.len() as u64).sum()));
}

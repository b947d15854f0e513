//! Real captures, message by message, against counts that were made without this code.

use std::collections::{BTreeMap, BTreeSet};

use tidewire_feeds::capture::{Capture, Format, Message, Stats};
use tidewire_feeds::dbn::Record;
use tidewire_tests::shared_capture;

/// What a capture holds: messages by type, symbols, errors, and its own counts.
struct Held {
    kinds: BTreeMap<char, u64>,
    stocks: BTreeSet<String>,
    errors: Vec<String>,
    format: Format,
    stats: Stats,
}

/// Reads the whole capture, or `None` where it is not at hand.
#[allow(clippy::unwrap_used, reason = "a capture that is there must open")]
fn read(name: &str) -> Option<Held> {
    let mut capture = Capture::open(shared_capture(name)?, None).unwrap();
    let mut kinds = BTreeMap::new();
    let mut stocks = BTreeSet::new();
    let mut errors = Vec::new();
    loop {
        match capture.next() {
            Ok(None) => break,
            Ok(Some(captured)) => {
                let kind = match captured.message {
                    Message::Itch(message) => {
                        stocks.extend(message.stock().map(|stock| stock.to_string()));
                        message.kind()
                    }
                    Message::Iex(message) => message.kind(),
                    Message::Dbn(Record::Mbo(record)) => record.action(),
                    Message::Dbn(_) | Message::Sequence(_) => continue,
                };
                *kinds.entry(char::from(kind)).or_default() += 1;
            }
            Err(error) => errors.push(error.to_string()),
        }
    }
    Some(Held { kinds, stocks, errors, format: capture.format(), stats: capture.stats() })
}

#[track_caller]
fn assert_kinds(held: &Held, kinds: &[(char, u64)]) {
    assert_eq!(held.kinds, kinds.iter().copied().collect());
    assert_eq!(held.stats.messages, kinds.iter().map(|(_, count)| count).sum::<u64>());
}

#[test]
fn nasdaq_500_filtered_messages() {
    let Some(held) = read("itch/nasdaq_20191230_filtered500.itch") else { return };
    assert_eq!(held.format, Format::Itch);
    assert_kinds(&held, &[('A', 495), ('D', 4), ('U', 1)]);
    assert_eq!(held.stocks.len(), 198);
    assert!(held.errors.is_empty());
}

#[test]
fn nasdaq_two_messages_of_each_type() {
    let Some(held) = read("itch/nasdaq_20191230_2_per_type.itch") else { return };
    assert_kinds(&held, &[('A', 2), ('D', 2), ('U', 2), ('X', 2), ('E', 2), ('C', 2)]);
    assert!(held.errors.is_empty());
}

#[test]
fn a_directory_before_the_open() {
    let Some(held) = read("itch/bekele_totalview50_first1000.itch") else { return };
    assert_kinds(&held, &[('R', 993), ('H', 3), ('Y', 3), ('S', 1)]);
    assert!(held.errors.is_empty());
}

#[test]
fn a_file_cut_inside_a_message_ends_with_one_error() {
    let Some(held) = read("itch/fasanello_first101_truncated.itch") else { return };
    assert_eq!(held.stats.messages, 101);
    assert_eq!(held.errors.len(), 1);
    assert!(held.errors[0].contains("found the end of the input after"), "{}", held.errors[0]);
}

#[test]
fn ten_thousand_events_of_one_stock() {
    let name = "itch/nasdaq_20190130_AAPL_10000.derived_from_csv.itch";
    let Some(held) = read(name) else { return };
    assert_kinds(
        &held,
        &[('A', 7465), ('D', 1237), ('E', 729), ('U', 437), ('F', 109), ('C', 17), ('X', 6)],
    );
    assert_eq!(held.stocks.into_iter().collect::<Vec<_>>(), ["AAPL"]);
    assert!(held.errors.is_empty());
}

#[test]
fn two_packets_of_many_messages() {
    let name = "itch/omi_Nasdaq.Equities.TotalView.Itch.v5.0/Multiple.Packets.pcap";
    let Some(held) = read(name) else { return };
    assert_eq!(held.format, Format::Pcap);
    assert_kinds(&held, &[('A', 36), ('F', 2), ('D', 1)]);
    assert_eq!((held.stats.packets, held.stats.datagrams), (2, 2));
    assert_eq!(held.stats.sequence.messages, 39);
    assert!(held.errors.is_empty());
}

#[test]
fn a_packet_holds_the_message_of_its_name() {
    let nasdaq = "omi_Nasdaq.Equities.TotalView.Itch.v5.0";
    let bx = "omi_Bx.Equities.TotalView.Itch.v5.0";
    for (folder, name, kind) in [
        (nasdaq, "AddOrderNoMpidAttributionMessage", 'A'),
        (nasdaq, "MarketParticipantPositionMessage", 'L'),
        (nasdaq, "NetOrderImbalanceIndicatorMessage", 'I'),
        (nasdaq, "OrderDeleteMessage", 'D'),
        (nasdaq, "OrderExecutedMessage", 'E'),
        (nasdaq, "OrderReplaceMessage", 'U'),
        (nasdaq, "StockTradingActionMessage", 'H'),
        (bx, "AddOrderNoMpidAttributionMessage", 'A'),
        (bx, "OrderDeleteMessage", 'D'),
        (bx, "OrderReplaceMessage", 'U'),
    ] {
        let Some(held) = read(&format!("itch/{folder}/{name}.pcap")) else { return };
        assert_kinds(&held, &[(kind, 1)]);
        assert!(held.errors.is_empty(), "{name}: {:?}", held.errors);
    }
}

#[test]
fn a_capture_of_a_vehicle_bus_is_no_feed() {
    let Some(held) = read("vehicle/canboat_can0-1.pcap") else { return };
    assert_eq!(held.errors.len(), 1);
    assert!(held.errors[0].starts_with("link type 227 is not supported"), "{}", held.errors[0]);
}

#[test]
fn an_iex_sender_that_starts_again_restarts_its_numbers() {
    let Some(held) = read("iex/DEEP10.pcap.gz") else { return };
    assert_kinds(
        &held,
        &[
            ('H', 93_638),
            ('O', 93_638),
            ('P', 93_636),
            ('T', 83_343),
            ('5', 14_627),
            ('8', 12_941),
            ('B', 73),
            ('E', 59),
            ('S', 44),
        ],
    );
    // The capture was stopped while its last packet was written.
    let end = "offset 22195748: expected a whole packet, as its length says, found the end of the input after 476 bytes of the frame";
    assert_eq!(held.errors, [end]);
    assert_eq!(held.stats.datagrams, 121_314);
    let sequence = held.stats.sequence;
    assert_eq!((sequence.restarts, sequence.gaps, sequence.duplicates), (11, 0, 0));
    assert_eq!(sequence.messages, 391_999);
    assert_eq!(held.stats.heartbeats, 7937);
}

#[test]
fn databento_records_come_out_of_zstd() {
    let Some(held) = read("dbn/esh4-glbx-mdp3-20231225.mbo.dbn.zst") else { return };
    assert_eq!(held.format, Format::Dbn);
    assert_kinds(&held, &[('A', 29_216), ('C', 17_999), ('M', 12_233), ('F', 6371), ('T', 2973)]);
    assert!(held.errors.is_empty());
}

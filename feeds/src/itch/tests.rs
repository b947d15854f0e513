use proptest::prelude::*;

use super::*;
use crate::Side;
use crate::decode::{Decoded, Decoder};

/// Every type with its length, from the specification's tables.
const LENGTHS: [(u8, usize); 23] = [
    (b'S', 12),
    (b'R', 39),
    (b'H', 25),
    (b'Y', 20),
    (b'L', 26),
    (b'V', 35),
    (b'W', 12),
    (b'K', 28),
    (b'J', 35),
    (b'h', 21),
    (b'A', 36),
    (b'F', 40),
    (b'E', 31),
    (b'C', 36),
    (b'X', 23),
    (b'D', 19),
    (b'U', 35),
    (b'P', 44),
    (b'Q', 40),
    (b'B', 19),
    (b'I', 50),
    (b'N', 20),
    (b'O', 48),
];

/// A message of any type with any content: every bit pattern of its fields is a value.
fn any_message() -> impl Strategy<Value = Vec<u8>> {
    (0..LENGTHS.len(), any::<[u8; MESSAGE_BYTES_MAX]>()).prop_map(|(index, mut bytes)| {
        let (kind, length) = LENGTHS[index];
        bytes[0] = kind;
        bytes[..length].to_vec()
    })
}

/// A message whose every byte is its offset, so that a field's value says where it was read.
fn counting(kind: u8) -> Vec<u8> {
    let length = message_bytes(kind).unwrap();
    let mut bytes: Vec<u8> = (0..length as u8).collect();
    bytes[0] = kind;
    bytes
}

fn number(offset: u8, bytes: u8) -> u64 {
    (offset..offset + bytes).fold(0, |number, byte| number << 8 | u64::from(byte))
}

#[test]
fn every_type_has_its_length() {
    for (kind, length) in LENGTHS {
        assert_eq!(message_bytes(kind), Some(length), "{}", char::from(kind));
    }
    assert_eq!((0..=255).filter_map(message_bytes).count(), LENGTHS.len());
}

#[test]
fn the_header_stands_first_in_every_type() {
    for (kind, _) in LENGTHS {
        let bytes = counting(kind);
        let message = decode(&bytes).unwrap();
        assert_eq!(message.kind(), kind);
        assert_eq!(u64::from(message.locate()), number(1, 2));
        assert_eq!(u64::from(message.tracking()), number(3, 2));
        assert_eq!(message.timestamp_ns(), number(5, 6));
    }
}

#[test]
fn symbols_stand_where_the_specification_puts_them() {
    let offsets: [(u8, Option<u8>); 23] = [
        (b'S', None),
        (b'R', Some(11)),
        (b'H', Some(11)),
        (b'Y', Some(11)),
        (b'L', Some(15)),
        (b'V', None),
        (b'W', None),
        (b'K', Some(11)),
        (b'J', Some(11)),
        (b'h', Some(11)),
        (b'A', Some(24)),
        (b'F', Some(24)),
        (b'E', None),
        (b'C', None),
        (b'X', None),
        (b'D', None),
        (b'U', None),
        (b'P', Some(24)),
        (b'Q', Some(19)),
        (b'B', None),
        (b'I', Some(28)),
        (b'N', Some(11)),
        (b'O', Some(11)),
    ];
    for (kind, offset) in offsets {
        let bytes = counting(kind);
        let stock = decode(&bytes).unwrap().stock();
        let expected = offset.map(|at| Stock(number(at, 8).to_be_bytes()));
        assert_eq!(stock, expected, "{}", char::from(kind));
    }
}

macro_rules! fields_stand_at {
    ($($name:ident { $($field:ident: $offset:literal, $bytes:literal;)* })*) => {$(
        let bytes = counting($name::KIND);
        let Message::$name(message) = decode(&bytes).unwrap() else { panic!("another type") };
        $(assert_eq!(
            u64::from(message.$field()),
            number($offset, $bytes),
            concat!(stringify!($name), ".", stringify!($field)),
        );)*
    )*};
}

#[test]
fn numbers_stand_where_the_specification_puts_them() {
    fields_stand_at! {
        SystemEvent { event: 11, 1; }
        StockDirectory {
            market_category: 19, 1; financial_status: 20, 1; round_lot_size: 21, 4;
            round_lots_only: 25, 1; issue_classification: 26, 1; authenticity: 29, 1;
            short_sale_threshold: 30, 1; ipo_flag: 31, 1; luld_tier: 32, 1; etp_flag: 33, 1;
            etp_leverage: 34, 4; inverse: 38, 1;
        }
        StockTradingAction { trading_state: 19, 1; }
        RegShoRestriction { action: 19, 1; }
        MarketParticipantPosition {
            primary_market_maker: 23, 1; market_maker_mode: 24, 1; participant_state: 25, 1;
        }
        MwcbDeclineLevel { level_1: 11, 8; level_2: 19, 8; level_3: 27, 8; }
        MwcbStatus { breached_level: 11, 1; }
        IpoQuotingPeriod { release_time_s: 19, 4; release_qualifier: 23, 1; price: 24, 4; }
        LuldAuctionCollar {
            reference_price: 19, 4; upper_price: 23, 4; lower_price: 27, 4; extension: 31, 4;
        }
        OperationalHalt { market: 19, 1; action: 20, 1; }
        AddOrder { reference: 11, 8; shares: 20, 4; price: 32, 4; }
        AddOrderAttributed { reference: 11, 8; shares: 20, 4; price: 32, 4; }
        OrderExecuted { reference: 11, 8; shares: 19, 4; match_number: 23, 8; }
        OrderExecutedWithPrice {
            reference: 11, 8; shares: 19, 4; match_number: 23, 8; printable: 31, 1; price: 32, 4;
        }
        OrderCancel { reference: 11, 8; shares: 19, 4; }
        OrderDelete { reference: 11, 8; }
        OrderReplace { reference: 11, 8; new_reference: 19, 8; shares: 27, 4; price: 31, 4; }
        Trade { reference: 11, 8; shares: 20, 4; price: 32, 4; match_number: 36, 8; }
        CrossTrade { shares: 11, 8; price: 27, 4; match_number: 31, 8; cross_type: 39, 1; }
        BrokenTrade { match_number: 11, 8; }
        NetOrderImbalance {
            paired_shares: 11, 8; imbalance_shares: 19, 8; direction: 27, 1; far_price: 36, 4;
            near_price: 40, 4; reference_price: 44, 4; cross_type: 48, 1; price_variation: 49, 1;
        }
        RetailInterest { interest: 19, 1; }
        DirectListing {
            open_eligibility: 19, 1; min_price: 20, 4; max_price: 24, 4; near_price: 28, 4;
            near_time_ns: 32, 8; lower_price: 40, 4; upper_price: 44, 4;
        }
    }
}

#[test]
fn a_side_is_read_where_it_is_one() {
    for (byte, side) in [(b'B', Some(Side::Buy)), (b'S', Some(Side::Sell)), (b'b', None)] {
        let mut bytes = counting(b'A');
        bytes[19] = byte;
        let Message::AddOrder(order) = decode(&bytes).unwrap() else { panic!("another type") };
        assert_eq!(order.side(), side);
    }
}

#[test]
fn errors_say_what_stands_there() {
    let error = decode(b"Zebra").unwrap_err();
    assert_eq!(error.to_string(), "offset 0: expected a message type of ITCH 5.0, found type 'Z'");
    let error = decode(b"Dx").unwrap_err();
    assert_eq!(
        error.to_string(),
        "offset 0: expected 19 bytes (OrderDelete), found a length of 2 bytes"
    );
    assert!(decode(b"").is_err());
}

#[test]
fn a_frame_that_can_not_be_read_does_not_hide_the_next() {
    let mut file = b"\x00\x05Zebra\x00\x00\x00\x0CS".to_vec();
    file.extend_from_slice(&[0; 11]);
    let error = ItchFileDecoder.decode(&file).unwrap_err();
    assert_eq!((error.offset, error.resume), (2, Some(7)));
    assert_eq!(ItchFileDecoder.decode(&file[7..]), Ok(Decoded::Skip { consumed: 2 }));
    let last = ItchFileDecoder.decode(&file[9..]);
    assert!(matches!(last, Ok(Decoded::Message { consumed: 14, .. })));
    let cut = ItchFileDecoder.decode(&file[9..15]);
    assert_eq!(cut, Ok(Decoded::NeedMore { needed: 14 }));
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(bytes in any_message()) {
        let message = decode(&bytes).unwrap();
        prop_assert_eq!(message.as_bytes(), &bytes[..]);
        prop_assert_eq!(message.kind(), bytes[0]);
    }

    #[test]
    fn what_is_framed_is_read(messages in prop::collection::vec(any_message(), 0..20)) {
        let mut file = Vec::new();
        for message in &messages {
            file.extend_from_slice(&(message.len() as u16).to_be_bytes());
            file.extend_from_slice(message);
        }
        let mut rest = &file[..];
        for message in &messages {
            let decoded = ItchFileDecoder.decode(rest).unwrap();
            let Decoded::Message { message: read, consumed } = decoded else {
                panic!("a whole message")
            };
            prop_assert_eq!(read.as_bytes(), &message[..]);
            rest = &rest[consumed..];
        }
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        crate::decode::testing::assert_decoder_holds_its_promises(&mut ItchFileDecoder, &bytes);
    }
}

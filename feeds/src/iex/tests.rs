//! Every layout there and back, field by field against its offsets, and bytes that are no message.

use proptest::prelude::*;
use zerocopy::{FromBytes, IntoBytes};

use super::*;
use crate::decode::Found;

/// The known types with their lengths, as the specifications have them.
const DEEP: [(u8, usize); 13] = [
    (b'S', 10),
    (b'D', 31),
    (b'H', 22),
    (b'I', 18),
    (b'O', 18),
    (b'P', 19),
    (b'E', 18),
    (b'8', 30),
    (b'5', 30),
    (b'T', 38),
    (b'X', 26),
    (b'B', 38),
    (b'A', 80),
];

fn encode_segment(protocol_id: u16, first_sequence: i64, messages: &[Vec<u8>]) -> Vec<u8> {
    let mut payload = Vec::new();
    for message in messages {
        payload.extend((message.len() as u16).to_le_bytes());
        payload.extend(message);
    }
    let (len, count) = (payload.len() as u16, messages.len() as u16);
    let header = SegmentHeader::new(1, 0, protocol_id, 1, 7, len, count, 0, first_sequence, 99);
    [header.as_bytes(), &payload].concat()
}

proptest! {
    #[test]
    fn trades_and_levels_come_back(
        flags: u8, ns: i64, size: u32, price: i64, id: i64, name in "[A-Z.+=-]{0,8}", buy: bool
    ) {
        let symbol = Symbol::new(&name).unwrap();
        prop_assert_eq!(symbol.to_string(), name);
        let level = PriceLevelUpdate::new(if buy { b'8' } else { b'5' }, flags, ns, symbol, size, price);
        let message = decode(Protocol::Deep10, level.as_bytes()).unwrap();
        prop_assert_eq!(message, Message::PriceLevelUpdate(&level));
        prop_assert_eq!((message.timestamp_ns(), message.symbol()), (ns, Some(symbol)));
        prop_assert_eq!((level.size(), level.price(), level.flags()), (size, price, flags));
        prop_assert_eq!(level.side() == crate::Side::Buy, buy);
        for kind in [b'T', b'B'] {
            let trade = Trade::new(kind, flags, ns, symbol, size, price, id);
            let expected = if kind == b'T' { Message::TradeReport(&trade) } else { Message::TradeBreak(&trade) };
            for protocol in [Protocol::Deep10, Protocol::Tops16] {
                let message = decode(protocol, trade.as_bytes()).unwrap();
                prop_assert_eq!(message, expected);
                prop_assert_eq!((message.kind(), message.timestamp_ns()), (kind, ns));
            }
            prop_assert_eq!((trade.size(), trade.price(), trade.trade_id()), (size, price, id));
        }
    }

    #[test]
    fn quotes_and_administration_come_back(
        flag: u8, ns: i64, sizes: (u32, u32, u32), prices: (i64, i64, i64), text: [u8; 8], tier: u8
    ) {
        let symbol = Symbol::read_from_bytes(&text).unwrap();
        let quote = QuoteUpdate::new(b'Q', flag, ns, symbol, sizes.0, prices.0, prices.1, sizes.1);
        prop_assert_eq!(decode(Protocol::Tops16, quote.as_bytes()), Ok(Message::QuoteUpdate(&quote)));
        prop_assert_eq!((quote.bid_size(), quote.bid_price()), (sizes.0, prices.0));
        prop_assert_eq!((quote.ask_size(), quote.ask_price()), (sizes.1, prices.1));
        let system = SystemEvent::new(b'S', flag, ns);
        let directory = SecurityDirectory::new(b'D', flag, ns, symbol, sizes.0, prices.0, tier);
        let status = TradingStatus::new(b'H', flag, ns, symbol, [text[0], text[1], text[2], text[3]]);
        let retail = RetailLiquidity::new(b'I', flag, ns, symbol);
        let halt = OperationalHalt::new(b'O', flag, ns, symbol);
        let short = ShortSale::new(b'P', flag, ns, symbol, tier);
        let event = SecurityEvent::new(b'E', flag, ns, symbol);
        let official = OfficialPrice::new(b'X', flag, ns, symbol, prices.2);
        let auction = AuctionInformation::new(
            b'A', flag, ns, symbol, sizes.0, prices.0, prices.1, sizes.1, tier, flag, sizes.2,
            prices.2, prices.1, prices.0, ns,
        );
        for (bytes, expected) in [
            (system.as_bytes(), Message::SystemEvent(&system)),
            (directory.as_bytes(), Message::SecurityDirectory(&directory)),
            (status.as_bytes(), Message::TradingStatus(&status)),
            (retail.as_bytes(), Message::RetailLiquidity(&retail)),
            (halt.as_bytes(), Message::OperationalHalt(&halt)),
            (short.as_bytes(), Message::ShortSale(&short)),
            (event.as_bytes(), Message::SecurityEvent(&event)),
            (official.as_bytes(), Message::OfficialPrice(&official)),
            (auction.as_bytes(), Message::AuctionInformation(&auction)),
        ] {
            let message = decode(Protocol::Deep10, bytes).unwrap();
            prop_assert_eq!(message, expected);
            prop_assert_eq!((message.kind(), message.timestamp_ns()), (bytes[0], ns));
            prop_assert_eq!(message.symbol(), (bytes[0] != b'S').then_some(symbol));
        }
        prop_assert_eq!(directory.adjusted_poc_price(), prices.0);
        prop_assert_eq!((directory.luld_tier(), short.detail()), (tier, tier));
        prop_assert_eq!((auction.imbalance_side(), auction.scheduled_auction_s()), (tier, sizes.2));
        prop_assert_eq!((auction.collar_reference_price(), auction.upper_auction_collar()), (prices.1, ns));
    }

    #[test]
    fn segments_give_back_their_messages(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..90), 0..12),
        sequence in 1..i64::MAX,
    ) {
        let bytes = encode_segment(0x8004, sequence, &messages);
        let segment = segment(&bytes).unwrap();
        prop_assert_eq!(segment.protocol(), Protocol::Deep10);
        prop_assert_eq!(segment.first_sequence(), sequence as u64);
        prop_assert_eq!((segment.header().session(), segment.header().send_time_ns()), (7, 99));
        let found: Vec<_> = segment.messages().map(Result::unwrap).collect();
        prop_assert_eq!(found, messages);
        prop_assert!(is_segment(&bytes));
        prop_assert!(!is_segment(&bytes[..bytes.len() - 1]));
    }

    #[test]
    fn changed_bytes_never_panic_and_always_end(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..6),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encode_segment(0x8003, 1, &messages);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        for bytes in [&bytes[..], &bytes[..cut.index(bytes.len())]] {
            match segment(bytes) {
                Err(error) => prop_assert!(error.resume == Some(bytes.len())),
                Ok(segment) => {
                    let mut taken = 40;
                    for message in segment.messages() {
                        match message {
                            Ok(message) => {
                                taken += 2 + message.len();
                                let _ = decode(segment.protocol(), message);
                            }
                            Err(error) => prop_assert_eq!(error.offset, taken as u64),
                        }
                    }
                    prop_assert!(taken <= bytes.len());
                }
            }
            let _ = is_segment(bytes);
        }
    }
}

#[test]
fn each_type_has_the_length_of_its_specification() {
    for (kind, len) in DEEP {
        let mut message = vec![kind; len];
        let decoded = decode(Protocol::Deep10, &message).unwrap();
        assert_eq!(decoded.kind(), kind);
        let short = decode(Protocol::Deep10, &message[..len - 1]).unwrap_err();
        assert_eq!((short.found, short.resume), (Found::Length(len - 1), Some(len - 1)));
        // IEX may let a message grow.
        message.push(0);
        assert_eq!(decode(Protocol::Deep10, &message).map(|message| message.kind()), Ok(kind));
    }
    assert!(decode(Protocol::Tops16, &[b'Q'; 42]).is_ok());
    assert!(decode(Protocol::Tops16, &[b'Q'; 41]).is_err());
}

#[test]
fn a_protocol_knows_only_its_own_types() {
    for (protocol, kind) in [
        (Protocol::Deep10, b'Q'),
        (Protocol::Deep10, 0),
        (Protocol::Tops16, b'8'),
        (Protocol::Tops16, b'5'),
        (Protocol::Tops16, b'E'),
    ] {
        let error = decode(protocol, &[kind; 100]).unwrap_err();
        assert_eq!((error.found, error.resume), (Found::Type(kind), Some(100)));
    }
    let error = decode(Protocol::Other(0x8002), &[b'Q'; 42]).unwrap_err();
    assert_eq!(error.found, Found::Value(0x8002));
    assert!(decode(Protocol::Deep10, &[]).is_err());
}

/// A DEEP price level update as the specification prints its fields, byte by byte.
#[test]
fn a_price_level_update_by_its_offsets() {
    let mut bytes = vec![b'8', 1];
    bytes.extend(1_471_980_632_572_715_948_i64.to_le_bytes());
    bytes.extend(b"ZIEXT   ");
    bytes.extend(9_700_u32.to_le_bytes());
    bytes.extend(990_500_i64.to_le_bytes());
    let Ok(Message::PriceLevelUpdate(level)) = decode(Protocol::Deep10, &bytes) else {
        panic!("not a price level update");
    };
    assert_eq!(level.timestamp_ns(), 1_471_980_632_572_715_948);
    assert_eq!(level.symbol().to_string(), "ZIEXT");
    assert_eq!((level.size(), level.price()), (9_700, 990_500));
    assert!(level.completes_event());
}

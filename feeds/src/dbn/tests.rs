//! Streams that the reference encoder wrote, cut, shifted and damaged.

use dbn::encode::EncodeRecord;
use dbn::encode::dbn::Encoder;
use dbn::{
    FlagSet, MappingInterval, MboMsg, Mbp1Msg, Metadata, OhlcvMsg, RecordHeader, SType, Schema,
    SymbolMapping, TradeMsg, rtype,
};
use proptest::prelude::*;

use super::*;
use crate::book::{Books, Refusal};
use crate::decode::{DecodeError, Decoded, Decoder, Found};
use crate::side::Side;

const START_NS: u64 = 1_703_462_400_000_000_000;

fn metadata(version: u8) -> Metadata {
    let mut metadata = Metadata::builder()
        .version(version)
        .dataset("GLBX.MDP3".to_owned())
        .schema(None::<Schema>)
        .start(START_NS)
        .stype_in(Some(SType::RawSymbol))
        .stype_out(SType::InstrumentId)
        .build();
    let start_date = metadata.start().date();
    let end_date = start_date.next_day().unwrap();
    let interval = MappingInterval { start_date, end_date, symbol: "17077".to_owned() };
    metadata.mappings =
        vec![SymbolMapping { raw_symbol: "ESH4".to_owned(), intervals: vec![interval] }];
    metadata
}

fn mbo(action: u8, side: u8, order_id: u64, price: i64, size: u32) -> MboMsg {
    MboMsg {
        hd: RecordHeader::new::<MboMsg>(rtype::MBO, 1, 17_077, START_NS + 5),
        order_id,
        price,
        size,
        flags: FlagSet::new(FLAG_LAST),
        channel_id: 3,
        action: action.cast_signed(),
        side: side.cast_signed(),
        ts_recv: START_NS + 9,
        ts_in_delta: -4,
        sequence: 12,
    }
}

/// Metadata, an MBO, an MBP-1, a trade and an OHLCV record.
fn stream(version: u8, order: &MboMsg) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, &metadata(version)).unwrap();
    encoder.encode_record(order).unwrap();
    let hd = RecordHeader::new::<Mbp1Msg>(rtype::MBP_1, 1, 17_077, START_NS);
    let mut mbp = Mbp1Msg { hd, price: 7, size: 8, depth: 9, sequence: 10, ..Mbp1Msg::default() };
    mbp.levels[0].bid_px = 1;
    mbp.levels[0].ask_px = 2;
    mbp.levels[0].bid_sz = 3;
    mbp.levels[0].ask_sz = 4;
    mbp.levels[0].bid_ct = 5;
    mbp.levels[0].ask_ct = 6;
    encoder.encode_record(&mbp).unwrap();
    let hd = RecordHeader::new::<TradeMsg>(rtype::MBP_0, 1, 17_077, START_NS);
    let side = b'A'.cast_signed();
    let trade = TradeMsg { hd, price: -3, size: 2, side, ts_recv: 1, ..TradeMsg::default() };
    encoder.encode_record(&trade).unwrap();
    encoder.encode_record(&OhlcvMsg::default_for_schema(Schema::Ohlcv1S)).unwrap();
    bytes
}

/// Decodes to the end, or to an error that can not be passed over. Checks that each step is one forward.
fn walk<'b>(
    bytes: &'b [u8],
    mut see: impl FnMut(Record<'b>),
) -> (DbnDecoder, usize, Option<DecodeError>) {
    let (mut decoder, mut at, mut last_error) = (DbnDecoder::default(), 0, None);
    loop {
        let rest = &bytes[at..];
        let step = match decoder.decode(rest) {
            Ok(Decoded::NeedMore { needed }) => {
                assert!(needed > rest.len());
                return (decoder, at, last_error);
            }
            Ok(Decoded::Skip { consumed }) => consumed,
            Ok(Decoded::Message { message, consumed }) => {
                see(message);
                consumed
            }
            Err(error) => {
                last_error = Some(error);
                let Some(step) = error.resume else { return (decoder, at, last_error) };
                step
            }
        };
        assert!(0 < step && step <= rest.len());
        at += step;
    }
}

#[test]
fn every_version_reads_the_same_records() {
    let order = mbo(b'A', b'B', 77, 4_810_000_000_000, 22);
    for version in 1..=3 {
        let bytes = stream(version, &order);
        assert!(looks_like(&bytes));
        let mut records = Vec::new();
        let (decoder, end, error) = walk(&bytes, |record| records.push(record));
        assert_eq!((end, error), (bytes.len(), None));
        assert_eq!(decoder.metadata().map(|metadata| metadata.version), Some(version));
        let time = START_NS as i64;
        assert_eq!(decoder.symbol(17_077, time), Some("ESH4"));
        assert_eq!(decoder.symbol(17_077, time - 1), None);
        assert_eq!(decoder.symbol(17_077, UNDEFINED_TIME), None);
        assert_eq!(decoder.symbol(1, time), None);
        let [Record::Mbo(order), Record::Mbp1(mbp), Record::Trade(trade), Record::Other { .. }] =
            records[..]
        else {
            panic!("{records:?}");
        };
        assert_eq!((order.order_id(), order.price(), order.size()), (77, 4_810_000_000_000, 22));
        assert_eq!((order.flags(), order.channel_id(), order.action()), (FLAG_LAST, 3, b'A'));
        assert_eq!((order.side(), order.instrument_id()), (Some(Side::Buy), 17_077));
        assert_eq!((order.ts_event(), order.ts_recv()), (time + 5, time + 9));
        assert_eq!((order.ts_in_delta(), order.sequence()), (-4, 12));
        assert_eq!((mbp.price(), mbp.size(), mbp.depth(), mbp.sequence()), (7, 8, 9, 10));
        assert_eq!((mbp.bid_price(), mbp.ask_price()), (1, 2));
        assert_eq!((mbp.bid_size(), mbp.ask_size()), (3, 4));
        assert_eq!((mbp.bid_orders(), mbp.ask_orders(), mbp.side()), (5, 6, None));
        assert_eq!((trade.price(), trade.size(), trade.ts_recv()), (-3, 2, 1));
        assert_eq!(trade.side(), Some(Side::Sell));
    }
}

#[test]
fn a_broken_length_or_version_says_where() {
    let order = mbo(b'A', b'B', 77, 1, 1);
    let bytes = stream(2, &order);
    let mut decoder = DbnDecoder::default();
    let Ok(Decoded::Skip { consumed }) = decoder.decode(&bytes) else { panic!("no metadata") };
    let records = &bytes[consumed..];
    for (length, found, resume) in [
        (0, Found::Length(0), None),
        (3, Found::Length(12), None),
        (13, Found::Length(52), Some(52)),
    ] {
        let mut broken = records.to_vec();
        broken[0] = length;
        let error = decoder.decode(&broken).unwrap_err();
        assert_eq!((error.offset, error.found, error.resume), (0, found, resume));
    }
    let mut broken = records.to_vec();
    broken[38] = b'Z';
    assert_eq!(decoder.decode(&broken).unwrap_err().found, Found::Type(b'Z'));
    broken[38] = b'M';
    broken[39] = b'N';
    assert_eq!(decoder.decode(&broken).unwrap_err().found, Found::Type(b'N'));
    for (at, byte) in [(0, b'd'), (3, 0), (3, 4), (7, 0xFF)] {
        let mut broken = bytes.clone();
        broken[at] = byte;
        assert_eq!(DbnDecoder::default().decode(&broken).unwrap_err().resume, None);
    }
}

#[test]
fn records_keep_a_book() {
    let mut books = Books::default();
    let mut step = |action, side, id, price, size| {
        let bytes = stream(3, &mbo(action, side, id, price, size));
        let mut outcome = None;
        walk(&bytes, |record| {
            if let Record::Mbo(order) = record {
                outcome = Some(apply(&mut books, 0, order));
            }
        });
        let best = [books.best(0).bid, books.best(0).ask];
        (
            outcome.unwrap().map(|touched| touched.map(|touched| touched.left)),
            best.map(|level| level.map(|level| (level.price, level.size))),
        )
    };
    assert_eq!(step(b'A', b'B', 1, 10, 5), (Ok(Some(5)), [Some((10, 5)), None]));
    assert_eq!(step(b'M', b'A', 2, 12, 7), (Ok(Some(7)), [Some((10, 5)), Some((12, 7))]));
    assert_eq!(step(b'F', b'B', 1, 10, 2), (Ok(None), [Some((10, 5)), Some((12, 7))]));
    assert_eq!(step(b'T', b'A', 0, 10, 2), (Ok(None), [Some((10, 5)), Some((12, 7))]));
    assert_eq!(step(b'C', b'B', 1, 10, 2), (Ok(Some(3)), [Some((10, 3)), Some((12, 7))]));
    assert_eq!(step(b'M', b'B', 1, 11, 4), (Ok(Some(4)), [Some((11, 4)), Some((12, 7))]));
    let unknown = (Err(Refusal::UnknownReference), [Some((11, 4)), Some((12, 7))]);
    assert_eq!(step(b'C', b'B', 9, 10, 2), unknown);
    assert_eq!(step(b'R', b'N', 0, UNDEFINED_PRICE, 0), (Ok(None), [None, None]));
    assert_eq!(books.counters().unknown_references, 2);
}

proptest! {
    #[test]
    fn damaged_streams_never_panic_and_always_end(
        version in 1..=3u8,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = stream(version, &mbo(b'A', b'B', 77, 1, 1));
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        walk(&bytes, |_| ());
        walk(&bytes[..cut.index(bytes.len())], |_| ());
    }

    #[test]
    fn random_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        walk(&bytes, |_| ());
        if let Some(start) = bytes.first_chunk_mut() {
            *start = *b"DBN\x01\x64\x00\x00\x00";
            walk(&bytes, |_| ());
        }
    }
}

use std::io::Cursor;

use proptest::prelude::*;

use super::message::units;
use super::*;
use crate::Side;
use crate::capture::CaptureError;

const TRADE: &str = r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":11,"T":10,"s":"BTCUSDT","t":7,"p":"61800.30","q":"0.006","X":"MARKET","m":false}}"#;
const TICKER: &str = r#"{"e":"bookTicker","u":5,"s":"BTCUSDT","b":"61800.20","B":"2.507","a":"61800.30","A":"2.510","T":13,"E":14}"#;
const DEPTH: &str = r#"{"data":{"e":"depthUpdate","E":3,"T":2,"s":"BTCUSDT","U":8,"u":9,"pu":6,"b":[["1.5","0.000"],["1.4","2"]],"a":[]}}"#;
const SNAPSHOT: &str =
    r#"{"lastUpdateId":7,"E":1,"T":1,"bids":[["1.5","1"]],"asks":[["1.6","3.25"]]}"#;

fn message(json: &str) -> Result<Message<'_>, String> {
    // The line must live as long as the message.
    let line = Box::leak(format!("123 {json}").into_boxed_str());
    decode(line.as_bytes()).map(|received| received.message).map_err(|error| error.to_string())
}

#[test]
fn messages_of_every_kind_are_read() {
    let Ok(Message::Trade(trade)) = message(TRADE) else { panic!() };
    assert_eq!((trade.price, trade.quantity, trade.id), (6_180_030_000_000, 600_000, 7));
    assert_eq!(
        (trade.symbol, trade.kind, trade.buyer_is_maker),
        ("BTCUSDT", Some("MARKET"), false)
    );
    assert_eq!(trade.times.happened_ns(), Some(10_000_000));
    let Ok(Message::Ticker(ticker)) = message(TICKER) else { panic!() };
    assert_eq!((ticker.bid.quantity, ticker.ask.price), (250_700_000, 6_180_030_000_000));
    assert_eq!(ticker.update_id, 5);
    let Ok(Message::Depth(depth)) = message(DEPTH) else { panic!() };
    let mut levels = LevelBuffer::default();
    let read = levels.read(depth.bids).unwrap();
    assert_eq!(read[0], PriceLevel { price: 150_000_000, quantity: 0 });
    assert_eq!((read.len(), levels.read(depth.asks).unwrap().len()), (2, 0));
    assert_eq!(depth.previous_update_id, Some(6));
    assert!(matches!(message(SNAPSHOT), Ok(Message::Snapshot(all)) if all.last_update_id == 7));
    assert!(matches!(message(r#"{"e":"aggTrade","s":"X"}"#), Ok(Message::Other("aggTrade"))));
    assert!(matches!(message(r#"{"result":null,"id":1}"#), Ok(Message::Other("(none)"))));
    // A spot ticker: no kind, and no times.
    let spot = r#"{"u":4,"s":"BNBUSDT","b":"25.35190000","B":"31.21","a":"25.36","A":"40.66"}"#;
    let Ok(Message::Ticker(spot)) = message(spot) else { panic!() };
    assert_eq!(spot.times.happened_ns(), None);
}

#[test]
fn what_is_damaged_is_an_error() {
    for (json, error) in [
        ("{", "offset 4: expected a JSON object, as Binance sends it, found the end"),
        ("[1]", "offset 6: expected a JSON object"),
        ("{\"e\":\"trade\"}", "offset 3: expected a message with a symbol"),
        ("{\"e\":\"trade\",\"s\":\"X\",\"p\":\"1\"}", "offset 3: expected a trade with t, p, q"),
        ("{\"e\":\"depthUpdate\",\"s\":\"X\",\"U\":1}", "offset 3: expected a depth update"),
        ("{\"bids\":[]}", "offset 3: expected a snapshot with lastUpdateId"),
    ] {
        let found = message(json).unwrap_err();
        assert!(found.starts_with(error), "{json}: {found}");
    }
    let wrong = r#"{"e":"trade","s":"X","t":1,"p":"1.123456789","q":"1","m":true}"#;
    assert!(message(wrong).unwrap_err().contains("up to 8 digits"));
    assert!(decode(b"x {}").unwrap_err().to_string().starts_with("offset 0: expected when the"));
    let Ok(Message::Depth(depth)) =
        message(r#"{"e":"depthUpdate","s":"X","U":1,"u":1,"b":[["1","x"]],"a":[[1,2]]}"#)
    else {
        panic!()
    };
    let mut levels = LevelBuffer::default();
    assert!(levels.read(depth.bids).is_err());
    assert!(levels.read(depth.asks).is_err());
}

#[test]
fn decimals_are_exact() {
    for (text, value) in [
        ("0", Some(0)),
        ("61800.20", Some(6_180_020_000_000)),
        ("0.00000001", Some(1)),
        ("1.000000000000", Some(100_000_000)),
        ("92233720368.54775807", Some(i64::MAX)),
        ("92233720368.54775808", None),
        ("0.000000001", None),
        ("-1", None),
        (".5", None),
        ("1e5", None),
        ("", None),
    ] {
        assert_eq!(units(text), value, "{text}");
    }
}

fn depth(first: u64, last: u64, previous: Option<u64>) -> Depth<'static> {
    let json = r#"{"e":"depthUpdate","s":"X","U":1,"u":1,"b":[],"a":[]}"#;
    let Ok(Message::Depth(depth)) = message(json) else { panic!() };
    let (first_update_id, last_update_id) = (first, last);
    Depth { first_update_id, last_update_id, previous_update_id: previous, ..depth }
}

#[test]
fn a_book_follows_its_chain_until_it_breaks() {
    let mut book = Book::default();
    assert_eq!(book.follow(&depth(1, 2, Some(0))), Followed::NoBook);
    book.restart(10);
    book.apply(Side::Buy, &[PriceLevel { price: 5, quantity: 1 }]).unwrap();
    assert_eq!(book.follow(&depth(5, 9, Some(3))), Followed::Old);
    assert_eq!(book.follow(&depth(9, 12, Some(8))), Followed::Next);
    assert_eq!(book.follow(&depth(14, 15, Some(12))), Followed::Next);
    assert_eq!(book.best().bid.map(|level| level.size), Some(1));
    assert_eq!(book.follow(&depth(17, 18, Some(16))), Followed::Broken { last: 15 });
    assert_eq!((book.best().bid, book.follow(&depth(19, 20, Some(18)))), (None, Followed::NoBook));
    // Between the snapshot and the next changes nothing has happened to this symbol.
    book.restart(20);
    assert_eq!(book.follow(&depth(25, 30, Some(19))), Followed::Next);
    book.restart(20);
    assert_eq!(book.follow(&depth(25, 30, Some(21))), Followed::Broken { last: 20 });
}

#[test]
fn a_spot_book_counts_each_change() {
    let mut book = Book::default();
    book.restart(10);
    assert_eq!(book.follow(&depth(9, 10, None)), Followed::Old);
    assert_eq!(book.follow(&depth(10, 12, None)), Followed::Next);
    assert_eq!(book.follow(&depth(13, 13, None)), Followed::Next);
    assert_eq!(book.follow(&depth(15, 16, None)), Followed::Broken { last: 13 });
    book.restart(10);
    assert_eq!(book.follow(&depth(12, 12, None)), Followed::Broken { last: 10 });
}

#[test]
fn a_capture_gives_its_lines_and_the_places_of_broken_ones() {
    let text = format!("1 {TRADE}\n\nx\n3 {TICKER}\n");
    let broken = 2 + TRADE.len() as u64 + 2;
    let mut capture = BinanceCapture::from_reader(Cursor::new(text)).unwrap();
    assert_eq!(capture.next().unwrap().unwrap().1.ts_ns, 1);
    assert!(matches!(capture.next(), Err(CaptureError::Decode(error)) if error.offset == broken));
    let (line, received) = capture.next().unwrap().unwrap();
    assert_eq!((line.offset, received.ts_ns), (broken + 2, 3));
    assert!(capture.next().unwrap().is_none());
    assert!(BinanceCapture::from_reader(Cursor::new("{}")).is_err());
}

fn read_all(line: &[u8]) {
    let mut levels = LevelBuffer::default();
    match decode(line) {
        Ok(received) => {
            if let Message::Depth(Depth { bids, asks, .. })
            | Message::Snapshot(Snapshot { bids, asks, .. }) = received.message
            {
                let _ = levels.read(bids);
                let _ = levels.read(asks);
            }
        }
        Err(error) => assert!(error.offset <= line.len() as u64),
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_all(&bytes);
        read_all(&[b"1 ", bytes.as_slice()].concat());
    }

    #[test]
    fn any_damage_of_a_line_is_survived(
        which in 0_usize..4,
        damage in prop::collection::vec((0_usize..160, any::<u8>()), 0..4),
        cut in 0_usize..160,
    ) {
        let mut line = format!("1 {}", [TRADE, TICKER, DEPTH, SNAPSHOT][which]).into_bytes();
        for (at, byte) in damage {
            let at = at % line.len();
            line[at] = byte;
        }
        line.truncate(line.len().max(cut) - cut);
        read_all(&line);
    }

    #[test]
    fn a_decimal_is_its_text(value in 0..i64::MAX) {
        let text = format!("{}.{:08}", value / 100_000_000, value % 100_000_000);
        prop_assert_eq!(units(&text), Some(value));
    }
}

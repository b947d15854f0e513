//! Real captures of IEX, Databento and Nasdaq: decoded messages and rebuilt books have the facts that independent
//! decoders found.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the functions that the tests share")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::Read;

use tidewire_feeds::book::{Books, Counters, DepthBook, Level};
use tidewire_feeds::decode::{Decoded, Decoder};
use tidewire_feeds::iex::{self, Message, Protocol};
use tidewire_feeds::{Side, dbn};
use tidewire_tests::shared_capture;

const DOLLAR: i64 = 1_000_000_000;

/// The UDP payloads of a little-endian pcap of untagged Ethernet and IPv4.
fn udp_payloads(pcap: &[u8]) -> Vec<&[u8]> {
    let mut payloads = Vec::new();
    let mut rest = &pcap[24..];
    while let Some((header, behind)) = rest.split_first_chunk::<16>() {
        let len = u32::from_le_bytes([header[8], header[9], header[10], header[11]]) as usize;
        // The capture ends inside a frame.
        let Some((frame, behind)) = behind.split_at_checked(len) else { break };
        rest = behind;
        if frame[12..14] == [8, 0] && frame[23] == 17 {
            let udp = &frame[14 + usize::from(frame[14] & 15) * 4..];
            let len = usize::from(u16::from_be_bytes([udp[4], udp[5]]));
            payloads.push(&udp[8..len]);
        }
    }
    payloads
}

#[test]
fn iex_deep_capture_has_its_messages_trades_and_restarts() {
    let Some(path) = shared_capture("iex/DEEP10.pcap.gz") else { return };
    let mut pcap = Vec::new();
    flate2::read::MultiGzDecoder::new(File::open(path).unwrap()).read_to_end(&mut pcap).unwrap();
    let payloads = udp_payloads(&pcap);

    let mut kinds = BTreeMap::<char, u64>::new();
    let mut shares = HashMap::<String, u64>::new();
    let mut symbols = BTreeSet::new();
    let mut books = HashMap::<iex::Symbol, DepthBook>::new();
    let (mut next, mut gaps, mut restarts, mut sessions) = (1, 0, 0, BTreeSet::new());
    for payload in &payloads {
        assert!(iex::is_segment(payload));
        let segment = iex::segment(payload).unwrap();
        assert_eq!(segment.protocol(), Protocol::Deep10);
        sessions.insert((segment.header().channel(), segment.header().session()));
        if segment.first_sequence() != next {
            let restart = segment.first_sequence() == 1 && segment.header().stream_offset() == 0;
            (gaps, restarts) = (gaps + u64::from(!restart), restarts + u64::from(restart));
            books.clear();
        }
        next = segment.first_sequence() + u64::from(segment.header().message_count());
        for bytes in segment.messages() {
            let message = iex::decode(segment.protocol(), bytes.unwrap()).unwrap();
            *kinds.entry(char::from(message.kind())).or_default() += 1;
            symbols.extend(message.symbol());
            match message {
                Message::TradeReport(trade) => {
                    *shares.entry(trade.symbol().to_string()).or_default() +=
                        u64::from(trade.size());
                }
                Message::PriceLevelUpdate(level) => {
                    let book = books.entry(level.symbol()).or_default();
                    book.set(level.side(), level.price(), level.size().into()).unwrap();
                }
                _ => {}
            }
        }
    }

    assert_eq!(payloads.len(), 121_314);
    let expected = [
        ('5', 14_627),
        ('8', 12_941),
        ('B', 73),
        ('E', 59),
        ('H', 93_638),
        ('O', 93_638),
        ('P', 93_636),
        ('S', 44),
        ('T', 83_343),
    ];
    assert_eq!(kinds, expected.into());
    assert_eq!(symbols.len(), 7_802);
    assert_eq!((gaps, restarts, sessions.len()), (0, 11, 1));
    assert_eq!(shares.values().sum::<u64>(), 19_782_510);
    let mut top: Vec<_> =
        shares.iter().map(|(symbol, shares)| (*shares, symbol.as_str())).collect();
    top.sort_unstable_by(|a, b| b.cmp(a));
    let expected = [
        (2_238_615, "MSFT"),
        (1_174_276, "AA-"),
        (1_156_853, "INTC"),
        (1_147_826, "ERIC"),
        (1_134_938, "C"),
    ];
    assert_eq!(top[..5], expected);
    // The sides overlap freely in this capture: it is of a test system, so a crossed book says nothing here.
    let levels =
        books.values().flat_map(|book| [Side::Buy, Side::Sell].map(|side| book.levels(side)));
    let sizes: Vec<u64> = levels.flatten().map(|level| level.size).collect();
    assert_eq!((sizes.len(), sizes.iter().sum::<u64>()), (803, 2_738_766));
    let best = books[&iex::Symbol::new("MSFT").unwrap()].best();
    let best = [best.bid, best.ask].map(|level| level.map(|level| (level.price, level.size)));
    assert_eq!(best, [Some((311_300, 242)), Some((298_200, 363))]);
}

/// What a DBN file came to.
#[derive(Default)]
struct Replay {
    decoder: dbn::DbnDecoder,
    books: Books,
    actions: BTreeMap<char, u64>,
    traded: u64,
    /// Events behind which the best bid was at or above the best ask.
    crossed: u64,
    mbp1: u64,
    other: u64,
}

fn replay(name: &str) -> Option<Replay> {
    let bytes = zstd::decode_all(File::open(shared_capture(name)?).unwrap()).unwrap();
    assert!(dbn::looks_like(&bytes));
    let (mut replay, mut at) = (Replay::default(), 0);
    while at < bytes.len() {
        match replay.decoder.decode(&bytes[at..]).unwrap() {
            Decoded::NeedMore { .. } => panic!("the file ends inside a record"),
            Decoded::Skip { consumed } => at += consumed,
            Decoded::Message { message, consumed } => {
                at += consumed;
                match message {
                    dbn::Record::Mbo(order) => replay.on_order(order),
                    dbn::Record::Mbp1(_) => replay.mbp1 += 1,
                    dbn::Record::Trade(_) | dbn::Record::Other { .. } => replay.other += 1,
                }
            }
        }
    }
    Some(replay)
}

impl Replay {
    fn on_order(&mut self, order: &dbn::Mbo) {
        *self.actions.entry(char::from(order.action())).or_default() += 1;
        if order.action() == b'T' {
            self.traded += u64::from(order.size());
        }
        dbn::apply(&mut self.books, 0, order).unwrap();
        let best = self.books.best(0);
        if order.flags() & dbn::FLAG_LAST != 0
            && best.bid.zip(best.ask).is_some_and(|(bid, ask)| bid.price >= ask.price)
        {
            self.crossed += 1;
        }
    }

    fn best(&self) -> [Option<(i64, u64)>; 2] {
        let best = self.books.best(0);
        [best.bid, best.ask].map(|level| level.map(|level| (level.price, level.size)))
    }
}

#[test]
fn databento_esh4_book_ends_as_it_should() {
    let Some(replay) = replay("dbn/esh4-glbx-mdp3-20231225.mbo.dbn.zst") else { return };
    let expected = [('A', 29_216), ('C', 17_999), ('F', 6_371), ('M', 12_233), ('T', 2_973)];
    assert_eq!(replay.actions, expected.into());
    assert_eq!(replay.books.counters(), Counters::default());
    assert_eq!(replay.books.len(), 11_217);
    assert_eq!(replay.traded, 9_892);
    assert_eq!(
        replay.best(),
        [Some((4_810 * DOLLAR, 22)), Some((4_810 * DOLLAR + DOLLAR / 4, 28))]
    );
    let noon_ns = 1_703_505_600_000_000_000;
    assert_eq!(replay.decoder.symbol(17_077, noon_ns), Some("ESH4"));
}

#[test]
fn databento_esm4_orders_are_all_known_and_never_cross() {
    let name = "dbn/orderbooks_mbo_2024-05-08T00-00-00_2024-05-08T00-00-02.dbn.zst";
    let Some(replay) = replay(name) else { return };
    assert_eq!(replay.actions.values().sum::<u64>(), 13_796);
    assert_eq!(replay.books.counters(), Counters::default());
    assert_eq!(replay.crossed, 0);
    assert_eq!(
        replay.best(),
        [Some((5_214 * DOLLAR, 28)), Some((5_214 * DOLLAR + DOLLAR / 4, 17))]
    );
}

#[test]
fn databento_mbp1_records_are_all_read() {
    let name = "dbn/futures_mbp-1_2024-07-01T23-58_2024-07-02T00-02.dbn.zst";
    let Some(replay) = replay(name) else { return };
    assert_eq!((replay.mbp1, replay.other), (2_288, 0));
    assert_eq!(
        replay.decoder.metadata().map(|metadata| &metadata.symbols[..]),
        Some(&["ESU4".to_owned()][..])
    );
}

/// One side of a book whose first orders are older than the capture. What rested at a price before is one order here,
/// put in when the price comes into the ten levels shown for the first time; from then on the price must agree.
struct Shown {
    side: Side,
    /// Prices from the best to this one are known.
    known_to: Option<i64>,
}

impl Shown {
    /// The number of the order that stands for all that rested at `price` before the capture.
    fn before(&self, price: i64) -> u64 {
        1 << 63 | u64::from(self.side == Side::Sell) << 62 | price.unsigned_abs()
    }

    fn is_known(&self, price: i64) -> bool {
        self.known_to.is_some_and(|known| match self.side {
            Side::Buy => price >= known,
            Side::Sell => price <= known,
        })
    }

    /// Takes in the levels shown whose price was not known. Gives how many there were.
    fn learn(&mut self, books: &mut Books, shown: &[(i64, u64)]) -> u64 {
        let mut learned = 0;
        for &(price, size) in shown {
            if !self.is_known(price) {
                let ours = books.levels(0, self.side).find(|level| level.price == price);
                let older = size.checked_sub(ours.map_or(0, |level| level.size)).unwrap();
                if older > 0 {
                    let older = u32::try_from(older).unwrap();
                    books.add(0, self.before(price), self.side, price, older).unwrap();
                }
                learned += 1;
            }
        }
        if let Some(&(last, _)) = shown.last().filter(|last| !self.is_known(last.0)) {
            self.known_to = Some(last);
        }
        learned
    }
}

/// `163.24` in 1e-4.
fn price(text: &str) -> i64 {
    (text.parse::<f64>().unwrap() * 10_000.0).round() as i64
}

/// `100` or `100.0`.
fn whole(text: &str) -> u64 {
    text.parse::<f64>().unwrap() as u64
}

struct Rebuild {
    books: Books,
    sides: [Shown; 2],
    /// Events on orders that are older than the capture.
    older: u64,
}

impl Rebuild {
    /// Takes what left an order that is not known from what rested at its price before.
    fn take_older(&mut self, side: Side, price: i64, size: u32) {
        self.older += 1;
        let before = self.sides[usize::from(side == Side::Buy)].before(price);
        // Unknown, and counted, where the price is further out than what was shown.
        let _ = self.books.cancel(before, size);
    }

    fn on_event(&mut self, field: &[&str]) {
        let (reference, size, at) = (whole(field[7]), whole(field[9]) as u32, price(field[11]));
        let side = if field[14] == "1" { Side::Buy } else { Side::Sell };
        let (gone, gone_at, gone_size) = match field[5] {
            "A" | "F" => {
                self.books.add(0, reference, side, at, size).unwrap();
                return;
            }
            "U" => {
                let gone = self.books.replace(whole(field[8]), reference, at, size);
                let old = (price(field[12]), whole(field[10]) as u32);
                if gone.is_err() {
                    self.books.add(0, reference, side, at, size).unwrap();
                }
                (gone.map(|replaced| replaced.old), old.0, old.1)
            }
            "D" => (self.books.delete(reference), at, size),
            "X" => (self.books.cancel(reference, size), at, size),
            "E" | "C" => (self.books.execute(reference, size), at, size),
            kind => panic!("{kind}"),
        };
        match gone {
            Ok(touched) => {
                let expected = (side, gone_at, gone_size);
                assert_eq!((touched.side, touched.price, touched.size), expected);
            }
            Err(_) => self.take_older(side, gone_at, gone_size),
        }
    }
}

#[test]
fn nasdaq_aapl_book_has_the_ten_levels_shown_after_each_event() {
    let name = "itch/nasdaq_20190130_AAPL_10000_events_with_book10.csv.zst";
    let Some(path) = shared_capture(name) else { return };
    let csv = zstd::decode_all(File::open(path).unwrap()).unwrap();
    let sides = [Side::Sell, Side::Buy].map(|side| Shown { side, known_to: None });
    let mut rebuild = Rebuild { books: Books::default(), sides, older: 0 };
    let (mut compared, mut learned) = (0, 0);
    for (row, line) in std::str::from_utf8(&csv).unwrap().lines().skip(1).enumerate() {
        let field: Vec<&str> = line.split(',').collect();
        // The book before the first event is not known: the first one shown is taken as it is.
        if row > 0 {
            rebuild.on_event(&field);
        }
        let Rebuild { books, sides, .. } = &mut rebuild;
        for (first, side) in [17, 19].into_iter().zip(sides) {
            let columns = (0..10).map(|level| first + level * 4);
            let shown: Vec<_> =
                columns.map(|column| (price(field[column]), whole(field[column + 1]))).collect();
            learned += side.learn(books, &shown);
            let pair = |level: &Level| (level.price, level.size);
            let ours: Vec<_> = books.levels(0, side.side).take(10).map(pair).collect();
            assert_eq!(ours, shown, "{:?} after row {row}: {line}", side.side);
            compared += shown.len();
        }
    }
    // All but 26 levels, at their first appearance, were compared for what they are.
    assert_eq!((compared, learned), (200_000, 26));
    assert_eq!(rebuild.older, 50, "51 orders, of which the first event removed one");
    let counters = rebuild.books.counters();
    assert_eq!((counters.duplicate_references, counters.excess_sizes), (0, 0));
}

//! Rows of generated captures, held against slow obvious models.

use std::fs;

use tidewire_feeds::decode::{Decoded, Decoder};
use tidewire_feeds::itch::{ItchFileDecoder, Message};
use tidewire_feeds::synth::Market;

use super::*;

type Levels = BTreeMap<(String, String), BTreeMap<i128, i64>>;

fn units(price: &str) -> i128 {
    price.replace('.', "").parse().unwrap()
}

fn set(levels: &mut Levels, row: &[String]) {
    let [symbol, side, price, quantity] = row else { panic!("{row:?}") };
    let side = levels.entry((symbol.clone(), side.clone())).or_default();
    match quantity.parse().unwrap() {
        0 => side.remove(&units(price)),
        quantity => side.insert(units(price), quantity),
    };
}

/// The levels that are left by rows of (symbol, side, price, quantity) have the best prices that the last rows of
/// (symbol, bid price, quantity, ask price, quantity) say.
pub(super) fn assert_depth_leads_to(depth: &[Vec<String>], bbo: &[Vec<String>]) {
    let mut levels = Levels::new();
    depth.iter().for_each(|row| set(&mut levels, row));
    let last: BTreeMap<_, _> = bbo.iter().map(|row| (row[0].clone(), &row[1..])).collect();
    assert!(!last.is_empty());
    for (symbol, told) in last {
        let side = |side: &str| levels.get(&(symbol.clone(), side.to_owned()));
        let bid = side("BUY").and_then(|levels| levels.last_key_value());
        let ask = side("SELL").and_then(|levels| levels.first_key_value());
        let told = [(&told[0], &told[1]), (&told[2], &told[3])].map(|(price, quantity)| {
            (price != "-").then(|| (units(price), quantity.parse::<i64>().unwrap()))
        });
        let expected = [bid, ask].map(|level| level.map(|(price, quantity)| (*price, *quantity)));
        assert_eq!(told, expected, "{symbol}");
    }
}

struct Day {
    _folder: tempfile::TempDir,
    file: PathBuf,
    pcap: PathBuf,
    bytes: Vec<u8>,
}

fn day(seed: u64) -> Day {
    let folder = tempfile::tempdir().unwrap();
    let (file, pcap) = (folder.path().join("day.itch"), folder.path().join("day.pcap"));
    let (mut bytes, mut packets) = (Vec::new(), Vec::new());
    Market::new(seed, 7, 20_000).write_itch_file(&mut bytes).unwrap();
    // Midnight of 2019-12-30 in New York.
    Market::new(seed, 7, 20_000).write_mold_pcap(&mut packets, 1_577_682_000_000_000_000).unwrap();
    fs::write(&file, &bytes).unwrap();
    fs::write(&pcap, packets).unwrap();
    Day { _folder: folder, file, pcap, bytes }
}

fn itch(path: &Path, stream: &str, names: &[&str]) -> Vec<Vec<String>> {
    rows(options("itch", path, &[("stream", stream), ("date", "2019-12-30")]), names)
}

fn for_each(mut bytes: &[u8], mut see: impl FnMut(&Message<'_>)) {
    while let Ok(Decoded::Message { message, consumed }) = ItchFileDecoder.decode(bytes) {
        see(&message);
        bytes = &bytes[consumed..];
    }
}

#[test]
fn itch_rows_are_the_same_from_a_file_and_from_packets() {
    let day = day(1);
    for stream in ["trades", "orders", "bbo", "depth", "status", "imbalance"] {
        let all = columns(&options("itch", &day.file, &[("stream", stream)])).unwrap().columns;
        let names: Vec<_> = all.iter().map(|column| column.field.name.as_str()).collect();
        let both: Vec<_> =
            names.iter().copied().filter(|it| !["ts_recv", "sequence"].contains(it)).collect();
        assert_eq!(itch(&day.file, stream, &both), itch(&day.pcap, stream, &both), "{stream}");
        let transport = ["ts_recv", "sequence"];
        assert!(itch(&day.file, stream, &transport).iter().all(|row| row == &["-", "-"]));
        assert!(!itch(&day.pcap, stream, &transport).iter().flatten().any(|cell| cell == "-"));
    }
}

#[test]
fn itch_trades_are_those_of_a_map_of_orders() {
    let day = day(2);
    let mut orders = BTreeMap::new();
    let mut expected = Vec::new();
    let price = |price: u32| format!("{}.{:04}", price / 10_000, price % 10_000);
    let other = |side| if side == tidewire_feeds::Side::Buy { "SELL" } else { "BUY" };
    for_each(&day.bytes, |message| {
        let mut trade = |parts: [String; 4]| expected.push(parts.to_vec());
        match message {
            Message::AddOrder(m) => {
                orders.insert(m.reference(), (m.price(), m.side().unwrap()));
            }
            Message::AddOrderAttributed(m) => {
                orders.insert(m.reference(), (m.price(), m.side().unwrap()));
            }
            Message::OrderReplace(m) => {
                let (_, side) = orders[&m.reference()];
                orders.insert(m.new_reference(), (m.price(), side));
            }
            Message::OrderExecuted(m) => {
                let (at, side) = orders[&m.reference()];
                let id = m.match_number().to_string();
                trade([price(at), m.shares().to_string(), other(side).to_owned(), id]);
            }
            Message::OrderExecutedWithPrice(m) => {
                let (_, side) = orders[&m.reference()];
                let id = m.match_number().to_string();
                trade([price(m.price()), m.shares().to_string(), other(side).to_owned(), id]);
            }
            Message::Trade(m) => {
                let id = m.match_number().to_string();
                trade([price(m.price()), m.shares().to_string(), "-".to_owned(), id]);
            }
            Message::CrossTrade(m) => {
                let id = m.match_number().to_string();
                trade([price(m.price()), m.shares().to_string(), "-".to_owned(), id]);
            }
            _ => {}
        }
    });
    assert!(expected.len() > 500);
    let names = ["price", "quantity", "side", "trade_id"];
    assert_eq!(itch(&day.file, "trades", &names), expected);
    // Without prices and sides no orders are kept, and the rest is the same.
    let without: Vec<_> = expected.iter().map(|row| vec![row[1].clone(), row[3].clone()]).collect();
    assert_eq!(itch(&day.file, "trades", &["quantity", "trade_id"]), without);
}

#[test]
fn itch_orders_depth_and_best_levels_agree() {
    let day = day(3);
    let depth = itch(&day.file, "depth", &["symbol", "side", "price", "quantity"]);
    let best = ["symbol", "bid_price", "bid_quantity", "ask_price", "ask_quantity"];
    assert_depth_leads_to(&depth, &itch(&day.file, "bbo", &best));
    let mut told = Levels::new();
    depth.iter().for_each(|row| set(&mut told, row));
    told.retain(|_, side| !side.is_empty());

    let mut live: BTreeMap<String, (String, String, i128, i64)> = BTreeMap::new();
    let names = ["symbol", "action", "order_id", "new_order_id", "side", "price", "quantity"];
    for row in itch(&day.file, "orders", &names) {
        let (id, quantity) = (row[2].clone(), row[6].parse::<i64>().unwrap());
        let new = || (row[0].clone(), row[4].clone(), units(&row[5]), quantity);
        match row[1].as_str() {
            "ADD" => {
                live.insert(id, new());
            }
            "REPLACE" => {
                live.remove(&id).unwrap();
                live.insert(row[3].clone(), new());
            }
            "EXECUTE" | "CANCEL" | "DELETE" => {
                let order = live.get_mut(&id).unwrap();
                assert_eq!(order.1, row[4]);
                order.3 -= quantity;
                if order.3 == 0 {
                    live.remove(&id);
                }
            }
            action => panic!("{action}"),
        }
    }
    let mut levels = Levels::new();
    for (symbol, side, price, quantity) in live.into_values() {
        *levels.entry((symbol, side)).or_default().entry(price).or_default() += quantity;
    }
    assert_eq!(levels, told);
}

#[test]
fn a_gap_is_counted_and_a_restart_empties_the_books() {
    let day = day(4);
    let packets = fs::read(&day.pcap).unwrap();
    let mut at = 24;
    let mut cuts = Vec::new();
    while let Some(length) = packets.get(at + 8..at + 12) {
        cuts.push(at);
        at += 16 + u32::from_le_bytes(length.try_into().unwrap()) as usize;
    }
    // Without a packet in the middle.
    let (from, to) = (cuts[cuts.len() / 2], cuts[cuts.len() / 2 + 1]);
    let broken = [&packets[..from], &packets[to..]].concat();
    let path = day.pcap.with_file_name("gap.pcap");
    fs::write(&path, broken).unwrap();
    let stream = ("stream", "trades");
    let mut table = Table::open(options("itch", &path, &[stream]), &[]).unwrap();
    table.rows();
    let missing = "messages missing in gaps of the sequence numbers";
    assert!(table.skipped().iter().any(|(why, count)| why == missing && *count > 0));
    let strict = options("itch", &path, &[stream, ("strict", "true")]);
    let mut table = Table::open(strict, &[]).unwrap();
    let error = loop {
        match table.try_next() {
            Ok(row) => assert!(row.is_some()),
            Err(error) => break error.to_string(),
        }
    };
    assert!(error.contains("offset ") && error.ends_with(missing), "{error}");

    // Half a day, and then another session.
    let mut again = packets[..from].to_vec();
    let mut other = packets[24..from].to_vec();
    let session = b"TIDEWIRE01";
    while let Some(at) = other.windows(10).position(|bytes| bytes == session) {
        other[at..at + 10].copy_from_slice(b"TIDEWIRE02");
    }
    let half = fs::write(&path, &again).map(|()| itch(&path, "bbo", &["symbol", "bid_price"]));
    let half = half.unwrap();
    again.extend(other);
    fs::write(&path, again).unwrap();
    let whole = itch(&path, "bbo", &["symbol", "bid_price"]);
    let depth = itch(&path, "depth", &["symbol", "side", "price", "quantity"]);
    let best = ["symbol", "bid_price", "bid_quantity", "ask_price", "ask_quantity"];
    assert_depth_leads_to(&depth, &itch(&path, "bbo", &best));
    // All that was told once, that there is nothing any more for each of seven symbols, and all once more.
    assert_eq!(whole[..half.len()], half);
    let emptied = &whole[half.len()..half.len() + 7];
    assert!(emptied.iter().all(|row| row[1] == "-"), "{emptied:?}");
    assert_eq!(whole[half.len() + 7..], half);
}

#[test]
fn can_frames_have_their_columns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("can.log");
    fs::write(&path, "(1.5) can0 123#0102\nx\n(2) can1 1F334455#R4\n(3) can1 20000080#00\n")
        .unwrap();
    let mut table = Table::open(options("candump", &path, &[]), &[]).unwrap();
    let row = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
    assert_eq!(
        table.rows(),
        [
            row("1500000000 1500000000 can0 291 false false false 2 0102"),
            row("2000000000 2000000000 can1 523453525 true false true 4 "),
            row("3000000000 3000000000 can1 128 false true false 1 00"),
        ]
    );
    let why = "damaged: expected '(' before the time, found type 'x' (first at offset 20)";
    assert_eq!(table.skipped(), [(why.to_owned(), 1)]);
}

fn depth(at: u64, first: u64, last: u64, previous: u64, bids: &str, asks: &str) -> String {
    format!(
        "{at} {{\"data\":{{\"e\":\"depthUpdate\",\"E\":{at},\"T\":{at},\"s\":\"X\",\"U\":{first},\"u\":{last},\"pu\":{previous},\"b\":[{bids}],\"a\":[{asks}]}}}}\n"
    )
}

fn snapshot(at: u64, last: u64, bids: &str, asks: &str) -> String {
    format!(
        "{at} {{\"lastUpdateId\":{last},\"E\":{at},\"T\":{at},\"bids\":[{bids}],\"asks\":[{asks}]}}\n"
    )
}

#[test]
fn a_binance_book_takes_what_was_held_and_ends_where_its_chain_breaks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("binance.log");
    let text = [
        depth(1, 1, 2, 0, "[\"9\",\"9\"]", ""),
        depth(2, 3, 6, 2, "[\"10\",\"5\"]", ""),
        snapshot(3, 5, "[\"10\",\"1\"]", "[\"11\",\"2\"]"),
        depth(4, 7, 7, 6, "", "[\"11\",\"0\"],[\"12\",\"3\"]"),
        depth(5, 9, 9, 8, "[\"10\",\"7\"]", ""),
        snapshot(6, 10, "[\"8\",\"1\"]", ""),
        depth(7, 11, 11, 10, "[\"8.5\",\"1\"]", ""),
        depth(8, 20, 20, 19, "", ""),
    ];
    fs::write(&path, text.concat()).unwrap();
    let names = ["ts_event", "bid_price", "bid_quantity", "ask_price", "update_id"];
    let stream = ("stream", "bbo");
    let mut table = Table::open(options("binance", &path, &[stream]), &names).unwrap();
    let row = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
    assert_eq!(
        table.rows(),
        [
            row("3000000 10.00000000 1.00000000 11.00000000 5"),
            // Held since before the snapshot.
            row("2000000 10.00000000 5.00000000 11.00000000 6"),
            row("4000000 10.00000000 5.00000000 12.00000000 7"),
            row("5000000 - - - 9"),
            row("6000000 8.00000000 1.00000000 - 10"),
            row("7000000 8.50000000 1.00000000 - 11"),
            row("8000000 - - - 20"),
        ]
    );
    let skipped = table.skipped();
    assert_eq!(skipped[0], ("breaks in the chain of changes".to_owned(), 2));
    assert_eq!(skipped[1], ("changes of a book without a snapshot".to_owned(), 1));
    let strict = options("binance", &path, &[stream, ("strict", "true")]);
    let mut table = Table::open(strict, &names).unwrap();
    let error = (0..9).find_map(|_| table.try_next().err()).unwrap().to_string();
    assert!(error.ends_with("1 breaks in the chain of changes"), "{error}");
}

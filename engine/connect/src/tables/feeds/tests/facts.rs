//! The facts of real captures, which were found by other decoders.

use super::*;

fn sum(rows: &[Vec<String>], column: usize) -> i64 {
    rows.iter().map(|row| row[column].parse::<i64>().unwrap()).sum()
}

fn open(connector: &str, path: &Path, stream: &str, names: &[&str]) -> Table {
    let options = options(connector, path, &[("stream", stream)]);
    Table::open(options, names).unwrap()
}

#[test]
fn iex_trades_have_the_volumes_of_the_day() {
    let Some(path) = shared("iex/DEEP10.pcap.gz") else { return };
    let mut table = open("iex", &path, "trades", &["symbol", "quantity", "ts_recv", "sequence"]);
    let rows = table.rows();
    assert_eq!((rows.len(), sum(&rows, 1)), (83_343, 19_782_510));
    for (symbol, volume) in [("MSFT", 2_238_615), ("AA-", 1_174_276), ("INTC", 1_156_853)] {
        let of: Vec<_> = rows.iter().filter(|row| row[0] == symbol).cloned().collect();
        assert_eq!(sum(&of, 1), volume, "{symbol}");
    }
    assert!(rows.iter().all(|row| row[2] != "-" && row[3] != "-"));
    // The file ends inside a packet.
    let [(damaged, 1), (breaks, 73)] = &table.skipped()[..] else {
        panic!("{:?}", table.skipped())
    };
    assert!(damaged.starts_with("damaged: expected a whole packet"), "{damaged}");
    assert_eq!(breaks, "breaks of trades, which stay in the stream");
}

#[test]
fn iex_depth_and_best_levels_agree() {
    let Some(path) = shared("iex/DEEP10.pcap.gz") else { return };
    let names = ["symbol", "side", "price", "quantity"];
    let depth = open("iex", &path, "depth", &names).rows();
    assert!(depth.len() >= 14_627 + 12_941);
    let best = ["symbol", "bid_price", "bid_quantity", "ask_price", "ask_quantity"];
    let bbo = open("iex", &path, "bbo", &best).rows();
    generated::assert_depth_leads_to(&depth, &bbo);
    let status = open("iex", &path, "status", &["kind"]).rows();
    let of = |kind: &str| status.iter().filter(|row| row[0] == kind).count();
    let counts = [("TRADING", 93_638), ("OPERATIONAL_HALT", 93_638), ("SHORT_SALE", 93_636)];
    for (kind, count) in counts.into_iter().chain([("SECURITY", 59), ("SYSTEM", 44)]) {
        assert_eq!(of(kind), count, "{kind}");
    }
    assert_eq!(open("iex", &path, "imbalance", &[]).rows().len(), 0);
}

#[test]
fn esh4_ends_with_its_book_and_volume() {
    let Some(path) = shared("dbn/esh4-glbx-mdp3-20231225.mbo.dbn.zst") else { return };
    let mut trades = open("dbn", &path, "trades", &["quantity", "symbol", "side"]);
    let rows = trades.rows();
    assert_eq!((rows.len(), sum(&rows, 0), rows[0][1].as_str()), (2_973, 9_892, "ESH4"));
    assert_eq!(trades.skipped(), []);
    let best = ["symbol", "bid_price", "bid_quantity", "ask_price", "ask_quantity"];
    let mut table = open("dbn", &path, "bbo", &best);
    let bbo = table.rows();
    let last = ["ESH4", "4810.000000000", "22", "4810.250000000", "28"];
    assert_eq!(bbo.last().unwrap(), &last);
    assert_eq!(table.skipped(), []);
    let depth = open("dbn", &path, "depth", &["symbol", "side", "price", "quantity"]).rows();
    generated::assert_depth_leads_to(&depth, &bbo);
    let orders = open("dbn", &path, "orders", &["action"]).rows();
    let of = |action: &str| orders.iter().filter(|row| row[0] == action).count();
    assert_eq!((of("CANCEL"), of("MODIFY"), of("EXECUTE")), (17_999, 12_233, 6_371));
}

#[test]
fn a_file_of_mbp_1_has_trades_and_best_levels_only() {
    let name = "dbn/futures_mbp-1_2024-07-01T23-58_2024-07-02T00-02.dbn.zst";
    let Some(path) = shared(name) else { return };
    assert!(!open("dbn", &path, "bbo", &[]).rows().is_empty());
    let error = open("dbn", &path, "depth", &[]).try_next().unwrap_err().to_string();
    assert!(error.ends_with("has no stream 'depth'; it has trades, bbo"), "{error}");
}

#[test]
fn itch_best_levels_are_those_of_the_reference() {
    let name = "itch/nasdaq_20190130_AAPL_10000.derived_from_csv.itch";
    let Some(path) = shared(name) else { return };
    let mut table = open("itch", &path, "orders", &["action"]);
    let orders = table.rows();
    let of = |action: &str| orders.iter().filter(|row| row[0] == action).count();
    assert_eq!((of("ADD"), of("EXECUTE"), of("DELETE")), (7_465 + 109, 729 + 17, 1_237));
    assert_eq!((of("REPLACE"), of("CANCEL")), (437, 6));
    let best = ["symbol", "bid_price", "bid_quantity", "ask_price", "ask_quantity"];
    let mut table = open("itch", &path, "bbo", &best);
    let bbo = table.rows();
    // Of orders from before the window, and of those that took the place of one.
    let unknown = "changes of orders that the capture has not shown";
    assert_eq!(table.skipped(), [(unknown.to_owned(), 429)]);
    let depth = open("itch", &path, "depth", &["symbol", "side", "price", "quantity"]).rows();
    generated::assert_depth_leads_to(&depth, &bbo);
}

#[test]
fn itch_status_has_the_directory_hours() {
    let Some(path) = shared("itch/bekele_totalview50_first1000.itch") else { return };
    let rows = open("itch", &path, "status", &["kind", "symbol"]).rows();
    let of = |kind: &str| rows.iter().filter(|row| row[0] == kind).count();
    assert_eq!((of("TRADING"), of("SHORT_SALE"), of("SYSTEM")), (3, 3, 1));
    assert!(rows.iter().all(|row| (row[1] == "-") == (row[0] == "SYSTEM")));
}

#[test]
fn binance_book_ends_as_the_last_ticker() {
    let Some(path) = shared("binance/usdm_btcusdt_20240808.gz") else { return };
    let best = ["bid_price", "bid_quantity", "ask_price", "ask_quantity"];
    let mut table = open("binance", &path, "bbo", &best);
    let bbo = table.rows();
    assert_eq!(table.skipped(), []);
    let ticker = open("binance", &path, "ticker", &best).rows();
    let last = ["61659.70000000", "1.48600000", "61659.80000000", "0.98100000"];
    assert_eq!((ticker.len(), ticker.last().unwrap()), (66_089, &last.map(String::from).to_vec()));
    assert_eq!(bbo.last(), ticker.last());
}

#[test]
fn binance_trades_have_the_volume_of_the_day() {
    let Some(path) = shared("binance/usdm_btcusdt_20240808.gz") else { return };
    let rows = open("binance", &path, "trades", &["price", "quantity", "side"]).rows();
    let units = |text: &str| text.replace('.', "").parse::<i128>().unwrap();
    let quantity: i128 = rows.iter().map(|row| units(&row[1])).sum();
    let notional: i128 = rows.iter().map(|row| units(&row[0]) * units(&row[1])).sum();
    assert_eq!((rows.len(), quantity), (21_313, 242_936_600_000));
    assert_eq!(notional, 14_984_568_088_980 * 100_000_000_000);
    // The buyer made the book in 11,697 of them: the seller was the aggressor.
    assert_eq!(rows.iter().filter(|row| row[2] == "SELL").count(), 11_697);
}

#[test]
fn binance_depth_has_the_levels_of_every_change() {
    let Some(path) = shared("binance/usdm_btcusdt_20240808.gz") else { return };
    let names = ["side", "price", "quantity", "update_id", "is_snapshot"];
    let rows = open("binance", &path, "depth", &names).rows();
    let snapshot: Vec<_> = rows.iter().filter(|row| row[4] == "true").collect();
    assert_eq!(snapshot.len(), 2_000);
    let at: u64 = snapshot[0][3].parse().unwrap();
    let mut levels: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    let mut changes = std::collections::BTreeSet::new();
    let later = rows.iter().filter(|row| row[4] == "false" && row[3].parse::<u64>().unwrap() >= at);
    for row in snapshot.into_iter().chain(later) {
        changes.insert(&row[3]);
        levels.insert((&row[0], &row[1]), &row[2]);
    }
    levels.retain(|_, quantity| *quantity != "0.00000000");
    let of = |side| levels.keys().filter(|(of, _)| *of == side).count();
    assert_eq!((of("BUY"), of("SELL")), (5_018, 4_578));
    assert_eq!(changes.len(), 6_547 + 1);
}

#[test]
fn can_frames_are_all_there() {
    if let Some(path) = shared("vehicle/comma2k19_Example1_seg40_raw_can.derived_candump.log.zst") {
        let mut table = open("candump", &path, "frames", &["can_id", "interface", "dlc", "data"]);
        let rows = table.rows();
        let ids: std::collections::BTreeSet<_> = rows.iter().map(|row| &row[0]).collect();
        assert_eq!((rows.len(), ids.len()), (135_468, 165));
        assert_eq!(rows[0], ["608", "can0", "8", "08FFFB0000001884"]);
        assert_eq!(table.skipped(), []);
    }
    if let Some(path) = shared("vehicle/canboat_can0-1.pcap") {
        let names = ["ts_event", "can_id", "is_extended", "interface", "data"];
        let mut table = open("candump", &path, "frames", &names);
        let rows = table.rows();
        assert_eq!(rows.len(), 49_928);
        let first = ["1669809629672944000", "435164203", "true", "-", "0F37373138312020"];
        assert_eq!(rows[0], first);
        assert_eq!(table.skipped(), []);
    }
}

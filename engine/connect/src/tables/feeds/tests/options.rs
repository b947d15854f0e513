use std::fs;

use tidewire_event::time::SECOND;
use tidewire_event::{DataType, Field};
use tidewire_feeds::synth::Market;

use super::*;
use crate::tables::Column;

fn itch_file(folder: &Path) -> PathBuf {
    let path = folder.join("day.itch");
    let mut file = Vec::new();
    Market::new(1, 3, 500).write_itch_file(&mut file).unwrap();
    fs::write(&path, file).unwrap();
    path
}

fn failure(options: Options) -> String {
    Table::open(options, &[]).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn wrong_options_say_what_there_is() {
    let path = Path::new("day.pcap");
    assert_eq!(
        failure(options("iex", path, &[("stream", "orders")])),
        "the option 'stream' is 'orders': 'iex' has trades, bbo, depth, status, imbalance"
    );
    assert_eq!(
        failure(options("dbn", path, &[])),
        "the connector 'dbn' needs the option 'stream': one of trades, orders, bbo, depth"
    );
    assert!(
        failure(options("iex", path, &[("stream", "bbo"), ("date", "2019-12-30")]))
            .starts_with("the connector 'iex' knows no option 'date'")
    );
    assert_eq!(
        failure(options("itch", path, &[("stream", "bbo"), ("date", "30.1.2019")])),
        "the option 'date' is '30.1.2019': the day of the session, as 2019-12-30"
    );
    assert!(
        failure(options("itch", path, &[("stream", "bbo"), ("strict", "yes")]))
            .ends_with("'yes': true or false")
    );
    assert!(
        failure(options("candump", Path::new("none.log"), &[]))
            .starts_with("none.log: can not open it: ")
    );
}

#[test]
fn columns_are_those_of_the_stream_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = itch_file(folder.path());
    let trades = options("itch", &path, &[("stream", "trades")]);
    let own = columns(&trades).unwrap();
    assert_eq!((own.event_time, own.watermark_delay), (Some(0), 0));
    assert_eq!(own.columns[0].field.to_string(), "ts_event TIMESTAMP_LTZ(9) NOT NULL");
    assert_eq!(own.columns[3].field.to_string(), "price DECIMAL(18, 4)");
    let open = |field: Field| {
        let columns = Columns::all(vec![Column::physical(field)]).unwrap();
        reader(trades.clone(), &columns).map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(
        open(Field::new("price", DataType::Double)),
        "the stream 'trades' of 'itch': the column price is DECIMAL(18, 4), and not DOUBLE: declare it so, and CAST it in the query"
    );
    assert!(open(Field::new("prize", DataType::Double)).contains(
        "there is no column prize; there are ts_event, ts_recv, symbol, price, quantity"
    ));
    let not_null = Field::new("sequence", DataType::BigInt).not_null();
    assert!(open(not_null).contains("the column sequence may be NULL"));
}

#[test]
fn what_comes_in_packets_may_be_out_of_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.pcap");
    let mut file = Vec::new();
    Market::new(1, 3, 500).write_mold_pcap(&mut file, 0).unwrap();
    fs::write(&path, file).unwrap();
    let delay = |connector, path: &Path| {
        let own = columns(&options(connector, path, &[("stream", "trades")])).unwrap();
        own.watermark_delay
    };
    assert_eq!(delay("itch", &path), 30 * SECOND);
    assert_eq!(delay("itch", Path::new("not/there")), 0);
    assert_eq!(delay("iex", Path::new("not/there")), 30 * SECOND);
    assert_eq!(delay("binance", Path::new("not/there")), SECOND);
}

#[test]
fn a_capture_of_another_feed_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = itch_file(folder.path());
    let wrong = failure(options("dbn", &path, &[("stream", "trades")]));
    assert!(wrong.ends_with("the content is itch; the connector 'dbn' reads dbn"), "{wrong}");
    let wrong = failure(options("candump", &path, &[]));
    assert!(wrong.contains("expected lines of candump"), "{wrong}");
    let wrong = failure(options("binance", &path, &[("stream", "bbo")]));
    assert!(wrong.contains("expected lines of Binance's streams"), "{wrong}");
    let pcap = folder.path().join("day.pcap");
    let mut file = Vec::new();
    Market::new(1, 3, 500).write_mold_pcap(&mut file, 0).unwrap();
    fs::write(&pcap, file).unwrap();
    let mut table = Table::open(options("iex", &pcap, &[("stream", "bbo")]), &[]).unwrap();
    let wrong = table.try_next().unwrap_err().to_string();
    assert!(wrong.ends_with("a message of 'itch': take that connector"), "{wrong}");
}

#[test]
fn damage_is_counted_or_in_strict_mode_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = itch_file(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    // The type of the first trading action, behind two system events and three stocks, each behind a length.
    let at = 2 * (12 + 2) + 3 * (39 + 2) + 2;
    assert_eq!(std::mem::replace(&mut bytes[at], b'?'), b'H');
    bytes.truncate(bytes.len() - 3);
    fs::write(&path, bytes).unwrap();
    let stream = ("stream", "status");
    let mut table = Table::open(options("itch", &path, &[stream]), &["kind"]).unwrap();
    let rows = table.rows();
    assert_eq!(rows[0], ["SYSTEM"]);
    assert_eq!(rows.iter().filter(|row| row[0] == "TRADING").count(), 2);
    let skipped = table.skipped();
    let unknown = format!(
        "damaged: expected a message type of ITCH 5.0, found type '?' (first at offset {at})"
    );
    assert_eq!(skipped[0], (unknown, 1));
    assert!(skipped[1].0.contains("expected a whole ITCH message"), "{skipped:?}");
    assert_eq!((skipped[1].1, skipped.len()), (1, 2));

    let strict = options("itch", &path, &[stream, ("strict", "true")]);
    let mut table = Table::open(strict, &["kind"]).unwrap();
    let error = (0..9).find_map(|_| table.try_next().err()).unwrap().to_string();
    let expected = format!("offset {at}: expected a message type of ITCH 5.0, found type '?'");
    assert!(error.ends_with(&expected), "{error}");
}

//! `tidewire replay`, as a user runs it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tidewire_feeds::capture::{Capture, Message};
use tidewire_feeds::itch::Message as Itch;
use tidewire_tests::{shared_capture, stderr, tidewire};

/// A generated capture in a folder of its own.
fn generated(messages: u32) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("day.itch");
    let messages = messages.to_string();
    let output = tidewire([
        "generate".as_ref(),
        "itch".as_ref(),
        capture.as_os_str(),
        "--messages".as_ref(),
        messages.as_ref(),
        "--symbols".as_ref(),
        "40".as_ref(),
        "--seed".as_ref(),
        "3".as_ref(),
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    (folder, capture)
}

/// Replays `capture` with these options, and gives the text of the bars.
fn bars(capture: &Path, out: &Path, options: &[&str]) -> String {
    let mut arguments: Vec<OsString> =
        vec!["replay".into(), capture.into(), "--out".into(), out.into()];
    arguments.extend(options.iter().map(OsString::from));
    let output = tidewire(arguments);
    assert!(output.status.success(), "{options:?}: {}", stderr(&output));
    fs::read_to_string(out).unwrap()
}

#[test]
fn results_do_not_depend_on_threads() {
    let (folder, capture) = generated(60_000);
    let out = folder.path().join("bars.csv");
    let common = ["--window", "20ms", "--max-disorder", "1ms"];
    let expected = bars(&capture, &out, &[&common[..], &["--inline"]].concat());
    assert!(expected.lines().count() > 1_000);
    let mut runs = vec![vec!["--inline"], vec![]];
    for shards in ["1", "2", "4"] {
        for wait in ["spin", "yield", "park"] {
            runs.push(vec!["--shards", shards, "--wait", wait]);
        }
        runs.push(vec!["--shards", shards, "--driver", "thread"]);
    }
    runs.push(vec!["--shards", "2", "--rate", "200000/s"]);
    for run in runs {
        let found = bars(&capture, &out, &[&common[..], &run[..]].concat());
        assert!(found == expected, "{run:?}: the bars differ from those of an inline run");
    }
}

#[test]
fn late_ticks_do_not_depend_on_threads_and_none_is_lost() {
    let Some(capture) = shared_capture("iex/DEEP10.pcap.gz") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (out, late) = (folder.path().join("bars.csv"), folder.path().join("late.csv"));
    let mut expected = None;
    for shards in ["1", "2", "4"] {
        let options =
            ["--max-disorder", "100ms", "--shards", shards, "--late", late.to_str().unwrap()];
        let found = (bars(&capture, &out, &options), fs::read_to_string(&late).unwrap());
        assert_eq!(*expected.get_or_insert(found.clone()), found, "{shards} shards");
    }
    let (bars, late) = expected.unwrap();
    let in_bars: u64 = column(&bars, "volume").iter().map(|v| v.parse::<u64>().unwrap()).sum();
    let is_trade = column(&late, "kind").into_iter().map(|kind| kind == "trade");
    let sizes = column(&late, "size").into_iter().zip(is_trade).filter(|(_, trade)| *trade);
    let in_late: u64 = sizes.map(|(size, _)| size.parse::<u64>().unwrap()).sum();
    assert!(in_late > 0);
    assert_eq!(in_bars + in_late, 19_782_510);
}

fn column(csv: &str, name: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let at = reader.headers().unwrap().iter().position(|header| header == name).unwrap();
    reader.records().map(|record| record.unwrap()[at].to_owned()).collect()
}

#[test]
fn iex_volumes_equal_the_facts() {
    let Some(capture) = shared_capture("iex/DEEP10.pcap.gz") else { return };
    let folder = tempfile::tempdir().unwrap();
    let bars = bars(&capture, &folder.path().join("bars.csv"), &[]);
    let mut volumes: BTreeMap<String, u64> = BTreeMap::new();
    for (symbol, volume) in column(&bars, "symbol").into_iter().zip(column(&bars, "volume")) {
        *volumes.entry(symbol).or_default() += volume.parse::<u64>().unwrap();
    }
    let facts = [
        ("MSFT", 2_238_615),
        ("AA-", 1_174_276),
        ("INTC", 1_156_853),
        ("ERIC", 1_147_826),
        ("C", 1_134_938),
    ];
    for (symbol, volume) in facts {
        assert_eq!(volumes.get(symbol), Some(&volume), "{symbol}");
    }
    assert_eq!(volumes.values().sum::<u64>(), 19_782_510);
}

/// Open, high, low, close, volume, notional, trades.
type Bar = (u32, u32, u32, u32, u64, u128, u64);

/// Bars of one second, from the messages, with nothing but maps.
fn naive_bars(capture: &Path) -> BTreeMap<(i64, String), Bar> {
    let mut capture = Capture::open(capture, None).unwrap();
    let (mut orders, mut bars) = (BTreeMap::new(), BTreeMap::<(i64, String), Bar>::new());
    while let Some(captured) = capture.next().unwrap() {
        let Message::Itch(message) = captured.message else { panic!("not ITCH") };
        let trade = match message {
            Itch::AddOrder(m) => {
                orders.insert(m.reference(), (m.stock().to_string(), m.price()));
                None
            }
            Itch::AddOrderAttributed(m) => {
                orders.insert(m.reference(), (m.stock().to_string(), m.price()));
                None
            }
            Itch::OrderReplace(m) => {
                let (stock, _) = orders.remove(&m.reference()).unwrap();
                orders.insert(m.new_reference(), (stock, m.price()));
                None
            }
            Itch::OrderExecuted(m) => {
                let (stock, price) = &orders[&m.reference()];
                Some((stock.clone(), *price, m.shares().into()))
            }
            Itch::OrderExecutedWithPrice(m) if m.printable() == b'Y' => {
                Some((orders[&m.reference()].0.clone(), m.price(), m.shares().into()))
            }
            Itch::Trade(m) => Some((m.stock().to_string(), m.price(), m.shares().into())),
            Itch::CrossTrade(m) => Some((m.stock().to_string(), m.price(), m.shares())),
            _ => None,
        };
        if let Some((stock, price, shares)) = trade {
            let second = message.timestamp_ns() as i64 / 1_000_000_000;
            let bar = bars.entry((second, stock)).or_insert((price, price, price, price, 0, 0, 0));
            bar.1 = bar.1.max(price);
            bar.2 = bar.2.min(price);
            bar.3 = price;
            bar.4 += shares;
            bar.5 += u128::from(price) * u128::from(shares);
            bar.6 += 1;
        }
    }
    bars
}

#[test]
fn bars_equal_a_naive_computation() {
    let (folder, capture) = generated(300_000);
    let text = bars(&capture, &folder.path().join("bars.csv"), &[]);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut expected = naive_bars(&capture);
    assert!(expected.len() > 100);
    let mut last = (String::new(), String::new());
    for row in reader.records() {
        let row = row.unwrap();
        let place = (row[1].to_owned(), row[2].to_owned());
        assert!(last < place, "rows are ordered by window, then symbol");
        last = place;
        if &row[9] == "0" {
            continue;
        }
        // 1970-01-01T09:30:01.000000000Z
        let clock: Vec<i64> = row[0][11..19].split(':').map(|n| n.parse().unwrap()).collect();
        let second = clock[0] * 3_600 + clock[1] * 60 + clock[2];
        let bar = expected.remove(&(second, row[2].to_owned())).expect("a bar of the model");
        let price = |units: u32| format!("{}.{:04}", units / 10_000, units % 10_000);
        assert_eq!(
            [&row[3], &row[4], &row[5], &row[6]],
            [price(bar.0), price(bar.1), price(bar.2), price(bar.3)]
        );
        assert_eq!((&row[7], &row[9]), (&*bar.4.to_string(), &*bar.6.to_string()));
        // Half up, to six digits.
        let vwap = (bar.5 * 200 + u128::from(bar.4)) / (2 * u128::from(bar.4));
        assert_eq!(row[8], format!("{}.{:06}", vwap / 1_000_000, vwap % 1_000_000));
    }
    assert!(expected.is_empty(), "bars of the model that were not written: {}", expected.len());
}

#[test]
fn packets_and_gzip_give_the_same_bars_as_the_file() {
    let (folder, capture) = generated(30_000);
    let path = |name: &str| folder.path().join(name);
    let date = ["--date", "2026-01-05"];
    let expected = bars(&capture, &path("bars.csv"), &date);
    for (name, framing) in [("day.itch.gz", "file"), ("day.pcap", "moldudp64-pcap")] {
        let output = tidewire([
            "generate".as_ref(),
            "itch".as_ref(),
            path(name).as_os_str(),
            "--framing".as_ref(),
            framing.as_ref(),
            "--messages".as_ref(),
            "30000".as_ref(),
            "--symbols".as_ref(),
            "40".as_ref(),
            "--seed".as_ref(),
            "3".as_ref(),
        ]);
        assert!(output.status.success(), "{}", stderr(&output));
        let date = if framing == "file" { &date[..] } else { &[] };
        assert!(bars(&path(name), &path("bars.csv"), date) == expected, "{name}");
    }
}

#[test]
fn a_report_has_all_its_files() {
    let (folder, capture) = generated(20_000);
    let (out, report) = (folder.path().join("bars.jsonl"), folder.path().join("report"));
    let json = bars(
        &capture,
        &out,
        &["--rate", "400000/s", "--window", "10ms", "--report", report.to_str().unwrap()],
    );
    let first: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert!(first["symbol"].is_string() && first["volume"].is_number());

    let read = |name: &str| fs::read(report.join(name)).unwrap();
    let run: serde_json::Value = serde_json::from_slice(&read("report.json")).unwrap();
    let effect = &run["latency_ns"]["due_to_effect"];
    assert_eq!(effect["count"], run["events"]);
    for pair in ["p50", "p90", "p99", "p99.9", "p99.99", "max"].windows(2) {
        assert!(effect[pair[0]].as_u64().unwrap() <= effect[pair[1]].as_u64().unwrap(), "{pair:?}");
    }
    // The last window is completed by the end of the input, which is due at no moment.
    let results = run["latency_ns"]["due_to_result"]["count"].as_u64().unwrap();
    assert!(0 < results && results < run["rows"].as_u64().unwrap());
    assert!(read("latency.png").starts_with(b"\x89PNG"));
    assert!(read("latency.svg").starts_with(b"<svg"));
    let hgrm = String::from_utf8(read("latency.hgrm")).unwrap();
    assert!(hgrm.trim_start().starts_with("Value") && hgrm.contains("#[Mean"));
    let hlog = String::from_utf8(read("latency.hlog")).unwrap();
    assert!(hlog.lines().any(|line| line.starts_with("Tag=effect,")), "{hlog}");
}

#[test]
fn at_the_highest_rate_there_is_no_latency_to_report() {
    let (folder, capture) = generated(20_000);
    let report = folder.path().join("report");
    bars(&capture, &folder.path().join("bars.csv"), &["--report", report.to_str().unwrap()]);
    let run = fs::read(report.join("report.json")).unwrap();
    let run: serde_json::Value = serde_json::from_slice(&run).unwrap();
    assert!(run["latency_ns"].is_null() && run["events_per_second"].as_f64().unwrap() > 0.0);
    assert!(!report.join("latency.hgrm").exists());
}

/// Runs a replay that must fail, and gives its one line of error.
fn refused(arguments: &[&str]) -> String {
    let output = tidewire(["replay"].iter().chain(arguments));
    assert!(!output.status.success(), "{arguments:?}");
    let said = stderr(&output);
    let mut errors = said.lines().filter(|line| line.contains("error: "));
    let error = errors.next().unwrap_or_else(|| panic!("{arguments:?}: no error in {said:?}"));
    assert_eq!(errors.next(), None, "one error: {said}");
    error.to_owned()
}

#[test]
fn what_can_not_be_replayed_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("empty"), "").unwrap();
    fs::write(path("text"), "this is no capture, it is a letter to a friend").unwrap();
    let (_generated, capture) = generated(10_000);
    let capture = capture.to_str().unwrap();

    assert!(refused(&[&path("empty")]).contains("the input is empty"));
    assert!(refused(&[folder.path().to_str().unwrap()]).contains("is a directory"));
    assert!(refused(&[&path("absent")]).contains("can not open"));
    assert!(refused(&[&path("text")]).contains("unknown content"));
    assert!(refused(&[capture, "--window", "0s"]).contains("at least 1 ns"));
    assert!(refused(&[capture, "--window", "soon"]).contains("no duration"));
    assert!(refused(&[capture, "--rate", "fast"]).contains("no rate"));
    assert!(refused(&[capture, "--shards", "0"]).contains("0 shards"));
    assert!(
        refused(&[capture, "--shards", "1", "--pin", "4095"]).contains("core 4095 is not there")
    );
    assert!(refused(&[capture, "--format", "fix"]).contains("fix"));
    assert!(refused(&[capture, "--date", "yesterday"]).contains("no date"));
    assert!(refused(&[capture, "--out", &path("bars.txt")]).contains(".csv or .jsonl"));
    assert!(refused(&[capture, "--out", "/dev/full/bars.csv"]).contains("can not write"));
}

#[test]
fn a_cut_capture_is_replayed_to_its_end_unless_strict() {
    let (folder, capture) = generated(10_000);
    let whole = fs::read(&capture).unwrap();
    let cut = folder.path().join("cut.itch");
    fs::write(&cut, &whole[..whole.len() - 5]).unwrap();
    let output = tidewire(["replay".as_ref(), cut.as_os_str()]);
    assert!(output.status.success());
    assert!(stderr(&output).contains("warning: offset"), "{}", stderr(&output));
    assert!(refused(&[cut.to_str().unwrap(), "--strict"]).contains("offset"));
}

#[test]
fn a_full_state_stops_the_run_or_refuses_new_keys_and_says_so() {
    let (folder, capture) = generated(20_000);
    let out = folder.path().join("bars.csv");
    let run = |options: &[&str]| {
        let mut arguments: Vec<OsString> =
            vec!["replay".into(), capture.clone().into(), "--out".into(), out.clone().into()];
        arguments.extend(["--window", "20ms", "--state-budget", "12KiB"].map(OsString::from));
        arguments.extend(options.iter().map(OsString::from));
        tidewire(arguments)
    };
    let stopped = run(&[]);
    assert!(!stopped.status.success());
    assert!(stderr(&stopped).contains("--state-budget"), "{}", stderr(&stopped));
    assert!(!out.exists());
    let refused = run(&["--when-full", "refuse"]);
    assert!(refused.status.success(), "{}", stderr(&refused));
    let said = stderr(&refused);
    assert!(said.contains("refused because the state was full"), "{said}");
    let wrong = tidewire(["replay", "x", "--state-budget", "12 apples"].map(OsString::from));
    assert!(stderr(&wrong).contains("is no size"), "{}", stderr(&wrong));
}

//! `tidewire inspect` against the facts of the real captures.

use serde_json::Value;
use tidewire_tests::{shared_capture, stderr, tidewire};

/// What `inspect --json` finds in a real capture, and what it said beside; `None` where the capture is missing.
fn inspect(name: &str, options: &[&str]) -> Option<(Value, String, bool)> {
    let path = shared_capture(name)?;
    let arguments = ["inspect".as_ref(), path.as_os_str(), "--json".as_ref()];
    let output = tidewire(arguments.into_iter().chain(options.iter().map(AsRef::as_ref)));
    let found = serde_json::from_slice(&output.stdout).unwrap();
    Some((found, stderr(&output), output.status.success()))
}

fn assert_types(found: &Value, expected: &[(&str, u64)]) {
    let types = found["messages_by_type"].as_object().unwrap();
    let types: Vec<_> = types.iter().map(|(kind, n)| (&**kind, n.as_u64().unwrap())).collect();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(types, expected);
}

#[test]
fn iex_deep() {
    let Some((found, said, _)) = inspect("iex/DEEP10.pcap.gz", &[]) else { return };
    assert_types(
        &found,
        &[
            ("H", 93_638),
            ("O", 93_638),
            ("P", 93_636),
            ("T", 83_343),
            ("5", 14_627),
            ("8", 12_941),
            ("B", 73),
            ("E", 59),
            ("S", 44),
        ],
    );
    assert_eq!(found["messages"], 391_999);
    assert_eq!(found["packets"]["datagrams"], 121_314);
    assert_eq!(
        (&found["sequence"]["gaps"], &found["sequence"]["restarts"]),
        (&0.into(), &11.into())
    );
    assert_eq!((&found["symbols"], &found["volume"]), (&7_802.into(), &19_782_510.into()));
    assert_eq!(said.matches("the session restarts").count(), 11);
}

#[test]
fn itch_files() {
    let facts: [(&str, &[(&str, u64)], u64); 8] = [
        ("nasdaq_20191230_filtered500.itch", &[("A", 495), ("D", 4), ("U", 1)], 198),
        (
            "nasdaq_20191230_2_per_type.itch",
            &[("A", 2), ("D", 2), ("U", 2), ("X", 2), ("E", 2), ("C", 2)],
            0,
        ),
        ("bekele_totalview50_first1000.itch", &[("R", 993), ("H", 3), ("Y", 3), ("S", 1)], 0),
        ("fasanello_first101_truncated.itch", &[("S", 1), ("R", 98), ("H", 1), ("Y", 1)], 0),
        (
            "nasdaq_20190130_AAPL_10000.derived_from_csv.itch",
            &[("A", 7_465), ("D", 1_237), ("E", 729), ("U", 437), ("F", 109), ("C", 17), ("X", 6)],
            1,
        ),
        (
            "omi_Nasdaq.Equities.TotalView.Itch.v5.0/Multiple.Packets.pcap",
            &[("A", 36), ("F", 2), ("D", 1)],
            0,
        ),
        ("omi_Nasdaq.Equities.TotalView.Itch.v5.0/OrderExecutedMessage.pcap", &[("E", 1)], 0),
        ("omi_Bx.Equities.TotalView.Itch.v5.0/OrderReplaceMessage.pcap", &[("U", 1)], 0),
    ];
    for (name, types, symbols) in facts {
        let Some((found, _, success)) = inspect(&format!("itch/{name}"), &[]) else { return };
        assert!(success, "{name}");
        assert_types(&found, types);
        if symbols > 0 {
            assert_eq!(found["symbols"], symbols, "{name}");
        }
    }
}

#[test]
fn a_truncated_file_is_101_messages_and_one_error() {
    let name = "itch/fasanello_first101_truncated.itch";
    let Some((found, said, success)) = inspect(name, &[]) else { return };
    assert_eq!(
        (&found["messages"], &found["decode_errors"], success),
        (&101.into(), &1.into(), true)
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.contains("warning: offset 4081: expected") && said.contains("found the end"),
        "{said}"
    );
    let Some((_, said, success)) = inspect(name, &["--strict"]) else { return };
    assert!(!success && said.contains("error: "), "{said}");
}

#[test]
fn dbn_books_end_as_stated() {
    let name = "dbn/esh4-glbx-mdp3-20231225.mbo.dbn.zst";
    let Some((found, _, _)) = inspect(name, &[]) else { return };
    assert_types(
        &found,
        &[
            ("MBO A", 29_216),
            ("MBO C", 17_999),
            ("MBO M", 12_233),
            ("MBO F", 6_371),
            ("MBO T", 2_973),
        ],
    );
    let book = &found["busiest"][0];
    assert_eq!(book["symbol"], "ESH4");
    assert_eq!((&book["bid"]["price"], &book["bid"]["size"]), (&"4810.00".into(), &22.into()));
    assert_eq!((&book["ask"]["price"], &book["ask"]["size"]), (&"4810.25".into(), &28.into()));
    assert_eq!((&book["orders"], &found["volume"]), (&11_217.into(), &9_892.into()));
    assert_eq!(found["books"]["unknown_references"], 0);

    let name = "dbn/orderbooks_mbo_2024-05-08T00-00-00_2024-05-08T00-00-02.dbn.zst";
    let Some((found, _, _)) = inspect(name, &[]) else { return };
    assert_eq!(
        (&found["messages"], &found["books"]["unknown_references"]),
        (&13_796.into(), &0.into())
    );
    let name = "dbn/futures_mbp-1_2024-07-01T23-58_2024-07-02T00-02.dbn.zst";
    let Some((found, _, _)) = inspect(name, &[]) else { return };
    assert_eq!(found["messages"], 2_288);
}

//! Topics as the source and the sink of a pipeline in Rust.

use std::path::Path;
use std::sync::Arc;

use tidewire::aggregates::sum;
use tidewire::prelude::*;
use tidewire::sql::{Cells, ColumnError, Table};
use tidewire_runtime::Snapshots;
use tidewire_snapshot::{DirStore, Job};
use tidewire_tests::kafka::Broker;

use super::{BOUNDED, with};

type Total = WindowRow<i64, Option<i128>>;

#[derive(Clone, Copy)]
struct Number {
    key: i64,
    n: i64,
}

const NUMBERS: i64 = 20_000;

/// Totals of a hundred seconds by key, until the number `until` comes.
fn run(broker: &Broker, store: &Path, until: i64, restore: bool) -> Result<(), String> {
    let table = |name: &str, columns: &str, topic: &str, more: &str| {
        Table::read(&format!("CREATE TABLE {name} ({columns}) {}", with(broker, topic, more)))
            .unwrap()
    };
    let numbers = table("numbers", "n BIGINT NOT NULL, k INT NOT NULL", "numbers", BOUNDED);
    let exactly_once = "'format' = 'json', 'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = 'totals'";
    let totals = table("totals", "k INT, begin BIGINT, total BIGINT", "totals", exactly_once);
    let job = Job { fingerprint: "totals".to_owned(), description: Default::default() };
    let mut snapshots = Snapshots::new(Arc::new(DirStore::open(store).unwrap()), job);
    (snapshots.every_ns, snapshots.restore) = (MILLISECOND, restore);
    let options =
        Options { threads: Threads::Inline, snapshots: Some(snapshots), ..Options::default() };
    let number = move |row: &Cells<'_>| {
        let n = row.int(0)?;
        if n == until {
            return Err(ColumnError::Utf8("poison".to_owned()));
        }
        Ok(Stamped::new(n * SECOND, Number { key: row.int(1)?, n }))
    };
    let order = |a: &Total, b: &Total| a.key.cmp(&b.key);
    let sink = totals
        .sink(&options, order, |total, row| {
            row.int(0, total.key)?;
            row.int(1, total.window.start / SECOND)?;
            row.wide(2, total.value.unwrap_or_default())
        })
        .map_err(|error| error.to_string())?;
    numbers
        .stream(&options, number)
        .map_err(|error| error.to_string())?
        .watermark(Monotonic::new)
        .never_idle()
        .key_by(|number: &Number| number.key)
        .window(Tumbling::new(100 * SECOND).unwrap())
        .aggregate(sum(|number: &Number| number.n))
        .run(sink, &options, &mut Silent)
        .map(drop)
        .map_err(|error| error.to_string())
}

#[test]
#[ignore = "needs a broker: scripts/kafka.sh"]
fn a_pipeline_in_rust_that_dies_writes_each_result_once() {
    let Some(broker) = Broker::start() else { return };
    broker.create("numbers", 2, &[]);
    broker.create("totals", 1, &[]);
    let rows: Vec<_> =
        (0..NUMBERS).map(|n| (n as i32 % 2, format!("{{\"n\":{n},\"k\":{}}}", n % 3))).collect();
    broker.write("numbers", rows.iter().map(|(partition, value)| (*partition, "", &**value)));
    let store = tempfile::tempdir().unwrap();
    for (life, until) in [NUMBERS / 3, NUMBERS * 2 / 3].into_iter().enumerate() {
        let died = run(&broker, store.path(), until, life > 0).unwrap_err();
        assert!(died.contains("column 'poison' is no UTF-8"), "{died}");
    }
    run(&broker, store.path(), -1, true).unwrap();
    let mut expected = Vec::new();
    for begin in (0..NUMBERS).step_by(100) {
        for key in 0..3 {
            let total: i64 = (begin..begin + 100).filter(|n| n % 3 == key).sum();
            expected.push(format!("{{\"k\":{key},\"begin\":{begin},\"total\":{total}}}"));
        }
    }
    let values: Vec<_> = broker.read("totals").into_iter().map(|seen| seen.value).collect();
    assert_eq!(values, expected);
}

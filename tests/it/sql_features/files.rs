//! Sinks, and files that are written and read again.

use std::fs;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;

use super::super::sql_rows::{file, run, sorted, tidewire_run};

const ROWS: &str = "VALUES (1, 'a, \"b\"', 1.50, TIMESTAMP '2024-01-02 03:04:05.678'), (2, 'ü', -0.25, TIMESTAMP '1969-12-31 23:59:59.999')";

/// A job that writes [`ROWS`] to a path, and the table to read them again.
fn table(path: &str, options: &str) -> String {
    format!(
        "CREATE TABLE files (n INT, s STRING, price DECIMAL(5, 2), at TIMESTAMP(3))
         WITH ('connector' = 'filesystem', 'path' = '{path}', {options});"
    )
}

/// Writes the rows, and reads them again.
fn round_trip(path: &str, options: &str) {
    let table = table(path, options);
    let (_, done) = run(&format!("{table} INSERT INTO files {ROWS}"));
    assert_eq!(done.rows_written, 2);
    let expected = ["1,a, \"b\",1.50,2024-01-02 03:04:05.678", "2,ü,-0.25,1969-12-31 23:59:59.999"];
    assert_eq!(sorted(&format!("{table} SELECT * FROM files")), expected, "{path} {options}");
}

/// The only file of a folder.
fn only_file(folder: &Path) -> std::path::PathBuf {
    let names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    names[0].clone()
}

#[test]
fn each_format_comes_back_from_a_file_and_from_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    round_trip(&at("out.csv"), "'format' = 'csv'");
    round_trip(&at("out.jsonl"), "'format' = 'json'");
    round_trip(&at("out.parquet"), "'format' = 'parquet'");
    round_trip(&at("csv/"), "'format' = 'csv', 'csv.header' = 'true'");
    round_trip(&at("json/"), "'format' = 'json'");
    round_trip(&at("parquet/"), "'format' = 'parquet', 'sink.compression' = 'zstd'");
    let csv = fs::read_to_string(at("out.csv")).unwrap();
    assert_eq!(
        csv,
        "1,\"a, \"\"b\"\"\",1.50,2024-01-02 03:04:05.678\n2,ü,-0.25,1969-12-31 23:59:59.999\n"
    );
    let json = fs::read_to_string(at("out.jsonl")).unwrap();
    assert!(
        json.starts_with(r#"{"n":1,"s":"a, \"b\"","price":1.50,"at":"2024-01-02 03:04:05.678"}"#),
        "{json}"
    );
}

#[test]
fn text_is_packed_as_the_name_or_the_option_says() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    round_trip(&at("out.csv.gz"), "'format' = 'csv'");
    round_trip(&at("out.jsonl.zst"), "'format' = 'json'");
    round_trip(&at("gzip/"), "'format' = 'json', 'sink.compression' = 'gzip'");
    round_trip(&at("zstd/"), "'format' = 'csv', 'sink.compression' = 'zstd'");
    let mut text = String::new();
    GzDecoder::new(fs::File::open(at("out.csv.gz")).unwrap()).read_to_string(&mut text).unwrap();
    assert!(text.starts_with("1,"), "{text}");
    let part = only_file(&folder.path().join("zstd"));
    assert!(part.display().to_string().ends_with(".csv.zst"), "{part:?}");
    let text = zstd::decode_all(fs::File::open(part).unwrap()).unwrap();
    assert!(text.starts_with(b"1,"));
}

#[test]
fn a_pattern_and_a_folder_are_read_in_the_order_of_names() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("b-2.csv", "2\n"), ("a-1.csv", "1\n"), ("c-3.txt", "3\n")] {
        file(folder.path(), name, text);
    }
    let of = |path: String| {
        let (shown, _) = run(&format!(
            "CREATE TABLE t (n INT) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv');
             SELECT * FROM t"
        ));
        shown
    };
    let folder = folder.path().display();
    assert_eq!(of(format!("{folder}/*.csv")), "n\n1\n2\n");
    assert_eq!(of(format!("{folder}/?-*.*")), "n\n1\n2\n3\n");
    assert_eq!(of(format!("{folder}/")), "n\n1\n2\n3\n");
}

#[test]
fn a_blackhole_takes_all_and_keeps_nothing() {
    let (shown, done) = run("CREATE TABLE nowhere (n INT) WITH ('connector' = 'blackhole');
         INSERT INTO nowhere VALUES (1), (2), (3)");
    assert_eq!((shown.as_str(), done.rows_written), ("", 3));
}

#[test]
fn print_and_a_bare_query_write_to_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let job = file(
        folder.path(),
        "job.sql",
        "CREATE TABLE out (n INT, s STRING) WITH ('connector' = 'print', 'print-identifier' = 'x');
         INSERT INTO out VALUES (1, 'a'), (2, CAST(NULL AS STRING));",
    );
    assert_eq!(tidewire_run(&[&job]), (true, "x> +I[1, a]\nx> +I[2, NULL]\n".to_owned()));
    let job = file(folder.path(), "bare.sql", "SHOW TABLES; SELECT 1 AS one, 'a,b' AS two;");
    assert_eq!(tidewire_run(&[&job]), (true, "one,two\n1,\"a,b\"\n".to_owned()));
}

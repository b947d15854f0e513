//! Which files are read, what is known of them, and how output appears.

use std::path::PathBuf;

use super::super::super::{Column, TableWriter};
use super::*;
use tidewire_event::Field;
use tidewire_event::sink::LAST_EPOCH;

#[test]
fn a_folder_is_read_in_the_order_of_names_and_a_pattern_picks() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("c")).unwrap();
    for (name, line) in [
        ("b.csv", "2,b\n"),
        ("a.csv", "1,a\n"),
        ("c/d.txt", "3,c"),
        (".hidden", "x"),
        ("_temporary", "x"),
        ("part-1.csv.7-0.unfinished", "x"),
    ] {
        fs::write(at(name), line).unwrap();
    }
    let all = [row(1, "a"), row(2, "b"), row(3, "c")];
    assert_eq!(read(folder.path(), "csv", &[], &two()).unwrap(), all);
    assert_eq!(read(&at("*.csv"), "csv", &[], &two()).unwrap(), all[..2]);
    assert_eq!(read(&at("?/d*"), "csv", &[], &two()).unwrap(), all[2..]);
    let error = read(&at("*.json"), "csv", &[], &two()).unwrap_err().to_string();
    assert!(error.ends_with("*.json: there is no file to read here"), "{error}");
}

#[test]
fn packed_files_are_read_and_written() {
    let rows: Vec<_> = (0..10_000).map(|number| row(number, "the same again")).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let size = |path: PathBuf| fs::metadata(path).unwrap().len();
    for (name, format) in [("a.csv.gz", "csv"), ("a.jsonl.zst", "json"), ("a.csv.zst", "csv")] {
        write(&path(name), format, &[], &two(), &rows);
        assert!(size(path(name)) < 60_000, "{name}");
        assert_eq!(read(&path(name), format, &[], &two()).unwrap(), rows, "{name}");
    }
    write(&path("parts"), "csv", &[("sink.compression", "zstd")], &two(), &rows);
    assert!(size(path("parts/part-00000001.csv.zst")) < 60_000);
    assert_eq!(read(&path("parts"), "csv", &[], &two()).unwrap(), rows);
}

#[test]
fn metadata_says_of_which_file_a_row_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    fs::write(&path, "1,a\n").unwrap();
    let metadata = |name: &str, ty, key: &str| Column {
        field: Field::new(name, ty).not_null(),
        metadata: Some(key.to_owned()),
    };
    let mut table = two().table;
    table.insert(0, metadata("p", DataType::String, "file.path"));
    table.insert(2, metadata("s", DataType::BigInt, "file.size"));
    table.push(metadata("f", DataType::String, "file.name"));
    table.push(metadata("m", DataType::TimestampLtz(3), "file.modification-time"));
    let all = Columns::all(table).unwrap();
    for (format, text) in [("csv", "1,a\n"), ("json", "{\"text\":\"a\",\"n\":1}\n")] {
        fs::write(&path, text).unwrap();
        let rows = read(&path, format, &[], &all).unwrap();
        let expected = [
            Value::text(path.to_str().unwrap()),
            Value::Int(1),
            Value::Int(text.len() as i64),
            Value::text("a"),
            Value::text("a.csv"),
        ];
        assert_eq!(rows[0][..5], expected);
        assert!(matches!(rows[0][5], Value::Int(ns) if ns > 0 && ns % 1_000_000 == 0));
    }
    let wrong = Columns::all(vec![metadata("x", DataType::String, "file.nme")]).unwrap();
    assert_eq!(
        read(&path, "csv", &[], &wrong).unwrap_err().to_string(),
        "the option 'METADATA FROM' is 'file.nme': files have no such metadata; they have file.path, file.name, file.size, file.modification-time"
    );
    let wrong = Columns::all(vec![metadata("x", DataType::String, "file.size")]).unwrap();
    assert_eq!(
        read(&path, "csv", &[], &wrong).unwrap_err().to_string(),
        "the option 'METADATA FROM' is 'file.size': the column is STRING, and must be BIGINT"
    );
}

#[test]
fn one_file_appears_whole_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/out.csv");
    let given = given(path.to_str().unwrap(), "csv", &[]);
    let mut writer = writer(options("filesystem", &given), &two()).unwrap();
    writer.row(&row_of(&two(), &row(1, "a"))).unwrap();
    assert!(!path.exists());
    assert_eq!(writer.prepare(1).unwrap(), None, "it can not be part of a snapshot");
    writer.finish().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "1,a\n");
    assert!(writer.row(&row_of(&two(), &row(1, "a"))).is_err());
}

/// Ends it as a job with snapshots does at the end of its input.
fn end(writer: &mut dyn TableWriter) {
    writer.prepare(LAST_EPOCH).unwrap();
    writer.commit(LAST_EPOCH).unwrap();
    writer.finish().unwrap();
}

#[test]
fn what_no_snapshot_has_is_not_seen() {
    let folder = tempfile::tempdir().unwrap();
    let given = given(folder.path().to_str().unwrap(), "csv", &[]);
    let mut writer = writer(options("filesystem", &given), &two()).unwrap();
    writer.row(&row_of(&two(), &row(1, "a"))).unwrap();
    writer.prepare(1).unwrap();
    writer.commit(1).unwrap();
    writer.row(&row_of(&two(), &row(2, "b"))).unwrap();
    writer.finish().unwrap();
    assert_eq!(read(folder.path(), "csv", &[], &two()).unwrap(), [row(1, "a")]);
}

#[test]
fn parts_are_exactly_once_wherever_a_crash_comes() {
    for format in ["csv", "json", "parquet"] {
        for crash in 0..3 {
            let folder = tempfile::tempdir().unwrap();
            let given = given(folder.path().to_str().unwrap(), format, &[]);
            let open = || writer(options("filesystem", &given), &two()).unwrap();
            let mut first = open();
            first.row(&row_of(&two(), &row(1, "a"))).unwrap();
            let prepared = first.prepare(1).unwrap().unwrap();
            if crash > 0 {
                first.commit(1).unwrap();
                first.row(&row_of(&two(), &row(9, "not again"))).unwrap();
            }
            if crash > 1 {
                first.prepare(2).unwrap();
                first.commit(2).unwrap();
            }
            std::mem::forget(first);
            let mut second = open();
            second.restore(&prepared).unwrap();
            second.row(&row_of(&two(), &row(2, "b"))).unwrap();
            end(&mut *second);
            let rows = read(folder.path(), format, &[], &two()).unwrap();
            assert_eq!(rows, [row(1, "a"), row(2, "b")], "{format} {crash}");
            // Nobody adds to the output of another job.
            let error = open().row(&row_of(&two(), &row(3, "c"))).unwrap_err().to_string();
            assert!(error.contains("already holds parts"), "{error}");
            assert!(open().restore(&[]).is_err());
            assert!(open().restore(&[1, 2, 3]).is_err());
        }
    }
}

#[test]
fn each_part_has_its_header() {
    let folder = tempfile::tempdir().unwrap();
    let header = [("csv.header", "true")];
    let given = given(folder.path().to_str().unwrap(), "csv", &header);
    let mut writer = writer(options("filesystem", &given), &two()).unwrap();
    for number in 1..=3 {
        writer.row(&row_of(&two(), &row(number, "a"))).unwrap();
        writer.prepare(number as u64).unwrap();
    }
    end(&mut *writer);
    let rows: Vec<_> = (1..=3).map(|number| row(number, "a")).collect();
    assert_eq!(read(folder.path(), "csv", &header, &two()).unwrap(), rows);
}

#[test]
fn no_rows_are_an_empty_output() {
    for format in ["csv", "json", "parquet"] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), format, &[], &two(), &[]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(read(folder.path(), format, &[], &two()).unwrap().is_empty());
    }
}

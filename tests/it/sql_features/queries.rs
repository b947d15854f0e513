//! Queries: when results leave, sugar, order, limits.

use super::super::sql_rows::{file, rows, run, sorted};

/// A table of events: `k`, `v`, and `ts`, in ms since 1970.
fn events(lines: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "events.csv", lines);
    let table = format!(
        "CREATE TABLE t (k STRING, v INT, ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3),
           WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
         WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv');"
    );
    (folder, table)
}

const EVENTS: &str = "a,1,100\nb,2,200\na,3,300\na,4,1100\nb,5,1050\n";

#[test]
fn windows_close_once_or_tell_at_every_arrival() {
    let (_folder, table) = events(EVENTS);
    let query = "SELECT k, SUM(v) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)
        GROUP BY k, window_start, window_end";
    let closed = ["a,4", "a,4", "b,2", "b,5"];
    assert_eq!(sorted(&format!("{table}{query}")), closed);
    assert_eq!(sorted(&format!("{table}{query} EMIT ON WINDOW CLOSE")), closed);
    let arrived = rows(&format!("{table}{query} EMIT ON ARRIVAL"));
    let arrived: Vec<_> = arrived.iter().map(|row| row.join(",")).collect();
    assert_eq!(arrived, ["a,1", "b,2", "a,4", "a,4", "b,5"]);
}

#[test]
fn frames_wait_for_order_or_tell_at_every_arrival() {
    let (_folder, table) = events("a,1,300\na,2,200\na,4,3000\n");
    let query = "SELECT ms, SUM(v) OVER (PARTITION BY k ORDER BY ts
        RANGE BETWEEN INTERVAL '1' SECOND PRECEDING AND CURRENT ROW) FROM t";
    let in_order = rows(&format!("{table}{query}"));
    assert_eq!(in_order, [["200", "2"], ["300", "3"], ["3000", "4"]]);
    let arrived = rows(&format!("{table}{query} EMIT ON ARRIVAL"));
    assert_eq!(arrived, [["300", "1"], ["200", "2"], ["3000", "4"]]);
}

#[test]
fn sugar_is_the_same_window() {
    let (_folder, table) = events(EVENTS);
    let expected = sorted(&format!(
        "{table} SELECT k, window_start, SUM(v) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)
         GROUP BY k, window_start, window_end"
    ));
    assert_eq!(expected.len(), 4);
    for query in [
        "SELECT k, window_start, SUM(v) FROM TUMBLE(t, ts, INTERVAL '1' SECOND) GROUP BY k, window_start, window_end",
        "SELECT k, window_start, SUM(v) FROM tumble(t, ts, INTERVAL '1 SECOND') GROUP BY k, window_start, window_end",
        "SELECT k, window_start, SUM(v) FROM TUMBLE(DATA => TABLE t, TIMECOL => DESCRIPTOR(ts), SIZE => INTERVAL '1' SECOND)
         GROUP BY k, window_start, window_end",
        "SELECT k, TUMBLE_START(ts, INTERVAL '1' SECOND), SUM(v) FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND)",
        "SELECT k, window_start, SUM(v) FROM (SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)))
         GROUP BY k, window_start, window_end",
    ] {
        assert_eq!(sorted(&format!("{table}{query}")), expected, "{query}");
    }
}

#[test]
fn arroyo_groups_by_functions_of_lengths_only() {
    let (_folder, table) = events(EVENTS);
    let of = |query: &str| sorted(&format!("{table}{query}"));
    let tumbled = ["a,4", "a,4", "b,2", "b,5"];
    assert_eq!(of("SELECT k, SUM(v) FROM t GROUP BY tumble(interval '1 second'), k"), tumbled);
    let hops = of("SELECT SUM(v) FROM t GROUP BY hop(interval '1 second', interval '2 seconds')");
    assert_eq!(hops, ["15", "6", "9"]);
    let sessions = of("SELECT k, SUM(v) FROM t GROUP BY k, session(interval '500 milliseconds')");
    assert_eq!(sessions, ["a,4", "a,4", "b,2", "b,5"]);
}

#[test]
fn legacy_groups_tell_their_bounds() {
    let (_folder, table) = events("a,1,100\n");
    let found = rows(&format!(
        "{table} SELECT TUMBLE_START(ts, INTERVAL '1' SECOND), TUMBLE_END(ts, INTERVAL '1' SECOND),
           TUMBLE_ROWTIME(ts, INTERVAL '1' SECOND) FROM t GROUP BY TUMBLE(ts, INTERVAL '1' SECOND)"
    ));
    let at = |time: &str| format!("1970-01-01 00:00:0{time}");
    assert_eq!(found, [[at("0.000"), at("1.000"), at("0.999Z")]]);
}

#[test]
fn order_by_time_sorts_what_came_in_disorder() {
    let (_folder, table) = events("a,1,300\na,2,200\na,3,1900\na,4,1500\n");
    let found = rows(&format!("{table} SELECT v FROM t ORDER BY ts"));
    assert_eq!(found, [["2"], ["1"], ["4"], ["3"]]);
}

#[test]
fn a_limit_ends_what_is_shown() {
    let (shown, done) = run("SELECT * FROM (VALUES (1), (2), (3)) AS t (n) LIMIT 2");
    assert_eq!((shown.as_str(), done.rows_written), ("n\n1\n2\n", 2));
    let (shown, _) = run("SELECT * FROM (VALUES (1), (2), (3)) AS t (n) LIMIT 0");
    assert_eq!(shown, "n\n");
}

#[test]
fn rows_behind_the_watermark_are_counted() {
    let (_folder, table) = events("a,1,100\na,2,5000\na,4,200\n");
    let (shown, done) = run(&format!(
        "{table} SELECT SUM(v) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND) GROUP BY window_start, window_end"
    ));
    assert_eq!(shown, "EXPR$0\n1\n2\n");
    assert_eq!((done.rows_read, done.late), (3, vec![1]));
}

#[test]
fn rows_without_a_time_are_left_out_and_counted() {
    let (_folder, table) = events("a,1,100\na,2,\n");
    let (shown, done) = run(&format!(
        "{table} SELECT COUNT(*) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND) GROUP BY window_start, window_end"
    ));
    assert_eq!(shown, "EXPR$0\n1\n");
    assert_eq!(done.skipped, [("t: rows whose time, ts, is NULL".to_owned(), 1)]);
}

#[test]
fn lag_looks_at_the_row_before() {
    let (_folder, table) = events("a,1,100\na,2,200\nb,9,250\na,3,300\n");
    let query = "SELECT k, v, LAG(v) OVER (PARTITION BY k ORDER BY ts) FROM t";
    assert_eq!(sorted(&format!("{table}{query}")), ["a,1,", "a,2,1", "a,3,2", "b,9,"]);
}

#[test]
fn results_are_grouped_again_by_their_time() {
    let (_folder, table) = events(EVENTS);
    let found = sorted(&format!(
        "{table}
         WITH seconds AS (
           SELECT k, SUM(v) AS total, window_time AS at FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)
           GROUP BY k, window_start, window_end, window_time)
         SELECT window_end, MAX(total), COUNT(*) FROM TUMBLE(TABLE seconds, DESCRIPTOR(at), INTERVAL '10' SECOND)
         GROUP BY window_start, window_end"
    ));
    assert_eq!(found, ["1970-01-01 00:00:10.000,5,4"]);
}

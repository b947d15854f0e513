//! Statements: tables and their columns, views, INSERT, sets, and those that answer.

use tidewire::runtime::Threads;

use super::super::sql_rows::{answers, file, rows, run, run_on, sorted};

#[test]
fn metadata_tells_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "a.csv", "1\n2\n");
    file(folder.path(), "b.csv", "3\n");
    let found = sorted(&format!(
        "CREATE TABLE t (
           n INT,
           name STRING METADATA FROM 'file.name' VIRTUAL,
           bytes BIGINT METADATA FROM 'file.size',
           `file.path` STRING METADATA
         ) WITH ('connector' = 'filesystem', 'path' = '{path}/*.csv', 'format' = 'csv');
         SELECT n, name, bytes, REPLACE(`file.path`, '{path}', '') FROM t",
        path = folder.path().display()
    ));
    assert_eq!(found, ["1,a.csv,4,/a.csv", "2,a.csv,4,/a.csv", "3,b.csv,2,/b.csv"]);
}

#[test]
fn computed_columns_are_worked_out_and_can_be_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "t.csv", "500,3\n1500,4\n");
    let tables = format!(
        "CREATE TABLE t (
           ms BIGINT, n INT,
           twice AS n * 2,
           ts AS TO_TIMESTAMP_LTZ(ms, 3),
           WATERMARK FOR ts AS ts
         ) COMMENT 'a table' WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv');"
    );
    let all = sorted(&format!("{tables} SELECT * FROM t"));
    assert_eq!(all, ["1500,4,8,1970-01-01 00:00:01.500Z", "500,3,6,1970-01-01 00:00:00.500Z"]);
    let windows = sorted(&format!(
        "{tables} SELECT window_end, SUM(twice) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)
         GROUP BY window_start, window_end"
    ));
    assert_eq!(windows, ["1970-01-01 00:00:01.000,6", "1970-01-01 00:00:02.000,8"]);
    let answer = answers(&format!("{tables} DESCRIBE t"));
    assert_eq!(
        answer,
        [
            "ms BIGINT\nn INT\ntwice INT  -- AS n * 2\nts TIMESTAMP_LTZ(3)  -- AS TO_TIMESTAMP_LTZ(ms, 3), time of events\n"
        ]
    );
}

#[test]
fn a_primary_key_is_noted_and_not_enforced() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "t.csv", "1,a\n1,b\n");
    let with = format!("WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv');");
    let tables = format!("CREATE TABLE t (id INT, s STRING, PRIMARY KEY (id) NOT ENFORCED) {with}");
    assert_eq!(sorted(&format!("{tables} SELECT * FROM t")), ["1,a", "1,b"]);
    let described = answers(&format!("{tables} DESCRIBE t"));
    assert_eq!(described, ["id INT  -- PRIMARY KEY\ns STRING\n"]);
    let inline =
        format!("CREATE TABLE t (id INT PRIMARY KEY NOT ENFORCED, s STRING) {with} DESC t");
    assert_eq!(answers(&inline), ["id INT NOT NULL  -- PRIMARY KEY\ns STRING\n"]);
}

#[test]
fn a_set_of_statements_reads_its_source_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "t.csv", "1\n2\n3\n");
    let [even, odd] = ["even", "odd"].map(|name| folder.path().join(name).display().to_string());
    let text = format!(
        "CREATE TABLE t (n INT) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv');
         CREATE TABLE even (n INT) WITH ('connector' = 'filesystem', 'path' = '{even}.csv', 'format' = 'csv');
         CREATE TABLE odd (n INT) WITH ('connector' = 'filesystem', 'path' = '{odd}.csv', 'format' = 'csv');
         EXECUTE STATEMENT SET BEGIN
           INSERT INTO even SELECT n FROM t WHERE n % 2 = 0;
           INSERT INTO odd SELECT n FROM t WHERE n % 2 = 1;
         END;"
    );
    for threads in [Threads::Inline, Threads::Shards(2)] {
        let (_, done) = run_on(&text, threads).unwrap();
        assert_eq!((done.rows_read, done.rows_written), (3, 3));
        assert_eq!(std::fs::read_to_string(format!("{even}.csv")).unwrap(), "2\n");
        let odd = std::fs::read_to_string(format!("{odd}.csv")).unwrap();
        let mut odd: Vec<_> = odd.lines().collect();
        odd.sort_unstable();
        assert_eq!(odd, ["1", "3"]);
        std::fs::remove_file(format!("{even}.csv")).unwrap();
        std::fs::remove_file(folder.path().join("odd.csv")).unwrap();
    }
}

#[test]
fn what_is_asked_is_answered() {
    let tables = "CREATE TABLE b (x INT) WITH ('connector' = 'blackhole');
        CREATE TABLE a (x INT) WITH ('connector' = 'blackhole');
        CREATE TEMPORARY VIEW v (y, z) AS SELECT 1, 'two';";
    assert_eq!(answers(&format!("{tables} SHOW TABLES")), ["a\nb\nv\n"]);
    assert_eq!(answers(&format!("{tables} DESCRIBE v")), ["y INT NOT NULL\nz CHAR(3) NOT NULL\n"]);
    assert_eq!(answers(&format!("{tables} DROP TABLE a; DROP VIEW v; SHOW TABLES")), ["b\n"]);
    assert_eq!(answers("DROP TABLE IF EXISTS a; DROP VIEW IF EXISTS v; SHOW TABLES"), [""]);
    let set = "SET 'sql.row-bytes' = '256'; SET 'table.local-time-zone' = 'UTC';";
    let both = "'sql.row-bytes' = '256'\n'table.local-time-zone' = 'UTC'\n";
    assert_eq!(answers(&format!("{set} SET")), [both]);
    assert_eq!(
        answers(&format!("{set} RESET 'sql.row-bytes'; SET; RESET; SET;")),
        ["'table.local-time-zone' = 'UTC'\n", ""]
    );
    let plan =
        answers(&format!("{tables} EXPLAIN PLAN FOR INSERT INTO a SELECT y FROM v WHERE y > 0"));
    assert!(plan[0].contains("scan 1: 1 rows of constants"), "{plan:?}");
}

#[test]
fn a_table_that_is_there_stays_if_the_statement_says_so() {
    let found = rows(
        "CREATE VIEW v AS SELECT 1; CREATE VIEW IF NOT EXISTS v AS SELECT 2;
         CREATE TABLE IF NOT EXISTS v (x INT) WITH ('connector' = 'blackhole'); SELECT * FROM v",
    );
    assert_eq!(found, [["1"]]);
}

#[test]
fn columns_that_are_not_inserted_are_null() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.csv").display().to_string();
    run(&format!(
        "CREATE TABLE out (a INT, b STRING, c DECIMAL(5, 2), d BIGINT) WITH (
           'connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv', 'csv.null-literal' = 'NULL');
         INSERT INTO out (c, a) VALUES (1.5, 7), (CAST(NULL AS INT), 8)"
    ));
    assert_eq!(std::fs::read_to_string(path).unwrap(), "7,NULL,1.50,NULL\n8,NULL,NULL,NULL\n");
}

#[test]
fn values_comments_and_names_in_quotes() {
    let found = sorted(
        "-- a comment
         /* and
            another */
         SELECT `a b` + 1 AS \"c d\", `select` FROM (VALUES (1, 'x'), (2, 'y')) AS t (`a b`, `select`) -- behind
         WHERE `a b` > 0;;",
    );
    assert_eq!(found, ["2,x", "3,y"]);
    let (shown, done) = run("VALUES (1, TRUE), (2, CAST(NULL AS BOOLEAN))");
    assert_eq!(shown, "EXPR$0,EXPR$1\n1,true\n2,\n");
    assert_eq!((done.rows_read, done.rows_written), (2, 2));
}

#[test]
fn settings_of_the_text_give_way_to_those_of_the_run() {
    let set = [("table.local-time-zone".to_owned(), "Asia/Tokyo".to_owned())];
    let text = "SET 'table.local-time-zone' = 'UTC'; SET;";
    let job = tidewire::sql::SqlJob::read(text, &set.into()).unwrap();
    assert_eq!(job.answers().unwrap(), ["'table.local-time-zone' = 'Asia/Tokyo'\n"]);
}

//! What is wrong is said at once, with its place; nothing is ignored.

use super::super::sql_rows::{error, file, tidewire_run};

/// Each of `cases`, a piece of a job and what is said of it, has to hold.
fn hold(cases: &[(&str, &str)], job: impl Fn(&str) -> String, holds: impl Fn(&str, &str) -> bool) {
    let said = |(piece, expected): &(&str, &str)| {
        let said = error(&job(piece));
        (!holds(&said, expected)).then(|| format!("{piece}\n  {said}\n  {expected}"))
    };
    let wrong: Vec<_> = cases.iter().filter_map(said).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A table of three columns over a file of this text, and its path.
fn table(lines: &str) -> (tempfile::TempDir, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "t.csv", lines);
    let table = format!(
        "CREATE TABLE prices (symbol STRING, price INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
         WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv');\n"
    );
    (folder, path, table)
}

#[test]
fn unknown_names_have_their_place_and_the_nearest() {
    let (_folder, _, table) = table("");
    let cases = [
        (
            "SELECT * FROM price",
            "line 3, column 15: there is no table price (did you mean prices?)",
        ),
        (
            "SELECT\n  prise FROM prices",
            "line 4, column 3: there is no column prise (did you mean price?)",
        ),
        ("SELECT p.price FROM prices", "line 3, column 8: there is no table p here"),
        (
            "SELECT UPER(symbol) FROM prices",
            "line 3, column 8: there is no function UPER (did you mean UPPER?)",
        ),
        ("SELECT CAST(price AS BIGNT) FROM prices", "line 3, column 22: "),
        (
            "SELECT price FROM TUMBEL(TABLE prices, DESCRIPTOR(ts), INTERVAL '1' SECOND)",
            "line 3, column 19: there is no table function TUMBEL (did you mean TUMBLE?)",
        ),
        (
            "SET 'table.local-timezone' = 'UTC'; SELECT 1",
            "line 3, column 5: there is no setting 'table.local-timezone' (did you mean table.local-time-zone?)",
        ),
        (
            "INSERT INTO prices (symbl) SELECT 'a'",
            "line 3, column 21: prices has no column symbl to write to (did you mean symbol?)",
        ),
        ("DESCRIBE price", "line 3, column 10: there is no table price (did you mean prices?)"),
        ("DROP TABLE price", "line 3, column 12: there is no table price (did you mean prices?)"),
    ];
    hold(&cases, |query| format!("{table}{query}"), |said, expected| said.starts_with(expected));
}

#[test]
fn options_and_settings_are_known_and_right() {
    let cases = [
        (
            "'connector' = 'filesytem'",
            "line 1, column 30: the option 'connector' is 'filesytem': there is no such connector (did you mean 'filesystem'?)",
        ),
        ("'path' = 'x'", "line 1, column 14: the table t has no connector"),
        (
            "'connector' = 'filesystem', 'path' = 'x', 'format' = 'csv', 'csv.hedaer' = 'true'",
            "line 1, column 90: the connector 'filesystem' knows no option 'csv.hedaer' (did you mean 'csv.header'?)",
        ),
        (
            "'connector' = 'filesystem', 'path' = 'x', 'format' = 'csv', 'csv.header' = 'maybe'",
            "line 1, column 90: the option 'csv.header' is 'maybe': true or false",
        ),
        (
            "'connector' = 'filesystem', 'path' = 'x', 'format' = 'xml'",
            "line 1, column 72: the option 'format' is 'xml': csv, json or parquet",
        ),
        (
            "'connector' = 'filesystem', 'path' = 'x', 'path' = 'y'",
            "line 1, column 72: the option 'path' is given twice",
        ),
        (
            "'connector' = 'datagen', 'number-of-rows' = 'ten'",
            "line 1, column 55: the option 'number-of-rows' is 'ten': ",
        ),
        (
            "'connector' = 'blackhole'",
            "line 1, column 30: the option 'connector' is 'blackhole': it can be written to, and not be read",
        ),
    ];
    let job = |with: &str| format!("CREATE TABLE t (n INT) WITH ({with}); SELECT * FROM t");
    hold(&cases, job, |said, expected| said.starts_with(expected));
    let wrong =
        "line 1, column 5: 'parallelism.default' is 'many' (it is how many shards, or 'inline')";
    assert_eq!(error("SET 'parallelism.default' = 'many'; SELECT 1"), wrong);
    let zone = error("SET 'table.local-time-zone' = 'Mars'; SELECT 1");
    assert!(zone.starts_with("line 1, column 5: there is no time zone 'Mars'"), "{zone}");
    let stream = error(
        "CREATE TABLE t WITH ('connector' = 'iex', 'path' = 'x', 'stream' = 'trade'); SELECT * FROM t",
    );
    assert!(stream.starts_with("line 1, column 57: the option 'stream' is 'trade'"), "{stream}");
}

#[test]
fn values_that_can_not_be_worked_out_name_their_row() {
    let (_folder, _, table) = table("a,1,2024-01-01 00:00:00\nb,0,2024-01-01 00:00:01\n");
    let divided = error(&format!("{table}SELECT 10 / price FROM prices"));
    assert_eq!(divided, "table prices, row 2: line 3, column 8: 10 / 0: a division by zero");
    let cast = error(&format!("{table}SELECT CAST(symbol AS INT) FROM prices"));
    assert!(cast.starts_with("table prices, row 1: line 3, column 13: "), "{cast}");
    let overflow = error(&format!("{table}SELECT CAST(price + 200 AS TINYINT) FROM prices"));
    assert!(overflow.starts_with("table prices, row 1: line 3, column 13: "), "{overflow}");
    let constant = error(&format!("{table}SELECT 1 / 0 FROM prices"));
    assert!(constant.contains("division by zero"), "{constant}");
}

#[test]
fn a_text_that_no_row_has_room_for_says_what_to_set() {
    let long = "x".repeat(3_000);
    let (_folder, path, table) =
        table(&format!("a,1,2024-01-01 00:00:00\n{long},2,2024-01-01 00:00:01\n"));
    let said = error(&format!("{table}SELECT symbol FROM prices"));
    assert!(said.starts_with(&format!("table prices: {path}:2, field 1: ")), "{said}");
    assert!(said.contains("sql.row-bytes"), "{said}");
    let set = "SET 'sql.row-bytes' = '3500';";
    let (shown, _) = super::super::sql_rows::run(&format!(
        "{set}{table}SELECT CHAR_LENGTH(symbol) AS n FROM prices"
    ));
    assert_eq!(shown, "n\n1\n3000\n");
}

#[test]
fn lines_that_are_not_as_they_should_be_name_their_file_and_line() {
    for (lines, place, problem) in [
        ("a,1,2024-01-01 00:00:00\nb,x,2024-01-01 00:00:01\n", ":2, field 2: ", "price"),
        (
            "a,1,2024-01-01 00:00:00\nb,2\n",
            ":2: ",
            "a row of 2 fields, where 3 are expected: symbol, price, ts",
        ),
        ("a,99999999999,2024-01-01 00:00:00\n", ":1, field 2: ", "price"),
        ("a,1,yesterday\n", ":1, field 3: ", "ts"),
    ] {
        let (_folder, path, table) = table(lines);
        let said = error(&format!("{table}SELECT * FROM prices"));
        assert!(said.starts_with(&format!("table prices: {path}{place}")), "{said}");
        assert!(said.contains(problem), "{said}");
    }
    let missing = error(
        "CREATE TABLE t (n INT) WITH ('connector' = 'filesystem', 'path' = 'no/such/file.csv', 'format' = 'csv');
         SELECT * FROM t",
    );
    assert!(missing.starts_with("table t: no/such/file.csv: "), "{missing}");
}

#[test]
fn what_is_not_supported_says_so() {
    let (_folder, _, table) = table("");
    let cases = [
        (
            "SELECT a.price FROM prices a JOIN prices b ON a.symbol = b.symbol",
            "joins are not supported",
        ),
        ("SELECT 1 FROM prices, prices b", "not supported"),
        ("SELECT symbol, SUM(price) FROM prices GROUP BY symbol", "window"),
        ("SELECT SUM(price) FROM prices", "window"),
        ("SELECT DISTINCT symbol FROM prices", "DISTINCT"),
        ("SELECT symbol FROM prices UNION SELECT symbol FROM prices", "UNION ALL is"),
        ("SELECT symbol FROM prices INTERSECT SELECT symbol FROM prices", "not supported"),
        ("SELECT symbol FROM prices ORDER BY symbol", "ordered by the time"),
        ("SELECT symbol FROM prices ORDER BY ts DESC", "ordered by the time"),
        ("SELECT symbol FROM prices LIMIT 1 OFFSET 1", "no OFFSET"),
        ("SELECT symbol FROM prices WHERE price IN (SELECT price FROM prices)", "not supported"),
        ("SELECT symbol FROM prices WHERE EXISTS (SELECT 1 FROM prices)", "not supported"),
        ("SELECT LEAD(price) OVER (PARTITION BY symbol ORDER BY ts) FROM prices", "LEAD"),
        ("SELECT ROW_NUMBER() OVER (PARTITION BY symbol ORDER BY price DESC) FROM prices", ""),
        ("WITH RECURSIVE r AS (SELECT 1) SELECT * FROM r", "not supported"),
        (
            "INSERT OVERWRITE prices SELECT 'a', 1, TIMESTAMP '2024-01-01 00:00:00'",
            "INSERT OVERWRITE is not supported",
        ),
        ("SELECT * FROM prices FOR SYSTEM_TIME AS OF ts", ""),
        ("SELECT * FROM prices TABLESAMPLE BERNOULLI (10)", ""),
        ("SELECT TOP 5 symbol FROM prices", ""),
        ("SELECT symbol FROM prices QUALIFY 1 = 1", ""),
        ("SELECT symbol FROM prices FETCH FIRST 1 ROWS ONLY", "not supported"),
        ("SELECT * EXCEPT (price) FROM prices", ""),
        ("SELECT PROCTIME() FROM prices", "PROCTIME"),
        (
            "CREATE TABLE x (n INT) PARTITIONED BY (n) WITH ('connector' = 'blackhole')",
            "PARTITIONED BY is not supported",
        ),
        ("CREATE TABLE x WITH ('connector' = 'blackhole') LIKE prices", "LIKE"),
        ("CREATE TABLE x (n INT PRIMARY KEY) WITH ('connector' = 'blackhole')", "NOT ENFORCED"),
        ("CREATE FUNCTION f AS 'x'", "expected TABLE, VIEW or TEMPORARY"),
        ("SHOW FUNCTIONS", "expected TABLES"),
        ("UPDATE prices SET price = 1", "expected CREATE"),
        ("SET 'a' = 'b' EMIT ON ARRIVAL", "EMIT stands behind a query only"),
        ("SELECT symbol FROM prices EMIT ON TUESDAY", "expected the end of the statement"),
        (
            "SELECT COUNT(*) FROM TUMBLE(TABLE prices, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '0' SECOND, 7) GROUP BY window_start, window_end",
            "",
        ),
        (
            "SELECT COUNT(*) FROM HOP(TABLE prices, DESCRIPTOR(ts), SIZE => INTERVAL '1' SECOND) GROUP BY window_start, window_end",
            "HOP needs",
        ),
        (
            "SELECT COUNT(*) FROM TUMBLE(TABLE prices, DESCRIPTOR(price), INTERVAL '1' SECOND) GROUP BY window_start, window_end",
            "price",
        ),
    ];
    let holds = |said: &str, expected: &str| said.starts_with("line ") && said.contains(expected);
    hold(&cases, |query| format!("{table}{query}"), holds);
}

#[test]
fn rows_that_do_not_fit_a_table_are_refused() {
    let sink = "CREATE TABLE sink (n INT NOT NULL, s VARCHAR(3)) WITH ('connector' = 'blackhole');";
    let cases = [
        ("INSERT INTO sink SELECT 1", "the query has 1 columns, and sink takes 2"),
        ("INSERT INTO sink (s) SELECT 'a'", "column n of sink is NOT NULL"),
        ("INSERT INTO sink SELECT TRUE, 'a'", "column n of sink"),
        ("INSERT INTO sink (n, n) SELECT 1, 2", "the column n is given twice"),
    ];
    let holds =
        |said: &str, expected: &str| said.starts_with("line 2, column ") && said.contains(expected);
    hold(&cases, |insert| format!("{sink}\n{insert}"), holds);
    let null = error(&format!(
        "{sink} INSERT INTO sink SELECT x, 'a' FROM (VALUES (1), (CAST(NULL AS INT))) AS t (x)"
    ));
    assert!(null.contains("NOT NULL"), "{null}");
}

#[test]
fn a_job_is_one_whole() {
    let (_folder, _, table) = table("");
    let settings = error(&format!("{table}SELECT 1; SET 'table.local-time-zone' = 'Asia/Tokyo'"));
    assert!(
        settings.starts_with("line 3, column 15: settings stand before the first query"),
        "{settings}"
    );
    let dropped = error(&format!("{table}SELECT symbol FROM prices; DROP TABLE prices"));
    assert!(
        dropped.starts_with("line 3, column 39: a query before this reads or writes prices"),
        "{dropped}"
    );
    let names = error(&format!("{table}CREATE VIEW v (a, b) AS SELECT symbol FROM prices"));
    assert_eq!(names, "line 3, column 16: 2 names for 1 columns");
}

#[test]
fn the_piece_is_shown_in_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let job = file(folder.path(), "job.sql", "SELECT\n  LENGHT('a') AS n;\n");
    let (is_well, said) = tidewire_run(&[&job]);
    assert!(!is_well);
    let expected = "job.sql:2:3: there is no function LENGHT\n  |\n2 |   LENGHT('a') AS n;\n  |   ^^^^^^^^^^\n  = did you mean LENGTH?\n";
    assert!(said.ends_with(expected), "{said}");
}

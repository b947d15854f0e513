//! Statements, and errors where they stand.

use tidewire_event::DataType;

use super::*;

fn one(text: &str) -> StatementKind {
    let mut statements =
        parse(text).unwrap_or_else(|error| panic!("{}", error.with_text("test", text)));
    assert_eq!(statements.len(), 1);
    statements.remove(0).kind
}

fn error(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn a_table_with_all_that_it_may_have() {
    let StatementKind::CreateTable(table) = one(
        "CREATE TABLE IF NOT EXISTS t (
           `a b` STRING NOT NULL COMMENT 'x', -- a comment
           amount DECIMAL(12, 2), ts TIMESTAMP_LTZ(3), r ROW<x INT, y ARRAY<STRING>>, m MAP<STRING, BIGINT>,
           twice AS amount * 2, offs BIGINT METADATA FROM 'offset' VIRTUAL,
           WATERMARK FOR ts AS ts - INTERVAL '5' MINUTE,
           PRIMARY KEY (`a b`) NOT ENFORCED
         ) WITH ('connector' = 'filesystem', 'path' = 'a;b');",
    ) else {
        panic!()
    };
    assert_eq!((table.columns.len(), table.options.len(), table.primary_key.len()), (7, 2, 1));
    assert_eq!(table.options[1].value, "a;b");
    assert!(table.watermark.is_some() && table.if_not_exists);
    assert!(matches!(
        &table.columns[0].kind,
        ColumnKind::Physical { ty: DataType::String, not_null: true }
    ));
    let ColumnKind::Physical { ty, .. } = &table.columns[3].kind else { panic!() };
    assert_eq!(ty.to_string(), "ROW<x INT, y ARRAY<STRING>>");
}

#[test]
fn queries_have_window_functions_of_tables() {
    for query in [
        "SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' MINUTE))",
        "SELECT * FROM TABLE(TUMBLE(DATA => TABLE t, TIMECOL => DESCRIPTOR(ts), SIZE => INTERVAL '5' MINUTE))",
        "SELECT * FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '5' MINUTE))",
        "SELECT * FROM TABLE(SESSION(TABLE t PARTITION BY (k, l), DESCRIPTOR(ts), INTERVAL '5' MINUTE))",
        "SELECT * FROM TABLE(SESSION(TABLE t PARTITION BY k, l, DESCRIPTOR(ts), INTERVAL '5' MINUTE))",
        "SELECT * FROM TUMBLE(t, ts, INTERVAL '5' MINUTE)",
        "SELECT k, TUMBLE_START(ts, INTERVAL '1' HOUR) FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' HOUR) EMIT ON ARRIVAL",
        "SELECT SUM(x) FILTER (WHERE y > 1), COUNT(DISTINCT z) FROM t GROUP BY GROUPING SETS ((a), (b), ())",
        "SELECT SUM(x) OVER (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '5' MINUTE PRECEDING AND CURRENT ROW) FROM t",
        "SELECT SUM(x) OVER w FROM t WINDOW w AS (PARTITION BY k ORDER BY ts ROWS BETWEEN 5 PRECEDING AND CURRENT ROW)",
        "SELECT CAST(a AS TIMESTAMP_LTZ(3)), TRY_CAST(b AS ROW<x INT>), MAP['a', 1], ARRAY[1, 2][1], r.x.y, TIMESTAMP '2020-01-01 00:00:00' FROM t",
        "WITH a AS (SELECT 1) SELECT * FROM a UNION ALL SELECT * FROM (VALUES (1), (2)) AS v(x)",
        "SELECT EXTRACT(DAY FROM ts), FLOOR(ts TO HOUR), POSITION('a' IN b), TRIM(BOTH ' ' FROM c), TIMESTAMPADD(DAY, 1, ts) FROM t",
        "SELECT tumble(interval '1 second') FROM t GROUP BY tumble(interval '1 second'), k",
    ] {
        assert!(matches!(one(query), StatementKind::Select(_)), "{query}");
    }
}

#[test]
fn statements_of_all_kinds() {
    let text = "SET 'a' = 'b'; SET; RESET 'a'; RESET; SHOW TABLES; DESCRIBE t; DESC t; DROP TABLE IF EXISTS t;
        DROP TEMPORARY VIEW v; CREATE TEMPORARY VIEW v (a, b) AS SELECT 1, 2;
        EXECUTE STATEMENT SET BEGIN INSERT INTO t SELECT 1; INSERT INTO u (a, b) VALUES (1, 2); END;
        BEGIN STATEMENT SET; INSERT INTO t (SELECT 1); END; EXPLAIN PLAN FOR SELECT 1; /* all */ VALUES (1);;";
    assert_eq!(parse(text).unwrap().len(), 15);
    let StatementKind::Select(query) = one("SELECT 1 FROM t EMIT ON ARRIVAL") else { panic!() };
    assert_eq!(query.emit, Emit::OnArrival);
}

#[test]
fn errors_say_where_and_what() {
    assert_eq!(
        error("SELECT a FROM t;\n  SELEC b"),
        "line 2, column 3: expected CREATE, INSERT, SELECT, WITH, VALUES, EXPLAIN, SHOW, DESCRIBE, DROP, SET or RESET, found SELEC"
    );
    assert_eq!(
        error("CREATE TABLE t (a STRNG) WITH ('connector' = 'print')"),
        "line 1, column 19: there is no type STRNG (did you mean STRING?)"
    );
    assert_eq!(
        error("CREATE TABLE t (a INT)"),
        "line 1, column 23: expected WITH (the table's connector and its options), found the end of the statement"
    );
    assert_eq!(
        error(
            "CREATE TABLE t (a INT PRIMARY KEY NOT ENFORCED, PRIMARY KEY (a) NOT ENFORCED) WITH ('connector' = 'print')"
        ),
        "line 1, column 49: a table has one primary key (PRIMARY KEY (a, b) NOT ENFORCED has several columns)"
    );
    assert_eq!(error("SELECT 'abc"), "line 1, column 8: Unterminated string literal");
    assert!(
        error("SELECT a FROM t WHERE").starts_with("line 1, column "),
        "{}",
        error("SELECT a FROM t WHERE")
    );
    let deep = format!("SELECT {}1{}", "(".repeat(500), ")".repeat(500));
    assert!(error(&deep).contains("nested more than 64 deep"), "{}", error(&deep));
}

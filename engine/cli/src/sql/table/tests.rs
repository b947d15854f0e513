//! A typed pipeline between two tables.

use std::fs;
use std::path::Path;

use super::*;
use crate::aggregates::sum;
use crate::prelude::*;
use tidewire_runtime::JobError;

#[derive(Clone, Copy)]
struct Purchase {
    user: i64,
    cents: i64,
}

fn table(name: &str, path: &Path, more: &str) -> String {
    let path = path.display();
    format!(
        "CREATE TABLE {name} (user_id BIGINT, amount DECIMAL(12, 2), at INT, note STRING) WITH (
           'connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv'{more})"
    )
}

fn purchase(row: &Cells<'_>) -> Result<Stamped<Purchase>, ColumnError> {
    let purchase = Purchase { user: row.int(0)?, cents: row.int(1)? };
    Ok(Stamped::new(row.int(2)? * SECOND, purchase))
}

type Spent = WindowRow<i64, Option<i128>>;

/// Sums of ten seconds for each user; the result, and what is written.
fn run(
    input: &str,
    options: &Options,
    event: fn(&Cells<'_>) -> Result<Stamped<Purchase>, ColumnError>,
    write: fn(&Spent, &mut CellsOut<'_>) -> Result<(), ColumnError>,
) -> (Result<(u64, u64), JobError<TableSourceError, TableSinkError>>, String) {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("in.csv"), folder.path().join("out"));
    fs::write(&from, input).unwrap();
    let purchases = Table::read(&table("purchases", &from, "")).unwrap();
    let spent = Table::read(&table("spent", &to, "")).unwrap();
    let sink = spent.sink(options, |a: &Spent, b| a.key.cmp(&b.key), write).unwrap();
    let done = purchases
        .stream(options, event)
        .unwrap()
        .watermark(Monotonic::new)
        .key_by(|purchase: &Purchase| purchase.user)
        .window(Tumbling::new(10 * SECOND).unwrap())
        .aggregate(sum(|purchase: &Purchase| purchase.cents))
        .run(sink, options, &mut Silent);
    let written = fs::read_dir(&to).into_iter().flatten();
    let written = written.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    (done.map(|done| (done.sink.written(), done.sink.late())), written)
}

fn all_columns(spent: &Spent, row: &mut CellsOut<'_>) -> Result<(), ColumnError> {
    row.int(0, spent.key)?;
    row.wide(1, spent.value.unwrap_or_default())?;
    row.int(2, spent.window.start / SECOND)?;
    if spent.key == 7 { row.null(3) } else { row.text(3, "other") }
}

#[test]
fn rows_become_events_and_results_rows() {
    let input = "7,2.50,1,x\n9,1.00,2,\n7,0.50,3,y\n7,4.00,12,\n9,1.00,3,\n";
    let (counts, written) = run(input, &Options::default(), purchase, all_columns);
    assert_eq!(counts.unwrap(), (3, 1));
    assert_eq!(written, "7,3.00,0,\n9,1.00,0,other\n7,4.00,10,\n");
}

#[test]
fn a_column_that_is_something_else_ends_the_run_with_its_name_and_row() {
    let fails = |input: &str, event, write| {
        run(input, &Options::default(), event, write).0.unwrap_err().to_string()
    };
    let error = fails("7,2.50,1,x\n,1.00,2,\n", purchase, all_columns);
    assert!(error.contains("table purchases, row 2: column 'user_id' is NULL"), "{error}");
    let error = fails(
        "7,2.50,1,x\n",
        |row| Ok(Stamped::new(row.int(3)?, Purchase { user: 0, cents: 0 })),
        all_columns,
    );
    assert!(error.contains("row 1: column 'note' is STRING, and not a number"), "{error}");
    let error = fails(
        "7,2.50,1,x\n",
        |row| Ok(Stamped::new(row.int(4)?, Purchase { user: 0, cents: 0 })),
        all_columns,
    );
    assert!(error.contains("there is no column 4: the table has 4, from 0"), "{error}");
    let error = fails("7,2.50,1,x\n", purchase, |_, row| row.int(2, 1 << 31));
    assert!(
        error.contains("table spent, row 1: column 'at': 2147483648 is outside the range of INT"),
        "{error}"
    );
    let error = fails("7,2.50,1,x\n", purchase, |_, row| row.text(3, &"x".repeat(65)));
    assert!(error.contains("column 'note': a text of 65 bytes"), "{error}");
}

#[test]
fn a_text_is_one_table_whose_options_are_checked() {
    let fails = |text: &str| Table::read(text).unwrap_err().to_string();
    let path = Path::new("nowhere.csv");
    let one = table("a", path, "");
    assert!(fails("SELECT 1").contains("is to be one CREATE TABLE, and does more"));
    assert!(fails(&format!("{one}; {}", table("b", path, ""))).contains("creates [\"a\", \"b\"]"));
    let computed = one.replacen("note STRING", "twice AS user_id * 2", 1);
    assert!(fails(&computed).contains("the column twice is computed"));
    let misspelt = Table::read(&table("a", path, ", 'formt' = 'x'")).unwrap();
    let error = misspelt.stream(&Options::default(), purchase).err().unwrap().to_string();
    assert!(error.contains("formt"), "{error}");
}

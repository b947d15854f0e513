//! Random valid queries over small random tables: their rows are those of a naive model, on any number of shards.
//!
//! A seed is a table and a query; a failure tells it, and `TIDEWIRE_SEED` runs it alone.

mod data;
mod expr;
mod over;
mod window;

use std::fs;

use tidewire::runtime::{Options, Threads};
use tidewire_tests::dice::Dice;

use self::data::Table;
use crate::flink::judge::rows_of;

/// Makes a query, and the rows that it must give.
type Make = fn(&mut Dice, &Table) -> (String, Vec<String>);

fn projection(dice: &mut Dice, table: &Table) -> (String, Vec<String>) {
    let made: Vec<_> = (0..1 + dice.below(4)).map(|_| expr::any(dice)).collect();
    let filter = (dice.below(2) == 0).then(|| expr::condition(dice));
    let rows = table.rows.iter();
    let rows = rows.filter(|row| filter.as_ref().is_none_or(|filter| filter.holds(row)));
    let rows = rows.map(|row| {
        let cells = made.iter().map(|made| made.of(row).shown());
        [row.values[0].shown()].into_iter().chain(cells).collect::<Vec<_>>().join(",")
    });
    let named: Vec<_> =
        made.iter().enumerate().map(|(n, made)| format!("{} AS c{n}", made.sql)).collect();
    let condition = filter.as_ref().map_or(String::new(), |it| format!(" WHERE {}", it.sql));
    (format!("SELECT id, {} FROM t{condition}", named.join(", ")), rows.collect())
}

/// The difference between a query's rows and the model's.
fn differs(seed: u64, make: Make) -> Result<(), String> {
    let mut dice = Dice::new(seed);
    let table = Table::new(&mut dice);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    fs::write(&path, table.csv()).unwrap();
    expr::take_fault();
    let (query, mut expected) = make(&mut dice, &table);
    let may_fail = expr::take_fault();
    expected.sort();
    let text = table.declared(&path.display().to_string()) + &query;
    let shards = 1 + dice.below(3) as usize;
    for threads in [Threads::Inline, Threads::Shards(shards)] {
        let options = Options { threads, ..Options::default() };
        let told = |what: &str| {
            format!(
                "TIDEWIRE_SEED={seed}, inline and {shards} shards: {what}\n{text}\n{}",
                table.csv()
            )
        };
        let found = match rows_of(&text, &options) {
            _ if may_fail => continue,
            // A constant without a value is an error, also where no row needs it.
            Err(error) if is_of_constant(&error) => continue,
            found => found.map_err(|error| told(&error))?,
        };
        let (head, found) = found.split_first().ok_or_else(|| told("no columns"))?;
        if *found != expected {
            let missing: Vec<_> =
                expected.iter().filter(|row| !found.contains(row)).take(4).collect();
            let added: Vec<_> =
                found.iter().filter(|row| !expected.contains(row)).take(4).collect();
            return Err(told(&format!(
                "{} rows of {head}, where there should be {}\nmissing {missing:#?}\nadded {added:#?}",
                found.len(),
                expected.len(),
            )));
        }
    }
    Ok(())
}

fn is_of_constant(error: &str) -> bool {
    !error.contains(", row ")
        && (error.contains("does not fit") || error.contains("does not become"))
}

fn judge(cases: u64, make: Make) {
    let only = std::env::var("TIDEWIRE_SEED").ok().and_then(|seed| seed.parse().ok());
    let cases =
        std::env::var("PROPTEST_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(cases);
    let seeds = only.map_or(0..cases, |seed: u64| seed..seed + 1);
    let failures: Vec<_> = seeds.filter_map(|seed| differs(seed, make).err()).collect();
    assert!(failures.is_empty(), "{} fail, the first: {}", failures.len(), failures[0]);
}

#[test]
fn expressions_are_those_of_the_model() {
    judge(300, projection);
}

#[test]
fn windows_are_those_of_the_model() {
    judge(200, window::query);
}

#[test]
fn rows_over_others_are_those_of_the_model() {
    judge(150, over::query);
}

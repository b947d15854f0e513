//! What a second output costs: written by the sink itself, and by a thread of its own behind a queue; with a writer that only
//! counts, and with one that makes lines of CSV.
//!
//! `cargo run --release -p tidewire-bench --bin sinks`
#![allow(clippy::expect_used)]

use std::io;

use clap::Parser;
use tidewire::prelude::*;
use tidewire::sql::{Columns, SqlJob, TableError, TableWriter};
use tidewire_bench::Comparison;
use tidewire_connect::tables::show;

#[derive(Parser)]
struct Arguments {
    /// Rows of each run.
    #[arg(long, default_value_t = 3_000_000)]
    rows: u64,
    /// Measured rounds.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// Counts rows, and gives them to another writer if there is one.
struct Through {
    writer: Option<Box<dyn TableWriter>>,
    rows: u64,
    /// Outputs of one stream are written by the sink.
    stream: Option<&'static str>,
}

impl TableWriter for Through {
    fn stream(&self) -> Option<&'static str> {
        self.stream
    }

    fn row(&mut self, row: &[u8]) -> Result<(), TableError> {
        self.rows += 1;
        self.writer.as_mut().map_or(Ok(()), |writer| writer.row(row))
    }

    fn prepare(&mut self, _: u64) -> Result<Option<Vec<u8>>, TableError> {
        Ok(None)
    }

    fn commit(&mut self, _: u64) -> Result<(), TableError> {
        Ok(())
    }

    fn restore(&mut self, _: &[u8]) -> Result<(), TableError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), TableError> {
        std::hint::black_box(self.rows);
        self.writer.as_mut().map_or(Ok(()), |writer| writer.finish())
    }
}

/// Runs a job of so many outputs, and says how many rows it has read.
fn run(rows: u64, outputs: usize, is_csv: bool, is_apart: bool) -> u64 {
    let query = "SELECT n, n * 3 AS thrice, CAST(n AS DECIMAL(18, 2)) AS price FROM numbers;";
    let text = format!(
        "CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '{rows}',
           'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '{rows}');
         {}",
        query.repeat(outputs)
    );
    let job = SqlJob::read(&text, &Default::default()).expect("the text is right");
    let shown = |columns: &Columns| -> Box<dyn TableWriter> {
        let writer = is_csv.then(|| show::csv(io::sink(), columns));
        Box::new(Through { writer, rows: 0, stream: (!is_apart).then_some("nowhere") })
    };
    let options = Options { threads: Threads::Inline, ..Options::default() };
    let done = job.run_shown(shown, &options, &mut Silent).expect("it runs to its end");
    assert_eq!(done.rows_written, rows * outputs as u64);
    done.rows_read
}

fn main() {
    let Arguments { rows, rounds } = Arguments::parse();
    for (name, is_csv) in [("writers that count", false), ("writers of CSV", true)] {
        Comparison::new(format!("sinks, {name}"), rows)
            .contestant("one output", || run(rows, 1, is_csv, false))
            .contestant("two, by the sink", || run(rows, 2, is_csv, false))
            .contestant("two, each by its own thread", || run(rows, 2, is_csv, true))
            .run(rounds);
    }
}

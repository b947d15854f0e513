//! The jobs as text.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tidewire::event::{RowWriter, Slot};
use tidewire::prelude::*;
use tidewire::sql::{Columns, Read, SqlJob, TableError, TableReader, TableWriter};

use super::input::{Checksum, Event};

/// What the events of all jobs are. A watermark says that no event of its time is to come, and here many are of one
/// millisecond: so it is one behind.
const EVENTS: &str =
    "CREATE TABLE events (k BIGINT, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '0.001' SECOND)
    WITH ('connector' = 'datagen');";

pub(crate) const FILTER: &str = "SELECT k, v * 2 + 1 AS v, ts FROM events WHERE v >= 64";

pub(crate) const TUMBLING: &str = "SELECT k, window_end, SUM(v) AS total, COUNT(*) AS n FROM
    TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY k, window_start, window_end";

pub(crate) const HOP: &str = "SELECT k, window_end, SUM(v) AS total, COUNT(*) AS n FROM
    TABLE(HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '10' SECOND))
    GROUP BY k, window_start, window_end";

pub(crate) const ROLLING: &str = "SELECT k, ts, SUM(v) OVER (PARTITION BY k ORDER BY ts
    RANGE BETWEEN INTERVAL '5' MINUTE PRECEDING AND CURRENT ROW) AS total FROM events";

/// Writes events as rows.
struct Reader {
    input: Arc<[Event]>,
    next: usize,
    columns: Columns,
    slots: [Slot; 3],
}

/// The slot of a column.
fn slot(columns: &Columns, name: &str) -> Option<Slot> {
    let at = columns.columns.iter().position(|column| column.field.name == name)?;
    columns.layout.slots().get(at).copied()
}

impl TableReader for Reader {
    fn read(&mut self, row: &mut [u8]) -> Result<Read, TableError> {
        let Some(Event { k, v, ts }) = self.input.get(self.next) else { return Ok(Read::End) };
        self.next += 1;
        let [of_k, of_v, of_ts] = &self.slots;
        let mut writer = RowWriter::on_zeros(row, &self.columns.layout);
        writer.int(of_k, k.to_native() as i64);
        writer.int(of_v, v.to_native());
        writer.int(of_ts, ts.to_native());
        Ok(Read::Row { received: None, partition: 0 })
    }
}

/// Sums up the rows: their key, their time, their value, and how many there are of it.
struct Summed {
    sum: Checksum,
    slots: [Option<Slot>; 4],
    result: Arc<AtomicU64>,
}

impl TableWriter for Summed {
    fn row(&mut self, row: &[u8]) -> Result<(), TableError> {
        let [key, time, value, count] = self.slots.map(|slot| slot.map_or(1, |slot| slot.int(row)));
        self.sum.take(key as u64, time, value, count);
        Ok(())
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
        self.result.store(self.sum.0, Relaxed);
        Ok(())
    }
}

/// Runs a query over `input`, and gives the checksum of its rows.
pub(crate) fn run(query: &str, input: &Arc<[Event]>) -> u64 {
    let text = format!("{EVENTS} {query}");
    let job = SqlJob::read(&text, &Default::default()).expect("the text is right");
    let input = Arc::clone(input);
    let job = job.with_readers("events", move |columns| {
        let slots = ["k", "v", "ts"].map(|name| slot(columns, name).expect("all are used"));
        let (input, columns) = (Arc::clone(&input), columns.clone());
        Ok(vec![Box::new(Reader { input, next: 0, columns, slots })])
    });
    let result = Arc::new(AtomicU64::new(0));
    let shown = |columns: &Columns| -> Box<dyn TableWriter> {
        let any = |names: &[&str]| names.iter().find_map(|name| slot(columns, name));
        let slots = [any(&["k"]), any(&["window_end", "ts"]), any(&["total", "v"]), any(&["n"])];
        Box::new(Summed { sum: Checksum::default(), slots, result: Arc::clone(&result) })
    };
    let options = Options { threads: Threads::Inline, ..Options::default() };
    let done = job.expect("there is the table").run_shown(shown, &options, &mut Silent);
    done.expect("it runs to its end");
    result.load(Relaxed)
}

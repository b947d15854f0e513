//! The page as blocks: a job, its events, its results.
//!
//! 1. A line that begins with `**Job:**` begins a block. A table whose first column is `event` or `after` belongs to one.
//! 2. A plain number is in seconds. `8 - 1 ns` is the nanosecond before 8 s; `none` and `the end` are the least and the
//!    greatest time there is.
//! 3. Cells are compared as what they say: times as times, numbers as numbers.

use std::fmt::Write as _;

use tidewire_event::time::{DAY, HOUR, MILLISECOND, MINUTE, SECOND};

use super::run::Event;

const JOB: &str = "**Job:**";

/// What is wrong with the page, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) line: usize,
    pub(super) what: String,
}

/// A job with its events and results.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) line: usize,
    pub(super) words: String,
    pub(super) arrivals: Vec<Arrival>,
    results: Option<Results>,
}

/// A line of a table of events. What has no time is no event: the clock is read then, and nothing comes.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub(super) source: usize,
    pub(super) partition: u32,
    pub(super) received: Option<i64>,
    pub(super) event: Option<(i64, Event)>,
    /// The watermark before it, where the table says it, and the line that does.
    watermark: Option<(i64, usize)>,
}

#[derive(Debug)]
struct Results {
    line: usize,
    columns: Vec<String>,
    rows: Vec<(usize, Vec<String>)>,
}

/// What a job did.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The watermark before each arrival, and at the end.
    pub(super) watermarks: Vec<i64>,
    pub(super) rows: Vec<FoundRow>,
}

/// A result or a late event.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(super) struct FoundRow {
    /// How many events had come.
    pub(super) after: usize,
    pub(super) result: &'static str,
    pub(super) window: Option<(i64, i64)>,
    pub(super) time: Option<i64>,
    pub(super) key: Option<u8>,
    pub(super) value: String,
}

/// A table, with the lines of its rows.
struct Table {
    line: usize,
    columns: Vec<String>,
    rows: Vec<(usize, Vec<String>)>,
}

fn wrong<T>(line: usize, what: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { line, what: what.into() })
}

/// All blocks of a page.
pub(super) fn blocks(page: &str) -> Result<Vec<Block>, Wrong> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = page.lines().zip(1_usize..).peekable();
    while let Some((text, line)) = lines.next() {
        if let Some(words) = text.strip_prefix(JOB) {
            let words = words.trim().strip_prefix('`').and_then(|it| it.strip_suffix('`'));
            let Some(words) = words else { return wrong(line, "a job is one code span") };
            let (words, arrivals) = (words.to_owned(), Vec::new());
            blocks.push(Block { line, words, arrivals, results: None });
            continue;
        }
        if !text.starts_with('|') {
            continue;
        }
        let mut table = Table { line, columns: cells(text), rows: Vec::new() };
        while let Some((text, line)) = lines.next_if(|(text, _)| text.starts_with('|')) {
            table.rows.push((line, cells(text)));
        }
        let first = table.columns.first().map_or("", String::as_str);
        if first != "event" && first != "after" {
            continue;
        }
        if !table.rows.first().is_some_and(|(_, row)| row.iter().all(|it| it == "---")) {
            return wrong(line, "a table has a line of --- under its columns");
        }
        table.rows.remove(0);
        if let Some((line, row)) = table.rows.iter().find(|it| it.1.len() != table.columns.len()) {
            return wrong(*line, format!("{} cells of {}", row.len(), table.columns.len()));
        }
        let Some(block) = blocks.last_mut() else { return wrong(line, "a table without a job") };
        match first {
            "event" if block.arrivals.is_empty() && block.results.is_none() => {
                block.arrivals = arrivals(&table)?;
            }
            "after" if block.results.is_none() && !block.arrivals.is_empty() => {
                block.results = Some(results(table, block.arrivals.len())?);
            }
            _ => return wrong(line, "a job has one table of events, then one of results"),
        }
    }
    for block in &blocks {
        let checks = block.arrivals.iter().any(|it| it.watermark.is_some());
        if block.arrivals.is_empty() || (block.results.is_none() && !checks) {
            return wrong(block.line, "a job without a table of events, or of results");
        }
    }
    Ok(blocks)
}

fn cells(line: &str) -> Vec<String> {
    let line = line.trim().trim_start_matches('|').trim_end_matches('|');
    line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
}

fn arrivals(table: &Table) -> Result<Vec<Arrival>, Wrong> {
    const COLUMNS: [&str; 9] = [
        "event",
        "source",
        "partition",
        "received",
        "time",
        "key",
        "value",
        "quantity",
        "watermark",
    ];
    if let Some(column) = table.columns.iter().find(|it| !COLUMNS.contains(&it.as_str())) {
        return wrong(table.line, format!("no column of events is called {column:?}"));
    }
    if !table.columns.iter().any(|it| it == "time") {
        return wrong(table.line, "events have a column of times");
    }
    let mut arrivals = Vec::new();
    for (at, (line, row)) in table.rows.iter().enumerate() {
        arrivals.push(arrival(&table.columns, row, at + 1, *line)?);
    }
    Ok(arrivals)
}

fn arrival(
    columns: &[String],
    row: &[String],
    number: usize,
    line: usize,
) -> Result<Arrival, Wrong> {
    let cell = |name: &str| columns.iter().position(|it| it == name).map(|at| row[at].as_str());
    let says = |what: &str| Wrong { line, what: what.to_owned() };
    let is_end = cell("event") == Some("end");
    if cell("event") != Some(&number.to_string()) && !is_end {
        return wrong(line, format!("this is event {number}"));
    }
    let time = |name: &str| match cell(name) {
        None | Some("-" | "") => Ok(None),
        Some(cell) => time(cell).map(Some).ok_or_else(|| says(&format!("{cell:?} is no time"))),
    };
    let whole = |name: &str| match cell(name) {
        None | Some("-" | "") => Ok(0),
        Some(cell) => cell.parse::<u32>().map_err(|_| says(&format!("{cell:?} is no number"))),
    };
    let mut event = Event::default();
    match cell("key").map(str::as_bytes) {
        None => event.key = b'A',
        Some(b"NULL" | b"-" | b"") => {}
        Some(&[key]) if key.is_ascii_uppercase() => event.key = key,
        Some(_) => return wrong(line, "a key is a letter from A to Z, or NULL"),
    }
    for (name, is_price) in [("value", true), ("quantity", false)] {
        match cell(name) {
            None | Some("NULL" | "-" | "") => {}
            Some(cell) if is_price => {
                event.set_value(cell).ok_or_else(|| says(&format!("{cell:?} is no value")))?;
            }
            Some(cell) => {
                let quantity = cell.parse().map_err(|_| says("no quantity"))?;
                event.set_quantity(quantity);
            }
        }
    }
    let ts = time("time")?;
    if is_end && ts.is_some() {
        return wrong(line, "the end of the input has no time");
    }
    Ok(Arrival {
        source: whole("source")?.saturating_sub(1) as usize,
        partition: whole("partition")?.saturating_sub(1),
        received: time("received")?,
        event: ts.map(|ts| (ts, event)),
        watermark: time("watermark")?.map(|watermark| (watermark, line)),
    })
    .map(|arrival| if is_end { Arrival { source: usize::MAX, ..arrival } } else { arrival })
}

impl Arrival {
    /// Whether it is the end of the input, which has a line only to say the watermark.
    pub(super) fn is_end(&self) -> bool {
        self.source == usize::MAX
    }
}

fn results(table: Table, events: usize) -> Result<Results, Wrong> {
    const COLUMNS: [&str; 7] = ["after", "result", "start", "end", "time", "key", "value"];
    const KINDS: [&str; 5] = ["complete", "early", "corrected", "at once", "late"];
    if let Some(column) = table.columns.iter().find(|it| !COLUMNS.contains(&it.as_str())) {
        return wrong(table.line, format!("no column of results is called {column:?}"));
    }
    for (line, row) in &table.rows {
        for (column, cell) in table.columns.iter().zip(row) {
            let is_read = match column.as_str() {
                "after" => cell == "end" || cell.parse().is_ok_and(|it| (1..=events).contains(&it)),
                "result" => KINDS.contains(&cell.as_str()),
                "start" | "end" | "time" => cell == "-" || time(cell).is_some(),
                _ => true,
            };
            if !is_read {
                return wrong(*line, format!("{cell:?} can not stand under {column:?}"));
            }
        }
    }
    Ok(Results { line: table.line, columns: table.columns, rows: table.rows })
}

impl Block {
    /// Where what a job did is not what the page says.
    pub(super) fn compare(&self, found: &Found) -> Vec<Wrong> {
        let mut all = Vec::new();
        for (arrival, found) in self.arrivals.iter().zip(&found.watermarks) {
            if let Some((said, line)) = arrival.watermark
                && said != *found
            {
                all.push(Wrong { line, what: format!("the watermark is {}", shown(*found)) });
            }
        }
        let Some(results) = &self.results else { return all };
        let is_same = |said: &(usize, Vec<String>), found: &FoundRow| {
            let cells = found.cells(&results.columns, self.arrivals.len());
            said.1.iter().zip(&cells).all(|(said, found)| is_alike(said, found))
        };
        let at = results.rows.iter().zip(&found.rows).take_while(|it| is_same(it.0, it.1)).count();
        if at < results.rows.len().max(found.rows.len()) {
            let line = results.rows.get(at).map_or(results.line, |row| row.0);
            let mut what = format!("result {} is another; the job gives", at + 1);
            for row in &found.rows {
                let cells = row.cells(&results.columns, self.arrivals.len());
                let _ = write!(what, "\n| {} |", cells.join(" | "));
            }
            all.push(Wrong { line, what });
        }
        all
    }
}

impl FoundRow {
    fn cells(&self, columns: &[String], events: usize) -> Vec<String> {
        let cell = |column: &String| match column.as_str() {
            "after" if self.after > events => "end".to_owned(),
            "after" => self.after.to_string(),
            "result" => self.result.to_owned(),
            "start" => self.window.map_or("-".to_owned(), |window| shown(window.0)),
            "end" => self.window.map_or("-".to_owned(), |window| shown(window.1)),
            "time" => self.time.map_or("-".to_owned(), shown),
            "key" => self.key.map_or("NULL".to_owned(), |key| char::from(key).to_string()),
            _ => self.value.clone(),
        };
        columns.iter().map(cell).collect()
    }
}

fn is_alike(said: &str, found: &str) -> bool {
    let times = time(said).zip(time(found)).is_some_and(|(said, found)| said == found);
    let numbers = said.parse::<f64>().ok().zip(found.parse::<f64>().ok());
    let numbers = said.parse::<i128>().is_err()
        && numbers.is_some_and(|(said, found)| (said - found).abs() <= 1e-12 * said.abs());
    said == found || times || numbers
}

/// A length of time or a time.
pub(super) fn time(cell: &str) -> Option<i64> {
    match cell {
        "none" => return Some(i64::MIN),
        "the end" => return Some(i64::MAX),
        _ => {}
    }
    for (sign, by) in [(" - ", -1), (" + ", 1)] {
        if let Some((time, ns)) = cell.split_once(sign) {
            let ns: i64 = ns.strip_suffix(" ns")?.parse().ok()?;
            return self::time(time)?.checked_add(by * ns);
        }
    }
    let units = [("ns", 1), ("ms", MILLISECOND), ("s", SECOND), ("min", MINUTE), ("h", HOUR)];
    let (number, unit) = cell.split_once(' ').unwrap_or((cell, "s"));
    let unit = units.into_iter().chain([("d", DAY)]).find(|it| it.0 == unit)?.1;
    match number.split_once('.') {
        None => number.parse::<i64>().ok()?.checked_mul(unit),
        Some((whole, tenths)) if tenths.len() == 1 => {
            let tenths: i64 = format!("{whole}{tenths}").parse().ok()?;
            tenths.checked_mul(unit / 10)
        }
        Some(_) => None,
    }
}

fn shown(time: i64) -> String {
    match (time, time % SECOND) {
        (i64::MIN, _) => "none".to_owned(),
        (i64::MAX, _) => "the end".to_owned(),
        (_, 0) => (time / SECOND).to_string(),
        _ if (time + 1) % SECOND == 0 => format!("{} - 1 ns", (time + 1) / SECOND),
        _ if (time - 1) % SECOND == 0 => format!("{} + 1 ns", (time - 1) / SECOND),
        (_, part) if part % (SECOND / 10) == 0 => format!("{:.1}", time as f64 / SECOND as f64),
        _ => format!("{time} ns"),
    }
}

//! `--report DIR`: what a run was, and how long its events took.
//!
//! `report.json` (the run), `plan.txt` (of a SQL job), `latency.hgrm` and `latency-result.hgrm` (percentiles, for HdrHistogram's plotter),
//! `latency.hlog` (a histogram for each second), `latency.svg` and `latency.png` (the percentile curves).

mod hgrm;
mod host;
mod plot;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriter, IntervalLogWriterBuilder, Tag};
use serde::Serialize;
use tidewire::sql::Seen;
use tidewire_runtime::clock::time_of_day;
use tidewire_runtime::latency::Span;
use tidewire_runtime::{Note, Observer, Progress};

pub(crate) use host::{Host, commit};

use crate::terminal::Bar;

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReportError {
    #[error("can not write the report to {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("can not draw {}: {reason}", path.display())]
    Plot { path: PathBuf, reason: String },
}

/// The percentiles that reports name.
pub(crate) const PERCENTILES: [(&str, f64); 6] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999), ("max", 1.0)];

/// `report.json`.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'a> {
    pub(crate) tidewire: &'static str,
    pub(crate) commit: Option<String>,
    pub(crate) host: Host,
    pub(crate) options: Options<'a>,
    pub(crate) events: u64,
    pub(crate) events_by_shard: &'a [u64],
    pub(crate) rows: u64,
    pub(crate) late: u64,
    pub(crate) elapsed_ns: i64,
    pub(crate) events_per_second: f64,
    /// Absent at `--rate max`, where no event is due at any moment.
    pub(crate) latency_ns: Option<LatencyReport>,
    pub(crate) input: Input<'a>,
    pub(crate) notes: &'a [String],
}

/// What was asked for, and what it came to.
#[derive(Debug, Serialize)]
pub(crate) struct Options<'a> {
    pub(crate) capture: &'a Path,
    pub(crate) format: &'static str,
    pub(crate) window_ns: i64,
    pub(crate) max_disorder_ns: i64,
    pub(crate) rate: String,
    pub(crate) threads: &'a str,
    /// What was asked to drive the shards, if they have threads of their own; `notes` says where it could not.
    pub(crate) driver: Option<&'static str>,
}

/// What was in the capture.
#[derive(Debug, Serialize)]
pub(crate) struct Input<'a> {
    pub(crate) messages: u64,
    pub(crate) messages_without_event: u64,
    pub(crate) decode_errors: u64,
    pub(crate) sequence_gaps: u64,
    pub(crate) messages_missing: u64,
    pub(crate) duplicates: u64,
    pub(crate) session_restarts: u64,
    pub(crate) unknown_order_references: u64,
    pub(crate) trade_breaks: u64,
    pub(crate) problems: &'a [String],
}

/// Latencies from the moment at which an event was due.
#[derive(Debug, Serialize)]
pub(crate) struct LatencyReport {
    pub(crate) due_to_effect: Option<Percentiles>,
    pub(crate) due_to_result: Option<Percentiles>,
}

/// Percentiles in ns.
#[derive(Debug, Serialize)]
pub(crate) struct Percentiles {
    count: u64,
    mean: f64,
    p50: u64,
    p90: u64,
    p99: u64,
    #[serde(rename = "p99.9")]
    p99_9: u64,
    #[serde(rename = "p99.99")]
    p99_99: u64,
    max: u64,
}

impl Percentiles {
    pub(crate) fn of(histogram: Option<&Histogram<u64>>) -> Option<Self> {
        let histogram = histogram.filter(|histogram| !histogram.is_empty())?;
        let [p50, p90, p99, p99_9, p99_99, max] =
            PERCENTILES.map(|(_, quantile)| histogram.value_at_quantile(quantile));
        let (count, mean) = (histogram.len(), histogram.mean());
        Some(Self { count, mean, p50, p90, p99, p99_9, p99_99, max })
    }
}

/// `report.json` of a SQL job.
#[derive(Debug, Serialize)]
pub(crate) struct SqlReport<'a> {
    pub(crate) tidewire: &'static str,
    pub(crate) commit: Option<String>,
    pub(crate) host: Host,
    pub(crate) job: &'a Path,
    pub(crate) rate: String,
    pub(crate) threads: &'a str,
    pub(crate) rows_read: u64,
    pub(crate) rows_written: u64,
    /// Of each query, in the order of the text.
    pub(crate) late: &'a [u64],
    /// What has come to live tables.
    pub(crate) live: BTreeMap<&'a str, u64>,
    /// Rows that were left out where they were read, by table and reason.
    pub(crate) left_out: BTreeMap<&'a str, u64>,
    /// What went wrong with tables and was got over.
    pub(crate) got_over: BTreeMap<&'a str, u64>,
    pub(crate) elapsed_ns: i64,
    /// Absent at `--rate max`.
    pub(crate) latency_ns: Option<LatencyReport>,
    pub(crate) notes: &'a [String],
}

/// Writes the files of a report of a replay.
///
/// # Errors
/// One of them can not be written.
pub(crate) fn write(
    folder: &Path,
    report: &Report<'_>,
    effect: Option<&Histogram<u64>>,
    result: Option<&Histogram<u64>>,
) -> Result<(), ReportError> {
    let title = format!("{}, {}", report.options.rate, report.options.threads);
    write_files(folder, report, &title, effect, result)
}

/// Writes the files of a report of a SQL job, with its plan in `plan.txt`.
///
/// # Errors
/// One of them can not be written.
pub(crate) fn write_sql(
    folder: &Path,
    report: &SqlReport<'_>,
    plan: &str,
    effect: Option<&Histogram<u64>>,
    result: Option<&Histogram<u64>>,
) -> Result<(), ReportError> {
    to_file(folder, "plan.txt", |out| out.write_all(plan.as_bytes()))?;
    write_files(folder, report, &format!("{}, {}", report.rate, report.threads), effect, result)
}

fn write_files(
    folder: &Path,
    report: &impl Serialize,
    title: &str,
    effect: Option<&Histogram<u64>>,
    result: Option<&Histogram<u64>>,
) -> Result<(), ReportError> {
    to_file(folder, "report.json", |out| {
        serde_json::to_writer_pretty(&mut *out, report)?;
        out.write_all(b"\n")
    })?;
    let named =
        [(Span::Effect, effect, "latency.hgrm"), (Span::Result, result, "latency-result.hgrm")];
    let mut curves = Vec::new();
    for (span, histogram, name) in named {
        if let Some(histogram) = histogram.filter(|histogram| !histogram.is_empty()) {
            to_file(folder, name, |out| hgrm::write(histogram, out))?;
            curves.push((span, histogram));
        }
    }
    if curves.is_empty() {
        return Ok(());
    }
    for name in ["latency.svg", "latency.png"] {
        let path = folder.join(name);
        plot::draw(&path, title, &curves)
            .map_err(|reason| ReportError::Plot { path: path.clone(), reason })?;
    }
    Ok(())
}

/// Makes the folder of a report.
///
/// # Errors
/// It can not be made.
pub(crate) fn create_folder(folder: &Path) -> Result<(), ReportError> {
    fs::create_dir_all(folder).map_err(|source| failed(folder, source))
}

fn failed(path: &Path, source: io::Error) -> ReportError {
    ReportError::Write { path: path.to_owned(), source }
}

fn to_file(
    folder: &Path,
    name: &str,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), ReportError> {
    let path = folder.join(name);
    let written = File::create(&path).and_then(|file| {
        let mut out = BufWriter::new(file);
        write(&mut out)?;
        out.flush()
    });
    written.map_err(|source| failed(&path, source))
}

type Log<'a> = IntervalLogWriter<'a, 'a, BufWriter<File>, V2DeflateSerializer>;

/// Follows a run: a progress bar, and the histograms of each second into `latency.hlog`.
pub(crate) struct Watcher<'a> {
    bar: Bar,
    seen: Option<Seen>,
    log: Option<Log<'a>>,
    started: SystemTime,
    /// What a user should know of the run.
    pub(crate) notes: Vec<String>,
}

/// What the log of a [`Watcher`] is written with.
pub(crate) struct LogFile {
    file: BufWriter<File>,
    serializer: V2DeflateSerializer,
}

impl LogFile {
    /// `latency.hlog` in `folder`.
    ///
    /// # Errors
    /// It can not be made.
    pub(crate) fn create(folder: &Path) -> Result<Self, ReportError> {
        let path = folder.join("latency.hlog");
        let file = File::create(&path).map_err(|source| failed(&path, source))?;
        Ok(Self { file: BufWriter::new(file), serializer: V2DeflateSerializer::new() })
    }
}

impl<'a> Watcher<'a> {
    pub(crate) fn new(log: Option<&'a mut LogFile>) -> Result<Self, ReportError> {
        let started = time_of_day();
        let begin = |log: &'a mut LogFile| {
            IntervalLogWriterBuilder::new()
                .add_comment("Tidewire: ns from the moment at which an event was due")
                .with_start_time(started)
                .with_base_time(started)
                .with_max_value_divisor(1e6)
                .begin_log_with(&mut log.file, &mut log.serializer)
        };
        let log = log.map(begin).transpose();
        let log = log.map_err(|source| failed(Path::new("latency.hlog"), source))?;
        Ok(Self { bar: Bar::new(), seen: None, log, started, notes: Vec::new() })
    }
}

impl Watcher<'_> {
    /// The same, which shows the counts of tables too.
    pub(crate) fn seeing(mut self, seen: &Seen) -> Self {
        self.seen = Some(seen.clone());
        self
    }
}

impl Observer for Watcher<'_> {
    fn note(&mut self, note: Note) {
        self.bar.note(&note);
        self.notes.push(note.to_string());
    }

    fn progress(&mut self, progress: &Progress) {
        self.bar.show(progress, self.seen.as_ref());
    }

    fn interval(&mut self, span: Span, start: i64, end: i64, latencies: &Histogram<u64>) {
        let Some(log) = &mut self.log else { return };
        let span_of = |ns: i64| Duration::from_nanos(ns.max(0) as u64);
        let from = self.started + span_of(start);
        let length = span_of(end.saturating_sub(start));
        let tag = Tag::new(match span {
            Span::Effect => "effect",
            Span::Result => "result",
        });
        let from = from.duration_since(self.started).unwrap_or_default();
        if let Err(error) = log.write_histogram(latencies, from, length, tag) {
            let incomplete = format!("latency.hlog is incomplete: {error:?}");
            self.bar.note(&incomplete);
            self.notes.push(incomplete);
            self.log = None;
        }
    }
}

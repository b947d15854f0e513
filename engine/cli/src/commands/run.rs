//! `tidewire run` and `tidewire explain`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tidewire::sql::{Done, Settings, SqlJob, SqlRunError};
use tidewire_runtime::{Options, Rate, Snapshots, Threads, Wait};
use tidewire_snapshot::{Job, Keep, crc32c};

use super::{CommandError, signals};
use crate::report::{self, LatencyReport, LogFile, PERCENTILES, Percentiles, SqlReport, Watcher};
use crate::store;
use crate::terminal::{grouped, nanoseconds, print, say};

/// Which job, and how it is run.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The job: a file of SQL statements.
    job: PathBuf,
    /// How many shards, each on a thread of its own; 0: source and shard on one thread.
    #[arg(long, value_name = "N")]
    shards: Option<usize>,
    /// What an idle thread does: spin, yield or park. By default it spins where there are cores to spare and no table has
    /// a client with threads of its own, and else parks.
    #[arg(long)]
    wait: Option<Wait>,
    /// A setting, which takes the place of what the job SETs.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
    /// Go on from the newest good snapshot of 'snapshot.store', or from the beginning where there is none yet.
    #[arg(long)]
    restore: bool,
    /// The pace: max, recorded, a factor of the recorded pace as 2x, or rows as 250000/s.
    #[arg(long)]
    rate: Option<Rate>,
    /// Write a report to this folder: the plan, the run as JSON, and latencies where rows are due at a time.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

/// Which job.
#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// The job: a file of SQL statements.
    job: PathBuf,
    /// A setting, which takes the place of what the job SETs.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a setting is written NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

pub(crate) fn explain(arguments: &ExplainArguments) -> Result<(), CommandError> {
    let (text, job) = read(&arguments.job, &arguments.set)?;
    let plan = job.explain().map_err(|error| wrong(&arguments.job, &text, error.into()))?;
    print(&plan)?;
    Ok(())
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let (text, job) = read(&arguments.job, &arguments.set)?;
    let said = |error: SqlRunError| wrong(&arguments.job, &text, error);
    for answer in job.answers().map_err(|error| said(error.into()))? {
        print(&answer)?;
    }
    if !job.has_work() {
        if arguments.report.is_some() || arguments.restore {
            say(&"the job runs nothing: it has no INSERT and no SELECT");
        }
        return Ok(());
    }
    let options = options(arguments, job.settings(), &text)?;
    let plan = job.explain().map_err(|error| said(error.into()))?;
    if let Some(folder) = &arguments.report {
        report::create_folder(folder)?;
    }
    let logged = arguments.report.as_deref().filter(|_| options.rate != Rate::Max);
    let mut log = logged.map(LogFile::create).transpose()?;
    let mut watcher = Watcher::new(log.as_mut())?.seeing(job.seen());
    match &options.snapshots {
        Some(snapshots) => signals::of_snapshots(snapshots)?,
        None => signals::of_live_tables(job.finish())?,
    }
    let done = match job.run(&options, &mut watcher) {
        Err(error) if error.is_closed_output() => return Ok(()),
        done => done.map_err(said)?,
    };
    let notes = std::mem::take(&mut watcher.notes);
    drop(watcher);
    say(&in_words(&done));
    if let Some(stopped) = signals::stopped(done.outcome.snapshots.as_ref()) {
        say(&stopped);
    }
    if let Some(folder) = &arguments.report {
        write_report(folder, arguments, &options, &plan, &done, &notes)?;
        say(&format!("report: {}", folder.display()));
    }
    Ok(())
}

fn read(path: &Path, set: &[(String, String)]) -> Result<(String, SqlJob), CommandError> {
    let text = fs::read_to_string(path)
        .map_err(|source| CommandError::Head { path: path.to_owned(), source })?;
    let settings: BTreeMap<_, _> = set.iter().cloned().collect();
    let job = SqlJob::read(&text, &settings).map_err(|error| wrong(path, &text, error))?;
    Ok((text, job))
}

/// An error, with its line of the text where it is of one.
fn wrong(path: &Path, text: &str, error: SqlRunError) -> CommandError {
    let file = path.display().to_string();
    match error {
        SqlRunError::Sql(error) => CommandError::Sql(error.with_text(&file, text)),
        SqlRunError::Fault { row, fault } => {
            let row =
                row.map_or_else(String::new, |(table, row)| format!(" (table {table}, row {row})"));
            let error = tidewire_sql::SqlError::new(fault.at, format!("{}{row}", fault.problem));
            CommandError::Sql(error.with_text(&file, text))
        }
        error => CommandError::SqlRun(error),
    }
}

fn options(
    arguments: &Arguments,
    settings: &Settings,
    text: &str,
) -> Result<Options, CommandError> {
    let default = Options::default();
    let threads = match arguments.shards.or(settings.shards) {
        None => default.threads,
        Some(0) => Threads::Inline,
        Some(shards) => Threads::Shards(shards),
    };
    Ok(Options {
        threads,
        wait: arguments.wait.or(settings.wait),
        rate: arguments.rate.or(settings.rate).unwrap_or(Rate::Max),
        state_bytes_max: settings.state_bytes.unwrap_or(default.state_bytes_max),
        when_full: settings.when_full.unwrap_or(default.when_full),
        snapshots: snapshots(arguments, settings, text)?,
        ..default
    })
}

fn snapshots(
    arguments: &Arguments,
    settings: &Settings,
    text: &str,
) -> Result<Option<Snapshots>, CommandError> {
    let Some(location) = &settings.store else {
        return if arguments.restore { Err(CommandError::NothingToRestore) } else { Ok(None) };
    };
    let store = Arc::from(store::open(location, settings.endpoint.as_deref())?);
    // A job goes on from its own snapshots: of the same statements, with the settings that its results depend on.
    let depends_on = format!("{text}\n{:?} {:?}", settings.zone, settings.row_bytes);
    let fingerprint = format!("sql {:08x} {}", crc32c(depends_on.as_bytes()), depends_on.len());
    let description = BTreeMap::from([("job".to_owned(), arguments.job.display().to_string())]);
    let mut snapshots = Snapshots::new(store, Job { fingerprint, description });
    snapshots.restore = arguments.restore;
    snapshots.every_ns = settings.interval_ns.unwrap_or(snapshots.every_ns);
    if let Some(keep) = settings.keep {
        snapshots.keep = Keep { newest: keep as usize };
    }
    if let Some(compression) = settings.compression {
        snapshots.compression = compression;
    }
    if let Some(scratch) = &settings.scratch {
        snapshots.scratch = scratch.into();
    }
    Ok(Some(snapshots))
}

/// The run in a few lines.
fn in_words(done: &Done) -> String {
    let Done { rows_read, rows_written, late, counts, skipped, troubles, outcome } = done;
    let seconds = outcome.elapsed_ns as f64 / 1e9;
    let rate = *rows_read as f64 / seconds.max(1e-9);
    let mut text = format!(
        "{} rows read in {seconds:.2} s ({} rows/s), {} written, {} late\n{}",
        grouped(rows_read),
        grouped(rate as u64),
        grouped(rows_written),
        grouped(late.iter().sum::<u64>()),
        outcome.threads,
    );
    for (what, count) in counts {
        text.push_str(&format!("\n{what}: {}", grouped(count)));
    }
    for (what, count) in skipped {
        text.push_str(&format!("\nleft out of {what}: {}", grouped(count)));
    }
    for (what, count) in troubles {
        text.push_str(&format!("\ngot over in {what}: {}", grouped(count)));
    }
    if outcome.refused > 0 {
        text.push_str(&format!(
            "\nrefused because the state was full: {}",
            grouped(outcome.refused)
        ));
    }
    if let Some(snapshots) = &outcome.snapshots {
        text.push_str(&format!(
            "\n{} snapshot(s), {} given up, {} bytes stored",
            grouped(snapshots.published),
            grouped(snapshots.given_up),
            grouped(snapshots.bytes),
        ));
        if let Some(epoch) = snapshots.restored {
            text.push_str(&format!(
                "\ngone on from epoch {epoch}; the counts above are of this run"
            ));
        }
    }
    let spans =
        [("due to effect", &outcome.effect_latency), ("due to result", &outcome.result_latency)];
    for (name, histogram) in spans {
        let Some(histogram) = histogram.as_ref().filter(|histogram| !histogram.is_empty()) else {
            continue;
        };
        let shown = PERCENTILES.map(|(name, quantile)| {
            format!("{name} {}", nanoseconds(histogram.value_at_quantile(quantile)))
        });
        text.push_str(&format!("\n{name}: {}", shown.join(", ")));
    }
    text
}

fn write_report(
    folder: &Path,
    arguments: &Arguments,
    options: &Options,
    plan: &str,
    done: &Done,
    notes: &[String],
) -> Result<(), CommandError> {
    let Done { rows_read, rows_written, late, counts, skipped, troubles, outcome } = done;
    let (effect, result) = (outcome.effect_latency.as_ref(), outcome.result_latency.as_ref());
    let latency = LatencyReport {
        due_to_effect: Percentiles::of(effect),
        due_to_result: Percentiles::of(result),
    };
    let report = SqlReport {
        tidewire: env!("CARGO_PKG_VERSION"),
        commit: report::commit(),
        host: report::Host::this(),
        job: &arguments.job,
        rate: options.rate.to_string(),
        threads: &outcome.threads,
        rows_read: *rows_read,
        rows_written: *rows_written,
        late,
        live: counts.iter().map(|(what, count)| (what.as_str(), *count)).collect(),
        left_out: skipped.iter().map(|(what, count)| (what.as_str(), *count)).collect(),
        got_over: troubles.iter().map(|(what, count)| (what.as_str(), *count)).collect(),
        elapsed_ns: outcome.elapsed_ns,
        latency_ns: (options.rate != Rate::Max).then_some(latency),
        notes,
    };
    report::write_sql(folder, &report, plan, effect, result)?;
    Ok(())
}

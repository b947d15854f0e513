//! What signals do to a run.
//!
//! 1. SIGINT and SIGTERM do the same: a run that takes snapshots stops behind a last one, to go on later; a job of live tables
//!    that takes none closes its windows and finishes; any other run ends at once.
//! 2. The second one ends the process at once, as a crash does.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::flag;
use tidewire::sql::Finish;
use tidewire_runtime::{SnapshotTotals, Snapshots};

use super::CommandError;

const ENDS: [i32; 2] = [SIGINT, SIGTERM];

/// Signals of a run that takes snapshots. SIGUSR1 asks for a savepoint.
pub(crate) fn of_snapshots(snapshots: &Snapshots) -> Result<(), CommandError> {
    flag::register(SIGUSR1, Arc::clone(&snapshots.savepoint)).map_err(CommandError::Signal)?;
    ENDS.into_iter().try_for_each(|signal| once(signal, &snapshots.stop))
}

/// Signals of a job that takes none: they end live tables, where it has some.
pub(crate) fn of_live_tables(finish: &Finish) -> Result<(), CommandError> {
    for signal in ENDS {
        flag::register_conditional_default(signal, Arc::clone(&finish.is_unheeded))
            .map_err(CommandError::Signal)?;
        once(signal, &finish.asked)?;
    }
    Ok(())
}

/// Sets `asked`, and ends the process where it is set already.
fn once(signal: i32, asked: &Arc<AtomicBool>) -> Result<(), CommandError> {
    flag::register_conditional_default(signal, Arc::clone(asked))
        .and_then(|_| flag::register(signal, Arc::clone(asked)))
        .map(|_| ())
        .map_err(CommandError::Signal)
}

/// What to say of a run that was stopped, with the command that goes on; `None` if it came to its end.
pub(crate) fn stopped(totals: Option<&SnapshotTotals>) -> Option<String> {
    let epoch = totals?.stopped?;
    let arguments = std::env::args_os().map(|it| it.to_string_lossy().into_owned());
    let command = going_on(arguments.collect());
    Some(format!(
        "stopped behind epoch {epoch}, with its windows open; it goes on with:\n  {command}"
    ))
}

/// A command that restores, as a shell reads it.
fn going_on(mut arguments: Vec<String>) -> String {
    const RESTORE: &str = "--restore";
    if !arguments.iter().any(|it| it == RESTORE) {
        arguments.push(RESTORE.to_owned());
    }
    let quoted = arguments.into_iter().map(|it| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
        match !it.is_empty() && it.chars().all(is_plain) {
            true => it,
            false => format!("'{}'", it.replace('\'', r"'\''")),
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::going_on;

    #[test]
    fn the_command_that_goes_on_can_be_pasted() {
        let command =
            |arguments: &[&str]| going_on(arguments.iter().map(|&it| it.into()).collect());
        assert_eq!(command(&["tidewire", "run", "job.sql"]), "tidewire run job.sql --restore");
        assert_eq!(
            command(&["tidewire", "run", "it's.sql", "--restore", "--set", "a=b c", ""]),
            r"tidewire run 'it'\''s.sql' --restore --set 'a=b c' ''"
        );
    }
}

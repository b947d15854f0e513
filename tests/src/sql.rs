//! Jobs in SQL.

use tidewire::runtime::{Options, Silent};
use tidewire::sql::{Done, SqlJob, SqlRunError};
use tidewire_connect::tables::{Columns, TableWriter};

/// Runs a job, with the rows that it shows where `shown` says. The engine is compiled here once for all tests.
///
/// # Errors
/// The job fails.
pub fn run(
    job: SqlJob,
    options: &Options,
    shown: &dyn Fn(&Columns) -> Box<dyn TableWriter>,
) -> Result<Done, SqlRunError> {
    job.run_shown(shown, options, &mut Silent)
}

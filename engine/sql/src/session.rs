//! What a job's expressions depend on beside their text.

use jiff::tz::TimeZone;

/// The settings of a job that its expressions depend on.
#[derive(Debug, Clone)]
pub struct Session {
    /// The zone in which moments are dates and times: `table.local-time-zone`.
    pub zone: TimeZone,
}

impl Default for Session {
    /// UTC.
    fn default() -> Self {
        Self { zone: TimeZone::UTC }
    }
}

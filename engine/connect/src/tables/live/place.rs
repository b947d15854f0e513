//! Where a live table stands, as a snapshot keeps it: `message 17 row 2`.

use std::fmt::{self, Display};
use std::str::FromStr;

/// A message, and how many of its rows have been given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) message: u64,
    pub(super) rows: u64,
}

impl Place {
    /// None of its rows.
    pub(super) fn before(message: u64) -> Self {
        Self { message, rows: 0 }
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message {} row {}", self.message, self.rows)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (message, rows) =
            text.strip_prefix("message ").and_then(|it| it.split_once(" row ")).ok_or(())?;
        let number = |text: &str| text.parse().map_err(|_| ());
        Ok(Self { message: number(message)?, rows: number(rows)? })
    }
}

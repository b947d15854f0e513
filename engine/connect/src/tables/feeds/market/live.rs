//! Rows of ITCH messages that come one by one, in order, from whoever receives them.

use tidewire_feeds::decode::DecodeError;
use tidewire_feeds::itch;
use tidewire_feeds::sequence::Event;

use super::super::cells::Used;
use super::super::input::Input;
use super::super::streams::Stream;
use super::itch::ItchRows;
use super::rows::{Head, Rows};
use super::{MISSING, counted, left_out_of_books};
use crate::market::SessionDate;
use crate::tables::{Read, TableError};

/// Turns messages into rows of a stream. What goes wrong is told when the next row is asked for.
pub(crate) struct LiveItch {
    itch: ItchRows,
    rows: Rows,
    used: Used,
    input: Input,
    failed: Option<TableError>,
}

impl LiveItch {
    pub(in crate::tables::feeds) fn new(
        stream: Stream,
        date: Option<SessionDate>,
        used: Used,
        input: Input,
    ) -> Self {
        let itch = ItchRows::new(stream, date, &used);
        Self { itch, rows: Rows::default(), used, input, failed: None }
    }

    /// A message: its number, when it was received, ns since the epoch, and its bytes.
    pub(crate) fn message(&mut self, sequence: u64, received: i64, bytes: &[u8]) {
        let Self { itch, rows, input, failed, .. } = self;
        let (ts_recv, sequence) = (Some(received), Some(sequence));
        let head = Head { offset: 0, ts_recv, sequence };
        let done = match itch::decode(bytes) {
            Ok(message) => itch.message(&message, head, rows, input),
            Err(error) => input.damaged(error),
        };
        if let Err(error) = done {
            failed.get_or_insert(error);
        }
    }

    /// What the numbers of the messages say.
    pub(crate) fn event(&mut self, event: Event) {
        match event {
            Event::Gap { expected, found } => {
                self.rows.has_gap = true;
                if let Err(error) = self.input.missing(MISSING, found - expected, None) {
                    self.failed.get_or_insert(error);
                }
            }
            Event::Restart { .. } => {
                self.rows.has_gap = false;
                self.itch.restart(&mut self.rows);
            }
            Event::InOrder | Event::Duplicate { .. } | Event::Reordered { .. } => {}
        }
    }

    /// What is no packet, or a cut one.
    pub(crate) fn damaged(&mut self, error: DecodeError) {
        if let Err(error) = self.input.damaged(error) {
            self.failed.get_or_insert(error);
        }
    }

    /// Writes the next row, if one waits.
    pub(crate) fn write_next(&mut self, row: &mut [u8]) -> Result<Option<Read>, TableError> {
        let written = self.rows.write_next(row, &self.used);
        match written.map_err(|problem| self.input.no_room(problem))? {
            Some(read) => Ok(Some(read)),
            None => self.failed.take().map_or(Ok(None), Err),
        }
    }

    /// What was left out, each with why and how often.
    pub(crate) fn skipped(&self) -> Vec<(String, u64)> {
        let mut skipped = self.input.skipped();
        skipped.extend(counted(left_out_of_books(self.itch.counters())));
        skipped
    }
}

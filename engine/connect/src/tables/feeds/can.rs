//! Frames of a CAN bus.

use std::path::Path;

use tidewire_feeds::can::{CanCapture, Captured};

use super::cells::{Cell, Used};
use super::input::{Input, fraction};
use super::streams::Col;
use crate::tables::{Read, TableError, TableReader};

/// Reads `frames`.
pub(super) struct CanReader {
    capture: CanCapture,
    used: Used,
    input: Input,
}

impl CanReader {
    pub(super) fn open(path: &Path, used: Used, input: Input) -> Result<Self, TableError> {
        let capture = CanCapture::open(path).map_err(|error| input.unreadable(error))?;
        Ok(Self { capture, used, input })
    }
}

fn cell<'a>(frame: &'a Captured<'_>, col: Col) -> Cell<'a> {
    let Captured { ts_ns, interface, frame, .. } = frame;
    match col {
        Col::TsEvent | Col::TsRecv => Cell::Int(*ts_ns),
        Col::Interface => interface.map_or(Cell::Null, |name| Cell::Text(name.as_bytes())),
        Col::CanId => Cell::Int(frame.id.into()),
        Col::IsExtended => Cell::Bool(frame.is_extended),
        Col::IsError => Cell::Bool(frame.is_error),
        Col::IsRemote => Cell::Bool(frame.is_remote),
        Col::Dlc => Cell::Int(frame.length.into()),
        Col::Data => Cell::Text(frame.data()),
        _ => Cell::Null,
    }
}

impl TableReader for CanReader {
    fn read(&mut self, row: &mut [u8]) -> Result<Read, TableError> {
        loop {
            match self.capture.next() {
                Ok(Some(frame)) => {
                    let written = self.used.write(row, |col| cell(&frame, col));
                    let received = Some(frame.ts_ns);
                    written.map_err(|problem| self.input.no_room(problem))?;
                    return Ok(Read::Row { received, partition: 0 });
                }
                Ok(None) => return Ok(Read::End),
                Err(error) => self.input.failed(error)?,
            }
        }
    }

    fn fraction_read(&self) -> Option<f64> {
        fraction(self.capture.bytes_read(), self.capture.bytes_total())
    }

    fn skipped(&self) -> Vec<(String, u64)> {
        self.input.skipped()
    }
}

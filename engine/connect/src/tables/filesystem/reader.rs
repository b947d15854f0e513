//! The reader of files: one after the other, each as its format says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::{Read, TableError, TableReader};
use super::files::InputFile;

/// Reads files of one format.
pub(super) trait Format: Send {
    /// Begins the next file; bytes read of it are added to `bytes`.
    fn begin(&mut self, file: &InputFile, bytes: &Arc<AtomicU64>) -> Result<(), TableError>;

    /// Writes the next row of the file; false at its end.
    fn read(&mut self, row: &mut [u8]) -> Result<bool, TableError>;

    /// See [`TableReader::skipped`].
    fn skipped(&self) -> Vec<(String, u64)>;
}

/// Reads the files of a table.
pub(super) struct Files<F> {
    format: F,
    left: std::vec::IntoIter<InputFile>,
    is_open: bool,
    bytes: Arc<AtomicU64>,
    bytes_total: u64,
}

impl<F: Format> Files<F> {
    pub(super) fn new(files: Vec<InputFile>, format: F) -> Self {
        let bytes_total = files.iter().map(|file| file.size).sum();
        let left = files.into_iter();
        Self { format, left, is_open: false, bytes: Arc::default(), bytes_total }
    }
}

impl<F: Format> TableReader for Files<F> {
    fn read(&mut self, row: &mut [u8]) -> Result<Read, TableError> {
        loop {
            if self.is_open && self.format.read(row)? {
                return Ok(Read::Row { received: None, partition: 0 });
            }
            self.is_open = false;
            let Some(file) = self.left.next() else { return Ok(Read::End) };
            self.format.begin(&file, &self.bytes)?;
            self.is_open = true;
        }
    }

    fn fraction_read(&self) -> Option<f64> {
        let read = self.bytes.load(Ordering::Relaxed);
        (self.bytes_total > 0).then(|| (read as f64 / self.bytes_total as f64).min(1.0))
    }

    fn skipped(&self) -> Vec<(String, u64)> {
        self.format.skipped()
    }
}

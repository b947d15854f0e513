//! Where rows go: one file, or a folder of parts.

use std::path::Path;

use super::parts::{PartsAccount, RowParts};
use super::writer::{Field, RowError, RowWriter};

/// A file that appears at the end, or parts that appear as they are committed.
pub enum RowOutput {
    /// A file; none once it is finished.
    File(Option<RowWriter>),
    /// A folder.
    Parts(RowParts),
}

impl RowOutput {
    /// Rows with these columns in a file.
    ///
    /// # Errors
    /// See [`RowWriter::create`].
    pub fn file(path: &Path, columns: &'static [&'static str]) -> Result<Self, RowError> {
        Ok(Self::File(Some(RowWriter::create(path, columns)?)))
    }

    /// Rows with these columns in a folder of parts.
    ///
    /// # Errors
    /// See [`RowParts::open`].
    pub fn parts(folder: &Path, columns: &'static [&'static str]) -> Result<Self, RowError> {
        Ok(Self::Parts(RowParts::open(folder, columns)?))
    }

    /// Writes a row.
    ///
    /// # Errors
    /// The file can not be written.
    pub fn row(&mut self, fields: &[Field<'_>]) -> Result<(), RowError> {
        match self {
            Self::File(file) => file.as_mut().map_or(Ok(()), |file| file.row(fields)),
            Self::Parts(parts) => parts.row(fields),
        }
    }

    /// Gives a file its name. Parts have theirs when they are committed.
    ///
    /// # Errors
    /// It can not be written.
    pub fn finish(&mut self) -> Result<(), RowError> {
        match self {
            Self::File(file) => file.take().map_or(Ok(()), RowWriter::finish),
            Self::Parts(_) => Ok(()),
        }
    }

    /// See [`RowParts::prepare`]; `None` for a file, which can not be part of a snapshot.
    ///
    /// # Errors
    /// It can not be written.
    pub fn prepare(&mut self, epoch: u64, is_last: bool) -> Result<Option<PartsAccount>, RowError> {
        match self {
            Self::File(_) => Ok(None),
            Self::Parts(parts) => parts.prepare(epoch, is_last).map(Some),
        }
    }

    /// See [`RowParts::commit`].
    ///
    /// # Errors
    /// Parts can not be renamed.
    pub fn commit(&mut self, epoch: u64) -> Result<(), RowError> {
        match self {
            Self::File(_) => Ok(()),
            Self::Parts(parts) => parts.commit(epoch),
        }
    }

    /// See [`RowParts::begin`] and [`RowParts::restore`].
    ///
    /// # Errors
    /// The folder is not as it should be.
    pub fn begin(
        &mut self,
        is_restored: bool,
        account: Option<&PartsAccount>,
    ) -> Result<(), RowError> {
        match self {
            Self::File(_) => Ok(()),
            Self::Parts(parts) if is_restored => parts.restore(account),
            Self::Parts(parts) => parts.begin(),
        }
    }
}

//! Rows in a folder of parts: each appears whole, when the snapshot that it belongs to is durable.
//!
//! 1. Parts are numbered from 1 in the order of their rows; the parts in the order of their names are the whole output.
//! 2. A part is written under another name, sealed when an epoch is prepared, and gets its name when that is committed.
//! 3. What a snapshot knows is the number of the next part, and the sealed ones that may not have their names yet.
//! 4. A restore gives these their names, and removes every part that is not older: it is going to be written again.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rkyv::{Archive, Deserialize, Serialize};

use super::new_file::SealedFile;
use super::writer::{Field, RowError, RowFormat, RowWriter};

/// What a part is written with.
pub trait Part: Sized {
    /// Writes what is buffered to the disk; the file gets its name later.
    ///
    /// # Errors
    /// The file can not be written.
    fn seal(self) -> Result<SealedFile, RowError>;
}

impl Part for RowWriter {
    fn seal(self) -> Result<SealedFile, RowError> {
        Self::seal(self)
    }
}

/// A folder of parts, each written with a `W`.
pub struct Parts<W> {
    folder: PathBuf,
    extension: String,
    next: u64,
    current: Option<W>,
    /// With the epochs that they were prepared for, oldest first.
    sealed: VecDeque<(u64, SealedFile)>,
}

/// A folder of parts that are rows of text.
pub struct RowParts {
    parts: Parts<RowWriter>,
    format: RowFormat,
    columns: &'static [&'static str],
}

/// What a snapshot knows of a folder of parts.
#[derive(Debug, Clone, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct PartsAccount {
    next: u64,
    /// Final and present names, within the folder.
    sealed: Vec<(String, String)>,
}

const PREFIX: &str = "part-";

impl RowParts {
    /// Parts of rows with these columns in `folder`, which is made if it is not there. Its name says the format, and CSV
    /// it is if that says nothing. To go on from a snapshot call [`restore`](RowParts::restore) first, else
    /// [`begin`](RowParts::begin).
    ///
    /// # Errors
    /// The folder can not be made.
    pub fn open(folder: &Path, columns: &'static [&'static str]) -> Result<Self, RowError> {
        let format = RowFormat::of(folder).unwrap_or(RowFormat::Csv);
        Ok(Self { parts: Parts::open(folder, format.extension())?, format, columns })
    }

    /// See [`Parts::begin`].
    ///
    /// # Errors
    /// The folder holds parts already, or can not be read.
    pub fn begin(&self) -> Result<(), RowError> {
        self.parts.begin()
    }

    /// See [`Parts::restore`].
    ///
    /// # Errors
    /// The folder can not be read or changed; or there is no snapshot, and there are committed parts.
    pub fn restore(&mut self, account: Option<&PartsAccount>) -> Result<(), RowError> {
        self.parts.restore(account)
    }

    /// Writes a row: a field for each column.
    ///
    /// # Errors
    /// The file can not be written.
    pub fn row(&mut self, fields: &[Field<'_>]) -> Result<(), RowError> {
        self.current()?.row(fields)
    }

    fn current(&mut self) -> Result<&mut RowWriter, RowError> {
        let Self { parts, format, columns } = self;
        parts.current(|path, is_first| RowWriter::create_part(path, columns, *format, is_first))
    }

    /// See [`Parts::prepare`]. `is_last`: there is a first part then, with the header, if there was no row at all.
    ///
    /// # Errors
    /// The file can not be written.
    pub fn prepare(&mut self, epoch: u64, is_last: bool) -> Result<PartsAccount, RowError> {
        if is_last && self.parts.is_empty() {
            self.current()?;
        }
        self.parts.prepare(epoch)
    }

    /// See [`Parts::commit`].
    ///
    /// # Errors
    /// They can not be renamed.
    pub fn commit(&mut self, epoch: u64) -> Result<(), RowError> {
        self.parts.commit(epoch)
    }
}

impl<W: Part> Parts<W> {
    /// Parts in `folder`, which is made if it is not there, whose names end in `.` and `extension`. To go on from a
    /// snapshot call [`restore`](Parts::restore) first, else [`begin`](Parts::begin).
    ///
    /// # Errors
    /// The folder can not be made.
    pub fn open(folder: &Path, extension: &str) -> Result<Self, RowError> {
        fs::create_dir_all(folder)
            .map_err(|source| RowError::Write { path: folder.to_owned(), source })?;
        Ok(Self {
            folder: folder.to_owned(),
            extension: extension.to_owned(),
            next: 1,
            current: None,
            sealed: VecDeque::new(),
        })
    }

    /// Whether no part was begun.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.next == 1
    }

    /// Begins with the first part.
    ///
    /// # Errors
    /// The folder holds parts already, or can not be read.
    pub fn begin(&self) -> Result<(), RowError> {
        match self.parts()?.is_empty() {
            true => Ok(()),
            false => Err(RowError::NotEmpty { folder: self.folder.clone() }),
        }
    }

    /// Goes on from what a snapshot knows, or from the beginning.
    ///
    /// # Errors
    /// The folder can not be read or changed; or there is no snapshot, and there are committed parts.
    pub fn restore(&mut self, account: Option<&PartsAccount>) -> Result<(), RowError> {
        let mut parts = self.parts()?;
        match account {
            Some(account) => {
                self.next = account.next;
                for (name, unfinished) in &account.sealed {
                    let file = SealedFile {
                        path: self.folder.join(name),
                        unfinished: self.folder.join(unfinished),
                    };
                    file.publish()
                        .map_err(|source| RowError::Write { path: file.path.clone(), source })?;
                }
            }
            None if parts.iter().any(|part| part.is_committed) => {
                return Err(RowError::WithoutSnapshot { folder: self.folder.clone() });
            }
            None => self.next = 1,
        }
        // From the last one on: whoever looks meanwhile sees the begin of the output.
        parts.sort_by_key(|part| std::cmp::Reverse(part.number));
        for Found { number, path, .. } in parts {
            if number >= self.next {
                fs::remove_file(&path).map_err(|source| RowError::Write { path, source })?;
            }
        }
        self.sync()
    }

    /// The part at hand, which `create` makes at a path if there is none; it is told whether that is the first.
    ///
    /// # Errors
    /// Those of `create`.
    pub fn current(
        &mut self,
        create: impl FnOnce(&Path, bool) -> Result<W, RowError>,
    ) -> Result<&mut W, RowError> {
        let part = match self.current.take() {
            Some(part) => part,
            None => {
                let path = self.folder.join(format!("{PREFIX}{:08}.{}", self.next, self.extension));
                let is_first = self.is_empty();
                self.next += 1;
                create(&path, is_first)?
            }
        };
        Ok(self.current.insert(part))
    }

    /// Seals the part at hand for `epoch`, and gives the account of the folder.
    ///
    /// # Errors
    /// The file can not be written.
    pub fn prepare(&mut self, epoch: u64) -> Result<PartsAccount, RowError> {
        if let Some(writer) = self.current.take() {
            self.sealed.push_back((epoch, writer.seal()?));
            self.sync()?;
        }
        let name = |path: &Path| {
            path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
        };
        let names = |(_, file): &(u64, SealedFile)| (name(&file.path), name(&file.unfinished));
        Ok(PartsAccount { next: self.next, sealed: self.sealed.iter().map(names).collect() })
    }

    /// Gives the parts of `epoch`, and of those before it, their names.
    ///
    /// # Errors
    /// They can not be renamed.
    pub fn commit(&mut self, epoch: u64) -> Result<(), RowError> {
        while let Some((_, file)) = self.sealed.front().filter(|(of, _)| *of <= epoch) {
            file.publish().map_err(|source| RowError::Write { path: file.path.clone(), source })?;
            self.sealed.pop_front();
        }
        self.sync()
    }

    /// Puts the folder itself on the disk.
    fn sync(&self) -> Result<(), RowError> {
        let synced = fs::File::open(&self.folder).and_then(|folder| folder.sync_all());
        synced.map_err(|source| RowError::Write { path: self.folder.clone(), source })
    }

    /// The parts that are there. Other files are nobody's business here.
    fn parts(&self) -> Result<Vec<Found>, RowError> {
        let failed = |source: io::Error| RowError::Write { path: self.folder.clone(), source };
        let mut parts = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            let Some(rest) = name.as_deref().and_then(|name| name.strip_prefix(PREFIX)) else {
                continue;
            };
            let Some((number, rest)) = rest.split_once('.') else { continue };
            let is_committed = rest == self.extension;
            if let Ok(number) = number.parse()
                && (is_committed || rest.ends_with(".unfinished"))
            {
                parts.push(Found { number, path, is_committed });
            }
        }
        Ok(parts)
    }
}

struct Found {
    number: u64,
    path: PathBuf,
    is_committed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(parts: &mut RowParts, text: &str) {
        parts.row(&[Field::Text(text)]).unwrap();
    }

    fn content(folder: &Path) -> String {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        let committed = names.iter().filter(|path| path.extension().is_some_and(|it| it == "csv"));
        committed.map(|path| fs::read_to_string(path).unwrap()).collect()
    }

    fn open(folder: &Path) -> RowParts {
        RowParts::open(folder, &["a"]).unwrap()
    }

    #[test]
    fn parts_appear_when_they_are_committed() {
        let folder = tempfile::tempdir().unwrap();
        let mut parts = open(folder.path());
        parts.begin().unwrap();
        row(&mut parts, "1");
        parts.prepare(1, false).unwrap();
        row(&mut parts, "2");
        assert_eq!(content(folder.path()), "");
        parts.commit(1).unwrap();
        assert_eq!(content(folder.path()), "a\n1\n");
        // Given up.
        parts.prepare(2, false).unwrap();
        row(&mut parts, "3");
        parts.prepare(3, true).unwrap();
        parts.commit(3).unwrap();
        assert_eq!(content(folder.path()), "a\n1\n2\n3\n");
        assert!(matches!(open(folder.path()).begin(), Err(RowError::NotEmpty { .. })));
        assert!(open(folder.path()).restore(None).is_err());
    }

    #[test]
    fn a_restore_goes_on_behind_the_account_wherever_the_crash_came() {
        for crash in 0..3 {
            let folder = tempfile::tempdir().unwrap();
            let mut parts = open(folder.path());
            row(&mut parts, "1");
            let account = parts.prepare(1, false).unwrap();
            if crash > 0 {
                parts.commit(1).unwrap();
                row(&mut parts, "not again");
            }
            if crash > 1 {
                parts.prepare(2, false).unwrap();
                parts.commit(2).unwrap();
            }
            std::mem::forget(parts);
            let mut parts = open(folder.path());
            parts.restore(Some(&account)).unwrap();
            assert_eq!(content(folder.path()), "a\n1\n", "{crash}");
            row(&mut parts, "2");
            parts.prepare(2, true).unwrap();
            parts.commit(2).unwrap();
            assert_eq!(content(folder.path()), "a\n1\n2\n", "{crash}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "{crash}");
        }
    }

    #[test]
    fn an_empty_output_has_its_header() {
        let folder = tempfile::tempdir().unwrap();
        let mut parts = open(folder.path());
        parts.prepare(1, true).unwrap();
        parts.commit(1).unwrap();
        assert_eq!(content(folder.path()), "a\n");
    }
}

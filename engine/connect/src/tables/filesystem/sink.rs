//! Where the rows of a table go: one file that appears whole at the end, or a folder of parts, each of which appears when
//! the snapshot that it belongs to is durable.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rkyv::rancor;
use tidewire_event::sink::LAST_EPOCH;

use super::super::{TableError, TableWriter};
use crate::rows::{NewFile, Part, Parts, PartsAccount, RowError, SealedFile};

/// A format in which rows are written.
pub(super) trait RowFormat: Send {
    /// A file that is being written.
    type File: RowFile;

    /// Begins a file.
    fn begin(&self, file: File) -> io::Result<Self::File>;

    /// Writes a row.
    fn row(&mut self, file: &mut Self::File, row: &[u8]) -> io::Result<()>;
}

/// A file of rows.
pub(super) trait RowFile: Send {
    /// Writes what is buffered, and gives the file back.
    fn end(self) -> io::Result<File>;
}

/// Writes a table to files.
pub(super) struct FileSink<F: RowFormat> {
    path: PathBuf,
    format: F,
    target: Target<F::File>,
}

enum Target<W> {
    /// One file; none once it is finished.
    File(Option<Open<W>>),
    Folder {
        parts: Parts<Open<W>>,
        /// Whether it is known that the folder is as it should be.
        has_begun: bool,
        /// Whether it is part of snapshots: what is not prepared is not to be seen.
        is_kept: bool,
    },
}

/// A file that is open.
struct Open<W> {
    name: NewFile,
    rows: W,
}

impl<W: RowFile> Part for Open<W> {
    fn seal(self) -> Result<SealedFile, RowError> {
        let path = self.name.path().to_owned();
        let sealed = self.rows.end().and_then(|file| self.name.seal(&file));
        sealed.map_err(|source| RowError::Write { path, source })
    }
}

/// Whether `path` names one file and not a folder: it ends in a suffix of a format.
pub(super) fn is_file(path: &str) -> bool {
    let plain = [".gz", ".gzip", ".zst", ".zstd"].iter().find_map(|it| path.strip_suffix(it));
    let extension = Path::new(plain.unwrap_or(path)).extension().and_then(|it| it.to_str());
    let is_of_format = matches!(
        extension,
        Some("csv" | "tsv" | "txt" | "json" | "jsonl" | "ndjson" | "parquet" | "pq")
    );
    is_of_format && !path.ends_with('/') && !Path::new(path).is_dir()
}

fn failed(path: &Path, problem: impl ToString) -> TableError {
    TableError::Output { place: path.display().to_string(), problem: problem.to_string() }
}

impl<F: RowFormat> FileSink<F> {
    /// Writes to the file or folder at `path`; parts of a folder end in `extension`.
    pub(super) fn new(path: &str, extension: &str, format: F) -> Result<Self, TableError> {
        let is_file = is_file(path);
        let path = PathBuf::from(path.strip_prefix("file://").unwrap_or(path));
        let target = if is_file {
            let opened = || {
                if let Some(folder) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
                    fs::create_dir_all(folder)?;
                }
                let (name, file) = NewFile::create(&path)?;
                Ok(Open { name, rows: format.begin(file)? })
            };
            Target::File(Some(opened().map_err(|error: io::Error| failed(&path, error))?))
        } else {
            let parts = Parts::open(&path, extension).map_err(|error| failed(&path, error))?;
            Target::Folder { parts, has_begun: false, is_kept: false }
        };
        Ok(Self { path, format, target })
    }

    /// Does what concerns a folder of parts, after it is known that it holds none of another job.
    fn with_parts<T>(
        &mut self,
        act: impl FnOnce(&F, &mut Parts<Open<F::File>>) -> Result<T, RowError>,
    ) -> Result<Option<T>, TableError> {
        let Target::Folder { parts, has_begun, .. } = &mut self.target else { return Ok(None) };
        let begun = if *has_begun { Ok(()) } else { parts.begin() };
        *has_begun = true;
        let done = begun.and_then(|()| act(&self.format, parts));
        done.map(Some).map_err(|error| failed(&self.path, error))
    }
}

fn create<F: RowFormat>(format: &F, path: &Path) -> Result<Open<F::File>, RowError> {
    let created = NewFile::create_alone(path)
        .and_then(|(name, file)| Ok(Open { name, rows: format.begin(file)? }));
    created.map_err(|source| RowError::Write { path: path.to_owned(), source })
}

impl<F: RowFormat> TableWriter for FileSink<F> {
    fn row(&mut self, row: &[u8]) -> Result<(), TableError> {
        let Self { path, format, target } = self;
        let open = match target {
            Target::File(None) => return Err(failed(path, "a row after the end of the output")),
            Target::File(Some(file)) => file,
            Target::Folder { parts, has_begun, .. } => {
                let begun = if *has_begun { Ok(()) } else { parts.begin() };
                *has_begun = true;
                let part = begun.and_then(|()| parts.current(|path, _| create(format, path)));
                part.map_err(|error| failed(path, error))?
            }
        };
        format.row(&mut open.rows, row).map_err(|error| failed(path, error))
    }

    fn prepare(&mut self, epoch: u64) -> Result<Option<Vec<u8>>, TableError> {
        if let Target::Folder { is_kept, .. } = &mut self.target {
            *is_kept = true;
        }
        self.with_parts(|format, parts| {
            if epoch == LAST_EPOCH && parts.is_empty() {
                parts.current(|path, _| create(format, path))?;
            }
            let account = parts.prepare(epoch)?;
            let bytes = rkyv::to_bytes::<rancor::Error>(&account);
            Ok(bytes.map_err(|_| RowError::Account)?.into_vec())
        })
    }

    fn commit(&mut self, epoch: u64) -> Result<(), TableError> {
        self.with_parts(|_, parts| parts.commit(epoch)).map(|_| ())
    }

    fn restore(&mut self, prepared: &[u8]) -> Result<(), TableError> {
        match &mut self.target {
            Target::File(_) if prepared.is_empty() => Ok(()),
            Target::File(_) => Err(failed(&self.path, RowError::Account)),
            Target::Folder { parts, has_begun, is_kept } => {
                (*has_begun, *is_kept) = (true, true);
                let account = match prepared {
                    [] => Ok(None),
                    bytes => rkyv::from_bytes::<PartsAccount, rancor::Error>(bytes).map(Some),
                };
                let account = account.map_err(|_| RowError::Account);
                let restored = account.and_then(|account| parts.restore(account.as_ref()));
                restored.map_err(|error| failed(&self.path, error))
            }
        }
    }

    fn finish(&mut self) -> Result<(), TableError> {
        match &mut self.target {
            Target::File(file) => {
                let Some(Open { name, rows }) = file.take() else { return Ok(()) };
                let finished = rows.end().and_then(|file| name.finish(&file));
                finished.map_err(|error| failed(&self.path, error))
            }
            Target::Folder { is_kept: true, .. } => Ok(()),
            Target::Folder { .. } => {
                self.prepare(LAST_EPOCH)?;
                self.commit(LAST_EPOCH)
            }
        }
    }
}
